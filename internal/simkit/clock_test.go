package simkit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
)

func TestSystemClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clock, began := simkit.SystemClock(), time.Now()
		require.NoError(t, clock.Sleep(t.Context(), time.Hour))
		assert.Equal(t, began.Add(time.Hour), clock.Now())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, clock.Sleep(ctx, time.Hour), context.DeadlineExceeded)
	})
}

func TestManualClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2031, time.May, 1, 0, 0, 0, 0, time.UTC)
	clock := simkit.NewManualClock(start)
	woken := make(chan time.Duration, 2)
	for _, d := range []time.Duration{time.Minute, time.Hour} {
		go func() {
			if clock.Sleep(t.Context(), d) == nil {
				woken <- d
			}
		}()
	}
	require.NoError(t, clock.AwaitSleepers(t.Context(), 2))
	clock.Advance(59 * time.Second)
	assert.Empty(t, woken)
	clock.Advance(time.Second)
	assert.Equal(t, time.Minute, <-woken)
	clock.Advance(time.Hour)
	assert.Equal(t, time.Hour, <-woken)
	assert.Equal(t, start.Add(time.Hour+time.Minute), clock.Now())
	require.NoError(t, clock.Sleep(t.Context(), 0), "no time is no sleep")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, clock.Sleep(ctx, time.Hour), context.Canceled)
	require.ErrorIs(t, clock.AwaitSleepers(ctx, 1), context.Canceled)
}
