package vcavtest

import (
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// FailTask lets the next task that an operation starts on a replication or a bundle (empty: on any, or on
// none) run its time, do nothing and end FAILED with this error. Call it several times for several tasks. A
// replication that is being started has the id that [ReplicationID] makes, unless there has been one with it.
func (s *Server) FailTask(operation, resource, code, message string) {
	failure := &refusal{status: http.StatusInternalServerError, code: code, message: message}
	s.plan(plan{operation: operation, resource: resource, failure: failure})
}

// SlowTask lets the next task that an operation starts on a replication or a bundle (empty: on any, or on
// none) run this long, in place of what [TaskDuration] says. Call it several times for several tasks; one that
// [Server.FailTask] is about as well fails after that time.
func (s *Server) SlowTask(operation, resource string, running time.Duration) {
	if running < 0 {
		s.kit.Complain("SlowTask: time does not run backwards")
		return
	}
	s.plan(plan{operation: operation, resource: resource, running: &running})
}

func (s *Server) plan(next plan) {
	a := s.lock()
	defer a.mu.Unlock()
	a.plans = append(a.plans, next)
}

// ForgetTask lets a task be gone from the appliance's memory, and reports whether it was there: nobody finds
// it any more, by its id, in a list or in a poll. Its work is done all the same when its time has come.
func (s *Server) ForgetTask(id string) bool {
	a := s.lock()
	defer a.mu.Unlock()
	_, known := a.taskByID[id]
	delete(a.taskByID, id)
	a.tasks = slices.DeleteFunc(a.tasks, func(t *task) bool { return t.id == id })
	return known
}

// OmitFromPolls leaves a task out of the next so many polls that ask for it, which say nothing of it, as of a
// task that they do not know yet. GET /tasks and GET /tasks/{taskId} show it. It replaces what an earlier call
// asked for; 0 ends it.
func (s *Server) OmitFromPolls(id string, polls int) {
	a := s.lock()
	defer a.mu.Unlock()
	if _, known := a.taskByID[id]; !known || polls < 0 {
		s.kit.Complain("OmitFromPolls: there is no task %q, or %d polls make no sense", id, polls)
		return
	}
	a.omissions[id] = polls
}

// plan is what shall become of a task to come.
type plan struct {
	operation string
	resource  string         // empty: any
	failure   *refusal       // nil: it is not about failing
	running   *time.Duration // nil: it is not about time
}

// take returns the first plan about a call that is of a kind, if there is one, and crosses it out.
func (a *appliance) take(call *simkit.Call, kind func(plan) bool) plan {
	for i, next := range a.plans {
		if kind(next) && next.operation == call.Operation.Name && (next.resource == "" || next.resource == call.Resource) {
			a.plans = slices.Delete(a.plans, i, i+1)
			return next
		}
	}
	return plan{}
}

// plannedFailure is how the task of a call shall fail, or nil.
func (a *appliance) plannedFailure(call *simkit.Call) *refusal {
	return a.take(call, func(p plan) bool { return p.failure != nil }).failure
}

// plannedDuration is how long the task of a call shall run.
func (a *appliance) plannedDuration(call *simkit.Call) time.Duration {
	if planned := a.take(call, func(p plan) bool { return p.running != nil }).running; planned != nil {
		return *planned
	}
	return a.config.running
}

// omitted reports whether a poll shall say nothing of a task, and counts the poll.
func (a *appliance) omitted(id string) bool {
	if a.omissions[id] == 0 {
		return false
	}
	a.omissions[id]--
	return true
}
