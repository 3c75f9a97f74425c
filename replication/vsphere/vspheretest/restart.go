package vspheretest

import "time"

// Restart restarts the appliance. Connections are cut, also under requests on their way, and for as long as it is
// down by the server's clock new ones are closed before their TLS handshake; 0 lets it be back at once. The next
// Restart replaces what is left of that time, so that Restart(0) ends it.
//
// Sessions are gone, and so are the remote sessions of the other site's; meanwhile the other site sees its remote
// server down, and nothing is transferred. Nobody documents what becomes of tasks: here they go on, as does everything
// else that is kept in the database. Late work of a [Fault] that comes due while the appliance is down is lost, and
// operators cannot reach it.
func (s *Server) Restart(down time.Duration) {
	if down < 0 {
		s.kit.Complain("Restart: time does not run backwards")
		return
	}
	s.kit.Restart(down)
	w := s.pair.lock()
	defer w.mu.Unlock()
	clear(s.site.sessions)
	for _, open := range w.peer(s.site).sessions {
		clear(open.remote)
	}
	until := w.now.Add(down)
	s.site.downUntil = until
	if down > 0 {
		w.halt()
	}
	w.agenda.Add(until, func(at time.Time) {
		if s.site.downUntil.Equal(until) {
			w.resumeAll(at)
		}
	})
	w.settle(w.now)
}

// halt interrupts what cannot go on.
func (w *world) halt() {
	for _, r := range w.replications {
		if !r.flows() {
			r.interrupt()
		}
	}
}

// resumeAll lets all replications make up for what they have missed.
func (w *world) resumeAll(at time.Time) {
	for _, r := range w.replications {
		r.wake(at)
	}
}
