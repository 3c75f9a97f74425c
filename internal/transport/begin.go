package transport

import (
	"context"
	"fmt"

	"github.com/drkit-go/drkit"
)

// Beginning is an operation that begins work which takes time, and how a service follows the work.
type Beginning[T any] struct {
	Call Call
	// Send sends the call, and keeps what Follow needs of the answer.
	Send func(ctx context.Context, call Call) (Answer, error)
	// Follow returns the poller of work that the service has accepted.
	Follow func(operationID string, said Answer) *drkit.Poller[T]

	// Work is what a lost answer is looked for by, without its Poller, Resume and Identity; nil where there is
	// nothing to look for. What follows is not needed then.
	Work *Work
	// Adopt returns the poller of work that was found although its answer was lost.
	Adopt func(operationID string, found Found, alone func(context.Context) error) *drkit.Poller[T]
	// Resume returns the poller that a resume token stands for.
	Resume   func(token string) (*drkit.Poller[T], error)
	Identity *Identity
}

// Begin sends a call that begins work and returns the poller that follows it: the work that the service has
// accepted, what was found of it where the answer was lost, or what an earlier run of a step has begun.
func Begin[T any](ctx context.Context, c *Client, b Beginning[T]) (*drkit.Poller[T], error) {
	name := c.config.Service + "." + b.Call.Operation.Name
	ctx, id, err := c.Name(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if b.Work != nil {
		b.Call.Work = b.work(id)
	}
	said, err := b.Send(ctx, b.Call)
	if err != nil {
		return nil, err
	}
	var poller *drkit.Poller[T]
	if said.Poller == nil {
		poller = b.Follow(id, said)
	} else if poller, _ = said.Poller.(*drkit.Poller[T]); poller == nil {
		return nil, fmt.Errorf("%s: its step leads to a %T and not to a %T", name, said.Poller, poller)
	}
	return poller, said.Accepted(ctx, poller)
}

// work completes what a lost answer is looked for by.
func (b Beginning[T]) work(operationID string) *Work {
	work := *b.Work
	work.Poller = func(found Found, alone func(context.Context) error) any { return b.Adopt(operationID, found, alone) }
	work.Resume = func(token string) (any, error) { return b.Resume(token) }
	work.Identity = func(ctx context.Context) (string, error) {
		owner, err := b.Identity.Owner(ctx)
		return owner.String(), err
	}
	return &work
}
