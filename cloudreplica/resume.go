package cloudreplica

import (
	"context"
	"encoding/json"
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
	return transport.Resume(client.transport, token, func(token step.Token) (*drkit.Poller[T], error) {
		return pollerOf[T](client, token)
	})
}

// resumable is what a resume token holds of an operation.
type resumable struct {
	Plan    string    `json:"plan,omitzero"`
	Facts   planFacts `json:"facts,omitzero"`
	Server  string    `json:"server,omitzero"`
	Session string    `json:"session,omitzero"` // the failover session, once it is known
	Task    taskKey   `json:"task,omitzero"`
	Before  []string  `json:"before"` // what was there; null if that was not noted
	Done    bool      `json:"done,omitzero"`
	Past    []string  `json:"past,omitzero"` // collections that had begun by then; null if nobody has looked
}

func pollerOf[T any](client *Client, token step.Token) (*drkit.Poller[T], error) {
	var left resumable
	if err := token.About(&left); err != nil {
		return nil, err
	}
	f := &follow{client: client, operation: token.Operation, operationID: token.OperationID, task: left.Task}
	plan := &planned{client: client, id: left.Plan, known: left.Facts}
	switch token.Operation {
	case contract.FailoverPlansStart.Name, contract.FailoverPlansTest.Name:
		return transport.PollerAs[T](&failoverSource{follow: f, plan: plan, token: token, before: left.Before, session: left.Session}, client.polling())
	case contract.FailoverPlansUndo.Name:
		return transport.PollerAs[T](&undoSource{follow: f, plan: plan, token: token, failed: left.Before, done: left.Done, past: left.Past}, client.polling())
	case contract.BackupServersCollect.Name:
		return transport.PollerAs[T](&collectSource{follow: f, server: left.Server, token: token, before: left.Before}, client.polling())
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
	token, err := left.in(step.Token{Operation: f.operation, OperationID: f.operationID})
	if err != nil {
		return step.Token{}, err
	}
	return c.identity.Sign(ctx, token)
}

// in puts what another process needs into a token.
func (r resumable) in(token step.Token) (step.Token, error) {
	if r.Task.logon == "" { // a session that was given has no name, and another would have a task of that number
		r.Task = taskKey{}
	}
	task, err := json.Marshal(r)
	token.Task = string(task)
	return token, err
}
