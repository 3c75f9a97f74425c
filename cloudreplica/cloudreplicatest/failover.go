package cloudreplicatest

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// failover is one run of a failover plan, or one test of it: a failover session.
type failover struct {
	id        string
	of        *plan // as it was
	test      bool
	before    time.Time // points have to be older; zero: the newest
	created   time.Time
	ended     time.Time // zero: it has not
	outcome   string
	message   string
	vms       []machineRun
	published bool // whether the database knows of it
}

// machineRun is what becomes of one VM in a failover.
type machineRun struct {
	name         string
	order        int
	point        point // the zero point: none
	begun, ended time.Time
	outcome      string // empty: it has not ended
	message      string
}

// Outcomes of a failover and of its VMs.
const (
	ResultSuccess = "Success"
	ResultWarning = "Warning"
	ResultFailed  = "Failed"
)

// livePlan is what state a plan is in on its backup server.
type livePlan struct {
	running    *failover
	failedOver bool
}

func (e *enterprise) livePlan(id string) *livePlan {
	if e.live[id] == nil {
		e.live[id] = &livePlan{}
	}
	return e.live[id]
}

// launch begins a failover or a test of a plan, unless the plan is in no state for it.
func (e *enterprise) launch(of *plan, test bool, before, at time.Time) (*failover, error) {
	live := e.livePlan(of.id)
	switch {
	case live.running != nil:
		return nil, failure("Failover plan [%s] is already running", of.name)
	case live.failedOver:
		return nil, failure("Failover plan [%s] has been failed over already", of.name)
	}
	run := &failover{id: simkit.FreshID(), of: of, test: test, before: before, created: at}
	for _, vm := range of.vms {
		run.vms = append(run.vms, machineRun{name: vm.name, order: vm.order})
	}
	slices.SortStableFunc(run.vms, func(a, b machineRun) int { return cmp.Compare(a.order, b.order) })
	live.running = run
	e.failovers = append(e.failovers, run)
	e.deeds.plan(of).launched(test)
	e.agenda.Add(at.Add(e.config.starting), func(at time.Time) { e.nextMachines(run, 0, at) })
	return run, nil
}

// nextMachines begins with the VMs from an index on that have the same order. The session ends after the last.
func (e *enterprise) nextMachines(run *failover, from int, at time.Time) {
	if from >= len(run.vms) {
		e.conclude(run, at)
		return
	}
	until, last := from, at
	for ; until < len(run.vms) && run.vms[until].order == run.vms[from].order; until++ {
		last = later(last, e.beginMachine(run, until, at))
	}
	e.agenda.Add(last, func(at time.Time) { e.nextMachines(run, until, at) })
}

// beginMachine begins with one VM, and returns when it ends.
func (e *enterprise) beginMachine(run *failover, index int, at time.Time) time.Time {
	vm := &run.vms[index]
	vm.begun = at
	chosen, reason := e.choose(run.of, vm.name, run.before)
	vm.point = chosen
	if reason != "" {
		e.endMachine(run, index, ResultFailed, reason, at)
		return at
	}
	planned, _ := e.plans.Take(run.of.id, vm.name)
	outcome, message := ResultSuccess, ""
	ends := at.Add(e.config.perMachine)
	if planned != nil {
		ends = ends.Add(planned.longer)
		switch {
		case planned.warning:
			outcome, message = ResultWarning, planned.message
		case planned.message != "":
			outcome, message = ResultFailed, planned.message
		}
	}
	e.agenda.Add(ends, func(at time.Time) { e.endMachine(run, index, outcome, message, at) })
	return ends
}

// choose finds the point to which a VM is failed over: the newest, or the newest before a time.
func (e *enterprise) choose(of *plan, name string, before time.Time) (point, string) {
	found, at, exists := e.machine(of, name)
	if !exists {
		return point{}, fmt.Sprintf("VM [%s] has no replica", name)
	}
	vm := found.vms[at]
	if vm.state != StateReady {
		return point{}, fmt.Sprintf("The replica of VM [%s] is in the state %s", name, vm.state)
	}
	for ordinal := vm.points.end() - 1; ordinal >= vm.points.first; ordinal-- {
		if before.IsZero() || vm.points.at(ordinal).Before(before) {
			return point{found, int32(at), int32(ordinal)}, "" //nolint:gosec // bounded by config
		}
	}
	return point{}, fmt.Sprintf("There is no restore point of VM [%s] to fail over to", name)
}

// machine finds the replica of a VM of a plan, as it really is.
func (e *enterprise) machine(of *plan, name string) (*replica, int, bool) {
	for _, r := range e.really.replicas.all {
		if r.server != of.server || r.tenantID != of.tenantID {
			continue
		}
		if at, has := r.vm(name); has {
			return r, at, true
		}
	}
	return nil, 0, false
}

