package drkit_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
)

// failover is a drkit.Source that plays a task: it is queued, runs, and ends at the third look.
type failover struct {
	id    string
	looks int
	end   drkit.Look[string]
}

func (f *failover) ID() string { return f.id }

func (f *failover) Look(context.Context) (drkit.Look[string], error) {
	f.looks++
	switch f.looks {
	case 1:
		return drkit.Look[string]{Progress: drkit.Progress{State: drkit.StateQueued}}, nil
	case 2:
		return drkit.Look[string]{Progress: drkit.Progress{State: drkit.StateRunning, Percent: 60}}, nil
	default:
		return f.end, nil
	}
}

func newFailover(id string) *failover {
	return &failover{id: id, end: drkit.Look[string]{
		Progress: drkit.Progress{State: drkit.StateSucceeded, Percent: 100}, Done: true, Result: "vm-" + id,
	}}
}

// Examples do not take longer than they must.
var soon = drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Millisecond})

// startFailover stands for a method of a service that starts work.
func startFailover(id string) *drkit.Poller[string] { return drkit.NewPoller(newFailover(id), soon) }

// startDoomed is a failover that fails.
func startDoomed(id string) *drkit.Poller[string] {
	return drkit.NewPoller(&failover{id: id, end: drkit.Look[string]{
		Progress: drkit.Progress{State: drkit.StateFailed}, Done: true,
		Err: &drkit.TaskError{
			TaskID: id, ResourceName: "db-1", Code: "InsufficientSpace", Message: "The datastore is full.",
		},
	}}, soon)
}

// A Poller follows work that a service does on its own: here one that has been started a moment ago.
func ExamplePoller() {
	poller := startFailover("task-1")
	fmt.Println(poller.ID(), poller.Done())
	vm, err := poller.Wait(context.Background())
	fmt.Println(vm, err)
	fmt.Println(poller.Done(), poller.Progress().State)
	// Output:
	// task-1 false
	// vm-task-1 <nil>
	// true SUCCEEDED
}

func ExampleNewPoller() {
	poller := drkit.NewPoller(newFailover("task-1"),
		drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Millisecond}))
	vm, err := poller.Wait(context.Background())
	fmt.Println(vm, err)
	// Output: vm-task-1 <nil>
}

// The context limits the wait, never the work: it goes on, and can be waited for again.
func ExamplePoller_Wait() {
	poller := startFailover("task-1")
	impatient, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := poller.Wait(impatient)
	fmt.Println(err, errors.Is(err, context.Canceled))

	vm, err := poller.Wait(context.Background())
	fmt.Println(vm, err)
	// Output:
	// waiting for task-1 (not looked at yet): context canceled true
	// vm-task-1 <nil>
}

// Work that failed ends the wait with the error that the service gave it.
func ExamplePoller_Wait_failed() {
	_, err := startDoomed("task-1").Wait(context.Background())
	var failure *drkit.TaskError
	if errors.As(err, &failure) {
		fmt.Println(failure.Code, "on", failure.ResourceName)
	}
	// Output: InsufficientSpace on db-1
}

// A controller that must not block looks once, and comes back later.
func ExamplePoller_Poll() {
	poller := startFailover("task-1")
	for !poller.Done() {
		progress, err := poller.Poll(context.Background())
		if err != nil {
			fmt.Println("the look failed, the task goes on:", err)
			continue
		}
		fmt.Println(progress.State, progress.Percent)
		// A controller would requeue itself here.
	}
	// Output:
	// QUEUED 0
	// RUNNING 60
	// SUCCEEDED 100
}

func ExamplePoller_Result() {
	poller := startFailover("task-1")
	_, err := poller.Result()
	fmt.Println(err, errors.Is(err, drkit.ErrNotDone))

	_, _ = poller.Wait(context.Background())
	vm, err := poller.Result()
	fmt.Println(vm, err)
	// Output:
	// task-1: not done true
	// vm-task-1 <nil>
}

func ExampleOnProgress() {
	vm, err := startFailover("task-1").Wait(context.Background(), drkit.OnProgress(func(p drkit.Progress) {
		if p.State == drkit.StateSucceeded { // the last report always comes; others may be skipped
			fmt.Printf("%s: %d %%\n", p.ID, p.Percent)
		}
	}))
	fmt.Println(vm, err)
	// Output:
	// task-1: 100 %
	// vm-task-1 <nil>
}

