package vcav

import (
	"context"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// Sync copies what has changed at the source and makes a new instance of it. It returns once the
// service has accepted the task; the result is the replication.
//
// Errors: [drkit.ErrConflict] while the replication is busy or paused; [drkit.ErrOutcomeUnknown] if the
// answer was lost and the task is not found. The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Synchronize a VM Replication".
func (v *SiteVMReplications) Sync(ctx context.Context, id string) (*drkit.Poller[VMReplication], error) {
	return start[VMReplication](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsSync, Path: []string{id}})
}

// Failover recovers the machine at the destination site. It returns once the service has accepted the
// task; the result is the replication, whose DestinationState.RecoveryInfo names the recovered machine.
// Without an instance in the request the latest is recovered; what has changed at the source since is
// lost, unless a Sync went before.
//
// Errors: [drkit.ErrConflict] while the replication is busy, in test or already recovered;
// [drkit.ErrOutcomeUnknown] if the answer was lost and neither task nor replication tells what came of it:
// look before you do anything else. The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "A VM Replication Failover" and "A VM Replication
// Failover to On-Premises".
func (v *SiteVMReplications) Failover(ctx context.Context, id string, request FailoverRequest) (*drkit.Poller[VMReplication], error) {
	call := transport.Call{Operation: &contract.VMReplicationsFailover, Path: []string{id}, Body: request}
	return startWith(ctx, v.at, call, request)
}

// TestFailover recovers a copy of the machine at the destination site while the replication goes on. It
// returns once the service has accepted the task; the result is the replication. The copy stays until
// [SiteVMReplications.CleanUpTestFailover] removes it, and there is one at a time.
//
// Errors: a request that asks for both a sync and an instance is refused before it is sent;
// [drkit.ErrConflict] while the replication is busy, or if there is a test already;
// [drkit.ErrOutcomeUnknown] if the answer was lost and neither task nor replication tells what came of it.
// The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Test a VM Replication Failover" and "Test a VM
// Replication Failover to On-Premises".
func (v *SiteVMReplications) TestFailover(ctx context.Context, id string, request FailoverTestRequest) (*drkit.Poller[VMReplication], error) {
	call := transport.Call{Operation: &contract.VMReplicationsTestFailover, Path: []string{id}, Body: request}
	return startWith(ctx, v.at, call, request)
}

// CleanUpTestFailover removes the copy that a test failover has made. It returns once the service has
// accepted the task; the result is the replication, ready for another test or for a failover.
//
// Errors: [drkit.ErrConflict] if there is no test to clean up, or while one is being cleaned up;
// [drkit.ErrOutcomeUnknown] if the answer was lost and neither task nor replication tells what came of it.
// The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Delete the Test Failover VM Replication".
func (v *SiteVMReplications) CleanUpTestFailover(ctx context.Context, id string) (*drkit.Poller[VMReplication], error) {
	return start[VMReplication](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsCleanUpTestFailover, Path: []string{id}})
}

// Reverse turns a failed-over replication around: the recovered machine becomes the source, and the
// original source machine is removed, its disks serving as seeds. It returns once the service has
// accepted the task; the result is the replication in its new direction.
//
// Errors: [drkit.ErrConflict] if the replication was not failed over, or while it is busy;
// [drkit.ErrOutcomeUnknown] if the answer was lost and neither task nor replication tells what came of it.
// The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Reverse a VM Replication".
func (v *SiteVMReplications) Reverse(ctx context.Context, id string) (*drkit.Poller[VMReplication], error) {
	return start[VMReplication](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsReverse, Path: []string{id}})
}

// Start begins to replicate a machine. It returns once the service has accepted the task; the result is
// the new replication. Site names the destination's service for a machine that comes in; ids of Cloud
// Director may carry their urn prefix. A source that is powered off has no instance before a first Sync.
// A seed machine must be powered off, and is used up. What a second Start for the same machine does is
// documented nowhere.
//
// Errors: a request that cannot be right is refused before it is sent; [drkit.ErrOutcomeUnknown] if the answer
// was lost and no replication of the machine from its site has come of it, as far as tasks and replications
// tell: which may take until the starts of other machines have ended. The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Start New VM Replication" and the five sections after it.
func (v *SiteVMReplications) Start(ctx context.Context, request ReplicationStart) (*drkit.Poller[VMReplication], error) {
	call := transport.Call{Operation: &contract.VMReplicationsStart, Body: request}
	return startWith(ctx, v.at, call, request)
}

