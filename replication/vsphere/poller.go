package vsphere

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/internal/watch"
)

// begin sends a call that answers a task and returns the poller that follows it.
func (p place) begin(ctx context.Context, call transport.Call) (*drkit.Poller[Task], error) {
	if argument, ok := call.Body.(argument); ok && strings.TrimSpace(argument.Value) == "" {
		return nil, fmt.Errorf("%s.%s: the value of the request is empty", service, call.Operation.Name)
	}
	var accepted Task
	return p.follow(ctx, call, &accepted, func(ctx context.Context, call transport.Call) (transport.Answer, error) {
		return p.send(ctx, call, &accepted)
	})
}

// beginOne is begin for a call whose answer is a list with one task in it.
func (p place) beginOne(ctx context.Context, call transport.Call) (*drkit.Poller[Task], error) {
	var accepted Task
	return p.follow(ctx, call, &accepted, func(ctx context.Context, call transport.Call) (transport.Answer, error) {
		answer, tasks, err := p.configure(ctx, call)
		if len(tasks) == 1 {
			accepted = tasks[0]
		}
		return answer, err
	})
}

// follow sends a call and returns the poller of the task that it has begun, or that was found of it.
func (p place) follow(ctx context.Context, call transport.Call, accepted *Task, send func(context.Context, transport.Call) (transport.Answer, error)) (*drkit.Poller[Task], error) {
	work := p.work(call)
	beginning := transport.Beginning[Task]{
		Call: call,
		Send: send,
		Follow: func(id string, _ transport.Answer) *drkit.Poller[Task] {
			p.client.learn(call.Operation.Name, work, *accepted)
			return p.poller(call.Operation.Name, id, *accepted)
		},
		Resume:   func(token string) (*drkit.Poller[Task], error) { return Resume[Task](p.client, token) },
		Identity: p.client.identity,
	}
	if work != nil {
		beginning.Work = &work.Work
		beginning.Adopt = func(id string, found transport.Found, alone func(context.Context) error) *drkit.Poller[Task] {
			return p.adopt(call.Operation.Name, id, work, found, alone)
		}
	}
	return transport.Begin(ctx, p.client.transport, beginning)
}

// configure sends a call that configures machines, and answers a task for each.
func (p place) configure(ctx context.Context, call transport.Call) (transport.Answer, []Task, error) {
	machines := machinesOf(call)
	ids := make([]string, len(machines))
	for i, machine := range machines {
		ids[i] = machine.VMID
	}
	leave, err := p.takeTurn(ctx, ids)
	if err != nil {
		return transport.Answer{}, nil, err
	}
	var answer page[Task]
	call.Check = func() error { return holds(answer, ids) }
	said, err := p.send(ctx, call, &answer)
	leave(err)
	err = ofMany(err, len(machines))
	switch {
	case said.Poller != nil:
		return said, nil, nil
	case err != nil && answer.Rows == nil:
		return said, nil, err
	case err != nil:
		return said, *answer.Rows, err
	}
	if answer.Meta != nil {
		p.client.warn(ctx, call.Operation.Name, answer.Meta.Errors)
		distribute(*answer.Rows, answer.Meta.Errors)
	}
	return said, *answer.Rows, nil
}

// holds says why an answer does not have a task for each machine, with what the service says that it lacks.
func holds(answer page[Task], machines []string) error {
	var err error
	if answer.Rows == nil {
		err = errors.New("an answer without a list")
	} else if got := len(*answer.Rows); got != len(machines) {
		err = fmt.Errorf("%d tasks for %d machines", got, len(machines))
	} else {
		named := map[string]bool{}
		for _, task := range *answer.Rows {
			err = cmp.Or(err, task.identified())
			if named[task.Entity] && slices.Contains(machines, task.Entity) {
				err = cmp.Or(err, fmt.Errorf("two tasks for machine %s", transport.Plain(task.Entity)))
			}
			named[task.Entity] = true
		}
	}
	if err != nil && answer.partial() {
		return fmt.Errorf("%w: %w", err, &PartialError{Errors: answer.Meta.Errors})
	}
	return err
}

