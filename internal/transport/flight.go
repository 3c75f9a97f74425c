package transport

import (
	"context"
	"sync"
	"time"
)

// flights run a function once for all who ask for it at the same time. It runs on a context of its own,
// so that none of them can end it for the others; when the last has given up, it is ended.
type flights struct {
	life    context.Context
	timeout time.Duration

	mu      sync.Mutex
	running map[string]*flight
}

// flight is one run under way and those who wait for it.
type flight struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // set before done is closed
}

// do runs fn, or joins the run of the same key that is under way, and returns how it ended.
func (f *flights) do(ctx context.Context, key string, fn func(context.Context) error) error {
	run := f.join(key, fn) //nolint:contextcheck // the run must not end with the caller who happens to begin it
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		f.leave(key, run)
		return endOf(ctx)
	}
}

func (f *flights) join(key string, fn func(context.Context) error) *flight {
	f.mu.Lock()
	defer f.mu.Unlock()
	run := f.running[key]
	if run == nil {
		ctx, cancel := context.WithTimeout(f.life, f.timeout)
		run = &flight{cancel: cancel, done: make(chan struct{})}
		if f.running == nil {
			f.running = map[string]*flight{}
		}
		f.running[key] = run
		go f.run(ctx, key, run, fn)
	}
	run.waiting++
	return run
}

func (f *flights) run(ctx context.Context, key string, run *flight, fn func(context.Context) error) {
	defer run.cancel()
	err := fn(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(key, run)
	run.err = err
	close(run.done)
}

// leave gives up waiting. A run that nobody waits for is ended, so that no goroutine is left behind.
func (f *flights) leave(key string, run *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	run.waiting--
	if run.waiting == 0 {
		run.cancel()
		f.forget(key, run)
	}
}

// forget lets the next who asks begin anew. The caller holds the lock.
func (f *flights) forget(key string, run *flight) {
	if f.running[key] == run {
		delete(f.running, key)
	}
}
