package transport_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

const opMove = "op-things.move"

// What there is is read immediately before each attempt, under the name of the operation.
func TestNoteBeforeEachAttempt(t *testing.T) {
	t.Parallel()
	note := []string{"GET jobs " + opMove, "GET 7 " + opMove}
	attempt := append(note, "POST move "+opMove) //nolint:gocritic // note has no room to spare
	for name, tc := range map[string]struct {
		faults []fault
		want   []string
	}{
		"one":                     {nil, attempt},
		"no connection":           {again(2, notConnected), slices.Concat(attempt, attempt, attempt)},
		"the service is busy":     {again(1, says(503, `{"code":"Busy","msg":"later"}`)), slices.Concat(attempt, attempt)},
		"refused, which is final": {again(1, says(409, `{"code":"InUse","msg":"no"}`)), attempt},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.breaks("move", tc.faults...)
				var shown []string
				ctx := drkit.OnResponse(t.Context(), func(r drkit.Response) { shown = append(shown, r.Operation) })
				_, err := y.move(ctx, y.client(t))
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Equal(t, tc.want, y.requests())
				for _, operation := range shown {
					assert.Equal(t, "fake.Things.Move", operation, "the note is nobody's to observe")
				}
			})
		})
	}
}

// A session that ends between the note and the attempt is begun anew, and the note is taken anew.
func TestNoteAfterTheSessionHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("sessions", signsIn("a"), signsIn("b"), says(204, ""))
		y.breaks("move", says(401, `{"code":"SessionOver","msg":"sign in"}`))
		var client *transport.Client
		client, err := newConfigured("https://a.example.com", withSession(&client), drkit.WithTransport(y))
		require.NoError(t, err)
		_, err = y.move(t.Context(), client)
		require.NoError(t, err)
		var sent []string
		for _, line := range y.requests() {
			sent = append(sent, strings.TrimSuffix(line, " "+opMove))
		}
		sent[0], sent[4] = sent[0][:13], sent[4][:13]
		note := []string{"GET jobs", "GET 7", "POST move"}
		assert.Equal(t, slices.Concat([]string{"POST sessions"}, note, []string{"POST sessions"}, note), sent)
		require.NoError(t, client.Close(t.Context()))
	})
}

func signsIn(token string) fault {
	return func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		return answers(200, `{}`, "X-Token", token)(req)
	}
}

// What could not be found again is not sent.
func TestNoteThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults map[string][]fault
		want   string
		is     error
		moves  int
		after  time.Duration // at most
	}{
		"forbidden": {
			map[string][]fault{"jobs": {says(403, `{"code":"Forbidden","msg":"no"}`)}},
			"fake.Things.Move: not sent, because the tasks of thing 7 cannot be read before: fake.Jobs.List: 403 Forbidden: no",
			drkit.ErrForbidden, 0, 0,
		},
		"no list": {
			map[string][]fault{"jobs": {says(200, `<html>`)}},
			"not sent, because the tasks of thing 7 cannot be read before: fake.Jobs.List: 200: the answer cannot be used", nil, 0, 0,
		},
		"no service": {
			map[string][]fault{"jobs": again(4, requestLost)},
			"not sent, because the tasks of thing 7 cannot be read before", drkit.ErrUnavailable, 0, time.Minute,
		},
		"no thing": {
			map[string][]fault{"7": {says(404, `{"code":"NotFound","msg":"gone"}`)}},
			"not sent, because thing 7 cannot be read before: fake.Things.Get: 404 NotFound: gone", drkit.ErrNotFound, 0, 0,
		},
		"before a second attempt": {
			map[string][]fault{"move": {notConnected}, "jobs": {nil, says(403, `{"code":"Forbidden","msg":"no"}`)}},
			"not sent, because the tasks of thing 7 cannot be read before", drkit.ErrForbidden, 1, time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				for what, faults := range tc.faults {
					y.breaks(what, faults...)
				}
				logger, written := newLogger(0)
				client := y.client(t, drkit.WithLogger(logger))
				began := time.Now()
				poller, err := y.move(t.Context(), client)
				require.ErrorContains(t, err, tc.want)
				assert.Nil(t, poller)
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.NotContains(t, err.Error(), "\n")
				if tc.is != nil {
					require.ErrorIs(t, err, tc.is)
				}
				assert.Equal(t, tc.moves, y.count("POST move"))
				assert.LessOrEqual(t, time.Since(began), tc.after)
				assert.Empty(t, y.jobs)
				assert.Equal(t, []any{"not sent"}, outcomes(t, written))
				assert.Zero(t, client.Remembered())

				_, err = y.move(drkit.WithoutNote(t.Context()), client)
				require.NoError(t, err, "who gives up finding it may send it")
				assert.Len(t, y.jobs, 1)
			})
		})
	}
}

