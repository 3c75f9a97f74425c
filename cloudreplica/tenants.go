package cloudreplica

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Tenants are the tenant accounts.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/cloud/tenants".
type Tenants struct {
	Collection[CloudTenant]
	Finder[CloudTenant]
}

// Create makes a tenant account. The result of the poller is the tenant. With a hardware plan that may take longer
// than the service lets a task run, by a limit that is set on its host: a wait whose task is gone turns to the list of
// tenants.
//
// The request is sent at most once. Before it is sent, the tenants of that name at that backup server are noted, and
// so are the tasks of the logon session. A lost answer is looked for among the tasks, and in another logon session, or
// one that was given with [Token], among the tenants: one new tenant of that name is taken for it, also if it is
// somebody else's that was collected since.
//
// Errors: [drkit.ErrConflict] if one of that name is being made in this logon session; [drkit.ErrOutcomeUnknown] if the
// answer was lost and nothing was found; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/tenants".
func (t *Tenants) Create(ctx context.Context, spec CreateCloudTenantSpec) (*drkit.Poller[CloudTenant], error) {
	server := spec.BackupServerUID.ID()
	return change[CloudTenant]{
		call:     transport.Call{Operation: &contract.TenantsCreate, Body: spec},
		resource: "a tenant called " + transport.Plain(spec.Name) + " at backup server " + transport.Plain(server),
		come:     madeOf("CloudTenant", t.Get),
		left: makes(func(ctx context.Context) ([]string, error) {
			query := Query[CloudTenant]{Filter: TenantFieldName.Is(spec.Name), Sort: TenantFieldUID.Ascending()}
			all, err := rowsFor(ctx, t.Collection.client, &t.Collection, &t.Finder, query)
			return idsOf(all, err, entityID[CloudTenant], func(one *CloudTenant) bool {
				return strings.EqualFold(one.Name, spec.Name) && sameServer(one.Entity, server)
			})
		}, t.Get),
	}.begin(ctx, t.Collection.client)
}

// Update changes a tenant account: what edit leaves out stays. Its TenantType has to name the kind of the tenant as it
// is, by one of its members. The request is sent at most once. A lost answer is looked for among the tasks of the logon
// session.
//
// Errors: [drkit.ErrNotFound] if there is no such tenant; [drkit.ErrConflict] if this client is changing it already;
// [drkit.ErrOutcomeUnknown] if the answer was lost and nothing was found; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "PUT /cloud/tenants/{ID}".
func (t *Tenants) Update(ctx context.Context, id string, edit CloudTenantEdit) (*drkit.Poller[NoResult], error) {
	_, standalone := edit.TenantType.StandaloneTenant.Get()
	_, organization := edit.TenantType.VCloudTenant.Get()
	_, directory := edit.TenantType.ADTenantType.Get()
	if kinds := slices.DeleteFunc([]bool{standalone, organization, directory}, func(named bool) bool { return !named }); len(kinds) != 1 {
		return nil, errors.New("cloudreplica.Tenants.Update: TenantType names none of its members, or several; the service needs the kind of the tenant as it is")
	}
	return change[NoResult]{
		call: transport.Call{Operation: &contract.TenantsUpdate, Path: []string{id}, Body: edit}, resource: tenantCalled(id), come: nothing,
	}.begin(ctx, t.Collection.client)
}

// Delete removes a tenant account. The request is sent at most once. A lost answer is looked for among the tasks of the
// logon session, and in another by whether the tenant is still there. Errors: as those of Update.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /cloud/tenants/{ID}".
func (t *Tenants) Delete(ctx context.Context, id string) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call: transport.Call{Operation: &contract.TenantsDelete, Path: []string{id}}, resource: tenantCalled(id), come: nothing,
		left: removes(func(ctx context.Context) error {
			_, err := t.Ref(ctx, id)
			return err
		}),
	}.begin(ctx, t.Collection.client)
}

// tenantCalled names a tenant, as what a change works on.
func tenantCalled(id string) string { return "tenant " + transport.Plain(id) }

// GatewayPoolRefs returns references to the gateway pools that a tenant uses. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such tenant; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/gatewayPools".
func (t *Tenants) GatewayPoolRefs(ctx context.Context, id string) ([]EntityRef, error) {
	return referencesOf(ctx, t.Collection.client, transport.Call{Operation: &contract.TenantsGatewayPoolRefs, Path: []string{id}})
}

// LicenseCounters counts the machines of a tenant that no licence is needed for. It is safe to repeat.
//
// Errors: as those of GatewayPoolRefs.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/freelicenseCounters".
func (t *Tenants) LicenseCounters(ctx context.Context, id string) (CloudTenantFreeLicenseCounters, error) {
	var counters CloudTenantFreeLicenseCounters
	call := transport.Call{Operation: &contract.TenantsLicenseCounters, Path: []string{id}, Check: func() error {
		if !strings.EqualFold(idOf(counters.Href), "freelicenseCounters") {
			return errors.New("not what has the counters")
		}
		return nil
	}}
	err := t.Collection.client.do(ctx, call, &counters)
	return counters, err
}
