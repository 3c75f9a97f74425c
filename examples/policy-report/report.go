package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// section is a policy and the organizations that have it.
type section struct {
	Policy        vcav.Policy    `json:"policy"`
	Organizations []organization `json:"organizations"`
	Gap           string         `json:"gap,omitempty"` // why the organizations are not known
}

// organization is how an organization keeps to its policy.
type organization struct {
	vcav.PolicyStatus
	Violations []string `json:"violations"` // in words
}

// atOnce is how many policies are asked for at the same time.
const atOnce = 4

// report prints what it could find out, also where that has gaps.
func report(ctx context.Context, client *vcav.Client, chosen settings, out io.Writer) error {
	policies, err := choose(ctx, client, chosen.policies)
	if err != nil {
		return err
	}
	outcomes, gaps := drkit.ForEach(ctx, policies, atOnce, func(ctx context.Context, policy vcav.Policy) (section, error) {
		return compliance(ctx, client, policy)
	})
	var refused *drkit.Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(gaps, &refused) && errors.Is(refused, drkit.ErrForbidden): // once is enough
		return fmt.Errorf("only administrators may ask for compliance: %w", refused)
	}
	sections, violated := make([]section, 0, len(outcomes)), false
	for _, outcome := range outcomes {
		sections = append(sections, outcome.Result)
		violated = violated || slices.ContainsFunc(outcome.Result.Organizations, organization.violates)
	}
	if err := printer(chosen.format)(out, sections); err != nil {
		return err
	}
	if gaps == nil && violated && chosen.failOnViolation {
		return errViolated
	}
	return gaps
}

// choose returns the policies with these names or ids, or all of them.
func choose(ctx context.Context, client *vcav.Client, wanted []string) ([]vcav.Policy, error) {
	all, err := client.Policies.List(ctx)
	if err != nil || len(wanted) == 0 {
		return all, err
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(all, func(p vcav.Policy) bool { return goesBy(p, name) }) {
			return nil, fmt.Errorf("policy %q: %w", name, drkit.ErrNotFound)
		}
	}
	return slices.DeleteFunc(all, func(p vcav.Policy) bool {
		return !slices.ContainsFunc(wanted, func(name string) bool { return goesBy(p, name) })
	}), nil
}

func goesBy(policy vcav.Policy, name string) bool {
	return policy.DisplayName == name || policy.ID == name
}

// compliance asks how the organizations of a policy keep to it. A section with a gap comes with the error.
func compliance(ctx context.Context, client *vcav.Client, policy vcav.Policy) (section, error) {
	found := section{Policy: policy, Organizations: []organization{}}
	status, err := client.Policies.Status(ctx, policy.ID)
	if err != nil {
		found.Gap = err.Error()
		return found, err
	}
	for _, status := range status {
		replications, err := offenders(ctx, client, status)
		if err != nil {
			found.Gap = err.Error()
			return found, err
		}
		found.Organizations = append(found.Organizations, organization{status, violations(policy, status, replications)})
	}
	return found, nil
}

// offenders returns the replications that a status complains of, by id. The status has no more than ids,
// and people know machines by their names.
func offenders(ctx context.Context, client *vcav.Client, status vcav.PolicyStatus) (map[string]vcav.VMReplication, error) {
	named := slices.Concat(status.NonRPOCompliant, status.NonInstancesCompliant)
	if len(named) == 0 {
		return nil, nil
	}
	replications := map[string]vcav.VMReplication{}
	for replication, err := range client.VMReplications.List(ctx, vcav.VMReplicationQuery{DestinationOrg: status.Org}) {
		if err != nil {
			return nil, err
		}
		if slices.Contains(named, replication.ID) {
			replications[replication.ID] = replication
		}
	}
	return replications, nil
}

func (o organization) violates() bool { return len(o.Violations) > 0 }

// violations says in words what a status holds against an organization. A replication that has gone
// meanwhile goes by its id.
func violations(policy vcav.Policy, status vcav.PolicyStatus, replications map[string]vcav.VMReplication) []string {
	found := []string{}
	if n := status.QuotaViolation; n > 0 {
		found = append(found, fmt.Sprintf("%s beyond a quota of %d", count(n, "replication"), policy.MaxIncoming))
	}
	if n := status.ProtectionViolation; n > 0 {
		found = append(found, count(n, "protection")+" where none may come in")
	}
	if n := status.MigrationViolation; n > 0 {
		found = append(found, count(n, "migration")+" where none may come in")
	}
	for _, id := range status.NonRPOCompliant {
		if replication, known := replications[id]; known {
			found = append(found, fmt.Sprintf("%s has an RPO of %s instead of %s or more",
				replication.VMName, minutes(replication.Settings.RPO), minutes(policy.MinRPO)))
		} else {
			found = append(found, fmt.Sprintf("%s has an RPO shorter than %s", id, minutes(policy.MinRPO)))
		}
	}
	for _, id := range status.NonInstancesCompliant {
		if replication, known := replications[id]; known {
			found = append(found, fmt.Sprintf("%s keeps %s instead of %d at most",
				replication.VMName, count(instances(replication), "instance"), policy.MaxInstances))
		} else {
			found = append(found, fmt.Sprintf("%s keeps more instances than %d", id, policy.MaxInstances))
		}
	}
	return found
}

// instances is what the retention rules of a replication add up to.
func instances(replication vcav.VMReplication) int {
	n := 0
	if policy := replication.Settings.RetentionPolicy; policy != nil {
		for _, rule := range policy.Rules {
			n += rule.NumberOfInstances
		}
	}
	return n
}

// directions names the kinds of replications that a policy allows one way.
func directions(protections, migrations bool) string {
	var allowed []string
	if protections {
		allowed = append(allowed, "protections")
	}
	if migrations {
		allowed = append(allowed, "migrations")
	}
	if len(allowed) == 0 {
		return "nothing"
	}
	return strings.Join(allowed, ", ")
}

// quota is how many replications may come in, which does not matter where none of any kind may.
func quota(policy vcav.Policy) string {
	switch {
	case !policy.AllowIncomingProtections && !policy.AllowIncomingMigrations:
		return "–"
	case policy.MaxIncoming < 0:
		return "any number"
	default:
		return fmt.Sprint(policy.MaxIncoming)
	}
}

// minutes prints whole hours as hours.
func minutes(n int) string {
	if n >= 60 && n%60 == 0 {
		return fmt.Sprintf("%d h", n/60)
	}
	return fmt.Sprintf("%d min", n)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
