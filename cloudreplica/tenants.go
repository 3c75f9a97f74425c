package cloudreplica

import (
	"context"
	"errors"
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
// than the service lets a task run, by a limit that is set on its host.
//
// The request is sent at most once.
//
// Errors: [drkit.ErrOutcomeUnknown] if the answer was lost; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/tenants".
func (t *Tenants) Create(ctx context.Context, spec CreateCloudTenantSpec) (*drkit.Poller[CloudTenant], error) {
	call := transport.Call{Operation: &contract.TenantsCreate, Body: spec}
	return begin(ctx, t.Collection.client, call, madeOf("CloudTenant", t.Get))
}

// Update changes a tenant account: what edit leaves out stays. Its TenantType has to name the kind of the tenant as it
// is, by one of its members. The request is sent at most once.
//
// Errors: [drkit.ErrNotFound] if there is no such tenant; [drkit.ErrOutcomeUnknown] if the answer was lost;
// [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "PUT /cloud/tenants/{ID}".
func (t *Tenants) Update(ctx context.Context, id string, edit CloudTenantEdit) (*drkit.Poller[NoResult], error) {
	_, standalone := edit.TenantType.StandaloneTenant.Get()
	_, organization := edit.TenantType.VCloudTenant.Get()
	if standalone == organization {
		return nil, errors.New("cloudreplica.Tenants.Update: TenantType names none of its members, or both; the service needs the kind of the tenant as it is")
	}
	call := transport.Call{Operation: &contract.TenantsUpdate, Path: []string{id}, Body: edit}
	return begin(ctx, t.Collection.client, call, nothing)
}

// Delete removes a tenant account. The request is sent at most once. Errors: as those of Update.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /cloud/tenants/{ID}".
func (t *Tenants) Delete(ctx context.Context, id string) (*drkit.Poller[NoResult], error) {
	return begin(ctx, t.Collection.client, transport.Call{Operation: &contract.TenantsDelete, Path: []string{id}}, nothing)
}

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
