package cloudreplica_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// entities is what all collections have, and all that the query service knows.
type entities[T any] interface {
	List(ctx context.Context) ([]T, error)
	Refs(ctx context.Context) ([]cloudreplica.EntityRef, error)
	Get(ctx context.Context, id string) (T, error)
	Ref(ctx context.Context, id string) (cloudreplica.EntityRef, error)
}

type queried[T any] interface {
	Query(ctx context.Context, query cloudreplica.Query[T]) iter.Seq2[T, error]
	QueryRefs(ctx context.Context, query cloudreplica.Query[T]) iter.Seq2[cloudreplica.EntityRef, error]
}

// look asks for everything of a kind in all ways, which all show the same.
func look[T any](f *flow, count int, kind string, of entities[T], entity func(T) cloudreplica.Entity) []T {
	f.Helper()
	ctx := f.Context()
	all, err := of.List(ctx)
	require.NoError(f, err)
	require.Len(f, all, count, kind)
	refs, err := of.Refs(ctx)
	require.NoError(f, err)
	require.Len(f, refs, count, kind)
	for i, one := range all {
		shown := entity(one)
		assert.Equal(f, shown.Name, refs[i].Name)
		assert.Equal(f, shown.UID, refs[i].UID)
		assert.Equal(f, kind, shown.Type)
		assert.Equal(f, kind, shown.UID.Type())
		assert.Equal(f, kind+"Reference", refs[i].Type)
		got, err := of.Get(ctx, shown.ID())
		require.NoError(f, err)
		assert.Equal(f, one, got)
		ref, err := of.Ref(ctx, strings.ToUpper(shown.ID()))
		require.NoError(f, err, "in any case of letters")
		assert.Equal(f, refs[i], ref)
	}
	_, err = of.Get(ctx, nobody)
	require.ErrorIs(f, err, drkit.ErrNotFound)
	_, err = of.Ref(ctx, nobody)
	require.ErrorIs(f, err, drkit.ErrNotFound)
	return all
}

// lookAndFind does the same, and asks the query service as well, for pages of two rows.
func lookAndFind[T any](f *flow, count int, kind string, of interface {
	entities[T]
	queried[T]
}, entity func(T) cloudreplica.Entity,
) []T {
	f.Helper()
	all := look(f, count, kind, of, entity)
	query := cloudreplica.Query[T]{PageSize: 2}
	found, err := drkit.Collect(of.Query(f.Context(), query))
	require.NoError(f, err)
	assert.Equal(f, all, found)
	refs, err := drkit.Collect(of.QueryRefs(f.Context(), query))
	require.NoError(f, err)
	require.Len(f, refs, count)
	for i := range refs {
		assert.Equal(f, entity(all[i]).UID, refs[i].UID)
	}
	return all
}

// nobody is an id that nothing has.
const nobody = "00000000-0000-4000-8000-000000000000"

// What the simulator has is shown as a list, one by one, and by the query service, as entities and as references.
func TestEverythingInAllWays(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		c := f.client
		f.failOver()
		made := f.made("db-1", "web-1", "app-1")
		points := lookAndFind(f, 9, "CloudVmReplicaPoint", c.VMReplicaPoints, func(p cloudreplica.CloudVMReplicaPoint) cloudreplica.Entity { return p.Entity })
		for _, point := range points {
			replica, found := point.Replica()
			assert.True(f, found)
			assert.Contains(f, []string{cloudreplicatest.ReplicaID("acme servers"), cloudreplicatest.ReplicaID("globex app")}, replica.ID())
			server, found := point.BackupServer()
			assert.True(f, found)
			assert.Equal(f, cloudreplicatest.BackupServerID("vbr01"), server.ID())
			assert.Equal(f, cloudreplica.PointTypeSnapshot, point.PointType)
			assert.Equal(f, made[point.ID()].Created.UTC(), point.CreationTimeUTC.Time)
			assert.True(f, strings.HasPrefix(point.Name, point.VMDisplayName+"@"), point.Name)
		}
		replicas := lookAndFind(f, 2, "CloudReplica", c.Replicas, func(r cloudreplica.CloudReplica) cloudreplica.Entity { return r.Entity })
		assert.Equal(f, cloudreplica.PlatformVMware, replicas[0].Platform)
		refs, err := c.Replicas.PointRefs(f.Context(), replicas[0].ID())
		require.NoError(f, err)
		assert.Len(f, refs, 6)

		plans := lookAndFind(f, 2, "CloudFailoverPlan", c.FailoverPlans, func(p cloudreplica.CloudFailoverPlan) cloudreplica.Entity { return p.Entity })
		assert.Equal(f, "acme", plans[0].TenantName)
		assert.Equal(f, cloudreplicatest.TenantID("acme"), plans[0].TenantUID.ID())
		vms, err := c.FailoverPlans.VMs(f.Context(), plans[0].ID())
		require.NoError(f, err)
		require.Len(f, vms, 2)
		assert.Equal(f, "web-1", vms[1].Name)
		assert.Equal(f, 1, vms[1].Order)
		require.NotNil(f, plans[0].CloudFailoverPlanInfo)
		require.Len(f, plans[0].CloudFailoverPlanInfo.Includes, 2)
		assert.Equal(f, "web-1", plans[0].CloudFailoverPlanInfo.Includes[1].Name)
		vm, err := c.FailoverPlans.VM(f.Context(), plans[0].ID(), vms[1].FailoverPlanVMID)
		require.NoError(f, err)
		assert.Equal(f, "web-1", vm.Name)

		runs := lookAndFind(f, 1, "CloudFailoverSession", c.FailoverSessions, func(s cloudreplica.CloudFailoverSession) cloudreplica.Entity { return s.Entity })
		assert.Equal(f, "globex all", runs[0].Name)
		assert.Equal(f, cloudreplica.SessionStateStopped, runs[0].State)
		assert.Equal(f, cloudreplica.SessionResultSuccess, runs[0].Result)
		assert.Equal(f, 100, runs[0].Progress)
		require.Len(f, runs[0].CloudFailoverTasks, 1)
		assert.Equal(f, "app-1", runs[0].CloudFailoverTasks[0].VMName)
		require.NotNil(f, runs[0].CloudFailoverTasks[0].VMReplicaPointLink)
		_, err = c.VMReplicaPoints.Get(f.Context(), runs[0].CloudFailoverTasks[0].VMReplicaPointLink.ID())
		require.NoError(f, err)

		f.infrastructure()
	})
}

