package drkit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/drkit-go/drkit"
)

func fullError() *drkit.Error {
	return &drkit.Error{
		Operation: "vcav.VMReplications.Failover", Method: http.MethodPost, Path: "/vm-replications/C4-1/failover",
		Status: http.StatusConflict, Code: "ReplicationBusy", Message: "The replication C4-1 is busy.",
		Args: []string{"C4-1"}, OperationID: "op-1", RetryAfter: 3 * time.Second,
		Stack: "java.lang.IllegalStateException\n\tat com.example", Kind: drkit.ErrConflict,
	}
}

func fullTaskError() *drkit.TaskError {
	return &drkit.TaskError{
		Operation: "vcav.VMReplications.Failover", OperationID: "op-1", TaskID: "task-1", Type: "failover",
		ResourceID: "C4-1", ResourceName: "db-1", Site: "site2", Code: "NoSpace", Message: "The datastore is full.",
		Args: []string{"ds-1"}, Warnings: []json.RawMessage{json.RawMessage(`{"code":"Slow"}`)},
		Stack: "java.lang.IllegalStateException\n\tat com.example", Kind: drkit.ErrConflict,
	}
}

func TestErrorLines(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"answer": {
			fullError(), "vcav.VMReplications.Failover: 409 ReplicationBusy: The replication C4-1 is busy. " +
				"(POST /vm-replications/C4-1/failover, operation ID op-1)",
		},
		"answer whose request the service names": {
			&drkit.Error{Operation: "vcav.About.Get", Method: "GET", Path: "/about", Status: 404, OperationID: "op", RequestID: "gw-1"},
			"vcav.About.Get: 404 (GET /about, operation ID op, request ID gw-1)",
		},
		"answer without a code": {
			&drkit.Error{Operation: "vcav.About.Get", Method: "GET", Path: "/about", Status: 502, Message: "Bad Gateway"},
			"vcav.About.Get: 502: Bad Gateway (GET /about)",
		},
		"no answer": {
			&drkit.Error{Operation: "vcav.About.Get", Method: "GET", Path: "/about", Err: io.ErrUnexpectedEOF, OperationID: "op"},
			"vcav.About.Get: unexpected EOF (GET /about, operation ID op)",
		},
		"answer that cannot be used": {
			&drkit.Error{
				Operation: "vcav.About.Get", Method: "GET", Path: "/about", Status: 200,
				Message: "the answer cannot be used", Err: errors.New("invalid character '<'"),
			},
			"vcav.About.Get: 200: the answer cannot be used: invalid character '<' (GET /about)",
		},
		"message on many lines": {
			&drkit.Error{Operation: "a.B", Method: "GET", Path: "/x", Status: 500, Message: " one\r\n\ttwo\x00\x1b[31mthree\u2028 four\u0085 "},
			"a.B: 500: one two [31mthree four (GET /x)",
		},
		"task": {
			fullTaskError(), "vcav.VMReplications.Failover: task on db-1 failed: NoSpace: The datastore is full. " +
				"(task task-1 at site2, operation ID op-1)",
		},
		"task on a resource without a name": {
			&drkit.TaskError{TaskID: "task-1", ResourceID: "C4-1", Code: "NoSpace"},
			"task on C4-1 failed: NoSpace (task task-1)",
		},
		"work without a task": {
			&drkit.TaskError{Code: "Rejected", OperationID: "op-1"}, "task failed: Rejected (operation ID op-1)",
		},
		"only a kind is known": {
			&drkit.Error{Operation: "a.B", Method: "GET", Path: "/x", Kind: drkit.ErrNotFound}, "a.B: not found (GET /x)",
		},
		"unknown outcome whose cause says more": {
			&drkit.OutcomeUnknownError{
				Operation: "a.B", Method: "POST", Path: "/x",
				Err: fmt.Errorf("middleware gave up: %w", &drkit.Error{Operation: "a.B", Method: "POST", Path: "/x", Err: io.EOF}),
			},
			"a.B: sent, but the outcome is unknown: middleware gave up: a.B: EOF (POST /x) (POST /x)",
		},
		"task of which nothing else is known": {
			&drkit.TaskError{TaskID: "task-1"}, "task failed (task task-1)",
		},
		"unknown outcome, connection lost": {
			&drkit.OutcomeUnknownError{
				Operation: "vcav.VMReplications.Failover", Method: "POST", Path: "/x", Site: "site2", OperationID: "op-1",
				Err: &drkit.Error{Operation: "vcav.VMReplications.Failover", Method: "POST", Path: "/x", Err: io.ErrUnexpectedEOF, OperationID: "op-1"},
			},
			"vcav.VMReplications.Failover: sent, but the outcome is unknown: unexpected EOF (POST /x at site2, operation ID op-1)",
		},
		"unknown outcome, an answer that says nothing": {
			&drkit.OutcomeUnknownError{
				Operation: "a.B", Method: "POST", Path: "/x",
				Err: &drkit.Error{Status: 500, Code: "InternalError", Message: "oops", Err: io.EOF},
			},
			"a.B: sent, but the outcome is unknown: 500 InternalError: oops: EOF (POST /x)",
		},
		"unknown outcome of another cause": {
			&drkit.OutcomeUnknownError{Operation: "a.B", Method: "POST", Path: "/x", Err: context.Canceled},
			"a.B: sent, but the outcome is unknown: context canceled (POST /x)",
		},
		"unknown outcome of which nothing is to be seen": {
			&drkit.OutcomeUnknownError{
				Operation: "a.B", Method: "POST", Path: "/x", Resource: "replication C4-1", Untouched: true, Err: &drkit.Error{Err: io.EOF},
			},
			"a.B: sent, but the outcome is unknown for replication C4-1: EOF: " +
				"no task came of it so far, and nothing there has changed (POST /x)",
		},
		"unknown outcome with candidates": {
			&drkit.OutcomeUnknownError{
				Operation: "a.B", Method: "POST", Path: "/x", Resource: "replication C4-1",
				Candidates: []string{"task-1", "task-2 (started by ann@org1)"}, Err: &drkit.Error{Err: io.EOF},
			},
			"a.B: sent, but the outcome is unknown for replication C4-1: EOF: " +
				"it may be task-1, or task-2 (started by ann@org1) (POST /x)",
		},
		"unknown outcome without a cause": {
			&drkit.OutcomeUnknownError{Operation: "a.B", Method: "POST", Path: "/x"},
			"a.B: sent, but the outcome is unknown (POST /x)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.want, tc.err.Error())
			assertOneLine(t, tc.err.Error())
		})
	}
}

