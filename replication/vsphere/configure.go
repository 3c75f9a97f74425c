package vsphere

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Configure begins to replicate a machine of this site to the other. The disks are those of [VMs.Disks], each whole,
// with the one that stands for the machine's home among them. The request is sent at most once.
//
// Errors: [drkit.ErrConflict] if a task works on the machine, or if the outcome is unknown of an earlier call that had
// this machine among others: errors.As finds its error.
// Privileges: System.View, Host.Hbr.HbrManagement.
// Source: vSphere Replication REST API reference, "Configure replications (bulk)".
func (r *Replications) Configure(ctx context.Context, machine ConfigureReplication) (*drkit.Poller[Task], error) {
	call, err := configuration([]ConfigureReplication{machine})
	if err != nil {
		return nil, err
	}
	return r.at.beginOne(ctx, call)
}

// ConfigureAll is [Replications.Configure] for many machines in one request. It returns a poller for each machine,
// in the order of machines: a task belongs to the machine that it names, and where it names none, to that in the
// place of its answer. The request has the machines in the order of their identifiers, whatever that of the argument.
// It has no place in a step of [drkit.Once], which follows one poller; nor does [drkit.Recover] find what came of
// several machines: the same call does, as for any operation whose outcome is unknown. Calls that have some machines
// in common wait for each other.
//
// Errors: [drkit.ErrOutcomeUnknown] where there are tasks for some machines only, even after a look at what came of
// the others. The pollers of those that the answer has named a task for then stand beside it; the rest of them are nil.
// [drkit.ErrConflict] if a task works on one of the machines, or if the outcome is unknown of another call that was
// about one of them: errors.As finds its error.
// Privileges: System.View, Host.Hbr.HbrManagement.
// Source: vSphere Replication REST API reference, "Configure replications (bulk)".
func (r *Replications) ConfigureAll(ctx context.Context, machines []ConfigureReplication) ([]*drkit.Poller[Task], error) {
	call, err := configuration(machines)
	if err != nil {
		return nil, err
	}
	if len(machines) == 1 { // the same configuration by another name
		poller, err := r.at.beginOne(ctx, call)
		if poller == nil {
			return nil, err
		}
		return []*drkit.Poller[Task]{poller}, err
	}
	pollers, err := r.at.beginAll(ctx, call)
	if pollers == nil {
		return nil, err
	}
	sent := machinesOf(call)
	asked := make([]*drkit.Poller[Task], len(machines))
	for i, machine := range sent {
		asked[slices.IndexFunc(machines, func(m ConfigureReplication) bool { return m.VMID == machine.VMID })] = pollers[i]
	}
	return asked, err
}

// configuration returns the call that configures machines. It has them in an order of its own, so that whoever calls
// again for the same machines asks for the same, whatever their order.
func configuration(machines []ConfigureReplication) (transport.Call, error) {
	if len(machines) == 0 {
		return transport.Call{}, fmt.Errorf("%s.%s: there are no machines", service, contract.ReplicationsConfigure.Name)
	}
	seen := map[string]bool{}
	sent := make([]ConfigureReplication, len(machines))
	for i, machine := range machines {
		err := machine.check()
		if err == nil && seen[machine.VMID] {
			err = errors.New("it is there twice")
		}
		if err != nil {
			return transport.Call{}, fmt.Errorf("%s.%s: machine %s: %w", service, contract.ReplicationsConfigure.Name, transport.Plain(machine.VMID), err)
		}
		seen[machine.VMID] = true
		machine.Disks = asSent(machine.Disks)
		sent[i] = machine
	}
	slices.SortFunc(sent, func(a, b ConfigureReplication) int { return strings.Compare(a.VMID, b.VMID) })
	return transport.Call{Operation: &contract.ReplicationsConfigure, Body: sent}, nil
}

func (c ConfigureReplication) check() error {
	switch {
	case strings.TrimSpace(c.VMID) == "":
		return errors.New("VMID is empty")
	case strings.TrimSpace(c.TargetVCID) == "":
		return errors.New("TargetVCID is empty")
	default:
		return checkSettings(c.RPO, c.Disks)
	}
}

// checkSettings refuses what no appliance takes. The bounds of the objective are the appliance's to know: newer ones
// have others.
func checkSettings(rpo int64, disks []ConfigureDisk) error {
	switch {
	case rpo <= 0:
		return fmt.Errorf("RPO is %d, and not a number of minutes", rpo)
	case len(disks) == 0:
		return errors.New("there are no disks")
	}
	for _, disk := range disks {
		switch {
		case strings.TrimSpace(disk.DestinationDatastoreID) == "":
			return fmt.Errorf("disk %s: DestinationDatastoreID is empty", diskID(&disk.VMDisk))
		case disk.VMDisk.IsVMHome.Or(false) && disk.DestinationPath.Or("") != "":
			return fmt.Errorf("disk %s: it stands for the machine's home, which has no DestinationPath", diskID(&disk.VMDisk))
		}
	}
	return nil
}

// asSent returns disks without what the client has added to them.
func asSent(disks []ConfigureDisk) []ConfigureDisk {
	disks = slices.Clone(disks)
	for i := range disks {
		disks[i].VMDisk.Meta = drkit.Opt[Metadata]{}
	}
	return disks
}

// Reconfigure replaces the settings of a replication, all of them. The request is sent at most once.
//
// Privileges: System.View, System.Read, Host.Hbr.HbrManagement.
// Source: vSphere Replication REST API reference, "Reconfigure".
func (r *Replications) Reconfigure(ctx context.Context, id string, settings ReconfigureReplication) (*drkit.Poller[Task], error) {
	if err := checkSettings(settings.RPO, settings.Disks); err != nil {
		return nil, fmt.Errorf("%s.%s: %w", service, contract.ReplicationsReconfigure.Name, err)
	}
	settings.Disks = asSent(settings.Disks)
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsReconfigure, Path: []string{id}, Body: settings})
}
