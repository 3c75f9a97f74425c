package vcav_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// census counts what the schedules of a test have brought, to show that they are about something.
type census struct {
	schedules, wants, ran, answered, adopted, settled, mistaken, recovered, unknown, rivals atomic.Int64
}

func (c *census) String() string {
	return fmt.Sprintf("%d schedules; of %d operations wanted %d ran: %d answered, %d adopted by task, %d by resource (%d of them although it was another's), %d have another's task, %d unknown at the end (%d of them ran)",
		c.schedules.Load(), c.wants.Load(), c.ran.Load(), c.answered.Load(), c.adopted.Load(), c.settled.Load(), c.mistaken.Load(),
		c.rivals.Load(), c.unknown.Load(), c.recovered.Load())
}

func isUnknown(err error) bool { return errors.Is(err, drkit.ErrOutcomeUnknown) }

// judgement is one want against what the appliance has done.
type judgement struct {
	*world
	*want
	requests []vcavtest.Request
	tasks    map[string]vcavtest.Task // those that are forgotten included
	ran      int
	rivals   bool // others have done the like to the same
	hidden   bool // by tasks that cannot be seen where this one is looked for
	forgot   bool // the appliance has forgotten a task of it
}

// judge returns what callers got wrong.
func (w *world) judge(c *census) []string {
	var broken []string
	for _, violation := range w.server.Violations() {
		broken = append(broken, violation.String())
	}
	c.schedules.Add(1)
	requests, tasks := w.server.Requests(), map[string]vcavtest.Task{}
	for id, task := range w.forgotten {
		tasks[id] = task
	}
	for _, task := range w.server.Tasks() {
		tasks[task.ID] = task
	}
	for _, one := range w.wants {
		v := judgement{world: w, want: one, requests: requests, tasks: tasks}
		v.compare()
		for _, wrong := range append(v.runs(), v.belief(c)...) {
			broken = append(broken, one.id+": "+wrong)
		}
	}
	return broken
}

// compare finds out how often the operation ran, and whether somebody else did the like.
func (v *judgement) compare() {
	v.ran = v.runsOf(v.id)
	for _, request := range v.requests {
		if request.Ran && request.OperationID != v.id && v.alike(request) {
			v.rivals = true
			v.hidden = v.hidden || request.Site != v.plan.site
		}
	}
	for _, task := range v.forgotten {
		v.forgot = v.forgot || task.OperationID == v.id || task.Resource == vcavtest.ReplicationID(v.subject()) ||
			v.action.resource != nil && task.Resource == v.action.resource(v.subject())
	}
}

// alike reports whether a request leaves behind what the operation does.
func (v *judgement) alike(request vcavtest.Request) bool {
	const migrate = "VMReplications.Migrate"
	recovers := func(operation string) bool { return operation == failover || operation == migrate }
	if request.Operation != v.action.operation && (!recovers(request.Operation) || !recovers(v.action.operation)) {
		return false
	}
	return v.action.resource == nil || v.action.task == "" || request.Resource == v.action.resource(v.subject())
}

// runsOf counts how often the appliance has done what a caller wants.
func (v *judgement) runsOf(id string) int {
	ran := 0
	for _, request := range v.requests {
		ran += one(request.Ran && request.OperationID == id && request.Operation == v.action.operation)
	}
	return ran
}

// runs holds how often an operation may run: as often as the parts of one program want it, who may get each
// other's. A pause may be repeated.
func (v *judgement) runs() []string {
	wanted, ran := 0, 0
	for _, other := range v.wants {
		if other.client == v.client && other.plan.action == v.plan.action && other.plan.on == v.plan.on {
			wanted++
			ran += v.runsOf(other.id)
		}
	}
	if ran > wanted && v.plan.action != "pause" {
		return []string{fmt.Sprintf("%s ran %d times", v.plan.action, ran)}
	}
	return nil
}

// belief holds what the caller believes against what has happened.
func (v *judgement) belief(c *census) []string {
	c.wants.Add(1)
	c.ran.Add(int64(one(v.ran > 0)))
	// A caller that calls again sends another request of the same name where somebody else has adopted the first.
	alone := v.ran - v.reported()
	if v.untouched && alone > 0 {
		return []string{fmt.Sprintf("%s ran, and it was said that nothing came of it: %v", v.plan.action, v.err)}
	}
	switch {
	case v.err == nil:
		return v.work(c)
	case isUnknown(v.err):
		c.unknown.Add(1)
		c.recovered.Add(int64(one(v.ran > 0)))
		if alone > 0 && !v.rivals && !v.forgot {
			return []string{fmt.Sprintf("%s ran, and nobody finds it: %v", v.plan.action, v.err)}
		}
	case v.ran > 0 && v.reported() == 0 && v.plan.action != "pause": // of which an error says nothing
		return []string{fmt.Sprintf("%s ran, and its caller says: %v", v.plan.action, v.err)}
	}
	return nil
}

// reported counts the runs that somebody of the same client who wants the same follows.
func (v *judgement) reported() int {
	found := map[string]bool{}
	for _, other := range v.wants {
		same := other.client == v.client && other.plan.action == v.plan.action && other.plan.on == v.plan.on
		// A policy does not say whose it is, but who has one without a run of their own has got somebody else's.
		policy := same && v.action.task == "" && other.err == nil && v.runsOf(other.id) == 0
		if policy || other.client == v.client && v.tasks[other.found.id].OperationID == v.id {
			found[other.found.id] = true
		}
	}
	return len(found)
}

// work holds what a caller follows: that it is its own, and that it comes to an end.
func (v *judgement) work(c *census) []string {
	var wrong []string
	task, known := v.tasks[v.found.id]
	switch {
	case v.action.task == "": // a policy
		c.answered.Add(1)
	case !known:
		c.settled.Add(1)
		c.mistaken.Add(int64(one(v.ran == 0)))
		if v.ran == 0 && !v.hidden && !v.forgot {
			wrong = append(wrong, "follows "+v.found.id+" although nothing ran")
		}
	case task.OperationID == v.id && v.found.adopted:
		c.adopted.Add(1)
	case task.OperationID == v.id:
		c.answered.Add(1)
	default:
		c.rivals.Add(1)
		if !v.found.adopted || task.User != clientUsers[v.client] {
			wrong = append(wrong, fmt.Sprintf("follows the task of %s, %q", task.User, task.OperationID))
		}
		if v.ran > 0 && !v.rivals {
			wrong = append(wrong, "follows another's task, and its own is not reported")
		}
	}
	if known && task.Type != v.action.task {
		wrong = append(wrong, "follows a task of type "+task.Type)
	}
	return append(wrong, v.end()...)
}

// end waits for the work.
func (v *judgement) end() []string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	resource, err := v.found.wait(ctx)
	var failed *drkit.TaskError
	switch {
	case err == nil && v.action.resource != nil && resource != v.action.resource(v.subject()):
		return []string{fmt.Sprintf("the result of %s on %s is about %q", v.plan.action, v.subject(), resource)}
	case err == nil, errors.As(err, &failed):
		return nil
	case v.forgot && errors.Is(err, drkit.ErrTaskGone), v.rivals && errors.Is(err, drkit.ErrConflict):
		return nil
	default:
		return []string{fmt.Sprintf("the wait for %s ends in: %v", v.found.id, err)}
	}
}
