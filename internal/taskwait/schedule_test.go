package taskwait_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

// A watch begins fast and slows down to the cap.
func TestSchedule(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		polling settings.Polling
		want    []time.Duration // the last one stays
	}{
		"growing": {polling, []time.Duration{
			time.Second, 1500 * time.Millisecond, 2250 * time.Millisecond, 3375 * time.Millisecond,
			5062500 * time.Microsecond, 7593750 * time.Microsecond, 8 * time.Second,
		}},
		"steady": {steady, []time.Duration{8 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				w := watch(f.batch(tc.polling), "a")
				defer w.stop()
				different := map[time.Duration]bool{}
				last, err := w.next()
				require.NoError(t, err)
				assert.Equal(t, row{"a", gather}, last)
				for i := range 50 {
					now, err := w.next()
					require.NoError(t, err)
					assertGap(t, tc.want[min(i, len(tc.want)-1)], now.Seen-last.Seen)
					different[now.Seen-last.Seen] = true
					last = now
				}
				assert.Greater(t, len(different), 20, "intervals differ, so that clients do not look at once")
				assert.Len(t, f.all(), 51)
			})
		})
	}
}

// A failed look slows a watch down like any other.
func TestScheduleOfFailedLooks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		f.one = func(context.Context, string) (row, error) { return row{}, errNoAnswer }
		w := watch(f.batch(polling), "a")
		defer w.stop()
		for range 10 {
			_, err := w.next()
			require.ErrorIs(t, err, drkit.ErrUnavailable)
		}
		at := f.of("a")
		assertGap(t, time.Second, at[1]-at[0])
		assertGap(t, 8*time.Second, at[9]-at[8])
	})
}

// Watches that begin at one moment, or close to it, are looked at together ever after.
func TestWatchesThatBeginTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		b := f.batch(polling)
		for i := range 50 {
			defer watch(b, fmt.Sprint("task-", i)).stop()
			pass(gather / 50)
		}
		pass(time.Minute)
		require.NotEmpty(t, f.all())
		for _, r := range f.all() {
			assert.Len(t, r.ids, 50)
		}
	})
}

// What is due within a quarter of its interval is looked at together with what is due now, and both are in
// step from then on; what is due later is left to its own time.
func TestWatchesThatBeginApart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after  time.Duration // from the first look at one to that at the other
		joined bool
	}{
		// The one is due again after 7.2 to 8 s.
		"just before":      {7100 * time.Millisecond, true},
		"within a quarter": {6000 * time.Millisecond, true},
		"earlier":          {5100 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				b := f.batch(steady)
				one := watch(b, "one")
				defer one.stop()
				_, _ = one.next()
				pass(tc.after - gather)
				other := watch(b, "other")
				defer other.stop()
				pass(time.Minute)
				first, second := f.of("one"), f.of("other")
				assert.Equal(t, first[0]+tc.after, second[0])
				if tc.joined {
					assert.Equal(t, first[1:], second)
				} else {
					assertGap(t, 8*time.Second, first[1]-first[0])
					assert.NotContains(t, first, second[0])
				}
			})
		})
	}
}

// However watches began, the time comes when there is one tick for all of them.
func TestTicksGrowTogether(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		b := f.batch(steady)
		for i := range 40 {
			defer watch(b, fmt.Sprint("task-", i)).stop()
			pass(time.Duration(i*i%17) * 311 * time.Millisecond)
		}
		assert.LessOrEqual(t, len(f.ticks()), 40+4*int(time.Since(f.start)/(7*time.Second)), "never more than four an interval")
		pass(2 * time.Hour)
		before := len(f.all())
		pass(time.Minute)
		last := f.all()[before:]
		assert.InDelta(t, 8, len(last), 1, "one request an interval")
		for _, r := range last {
			assert.Len(t, r.ids, 40)
		}
	})
}

// Those who come later neither hold up those who watch, nor make them look much more often.
func TestNewcomersDoNotChangeTheSchedule(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		b := f.batch(steady)
		first := watch(b, "first")
		defer first.stop()
		for i := range 600 {
			w := watch(b, fmt.Sprint("newcomer-", i))
			pass(500 * time.Millisecond)
			w.stop()
		}
		at := f.of("first")
		for i := range at[1:] {
			gap := at[i+1] - at[i]
			assert.LessOrEqual(t, gap, 8*time.Second)
			assert.GreaterOrEqual(t, gap, 5400*time.Millisecond, "three quarters of an interval that may be a tenth shorter")
		}
		assert.Greater(t, len(at), 35)
		for i := range 600 {
			assert.Len(t, f.of(fmt.Sprint("newcomer-", i)), 1, "each is looked at soon")
		}
	})
}

