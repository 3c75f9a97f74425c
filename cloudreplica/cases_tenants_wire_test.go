package cloudreplica_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

const (
	tenantID        = "4e722780-6db7-5490-ac20-78fff0766a92"
	quotaID         = "b6745ed6-3d70-5309-bc53-7d8f0a81c375"
	subscriptionID  = "02c964b2-c029-5eac-8274-098e632e957d"
	dataCenterID    = "3aa64970-b566-519b-aa3b-d75f928b8a02"
	subtenantID     = "a17b098b-80a0-5b60-9bca-63ba32f14aae"
	hardwarePlanID  = "875496f2-84a0-56b5-bcef-ec9004eb63f3"
	poolUID         = cloudreplica.UID("urn:veeam:CloudGatewayPool:b0791d54-6ed8-5346-9c2e-f58393ee32f8")
	serverUID       = cloudreplica.UID("urn:veeam:BackupServer:" + serverID)
	hardwarePlanUID = cloudreplica.UID("urn:veeam:CloudHardwarePlan:" + hardwarePlanID)
	tenantPath      = "/api/cloud/tenants/" + tenantID
)

// What samples of requests and answers have in common comes from the answers.
func quotaOf(t testing.TB) cloudreplica.RepositoryQuota {
	return valueOf[cloudreplica.CloudTenantResource](t, "tenant_resources_get.answer").RepositoryQuota
}

func dataCenterOf(t testing.TB) cloudreplica.CloudTenantVCloudComputeResource {
	return valueOf[cloudreplica.CloudTenantVCloudComputeResource](t, "tenant_v_cloud_compute_resources_get.answer")
}

func quotaSpec(t testing.TB) cloudreplica.BackupResourceSpec {
	quota := quotaOf(t)
	return cloudreplica.BackupResourceSpec{
		Name: "Vault east", RepositoryUID: quota.RepositoryUID, QuotaMB: 262144, WANAcceleratorUID: drkit.Some(quota.WANAcceleratorUID),
	}
}

func applianceSpec() cloudreplica.NetworkApplianceSpec {
	return cloudreplica.NetworkApplianceSpec{
		Name: "edge-tidewater", ProductionNetwork: "VM Network",
		ManualIPAddress: drkit.Some(cloudreplica.ManualIPAddressSpec{
			IPAddress: "192.0.2.20", SubnetMask: "255.255.255.0", DefaultGateway: "192.0.2.1",
		}),
		ViDistributedSwitchUUID: drkit.Some("50 1f 2e 9a"), ProductionNetworkUnderDVS: drkit.Some(true),
	}
}

func subscriptionSpec(t testing.TB) cloudreplica.ComputeResourceSpec {
	return cloudreplica.ComputeResourceSpec{
		CloudHardwarePlanUID: hardwarePlanUID, WANAcceleratorUID: drkit.Some(quotaOf(t).WANAcceleratorUID),
		PlatformType: cloudreplica.PlatformVMware, UseNetworkFailoverResources: true, NetworkAppliance: drkit.Some(applianceSpec()),
	}
}

func everyTenantSpec(t testing.TB) cloudreplica.CreateCloudTenantSpec {
	return cloudreplica.CreateCloudTenantSpec{
		Name: "Tidewater", Description: drkit.Some("Harbor logistics"), Password: drkit.Some(drkit.NewSecret("pier <9> & quay")),
		Enabled: drkit.Some(true), LeaseExpirationDate: drkit.Some(cloudreplica.At(time.Date(2033, 12, 31, 0, 0, 0, 0, time.UTC))),
		Resources:         []cloudreplica.BackupResourceSpec{quotaSpec(t)},
		ComputeResources:  []cloudreplica.ComputeResourceSpec{subscriptionSpec(t)},
		ThrottlingEnabled: drkit.Some(true), ThrottlingSpeedLimit: drkit.Some(80),
		ThrottlingSpeedUnit: drkit.Some(cloudreplica.ThrottlingUnitMegabitsPerSecond), PublicIPCount: drkit.Some(2),
		BackupServerUID: serverUID, MaxConcurrentTasks: drkit.Some(2), BackupProtectionEnabled: drkit.Some(true),
		BackupProtectionPeriod: drkit.Some(14), TenantType: drkit.Some(cloudreplica.TenantKindStandalone),
		CloudGatewayPools: []cloudreplica.UID{poolUID}, FailoverToOthersGatewaysIfFail: drkit.Some(true),
	}
}

