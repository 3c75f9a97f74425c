package drkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

func TestOnceRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	journal := &drkit.MemoryJournal{}
	_, err := drkit.Once(t.Context(), nil, "a", neverCalled[string](t))
	require.ErrorIs(t, err, drkit.ErrStep)
	for _, key := range []string{"", "db-\xff"} {
		_, err = drkit.Once(t.Context(), journal, key, neverCalled[string](t))
		require.ErrorIs(t, err, drkit.ErrStep)
		require.ErrorIs(t, drkit.Retry(t.Context(), journal, key), drkit.ErrStep)
	}
	_, err = drkit.Once[string](t.Context(), journal, "a", nil)
	require.ErrorIs(t, err, drkit.ErrStep)
	require.ErrorIs(t, drkit.Retry(t.Context(), nil, "a"), drkit.ErrStep)
	steps, err := journal.Steps(t.Context())
	require.NoError(t, err)
	assert.Empty(t, steps)
}

func TestOnceRunsAndIsReplayed(t *testing.T) {
	t.Parallel()
	for name, journal := range map[string]drkit.Journal{
		"memory": &drkit.MemoryJournal{}, "file": openJournal(t, t.TempDir()+"/journal"), "own": &ownJournal{},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			poller, err := drkit.Once(ctx, journal, "a", moves(play("task-1", succeeded("moved"))))
			require.NoError(t, err)
			s, err := journal.Load(ctx, "a")
			require.NoError(t, err)
			assert.Equal(t, drkit.StepAccepted, s.State)
			result, err := poller.Wait(ctx)
			require.NoError(t, err)
			assert.Equal(t, "moved", result)
			s, err = journal.Load(ctx, "a")
			require.NoError(t, err)
			assert.Equal(t, drkit.StepSucceeded, s.State)
			assert.JSONEq(t, `"moved"`, string(s.Result))
			assert.Nil(t, s.Note, "it has served")
			assert.False(t, s.Ended.IsZero())
			require.NoError(t, s.Err())

			again, err := drkit.Once(ctx, journal, "a", moves(play("task-2", unseen(errors.New("asked again")))))
			require.NoError(t, err)
			assert.True(t, again.Done())
			assert.False(t, again.Adopted())
			assert.Equal(t, drkit.Progress{ID: "thing t1", State: drkit.StateSucceeded, Percent: 100}, again.Progress())
			result, err = again.Wait(ctx)
			require.NoError(t, err)
			assert.Equal(t, "moved", result)
			require.ErrorIs(t, drkit.Retry(ctx, journal, "a"), drkit.ErrStep, "it has succeeded")
		})
	}
}

