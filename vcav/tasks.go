package vcav

import (
	"context"
	"fmt"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// Tasks are the long-running operations of a site.
type Tasks struct{ at place }

// Get returns one task. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such task at this site, or if it is another user's.
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Details of a Task".
func (t *Tasks) Get(ctx context.Context, id string) (Task, error) {
	var task Task
	call := transport.Call{Operation: &contract.TasksGet, Path: []string{id}, Check: func() error {
		if task.ID != id {
			return fmt.Errorf("task %q instead of the one that was asked for", task.ID)
		}
		return nil
	}}
	err := t.at.do(ctx, call, &task)
	return task, err
}

// List walks the tasks of the signed-in user, newest first unless query.Sort says otherwise; an
// administrator sees everybody's. query.Limit is the rows a page, at most 100, which is the default; the
// walk goes on to the last page. IDs that are empty, but not nil, match nothing. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if tasks keep coming while the list is read.
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Details of All the Tasks".
func (t *Tasks) List(ctx context.Context, query TaskQuery) iter.Seq2[Task, error] {
	if query.IDs != nil && len(query.IDs) == 0 {
		return none[Task]
	}
	return transport.Rows(ctx, transport.List[Task]{
		Name: "vcav.Tasks.List", Offset: query.Offset, Limit: query.Limit,
		Ahead: t.at.client.transport.Prefetch(),
		ID:    func(row *Task) string { return row.ID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[Task], error) {
			query := query
			query.Offset, query.Limit = offset, limit
			var page TaskPage
			err := t.at.do(ctx, transport.Call{Operation: &contract.TasksList, Query: query}, &page)
			return transport.Page[Task]{Items: page.Items, Total: page.Total}, err
		},
	})
}

// Poll returns several tasks with one request. Tasks that the user may not see, or that are not known at
// this site, are left out, so the answer may be shorter than ids and in another order. It is safe to
// repeat, and sends nothing for no ids.
//
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Details of Multiple Tasks".
func (t *Tasks) Poll(ctx context.Context, ids []string) ([]Task, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var tasks taskRows
	err := t.at.do(ctx, transport.Call{Operation: &contract.TasksPoll, Body: ids}, &tasks)
	return tasks, err
}

// none is a list without rows.
func none[T any](func(T, error) bool) {}

// Ended reports whether the task has run to its end, well or badly. A state that drkit does not know
// counts as not ended.
func (t Task) Ended() bool { return t.State == TaskStateSucceeded || t.State == TaskStateFailed }

// Err returns why a failed task failed, as a [*drkit.TaskError], and nil for any other.
func (t Task) Err() error {
	if t.State != TaskStateFailed {
		return nil
	}
	failed := &drkit.TaskError{
		TaskID: t.ID, Type: t.WorkflowInfo.Type, ResourceID: t.WorkflowInfo.ResourceID,
		ResourceName: t.WorkflowInfo.ResourceName, Site: t.Site, Warnings: t.Warnings,
	}
	if t.Error != nil {
		failed.Code, failed.Message, failed.Args = t.Error.Code, t.Error.Msg, t.Error.Args
		failed.Stack, failed.Kind = t.Error.Stacktrace, kindOf(t.Error.Code)
	}
	return failed
}
