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

// A wait in its pause learns at once what another goroutine's look has seen.
func TestWaitLearnsOfTheEndFromOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poller := drkit.NewPoller(play("task-1", running(10), succeeded("vm")),
			drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Hour, MaxInterval: time.Hour}))
		var all sync.WaitGroup
		began := time.Now()
		all.Go(func() {
			var last drkit.Progress
			result, err := poller.Wait(t.Context(), drkit.OnProgress(func(p drkit.Progress) { last = p }))
			assert.NoError(t, err)
			assert.Equal(t, "vm", result)
			assert.Equal(t, drkit.StateSucceeded, last.State, "the end is reported, whoever has seen it")
		})
		<-time.After(time.Minute)
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, drkit.StateSucceeded, progress.State)
		all.Wait()
		assert.Equal(t, time.Minute, time.Since(began))
	})
}

// A finished poller gives its result even to a caller whose context has ended.
func TestEndOutlivesTheContext(t *testing.T) {
	t.Parallel()
	poller := drkit.NewPoller(play("task-1", succeeded("vm")))
	_, err := poller.Poll(t.Context())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result, err := poller.Wait(ctx)
	require.NoError(t, err)
	assert.Equal(t, "vm", result)
}

// slowFirst answers its first look last.
type slowFirst struct {
	mu    sync.Mutex
	looks int
}

func (*slowFirst) ID() string { return "task-1" }

func (s *slowFirst) Look(context.Context) (drkit.Look[string], error) {
	s.mu.Lock()
	s.looks++
	percent := 10 * s.looks
	s.mu.Unlock()
	if percent == 10 {
		<-time.After(time.Minute)
	}
	return drkit.Look[string]{Progress: drkit.Progress{State: drkit.StateRunning, Percent: percent}}, nil
}

func TestLateLookDoesNotMoveProgressBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poller := drkit.NewPoller[string](&slowFirst{})
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() {
				<-time.After(time.Duration(i) * time.Second)
				progress, err := poller.Poll(t.Context())
				assert.NoError(t, err)
				assert.Equal(t, 20, progress.Percent)
			})
		}
		all.Wait()
		assert.Equal(t, 20, poller.Progress().Percent)
	})
}
