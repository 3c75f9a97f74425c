package vsphere

import (
	"context"
	"errors"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Replications are the incoming and the outgoing replications of a pairing. Replications are configured, paused and
// resumed from either site, with a session at the other; tests are made, and images seen, at the site that recovers.
type Replications struct{ at place }

// List walks the replications of the pairing, incoming and outgoing ones together: query.SourceVCGUID picks a
// direction. State and progress take query.ExtendedInfo. It is safe to repeat.
//
// Without a session at the other site, or while that is down, rows are partial.
//
// Errors: [drkit.ErrListMoved] if replications keep coming or going while the list is read.
// Privileges: Replication.View, System.View.
// Source: vSphere Replication REST API reference, "List replications".
func (r *Replications) List(ctx context.Context, query ReplicationQuery) iter.Seq2[ReplicationInfo, error] {
	return walk(ctx, list[ReplicationInfo]{
		at: r.at, call: transport.Call{Operation: &contract.ReplicationsList}, query: query.list(),
		params: func(of ListQuery) any {
			query := query
			query.Offset, query.Limit = of.Offset, of.Limit
			return query
		},
		id: func(row *ReplicationInfo) string { return row.ID },
	})
}

// Count returns how many replications there are, incoming and outgoing ones together. It is safe to repeat.
//
// Errors: [*PartialError] beside the number where the service says that it does not know all.
// Privileges: Replication.View.
// Source: vSphere Replication REST API reference, "Count replications".
func (r *Replications) Count(ctx context.Context) (int64, error) {
	var answer struct {
		Count *int64   `json:"count"`
		Meta  Metadata `json:"_meta"`
	}
	err := r.at.do(ctx, transport.Call{Operation: &contract.ReplicationsCount, Check: func() error {
		if answer.Count == nil {
			return errors.New("an answer without count")
		}
		return nil
	}}, &answer)
	if err != nil {
		return 0, err
	}
	return *answer.Count, answer.Meta.Err()
}

// Issues walks what is wrong with the replications of the pairing. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if issues keep coming or going while the list is read.
// Privileges: Replication.View.
// Source: vSphere Replication REST API reference, "Replication issues".
func (r *Replications) Issues(ctx context.Context, query IssueQuery) iter.Seq2[IssueInfo, error] {
	return walk(ctx, list[IssueInfo]{
		at: r.at, call: transport.Call{Operation: &contract.ReplicationsIssues}, query: query.list(), id: issueID,
		params: func(of ListQuery) any {
			query := query
			query.Offset, query.Limit = of.Offset, of.Limit
			return query
		},
	})
}

// Get returns one replication. It is safe to repeat.
//
// Without a session at the other site, or while that is down, it is partial.
//
// Errors: [drkit.ErrNotFound] if there is no such replication.
// Privileges: System.View.
// Source: vSphere Replication REST API reference, "Get replication".
func (r *Replications) Get(ctx context.Context, id string) (ReplicationInfo, error) {
	var replication ReplicationInfo
	err := r.at.do(ctx, transport.Call{Operation: &contract.ReplicationsGet, Path: []string{id}}, &replication)
	return replication, err
}

// Disks walks the disks of a replicated machine, and where their replicas are. It is safe to repeat.
//
// Without a session at the other site, or while that is down, rows are partial.
//
// Errors: [drkit.ErrNotFound] if there is no such replication.
// Privileges: System.View, StorageProfile.View.
// Source: vSphere Replication REST API reference, "Disks of a replication".
func (r *Replications) Disks(ctx context.Context, id string, query ListQuery) iter.Seq2[ReplicatedVMDisk, error] {
	return walk(ctx, list[ReplicatedVMDisk]{
		at: r.at, call: transport.Call{Operation: &contract.ReplicationsDisks, Path: []string{id}}, query: query,
		id: func(row *ReplicatedVMDisk) string { return diskID(&row.VMDisk) },
	})
}

// diskID tells disks of machines apart.
func diskID(row *VMDisk) string {
	return row.VMID + "/" + row.DeviceKey.String() + "/" + row.IsVMHome.String()
}

// Capabilities returns what replications of the pairing can do or, with query.VMID, what that of one machine can. It
// is safe to repeat.
//
// Errors: [drkit.ErrNotFound] from appliances that do not have the operation yet.
// Source: vSphere Replication REST API reference, "Replication capabilities".
func (r *Replications) Capabilities(ctx context.Context, query CapabilityQuery) (ReplicationCapabilities, error) {
	var capabilities ReplicationCapabilities
	err := r.at.do(ctx, transport.Call{Operation: &contract.ReplicationsCapabilities, Query: query}, &capabilities)
	return capabilities, err
}

// Delete takes the local half of a replication away, for another site that is gone; [Replications.Unconfigure] ends
// a replication whose sites both live. The disks of the replica are deleted unless query says otherwise. The request
// is sent at most once.
//
// Privileges: System.View, Host.Hbr.HbrManagement.
// Source: vSphere Replication REST API reference, "Delete replication, local site only".
func (r *Replications) Delete(ctx context.Context, id string, query RemoveQuery) (*drkit.Poller[Task], error) {
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsDelete, Path: []string{id}, Query: query})
}

// Unconfigure ends a replication at both sites. The disks of the replica are deleted unless query says otherwise.
// The request is sent at most once.
//
// Privileges: System.View, Host.Hbr.HbrManagement.
// Source: vSphere Replication REST API reference, "Unconfigure (both sites)".
func (r *Replications) Unconfigure(ctx context.Context, id string, query RemoveQuery) (*drkit.Poller[Task], error) {
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsUnconfigure, Path: []string{id}, Query: query})
}

// Pause keeps a replication from sending changes until it is resumed. The request is sent at most once.
//
// Privileges: System.View, Host.Hbr.HbrManagement, VirtualMachine.Hbr.ConfigureReplication.
// Source: vSphere Replication REST API reference, "Pause".
func (r *Replications) Pause(ctx context.Context, id string) (*drkit.Poller[Task], error) {
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsPause, Path: []string{id}})
}

// Resume lets a paused replication send changes again. The request is sent at most once.
//
// Privileges: System.View, Host.Hbr.HbrManagement, VirtualMachine.Hbr.ConfigureReplication.
// Source: vSphere Replication REST API reference, "Resume".
func (r *Replications) Resume(ctx context.Context, id string) (*drkit.Poller[Task], error) {
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsResume, Path: []string{id}})
}

// Sync sends changes now, whatever the objective. The request is sent at most once.
//
// Privileges: System.View, Host.Hbr.HbrManagement.
// Source: vSphere Replication REST API reference, "Sync now".
func (r *Replications) Sync(ctx context.Context, id string) (*drkit.Poller[Task], error) {
	return r.at.begin(ctx, transport.Call{Operation: &contract.ReplicationsSync, Path: []string{id}})
}
