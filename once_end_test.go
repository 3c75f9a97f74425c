package drkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// Whatever type a result has, it comes back from a file as it was.
func TestResultsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	type machine struct {
		ID       string            `json:"id"`
		Booted   time.Time         `json:"booted"`
		Password drkit.Secret      `json:"password"`
		Labels   map[string]string `json:"labels"`
		Size     drkit.Opt[int64]  `json:"size,omitzero"`
		Raw      json.RawMessage   `json:"raw"`
	}
	booted := time.Date(2026, 5, 4, 3, 2, 1, 5, time.UTC)
	comesBack(t, "")
	comesBack(t, int64(1)<<62)
	comesBack(t, struct{}{})
	comesBack(t, []string(nil))
	comesBack(t, (*machine)(nil))
	comesBack(t, json.RawMessage(`{"n":1e400,"id":12345678901234567890}`))
	comesBack(t, machine{ID: "vm-1", Booted: booted, Labels: map[string]string{"a": "<b>"}, Size: drkit.Some[int64](0), Raw: json.RawMessage(`[1.0]`)})
	comesBack(t, machine{Size: drkit.Null[int64](), Raw: json.RawMessage(`null`)})
}

func comesBack[T any](t *testing.T, result T) {
	t.Helper()
	path := t.TempDir() + "/journal"
	journal := openJournal(t, path)
	poller, err := drkit.Once(t.Context(), journal, "a", moves[T](ended[T]{result}))
	require.NoError(t, err)
	_, err = poller.Wait(t.Context())
	require.NoError(t, err)
	require.NoError(t, journal.Close())
	journal = openJournal(t, path)
	poller, err = drkit.Once(t.Context(), journal, "a", moves[T](ended[T]{}))
	require.NoError(t, err)
	replayed, err := poller.Result()
	require.NoError(t, err)
	assert.Equal(t, result, replayed)
}

// A secret is not in the journal, and so not in the result of a later run.
func TestSecretsStayOutOfTheJournal(t *testing.T) {
	t.Parallel()
	type login struct {
		User     string
		Password drkit.Secret
		Codes    []drkit.Secret
	}
	path := t.TempDir() + "/journal"
	journal := openJournal(t, path)
	issued := login{"root", drkit.NewSecret("hunter2"), []drkit.Secret{drkit.NewSecret("4711")}}
	poller, err := drkit.Once(t.Context(), journal, "a", moves[login](ended[login]{issued}))
	require.NoError(t, err)
	first, err := poller.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "hunter2", first.Password.Reveal())
	assert.NotContains(t, contents(t, path), "hunter2")
	assert.NotContains(t, contents(t, path), "4711")

	poller, err = drkit.Once(t.Context(), journal, "a", moves[login](ended[login]{}))
	require.NoError(t, err)
	later, err := poller.Result()
	require.NoError(t, err)
	assert.Equal(t, "root", later.User)
	assert.True(t, later.Password.IsZero())
	assert.True(t, later.Codes[0].IsZero())
}

func TestFailedTasksAreReplayed(t *testing.T) {
	t.Parallel()
	failure := &drkit.TaskError{
		Operation: "vcav.VMReplications.Failover", OperationID: "drill-7", TaskID: "task-1", Type: "failover", ResourceID: "C4-1",
		ResourceName: "db-1", Site: "site1", Code: "NoInstance", Message: "no <instance>", Args: []string{"C4-1"},
		Warnings: []json.RawMessage{json.RawMessage(`{"code":"Slow"}`)}, Stack: "at java.lang", Kind: drkit.ErrConflict,
	}
	sentinels := []error{
		drkit.ErrNotFound, drkit.ErrUnauthorized, drkit.ErrForbidden, drkit.ErrConflict, drkit.ErrThrottled, drkit.ErrUnavailable, drkit.ErrTaskGone,
	}
	for name, err := range map[string]error{
		"task":            failure,
		"task of no kind": &drkit.TaskError{Code: "Unknown", Message: "x"},
		"wrapped task":    fmt.Errorf("moving: %w", failure),
		"second match":    &drkit.Error{Operation: "vcav.VMReplications.Failover", Kind: drkit.ErrConflict, Message: "two tasks"},
		"task gone":       fmt.Errorf("%w: forgotten", drkit.ErrTaskGone),
		"of no kind":      errors.New("two\nlines"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir() + "/journal"
			journal := openJournal(t, path)
			poller, onceErr := drkit.Once(t.Context(), journal, "a", moves(play("task-1", failed(err))))
			require.NoError(t, onceErr)
			_, first := poller.Wait(t.Context())
			require.Equal(t, err, first)
			require.NoError(t, journal.Close())

			journal = openJournal(t, path)
			poller, onceErr = drkit.Once(t.Context(), journal, "a", moves(play("task-2", succeeded("again"))))
			require.NoError(t, onceErr, "it stays failed")
			_, replayed := poller.Wait(t.Context())
			require.Error(t, replayed)
			assert.Equal(t, drkit.StateFailed, poller.Progress().State)
			for _, sentinel := range sentinels {
				assert.Equal(t, errors.Is(err, sentinel), errors.Is(replayed, sentinel), sentinel)
			}
			var one, other *drkit.TaskError
			assert.Equal(t, errors.As(err, &one), errors.As(replayed, &other))
			if one != nil {
				want := *one
				want.Stack = "" // not of the journal's concern
				assert.Equal(t, &want, other)
			} else {
				assertOneLine(t, replayed.Error())
			}
			s, loadErr := journal.Load(t.Context(), "a")
			require.NoError(t, loadErr)
			assert.Equal(t, replayed, s.Err())

			require.NoError(t, drkit.Retry(t.Context(), journal, "a"))
			poller, onceErr = drkit.Once(t.Context(), journal, "a", moves(play("task-2", succeeded("again"))))
			require.NoError(t, onceErr)
			result, waitErr := poller.Wait(t.Context())
			require.NoError(t, waitErr)
			assert.Equal(t, "again", result)
			s, loadErr = journal.Load(t.Context(), "a")
			require.NoError(t, loadErr)
			assert.Equal(t, 2, s.Sent)
		})
	}
}

