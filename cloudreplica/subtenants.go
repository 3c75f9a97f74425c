package cloudreplica

import (
	"context"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Subtenants are the user accounts of tenants.
type Subtenants struct{ client *Client }

// List returns the user accounts of a tenant. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such tenant; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/subtenants".
func (s *Subtenants) List(ctx context.Context, tenantID string) ([]CloudSubtenant, error) {
	return listOf(ctx, s.client, transport.Call{Operation: &contract.SubtenantsList, Path: []string{tenantID}}, subtenantID)
}

// Get returns a user account of a tenant. It is safe to repeat. Errors: as those of List.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/subtenants/{ID}".
func (s *Subtenants) Get(ctx context.Context, tenantID, id string) (CloudSubtenant, error) {
	call := transport.Call{Operation: &contract.SubtenantsGet, Path: []string{tenantID, id}}
	return getOf(ctx, s.client, call, id, subtenantID)
}

func subtenantID(subtenant *CloudSubtenant) string { return subtenant.ID }

// Create makes a user account for a tenant. The service does not say which has come of it. The request is sent at
// most once.
//
// Errors: [drkit.ErrConflict] if this client is making one of that name already; [drkit.ErrOutcomeUnknown] if the answer
// was lost and nothing was found, as with [Tenants.Create]; and those of List.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/tenants/{ID}/subtenants".
func (s *Subtenants) Create(ctx context.Context, tenantID string, spec CloudSubtenantCreateSpec) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call:     transport.Call{Operation: &contract.SubtenantsCreate, Path: []string{tenantID}, Body: spec},
		resource: "a user account called " + transport.Plain(spec.Name) + " of " + tenantCalled(tenantID), come: nothing,
		left: makes(func(ctx context.Context) ([]string, error) {
			all, err := s.List(ctx, tenantID)
			return idsOf(all, err, subtenantID, func(one *CloudSubtenant) bool { return strings.EqualFold(one.Name, spec.Name) })
		}, none),
	}.begin(ctx, s.client)
}

// Update changes a user account of a tenant: what edit leaves out stays. The request is sent at most once; a lost answer
// is looked for among the tasks of the logon session alone. Errors: as those of Create.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "PUT /cloud/tenants/{ID}/subtenants/{ID}".
func (s *Subtenants) Update(ctx context.Context, tenantID, id string, edit CloudSubtenantEdit) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call:     transport.Call{Operation: &contract.SubtenantsUpdate, Path: []string{tenantID, id}, Body: edit},
		resource: accountCalled(tenantID, id), come: nothing,
	}.begin(ctx, s.client)
}

// Delete removes a user account of a tenant. The request is sent at most once. Errors: as those of Create.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /cloud/tenants/{ID}/subtenants/{ID}".
func (s *Subtenants) Delete(ctx context.Context, tenantID, id string) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call:     transport.Call{Operation: &contract.SubtenantsDelete, Path: []string{tenantID, id}},
		resource: accountCalled(tenantID, id), come: nothing,
		left: removes(func(ctx context.Context) error {
			_, err := s.Get(ctx, tenantID, id)
			return err
		}),
	}.begin(ctx, s.client)
}

// accountCalled names a user account, as what a change works on.
func accountCalled(tenantID, id string) string {
	return "user account " + transport.Plain(id) + " of " + tenantCalled(tenantID)
}
