package vcav

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/internal/watch"
)

// start sends a call that answers a task and returns the poller that follows it to a result of type T.
func start[T any](ctx context.Context, at place, call transport.Call) (*drkit.Poller[T], error) {
	return startAs[T](ctx, at, call, &Task{})
}

// accepted is an answer that holds the task which the service has begun.
type accepted interface{ task() Task }

func (t Task) task() Task { return t }

// startAs is start for an answer that is no plain task.
func startAs[T any](ctx context.Context, at place, call transport.Call, answer accepted) (*drkit.Poller[T], error) {
	begin := transport.Beginning[T]{
		Call: call,
		Send: func(ctx context.Context, call transport.Call) (transport.Answer, error) {
			return at.send(ctx, call, answer)
		},
		Follow: func(operationID string, _ transport.Answer) *drkit.Poller[T] {
			at.called(answer.task().User)
			source := &taskSource[T]{at: at, accepted: answer.task(), operation: call.Operation.Name, operationID: operationID}
			if health, ok := answer.(*healthTask); ok {
				source.made = health.made
			}
			return drkit.NewPoller[T](source, at.client.transport.Polling())
		},
	}
	if work := at.work(call); work != nil {
		begin.Work, begin.Identity = &work.Work, at.client.identity
		begin.Adopt = func(operationID string, found transport.Found, alone func(context.Context) error) *drkit.Poller[T] {
			return adopt[T](at, call, operationID, work, found, alone)
		}
		begin.Resume = func(token string) (*drkit.Poller[T], error) { return Resume[T](at.client, token) }
	}
	return transport.Begin(ctx, at.client.transport, begin)
}

// taskSource looks at one task at the place that runs it.
type taskSource[T any] struct {
	at          place
	accepted    Task   // as the service answered it
	operation   string // as in "VMReplications.Failover"
	operationID string
	token       step.Token // that the task was resumed by; zero if it was not
	made        bool       // by the client, from an answer that is no task
	// alone makes sure that a task which was adopted is still the only one that may be of the operation. Nil for
	// a task that the service has named itself.
	alone func(context.Context) error
}

// ID returns the id of the task.
func (s *taskSource[T]) ID() string { return s.accepted.ID }

// Closed is closed with the client, which ends waits at once.
func (s *taskSource[T]) Closed() <-chan struct{} { return s.at.client.transport.Closed() }

// Adopted reports whether the task was found after its answer was lost.
func (s *taskSource[T]) Adopted() bool { return s.alone != nil }

// Token returns what another process needs to wait for the task.
func (s *taskSource[T]) Token(ctx context.Context) (step.Token, error) {
	switch {
	case s.token != (step.Token{}):
		return s.token, nil
	case s.made:
		return step.Token{}, errors.New("the service has answered with the result, and knows no task")
	default:
		return s.at.client.identity.Sign(ctx, step.Token{
			Site: s.at.site, Operation: s.operation, OperationID: s.operationID, Task: s.accepted.ID,
		})
	}
}

// item is the task for the batch.
func (s *taskSource[T]) item() taskwait.Item {
	return taskwait.Item{ID: s.accepted.ID, OperationID: s.operationID}
}

// Look gets the task, unless it had already ended when it was accepted.
func (s *taskSource[T]) Look(ctx context.Context) (drkit.Look[T], error) {
	if s.accepted.Ended() {
		return s.see(ctx, s.accepted)
	}
	if err := s.belongs(ctx); err != nil {
		return drkit.Look[T]{}, err
	}
	task, err := s.at.pollOne(ctx, s.item())
	if err != nil {
		return drkit.Look[T]{}, err
	}
	return s.see(ctx, task)
}

// Watch looks at the task together with what others wait for at the same place.
func (s *taskSource[T]) Watch(born time.Time) watch.Watch[drkit.Look[T]] {
	if s.accepted.Ended() {
		return taskwait.Ended(s.Look)
	}
	return taskwait.Look(s.at.batch(), s.item(), born, s.belongs, func(ctx context.Context, task Task) (drkit.Look[T], error) {
		if s.shortened(task) {
			return s.Look(ctx)
		}
		return s.see(ctx, task)
	})
}

