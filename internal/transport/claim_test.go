package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// inBubble runs a test in parallel, in which time passes at once.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

func TestStepOfOneRun(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		client := h.client(t)
		poller, err := h.once(drkit.WithOperationID(t.Context(), "drill-7"), client, journal, &recoverThing)
		require.NoError(t, err)
		assert.Equal(t, "save intended 1, POST /things/t1/recover, save accepted 1", h.happened(), "nothing is sent before it is journaled")
		s := load(t, journal)
		assert.Equal(t, []any{1, "k", drkit.StepAccepted, "fake.Things.Recover", "drill-7", "thing t1", "", "a6f1 as ops"},
			[]any{s.Version, s.Key, s.State, s.Operation, s.OperationID, s.Resource, s.Site, s.Appliance})
		assert.Regexp(t, `^1:[0-9a-f]{64}$`, s.Request)
		assert.Equal(t, time.Now().UTC(), s.Began)
		assert.NotEmpty(t, s.Token)

		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "done by task-1", result)
		assert.Equal(t, "save succeeded 1", h.happened())
		for range 2 {
			again, err := h.once(t.Context(), h.client(t), journal, &recoverThing)
			require.NoError(t, err)
			replayed, err := again.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, result, replayed)
			assert.Empty(t, h.happened(), "nothing is asked for")
		}
	})
}

// A step whose task was accepted is resumed by its token, also while the service is away.
func TestStepThatWasAccepted(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		_, err := h.once(t.Context(), h.client(t), journal, &syncThing)
		require.NoError(t, err)
		h.happened()
		h.change(func() { h.unseen = errReset })
		poller, err := h.once(t.Context(), h.client(t), journal, &syncThing)
		require.NoError(t, err)
		assert.False(t, poller.Adopted())
		assert.Equal(t, "task-1", poller.ID())
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "save succeeded 1", h.happened())

		damaged := load(t, journal)
		damaged.State, damaged.Token = drkit.StepAccepted, "drkit.9.x"
		require.NoError(t, journal.Save(t.Context(), damaged))
		_, err = h.once(t.Context(), h.client(t), journal, &syncThing)
		require.ErrorIs(t, err, drkit.ErrToken)
		assert.Empty(t, h.happened())
	})
}

