package checkpointstest

import (
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// States of a task.
const (
	taskWaiting = "waiting"
	taskRunning = "running"
	taskSuccess = "success"
	taskFailed  = "failed"
	taskSkipped = "skipped"
	taskTimeout = "timeout"
)

// Types of tasks, as operation_type has them.
const (
	kindBackup         = "backup"
	kindRestore        = "restore"
	kindDelete         = "delete"
	kindVaultDelete    = "vault_delete"
	kindRemoveResource = "remove_resource"
	kindReplication    = "replication"
	kindSync           = "sync"
)

// Task is one task, as [Server.Tasks] finds it.
type Task struct {
	ID         string    // a UUID
	Type       string    // operation_type, as in "backup"
	Project    string    // id of the project in which it runs
	Vault      string    // id of the vault
	Resource   string    // id of the resource; empty if it has none
	Checkpoint string    // id of the checkpoint; empty if it has none
	Backup     string    // id of the backup: the source of a replication; empty if it has none
	State      string    // waiting, running, success, failed, skipped or timeout
	Error      string    // code, if it failed or was skipped
	Created    time.Time // when it was accepted
	Ended      time.Time // zero before
}

// taskResource is a resource as tasks remember it.
type taskResource struct{ id, kind, name string }

// task is the state of one task. Its work is done in one step at its end.
type task struct {
	id, kind      string
	subject       string // what plans may name it by, besides the resource and the backup
	project       *project
	vault         *vault
	vaultID       string
	vaultName     string
	checkpoint    *checkpoint
	policyID      string
	resource      taskResource
	backup        *backup
	target        taskResource // of a restore
	record        *record      // of a replication
	removed       []taskResource
	total         int // backups or resources that are removed
	created       time.Time
	runsAt        time.Time
	endsAt        time.Time
	begun         func(at time.Time)          // or nil
	effect        func(at time.Time) *refusal // or nil
	failed        func()                      // undoes what was reserved, or nil
	counts        *taskCounts
	requestID     string
	innerID       string
	order         int
	finished      bool
	outcome       string // once finished
	failure       *refusal
	plannedEnd    string
	plannedReason *refusal
}

func (t *task) state(now time.Time) string {
	switch {
	case t.finished:
		return t.outcome
	case now.Before(t.runsAt):
		return taskWaiting
	default:
		return taskRunning
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

// begin makes a task of what its caller has filled in. It has not ended when the answer goes out, even if tasks
// take no time.
func (r *region) begin(v *visit, t *task) {
	now := r.now()
	t.id, _ = r.cloud.claim("") // a fresh one is never taken
	t.requestID, t.innerID = "req-"+simkit.FreshID(), simkit.FreshID()
	t.project, t.created = v.project, now
	if t.vault != nil {
		t.vaultID, t.vaultName = t.vault.id, t.vault.name
	}
	t.order = len(r.tasks.all)
	t.runsAt = now.Add(r.config.waiting)
	t.endsAt = t.runsAt.Add(r.plannedDuration(v, t))
	end, _ := r.ends.Take(v.call.Operation.Name, t.names(v.call)...)
	t.plannedEnd, t.plannedReason = end.outcome, end.reason
	t.counts = r.deeds.begin(v.call)
	r.tasks.put(t.id, t)
	if t.begun != nil {
		r.cloud.agenda.Add(t.runsAt, t.begun)
	}
	r.cloud.agenda.Add(t.endsAt, func(at time.Time) { t.end(at) })
}

// end does the work of a task, unless it was planned otherwise.
func (t *task) end(at time.Time) {
	t.finished, t.outcome, t.failure = true, or(t.plannedEnd, taskSuccess), t.plannedReason
	if t.outcome == taskSuccess && t.effect != nil {
		if t.failure = t.effect(at); t.failure != nil {
			t.outcome = taskFailed
		}
	}
	if t.outcome != taskSuccess && t.failed != nil {
		t.failed()
	}
	t.counts.end(t.outcome)
}

// skip ends a task before its work for a reason that only shows then.
func (t *task) skip(reason *refusal) {
	if t.plannedEnd == "" {
		t.plannedEnd, t.plannedReason = taskSkipped, reason
	}
}

// planned is how a task to come shall end.
type planned struct {
	outcome string
	reason  *refusal
}

// names are what plans may name a task by.
func (t *task) names(call *simkit.Call) []string {
	names := []string{call.Resource, t.subject, t.resource.id}
	if t.backup != nil {
		names = append(names, t.backup.id)
	}
	return names
}

func (r *region) plannedDuration(v *visit, t *task) time.Duration {
	if running, planned := r.durations.Take(v.call.Operation.Name, t.names(v.call)...); planned {
		return running
	}
	return r.config.running
}

// FailTask lets the next task that an operation starts run its time, do nothing and end as failed with this error.
// The resource is the id of the vault, of the backup or of the server or disk; empty is any of them. A checkpoint
// and a replication of a vault have one task for each server or backup. Call it several times for several tasks.
func (s *Server) FailTask(operation, resource, code, message string) {
	s.planEnd(operation, resource, planned{taskFailed, refuse(code, "%s", message)})
}

// SkipTask does the same with a task that ends as skipped: checks have failed, and nothing was done.
func (s *Server) SkipTask(operation, resource, code, message string) {
	s.planEnd(operation, resource, planned{taskSkipped, refuse(code, "%s", message)})
}

// TimeOutTask does the same with a task that ends as timeout: a step took too long, and there is no error.
func (s *Server) TimeOutTask(operation, resource string) {
	s.planEnd(operation, resource, planned{outcome: taskTimeout})
}

// SlowTask lets the next task that an operation starts run this long, in place of what [TaskDuration] says. One
// that another plan is about as well ends as that says, after that time.
func (s *Server) SlowTask(operation, resource string, running time.Duration) {
	if running < 0 {
		s.kit.Complain("SlowTask: time does not run backwards")
		return
	}
	if s.knows(operation) {
		defer s.lock().Unlock()
		s.region.durations.Add(operation, resource, running)
	}
}

func (s *Server) planEnd(operation, resource string, end planned) {
	if s.knows(operation) {
		defer s.lock().Unlock()
		s.region.ends.Add(operation, resource, end)
	}
}

func (s *Server) knows(operation string) bool {
	_, known := s.region.routes[operation]
	if !known {
		s.kit.Complain("there is no operation %q", operation)
	}
	return known
}

// ForgetTask lets a task be gone from the service's memory, and reports whether it was there: no list and no id
// finds it any more. Its work is done all the same when its time has come.
func (s *Server) ForgetTask(id string) bool {
	defer s.lock().Unlock()
	_, known := s.region.tasks.byID[id]
	s.region.tasks.drop(id)
	return known
}

// Tasks returns all tasks of the region as they are now, in the order of their creation.
func (s *Server) Tasks() []Task {
	defer s.lock().Unlock()
	now := s.region.now()
	var found []Task
	for _, t := range s.region.tasks.all {
		shown := Task{
			ID: t.id, Type: t.kind, Project: t.project.id, Vault: t.vaultID, Resource: t.resource.id,
			State: t.state(now), Created: t.created,
		}
		if t.checkpoint != nil {
			shown.Checkpoint = t.checkpoint.id
		}
		if t.backup != nil {
			shown.Backup = t.backup.id
		}
		if t.finished {
			shown.Ended = t.endsAt
		}
		if t.failure != nil {
			shown.Error = t.failure.code
		}
		found = append(found, shown)
	}
	return found
}
