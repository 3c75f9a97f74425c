package cloudreplica_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

var (
	firstServer = cloudreplica.UID("urn:veeam:BackupServer:" + cloudreplicatest.BackupServerID("vbr01"))
	gold        = cloudreplica.UID("urn:veeam:CloudHardwarePlan:" + cloudreplicatest.HardwarePlanID("gold"))
	gates       = cloudreplica.UID("urn:veeam:CloudGatewayPool:" + cloudreplicatest.GatewayPoolID("gates"))
	repository  = cloudreplica.UID("urn:veeam:Repository:" + nobody)
	acme        = cloudreplicatest.TenantID("acme")
)

// newTenant is a tenant with one of everything.
func newTenant(name string) cloudreplica.CreateCloudTenantSpec {
	return cloudreplica.CreateCloudTenantSpec{
		Name: name, Description: drkit.Some("Made <here> & \"tested\""), Password: drkit.Some(drkit.NewSecret(`<"pass" & word>`)),
		LeaseExpirationDate: drkit.Some(cloudreplica.At(time.Date(2033, 12, 31, 0, 0, 0, 0, time.UTC))),
		Resources:           []cloudreplica.BackupResourceSpec{{Name: "Main", RepositoryUID: repository, QuotaMB: 204800}},
		ComputeResources: []cloudreplica.ComputeResourceSpec{{
			CloudHardwarePlanUID: gold, PlatformType: cloudreplica.PlatformVMware, UseNetworkFailoverResources: true,
			NetworkAppliance: drkit.Some(cloudreplica.NetworkApplianceSpec{
				Name: "edge", ProductionNetwork: "VM Network",
				ManualIPAddress: drkit.Some(cloudreplica.ManualIPAddressSpec{IPAddress: "192.0.2.20", SubnetMask: "255.255.255.0", DefaultGateway: "192.0.2.1"}),
			}),
		}},
		ThrottlingEnabled: drkit.Some(true), ThrottlingSpeedLimit: drkit.Some(80),
		ThrottlingSpeedUnit: drkit.Some(cloudreplica.ThrottlingUnitMegabitsPerSecond), PublicIPCount: drkit.Some(2),
		BackupServerUID: firstServer, MaxConcurrentTasks: drkit.Some(3), BackupProtectionEnabled: drkit.Some(true),
		BackupProtectionPeriod: drkit.Some(14), TenantType: drkit.Some(cloudreplica.TenantKindStandalone),
		CloudGatewayPools: []cloudreplica.UID{gates}, FailoverToOthersGatewaysIfFail: drkit.Some(true),
	}
}

// standalone names the kind of a standalone tenant, as every edit must.
func standalone(name string) cloudreplica.TenantTypeEdit {
	return cloudreplica.TenantTypeEdit{StandaloneTenant: drkit.Some(cloudreplica.StandaloneTenantEdit{
		TenantCredentials: cloudreplica.TenantCredentials{Username: name},
	})}
}

