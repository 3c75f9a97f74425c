package cloudreplica

import (
	"context"
	"errors"
)

// PlanState is a failover plan, with the replicas of its machines as Enterprise Manager has collected them last.
type PlanState struct {
	Plan CloudFailoverPlan
	VMs  []PlannedVM // as they stand in the order of the plan
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
	var others []PlannedVM
	for _, vm := range s.VMs {
		if vm.Replicas == 0 || vm.Newest.State != ReplicaStateReady {
			others = append(others, vm)
		}
	}
	return others
}

// State returns the newest point of each machine of a plan, and the state of its replica. Enterprise Manager has it
// from its last collection: [BackupServers.Collect] makes a new one. It is safe to repeat.
//
// Errors: as those of VMs.
func (p *FailoverPlans) State(ctx context.Context, id string) (PlanState, error) {
	return PlanState{}, errors.ErrUnsupported
}
