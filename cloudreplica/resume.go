package cloudreplica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

// Resume returns the poller that a resume token stands for, which may have been made by another process. T is the type
// of the result that the poller has which the token is from: [CloudFailoverSession] for FailoverPlans.Start and Test,
// [PlanState] for FailoverPlans.Undo, [SystemSession] for BackupServers.Collect. json.RawMessage serves for any.
//
// Tasks are gone with the logon session that has begun them, so that the poller looks at what the work leaves: the
// token holds the plan and what there was before. Nothing is sent before the first Poll or Wait, which also find out
// whether the token belongs to this Enterprise Manager, told by the name that it has in links, and to this user.
//
// Errors: [drkit.ErrToken] if it is no token, one of another service, or of an operation with another result;
// Poll and Wait return it for another Enterprise Manager or user.
func Resume[T any](client *Client, token string) (*drkit.Poller[T], error) {
	poller, err := resume[T](client, token)
	if err != nil {
		return nil, fmt.Errorf("%s.Resume: %w: %w", service, drkit.ErrToken, err)
	}
	return poller, nil
}

// resumable is what a resume token holds of an operation.
type resumable struct {
	Plan    string    `json:"plan,omitzero"`
	Facts   planFacts `json:"facts,omitzero"`
	Server  string    `json:"server,omitzero"`
	Session string    `json:"session,omitzero"` // the failover session, once it is known
	Task    taskKey   `json:"task,omitzero"`
	Kind    string    `json:"kind,omitzero"`
	Before  []string  `json:"before"` // what was there; null if that was not noted
	Done    bool      `json:"done,omitzero"`
}

func resume[T any](client *Client, text string) (*drkit.Poller[T], error) {
	token, err := step.ParseToken(text)
	if err != nil {
		return nil, err
	}
	if token.Service != service {
		return nil, fmt.Errorf("it belongs to package %s", transport.Plain(token.Service))
	}
	var left resumable
	if err := json.Unmarshal([]byte(token.Task), &left); err != nil {
		return nil, fmt.Errorf("it does not say what to look for: %w", err)
	}
	f := &follow{client: client, operation: token.Operation, operationID: token.OperationID, task: left.Task, kind: left.Kind}
	plan := &planned{client: client, id: left.Plan, known: left.Facts}
	switch token.Operation {
	case contract.FailoverPlansStart.Name, contract.FailoverPlansTest.Name:
		return typed[T](client, &failoverSource{follow: f, plan: plan, token: token, before: left.Before, session: left.Session})
	case contract.FailoverPlansUndo.Name:
		return typed[T](client, &undoSource{follow: f, plan: plan, token: token, failed: left.Before, done: left.Done})
	case contract.BackupServersCollect.Name:
		return typed[T](client, &collectSource{follow: f, server: left.Server, token: token, before: left.Before})
	default:
		return nil, fmt.Errorf("%s has no poller that can be resumed", transport.Plain(token.Operation))
	}
}

// MarshalText writes a key as text.
func (k taskKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what MarshalText has written.
func (k *taskKey) UnmarshalText(text []byte) error {
	*k = keyOf(string(text))
	return nil
}

// sign makes the resume token of an operation.
func (c *Client) sign(ctx context.Context, f *follow, left resumable) (step.Token, error) {
	task, err := json.Marshal(left)
	if err != nil {
		return step.Token{}, err
	}
	return c.identity.Sign(ctx, step.Token{Operation: f.operation, OperationID: f.operationID, Task: string(task)})
}

// checkToken says why a token is not this client's to resume; there is nothing to say of work without one.
func (c *Client) checkToken(ctx context.Context, token step.Token) error {
	if token == (step.Token{}) {
		return nil
	}
	return c.identity.Check(ctx, token)
}

// typed returns the poller of a source if T is the type of its result, or raw JSON.
func typed[T, R any](c *Client, source drkit.Source[R]) (*drkit.Poller[T], error) {
	if same, ok := source.(drkit.Source[T]); ok {
		return drkit.NewPoller(same, c.polling()), nil
	}
	if raw, ok := any(rawSource[R]{c, source}).(drkit.Source[T]); ok {
		return drkit.NewPoller(raw, c.polling()), nil
	}
	var result R
	var asked T
	return nil, fmt.Errorf("it has a result of type %T and not %T", result, asked)
}

// rawSource is a source whose result is JSON.
type rawSource[R any] struct {
	client *Client
	source drkit.Source[R]
}

// ID names the work.
func (s rawSource[R]) ID() string { return s.source.ID() }

// Closed is closed with the client.
func (s rawSource[R]) Closed() <-chan struct{} { return s.client.transport.Closed() }

// Token returns the token that the work was resumed by.
func (s rawSource[R]) Token(ctx context.Context) (step.Token, error) {
	if signed, ok := s.source.(interface {
		Token(ctx context.Context) (step.Token, error)
	}); ok {
		return signed.Token(ctx)
	}
	return step.Token{}, errors.ErrUnsupported
}

// Look looks, and writes the result as JSON.
func (s rawSource[R]) Look(ctx context.Context) (drkit.Look[json.RawMessage], error) {
	look, err := s.source.Look(ctx)
	raw := drkit.Look[json.RawMessage]{Progress: look.Progress, Done: look.Done, Err: look.Err}
	if err == nil && look.Done && look.Err == nil {
		raw.Result, err = json.Marshal(look.Result)
	}
	return raw, err
}
