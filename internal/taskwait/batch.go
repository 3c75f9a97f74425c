package taskwait

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/settings"
)

// Item is one task that is looked at.
type Item struct {
	ID          string
	OperationID string // of the call that has started it
}

// Config is what a service tells a Batch.
type Config[T any] struct {
	// Many asks for several tasks at once. Tasks that it leaves out are not failures.
	Many func(ctx context.Context, items []Item) ([]T, error)
	// One asks for one task. ErrNotFound means that the service does not show it.
	One func(ctx context.Context, item Item) (T, error)
	// ID returns the id of a task that Many has returned.
	ID      func(task T) string
	Polling settings.Polling // with its defaults
	Logger  *slog.Logger
	Place   string // of the tasks, for the log
}

// Batch looks at the tasks of one place. It has a goroutine while somebody watches, and none otherwise.
type Batch[T any] struct {
	config Config[T]

	mu    sync.Mutex
	run   *run[T]   // nil while nobody watches
	alone time.Time // until when each task is asked for by itself
}

// run is the time from the first watch to the moment when nobody watches any more.
type run[T any] struct {
	batch   *Batch[T]
	ctx     context.Context
	cancel  context.CancelFunc
	wake    chan struct{}
	watches []*watch[T] // under the lock of the batch
}

// watch is one wait. What follows changed is under the lock of the batch.
type watch[T any] struct {
	item    Item
	born    time.Time // of the work: the grace runs from here
	changed chan struct{}

	seen     bool          // the service has shown the task
	interval time.Duration // between the last look and the next
	due      time.Time
	task     T
	err      error
}

// New returns a Batch that asks nothing before somebody watches.
func New[T any](config Config[T]) *Batch[T] { return &Batch[T]{config: config} }

// Watch looks at a task from now on until stop. After each look changed gets a value, and last returns the
// task as it was seen, or why the look failed.
func (b *Batch[T]) Watch(item Item, born time.Time) (changed <-chan struct{}, last func() (T, error), stop func()) {
	w := &watch[T]{item: item, born: born, changed: make(chan struct{}, 1), due: time.Now()}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.run
	if r == nil {
		r = &run[T]{batch: b, wake: make(chan struct{}, 1)}
		r.ctx, r.cancel = context.WithCancel(context.Background())
		b.run = r
		go r.loop()
	}
	r.watches = append(r.watches, w)
	select {
	case r.wake <- struct{}{}:
	default:
	}
	return w.changed, func() (T, error) { return b.last(w) }, func() { r.drop(w) }
}

func (b *Batch[T]) last(w *watch[T]) (T, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return w.task, w.err
}

// drop ends a watch, and with the last one the run, with what is under way for it.
func (r *run[T]) drop(w *watch[T]) {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	r.watches = slices.DeleteFunc(r.watches, func(one *watch[T]) bool { return one == w })
	if len(r.watches) == 0 && r.batch.run == r {
		r.batch.run = nil
		r.cancel()
	}
}

// loop looks at what is due until nobody watches.
func (r *run[T]) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-timer.C:
		case <-r.wake:
		}
		if due := r.due(); len(due) > 0 {
			r.look(due)
		}
		timer.Reset(r.next())
	}
}

// due returns the watches to look at now: those whose time has come and, where there are any, those whose
// time comes within a quarter of their interval.
func (r *run[T]) due() []*watch[T] {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	now := time.Now()
	if !slices.ContainsFunc(r.watches, func(w *watch[T]) bool { return !w.due.After(now) }) {
		return nil
	}
	var due []*watch[T]
	for _, w := range r.watches {
		if !w.due.After(now.Add(w.interval / 4)) {
			due = append(due, w)
		}
	}
	return due
}

// next returns how long nothing is due.
func (r *run[T]) next() time.Duration {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	pause, now := r.batch.config.Polling.MaxInterval, time.Now()
	for _, w := range r.watches {
		pause = min(pause, w.due.Sub(now))
	}
	return max(pause, 0)
}

// deliver hands what one look has shown to those who watch for it.
func (r *run[T]) deliver(watches []*watch[T], task T, err error) {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	for _, w := range watches {
		w.task, w.err = task, err
		w.seen = w.seen || err == nil
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
}

// schedule sets when the watches of one look are due again. All get the same jitter, so that they stay in
// step. What the service has asked for with Retry-After holds within the cap.
func (r *run[T]) schedule(watches []*watch[T], asked time.Duration) {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	polling := r.batch.config.Polling
	now, early := time.Now(), rand.Float64()/10 //nolint:gosec // spreads load, guards nothing
	for _, w := range watches {
		w.interval = min(max(w.interval+w.interval/2, polling.MinInterval), polling.MaxInterval)
		pause := w.interval - time.Duration(early*float64(w.interval))
		w.due = now.Add(max(pause, min(asked, polling.MaxInterval)))
	}
}