func TestFunctionsThatDoNotHoldOneOperation(t *testing.T) {
	t.Parallel()
	other := func() *drkit.Poller[string] { return drkit.NewPoller(play("pause", succeeded("paused"))) }
	broken := errors.New("no such machine")
	for name, tc := range map[string]struct {
		do     func(context.Context) (*drkit.Poller[string], error)
		want   error
		state  drkit.StepState
		poller bool
	}{
		"none": {do: func(context.Context) (*drkit.Poller[string], error) { return nil, nil }, want: drkit.ErrStep}, //nolint:nilnil // on purpose
		"none, but a poller": {
			do:   func(context.Context) (*drkit.Poller[string], error) { return other(), nil },
			want: drkit.ErrStep, poller: true,
		},
		"fails before": {do: func(context.Context) (*drkit.Poller[string], error) { return nil, broken }, want: broken},
		"fails after": {
			do: func(ctx context.Context) (*drkit.Poller[string], error) {
				_, err := begin(ctx, play("task-1", succeeded("moved")))
				return nil, errors.Join(err, broken)
			},
			want: broken, state: drkit.StepAccepted,
		},
		"fails after, with a poller": {
			do: func(ctx context.Context) (*drkit.Poller[string], error) {
				poller, err := begin(ctx, play("task-1", succeeded("moved")))
				return poller, errors.Join(err, broken)
			},
			want: broken, state: drkit.StepAccepted, poller: true,
		},
		"two": {
			do: func(ctx context.Context) (*drkit.Poller[string], error) {
				if _, err := begin(ctx, play("task-1", succeeded("moved"))); err != nil {
					return nil, err
				}
				return begin(ctx, play("task-2", succeeded("moved")))
			},
			want: drkit.ErrStep, state: drkit.StepAccepted,
		},
		"another's poller": {
			do: func(ctx context.Context) (*drkit.Poller[string], error) {
				_, err := begin(ctx, play("task-1", succeeded("moved")))
				return other(), err
			},
			want: drkit.ErrStep, state: drkit.StepAccepted, poller: true,
		},
		"another's poller and an error": {
			do: func(ctx context.Context) (*drkit.Poller[string], error) {
				_, err := begin(ctx, play("task-1", succeeded("moved")))
				return other(), errors.Join(err, broken)
			},
			want: broken, state: drkit.StepAccepted, poller: true,
		},
		"keeps the poller to itself": {
			do: func(ctx context.Context) (*drkit.Poller[string], error) {
				_, err := begin(ctx, play("task-1", succeeded("moved")))
				return nil, err
			},
			want: drkit.ErrStep, state: drkit.StepAccepted,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			journal := &drkit.MemoryJournal{}
			for range 2 { // the first run and a later one
				poller, err := drkit.Once(t.Context(), journal, "a", tc.do)
				require.ErrorIs(t, err, tc.want)
				assertOneLine(t, err.Error())
				assert.Equal(t, tc.poller, poller != nil)
				if poller != nil && poller.ID() == "pause" {
					_, err = poller.Wait(t.Context())
					require.NoError(t, err)
				}
				s, err := journal.Load(t.Context(), "a")
				assert.Equal(t, tc.state == "", errors.Is(err, drkit.ErrNotFound))
				assert.Equal(t, tc.state, s.State, "the end of something else is not its end")
			}
		})
	}
}

// A function may wait for its operation itself.
func TestFunctionThatWaits(t *testing.T) {
	t.Parallel()
	journal := &ownJournal{}
	do := func(ctx context.Context) (*drkit.Poller[string], error) {
		poller, err := begin(ctx, play("task-1", succeeded("moved")))
		if err == nil {
			_, err = poller.Wait(ctx)
		}
		return poller, err
	}
	poller, err := drkit.Once(t.Context(), journal, "a", do)
	require.NoError(t, err)
	assert.True(t, poller.Done())
	assert.Equal(t, []string{"a=intended", "a=accepted", "a=succeeded"}, journal.saves)
	_, err = drkit.Once(t.Context(), journal, "a", do)
	require.NoError(t, err)
	assert.Len(t, journal.saves, 3)

	journal.fail(drkit.StepSucceeded, errors.New("full"))
	poller, err = drkit.Once(t.Context(), journal, "b", do)
	require.ErrorIs(t, err, drkit.ErrJournal)
	assert.True(t, poller.Done(), "with the poller beside the error")
}