// The same work under way is a conflict, whoever does it.
func TestSameWorkUnderWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		job    job
		refuse bool
	}{
		"the same":                 {job{Kind: "move", Thing: "7", User: "ops"}, true},
		"another user's":           {job{Kind: "move", Thing: "7", User: "ann"}, true},
		"one that has ended":       {job{Kind: "move", Thing: "7", User: "ops", Ended: time.Unix(1, 0)}, false},
		"of another kind":          {job{Kind: "shake", Thing: "7", User: "ops"}, false},
		"of a kind that is alike":  {job{Kind: "carry", Thing: "7", User: "ops"}, false},
		"of another thing":         {job{Kind: "move", Thing: "8", User: "ops"}, false},
		"of what nobody can say":   {job{Kind: "move", User: "ops"}, false},
		"that of a user unknown":   {job{Kind: "move", Thing: "7"}, true},
		"of another user, unclear": {job{Kind: "move", User: "ann"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				tc.job.ID = "job-0"
				if tc.job.Ended.IsZero() {
					tc.job.Ended = time.Now().Add(time.Hour)
				}
				y.add(tc.job)
				logger, written := newLogger(0)
				client := y.client(t, drkit.WithLogger(logger))
				_, err := y.move(t.Context(), client)
				if !tc.refuse {
					require.NoError(t, err)
					assert.Equal(t, []any{"accepted"}, outcomes(t, written))
					return
				}
				require.EqualError(t, err, "fake.Things.Move: not sent, because task job-0 does the same on thing 7 already "+
					"(POST /things/7/move, operation ID op-things.move)")
				require.ErrorIs(t, err, drkit.ErrConflict)
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Zero(t, y.count("POST"))
				assert.Equal(t, []any{"not sent"}, outcomes(t, written))
				assert.Zero(t, client.Remembered())
			})
		})
	}
}

// Somebody is quicker between an attempt that never left and the next.
func TestSameWorkBeforeASecondAttempt(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client := y.client(t)
		y.breaks("move", func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			y.add(job{ID: "job-0", Kind: "move", Thing: "7", User: "ann", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
			return neverConnects(req)
		})
		_, err := y.move(t.Context(), client)
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "job-0")
		assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, 1, y.count("POST move"))
	})
}

var errDrill = errors.New("the drill is over")

// The end of the caller's context in the note: nothing was sent.
func TestContextThatEndsInTheNote(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"jobs", "7"} {
		t.Run(what, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				ctx, cancel := context.WithCancelCause(t.Context())
				y.breaks(what, func(req *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
					time.AfterFunc(time.Second, func() { cancel(errDrill) })
					return stalls(req)
				})
				client := y.client(t)
				_, err := y.move(ctx, client)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, errDrill)
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.NotErrorIs(t, err, drkit.ErrUnavailable)
				assert.Zero(t, y.count("POST"))
				assert.Zero(t, client.Remembered())
			})
		})
	}
}

// Close in the note: nothing was sent.
func TestCloseInTheNote(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client := y.client(t)
		y.breaks("jobs", stuck)
		time.AfterFunc(time.Second, func() { _ = client.Close(context.Background()) })
		_, err := y.move(t.Context(), client)
		require.ErrorIs(t, err, drkit.ErrClosed)
		assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Zero(t, y.count("POST"))
		assert.Zero(t, client.Remembered())
	})
}

// A client that only reads takes no notes.
func TestReadOnlyTakesNoNote(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client := y.client(t, drkit.WithReadOnly())
		_, err := y.move(t.Context(), client)
		require.ErrorIs(t, err, drkit.ErrReadOnly)
		assert.Empty(t, y.requests())
	})
}

// A limit on requests holds for notes and looks as well, and delays without refusing.
func TestNoteUnderARateLimit(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client := y.client(t, drkit.WithRateLimit(1, 1))
		y.breaks("move", answerLost)
		poller, err := y.move(t.Context(), client)
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		assert.Equal(t, []string{"GET jobs " + opMove, "GET 7 " + opMove, "POST move " + opMove, "GET jobs " + opMove}, y.requests())
	})
}

// A service may say in its own words why nothing is sent.
func TestReasonNotToSend(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.add(job{ID: "job-0", Kind: "move", Thing: "7", User: "ops", Ended: time.Now().Add(time.Hour), Why: "it is on its way"})
		_, err := y.move(t.Context(), y.client(t))
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "fake.Things.Move: not sent, because it is on its way (")
		assert.Zero(t, y.count("POST"))
	})
}
