package cloudreplica

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// FailoverPlans are the failover plans of tenants. Tenants make them in their own console, and there alone a plan can
// be failed over for good.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/cloud/cloudFailoverPlans".
type FailoverPlans struct {
	Collection[CloudFailoverPlan]
	Finder[CloudFailoverPlan]
}

// VMs returns the machines of a failover plan, as they stand in its order. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such plan; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/cloudFailoverPlans/{ID}/includes".
func (p *FailoverPlans) VMs(ctx context.Context, id string) ([]CloudFailoveredVM, error) {
	call := transport.Call{Operation: &contract.FailoverPlansVMs, Path: []string{id}}
	return listOf(ctx, p.Collection.client, call, planVMID)
}

// VM returns one machine of a failover plan, by its [CloudFailoveredVM.FailoverPlanVMID]. It is safe to repeat.
//
// Errors: as those of VMs.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud/cloudFailoverPlans/{ID}/includes/{ID}".
func (p *FailoverPlans) VM(ctx context.Context, id, vmID string) (CloudFailoveredVM, error) {
	call := transport.Call{Operation: &contract.FailoverPlansVM, Path: []string{id, vmID}}
	return getOf(ctx, p.Collection.client, call, vmID, planVMID)
}

func planVMID(vm *CloudFailoveredVM) string { return vm.FailoverPlanVMID }

// FailoverStart says to which restore points a plan fails over. Its zero value means the newest.
type FailoverStart struct {
	// The newest points that were created before then; zero for the newest of all.
	Before time.Time
}

// managementSpec is a FailoverStart as it is sent. What both members together mean is not documented.
type managementSpec struct {
	StartNow  drkit.Opt[bool] `json:"StartNow"`
	StartDate Time            `json:"StartDate"`
}

func (s FailoverStart) spec() managementSpec {
	if s.Before.IsZero() {
		return managementSpec{StartNow: drkit.Some(true)}
	}
	return managementSpec{StartDate: At(s.Before)}
}

// Start fails over the machines of a plan in its order. The poller waits for the failover session to stop; its result
// is the session, which tells of each machine. One that ends with a warning has failed in part: it is a result and not
// an error, and [CloudFailoverSession.Err] names the machines. Where all have failed, the wait ends in a
// [*drkit.TaskError] that names them.
//
// The request is sent at most once: the service has no identifier for it, and would fail over again. Before it is
// sent, the sessions of the plan are noted, by its name and its backup server; a lost answer is looked for among those
// that are new. Nothing is sent while such a session is under way.
//
// The service's task is gone with the logon session that began it. A wait that meets a new one turns to the failover
// session, and its progress and the log say so: to the one of the plan that was not there before, or to the first of
// them where the others began after its end. It shows with the next collection of data at the latest, and a wait that
// sees none for 20 minutes ends in [drkit.ErrTaskGone]. The same holds where the task stays in the state
// [TaskStateOperationFinished]; the wait then goes on.
//
// Errors: [drkit.ErrNotFound] if there is no such plan; [drkit.ErrConflict] if it is being failed over or tested;
// [drkit.ErrOutcomeUnknown] if the answer was lost and nothing was found; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/cloudFailoverPlans/{ID}?action=start".
func (p *FailoverPlans) Start(ctx context.Context, id string, start FailoverStart) (*drkit.Poller[CloudFailoverSession], error) {
	call := transport.Call{Operation: &contract.FailoverPlansStart, Path: []string{id}, Body: start.spec()}
	return p.failover(ctx, call, id)
}

// Test reverts the replicas of a plan to their newest points, boots each in the order of the plan, and pings it; the
// tenant's production is not touched. The poller waits as that of Start: the service tells a test and a failover
// apart nowhere. A tenant's session may not be allowed to.
//
// The request is sent at most once. Errors: as those of Start.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/cloudFailoverPlans/{ID}?action=test".
func (p *FailoverPlans) Test(ctx context.Context, id string) (*drkit.Poller[CloudFailoverSession], error) {
	return p.failover(ctx, transport.Call{Operation: &contract.FailoverPlansTest, Path: []string{id}}, id)
}

// Undo brings the workload of a plan back to the tenant's own machines, and discards all that has changed on the
// replicas since the failover. The poller waits for the service's task, and then until no machine of the plan is in
// the state [ReplicaStateFailover] any more, which shows after the next collection: every 15 minutes unless that is
// set otherwise, or sooner with [BackupServers.Collect]. Where the failover itself was not collected before the undo,
// the machines look as if they had never been failed over, and the wait ends with a collection that began after the
// task had ended; a session that may not see collections has the word of the task alone. Which had begun before is in the
// resume token from then on: who has a new poller on each turn takes the token anew after each Poll, as [drkit.Once] does.
// The result is the plan as it then stands.
//
// The request is sent at most once: a lost answer is looked for among the tasks of the logon session and, where that
// has ended, by the machines that were failed over, once all are back. Nothing is sent while an undo that this client
// has begun is under way.
//
// Errors: as those of Start. From the wait: [drkit.ErrTaskGone] where the task is gone, and no machine was seen to be
// failed over before, or where for an hour none was shown to come back; then it can be waited for again.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /cloud/cloudFailoverPlans/{ID}?action=undo".
func (p *FailoverPlans) Undo(ctx context.Context, id string) (*drkit.Poller[PlanState], error) {
	return p.undo(ctx, transport.Call{Operation: &contract.FailoverPlansUndo, Path: []string{id}}, id)
}

// Update changes the scripts of a plan, which is all that can be changed. The request is sent at most once. A lost
// answer is looked for among the tasks of the logon session, and in another by the scripts that the plan then has.
//
// Errors: as those of Start.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "PUT /cloud/cloudFailoverPlans/{ID}".
func (p *FailoverPlans) Update(ctx context.Context, id string, edit CloudFailoverPlanEdit) (*drkit.Poller[NoResult], error) {
	wanted := fingerprint(edit.CloudFailoverPlanOptions)
	return change[NoResult]{
		call: transport.Call{Operation: &contract.FailoverPlansUpdate, Path: []string{id}, Body: edit}, resource: planCalled(id), come: nothing,
		left: &trace[NoResult]{
			marks: func(ctx context.Context) ([]string, error) {
				plan, err := p.Get(ctx, id)
				if options := plan.CloudFailoverPlanOptions; err == nil && options != nil {
					return []string{fingerprint(CloudFailoverPlanScripts(*options))}, nil
				}
				return nil, err
			},
			ran: func(before, now []string) bool {
				return !slices.Contains(before, wanted) && slices.Contains(now, wanted)
			},
			result: noResult,
		},
	}.begin(ctx, p.Collection.client)
}

// fingerprint stands for the scripts of a plan, which may hold secrets, where they are noted.
func fingerprint(scripts CloudFailoverPlanScripts) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%#v", scripts))
	return hex.EncodeToString(sum[:8])
}

// planCalled names a plan, as what is done with it.
func planCalled(id string) string { return "failover plan " + transport.Plain(id) }

// Delete removes a plan. The request is sent at most once. A lost answer is looked for as that of [Tenants.Delete].
// Errors: as those of Start.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /cloud/cloudFailoverPlans/{ID}".
func (p *FailoverPlans) Delete(ctx context.Context, id string) (*drkit.Poller[NoResult], error) {
	return change[NoResult]{
		call: transport.Call{Operation: &contract.FailoverPlansDelete, Path: []string{id}}, resource: planCalled(id), come: nothing,
		left: removes(func(ctx context.Context) error {
			_, err := p.Ref(ctx, id)
			return err
		}),
	}.begin(ctx, p.Collection.client)
}
