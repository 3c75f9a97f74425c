package drkit

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Sentinels answer with [errors.Is] the questions that callers ask of any error of any service.
var (
	// ErrNotFound: the service does not know the object, or does not show it to this user.
	ErrNotFound = errors.New("not found")
	// ErrUnauthorized: the service does not accept the credentials or the session.
	ErrUnauthorized = errors.New("unauthorized")
	// ErrForbidden: the user lacks the role, or does not own the object.
	ErrForbidden = errors.New("forbidden")
	// ErrConflict: the object is busy, or not in the state that the operation needs.
	ErrConflict = errors.New("conflict")
	// ErrThrottled: the service asks for fewer requests.
	ErrThrottled = errors.New("throttled")
	// ErrUnavailable: the service cannot be reached, or says that it cannot answer now.
	ErrUnavailable = errors.New("unavailable")
	// ErrOutcomeUnknown: an operation was sent and its answer was lost, so it may have run.
	ErrOutcomeUnknown = errors.New("outcome unknown")
	// ErrTaskGone: the service no longer knows a task that it once accepted.
	ErrTaskGone = errors.New("task gone")
	// ErrSkipped: the service has accepted work, checked whether to do it, and then done nothing.
	ErrSkipped = errors.New("skipped")
	// ErrTimedOut: the service has given up work that took it too long. What that has left behind is not known.
	ErrTimedOut = errors.New("timed out in the service")
	// ErrCancelled: somebody has ended the work before its time. What that has left behind is not known.
	ErrCancelled = errors.New("cancelled")
	// ErrNotDone: the result of a poller was asked for before its end.
	ErrNotDone = errors.New("not done")
	// ErrReadOnly: the client is read-only and the operation could change something. Nothing was sent.
	ErrReadOnly = errors.New("client is read-only")
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("client is closed")
	// ErrListMoved: rows came or went while a list was read, so that rows may be missing from it.
	ErrListMoved = errors.New("list moved while it was read")
	// ErrToken: a resume token is damaged, or belongs to something else.
	ErrToken = errors.New("resume token refused")
	// ErrJournal: a journal cannot be read or written, or somebody else has it.
	ErrJournal = errors.New("journal")
	// ErrStep: a step of a journal does not fit what is asked of it, or its function does not hold one operation.
	ErrStep = errors.New("step refused")
	// ErrChecksum: a download is not what the service has published. Nothing of it is kept in a file.
	ErrChecksum = errors.New("checksum mismatch")
)

// Error is an answer that is not a success, or a request that got no answer. It prints on one line.
type Error struct {
	Operation   string        // as in "vcav.VMReplications.Failover"
	Method      string        // HTTP verb
	Path        string        // path of the request, without its query
	Status      int           // HTTP status; 0 where no answer came
	Code        string        // the service's own error code; empty if it gives none
	Foreign     bool          // the answer is not in the service's format: a proxy's page, for example
	Message     string        // the service's words, or ours about an answer that cannot be used
	Args        []string      // values that the service put into the message
	OperationID string        // look for it in the service's logs
	RequestID   string        // the service's own name for the request; empty if it gives none
	RetryAfter  time.Duration // how long the service asks to wait; 0 if it does not say
	Stack       string        `json:"-"` // the service's stack trace; never part of Error()
	Kind        error         `json:"-"` // the sentinel that errors.Is finds, or what wraps it; nil if none fits
	Err         error         `json:"-"` // the cause, where no usable answer came
}

