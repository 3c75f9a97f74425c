package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

const (
	attempts = 3                // to clean up
	pause    = 10 * time.Second // after one that failed
)

// errUnclear is of a test that is there after an answer was lost, and that may be somebody else's.
var errUnclear = errors.New("it is not clear whether it is ours")

// cleanUp waits until the test has ended, well or badly, removes what it has made, and checks that it is gone.
func (r *rehearsal) cleanUp(ctx context.Context) error {
	ours := r.ended(ctx)
	var failure error // of the latest attempt
	for attempt := 0; ; attempt++ {
		now, err := drkit.NewPoller(&settled{r}, r.polling).Wait(ctx)
		if err != nil {
			return both(failure, fmt.Errorf("cleaning up: %w", err))
		}
		switch state, vm := recoveryState(now), machineOf(now); {
		case state != vcav.RecoveryStateTest && vm == "",
			r.machine != "" && vm != "" && r.machine != vm: // of somebody who has come after us
			r.left = false
			return nil
		case !ours:
			return fmt.Errorf("a test is there as VM %s: %w", vm, errUnclear)
		case state != vcav.RecoveryStateTest:
			return fmt.Errorf("VM %s is there, but the recovery is %s", vm, state)
		case attempt == attempts:
			return failure
		default:
			r.machine = vm
		}
		if failure != nil {
			r.tell("%v; again in %s", failure, pause)
			wait(ctx, pause)
		}
		failure = r.remove(ctx)
	}
}

// ended waits for the end of the test, and reports whether it is known to be ours. A task that was found after its
// answer was lost is not if its end was not seen, or if another one like it has come to light meanwhile.
func (r *rehearsal) ended(ctx context.Context) bool {
	if r.test == nil {
		return false
	}
	_, err := r.test.Wait(ctx)
	var failed *drkit.TaskError
	return !r.test.Adopted() || err == nil || errors.As(err, &failed)
}

// remove cleans up once, and returns what to say if the test is still there after that.
func (r *rehearsal) remove(ctx context.Context) error {
	poller, err := r.client.VMReplications.CleanUpTestFailover(ctx, r.replication.ID)
	if errors.Is(err, drkit.ErrOutcomeUnknown) {
		drkit.Discard(err) // it may run twice: our test is looked for before the next attempt
	}
	if err != nil {
		return err
	}
	r.tell("clean-up: task %s", poller.ID())
	if _, err := poller.Wait(ctx); err != nil {
		return err
	}
	return errors.New("the clean-up has succeeded, but the test is still there")
}

// wait returns once d has passed, or ctx has ended.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// tasks returns the tasks of the replication.
func (r *rehearsal) tasks(ctx context.Context) ([]vcav.Task, error) {
	query := vcav.TaskQuery{ResourceID: r.replication.ID}
	return drkit.Collect(drkit.Filter(r.client.Tasks.List(ctx, query), func(task vcav.Task) bool {
		return task.WorkflowInfo.ResourceID == query.ResourceID
	}))
}

// atWork knows the end of a task also by its time: the list of states is open.
func atWork(task vcav.Task) bool { return !task.Ended() && task.EndTime.IsZero() }

// settled is a [drkit.Source] that ends when no task is at work on the replication, with what is then there.
type settled struct{ *rehearsal }

// ID returns the id of the replication.
func (s *settled) ID() string { return s.replication.ID }

// Look asks for the tasks first: what one of them changes at its end shows in the replication after that.
func (s *settled) Look(ctx context.Context) (look drkit.Look[vcav.VMReplication], err error) {
	tasks, err := s.tasks(ctx)
	if err != nil {
		return look, err
	}
	for _, task := range tasks {
		if atWork(task) {
			look.Progress = drkit.Progress{State: drkit.State(task.State), Percent: task.Progress}
			return look, nil
		}
	}
	look.Result, err = s.client.VMReplications.Get(ctx, s.replication.ID)
	look.Progress.State = drkit.State(recoveryState(look.Result))
	look.Done = recoveryState(look.Result) != vcav.RecoveryStateInProgress
	return look, err
}