func organizationSpec(t testing.TB) cloudreplica.CreateCloudTenantSpec {
	organization := valueOf[[]cloudreplica.CloudTenant](t, "tenants_list.answer")[1].TenantType.VCloudTenant
	return cloudreplica.CreateCloudTenantSpec{
		Name: "northwind", BackupServerUID: serverUID, TenantType: drkit.Some(cloudreplica.TenantKindCloudDirector),
		OrganizationRef: drkit.Some(organization.OrganizationRef),
		VCloudComputeResources: []cloudreplica.VCloudComputeResourceSpec{{
			VirtualDataCenterRef: dataCenterOf(t).VirtualDataCenterRef, WANAcceleratorUID: drkit.Some(quotaOf(t).WANAcceleratorUID),
		}},
	}
}

func everyTenantEdit() cloudreplica.CloudTenantEdit {
	return cloudreplica.CloudTenantEdit{
		Password: drkit.Some(drkit.NewSecret("new pier")), Description: drkit.Some(""), Enabled: drkit.Some(false),
		LeaseOptions: drkit.Some(cloudreplica.LeaseEdit{
			Enabled: true, ExpirationDate: drkit.Some(cloudreplica.At(time.Date(2034, 1, 31, 0, 0, 0, 0, time.UTC))),
		}),
		ThrottlingEnabled: drkit.Some(false), ThrottlingSpeedLimit: drkit.Some(1),
		ThrottlingSpeedUnit: drkit.Some(cloudreplica.ThrottlingUnitMegabytesPerSecond), PublicIPCount: drkit.Some(0),
		MaxConcurrentTasks: drkit.Some(4), BackupProtectionEnabled: drkit.Some(false), BackupProtectionPeriod: drkit.Some(7),
		TenantType: cloudreplica.TenantTypeEdit{StandaloneTenant: drkit.Some(cloudreplica.StandaloneTenantEdit{
			TenantCredentials: cloudreplica.TenantCredentials{Username: "Tidewater"},
		})},
		CloudGatewayPools: []cloudreplica.UID{}, FailoverToOthersGatewaysIfFail: drkit.Some(false),
	}
}

// directoryEdit names the kind of a tenant of Active Directory.
func directoryEdit() cloudreplica.TenantTypeEdit {
	return cloudreplica.TenantTypeEdit{ADTenantType: drkit.Some(cloudreplica.ADTenantEdit{
		Account: `fjord\ops`, Domain: cloudreplica.ActiveDirectoryDomainEdit{DomainName: "fjord.example.com", DomainAccount: drkit.Some(`fjord\reader`), Port: 636},
	})}
}

