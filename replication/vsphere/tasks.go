package vsphere

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Tasks are the long-running operations of this site.
type Tasks struct{ at place }

// Get returns one task. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such task, or none any more.
// Privileges: System.View.
// Source: vSphere Replication REST API reference, "Get task".
func (t *Tasks) Get(ctx context.Context, id string) (Task, error) {
	var task Task
	call := transport.Call{Operation: &contract.TasksGet, Path: []string{id}, Check: func() error {
		if task.ID != id {
			return fmt.Errorf("task %s instead of the one that was asked for", transport.Plain(task.ID))
		}
		return nil
	}}
	err := t.at.do(ctx, call, &task)
	return task, err
}

// List walks recent tasks. How long a task counts as recent is not documented. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if tasks keep coming while the list is read.
// Privileges: System.View.
// Source: vSphere Replication REST API reference, "Recent tasks".
func (t *Tasks) List(ctx context.Context, query ListQuery) iter.Seq2[Task, error] {
	return walk(ctx, list[Task]{
		at: t.at, call: transport.Call{Operation: &contract.TasksList}, query: query,
		id: func(row *Task) string { return row.ID },
	})
}

// Ended reports whether the task has ended: well, badly, or before its time. A status that drkit does not know counts
// as not ended.
func (t Task) Ended() bool {
	return t.Status == TaskStatusSuccess || t.Status == TaskStatusError || t.Status == TaskStatusCancelled
}

// Err returns why a task has failed, or that it was cancelled, as a [*drkit.TaskError], and nil for any other.
// [errors.Is] finds [drkit.ErrCancelled] in that of a cancelled one. What the answer lacked is among its Warnings.
func (t Task) Err() error {
	failed := &drkit.TaskError{
		TaskID: t.ID, Type: t.DescriptionID, ResourceID: t.Entity, ResourceName: t.EntityName,
		Warnings: written(t.Meta.Errors),
	}
	switch t.Status {
	case TaskStatusError:
		failed.Message = "the service does not say why"
	case TaskStatusCancelled:
		failed.Message, failed.Kind = "it was cancelled", drkit.ErrCancelled
	default:
		return nil
	}
	if t.Error != nil && t.Error.Message+t.Error.Details != "" {
		failed.Message = t.Error.String()
	}
	return failed
}

// String returns message and details on one line, the details alone where they begin with the message.
func (f TaskFailure) String() string {
	message, details := oneLine(f.Message), oneLine(f.Details)
	switch {
	case strings.HasPrefix(details, message):
		return details
	case details == "":
		return message
	case strings.HasSuffix(message, "."):
		return message + " " + details
	default:
		return message + ": " + details
	}
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// progress is what a look has shown, in the words that all services share.
func (t Task) progress() drkit.Progress {
	state := drkit.State(t.Status)
	switch t.Status {
	case TaskStatusSuccess:
		state = drkit.StateSucceeded
	case TaskStatusError:
		state = drkit.StateFailed
	default: // in the service's own
	}
	return drkit.Progress{ID: t.ID, State: state, Percent: int(t.Progress)}
}
