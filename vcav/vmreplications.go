package vcav

import (
	"context"
	"iter"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// SiteVMReplications are the replications of single machines at a site.
type SiteVMReplications struct{ at place }

// VMReplications are the replications of single machines at the local site, with their statistics.
type VMReplications struct{ SiteVMReplications }

// List walks the replications that match query. An empty query matches all that the user may see: a
// tenant sees its own, an administrator everybody's. query.Limit is the rows a page, at most 100, which
// is the default; the walk goes on to the last page. IDs that are empty, but not nil, match nothing. It is
// safe to repeat.
//
// Errors: [drkit.ErrListMoved] if replications keep coming or going while the list is read;
// [drkit.ErrForbidden] if a tenant filters by what only administrators may.
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the VM Replications".
func (v *SiteVMReplications) List(ctx context.Context, query VMReplicationQuery) iter.Seq2[VMReplication, error] {
	if query.IDs != nil && len(query.IDs) == 0 {
		return none[VMReplication]
	}
	return transport.Rows(ctx, transport.List[VMReplication]{
		Name: "vcav.VMReplications.List", Offset: query.Offset, Limit: query.Limit,
		Ahead: v.at.client.transport.Prefetch(),
		ID:    func(row *VMReplication) string { return row.ID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[VMReplication], error) {
			query := query
			query.Offset, query.Limit = offset, limit
			var page VMReplicationPage
			err := v.at.do(ctx, transport.Call{Operation: &contract.VMReplicationsList, Query: query}, &page)
			return transport.Page[VMReplication]{Items: page.Items, Total: page.Total}, err
		},
	})
}

// Get returns one replication. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is none of that id at this site, or if it is another tenant's.
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Details of a VM Replication".
func (v *SiteVMReplications) Get(ctx context.Context, id string) (VMReplication, error) {
	var replication VMReplication
	err := v.at.do(ctx, transport.Call{Operation: &contract.VMReplicationsGet, Path: []string{id}}, &replication)
	return replication, err
}

// Instances returns the instances of a replication: the points in time that it can be recovered to. It
// is empty before the first synchronization has ended. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Instances of a VM Replication".
func (v *SiteVMReplications) Instances(ctx context.Context, id string) ([]Instance, error) {
	var instances []Instance
	err := v.at.do(ctx, transport.Call{Operation: &contract.VMReplicationsInstances, Path: []string{id}}, &instances)
	return instances, err
}

// Instance returns one instance, with the disks that are in it. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if the replication has no such instance.
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Details of a VM Replication Instance".
func (v *SiteVMReplications) Instance(ctx context.Context, id, instanceKey string) (InstanceDetails, error) {
	var instance InstanceDetails
	call := transport.Call{Operation: &contract.VMReplicationsInstance, Path: []string{id, instanceKey}}
	err := v.at.do(ctx, call, &instance)
	return instance, err
}

// VirtualHardware returns processors, memory and storage of the replicated machine. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Hardware Information of a Replicated VM".
func (v *SiteVMReplications) VirtualHardware(ctx context.Context, id string) (VirtualHardware, error) {
	var hardware VirtualHardware
	err := v.at.do(ctx, transport.Call{Operation: &contract.VMReplicationsVirtualHardware, Path: []string{id}}, &hardware)
	return hardware, err
}

// Traffic returns how much a replication has transferred over time. An empty query asks for the last 24
// hours by the hour. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Historical Traffic Statistics of a VM Replication".
func (v *VMReplications) Traffic(ctx context.Context, id string, query TrafficQuery) (Series, error) {
	var series Series
	call := transport.Call{Operation: &contract.VMReplicationsTraffic, Path: []string{id}, Query: query}
	err := v.at.do(ctx, call, &series)
	return series, err
}

// DiskUsage returns how much space a replication has taken over time. An empty query asks for the last 24
// hours by the hour. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Historical Disk Usage Statistics of a VM Replication".
func (v *VMReplications) DiskUsage(ctx context.Context, id string, query DiskUsageQuery) (Series, error) {
	var series Series
	call := transport.Call{Operation: &contract.VMReplicationsDiskUsage, Path: []string{id}, Query: query}
	err := v.at.do(ctx, call, &series)
	return series, err
}
