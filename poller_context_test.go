package drkit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

var errShutdown = errors.New("the controller shuts down")

// ends are the ways in which a context can end after d, and what errors.Is must then find.
func ends() map[string]struct {
	ctx  func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
	want []error
} {
	return map[string]struct {
		ctx  func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
		want []error
	}{
		"cancelled": {
			func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(d, cancel)
				return ctx, cancel
			},
			[]error{context.Canceled},
		},
		"cancelled for a reason": {
			func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(d, func() { cancel(errShutdown) })
				return ctx, func() { cancel(nil) }
			},
			[]error{context.Canceled, errShutdown},
		},
		"deadline": {
			func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
				return context.WithTimeout(ctx, d)
			},
			[]error{context.DeadlineExceeded},
		},
		"deadline with a reason": {
			func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
				return context.WithTimeoutCause(ctx, d, errShutdown)
			},
			[]error{context.DeadlineExceeded, errShutdown},
		},
	}
}

func TestContextEndsWait(t *testing.T) {
	t.Parallel()
	// hanging looks until its context ends, and then says so in one of the ways in which sources do.
	hanging := func(end func(error) error) func() *source {
		return func() *source {
			return &source{id: "task-1", look: func(ctx context.Context, n int) (drkit.Look[string], error) {
				if n == 1 {
					return running(30)()
				}
				<-ctx.Done()
				return drkit.Look[string]{}, end(ctx.Err())
			}}
		}
	}
	for when, tc := range map[string]struct {
		source func() *source
		after  time.Duration
		looks  int
		state  string
	}{
		"before the first look": {func() *source { return play("task-1", running(30)) }, 0, 0, "not looked at yet"},
		"in a pause":            {func() *source { return play("task-1", running(30)) }, 500 * time.Millisecond, 1, "RUNNING"},
		"in a look": {
			hanging(func(err error) error { return err }), time.Minute, 2, "RUNNING",
		},
		"in a look that tells it as its own error": {
			hanging(func(err error) error { return &drkit.Error{Err: err, Kind: drkit.ErrUnavailable} }), time.Minute, 2, "RUNNING",
		},
		"in a look that tells something else": {
			hanging(func(error) error { return drkit.ErrForbidden }), time.Minute, 2, "RUNNING",
		},
		"in a pause between looks that fail": {
			func() *source { return play("task-1", unseen(drkit.ErrThrottled)) }, 500 * time.Millisecond, 1, "not looked at yet",
		},
	} {
		for how, end := range ends() {
			t.Run(when+"/"+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					source := tc.source()
					poller := drkit.NewPoller(source, patience)
					ctx, cancel := end.ctx(t.Context(), tc.after)
					defer cancel()
					synctest.Wait()
					start := time.Now()
					result, err := poller.Wait(ctx)
					assert.Equal(t, tc.after, time.Since(start), "at once")
					assert.Empty(t, result)
					for _, want := range end.want {
						require.ErrorIs(t, err, want)
					}
					require.ErrorContains(t, err, "task-1")
					require.ErrorContains(t, err, tc.state, "how far it had come")
					assert.Equal(t, tc.looks, source.looks())
					assert.False(t, poller.Done())
				})
			})
		}
	}
}

func TestContextEndsWaitButNotTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poller := drkit.NewPoller(during(time.Hour, running(30), succeeded("vm")), patience)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := poller.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "vm", result)
	})
}

// A look that ends well counts, also where the context ended while it was under way.
func TestEndSeenAsTheContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		source := &source{id: "task-1", look: func(context.Context, int) (drkit.Look[string], error) {
			cancel()
			return succeeded("vm")()
		}}
		result, err := drkit.NewPoller(source, patience).Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, "vm", result)
	})
}

func TestPollHandsTheContextOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errShutdown)
	source := &source{id: "task-1", look: func(ctx context.Context, _ int) (drkit.Look[string], error) {
		return drkit.Look[string]{}, context.Cause(ctx)
	}}
	_, err := drkit.NewPoller(source).Poll(ctx)
	require.ErrorIs(t, err, errShutdown)
}

// closable is a source whose client can be closed.
type closable struct {
	*source
	closed chan struct{}
}

func (c closable) Closed() <-chan struct{} { return c.closed }

func TestClosedClientEndsWaits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after  time.Duration
		sights []sight
		looks  int
	}{
		"in a pause":                          {500 * time.Millisecond, []sight{running(30)}, 1},
		"in a long pause":                     {time.Hour + 500*time.Millisecond, []sight{running(30)}, 0},
		"in a pause between looks that fail":  {500 * time.Millisecond, []sight{unseen(drkit.ErrThrottled)}, 1},
		"before the wait":                     {0, []sight{running(30)}, 1},
		"before the wait, and the look knows": {0, []sight{unseen(drkit.ErrClosed)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := closable{play("task-1", tc.sights...), make(chan struct{})}
				poller := drkit.NewPoller(source, patience)
				time.AfterFunc(tc.after, func() { close(source.closed) })
				synctest.Wait()
				start := time.Now()
				_, err := drkit.WaitAll(t.Context(), []*drkit.Poller[string]{poller, poller})
				require.ErrorIs(t, err, drkit.ErrClosed)
				_, err = poller.Wait(t.Context())
				require.ErrorIs(t, err, drkit.ErrClosed)
				require.ErrorContains(t, err, "task-1")
				assert.Equal(t, tc.after, time.Since(start), "at once")
				if tc.looks > 0 {
					assert.Equal(t, 3*tc.looks, source.looks(), "of three waits")
				}
				assert.False(t, poller.Done())
			})
		})
	}
}

func TestClosedClientTakesNoResultAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, closed := range []chan struct{}{nil, make(chan struct{})} {
			poller := drkit.NewPoller(closable{play("task-1", running(30), succeeded("vm")), closed}, patience)
			for range 2 {
				result, err := poller.Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, "vm", result)
				if closed != nil {
					close(closed)
					closed = nil
				}
			}
		}
	})
}
