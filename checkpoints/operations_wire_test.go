package checkpoints_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// Each operation, as it leaves and as it is understood.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases() {
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			t.Run("done", func(t *testing.T) {
				t.Parallel()
				tc.succeeds(t)
			})
			t.Run("refused", func(t *testing.T) {
				t.Parallel()
				tc.fails(t)
			})
		})
	}
}

// layOut lays out the one answer of a case.
func (c wireCase) layOut(t *testing.T, reply httpmock.Responder) (*service, *checkpoints.Client) {
	t.Helper()
	s := newService(t)
	method, path, _ := strings.Cut(c.request(), " ")
	s.On(method, path, reply)
	return s, s.client()
}

func (c wireCase) succeeds(t *testing.T) {
	t.Helper()
	operation := operationOf(c.operation)
	require.NotEmpty(t, operation.Statuses)
	s, client := c.layOut(t, answer(t, operation.Statuses[0], c.answer))
	got, err := c.call(drkit.WithOperationID(t.Context(), "runbook-7/step 2"), t, client)
	require.NoError(t, err)
	c.understood(t, operation, got)

	request := s.Only()
	assert.Equal(t, c.line(), request.Line)
	assert.Equal(t, headers(c.body != ""), request.Header)
	if c.body == "" {
		assert.Empty(t, request.Body)
	} else {
		assert.JSONEq(t, testdata(t, c.body), request.Body)
	}
}

// understood checks that what a call returns is what the answer says, member by member.
func (c wireCase) understood(t *testing.T, operation api.Operation, got any) {
	t.Helper()
	if c.answer == "" {
		assert.Empty(t, got)
		return
	}
	var want any
	wiretest.Decode(t, []byte(testdata(t, c.answer)), &want)
	member := api.Member{Schema: operation.Answer}
	if c.member != "" {
		object, isObject := want.(map[string]any)
		require.True(t, isObject)
		require.Contains(t, object, c.member)
		want = object[c.member]
		for _, one := range contract.Table.Schemas[operation.Answer].Members {
			if one.Name == c.member {
				member = one
			}
		}
	}
	encoded, err := json.Marshal(got)
	require.NoError(t, err)
	var read any
	wiretest.Decode(t, encoded, &read)
	assert.Empty(t, samples(t).Comparison(operation.Answer).Differences("answer", want, read, member))
	assert.NotEmpty(t, got)
}

func (c wireCase) fails(t *testing.T) {
	t.Helper()
	r := c.refusal
	require.NotZero(t, r.status)
	s, client := c.layOut(t, wiretest.WithHeader(answer(t, r.status, r.sample), "X-Request-Id", "gw-17"))
	got, err := c.call(drkit.WithOperationID(t.Context(), "op-1"), t, client)
	require.Error(t, err)
	assert.Empty(t, got)
	method, path, _ := strings.Cut(c.request(), " ")
	want := &drkit.Error{
		Operation: "checkpoints." + c.operation, Method: method, Path: path, Status: r.status, Code: string(r.code),
		Message: r.message, Args: r.args, OperationID: "op-1", RequestID: "gw-17", Kind: r.code,
	}
	assert.Equal(t, want, answerOf(t, err))
	for _, kind := range append(r.kinds, r.code) {
		assert.ErrorIs(t, err, kind)
	}
	assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "a refusal settles it")
	for _, part := range []string{"checkpoints." + c.operation, string(r.code), r.message, c.request(), "op-1", want.RequestID} {
		assert.Contains(t, err.Error(), part)
	}
	assert.Equal(t, []string{c.line()}, s.Lines())
}
