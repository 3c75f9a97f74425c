package simkit

import (
	"sync"
	"time"
)

// outage is when the server was down last.
type outage struct {
	mu          sync.Mutex
	from, until time.Time
}

func (o *outage) set(from, until time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.from, o.until = from, until
}

// covers reports whether the server was down at a moment.
func (o *outage) covers(at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !at.Before(o.from) && at.Before(o.until)
}

// Restart cuts all connections and, for as long as the server is down by its clock, closes new ones before
// their TLS handshake. Late work that is due meanwhile is lost. Another Restart replaces what is left of the
// first. What else a restart does is the service's own.
func (s *Server) Restart(down time.Duration) {
	s.Settle()
	now := s.config.Clock.Now()
	s.outage.set(now, now.Add(down))
	s.CloseConnections()
}
