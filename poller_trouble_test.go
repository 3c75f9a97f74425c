package drkit_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// patience is a policy with round numbers.
var patience = drkit.WithPolling(drkit.PollPolicy{
	MinInterval: time.Second, MaxInterval: 10 * time.Second, Grace: 30 * time.Second, MaxUnreachable: 2 * time.Minute,
})

func TestWaitPutsUpWithLooksThatFail(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"500":                    answer(http.StatusInternalServerError),
		"502":                    answer(http.StatusBadGateway),
		"503":                    answer(http.StatusServiceUnavailable),
		"504":                    answer(http.StatusGatewayTimeout),
		"429":                    answer(http.StatusTooManyRequests),
		"408":                    answer(http.StatusRequestTimeout),
		"425":                    answer(http.StatusTooEarly),
		"409":                    answer(http.StatusConflict),
		"404":                    answer(http.StatusNotFound),
		"403 of a proxy":         &drkit.Error{Status: http.StatusForbidden, Kind: drkit.ErrForbidden, Foreign: true},
		"401 of a proxy":         fmt.Errorf("looking: %w", &drkit.Error{Status: http.StatusUnauthorized, Kind: drkit.ErrUnauthorized, Foreign: true}),
		"407":                    &drkit.Error{Status: http.StatusProxyAuthRequired, Foreign: true},
		"an answer of nonsense":  &drkit.Error{Status: http.StatusOK, Message: "the answer cannot be used"},
		"no answer":              &drkit.Error{Err: errors.New("connection reset by peer"), Kind: drkit.ErrUnavailable},
		"time-out of an attempt": fmt.Errorf("attempt: %w", context.DeadlineExceeded),
		"a cancelled attempt":    context.Canceled,
		"an error of nobody's":   errors.New("no idea"),
		"a look-alike of an end": &drkit.TaskError{TaskID: "task-1", Code: "NoSpace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := play("task-1", running(7), unseen(err), unseen(err), unseen(err), succeeded("vm"))
				poller := drkit.NewPoller(source, patience)
				_, pollErr := poller.Poll(t.Context())
				require.NoError(t, pollErr)

				progress, pollErr := poller.Poll(t.Context())
				require.ErrorIs(t, pollErr, err, "Poll tells of a look that failed")
				assert.Equal(t, drkit.Progress{ID: "task-1", State: drkit.StateRunning, Percent: 7}, progress)
				assert.Equal(t, progress, poller.Progress())
				assert.False(t, poller.Done(), "a look that failed is not work that failed")
				_, pollErr = poller.Result()
				require.ErrorIs(t, pollErr, drkit.ErrNotDone)

				result, waitErr := poller.Wait(t.Context())
				require.NoError(t, waitErr)
				assert.Equal(t, "vm", result)
				assert.Equal(t, 5, source.looks())
			})
		})
	}
}

func TestWaitEndsAtOnceWhereNoLookCanHelp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want error // nil: none of the sentinels
	}{
		"400":               {answer(http.StatusBadRequest), nil},
		"401":               {answer(http.StatusUnauthorized), drkit.ErrUnauthorized},
		"403":               {answer(http.StatusForbidden), drkit.ErrForbidden},
		"405":               {answer(http.StatusMethodNotAllowed), nil},
		"422":               {answer(http.StatusUnprocessableEntity), nil},
		"wrapped 400":       {fmt.Errorf("looking: %w", answer(http.StatusBadRequest)), nil},
		"wrapped forbidden": {fmt.Errorf("looking: %w", drkit.ErrForbidden), drkit.ErrForbidden},
		"unauthorized by its code": {
			&drkit.Error{Status: http.StatusBadRequest, Kind: drkit.ErrUnauthorized}, drkit.ErrUnauthorized,
		},
		"closed behind a proxy": {
			fmt.Errorf("%w: %w", drkit.ErrClosed, &drkit.Error{Status: http.StatusForbidden, Kind: drkit.ErrForbidden, Foreign: true}), drkit.ErrClosed,
		},
		"client closed": {fmt.Errorf("vcav.Tasks.Get: %w", drkit.ErrClosed), drkit.ErrClosed},
		"task gone":     {drkit.ErrTaskGone, drkit.ErrTaskGone},
		"token refused": {fmt.Errorf("%w: of another user", drkit.ErrToken), drkit.ErrToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := play("task-1", unseen(tc.err), succeeded("vm"))
				poller := drkit.NewPoller(source, patience)
				start := time.Now()
				result, err := poller.Wait(t.Context())
				require.ErrorIs(t, err, tc.err)
				require.ErrorContains(t, err, "task-1")
				if tc.want != nil {
					require.ErrorIs(t, err, tc.want)
				}
				require.NotErrorIs(t, err, drkit.ErrUnavailable)
				assert.Empty(t, result)
				assert.Zero(t, time.Since(start))
				assert.Equal(t, 1, source.looks())
				assert.False(t, poller.Done())

				result, err = poller.Wait(t.Context())
				require.NoError(t, err, "Wait may be called again")
				assert.Equal(t, "vm", result)
			})
		})
	}
}

func TestWaitEndsWhenTheServiceStaysAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := during(5*time.Minute, unseen(answer(http.StatusServiceUnavailable)), succeeded("vm"))
		poller := drkit.NewPoller(source, patience)
		for range 2 { // the second wait has patience of its own
			start := time.Now()
			_, err := poller.Wait(t.Context())
			require.ErrorIs(t, err, drkit.ErrUnavailable)
			require.ErrorContains(t, err, "task-1")
			var last *drkit.Error
			require.ErrorAs(t, err, &last, "what the last look said")
			assert.Equal(t, http.StatusServiceUnavailable, last.Status)
			assert.GreaterOrEqual(t, time.Since(start), 2*time.Minute)
			assert.LessOrEqual(t, time.Since(start), 2*time.Minute+10*time.Second, "at the next look")
			assert.False(t, poller.Done())
			_, err = poller.Result()
			require.ErrorIs(t, err, drkit.ErrNotDone)
		}
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "vm", result)
	})
}

func TestOneGoodLookRestoresPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var good int
		source := &source{id: "task-1", look: func(context.Context, int) (drkit.Look[string], error) {
			switch minutes := time.Since(start).Minutes(); {
			case minutes > 10:
				return succeeded("vm")()
			case minutes >= float64(good+1)*1.5: // one good look every ninety seconds
				good++
				return running(good)()
			default:
				return unseen(answer(http.StatusBadGateway))()
			}
		}}
		result, err := drkit.NewPoller(source, patience).Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "vm", result)
		assert.Equal(t, 6, good)
	})
}

func TestWaitForTaskThatIsNotShown(t *testing.T) {
	t.Parallel()
	missing := unseen(answer(http.StatusNotFound))
	for name, tc := range map[string]struct {
		before time.Duration // from the start of the work to the wait
		source func() *source
		looks  int           // of the wait that ends in ErrTaskGone; 0: it succeeds
		after  time.Duration // how long such a wait takes at least
	}{
		"visible within the grace": {source: func() *source { return during(29*time.Second, missing, succeeded("vm")) }},
		"never visible": {
			source: func() *source { return play("task-1", missing) },
			looks:  -1, after: 30 * time.Second,
		},
		"wait begins after the grace": {
			before: time.Minute, source: func() *source { return play("task-1", missing) }, looks: 3,
		},
		"two misses are not enough": {
			before: time.Minute, source: func() *source { return play("task-1", missing, missing, succeeded("vm")) },
		},
		"a sighting starts the count again": {
			before: time.Minute,
			source: func() *source {
				return play("task-1", missing, missing, running(1), missing, missing, running(2), missing, missing, missing)
			},
			looks: 9,
		},
		"so does a look that fails": {
			before: time.Minute,
			source: func() *source {
				away := unseen(answer(http.StatusBadGateway))
				return play("task-1", missing, missing, away, missing, missing, away, missing, missing, missing)
			},
			looks: 9,
		},
		"a service that names no status": {
			before: time.Minute,
			source: func() *source { return play("task-1", unseen(fmt.Errorf("task-1: %w", drkit.ErrNotFound))) },
			looks:  3,
		},
		"gone from the list for good": {
			before: time.Minute,
			source: func() *source { return play("task-1", unseen(answer(http.StatusGone))) },
			looks:  3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := tc.source()
				poller := drkit.NewPoller(source, patience)
				<-time.After(tc.before)
				start := time.Now()
				result, err := poller.Wait(t.Context())
				if tc.looks == 0 {
					require.NoError(t, err)
					assert.Equal(t, "vm", result)
					return
				}
				require.ErrorIs(t, err, drkit.ErrTaskGone)
				require.ErrorIs(t, err, drkit.ErrNotFound, "what the service said")
				require.NotErrorIs(t, err, drkit.ErrUnavailable)
				assert.GreaterOrEqual(t, time.Since(start), tc.after)
				if tc.looks > 0 {
					assert.Equal(t, tc.looks, source.looks())
				}
				assert.False(t, poller.Done(), "nobody saw the work end")
			})
		})
	}
}

func TestWaitAgainForTaskThatWasGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		missing := unseen(drkit.ErrNotFound)
		source := play("task-1", append(times(5, missing), succeeded("vm"))...)
		poller := drkit.NewPoller(source, patience)
		<-time.After(time.Minute)
		_, err := poller.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "vm", result)
	})
}
