package checkpoints

import (
	"context"
	"fmt"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Tasks are the work in the background, which the service calls operation logs.
type Tasks struct{ resource }

// List walks the tasks that match query. query.Limit is the rows a page, at most 1000, which is the default; the
// walk goes on to the last page. The service takes no filter for a checkpoint or a backup. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if tasks keep coming while the list is read.
// Roles: cbr:tasks:list.
//
// Source: CBR API reference, "Querying the Task List".
func (t *Tasks) List(ctx context.Context, query TaskQuery) iter.Seq2[Task, error] {
	return rows(ctx, t.resource, transport.List[Task]{
		Name: "checkpoints.Tasks.List", Offset: query.Offset, Limit: query.Limit,
		ID: func(row *Task) string { return row.ID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[Task], error) {
			query := query
			query.Offset, query.Limit = offset, limit
			return t.page(ctx, query)
		},
	})
}

// page reads one page of the list.
func (t *Tasks) page(ctx context.Context, query TaskQuery) (transport.Page[Task], error) {
	var page struct {
		Tasks []Task `json:"operation_logs"`
		Count *int
	}
	call := transport.Call{Operation: &contract.TasksList, Query: query, Check: lists("operation_logs", &page.Tasks, &page.Count)}
	err := t.do(ctx, call, &page)
	return pageOf(page.Tasks, page.Count), err
}

// Get returns one task. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: cbr:tasks:get.
//
// Source: CBR API reference, "Querying a Single Task".
func (t *Tasks) Get(ctx context.Context, id string) (Task, error) {
	var answer struct {
		Task Task `json:"operation_log"`
	}
	err := t.do(ctx, transport.Call{
		Operation: &contract.TasksGet, Path: []string{id}, Check: func() error {
			if answer.Task.ID != id {
				return fmt.Errorf("task %q instead of the one that was asked for", answer.Task.ID)
			}
			return nil
		},
	}, &answer)
	return answer.Task, err
}

// Ended reports whether the task has run to its end, well or badly. A status that drkit does not know counts as not
// ended.
func (t Task) Ended() bool {
	switch t.Status {
	case TaskStatusSuccess, TaskStatusFailed, TaskStatusSkipped, TaskStatusTimeout:
		return true
	default:
		return false
	}
}

// Err returns why a task has ended badly, as a [*drkit.TaskError], and nil for any other. Failed and timed-out tasks
// have, and skipped ones, which have done nothing since a check has failed: errors.Is finds [ErrTimedOut] and
// [ErrSkipped].
func (t Task) Err() error {
	if !t.Ended() || t.Status == TaskStatusSuccess {
		return nil
	}
	failed := &drkit.TaskError{
		TaskID: t.ID, Type: string(t.OperationType), ResourceID: t.VaultID, ResourceName: t.VaultName,
		Code: t.ErrorInfo.Code, Message: t.ErrorInfo.Message, Kind: endKind(t.Status, t.ErrorInfo.Code),
	}
	if on := t.ExtraInfo.Resource; on != nil && on.ID != "" {
		failed.ResourceID, failed.ResourceName = on.ID, on.Name
	}
	if failed.Message == "" {
		failed.Message = "the task has ended as " + string(t.Status)
	}
	return failed
}
