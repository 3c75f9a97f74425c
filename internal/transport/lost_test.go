package transport_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// giveUp calls a move whose caller gives up after a second, and returns its error.
func (y *yard) giveUp(t *testing.T, client *transport.Client) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_, err := y.move(ctx, client)
	require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, 1, client.Remembered())
	return err
}

// The next call on a resource first looks for what is still unknown there.
func TestNextCallLooksFirst(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lost  fault
		later time.Duration // of the next call
		next  *api.Operation
		thing string
		body  any
		// What becomes of the next call.
		adopted  string
		sent     string
		unknown  string
		looks    int // between the loss and what is sent
		untraced bool
	}{
		"the same, and it is found":                 {lost: stuck, next: &moveThing, thing: "7", adopted: "job-1", looks: 1},
		"another body, and it is found and over":    {lost: stuck, later: time.Hour, next: &moveThing, thing: "7", body: "b", sent: "job-2", looks: 1},
		"another kind, and it is found":             {lost: stuck, next: &shakeThing, thing: "7", sent: "job-2", looks: 1},
		"the same, and too soon to tell":            {lost: requestLost, next: &moveThing, thing: "7", unknown: "fake.Things.Move: sent, but the outcome is unknown for thing 7: connection reset by peer (POST", looks: 1},
		"the same, and nothing is found":            {lost: requestLost, later: time.Hour, next: &moveThing, thing: "7", unknown: "nothing there has changed", looks: 1},
		"another kind, and nothing is found":        {lost: requestLost, later: time.Hour, next: &shakeThing, thing: "7", unknown: "fake.Things.Shake: not sent: fake.Things.Move: sent, but the outcome is unknown for thing 7: ", looks: 1},
		"another body, and nothing is found":        {lost: requestLost, later: time.Hour, next: &moveThing, thing: "7", body: "b", unknown: "fake.Things.Move: not sent: fake.Things.Move: sent", looks: 1},
		"another thing":                             {lost: requestLost, next: &moveThing, thing: "8", sent: "job-1"},
		"without a note, and it is found":           {lost: stuck, next: &moveThing, thing: "7", adopted: "job-1", looks: 1, untraced: true},
		"without a note, and nothing is found":      {lost: requestLost, later: time.Hour, next: &moveThing, thing: "7", unknown: "nothing there has changed", looks: 1, untraced: true},
		"without a note, another thing":             {lost: requestLost, next: &moveThing, thing: "8", sent: "job-1", untraced: true},
		"it came late, and the same is asked for":   {lost: requestLate(time.Minute), later: time.Hour, next: &moveThing, thing: "7", adopted: "job-1", looks: 1},
		"it came late, and something else is asked": {lost: requestLate(time.Minute), later: time.Hour, next: &shakeThing, thing: "7", sent: "job-2", looks: 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.breaks("move", tc.lost)
				logger, written := newLogger(0)
				client := y.client(t, drkit.WithLogger(logger))
				first := y.giveUp(t, client)
				<-time.After(tc.later)
				before, posts := y.count("GET jobs "+opMove), y.count("POST")
				ctx := t.Context()
				if tc.untraced {
					ctx = drkit.WithoutNote(ctx)
				}
				poller, err := y.start(ctx, client, tc.next, tc.thing, tc.body)
				switch {
				case tc.unknown != "":
					require.ErrorContains(t, err, tc.unknown)
					again := outcomeOf(t, err)
					assert.NotSame(t, outcomeOf(t, first), again)
					assert.Same(t, outcomeOf(t, first).Lost, again.Lost)
					assert.Equal(t, opMove, again.OperationID)
					assert.NotErrorIs(t, err, context.DeadlineExceeded, "that was the context of the first call")
					assert.Equal(t, posts, y.count("POST"), "nothing is sent")
					assert.Equal(t, []any{"unknown", "not sent"}, outcomes(t, written))
					assert.Equal(t, 1, client.Remembered())
				case tc.adopted != "":
					require.NoError(t, err)
					assert.Equal(t, tc.adopted, poller.ID())
					assert.True(t, poller.Adopted())
					assert.Equal(t, posts, y.count("POST"), "nothing is sent")
					assert.Equal(t, []any{"unknown", "adopted"}, outcomes(t, written))
					assert.Zero(t, client.Remembered())
				default:
					require.NoError(t, err)
					assert.Equal(t, tc.sent, poller.ID())
					assert.False(t, poller.Adopted())
					assert.Equal(t, posts+1, y.count("POST"))
					assert.Equal(t, []any{"unknown", "accepted"}, outcomes(t, written))
				}
				own := 0
				if tc.next == &moveThing && tc.sent != "" && !tc.untraced {
					own = 1 // its own note
				}
				assert.Equal(t, tc.looks, y.count("GET jobs "+opMove)-before-own)
			})
		})
	}
}