// Whatever a service writes into its messages, an error is one line.
func TestErrorsAreOneLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.StringOf(rapid.OneOf(
			rapid.SampledFrom([]rune(" \n\r\t\v\f\x00\x1b\x7f\u0085\u00a0\u2028\u2029:()")), rapid.Rune()))
		for _, err := range []error{&drkit.Error{}, &drkit.TaskError{}, &drkit.OutcomeUnknownError{}} {
			fill(reflect.ValueOf(err).Elem(), func(field string) string { return text.Draw(r, field) })
			for _, err := range []error{err, &drkit.OutcomeUnknownError{Err: err}} {
				if bad := breaksLine(err.Error()); bad != "" {
					r.Fatalf("%q: %s", err, bad)
				}
			}
		}
	})
}

// hidden are the fields that the line of an error does not show, and why.
var hidden = map[string]string{
	"Error.Args":                    "the message holds them",
	"Error.Foreign":                 "the message says it",
	"Error.Kind":                    "status and code say it",
	"Error.RetryAfter":              "for programs",
	"Error.Stack":                   "long, and only for those who wrote the service",
	"OutcomeUnknownError.Lost":      "for Recover and Discard",
	"OutcomeUnknownError.Untouched": "the words say it where there is no candidate; TestErrorLines has it alone",
	"TaskError.Args":                "the message holds them",
	"TaskError.Kind":                "the code says it",
	"TaskError.ResourceID":          "the name stands for it; TestErrorLines has it alone",
	"TaskError.Stack":               "long, and only for those who wrote the service",
	"TaskError.Type":                "the operation says it",
	"TaskError.Warnings":            "long",
}

