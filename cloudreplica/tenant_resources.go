package cloudreplica

import (
	"context"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// TenantResources are the storage quotas of tenants.
type TenantResources struct{ client *Client }

// List returns the storage quotas of a tenant. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such tenant; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/resources".
func (t *TenantResources) List(ctx context.Context, tenantID string) ([]CloudTenantResource, error) {
	return listOf(ctx, t.client, transport.Call{Operation: &contract.TenantResourcesList, Path: []string{tenantID}}, quotaID)
}

// Get returns a storage quota of a tenant. It is safe to repeat. Errors: as those of List.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/resources/{ID}".
func (t *TenantResources) Get(ctx context.Context, tenantID, id string) (CloudTenantResource, error) {
	call := transport.Call{Operation: &contract.TenantResourcesGet, Path: []string{tenantID, id}}
	return getOf(ctx, t.client, call, id, quotaID)
}

func quotaID(quota *CloudTenantResource) string { return quota.ID }

// Create makes a storage quota for a tenant. The result of the poller is the quota. The request is sent at most once.
//
// Errors: [drkit.ErrConflict] if this client is making the same already; [drkit.ErrOutcomeUnknown] if the answer was
// lost and nothing was found, as with [Tenants.Create]; and those of List.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/tenants/{ID}/resources".
func (t *TenantResources) Create(ctx context.Context, tenantID string, spec BackupResourceSpec) (*drkit.Poller[CloudTenantResource], error) {
	get := func(ctx context.Context, id string) (CloudTenantResource, error) { return t.Get(ctx, tenantID, id) }
	return change[CloudTenantResource]{
		call:     transport.Call{Operation: &contract.TenantResourcesCreate, Path: []string{tenantID}, Body: spec},
		resource: "a storage quota called " + transport.Plain(spec.Name) + " of " + tenantCalled(tenantID),
		come:     madeOf("CloudTenantResource", get),
		left: makes(func(ctx context.Context) ([]string, error) {
			all, err := t.List(ctx, tenantID)
			return idsOf(all, err, quotaID, func(one *CloudTenantResource) bool { return one.RepositoryQuota.DisplayName == spec.Name })
		}, get),
	}.begin(ctx, t.client)
}

// Delete removes a storage quota of a tenant. The request is sent at most once. Errors: as those of Create.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /cloud/tenants/{ID}/resources/{ID}".
func (t *TenantResources) Delete(ctx context.Context, tenantID, id string) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call:     transport.Call{Operation: &contract.TenantResourcesDelete, Path: []string{tenantID, id}},
		resource: "storage quota " + transport.Plain(id) + " of " + tenantCalled(tenantID), come: nothing,
		left: removes(func(ctx context.Context) error {
			_, err := t.Get(ctx, tenantID, id)
			return err
		}),
	}.begin(ctx, t.client)
}

// TenantComputeResources are the subscriptions of tenants to hardware plans.
type TenantComputeResources struct{ client *Client }

// List returns the subscriptions of a tenant. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such tenant; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/computeResources".
func (t *TenantComputeResources) List(ctx context.Context, tenantID string) ([]CloudTenantComputeResource, error) {
	call := transport.Call{Operation: &contract.TenantComputeResourcesList, Path: []string{tenantID}}
	return listOf(ctx, t.client, call, subscriptionID)
}

// Get returns a subscription of a tenant. It is safe to repeat. Errors: as those of List.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/computeResources/{ID}".
func (t *TenantComputeResources) Get(ctx context.Context, tenantID, id string) (CloudTenantComputeResource, error) {
	call := transport.Call{Operation: &contract.TenantComputeResourcesGet, Path: []string{tenantID, id}}
	return getOf(ctx, t.client, call, id, subscriptionID)
}

func subscriptionID(subscription *CloudTenantComputeResource) string { return subscription.ID }

