package checkpoints

import (
	"context"
	"errors"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/internal/watch"
)

// Most operations of the service have no task that would be all of them: a checkpoint has several, a replication has
// records in one cloud and tasks in another, and what becomes of a vault shows in the vault. A pursuit says of one
// operation how to see what has become of it; the note before it, the look for a lost answer, the poller and the
// resume token are made from that. The pursuits themselves are in the files called pursue_….

// pursuit is work under way, as it shows.
type pursuit[T any] interface {
	// name names the work for people.
	name() string
	// see looks once.
	see(ctx context.Context) (drkit.Look[T], error)
	// subject is what a resume token says of the work.
	subject(ctx context.Context) (subject, error)
}

// shared is a pursuit that takes its looks together with others.
type shared[T any] interface {
	watch(born time.Time, complete completion[T]) watch.Watch[drkit.Look[T]]
}

// completion completes what a look has shown.
type completion[T any] func(context.Context, drkit.Look[T], error) (drkit.Look[T], error)

// follower is the source of a poller.
type follower[T any] struct {
	client      *Client
	method      string // as in "Checkpoints.Create"
	operationID string
	pursuit     pursuit[T]
	token       step.Token // that the work was resumed by; zero if it was not
	// alone makes sure that what was adopted is still all that may be of the operation; nil for what was not.
	alone func(context.Context) error
}

// ID names the work for people.
func (f *follower[T]) ID() string { return f.pursuit.name() }

// Closed is closed with the client, which ends waits at once.
func (f *follower[T]) Closed() <-chan struct{} { return f.client.transport.Closed() }

// Adopted reports whether the answer was lost, and the work found.
func (f *follower[T]) Adopted() bool { return f.alone != nil }

// Token returns what another process needs to go on looking.
func (f *follower[T]) Token(ctx context.Context) (step.Token, error) {
	if f.token != (step.Token{}) {
		return f.token, nil
	}
	about, err := f.pursuit.subject(ctx)
	if err != nil {
		return step.Token{}, err
	}
	return f.client.identity.Sign(ctx, step.Token{Operation: f.method, OperationID: f.operationID, Task: about.String()})
}

// Look looks once, under the operation ID of what has begun the work.
func (f *follower[T]) Look(ctx context.Context) (drkit.Look[T], error) {
	if err := f.client.identity.Check(ctx, f.token); err != nil {
		return drkit.Look[T]{}, err
	}
	look, err := f.pursuit.see(f.named(ctx))
	return f.complete(ctx, look, err)
}

func (f *follower[T]) named(ctx context.Context) context.Context {
	if f.operationID == "" {
		return ctx
	}
	return drkit.WithOperationID(ctx, f.operationID)
}

// complete says in an error whose it is, and lets the end of what was adopted count only when nothing else has come to
// light.
func (f *follower[T]) complete(ctx context.Context, look drkit.Look[T], err error) (drkit.Look[T], error) {
	if err != nil {
		return drkit.Look[T]{}, err
	}
	look.Progress.ID = f.ID()
	var failed *drkit.TaskError
	if errors.As(look.Err, &failed) {
		failed.Operation, failed.OperationID = service+"."+f.method, f.operationID
		f.client.transport.ScrubTask(failed)
	}
	if !look.Done || f.alone == nil {
		return look, nil
	}
	err = f.alone(ctx)
	if errors.Is(err, drkit.ErrConflict) {
		look.Err, look.Progress.State, err = err, drkit.StateFailed, nil
	}
	return look, err
}

// sharing is a follower whose looks are taken together with those of others.
type sharing[T any] struct{ *follower[T] }

// Watch looks at the work together with what others wait for.
func (s sharing[T]) Watch(born time.Time) watch.Watch[drkit.Look[T]] {
	together, _ := s.pursuit.(shared[T])
	return together.watch(born, func(ctx context.Context, look drkit.Look[T], err error) (drkit.Look[T], error) {
		if foreign := s.client.identity.Check(ctx, s.token); foreign != nil {
			return drkit.Look[T]{}, foreign
		}
		return s.complete(ctx, look, err)
	})
}

// source returns the follower, with shared looks where the pursuit has them.
func (f *follower[T]) source() transport.Resumable[T] {
	if _, shares := f.pursuit.(shared[T]); shares {
		return sharing[T]{f}
	}
	return f
}

func (f *follower[T]) poller() *drkit.Poller[T] {
	return drkit.NewPoller(drkit.Source[T](f.source()), f.client.transport.Polling())
}

// order is a call that begins work, and how the work is followed.
type order[T any] struct {
	call   transport.Call
	answer any // that the call is decoded into
	// follow returns the pursuit of work that the service has accepted, with what there was before.
	follow func(note *transport.Note) pursuit[T]
	// work is how a lost answer is looked for, and found the pursuit of what that has found; nil for what may be
	// sent again.
	work  *transport.Work
	found func(transport.Found) pursuit[T]
	by    following
}

// begin sends a call and returns the poller of what it has begun.
func begin[T any](ctx context.Context, c *Client, o order[T]) (*drkit.Poller[T], error) {
	poller := func(operationID string, of pursuit[T], alone func(context.Context) error) *drkit.Poller[T] {
		return (&follower[T]{
			client: c, method: o.call.Operation.Name, operationID: operationID, pursuit: of, alone: alone,
		}).poller()
	}
	return transport.Begin(ctx, c.transport, transport.Beginning[T]{
		Call: o.call,
		Send: func(ctx context.Context, call transport.Call) (transport.Answer, error) {
			return c.transport.Do(ctx, call, o.answer)
		},
		Follow: func(operationID string, said transport.Answer) *drkit.Poller[T] {
			return poller(operationID, o.follow(said.Note), nil)
		},
		Work: o.work,
		Adopt: func(operationID string, found transport.Found, alone func(context.Context) error) *drkit.Poller[T] {
			return poller(operationID, o.found(found), alone)
		},
		Resume:   func(token string) (*drkit.Poller[T], error) { return resume[T](c, token, o.by) },
		Identity: c.identity,
	})
}

// progressOf reads a status into the states that all services have.
func progressOf(status TaskStatus, percent int) drkit.Progress {
	progress := drkit.Progress{State: drkit.State(status), Percent: min(max(percent, 0), 100)}
	switch status {
	case TaskStatusWaiting:
		progress.State = drkit.StateQueued
	case TaskStatusRunning:
		progress.State = drkit.StateRunning
	case TaskStatusSuccess:
		progress.State = drkit.StateSucceeded
	case TaskStatusFailed:
		progress.State = drkit.StateFailed
	case TaskStatusSkipped:
		progress.State = StateSkipped
	case TaskStatusTimeout:
		progress.State = StateTimedOut
	}
	if hasEnded(status) {
		progress.Percent = 100
	}
	return progress
}

// hasEnded reports whether a status is an end. One that drkit does not know is not.
func hasEnded(status TaskStatus) bool { return Task{Status: status}.Ended() }
