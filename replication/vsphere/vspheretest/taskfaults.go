package vspheretest

import "time"

// FailTask lets the next task that an operation starts on an entity (a replication, or the machine that is configured;
// empty: on any) run its time, do nothing and end with ERROR and this message. Call it several times for several
// tasks.
func (p *Pair) FailTask(operation, entity, message string) {
	w := p.lock()
	defer w.mu.Unlock()
	w.failures.Add(operation, entity, fail("%s", message))
}

// SlowTask lets the next task that an operation starts on an entity (empty: on any) run this long, in place of what
// [TaskDuration] says. One that [Pair.FailTask] is about as well fails after that time.
func (p *Pair) SlowTask(operation, entity string, running time.Duration) {
	if running < 0 {
		p.Recovery.kit.Complain("SlowTask: time does not run backwards")
		return
	}
	w := p.lock()
	defer w.mu.Unlock()
	w.durations.Add(operation, entity, running)
}

// CancelTask ends a task that has not ended yet, as somebody can in the user interface: it is CANCELLED, and its work
// is not done. It reports whether there was one to cancel. The API itself has no operation for it.
func (s *Server) CancelTask(id string) bool {
	w := s.pair.lock()
	defer w.mu.Unlock()
	t := s.site.task(id)
	if t == nil || t.finished {
		return false
	}
	w.cancel(t)
	return true
}

// ForgetTask lets a task be gone from the site's memory, and reports whether it was there: nobody finds it any more,
// by its id or in a list. Its work is done all the same when its time has come.
func (s *Server) ForgetTask(id string) bool {
	w := s.pair.lock()
	defer w.mu.Unlock()
	return s.site.forgetTask(id)
}

// ShowTaskStatus lets a task show this status in place of its own until a call without one, and reports whether there
// is such a task. Any text will do: clients meet values that they do not know.
func (s *Server) ShowTaskStatus(id, status string) bool {
	w := s.pair.lock()
	defer w.mu.Unlock()
	t := s.site.task(id)
	if t != nil {
		t.shown = status
	}
	return t != nil
}

// plannedDuration is how long a task shall run.
func (w *world) plannedDuration(t *task) time.Duration {
	if running, planned := w.durations.Take(t.operation, t.entity); planned {
		return running
	}
	return w.config.running
}