// A run that finds the intent alone looks for what became of it.
func TestStepThatWasIntended(t *testing.T) {
	for name, tc := range map[string]struct {
		operation *api.Operation
		ran       bool         // the earlier run's request
		since     func(*house) // what has come to pass meanwhile
		happens   string       // in the later run
		want      error        // of it
		unknown   func(*drkit.OutcomeUnknownError) bool
		waits     time.Duration // at least
		state     drkit.StepState
	}{
		"found": {operation: &recoverThing, ran: true, happens: "save accepted 1", state: drkit.StepAccepted},
		"settled by the resource": {
			operation: &syncThing, since: func(h *house) { h.state = transport.State{"recovered": "true"} },
			waits: 30 * time.Second, state: drkit.StepIntended,
		},
		"nothing touched": {
			operation: &recoverThing, happens: "save intended 2, POST /things/t1/recover, save accepted 2",
			waits: 30 * time.Second, state: drkit.StepAccepted,
		},
		"nothing touched, but not to be sent again": {
			operation: &syncThing, want: drkit.ErrOutcomeUnknown, waits: 30 * time.Second, state: drkit.StepIntended,
			unknown: func(e *drkit.OutcomeUnknownError) bool { return e.Untouched },
		},
		"touched by somebody": {
			operation: &recoverThing, since: func(h *house) { h.state = transport.State{"recovered": "unclear"} },
			want: drkit.ErrOutcomeUnknown, waits: 30 * time.Second, state: drkit.StepIntended,
			unknown: func(e *drkit.OutcomeUnknownError) bool { return !e.Untouched },
		},
		"a task of somebody else": {
			operation: &recoverThing,
			since: func(h *house) {
				h.jobs = append(h.jobs, transport.Job{ID: "task-9", Ended: true, Veto: "started by ann", Started: time.Now()})
			},
			want: drkit.ErrOutcomeUnknown, waits: 30 * time.Second, state: drkit.StepIntended,
			unknown: func(e *drkit.OutcomeUnknownError) bool { return len(e.Candidates) == 1 && !e.Untouched },
		},
		"two tasks": {
			operation: &recoverThing, ran: true,
			since: func(h *house) { h.jobs = append(h.jobs, transport.Job{ID: "task-9", Started: time.Now()}) },
			want:  drkit.ErrOutcomeUnknown, state: drkit.StepIntended,
			unknown: func(e *drkit.OutcomeUnknownError) bool { return len(e.Candidates) == 2 },
		},
		"another appliance": {
			operation: &recoverThing, ran: true, since: func(h *house) { h.identity = "b7f2 as ops" },
			want: drkit.ErrStep, state: drkit.StepIntended,
		},
		"another user": {
			operation: &recoverThing, ran: true, since: func(h *house) { h.identity = "a6f1 as ann" },
			want: drkit.ErrStep, state: drkit.StepIntended,
		},
		"a service that is away": {
			operation: &recoverThing, ran: true, since: func(h *house) { h.unseen = drkit.ErrForbidden },
			want: drkit.ErrForbidden, state: drkit.StepIntended,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h := newHouse()
				journal := begun(t, h, tc.operation, tc.ran)
				before := load(t, journal)
				if tc.since != nil {
					h.change(func() { tc.since(h) })
				}
				for range 2 { // again and again
					start := time.Now()
					poller, err := h.once(t.Context(), h.client(t), journal, tc.operation)
					require.ErrorIs(t, err, tc.want)
					assert.GreaterOrEqual(t, time.Since(start), tc.waits, "the grace begins anew")
					if err != nil {
						var unknown *drkit.OutcomeUnknownError
						if errors.As(err, &unknown) {
							assert.Equal(t, before.OperationID, unknown.OperationID)
							assert.True(t, tc.unknown(unknown), err)
						}
						assert.Empty(t, h.happened())
						assert.Equal(t, before, load(t, journal))
						continue
					}
					assert.Equal(t, tc.happens, h.happened())
					assert.Equal(t, tc.state, load(t, journal).State)
					_, err = poller.Wait(t.Context())
					require.NoError(t, err)
					assert.Regexp(t, "^save succeeded", h.happened())
					return
				}
			})
		})
	}
}

func TestAdoptedStepIsResumed(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHouse()
		journal := begun(t, h, &recoverThing, true)
		poller, err := h.once(t.Context(), h.client(t), journal, &recoverThing)
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		poller, err = h.once(t.Context(), h.client(t), journal, &recoverThing)
		require.NoError(t, err)
		assert.Equal(t, "task-1", poller.ID())
		assert.Equal(t, "save accepted 1", h.happened())
	})
}

// What is asked for must be what was begun; that is found out before anything is sent.
func TestChangedStepIsRefused(t *testing.T) {
	type order struct {
		A int               `json:"a"`
		B map[string]string `json:"b"`
	}
	original := transport.Call{Operation: &recoverThing, Path: []string{"t1"}, Body: order{A: 1 << 60, B: map[string]string{"x": "<y>"}}}
	with := func(change func(*transport.Call)) transport.Call { c := original; change(&c); return c }
	changed := map[string]transport.Call{
		"body":      with(func(c *transport.Call) { c.Body = order{A: 1<<60 + 1, B: map[string]string{"x": "<y>"}} }),
		"no body":   with(func(c *transport.Call) { c.Body = nil }),
		"path":      with(func(c *transport.Call) { c.Path = []string{"t2"} }),
		"site":      with(func(c *transport.Call) { c.Site = "site1" }),
		"operation": with(func(c *transport.Call) { c.Operation = &syncThing }),
		"query": with(func(c *transport.Call) {
			c.Query = struct {
				Force bool `url:"force"`
			}{true}
		}),
	}
	same := map[string]transport.Call{
		"same": original,
		"other order": with(func(c *transport.Call) {
			c.Body = json.RawMessage(`{ "b": {"x":"\u003cy\u003e"}, "a": 1152921504606846976 }`)
		}),
	}
	for _, state := range []drkit.StepState{drkit.StepReady, drkit.StepIntended, drkit.StepAccepted, drkit.StepSucceeded, drkit.StepFailed} {
		t.Run("in state "+string(state), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, journal := newHouse(), &drkit.MemoryJournal{}
				client := h.client(t)
				run := func(call transport.Call) error {
					_, err := drkit.Once(t.Context(), journal, "k", func(ctx context.Context) (*drkit.Poller[string], error) {
						return h.start(ctx, client, call)
					})
					return err
				}
				require.NoError(t, run(original))
				h.happened()
				begun := load(t, journal)
				begun.State, begun.Result, begun.Failure = state, json.RawMessage(`"x"`), json.RawMessage(`{"text":"x"}`)
				for what, call := range changed {
					require.NoError(t, journal.Save(t.Context(), begun))
					err := run(call)
					if state == drkit.StepReady {
						require.NotErrorIs(t, err, drkit.ErrStep, what)
						continue
					}
					require.ErrorIs(t, err, drkit.ErrStep, what)
					assert.ErrorContains(t, err, "was begun with another request, fake.Things.Recover on thing t1")
					assert.Empty(t, h.happened(), what)
					assert.Equal(t, begun, load(t, journal))
				}
				for what, call := range same {
					require.NoError(t, journal.Save(t.Context(), begun))
					h.change(func() { h.jobs[0].Ended = true })
					require.NotErrorIs(t, run(call), drkit.ErrStep, what)
				}
			})
		})
	}
}