// failOver fails globex over.
func (f *flow) failOver() {
	f.Helper()
	_, err := f.client.FailoverPlans.Start(f.Context(), cloudreplicatest.PlanID("globex all"), cloudreplica.FailoverStart{})
	require.NoError(f, err)
	pass(time.Minute)
}

// made are the points of VMs as they really are, by their ids.
func (f *flow) made(vms ...string) map[string]cloudreplicatest.Point {
	all := map[string]cloudreplicatest.Point{}
	for _, vm := range vms {
		for _, point := range f.server.Points(vm) {
			all[point.ID] = point
		}
	}
	return all
}

func (f *flow) infrastructure() {
	f.Helper()
	c := f.client
	tenants := lookAndFind(f, 2, "CloudTenant", c.Tenants, func(t cloudreplica.CloudTenant) cloudreplica.Entity { return t.Entity })
	assert.True(f, tenants[0].Enabled)
	assert.True(f, tenants[0].LastActive.IsZero(), "1753 is never")
	require.NotNil(f, tenants[0].TenantType)
	require.NotNil(f, tenants[0].TenantType.StandaloneTenant)
	assert.Nil(f, tenants[0].TenantType.VCloudTenant)
	assert.Equal(f, []cloudreplica.UID{cloudreplica.UID("urn:veeam:CloudGatewayPool:" + cloudreplicatest.GatewayPoolID("gates"))}, tenants[0].CloudGatewayPools)
	assert.Empty(f, tenants[1].CloudGatewayPools)
	require.Len(f, tenants[0].ComputeResources, 1)
	assert.Equal(f, cloudreplicatest.HardwarePlanID("gold"), tenants[0].ComputeResources[0].CloudHardwarePlanUID.ID())

	hardware := lookAndFind(f, 1, "CloudHardwarePlan", c.HardwarePlans, func(p cloudreplica.CloudHardwarePlan) cloudreplica.Entity { return p.Entity })
	assert.Equal(f, -1, hardware[0].MemoryUsageLimitMB)
	require.NotNil(f, hardware[0].HardwarePlanDetails)
	require.NotNil(f, hardware[0].HardwarePlanDetails.ViCloudHardwarePlan)
	assert.Equal(f, 500, hardware[0].HardwarePlanDetails.ViCloudHardwarePlan.Datastores[0].QuotaGB)
	subscribed, err := c.HardwarePlans.Tenants(f.Context(), hardware[0].ID())
	require.NoError(f, err)
	assert.Equal(f, tenants, subscribed)

	gateways := lookAndFind(f, 1, "CloudGateway", c.Gateways, func(g cloudreplica.CloudGateway) cloudreplica.Entity { return g.Entity })
	assert.Equal(f, 6180, gateways[0].ExternalPort)
	pools := lookAndFind(f, 1, "CloudGatewayPool", c.GatewayPools, func(p cloudreplica.CloudGatewayPool) cloudreplica.Entity { return p.Entity })
	assert.Equal(f, []cloudreplica.UID{gateways[0].UID}, pools[0].CloudGateways)
	assert.Equal(f, []cloudreplica.UID{tenants[0].UID}, pools[0].CloudTenants)
	refs, err := c.Tenants.GatewayPoolRefs(f.Context(), tenants[0].ID())
	require.NoError(f, err)
	require.Len(f, refs, 1)
	assert.Equal(f, pools[0].UID, refs[0].UID)

	servers := lookAndFind(f, 1, "BackupServer", c.BackupServers, func(s cloudreplica.BackupServer) cloudreplica.Entity { return s.Entity })
	assert.Equal(f, "vbr01", servers[0].Name)
	assert.Equal(f, 9392, servers[0].Port)
	assert.Equal(f, "12.1.0.2131", servers[0].Version)
	collected := look(f, 1, "SystemSession", c.SystemSessions, func(s cloudreplica.SystemSession) cloudreplica.Entity { return s.Entity })
	assert.Equal(f, cloudreplica.SystemSessionTypeCollectJob, collected[0].SessionType)
	assert.Equal(f, cloudreplica.SystemSessionStateSuccess, collected[0].State)
}