// A look that takes longer than the interval is not overtaken by another at the same task, and the service
// gets a rest after it.
func TestSlowService(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		const slow = 20 * time.Second
		f.one = func(ctx context.Context, id string) (row, error) { sleep(ctx, slow); return row{ID: id}, nil }
		w := watch(f.batch(polling), "a")
		defer w.stop()
		for range 10 {
			_, err := w.next()
			require.NoError(t, err)
		}
		at := f.of("a")
		assert.Equal(t, slow+500*time.Millisecond, at[1]-at[0])
		assert.Equal(t, slow+4*time.Second, at[9]-at[8])
		assert.Equal(t, 1, f.most)
	})
}

// The time that answers take does not shift the ticks.
func TestAnswersThatTakeTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		var mu sync.Mutex
		pause := 100 * time.Millisecond
		f.many = func(ctx context.Context, ids []string) ([]row, error) {
			mu.Lock()
			pause = pause*7%(3*time.Second) + time.Millisecond
			d := pause
			mu.Unlock()
			sleep(ctx, d)
			return f.rows(ids), nil
		}
		b := f.batch(steady)
		for i := range 400 {
			defer watch(b, fmt.Sprint("task-", i)).stop()
		}
		pass(10 * time.Minute)
		ticks := f.ticks()
		assert.Greater(t, len(ticks), 70)
		for i, tick := range ticks {
			assert.Len(t, tick, 4)
			if i > 0 {
				assertGap(t, 8*time.Second, tick[0].at-ticks[i-1][0].at)
			}
		}
	})
}

// What the service asks for with Retry-After holds, within the cap, for everybody at the place: for those
// who watch, for those who come, and for the next run.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ asked, want time.Duration }{
		"longer than the interval":  {5 * time.Second, 5 * time.Second},
		"longer than the cap":       {time.Hour, 8 * time.Second},
		"shorter than the interval": {20 * time.Millisecond, 0},
		"negative":                  {-time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				f := newFake()
				busy := answered(429, drkit.ErrThrottled)
				busy.RetryAfter = tc.asked
				f.one = func(context.Context, string) (row, error) { return row{}, fmt.Errorf("look: %w", busy) }
				w := watch(f.batch(polling), "a")
				defer w.stop()
				for range 2 {
					_, err := w.next()
					require.ErrorIs(t, err, drkit.ErrThrottled)
				}
				if at := f.of("a"); tc.want == 0 {
					assertGap(t, time.Second, at[1]-at[0])
				} else {
					assert.Equal(t, tc.want, at[1]-at[0], "never earlier than the service has asked for")
				}
			})
		})
	}
}

func TestRetryAfterHoldsForNewcomers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		busy := answered(503, drkit.ErrUnavailable)
		busy.RetryAfter = 6 * time.Second
		f.one = func(_ context.Context, id string) (row, error) {
			if id == "a" {
				return row{}, busy
			}
			return row{ID: id}, nil
		}
		b := f.batch(polling)
		w := watch(b, "a")
		_, err := w.next()
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		pass(time.Second)
		newcomer := watch(b, "b")
		pass(time.Second)
		w.stop()
		newcomer.stop() // and with it the run
		pass(time.Second)
		next := watch(b, "c")
		defer next.stop()
		_, err = next.next()
		require.NoError(t, err)
		assert.Empty(t, f.of("b"))
		assert.Equal(t, []time.Duration{gather + 6*time.Second}, f.of("c"))
	})
}

// Chunks whose turn comes after the service has asked to be left alone wait as well, and are not lost.
func TestRetryAfterInTheMiddleOfALook(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newFake()
		busy := answered(429, drkit.ErrThrottled)
		busy.RetryAfter = 3 * time.Second
		f.many = func(ctx context.Context, ids []string) ([]row, error) {
			sleep(ctx, 10*time.Millisecond)
			if time.Since(f.start) < time.Second {
				return nil, busy
			}
			return f.rows(ids), nil
		}
		b := f.batch(polling)
		watchers := make([]watcher, 1000)
		for i := range watchers {
			watchers[i] = watch(b, fmt.Sprint("task-", i))
			defer watchers[i].stop()
		}
		pass(2 * time.Second)
		assert.Len(t, f.all(), 4, "those that were under way already")
		pass(1500 * time.Millisecond)
		assert.Len(t, f.all(), 4+10)
		for _, w := range watchers {
			_, err := w.next()
			require.NoError(t, err)
		}
	})
}
