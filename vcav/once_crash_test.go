package vcav_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// scene is an appliance, and the file of a journal that outlives the processes which use it.
type scene struct {
	server *vcavtest.Server
	step   runbookStep
	file   string
}

func newScene(t *testing.T, step runbookStep) *scene {
	t.Helper()
	server := vcavtest.NewServer(t, append([]vcavtest.Option{vcavtest.InMemory()}, step.options...)...)
	if step.prepare != nil {
		step.prepare(t, signedIn(t, server))
	}
	return &scene{server, step, filepath.Join(t.TempDir(), "journal")}
}

// run is one process. It returns how many events there were.
func (s *scene) run(t *testing.T, diesAt int, torn bool) (events int, result any, err error) {
	t.Helper()
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	p := &process{file: s.file, torn: torn, kill: kill, diesAt: diesAt}
	journal, err := drkit.OpenFileJournal(s.file)
	require.NoError(t, err)
	defer journal.Close()
	client := signedIn(t, s.server, drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return mortalTransport{p, next} }))
	defer func() { _ = client.Close(context.WithoutCancel(ctx)) }()
	result, err = s.step.run(ctx, client, mortalJournal{p, journal})
	return p.events, result, err
}

// inspect checks what must be true at any moment: nothing was sent that was not journaled, and nothing ran twice.
func (s *scene) inspect(t *testing.T) drkit.Step {
	t.Helper()
	steps, err := drkit.ReadJournal(s.file)
	require.NoError(t, err)
	ran := s.server.Ran(s.step.operation, s.step.resource)
	require.LessOrEqual(t, ran, 1)
	if len(steps) == 0 {
		require.Zero(t, s.server.Count(s.step.operation), "sent, but not in the journal")
		return drkit.Step{}
	}
	require.LessOrEqual(t, s.server.Count(s.step.operation), steps[0].Sent)
	return steps[0]
}

// finish runs the step until it has succeeded. It returns whether a person had to look.
func (s *scene) finish(t *testing.T) (asked bool) {
	t.Helper()
	_, _, err := s.run(t, 0, false)
	before := s.inspect(t)
	if errors.Is(err, drkit.ErrOutcomeUnknown) {
		require.False(t, s.step.again, err)
		require.Equal(t, drkit.StepIntended, before.State)
		require.Zero(t, s.server.Ran(s.step.operation, s.step.resource), "only what has not run stays unknown")
		asked = true
		journal, openErr := drkit.OpenFileJournal(s.file)
		require.NoError(t, openErr)
		require.NoError(t, drkit.Retry(t.Context(), journal, "step"))
		require.NoError(t, journal.Close())
		_, _, err = s.run(t, 0, false)
	}
	require.NoError(t, err)
	require.Equal(t, drkit.StepSucceeded, s.inspect(t).State)
	require.Equal(t, 1, s.server.Ran(s.step.operation, s.step.resource))
	return asked
}

// A process that dies between any two changes of its journal, any two requests, or any two of both: the operation
// runs once, whatever it is.
func TestOnceSurvivesEveryCrash(t *testing.T) {
	t.Parallel()
	for i, step := range runbookSteps() {
		if testing.Short() && i%5 != 0 {
			continue
		}
		t.Run(step.operation, func(t *testing.T) {
			t.Parallel()
			asked, last := 0, 0
			for diesAt := 1; last == 0 || diesAt <= last; diesAt++ {
				for _, torn := range []bool{false, true} {
					synctest.Test(t, func(t *testing.T) {
						s := newScene(t, step)
						events, _, err := s.run(t, diesAt, torn)
						if events < diesAt {
							last = events
							require.NoError(t, err)
						}
						s.inspect(t)
						if s.finish(t) {
							asked++
						}
					})
				}
			}
			t.Logf("%d crashes, after %d of which a person had to look", 2*last, asked)
		})
	}
}

// The same with two crashes, one after the other.
func TestOnceSurvivesTwoCrashes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("hundreds of runs")
	}
	for i, step := range runbookSteps() {
		if i%5 != 0 {
			continue
		}
		t.Run(step.operation, func(t *testing.T) {
			t.Parallel()
			crashes, first := 0, 0
			for diesAt := 1; first == 0; diesAt++ {
				second := 0
				for again := 1; second == 0; again++ {
					synctest.Test(t, func(t *testing.T) {
						s := newScene(t, step)
						events, _, _ := s.run(t, diesAt, false)
						s.inspect(t)
						eventsAgain, _, _ := s.run(t, again, again%2 == 0)
						s.inspect(t)
						s.finish(t)
						crashes++
						if eventsAgain < again {
							second = again
						}
						if events < diesAt {
							first = diesAt
						}
					})
				}
			}
			assert.Positive(t, crashes)
			t.Log(fmt.Sprint(crashes), "pairs of crashes")
		})
	}
}
