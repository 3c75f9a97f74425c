package drkit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

func TestMemoryJournal(t *testing.T) {
	t.Parallel()
	ctx, journal := t.Context(), &drkit.MemoryJournal{}
	_, err := journal.Load(ctx, "a")
	require.ErrorIs(t, err, drkit.ErrNotFound)
	for _, s := range []drkit.Step{stepIn("b", drkit.StepReady), stepIn("a", drkit.StepIntended), stepIn("b", drkit.StepIntended)} {
		require.NoError(t, journal.Save(ctx, s))
	}
	steps, err := journal.Steps(ctx)
	require.NoError(t, err)
	assert.Equal(t, "b=intended a=intended", keys(steps))
	steps[0].State = drkit.StepFailed
	s, err := journal.Load(ctx, "b")
	require.NoError(t, err)
	assert.Equal(t, drkit.StepIntended, s.State, "what Steps returns is the caller's")
}

// Of two runs of a step the second waits for the first, and then goes on where that has come to.
func TestTwoRunsOfAStepTakeTurns(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) drkit.Journal{
		"memory": func(*testing.T) drkit.Journal { return &drkit.MemoryJournal{} },
		"file":   func(t *testing.T) drkit.Journal { return openJournal(t, t.TempDir()+"/journal") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, journal := t.Context(), open(t)
				begun, goOn := make(chan struct{}), make(chan struct{})
				slow := func(ctx context.Context) (*drkit.Poller[string], error) {
					close(begun)
					<-goOn
					return begin(ctx, play("task-1", succeeded("moved")))
				}
				first, second := make(chan error, 1), make(chan error, 1)
				go func() {
					_, err := drkit.Once(ctx, journal, "a", slow)
					first <- err
				}()
				<-begun
				go func() {
					poller, err := drkit.Once(ctx, journal, "a", moves(play("task-2", succeeded("moved"))))
					if err == nil {
						_, err = poller.Wait(ctx)
					}
					second <- err
				}()
				_, err := drkit.Once(ctx, journal, "b", moves(play("task-3", succeeded("moved"))))
				require.NoError(t, err, "other steps go on")

				limited, end := context.WithTimeout(ctx, time.Minute)
				defer end()
				_, err = drkit.Once(limited, journal, "a", neverCalled[string](t))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.ErrorContains(t, err, `waiting for another run of step "a"`)
				stopped, stop := context.WithCancelCause(ctx)
				stop(errors.New("shutting down"))
				require.ErrorContains(t, drkit.Retry(stopped, journal, "a"), "shutting down", "Retry waits as well")

				close(goOn)
				require.NoError(t, <-first)
				require.NoError(t, <-second)
				s, err := journal.Load(ctx, "a")
				require.NoError(t, err)
				assert.Equal(t, 1, s.Sent)
				assert.Equal(t, drkit.StepSucceeded, s.State)
			})
		})
	}
}