// A result that cannot be read is no failure that a second run would mend: a later version may read it.
func TestResultThatCannotBeReadIsAskedForAgain(t *testing.T) {
	t.Parallel()
	journal := &drkit.MemoryJournal{}
	strange := func() (drkit.Look[string], error) {
		return drkit.Look[string]{Progress: drkit.Progress{State: drkit.StateSucceeded}, Done: true, Err: errors.New("result of an unknown type")}, nil
	}
	poller, err := drkit.Once(t.Context(), journal, "a", moves(play("task-1", strange)))
	require.NoError(t, err)
	_, err = poller.Wait(t.Context())
	require.ErrorContains(t, err, "unknown type")
	poller, err = drkit.Once(t.Context(), journal, "a", moves(play("task-1", succeeded("moved"))))
	require.NoError(t, err)
	result, err := poller.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "moved", result)
}

// An end that cannot be saved counts as not seen: Wait says so at once, and may be called again.
func TestEndThatCannotBeSaved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, journal := t.Context(), &ownJournal{}
		work := play("task-1", running(10), succeeded("moved"))
		poller, err := drkit.Once(ctx, journal, "a", moves(work))
		require.NoError(t, err)
		full := errors.New("no space left on device")
		journal.fail(drkit.StepSucceeded, full)
		began := time.Now()
		_, err = poller.Wait(ctx)
		require.ErrorIs(t, err, drkit.ErrJournal)
		require.ErrorIs(t, err, full)
		assert.ErrorContains(t, err, "task-1 has ended (SUCCEEDED), but")
		assertOneLine(t, err.Error())
		assert.Less(t, time.Since(began), 5*time.Second)
		assert.False(t, poller.Done())
		_, err = poller.Result()
		require.ErrorIs(t, err, drkit.ErrNotDone)
		_, err = poller.Poll(ctx)
		require.ErrorIs(t, err, drkit.ErrJournal)

		journal.fail("", nil)
		result, err := poller.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, "moved", result)
		assert.Equal(t, []string{"a=intended", "a=accepted", "a=succeeded"}, journal.saves)
	})
}

// slowJournal takes its time to save an end.
type slowJournal struct {
	drkit.MemoryJournal
	gate chan struct{}
}

func (j *slowJournal) Save(ctx context.Context, s drkit.Step) error {
	if s.State == drkit.StepSucceeded {
		select {
		case <-j.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return j.MemoryJournal.Save(ctx, s)
}

// A journal that hangs does not keep a wait from ending with its context.
func TestWaitEndsAlthoughTheJournalHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		journal := &slowJournal{gate: make(chan struct{})}
		poller, err := drkit.Once(t.Context(), journal, "a", moves(play("task-1", succeeded("moved"))))
		require.NoError(t, err)
		ctx, end := context.WithTimeout(t.Context(), time.Minute)
		defer end()
		began := time.Now()
		_, err = poller.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(began))
		close(journal.gate)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
	})
}

// Many who wait for one step write its end once.
func TestEndIsSavedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, journal := t.Context(), &ownJournal{}
		work := during(time.Hour, running(1), succeeded("moved"))
		poller, err := drkit.Once(ctx, journal, "a", moves[string](work))
		require.NoError(t, err)
		again, err := drkit.Once(ctx, journal, "a", moves[string](work)) // resumes
		require.NoError(t, err)
		outcomes, err := drkit.WaitAll(ctx, []*drkit.Poller[string]{poller, again, poller, again})
		require.NoError(t, err)
		assert.Len(t, outcomes, 4)
		assert.Equal(t, "a=succeeded", journal.saves[len(journal.saves)-1])
		assert.NotContains(t, journal.saves[:len(journal.saves)-1], "a=succeeded")
	})
}

// A poller that is left over from before a Retry says nothing about the run after it.
func TestOldPollersDoNotEndNewRuns(t *testing.T) {
	t.Parallel()
	ctx, journal := t.Context(), &drkit.MemoryJournal{}
	broken := play("task-1", failed(&drkit.TaskError{TaskID: "task-1"}))
	old, err := drkit.Once(ctx, journal, "a", moves(broken))
	require.NoError(t, err)
	poller, err := drkit.Once(ctx, journal, "a", moves(broken))
	require.NoError(t, err)
	_, err = poller.Wait(ctx)
	require.Error(t, err)

	require.NoError(t, drkit.Retry(ctx, journal, "a"))
	older, err := drkit.Once(ctx, &drkit.MemoryJournal{}, "a", moves(broken)) // of no concern
	require.NoError(t, err)
	_, _ = older.Wait(ctx)
	_, err = drkit.Once(ctx, journal, "a", moves(play("task-2", running(1))))
	require.NoError(t, err)
	_, err = old.Wait(ctx)
	require.Error(t, err)
	s, err := journal.Load(ctx, "a")
	require.NoError(t, err)
	assert.Equal(t, drkit.StepAccepted, s.State)
	assert.Equal(t, "token of task-2", s.Token)
}
