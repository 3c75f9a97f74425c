package vsphere

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// turns are configurations that are under way, or whose outcome may be unknown. The transport lets those of the same
// machines take turns, and remembers what is unknown of them; but to it those of one machine, and those of that and
// another, are about two things. Of these either could take a task of the other for its own, or be sent although the
// other has run: so those that have machines in common, and are not the same, take turns here.
type turns struct {
	mu    sync.Mutex
	all   map[string]*turn // by resource
	ended chan struct{}    // closed when the next one ends; nil while nobody waits
}

// turn is that of configurations of the same machines.
type turn struct {
	resource string
	machines []string
	calls    int   // under way
	unknown  error // what the last has ended in, where an outcome is unknown
}

// takeTurn waits until no configuration is under way that has machines in common with this one, and makes sure that
// the outcome of none is unknown. The turn lasts until leave, which takes what the configuration has ended in.
func (p place) takeTurn(ctx context.Context, machines []string) (leave func(error), err error) {
	claim := step.FromContext(ctx)
	if claim != nil && claim.Before.State != step.Ready && claim.Before.State != step.Intended {
		return func(error) {}, nil // nothing is sent for a step that has come further
	}
	turns := &p.client.turns
	for {
		mine, other, ended := turns.enter(machines)
		switch {
		case mine != nil:
			return func(err error) { turns.leave(mine, err) }, nil
		case other.calls > 0:
			if err := p.await(ctx, ended); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", service, contract.ReplicationsConfigure.Name, err)
			}
		default:
			if err := p.settleEarlier(ctx, other); err != nil {
				return nil, err
			}
			turns.settled(other)
		}
	}
}

func (p place) await(ctx context.Context, ended <-chan struct{}) error {
	select {
	case <-ended:
		return nil
	case <-p.client.transport.Closed():
		return drkit.ErrClosed
	case <-ctx.Done():
		if cause := context.Cause(ctx); !errors.Is(cause, ctx.Err()) {
			return fmt.Errorf("%w: %w", ctx.Err(), cause)
		}
		return ctx.Err()
	}
}

// errSettled ends a call that was about what has come before it.
var errSettled = errors.New("nothing is unknown of what was configured before")

// settleEarlier looks for an earlier configuration whose outcome is unknown, as another of the very same machines
// would: what is found stays there for who has lost it. It returns what is known where that does not find out.
func (p place) settleEarlier(ctx context.Context, earlier turn) error {
	work := transport.Work{Resource: earlier.resource}
	_, err := p.client.transport.Do(step.WithoutClaim(ctx), transport.Call{
		Operation: &contract.ReplicationsConfigure, Path: []string{p.pairing}, Work: &work,
		Admit: func() error { return errSettled },
	}, nil)
	if errors.Is(err, errSettled) {
		return nil
	}
	return ofMany(err, len(earlier.machines))
}

// enter takes the turn of machines, or returns another that has some of them, and what is closed when one ends.
func (t *turns) enter(machines []string) (mine *turn, other turn, ended <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	resource := replicationsOfMachines(machines)
	for _, one := range t.all {
		common := slices.ContainsFunc(machines, func(id string) bool { return slices.Contains(one.machines, id) })
		if common && one.resource != resource {
			if t.ended == nil {
				t.ended = make(chan struct{})
			}
			return nil, *one, t.ended
		}
	}
	mine = t.all[resource]
	if mine == nil {
		mine = &turn{resource: resource, machines: machines}
		if t.all == nil {
			t.all = map[string]*turn{}
		}
		t.all[resource] = mine
	}
	mine.calls++
	return mine, turn{}, nil
}

// leave ends a turn. An error that knows nothing of the outcome does not tell that it is known.
func (t *turns) leave(mine *turn, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine.calls--
	var unknown *drkit.OutcomeUnknownError
	switch {
	case err == nil:
		mine.unknown = nil
	case errors.As(err, &unknown):
		mine.unknown = err
	}
	t.forget(mine)
	if t.ended != nil {
		close(t.ended)
		t.ended = nil
	}
}

// settled takes note that nothing is unknown of a turn any more, unless another of the same machines has had it since.
func (t *turns) settled(one turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := t.all[one.resource]; now != nil && now.unknown == one.unknown { //nolint:errorlint // the very same
		now.unknown = nil
		t.forget(now)
	}
}

func (t *turns) forget(one *turn) {
	if one.calls == 0 && one.unknown == nil {
		delete(t.all, one.resource)
	}
}

// ofMany makes of an outcome that is unknown, where it is that of several machines, one that is not to be recovered as
// one: who would get one poller for all would get none, and the next call would be sent.
func ofMany(err error, machines int) error {
	var unknown *drkit.OutcomeUnknownError
	if machines > 1 && errors.As(err, &unknown) && unknown.Lost != nil {
		unknown.Lost = lostTogether{unknown.Lost}
	}
	return err
}

// lostTogether is a configuration of several machines whose outcome is unknown.
type lostTogether struct{ drkit.Lost }

// Recover leaves what there is to be found by the same call.
func (l lostTogether) Recover(context.Context) (any, error) {
	return nil, fmt.Errorf("%s.%s: %w: there is a poller for each machine: call ConfigureAll again for the same machines, which looks before it sends anything",
		service, contract.ReplicationsConfigure.Name, drkit.ErrOutcomeUnknown)
}