func TestLifeOfATenant(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx, tenants := f.Context(), f.client.Tenants
		poller, err := tenants.Create(ctx, newTenant("hooli"))
		made := done(f, poller, err)
		assert.Equal(f, "hooli", made.Name)
		assert.Equal(f, "Made <here> & \"tested\"", made.Description)
		assert.True(f, made.Enabled)
		require.NotNil(f, made.LeaseOptions)
		assert.True(f, made.LeaseOptions.Enabled)
		assert.Equal(f, cloudreplica.At(time.Date(2033, 12, 31, 0, 0, 0, 0, time.UTC)), made.LeaseOptions.ExpirationDate)
		require.Len(f, made.Resources, 1)
		assert.EqualValues(f, 204800, made.Resources[0].RepositoryQuota.Quota)
		require.Len(f, made.ComputeResources, 1)
		assert.Equal(f, gold, made.ComputeResources[0].CloudHardwarePlanUID)
		appliance := made.ComputeResources[0].NetworkAppliance
		require.NotNil(f, appliance)
		require.NotNil(f, appliance.ManualIPAddress)
		assert.Equal(f, "192.0.2.20", appliance.ManualIPAddress.IPAddress)
		assert.Equal(f, []any{true, 80, cloudreplica.ThrottlingUnitMegabitsPerSecond, 2, 3, true, 14, true}, []any{
			made.ThrottlingEnabled, made.ThrottlingSpeedLimit, made.ThrottlingSpeedUnit, made.PublicIPCount, made.MaxConcurrentTasks,
			made.BackupProtectionEnabled, made.BackupProtectionPeriod, made.FailoverToOthersGatewaysIfFail,
		})
		assert.Equal(f, []cloudreplica.UID{gates}, made.CloudGatewayPools)
		f.signsInAs("hooli", `<"pass" & word>`)

		edit := cloudreplica.CloudTenantEdit{
			TenantType: standalone("hooli"), Description: drkit.Some(""), Password: drkit.Some(drkit.NewSecret("new")),
			LeaseOptions: drkit.Some(cloudreplica.LeaseEdit{}), PublicIPCount: drkit.Some(0), CloudGatewayPools: []cloudreplica.UID{},
			BackupProtectionEnabled: drkit.Some(false),
		}
		begun, err := tenants.Update(ctx, made.ID(), edit)
		done(f, begun, err)
		edited, err := tenants.Get(ctx, made.ID())
		require.NoError(f, err)
		want := made
		want.Description, want.PublicIPCount, want.CloudGatewayPools, want.BackupProtectionEnabled = "", 0, nil, false
		want.LeaseOptions = &cloudreplica.LeaseOptions{}
		assert.Empty(f, edited.CloudGatewayPools)
		edited.CloudGatewayPools = nil
		assert.Equal(f, want, edited, "what the edit leaves out stays")
		f.signsInAs("hooli", "new")

		begun, err = tenants.Delete(ctx, made.ID())
		done(f, begun, err)
		_, err = tenants.Get(ctx, made.ID())
		require.ErrorIs(f, err, drkit.ErrNotFound)
		assert.Equal(f, 1, f.server.Audit().TenantsNamed("hooli"))
		assert.True(f, f.server.Audit().Tenants[0].Deleted)
	})
}

// signsInAs signs a tenant in.
func (f *flow) signsInAs(tenant, password string) {
	f.Helper()
	_, err := f.clientOf(cloudreplica.TenantLogin(f.login(), tenant, drkit.NewSecret(password))).FailoverPlans.List(f.Context())
	require.NoError(f, err)
}

// What the backup server refuses fails the task; what the service sees at once is an error.
func TestTenantsThatCannotBe(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx, tenants := f.Context(), f.client.Tenants
		poller, err := tenants.Create(ctx, newTenant("ACME"))
		failedWith(f, "already exists", poller, err)
		nowhere := newTenant("nowhere")
		nowhere.BackupServerUID = "urn:veeam:BackupServer:" + nobody
		poller, err = tenants.Create(ctx, nowhere)
		failedWith(f, "Backup server", poller, err)
		small := newTenant("small")
		small.Resources[0].QuotaMB = 1023
		poller, err = tenants.Create(ctx, small)
		failedWith(f, "less than 1 GB", poller, err)
		begun, err := tenants.Update(ctx, acme, cloudreplica.CloudTenantEdit{TenantType: cloudreplica.TenantTypeEdit{
			VCloudTenant: drkit.Some(cloudreplica.VCloudTenantEdit{OrganizationName: "acme", OrganizationRef: "urn:vCloud:Org:x.y"}),
		}})
		failedWith(f, "", begun, err)
		_, err = tenants.Update(ctx, nobody, cloudreplica.CloudTenantEdit{TenantType: standalone("nobody")})
		require.ErrorIs(f, err, drkit.ErrNotFound)
		_, err = tenants.Delete(ctx, nobody)
		require.ErrorIs(f, err, drkit.ErrNotFound)
		assert.Empty(f, f.server.Audit().Tenants)
	})
}

// What has been made may not be shown yet when its task has ended, for ten seconds as clients have seen.
func TestTenantsThatShowLate(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		poller, err := f.client.Tenants.Create(ctx, newTenant("hooli"))
		assert.Equal(f, "hooli", done(f, poller, err).Name)
		f.server.Inject(cloudreplicatest.Fault{Operation: "Tenants.Create", After: true, Drop: true, Times: 1, Do: f.server.ExpireSessions})
		poller, err = f.client.Tenants.Create(ctx, newTenant("pied piper"))
		assert.Equal(f, "pied piper", done(f, poller, err).Name)
		assert.Equal(f, 2, f.server.Count("Tenants.Create"))
	}, cloudreplicatest.ShowsAfter(10*time.Second))
}