// Error returns operation, status, code, message, cause, request and its IDs on one line.
func (e *Error) Error() string {
	line := sentence{}
	line.add(e.Operation)
	if e.Status != 0 {
		line.add(strings.TrimSpace(strconv.Itoa(e.Status) + " " + e.Code))
	}
	line.add(e.Message)
	switch {
	case e.Err != nil:
		line.add(e.Err.Error())
	case e.Message == "" && e.Kind != nil:
		line.add(e.Kind.Error())
	}
	line.trailer(e.Method+" "+e.Path, e.OperationID, e.RequestID)
	return line.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel of this error, or what stands for it more closely.
func (e *Error) Is(target error) bool { return e.Kind != nil && errors.Is(e.Kind, target) }

// LogValue groups what Error prints.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("operation", e.Operation), slog.String("method", e.Method), slog.String("path", e.Path), slog.Int("status", e.Status), slog.String("code", e.Code),
		slog.String("message", oneLine(e.Message)), slog.String("operation_id", e.OperationID),
	}
	if e.RequestID != "" {
		attrs = append(attrs, slog.String("request_id", oneLine(e.RequestID)))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("cause", oneLine(e.Err.Error())))
	}
	return slog.GroupValue(attrs...)
}

// TaskError is a task that the service accepted and that then failed.
type TaskError struct {
	Operation    string            // what started the task, as in "vcav.VMReplications.Failover"; empty if not known
	OperationID  string            // of the call that started it; empty if not known
	TaskID       string            // the service's id of the task
	Type         string            // the service's name for the kind of work
	ResourceID   string            // what the task worked on
	ResourceName string            // its display name
	Site         string            // where the task ran
	Code         string            // the service's own error code
	Message      string            // the service's words
	Args         []string          // values that the service put into the message
	Warnings     []json.RawMessage // what the task complained of before it failed, as the service wrote it
	Stack        string            `json:"-"` // the service's stack trace; never part of Error()
	Kind         error             `json:"-"` // the sentinel that errors.Is finds; nil if none fits
}

// Error returns operation, resource, code, message, task, site and operation ID on one line.
func (e *TaskError) Error() string {
	line := sentence{}
	line.add(e.Operation)
	what := "task failed"
	if resource := firstOf(e.ResourceName, e.ResourceID); resource != "" {
		what = "task on " + resource + " failed"
	}
	line.add(what)
	line.add(e.Code)
	line.add(e.Message)
	task := ""
	if e.TaskID != "" {
		task = "task " + e.TaskID
	}
	line.trailer(at(task, e.Site), e.OperationID, "")
	return line.String()
}

// Is reports whether target is the sentinel of this error, or what stands for it more closely.
func (e *TaskError) Is(target error) bool { return e.Kind != nil && errors.Is(e.Kind, target) }

// LogValue groups what Error prints.
func (e *TaskError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("operation", e.Operation), slog.String("task", e.TaskID),
		slog.String("resource", e.ResourceID), slog.String("resource_name", e.ResourceName),
		slog.String("site", e.Site), slog.String("code", e.Code),
		slog.String("message", oneLine(e.Message)), slog.String("operation_id", e.OperationID))
}

// sentence joins the parts of an error into one line.
type sentence struct{ parts []string }

func (s *sentence) add(part string) {
	if part = oneLine(part); part != "" {
		s.parts = append(s.parts, part)
	}
}

func (s *sentence) trailer(request, operationID, requestID string) {
	if len(s.parts) == 0 {
		s.parts = append(s.parts, "failed")
	}
	var trailer []string
	if request = oneLine(request); request != "" {
		trailer = append(trailer, request)
	}
	if operationID != "" {
		trailer = append(trailer, "operation ID "+oneLine(operationID))
	}
	if requestID = oneLine(requestID); requestID != "" {
		trailer = append(trailer, "request ID "+requestID)
	}
	if len(trailer) > 0 {
		s.parts[len(s.parts)-1] += " (" + strings.Join(trailer, ", ") + ")"
	}
}

func (s *sentence) String() string { return strings.Join(s.parts, ": ") }

// oneLine folds white space and control characters, so that no message can break a log line.
func oneLine(s string) string {
	clean := strings.IndexFunc(s, func(r rune) bool { return r != ' ' && (unicode.IsSpace(r) || unicode.IsControl(r)) }) < 0
	if clean {
		return strings.TrimSpace(s)
	}
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// at adds a site, where there is one.
func at(what, site string) string {
	if site == "" {
		return what
	}
	return what + " at " + site
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
