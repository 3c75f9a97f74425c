package taskwait

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/drkit-go/drkit"
)

const (
	requestsAtOnce = 4           // to one place
	aloneFor       = time.Minute // then several are asked for at once again
)

// look asks once for all tasks that are due.
func (r *run[T]) look(due []*watch[T]) {
	tasks := byTask(due)
	if len(tasks) == 1 || r.batch.asksAlone() {
		r.schedule(due, r.each(r.ctx, tasks))
		return
	}
	chunks := slices.Collect(slices.Chunk(tasks, r.batch.config.Polling.BatchSize))
	r.schedule(due, longest(r.ctx, chunks, r.many))
}

// longest asks for all parts, some at once, and returns the longest time that the service asks to be left
// alone.
func longest[P any](ctx context.Context, parts []P, ask func(context.Context, P) time.Duration) time.Duration {
	outcomes, _ := drkit.ForEach(ctx, parts, requestsAtOnce, func(ctx context.Context, part P) (time.Duration, error) {
		return ask(ctx, part), nil
	})
	var asked time.Duration
	for _, outcome := range outcomes {
		asked = max(asked, outcome.Result)
	}
	return asked
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

// many asks for a chunk with one request, and returns how long the service asks to be left alone.
func (r *run[T]) many(ctx context.Context, chunk [][]*watch[T]) time.Duration {
	items := make([]Item, len(chunk))
	for i, watches := range chunk {
		items[i] = watches[0].item
	}
	rows, err := r.batch.config.Many(ctx, items)
	switch {
	case ctx.Err() != nil:
		return 0
	case err != nil && answersNoneTogether(err):
		r.batch.askAlone(ctx, err)
		return r.each(ctx, chunk)
	case err != nil:
		var none T
		for _, watches := range chunk {
			r.deliver(watches, none, err)
		}
		return retryAfter(err)
	}
	return r.leftOut(ctx, r.shown(chunk, rows))
}

// shown delivers the tasks that an answer holds, and returns those that it leaves out.
func (r *run[T]) shown(chunk [][]*watch[T], rows []T) (missing [][]*watch[T]) {
	byID := make(map[string]T, len(rows))
	for _, row := range rows {
		byID[r.batch.config.ID(row)] = row
	}
	for _, watches := range chunk {
		if task, found := byID[watches[0].item.ID]; found {
			r.deliver(watches, task, nil)
		} else {
			missing = append(missing, watches)
		}
	}
	return missing
}

// leftOut looks at tasks that an answer for several has left out. New ones may not be visible yet; the others
// are asked for by themselves, because an answer may be short for reasons of its own.
func (r *run[T]) leftOut(ctx context.Context, missing [][]*watch[T]) time.Duration {
	var none T
	var overdue [][]*watch[T]
	for _, watches := range missing {
		if r.overdue(watches) {
			overdue = append(overdue, watches)
			continue
		}
		r.deliver(watches, none, fmt.Errorf("task %s is not visible yet: %w", watches[0].item.ID, drkit.ErrNotFound))
	}
	asked := r.each(ctx, overdue)
	for _, watches := range overdue {
		if _, err := r.batch.last(watches[0]); err == nil && ctx.Err() == nil {
			r.batch.askAlone(ctx, fmt.Errorf("task %s was left out of the answer for several, and is there", watches[0].item.ID))
			break
		}
	}
	return asked
}

// overdue reports whether a task ought to be visible.
func (r *run[T]) overdue(watches []*watch[T]) bool {
	r.batch.mu.Lock()
	defer r.batch.mu.Unlock()
	grace := r.batch.config.Polling.Grace
	return slices.ContainsFunc(watches, func(w *watch[T]) bool { return w.seen || time.Since(w.born) >= grace })
}

// each asks for every task by itself, and returns how long the service asks to be left alone.
func (r *run[T]) each(ctx context.Context, tasks [][]*watch[T]) time.Duration {
	return longest(ctx, tasks, func(ctx context.Context, watches []*watch[T]) time.Duration {
		task, err := r.batch.config.One(ctx, watches[0].item)
		if ctx.Err() == nil {
			r.deliver(watches, task, err)
		}
		return retryAfter(err)
	})
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
	var answer *drkit.Error
	return errors.As(err, &answer) && answer.Status != 0 && !errors.Is(err, drkit.ErrUnauthorized) &&
		!errors.Is(err, drkit.ErrThrottled) && !errors.Is(err, drkit.ErrUnavailable)
}

func retryAfter(err error) time.Duration {
	var answer *drkit.Error
	if errors.As(err, &answer) {
		return answer.RetryAfter
	}
	return 0
}