func TestOtherKindsOfTenants(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx, tenants := f.Context(), f.client.Tenants
		reference := "urn:vCloud:Org:" + nobody + ".urn:vcloud:org:" + nobody
		poller, err := tenants.Create(ctx, cloudreplica.CreateCloudTenantSpec{
			Name: "northwind", BackupServerUID: firstServer, TenantType: drkit.Some(cloudreplica.TenantKindCloudDirector), OrganizationRef: drkit.Some(reference),
			VCloudComputeResources: []cloudreplica.VCloudComputeResourceSpec{{VirtualDataCenterRef: "urn:vCloud:VDC:" + nobody + ".north"}},
		})
		organization := done(f, poller, err)
		require.NotNil(f, organization.TenantType)
		require.NotNil(f, organization.TenantType.VCloudTenant)
		assert.Equal(f, reference, organization.TenantType.VCloudTenant.OrganizationRef)
		require.Len(f, organization.VCloudComputeResources, 1)
		assert.Equal(f, "urn:vCloud:VDC:"+nobody+".north", organization.VCloudComputeResources[0].VirtualDataCenterRef)
		begun, err := tenants.Update(ctx, organization.ID(), cloudreplica.CloudTenantEdit{
			Enabled: drkit.Some(false), TenantType: cloudreplica.TenantTypeEdit{VCloudTenant: drkit.Some(cloudreplica.VCloudTenantEdit{
				OrganizationName: "northwind", OrganizationRef: reference,
			})},
		})
		done(f, begun, err)

		poller, err = tenants.Create(ctx, cloudreplica.CreateCloudTenantSpec{
			Name: `fjord\ops`, BackupServerUID: firstServer, TenantType: drkit.Some(cloudreplica.TenantKindActiveDirectory),
			Domain: drkit.Some(cloudreplica.ActiveDirectoryDomainSpec{DomainName: "fjord.example.com", DomainAccount: `fjord\reader`, Port: 636}),
		})
		domain := done(f, poller, err)
		require.NotNil(f, domain.TenantType)
		require.NotNil(f, domain.TenantType.ADTenantType)
		assert.Equal(f, 636, domain.TenantType.ADTenantType.Domain.Port)
		begun, err = tenants.Update(ctx, domain.ID(), cloudreplica.CloudTenantEdit{Description: drkit.Some("x"), TenantType: directoryEdit()})
		done(f, begun, err)
		begun, err = tenants.Update(ctx, domain.ID(), cloudreplica.CloudTenantEdit{TenantType: standalone("fjord")})
		failedWith(f, "is another", begun, err)

		for kind, id := range map[cloudreplica.TenantKind]string{
			cloudreplica.TenantKindCloudDirector: organization.ID(), cloudreplica.TenantKindActiveDirectory: domain.ID(),
		} {
			found, err := drkit.Collect(tenants.Query(ctx, cloudreplica.Query[cloudreplica.CloudTenant]{Filter: cloudreplica.TenantFieldType.Is(kind)}))
			require.NoError(f, err)
			require.Len(f, found, 1)
			assert.Equal(f, id, found[0].ID())
		}
	})
}

// Quotas, subscriptions and accounts of users are made, shown, changed and removed.
func TestPartsOfATenant(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx, c := f.Context(), f.client
		quotas, err := c.TenantResources.List(ctx, acme)
		require.NoError(f, err)
		assert.Empty(f, quotas)
		poller, err := c.TenantResources.Create(ctx, acme, cloudreplica.BackupResourceSpec{Name: "More", RepositoryUID: repository, QuotaMB: 2048})
		quota := done(f, poller, err)
		assert.Equal(f, "More", quota.RepositoryQuota.DisplayName)
		quotas, err = c.TenantResources.List(ctx, acme)
		require.NoError(f, err)
		require.Len(f, quotas, 1)
		assert.Equal(f, quota.RepositoryQuota, quotas[0].RepositoryQuota)

		f.subtenants(quota)
		begun, err := c.TenantResources.Delete(ctx, acme, quota.ID)
		done(f, begun, err)
		_, err = c.TenantResources.Get(ctx, acme, quota.ID)
		require.ErrorIs(f, err, drkit.ErrNotFound)
		_, err = c.TenantResources.List(ctx, nobody)
		require.ErrorIs(f, err, drkit.ErrNotFound)

		subscriptions, err := c.TenantComputeResources.List(ctx, acme)
		require.NoError(f, err)
		require.Len(f, subscriptions, 1)
		got, err := c.TenantComputeResources.Get(ctx, acme, subscriptions[0].ID)
		require.NoError(f, err)
		assert.Equal(f, gold, got.CloudHardwarePlanUID)
		begun, err = c.TenantComputeResources.Delete(ctx, acme, got.ID)
		done(f, begun, err)
		subscriptions, err = c.TenantComputeResources.List(ctx, acme)
		require.NoError(f, err)
		assert.Empty(f, subscriptions)
		begun, err = c.TenantComputeResources.Create(ctx, acme, cloudreplica.ComputeResourceSpec{
			CloudHardwarePlanUID: gold, PlatformType: cloudreplica.PlatformVMware,
		})
		done(f, begun, err)
		begun, err = c.TenantVCloudComputeResources.Create(ctx, acme, cloudreplica.VCloudComputeResourceSpec{VirtualDataCenterRef: "x"})
		failedWith(f, "is not of Cloud Director", begun, err)

		counters, err := c.Tenants.LicenseCounters(ctx, acme)
		require.NoError(f, err)
		assert.Zero(f, counters.NewVMReplicaCount)
	})
}

