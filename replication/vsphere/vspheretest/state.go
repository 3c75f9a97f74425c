package vspheretest

import (
	"fmt"
	"time"
)

// Replication returns a replication as it is now, or the zero Replication if no site knows one with that id.
func (p *Pair) Replication(id string) Replication {
	w := p.lock()
	defer w.mu.Unlock()
	if r := w.any(id); r != nil {
		return r.snapshot()
	}
	return Replication{}
}

// Replications returns all replications that at least one site knows, in the order of their creation.
func (p *Pair) Replications() []Replication {
	w := p.lock()
	defer w.mu.Unlock()
	var found []Replication
	for _, r := range w.replications {
		found = append(found, r.snapshot())
	}
	return found
}

// Protect adds a replication while the servers run.
func (p *Pair) Protect(given Replication) error {
	w := p.lock()
	defer w.mu.Unlock()
	if err := w.protect(given); err != nil {
		return fmt.Errorf("vspheretest: Protect: %w", err)
	}
	return nil
}

// AddMachine adds a machine that nobody replicates while the servers run.
func (p *Pair) AddMachine(given Machine) error {
	w := p.lock()
	defer w.mu.Unlock()
	if err := w.addMachine(given); err != nil {
		return fmt.Errorf("vspheretest: AddMachine: %w", err)
	}
	return nil
}

// PowerMachine turns the machine of a replication on or off at its source, and reports whether there is such a
// replication. While it is off nothing is transferred; after a while that violates the RPO.
func (p *Pair) PowerMachine(replicationID string, on bool) bool {
	return p.change(replicationID, func(r *replication, now time.Time) {
		r.machine.on = on
		r.settle(now)
	})
}

// Stall keeps the transfers of a replication from coming through, or lets them, and reports whether there is such a
// replication. Its status stays OK until its RPO is violated.
func (p *Pair) Stall(replicationID string, stalled bool) bool {
	return p.change(replicationID, func(r *replication, now time.Time) {
		r.stalled = stalled
		r.settle(now)
	})
}

// BreakReplication lets the transfers of a replication fail with this error until a call without one, and reports
// whether there is such a replication.
func (p *Pair) BreakReplication(replicationID, message string) bool {
	return p.change(replicationID, func(r *replication, now time.Time) {
		r.broken = message
		r.settle(now)
	})
}

// ShowStatus lets a replication show this status in place of its own until a call without one, and reports whether
// there is such a replication. Any text will do: clients meet values that they do not know.
func (p *Pair) ShowStatus(replicationID, status string) bool {
	return p.change(replicationID, func(r *replication, _ time.Time) { r.shown = status })
}

// settle lets a replication go on, or stop, after something has changed.
func (r *replication) settle(now time.Time) {
	if !r.flows() {
		r.interrupt()
		return
	}
	r.wake(now)
}

// FailOver does what a recovery plan of Live Site Recovery would: the machine runs at the recovery site from then on,
// on a failover image, and the replication is RECOVERED. This API has no operation for it whose path anybody knows. It
// is an error if there is no such replication, or one with an active image or without instances.
func (p *Pair) FailOver(replicationID string) error {
	w := p.lock()
	defer w.mu.Unlock()
	r := w.any(replicationID)
	if r == nil {
		return fmt.Errorf("vspheretest: FailOver: there is no replication %q", replicationID)
	}
	if err := w.failOver(r); err != nil {
		return fmt.Errorf("vspheretest: FailOver: %w", err)
	}
	return nil
}

func (p *Pair) change(replicationID string, change func(*replication, time.Time)) bool {
	w := p.lock()
	defer w.mu.Unlock()
	r := w.any(replicationID)
	if r != nil {
		change(r, w.now)
	}
	return r != nil
}

// any returns the replication of an id that some site knows, or nil.
func (w *world) any(id string) *replication {
	for _, r := range w.replications {
		if r.id == id {
			return r
		}
	}
	return nil
}

// DisconnectServer lets a site lose a replication server, which is an issue of the pairing until somebody reconnects
// it, and reports whether the site has it.
func (s *Server) DisconnectServer(replicationServerID string) bool {
	w := s.pair.lock()
	defer w.mu.Unlock()
	server := s.site.server(replicationServerID)
	if server != nil {
		server.connected = false
	}
	return server != nil
}
