package transport_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// The one job that was not there before is taken for the answer, as soon as it shows.
func TestLostAnswerIsFound(t *testing.T) {
	t.Parallel()
	lost := map[string]fault{
		"connection lost": answerLost, "own time-out": stuck,
		"half an answer":  func(req *request, do doer) (*response, error) { _, _ = do(); return breaksOff(202)(req) },
		"no answer of it": func(req *request, do doer) (*response, error) { _, _ = do(); return answers(200, `<html>`)(req) },
		"failure": func(req *request, do doer) (*response, error) {
			_, _ = do()
			return answers(500, `{"code":"Oops"}`)(req)
		},
		"proxy's 401": func(req *request, do doer) (*response, error) { _, _ = do(); return answers(401, `no`)(req) },
		"throttled": func(req *request, do doer) (*response, error) {
			_, _ = do()
			return answers(429, `{"code":"Slow"}`)(req)
		},
	}
	for name, broken := range lost {
		for _, hidden := range []time.Duration{0, time.Second, 10 * time.Second, 29 * time.Second} {
			t.Run(name+" after "+hidden.String(), func(t *testing.T) {
				bubble(t, func(t *testing.T, y *yard) {
					y.hidden, y.takes = hidden, time.Hour
					y.breaks("move", broken)
					logger, written := newLogger(0)
					client := y.client(t, drkit.WithLogger(logger), drkit.WithTimeout(time.Second))
					began := time.Now()
					poller, err := y.move(t.Context(), client)
					require.NoError(t, err)
					assert.Equal(t, "job-1", poller.ID())
					assert.True(t, poller.Adopted())
					assert.Less(t, time.Since(began), hidden+polling.MaxInterval+2*time.Second)
					assert.Equal(t, 1, y.count("POST move"))
					assert.Equal(t, []any{"adopted"}, outcomes(t, written))
					assert.Zero(t, client.Remembered())
				})
			})
		}
	}
}

// A job that has ended by the time it is found, well or badly, is found like any other.
func TestLostAnswerOfAJobThatHasEnded(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.hidden = 10 * time.Second
		y.breaks("move", answerLost)
		poller, err := y.move(t.Context(), y.client(t))
		require.NoError(t, err)
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "job-1", result)
	})
}

// Nothing came of a request: that is known once the grace has passed, and not before.
func TestLostRequest(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLost)
		logger, written := newLogger(0)
		client := y.client(t, drkit.WithLogger(logger))
		began := time.Now()
		poller, err := y.move(t.Context(), client)
		assert.Nil(t, poller)
		took := time.Since(began)
		assert.GreaterOrEqual(t, took, polling.Grace)
		assert.LessOrEqual(t, took, polling.Grace+polling.MaxInterval)
		unknown := outcomeOf(t, err)
		assert.True(t, unknown.Untouched)
		assert.Equal(t, "thing 7", unknown.Resource)
		assert.Empty(t, unknown.Candidates)
		assert.NotNil(t, unknown.Lost)
		require.ErrorIs(t, err, errReset)
		require.EqualError(t, err, "fake.Things.Move: sent, but the outcome is unknown for thing 7: connection reset by peer: "+
			"no task came of it so far, and nothing there has changed (POST /things/7/move, operation ID op-things.move)")
		assert.Equal(t, 1, y.count("POST"))
		assert.Less(t, y.count("GET jobs"), 15, "looks grow rarer")
		assert.Equal(t, 2, y.count("GET 7"), "the thing itself is looked at once before, and once at the end")
		assert.Equal(t, []any{"unknown"}, outcomes(t, written))
		assert.Equal(t, 1, client.Remembered())
	})
}