func (f *flow) subtenants(quota cloudreplica.CloudTenantResource) {
	f.Helper()
	ctx, users := f.Context(), f.client.Subtenants
	begun, err := users.Create(ctx, acme, cloudreplica.CloudSubtenantCreateSpec{
		Name: "pilot", Description: drkit.Some("Pilot & boat"), Password: drkit.NewSecret("starboard"),
		TenantResourceID: quota.ID, QuotaName: drkit.Some("Pilot vault"), QuotaMB: drkit.Some(1024),
	})
	done(f, begun, err)
	all, err := users.List(ctx, acme)
	require.NoError(f, err)
	require.Len(f, all, 1)
	assert.Equal(f, "Pilot & boat", all[0].Description)
	begun, err = users.Update(ctx, acme, all[0].ID, cloudreplica.CloudSubtenantEdit{
		Enabled: drkit.Some(false), RepositoryQuota: drkit.Some(cloudreplica.SubtenantQuotaEdit{QuotaMB: 1536}),
	})
	done(f, begun, err)
	got, err := users.Get(ctx, acme, all[0].ID)
	require.NoError(f, err)
	assert.False(f, got.Enabled)
	assert.Equal(f, "Pilot & boat", got.Description)
	require.NotNil(f, got.RepositoryQuota)
	assert.Equal(f, 1536, got.RepositoryQuota.QuotaMB)
	assert.Equal(f, "Pilot vault", got.RepositoryQuota.DisplayName)
	assert.Equal(f, quota.ID, got.RepositoryQuota.TenantResourceID)
	begun, err = users.Delete(ctx, acme, got.ID)
	done(f, begun, err)
	_, err = users.Get(ctx, acme, got.ID)
	require.ErrorIs(f, err, drkit.ErrNotFound)
}

// A plan's scripts can be changed, and a plan removed.
func TestPlanEdits(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx, plans := f.Context(), f.client.FailoverPlans
		id := cloudreplicatest.PlanID("acme all")
		before, err := plans.Get(ctx, id)
		require.NoError(f, err)
		scripts := cloudreplica.CloudFailoverPlanScripts{
			PreFailoverPlanCommandEnabled: true, PreFailoverPlanCommand: `C:\dr & "test" <pre>.cmd`, PostFailoverPlanCommand: "post.cmd",
		}
		begun, err := plans.Update(ctx, id, cloudreplica.CloudFailoverPlanEdit{CloudFailoverPlanOptions: scripts})
		done(f, begun, err)
		after, err := plans.Get(ctx, id)
		require.NoError(f, err)
		require.NotNil(f, after.CloudFailoverPlanOptions)
		assert.Equal(f, scripts.PreFailoverPlanCommand, after.CloudFailoverPlanOptions.PreFailoverPlanCommand)
		assert.True(f, after.CloudFailoverPlanOptions.PreFailoverPlanCommandEnabled)
		assert.False(f, after.CloudFailoverPlanOptions.PostFailoverPlanCommandEnabled)
		assert.Equal(f, "post.cmd", after.CloudFailoverPlanOptions.PostFailoverPlanCommand)
		before.CloudFailoverPlanOptions = after.CloudFailoverPlanOptions
		assert.Equal(f, before, after, "and nothing else")

		begun, err = plans.Delete(ctx, id)
		done(f, begun, err)
		_, err = plans.Get(ctx, id)
		require.ErrorIs(f, err, drkit.ErrNotFound)
		_, err = plans.Update(ctx, id, cloudreplica.CloudFailoverPlanEdit{})
		require.ErrorIs(f, err, drkit.ErrNotFound)
	})
}
