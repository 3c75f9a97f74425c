package drkit

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ForEachOption changes one [ForEach].
type ForEachOption func(*forEachConfig)

type forEachConfig struct{ stopOnError bool }

// StopOnError makes the first failure the last word: no further item begins, the context of those under
// way ends with that failure as its cause, and [ForEach] returns it once they have returned.
func StopOnError() ForEachOption {
	return func(c *forEachConfig) { c.stopOnError = true }
}

// ForEach calls do for every item, in their order and at most limit at once, and returns an outcome for
// each, in the order of the items: what do returned, a result beside an error included. Its ID is empty.
// One item that fails does not end the others, unless [StopOnError] says so. Once ctx has ended no further
// item begins. ForEach returns when every call of do has returned, and leaves no goroutine behind; it uses
// limit of them, or one for each item where those are fewer. It may be called within do.
//
// The error of an item that was not begun says so and why: errors.Is finds how ctx ended or, with
// StopOnError, the failure, and then no [context.Canceled], since nobody has cancelled ctx. A panic in do
// is not recovered.
//
// Errors: all that failed, joined, with one for all that were not begun; with StopOnError the first failure
// in time, as do returned it; nil if none did. A limit below 1 or a nil do is refused before anything runs.
func ForEach[T, R any](ctx context.Context, items []T, limit int, do func(context.Context, T) (R, error), options ...ForEachOption) ([]Outcome[R], error) {
	switch {
	case do == nil:
		return nil, errors.New("drkit.ForEach: do is nil")
	case limit < 1:
		return nil, fmt.Errorf("drkit.ForEach: with a limit of %d nothing can run", limit)
	}
	fan := fanOut{caller: ctx, items: len(items)}
	for _, o := range options {
		o(&fan.config)
	}
	ctx, fan.stop = context.WithCancelCause(ctx)
	defer fan.stop(nil)

	outcomes := make([]Outcome[R], len(items))
	var workers sync.WaitGroup
	for range min(limit, len(items)) {
		workers.Go(func() {
			for {
				i, ok := fan.begin()
				if !ok {
					return
				}
				outcomes[i].Err = errNoReturn
				outcomes[i].Result, outcomes[i].Err = do(ctx, items[i])
				fan.end(outcomes[i].Err)
			}
		})
	}
	workers.Wait()
	return outcomes, conclude(&fan, outcomes)
}

// errNoReturn is what is left of a call whose goroutine was ended within it, as t.FailNow of a test does.
var errNoReturn = errors.New("the call did not return")

// fanOut is what the workers of one [ForEach] share.
type fanOut struct {
	config forEachConfig
	caller context.Context
	items  int
	stop   context.CancelCauseFunc // ends the context of the items

	mu    sync.Mutex
	begun int   // items, the first ones
	first error // to fail
	why   error // no further item begins
}

// begin returns the next item, unless there is none or it must not begin any more.
func (f *fanOut) begin() (i int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.why == nil && f.caller.Err() != nil {
		f.why = endOf(f.caller)
	}
	if f.why != nil || f.begun == f.items {
		return 0, false
	}
	f.begun++
	return f.begun - 1, true
}

// end takes note of what one item has come to.
func (f *fanOut) end(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err == nil || f.first != nil {
		return
	}
	f.first = err
	if f.config.stopOnError && f.why == nil && f.caller.Err() == nil {
		f.why = fmt.Errorf("another item failed: %w", err)
		f.stop(err)
	}
}

// conclude gives the items that were not begun their error, and returns that of the whole.
func conclude[R any](f *fanOut, outcomes []Outcome[R]) error {
	var failed joined
	for _, o := range outcomes[:f.begun] {
		if o.Err != nil {
			failed = append(failed, o.Err)
		}
	}
	if rest := outcomes[f.begun:]; len(rest) > 0 {
		if f.why == nil {
			f.why = errNoReturn // of every worker
		}
		why := joined{f.why} // on one line
		notBegun := fmt.Errorf("not begun: %w", why)
		for i := range rest {
			rest[i].Err = notBegun
		}
		failed = append(failed, fmt.Errorf("%d of %d not begun: %w", len(rest), len(outcomes), why))
	}
	switch {
	case len(failed) == 0:
		return nil
	case f.config.stopOnError && f.first != nil:
		return f.first
	default:
		return failed
	}
}