// Work of another kind is in nobody's way, and is never taken for a lost operation: also by who can no longer tell it
// from one, as long as it was there before.
func TestWorkOfAnotherKind(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.takes = time.Hour
		turn := func(id string) {
			y.add(job{ID: id, Kind: "turn", Thing: "7", User: "ops", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
		}
		turn("job-a")
		y.breaks("move", func(req *request, do doer) (*response, error) { turn("job-b"); return answerLost(req, do) })
		poller, err := y.move(t.Context(), y.client(t))
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		assert.Equal(t, "job-3", poller.ID())
	})
	t.Run("no longer told apart", func(t *testing.T) {
		bubble(t, func(t *testing.T, y *yard) {
			y.add(job{ID: "job-a", Kind: "turn", Thing: "7", User: "ops", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
			y.breaks("move", func(req *request, do doer) (*response, error) { y.blind.Store(true); return answerLost(req, do) })
			poller, err := y.move(t.Context(), y.client(t))
			require.NoError(t, err)
			assert.Equal(t, "job-2", poller.ID())
		})
	})
}

// Two jobs that may be it are named, and none is taken.
func TestTwoNewJobs(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.takes = time.Hour
		y.breaks("move", func(req *request, do doer) (*response, error) {
			y.add(job{ID: "job-0", Kind: "move", Thing: "7", User: "ops", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
			y.add(job{ID: "job-x", Kind: "move", Thing: "7", User: "ann", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
			return answerLost(req, do)
		})
		began := time.Now()
		client := y.client(t)
		_, err := y.move(t.Context(), client)
		assert.Zero(t, time.Since(began), "no look can make it better")
		unknown := outcomeOf(t, err)
		assert.Equal(t, []string{"job-0", "job-3", "job-x (started by ann)"}, unknown.Candidates)
		assert.False(t, unknown.Untouched)
		require.ErrorIs(t, err, errReset)
		assert.Contains(t, err.Error(), "connection reset by peer; the look for it has ended in: there are 2 new tasks that may be it: "+
			"it may be job-0, or job-3, or job-x (started by ann)")
		_, err = y.move(t.Context(), client)
		assert.Equal(t, unknown.Error(), err.Error(), "and again")
		assert.Equal(t, 1, y.count("POST"))
	})
}

// Jobs that cannot be it are shown and not taken.
func TestVetoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		noted time.Duration // start of a job that was there before
		job   job
		start time.Duration
		want  []string
	}{
		"another user": {-time.Hour, job{Kind: "move", Thing: "7", User: "ann"}, 0, []string{"job-x (started by ann)"}},
		"no user":      {-time.Hour, job{Kind: "move", Thing: "7"}, 0, []string{"job-x (started by )"}},
		"another kind": {-time.Hour, job{Kind: "carry", Thing: "7", User: "ops"}, 0, []string{"job-x (it carries)"}},
		"older than the newest before": {
			-time.Hour, job{Kind: "move", Thing: "7", User: "ops"}, -2 * time.Hour, []string{"job-x (started before the operation was sent)"},
		},
		"the other's clock is ahead": {
			time.Hour, job{Kind: "move", Thing: "7", User: "ops"}, 0, []string{"job-x (started before the operation was sent)"},
		},
		"unclear, and failed": {-time.Hour, job{User: "ops"}, 0, []string{"job-x (whose work it was does not show)"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.add(job{ID: "job-0", Kind: "move", Thing: "7", User: "ops", Started: time.Now().Add(tc.noted), Ended: time.Now().Add(-time.Minute)})
				y.breaks("move", func(req *request, do doer) (*response, error) {
					tc.job.ID, tc.job.Started, tc.job.Ended = "job-x", time.Now().Add(tc.start), time.Now()
					y.add(tc.job)
					return requestLost(req, do)
				})
				_, err := y.move(t.Context(), y.client(t))
				unknown := outcomeOf(t, err)
				assert.Equal(t, tc.want, unknown.Candidates)
				assert.False(t, unknown.Untouched)
				assert.Contains(t, err.Error(), "it may be job-x (")
				assert.NotContains(t, err.Error(), "the look for it")
			})
		})
	}
}

// One job is it and another cannot be: the first is taken.
func TestOneJobBesideOthersThatCannotBeIt(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.takes = time.Hour
		y.breaks("move", func(req *request, do doer) (*response, error) {
			y.add(job{ID: "job-x", Kind: "move", Thing: "7", User: "ann", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
			return answerLost(req, do)
		})
		poller, err := y.move(t.Context(), y.client(t))
		require.NoError(t, err)
		assert.Equal(t, "job-2", poller.ID())
	})
}