// A field that is added to an error shows in its line, unless somebody decides otherwise.
func TestErrorLinesShowTheirFields(t *testing.T) {
	t.Parallel()
	for _, err := range []error{&drkit.Error{}, &drkit.TaskError{}, &drkit.OutcomeUnknownError{}} {
		value := reflect.ValueOf(err).Elem()
		fill(value, func(field string) string { return "<" + field + ">" })
		for i := range value.NumField() {
			field := value.Type().Field(i).Name
			want := "<" + field + ">"
			switch {
			case field == "Status":
				assert.Contains(t, err.Error(), "417")
			case hidden[value.Type().Name()+"."+field] != "":
				assert.NotContains(t, err.Error(), want)
			default:
				assert.Contains(t, err.Error(), want, value.Type().Name())
			}
		}
	}
}

// fill sets every field of an error: texts to what text returns for the name of the field.
func fill(value reflect.Value, text func(field string) string) {
	for i := range value.NumField() {
		field := text(value.Type().Field(i).Name)
		switch at := value.Field(i); at.Interface().(type) {
		case string:
			at.SetString(field)
		case int:
			at.SetInt(http.StatusExpectationFailed)
		case time.Duration:
			at.SetInt(int64(417 * time.Hour))
		case []string:
			at.Set(reflect.ValueOf([]string{field}))
		case []json.RawMessage:
			at.Set(reflect.ValueOf([]json.RawMessage{json.RawMessage(field)}))
		case bool:
			at.SetBool(true)
		default:
			if at.Type() == reflect.TypeFor[error]() {
				at.Set(reflect.ValueOf(errors.New(field)))
			}
		}
	}
}

var sentinels = []error{
	drkit.ErrNotFound, drkit.ErrUnauthorized, drkit.ErrForbidden, drkit.ErrConflict, drkit.ErrThrottled,
	drkit.ErrUnavailable, drkit.ErrOutcomeUnknown, drkit.ErrTaskGone, drkit.ErrNotDone, drkit.ErrReadOnly,
	drkit.ErrClosed, drkit.ErrListMoved,
}

func TestErrorsAreTheirKind(t *testing.T) {
	t.Parallel()
	for i := range len(sentinels) + 1 {
		var kind error // of the last round: none
		if i < len(sentinels) {
			kind = sentinels[i]
		}
		for _, err := range []error{
			&drkit.Error{Kind: kind, Err: io.EOF},
			&drkit.TaskError{Kind: kind},
			fmt.Errorf("runbook: %w", &drkit.Error{Kind: kind}),
			errors.Join(io.EOF, &drkit.TaskError{Kind: kind}),
		} {
			for j, sentinel := range sentinels {
				assert.Equalf(t, i == j, errors.Is(err, sentinel), "%v is %v", err, sentinel)
			}
		}
	}
}

// What stands for a kind more closely matches as itself, and as what it wraps.
func TestErrorsAreWhatTheirKindWraps(t *testing.T) {
	t.Parallel()
	closer := fmt.Errorf("busy: %w", drkit.ErrConflict)
	for _, err := range []error{&drkit.Error{Kind: closer}, &drkit.TaskError{Kind: closer}} {
		require.ErrorIs(t, err, closer)
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.NotErrorIs(t, err, drkit.ErrNotFound)
	}
}

