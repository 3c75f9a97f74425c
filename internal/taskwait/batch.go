package taskwait

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/settings"
)

const mostGather = 50 * time.Millisecond

// Item is one task that is looked at.
type Item struct {
	ID          string
	OperationID string // of the call that has started it
}

// Config is what a service tells a Batch.
type Config[T any] struct {
	// Many asks for several tasks at once. Tasks that it leaves out are not failures.
	Many func(ctx context.Context, items []Item) ([]T, error)
	// List says that Many reads a list of tasks that is not made for the purpose, such as that of recent ones: it is
	// asked for all tasks that are due together, whatever their number, and those that it leaves out are asked for
	// alone, which says nothing against the list.
	List bool
	// One asks for one task. ErrNotFound means that the service does not show it.
	One func(ctx context.Context, item Item) (T, error)
	// ID returns the id of a task that Many has returned.
	ID      func(task T) string
	Polling settings.Polling // with its defaults
	Logger  *slog.Logger
	Place   string // of the tasks, for the log
}

// Batch looks at the tasks of one place. It has goroutines while somebody watches, and none otherwise.
type Batch[T any] struct {
	config Config[T]

	mu    sync.Mutex
	run   *run[T]   // nil while nobody watches
	alone time.Time // until when each task is asked for by itself
	quiet time.Time // until when the service has asked to be left alone
}

// run is the time from the first watch to the moment when nobody watches any more.
type run[T any] struct {
	batch  *Batch[T]
	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{}
	slots  chan struct{} // holds a value for each request under way

	// Under the lock of the batch.
	watches  []*watch[T] // in the order in which they began, with some that have stopped
	watching int         // those that have not
	unsent   int         // tasks of a look that has begun, which wait for their request to be sent
	next     time.Time   // when the loop will see what is due
}

// watch is one wait. What follows changed is under the lock of the batch.
type watch[T any] struct {
	item    Item
	born    time.Time // of the work: the grace runs from here
	changed chan struct{}

	stopped  bool
	busy     bool          // being looked at
	seen     bool          // the service has shown the task
	interval time.Duration // between the last look and the next
	due      time.Time
	task     T
	err      error
}

// New returns a Batch that asks nothing before somebody watches.
func New[T any](config Config[T]) *Batch[T] { return &Batch[T]{config: config} }

// gather is how long a watch waits for others to be looked at with for the first time.
func (b *Batch[T]) gather() time.Duration { return min(b.config.Polling.MinInterval/20, mostGather) }

// Watch looks at a task from now on until stop. After each look changed gets a value, and last returns the
// task as it was seen, or why the look failed.
func (b *Batch[T]) Watch(item Item, born time.Time) (changed <-chan struct{}, last func() (T, error), stop func()) {
	w := &watch[T]{item: item, born: born, changed: make(chan struct{}, 1), due: time.Now().Add(b.gather())}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.run
	if r == nil {
		ctx, cancel := context.WithCancel(context.Background()) //nolint:gosec // stop calls it
		r = &run[T]{batch: b, ctx: ctx, cancel: cancel, wake: make(chan struct{}, 1), slots: make(chan struct{}, requestsAtOnce)}
		b.run = r
		go r.loop()
	}
	r.watches = append(r.watches, w)
	r.watching++
	r.expect(w)
	return w.changed, func() (T, error) { return b.last(w) }, func() { r.stop(w) }
}

func (b *Batch[T]) last(w *watch[T]) (T, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return w.task, w.err
}

// stop ends a watch, and with the last one the run, with what is under way for it.
func (r *run[T]) stop(w *watch[T]) {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	if w.stopped {
		return
	}
	w.stopped = true
	r.watching--
	if r.watching == 0 {
		r.batch.run = nil
		r.cancel()
	}
}

// loop looks at what is due until nobody watches. It begins a look when the requests of the one before have
// been sent, and does not wait for the answers: a request that gets none delays nobody but those who wait for it.
func (r *run[T]) loop() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		tasks, pause := r.due()
		if len(tasks) > 0 {
			go newLook(r).at(tasks)
		}
		timer.Reset(pause)
		select {
		case <-r.ctx.Done():
			return
		case <-timer.C:
		case <-r.wake:
		}
	}
}

// due returns the tasks to look at now, each with its watches, and how long nothing else is due. These are the
// watches whose time has come and, where there are any, those whose time comes within a quarter of their
// interval.
func (r *run[T]) due() (tasks [][]*watch[T], pause time.Duration) {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	r.watches = slices.DeleteFunc(r.watches, func(w *watch[T]) bool { return w.stopped })
	now := time.Now()
	isDue := func(w *watch[T]) bool { return !w.busy && !w.due.After(now) }
	if r.unsent == 0 && !now.Before(r.batch.quiet) && slices.ContainsFunc(r.watches, isDue) {
		var due []*watch[T]
		for _, w := range r.watches {
			if !w.busy && !w.due.After(now.Add(max(w.interval/4, r.batch.gather()))) {
				w.busy = true
				due = append(due, w)
			}
		}
		tasks = byTask(due)
		r.unsent = len(tasks)
	}
	r.next = now.Add(r.batch.config.Polling.MaxInterval)
	for _, w := range r.watches {
		if !w.busy && r.unsent == 0 {
			r.next = earlier(r.next, w.due)
		}
	}
	r.next = later(r.next, r.batch.quiet)
	return tasks, r.next.Sub(now)
}

// byTask groups watches of the same task.
func byTask[T any](watches []*watch[T]) [][]*watch[T] {
	var tasks [][]*watch[T]
	places := map[string]int{}
	for _, w := range watches {
		place, known := places[w.item.ID]
		if !known {
			place = len(tasks)
			places[w.item.ID] = place
			tasks = append(tasks, nil)
		}
		tasks[place] = append(tasks[place], w)
	}
	return tasks
}

// expect makes the loop see a watch when it is due. The caller holds the lock.
func (r *run[T]) expect(w *watch[T]) {
	if r.unsent == 0 && later(w.due, r.batch.quiet).Before(r.next) {
		r.signal()
	}
}

// send counts tasks whose requests are to be sent. A negative number takes off those that have been.
func (r *run[T]) send(tasks int) {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	r.unsent += tasks
	if r.unsent == 0 {
		r.signal()
	}
}

func (r *run[T]) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
