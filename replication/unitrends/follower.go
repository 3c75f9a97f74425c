package unitrends

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

// follower looks at what a change has come to: at what was not there before.
type follower[T any] struct {
	change      *change[T]
	operationID string
	token       step.Token // that the work was resumed by; zero if it was not
	// alone makes sure that what was adopted is still all that may be of the operation; nil for what was not.
	alone func(context.Context) error

	mu     sync.Mutex
	looked bool            // with this poller
	before transport.State // nil where nothing was noted and nobody has looked
	last   string          // what the last look has shown
	seen   time.Time       // when something of it was there last
}

// ID names the work for people.
func (f *follower[T]) ID() string { return f.change.place() }

// Closed is closed with the client, which ends waits at once.
func (f *follower[T]) Closed() <-chan struct{} { return f.change.at.client.transport.Closed() }

// Adopted reports whether the answer was lost, and the work found.
func (f *follower[T]) Adopted() bool { return f.alone != nil }

// Look looks at the lists.
func (f *follower[T]) Look(ctx context.Context) (drkit.Look[T], error) {
	if err := f.change.at.client.identity.Check(ctx, f.token); err != nil {
		return drkit.Look[T]{}, err
	}
	if f.operationID != "" {
		ctx = drkit.WithOperationID(ctx, f.operationID)
	}
	first := f.first()
	look, ended, err := f.glance(ctx)
	if first && ended && !look.Done { // whoever has a new poller on each turn takes no other look with this one
		f.change.at.client.transport.BetweenLooks(ctx)
		look, _, err = f.glance(ctx)
	}
	if err != nil || !look.Done || f.alone == nil {
		return look, err
	}
	if err := f.alone(ctx); errors.Is(err, drkit.ErrConflict) {
		look.Err, look.Progress.State = err, drkit.StateFailed
	} else if err != nil {
		return drkit.Look[T]{}, err
	}
	return look, nil
}

// first reports whether nobody has looked with this poller before.
func (f *follower[T]) first() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := !f.looked
	f.looked = true
	return first
}

// glance looks once. What has ended is not done where that takes two looks.
func (f *follower[T]) glance(ctx context.Context) (look drkit.Look[T], ended bool, err error) {
	now, err := f.change.see(ctx)
	if err != nil {
		return drkit.Look[T]{}, false, err
	}
	return f.judge(now)
}

// judge says how far the work is.
func (f *follower[T]) judge(now sight[T]) (look drkit.Look[T], ended bool, err error) {
	fresh := f.fresh(now)
	look = drkit.Look[T]{Progress: drkit.Progress{ID: f.ID(), State: drkit.StateQueued}}
	if len(fresh) == 0 {
		if now.waits() || f.between() {
			return look, false, nil
		}
		return look, false, fmt.Errorf("nothing of it is to be seen: %w", drkit.ErrNotFound)
	}
	one, ambiguous := pick(fresh)
	look.Progress.State, look.Progress.Percent = one.state, one.percent
	if one.state == "" {
		look.Progress.State = drkit.StateRunning
	}
	if settled := f.settled(one.id + " " + string(one.state)); !one.ended || !settled {
		return look, one.ended, nil
	}
	look.Done, look.Result = true, one.thing
	look.Progress.State, look.Progress.Percent = drkit.StateSucceeded, 100
	switch {
	case one.failed != "":
		look.Err = f.failure(one)
	case ambiguous && !f.change.several:
		look.Err = f.failure(trace[T]{failed: "there are several that may be it", foreign: "unsure"})
	}
	if look.Err != nil {
		look.Progress.State = drkit.StateFailed
	}
	return look, true, nil
}

// fresh returns the traces of the operation that were not there before. Where nothing was noted, what the first
// look finds settled counts as before, unless it is what somebody else has done, which ends the wait.
func (f *follower[T]) fresh(now sight[T]) []trace[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.before == nil {
		f.before = transport.State{}
		for _, one := range now.traces {
			if one.ended && (one.failed == "" || one.foreign == "") {
				f.before[one.id] = asTrace
			}
		}
	}
	var fresh []trace[T]
	for _, one := range now.traces {
		was, old := f.before[one.id]
		if one.own() && (f.change.named || one.named || !old || was == asOpen && one.ended) {
			fresh = append(fresh, one)
		}
	}
	return fresh
}

// pick returns the trace that says most: one that has not settled, or else one that has settled badly.
func pick[T any](fresh []trace[T]) (one trace[T], ambiguous bool) {
	one = fresh[0]
	for _, other := range fresh[1:] {
		if one.ended && (!other.ended || one.failed == "") {
			one = other
		}
	}
	return one, len(fresh) > 1
}

// settled reports whether what a look has shown may count as the end.
func (f *follower[T]) settled(shown string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	same := f.last == shown
	f.last, f.seen = shown, time.Now()
	return same || !f.change.calm
}

// between reports whether what a look has shown nothing of may be between two lists, as a job that has just ended.
func (f *follower[T]) between() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = ""
	return !f.seen.IsZero() && time.Since(f.seen) < f.change.at.client.transport.Schedule().Grace
}

// failure is the error of work that has settled badly.
func (f *follower[T]) failure(one trace[T]) *drkit.TaskError {
	failed := &drkit.TaskError{
		Operation: service + "." + f.change.method, OperationID: f.operationID,
		ResourceID: string(f.change.subject.id), ResourceName: f.change.resource, Site: string(f.change.at.system),
		Code: string(one.state), Message: one.failed,
	}
	if one.foreign != "" {
		failed.Kind = drkit.ErrConflict
	}
	f.change.at.client.transport.ScrubTask(failed)
	return failed
}

// Token returns what another process needs to go on looking: also what was seen since the work was resumed.
func (f *follower[T]) Token(ctx context.Context) (step.Token, error) {
	f.mu.Lock()
	task := f.change.subject.task(f.before)
	f.mu.Unlock()
	if token := f.token; token != (step.Token{}) {
		token.Task = task
		return token, nil
	}
	return f.change.at.client.identity.Sign(ctx, step.Token{
		Site: string(f.change.at.system), Operation: f.change.method, OperationID: f.operationID, Task: task,
	})
}