func tenantCases(t testing.TB) []wireCase {
	t.Helper()
	create := func(kind, body string, spec cloudreplica.CreateCloudTenantSpec) wireCase {
		c := accepted("Tenants.Create", "POST /api/cloud/tenants", body, "tenants_create.answer", failed,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.Tenants.Create(ctx, spec))
			})
		c.kind = kind
		return c
	}
	organization := valueOf[[]cloudreplica.CloudTenant](t, "tenants_list.answer")[1].TenantType.VCloudTenant
	edit := func(kind, body string, edit cloudreplica.CloudTenantEdit) wireCase {
		c := accepted("Tenants.Update", "PUT "+tenantPath, body, "tenants_update.answer", badRequest,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.Tenants.Update(ctx, tenantID, edit))
			})
		c.kind = kind
		return c
	}
	return []wireCase{
		create("every member", "tenants_create.request", everyTenantSpec(t)),
		create("organization", "tenants_create.organization.request", organizationSpec(t)),
		create("domain", "tenants_create.domain.request", cloudreplica.CreateCloudTenantSpec{
			Name: `fjord\ops`, BackupServerUID: serverUID, TenantType: drkit.Some(cloudreplica.TenantKindActiveDirectory),
			Domain: drkit.Some(cloudreplica.ActiveDirectoryDomainSpec{DomainName: "fjord.example.com", DomainAccount: `fjord\reader`, Port: 389}),
		}),
		edit("every member", "tenants_update.request", everyTenantEdit()),
		edit("organization", "tenants_update.organization.request", cloudreplica.CloudTenantEdit{
			TenantType: cloudreplica.TenantTypeEdit{VCloudTenant: drkit.Some(cloudreplica.VCloudTenantEdit{
				OrganizationName: organization.OrganizationName, OrganizationRef: organization.OrganizationRef,
			})},
			CloudGatewayPools: []cloudreplica.UID{poolUID},
		}),
		edit("domain", "tenants_update.domain.request", cloudreplica.CloudTenantEdit{TenantType: directoryEdit()}),
		accepted("Tenants.Delete", "DELETE "+tenantPath, "", "tenants_delete.answer", notFound,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.Tenants.Delete(ctx, tenantID))
			}),
		{
			operation: "Tenants.GatewayPoolRefs", request: "GET " + tenantPath + "/gatewayPools", status: 200,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return c.Tenants.GatewayPoolRefs(ctx, tenantID)
			},
			answer: "tenants_gateway_pool_refs.answer", want: valueOf[[]cloudreplica.EntityRef](t, "tenants_gateway_pool_refs.answer"), refusal: notFound,
		},
		{
			operation: "Tenants.LicenseCounters", request: "GET " + tenantPath + "/freelicenseCounters", status: 200,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return c.Tenants.LicenseCounters(ctx, tenantID)
			},
			answer: "tenants_license_counters.answer", refusal: notFound,
			want: valueOf[cloudreplica.CloudTenantFreeLicenseCounters](t, "tenants_license_counters.answer"),
		},
		{
			operation: "HardwarePlans.Tenants", request: "GET /api/cloud/hardwarePlans/" + hardwarePlanID + "/tenants", status: 200,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return c.HardwarePlans.Tenants(ctx, hardwarePlanID)
			},
			answer: "hardware_plans_tenants.answer", want: valueOf[[]cloudreplica.CloudTenant](t, "hardware_plans_tenants.answer"), refusal: notFound,
		},
	}
}

// part are the methods that all parts of a tenant have.
type part[T any] struct {
	resource, path, id, prefix string
	list                       func(ctx context.Context, c *cloudreplica.Client) ([]T, error)
	get                        func(ctx context.Context, c *cloudreplica.Client) (T, error)
	create, delete             func(ctx context.Context, c *cloudreplica.Client) (any, error)
}

func (p part[T]) cases(t testing.TB) []wireCase {
	t.Helper()
	return []wireCase{
		{
			operation: p.resource + ".List", request: "GET " + tenantPath + p.path, status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return p.list(ctx, c) },
			answer: p.prefix + "_list.answer", want: valueOf[[]T](t, p.prefix+"_list.answer"), refusal: notFound,
		},
		{
			operation: p.resource + ".Get", request: "GET " + tenantPath + p.path + "/" + p.id, status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return p.get(ctx, c) },
			answer: p.prefix + "_get.answer", want: valueOf[T](t, p.prefix+"_get.answer"), refusal: notFound,
		},
		accepted(p.resource+".Create", "POST "+tenantPath+p.path, p.prefix+"_create.request", p.prefix+"_create.answer", failed, p.create),
		accepted(p.resource+".Delete", "DELETE "+tenantPath+p.path+"/"+p.id, "", p.prefix+"_delete.answer", notFound, p.delete),
	}
}

