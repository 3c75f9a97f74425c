package drkit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// learning is work of which each look shows more that another process has to know.
type learning struct {
	seen  string
	fails error
	looks []string // what they show; the last is the end
}

func (l *learning) ID() string { return "task-1" }

func (l *learning) Look(context.Context) (drkit.Look[string], error) {
	l.seen, l.looks = l.looks[0], l.looks[1:]
	return drkit.Look[string]{Done: len(l.looks) == 0, Result: l.seen, Progress: drkit.Progress{State: drkit.StateRunning}}, nil
}

func (l *learning) Token(context.Context) (step.Token, error) {
	return step.Token{Service: "fake", Operation: "Things.Move", Task: l.seen}, l.fails
}

// What a look has shown, and a later run has to know, is in the journal as soon as it was seen, and only then.
func TestLooksAreJournaled(t *testing.T) {
	t.Parallel()
	journal := &ownJournal{}
	source := &learning{looks: []string{"a", "a", "b", "c", "d"}}
	poller, err := drkit.Once(t.Context(), journal, "move", moves(source))
	require.NoError(t, err)
	token := func() string {
		s, err := journal.Load(t.Context(), "move")
		require.NoError(t, err)
		return s.Token
	}
	look := func(want string) {
		_, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, token())
	}
	before := len(journal.saves)
	assert.Equal(t, "token of task-1", token())

	source.fails = errors.New("the appliance does not say who it is")
	look("token of task-1")
	source.fails = nil
	journal.fail(drkit.StepAccepted, errors.New("disk full"))
	look("token of task-1")
	assert.Len(t, journal.saves, before, "that nothing could be saved is no reason for a look to fail")

	journal.fail("", nil)
	other := journal.steps["move"]
	require.NoError(t, journal.Save(t.Context(), drkit.Step{Version: 1, Key: "move", State: drkit.StepReady}))
	before = len(journal.saves)
	look("")
	assert.Len(t, journal.saves, before, "the step has gone on since")
	journal.steps["move"] = other

	look(step.Token{Service: "fake", Operation: "Things.Move", Task: "c"}.String())
	before = len(journal.saves)
	look(step.Token{Service: "fake", Operation: "Things.Move", Task: "c"}.String())
	assert.Equal(t, []string{"move=succeeded"}, journal.saves[before:], "of what has ended the result is enough")
}

func TestLooksAreJournaledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		journal := &ownJournal{}
		poller, err := drkit.Once(t.Context(), journal, "move", moves(&learning{looks: []string{"a", "a", "b", "b", "c"}}))
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, []string{"move=intended", "move=accepted", "move=accepted", "move=accepted", "move=succeeded"}, journal.saves)
	})
}