// The errors of one lost operation are equal, and none of them is shared.
func TestErrorsOfALostOperationAreCopies(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", func(req *request, do doer) (*response, error) {
			y.add(job{ID: "job-x", Kind: "move", Thing: "7", User: "ann", Started: time.Now(), Ended: time.Now()})
			return requestLost(req, do)
		})
		client := y.client(t)
		_, first := y.move(t.Context(), client)
		want := first.Error()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				_, err := y.move(t.Context(), client)
				unknown := outcomeOf(t, err)
				assert.Equal(t, want, err.Error())
				unknown.Candidates[0], unknown.Err, unknown.Resource = "mine", nil, "mine" // as a careless caller does
				_, err = drkit.Recover[string](t.Context(), err)
				assert.Equal(t, want, err.Error())
			})
		}
		all.Wait()
		assert.Equal(t, 1, y.count("POST"))
	})
}

// Discard lets the next operation go its way, for this resource and this unknown alone.
func TestDiscard(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLost, requestLost)
		client := y.client(t)
		first := y.giveUp(t, client)
		assert.True(t, drkit.Discard(first))
		assert.Zero(t, client.Remembered())
		assert.True(t, drkit.Discard(first), "as often as one likes")

		second := y.giveUp(t, client)
		assert.Equal(t, 2, y.count("POST"))
		assert.True(t, drkit.Discard(first), "which is not the second")
		assert.Equal(t, 1, client.Remembered())
		_, err := y.move(t.Context(), client)
		assert.Same(t, outcomeOf(t, second).Lost, outcomeOf(t, err).Lost)
		assert.Equal(t, 2, y.count("POST"))

		assert.True(t, drkit.Discard(err), "an error of the same operation serves as well")
		poller, err := y.move(t.Context(), client)
		require.NoError(t, err)
		assert.False(t, poller.Adopted())
		assert.Equal(t, 3, y.count("POST"))
		assert.Zero(t, client.Remembered())
	})
}

// Discard while the look for it is under way counts when the look has ended.
func TestDiscardInTheMiddle(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLost)
		client := y.client(t)
		lost := y.giveUp(t, client)
		time.AfterFunc(time.Second, func() { drkit.Discard(lost) })
		_, err := drkit.Recover[string](t.Context(), lost)
		assert.True(t, outcomeOf(t, err).Untouched, "it was looked for nevertheless")
		assert.Zero(t, client.Remembered())
		_, err = drkit.Recover[string](t.Context(), err)
		require.ErrorContains(t, err, "the look for it has ended in: it was discarded")
		assert.Zero(t, client.Remembered())
		_, err = y.move(t.Context(), client)
		require.NoError(t, err)
	})
}

// Discard of what was settled long ago forgets nothing that has come after it, on a resource that was never at
// rest in between.
func TestDiscardOfAnEarlierOne(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", stuck, requestLost)
		y.breaks("shake", slowly(5*time.Second))
		client := y.client(t)
		first := y.giveUp(t, client)
		var all sync.WaitGroup
		all.Go(func() {
			_, err := y.start(t.Context(), client, &shakeThing, "7", nil) // finds the first on its way
			assert.NoError(t, err)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, second := y.start(ctx, client, &moveThing, "7", "b") // has waited for its turn
		all.Wait()
		require.ErrorIs(t, second, drkit.ErrOutcomeUnknown)
		assert.NotSame(t, outcomeOf(t, first).Lost, outcomeOf(t, second).Lost)
		drkit.Discard(first)
		assert.Equal(t, 1, client.Remembered())
		_, err := y.start(t.Context(), client, &moveThing, "7", "b")
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, 2, y.count("POST move"))
	})
}

