package transport

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/step"
)

// Work is how a service finds out what became of an operation that must not repeat. Without it the operation
// is sent all the same, and an answer that is lost stays lost.
type Work struct {
	// Resource names what the operation works on. Of the operations on one resource one is sent at a time.
	Resource string
	// Jobs returns all tasks that may be of this operation, whatever their state.
	Jobs func(ctx context.Context) ([]Job, error)
	// Tasks is how many tasks come of the operation; 0 means one, and AnyNumber that the service does not say, so that
	// all new ones are of it.
	Tasks int
	// Examine looks closer at a task that was not there before, for what is too much to ask about all tasks. Nil where
	// Jobs tells everything.
	Examine func(ctx context.Context, job Job) (Job, error)
	// State returns what there is to see of the operation at the resource itself, and Settle compares that
	// before and after. Both are nil where the resource proves nothing.
	State  func(ctx context.Context) (State, error)
	Settle func(before, after State) Verdict
	// Believe takes an error answer of the service for a refusal once the look has shown that the resource is
	// untouched, also where its status alone proves nothing: for services that refuse with a 500.
	Believe bool
	// Poller returns the *drkit.Poller of what was found. alone makes sure that a task which was adopted is
	// still the only one that may be of the operation.
	Poller func(found Found, alone func(context.Context) error) any
	// Resume returns the *drkit.Poller that a resume token stands for.
	Resume func(token string) (any, error)
	// Identity names the appliance and the user, so that a journal is not taken to another.
	Identity func(ctx context.Context) (string, error)
}

// AnyNumber of tasks comes of an operation.
const AnyNumber = -1

// tasks returns how many tasks are all of the operation, where there are so many new ones.
func (w *Work) tasks(found int) int {
	if w.Tasks == AnyNumber {
		return max(found, 1)
	}
	return max(w.Tasks, 1)
}

// Job is a task, or what else an operation leaves behind for sure.
type Job struct {
	ID      string    `json:"id"`
	Started time.Time `json:"started,omitzero"` // by the service's clock; zero if it does not say
	Ended   bool      `json:"ended,omitzero"`
	End     time.Time `json:"end,omitzero"`    // as Started
	Unsure  bool      `json:"unsure,omitzero"` // whether it is of this operation shows only at its end
	// It may be of another kind of operation, which leaves the resource as this one does.
	Other bool `json:"other,omitzero"`
	// It is of another kind of operation for sure. It is noted all the same: a later run may not be able to tell.
	Apart bool `json:"apart,omitzero"`
	// Why it cannot be of this operation although it looks so; empty if nothing speaks against it.
	Veto string `json:"veto,omitzero"`
	// Why nothing is sent while it is under way, in words; empty where it does the same.
	Why string `json:"-"`
}

// State is a resource, as far as an operation changes it.
type State map[string]string

// Verdict is what a resource proves.
type Verdict int

// The verdicts. The zero Verdict proves nothing.
const (
	Unclear   Verdict = iota
	Ran               // the resource is as the operation leaves it, and was not before
	Untouched         // the resource is as it was before
	NotRun            // as Untouched, and shows by itself that no new task can be of the operation
)

// Note is what there was immediately before an operation was sent.
type Note struct {
	Jobs   []string  `json:"jobs,omitzero"`   // ids
	Newest time.Time `json:"newest,omitzero"` // start of the newest job; zero if there was none
	Busy   []Job     `json:"busy,omitzero"`   // those that were under way
	State  State     `json:"state,omitzero"`
}

// Found is what a look has brought.
type Found struct {
	Job           string   // the task that came of the operation; empty where the resource proves that it ran
	Jobs          []string // all tasks, where Work says that there are several
	Note          Note     // what there was before
	Before, After State    // of the resource; After only where it is the proof
}

// notSentError is a reason why an operation was not sent, found out immediately before.
type notSentError struct{ err error }

func (e *notSentError) Error() string { return e.err.Error() }
func (e *notSentError) Unwrap() error { return e.err }

// takeNote reads what there is before an attempt. It refuses to send what is under way already, and what could
// not be found again.
func (x *exchange) takeNote(ctx context.Context) error {
	ctx = drkit.WithOperationID(inner(ctx), x.id)
	jobs, err := x.call.Work.Jobs(ctx)
	if err != nil {
		return &notSentError{fmt.Errorf("not sent, because the tasks of %s cannot be read before: %w", x.call.Work.Resource, err)}
	}
	note := Note{Jobs: make([]string, len(jobs))}
	for i, job := range jobs {
		note.Jobs[i] = job.ID
		if job.Apart {
			continue
		}
		if !job.Ended && !job.Unsure && !job.Other {
			conflict := x.newError()
			conflict.Kind = drkit.ErrConflict
			same := fmt.Sprintf("task %s does the same on %s already", job.ID, x.call.Work.Resource)
			conflict.Message = "not sent, because " + cmp.Or(job.Why, same)
			return &notSentError{conflict}
		}
		if job.Started.After(note.Newest) {
			note.Newest = job.Started
		}
		if !job.Ended {
			note.Busy = append(note.Busy, job)
		}
	}
	if x.call.Work.State != nil {
		if note.State, err = x.call.Work.State(ctx); err != nil {
			return &notSentError{fmt.Errorf("not sent, because %s cannot be read before: %w", x.call.Work.Resource, err)}
		}
	}
	if x.before != nil {
		note = x.before.note // what came of the first request since is no less this operation's
	}
	if err := x.intend(ctx, note); err != nil {
		return &notSentError{err}
	}
	x.note = &note
	return nil
}

// inner is the context of what a look asks for: who observes the call does not see it, and it is no step.
func inner(ctx context.Context) context.Context {
	return step.WithoutClaim(context.WithValue(ctx, settings.ObserverKey{}, nil))
}