func tenantPartCases(t testing.TB) []wireCase {
	t.Helper()
	dataCenter := dataCenterOf(t)
	return slices.Concat(
		part[cloudreplica.CloudTenantResource]{
			"TenantResources", "/resources", quotaID, "tenant_resources",
			func(ctx context.Context, c *cloudreplica.Client) ([]cloudreplica.CloudTenantResource, error) {
				return c.TenantResources.List(ctx, tenantID)
			},
			func(ctx context.Context, c *cloudreplica.Client) (cloudreplica.CloudTenantResource, error) {
				return c.TenantResources.Get(ctx, tenantID, quotaID)
			},
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.TenantResources.Create(ctx, tenantID, quotaSpec(t)))
			},
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.TenantResources.Delete(ctx, tenantID, quotaID))
			},
		}.cases(t),
		part[cloudreplica.CloudTenantComputeResource]{
			"TenantComputeResources", "/computeResources", subscriptionID, "tenant_compute_resources",
			func(ctx context.Context, c *cloudreplica.Client) ([]cloudreplica.CloudTenantComputeResource, error) {
				return c.TenantComputeResources.List(ctx, tenantID)
			},
			func(ctx context.Context, c *cloudreplica.Client) (cloudreplica.CloudTenantComputeResource, error) {
				return c.TenantComputeResources.Get(ctx, tenantID, subscriptionID)
			},
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.TenantComputeResources.Create(ctx, tenantID, subscriptionSpec(t)))
			},
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.TenantComputeResources.Delete(ctx, tenantID, subscriptionID))
			},
		}.cases(t),
		part[cloudreplica.CloudTenantVCloudComputeResource]{
			"TenantVCloudComputeResources", "/vCloudComputeResources", dataCenterID, "tenant_v_cloud_compute_resources",
			func(ctx context.Context, c *cloudreplica.Client) ([]cloudreplica.CloudTenantVCloudComputeResource, error) {
				return c.TenantVCloudComputeResources.List(ctx, tenantID)
			},
			func(ctx context.Context, c *cloudreplica.Client) (cloudreplica.CloudTenantVCloudComputeResource, error) {
				return c.TenantVCloudComputeResources.Get(ctx, tenantID, dataCenterID)
			},
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.TenantVCloudComputeResources.Create(ctx, tenantID, cloudreplica.VCloudComputeResourceSpec{
					VirtualDataCenterRef: dataCenter.VirtualDataCenterRef, UseNetworkFailoverResources: true,
					NetworkAppliance: drkit.Some(applianceSpec()), WANAcceleratorUID: drkit.Some(dataCenter.WANAcceleratorUID),
				}))
			},
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.TenantVCloudComputeResources.Delete(ctx, tenantID, dataCenterID))
			},
		}.cases(t),
		part[cloudreplica.CloudSubtenant]{
			"Subtenants", "/subtenants", subtenantID, "subtenants",
			func(ctx context.Context, c *cloudreplica.Client) ([]cloudreplica.CloudSubtenant, error) {
				return c.Subtenants.List(ctx, tenantID)
			},
			func(ctx context.Context, c *cloudreplica.Client) (cloudreplica.CloudSubtenant, error) {
				return c.Subtenants.Get(ctx, tenantID, subtenantID)
			},
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.Subtenants.Create(ctx, tenantID, cloudreplica.CloudSubtenantCreateSpec{
					Name: "pilot", Description: drkit.Some("Pilot boat"), Password: drkit.NewSecret("starboard"), Enabled: drkit.Some(true),
					TenantResourceID: quotaID, QuotaName: drkit.Some("Pilot vault"), QuotaMB: drkit.Some(20480),
				}))
			},
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.Subtenants.Delete(ctx, tenantID, subtenantID))
			},
		}.cases(t),
		[]wireCase{accepted("Subtenants.Update", "PUT "+tenantPath+"/subtenants/"+subtenantID, "subtenants_update.request", "subtenants_update.answer", notFound,
			func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return begun(c.Subtenants.Update(ctx, tenantID, subtenantID, cloudreplica.CloudSubtenantEdit{
					Description: drkit.Some(""), Password: drkit.Some(drkit.NewSecret("port")), Enabled: drkit.Some(false),
					RepositoryQuota: drkit.Some(cloudreplica.SubtenantQuotaEdit{
						Unlimited: true, DisplayName: drkit.Some("Pilot vault"), TenantResourceID: drkit.Some(quotaID), QuotaMB: 20480,
					}),
				}))
			})},
	)
}