// Discard while one looks for it and another waits for the turn: the other goes its way.
func TestDiscardUnderOneWhoWaits(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLost)
		client := y.client(t)
		lost := y.giveUp(t, client)
		var all sync.WaitGroup
		all.Go(func() {
			_, err := drkit.Recover[string](t.Context(), lost)
			assert.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		})
		synctest.Wait()
		all.Go(func() {
			poller, err := y.move(t.Context(), client)
			if assert.NoError(t, err) {
				assert.False(t, poller.Adopted())
			}
		})
		synctest.Wait()
		drkit.Discard(lost)
		all.Wait()
		assert.Equal(t, 2, y.count("POST"))
		assert.Zero(t, client.Remembered())
	})
}

// What somebody else's call has found goes to who calls for the same, once, and is not sent a second time.
func TestNextCallGetsWhatAnotherHasFound(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", stuck)
		client := y.client(t)
		require.ErrorIs(t, y.giveUp(t, client), drkit.ErrOutcomeUnknown)
		_, err := y.start(t.Context(), client, &shakeThing, "7", nil)
		require.NoError(t, err)
		<-time.After(time.Hour)
		poller, err := y.move(t.Context(), client)
		require.NoError(t, err)
		assert.Equal(t, "job-1", poller.ID())
		assert.True(t, poller.Adopted())
		assert.Equal(t, 1, y.count("POST move"))
		assert.Zero(t, client.Remembered())
		poller, err = y.move(t.Context(), client)
		require.NoError(t, err, "from here on it is another one")
		assert.False(t, poller.Adopted())
		assert.Equal(t, 2, y.count("POST move"))
	})
}

// The same call at another site is another call.
func TestNextCallAtAnotherSite(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", stuck)
		client := y.client(t)
		require.ErrorIs(t, y.giveUp(t, client), drkit.ErrOutcomeUnknown)
		<-time.After(time.Minute)
		call := transport.Call{Operation: &moveThing, Path: []string{"7"}, Site: "south", Work: y.work(client, &moveThing, "7")}
		answer, err := client.Do(t.Context(), call, &thing{})
		require.NoError(t, err)
		assert.Nil(t, answer.Poller)
		assert.Equal(t, 2, y.count("POST"))
	})
}

func TestRecoverLost(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lost  fault
		later time.Duration
		took  time.Duration // at the most, after the grace where it has to be waited out
		found string
		want  string
	}{
		"it is there":                 {stuck, 0, 0, "job-1", ""},
		"it comes within the grace":   {requestLate(20 * time.Second), 0, polling.Grace, "job-1", ""},
		"it comes after the grace":    {requestLate(time.Hour), 2 * time.Hour, 0, "job-1", ""},
		"it never comes":              {requestLost, 0, polling.Grace + polling.MaxInterval, "", "nothing there has changed"},
		"it never comes, and is late": {requestLost, time.Hour, 0, "", "nothing there has changed"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.breaks("move", tc.lost)
				logger, written := newLogger(0)
				client := y.client(t, drkit.WithLogger(logger))
				lost := fmt.Errorf("runbook: %w", y.giveUp(t, client))
				<-time.After(tc.later)
				began, posts := time.Now(), y.count("POST")
				poller, err := drkit.Recover[string](t.Context(), lost)
				assert.LessOrEqual(t, time.Since(began), tc.took)
				assert.Equal(t, posts, y.count("POST"), "nothing but reads")
				assert.Equal(t, []any{"unknown"}, outcomes(t, written), "it is no call of its own")
				if tc.found == "" {
					again := outcomeOf(t, err)
					assert.True(t, again.Untouched)
					assert.NotSame(t, outcomeOf(t, lost), again)
					require.ErrorContains(t, err, tc.want)
					assert.Equal(t, 1, client.Remembered())
					return
				}
				require.NoError(t, err)
				assert.Equal(t, tc.found, poller.ID())
				assert.True(t, poller.Adopted())
				assert.Zero(t, client.Remembered())
				again, err := drkit.Recover[string](t.Context(), lost)
				require.NoError(t, err, "as often as one likes")
				assert.Equal(t, tc.found, again.ID())
				assert.Zero(t, client.Remembered())
				_, err = drkit.Recover[int](t.Context(), lost)
				require.ErrorContains(t, err, "fake.Things.Move was found, but leads to a *drkit.Poller[string] and not to a *drkit.Poller[int]")
			})
		})
	}
}

