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

// losing sends a move in a yard where these jobs come of it, or of others, and where its answer is lost.
func (y *yard) losing(t *testing.T, work func(*transport.Work), jobs ...string) (transport.Found, error) {
	t.Helper()
	y.takes = time.Hour
	y.add(job{ID: "old", Kind: "move", Thing: "7", User: "ops", Started: time.Now().Add(-time.Hour), Ended: time.Now().Add(-time.Minute)})
	y.breaks("move", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
		for _, id := range jobs {
			y.add(job{ID: id, Kind: "move", Thing: "7", User: "ops", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
		}
		return nil, context.Canceled
	})
	client := y.client(t)
	of := y.work(client, &moveThing, "7")
	of.Poller = func(found transport.Found, alone func(context.Context) error) any {
		require.NoError(t, alone(t.Context()))
		return found
	}
	work(of)
	answer, err := client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}, Work: of}, nil)
	found, _ := answer.Poller.(transport.Found)
	return found, err
}

// Of an operation of which nobody says how many tasks it has, all new ones are.
func TestAnyNumberOfTasks(t *testing.T) {
	t.Parallel()
	for name, jobs := range map[string][]string{"one": {"a"}, "several": {"a", "b", "c"}, "none": nil} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				began := time.Now()
				found, err := y.losing(t, func(w *transport.Work) { w.Tasks = transport.AnyNumber }, jobs...)
				if jobs == nil {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.GreaterOrEqual(t, time.Since(began), polling.Grace)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, jobs, found.Jobs)
				assert.Equal(t, []string{"old"}, found.Note.Jobs)
				assert.Less(t, time.Since(began), polling.Grace)
			})
		})
	}
}

// What is too much to ask about all tasks is asked about the new ones alone, and may speak against them.
func TestNewTasksAreExamined(t *testing.T) {
	t.Parallel()
	t.Run("one is left", func(t *testing.T) {
		bubble(t, func(t *testing.T, y *yard) {
			var examined []string
			found, err := y.losing(t, func(w *transport.Work) {
				w.Examine = func(_ context.Context, job transport.Job) (transport.Job, error) {
					examined = append(examined, job.ID)
					if job.ID != "b" {
						job.Veto = "of somebody else"
					}
					return job, nil
				}
			}, "a", "b", "c")
			require.NoError(t, err)
			assert.Equal(t, []string{"b"}, found.Jobs)
			assert.Subset(t, []string{"a", "b", "c"}, examined)
			assert.NotContains(t, examined, "old")
		})
	})
	t.Run("none is left", func(t *testing.T) {
		bubble(t, func(t *testing.T, y *yard) {
			_, err := y.losing(t, func(w *transport.Work) {
				w.Examine = func(_ context.Context, job transport.Job) (transport.Job, error) {
					job.Veto = "of somebody else"
					return job, nil
				}
			}, "a", "b", "c", "d", "e", "f", "g")
			var unknown *drkit.OutcomeUnknownError
			require.ErrorAs(t, err, &unknown)
			assert.Len(t, unknown.Candidates, 7)
			assert.ErrorContains(t, err, "e (of somebody else), or one of 2 more")
		})
	})
	t.Run("nobody can tell", func(t *testing.T) {
		bubble(t, func(t *testing.T, y *yard) {
			broken := &drkit.Error{Status: http.StatusForbidden, Kind: drkit.ErrForbidden, Err: errors.New("no")}
			_, err := y.losing(t, func(w *transport.Work) {
				w.Examine = func(context.Context, transport.Job) (transport.Job, error) { return transport.Job{}, broken }
			}, "a")
			require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
			require.ErrorIs(t, err, drkit.ErrForbidden)
		})
	})
}
