package checkpoints

import (
	"context"
	"fmt"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// OrganizationPolicies hold for all projects of an organization, in each of which they become a policy. Huawei Cloud
// only.
type OrganizationPolicies struct{ resource }

// Create creates a policy for an organization. The poller has ended, and its result is the policy; where the answer was
// lost, its first look gets it.
//
// The request is sent at most once. A lost answer is looked for by the name: a policy of that name which was not there
// before, and that makes policies of the name that was asked for, is adopted.
//
// Errors: [ErrQuota]; [ErrInvalid]; [drkit.ErrOutcomeUnknown] if the answer was lost and the policy is not to be seen.
//
// Source: the code of a client.
func (o *OrganizationPolicies) Create(ctx context.Context, policy OrganizationPolicyCreate) (*drkit.Poller[OrganizationPolicy], error) {
	if err := policy.check(); err != nil {
		return nil, wrong(&contract.OrganizationPoliciesCreate, err)
	}
	var answer struct{ Policy OrganizationPolicy }
	return begin(ctx, o.client, order[OrganizationPolicy]{
		call: transport.Call{
			Operation: &contract.OrganizationPoliciesCreate, Check: holds("policy", &answer.Policy.ID), Body: struct {
				Policy OrganizationPolicyCreate `json:"policy"`
			}{policy},
		},
		answer: &answer,
		follow: func(*transport.Note) pursuit[OrganizationPolicy] {
			return o.pursuit(answer.Policy.ID, &answer.Policy)
		},
		work:  policy.workOf(o.client),
		found: func(found transport.Found) pursuit[OrganizationPolicy] { return o.pursuit(found.Job, nil) },
	})
}

func (o *OrganizationPolicies) pursuit(id string, made *OrganizationPolicy) pursuit[OrganizationPolicy] {
	return &present[OrganizationPolicy]{
		noun: "organization policy " + transport.Plain(id), about: subject{ID: id}, made: made,
		get: func(ctx context.Context) (OrganizationPolicy, error) { return o.Get(ctx, id) },
	}
}

// List walks the policies that match query, which has to say what they are for. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if policies keep coming or going while the list is read.
//
// Source: the code of a client.
func (o *OrganizationPolicies) List(ctx context.Context, query OrganizationPolicyQuery) iter.Seq2[OrganizationPolicy, error] {
	if err := filled("operation type", string(query.OperationType)); err != nil {
		return refused[OrganizationPolicy](wrong(&contract.OrganizationPoliciesList, err))
	}
	return rows(ctx, o.resource, transport.List[OrganizationPolicy]{
		Name: "checkpoints.OrganizationPolicies.List", Offset: query.Offset, Limit: query.Limit,
		ID: func(row *OrganizationPolicy) string { return row.ID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[OrganizationPolicy], error) {
			query := query
			query.Offset, query.Limit = offset, limit
			var page struct {
				Policies []OrganizationPolicy
				Count    *int
			}
			err := o.do(ctx, transport.Call{
				Operation: &contract.OrganizationPoliciesList, Query: query, Check: lists("policies", &page.Policies, &page.Count),
			}, &page)
			return pageOf(page.Policies, page.Count), err
		},
	})
}

// Get returns a policy of an organization. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (o *OrganizationPolicies) Get(ctx context.Context, id string) (OrganizationPolicy, error) {
	return o.one(ctx, transport.Call{Operation: &contract.OrganizationPoliciesGet, Path: []string{id}})
}

// Update changes what update names. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [ErrInvalid].
//
// Source: the code of a client.
func (o *OrganizationPolicies) Update(ctx context.Context, id string, update OrganizationPolicyUpdate) (OrganizationPolicy, error) {
	if trigger, there := update.PolicyTrigger.Get(); there {
		if err := CheckPatterns(trigger.Properties.Pattern); err != nil {
			return OrganizationPolicy{}, wrong(&contract.OrganizationPoliciesUpdate, err)
		}
	}
	return o.one(ctx, transport.Call{Operation: &contract.OrganizationPoliciesUpdate, Path: []string{id}, Body: struct {
		Policy OrganizationPolicyUpdate `json:"policy"`
	}{update}})
}