// Stop ends a replication for good and deletes its replicas: nothing is left to fail over to. It returns
// once the service has accepted the task, which has no result. The request is sent at most once.
//
// Errors: [drkit.ErrConflict] while the replication is busy; [drkit.ErrOutcomeUnknown] if the answer was
// lost and neither task nor replication tells what came of it.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Stop a VM Replication".
func (v *SiteVMReplications) Stop(ctx context.Context, id string) (*drkit.Poller[NoResult], error) {
	return start[NoResult](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsStop, Path: []string{id}})
}

// Pause stops synchronizing until Resume. It returns once the service has accepted the task; the result
// is the replication. Pausing a paused replication succeeds and changes nothing, so it is safe to repeat.
// While paused there is no sync, no test failover with a sync and no planned migration; a failover and a
// test without a sync work.
//
// Errors: the task fails in a state that cannot be paused.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Pause a VM Replication".
func (v *SiteVMReplications) Pause(ctx context.Context, id string) (*drkit.Poller[VMReplication], error) {
	return start[VMReplication](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsPause, Path: []string{id}})
}

// Resume goes on with what Pause has stopped. It returns once the service has accepted the task; the
// result is the replication. The request is sent at most once.
//
// Errors: [drkit.ErrConflict] while the replication is busy; [drkit.ErrOutcomeUnknown] if the answer was
// lost and neither task nor replication tells what came of it.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Resume a VM Replication".
func (v *SiteVMReplications) Resume(ctx context.Context, id string) (*drkit.Poller[VMReplication], error) {
	return start[VMReplication](ctx, v.at, transport.Call{Operation: &contract.VMReplicationsResume, Path: []string{id}})
}

// Migrate moves the machine to the destination site in a planned way: it synchronizes, powers the source
// off and recovers the machine. Both sites must be up; where the source is down, use Failover. It returns
// once the service has accepted the task; the result is the replication.
//
// Errors: [drkit.ErrConflict] while the replication is busy, paused, in test or already recovered;
// [drkit.ErrOutcomeUnknown] if the answer was lost and neither task nor replication tells what came of it:
// look before you do anything else. The request is sent at most once.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Migrate a VM Replication" and "Migrate a VM Replication
// to On-Premises".
func (v *SiteVMReplications) Migrate(ctx context.Context, id string, request MigrateRequest) (*drkit.Poller[VMReplication], error) {
	call := transport.Call{Operation: &contract.VMReplicationsMigrate, Path: []string{id}, Body: request}
	return startWith(ctx, v.at, call, request)
}

// Reconfigure changes the settings of a replication that the request names; what it leaves out stays as
// it is. Giving an RPO, connection type, quiescing or retention without an SLA profile takes the
// replication off its profile. It returns once the service has accepted the task; the result is the
// replication. The request is sent at most once.
//
// Errors: [drkit.ErrConflict] while the replication is busy; [drkit.ErrOutcomeUnknown] if the answer was
// lost and neither task nor replication tells what came of it.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Configure the Settings of a VM Replication".
func (v *SiteVMReplications) Reconfigure(ctx context.Context, id string, request Reconfigure) (*drkit.Poller[VMReplication], error) {
	call := transport.Call{Operation: &contract.VMReplicationsReconfigure, Path: []string{id}, Body: request}
	return startWith(ctx, v.at, call, request)
}

// ReconfigureDisks sets which disks are left out of a replication, by their device keys: the list takes
// the place of the one before, and an empty one takes all disks in. It returns once the service has
// accepted the task; the result is the replication. The request is sent at most once.
//
// Errors: [drkit.ErrConflict] while the replication is busy; [drkit.ErrOutcomeUnknown] if the answer was
// lost and neither task nor replication tells what came of it.
// Roles: EVERYONE, PEER_IMPERSONATING.
// Source: Cloud Director Availability API guide, "Configure the Disks of a VM Replication".
func (v *SiteVMReplications) ReconfigureDisks(ctx context.Context, id string, excludedDisks []int) (*drkit.Poller[VMReplication], error) {
	if excludedDisks == nil {
		excludedDisks = []int{} // null is not a list
	}
	call := transport.Call{Operation: &contract.VMReplicationsReconfigureDisks, Path: []string{id}, Body: excludedDisks}
	return start[VMReplication](ctx, v.at, call)
}
