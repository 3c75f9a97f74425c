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
		State: nothingElse, Settle: asTheListsSay,
	}
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
	default:
		return ""
	}
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

// workOf finds a policy whose answer was lost: it is new among those of its name, and does what was asked for.
func (p PolicyCreate) workOf(c *Client) *transport.Work {
	return &transport.Work{
		Resource: "the policy of the name " + transport.Plain(p.Name),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			policies, err := c.Policies.List(ctx, PolicyQuery{})
			var jobs []transport.Job
			for _, policy := range policies {
				if policy.Name == p.Name {
					jobs = append(jobs, transport.Job{ID: policy.ID, Ended: true, Veto: p.differs(policy)})
				}
			}
			return jobs, err
		},
		State: nothingElse, Settle: asTheListsSay,
	}
}

func (p PolicyCreate) differs(made Policy) string {
	switch {
	case made.OperationType != p.OperationType:
		return "for another operation"
	case made.Enabled != p.Enabled.Or(true):
		return "switched on or off otherwise"
	case !slices.Equal(made.Trigger.Properties.Pattern, p.Trigger.Properties.Pattern):
		return "for other times"
	default:
		return ""
	}
}

// createdPolicy is a policy that was created.
type createdPolicy struct {
	client *Client
	id     string
	made   *Policy // as the answer has it
}

func (p *createdPolicy) name() string { return "policy " + transport.Plain(p.id) }

func (p *createdPolicy) subject(context.Context) (subject, error) { return subject{ID: p.id}, nil }

func (p *createdPolicy) see(ctx context.Context) (drkit.Look[Policy], error) {
	look := drkit.Look[Policy]{Progress: progressOf(TaskStatusSuccess, 100), Done: true}
	if p.made != nil {
		look.Result = *p.made
		return look, nil
	}
	var err error
	look.Result, err = p.client.Policies.Get(ctx, p.id)
	return look, err
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
