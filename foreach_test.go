package drkit_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

var errFull = errors.New("the datastore\nis full")

// upTo returns the numbers below n.
func upTo(n int) []int {
	items := make([]int, n)
	for i := range items {
		items[i] = i
	}
	return items
}

// crowd counts how many are inside at once.
type crowd struct{ now, most, all atomic.Int64 }

func (c *crowd) enter() {
	c.all.Add(1)
	for now := c.now.Add(1); ; {
		most := c.most.Load()
		if now <= most || c.most.CompareAndSwap(most, now) {
			return
		}
	}
}

func (c *crowd) leave() { c.now.Add(-1) }

// pass returns once d has passed, or with the context's error.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestForEachKeepsOrderAndLimit(t *testing.T) {
	t.Parallel()
	for limit, minutes := range map[int]int{1: 10, 3: 4, 10: 1, 1 << 40: 1} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var inside crowd
				start := time.Now()
				outcomes, err := drkit.ForEach(t.Context(), upTo(10), limit, func(ctx context.Context, n int) (string, error) {
					inside.enter()
					defer inside.leave()
					return fmt.Sprint("vm-", n), pass(ctx, time.Minute)
				})
				require.NoError(t, err)
				require.Len(t, outcomes, 10)
				for i, outcome := range outcomes {
					assert.Equal(t, drkit.Outcome[string]{Result: fmt.Sprint("vm-", i)}, outcome)
				}
				assert.Equal(t, time.Duration(minutes)*time.Minute, time.Since(start))
				assert.EqualValues(t, min(limit, 10), inside.most.Load())
			})
		})
	}
}

func TestForEachBeginsInOrder(t *testing.T) {
	t.Parallel()
	var seen []int
	_, err := drkit.ForEach(t.Context(), upTo(100), 1, func(_ context.Context, n int) (any, error) {
		seen = append(seen, n)
		return nil, nil
	})
	require.NoError(t, err)
	assert.Equal(t, upTo(100), seen)
}

// It is not parallel, so that the goroutines that it counts are its own.
func TestForEachOfManyTakesFewGoroutines(t *testing.T) {
	const limit, items = 50, 10_000
	before := runtime.NumGoroutine()
	counts := make([]int, items)
	outcomes, err := drkit.ForEach(t.Context(), upTo(items), limit, func(_ context.Context, n int) (int, error) {
		counts[n] = runtime.NumGoroutine()
		runtime.Gosched()
		return n * n, nil
	})
	require.NoError(t, err)
	require.Len(t, outcomes, items)
	for i, outcome := range outcomes {
		require.Equal(t, i*i, outcome.Result)
	}
	assert.LessOrEqual(t, slices.Max(counts), before+limit)
}

func TestForEachTellsAllThatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		outcomes, err := drkit.ForEach(t.Context(), upTo(6), 2, func(ctx context.Context, n int) (string, error) {
			if err := pass(ctx, time.Duration(6-n)*time.Minute); err != nil {
				return "", err
			}
			switch n {
			case 1:
				return "half a vm", fmt.Errorf("db-1: %w", errFull)
			case 4:
				return "", &drkit.Error{Operation: "vcav.VMReplications.Failover", Status: 403, Kind: drkit.ErrForbidden}
			}
			return fmt.Sprint("vm-", n), nil
		})
		for i, want := range []string{"vm-0", "half a vm", "vm-2", "vm-3", "", "vm-5"} {
			assert.Equal(t, want, outcomes[i].Result)
			assert.Equal(t, i == 1 || i == 4, outcomes[i].Err != nil, "one that fails does not end the others")
		}
		assert.Equal(t, "db-1: the datastore is full; vcav.VMReplications.Failover: 403: forbidden", err.Error())
		assertOneLine(t, err.Error())
		require.ErrorIs(t, err, errFull)
		require.ErrorIs(t, err, drkit.ErrForbidden)
		require.NotErrorIs(t, err, context.Canceled)
	})
}

func TestForEachStopsOnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var begun crowd
		causes := make([]error, 1000)
		outcomes, err := drkit.ForEach(t.Context(), upTo(1000), 3, func(ctx context.Context, n int) (string, error) {
			begun.enter()
			switch n {
			case 0: // takes its time to end after the failure
				<-ctx.Done()
				causes[n] = context.Cause(ctx)
				_ = pass(context.WithoutCancel(ctx), time.Hour)
				return "", errors.New("later")
			case 1:
				return "vm-1", nil
			case 2:
				<-ctx.Done()
				return "vm-2", nil // it ends well all the same
			default: // 3, in the place of 1
				_ = pass(ctx, time.Minute)
				return "", errFull
			}
		}, drkit.StopOnError())
		assert.Equal(t, time.Hour+time.Minute, time.Since(start), "it waits for those under way")
		assert.EqualValues(t, 4, begun.all.Load(), "no further item begins")
		require.ErrorIs(t, err, errFull, "the first in time, and not in order")
		assert.Equal(t, err, causes[0])
		require.Len(t, outcomes, 1000)
		require.ErrorContains(t, outcomes[0].Err, "later")
		assert.Equal(t, drkit.Outcome[string]{Result: "vm-1"}, outcomes[1])
		assert.Equal(t, drkit.Outcome[string]{Result: "vm-2"}, outcomes[2])
		for _, outcome := range outcomes[4:] {
			require.EqualError(t, outcome.Err, "not begun: another item failed: the datastore is full")
			require.ErrorIs(t, outcome.Err, errFull)
			require.NotErrorIs(t, outcome.Err, context.Canceled, "nobody has cancelled the caller's context")
		}
	})
}

func TestForEachThatNeverFailsIsNotStopped(t *testing.T) {
	t.Parallel()
	var kept context.Context
	outcomes, err := drkit.ForEach(t.Context(), upTo(3), 1, func(ctx context.Context, n int) (int, error) {
		kept = ctx //nolint:fatcontext // one of them is enough
		return n, ctx.Err()
	}, drkit.StopOnError())
	require.NoError(t, err)
	assert.Len(t, outcomes, 3)
	require.ErrorIs(t, kept.Err(), context.Canceled, "the context of the items does not outlive the call")
	require.NoError(t, t.Context().Err())
}

func TestContextEndsForEach(t *testing.T) {
	t.Parallel()
	for how, end := range ends() {
		for name, options := range map[string][]drkit.ForEachOption{"all": nil, "first": {drkit.StopOnError()}} {
			t.Run(how+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := end.ctx(t.Context(), 90*time.Second)
					defer cancel()
					var begun crowd
					outcomes, err := drkit.ForEach(ctx, upTo(1000), 2, func(ctx context.Context, n int) (string, error) {
						begun.enter()
						if n == 2 { // ends well, although later
							return "vm", pass(context.WithoutCancel(ctx), time.Minute)
						}
						return "", pass(ctx, time.Minute)
					}, options...)
					assert.EqualValues(t, 4, begun.all.Load())
					require.Len(t, outcomes, 1000)
					assert.Equal(t, drkit.Outcome[string]{Result: "vm"}, outcomes[2])
					assert.Equal(t, ctx.Err(), outcomes[3].Err, "what do returned")
					for _, outcome := range outcomes[4:] {
						require.ErrorContains(t, outcome.Err, "not begun: "+end.want[0].Error())
						for _, want := range end.want {
							require.ErrorIs(t, outcome.Err, want)
						}
					}
					require.ErrorIs(t, err, end.want[0])
					if options == nil {
						require.ErrorContains(t, err, "996 of 1000 not begun")
						assert.Less(t, len(err.Error()), 200, "the reason is not repeated")
						require.ErrorIs(t, err, end.want[len(end.want)-1])
					}
				})
			})
		}
	}
}

func TestForEachUnderAnEndedContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errShutdown)
	for _, options := range [][]drkit.ForEachOption{nil, {drkit.StopOnError()}} {
		outcomes, err := drkit.ForEach(ctx, upTo(10_000), 3, func(context.Context, int) (any, error) {
			t.Error("it runs")
			return nil, nil
		}, options...)
		require.EqualError(t, err, "10000 of 10000 not begun: context canceled: the controller shuts down")
		require.ErrorIs(t, err, errShutdown)
		require.ErrorIs(t, err, context.Canceled)
		require.EqualError(t, outcomes[9_999].Err, "not begun: context canceled: the controller shuts down")
		require.ErrorIs(t, outcomes[9_999].Err, errShutdown)
	}
}

