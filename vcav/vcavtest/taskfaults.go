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
	a := s.lock()
	defer a.mu.Unlock()
	a.failures.Add(operation, resource, &refusal{status: http.StatusInternalServerError, code: code, message: message})
}

// SlowTask lets the next task that an operation starts on a replication or a bundle (empty: on any, or on
// none) run this long, in place of what [TaskDuration] says. Call it several times for several tasks; one that
// [Server.FailTask] is about as well fails after that time.
func (s *Server) SlowTask(operation, resource string, running time.Duration) {
	if running < 0 {
		s.kit.Complain("SlowTask: time does not run backwards")
		return
	}
	a := s.lock()
	defer a.mu.Unlock()
	a.durations.Add(operation, resource, running)
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

// plannedDuration is how long the task of a call shall run.
func (a *appliance) plannedDuration(call *simkit.Call) time.Duration {
	if running, planned := a.durations.Take(call.Operation.Name, call.Resource); planned {
		return running
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
