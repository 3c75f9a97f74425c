package vcav_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// bubble runs a test in synctest.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// A failed look is not failed work, whatever has failed.
func TestLooksThatFailAreRepeated(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{
		"busy":       status(503, httpmock.NewStringResponder(503, `{"code":"Busy","msg":"later"}`)),
		"throttled":  status(429, httpmock.NewStringResponder(429, `{"code":"Busy","msg":"later"}`)),
		"gateway":    page(502),
		"failure":    answer(t, 500, "error"),
		"page":       page(200),
		"broken off": brokenOff(200, `{"id":`),
		"no answer":  httpmock.NewErrorResponder(errors.New("connection reset by peer")),
		"null":       httpmock.NewStringResponder(200, `null`),
		"no id":      httpmock.NewStringResponder(200, `{"state":"SUCCEEDED"}`),
		"not yet":    answer(t, 404, "error_not_found"),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, poller := followed(t, taskAt("RUNNING", 10), trouble, trouble, answer(t, 200, "tasks_get.answer"))
				done, err := poller.Wait(wire(t))
				require.NoError(t, err)
				assert.Equal(t, recovered(), done)
				assert.Len(t, s.lines(), 1+4)
			})
		})
	}
}

// A state that nobody knows is not the end, nor is a state that is missing.
func TestUnknownStatesAreNotTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, poller := followed(t, taskAt("PONDERING", 50), taskAt("", 60), taskAt("CANCELLED", 100),
			taskAt("succeeded", 100), answer(t, 200, "tasks_get.answer"))
		for _, state := range []drkit.State{"PONDERING", "", "CANCELLED", "succeeded"} {
			progress, err := poller.Poll(wire(t))
			require.NoError(t, err)
			assert.Equal(t, state, progress.State)
			assert.False(t, poller.Done())
		}
		_, err := poller.Wait(wire(t))
		require.NoError(t, err)
		assert.Len(t, s.lines(), 1+5)
	})
}

// A task that is not shown for longer than the grace, several times in a row, is gone.
func TestTaskThatIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		missing := status(404, httpmock.NewStringResponder(404, `{"code":"TaskNotFound","msg":"There is no such task."}`))
		s, poller := followed(t, taskAt("RUNNING", 10), missing)
		_, err := poller.Wait(wire(t))
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		require.ErrorIs(t, err, drkit.ErrNotFound)
		require.ErrorContains(t, err, taskID)
		assert.Equal(t, "TaskNotFound", answerOf(t, err).Code)
		assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Greater(t, time.Since(began), polling.Grace)
		assert.Less(t, time.Since(began), polling.Grace+4*polling.MaxInterval)
		assert.False(t, poller.Done())
		looks := len(s.lines())
		assert.Greater(t, looks, 5)

		_, err = poller.Wait(wire(t))
		require.ErrorIs(t, err, drkit.ErrTaskGone, "it may be waited for again")
		assert.Greater(t, len(s.lines()), looks)
	})
}

// A service that stays away ends the wait in the end, and may come back.
func TestServiceThatStaysAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		away, done := true, answer(t, 200, "tasks_get.answer")
		s, poller := followed(t, func(r *http.Request) (*http.Response, error) {
			if away {
				return nil, errors.New("no route to host")
			}
			return done(r)
		})
		began := time.Now()
		_, err := poller.Wait(wire(t))
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		require.ErrorContains(t, err, "no route to host")
		assert.GreaterOrEqual(t, time.Since(began), polling.MaxUnreachable)
		assert.Less(t, time.Since(began), polling.MaxUnreachable+2*polling.MaxInterval)
		assert.Less(t, len(s.lines()), 120, "the pauses grow")

		away = false
		result, err := poller.Wait(wire(t))
		require.NoError(t, err)
		assert.Equal(t, recovered(), result)
	})
}

