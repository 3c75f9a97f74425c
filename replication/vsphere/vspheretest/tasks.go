package vspheretest

import (
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// States of a task.
const (
	StatusQueued    = "QUEUED"
	StatusRunning   = "RUNNING"
	StatusSuccess   = "SUCCESS"
	StatusError     = "ERROR"
	StatusCancelled = "CANCELLED"
)

// Task is one task, as [Server.Tasks] finds it.
type Task struct {
	ID        string    // a UUID
	Operation string    // name in the contract
	Site      string    // where it was started, and where alone it is shown
	User      string    // who started it; the API does not tell
	Entity    string    // id of what it works on: the replication, or the machine of one that is configured
	Status    string    // QUEUED, RUNNING, SUCCESS, ERROR or CANCELLED
	Error     string    // the message, if it came to an error
	Queued    time.Time // when it was accepted
	Completed time.Time // when it ended; zero before
}

// task is the state of one task. Its work is done in one step at its end.
type task struct {
	id, operation, user string
	kind                kind
	site                *site
	entity, entityName  string // empty: none
	replication         *replication
	queuedAt            time.Time
	runsAt              time.Time
	endsAt              time.Time
	begins              func(at time.Time)          // or nil
	effect              func(at time.Time) *failure // or nil
	undo                func(at time.Time)          // after an error or a cancellation, or nil
	counts              *taskCounts

	shown     string // a status in place of its own; empty: its own
	finished  bool
	cancelled bool
	failure   *failure
}

// kind is how a task calls what it does. Nobody documents the texts: they are ours.
type kind struct{ id, description string }

func (t *task) status(now time.Time) string {
	switch {
	case t.shown != "":
		return t.shown
	case t.finished && t.cancelled:
		return StatusCancelled
	case t.finished && t.failure != nil:
		return StatusError
	case t.finished:
		return StatusSuccess
	case now.Before(t.runsAt):
		return StatusQueued
	default:
		return StatusRunning
	}
}

func (t *task) row(v *visit) object {
	now := t.site.world.now
	row := object{
		"id": t.id, "description": t.kind.description, "description_id": t.kind.id,
		"entity": orNull(t.entity), "entity_name": orNull(t.entityName), "status": t.status(now), "result": nil,
		"progress": percentOf(t.runsAt, t.endsAt, now), "queued_time": v.moment(t.queuedAt),
		"start_time": nil, "complete_time": nil,
	}
	if !now.Before(t.runsAt) && (!t.finished || !t.runsAt.After(t.endsAt)) {
		row["start_time"] = v.moment(t.runsAt)
	}
	if !t.finished {
		return row
	}
	row["complete_time"] = v.moment(t.endsAt)
	if t.failure != nil && !t.cancelled {
		row["error"] = object{"message": t.failure.message, "details": t.failure.details}
		return row
	}
	if !t.cancelled {
		row["progress"] = 100
	}
	return row
}

// begin starts a task of what its caller has filled in. The answer is that of an accepted task, which has not ended
// even if tasks take no time.
func (w *world) begin(call *simkit.Call, v *visit, t *task) *task {
	t.id, t.operation, t.user, t.site = simkit.FreshID(), call.Operation.Name, v.session.user, v.site
	t.queuedAt = w.now
	t.runsAt = w.now.Add(w.config.queued)
	t.endsAt = t.runsAt.Add(w.plannedDuration(t))
	t.counts = w.deeds.begin(call, v)
	if failure, planned := w.failures.Take(t.operation, t.entity); planned {
		t.failure = failure
	}
	if r := t.replication; r != nil && t.failure == nil {
		if r.active != nil {
			t.failure = fail("Replication '%s' is busy with task '%s'.", r.machine.name, r.active.id)
		} else {
			r.active = t
		}
	}
	v.site.tasks = append(v.site.tasks, t)
	if t.begins != nil {
		w.agenda.Add(t.runsAt, func(at time.Time) {
			if !t.finished {
				t.begins(at)
			}
		})
	}
	w.agenda.Add(t.endsAt, func(at time.Time) { w.end(t, at) })
	return t
}

// start begins a task that works on a replication.
func (w *world) start(call *simkit.Call, v *visit, r *replication, what kind, effect func(time.Time) *failure) (any, error) {
	return w.begin(call, v, &task{
		kind: what, entity: r.id, entityName: r.machine.name, replication: r, effect: effect,
	}).answer(v), nil
}

func (t *task) answer(v *visit) entity { return entity{row: t.row(v)} }

// end does the work of a task, unless it has been cancelled.
func (w *world) end(t *task, at time.Time) {
	if t.finished {
		return
	}
	r := t.replication
	if r != nil {
		r.catchUp(at)
	}
	if r != nil && r.active == t {
		r.active = nil
		if t.failure == nil && !r.atSource && !r.atTarget {
			t.failure = fail("Replication '%s' has been removed.", r.machine.name)
		}
	}
	if t.failure == nil && t.effect != nil {
		t.failure = t.effect(at)
	}
	if t.failure != nil && t.undo != nil {
		t.undo(at)
	}
	t.finished = true
	t.counts.end(t)
	w.remember(t, at)
}

// cancel ends a task before its work is done.
func (w *world) cancel(t *task) {
	t.finished, t.cancelled, t.endsAt = true, true, w.now
	if r := t.replication; r != nil && r.active == t {
		r.active = nil
	}
	if t.undo != nil {
		t.undo(w.now)
	}
	t.counts.end(t)
	w.remember(t, w.now)
}

// remember plans when a task that has ended is forgotten.
func (w *world) remember(t *task, ended time.Time) {
	if memory := w.config.taskMemory; memory > 0 {
		w.agenda.Add(ended.Add(memory), func(time.Time) { t.site.forgetTask(t.id) })
	}
}

func (s *site) task(id string) *task {
	for _, t := range s.tasks {
		if t.id == id {
			return t
		}
	}
	return nil
}

func (s *site) forgetTask(id string) bool {
	before := len(s.tasks)
	s.tasks = slices.DeleteFunc(s.tasks, func(t *task) bool { return t.id == id })
	return len(s.tasks) < before
}

// listTasks shows the newest first, as lists of what is recent do.
func (w *world) listTasks(call *simkit.Call, v *visit) (any, error) {
	var items []item
	for _, t := range slices.Backward(v.site.tasks) {
		items = append(items, item{row: t.row(v)})
	}
	return v.list(call, items)
}

func (w *world) getTask(call *simkit.Call, v *visit) (any, error) {
	id := call.Arguments["task_id"]
	if t := v.site.task(id); t != nil {
		return t.answer(v), nil
	}
	return nil, notFound("there is no task %q", id)
}

func (t *task) snapshot() Task {
	shown := Task{
		ID: t.id, Operation: t.operation, Site: t.site.name, User: t.user, Entity: t.entity,
		Status: t.status(t.site.world.now), Queued: t.queuedAt,
	}
	if t.finished {
		shown.Completed = t.endsAt
	}
	if t.finished && t.failure != nil && !t.cancelled {
		shown.Error = t.failure.message
	}
	return shown
}
