package vsphere

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// An operation that must not repeat can be found again when its answer is lost: by the task that came of it, or by
// what it has changed. What to look for is here and in the files called work_…, one case for each operation; how to
// look is the matter of the transport.

// work is what an operation leaves behind.
type work struct {
	transport.Work
	operation string
	about     string // identifier of what it works on; empty for what has none
	trace     trace
	told      *toldApart // the tasks that may be of it, where it has several
}

// trace is what an operation changes of the thing that it works on.
type trace struct {
	state  func(context.Context) (transport.State, error)
	settle func(before, after transport.State) transport.Verdict
	// shows reports whether a thing that was like this cannot be the same when the operation has run.
	shows func(before transport.State) bool
}

// was shows an operation that changes a member which has one value before.
func was(member, value string) func(transport.State) bool {
	return func(before transport.State) bool { return before[member] == value }
}

func wasPromoted(before transport.State) bool { return before[memberPromoted] != "" }

func never(transport.State) bool { return false }

// work returns what to look for of an operation.
func (p place) work(call transport.Call) *work {
	switch call.Operation {
	case &contract.ReplicationsPause:
		return p.onReplication(call, trace{p.pausing(call), settlePause, was(memberPaused, "false")})
	case &contract.ReplicationsResume:
		return p.onReplication(call, trace{p.pausing(call), settleResume, was(memberPaused, "true")})
	case &contract.ReplicationsSync:
		return p.onReplication(call, trace{p.pausing(call), settleSync, never})
	case &contract.ReplicationsReconfigure:
		return p.onReplication(call, trace{p.settings(call), settleSettings, was(memberAsked, "false")})
	case &contract.ReplicationsUnconfigure, &contract.ReplicationsDelete:
		return p.onReplication(call, trace{p.pausing(call), settleRemoval, was(memberExists, "true")})
	case &contract.ReplicationsTest:
		return p.onReplication(call, trace{p.imaging(call), settleTest, was(memberImage, "")})
	case &contract.ReplicationsCleanUp:
		return p.onReplication(call, trace{p.imaging(call), settleCleanUp, was(memberBubble, "true")})
	case &contract.ReplicationsPromoteTestImage:
		return p.onReplication(call, trace{p.promoting(call), ofWhole(settlePromotion), was(memberBubble, "true")})
	case &contract.ReplicationsDemoteTestImage:
		return p.onReplication(call, trace{p.promoting(call), ofWhole(settleDemotion), wasPromoted})
	case &contract.ReplicationsConfigure:
		return p.ofConfiguration(call)
	default:
		return p.elsewhere(call)
	}
}

// adopt returns the poller of an operation whose answer was lost, and that was found.
func (p place) adopt(operation, operationID string, work *work, found transport.Found, alone func(context.Context) error) *drkit.Poller[Task] {
	if found.Job == "" {
		return p.settled(work.Resource, work.about)
	}
	return p.adopted(operation, operationID, work, found, found.Job, alone)
}

// settled returns the poller of an operation that is known to have run, without a task that would say so.
func (p place) settled(resource, about string) *drkit.Poller[Task] {
	return transport.NewSettled(p.client.transport, resource, func(context.Context) (Task, error) {
		return Task{Entity: about, Status: TaskStatusSuccess, Progress: 100}, nil
	})
}

func (p place) adopted(operation, operationID string, work *work, found transport.Found, task string, alone func(context.Context) error) *drkit.Poller[Task] {
	return drkit.NewPoller(&taskSource[Task]{
		at: p, accepted: Task{ID: task}, operation: operation, operationID: operationID,
		found: &adoption{work: work, found: found, alone: alone},
	}, p.client.transport.Polling())
}

// adoption is what speaks for a task that was found when the answer was lost.
type adoption struct {
	work  *work
	found transport.Found
	alone func(context.Context) error // it is the only one that may be of the operation

	mu   sync.Mutex
	ends time.Time // when its end was seen first
}

// proven makes sure that a task which has ended well has done what the operation was to do, where its kind of work is
// not known, or it does not say what it works on. What it has changed may take a moment to show.
func (a *adoption) proven(ctx context.Context, client *Client, ended Task) error {
	before, task := a.found.Before, ended.ID
	itself := ended.DescriptionID != "" && ended.DescriptionID == client.kind(a.work.operation) && ended.Entity+ended.EntityName != ""
	if a.work.trace.shows == nil || itself || !a.work.trace.shows(before) {
		return nil
	}
	after, err := a.work.trace.state(ctx)
	if err != nil || a.work.Settle(before, after) != transport.Untouched {
		return err
	}
	if a.sinceEnd() < client.transport.Schedule().Grace {
		return fmt.Errorf("task %s has ended, and %s does not show it yet: %w", transport.Plain(task), a.work.Resource, drkit.ErrNotDone)
	}
	return &drkit.Error{
		Operation: service + "." + a.work.operation, Kind: drkit.ErrConflict,
		Message: "task " + task + " was adopted for it, and has ended well, but nothing of " + a.work.Resource + " has changed",
	}
}