// Filters, orders and pages mean the same to the client and to the simulator.
func TestQueriesOnTheSimulator(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx, points := f.Context(), f.client.VMReplicaPoints
		first, second := cloudreplicatest.InventoryVM(0, 0), cloudreplicatest.InventoryVM(2, 1)
		all, err := drkit.Collect(points.Query(ctx, cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{}))
		require.NoError(f, err)
		assert.Len(f, all, 3*2*45)
		assert.Equal(f, 3, f.server.Count("Query.Find"))

		find := func(filter cloudreplica.Filter[cloudreplica.CloudVMReplicaPoint]) []cloudreplica.CloudVMReplicaPoint {
			f.Helper()
			found, err := drkit.Collect(points.Query(ctx, cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{
				Filter: filter, Sort: cloudreplica.PointFieldCreationTime.Descending(), PageSize: 30,
			}))
			require.NoError(f, err)
			assert.True(f, slices.IsSortedFunc(found, func(a, b cloudreplica.CloudVMReplicaPoint) int {
				return b.CreationTimeUTC.Compare(a.CreationTimeUTC.Time)
			}))
			return found
		}
		assert.Len(f, find(cloudreplica.PointFieldVMDisplayName.Is(first)), 45)
		assert.Len(f, find(cloudreplica.PointFieldVMDisplayName.In(first, second, "nobody's")), 90)
		hour := time.Now().Add(-time.Hour)
		late := find(cloudreplica.PointFieldCreationTime.Above(hour))
		assert.NotEmpty(f, late)
		assert.Less(f, len(late), len(all))
		for _, point := range late {
			assert.True(f, point.CreationTimeUTC.After(hour))
		}
		assert.Len(f, find(cloudreplica.PointFieldCreationTime.AtMost(hour)), len(all)-len(late))
		one := find(cloudreplica.And(cloudreplica.PointFieldState.Is(cloudreplica.ReplicaStateReady),
			cloudreplica.Or(cloudreplica.PointFieldUID.Is(all[7].UID), cloudreplica.PointFieldVMDisplayName.Is(`no "body"; (here), or`))))
		require.Len(f, one, 1)
		assert.Equal(f, all[7], one[0])
		assert.Empty(f, find(cloudreplica.PointFieldState.Above(cloudreplica.ReplicaStateReady)))
		assert.Empty(f, find(cloudreplica.PointFieldVMDisplayName.In()))

		newest, err := drkit.First(points.Query(ctx, cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{
			Filter:   cloudreplica.PointFieldReplicaUID.Is(cloudreplica.UID("urn:veeam:CloudReplica:" + cloudreplicatest.ReplicaID(second))),
			Sort:     cloudreplica.PointFieldCreationTime.Descending(),
			PageSize: 1,
		}), nil)
		require.NoError(f, err)
		made := f.server.Points(second)
		assert.Equal(f, made[len(made)-1].ID, newest.ID())
	}, cloudreplicatest.Inventory(3, 2, 45))
}

