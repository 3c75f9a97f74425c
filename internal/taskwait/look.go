package taskwait

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drkit-go/drkit"
)

const (
	requestsAtOnce = 4           // to one place
	aloneFor       = time.Minute // then several are asked for at once again
)

// look asks once for all tasks that are due at one moment.
type look[T any] struct {
	run   *run[T]
	began time.Time
	early float64 // part by which the next interval is shortened, for all alike: they stay in step
}

func newLook[T any](r *run[T]) *look[T] {
	return &look[T]{run: r, began: time.Now(), early: rand.Float64() / 10} //nolint:gosec // spreads load, guards nothing
}

// at asks for tasks, in chunks.
func (l *look[T]) at(tasks [][]*watch[T]) {
	size := l.run.batch.config.Polling.BatchSize
	if l.run.batch.config.List {
		size = len(tasks)
	}
	chunks := slices.Collect(slices.Chunk(tasks, size))
	_, _ = drkit.ForEach(l.run.ctx, chunks, requestsAtOnce, func(ctx context.Context, chunk [][]*watch[T]) (none struct{}, _ error) {
		l.many(ctx, chunk)
		return none, nil
	})
}

// many asks for a chunk with one request.
func (l *look[T]) many(ctx context.Context, chunk [][]*watch[T]) {
	batch := l.run.batch
	if len(chunk) == 1 || batch.asksAlone() {
		l.each(ctx, chunk)
		return
	}
	items := make([]Item, len(chunk))
	for i, watches := range chunk {
		items[i] = watches[0].item
	}
	var rows []T
	var err error
	if !l.ask(ctx, len(chunk), func() { rows, err = batch.config.Many(ctx, items) }) {
		l.postpone(chunk)
		return
	}
	switch {
	case ctx.Err() != nil:
	case err != nil && answersNoneTogether(err):
		batch.askAlone(ctx, err)
		l.run.send(len(chunk))
		l.each(ctx, chunk)
	case err != nil:
		var none T
		for _, watches := range chunk {
			l.deliver(watches, none, err)
		}
	default:
		l.leftOut(ctx, l.shown(chunk, rows))
	}
}

// ask sends a request for so many tasks when its turn has come, unless the run has ended or the service has
// asked to be left alone.
func (l *look[T]) ask(ctx context.Context, tasks int, request func()) bool {
	select {
	case l.run.slots <- struct{}{}:
		defer func() { <-l.run.slots }()
	case <-ctx.Done():
		return false
	}
	l.run.send(-tasks)
	if ctx.Err() != nil || l.run.batch.isQuiet() {
		return false
	}
	request()
	return true
}

// shown delivers the tasks that an answer holds, and returns those that it leaves out.
func (l *look[T]) shown(chunk [][]*watch[T], rows []T) (missing [][]*watch[T]) {
	byID := make(map[string]T, len(rows))
	for _, row := range rows {
		byID[l.run.batch.config.ID(row)] = row
	}
	for _, watches := range chunk {
		if task, found := byID[watches[0].item.ID]; found {
			l.deliver(watches, task, nil)
		} else {
			missing = append(missing, watches)
		}
	}
	return missing
}

// leftOut looks at tasks that an answer for several has left out. New ones may not be visible yet; the others
// are asked for by themselves, because an answer may be short for reasons of its own.
func (l *look[T]) leftOut(ctx context.Context, missing [][]*watch[T]) {
	if l.run.batch.config.List {
		l.run.send(len(missing))
		l.each(ctx, missing)
		return
	}
	var none T
	var overdue [][]*watch[T]
	for _, watches := range missing {
		if l.overdue(watches) {
			overdue = append(overdue, watches)
			continue
		}
		l.deliver(watches, none, fmt.Errorf("task %q is not visible yet: %w", watches[0].item.ID, drkit.ErrNotFound))
	}
	l.run.send(len(overdue))
	if there := l.each(ctx, overdue); len(there) > 0 {
		l.run.batch.askAlone(ctx, fmt.Errorf("%d of %d tasks that the answer for several has left out are there, among them %q",
			len(there), len(missing), there[0].ID))
	}
}

