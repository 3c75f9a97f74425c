package cloudreplica_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
)

// Every operation of the contract reaches the simulator from its method, and what it answers is understood.
func TestEveryOperationOnTheSimulator(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx, c := f.Context(), f.client
		_, err := c.Sessions.Versions(ctx)
		require.NoError(f, err)
		session, err := c.Sessions.SignIn(ctx)
		require.NoError(f, err)
		sessions, err := c.Sessions.List(ctx)
		require.NoError(f, err)
		assert.Len(f, sessions, 1)
		_, err = c.Sessions.Get(ctx, session.SessionID)
		require.NoError(f, err)
		_, err = c.Cloud.Links(ctx)
		require.NoError(f, err)
		f.failOver()
		f.tries()
		f.collects()
		f.reads()
		f.parts()
		f.dataCenters()
		f.changes()
		require.NoError(f, c.Sessions.End(ctx))
		for _, operation := range contract.Table.Operations {
			assert.Positive(f, f.server.Count(operation.Name), "%s was never asked for", operation.Name)
		}
	}, everything()...)
}

// everything has one of each kind.
func everything() []cloudreplicatest.Option {
	return []cloudreplicatest.Option{
		cloudreplicatest.WithHardwarePlans(cloudreplicatest.HardwarePlan{Name: "gold"}),
		cloudreplicatest.WithGateways(cloudreplicatest.Gateway{Name: "gate01", Pool: "gates"}),
		cloudreplicatest.WithGatewayPools(cloudreplicatest.GatewayPool{Name: "gates"}),
		cloudreplicatest.WithTenants(
			cloudreplicatest.Tenant{Name: "acme", HardwarePlans: []string{"gold"}, Pools: []string{"gates"}, QuotasMB: []int{4096}},
			cloudreplicatest.Tenant{Name: "globex"},
			cloudreplicatest.Tenant{Name: "initech", Type: cloudreplicatest.TenantVCD},
		),
		cloudreplicatest.WithReplicas(
			cloudreplicatest.Replica{Name: "db-1", Tenant: "acme"}, cloudreplicatest.Replica{Name: "app-1", Tenant: "globex"},
		),
		cloudreplicatest.WithPlans(
			cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"db-1"}},
			cloudreplicatest.Plan{Name: "globex all", Tenant: "globex", VMs: []string{"app-1"}},
		),
	}
}

// tries undoes the failover, tests the other plan, and looks at the tasks.
func (f *flow) tries() {
	f.Helper()
	ctx, c := f.Context(), f.client
	globex, acme := cloudreplicatest.PlanID("globex all"), cloudreplicatest.PlanID("acme all")
	_, err := c.FailoverPlans.Undo(ctx, globex)
	require.NoError(f, err)
	_, err = c.FailoverPlans.Test(ctx, acme)
	require.NoError(f, err)
	pass(time.Minute)
	assert.Equal(f, 1, f.server.Audit().Plan(globex).Started)
	assert.Equal(f, 1, f.server.Audit().Plan(globex).Undone)
	assert.Equal(f, 1, f.server.Audit().Plan(acme).Tested)

	tasks, err := c.Tasks.List(ctx)
	require.NoError(f, err)
	require.Len(f, tasks, 3)
	for _, task := range tasks {
		assert.True(f, task.Ended())
		require.NoError(f, task.Err())
		got, err := c.Tasks.Get(ctx, task.TaskID)
		require.NoError(f, err)
		assert.Equal(f, task, got)
	}
	require.NoError(f, c.Tasks.Delete(ctx, tasks[0].TaskID))
	_, err = c.Tasks.Get(ctx, tasks[0].TaskID)
	require.ErrorIs(f, err, drkit.ErrNotFound)
}

