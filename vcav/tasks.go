package vcav

import (
	"context"
	"encoding/json"
	"errors"
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
	err := t.at.do(ctx, taskCall(transport.Call{Operation: &contract.TasksGet, Path: []string{id}}, &task), &task)
	return task, err
}

// List walks the tasks of the signed-in user, newest first unless query.Sort says otherwise; an
// administrator sees everybody's. query.Limit is the rows a page, at most 100, which is the default; the
// walk goes on to the last page. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if tasks keep coming while the list is read.
// Roles: EVERYONE, PEER_MONITORING.
// Source: Cloud Director Availability API guide, "Get the Details of All the Tasks".
func (t *Tasks) List(ctx context.Context, query TaskQuery) iter.Seq2[Task, error] {
	return transport.Rows(ctx, transport.List[Task]{
		Name: "vcav.Tasks.List", Offset: query.Offset, Limit: query.Limit,
		ID: func(row *Task) string { return row.ID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[Task], error) {
			query := query
			query.Offset, query.Limit = offset, limit
			var page TaskPage
			err := t.at.do(ctx, transport.Call{Operation: &contract.TasksList, Query: query}, &page)
			return transport.Page[Task]{Items: page.Items, Total: page.Total}, err
		},
	})
}

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

// taskCall makes a call refuse an answer that is not a task: without an id there is nothing to wait for.
func taskCall(call transport.Call, task *Task) transport.Call {
	call.Check = func() error {
		if task.ID == "" {
			return errors.New("a task without an id")
		}
		return nil
	}
	return call
}

// start sends a call that answers a task and returns the poller that follows it to a result of type T.
func start[T any](ctx context.Context, at place, call transport.Call) (*drkit.Poller[T], error) {
	ctx, id, err := at.client.transport.Name(ctx)
	if err != nil {
		return nil, fmt.Errorf("vcav.%s: %w", call.Operation.Name, err)
	}
	var task Task
	if err := at.do(ctx, taskCall(call, &task), &task); err != nil {
		return nil, err
	}
	source := &taskSource[T]{at: at, accepted: task, operation: "vcav." + call.Operation.Name, operationID: id}
	return drkit.NewPoller[T](source, at.client.transport.Polling()), nil
}

// taskSource looks at one task at the place that runs it.
type taskSource[T any] struct {
	at          place
	accepted    Task // as the service answered it
	operation   string
	operationID string
}

// ID returns the id of the task.
func (s *taskSource[T]) ID() string { return s.accepted.ID }

// Look gets the task, unless it had already ended when it was accepted.
func (s *taskSource[T]) Look(ctx context.Context) (drkit.Look[T], error) {
	task := s.accepted
	if !task.Ended() {
		var err error
		if task, err = (&Tasks{s.at}).Get(drkit.WithOperationID(ctx, s.operationID), task.ID); err != nil {
			return drkit.Look[T]{}, err
		}
	}
	look := drkit.Look[T]{
		Progress: drkit.Progress{ID: task.ID, State: drkit.State(task.State), Percent: task.Progress},
		Done:     task.Ended(),
	}
	var failed *drkit.TaskError
	if errors.As(task.Err(), &failed) {
		failed.Operation, failed.OperationID = s.operation, s.operationID
		look.Err = failed
	} else if look.Done {
		look.Result, look.Err = resultOf[T](task)
	}
	return look, nil
}

// resultOf decodes the result of a task that ended well.
func resultOf[T any](task Task) (T, error) {
	var result T
	if len(task.Result) == 0 || string(task.Result) == "null" {
		return result, fmt.Errorf("task %s succeeded, but has no result to return", task.ID)
	}
	if err := json.Unmarshal(task.Result, &result); err != nil {
		return result, fmt.Errorf("task %s succeeded, but its result of type %q cannot be read: %w",
			task.ID, task.ResultType, err)
	}
	return result, nil
}
