package vsphere

import (
	"fmt"
	"reflect"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Resume returns the poller that a resume token stands for, which may have been made by another process, or for
// another address of the same appliance. T is [Task], or json.RawMessage for its result alone. Nothing is sent
// before the first Poll or Wait, which also find out whether the token belongs to this appliance and to this user,
// so that a task can be resumed while the appliance is away. The service forgets tasks after a time that is not
// documented: they are [drkit.ErrTaskGone] then.
//
// Errors: [drkit.ErrToken] if it is no token, one of another service, or if T is something else; Poll and Wait return
// it for another appliance or user.
func Resume[T any](client *Client, token string) (*drkit.Poller[T], error) {
	return transport.Resume(client.transport, token, func(token step.Token) (*drkit.Poller[T], error) {
		if err := resumes[T](token); err != nil {
			return nil, err
		}
		return drkit.NewPoller(&taskSource[T]{
			at: place{client: client}, accepted: Task{ID: token.Task}, operation: token.Operation,
			operationID: token.OperationID, token: token,
		}, client.transport.Polling()), nil
	})
}

// resumes says why a token does not lead to a result of type T, or nothing.
func resumes[T any](token step.Token) error {
	if !startsTask(token.Operation) {
		return fmt.Errorf("%s is not an operation that starts a task", transport.Plain(token.Operation))
	}
	asked := reflect.TypeFor[T]()
	if asked != reflect.TypeFor[Task]() && asked != reflect.TypeOf(Task{}.Result) {
		return fmt.Errorf("%s leads to a Task, or to its result as JSON, and not to a %s", token.Operation, asked)
	}
	return nil
}

func startsTask(name string) bool {
	for _, operation := range contract.Table.Operations {
		if operation.Name == name {
			return operation.Class == api.Once && (operation.Answer == "Task" || operation.Answer == "TaskList")
		}
	}
	return false
}

// resultOf returns what a poller of a task has for its result: the task, or what has come of it.
func resultOf[T any](task Task) T {
	if whole, ok := any(task).(T); ok {
		return whole
	}
	result, _ := any(task.Result).(T)
	return result
}
