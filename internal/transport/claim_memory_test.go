package transport_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// What a client remembers of an unknown outcome, and what the journal holds of it, agree.

func TestStepWhoseAnswerIsLost(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		client := h.client(t)
		h.answer(h.loses)
		poller, err := h.once(t.Context(), client, journal, &syncThing)
		require.NoError(t, err, "it is found within the same run")
		assert.True(t, poller.Adopted())
		assert.Equal(t, "save intended 1, POST /things/t1/sync, save accepted 1", h.happened())
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "save succeeded 1", h.happened())
	})
}

// A controller that calls again in the same process looks on: with limited contexts, too, until the grace has
// passed since the answer was lost.
func TestStepThatIsLookedForInPieces(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for name, client := range map[string]func(h *house) (*transport.Client, *drkit.MemoryJournal){
			"by the client that sent it": func(h *house) (*transport.Client, *drkit.MemoryJournal) {
				h.answer(fails(errReset))
				return h.client(t), &drkit.MemoryJournal{}
			},
			"by a later run": func(h *house) (*transport.Client, *drkit.MemoryJournal) {
				return h.client(t), begun(t, h, &recoverThing, false)
			},
		} {
			h := newHouse()
			client, journal := client(h)
			start, runs := time.Now(), 0
			for {
				ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
				_, err := h.once(ctx, client, journal, &recoverThing)
				end()
				runs++
				if err == nil {
					break
				}
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, name)
				assert.Equal(t, drkit.StepIntended, load(t, journal).State)
				require.Less(t, runs, 10)
			}
			assert.GreaterOrEqual(t, time.Since(start), 30*time.Second, name)
			assert.Greater(t, runs, 2, name)
			assert.Contains(t, h.happened(), "save intended 2, POST /things/t1/recover, save accepted 2", name)
		}
	})
}

// Recover finds what the journal does not know yet, and the next run agrees.
func TestRecoverOfAStep(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		client := h.client(t)
		h.answer(fails(errReset))
		_, unknown := h.once(t.Context(), client, journal, &syncThing)
		require.ErrorIs(t, unknown, drkit.ErrOutcomeUnknown)
		h.begin(transport.Job{ID: "task-late", Started: time.Now()})
		found, err := drkit.Recover[string](t.Context(), unknown)
		require.NoError(t, err)
		assert.Equal(t, "task-late", found.ID())
		assert.Equal(t, drkit.StepIntended, load(t, journal).State)
		h.happened()
		poller, err := h.once(t.Context(), client, journal, &syncThing)
		require.NoError(t, err)
		assert.Equal(t, "task-late", poller.ID())
		assert.Equal(t, "save accepted 1", h.happened())

		_, err = drkit.Once(t.Context(), &drkit.MemoryJournal{}, "k", func(ctx context.Context) (*drkit.Poller[string], error) {
			return drkit.Recover[string](ctx, unknown) // found already: nothing to be sent
		})
		require.ErrorIs(t, err, drkit.ErrStep)
	})
}

// A function that recovers by itself is as good.
func TestStepThatRecoversByItself(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		client := h.client(t)
		h.answer(fails(errReset))
		poller, err := drkit.Once(t.Context(), noted{journal, h}, "k", func(ctx context.Context) (*drkit.Poller[string], error) {
			_, err := h.start(ctx, client, transport.Call{Operation: &syncThing, Path: []string{"t1"}})
			h.begin(transport.Job{ID: "task-late", Started: time.Now()})
			return drkit.Recover[string](ctx, err)
		})
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "save intended 1, POST /things/t1/sync, save succeeded 1", h.happened())
	})
}

