package vcav_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// TestSchedules runs random schedules of faults, cancellations, restarts and operators, 100 to a block, each in
// a bubble of its own with its own appliance in memory, and holds what callers believe at the end against what
// the appliance has done. A schedule that fails is shrunk; -rapid.seed runs a block of it again.
func TestSchedules(t *testing.T) {
	t.Parallel()
	blocks := 100
	if testing.Short() {
		blocks = 4 // of 20
	}
	counted := &census{}
	t.Cleanup(func() { t.Log(counted) })
	for block := range blocks {
		t.Run(fmt.Sprint(block), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				s := schedules().Draw(rt, "schedule")
				var broken []string
				synctest.Test(t, func(*testing.T) { broken = s.run(counted) })
				if len(broken) > 0 {
					rt.Fatal(strings.Join(broken, "\n"))
				}
			})
		})
	}
}

// schedule is what happens to one appliance. All times are offsets from its beginning.
type schedule struct {
	running   time.Duration // of tasks
	callers   []callerPlan
	faults    []plannedFault
	incidents []incident
}

// callerPlan is one goroutine that makes calls, one after another.
type callerPlan struct {
	client int // of [clientUsers]
	calls  []callPlan
}

// callPlan is one operation that a caller wants once.
type callPlan struct {
	pause  time.Duration // before it
	action string        // of [actions]
	on     int           // of [subjects]
	site   string        // empty: the local one
	cancel time.Duration // of each attempt to get it done; 0: never
	again  int           // how often it is called again after an error
}

// clientUsers are the clients that there are, by their users.
var clientUsers = []string{"root", "root", "bob"}

// plannedFault strikes requests from some time on.
type plannedFault struct {
	at     time.Duration
	on     string // operation; empty: all
	skip   int
	times  int
	after  bool
	effect string        // of [effects]
	length time.Duration // of a delay, or of how late work is
}

// incident is something else that happens.
type incident struct {
	at     time.Duration
	what   string // of [incidents]
	on     int    // of [subjects]
	length time.Duration
}

// String returns a line for each thing that happens.
func (s schedule) String() string {
	lines := []string{fmt.Sprintf("tasks run %s", s.running)}
	for i, caller := range s.callers {
		lines = append(lines, fmt.Sprintf("caller %d with client %d of %s:", i, caller.client, clientUsers[caller.client]))
		for j, call := range caller.calls {
			lines = append(lines, fmt.Sprintf("\t%s after %s: %s on %s at %q, canceled after %s, again %d times",
				operationID(i, j), call.pause, call.action, subjects[call.on], call.site, call.cancel, call.again))
		}
	}
	for _, f := range s.faults {
		moment := "before"
		if f.after {
			moment = "after"
		}
		lines = append(lines, fmt.Sprintf("at %s: %q %d times after %d, %s the work: %s %s", f.at, f.on, f.times, f.skip, moment, f.effect, f.length))
	}
	for _, i := range s.incidents {
		lines = append(lines, fmt.Sprintf("at %s: %s %s %s", i.at, i.what, subjects[i.on], i.length))
	}
	return strings.Join(lines, "\n")
}

// GoString lets rapid print what was drawn in this form.
func (s schedule) GoString() string { return s.String() }

// operationID names what a caller wants.
func operationID(caller, call int) string { return fmt.Sprintf("caller-%d-call-%d", caller, call) }

func schedules() *rapid.Generator[schedule] {
	return rapid.Custom(func(t *rapid.T) schedule {
		s := schedule{
			running: rapid.SampledFrom([]time.Duration{2 * time.Second, 0, 20 * time.Second}).Draw(t, "running"),
			callers: rapid.SliceOfN(callerPlans(), 1, 3).Draw(t, "callers"),
		}
		var called []string
		for _, caller := range s.callers {
			for _, call := range caller.calls {
				called = append(called, actions[call.action].operation)
			}
		}
		s.faults = rapid.SliceOfN(plannedFaults(called), 0, 5).Draw(t, "faults")
		s.incidents = rapid.SliceOfN(incidents(), 0, 3).Draw(t, "incidents")
		return s
	})
}

// seconds draws up to so many, in steps that let things coincide.
func seconds(most int) *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.IntRange(0, 2*most), func(n int) time.Duration { return time.Duration(n) * time.Second / 2 })
}

func callerPlans() *rapid.Generator[callerPlan] {
	return rapid.Custom(func(t *rapid.T) callerPlan {
		return callerPlan{
			client: rapid.IntRange(0, len(clientUsers)-1).Draw(t, "client"),
			calls:  rapid.SliceOfN(callPlans(), 1, 3).Draw(t, "calls"),
		}
	})
}

func callPlans() *rapid.Generator[callPlan] {
	return rapid.Custom(func(t *rapid.T) callPlan {
		call := callPlan{
			pause:  seconds(10).Draw(t, "pause"),
			action: rapid.SampledFrom(actionNames).Draw(t, "action"),
			again:  rapid.IntRange(0, 3).Draw(t, "again"),
		}
		call.on = natural[call.action]
		if rapid.IntRange(0, 4).Draw(t, "elsewhere") == 4 {
			call.on = rapid.IntRange(0, len(subjects)-1).Draw(t, "on")
		}
		if rapid.IntRange(0, 5).Draw(t, "there") == 5 {
			call.site = "site1"
		}
		if rapid.IntRange(0, 3).Draw(t, "canceled") == 3 {
			call.cancel = seconds(60).Draw(t, "cancel")
		}
		return call
	})
}

// plannedFaults strike what is called most of all, and what is called besides.
func plannedFaults(called []string) *rapid.Generator[plannedFault] {
	return rapid.Custom(func(t *rapid.T) plannedFault {
		fault := plannedFault{
			at:     rapid.OneOf(rapid.Just(time.Duration(0)), seconds(20)).Draw(t, "at"),
			on:     rapid.OneOf(rapid.SampledFrom(called), rapid.SampledFrom(called), rapid.SampledFrom(calledBesides)).Draw(t, "on"),
			skip:   rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "skip"),
			times:  rapid.IntRange(1, 3).Draw(t, "times"),
			after:  rapid.Bool().Draw(t, "after"),
			length: seconds(20).Draw(t, "length"),
		}
		if fault.after {
			fault.effect = rapid.SampledFrom(effectsAfter).Draw(t, "effect")
		} else {
			fault.effect = rapid.SampledFrom(effectsBefore).Draw(t, "effect")
		}
		return fault
	})
}

func incidents() *rapid.Generator[incident] {
	return rapid.Custom(func(t *rapid.T) incident {
		return incident{
			at:     seconds(30).Draw(t, "at"),
			what:   rapid.SampledFrom(incidentNames).Draw(t, "what"),
			on:     rapid.IntRange(0, len(subjects)-1).Draw(t, "on"),
			length: seconds(20).Draw(t, "length"),
		}
	})
}
