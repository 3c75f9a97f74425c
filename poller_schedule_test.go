package drkit_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

func TestScheduleOfLooks(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, tc := range map[string]struct {
		policy drkit.PollPolicy
		want   []time.Duration // the last one stays
	}{
		"by default": {
			drkit.PollPolicy{},
			[]time.Duration{
				500 * ms, 750 * ms, 1125 * ms, 1687500 * time.Microsecond, 2531250 * time.Microsecond,
				3796875 * time.Microsecond, 5695312500, 8542968750, 12814453125, 15 * time.Second,
			},
		},
		"its own": {
			drkit.PollPolicy{MinInterval: 2 * time.Second, MaxInterval: 5 * time.Second},
			[]time.Duration{2 * time.Second, 3 * time.Second, 4500 * ms, 5 * time.Second},
		},
		"steady": {
			drkit.PollPolicy{MinInterval: 3 * time.Second, MaxInterval: 3 * time.Second},
			[]time.Duration{3 * time.Second},
		},
		"first longer than the default cap": {
			drkit.PollPolicy{MinInterval: time.Minute}, []time.Duration{time.Minute},
		},
		"cap shorter than the default first": {
			drkit.PollPolicy{MaxInterval: 100 * ms}, []time.Duration{100 * ms},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const looks = 60
				source := play("task-1", append(times(looks-1, running(1)), succeeded("vm"))...)
				start := time.Now()
				_, err := drkit.NewPoller(source, drkit.WithPolling(tc.policy)).Wait(t.Context())
				require.NoError(t, err)
				gaps := source.gaps()
				require.Len(t, gaps, looks-1)
				assert.Equal(t, start, source.at[0], "the first look is at once")
				different := map[time.Duration]bool{}
				for i, gap := range gaps {
					assertPause(t, tc.want[min(i, len(tc.want)-1)], gap)
					if i >= len(tc.want) {
						different[gap] = true
					}
				}
				assert.Greater(t, len(different), 5, "pauses differ, so that many waits do not look at once")
			})
		})
	}
}

func TestEachWaitStartsFast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away := unseen(answer(http.StatusServiceUnavailable))
		source := play("task-1", append(times(20, running(1)), unseen(drkit.ErrForbidden), away, succeeded("vm"))...)
		poller := drkit.NewPoller(source, patience)
		_, err := poller.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrForbidden)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		gaps := source.gaps()
		assertPause(t, 10*time.Second, gaps[19])
		assertPause(t, time.Second, gaps[21])
	})
}

func TestRetryAfterOfLookThatFailed(t *testing.T) {
	t.Parallel()
	asking := func(status int, pause time.Duration) error {
		err := answer(status)
		err.RetryAfter = pause
		return err
	}
	for name, tc := range map[string]struct {
		err  error
		want time.Duration
	}{
		"longer than the pause":  {asking(http.StatusTooManyRequests, 7*time.Second), 7 * time.Second},
		"longer than the cap":    {asking(http.StatusTooManyRequests, time.Hour), 10 * time.Second},
		"shorter than the pause": {asking(http.StatusTooManyRequests, 20*time.Millisecond), 0},
		"negative":               {asking(http.StatusTooManyRequests, -time.Hour), 0},
		"none":                   {asking(http.StatusTooManyRequests, 0), 0},
		"of an unavailable site": {asking(http.StatusServiceUnavailable, 4*time.Second), 4 * time.Second},
		"of a missing task":      {asking(http.StatusNotFound, 4*time.Second), 4 * time.Second},
		"inside another error":   {fmt.Errorf("look: %w", asking(http.StatusBadGateway, 5*time.Second)), 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := play("task-1", unseen(tc.err), running(1), succeeded("vm"))
				_, err := drkit.NewPoller(source, patience).Wait(t.Context())
				require.NoError(t, err)
				gaps := source.gaps()
				if tc.want == 0 {
					assertPause(t, time.Second, gaps[0])
				} else {
					assert.Equal(t, tc.want, gaps[0], "never earlier than the service asked for")
				}
				assertPause(t, 1500*time.Millisecond, gaps[1])
			})
		})
	}
}

// NewPoller returns no error, so a policy that a client would refuse must come to light elsewhere: in what
// Wait returns, or not at all. It must neither panic nor look without a pause.
func TestPollerOfBadPolicy(t *testing.T) {
	t.Parallel()
	for name, policy := range map[string]drkit.PollPolicy{
		"negative first":        {MinInterval: -time.Second},
		"negative cap":          {MaxInterval: -time.Second},
		"all negative":          {MinInterval: -1, MaxInterval: -1, Grace: -1, MaxUnreachable: -1},
		"first longer than cap": {MinInterval: time.Minute, MaxInterval: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := play("task-1", append(times(5, running(1)), succeeded("vm"))...)
				var err error
				require.NotPanics(t, func() {
					_, err = drkit.NewPoller(source, drkit.WithPolling(policy)).Wait(t.Context())
				})
				if err != nil {
					require.ErrorContains(t, err, "WithPolling")
				}
				for _, gap := range source.gaps() {
					assert.Positive(t, gap)
				}
			})
		})
	}
}
