package transport_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// The caller's context ends the look at once, wherever it is; the operation is not forgotten.
func TestContextThatEndsTheLook(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plan  func(y *yard, cancel func())
		jobs  int // lists read, before and after
		cause string
	}{
		"while it is sent": {func(y *yard, cancel func()) {
			y.breaks("move", func(req *request, do doer) (*response, error) { cancel(); return stuck(req, do) })
		}, 1, ""},
		"before the first look": {func(y *yard, cancel func()) {
			y.breaks("move", func(req *request, do doer) (*response, error) { defer cancel(); return answerLost(req, do) })
		}, 1, ""},
		"in a look": {func(y *yard, cancel func()) {
			y.breaks("move", func(req *request, do doer) (*response, error) {
				y.breaks("jobs", func(req *request, do doer) (*response, error) { cancel(); return stuck(req, do) })
				return requestLost(req, do)
			})
		}, 2, "connection reset by peer; the look for it has ended in: "},
		"between two looks": {func(y *yard, cancel func()) {
			y.breaks("move", func(req *request, do doer) (*response, error) {
				time.AfterFunc(500*time.Millisecond, cancel)
				return requestLost(req, do)
			})
		}, 2, "connection reset by peer; the look for it has ended in: context canceled: the drill is over"},
		"looking at the thing": {func(y *yard, cancel func()) {
			y.breaks("move", func(req *request, do doer) (*response, error) {
				y.breaks("7", func(req *request, do doer) (*response, error) { cancel(); return stuck(req, do) })
				return requestLost(req, do)
			})
		}, -1, "the look for it has ended in: "},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				ctx, cancel := context.WithCancelCause(t.Context())
				y.takes = time.Hour
				tc.plan(y, func() { cancel(errDrill) })
				logger, written := newLogger(0)
				client := y.client(t, drkit.WithLogger(logger))
				_, err := y.move(ctx, client)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, errDrill)
				require.ErrorContains(t, err, tc.cause)
				assert.NotContains(t, err.Error(), "context canceled: the drill is over; ", "it is said once")
				if tc.jobs >= 0 {
					assert.Equal(t, tc.jobs, y.count("GET jobs"))
				}
				assert.Equal(t, []any{"unknown"}, outcomes(t, written))
				assert.Equal(t, 1, client.Remembered())
			})
		})
	}
}

// The context ends when the answer has come, and before it is found to be of no use.
func TestContextThatEndsWithAnAnswerOfNoUse(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		ctx, cancel := context.WithCancelCause(t.Context())
		client := y.client(t)
		call := transport.Call{Operation: &moveThing, Path: []string{"7"}, Work: y.work(client, &moveThing, "7"), Check: func() error {
			cancel(errDrill)
			return errNoUse
		}}
		_, err := client.Do(ctx, call, &thing{})
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, errDrill)
		require.ErrorIs(t, err, errNoUse)
		assert.Equal(t, 1, y.count("GET jobs"))
		poller, err := drkit.Recover[string](t.Context(), err)
		require.NoError(t, err)
		assert.Equal(t, "job-1", poller.ID())
	})
}

// Close ends the look at once.
func TestCloseEndsTheLook(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]func(y *yard){
		"between two": func(y *yard) { y.breaks("move", requestLost) },
		"in one": func(y *yard) {
			y.breaks("move", func(req *request, do doer) (*response, error) {
				y.breaks("jobs", stuck)
				return requestLost(req, do)
			})
		},
		"while it is sent": func(y *yard) { y.breaks("move", stuck) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				plan(y)
				client := y.client(t)
				began := time.Now()
				time.AfterFunc(10*time.Second, func() { _ = client.Close(context.Background()) })
				_, err := y.move(t.Context(), client)
				unknown := outcomeOf(t, err)
				require.ErrorIs(t, err, drkit.ErrClosed)
				assert.Equal(t, 10*time.Second, time.Since(began))
				_, again := drkit.Recover[string](t.Context(), err)
				require.ErrorIs(t, again, drkit.ErrClosed)
				require.ErrorIs(t, again, drkit.ErrOutcomeUnknown)
				assert.NotSame(t, unknown, outcomeOf(t, again))
			})
		})
	}
}

// The list is read once more when the job has ended that was taken for the answer.
func TestSecondJobThatComesToLight(t *testing.T) {
	t.Parallel()
	second := job{ID: "job-x", Kind: "move", Thing: "7", User: "ops"}
	for name, tc := range map[string]struct {
		second job
		start  time.Duration // after the operation was sent
		want   string
	}{
		"none":                       {job{}, 0, ""},
		"one like it":                {second, 0, "fake.Things.Move: task job-2 was adopted for it, and then task job-x came to light, which may be it as well (POST"},
		"just before the end":        {second, time.Second - time.Millisecond, "job-x came to light"},
		"after the end":              {second, time.Second, ""},
		"of somebody else":           {job{ID: "job-x", Kind: "move", Thing: "7", User: "ann"}, 0, ""},
		"of another thing":           {job{ID: "job-x", Kind: "move", Thing: "8", User: "ops"}, 0, ""},
		"started before all of them": {second, -time.Hour, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.add(job{ID: "job-0", Kind: "move", Thing: "7", User: "ops", Started: time.Now().Add(-time.Minute), Ended: time.Now().Add(-time.Minute)})
				y.breaks("move", answerLost)
				sent := time.Now()
				poller, err := y.move(t.Context(), y.client(t))
				require.NoError(t, err)
				assert.Equal(t, "job-2", poller.ID())
				tc.second.Started, tc.second.Ended = sent.Add(tc.start), sent.Add(time.Hour)
				y.add(tc.second)
				<-time.After(time.Hour)
				y.breaks("jobs", says(503, `{"code":"Busy"}`))
				_, err = poller.Wait(t.Context())
				if tc.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, drkit.ErrConflict)
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				require.ErrorContains(t, err, tc.want)
			})
		})
	}
}

// What cannot be read ends no wait: the end is seen again.
func TestListThatCannotBeReadAtTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", answerLost)
		poller, err := y.move(t.Context(), y.client(t, drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})))
		require.NoError(t, err)
		y.breaks("jobs", again(5, requestLost)...)
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "job-1", result)

		y.breaks("move", answerLost)
		poller, err = y.move(t.Context(), y.client(t))
		require.NoError(t, err)
		y.breaks("jobs", again(3, says(409, `{"code":"Odd"}`))...)
		<-time.After(time.Hour)
		_, err = poller.Poll(t.Context())
		require.NotErrorIs(t, err, drkit.ErrConflict, "that is what a task ends in which is not alone")
		var said *drkit.Error
		require.ErrorAs(t, err, &said)
		assert.Equal(t, 409, said.Status)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)

		y.breaks("move", answerLost)
		poller, err = y.move(t.Context(), y.client(t))
		require.NoError(t, err)
		y.breaks("jobs", says(403, `{"code":"Forbidden"}`))
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrForbidden)
		assert.False(t, poller.Done())
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
	})
}

var errNoUse = errors.New("no use")

// A state that cannot be read keeps the look going, like a list.
func TestThingThatCannotBeReadAfterwards(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", func(req *request, do doer) (*response, error) {
			y.breaks("7", again(40, func(*request, doer) (*response, error) { return nil, errNoUse })...)
			return requestLost(req, do)
		})
		_, err := y.move(t.Context(), y.client(t))
		assert.True(t, outcomeOf(t, err).Untouched)
		assert.NotErrorIs(t, err, errNoUse)
	})
}
