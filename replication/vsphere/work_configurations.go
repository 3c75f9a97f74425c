package vsphere

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// ofConfiguration finds replications that were configured, by their machines. Each has a task.
func (p place) ofConfiguration(call transport.Call) *work {
	machines := machinesOf(call)
	ids, targets := make([]string, len(machines)), make([]string, len(machines))
	for i, machine := range machines {
		ids[i], targets[i] = machine.VMID, machine.TargetVCID
	}
	state := func(ctx context.Context) (transport.State, error) {
		there := transport.State{}
		for r, err := range (&Replications{p}).List(ctx, ReplicationQuery{Limit: tasksPerPage}) {
			if err != nil {
				return nil, err
			}
			switch {
			case slices.Contains(ids, r.VMID):
				there[r.VMID] = r.ID
			case r.VMID == "" && (r.TargetVCID == "" || slices.Contains(targets, r.TargetVCID)):
				there[memberPartial] = "true" // it may be of one of the machines
			}
			if ofHalf(&r) {
				there[memberPartial] = "true"
			}
		}
		return there, nil
	}
	told := &toldApart{machines: ids, all: map[string]string{}}
	work := &work{operation: call.Operation.Name, told: told, Work: transport.Work{
		Resource: replicationsOfMachines(ids), Tasks: len(ids),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			names := map[string]string{}
			jobs, err := p.jobsWith(ctx, call.Operation.Name, subject{ids: ids}, func(task Task) { names[task.ID] = task.Entity })
			if err != nil {
				return nil, err
			}
			for i, job := range jobs {
				if names[job.ID] != "" { // to be configured, or not to be: nothing else is done to a machine
					jobs[i].Other, jobs[i].Why = false, "task "+job.ID+" works on machine "+transport.Plain(names[job.ID])+", and has not ended"
				}
			}
			return told.apart(jobs, names), nil
		},
		State: state, Settle: ofWhole(transport.Appears(len(ids))), Believe: true,
	}}
	if len(ids) == 1 {
		return work.ofMachine(ids[0])
	}
	return work
}

// ofMachine is the part of a configuration that is about one of its machines.
func (w *work) ofMachine(id string) *work {
	one := *w
	one.about, one.Resource = id, replicationsOfMachines([]string{id})
	one.trace = trace{one.State, ofWhole(func(before, after transport.State) transport.Verdict {
		return verdict(before[id] == "" && after[id] != "", before, after, id)
	}), was(id, "")}
	one.Settle = one.trace.settle
	return &one
}

// replicationsOfMachines names what is configured. The machines are in their order, so that the same are the same.
func replicationsOfMachines(ids []string) string {
	return of("the replication of machine", strings.Join(ids, ", "))
}

func machinesOf(call transport.Call) []ConfigureReplication {
	machines, _ := call.Body.([]ConfigureReplication)
	return machines
}

// adoptAll returns the pollers of machines whose configuration was found, in their order.
func (p place) adoptAll(operation, operationID string, work *work, found transport.Found, alone func(context.Context) error, machines []ConfigureReplication) []*drkit.Poller[Task] {
	var tasks []Task
	for _, id := range found.Jobs {
		tasks = append(tasks, Task{ID: id, Entity: work.told.of(id)})
	}
	work.told.adopt(found.Jobs)
	tasks = inOrder(machines, tasks)
	pollers := make([]*drkit.Poller[Task], len(machines))
	for i, machine := range machines {
		one := work.ofMachine(machine.VMID)
		if found.Job == "" {
			pollers[i] = p.settled(one.Resource, one.about)
			continue
		}
		pollers[i] = p.adopted(operation, operationID, one, found, tasks[i].ID, alone)
	}
	return pollers
}

// toldApart are the tasks of several machines, which must not be taken for each other.
type toldApart struct {
	machines []string

	mu      sync.Mutex
	all     map[string]string // what tasks work on, by their ids
	before  map[string]bool   // tasks that the first list has shown, which was read before anything was sent
	adopted []string
}

// adopt takes note of the tasks that were taken for those of the configuration.
func (t *toldApart) adopt(tasks []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.adopted = tasks
}

// leaveOut lets nobody take for tasks of the configuration what began on a machine after the end of that which was
// adopted for it: machines end one by one, and whoever goes on with one has seen its end.
func (t *toldApart) leaveOut(jobs []transport.Job, names map[string]string) {
	ends := map[string]time.Time{}
	for _, job := range jobs {
		if slices.Contains(t.adopted, job.ID) && !job.End.IsZero() {
			ends[names[job.ID]] = job.End
		}
	}
	for i, job := range jobs {
		end, ended := ends[names[job.ID]]
		if ended && !job.Started.Before(end) && !slices.Contains(t.adopted, job.ID) {
			jobs[i].Apart = true
		}
	}
}

// apart takes note of what tasks work on, and lets those that have come since speak against themselves unless there
// is one for each machine: as many tasks as machines could else be two of one machine and none of another.
func (t *toldApart) apart(jobs []transport.Job, names map[string]string) []transport.Job {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leaveOut(jobs, names)
	first := t.before == nil
	if first {
		t.before = map[string]bool{}
	}
	count := map[string]int{}
	for _, job := range jobs {
		t.all[job.ID] = names[job.ID]
		if first {
			t.before[job.ID] = true
		}
		if !t.before[job.ID] && !job.Apart {
			count[names[job.ID]]++
		}
	}
	lacking := slices.ContainsFunc(t.machines, func(id string) bool { return count[id] == 0 })
	if len(t.machines) == 1 || !lacking {
		return jobs
	}
	for i, job := range jobs {
		switch name := names[job.ID]; {
		case t.before[job.ID] || job.Apart:
		case !slices.Contains(t.machines, name):
			jobs[i].Veto = "it does not say of which machine it is"
		case count[name] > 1:
			jobs[i].Veto = "it names the same machine as another"
		}
	}
	return jobs
}

func (t *toldApart) of(task string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[task]
}