// A job that shows at its end whose it is keeps the look going, also beyond the grace.
func TestUnclearJobs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		thing string // at its end
		found string
	}{
		"it is it":        {"7", "job-1"},
		"it is another's": {"8", ""},
		"it does not say": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.breaks("move", func(req *request, do doer) (*response, error) {
					j := job{ID: "job-1", Kind: "move", User: "ops", Started: time.Now(), Ended: time.Now().Add(2 * time.Hour)}
					y.add(j)
					time.AfterFunc(2*time.Hour, func() {
						y.forget()
						j.Thing = tc.thing
						y.add(j)
					})
					return requestLost(req, do)
				})
				began := time.Now()
				poller, err := y.move(t.Context(), y.client(t))
				assert.GreaterOrEqual(t, time.Since(began), 2*time.Hour)
				assert.Less(t, time.Since(began), 2*time.Hour+2*polling.MaxInterval)
				if tc.found != "" {
					require.NoError(t, err)
					assert.Equal(t, tc.found, poller.ID())
					return
				}
				unknown := outcomeOf(t, err)
				assert.Equal(t, tc.thing == "8", unknown.Untouched)
				if tc.thing == "" {
					assert.Equal(t, []string{"job-1 (whose work it was does not show)"}, unknown.Candidates)
				}
			})
		})
	}
}

// What is under way is named when the look is cut short.
func TestUnclearJobsOfALookThatIsCutShort(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", func(req *request, do doer) (*response, error) {
			y.add(job{ID: "job-x", User: "ops", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
			return requestLost(req, do)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		_, err := y.move(ctx, y.client(t))
		unknown := outcomeOf(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, []string{"job-x (under way, and whose work it is shows at its end)"}, unknown.Candidates)
		assert.False(t, unknown.Untouched)
	})
}

// Where no job is to be seen, the thing itself is asked what became of it.
func TestSettledByTheThingItself(t *testing.T) {
	t.Parallel()
	const none, there = "", "there"
	for name, tc := range map[string]struct {
		before, after string
		also          job // that has come up in the meantime
		busy          job // that was under way before
		settled       bool
		untouched     bool
		candidates    []string
	}{
		"it ran":                 {before: none, after: there, settled: true},
		"nothing has changed":    {before: none, after: none, untouched: true},
		"it was there already":   {before: there, after: there, untouched: true},
		"it is somewhere else":   {before: none, after: "elsewhere"},
		"another's may be it":    {before: none, after: there, also: job{ID: "job-x", Kind: "move", Thing: "7", User: "ann"}, candidates: []string{"job-x (started by ann)"}},
		"another's changed none": {before: none, after: none, also: job{ID: "job-x", Kind: "move", Thing: "7", User: "ann"}, candidates: []string{"job-x (started by ann)"}},
		"it was carried there":   {before: none, after: there, busy: job{ID: "job-b", Kind: "carry", Thing: "7", User: "ops"}, candidates: []string{"job-b (under way before it was sent)"}},
		"it was not carried":     {before: none, after: none, busy: job{ID: "job-b", Kind: "carry", Thing: "7", User: "ops"}, untouched: true},
		"unclear before, now it": {before: none, after: there, busy: job{ID: "job-b", Kind: "move", User: "ops"}, candidates: []string{"job-b (under way before it was sent)"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.places["7"] = tc.before
				if tc.busy.ID != "" {
					tc.busy.Ended = time.Now().Add(time.Hour)
					y.add(tc.busy)
				}
				y.breaks("move", func(req *request, do doer) (*response, error) {
					y.places["7"] = tc.after
					if tc.also.ID != "" {
						tc.also.Started = time.Now()
						y.add(tc.also)
					}
					return requestLost(req, do)
				})
				logger, written := newLogger(0)
				client := y.client(t, drkit.WithLogger(logger))
				began := time.Now()
				poller, err := y.move(t.Context(), client)
				assert.GreaterOrEqual(t, time.Since(began), polling.Grace)
				if tc.settled {
					require.NoError(t, err)
					assert.Equal(t, "settled", poller.ID())
					assert.Equal(t, []any{"adopted"}, outcomes(t, written))
					assert.Zero(t, client.Remembered())
					return
				}
				unknown := outcomeOf(t, err)
				assert.Equal(t, tc.untouched, unknown.Untouched)
				assert.Equal(t, tc.candidates, unknown.Candidates)
			})
		})
	}
}