// one sends a call that answers a policy of an organization.
func (o *OrganizationPolicies) one(ctx context.Context, call transport.Call) (OrganizationPolicy, error) {
	var answer struct{ Policy OrganizationPolicy }
	call.Check = holds("policy", &answer.Policy.ID)
	err := o.do(ctx, call, &answer)
	return answer.Policy, err
}

// Delete deletes a policy of an organization. It is safe to repeat: a repeat that finds nothing counts as done.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (o *OrganizationPolicies) Delete(ctx context.Context, id string) error {
	return o.do(ctx, transport.Call{Operation: &contract.OrganizationPoliciesDelete, Path: []string{id}}, nil)
}

// Deployments walks the policies that a policy of an organization has become in projects. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrListMoved] if policies keep coming or going while the list is read.
//
// Source: the code of a client.
func (o *OrganizationPolicies) Deployments(ctx context.Context, id string, query DeploymentQuery) iter.Seq2[PolicyDeployment, error] {
	return rows(ctx, o.resource, transport.List[PolicyDeployment]{
		Name: "checkpoints.OrganizationPolicies.Deployments", Offset: query.Offset, Limit: query.Limit,
		ID: func(row *PolicyDeployment) string { return row.PolicyID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[PolicyDeployment], error) {
			query := query
			query.Offset, query.Limit = offset, limit
			var page struct {
				Policies []PolicyDeployment
				Count    *int
			}
			err := o.do(ctx, transport.Call{
				Operation: &contract.OrganizationPoliciesDeployments, Path: []string{id}, Query: query,
				Check: lists("policies", &page.Policies, &page.Count),
			}, &page)
			return pageOf(page.Policies, page.Count), err
		},
	})
}

// Projects are those of the region, and the accounts that they belong to. Huawei Cloud only.
type Projects struct{ resource }

// List returns the projects of the region that the user may see. It is safe to repeat.
//
// Source: the code of a client.
func (p *Projects) List(ctx context.Context) ([]RegionProject, error) {
	var answer struct{ Projects []RegionProject }
	err := p.do(ctx, transport.Call{Operation: &contract.ProjectsList}, &answer)
	return answer.Projects, err
}

// OfDomain returns the projects of an account, by its name. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (p *Projects) OfDomain(ctx context.Context, name string) ([]DomainProject, error) {
	var answer struct{ Projects []DomainProject }
	err := p.do(ctx, transport.Call{Operation: &contract.ProjectsOfDomain, Path: []string{name}}, &answer)
	return answer.Projects, err
}

// Domain returns the account that a project belongs to. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (p *Projects) Domain(ctx context.Context, projectID string) (ProjectDomain, error) {
	var domain ProjectDomain
	err := p.do(ctx, transport.Call{
		Operation: &contract.ProjectsDomain, Path: []string{projectID}, Check: holds("account", &domain.DomainID),
	}, &domain)
	return domain, err
}

// Migrations move backups of the services before this one into vaults. Huawei Cloud only.
type Migrations struct{ resource }

// Start begins a migration, and returns what the service says of it, which is not documented.
//
// The request is sent at most once.
//
// Errors: [drkit.ErrOutcomeUnknown] if the answer was lost.
//
// Source: the code of a client.
func (m *Migrations) Start(ctx context.Context, start MigrationStart) (map[string]string, error) {
	if start.Reservation < 0 || start.Reservation > 1 {
		return nil, wrong(&contract.MigrationsStart, fmt.Errorf("a reservation of %v: 0 to 1", start.Reservation))
	}
	var answer map[string]string
	err := m.do(ctx, transport.Call{Operation: &contract.MigrationsStart, Body: start}, &answer)
	return answer, err
}

// Get returns how far a migration has come. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is none.
//
// Source: the code of a client.
func (m *Migrations) Get(ctx context.Context, query MigrationQuery) (Migration, error) {
	var migration Migration
	err := m.do(ctx, transport.Call{Operation: &contract.MigrationsGet, Query: query}, &migration)
	return migration, err
}
