package drkit_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

func TestManyGoroutinesShareOnePoller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := during(time.Minute, running(50), succeeded("vm"))
		poller := drkit.NewPoller(source, patience)
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				var seen int
				result, err := poller.Wait(t.Context(), drkit.OnProgress(func(drkit.Progress) { seen++ }))
				assert.NoError(t, err)
				assert.Equal(t, "vm", result)
				assert.Positive(t, seen)
			})
			all.Go(func() {
				for !poller.Done() {
					progress, err := poller.Poll(t.Context())
					assert.NoError(t, err)
					assert.Equal(t, "task-1", progress.ID)
					if _, err := poller.Result(); err != nil {
						assert.ErrorIs(t, err, drkit.ErrNotDone)
					}
					assert.Equal(t, poller.ID(), poller.Progress().ID)
					<-time.After(time.Duration(i+1) * time.Second)
				}
			})
			all.Go(func() { // gives up long before the end, which is nobody else's matter
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Second)
				defer cancel()
				_, err := poller.Wait(ctx)
				assert.ErrorIs(t, err, context.DeadlineExceeded)
			})
		}
		all.Wait()

		asked := source.looks()
		for range 10 {
			all.Go(func() {
				result, err := poller.Wait(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, "vm", result)
				progress, err := poller.Poll(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, drkit.StateSucceeded, progress.State)
			})
		}
		all.Wait()
		assert.Equal(t, asked, source.looks(), "nothing is asked after the end")
	})
}

// Of looks that overlap, one that is answered after the end changes nothing: neither that the work has
// ended nor what came of it.
func TestEndStaysTheEnd(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]sight{
		"still running":   running(10),
		"another result":  succeeded("another"),
		"a failure":       failed(&drkit.TaskError{Code: "NoSpace"}),
		"a look in vain":  unseen(drkit.ErrUnavailable),
		"no longer shown": unseen(drkit.ErrNotFound),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				source := &source{id: "task-1", look: func(_ context.Context, n int) (drkit.Look[string], error) {
					if n > 1 {
						return succeeded("vm")()
					}
					<-release
					return late()
				}}
				poller := drkit.NewPoller(source)
				var both sync.WaitGroup
				both.Go(func() {
					progress, err := poller.Poll(t.Context())
					if err == nil {
						assert.Equal(t, drkit.StateSucceeded, progress.State)
					}
				})
				synctest.Wait()
				_, err := poller.Poll(t.Context())
				require.NoError(t, err)
				close(release)
				both.Wait()

				assert.True(t, poller.Done())
				assert.Equal(t, drkit.Progress{ID: "task-1", State: drkit.StateSucceeded, Percent: 100}, poller.Progress())
				result, err := poller.Result()
				require.NoError(t, err)
				assert.Equal(t, "vm", result)
			})
		})
	}
}

// Polling is for callers that must not block: it waits for nobody, not even for another look.
func TestPollDoesNotQueueBehindAnotherLook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &source{id: "task-1", look: func(ctx context.Context, n int) (drkit.Look[string], error) {
			if n == 1 {
				<-ctx.Done()
				return drkit.Look[string]{}, ctx.Err()
			}
			return running(20)()
		}}
		poller := drkit.NewPoller(source)
		ctx, cancel := context.WithCancel(t.Context())
		var stuck sync.WaitGroup
		stuck.Go(func() {
			_, err := poller.Poll(ctx)
			assert.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		start := time.Now()
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 20, progress.Percent)
		assert.Equal(t, 20, poller.Progress().Percent)
		assert.Zero(t, time.Since(start))
		cancel()
		stuck.Wait()
	})
}