// An unknown outcome is in two places: in the journal until Retry, and in the client that has met it until Discard.
// Nothing is sent before both have let go of it.
func TestRetryAndDiscard(t *testing.T) {
	retry := func(t *testing.T, journal drkit.Journal, _ error) {
		require.NoError(t, drkit.Retry(t.Context(), journal, "k"))
	}
	discard := func(t *testing.T, _ drkit.Journal, err error) { require.True(t, drkit.Discard(err)) }
	type action = func(*testing.T, drkit.Journal, error)
	for name, tc := range map[string]struct {
		actions   []action
		newClient bool // a later process
		sent      bool
	}{
		"nothing":                      {},
		"retry":                        {actions: []action{retry}},
		"discard":                      {actions: []action{discard}},
		"retry and discard":            {actions: []action{retry, discard}, sent: true},
		"discard and retry":            {actions: []action{discard, retry}, sent: true},
		"retry in a later process":     {actions: []action{retry}, newClient: true, sent: true},
		"nothing in a later process":   {newClient: true},
		"discard before a later one's": {actions: []action{discard}, newClient: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, journal := newHouse(), &drkit.MemoryJournal{}
				client := h.client(t)
				h.answer(fails(errReset))
				_, err := h.once(t.Context(), client, journal, &syncThing)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				for _, act := range tc.actions {
					act(t, journal, err)
				}
				if tc.newClient {
					client = h.client(t)
				}
				h.happened()
				_, err = h.once(t.Context(), client, journal, &syncThing)
				if tc.sent {
					require.NoError(t, err)
					assert.Equal(t, "save intended 2, POST /things/t1/sync, save accepted 2", h.happened())
					return
				}
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.NotContains(t, h.happened(), "POST")
				assert.Equal(t, drkit.StepIntended, load(t, journal).State)
			})
		})
	}
}

// What a client has lost outside of any step becomes the step's when that asks for the same.
func TestStepTakesOverWhatWasLost(t *testing.T) {
	for name, tc := range map[string]struct {
		ran     bool
		happens string
		want    error
	}{
		"found":     {ran: true, happens: "save intended 1, save accepted 1"},
		"untouched": {happens: "save intended 1, save intended 2, POST /things/t1/recover, save accepted 2"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, journal := newHouse(), &drkit.MemoryJournal{}
				client := h.client(t)
				ctx, cut := context.WithCancel(t.Context())
				h.answer(answersAfter(cut, h, tc.ran))
				_, err := h.start(ctx, client, transport.Call{Operation: &recoverThing, Path: []string{"t1"}, Body: map[string]int{"a": 1}})
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				h.happened()

				poller, err := h.once(t.Context(), client, journal, &recoverThing)
				require.NoError(t, err)
				assert.Equal(t, tc.happens, h.happened())
				assert.Equal(t, tc.ran, poller.Adopted())
				again, err := h.once(t.Context(), h.client(t), journal, &recoverThing)
				require.NoError(t, err, "the journal knows what was asked for")
				assert.Equal(t, poller.ID(), again.ID())
				assert.Empty(t, h.happened())
			})
		})
	}
	t.Run("journal full", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, journal := newHouse(), &drkit.MemoryJournal{}
			client := h.client(t)
			ctx, cut := context.WithCancel(t.Context())
			h.answer(answersAfter(cut, h, true))
			_, lost := h.start(ctx, client, transport.Call{Operation: &recoverThing, Path: []string{"t1"}, Body: map[string]int{"a": 1}})
			require.ErrorIs(t, lost, drkit.ErrOutcomeUnknown)
			full := errors.New("no space left on device")
			_, err := h.once(t.Context(), client, failing{journal, map[drkit.StepState]error{drkit.StepIntended: full}}, &recoverThing)
			require.ErrorIs(t, err, drkit.ErrJournal)
			poller, err := h.once(t.Context(), client, journal, &recoverThing)
			require.NoError(t, err, "the client has not forgotten it")
			assert.True(t, poller.Adopted())
		})
	})
}

// answersAfter cuts the caller off, whether the operation has run or not.
func answersAfter(cut func(), h *house, ran bool) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		if ran {
			_, _ = h.accepts(req)
		}
		cut()
		return nil, errCut
	}
}

