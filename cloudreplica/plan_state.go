package cloudreplica

import (
	"context"
	"slices"
	"strings"
)

// PlanState is a failover plan, with the replicas of its machines as Enterprise Manager has collected them last.
type PlanState struct {
	// The plan.
	Plan CloudFailoverPlan
	// Its machines, in the order in which they fail over.
	VMs []PlannedVM
}

// PlannedVM is a machine of a failover plan, and the replica that it stands for. The service has no link between the
// two: the name and the backup server tell.
type PlannedVM struct {
	CloudFailoveredVM
	// Its newest point; the zero CloudVMReplicaPoint where there is none.
	Newest CloudVMReplicaPoint
	// Replicas with a machine of that name at the backup server. With more than one it is not sure that the newest
	// point is of this machine.
	Replicas int
}

// Ready reports whether every machine has a point, and all are in the state [ReplicaStateReady].
func (s PlanState) Ready() bool { return len(s.VMs) > 0 && len(s.NotReady()) == 0 }

// NotReady returns the machines that have no point, or are in another state.
func (s PlanState) NotReady() []PlannedVM {
	return s.pick(func(vm PlannedVM) bool { return vm.Newest.State != ReplicaStateReady })
}

// failedOver returns the machines that run on their replicas.
func (s PlanState) failedOver() []PlannedVM {
	return s.pick(func(vm PlannedVM) bool { return vm.Newest.State == ReplicaStateFailover })
}

// away returns those that do not run where they belong.
func (s PlanState) away() []PlannedVM {
	return s.pick(func(vm PlannedVM) bool { return vm.Newest.State.away() })
}

// away reports whether a machine is failed over, on its way back, or failed over for good.
func (s ReplicaState) away() bool {
	return s == ReplicaStateFailover || s == ReplicaStateFailback || s == ReplicaStatePermanentFailover
}

func (s PlanState) pick(want func(PlannedVM) bool) []PlannedVM {
	return slices.DeleteFunc(slices.Clone(s.VMs), func(vm PlannedVM) bool { return !want(vm) })
}

// State returns the newest point of each machine of a plan, and the state of its replica. Enterprise Manager has it
// from its last collection: [BackupServers.Collect] makes a new one. It is safe to repeat.
//
// Errors: as those of VMs.
func (p *FailoverPlans) State(ctx context.Context, id string) (PlanState, error) {
	plan, err := p.Get(ctx, id)
	if err != nil {
		return PlanState{}, err
	}
	state := PlanState{Plan: plan}
	machines, err := p.machinesOf(ctx, plan)
	if err != nil {
		return PlanState{}, err
	}
	for _, vm := range machines {
		state.VMs = append(state.VMs, PlannedVM{CloudFailoveredVM: vm})
	}
	server, _ := plan.BackupServer()
	for some := range slices.Chunk(state.VMs, namesAtOnce) {
		if err := p.fill(ctx, server.ID(), some); err != nil {
			return PlanState{}, err
		}
	}
	return state, nil
}

// machinesOf returns the machines of a plan, in its order.
func (p *FailoverPlans) machinesOf(ctx context.Context, plan CloudFailoverPlan) ([]CloudFailoveredVM, error) {
	var machines []CloudFailoveredVM
	if info := plan.CloudFailoverPlanInfo; info != nil {
		machines = slices.Clone(info.Includes)
	}
	if len(machines) == 0 {
		var err error
		if machines, err = p.VMs(ctx, plan.ID()); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(machines, func(a, b CloudFailoveredVM) int { return a.Order - b.Order })
	return machines, nil
}

// namesAtOnce is how many machines one query asks for: they stand in its address.
const namesAtOnce = 20

// fill finds the points of machines.
func (p *FailoverPlans) fill(ctx context.Context, server string, machines []PlannedVM) error {
	names := make([]string, len(machines))
	for i, vm := range machines {
		names[i] = vm.Name
	}
	points := p.Collection.client.VMReplicaPoints
	rows, err := rowsFor(ctx, p.Collection.client, &points.Collection, &points.Finder, Query[CloudVMReplicaPoint]{
		Filter: PointFieldVMDisplayName.In(names...), Sort: PointFieldUID.Ascending(),
	})
	if err != nil {
		return err
	}
	for i := range machines {
		machines[i].take(server, rows)
	}
	return nil
}

// take finds the newest point of a machine.
func (vm *PlannedVM) take(server string, points []CloudVMReplicaPoint) {
	replicas := map[string]bool{}
	for _, point := range points {
		if !strings.EqualFold(point.VMDisplayName, vm.Name) || !sameServer(point.Entity, server) {
			continue
		}
		replica, _ := point.Replica()
		replicas[replica.ID()] = true
		if vm.Newest.UID == "" || vm.Newest.CreationTimeUTC.Before(point.CreationTimeUTC.Time) {
			vm.Newest = point
		}
	}
	vm.Replicas = len(replicas)
}

// sameServer reports whether an entity may be of a backup server: of what does not name one, any.
func sameServer(e Entity, server string) bool {
	own, named := e.BackupServer()
	return !named || server == "" || strings.EqualFold(own.ID(), server)
}
