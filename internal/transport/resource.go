package transport

import (
	"context"
	"sync"
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

	users int  // who have the turn or wait for it; under the lock of all
	keep  bool // for the sake of lost; under the lock of all
}

// enter waits for the turn at a resource.
func (r *resources) enter(ctx context.Context, name string) (*resource, error) {
	one := r.use(name)
	select {
	case one.turn <- struct{}{}:
		return one, nil
	case <-ctx.Done():
		one.drop(func() {})
		return nil, endOf(ctx)
	}
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

// leave ends the turn. What is unknown stays remembered.
func (r *resource) leave() {
	unknown := r.lost != nil
	<-r.turn
	r.drop(func() { r.keep = unknown })
}

// drop forgets a resource that nobody uses, and that has nothing to remember once change is done.
func (r *resource) drop(change func()) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	change()
	r.users--
	if r.users == 0 && !r.keep {
		delete(r.all.used, r.name)
	}
}