// What somebody else has settled or discarded meanwhile.
func TestRecoverOfWhatWasSettled(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", stuck)
		client := y.client(t)
		lost := y.giveUp(t, client)
		_, err := y.start(t.Context(), client, &shakeThing, "7", nil) // finds it on its way
		require.NoError(t, err)
		assert.Equal(t, 1, client.Remembered(), "until who has lost it hears of it")
		jobs := y.count("GET jobs")
		poller, err := drkit.Recover[string](t.Context(), lost)
		require.NoError(t, err)
		assert.Zero(t, client.Remembered())
		assert.Equal(t, "job-1", poller.ID())
		assert.Equal(t, jobs, y.count("GET jobs"), "it is known")
		drkit.Discard(lost)
		_, err = drkit.Recover[string](t.Context(), lost)
		require.NoError(t, err, "what was found stays found")

		y.breaks("move", requestLost, requestLost)
		<-time.After(time.Minute)
		first := y.giveUp(t, client)
		drkit.Discard(first)
		second := y.giveUp(t, client)
		_, err = drkit.Recover[string](t.Context(), first)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "connection reset by peer; the look for it has ended in: it was discarded")
		assert.Equal(t, 1, client.Remembered(), "the second is remembered")
		_, err = y.move(t.Context(), client)
		assert.Same(t, outcomeOf(t, second).Lost, outcomeOf(t, err).Lost)
	})
}

// Several who recover the same get pollers of the same job, each within its own context.
func TestConcurrentRecovers(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLate(20*time.Second))
		client := y.client(t)
		lost := y.giveUp(t, client)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				ctx := t.Context()
				if i%4 == 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, time.Duration(i+1)*100*time.Millisecond)
					defer cancel()
				}
				poller, err := drkit.Recover[string](ctx, lost)
				if i%4 == 0 {
					assert.ErrorIs(t, err, context.DeadlineExceeded)
					assert.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					return
				}
				if assert.NoError(t, err) {
					assert.Equal(t, "job-1", poller.ID())
				}
			})
		}
		all.Wait()
		assert.Zero(t, client.Remembered())
		assert.Equal(t, 1, y.count("POST"))
	})
}

// Recover ends with its own context and with the client, and nothing is forgotten.
func TestRecoverThatIsCutShort(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLost)
		client := y.client(t)
		lost := y.giveUp(t, client)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errDrill)
		defer cancel()
		began := time.Now()
		_, err := drkit.Recover[string](ctx, lost)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errDrill)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, time.Second, time.Since(began))
		_, err = drkit.Recover[string](ctx, lost)
		require.ErrorIs(t, err, context.DeadlineExceeded, "one that has ended already")
		assert.Equal(t, 1, client.Remembered())

		time.AfterFunc(time.Second, func() { _ = client.Close(context.Background()) })
		_, err = drkit.Recover[string](t.Context(), lost)
		require.ErrorIs(t, err, drkit.ErrClosed)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		requests := len(y.requests())
		_, err = drkit.Recover[string](t.Context(), lost)
		require.ErrorIs(t, err, drkit.ErrClosed)
		assert.Len(t, y.requests(), requests)
		assert.True(t, drkit.Discard(lost))
	})
}

// An operation whose job was adopted is no longer in the way.
func TestAfterAnAdoption(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", answerLost, nil, answerLost)
		client := y.client(t)
		for i, adopted := range []bool{true, false, true} {
			poller, err := y.move(t.Context(), client)
			require.NoError(t, err)
			assert.Equal(t, adopted, poller.Adopted())
			assert.Equal(t, fmt.Sprintf("job-%d", i+1), poller.ID())
			_, err = y.move(t.Context(), client)
			require.ErrorIs(t, err, drkit.ErrConflict, "it is under way")
			_, err = poller.Wait(t.Context())
			require.NoError(t, err)
		}
		assert.Equal(t, 3, y.count("POST"))
		assert.Zero(t, client.Remembered())
	})
}

// A caller that calls again whatever comes of it never moves a thing twice.
func TestStubbornCaller(t *testing.T) {
	t.Parallel()
	for name, lost := range map[string]fault{
		"answer lost": answerLost, "request lost": requestLost, "late": requestLate(40 * time.Second), "stuck": stuck,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.takes = time.Hour
				y.breaks("move", lost)
				client := y.client(t)
				for range 50 {
					ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
					_, _ = y.move(ctx, client)
					cancel()
					<-time.After(time.Second)
				}
				assert.Equal(t, 1, y.count("POST"))
				synctest.Wait()
			})
		})
	}
}
