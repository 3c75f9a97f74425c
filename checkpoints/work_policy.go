package checkpoints

import (
	"context"
	"slices"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

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

// workOf finds the policy of an organization whose answer was lost, in the same way.
func (p OrganizationPolicyCreate) workOf(c *Client) *transport.Work {
	return &transport.Work{
		Resource: "the organization policy of the name " + transport.Plain(p.Name),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			policies, err := drkit.Collect(c.OrganizationPolicies.List(ctx, OrganizationPolicyQuery{OperationType: p.OperationType}))
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

func (p OrganizationPolicyCreate) differs(made OrganizationPolicy) string {
	switch {
	case made.OperationType != p.OperationType:
		return "for another operation"
	case made.PolicyName != p.PolicyName:
		return "which makes policies called " + transport.Plain(made.PolicyName)
	default:
		return ""
	}
}