// beginAll sends a call that configures several machines and returns a poller for each. Where the answer has tasks for
// some of them only, their pollers stand beside the error.
func (p place) beginAll(ctx context.Context, call transport.Call) ([]*drkit.Poller[Task], error) {
	machines := machinesOf(call)
	ctx, id, err := p.client.transport.Name(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s.%s: %w", service, call.Operation.Name, err)
	}
	work := p.work(call)
	watched := work.Work
	watched.Poller = func(found transport.Found, alone func(context.Context) error) any {
		return p.adoptAll(call.Operation.Name, id, work, found, alone, machines)
	}
	call.Work = &watched
	said, tasks, err := p.configure(ctx, call)
	if said.Poller != nil {
		pollers, _ := said.Poller.([]*drkit.Poller[Task])
		return pollers, nil
	}
	placed := inOrder(machines, tasks)
	if err != nil {
		placed = named(machines, tasks)
	}
	var pollers []*drkit.Poller[Task]
	for i, task := range placed {
		if task.ID == "" {
			continue
		}
		if pollers == nil {
			pollers = make([]*drkit.Poller[Task], len(machines))
		}
		p.client.learn(call.Operation.Name, nil, task)
		pollers[i] = p.poller(call.Operation.Name, id, task)
	}
	return pollers, err
}

// named returns the tasks of machines that are named by one task each, in the order of machines.
func named(machines []ConfigureReplication, tasks []Task) []Task {
	placed := make([]Task, len(machines))
	for i, machine := range machines {
		count := 0
		for _, task := range tasks {
			if task.Entity == machine.VMID {
				placed[i], count = task, count+1
			}
		}
		if count > 1 {
			placed[i] = Task{}
		}
	}
	return placed
}

// inOrder returns the tasks of machines in the order of these: a task that names a machine is in its place, and the
// others keep their order.
func inOrder(machines []ConfigureReplication, tasks []Task) []Task {
	placed := make([]Task, len(machines))
	var others []Task
	for _, task := range tasks {
		at := slices.IndexFunc(machines, func(machine ConfigureReplication) bool { return machine.VMID == task.Entity })
		if at < 0 {
			others = append(others, task)
			continue
		}
		placed[at] = task
	}
	for i := range placed {
		if placed[i].ID == "" && len(others) > 0 {
			placed[i], others = others[0], others[1:]
		}
	}
	return placed
}

// poller returns the poller of a task that the service has accepted.
func (p place) poller(operation, operationID string, accepted Task) *drkit.Poller[Task] {
	return drkit.NewPoller(&taskSource[Task]{
		at: p, accepted: accepted, operation: operation, operationID: operationID,
	}, p.client.transport.Polling())
}

// taskSource looks at one task.
type taskSource[T any] struct {
	at          place
	accepted    Task   // as the service answered it
	operation   string // as in "Replications.Pause"
	operationID string
	token       step.Token // that the task was resumed by; zero if it was not
	found       *adoption  // nil for a task that the service has named itself
}

// ID returns the id of the task.
func (s *taskSource[T]) ID() string { return s.accepted.ID }

// Closed is closed with the client, which ends waits at once.
func (s *taskSource[T]) Closed() <-chan struct{} { return s.at.client.transport.Closed() }

// Adopted reports whether the task was found after its answer was lost.
func (s *taskSource[T]) Adopted() bool { return s.found != nil }

// Token returns what another process needs to wait for the task.
func (s *taskSource[T]) Token(ctx context.Context) (step.Token, error) {
	if s.token != (step.Token{}) {
		return s.token, nil
	}
	return s.at.client.identity.Sign(ctx, step.Token{Operation: s.operation, OperationID: s.operationID, Task: s.accepted.ID})
}

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

// Watch looks at the task together with what others wait for.
func (s *taskSource[T]) Watch(born time.Time) watch.Watch[drkit.Look[T]] {
	if s.accepted.Ended() {
		return taskwait.Ended(s.Look)
	}
	return taskwait.Look(s.at.client.batch, s.item(), born, s.belongs, s.see)
}

// belongs says why a task that was resumed cannot be looked at by this client, or nothing.
func (s *taskSource[T]) belongs(ctx context.Context) error {
	return s.at.client.identity.Check(ctx, s.token)
}

// see reads what a task shows. The end of one that was adopted counts only when no other has come to light, and
// when the task has left what the operation leaves.
func (s *taskSource[T]) see(ctx context.Context, task Task) (drkit.Look[T], error) {
	task.Meta.Errors = joined(s.accepted.Meta.Errors, task.Meta.Errors)
	look := drkit.Look[T]{Progress: task.progress(), Done: task.Ended(), Result: resultOf[T](task), Err: task.Err()}
	var failed *drkit.TaskError
	if errors.As(look.Err, &failed) {
		failed.Operation, failed.OperationID = service+"."+s.operation, s.operationID
		s.at.client.transport.ScrubTask(failed)
	}
	if !look.Done || s.found == nil {
		return look, nil
	}
	err := s.found.alone(ctx)
	if err == nil && look.Err == nil {
		err = s.found.proven(ctx, s.at.client, task)
	}
	if !errors.Is(err, drkit.ErrConflict) {
		return look, err
	}
	look.Err = err
	return look, nil
}
