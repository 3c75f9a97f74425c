package cloudreplica

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/drkit-go/drkit/internal/transport"
)

// planned is a failover plan as its work is noted and found again.
type planned struct {
	client *Client
	id     string

	mu    sync.Mutex
	known planFacts // zero until somebody has asked
}

// planFacts is what a failover session has of its plan, to which it has no link.
type planFacts struct {
	Name   string   `json:"name,omitzero"`
	Server string   `json:"server,omitzero"`
	VMs    []string `json:"vms,omitzero"`
}

func (p *planned) facts(ctx context.Context) (planFacts, error) {
	p.mu.Lock()
	known := p.known
	p.mu.Unlock()
	if known.Name != "" {
		return known, nil
	}
	plans := p.client.FailoverPlans
	plan, err := plans.Get(ctx, p.id)
	if err != nil {
		return planFacts{}, err
	}
	machines, err := plans.machinesOf(ctx, plan)
	if err != nil {
		return planFacts{}, err
	}
	server, _ := plan.BackupServer()
	known = planFacts{Name: plan.Name, Server: server.ID()}
	for _, vm := range machines {
		known.VMs = append(known.VMs, vm.Name)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.known = known
	return known, nil
}

// sessions returns the failover sessions that have the name of the plan and its backup server.
func (p *planned) sessions(ctx context.Context) ([]CloudFailoverSession, error) {
	facts, err := p.facts(ctx)
	if err != nil {
		return nil, err
	}
	all := p.client.FailoverSessions
	rows, err := rowsFor(ctx, p.client, &all.Collection, &all.Finder, Query[CloudFailoverSession]{
		Filter: FailoverSessionFieldName.Is(facts.Name), Sort: FailoverSessionFieldUID.Ascending(),
	})
	var own []CloudFailoverSession
	for _, session := range rows {
		if strings.EqualFold(session.Name, facts.Name) && sameServer(session.Entity, facts.Server) {
			own = append(own, session)
		}
	}
	return own, err
}

// foreign reports whether a session is of another plan of that name: it has machines that the plan has not.
func (f planFacts) foreign(session CloudFailoverSession) bool {
	own := make(map[string]bool, len(f.VMs))
	for _, name := range f.VMs {
		own[strings.ToLower(name)] = true
	}
	for _, machine := range session.CloudFailoverTasks {
		if len(own) > 0 && !own[strings.ToLower(machine.VMName)] {
			return true
		}
	}
	return false
}

// traced is an operation that leaves a task in the logon session, and what else it leaves.
type traced struct {
	client   *Client
	kind     string // the service's name of the task's work
	resource string
	// more adds to the state of the resource, and ran says what that proves; both may be nil.
	more func(ctx context.Context, state transport.State) error
	ran  func(before, after transport.State) bool

	admitted atomic.Bool

	mu    sync.Mutex
	last  ownTasks // as Jobs has listed them last
	logon string   // in which the request has left, as far as is known; empty for that of a given session
}

const logonMember, taskMember = "logon", "task "

// admit notes that the request is about to be sent, and in which logon session, unless its note then meets another.
func (w *traced) admit() error {
	w.admitted.Store(true)
	w.leave(w.client.logonName())
	return nil
}

func (w *traced) leave(logon string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.logon = logon
}

// leftIn returns the logon session whose task the request has become. It need not be that of today, in which another
// task may have the number: the session may have ended while the answer was on its way.
func (w *traced) leftIn() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.logon
}

// state is the logon session with its tasks, and what more there is: while the session lasts, they show what this
// client has begun. The note of a request goes by the one list that it has begun with.
func (w *traced) state(ctx context.Context) (transport.State, error) {
	now, err := w.kept(), error(nil)
	if w.admitted.Swap(false) {
		w.leave(now.logon)
	} else if now, err = w.client.ownTasks(ctx, w.kind, w.resource); err != nil {
		return nil, err
	}
	state := transport.State{}
	if now.logon != "" {
		state[logonMember] = now.logon
	}
	for _, task := range now.all {
		state[taskMember+task.key.String()] = "there"
	}
	if w.more != nil {
		err = w.more(ctx, state)
	}
	return state, err
}

// settle says what state proves: no task in the same logon session is no work, unless the resource shows it.
func (w *traced) settle(before, after transport.State) transport.Verdict {
	if w.ran != nil && w.ran(before, after) {
		return transport.Ran
	}
	if before[logonMember] == "" || before[logonMember] != after[logonMember] {
		return transport.Unclear
	}
	for _, key := range transport.NewKeys(before, after) {
		if strings.HasPrefix(key, taskMember) {
			return transport.Unclear
		}
	}
	return transport.Untouched
}