// Tenants whose names need quotes, in several pages and both orders.
func TestTenantsInPages(t *testing.T) {
	t.Parallel()
	const count = 130
	var all []cloudreplicatest.Tenant
	names := make([]string, count)
	for i := range count {
		names[i] = fmt.Sprintf(`%03d "North"; (east), <south> & west`, i)
		all = append(all, cloudreplicatest.Tenant{Name: names[i], Disabled: i%2 == 1, LeaseEnds: "2099-12-31T00:00:00"})
	}
	flows(t, func(f *flow) {
		ctx := f.Context()
		for _, size := range []int{0, 1, 2, 7, 64, 129, 130, 131, 1000} {
			if size == 1 && f.spoken.name != "XML" {
				continue // it takes a request a row
			}
			found, err := drkit.Collect(f.client.Tenants.Query(ctx, cloudreplica.Query[cloudreplica.CloudTenant]{
				PageSize: size, Sort: cloudreplica.TenantFieldName.Ascending(),
			}))
			require.NoError(f, err)
			require.Len(f, found, count)
			for i, tenant := range found {
				assert.Equal(f, names[i], tenant.Name)
			}
		}
		refs, err := drkit.Collect(f.client.Tenants.QueryRefs(ctx, cloudreplica.Query[cloudreplica.CloudTenant]{
			PageSize: 50, Sort: cloudreplica.TenantFieldName.Descending(),
			Filter: cloudreplica.And(cloudreplica.TenantFieldEnabled.Is(false), cloudreplica.TenantFieldType.Is(cloudreplica.TenantKindStandalone)),
		}))
		require.NoError(f, err)
		require.Len(f, refs, count/2)
		assert.Equal(f, names[count-1], refs[0].Name)
		found, err := drkit.Collect(f.client.Tenants.Query(ctx, cloudreplica.Query[cloudreplica.CloudTenant]{
			Filter: cloudreplica.TenantFieldName.In(names[5], names[77]),
		}))
		require.NoError(f, err)
		require.Len(f, found, 2)
		require.NotNil(f, found[0].LeaseOptions)
		assert.True(f, found[0].LeaseOptions.ExpirationDate.Zoneless)
		assert.Equal(f, 2099, found[0].LeaseOptions.ExpirationDate.Year())
	}, cloudreplicatest.WithTenants(all...))
}

// A list of a hundred points has items called by another name.
func TestHundredPoints(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		points, err := f.client.VMReplicaPoints.List(f.Context())
		require.NoError(f, err)
		require.Len(f, points, 100)
		replicas, err := f.client.Replicas.List(f.Context())
		require.NoError(f, err)
		require.Len(f, replicas, 1)
		made := f.made(replicas[0].Name)
		for _, point := range points {
			assert.Equal(f, "CloudVmReplicaPoint", point.Type)
			assert.Equal(f, made[point.ID()].Created.UTC(), point.CreationTimeUTC.Time)
			delete(made, point.ID())
		}
		assert.Empty(f, made)
	}, cloudreplicatest.Inventory(1, 1, 100))
}

// What the simulator really says in each tongue, so that the flows do not all speak the same one.
func TestWhatIsSaid(t *testing.T) {
	t.Parallel()
	said := map[string][]string{
		"XML":                      {`<CloudVmReplicaPoints `, `<CloudReplica `, `LastActive>1753-01-01T00:00:00Z<`, `<CloudFailoveredVm`},
		"XML of other samples":     {`<CloudVmReplicaPoints `, `<CloudReplica `, `LastActive>1753-01-01T00:00:00Z<`, `<CloudFailoverPlanVm`},
		"JSON":                     {`{"CloudReplicas":[`, `"CreationTimeUTC":`, `"LastActive":"1753-01-01T00:00:00Z"`, `"VmCount":null`},
		"JSON of 9.5":              {`{"CloudReplicas":[`, `"CreationTimeUTC":`, `"LastActive":"1753-01-01T00:00:00Z"`, `"CloudFailoveredVms":[`},
		"JSON of 13.0":             {`{"cloudReplicas":[`, `"creationTimeUTC":`, `"lastActive":"1753-01-01T00:00:00Z"`, `"vmCount":null`},
		"JSON of 13.0 with a mark": {"\xef\xbb\xbf{\"cloudReplicas\":[", `"creationTimeUTC":`, `"lastActive":"1753-01-01T00:00:00Z"`, `"cloudFailoverPlanVms":[`},
	}
	flows(t, func(f *flow) {
		var all strings.Builder
		ctx := drkit.OnResponse(f.Context(), func(r drkit.Response) { all.Write(r.Body) })
		points, err := f.client.VMReplicaPoints.List(ctx)
		require.NoError(f, err)
		assert.Len(f, points, 9)
		tenants, err := f.client.Tenants.List(ctx)
		require.NoError(f, err)
		assert.True(f, tenants[0].LastActive.IsZero())
		plans, err := f.client.FailoverPlans.List(ctx)
		require.NoError(f, err)
		assert.Len(f, plans[0].CloudFailoverPlanInfo.Includes, 2)
		require.NotEmpty(f, said[f.spoken.name])
		for _, part := range said[f.spoken.name] {
			assert.Contains(f, all.String(), part)
		}
		assert.Equal(f, f.spoken.name != "JSON of 9.5" && strings.HasPrefix(f.spoken.name, "JSON"), strings.Contains(all.String(), ":null"))
	})
}
