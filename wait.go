package drkit

import (
	"context"
	"strings"
	"sync"
)

// WaitOption changes one wait.
type WaitOption func(*waitConfig)

type waitConfig struct{ onProgress func(Progress) }

// OnProgress calls report with what the looks show, one call at a time, from a goroutine of its own: a
// slow report delays neither the wait nor the looks, and misses what came while it was busy, but never
// the last Progress. The wait returns when the last report has; only the end of its context makes it
// return while a report is still running, or just being handed over; none begins after that.
func OnProgress(report func(Progress)) WaitOption {
	return func(c *waitConfig) { c.onProgress = report }
}

// reports hands progress over to a callback that may be slow.
type reports struct {
	callback func(Progress)
	wake     chan struct{}
	done     chan struct{}

	mu      sync.Mutex
	pending map[any]Progress // the newest by poller
	order   []any
	closed  bool
}

// startReports returns reports to callback; a nil callback costs nothing.
func startReports(callback func(Progress)) *reports {
	r := &reports{callback: callback}
	if callback != nil {
		r.wake, r.done = make(chan struct{}, 1), make(chan struct{})
		r.pending = map[any]Progress{}
		go r.run()
	}
	return r
}

func (r *reports) run() {
	defer close(r.done)
	for range r.wake {
		for {
			progress, ok := r.take()
			if !ok {
				break
			}
			r.callback(progress)
		}
		r.mu.Lock()
		closed := r.closed
		r.mu.Unlock()
		if closed {
			return
		}
	}
}

func (r *reports) take() (Progress, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.order) == 0 {
		return Progress{}, false
	}
	id := r.order[0]
	r.order = r.order[1:]
	progress := r.pending[id]
	delete(r.pending, id)
	return progress, true
}

func (r *reports) send(of any, progress Progress) {
	if r.callback == nil {
		return
	}
	r.mu.Lock()
	if _, waiting := r.pending[of]; !waiting {
		r.order = append(r.order, of)
	}
	r.pending[of] = progress
	r.mu.Unlock()
	r.signal()
}

// end delivers what is pending and waits for it, unless ctx has ended: then nothing more begins.
func (r *reports) end(ctx context.Context) {
	if r.callback == nil {
		return
	}
	r.mu.Lock()
	r.closed = true
	if ctx.Err() != nil {
		r.order = nil
	}
	r.mu.Unlock()
	r.signal()
	select {
	case <-r.done:
	case <-ctx.Done():
		r.mu.Lock()
		r.order = nil
		r.mu.Unlock()
	}
}

func (r *reports) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Outcome is how one of several waits ended.
type Outcome[T any] struct {
	ID     string // of the work, as in [Poller.ID]
	Result T      // what came of it, where Err is nil
	Err    error  // as [Poller.Wait] returns it
}

// WaitAll waits for all pollers at once and returns an outcome for each, in the order of the pollers.
// One that fails does not end the others; the end of ctx ends all. With [OnProgress] the reports of all
// come through the one callback, told apart by their ID.
//
// Errors: all that failed, joined; nil if none did.
func WaitAll[T any](ctx context.Context, pollers []*Poller[T], options ...WaitOption) ([]Outcome[T], error) {
	wait := waitConfig{}
	for _, o := range options {
		o(&wait)
	}
	reports := startReports(wait.onProgress)
	outcomes := make([]Outcome[T], len(pollers))
	var all sync.WaitGroup
	for i, p := range pollers {
		all.Go(func() {
			outcome := Outcome[T]{ID: p.ID()}
			if outcome.Err = p.wait(ctx, reports.send); outcome.Err == nil {
				outcome.Result, outcome.Err = p.Result()
			}
			outcomes[i] = outcome
		})
	}
	all.Wait()
	reports.end(ctx)
	var failed joined
	for _, o := range outcomes {
		if o.Err != nil {
			failed = append(failed, o.Err)
		}
	}
	if len(failed) == 0 {
		return outcomes, nil
	}
	return outcomes, failed
}

// joined is errors.Join on one line.
type joined []error

func (j joined) Error() string {
	lines := make([]string, len(j))
	for i, err := range j {
		lines[i] = oneLine(err.Error())
	}
	return strings.Join(lines, "; ")
}

func (j joined) Unwrap() []error { return j }