// What comes first is the reason why the others were not begun, whatever follows before all have returned.
func TestWhyItemsWereNotBegun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		failsAt, endsAt time.Duration
		want, not       error
	}{
		"the failure": {time.Minute, 2 * time.Minute, errFull, context.Canceled},
		"the end":     {2 * time.Minute, time.Minute, context.Canceled, errFull},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(c.endsAt, cancel)
				outcomes, err := drkit.ForEach(ctx, upTo(3), 2, func(ctx context.Context, n int) (any, error) {
					if n == 0 {
						_ = pass(context.WithoutCancel(ctx), c.failsAt)
						return nil, errFull
					}
					return nil, pass(context.WithoutCancel(ctx), time.Hour)
				}, drkit.StopOnError())
				require.ErrorIs(t, err, errFull, "the first that failed")
				require.NoError(t, outcomes[1].Err)
				require.ErrorIs(t, outcomes[2].Err, c.want)
				require.NotErrorIs(t, outcomes[2].Err, c.not)
			})
		})
	}
}

func TestForEachWithin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		outcomes, err := drkit.ForEach(t.Context(), upTo(4), 2, func(ctx context.Context, org int) (int, error) {
			machines, err := drkit.ForEach(ctx, upTo(4), 2, func(ctx context.Context, n int) (int, error) {
				if org == 3 && n == 1 {
					return 0, fmt.Errorf("org 3: %w", errFull)
				}
				return n, pass(ctx, time.Minute)
			})
			return len(machines), err
		}, drkit.StopOnError())
		assert.Equal(t, 4*time.Minute, time.Since(start))
		require.ErrorIs(t, err, errFull)
		require.EqualError(t, err, "org 3: the datastore is full")
		require.NoError(t, outcomes[2].Err, "it ended at the same time")
		assert.Equal(t, 4, outcomes[3].Result)
	})
}

// What a nested ForEach joins is on one line and can still be asked what it means.
func TestNestedFailureReachesTheItemsNotBegun(t *testing.T) {
	t.Parallel()
	outcomes, err := drkit.ForEach(t.Context(), upTo(3), 1, func(ctx context.Context, _ int) (any, error) {
		_, err := drkit.ForEach(ctx, upTo(3), 1, func(context.Context, int) (any, error) { return nil, errFull })
		return nil, err
	}, drkit.StopOnError())
	require.ErrorIs(t, err, errFull)
	require.ErrorIs(t, outcomes[2].Err, errFull)
	require.NotErrorIs(t, outcomes[2].Err, context.Canceled)
	assertOneLine(t, outcomes[2].Err.Error())
}

func TestForEachOfNone(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, none := range [][]int{nil, {}} {
		outcomes, err := drkit.ForEach(ended, none, 3, func(context.Context, int) (any, error) { return nil, errFull })
		require.NoError(t, err)
		assert.Empty(t, outcomes)
	}
}

func TestForEachRefusesBadArguments(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{0, -1} {
		outcomes, err := drkit.ForEach(t.Context(), upTo(3), limit, func(context.Context, int) (any, error) {
			t.Error("it runs")
			return nil, nil
		})
		require.ErrorContains(t, err, fmt.Sprintf("a limit of %d", limit))
		assert.Nil(t, outcomes)
	}
	_, err := drkit.ForEach[int, any](t.Context(), nil, 1, nil)
	require.ErrorContains(t, err, "do is nil")
}

// An outcome without an error would pass for a success.
func TestForEachWhoseCallsDoNotReturn(t *testing.T) {
	t.Parallel()
	var once sync.Once
	outcomes, err := drkit.ForEach(t.Context(), upTo(5), 2, func(_ context.Context, n int) (int, error) {
		once.Do(runtime.Goexit)
		return n, nil
	})
	require.ErrorContains(t, err, "did not return")
	failed := 0
	for i, outcome := range outcomes {
		if outcome.Err != nil {
			failed++
			continue
		}
		assert.Equal(t, i, outcome.Result)
	}
	assert.Equal(t, 1, failed)

	outcomes, err = drkit.ForEach(t.Context(), upTo(5), 2, func(context.Context, int) (int, error) {
		runtime.Goexit()
		return 0, nil
	}, drkit.StopOnError())
	require.ErrorContains(t, err, "did not return")
	for _, outcome := range outcomes {
		require.ErrorContains(t, outcome.Err, "did not return")
	}
}
