package vcav

import (
	"context"
	"fmt"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// SitePolicies are the replication policies of a site, as far as they can be asked for at another one.
type SitePolicies struct{ at place }

// Policies are the replication policies of the local site: what organizations may replicate, how often,
// and how many. Every organization has one; without one of its own it has the policy [DefaultPolicy].
type Policies struct{ SitePolicies }

// DefaultPolicy is the id of the policy of all organizations that have no other. It cannot be deleted,
// its Orgs is -1, which means all the others rather than a number, and as delivered it allows nothing: its
// MaxIncoming is 0, and its OnpremDataCap of 0 is understood as no limit, which nobody documents.
const DefaultPolicy = "default"

// List returns all policies. It is safe to repeat.
//
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Get the Details of All the Policies".
func (p *SitePolicies) List(ctx context.Context) ([]Policy, error) {
	var policies []Policy
	err := p.at.do(ctx, transport.Call{Operation: &contract.PoliciesList}, &policies)
	return policies, err
}

// Get returns one policy; [DefaultPolicy] is the id of the default one. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Get the Details of a Policy".
func (p *SitePolicies) Get(ctx context.Context, id string) (Policy, error) {
	var policy Policy
	err := p.at.do(ctx, transport.Call{Operation: &contract.PoliciesGet, Path: []string{id}}, &policy)
	return policy, err
}

// Status returns how far each organization that has the policy complies with it. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Get the Compliance Status of a Policy".
func (p *Policies) Status(ctx context.Context, id string) ([]PolicyStatus, error) {
	var status []PolicyStatus
	err := p.at.do(ctx, transport.Call{Operation: &contract.PoliciesStatus, Path: []string{id}}, &status)
	return status, err
}

// Create makes a policy and returns it. Its DisplayName must be new. The request is sent at most once.
//
// Errors: [drkit.ErrOutcomeUnknown] if the answer was lost and no new policy of that name is there.
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Create a Policy".
func (p *Policies) Create(ctx context.Context, settings PolicySettings) (Policy, error) {
	var policy Policy
	call := transport.Call{Operation: &contract.PoliciesCreate, Body: settings, Work: p.at.ofPolicy(settings.DisplayName)}
	answer, err := p.at.send(ctx, call, &policy)
	if found, lost := answer.Poller.(*drkit.Poller[Policy]); lost {
		if policy, err = found.Wait(ctx); err != nil {
			return Policy{}, fmt.Errorf("vcav.Policies.Create: its answer was lost, and the policy found: %w", err)
		}
	}
	return policy, err
}

// Update overwrites a policy and returns it as it is then. Take the settings of a Policy that Get has
// returned, and change them: members that this version of drkit does not know go back as they came.
// Replications that run are not touched. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Update a Policy".
func (p *Policies) Update(ctx context.Context, id string, settings PolicySettings) (Policy, error) {
	var policy Policy
	err := p.at.do(ctx, transport.Call{Operation: &contract.PoliciesUpdate, Path: []string{id}, Body: settings}, &policy)
	return policy, err
}

// Delete removes a policy that no organization has. The default policy cannot be removed. It is safe to
// repeat.
//
// Errors: [drkit.ErrNotFound] if it is not there, unless an attempt of this call may have removed it.
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Delete a Policy".
func (p *Policies) Delete(ctx context.Context, id string) error {
	return p.at.do(ctx, transport.Call{Operation: &contract.PoliciesDelete, Path: []string{id}}, nil)
}

// Assign gives an organization a policy in place of the one that it has. Replications that run are not
// touched. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Assign a Policy to an Organization".
func (p *Policies) Assign(ctx context.Context, id, organization string) error {
	return p.at.do(ctx, transport.Call{Operation: &contract.PoliciesAssign, Path: []string{id, organization}}, nil)
}

// Synchronize compares organizations and their policies with Cloud Director anew. It returns once the
// service has accepted the task, which has no result. The request is sent at most once.
//
// Errors: [drkit.ErrConflict] while policies are being synchronized; [drkit.ErrOutcomeUnknown] if the answer
// was lost and the task is not found.
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Synchronize the Policies".
func (p *Policies) Synchronize(ctx context.Context) (*drkit.Poller[NoResult], error) {
	return start[NoResult](ctx, p.at, transport.Call{Operation: &contract.PoliciesSynchronize})
}
