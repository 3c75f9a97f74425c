package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// What a rehearsal can come to.
const (
	passed      = "passed"
	failed      = "failed"
	skipped     = "skipped"
	interrupted = "interrupted" // after it had begun
	notBegun    = "not begun"
)

// rehearsal is the test failover of one machine and its clean-up.
type rehearsal struct {
	*job
	replication vcav.VMReplication // as last seen before the test
	at          time.Time          // when that was

	result string
	reason string // of a result other than passed
	took   time.Duration

	test    *drkit.Poller[vcav.VMReplication] // nil unless it has begun for sure
	machine string                            // id of the test machine, once it is known
	left    bool                              // whether a test of ours may be there
}

// run rehearses one machine. It brings to an end what it has begun when ctx ends, but not when last does.
func (r *rehearsal) run(ctx, last context.Context) error {
	began := time.Now()
	err := r.prepare(ctx)
	if err == nil && r.reason == "" {
		err = r.begin(ctx, last)
	}
	switch {
	case err != nil && !r.left && ctx.Err() != nil:
		return r.end(notBegun, err)
	case err != nil && !r.left:
		return r.end(failed, err)
	case r.reason != "":
		return r.end(skipped, nil)
	case err == nil:
		err = r.check(ctx)
	}
	own, cancel := r.limited(last)
	defer cancel()
	remains := r.cleanUp(own)
	r.took = time.Since(began)
	switch {
	case err == nil && remains == nil:
		return r.end(passed, nil)
	case remains == nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return r.end(interrupted, err)
	default:
		return r.end(failed, both(err, remains))
	}
}

// limited returns a context for the clean-up of the test.
func (r *rehearsal) limited(last context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(last, r.limit, fmt.Errorf("not cleaned up within %s", r.limit))
}

// end takes note of the result, and says in the error which machine it is about and what is left of it.
func (r *rehearsal) end(result string, err error) error {
	r.result = result
	if r.left {
		err = fmt.Errorf("left behind: %s: %w", r.remains(), err)
	}
	if err != nil {
		r.reason = err.Error()
		err = fmt.Errorf("%s: %w", r.replication.VMName, err)
	}
	r.tell("%s", strings.TrimSuffix(result+": "+r.reason, ": "))
	return err
}

// prepare looks at the replication and its tasks, and says why it cannot be rehearsed if so.
func (r *rehearsal) prepare(ctx context.Context) error {
	tasks, err := r.tasks(ctx)
	if err != nil {
		return err
	}
	now, err := r.client.VMReplications.Get(ctx, r.replication.ID)
	if err != nil {
		return err
	}
	r.replication, r.at = now, time.Now()
	for _, task := range tasks {
		if atWork(task) {
			r.reason = fmt.Sprintf("busy with the %s of %s", task.WorkflowInfo.Type, task.User)
			return nil
		}
	}
	r.reason = unfit(r.replication)
	return ctx.Err()
}

// unfit says why a machine cannot be rehearsed, or nothing if it can. One that is paused can: the test needs
// its latest instance only.
func unfit(replication vcav.VMReplication) string {
	switch state := recoveryState(replication); {
	case state == vcav.RecoveryStateTest:
		return "in test already, which is left alone"
	case state == vcav.RecoveryStateComplete:
		return "failed over already"
	case state != vcav.RecoveryStateNotStarted:
		return "its recovery is " + string(state)
	case replication.DestinationState.LatestInstance == nil:
		return "no instance to recover yet"
	default:
		return ""
	}
}

// begin starts the test failover. An interrupt cuts off the request, and also the client's own look for the task
// where the answer was lost; whether a test has begun must be found out all the same.
func (r *rehearsal) begin(ctx, last context.Context) error {
	var request vcav.FailoverTestRequest = vcav.CloudFailoverTest{PowerOn: r.powerOn}
	if r.replication.Destination.Org == "" { // on premises
		request = vcav.VCenterFailoverTest{PowerOn: r.powerOn}
	}
	test, err := r.client.VMReplications.TestFailover(ctx, r.replication.ID, request)
	if errors.Is(err, drkit.ErrOutcomeUnknown) {
		r.tell("%v", err)
		r.left = true
		own, cancel := r.limited(last)
		defer cancel()
		test, err = drkit.Recover[vcav.VMReplication](own, err)
	}
	if err != nil {
		return err
	}
	r.test, r.left = test, true
	r.tell("test failover: task %s", test.ID())
	return nil
}

// check waits for the test and looks at what it has made.
func (r *rehearsal) check(ctx context.Context) error {
	if _, err := r.test.Wait(ctx); err != nil {
		return err
	}
	now, err := r.client.VMReplications.Get(ctx, r.replication.ID)
	if err != nil {
		return err
	}
	r.machine = machineOf(now)
	if state := recoveryState(now); state != vcav.RecoveryStateTest || r.machine == "" {
		return fmt.Errorf("the test failover has succeeded, but the recovery is %s with machine %q", state, r.machine)
	}
	r.tell("in test as VM %s", r.machine)
	return nil
}

func (r *rehearsal) tell(format string, args ...any) {
	fmt.Fprintln(r.out, oneLine(r.replication.VMName+": "+fmt.Sprintf(format, args...)))
}

// both joins two errors on one line.
func both(first, second error) error {
	if first == nil || second == nil {
		return errors.Join(first, second)
	}
	return fmt.Errorf("%w; then: %w", first, second)
}

func recoveryState(replication vcav.VMReplication) vcav.RecoveryState {
	if info := replication.DestinationState.RecoveryInfo; info != nil {
		return info.RecoveryState
	}
	return vcav.RecoveryStateNotStarted
}

// machineOf returns the id of what was recovered, in Cloud Director or in vCenter Server; empty: nothing.
func machineOf(replication vcav.VMReplication) string {
	info := replication.DestinationState.RecoveryInfo
	switch {
	case info == nil:
		return ""
	case info.VCDVMID != "":
		return info.VCDVMID
	default:
		return info.VMID
	}
}
