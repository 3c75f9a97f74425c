package cloudreplica

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
)

// stock is what an inventory keeps: what there is of tenants and plans, and one entry for each machine. Strings of
// points are copies, so that none holds a page.
type stock struct {
	client  *Client
	options InventoryOptions
	report  *InventoryReport

	tenants  map[string]int // in the report, by id
	plans    map[place][]planOf
	names    map[place]string // of planned machines, as they are written
	servers  map[string]string
	machines map[machineKey]*machine
	alike    map[place]int // machines with points
	filled   map[string]bool
	order    []*machine
}

// place is a name at a backup server, in lower case.
type place struct{ server, name string }

type machineKey struct {
	place
	replica string
}

// planOf is a plan that holds a machine.
type planOf struct{ name, tenantID, tenant string }

// machine is a replicated machine, with its newest point.
type machine struct {
	key     machineKey
	name    string
	replica string
	point   string
	state   ReplicaState
	created time.Time
	points  int
	tenants string // to sort by
}

func newStock(c *Client, options InventoryOptions) *stock {
	s := &stock{
		client: c, options: options, report: &InventoryReport{Began: time.Now().UTC(), Classes: map[InventoryClass]int{}},
		tenants: map[string]int{}, plans: map[place][]planOf{}, names: map[place]string{}, servers: map[string]string{},
		machines: map[machineKey]*machine{}, alike: map[place]int{}, filled: map[string]bool{},
	}
	s.report.stock = s
	return s
}

// readCollections finds out as of when the data are.
func (s *stock) readCollections(ctx context.Context) error {
	r := s.report
	all, err := s.client.collections(ctx)
	if err != nil && !errors.Is(err, drkit.ErrForbidden) { // who may not see them can still count
		return err
	}
	for _, one := range all {
		if r.LastCollection.UID == "" || one.CreationTimeUTC.After(r.LastCollection.CreationTimeUTC.Time) {
			r.LastCollection = one
		}
		if one.ended() && one.err() == nil && one.EndTimeUTC.After(r.AsOf) {
			r.AsOf = one.EndTimeUTC.Time
		}
	}
	r.Until = r.AsOf
	if r.AsOf.IsZero() || r.Began.Sub(r.AsOf) > s.options.MaxStale {
		r.Until = r.Began
	}
	return nil
}

func (s *stock) readTenants(ctx context.Context) error {
	for tenant, err := range s.client.Tenants.Query(ctx, Query[CloudTenant]{Sort: TenantFieldUID.Ascending()}) {
		if err != nil {
			return err
		}
		s.tenants[strings.ToLower(tenant.ID())] = len(s.report.Tenants)
		s.report.Tenants = append(s.report.Tenants, InventoryTenant{
			Name: tenant.Name, UID: tenant.UID, Enabled: tenant.Enabled, Classes: map[InventoryClass]int{},
			Silent: tenant.ReplicaCount > 0 || len(tenant.ComputeResources) > 0 || len(tenant.VCloudComputeResources) > 0,
		})
	}
	return nil
}

func (s *stock) readPlans(ctx context.Context) error {
	plans := s.client.FailoverPlans
	for plan, err := range plans.Query(ctx, Query[CloudFailoverPlan]{Sort: PlanFieldUID.Ascending()}) {
		if err != nil {
			return err
		}
		machines, err := plans.machinesOf(ctx, plan)
		if err != nil {
			return err
		}
		held := planOf{name: plan.Name, tenantID: strings.ToLower(plan.TenantUID.ID()), tenant: plan.TenantName}
		server := s.serverOf(plan.Entity)
		for _, vm := range machines {
			at := place{server, strings.ToLower(vm.Name)}
			s.plans[at] = append(s.plans[at], held)
			s.names[at] = vm.Name
		}
	}
	return nil
}

// serverOf returns the id of the backup server of an entity, and keeps its name.
func (s *stock) serverOf(e Entity) string {
	link, _ := e.BackupServer()
	id := strings.ToLower(link.ID())
	if _, known := s.servers[id]; !known {
		s.servers[strings.Clone(id)] = strings.Clone(link.Name)
	}
	return id
}

// readPoints walks all points, in an order that is the same however often it is asked for.
func (s *stock) readPoints(ctx context.Context) error {
	all := Query[CloudVMReplicaPoint]{Sort: PointFieldUID.Ascending(), PageSize: s.options.PageSize}
	for point, err := range s.client.VMReplicaPoints.Query(ctx, all) {
		if err != nil {
			return err
		}
		s.report.Points++
		s.take(&point)
	}
	for key := range s.machines {
		s.alike[key.place]++
	}
	return nil
}

// take counts a point, and keeps it if it is the newest of its machine.
func (s *stock) take(point *CloudVMReplicaPoint) {
	name := cmp.Or(point.VMDisplayName, point.VMName)
	if name == "" {
		name, _, _ = strings.Cut(point.Name, "@")
	}
	replica, _ := point.Replica()
	key := machineKey{place{s.serverOf(point.Entity), strings.ToLower(name)}, strings.ToLower(replica.ID())}
	m := s.machines[key]
	if m == nil {
		key = machineKey{place{strings.Clone(key.server), strings.Clone(key.name)}, strings.Clone(key.replica)}
		m = &machine{key: key, name: strings.Clone(name), replica: strings.Clone(replica.Name)}
		s.machines[key] = m
		s.filled[key.replica] = true
	}
	m.points++
	if m.points == 1 || point.CreationTimeUTC.After(m.created) {
		m.created, m.point = point.CreationTimeUTC.Time, strings.Clone(point.ID())
		m.state = ReplicaState(strings.Clone(string(point.State)))
	}
}

// readReplicas adds the machines without points: those of replicas that have none, and then those of plans.
func (s *stock) readReplicas(ctx context.Context) error {
	bare := map[place]bool{}
	for replica, err := range s.client.Replicas.Query(ctx, Query[CloudReplica]{Sort: ReplicaFieldUID.Ascending()}) {
		if err != nil {
			return err
		}
		id := strings.ToLower(replica.ID())
		if s.filled[id] {
			continue
		}
		at := place{s.serverOf(replica.Entity), strings.ToLower(replica.Name)}
		key := machineKey{at, id}
		s.machines[key] = &machine{key: key, name: replica.Name, replica: replica.Name}
		bare[at] = true
	}
	for at, name := range s.names {
		if s.alike[at] == 0 && !bare[at] {
			key := machineKey{place: at}
			s.machines[key] = &machine{key: key, name: name}
		}
	}
	return nil
}