// shortened reports whether a task has ended without what it must have. The columns of an answer for several
// tasks are the service's choice, so that the task itself is then asked for.
func (s *taskSource[T]) shortened(task Task) bool {
	var result T
	_, void := any(result).(NoResult)
	return task.State == TaskStateFailed && task.Error == nil || task.State == TaskStateSucceeded && !void && len(task.Result) == 0
}

// belongs says why a task that was resumed cannot be looked at by this client, or nothing.
func (s *taskSource[T]) belongs(ctx context.Context) error {
	return s.at.client.identity.Check(ctx, s.token)
}

// see reads what a task shows. The end of one that was adopted counts only when no other has come to light.
func (s *taskSource[T]) see(ctx context.Context, task Task) (drkit.Look[T], error) {
	look := drkit.Look[T]{
		Progress: drkit.Progress{ID: task.ID, State: drkit.State(task.State), Percent: task.Progress},
		Done:     task.Ended(),
	}
	if look.Done {
		look.Result, look.Err = ResultOf[T](task)
	}
	var failed *drkit.TaskError // the task, or the one that is its result
	if errors.As(look.Err, &failed) {
		failed.Operation, failed.OperationID = service+"."+s.operation, s.operationID
		s.at.client.transport.ScrubTask(failed)
	}
	if look.Done && s.alone != nil {
		err := s.alone(ctx)
		if !errors.Is(err, drkit.ErrConflict) {
			return look, err
		}
		look.Err = err
	}
	return look, nil
}

// NoResult is the result of a task that has none.
type NoResult struct{}

// otherResults are types of results that are known to be no VM replication. A type that is not known may
// be one under a later name.
var otherResults = map[string]bool{
	"CloudHealthInfo": true, "ManagerHealthInfo": true, "ManagerPeerInfo": true, "RecoveryPlanInfo": true,
	"SupportBundleInfo": true, "UpdateRepoConfig": true, "VappReplicationInfo": true,
}

// ResultOf decodes the result of a task that ended well into T: until asked for by its type, a result
// stays as the service has written it, also where its type is one that drkit does not know.
//
// Errors: the reason, as [Task.Err], where the task failed; [drkit.ErrNotDone] before its end.
func ResultOf[T any](task Task) (T, error) {
	var none T
	switch {
	case !task.Ended():
		return none, fmt.Errorf("task %s: %w", plain(task.ID), drkit.ErrNotDone)
	case task.Err() != nil:
		return none, task.Err()
	default:
		return resultOf[T](task)
	}
}

func resultOf[T any](task Task) (T, error) {
	var result T
	if _, void := any(result).(NoResult); void {
		return result, nil
	}
	if raw, asked := any(task.Result).(T); asked {
		return raw, nil
	}
	if nested, ok := nestedTask(task.Result); ok {
		switch {
		case !nested.Ended():
			return result, fmt.Errorf("task %s succeeded, but task %s, which is its result, had not ended (%s)",
				plain(task.ID), plain(nested.ID), plain(string(nested.State)))
		case nested.Err() != nil:
			return result, nested.Err()
		}
		task = nested
	}
	if len(task.Result) == 0 || string(task.Result) == "null" {
		return result, fmt.Errorf("task %s succeeded, but has no result to return", plain(task.ID))
	}
	if _, replication := any(result).(VMReplication); replication && otherResults[task.ResultType] {
		return result, fmt.Errorf("task %s succeeded, but its result of type %q cannot be read as a VM replication",
			plain(task.ID), task.ResultType)
	}
	err := transport.Unmarshal(task.Result, &result)
	if answer, ok := any(result).(identified); ok && err == nil {
		err = answer.identified()
	}
	if err != nil {
		return result, fmt.Errorf("task %s succeeded, but its result of type %q cannot be read: %w",
			plain(task.ID), task.ResultType, err)
	}
	return result, nil
}

// plain returns an id for a message, in quotes if it would break the line.
func plain(id string) string { return transport.Plain(id) }