// Another operation on the same resource waits until what is unknown is settled.
func TestStepAfterAnotherUnknown(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		client := h.client(t)
		h.answer(fails(errReset))
		_, err := h.start(t.Context(), client, transport.Call{Operation: &syncThing, Path: []string{"t1"}})
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		h.happened()
		_, err = h.once(t.Context(), client, journal, &recoverThing)
		require.ErrorIs(t, err, drkit.ErrConflict, "it was not sent")
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.ErrorContains(t, err, "fake.Things.Sync")
		assert.Empty(t, h.happened())
		h.begin(transport.Job{ID: "task-late", Ended: true, Started: time.Now()})
		_, err = h.once(t.Context(), client, journal, &recoverThing)
		require.NoError(t, err)
		assert.Equal(t, "save intended 1, POST /things/t1/recover, save accepted 1", h.happened())
	})
}

// A client that remembers the same request of its own is not to take its task for that of the journal.
func TestStepOfAnotherRunBesideALostCall(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHouse()
		journal := begun(t, h, &recoverThing, false)
		h.begin(transport.Job{ID: "task-1", Ended: true, Started: time.Now()}) // of that run, late
		client := h.client(t)
		ctx, cut := context.WithCancel(t.Context())
		h.answer(answersAfter(cut, h, true))
		_, err := h.start(ctx, client, transport.Call{Operation: &recoverThing, Path: []string{"t1"}, Body: map[string]int{"a": 1}})
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		h.happened()
		_, err = h.once(t.Context(), client, journal, &recoverThing)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "two tasks may be it")
		assert.NotContains(t, h.happened(), "POST")
	})
}

// punctual is a journal that saves nothing for who has gone.
type punctual struct{ drkit.Journal }

func (p punctual) Save(ctx context.Context, s drkit.Step) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.Journal.Save(ctx, s)
}

// A task that was accepted is journaled although the caller has gone.
func TestTokenIsSavedForWhoHasGone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		client := h.client(t)
		ctx, leave := context.WithCancel(t.Context())
		call := transport.Call{Operation: &recoverThing, Path: []string{"t1"}, Check: func() error { leave(); return nil }}
		poller, err := drkit.Once(ctx, punctual{journal}, "k", func(ctx context.Context) (*drkit.Poller[string], error) {
			return h.start(ctx, client, call)
		})
		require.NoError(t, err)
		assert.Equal(t, drkit.StepAccepted, load(t, journal).State)
		_, err = poller.Wait(ctx)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, drkit.StepAccepted, load(t, journal).State)
	})
}

// Two steps on one resource at once: the second finds the first's task under way.
func TestTwoStepsOnOneResource(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		client := h.client(t)
		ended := make(chan error)
		for _, key := range []string{"a", "b"} {
			go func() {
				_, err := drkit.Once(t.Context(), journal, key, func(ctx context.Context) (*drkit.Poller[string], error) {
					return h.start(ctx, client, transport.Call{Operation: &recoverThing, Path: []string{"t1"}})
				})
				ended <- err
			}()
		}
		first, second := <-ended, <-ended
		if first != nil {
			first, second = second, first
		}
		require.NoError(t, first)
		require.ErrorIs(t, second, drkit.ErrConflict)
		assert.Equal(t, "POST /things/t1/recover", h.happened())
		steps, err := journal.Steps(t.Context())
		require.NoError(t, err)
		assert.Len(t, steps, 1)
	})
}

// A closed client, and one that only reads, leave the step alone.
func TestStepThatThisClientMayNotSend(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		client := h.client(t)
		require.NoError(t, client.Close(t.Context()))
		_, err := h.once(t.Context(), client, journal, &recoverThing)
		require.ErrorIs(t, err, drkit.ErrClosed)
		_, err = h.once(t.Context(), h.client(t, drkit.WithReadOnly()), journal, &recoverThing)
		require.ErrorIs(t, err, drkit.ErrReadOnly)
		assert.Empty(t, h.happened())
	})
}
