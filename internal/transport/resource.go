package transport

import (
	"context"
	"sync"

	"github.com/drkit-go/drkit"
)

// resources are what operations that must not repeat are working on, and what they have worked on with an
// outcome that is still unknown.
type resources struct {
	mu   sync.Mutex
	used map[string]*resource
}

// resource lets one operation at a time be sent: of two at once nobody could tell whose task is whose.
type resource struct {
	all  *resources
	name string
	turn chan struct{} // holds a value while somebody has the turn
	lost *lost         // whose outcome is unknown; under the turn

	users int   // who have the turn or wait for it; under the lock of all
	kept  *lost // what was lost at the end of the last turn; under the lock of all
}

// enter waits for the turn at a resource, until ctx ends or the client has closed.
func (r *resources) enter(ctx context.Context, closed <-chan struct{}, name string) (*resource, error) {
	one := r.use(name)
	var err error
	select {
	case one.turn <- struct{}{}:
		return one, nil
	case <-ctx.Done():
		err = endOf(ctx)
	case <-closed:
		err = drkit.ErrClosed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	one.drop()
	return nil, err
}

func (r *resources) use(name string) *resource {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.used[name]
	if one == nil {
		one = &resource{all: r, name: name, turn: make(chan struct{}, 1)}
		if r.used == nil {
			r.used = map[string]*resource{}
		}
		r.used[name] = one
	}
	one.users++
	return one
}

// leave ends the turn. What is unknown stays remembered, unless it was discarded meanwhile.
func (r *resource) leave() {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	if r.kept = r.lost; r.kept != nil && r.kept.discarded.Load() {
		r.kept = nil
	}
	r.drop()
	<-r.turn // the last, so that the next turn finds what this one has left
}

// drop forgets a resource that nobody uses and that has nothing to remember. The caller holds the lock.
func (r *resource) drop() {
	r.users--
	r.forget()
}

// discard forgets an operation whose outcome is unknown.
func (r *resource) discard(l *lost) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	if r.kept == l {
		r.kept = nil
		r.forget()
	}
}

func (r *resource) forget() {
	if r.users == 0 && r.kept == nil && r.all.used[r.name] == r {
		delete(r.all.used, r.name)
	}
}
