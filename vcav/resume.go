package vcav

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/step"
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
	parsed, err := step.ParseToken(token)
	if err == nil {
		err = resumes[T](parsed)
	}
	if err != nil {
		return nil, fmt.Errorf("vcav.Resume: %w: %w", drkit.ErrToken, err)
	}
	source := &taskSource[T]{
		at:       place{client: client, site: parsed.Site, named: parsed.Site != ""},
		accepted: Task{ID: parsed.Task}, operation: parsed.Operation, operationID: parsed.OperationID, token: parsed,
	}
	return drkit.NewPoller[T](source, client.transport.Polling()), nil
}

// resumes says why a token does not lead to a result of type T, or nothing.
func resumes[T any](token step.Token) error {
	if token.Service != service {
		return fmt.Errorf("it belongs to package %s", plain(token.Service))
	}
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

// identity is what a resume token is bound to.
type identity struct{ appliance, user string }

// identity asks the appliance who it is and who is signed in, once.
func (c *Client) identity(ctx context.Context) (identity, error) {
	if known := c.known(); known != (identity{}) {
		return known, nil
	}
	err := c.transport.Share(ctx, "identity", func(ctx context.Context) error {
		if c.known() != (identity{}) { // since the caller has looked
			return nil
		}
		about, err := c.Diagnostics.About(ctx)
		if err != nil {
			return err
		}
		session, err := c.Sessions.SignIn(ctx)
		if err != nil {
			return err
		}
		if session.User == "" {
			return errors.New("the appliance does not say who is signed in")
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.who = identity{appliance: about.InstanceID, user: session.User}
		return nil
	})
	return c.known(), err
}

func (c *Client) known() identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.who
}

// belongs says why a token is not this client's to resume, or nothing.
func (c *Client) belongs(ctx context.Context, token step.Token) error {
	who, err := c.identity(ctx)
	switch {
	case err != nil:
		return err
	case who.appliance != token.Appliance:
		return fmt.Errorf("%w: the token belongs to the appliance with instanceId %s, and this is %s",
			drkit.ErrToken, plain(token.Appliance), plain(who.appliance))
	case who.user != token.User:
		return fmt.Errorf("%w: the token belongs to the user %s, and this is %s", drkit.ErrToken, plain(token.User), plain(who.user))
	default:
		return nil
	}
}

// newToken returns what another process needs to wait for a task.
func (c *Client) newToken(ctx context.Context, at place, operation, operationID, task string) (step.Token, error) {
	who, err := c.identity(ctx)
	return step.Token{
		Service: service, Appliance: who.appliance, User: who.user, Site: at.site,
		Operation: operation, OperationID: operationID, Task: task,
	}, err
}