func TestErrorsUnwrapToTheirCause(t *testing.T) {
	t.Parallel()
	cause := fmt.Errorf("dial: %w", context.DeadlineExceeded)
	inner := &drkit.Error{Status: 503, Kind: drkit.ErrUnavailable, Err: cause}
	unknown := &drkit.OutcomeUnknownError{Err: inner}
	for _, err := range []error{inner, unknown, fmt.Errorf("runbook: %w", unknown)} {
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, cause)
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		require.NotErrorIs(t, err, context.Canceled)
		var answer *drkit.Error
		require.ErrorAs(t, err, &answer)
		assert.Same(t, inner, answer)
		var task *drkit.TaskError
		require.NotErrorAs(t, err, &task)
	}
	require.ErrorIs(t, unknown, drkit.ErrOutcomeUnknown)
	require.NotErrorIs(t, inner, drkit.ErrOutcomeUnknown)
	require.NotErrorIs(t, &drkit.OutcomeUnknownError{}, drkit.ErrUnavailable)
}

func TestSentinelsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, err := range sentinels {
		assertOneLine(t, err.Error())
		assert.Falsef(t, seen[err.Error()], "%q names two sentinels", err)
		seen[err.Error()] = true
		for _, other := range sentinels[i+1:] {
			require.NotErrorIs(t, err, other)
		}
	}
}

func TestErrorsAsLogValues(t *testing.T) {
	t.Parallel()
	unknown := &drkit.OutcomeUnknownError{
		Operation: "vcav.VMReplications.Failover", Method: "POST", Path: "/x", Site: "site2", OperationID: "op-1",
		Err: fullError(),
	}
	withCause := &drkit.Error{Operation: "a.B", Message: "two\nlines", Err: errors.New("no\nanswer"), Stack: "IllegalState"}
	for name, tc := range map[string]struct {
		err  error
		want map[string]any
	}{
		"answer": {fullError(), map[string]any{
			"operation": "vcav.VMReplications.Failover", "status": 409.0, "code": "ReplicationBusy",
			"message": "The replication C4-1 is busy.", "operation_id": "op-1",
		}},
		"no answer": {withCause, map[string]any{"operation": "a.B", "message": "two lines", "cause": "no answer"}},
		"task": {fullTaskError(), map[string]any{
			"operation": "vcav.VMReplications.Failover", "task": "task-1", "resource": "C4-1", "code": "NoSpace",
			"message": "The datastore is full.", "operation_id": "op-1",
		}},
		"unknown outcome": {unknown, map[string]any{
			"operation": "vcav.VMReplications.Failover", "path": "/x", "site": "site2", "operation_id": "op-1",
			"error": unknown.Error(),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var record bytes.Buffer
			slog.New(slog.NewJSONHandler(&record, nil)).Error("call", "err", tc.err)
			var decoded struct{ Err map[string]any }
			require.NoError(t, json.Unmarshal(record.Bytes(), &decoded))
			for key, want := range tc.want {
				assert.Equal(t, want, decoded.Err[key], key)
			}
			for _, handler := range []func(io.Writer) slog.Handler{
				func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
				func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
			} {
				var record bytes.Buffer
				logger := slog.New(handler(&record))
				logger.Error("call", "err", tc.err, "wrapped", fmt.Errorf("runbook: %w", tc.err))
				assert.NotContains(t, record.String(), "IllegalState", "the stack of the service stays out of logs")
				assert.Equal(t, 1, strings.Count(record.String(), "\n"))
			}
		})
	}
}

func TestErrorsAsJSONLeaveOutTheStack(t *testing.T) {
	t.Parallel()
	for _, err := range []error{fullError(), fullTaskError()} {
		data, marshalErr := json.Marshal(err)
		require.NoError(t, marshalErr)
		assert.NotContains(t, string(data), "IllegalState")
		assert.Contains(t, string(data), "op-1")
		for _, format := range []string{"%v", "%+v", "%s", "%q"} {
			assert.NotContains(t, fmt.Sprintf(format, err), "IllegalState")
		}
	}
}
