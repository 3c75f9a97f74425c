package drkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit/internal/step"
)

// Journal keeps the steps of a runbook, so that another run can go on where one was cut off. [FileJournal] and
// [MemoryJournal] are two; one that keeps steps in the status of a Kubernetes resource, or in the heartbeat of
// a Temporal activity, needs these three methods. They may be called by several goroutines at once.
type Journal interface {
	// Load returns the step of that key, and ErrNotFound if there is none.
	Load(ctx context.Context, key string) (Step, error)
	// Save puts a step in the place of the one of the same key. When it returns nil, the step must survive
	// whatever the runbook has to survive; when it returns an error, it may be saved all the same. Some
	// contexts do not end, so that a journal far away needs a time limit of its own.
	Save(ctx context.Context, s Step) error
	// Steps returns all steps, in the order in which their keys were first saved.
	Steps(ctx context.Context) ([]Step, error)
}

// Step is what a journal knows of one step. It is written and read as JSON, and holds no secrets. What is of
// use to people is in the first fields; the others belong to [Once].
type Step struct {
	Version     int       `json:"version"`              // of this format
	Key         string    `json:"key"`                  // that the runbook gave it
	State       StepState `json:"state"`                // how far it has come
	Operation   string    `json:"operation,omitzero"`   // as in "vcav.VMReplications.Failover"
	OperationID string    `json:"operationId,omitzero"` // of the last request, for the service's logs
	Resource    string    `json:"resource,omitzero"`    // what the operation works on
	Site        string    `json:"site,omitzero"`        // where it runs; empty is the local site
	Appliance   string    `json:"appliance,omitzero"`   // identity of the appliance, and of the user
	Request     string    `json:"request,omitzero"`     // hash of service, site, path and body
	Sent        int       `json:"sent,omitzero"`        // how often a request was about to leave
	Began       time.Time `json:"began,omitzero"`       // when the last one was
	Ended       time.Time `json:"ended,omitzero"`       // when the end was seen; zero before

	Note    json.RawMessage `json:"note,omitzero"`    // what there was before the request left
	Token   string          `json:"token,omitzero"`   // resume token of the task
	Result  json.RawMessage `json:"result,omitzero"`  // what came of it
	Failure json.RawMessage `json:"failure,omitzero"` // why it failed
}

// StepState is how far a step has come.
type StepState string

// The states of a step.
const (
	StepReady     StepState = step.Ready     // nothing was sent, or what was sent was refused
	StepIntended  StepState = step.Intended  // about to be sent, or sent: what became of it is not known yet
	StepAccepted  StepState = step.Accepted  // the service has named the task
	StepSucceeded StepState = step.Succeeded // the task has ended well
	StepFailed    StepState = step.Failed    // the task has failed
)

// stepVersion is the version of the format of a step.
const stepVersion = 1

// record returns a step for those who work on it.
func (s Step) record() step.Record {
	return step.Record{
		Version: s.Version, Key: s.Key, State: string(s.State), Operation: s.Operation, OperationID: s.OperationID,
		Resource: s.Resource, Site: s.Site, Appliance: s.Appliance, Request: s.Request, Sent: s.Sent, Began: s.Began,
		Ended: s.Ended, Note: s.Note, Token: s.Token, Result: s.Result, Failure: s.Failure,
	}
}

func stepOf(r step.Record) Step {
	return Step{
		Version: r.Version, Key: r.Key, State: StepState(r.State), Operation: r.Operation, OperationID: r.OperationID,
		Resource: r.Resource, Site: r.Site, Appliance: r.Appliance, Request: r.Request, Sent: r.Sent, Began: r.Began,
		Ended: r.Ended, Note: r.Note, Token: r.Token, Result: r.Result, Failure: r.Failure,
	}
}

// Err returns why a step failed, as a [*TaskError] where it was the task that failed, and nil for a step that
// has not failed.
func (s Step) Err() error {
	if s.State != StepFailed {
		return nil
	}
	var f failure
	if err := json.Unmarshal(s.Failure, &f); err != nil {
		return fmt.Errorf("step %q has failed, and its journal does not say why: %w", s.Key, err)
	}
	return f.err()
}

// failure is an error as a journal keeps it.
type failure struct {
	Task *TaskError `json:"task,omitzero"`
	Kind string     `json:"kind,omitzero"` // text of the sentinel
	Text string     `json:"text"`
}

// sentinels are those that a failed task can match.
var sentinels = []error{
	ErrNotFound, ErrUnauthorized, ErrForbidden, ErrConflict, ErrThrottled, ErrUnavailable, ErrTaskGone, ErrSkipped,
	ErrTimedOut, ErrCancelled,
}

func failureOf(err error) failure {
	f := failure{Text: oneLine(err.Error())}
	errors.As(err, &f.Task)
	for _, sentinel := range sentinels {
		if errors.Is(err, sentinel) {
			f.Kind = sentinel.Error()
		}
	}
	return f
}

func (f failure) err() error {
	var kind error
	for _, sentinel := range sentinels {
		if sentinel.Error() == f.Kind {
			kind = sentinel
		}
	}
	if f.Task == nil {
		return &storedError{text: f.Text, kind: kind}
	}
	failed := *f.Task
	failed.Kind = kind
	return &failed
}

// storedError is what a journal has kept of an error that is no TaskError.
type storedError struct {
	text string
	kind error
}

func (e *storedError) Error() string        { return e.text }
func (e *storedError) Is(target error) bool { return e.kind != nil && target == e.kind }