func (e *enterprise) endMachine(run *failover, index int, outcome, message string, at time.Time) {
	vm := &run.vms[index]
	vm.ended, vm.outcome, vm.message = at, outcome, message
	e.deeds.plan(run.of).vm(vm.name).ended(run.test, outcome)
	if !run.test && outcome != ResultFailed {
		e.setState(run.of, vm.name, StateFailover)
	}
}

// setState changes the state of a replica, which the database does not know before it collects.
func (e *enterprise) setState(of *plan, name, state string) {
	if found, at, exists := e.machine(of, name); exists {
		vm := found.vms[at]
		vm.state = state
		e.really.replicas.put(found.withVM(at, vm))
	}
}

// conclude ends a session: with a warning unless all its VMs had the same outcome.
func (e *enterprise) conclude(run *failover, at time.Time) {
	run.ended = at
	failed, warned := 0, 0
	for _, vm := range run.vms {
		switch vm.outcome {
		case ResultFailed:
			failed++
		case ResultWarning:
			warned++
		}
	}
	switch {
	case failed == len(run.vms):
		run.outcome, run.message = ResultFailed, "All VMs have failed"
	case failed > 0:
		run.outcome, run.message = ResultWarning, fmt.Sprintf("%d of %d VMs have failed", failed, len(run.vms))
	case warned > 0:
		run.outcome, run.message = ResultWarning, "Some VMs have warnings"
	default:
		run.outcome = ResultSuccess
	}
	live := e.livePlan(run.of.id)
	live.running = nil
	live.failedOver = !run.test && failed < len(run.vms)
	e.deeds.plan(run.of).concluded(run.outcome)
}

// undo puts the work back to the original VMs.
func (e *enterprise) undo(of *plan) error {
	live := e.livePlan(of.id)
	switch {
	case live.running != nil:
		return failure("Failover plan [%s] is still running", of.name)
	case !live.failedOver:
		return failure("Failover plan [%s] has not been failed over", of.name)
	}
	live.failedOver = false
	counted := e.deeds.plan(of)
	counted.Undone++
	for _, vm := range of.vms {
		if found, at, exists := e.machine(of, vm.name); exists && found.vms[at].state == StateFailover {
			e.setState(of, vm.name, StateReady)
			counted.vm(vm.name).Undone++
		}
	}
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// snapshot is a session that does not go on, for showing.
func (f *failover) snapshot() *failover {
	still := *f
	still.vms = slices.Clone(f.vms)
	return &still
}

func (f *failover) ident() string        { return f.id }
func (f *failover) called() string       { return f.of.name }
func (f *failover) owner() *backupServer { return f.of.server }

func (f *failover) links(p *printer) links {
	return links{p.up(backupServerKind, f.of.server.id, f.of.server.name)}
}

// state is that of the session as a whole.
func (f *failover) state() string {
	switch {
	case !f.ended.IsZero():
		return "Stopped"
	case len(f.vms) == 0 || f.vms[0].begun.IsZero():
		return "Starting"
	default:
		return "Working"
	}
}

// progress is in percent.
func (f *failover) progress() int {
	ended := 0
	for _, vm := range f.vms {
		if vm.outcome != "" {
			ended++
		}
	}
	if !f.ended.IsZero() {
		return 100
	}
	return ended * 100 / max(1, len(f.vms))
}

func (f *failover) fill(p *printer, shown *document) {
	shown.with(
		set("JobType", "FailoverPlan"), set("CreationTimeUTC", stamp(f.created)), stampOrNil("EndTimeUTC", f.ended),
		set("State", f.state()), set("Result", orNone(f.outcome)), set("Progress", f.progress()),
		set("FailureMessage", f.message),
		set("CloudFailoverTasks", listOf("CloudFailoverTasks", f.vms, func(vm machineRun) *document { return vm.show(p) })),
	)
}

// orNone is an outcome, or what stands for none yet.
func orNone(outcome string) string {
	if outcome == "" {
		return "None"
	}
	return outcome
}

func (m machineRun) show(p *printer) *document {
	state, progress := "Working", 0
	switch {
	case m.begun.IsZero():
		state = "Starting"
	case m.outcome != "":
		state, progress = "Stopped", 100
	}
	point := set("VmReplicaPointLink", nil)
	if m.point.of != nil {
		point.value = link{"Related", pointKind.name + "Reference", p.of(pointKind, m.point.ident()), m.point.called()}
	}
	return part(
		point, stampOrNil("CreationTimeUTC", m.begun), stampOrNil("EndTimeUTC", m.ended), set("State", state),
		set("Result", orNone(m.outcome)), set("Progress", progress), set("FailureMessage", m.message),
	).marked(set("VmName", m.name))
}
