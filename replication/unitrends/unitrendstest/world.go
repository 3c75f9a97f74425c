package unitrendstest

import (
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// world is the state of all appliances that know one another, those that are no servers included. Its lock is
// held for the whole of each request's work, whichever appliance that is for.
type world struct {
	*shared

	mu         sync.Mutex
	now        time.Time // the moment up to which everything has happened that is due
	agenda     simkit.Agenda
	appliances []*appliance
	requests   []*request // of sources, in the order in which they were made
	stalled    bool       // whether acceptances wait
}

func newWorld(s *shared) *world {
	if s.clock == nil {
		s.clock = simkit.SystemClock()
	}
	return &world{shared: s, now: s.clock.Now()}
}

// settle lets happen what is due by a moment, and takes that for the present. Late work may find that somebody
// has been quicker; time does not run backwards for it.
func (w *world) settle(moment time.Time) {
	w.agenda.Settle(moment)
	if moment.After(w.now) {
		w.now = moment
	}
}

// after plans something. It happens as of its time, however much later somebody looks.
func (w *world) after(wait time.Duration, do func()) {
	w.agenda.Add(w.now.Add(wait), func(at time.Time) {
		if at.After(w.now) {
			w.now = at
		}
		do()
	})
}

// lateWork does what faults have put off at any of the appliances. Nobody who calls it holds the lock.
func (w *world) lateWork() {
	w.mu.Lock()
	var kits []*simkit.Server
	for _, a := range w.appliances {
		if a.kit != nil {
			kits = append(kits, a.kit)
		}
	}
	w.mu.Unlock()
	for _, kit := range kits {
		kit.Settle()
	}
}

// lock locks the state as it is now: all that is due has happened. The caller unlocks it.
func (w *world) lock() {
	w.lateWork()
	w.mu.Lock()
	w.settle(w.clock.Now())
}

// named returns the appliance of a name, or nil.
func (w *world) named(name string) *appliance {
	for _, a := range w.appliances {
		if a.name == name {
			return a
		}
	}
	return nil
}

// known returns the appliance of a name, which is made unless it is there. One that is made is no server.
func (w *world) known(name string) *appliance {
	if a := w.named(name); a != nil {
		return a
	}
	a := newAppliance(w, &config{shared: w.shared, name: name, shape: shape{status: map[requestState]string{}}})
	w.appliances = append(w.appliances, a)
	return a
}

// text writes a moment as appliances show it to people.
func (w *world) text(at time.Time) string { return at.In(w.zone).Format("01/02/2006 03:04:05 pm") }