// Create subscribes a tenant to a hardware plan. The service does not say which subscription has come of it. The
// request is sent at most once.
//
// Errors: [drkit.ErrConflict] if this client is making the same already; [drkit.ErrOutcomeUnknown] if the answer was
// lost and nothing was found, as with [Tenants.Create]; and those of List.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/tenants/{ID}/computeResources".
func (t *TenantComputeResources) Create(ctx context.Context, tenantID string, spec ComputeResourceSpec) (*drkit.Poller[NoResult], error) {
	plan := spec.CloudHardwarePlanUID
	return change[NoResult]{
		call:     transport.Call{Operation: &contract.TenantComputeResourcesCreate, Path: []string{tenantID}, Body: spec},
		resource: "a subscription to hardware plan " + transport.Plain(plan.ID()) + " of " + tenantCalled(tenantID), come: nothing,
		left: makes(func(ctx context.Context) ([]string, error) {
			all, err := t.List(ctx, tenantID)
			return idsOf(all, err, subscriptionID, func(one *CloudTenantComputeResource) bool {
				return strings.EqualFold(one.CloudHardwarePlanUID.ID(), plan.ID())
			})
		}, none),
	}.begin(ctx, t.client)
}

// Delete ends a subscription of a tenant. The request is sent at most once. Errors: as those of Create.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /cloud/tenants/{ID}/computeResources/{ID}".
func (t *TenantComputeResources) Delete(ctx context.Context, tenantID, id string) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call:     transport.Call{Operation: &contract.TenantComputeResourcesDelete, Path: []string{tenantID, id}},
		resource: "subscription " + transport.Plain(id) + " of " + tenantCalled(tenantID), come: nothing,
		left: removes(func(ctx context.Context) error {
			_, err := t.Get(ctx, tenantID, id)
			return err
		}),
	}.begin(ctx, t.client)
}

// TenantVCloudComputeResources are the organization virtual data centers that tenants replicate to.
type TenantVCloudComputeResources struct{ client *Client }

// List returns the organization virtual data centers of a tenant. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such tenant; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/vCloudComputeResources".
func (t *TenantVCloudComputeResources) List(ctx context.Context, tenantID string) ([]CloudTenantVCloudComputeResource, error) {
	call := transport.Call{Operation: &contract.TenantVCloudComputeResourcesList, Path: []string{tenantID}}
	return listOf(ctx, t.client, call, dataCenterID)
}

// Get returns an organization virtual data center of a tenant. It is safe to repeat. Errors: as those of List.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/tenants/{ID}/vCloudComputeResources/{ID}".
func (t *TenantVCloudComputeResources) Get(ctx context.Context, tenantID, id string) (CloudTenantVCloudComputeResource, error) {
	call := transport.Call{Operation: &contract.TenantVCloudComputeResourcesGet, Path: []string{tenantID, id}}
	return getOf(ctx, t.client, call, id, dataCenterID)
}

func dataCenterID(dataCenter *CloudTenantVCloudComputeResource) string { return dataCenter.ID }

// Create gives an organization virtual data center to a tenant. The service does not say what has come of it. The
// request is sent at most once.
//
// Errors: [drkit.ErrConflict] if this client is making the same already; [drkit.ErrOutcomeUnknown] if the answer was
// lost and nothing was found, as with [Tenants.Create]; and those of List.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/tenants/{ID}/vCloudComputeResources".
func (t *TenantVCloudComputeResources) Create(ctx context.Context, tenantID string, spec VCloudComputeResourceSpec) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call:     transport.Call{Operation: &contract.TenantVCloudComputeResourcesCreate, Path: []string{tenantID}, Body: spec},
		resource: "data center " + transport.Plain(spec.VirtualDataCenterRef) + " of " + tenantCalled(tenantID), come: nothing,
		left: makes(func(ctx context.Context) ([]string, error) {
			all, err := t.List(ctx, tenantID)
			return idsOf(all, err, dataCenterID, func(one *CloudTenantVCloudComputeResource) bool {
				return one.VirtualDataCenterRef == spec.VirtualDataCenterRef
			})
		}, none),
	}.begin(ctx, t.client)
}

// Delete takes an organization virtual data center from a tenant. The request is sent at most once. Errors: as those
// of Create.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /cloud/tenants/{ID}/vCloudComputeResources/{ID}".
func (t *TenantVCloudComputeResources) Delete(ctx context.Context, tenantID, id string) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call:     transport.Call{Operation: &contract.TenantVCloudComputeResourcesDelete, Path: []string{tenantID, id}},
		resource: "data center " + transport.Plain(id) + " of " + tenantCalled(tenantID), come: nothing,
		left: removes(func(ctx context.Context) error {
			_, err := t.Get(ctx, tenantID, id)
			return err
		}),
	}.begin(ctx, t.client)
}
