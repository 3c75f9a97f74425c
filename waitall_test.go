package drkit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// taskFor returns a poller over a task that runs for d and then shows end.
func taskFor(id string, d time.Duration, end sight) *drkit.Poller[string] {
	source := during(d, running(50), end)
	source.id = id
	return drkit.NewPoller(source, patience)
}

func TestWaitAllKeepsOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		outcomes, err := drkit.WaitAll(t.Context(), []*drkit.Poller[string]{
			taskFor("slow", time.Hour, succeeded("a")),
			taskFor("fast", 0, succeeded("b")),
			taskFor("medium", time.Minute, succeeded("c")),
		})
		require.NoError(t, err)
		assert.Equal(t, []drkit.Outcome[string]{
			{ID: "slow", Result: "a"}, {ID: "fast", Result: "b"}, {ID: "medium", Result: "c"},
		}, outcomes)
		assert.WithinRange(t, time.Now(), start.Add(time.Hour), start.Add(time.Hour+10*time.Second), "all at once")
	})
}

func TestWaitAllTellsWhatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		noSpace := &drkit.TaskError{TaskID: "failing", Code: "NoSpace", Message: "no\nspace left", Kind: drkit.ErrConflict}
		outcomes, err := drkit.WaitAll(t.Context(), []*drkit.Poller[string]{
			taskFor("failing", time.Second, failed(noSpace)),
			taskFor("well", time.Hour, succeeded("vm")),
			taskFor("forbidden", time.Minute, unseen(answer(403))),
			taskFor("away", 0, unseen(answer(503))),
		})
		require.Len(t, outcomes, 4)
		assert.Equal(t, drkit.Outcome[string]{ID: "failing", Err: noSpace}, outcomes[0])
		assert.Equal(t, drkit.Outcome[string]{ID: "well", Result: "vm"}, outcomes[1], "one failure does not end the others")
		require.ErrorIs(t, outcomes[2].Err, drkit.ErrForbidden)
		require.ErrorIs(t, outcomes[3].Err, drkit.ErrUnavailable)
		assert.Empty(t, outcomes[2].Result)

		for _, want := range []error{noSpace, drkit.ErrConflict, drkit.ErrForbidden, drkit.ErrUnavailable} {
			require.ErrorIs(t, err, want)
		}
		require.NotErrorIs(t, err, drkit.ErrTaskGone)
		var failure *drkit.TaskError
		require.ErrorAs(t, err, &failure)
		assert.Same(t, noSpace, failure)
		var refused *drkit.Error
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, 403, refused.Status, "the first in the order of the pollers")
		assertOneLine(t, err.Error())
		for _, part := range []string{"NoSpace", "no space left", "forbidden", "away", "503"} {
			require.ErrorContains(t, err, part)
		}
		require.NotErrorIs(t, fmt.Errorf("runbook: %w", err), context.Canceled)
		require.ErrorIs(t, fmt.Errorf("runbook: %w", err), drkit.ErrForbidden)
	})
}

func TestWaitAllJoinsOnOneLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, err := drkit.WaitAll(t.Context(), []*drkit.Poller[string]{
			taskFor("task-1", 0, failed(errors.New("two\nlines"))),
			taskFor("task-2", 0, failed(errors.Join(drkit.ErrConflict, drkit.ErrForbidden))),
		})
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorIs(t, err, drkit.ErrForbidden)
		assertOneLine(t, err.Error())
	})
}

func TestWaitAllOfNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, none := range [][]*drkit.Poller[string]{nil, {}} {
			recorder := &recorder{t: t}
			outcomes, err := drkit.WaitAll(t.Context(), none, drkit.OnProgress(recorder.report))
			require.NoError(t, err)
			assert.Empty(t, outcomes)
			assert.Empty(t, recorder.percents())
		}
	})
}

func TestWaitAllOfOneTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		poller := taskFor("task-1", time.Minute, succeeded("vm"))
		outcomes, err := drkit.WaitAll(t.Context(), []*drkit.Poller[string]{poller, poller})
		require.NoError(t, err)
		assert.Equal(t, []drkit.Outcome[string]{{ID: "task-1", Result: "vm"}, {ID: "task-1", Result: "vm"}}, outcomes)
	})
}

func TestContextEndsWaitAll(t *testing.T) {
	t.Parallel()
	for how, end := range ends() {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := end.ctx(t.Context(), time.Minute)
				defer cancel()
				start := time.Now()
				outcomes, err := drkit.WaitAll(ctx, []*drkit.Poller[string]{
					taskFor("task-1", time.Second, succeeded("vm")),
					taskFor("task-2", time.Hour, succeeded("vm")),
					taskFor("task-3", time.Second, failed(&drkit.TaskError{TaskID: "task-3"})),
					taskFor("task-4", time.Hour, succeeded("vm")),
				})
				assert.Equal(t, time.Minute, time.Since(start))
				require.Len(t, outcomes, 4)
				assert.Equal(t, drkit.Outcome[string]{ID: "task-1", Result: "vm"}, outcomes[0], "what had ended before")
				var failure *drkit.TaskError
				require.ErrorAs(t, outcomes[2].Err, &failure)
				for _, want := range end.want {
					require.ErrorIs(t, err, want)
					require.ErrorIs(t, outcomes[1].Err, want)
					require.ErrorIs(t, outcomes[3].Err, want)
				}
				require.ErrorAs(t, err, &failure)
			})
		})
	}
}

func TestWaitAllReportsThroughOneCallback(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]time.Duration{"fast": 0, "slow": 7 * time.Second, "very slow": 3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				recorder := &recorder{t: t, slow: slow}
				var pollers []*drkit.Poller[string]
				for i := range 20 {
					pollers = append(pollers, taskFor(fmt.Sprint("task-", i), time.Duration(i)*time.Minute, succeeded("vm")))
				}
				_, err := drkit.WaitAll(t.Context(), pollers, drkit.OnProgress(recorder.report))
				require.NoError(t, err)
				assert.Equal(t, recorder.last, time.Now())
				last := map[string]drkit.State{}
				for _, progress := range recorder.seen {
					last[progress.ID] = progress.State
				}
				assert.Len(t, last, len(pollers))
				for id, state := range last {
					assert.Equal(t, drkit.StateSucceeded, state, id)
				}
			})
		})
	}
}

// Two appliances may give the same id, and what is watched by name may have one name at two sites.
func TestWaitAllReportsOfTwoThatShareAnID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		recorder := &recorder{t: t, slow: time.Hour}
		_, err := drkit.WaitAll(t.Context(), []*drkit.Poller[string]{
			taskFor("task-0", 0, succeeded("vm")), // keeps the callback busy
			taskFor("task-1", time.Second, succeeded("vm")),
			taskFor("task-1", time.Minute, succeeded("vm")),
		}, drkit.OnProgress(recorder.report))
		require.NoError(t, err)
		var ends int
		for _, progress := range recorder.seen {
			if progress.State == drkit.StateSucceeded {
				ends++
			}
		}
		assert.Equal(t, 3, ends, "the last progress of each")
	})
}
