package transport

import (
	"context"
	"slices"
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
	// found are those that somebody else's call has found: whoever has lost them may call again, and they must
	// not run a second time then. Under the turn.
	found []*lost

	users int     // who have the turn or wait for it; under the lock of all
	kept  []*lost // what was lost or found at the end of the last turn; under the lock of all
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

// remembered returns the first operation of a kind that was lost or found before the turn that somebody has, or nil.
func (r *resources) remembered(name string, is func(*lost) bool) *lost {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.used[name]
	if one == nil {
		return nil
	}
	at := slices.IndexFunc(one.kept, func(l *lost) bool { return is(l) && !l.discarded.Load() })
	if at < 0 {
		return nil
	}
	return one.kept[at]
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

// claim returns the first operation of a kind that was found for somebody else, if there is one, and lets it be
// forgotten. The caller has the turn.
func (r *resource) claim(is func(*lost) bool) *lost {
	at := slices.IndexFunc(r.found, func(l *lost) bool { return is(l) && !l.discarded.Load() })
	if at < 0 {
		return nil
	}
	claimed := r.found[at]
	r.found = slices.Delete(r.found, at, at+1)
	return claimed
}

// leave ends the turn. What is unknown, or was found for somebody else, stays remembered, unless it was
// discarded meanwhile.
func (r *resource) leave() {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.found = slices.DeleteFunc(r.found, func(l *lost) bool { return l.discarded.Load() })
	r.kept = slices.Clone(r.found)
	if r.lost != nil && !r.lost.discarded.Load() {
		r.kept = append(r.kept, r.lost)
	}
	r.drop()
	<-r.turn // the last, so that the next turn finds what this one has left
}

// drop forgets a resource that nobody uses and that has nothing to remember. The caller holds the lock.
func (r *resource) drop() {
	r.users--
	r.forget()
}

// discard forgets an operation.
func (r *resource) discard(l *lost) {
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	r.kept = slices.DeleteFunc(r.kept, func(other *lost) bool { return other == l })
	r.forget()
}

func (r *resource) forget() {
	if r.users == 0 && len(r.kept) == 0 && r.all.used[r.name] == r {
		delete(r.all.used, r.name)
	}
}
