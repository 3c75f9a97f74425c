package unitrends

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

// service names this package in errors and resume tokens.
const service = "unitrends"

// The methods whose pollers can be resumed.
const (
	methodAccept  = "Sources.Accept"
	methodSettled = "Sources.Settled"
	methodReject  = "Sources.Reject"
	methodDelete  = "Sources.Delete"
	methodRequest = "Targets.Request"
	methodDrained = "Queue.Drained"
	methodCreate  = "JobOrders.Create"
	methodRun     = "JobOrders.Run"
	methodCancel  = "Jobs.Cancel"
	methodStart   = "InstantRecoveries.Start"
	methodEnd     = "InstantRecoveries.End"
)

// Resume returns the poller that a resume token stands for, which may have been made by another process, or for
// another address of the same appliance. T is the type of the result that the poller has which the token is from;
// json.RawMessage serves for any. Nothing is sent before the first Poll or Wait, which also find out whether the
// token belongs to this appliance, told by the name and the id of its own system, and to this user.
//
// Errors: [drkit.ErrToken] if it is no token, one of another service, or of an operation with another result;
// Poll and Wait return it for another appliance or user.
func Resume[T any](client *Client, token string) (*drkit.Poller[T], error) {
	return transport.Resume(client.transport, token, func(token step.Token) (*drkit.Poller[T], error) {
		return pollerOf[T](client, token)
	})
}

func pollerOf[T any](client *Client, token step.Token) (*drkit.Poller[T], error) {
	var task resumable
	if err := token.About(&task); err != nil {
		return nil, err
	}
	at := place{client: client, system: ID(token.Site), named: token.Site != ""}
	switch token.Operation {
	case methodAccept, methodSettled:
		c := at.acceptance(task.ID, task.Name)
		c.method = token.Operation
		return resumed[T](c, token, task)
	case methodReject:
		return resumed[T](at.rejection(task.ID), token, task)
	case methodDelete:
		return resumed[T](at.removal(task.ID), token, task)
	case methodRequest:
		return resumed[T](at.newTarget(), token, task)
	case methodCreate:
		return resumed[T](at.newJobOrder(task.Name), token, task)
	case methodRun:
		return resumed[T](at.jobRun(task.ID, task.Name), token, task)
	case methodCancel:
		return resumed[T](at.cancellation(task.ID), token, task)
	case methodStart:
		return resumed[T](at.newRecovery(task.Name), token, task)
	case methodEnd:
		return resumed[T](at.recoveryEnd(task.ID, ""), token, task)
	case methodDrained:
		return transport.PollerAs[T](&drainage{at: at, instances: task.Instances, token: token}, client.transport.Polling())
	default:
		return nil, fmt.Errorf("%s has no poller", transport.Plain(token.Operation))
	}
}

// resumed returns the poller of a change that another process has begun.
func resumed[T, R any](c *change[R], token step.Token, task resumable) (*drkit.Poller[T], error) {
	if task.lacks(token.Operation) {
		return nil, errors.New("it does not say what to look for")
	}
	f := &follower[R]{change: c, operationID: token.OperationID, token: token}
	if task.Before != nil {
		f.before = make(transport.State, len(task.Before))
		for _, id := range task.Before {
			f.before[id] = asTrace
		}
		for _, id := range task.Open {
			f.before[id] = asOpen
		}
	}
	return transport.PollerAs[T](f, c.at.client.transport.Polling())
}

// subject is what a change is about.
type subject struct {
	id   ID
	name *kept[string] // nil for what has no name
}

// resumable is what a resume token holds of a change.
type resumable struct {
	ID        ID       `json:"id,omitzero"`
	Name      string   `json:"name,omitzero"`
	Before    []string `json:"before,omitzero"` // what was there; nil if that was not noted
	Open      []string `json:"open,omitzero"`   // what of it had not ended
	Instances []string `json:"instances,omitzero"`
}

// lacks reports whether a task does not say what a change is about: there are entries without an id, and without a name.
func (t resumable) lacks(method string) bool {
	switch method {
	case methodRequest, methodDrained:
		return false
	case methodCreate, methodStart:
		return t.Name == ""
	default:
		return t.ID == ""
	}
}

// task writes what another process needs to look for a change.
func (s subject) task(before transport.State) string {
	task := resumable{ID: s.id}
	if s.name != nil {
		task.Name = s.name.get()
	}
	if before != nil {
		task.Before = slices.AppendSeq(make([]string, 0, len(before)), maps.Keys(before))
		slices.Sort(task.Before)
		task.Open = matching(task.Before, func(id string) bool { return before[id] == asOpen })
	}
	return task.String()
}

// String writes the task as JSON.
func (t resumable) String() string {
	text, _ := json.Marshal(t) // strings alone: it cannot fail
	return string(text)
}

// owner asks the appliance who it is: the system that it calls local.
func (c *Client) owner(ctx context.Context) (transport.Owner, error) {
	systems, err := c.Systems.List(ctx, SystemQuery{})
	if err != nil {
		return transport.Owner{}, err
	}
	i := slices.IndexFunc(systems, func(s System) bool { return s.Local })
	if i < 0 {
		return transport.Owner{}, errors.New("the appliance lists no system of its own")
	}
	user := c.credentials.user()
	if user == "" {
		user = "the owner of a given token" // nobody can be asked who that is
	}
	return transport.Owner{Appliance: systems[i].Name + " " + string(systems[i].ID), User: user}, nil
}

// quoted returns an identifier or a name for a message.
func quoted[T ~string](id T) string { return transport.Plain(string(id)) }