// lasts reports whether the logon session is still that in which the request has left.
func (w *traced) lasts(logon string) bool { return logon != "" && w.leftIn() == logon }

// work is how the operation is noted and found again; jobs is given the tasks that may be of it.
func (w *traced) work(jobs func(ctx context.Context, own ownTasks) ([]transport.Job, error)) *transport.Work {
	list := func(ctx context.Context) ([]transport.Job, error) {
		own, err := w.client.ownTasks(ctx, w.kind, w.resource)
		if err != nil {
			return nil, err
		}
		w.keep(own)
		return jobs(ctx, own)
	}
	return &transport.Work{Resource: w.resource, Jobs: list, State: w.state, Settle: w.settle, Believe: true} // refusals come as a 500
}

func (w *traced) keep(own ownTasks) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.last = own
}

func (w *traced) kept() ownTasks {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// taskJobs are tasks that may be of the operation. Of those that lead elsewhere only what is under way counts.
func taskJobs(own ownTasks, leads bool) []transport.Job {
	var jobs []transport.Job
	for _, task := range own.all {
		if leads && task.Ended() {
			continue
		}
		job := transport.Job{ID: task.key.String(), Ended: task.Ended(), Unsure: task.claimed == "" && (leads || task.unsure)}
		if task.claimed != "" {
			job.Veto = "another call was answered with it"
		}
		jobs = append(jobs, job)
	}
	return jobs
}

// failoverWork is how a start or a test is noted and found again: by the failover sessions of the plan. While the
// logon session lasts, its tasks tell which of these are its own.
func (p *planned) failoverWork(w *traced) *transport.Work {
	return w.work(func(ctx context.Context, own ownTasks) ([]transport.Job, error) { // listed before the sessions that they lead to
		facts, err := p.facts(ctx)
		if err != nil {
			return nil, err
		}
		sessions, err := p.sessions(ctx)
		if err != nil {
			return nil, err
		}
		begun := map[string]bool{}
		jobs := taskJobs(own, true)
		for _, task := range own.all {
			link, _ := task.Links.Find(RelRelated, failoverSessionKind)
			begun[strings.ToLower(link.ID())] = true
		}
		for _, session := range sessions {
			job := transport.Job{
				ID: session.ID(), Started: session.CreationTimeUTC.Time, Ended: session.Ended(), End: session.EndTimeUTC.Time,
			}
			switch {
			case facts.foreign(session):
				job.Other, job.Veto = true, "its machines are not those of the plan"
			case w.lasts(own.logon) && !begun[strings.ToLower(job.ID)]:
				job.Veto = "somebody else has begun it: no task of this logon session leads to it"
			}
			jobs = append(jobs, job)
		}
		return jobs, nil
	})
}

// undoWork is how an undo is noted and found again: by its task, while the logon session lasts, and else by the
// replicas, as they were collected.
func (p *planned) undoWork(w *traced) *transport.Work {
	w.more = func(ctx context.Context, state transport.State) error {
		now, err := p.client.FailoverPlans.State(ctx, p.id)
		for _, vm := range now.VMs {
			state[machineMember+vm.Name] = string(vm.Newest.State)
		}
		return err
	}
	w.ran = func(before, after transport.State) bool {
		return len(failedOverIn(before)) > 0 && len(awayIn(after)) == 0
	}
	return w.work(func(ctx context.Context, own ownTasks) ([]transport.Job, error) {
		now, err := p.client.FailoverPlans.State(ctx, p.id)
		jobs := taskJobs(own, false)
		if len(now.failedOver()) == 0 {
			// As long as the session lasts its tasks tell; after that, whether this has been so before.
			back := transport.Job{ID: allBack, Ended: true, Apart: w.lasts(own.logon)}
			if len(now.away()) > 0 {
				back.Veto = "some are on their way back, or there for good, which is no undo"
			}
			jobs = append(jobs, back)
		}
		return jobs, err
	})
}

// allBack stands for an undo whose task is gone with its logon session, once the replicas show what it has done.
const allBack = "no machine is failed over"

const machineMember = "machine "

// failedOverIn lists the machines that a state shows to run on their replicas.
func failedOverIn(state transport.State) []string {
	return machinesIn(state, func(of ReplicaState) bool { return of == ReplicaStateFailover })
}

// awayIn adds those that somebody brings back in another way, or has left there for good: no undo does that.
func awayIn(state transport.State) []string { return machinesIn(state, ReplicaState.away) }

func machinesIn(state transport.State, want func(ReplicaState) bool) []string {
	var names []string
	for member, value := range state {
		if name, is := strings.CutPrefix(member, machineMember); is && want(ReplicaState(value)) {
			names = append(names, name)
		}
	}
	return names
}
