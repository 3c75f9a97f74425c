package drkit_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// recorder is a callback that takes its time, and fails the test where two calls overlap.
type recorder struct {
	t    *testing.T
	slow time.Duration

	busy atomic.Bool
	mu   sync.Mutex
	seen []drkit.Progress
	last time.Time // end of the last call
}

func (r *recorder) report(progress drkit.Progress) {
	if r.busy.Swap(true) {
		assert.Fail(r.t, "two reports at once")
	}
	<-time.After(r.slow)
	r.mu.Lock()
	r.seen, r.last = append(r.seen, progress), time.Now()
	r.mu.Unlock()
	r.busy.Store(false)
}

func (r *recorder) percents() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	percents := make([]int, len(r.seen))
	for i, progress := range r.seen {
		percents[i] = progress.Percent
	}
	return percents
}

func TestOnProgress(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		slow    time.Duration
		end     sight
		want    []int // nil: some of them
		percent int   // of the last
	}{
		"fast":                 {0, succeeded("vm"), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100}, 100},
		"fast, and it fails":   {0, failed(&drkit.TaskError{}), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0}, 0},
		"slow":                 {3 * time.Second, succeeded("vm"), nil, 100},
		"slow, and it fails":   {3 * time.Second, failed(&drkit.TaskError{}), nil, 0},
		"slower than the wait": {time.Hour, succeeded("vm"), []int{0, 100}, 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				steps := []sight{}
				for percent := range 10 {
					steps = append(steps, running(percent))
				}
				source := play("task-1", append(steps, tc.end)...)
				steady := drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Second, MaxInterval: time.Second})
				recorder := &recorder{t: t, slow: tc.slow}
				start := time.Now()
				_, err := drkit.NewPoller(source, steady).Wait(t.Context(), drkit.OnProgress(recorder.report))
				var failure *drkit.TaskError
				if err != nil {
					require.ErrorAs(t, err, &failure)
				}
				assert.Equal(t, recorder.last, time.Now(), "the wait returns with the last report")
				assert.WithinRange(t, source.at[10], start.Add(9*time.Second), start.Add(10*time.Second),
					"a slow report delays no look")
				percents := recorder.percents()
				assert.Equal(t, tc.percent, percents[len(percents)-1])
				if tc.want != nil {
					assert.Equal(t, tc.want, percents)
				} else {
					assert.Less(t, len(percents), 11, "what came while it was busy is missed")
					assert.IsNonDecreasing(t, percents[:len(percents)-1], "no report is older than the one before")
				}
			})
		})
	}
}

func TestOnProgressHearsOnlyOfLooksThatWorked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := play("task-1", running(1), unseen(drkit.ErrUnavailable), unseen(drkit.ErrNotFound), running(2), succeeded("vm"))
		recorder := &recorder{t: t}
		_, err := drkit.NewPoller(source, patience).Wait(t.Context(), drkit.OnProgress(recorder.report))
		require.NoError(t, err)
		assert.Equal(t, []int{1, 2, 100}, recorder.percents())
	})
}

func TestOnProgressOfWorkThatHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poller := drkit.NewPoller(play("task-1", succeeded("vm")))
		_, err := poller.Poll(t.Context())
		require.NoError(t, err)
		recorder := &recorder{t: t, slow: time.Second}
		_, err = poller.Wait(t.Context(), drkit.OnProgress(recorder.report))
		require.NoError(t, err)
		assert.Equal(t, []int{100}, recorder.percents())
	})
}

func TestOnProgressOfNil(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		result, err := drkit.NewPoller(play("task-1", running(1), succeeded("vm"))).Wait(t.Context(), drkit.OnProgress(nil))
		require.NoError(t, err)
		assert.Equal(t, "vm", result)
	})
}

func TestOnProgressMayUseThePoller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poller := drkit.NewPoller(play("task-1", running(1), running(2), succeeded("vm")), patience)
		var done int
		_, err := poller.Wait(t.Context(), drkit.OnProgress(func(progress drkit.Progress) {
			assert.Equal(t, progress.ID, poller.ID())
			assert.Equal(t, progress, poller.Progress())
			if _, err := poller.Result(); err == nil && poller.Done() {
				done++
			}
		}))
		require.NoError(t, err)
		assert.Equal(t, 1, done)
	})
}

// After the end of its context a wait returns although a report is still running, and what was pending
// is dropped: nothing begins after the wait has returned.
func TestCancelledWaitLeavesNoReportToCome(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]func(context.Context, *drkit.Poller[string], drkit.WaitOption) error{
		"Wait": func(ctx context.Context, poller *drkit.Poller[string], option drkit.WaitOption) error {
			_, err := poller.Wait(ctx, option)
			return err
		},
		"WaitAll": func(ctx context.Context, poller *drkit.Poller[string], option drkit.WaitOption) error {
			other := drkit.NewPoller(play("task-2", running(1)), patience)
			_, err := drkit.WaitAll(ctx, []*drkit.Poller[string]{poller, other}, option)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &source{id: "task-1", look: func(_ context.Context, n int) (drkit.Look[string], error) {
					return running(n)()
				}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var begun atomic.Int32
				release := make(chan struct{})
				start := time.Now()
				err := wait(ctx, drkit.NewPoller(source, patience), drkit.OnProgress(func(drkit.Progress) {
					begun.Add(1)
					<-release
				}))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, time.Minute, time.Since(start), "the wait does not wait for a report that hangs")
				assert.Greater(t, source.looks(), 5)
				assert.EqualValues(t, 1, begun.Load())
				close(release)
				<-time.After(time.Hour)
				assert.EqualValues(t, 1, begun.Load(), "nothing begins after the wait has returned")
			})
		})
	}
}

// The work has ended well and its last report is late: the end of the context cuts the report short, and
// not the result.
func TestContextEndsDuringTheLastReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		recorder := &recorder{t: t, slow: time.Hour}
		poller := drkit.NewPoller(play("task-1", running(1), running(2), succeeded("vm")), patience)
		start := time.Now()
		result, err := poller.Wait(ctx, drkit.OnProgress(recorder.report))
		require.NoError(t, err)
		assert.Equal(t, "vm", result)
		assert.Equal(t, time.Minute, time.Since(start))
		<-time.After(3 * time.Hour)
		assert.Equal(t, []int{1}, recorder.percents())
	})
}

func TestCancelledBeforeTheFirstLookReportsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		recorder := &recorder{t: t}
		poller := drkit.NewPoller(play("task-1", succeeded("vm")))
		_, err := poller.Wait(ctx, drkit.OnProgress(recorder.report))
		require.ErrorIs(t, err, context.Canceled)
		synctest.Wait()
		assert.Empty(t, recorder.percents())
	})
}
