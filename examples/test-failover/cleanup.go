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
	grace    = 30 * time.Second // for the task of a request to show whose answer was lost
)

// errUnclear is of a test whose answer was lost, and whose task cannot be told.
var errUnclear = errors.New("it is not clear whether ours has begun")

// cleanUp waits until the test has ended, well or badly, removes what it has made, and checks that it is gone.
func (r *rehearsal) cleanUp(ctx context.Context) error {
	_, err := r.test.Wait(ctx)
	ours := !errors.Is(err, errUnclear)
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

// remove cleans up once, and returns what to say if the test is still there after that.
func (r *rehearsal) remove(ctx context.Context) error {
	poller, err := r.client.VMReplications.CleanUpTestFailover(ctx, r.replication.ID)
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
		if !task.Ended() {
			look.Progress = drkit.Progress{State: drkit.State(task.State), Percent: task.Progress}
			return look, nil
		}
	}
	look.Result, err = s.client.VMReplications.Get(ctx, s.replication.ID)
	look.Progress.State = drkit.State(recoveryState(look.Result))
	look.Done = recoveryState(look.Result) != vcav.RecoveryStateInProgress
	return look, err
}

// lostTest is a [drkit.Source] that looks for the task of a test failover whose answer was lost, and follows
// it to its end. A client that finds such tasks by itself leaves it nothing to do.
type lostTest struct {
	*rehearsal
	since time.Time
	cause error
}

// ID returns the id of the replication, since that of the task is not known.
func (l *lostTest) ID() string { return l.replication.ID }

// Look picks the tests that this user has started since the tasks were noted. More than one are no proof.
func (l *lostTest) Look(ctx context.Context) (look drkit.Look[vcav.VMReplication], err error) {
	tasks, err := l.tasks(ctx)
	if err != nil {
		return look, err
	}
	var found []vcav.Task
	for _, task := range tasks {
		if task.WorkflowInfo.Type == "failoverTest" && task.User == l.user && !l.noted[task.ID] {
			found = append(found, task)
		}
	}
	switch {
	case len(found) == 1:
		look.Progress = drkit.Progress{State: drkit.State(found[0].State), Percent: found[0].Progress}
		if look.Done = found[0].Ended(); look.Done {
			look.Result, look.Err = vcav.ResultOf[vcav.VMReplication](found[0])
		}
	case len(found) > 1 || time.Since(l.since) >= grace:
		look.Done, look.Err = true, fmt.Errorf("%w: %d new task(s): %w", errUnclear, len(found), l.cause)
	}
	return look, nil
}