// One operation takes the step; what may be repeated does not, and leaves no trace in it.
func TestCallsThatAreNoStep(t *testing.T) {
	path := []string{"t1"}
	for name, tc := range map[string]struct {
		calls []transport.Call // the poller of the last is returned
		want  error
		sent  string
	}{
		"read":          {calls: []transport.Call{{Operation: &readThing, Path: path}}, want: drkit.ErrStep, sent: "GET /things/t1"},
		"replaceable":   {calls: []transport.Call{{Operation: &pauseThing, Path: path}}, want: drkit.ErrStep, sent: "POST /things/t1/pause"},
		"anonymous":     {calls: []transport.Call{{Operation: &signIn}}, want: drkit.ErrStep, sent: "POST /sessions"},
		"of a session":  {calls: []transport.Call{{Operation: &moveThing, Path: path, Session: true}}, want: drkit.ErrStep, sent: "POST /things/t1/move"},
		"no trace":      {calls: []transport.Call{{Operation: &moveThing, Path: path, Work: &transport.Work{}}}, want: drkit.ErrStep},
		"two":           {calls: []transport.Call{{Operation: &recoverThing, Path: path}, {Operation: &syncThing, Path: path}}, want: drkit.ErrStep, sent: "save intended 1, POST /things/t1/recover, save accepted 1"},
		"read before":   {calls: []transport.Call{{Operation: &readThing, Path: path}, {Operation: &recoverThing, Path: path}}, sent: "GET /things/t1, save intended 1, POST /things/t1/recover, save accepted 1"},
		"repeatable on": {calls: []transport.Call{{Operation: &recoverThing, Path: path}, {Operation: &pauseThing, Path: path}}, want: drkit.ErrStep, sent: "save intended 1, POST /things/t1/recover, save accepted 1, POST /things/t1/pause"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, journal := newHouse(), &drkit.MemoryJournal{}
				client := h.client(t)
				_, err := drkit.Once(t.Context(), noted{journal, h}, "k", func(ctx context.Context) (poller *drkit.Poller[string], err error) {
					for _, call := range tc.calls {
						if call.Work == nil {
							call.Work = h.work("thing t1")
						}
						if poller, err = h.start(ctx, client, call); err != nil {
							return nil, err
						}
					}
					return poller, nil
				})
				require.ErrorIs(t, err, tc.want)
				assert.Equal(t, tc.sent, h.happened())
				if s := load(t, journal); s.State == drkit.StepAccepted {
					poller, err := h.work("thing t1").Resume(s.Token)
					require.NoError(t, err)
					resumed, ok := poller.(*drkit.Poller[string])
					require.True(t, ok)
					assert.Equal(t, "task-1", resumed.ID(), "its own task, and not that of another call")
				}
			})
		})
	}
}

func TestStepWithoutNoteIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h := newHouse()
		_, err := h.once(drkit.WithoutNote(t.Context()), h.client(t), &drkit.MemoryJournal{}, &recoverThing)
		require.ErrorIs(t, err, drkit.ErrStep)
		assert.Empty(t, h.happened())
	})
}

// An answer by which the service says that nothing was done leaves the step ready.
func TestRefusedStepIsReady(t *testing.T) {
	for name, refusal := range map[string]func(*http.Request) (*http.Response, error){
		"conflict":  answers(http.StatusConflict, `{"code":"InUse","msg":"busy"}`),
		"not found": answers(http.StatusNotFound, `{"code":"NoThing","msg":"gone"}`),
		"forbidden": answers(http.StatusForbidden, `{"code":"Rights","msg":"no"}`),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, journal := newHouse(), &drkit.MemoryJournal{}
				client := h.client(t)
				h.answer(refusal)
				_, err := h.once(t.Context(), client, journal, &syncThing)
				require.Error(t, err)
				require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Equal(t, "save intended 1, POST /things/t1/sync, save ready 1", h.happened())
				assert.Empty(t, load(t, journal).Note)

				_, err = h.once(t.Context(), client, journal, &recoverThing)
				require.NoError(t, err, "another request is as good as the same")
				assert.Equal(t, "save intended 2, POST /things/t1/recover, save accepted 2", h.happened())
			})
		})
	}
	t.Run("journal full", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, journal := newHouse(), &drkit.MemoryJournal{}
			h.answer(answers(http.StatusConflict, `{"code":"InUse","msg":"busy"}`))
			full := errors.New("no space left on device")
			_, err := h.once(t.Context(), h.client(t), failing{journal, map[drkit.StepState]error{drkit.StepReady: full}}, &syncThing)
			require.ErrorIs(t, err, drkit.ErrConflict)
			require.ErrorIs(t, err, full)
			assert.ErrorContains(t, err, "the next run will look for it all the same")
			assert.Equal(t, drkit.StepIntended, load(t, journal).State)
		})
	})
}

// Each attempt has an intent of its own.
func TestStepThatIsSentAgainOnProof(t *testing.T) {
	for name, refusal := range map[string]func(*http.Request) (*http.Response, error){
		"busy": answers(http.StatusServiceUnavailable, `{"code":"Busy","msg":"later"}`, "Retry-After", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, journal := newHouse(), &drkit.MemoryJournal{}
				h.answer(refusal)
				_, err := h.once(t.Context(), h.client(t), journal, &recoverThing)
				require.NoError(t, err)
				assert.Equal(t, "save intended 1, POST /things/t1/recover, save intended 2, POST /things/t1/recover, save accepted 2", h.happened())
			})
		})
	}
	t.Run("session over", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, journal := newHouse(), &drkit.MemoryJournal{}
			var client *transport.Client
			client = newClientWith(t, "https://things.example.com", withSession(&client), drkit.WithTransport(h))
			token := answers(http.StatusOK, `{}`, "X-Token", "a")
			h.answer(token, answers(http.StatusUnauthorized, `{"code":"SessionOver","msg":"expired"}`), token)
			_, err := h.once(t.Context(), client, journal, &recoverThing)
			require.NoError(t, err)
			assert.Equal(t, "POST /sessions, save intended 1, POST /things/t1/recover, POST /sessions, save intended 2, POST /things/t1/recover, save accepted 2", h.happened())
		})
	})
}

// A note that another attempt cannot take leaves the step as the refusal of the first did.
func TestSecondAttemptThatIsNotSent(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		h.answer(func(req *http.Request) (*http.Response, error) {
			h.change(func() { h.unseen = drkit.ErrForbidden })
			return answers(http.StatusServiceUnavailable, `{"code":"Busy","msg":"later"}`)(req)
		})
		_, err := h.once(t.Context(), h.client(t), journal, &recoverThing)
		require.ErrorIs(t, err, drkit.ErrForbidden)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, "save intended 1, POST /things/t1/recover, save ready 1", h.happened())
	})
}

