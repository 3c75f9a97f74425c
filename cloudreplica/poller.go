package cloudreplica

import (
	"context"
	"errors"
	"fmt"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// NoResult is the result of work that has none.
type NoResult struct{}

// outcome says what has come of a task that has ended well. It may take more looks.
type outcome[T any] func(ctx context.Context, c *Client, task Task) (drkit.Look[T], error)

// begin sends a call that answers a task, and returns the poller that follows it to its outcome.
func begin[T any](ctx context.Context, c *Client, call transport.Call, come outcome[T]) (*drkit.Poller[T], error) {
	var task Task
	call.Check = func() error {
		if task.TaskID == "" {
			return errors.New("a task without TaskId")
		}
		return nil
	}
	return transport.Begin(ctx, c.transport, transport.Beginning[T]{
		Call: call,
		Send: func(ctx context.Context, call transport.Call) (transport.Answer, error) {
			return c.send(ctx, call, &task)
		},
		Follow: func(operationID string, _ transport.Answer) *drkit.Poller[T] {
			source := &taskSource[T]{
				client: c, id: task.TaskID, operation: call.Operation.Name, operationID: operationID, come: come,
			}
			return drkit.NewPoller[T](source, c.transport.Polling())
		},
	})
}

// taskSource looks at one task of this client's session, and then at what has come of it.
type taskSource[T any] struct {
	client      *Client
	id          string
	operation   string // as in "FailoverPlans.Start"
	operationID string
	come        outcome[T]
}

// ID returns the id of the task.
func (s *taskSource[T]) ID() string { return s.id }

// Closed is closed with the client, which ends waits at once.
func (s *taskSource[T]) Closed() <-chan struct{} { return s.client.transport.Closed() }

// Look gets the task.
func (s *taskSource[T]) Look(ctx context.Context) (drkit.Look[T], error) {
	ctx = drkit.WithOperationID(ctx, s.operationID)
	task, err := s.client.Tasks.Get(ctx, s.id)
	if err != nil {
		return drkit.Look[T]{}, err
	}
	look := drkit.Look[T]{Progress: drkit.Progress{State: drkit.State(task.State)}}
	switch {
	case !task.Ended():
	case task.Result == nil:
		return look, fmt.Errorf("task %s has ended, and does not say how", transport.Plain(s.id))
	case task.Err() != nil:
		look.Done, look.Err = true, task.Err()
	default:
		if look, err = s.come(ctx, s.client, task); err != nil {
			return drkit.Look[T]{}, err
		}
	}
	look.Progress.ID = s.id
	var failed *drkit.TaskError
	if errors.As(look.Err, &failed) {
		failed.TaskID, failed.Operation, failed.OperationID = s.id, service+"."+s.operation, s.operationID
		s.client.transport.ScrubTask(failed)
	}
	return look, nil
}

// nothing is the outcome of what leaves nothing to get.
func nothing(_ context.Context, _ *Client, task Task) (drkit.Look[NoResult], error) {
	return drkit.Look[NoResult]{Progress: drkit.Progress{State: drkit.State(task.State), Percent: 100}, Done: true}, nil
}

// madeOf returns the outcome of what makes something, to which the task then has a link.
func madeOf[T any](kind string, get func(ctx context.Context, id string) (T, error)) outcome[T] {
	return func(ctx context.Context, _ *Client, task Task) (drkit.Look[T], error) {
		look := drkit.Look[T]{Progress: drkit.Progress{State: drkit.State(task.State), Percent: 100}, Done: true}
		link, found := task.Links.Find(RelRelated, kind)
		if !found {
			return look, fmt.Errorf("task %s has ended well, and has no link to a %s", transport.Plain(task.TaskID), kind)
		}
		var err error
		look.Result, err = get(ctx, link.ID())
		return look, err
	}
}

// failoverOf is the outcome of a failover plan: the session that the task has begun, when it has stopped.
func failoverOf(ctx context.Context, c *Client, task Task) (drkit.Look[CloudFailoverSession], error) {
	look, err := madeOf("CloudFailoverSession", c.FailoverSessions.Get)(ctx, c, task)
	if err != nil {
		return look, err
	}
	session := look.Result
	look.Progress = drkit.Progress{State: drkit.State(session.State), Percent: session.Progress}
	look.Done = session.State == SessionStateStopped
	if look.Done && session.Result == SessionResultFailed {
		look.Err = &drkit.TaskError{
			Type: task.Operation, ResourceID: session.ID(), ResourceName: session.Name, Message: session.FailureMessage,
		}
	}
	return look, nil
}