// collects lets data be collected, which makes a new point be shown.
func (f *flow) collects() {
	f.Helper()
	ctx, c := f.Context(), f.client
	newest := cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{
		Filter: cloudreplica.PointFieldVMDisplayName.Is("db-1"), Sort: cloudreplica.PointFieldCreationTime.Descending(), PageSize: 2,
	}
	before, err := drkit.First(c.VMReplicaPoints.Query(ctx, newest), nil)
	require.NoError(f, err)
	f.server.Replicate("db-1")
	_, err = c.BackupServers.Collect(ctx, firstServer.ID())
	require.NoError(f, err)
	pass(time.Minute)
	after, err := drkit.First(c.VMReplicaPoints.Query(ctx, newest), nil)
	require.NoError(f, err)
	assert.True(f, after.CreationTimeUTC.After(before.CreationTimeUTC.Time))
	assert.Equal(f, 1, f.server.Audit().Collect(firstServer.ID()).Finished)
	sessions, err := c.SystemSessions.List(ctx)
	require.NoError(f, err)
	last := sessions[0]
	for _, session := range sessions {
		if session.CreationTimeUTC.After(last.CreationTimeUTC.Time) {
			last = session
		}
	}
	assert.Equal(f, cloudreplica.SystemSessionTypeCollectJob, last.SessionType)
	assert.Equal(f, cloudreplica.SystemSessionStateSuccess, last.State)
	assert.True(f, last.CreationTimeUTC.After(after.CreationTimeUTC.Add(-time.Second)))
	assert.True(f, last.EndTimeUTC.After(last.CreationTimeUTC.Time))
	_, err = c.BackupServers.Collect(ctx, nobody)
	require.ErrorIs(f, err, drkit.ErrNotFound)
}

// reads asks for everything that lists do not show.
func (f *flow) reads() {
	f.Helper()
	ctx, c := f.Context(), f.client
	look(f, 3, "CloudTenant", c.Tenants, func(t cloudreplica.CloudTenant) cloudreplica.Entity { return t.Entity })
	look(f, 7, "CloudVmReplicaPoint", c.VMReplicaPoints, func(p cloudreplica.CloudVMReplicaPoint) cloudreplica.Entity { return p.Entity })
	look(f, 2, "CloudReplica", c.Replicas, func(r cloudreplica.CloudReplica) cloudreplica.Entity { return r.Entity })
	look(f, 2, "CloudFailoverPlan", c.FailoverPlans, func(p cloudreplica.CloudFailoverPlan) cloudreplica.Entity { return p.Entity })
	look(f, 2, "CloudFailoverSession", c.FailoverSessions, func(s cloudreplica.CloudFailoverSession) cloudreplica.Entity { return s.Entity })
	look(f, 1, "CloudHardwarePlan", c.HardwarePlans, func(p cloudreplica.CloudHardwarePlan) cloudreplica.Entity { return p.Entity })
	look(f, 1, "CloudGateway", c.Gateways, func(g cloudreplica.CloudGateway) cloudreplica.Entity { return g.Entity })
	look(f, 1, "CloudGatewayPool", c.GatewayPools, func(p cloudreplica.CloudGatewayPool) cloudreplica.Entity { return p.Entity })
	look(f, 1, "BackupServer", c.BackupServers, func(s cloudreplica.BackupServer) cloudreplica.Entity { return s.Entity })
	look(f, 2, "SystemSession", c.SystemSessions, func(s cloudreplica.SystemSession) cloudreplica.Entity { return s.Entity })
	refs, err := c.Replicas.PointRefs(ctx, cloudreplicatest.ReplicaID("db-1"))
	require.NoError(f, err)
	assert.Len(f, refs, 4)
	tenants, err := c.HardwarePlans.Tenants(ctx, gold.ID())
	require.NoError(f, err)
	require.Len(f, tenants, 1)
	assert.Equal(f, "acme", tenants[0].Name)
	vms, err := c.FailoverPlans.VMs(ctx, cloudreplicatest.PlanID("acme all"))
	require.NoError(f, err)
	require.Len(f, vms, 1)
	vm, err := c.FailoverPlans.VM(ctx, cloudreplicatest.PlanID("acme all"), vms[0].FailoverPlanVMID)
	require.NoError(f, err)
	assert.Equal(f, "db-1", vm.Name)
}

