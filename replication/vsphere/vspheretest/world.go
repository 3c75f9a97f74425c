package vspheretest

import (
	"fmt"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// object is a JSON object of an answer.
type object = map[string]any

// world is the state behind a pair of servers. Its lock is held for the whole of each request's work.
type world struct {
	config *config
	clock  Clock

	mu           sync.Mutex
	now          time.Time // the moment up to which everything has happened that is due
	protected    *site
	recovery     *site          // the same as protected with one vCenter Server
	replications []*replication // in order of creation
	agenda       simkit.Agenda
	table        map[string]operation        // by name
	failures     simkit.Plans[*failure]      // of tasks to come
	durations    simkit.Plans[time.Duration] // likewise
	deeds        deeds
}

func newWorld(c *config) (*world, error) {
	w := &world{config: c, clock: c.clock, now: c.clock.Now()}
	w.table = w.operations()
	w.protected = newSite(w, c.names[0])
	w.recovery = w.protected
	if !c.oneVCenter {
		w.recovery = newSite(w, c.names[1])
	}
	if !c.unpaired {
		w.pair()
	}
	for _, machine := range c.machines {
		if err := w.addMachine(machine); err != nil {
			return nil, fmt.Errorf("vspheretest: Machines: %w", err)
		}
	}
	for _, given := range c.replications {
		if err := w.protect(given); err != nil {
			return nil, fmt.Errorf("vspheretest: Protect: %w", err)
		}
	}
	return w, nil
}

// sites returns the one or two sites.
func (w *world) sites() []*site {
	if w.recovery == w.protected {
		return []*site{w.protected}
	}
	return []*site{w.protected, w.recovery}
}

// settle lets happen what is due by a moment, and takes that for the present.
func (w *world) settle(moment time.Time) {
	w.agenda.CatchUp(&w.now, moment)
	for _, r := range w.replications {
		r.catchUp(w.now)
	}
}

// peer returns the site at the other end of the pair.
func (w *world) peer(s *site) *site {
	if s == w.protected {
		return w.recovery
	}
	return w.protected
}

// replication returns the replication of an id as far as a site knows it, or nil.
func (w *world) replication(s *site, id string) *replication {
	for _, r := range w.replications {
		if r.id == id && r.knownAt(s) {
			return r
		}
	}
	return nil
}

// replicationOf returns the replication of a machine, or nil.
func (w *world) replicationOf(m *machine) *replication {
	for _, r := range w.replications {
		if r.machine == m && r.atSource {
			return r
		}
	}
	return nil
}

// forget lets go of replications that no site knows any more.
func (w *world) forget() {
	left := w.replications[:0]
	for _, r := range w.replications {
		if r.atSource || r.atTarget {
			left = append(left, r)
		}
	}
	clear(w.replications[len(left):])
	w.replications = left
}
