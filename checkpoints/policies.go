package checkpoints

import (
	"context"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Policies are the schedules for backups and for replication. [Vaults.AssociatePolicy] applies one to a vault.
type Policies struct{ resource }

// Create creates a policy. What its times may be, [CheckPatterns] says; they are in UTC. The poller has ended, and
// its result is the policy; where the answer was lost, its first look gets it.
//
// The request is sent at most once. A lost answer is looked for by the name: a policy of that name which was not
// there before, and that does what was asked for, is adopted.
//
// Errors: [ErrQuota] if there are as many policies as there may be; [ErrInvalid];
// [drkit.ErrOutcomeUnknown] if the answer was lost and the policy is not to be seen.
// Roles: cbr:policies:create.
//
// Source: CBR API reference, "Creating a Policy".
func (p *Policies) Create(ctx context.Context, policy PolicyCreate) (*drkit.Poller[Policy], error) {
	if err := policy.check(); err != nil {
		return nil, wrong(&contract.PoliciesCreate, err)
	}
	var answer struct{ Policy Policy }
	return begin(ctx, p.client, order[Policy]{
		call: transport.Call{
			Operation: &contract.PoliciesCreate, Check: holds("policy", &answer.Policy.ID), Body: struct {
				Policy PolicyCreate `json:"policy"`
			}{policy},
		},
		answer: &answer,
		follow: func(*transport.Note) pursuit[Policy] {
			return p.pursuit(answer.Policy.ID, &answer.Policy)
		},
		work:  policy.workOf(p.client),
		found: func(found transport.Found) pursuit[Policy] { return p.pursuit(found.Job, nil) },
	})
}

func (p *Policies) pursuit(id string, made *Policy) pursuit[Policy] {
	return &present[Policy]{
		noun: "policy " + transport.Plain(id), about: subject{ID: id}, made: made,
		get: func(ctx context.Context) (Policy, error) { return p.Get(ctx, id) },
	}
}

// List returns all policies that match query. The service has no pages of them. It is safe to repeat.
//
// Roles: cbr:policies:list.
//
// Source: CBR API reference, "Querying the Policy List".
func (p *Policies) List(ctx context.Context, query PolicyQuery) ([]Policy, error) {
	var answer struct {
		Policies []Policy
		Count    *int
	}
	call := transport.Call{Operation: &contract.PoliciesList, Query: query, Check: lists("policies", &answer.Policies, &answer.Count)}
	err := p.do(ctx, call, &answer)
	return answer.Policies, err
}

// Get returns a policy with the vaults that it is applied to. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: cbr:policies:get.
//
// Source: CBR API reference, "Querying a Single Policy".
func (p *Policies) Get(ctx context.Context, id string) (Policy, error) {
	return p.one(ctx, transport.Call{Operation: &contract.PoliciesGet, Path: []string{id}})
}

// Update changes what update names. What a policy is for cannot be changed. To change one member of the operation
// definition, take that of the policy as it is: members that this version of drkit does not know go back as they
// came. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrConflict] if the destination region cannot change; [ErrInvalid].
// Roles: cbr:policies:update.
//
// Source: CBR API reference, "Modifying a Policy".
func (p *Policies) Update(ctx context.Context, id string, update PolicyUpdate) (Policy, error) {
	if err := update.check(); err != nil {
		return Policy{}, wrong(&contract.PoliciesUpdate, err)
	}
	return p.one(ctx, transport.Call{Operation: &contract.PoliciesUpdate, Path: []string{id}, Body: struct {
		Policy PolicyUpdate `json:"policy"`
	}{update}})
}

// one sends a call that answers a policy.
func (p *Policies) one(ctx context.Context, call transport.Call) (Policy, error) {
	var answer struct{ Policy Policy }
	call.Check = holds("policy", &answer.Policy.ID)
	err := p.do(ctx, call, &answer)
	return answer.Policy, err
}

// Delete deletes a policy. The backups that it has made stay. It is safe to repeat: a repeat that finds nothing
// counts as done.
//
// Errors: [drkit.ErrNotFound].
// Roles: cbr:policies:delete.
//
// Source: CBR API reference, "Deleting a Policy".
func (p *Policies) Delete(ctx context.Context, id string) error {
	return p.do(ctx, transport.Call{Operation: &contract.PoliciesDelete, Path: []string{id}}, nil)
}