// parts asks for what belongs to a tenant.
func (f *flow) parts() {
	f.Helper()
	ctx, c := f.Context(), f.client
	pools, err := c.Tenants.GatewayPoolRefs(ctx, acme)
	require.NoError(f, err)
	assert.Len(f, pools, 1)
	_, err = c.Tenants.LicenseCounters(ctx, acme)
	require.NoError(f, err)
	quotas, err := c.TenantResources.List(ctx, acme)
	require.NoError(f, err)
	require.Len(f, quotas, 1)
	got, err := c.TenantResources.Get(ctx, acme, quotas[0].ID)
	require.NoError(f, err)
	assert.Equal(f, quotas[0].RepositoryQuota, got.RepositoryQuota)
	f.subtenants(got)
	poller, err := c.TenantResources.Create(ctx, acme, cloudreplica.BackupResourceSpec{Name: "More", RepositoryUID: repository, QuotaMB: 2048})
	quota := done(f, poller, err)
	begun, err := c.TenantResources.Delete(ctx, acme, quota.ID)
	done(f, begun, err)
	subscriptions, err := c.TenantComputeResources.List(ctx, acme)
	require.NoError(f, err)
	require.Len(f, subscriptions, 1)
	subscription, err := c.TenantComputeResources.Get(ctx, acme, subscriptions[0].ID)
	require.NoError(f, err)
	begun, err = c.TenantComputeResources.Delete(ctx, acme, subscription.ID)
	done(f, begun, err)
	begun, err = c.TenantComputeResources.Create(ctx, acme, cloudreplica.ComputeResourceSpec{CloudHardwarePlanUID: gold, PlatformType: cloudreplica.PlatformVMware})
	done(f, begun, err)
}

// dataCenters gives a virtual data center to an organization, and takes it away.
func (f *flow) dataCenters() {
	f.Helper()
	ctx, centers, initech := f.Context(), f.client.TenantVCloudComputeResources, cloudreplicatest.TenantID("initech")
	reference := "urn:vCloud:VDC:" + nobody + ".urn:vcloud:vdc:" + nobody
	begun, err := centers.Create(ctx, initech, cloudreplica.VCloudComputeResourceSpec{VirtualDataCenterRef: reference, UseNetworkFailoverResources: true})
	done(f, begun, err)
	all, err := centers.List(ctx, initech)
	require.NoError(f, err)
	require.Len(f, all, 1)
	got, err := centers.Get(ctx, initech, all[0].ID)
	require.NoError(f, err)
	assert.Equal(f, reference, got.VirtualDataCenterRef)
	assert.True(f, got.UseNetworkFailoverResources)
	begun, err = centers.Delete(ctx, initech, got.ID)
	done(f, begun, err)
	all, err = centers.List(ctx, initech)
	require.NoError(f, err)
	assert.Empty(f, all)
}

// changes makes, changes and removes a tenant and a plan.
func (f *flow) changes() {
	f.Helper()
	ctx, c, plan := f.Context(), f.client, cloudreplicatest.PlanID("acme all")
	poller, err := c.Tenants.Create(ctx, newTenant("hooli"))
	tenant := done(f, poller, err)
	begun, err := c.Tenants.Update(ctx, tenant.ID(), cloudreplica.CloudTenantEdit{TenantType: standalone("hooli"), Enabled: drkit.Some(false)})
	done(f, begun, err)
	begun, err = c.Tenants.Delete(ctx, tenant.ID())
	done(f, begun, err)
	begun, err = c.FailoverPlans.Update(ctx, plan, cloudreplica.CloudFailoverPlanEdit{})
	done(f, begun, err)
	begun, err = c.FailoverPlans.Delete(ctx, plan)
	done(f, begun, err)
}