// A carrier that has been forgotten meanwhile may still have carried it there.
func TestSettledByWhatWasUnderWayAndIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.add(job{ID: "job-b", Kind: "carry", Thing: "7", User: "ops", Ended: time.Now().Add(time.Hour)})
		y.breaks("move", func(req *request, do doer) (*response, error) {
			y.forget()
			y.places["7"] = "there"
			return requestLost(req, do)
		})
		_, err := y.move(t.Context(), y.client(t))
		assert.Equal(t, []string{"job-b (under way before it was sent)"}, outcomeOf(t, err).Candidates)
	})
}

// A thing that proves nothing leaves the outcome open.
func TestNothingToSettleBy(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("shake", requestLost)
		_, err := y.start(t.Context(), y.client(t), &shakeThing, "7", nil)
		unknown := outcomeOf(t, err)
		assert.False(t, unknown.Untouched)
		assert.Empty(t, unknown.Candidates)
		assert.Zero(t, y.count("GET 7"))
		require.EqualError(t, err, "fake.Things.Shake: sent, but the outcome is unknown for thing 7: connection reset by peer "+
			"(POST /things/7/shake, operation ID op-things.shake)")
	})
}

// A service that is away is waited for, as long as PollPolicy allows.
func TestLooksThatFail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		broken fault
		times  int
		after  time.Duration // the look ends at the earliest
		before time.Duration
		is     error
		found  bool
	}{
		"for a while":         {requestLost, 200, polling.Grace, polling.MaxUnreachable, nil, true},
		"for ever":            {requestLost, 10000, polling.MaxUnreachable, polling.MaxUnreachable + time.Minute, drkit.ErrUnavailable, false},
		"what nobody knows":   {says(400, `{"code":"Odd"}`), 10000, polling.MaxUnreachable, polling.MaxUnreachable + time.Minute, nil, false},
		"forbidden":           {says(403, `{"code":"Forbidden"}`), 1, 0, time.Second, drkit.ErrForbidden, false},
		"a proxy for a while": {says(403, "<html>"), 200, polling.Grace, polling.MaxUnreachable, nil, true},
		"a proxy for ever":    {says(403, "<html>"), 10000, polling.MaxUnreachable, polling.MaxUnreachable + time.Minute, drkit.ErrForbidden, false},
		"no session any more": {says(401, `{"code":"SessionOver"}`), 1, 0, time.Second, drkit.ErrUnauthorized, false},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.takes = time.Hour
				y.breaks("move", func(req *request, do doer) (*response, error) {
					y.breaks("jobs", again(tc.times, tc.broken)...)
					return answerLost(req, do)
				})
				client := y.client(t)
				began := time.Now()
				poller, err := y.move(t.Context(), client)
				took := time.Since(began)
				assert.GreaterOrEqual(t, took, tc.after)
				assert.LessOrEqual(t, took, tc.before)
				if tc.found {
					require.NoError(t, err)
					assert.Equal(t, "job-1", poller.ID())
					return
				}
				unknown := outcomeOf(t, err)
				assert.False(t, unknown.Untouched)
				require.ErrorIs(t, err, errReset, "what came instead of an answer")
				require.ErrorContains(t, err, "fake.Things.Move: sent, but the outcome is unknown for thing 7: connection reset by peer; "+
					"the look for it has ended in: fake.Jobs.List: ")
				if tc.is != nil {
					require.ErrorIs(t, err, tc.is)
				}
				assert.Equal(t, 1, client.Remembered())
				assert.Equal(t, 1, y.count("POST"))
			})
		})
	}
}

// Failures are counted anew after a look that was none.
func TestLooksThatFailNowAndThen(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.takes = time.Hour
		impatient := polling
		impatient.Grace, impatient.MaxUnreachable = time.Hour, time.Minute
		y.breaks("move", func(req *request, do doer) (*response, error) {
			half := again(12, says(400, `{"code":"Odd"}`)) // of a minute and a half
			y.breaks("jobs", slices.Concat(half, []fault{says(200, `[]`)}, half)...)
			return answerLost(req, do)
		})
		began := time.Now()
		poller, err := y.move(t.Context(), y.client(t, drkit.WithPolling(impatient)))
		require.NoError(t, err)
		assert.Equal(t, "job-1", poller.ID())
		assert.Greater(t, time.Since(began), impatient.MaxUnreachable)
	})
}