func (a *adoption) sinceEnd() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ends.IsZero() {
		a.ends = time.Now()
	}
	return time.Since(a.ends)
}

// subject is how tasks name what an operation works on.
type subject struct {
	ids  []string
	name string
}

// jobs returns the tasks that may be of an operation. What kind of work a task does is told by a key that nobody
// documents: it is learned from tasks that the service has named itself. Until then a task about the same thing
// counts as one of the operation, and whether it was shows at its end.
func (p place) jobs(ctx context.Context, operation string, subject subject) ([]transport.Job, error) {
	return p.jobsWith(ctx, operation, subject, func(Task) {})
}

// jobsWith is jobs for who needs to see the tasks themselves.
func (p place) jobsWith(ctx context.Context, operation string, subject subject, see func(Task)) ([]transport.Job, error) {
	var jobs []transport.Job
	for task, err := range p.client.Tasks.List(ctx, ListQuery{Limit: tasksPerPage}) {
		if err != nil {
			return nil, err
		}
		job, relevant := p.client.job(operation, subject, task)
		if !relevant {
			continue
		}
		job.ID, job.Started, job.End = task.ID, started(task), task.CompleteTime.Time
		job.Ended = task.Ended() || !job.End.IsZero() // a status that is not known may be an end, too
		jobs = append(jobs, job)
		see(task)
	}
	return jobs, nil
}

func started(task Task) time.Time {
	if task.QueuedTime.Time.IsZero() {
		return task.StartTime.Time
	}
	return task.QueuedTime.Time
}

// job says what a task has to do with an operation.
func (c *Client) job(operation string, subject subject, task Task) (job transport.Job, relevant bool) {
	kind := c.kind(operation)
	if task.DescriptionID == "" { // which it may lack where the answer is partial
		kind = ""
	}
	names := task.Entity != "" || task.EntityName != ""
	about := slices.Contains(subject.ids, task.Entity) ||
		task.Entity == "" && task.EntityName != "" && task.EntityName == subject.name
	switch {
	case kind != "" && task.DescriptionID != kind:
		return transport.Job{Apart: true}, about || !names && len(subject.ids) > 0
	case about:
		return transport.Job{Other: kind == ""}, true
	case !names && kind != "", len(subject.ids) == 0 && kind != "":
		return job, true
	case !names:
		return transport.Job{Other: true, Veto: "it names nothing that it works on"}, true
	default:
		return job, false
	}
}

// kind returns what tasks call the work of an operation; empty if that is not known yet.
func (c *Client) kind(operation string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kinds[operation]
}

// learn takes note of what a task that the service has named says of itself.
func (c *Client) learn(operation string, work *work, task Task) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if task.DescriptionID != "" {
		c.kinds[operation] = task.DescriptionID
	}
	if work != nil && work.about != "" && task.Entity != "" {
		known := c.subjects[work.about]
		if !slices.Contains(known.ids, task.Entity) {
			known.ids = append(known.ids[:len(known.ids):len(known.ids)], task.Entity)
			c.subjects[work.about] = known
		}
	}
}

// subject returns how tasks may name a replication: by its own identifier, by that of its machine, or as they have
// named it before.
func (p place) subject(ctx context.Context, id string) (subject, error) {
	p.client.mu.Lock()
	known := p.client.subjects[id]
	p.client.mu.Unlock()
	if known.name != "" {
		return known, nil
	}
	replication, there, err := p.replication(ctx, id)
	if err != nil || !there {
		return subject{ids: append(known.ids, id)}, err
	}
	p.client.mu.Lock()
	defer p.client.mu.Unlock()
	known = p.client.subjects[id]
	known.name = replication.Name
	known.ids = append(known.ids[:len(known.ids):len(known.ids)], id)
	if replication.VMID != "" {
		known.ids = append(known.ids, replication.VMID)
	}
	p.client.subjects[id] = known
	return known, nil
}

// of names something for people, and for the operations that work on it.
func of(what string, ids ...string) string {
	for i, id := range ids {
		ids[i] = transport.Plain(id)
	}
	return what + " " + strings.Join(ids, " of ")
}
