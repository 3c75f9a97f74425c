package vcavtest

import (
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// States of a task.
const (
	stateQueued    = "QUEUED"
	stateRunning   = "RUNNING"
	stateSucceeded = "SUCCEEDED"
	stateFailed    = "FAILED"
)

// Types of tasks, as workflowInfo.type has them.
const (
	typeSync     = "sync"
	typeFailover = "failover"
	typeTest     = "failoverTest"
	typeCleanUp  = "failoverTestCleanup"
	typeReverse  = "reverse"
)

// Task is one task, as [Server.Tasks] finds it.
type Task struct {
	ID          string    // a UUID
	Type        string    // workflowInfo.type, as in "failover"
	User        string    // who started it
	Site        string    // where it runs
	Resource    string    // id of the replication
	State       string    // QUEUED, RUNNING, SUCCEEDED or FAILED
	Error       string    // code, if it failed
	Start       time.Time // when it was accepted
	End         time.Time // when it ended; zero before
	OperationID string    // what the request said that started it
}

// task is the state of one task. Its work is done in one step at its end.
type task struct {
	id, kind, user string
	operationID    string
	site           *site
	replication    *replication
	sourceOrg      string
	destinationOrg string
	created        int // order of creation
	start          time.Time
	runsAt         time.Time
	endsAt         time.Time
	effect         func(at time.Time) *refusal

	finished bool
	failure  *refusal
	result   replicationBody // with what only administrators see
}

func (t *task) state(now time.Time) string {
	switch {
	case t.finished && t.failure != nil:
		return stateFailed
	case t.finished:
		return stateSucceeded
	case now.Before(t.runsAt):
		return stateQueued
	default:
		return stateRunning
	}
}

// progress is in percent, and 100 only at the end.
func (t *task) progress(now time.Time) int {
	length := t.endsAt.Sub(t.runsAt)
	switch {
	case t.finished:
		return 100
	case length <= 0 || now.Before(t.runsAt):
		return 0
	default:
		return min(99, int(now.Sub(t.runsAt)*100/length))
	}
}

func (t *task) end() time.Time {
	if !t.finished {
		return time.Time{}
	}
	return t.endsAt
}

func (t *task) body(now time.Time, admin bool) taskBody {
	body := taskBody{
		ID: t.id, User: t.user,
		WorkflowInfo: workflowBody{
			Type: t.kind, ResourceType: "vmReplication",
			ResourceID: orNull(t.replication.id), ResourceName: orNull(t.replication.vmName),
		},
		Progress: t.progress(now), State: t.state(now), LastUpdated: millis(now),
		StartTime: millis(t.start), EndTime: millis(t.end()), Warnings: []any{}, Site: t.site.name,
	}
	switch {
	case !t.finished:
	case t.failure != nil:
		body.LastUpdated = millis(t.endsAt)
		body.Error = newErrorBody(t.failure, nil)
	default:
		result, kind := t.result, "SingleVmReplicationInfo"
		if !admin {
			result.VIMLocation = nil
		}
		body.LastUpdated = millis(t.endsAt)
		body.ResultType, body.Result = &kind, &result
	}
	return body
}

// settle does the work of all tasks that have ended by now, in the order of their ends.
func (a *appliance) settle(now time.Time) {
	var due, rest []*task
	for _, t := range a.unfinished {
		if t.endsAt.After(now) {
			rest = append(rest, t)
		} else {
			due = append(due, t)
		}
	}
	a.unfinished = rest
	slices.SortStableFunc(due, func(x, y *task) int { return x.endsAt.Compare(y.endsAt) })
	for _, t := range due {
		t.replication.active = nil
		if t.failure == nil {
			t.failure = t.effect(t.endsAt)
		}
		t.finished = true
		t.result = a.view(t.replication, t.endsAt, true)
	}
}

// start makes a task and lets it work on a replication. The answer is that of an accepted task, which has
// not ended even if tasks take no time.
func (a *appliance) start(call *simkit.Call, v *visit, r *replication, kind string, effect func(time.Time) *refusal) (any, error) {
	now := a.clock.Now()
	t := &task{
		id: freshID(), kind: kind, user: v.session.user, operationID: call.Header.Get(traceHeader),
		site: v.site, replication: r, sourceOrg: r.source.org, destinationOrg: r.destination.org,
		created: len(a.tasks), start: now, runsAt: now.Add(a.config.queued),
		endsAt: now.Add(a.config.queued + a.config.running), effect: effect,
	}
	t.failure = a.plannedFailure(call.Operation.Name, r.id)
	a.tasks = append(a.tasks, t)
	a.taskByID[t.id] = t
	a.unfinished = append(a.unfinished, t)
	r.active, r.lastUpdated = t, now
	return t.body(now, v.session.admin), nil
}

// plannedFailure takes the first plan of [Server.FailTask] that is about this operation.
func (a *appliance) plannedFailure(operation, replicationID string) *refusal {
	for i, plan := range a.plans {
		if plan.operation == operation && (plan.replication == "" || plan.replication == replicationID) {
			a.plans = slices.Delete(a.plans, i, i+1)
			return plan.failure
		}
	}
	return nil
}

// plan is a task that shall fail.
type plan struct {
	operation   string
	replication string // empty: any
	failure     *refusal
}

// visible reports whether a session may see a task from a site.
func (t *task) visible(v *visit) bool {
	return t.site == v.site && (v.session.admin || t.user == v.session.user)
}

func (a *appliance) getTask(call *simkit.Call, v *visit) (any, error) {
	id := call.Arguments["taskId"]
	if t, known := a.taskByID[id]; known && t.visible(v) {
		return t.body(a.clock.Now(), v.session.admin), nil
	}
	return nil, refuse(http.StatusNotFound, CodeTaskNotFound, "Task with id '%s' was not found.", id)
}

func (t *task) snapshot(now time.Time) Task {
	shown := Task{
		ID: t.id, Type: t.kind, User: t.user, Site: t.site.name, Resource: t.replication.id,
		State: t.state(now), Start: t.start, End: t.end(), OperationID: t.operationID,
	}
	if t.finished && t.failure != nil {
		shown.Error = t.failure.code
	}
	return shown
}
