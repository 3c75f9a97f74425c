package unitrendstest

import (
	"slices"
	"time"
)

// requestState is how far the request of a source has come.
type requestState string

const (
	pending  requestState = "pending"  // nobody has decided
	accepted requestState = "accepted" // the source completes its configuration
	rejected requestState = "rejected"
	done     requestState = "done" // the source replicates, or has been removed: no longer listed
)

// request is one request of a source to a target. Both show parts of it.
type request struct {
	id             int // at the target
	source, target *appliance
	state          requestState
	message        string
	sid            int // of the source at the target, once accepted
	created        time.Time
	updated        time.Time
	decisions      int // how often somebody has decided
}

// system is what an appliance knows of another one.
type system struct {
	id          int
	of          *appliance
	managed     bool
	replicating bool
	storage     int // for its copies; 0: none was named
	customer    string
	customerID  int
	location    string
	locationID  int
	created     time.Time
	updated     time.Time
}

// target is what a source knows of an appliance that it has asked.
type target struct {
	id      int
	of      *appliance
	state   string
	message string
}

// States of a target.
const (
	targetPending   = "pending"
	targetAvailable = "available"
	targetRejected  = "rejected"
)

// systemOf returns what the appliance knows of another one, which it learns unless it knows.
func (a *appliance) systemOf(other *appliance) *system {
	for _, s := range a.systems {
		if s.of == other {
			return s
		}
	}
	s := &system{id: a.nextID(kindSystem), of: other, created: a.now, updated: a.now}
	a.systems = append(a.systems, s)
	return s
}

// system returns the system of an id, or nil.
func (a *appliance) system(id int) *system {
	for _, s := range a.systems {
		if s.id == id {
			return s
		}
	}
	return nil
}

// targetOf returns what the appliance knows of a target, which it learns unless it knows.
func (a *appliance) targetOf(other *appliance) *target {
	for _, t := range a.targets {
		if t.of == other {
			return t
		}
	}
	t := &target{id: a.nextID(kindTarget), of: other}
	a.targets = append(a.targets, t)
	return t
}

// ask makes the request of a source to another appliance. Nothing keeps it from asking twice.
func (a *appliance) ask(other *appliance) *request {
	r := &request{
		id: other.nextID(kindRequest), source: a, target: other, state: pending, created: a.now, updated: a.now,
	}
	a.requests = append(a.requests, r)
	if t := a.targetOf(other); t.state != targetAvailable {
		t.state, t.message = targetPending, ""
	}
	return r
}

// incoming returns the request of an id that was made to this appliance, or nil.
func (a *appliance) incoming(id int) *request {
	for _, r := range a.requests {
		if r.target == a && r.id == id {
			return r
		}
	}
	return nil
}

// accept takes the source of a request in. It completes its configuration in the background.
func (a *appliance) accept(r *request, storage int) *request {
	known := a.systemOf(r.source)
	known.storage, known.updated = storage, a.now
	r.state, r.sid, r.updated = accepted, known.id, a.now
	r.decisions++
	return r
}

// finish plans the end of an acceptance.
func (a *appliance) finish(r *request) {
	if a.system(r.sid).replicating {
		a.complete(r) // there is nothing left to configure
		return
	}
	a.whenBothAreUp(r, func() {
		if !a.stalled {
			a.complete(r)
		}
	})
}

// whenBothAreUp plans what happens when the source has looked for the decision: later if one of the two is down.
func (a *appliance) whenBothAreUp(r *request, do func()) {
	a.after(a.settling, func() {
		if r.source.isDown() || a.isDown() {
			a.whenBothAreUp(r, do)
			return
		}
		do()
	})
}

// complete ends the configuration of an accepted source, unless somebody has removed it meanwhile.
func (a *appliance) complete(r *request) {
	known := a.system(r.sid)
	if r.state != accepted || known == nil {
		return
	}
	r.state = done
	known.replicating, known.updated = true, a.now
	at := r.source.targetOf(a)
	at.state, at.message = targetAvailable, r.message
}

// reject turns the source of a request away, which learns of it when it looks.
func (a *appliance) reject(r *request, message string) {
	r.state, r.message, r.updated = rejected, message, a.now
	r.decisions++
	a.whenBothAreUp(r, func() {
		if t := r.source.targetOf(a); t.state == targetPending && !r.source.waitsFor(a) {
			t.state, t.message = targetRejected, message
		}
	})
}

// waitsFor reports whether a request to another appliance is undecided or not yet complete.
func (a *appliance) waitsFor(other *appliance) bool {
	return slices.ContainsFunc(a.requests, func(r *request) bool {
		return r.source == a && r.target == other && (r.state == pending || r.state == accepted)
	})
}

// dismiss ends the replication of a source, at both ends.
func (a *appliance) dismiss(s *system) {
	for _, r := range a.requests {
		if r.target == a && r.source == s.of && r.state == accepted {
			r.state = done
		}
	}
	s.replicating, s.updated = false, a.now
	if !s.managed {
		a.systems = slices.DeleteFunc(a.systems, func(other *system) bool { return other == s })
	}
	lost := s.of.targetOf(a)
	s.of.drop(func(item *queueItem) bool { return item.target == lost })
	s.of.targets = slices.DeleteFunc(s.of.targets, func(t *target) bool { return t == lost })
}

// resume completes the acceptances that have waited.
func (w *world) resume() {
	for _, r := range w.requests {
		if r.state == accepted && !r.updated.Add(w.settling).After(w.now) {
			r.target.complete(r)
		}
	}
}
