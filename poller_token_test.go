package drkit_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// resumable is a source with a token, as those of drkit's own clients are.
type resumable struct {
	*source
	token step.Token
	err   error
}

func (r resumable) Token(ctx context.Context) (step.Token, error) {
	return r.token, errors.Join(r.err, ctx.Err())
}

func TestResumeToken(t *testing.T) {
	t.Parallel()
	want := step.Token{Service: "vcav", Appliance: "a", Operation: "VMReplications.Failover", Task: "task-1", User: "root"}
	poller := drkit.NewPoller[string](resumable{play("task-1", running(10), succeeded("vm")), want, nil})
	for range 3 { // before the first look, between looks and after the end
		text, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		got, err := step.ParseToken(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
		_, err = poller.Poll(t.Context())
		require.NoError(t, err)
	}
	assert.True(t, poller.Done())
}

func TestResumeTokenThatCannotBeMade(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tc := range map[string]struct {
		ctx    context.Context
		source drkit.Source[string]
		want   error
	}{
		"nothing to resume":   {t.Context(), play("task-1\n", running(10)), errors.ErrUnsupported},
		"service that is out": {t.Context(), resumable{play("task-1\n", running(10)), step.Token{}, answer(503)}, drkit.ErrUnavailable},
		"context that ended":  {ended, resumable{play("task-1\n", running(10)), step.Token{}, nil}, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := drkit.NewPoller(tc.source).ResumeToken(tc.ctx)
			require.ErrorIs(t, err, tc.want)
			require.ErrorContains(t, err, "task-1")
			assertOneLine(t, err.Error())
			assert.Empty(t, text)
		})
	}
}