// overdue reports whether a task ought to be visible.
func (l *look[T]) overdue(watches []*watch[T]) bool {
	batch := l.run.batch
	batch.mu.Lock()
	defer batch.mu.Unlock()
	return slices.ContainsFunc(watches, func(w *watch[T]) bool {
		return w.seen || time.Since(w.born) >= batch.config.Polling.Grace
	})
}

// each asks for every task by itself, and returns those that are there.
func (l *look[T]) each(ctx context.Context, tasks [][]*watch[T]) (there []Item) {
	outcomes, _ := drkit.ForEach(ctx, tasks, requestsAtOnce, func(ctx context.Context, watches []*watch[T]) (found bool, _ error) {
		return l.one(ctx, watches), nil
	})
	for i, outcome := range outcomes {
		if outcome.Result {
			there = append(there, tasks[i][0].item)
		}
	}
	return there
}

// one asks for a task, and reports whether it is there.
func (l *look[T]) one(ctx context.Context, watches []*watch[T]) (found bool) {
	var task T
	var err error
	if !l.ask(ctx, 1, func() { task, err = l.run.batch.config.One(ctx, watches[0].item) }) {
		l.postpone([][]*watch[T]{watches})
		return false
	}
	if ctx.Err() != nil {
		return false
	}
	l.deliver(watches, task, err)
	return err == nil
}

// deliver hands what a request has shown to those who watch for it, and sets when they are due again. What
// the service has asked for with Retry-After holds within the cap, for whoever watches at this place.
func (l *look[T]) deliver(watches []*watch[T], task T, err error) {
	batch, polling := l.run.batch, l.run.batch.config.Polling
	batch.mu.Lock()
	defer batch.mu.Unlock()
	now := time.Now()
	if asked := retryAfter(err); asked > 0 {
		batch.quiet = later(batch.quiet, now.Add(min(asked, polling.MaxInterval)))
	}
	for _, w := range watches {
		w.task, w.err, w.busy = task, err, false
		w.seen = w.seen || err == nil
		w.interval = min(max(w.interval+w.interval/2, polling.MinInterval), polling.MaxInterval)
		w.due = l.began.Add(w.interval - time.Duration(l.early*float64(w.interval)))
		w.due = later(w.due, now.Add(w.interval/2)) // a service that is slow gets a rest, too
		l.run.expect(w)
		select {
		case w.changed <- struct{}{}:
		default:
		}
	}
}

// postpone leaves watches as they were: they are still due.
func (l *look[T]) postpone(tasks [][]*watch[T]) {
	l.run.batch.mu.Lock()
	defer l.run.batch.mu.Unlock()
	for _, watches := range tasks {
		for _, w := range watches {
			w.busy = false
			l.run.expect(w)
		}
	}
}

func (b *Batch[T]) isQuiet() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Before(b.quiet)
}

func (b *Batch[T]) asksAlone() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Before(b.alone)
}

// askAlone makes the batch ask for each task by itself for a while.
func (b *Batch[T]) askAlone(ctx context.Context, why error) {
	b.mu.Lock()
	already := time.Now().Before(b.alone)
	b.alone = time.Now().Add(aloneFor)
	b.mu.Unlock()
	if !already {
		b.config.Logger.LogAttrs(ctx, slog.LevelWarn, "asking for each task by itself",
			slog.String("site", b.config.Place), slog.Duration("for", aloneFor), slog.String("error", why.Error()))
	}
}

// answersNoneTogether reports whether the service was reached, and asking for several tasks at once is what
// it could not do, as far as anybody can tell: asking for each says more.
func answersNoneTogether(err error) bool {
	answer, ok := err.(*drkit.Error) //nolint:errorlint // wrapped, it is the answer to something before, such as a sign-in
	const notFound = 404             // also of a proxy that lets the table of tasks alone not pass
	return ok && (answer.Status == notFound || answer.Status != 0 && !errors.Is(err, drkit.ErrUnauthorized) &&
		!errors.Is(err, drkit.ErrThrottled) && !errors.Is(err, drkit.ErrUnavailable))
}

func retryAfter(err error) time.Duration {
	var answer *drkit.Error
	if errors.As(err, &answer) {
		return answer.RetryAfter
	}
	return 0
}
