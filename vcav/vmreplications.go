package vcav

import (
	"context"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// VMReplications are the replications of single machines at a site.
type VMReplications struct{ at place }

// List walks the replications that match query. An empty query matches all that the user may see: a
// tenant sees its own, an administrator everybody's. query.Limit is the rows a page, at most 100, which
// is the default; the walk goes on to the last page. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if replications keep coming or going while the list is read;
// [drkit.ErrForbidden] if a tenant filters by what only administrators may.
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the VM Replications".
func (v *VMReplications) List(ctx context.Context, query VMReplicationQuery) iter.Seq2[VMReplication, error] {
	return transport.Rows(ctx, transport.List[VMReplication]{
		Name: "vcav.VMReplications.List", Offset: query.Offset, Limit: query.Limit,
		ID: func(row *VMReplication) string { return row.ID },
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
func (v *VMReplications) Get(ctx context.Context, id string) (VMReplication, error) {
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
func (v *VMReplications) Instances(ctx context.Context, id string) ([]Instance, error) {
	var instances []Instance
	err := v.at.do(ctx, transport.Call{Operation: &contract.VMReplicationsInstances, Path: []string{id}}, &instances)
	return instances, err
}

// Sync copies what has changed at the source and makes a new instance of it. It returns once the
// service has accepted the task; the result is the replication.
//
// Errors: [drkit.ErrConflict] while the replication is busy or paused; [drkit.ErrOutcomeUnknown] if the
// answer was lost. The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Synchronize a VM Replication".
func (v *VMReplications) Sync(ctx context.Context, id string) (*drkit.Poller[VMReplication], error) {
	return start[VMReplication](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsSync, Path: []string{id}})
}

// Failover recovers the machine at the destination site. It returns once the service has accepted the
// task; the result is the replication, whose DestinationState.RecoveryInfo names the recovered machine.
// Without an instance in the request the latest is recovered; what has changed at the source since is
// lost, unless a Sync went before.
//
// Errors: [drkit.ErrConflict] while the replication is busy, in test or already recovered;
// [drkit.ErrOutcomeUnknown] if the answer was lost: look before you do anything else. The request is
// sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "A VM Replication Failover" and "A VM Replication
// Failover to On-Premises".
func (v *VMReplications) Failover(ctx context.Context, id string, request FailoverRequest) (*drkit.Poller[VMReplication], error) {
	call := transport.Call{Operation: &contract.VMReplicationsFailover, Path: []string{id}, Body: request}
	return startWith(ctx, v.at, call, request)
}

// TestFailover recovers a copy of the machine at the destination site while the replication goes on. It
// returns once the service has accepted the task; the result is the replication. The copy stays until
// [VMReplications.CleanUpTestFailover] removes it, and there is one at a time.
//
// Errors: a request that asks for both a sync and an instance is refused before it is sent;
// [drkit.ErrConflict] while the replication is busy, or if there is a test already;
// [drkit.ErrOutcomeUnknown] if the answer was lost. The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Test a VM Replication Failover" and "Test a VM
// Replication Failover to On-Premises".
func (v *VMReplications) TestFailover(ctx context.Context, id string, request FailoverTestRequest) (*drkit.Poller[VMReplication], error) {
	call := transport.Call{Operation: &contract.VMReplicationsTestFailover, Path: []string{id}, Body: request}
	return startWith(ctx, v.at, call, request)
}

// CleanUpTestFailover removes the copy that a test failover has made. It returns once the service has
// accepted the task; the result is the replication, ready for another test or for a failover.
//
// Errors: [drkit.ErrConflict] if there is no test to clean up; [drkit.ErrOutcomeUnknown] if the answer
// was lost. The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Delete the Test Failover VM Replication".
func (v *VMReplications) CleanUpTestFailover(ctx context.Context, id string) (*drkit.Poller[VMReplication], error) {
	return start[VMReplication](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsCleanUpTestFailover, Path: []string{id}})
}

// Reverse turns a failed-over replication around: the recovered machine becomes the source, and the
// original source machine is removed, its disks serving as seeds. It returns once the service has
// accepted the task; the result is the replication in its new direction.
//
// Errors: [drkit.ErrConflict] if the replication was not failed over; [drkit.ErrOutcomeUnknown] if the
// answer was lost. The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Reverse a VM Replication".
func (v *VMReplications) Reverse(ctx context.Context, id string) (*drkit.Poller[VMReplication], error) {
	return start[VMReplication](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsReverse, Path: []string{id}})
}
