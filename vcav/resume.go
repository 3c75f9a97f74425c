package vcav

import (
	"context"
	"fmt"
	"reflect"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// service names this package in resume tokens.
const service = "vcav"

// Resume returns the poller that a resume token stands for, which may have been made by another process, or
// for another address of the same appliance. T is the type of the result that the operation has, as the method
// that started it returns it; json.RawMessage serves for any. Nothing is sent before the first Poll or Wait,
// which also find out whether the token belongs to this appliance and to this user, so that a task can be
// resumed while the appliance is away.
//
// Errors: [drkit.ErrToken] if it is no token, one of another service, or of an operation with another result;
// Poll and Wait return it for another appliance or user.
func Resume[T any](client *Client, token string) (*drkit.Poller[T], error) {
	return transport.Resume(client.transport, token, func(token step.Token) (*drkit.Poller[T], error) {
		if err := resumes[T](token); err != nil {
			return nil, err
		}
		return drkit.NewPoller(&taskSource[T]{
			at:       place{client: client, site: token.Site, named: token.Site != ""},
			accepted: Task{ID: token.Task}, operation: token.Operation, operationID: token.OperationID, token: token,
		}, client.transport.Polling()), nil
	})
}

// resumes says why a token does not lead to a result of type T, or nothing.
func resumes[T any](token step.Token) error {
	operation, found := taskOperation(token.Operation)
	if !found {
		return fmt.Errorf("%s is not an operation that starts a task", plain(token.Operation))
	}
	asked := reflect.TypeFor[T]()
	if result := resultType(operation); asked != result && asked != reflect.TypeOf(Task{}.Result) {
		return fmt.Errorf("%s has a result of type %s and not %s", operation.Name, result, asked)
	}
	return nil
}

func taskOperation(name string) (api.Operation, bool) {
	for _, operation := range contract.Table.Operations {
		if operation.Name == name {
			starts := operation.Class != api.Read || operation.TaskResult != "" // and does not show one
			return operation, starts && operation.Answer == "Task"
		}
	}
	return api.Operation{}, false
}

// resultType returns the type of what comes of the task that an operation starts.
func resultType(operation api.Operation) reflect.Type {
	switch operation.TaskResult {
	case "CloudHealth":
		return reflect.TypeFor[CloudHealth]()
	case "SupportBundle":
		return reflect.TypeFor[SupportBundle]()
	case "VMReplication":
		return reflect.TypeFor[VMReplication]()
	default:
		return reflect.TypeFor[NoResult]()
	}
}

// owner asks the appliance who it is and who is signed in.
func (c *Client) owner(ctx context.Context) (transport.Owner, error) {
	about, err := c.Diagnostics.About(ctx)
	if err != nil {
		return transport.Owner{}, err
	}
	session, err := c.Sessions.SignIn(ctx)
	return transport.Owner{Appliance: about.InstanceID, User: session.User}, err
}
