package cloudreplica_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
)

// Each operation, as it leaves and as it is understood, in each way in which the service speaks.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, speaks := range dialects() {
		t.Run(speaks.name, func(t *testing.T) {
			t.Parallel()
			for _, tc := range wireCases(t) {
				t.Run(tc.name(), func(t *testing.T) {
					t.Parallel()
					t.Run("done", func(t *testing.T) {
						t.Parallel()
						tc.succeeds(t, newService(t, speaks))
					})
					t.Run("refused", func(t *testing.T) {
						t.Parallel()
						tc.fails(t, newService(t, speaks))
					})
				})
			}
		})
	}
}

func (c wireCase) succeeds(t *testing.T, s *service) {
	t.Helper()
	method, path := c.target()
	s.On(method, path, s.answers(c.status, c.answer))
	got, err := c.call(drkit.WithOperationID(sending(t), "runbook-7/step 2"), s.client())
	require.NoError(t, err)
	assert.Equal(t, c.want, got)

	request := s.Only()
	assert.Equal(t, c.request, request.Line)
	token := givenToken
	if operationOf(c.operation).Anonymous {
		token = ""
	}
	assert.Equal(t, s.headers(token, c.body != ""), request.Header)
	if c.body == "" {
		assert.Empty(t, request.Body)
	} else {
		s.sameBody(c.body, request.Body)
	}
}

func (c wireCase) fails(t *testing.T, s *service) {
	t.Helper()
	method, path := c.target()
	s.On(method, path, s.answers(c.refusal.status, c.refusal.sample))
	got, err := c.call(drkit.WithOperationID(sending(t), "op-1"), s.client(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})))
	require.Error(t, err)
	assert.Empty(t, got)
	assert.Equal(t, c.refusal.errorOf(c), answerOf(t, err))
	if c.refusal.kind != nil {
		assert.ErrorIs(t, err, c.refusal.kind)
	}
	unknown := operationOf(c.operation).Class == api.Once && !c.refusal.proves()
	assert.Equal(t, unknown, isUnknown(err))
	for _, part := range []string{"cloudreplica." + c.operation, c.refusal.message, path, "op-1"} {
		assert.Contains(t, err.Error(), part)
	}
	assert.Equal(t, []string{c.request}, s.Lines())
}
