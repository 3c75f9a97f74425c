package cloudreplica

import (
	"context"
	"errors"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// tracedPollers make the sources of an operation whose lost answers are looked for.
type tracedPollers[T any] struct {
	// follow follows the task that the service has answered; the note is nil where none was taken.
	follow func(f *follow, note *transport.Note) drkit.Source[T]
	// adopt follows what was found.
	adopt func(operationID string, found transport.Found, alone func(context.Context) error) drkit.Source[T]
}

// beginTraced sends a call whose answer is looked for where it is lost.
func beginTraced[T any](ctx context.Context, w *traced, call transport.Call, work *transport.Work, pollers tracedPollers[T]) (*drkit.Poller[T], error) {
	c := w.client
	var task Task
	call.Check, call.Admit = answered(&task), w.admit
	sent := errand{w.kind, w.resource}
	c.claims.begin(sent)
	poller, err := transport.Begin(ctx, c.transport, transport.Beginning[T]{
		Call: call,
		Send: func(ctx context.Context, call transport.Call) (transport.Answer, error) {
			return c.send(ctx, call, &task)
		},
		Follow: func(operationID string, said transport.Answer) *drkit.Poller[T] {
			f := &follow{client: c, operation: call.Operation.Name, operationID: operationID, task: taskKey{w.leftIn(), task.TaskID}}
			c.claims.claim(f.task, w.resource)
			c.claims.settle(sent)
			return drkit.NewPoller(pollers.follow(f, said.Note), c.polling())
		},
		Work: work,
		Adopt: func(operationID string, found transport.Found, alone func(context.Context) error) *drkit.Poller[T] {
			c.claims.settle(sent)
			return drkit.NewPoller(pollers.adopt(operationID, found, alone), c.polling())
		},
		Resume:   func(token string) (*drkit.Poller[T], error) { return Resume[T](c, token) },
		Identity: c.identity,
	})
	c.claims.end(sent, errors.Is(err, drkit.ErrOutcomeUnknown))
	return poller, err
}
