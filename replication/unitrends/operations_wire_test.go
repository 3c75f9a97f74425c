package unitrends_test

import (
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// Each operation, as it leaves and as it is understood.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			t.Run("all", func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, answer(t, tc.status, tc.answer))
				tc.succeeds(t, s, all(client), "")
			})
			t.Run("refused", func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, answer(t, tc.refusal.status, tc.refusal.sample))
				tc.fails(t, s, all(client))
			})
			if !takesSystem(tc.operation) {
				return // a view has no such method, which TestViewHasWhatTakesASystem checks
			}
			t.Run("one", func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, answer(t, tc.status, tc.answer))
				tc.succeeds(t, s, one(client.System("a&b")), "a%26b")
			})
		})
	}
}

// layOut lays out the one answer of a case.
func (c wireCase) layOut(t *testing.T, reply httpmock.Responder) (*service, *unitrends.Client) {
	t.Helper()
	s := newService(t)
	method, path, _ := strings.Cut(c.request, " ")
	s.on(method, path, reply)
	return s, s.client()
}

func (c wireCase) succeeds(t *testing.T, s *service, r resources, system string) {
	t.Helper()
	got, err := c.call(drkit.WithOperationID(wire(t), "runbook-7/step 2"), r)
	require.NoError(t, err)
	want := c.want
	if name, isPoller := want.(watched); isPoller && system != "" {
		want = name + " at system a&b"
	}
	assert.Equal(t, want, got)

	request := s.Only()
	assert.Equal(t, c.line(system), request.Line)
	assert.Equal(t, headers(givenToken, c.body != ""), request.Header)
	if c.body == "" {
		assert.Empty(t, request.Body)
	} else {
		assert.JSONEq(t, testdata(t, c.body), request.Body)
	}
}

func (c wireCase) fails(t *testing.T, s *service, r resources) {
	t.Helper()
	got, err := c.call(drkit.WithOperationID(wire(t), "op-1"), r)
	require.Error(t, err)
	assert.Empty(t, got)
	assert.Equal(t, c.refusal.errorOf(c), answerOf(t, err))
	if c.refusal.kind != nil {
		assert.ErrorIs(t, err, c.refusal.kind)
	}
	// Without a note nobody looks, and a 500 alone proves nothing.
	unknown := operationOf(c.operation).Class == api.Once && !c.refusal.proves()
	assert.Equal(t, unknown, isUnknown(err))
	for _, part := range []string{"unitrends." + c.operation, c.refusal.code, c.refusal.message, c.request, "op-1"} {
		assert.Contains(t, err.Error(), part)
	}
	assert.Equal(t, []string{c.line("")}, s.Lines())
}