// Options of a wait can be kept, and given to any wait.
func ExampleWaitOption() {
	var last drkit.State
	options := []drkit.WaitOption{drkit.OnProgress(func(p drkit.Progress) { last = p.State })}
	_, err := startFailover("task-1").Wait(context.Background(), options...)
	fmt.Println(last, err)
	// Output: SUCCEEDED <nil>
}

func ExampleWaitAll() {
	outcomes, err := drkit.WaitAll(context.Background(), []*drkit.Poller[string]{
		startFailover("task-1"), startDoomed("task-2"), startFailover("task-3"),
	})
	for _, outcome := range outcomes {
		fmt.Println(outcome.ID, outcome.Result, outcome.Err != nil)
	}
	fmt.Println(err)
	// Output:
	// task-1 vm-task-1 false
	// task-2  true
	// task-3 vm-task-3 false
	// task on db-1 failed: InsufficientSpace: The datastore is full. (task task-2)
}

// Outcomes tell which of several failovers to run again.
func ExampleOutcome() {
	outcomes, _ := drkit.WaitAll(context.Background(), []*drkit.Poller[string]{
		startFailover("task-1"), startDoomed("task-2"),
	})
	var again []string
	for _, outcome := range outcomes {
		if outcome.Err != nil {
			again = append(again, outcome.ID)
		}
	}
	fmt.Println(again)
	// Output: [task-2]
}

// A state that drkit does not know is shown as it is, and is never taken for the end.
func ExampleState() {
	for _, state := range []drkit.State{
		drkit.StateQueued, drkit.StateRunning, "HIBERNATING", drkit.StateSucceeded, drkit.StateFailed,
	} {
		ended := state == drkit.StateSucceeded || state == drkit.StateFailed
		fmt.Println(state, ended)
	}
	// Output:
	// QUEUED false
	// RUNNING false
	// HIBERNATING false
	// SUCCEEDED true
	// FAILED true
}

func ExampleProgress() {
	progress, err := startFailover("task-1").Poll(context.Background())
	fmt.Printf("%s is %s (%d %%) %v\n", progress.ID, progress.State, progress.Percent, err)
	// Output: task-1 is QUEUED (0 %) <nil>
}

// A Look says three things: how far the work is, whether it has ended, and what came of it.
func ExampleLook() {
	look := drkit.Look[string]{
		Progress: drkit.Progress{State: drkit.StateFailed},
		Done:     true,
		Err:      &drkit.TaskError{TaskID: "task-1", Code: "InsufficientSpace"},
	}
	fmt.Println(look.Done, look.Err)
	// Output: true task failed: InsufficientSpace (task task-1)
}

// The same policy serves a client, as an option of its constructor, and a poller of one's own.
func ExampleWithPolling() {
	polling := drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Millisecond, MaxInterval: time.Second})
	_, err := newClient(polling)
	fmt.Println(err)
	vm, err := drkit.NewPoller(newFailover("task-1"), polling).Wait(context.Background())
	fmt.Println(vm, err)
	// Output:
	// <nil>
	// vm-task-1 <nil>
}

// Zero fields keep their defaults; a policy that contradicts itself is refused.
func ExamplePollPolicy() {
	_, err := newClient(drkit.WithPolling(drkit.PollPolicy{MaxUnreachable: time.Hour}))
	fmt.Println(err)
	_, err = newClient(drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Minute, MaxInterval: time.Second}))
	fmt.Println(err)
	// Output:
	// <nil>
	// WithPolling: MinInterval 1m0s is longer than MaxInterval 1s
}

// A PollingOption is an Option and a PollerOption at once.
func ExamplePollingOption() {
	polling := drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Second})
	ofClient, ofPoller := []drkit.Option{polling}, []drkit.PollerOption{polling}
	fmt.Println(len(ofClient), len(ofPoller))
	// Output: 1 1
}

func ExamplePollerOption() {
	options := []drkit.PollerOption{drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Millisecond})}
	vm, err := drkit.NewPoller(newFailover("task-1"), options...).Wait(context.Background())
	fmt.Println(vm, err)
	// Output: vm-task-1 <nil>
}
