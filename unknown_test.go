package drkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// memory is what a client remembers of one operation.
type memory struct {
	poller    any
	err       error
	recovered int
	discarded int
}

func (m *memory) Recover(context.Context) (any, error) { m.recovered++; return m.poller, m.err }

func (m *memory) Discard() { m.discarded++ }

func TestRecover(t *testing.T) {
	t.Parallel()
	found := startFailover("task-1")
	still := &drkit.OutcomeUnknownError{Operation: "a.B", Err: io.EOF}
	for name, tc := range map[string]struct {
		memory *memory
		want   *drkit.Poller[string]
		err    error
		text   string
	}{
		"found":           {&memory{poller: found}, found, nil, ""},
		"still unknown":   {&memory{err: still}, nil, still, "outcome is unknown"},
		"of another type": {&memory{poller: drkit.NewPoller(&countdown{})}, nil, nil, "drkit.Recover: a.B was found, but leads to a *drkit.Poller[int] and not to a *drkit.Poller[string]"},
		"of no type":      {&memory{}, nil, nil, "leads to a <nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			unknown := &drkit.OutcomeUnknownError{Operation: "a.B", Lost: tc.memory}
			for _, err := range []error{unknown, fmt.Errorf("runbook: %w", unknown), errors.Join(io.EOF, unknown)} {
				poller, err := drkit.Recover[string](t.Context(), err)
				assert.Equal(t, tc.want, poller)
				if tc.err != nil {
					require.ErrorIs(t, err, tc.err)
				}
				if tc.text == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, tc.text)
				}
			}
			assert.Equal(t, 3, tc.memory.recovered)
			assert.Zero(t, tc.memory.discarded)
		})
	}
}

func TestRecoverOfWhatCannotBeFound(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"another error":       io.EOF,
		"nothing was noted":   &drkit.OutcomeUnknownError{Operation: "a.B", Err: io.EOF},
		"of another kind":     &drkit.TaskError{TaskID: "task-1"},
		"nothing, in a chain": fmt.Errorf("runbook: %w", &drkit.OutcomeUnknownError{}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			poller, got := drkit.Recover[string](t.Context(), err)
			assert.Nil(t, poller)
			assert.Equal(t, err, got, "the error itself")
			assert.False(t, drkit.Discard(err))
		})
	}
	poller, err := drkit.Recover[string](t.Context(), nil)
	assert.Nil(t, poller)
	require.EqualError(t, err, "drkit.Recover: there is no error to recover from")
	assert.False(t, drkit.Discard(nil))
}

func TestDiscard(t *testing.T) {
	t.Parallel()
	kept := &memory{}
	err := fmt.Errorf("runbook: %w", &drkit.OutcomeUnknownError{Lost: kept})
	assert.True(t, drkit.Discard(err))
	assert.True(t, drkit.Discard(err), "as often as one likes")
	assert.Equal(t, 2, kept.discarded)
	assert.Zero(t, kept.recovered)
}

// What a client remembers stays in the process.
func TestOutcomeUnknownErrorAsARecord(t *testing.T) {
	t.Parallel()
	err := &drkit.OutcomeUnknownError{
		Operation: "a.B", Method: "POST", Path: "/x", Site: "s", OperationID: "op-1", Err: io.EOF, Resource: "thing 7",
		Candidates: []string{"task-1\n(odd)"}, Lost: &memory{},
	}
	var written bytes.Buffer
	slog.New(slog.NewJSONHandler(&written, nil)).Error("lost", "error", err)
	var record struct{ Error map[string]string }
	require.NoError(t, json.Unmarshal(written.Bytes(), &record))
	assert.Equal(t, map[string]string{
		"operation": "a.B", "method": "POST", "path": "/x", "site": "s", "resource": "thing 7", "operation_id": "op-1",
		"error": "a.B: sent, but the outcome is unknown for thing 7: EOF: it may be task-1 (odd) (POST /x at s, operation ID op-1)",
	}, record.Error)
	data, jsonErr := json.Marshal(err)
	require.NoError(t, jsonErr)
	assert.NotContains(t, string(data), "Lost")
}

func TestAdopted(t *testing.T) {
	t.Parallel()
	assert.False(t, startFailover("task-1").Adopted(), "a source that knows of no such thing")
	assert.True(t, drkit.NewPoller(&adoptedFailover{newFailover("task-1")}).Adopted())
}

// countdown is a source of another type.
type countdown struct{}

func (*countdown) ID() string { return "countdown" }

func (*countdown) Look(context.Context) (drkit.Look[int], error) {
	return drkit.Look[int]{Done: true}, nil
}
