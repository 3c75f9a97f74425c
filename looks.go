package drkit

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/drkit-go/drkit/internal/watch"
)

// looks are those of one wait.
type looks interface {
	// next takes the next look.
	next(ctx context.Context) (Progress, error)
	// pause waits until it is time for another, err being how the last one ended. It returns why it was cut
	// short, but nil where another goroutine has seen the end.
	pause(ctx context.Context, err error) error
	// stop ends what the looks need. None is taken after it.
	stop()
}

// begin returns the looks of one wait: shared with other waits where the source can do that.
func (p *Poller[T]) begin() looks {
	var closed <-chan struct{}
	if closing, ok := p.source.(interface{ Closed() <-chan struct{} }); ok {
		closed = closing.Closed()
	}
	if shared, ok := p.source.(interface {
		Watch(born time.Time) watch.Watch[Look[T]]
	}); ok {
		return &sharedLooks[T]{poller: p, watch: shared.Watch(p.born), closed: closed}
	}
	return &ownLooks[T]{poller: p, closed: closed, interval: p.polling.MinInterval}
}

// sharedLooks are taken by somebody else, for many waits at once.
type sharedLooks[T any] struct {
	poller *Poller[T]
	watch  watch.Watch[Look[T]]
	closed <-chan struct{}
}

func (l *sharedLooks[T]) next(ctx context.Context) (Progress, error) {
	look := l.poller.newLook()
	select {
	case <-l.watch.Changed:
	case <-l.poller.ended:
		return l.poller.Progress(), nil
	case <-l.closed:
		return l.poller.Progress(), ErrClosed
	case <-ctx.Done():
		return l.poller.Progress(), endOf(ctx)
	}
	seen, err := l.watch.Last(ctx)
	if err == nil {
		err = l.poller.kept(ctx, seen)
	}
	if err != nil {
		return l.poller.Progress(), err
	}
	return l.poller.saw(look, seen), nil
}

func (l *sharedLooks[T]) pause(context.Context, error) error { return nil }

func (l *sharedLooks[T]) stop() { l.watch.Stop() }

// ownLooks are taken for one wait alone, at growing intervals.
type ownLooks[T any] struct {
	poller   *Poller[T]
	closed   <-chan struct{}
	interval time.Duration
}

func (l *ownLooks[T]) next(ctx context.Context) (Progress, error) { return l.poller.Poll(ctx) }

func (l *ownLooks[T]) pause(ctx context.Context, err error) error {
	timer := time.NewTimer(l.rest(err))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-l.poller.ended:
		return nil
	case <-l.closed:
		return ErrClosed
	case <-ctx.Done():
		return endOf(ctx)
	}
}

// rest returns the next interval, or what the service asked for if that is longer but within the cap.
func (l *ownLooks[T]) rest(err error) time.Duration {
	d, limit := l.interval, l.poller.polling.MaxInterval
	l.interval = min(d+d/2, limit)
	d -= time.Duration(rand.Int64N(int64(d)/10 + 1)) //nolint:gosec // spreads load, guards nothing
	var answer *Error
	if errors.As(err, &answer) && answer.RetryAfter > d {
		d = min(answer.RetryAfter, limit)
	}
	return d
}

func (l *ownLooks[T]) stop() {}