func TestJournalThatFails(t *testing.T) {
	t.Parallel()
	full := errors.New("no space left on device")
	for name, tc := range map[string]struct {
		state  drkit.StepState
		saves  string
		sent   bool
		poller bool
	}{
		"intent": {state: drkit.StepIntended},
		"token":  {state: drkit.StepAccepted, saves: "a=intended", sent: true, poller: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			journal := &ownJournal{}
			journal.fail(tc.state, full)
			poller, err := drkit.Once(t.Context(), journal, "a", moves(play("task-1", succeeded("moved"))))
			require.ErrorIs(t, err, drkit.ErrJournal)
			require.ErrorIs(t, err, full)
			assert.ErrorContains(t, err, `step "a" cannot be saved`)
			assert.Equal(t, tc.poller, poller != nil)
			assert.Equal(t, tc.saves, strings.Join(journal.saves, " "))
			if poller != nil {
				_, err = poller.Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, []string{"a=intended", "a=succeeded"}, journal.saves, "the end is saved all the same")
			}
		})
	}
	t.Run("load", func(t *testing.T) {
		t.Parallel()
		journal := &ownJournal{loads: full}
		_, err := drkit.Once(t.Context(), journal, "a", neverCalled[string](t))
		require.ErrorIs(t, err, drkit.ErrJournal)
		require.ErrorIs(t, err, full)
		require.ErrorIs(t, drkit.Retry(t.Context(), journal, "a"), full)
	})
	t.Run("another step", func(t *testing.T) {
		t.Parallel()
		journal := &ownJournal{steps: map[string][]byte{"a": []byte(`{"version":1,"key":"b"}`), "c": []byte(`{"key":"c"}`), "d": []byte(`{"version":1,"key":"d","state":"succeeded","result":7}`)}}
		for key, want := range map[string]string{"a": `step "b" under the key "a"`, "c": "version 0", "d": "the result of step \"d\" cannot be read"} {
			_, err := drkit.Once(t.Context(), journal, key, neverCalled[string](t))
			require.ErrorIs(t, err, drkit.ErrJournal)
			assert.ErrorContains(t, err, want)
		}
	})
	t.Run("failure that does not say why", func(t *testing.T) {
		t.Parallel()
		journal := &ownJournal{steps: map[string][]byte{"a": []byte(`{"version":1,"key":"a","state":"failed"}`)}}
		poller, err := drkit.Once(t.Context(), journal, "a", moves(play("task-1", succeeded("moved"))))
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.ErrorContains(t, err, "does not say why")
	})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	full := drkit.Step{
		Version: 1, Key: "a", Operation: "fake.Things.Move", OperationID: "drill-7", Resource: "thing t1", Request: "1:abc", Sent: 2,
		Began: at, Note: json.RawMessage(`{}`),
	}
	with := func(change func(*drkit.Step)) drkit.Step { s := full; change(&s); return s }
	for name, tc := range map[string]struct {
		before, after drkit.Step
		want          error
	}{
		"ready": {
			before: with(func(s *drkit.Step) { s.Note = nil }),
			after:  with(func(s *drkit.Step) { s.Note = nil }),
		},
		"intended": {
			before: with(func(s *drkit.Step) { s.State = drkit.StepIntended }),
			after:  with(func(s *drkit.Step) { s.Note = nil }),
		},
		"accepted": {
			before: with(func(s *drkit.Step) { s.State, s.Token = drkit.StepAccepted, "token" }),
			after:  with(func(s *drkit.Step) { s.State = drkit.StepIntended }),
		},
		"failed": {
			before: with(func(s *drkit.Step) {
				s.State, s.Token, s.Failure, s.Ended, s.Note = drkit.StepFailed, "token", json.RawMessage(`{"text":"x"}`), at, nil
			}),
			after: with(func(s *drkit.Step) { s.Note = nil }),
		},
		"succeeded": {
			before: with(func(s *drkit.Step) { s.State, s.Result = drkit.StepSucceeded, json.RawMessage(`1`) }),
			after:  with(func(s *drkit.Step) { s.State, s.Result = drkit.StepSucceeded, json.RawMessage(`1`) }),
			want:   drkit.ErrStep,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			journal := &drkit.MemoryJournal{}
			require.NoError(t, journal.Save(t.Context(), tc.before))
			err := drkit.Retry(t.Context(), journal, "a")
			require.ErrorIs(t, err, tc.want)
			after, err := journal.Load(t.Context(), "a")
			require.NoError(t, err)
			assert.Equal(t, tc.after, after)
		})
	}
	err := drkit.Retry(t.Context(), &drkit.MemoryJournal{}, "a")
	require.ErrorIs(t, err, drkit.ErrNotFound)
	require.NotErrorIs(t, err, drkit.ErrJournal)
	journal := &ownJournal{}
	require.NoError(t, journal.Save(t.Context(), with(func(s *drkit.Step) { s.State = drkit.StepIntended })))
	journal.fail(drkit.StepReady, errors.New("full"))
	require.ErrorIs(t, drkit.Retry(t.Context(), journal, "a"), drkit.ErrJournal)
}