func TestStepThatCannotBeJournaled(t *testing.T) {
	full := errors.New("no space left on device")
	t.Run("intent", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, journal := newHouse(), &drkit.MemoryJournal{}
			_, err := h.once(t.Context(), h.client(t), failing{journal, map[drkit.StepState]error{drkit.StepIntended: full}}, &syncThing)
			require.ErrorIs(t, err, drkit.ErrJournal)
			require.ErrorIs(t, err, full)
			require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.NotContains(t, h.happened(), "POST", "nothing is sent")
			assert.Equal(t, drkit.StepReady, load(t, journal).State)
			_, err = h.once(t.Context(), h.client(t), journal, &syncThing)
			require.NoError(t, err)
			assert.Equal(t, "save intended 1, POST /things/t1/sync, save accepted 1", h.happened())
		})
	})
	t.Run("intent of another attempt", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := newHouse()
			journal := begun(t, h, &recoverThing, false)
			before := load(t, journal)
			_, err := h.once(t.Context(), h.client(t), failing{journal, map[drkit.StepState]error{drkit.StepIntended: full}}, &recoverThing)
			require.ErrorIs(t, err, drkit.ErrJournal)
			assert.NotContains(t, h.happened(), "POST")
			assert.Equal(t, before, load(t, journal), "the older intent stays")
		})
	})
	t.Run("identity", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, journal := newHouse(), &drkit.MemoryJournal{}
			work := h.work("thing t1")
			work.Identity = func(context.Context) (string, error) { return "", errReset }
			client := h.client(t)
			_, err := drkit.Once(t.Context(), journal, "k", func(ctx context.Context) (*drkit.Poller[string], error) {
				return h.start(ctx, client, transport.Call{Operation: &syncThing, Path: []string{"t1"}, Work: work})
			})
			require.ErrorIs(t, err, errReset)
			assert.ErrorContains(t, err, "cannot be told which appliance this is")
			assert.Empty(t, h.happened())
		})
	})
	t.Run("token", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h, journal := newHouse(), &drkit.MemoryJournal{}
			client := h.client(t)
			poller, err := h.once(t.Context(), client, failing{journal, map[drkit.StepState]error{drkit.StepAccepted: full}}, &syncThing)
			require.ErrorIs(t, err, drkit.ErrJournal)
			require.ErrorIs(t, err, full)
			require.NotNil(t, poller, "the poller is beside the error")
			assert.Equal(t, drkit.StepIntended, load(t, journal).State)
			h.happened()

			again, err := h.once(t.Context(), client, journal, &syncThing) // in the same process
			require.NoError(t, err)
			assert.True(t, again.Adopted())
			assert.Equal(t, "save accepted 1", h.happened())
			_, err = poller.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "save succeeded 1", h.happened())
		})
	})
	t.Run("note", func(t *testing.T) {
		inBubble(t, func(t *testing.T) {
			h := newHouse()
			journal := begun(t, h, &recoverThing, true)
			damaged := load(t, journal)
			damaged.Note = json.RawMessage(`[]`)
			require.NoError(t, journal.Save(t.Context(), damaged))
			_, err := h.once(t.Context(), h.client(t), journal, &recoverThing)
			require.ErrorIs(t, err, drkit.ErrJournal)
			assert.ErrorContains(t, err, `the note of step "k" cannot be read`)
			assert.Empty(t, h.happened())
		})
	})
}

// hesitant is a journal that saves an intent, but whose caller has gone before it says so.
type hesitant struct {
	drkit.Journal
	leave context.CancelFunc
}

func (h hesitant) Save(ctx context.Context, s drkit.Step) error {
	if err := h.Journal.Save(ctx, s); err != nil || s.State != drkit.StepIntended {
		return err
	}
	h.leave()
	return ctx.Err()
}

// An intent that may have been saved although Save has failed is taken back: nothing was sent.
func TestIntentThatMayHaveBeenSaved(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		h, journal := newHouse(), &drkit.MemoryJournal{}
		ctx, leave := context.WithCancel(t.Context())
		_, err := h.once(ctx, h.client(t), hesitant{journal, leave}, &syncThing)
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.NotContains(t, h.happened(), "POST")
		assert.Equal(t, drkit.StepReady, load(t, journal).State)
		_, err = h.once(t.Context(), h.client(t), journal, &syncThing)
		require.NoError(t, err, "and no look is needed")
	})
}
