package taskwait_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/settings"
)

// Nothing is asked once nobody watches, and a watch that begins later is looked at as if it were the first.
func TestRunEndsWithTheLastWatch(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		b := f.batch(polling)
		first, second := watch(b, "a"), watch(b, "b")
		_, _ = first.next()
		first.stop()
		first.stop() // once more does nothing
		pass(10 * time.Second)
		asked := len(f.all())
		assert.Greater(t, asked, 3)
		second.stop()
		pass(time.Hour)
		assert.Len(t, f.all(), asked)

		third := watch(b, "c")
		defer third.stop()
		began := time.Now()
		_, err := third.next()
		require.NoError(t, err)
		assert.Equal(t, gather, time.Since(began))
		_, err = third.next()
		require.NoError(t, err)
		assertGap(t, time.Second+gather, time.Since(began))
	})
}

// A watch that stops before its first look costs no request.
func TestWatchThatStopsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		b := f.batch(polling)
		for range 1000 {
			watch(b, "a").stop()
		}
		other := watch(b, "b")
		defer other.stop()
		watch(b, "a").stop()
		pass(time.Minute)
		assert.Empty(t, f.of("a"))
		assert.NotEmpty(t, f.of("b"))
	})
}

// With the last watch the context of the request under way ends. What the service answers nevertheless
// reaches nobody, not even a watch of the same task that has begun since.
func TestRequestUnderWayAtTheEnd(t *testing.T) {
	t.Parallel()
	for _, tasks := range []int{1, 2} {
		t.Run(fmt.Sprint(tasks), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				var ended atomic.Int32
				stale := func(ctx context.Context) {
					if time.Since(f.start) < time.Second {
						<-ctx.Done()
						ended.Add(1)
						<-time.After(30 * time.Second)
					}
				}
				f.many = func(ctx context.Context, ids []string) ([]row, error) {
					rows := f.rows(ids)
					stale(ctx)
					return rows, nil
				}
				f.one = func(ctx context.Context, id string) (row, error) {
					rows := f.rows([]string{id})
					stale(ctx)
					return rows[0], nil
				}
				b := f.batch(polling)
				start := func() (watchers []watcher) {
					for i := range tasks {
						watchers = append(watchers, watch(b, fmt.Sprint("task-", i)))
					}
					return watchers
				}
				left := start()
				pass(500 * time.Millisecond)
				for i, w := range left {
					assert.Zero(t, ended.Load(), "somebody still waits")
					w.stop()
					synctest.Wait()
					assert.Equal(t, i == tasks-1, ended.Load() == 1)
				}
				pass(time.Second)
				again := start()
				for _, w := range again {
					got, err := w.next()
					require.NoError(t, err)
					assert.Equal(t, 1500*time.Millisecond+gather, got.Seen)
				}
				pass(time.Minute)
				for i, w := range again {
					got, err := w.last()
					require.NoError(t, err)
					assert.Greater(t, got.Seen, 50*time.Second)
					assert.True(t, left[i].untouched())
					w.stop()
				}
			})
		})
	}
}

// A look that nobody takes does not hold up the others, and whoever comes late finds the newest.
func TestWatcherThatIsBusy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		b := f.batch(polling)
		busy, eager := watch(b, "busy"), watch(b, "eager")
		defer busy.stop()
		defer eager.stop()
		var last row
		for range 20 {
			var err error
			last, err = eager.next()
			require.NoError(t, err)
		}
		got, err := busy.next()
		require.NoError(t, err)
		assert.Equal(t, last.Seen, got.Seen)
		assert.True(t, busy.untouched(), "one value, however many looks")
	})
}

// No watch goes without looks for longer than its interval, whatever the others do.
func TestNobodyStarves(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.many = func(ctx context.Context, ids []string) ([]row, error) {
			sleep(ctx, 50*time.Millisecond)
			return f.rows(ids), nil
		}
		b := f.batch(polling)
		var all sync.WaitGroup
		for i := range 500 {
			random := rand.New(rand.NewPCG(uint64(i), 7))
			all.Go(func() {
				for range 20 {
					<-time.After(time.Duration(random.Int64N(int64(30 * time.Second))))
					w := watch(b, fmt.Sprint("task-", i))
					last := time.Now()
					for range random.IntN(8) {
						_, err := w.next()
						assert.NoError(t, err)
						assert.LessOrEqual(t, time.Since(last), polling.MaxInterval+200*time.Millisecond)
						last = time.Now()
					}
					w.stop()
				}
			})
		}
		all.Wait()
	})
}

// Outside of synctest, so that the race detector sees real concurrency. TestMain sees that no goroutine is left.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	f := newFake()
	b := f.batch(settings.Polling{MinInterval: 100 * time.Microsecond, MaxInterval: time.Millisecond, Grace: time.Second, BatchSize: 7})
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			for round := range 20 {
				w := watch(b, fmt.Sprint("task-", i%50))
				for range round % 5 {
					got, err := w.next()
					assert.NoError(t, err)
					assert.Equal(t, fmt.Sprint("task-", i%50), got.ID)
				}
				go w.stop()
				w.stop()
			}
		})
	}
	all.Wait()
}
