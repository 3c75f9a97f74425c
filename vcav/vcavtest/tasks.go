package vcavtest

import (
	"net/http"
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
	typeStart    = "start"
	typeStop     = "stop"
	typePause    = "pause"
	typeResume   = "resume"
	typeMigrate  = "migrate"
	typeChange   = "reconfigure"
	typeHealth   = "healthInfo"
	typeGenerate = "generate"
)

// Types of what tasks work on, as workflowInfo.resourceType has them.
const (
	resourceVMReplication = "vmReplication"
	resourcePolicies      = "policies"
	resourceCloudService  = "cloudService"
	resourceSupportBundle = "supportBundle"
)

// unknown is the type of some tasks, and that of what they work on.
const unknown = "unknown"

// Types of what tasks show at their end, as resultType has them.
const (
	resultVMReplication = "SingleVmReplicationInfo"
	resultHealth        = "CloudHealthInfo"
	resultSupportBundle = "SupportBundleInfo"
)

// Task is one task, as [Server.Tasks] finds it.
type Task struct {
	ID          string    // a UUID
	Type        string    // workflowInfo.type, as in "failover"
	User        string    // who started it
	Site        string    // where it runs
	Resource    string    // workflowInfo.resourceId, such as the id of the replication; empty if it has none
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
	resourceType   string
	resourceID     string       // empty: none
	resourceName   string       // empty: none
	replication    *replication // or nil
	sourceOrg      string
	destinationOrg string
	created        int // order of creation
	start          time.Time
	runsAt         time.Time
	endsAt         time.Time
	effect         func(at time.Time) *refusal // or nil
	failed         func()                      // undoes what was reserved, or nil
	counts         *taskCounts                 // for the audit
	resultType     string                      // empty: it has no result

	finished bool
	failure  *refusal
	result   any // with what only administrators see
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
	if t.finished {
		return 100
	}
	return percentOf(t.runsAt, t.endsAt, now)
}

// percentOf is how much of a time has passed, 100 only when its end has been noted.
func percentOf(begin, end, now time.Time) int {
	length := end.Sub(begin)
	if length <= 0 || now.Before(begin) {
		return 0
	}
	return min(99, int(now.Sub(begin)*100/length))
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
			Type: t.kind, ResourceType: t.resourceType,
			ResourceID: orNull(t.resourceID), ResourceName: orNull(t.resourceName),
		},
		Progress: t.progress(now), State: t.state(now), LastUpdated: millis(now),
		StartTime: millis(t.start), EndTime: millis(t.end()), Warnings: []any{}, Site: t.site.name,
	}
	if !t.finished {
		return body
	}
	body.LastUpdated = millis(t.endsAt)
	if t.failure != nil {
		body.Error = newErrorBody(t.failure, nil)
		return body
	}
	body.ResultType, body.Result = orNull(t.resultType), t.result
	if result, ok := t.result.(replicationBody); ok && !admin {
		result.VIMLocation = nil
		body.Result = result
	}
	return body
}

// endTask does the work of a task. One whose replication has been removed meanwhile has nothing to work on.
func (a *appliance) endTask(t *task, at time.Time) {
	a.sorted = nil
	r := t.replication
	if r != nil && r.active == t {
		r.active = nil
	}
	if t.failure == nil && r != nil && t.kind != typeStart && a.byID[r.id] != r {
		t.failure = refuse(http.StatusNotFound, CodeReplicationNotFound, "Replication with id '%s' was not found.", r.id)
	}
	if t.failure == nil && t.effect != nil {
		t.failure = t.effect(at)
	}
	t.finished = true
	t.counts.end(t.failure)
	if t.failure != nil && t.failed != nil {
		t.failed()
	}
	if t.failure == nil && t.resultType == resultVMReplication {
		t.result = a.view(r, at, true)
	}
}

// start makes a task and lets it work on a replication.
func (a *appliance) start(call *simkit.Call, v *visit, r *replication, kind string, effect func(time.Time) *refusal) (any, error) {
	return a.begin(call, v, a.taskOn(r, kind, effect))
}

func (a *appliance) taskOn(r *replication, kind string, effect func(time.Time) *refusal) *task {
	return &task{
		kind: kind, resourceType: resourceVMReplication, resourceID: r.id, resourceName: r.vmName,
		replication: r, effect: effect, resultType: resultVMReplication,
	}
}

// begin makes a task of what its caller has filled in. The answer is that of an accepted task, which has
// not ended even if tasks take no time.
func (a *appliance) begin(call *simkit.Call, v *visit, t *task) (any, error) {
	now := a.now
	t.id, t.user, t.operationID = freshID(), v.session.user, call.Header.Get(traceHeader)
	a.begun++
	t.site, t.created, t.start = v.site, a.begun, now
	t.runsAt = now.Add(a.config.queued)
	t.endsAt = t.runsAt.Add(a.plannedDuration(call))
	t.failure, _ = a.failures.Take(call.Operation.Name, call.Resource)
	t.counts = a.deeds.begin(call)
	if r := t.replication; r != nil {
		t.sourceOrg, t.destinationOrg = r.source.org, r.destination.org
		r.active, r.lastUpdated = t, now
	}
	a.sorted = nil
	a.tasks = append(a.tasks, t)
	a.taskByID[t.id] = t
	a.agenda.Add(t.endsAt, func(at time.Time) { a.endTask(t, at) })
	return t.body(now, v.admin), nil
}

// visible reports whether a session may see a task from a site.
func (t *task) visible(v *visit) bool {
	return t.site == v.site && (v.admin || t.user == v.session.user)
}

func (a *appliance) getTask(call *simkit.Call, v *visit) (any, error) {
	id := call.Arguments["taskId"]
	if t, known := a.taskByID[id]; known && t.visible(v) {
		return t.body(a.now, v.admin), nil
	}
	return nil, refuse(http.StatusNotFound, CodeTaskNotFound, "Task with id '%s' was not found.", id)
}

func (t *task) snapshot(now time.Time) Task {
	shown := Task{
		ID: t.id, Type: t.kind, User: t.user, Site: t.site.name, Resource: t.resourceID,
		State: t.state(now), Start: t.start, End: t.end(), OperationID: t.operationID,
	}
	if t.finished && t.failure != nil {
		shown.Error = t.failure.code
	}
	return shown
}
