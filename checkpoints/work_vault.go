package checkpoints

import (
	"context"
	"slices"
	"strconv"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// workOf finds a vault whose answer was lost: it is new among those of its name, is what was asked for, and nobody else
// has created it.
func (v VaultCreate) workOf(c *Client) *transport.Work {
	return &transport.Work{
		Resource: "the vault of the name " + transport.Plain(v.Name),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			vaults, err := drkit.Collect(c.Vaults.List(ctx, VaultQuery{Name: v.Name}))
			var jobs []transport.Job
			for _, vault := range vaults {
				if vault.Name == v.Name {
					jobs = append(jobs, transport.Job{
						ID: vault.ID, Started: vault.CreatedAt.Time, Ended: true, Veto: v.differs(vault, c.userID()),
					})
				}
			}
			return jobs, err
		},
		State: nothingElse, Settle: v.settle,
	}
}

// settle is the verdict where no new vault is to be seen. One that is paid ahead is not there before somebody has paid.
func (v VaultCreate) settle(before, after transport.State) transport.Verdict {
	if v.Billing.ChargingMode.Or("") == ChargingModePrePaid {
		return transport.Unclear
	}
	return asTheListsSay(before, after)
}

// differs says why a vault cannot be the one that was asked for; empty if it may be.
func (v VaultCreate) differs(made Vault, user string) string {
	switch {
	case user != "" && made.UserID != "" && made.UserID != user:
		return "created by the user " + transport.Plain(made.UserID)
	case made.Billing.ObjectType != v.Billing.ObjectType || made.Billing.ProtectType != v.Billing.ProtectType:
		return "for other resources"
	case made.Billing.Size != v.Billing.Size:
		return "of " + strconv.Itoa(made.Billing.Size) + " GB"
	case made.Description != v.Description.Or(""):
		return "described as " + transport.Plain(made.Description)
	case (made.Billing.ChargingMode == ChargingModePrePaid) != (v.Billing.ChargingMode.Or("") == ChargingModePrePaid):
		return "paid in another way"
	case !v.AutoBind.Or(false) && slices.ContainsFunc(made.Resources, v.lacks):
		return "with other resources"
	default:
		return ""
	}
}

// lacks reports whether a resource is none that was asked for.
func (v VaultCreate) lacks(there VaultResource) bool {
	return !slices.ContainsFunc(v.Resources, func(r Resource) bool { return r.ID == there.ID })
}

// userID is who has signed in; empty where that is not known, or where somebody else's agency acts.
func (c *Client) userID() string {
	if _, own := c.credentials.(passwordLogin); !own {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.User.ID
}

// migration finds out whether resources have moved to another vault: by where they are.
func (v *Vaults) migration(from, to string, resources []string) *transport.Work {
	count := func(ctx context.Context, id string) (int, error) {
		vault, err := v.Get(ctx, id)
		return (&changingVault{resources: resources}).lists(vault), err
	}
	state := func(ctx context.Context) (transport.State, error) {
		here, err := count(ctx, from)
		if err != nil {
			return nil, err
		}
		there, err := count(ctx, to)
		return transport.State{"source": strconv.Itoa(here), "destination": strconv.Itoa(there)}, err
	}
	return &transport.Work{
		Resource: "resources of vault " + transport.Plain(from),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			now, err := state(ctx)
			if err != nil || now["source"] != "0" || now["destination"] != strconv.Itoa(len(resources)) {
				return nil, err
			}
			return []transport.Job{{ID: "the resources in vault " + to, Ended: true}}, nil
		},
		State: state, Settle: asTheListsSay,
	}
}