// Waiting takes as long as the work: an expired session is begun anew under way, once.
func TestSessionThatExpiresUnderAWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.signsIn("Zmlyc3Q=", "c2Vjb25k")
		s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
		s.on("GET", "/tasks/"+taskID, taskAt("RUNNING", 10), answer(t, 401, "error_not_authenticated"),
			taskAt("RUNNING", 20), answer(t, 200, "tasks_get.answer"))
		client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), drkit.WithPolling(polling))
		poller, err := client.VMReplications.Failover(wire(t), ordersID, cloudFailover())
		require.NoError(t, err)
		_, err = poller.Wait(wire(t))
		require.NoError(t, err)
		require.NoError(t, client.Close(wire(t)))
		in, get := "POST /sessions", "GET /tasks/"+taskID
		assert.Equal(t, []string{in, "POST " + failoverPath, get, get, in, get, get, "DELETE /sessions"}, s.lines())
	})
}

// A look that is refused will be refused again: the wait ends, and the work goes on.
func TestLookThatIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refused httpmock.Responder
		want    error
	}{
		"no session": {answer(t, 401, "error_not_authenticated"), drkit.ErrUnauthorized},
		"forbidden":  {answer(t, 403, "error_forbidden"), drkit.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, poller := followed(t, taskAt("RUNNING", 10), tc.refused, answer(t, 200, "tasks_get.answer"))
				_, err := poller.Wait(wire(t))
				require.ErrorIs(t, err, tc.want)
				assert.False(t, poller.Done())
				assert.Len(t, s.lines(), 1+2)
				_, err = poller.Wait(wire(t))
				require.NoError(t, err)
			})
		})
	}
}

// The end of a context ends the wait at once and leaves the work alone.
func TestWaitWhoseContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, poller := followed(t, taskAt("RUNNING", 10), taskAt("RUNNING", 20), taskAt("RUNNING", 30), answer(t, 200, "tasks_get.answer"))
		began := time.Now()
		ctx, cancel := context.WithTimeout(wire(t), 2*time.Second)
		defer cancel()
		_, err := poller.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, taskID+" (RUNNING)")
		assert.Equal(t, 2*time.Second, time.Since(began))
		done, err := poller.Wait(wire(t))
		require.NoError(t, err)
		assert.Equal(t, recovered(), done)
	})
}

func TestCloseEndsTheWaitForATask(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
		s.on("GET", "/tasks/"+taskID, taskAt("RUNNING", 10))
		client := s.client(drkit.WithPolling(polling))
		poller, err := client.VMReplications.Failover(wire(t), ordersID, cloudFailover())
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() { _, err := poller.Wait(wire(t)); ended <- err }()
		synctest.Wait()
		require.NoError(t, client.Close(wire(t)))
		err = <-ended
		require.ErrorIs(t, err, drkit.ErrClosed)
		assert.NotErrorIs(t, err, context.Canceled, "the caller's context has not ended")
	})
}

// Many waits, one of them for work that fails: each has its own end.
func TestWaitAllOfOneClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
		s.on("POST", "/vm-replications/"+lostID+"/failover-test", taskAt("RUNNING", 0, with("id", failedTask().ID)))
		s.on("POST", pollPath, answer(t, 200, "tasks_poll.answer"))
		s.on("GET", "/tasks/"+taskID, answer(t, 200, "tasks_get.answer"))
		client := s.client(drkit.WithPolling(polling))
		first, err := client.VMReplications.Failover(wire(t), ordersID, cloudFailover())
		require.NoError(t, err)
		second, err := client.VMReplications.TestFailover(wire(t), lostID, vCenterFailoverTest())
		require.NoError(t, err)
		outcomes, err := drkit.WaitAll(wire(t), []*poller{first, second})
		require.ErrorIs(t, err, drkit.ErrNotFound)
		require.Len(t, outcomes, 2)
		require.NoError(t, outcomes[0].Err)
		assert.Equal(t, recovered(), outcomes[0].Result)
		var failed *drkit.TaskError
		require.ErrorAs(t, outcomes[1].Err, &failed)
		assert.Equal(t, "vcav.VMReplications.TestFailover", failed.Operation)
	})
}
