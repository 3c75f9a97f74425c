package unitrendstest

import (
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Fault breaks answers on purpose, before or after the work is done. Its members say which requests it hits, when
// and how; those that contradict each other are refused. Operation is a name in the contract, as in
// "Sources.Decide". Resource is what [Server.Audit] counts by: the id of the request for a decision, the name of
// the target for a request to it, the name of the order for one that is created, the name of the machine for an
// instant recovery, and else the id in the path or the system in the query. Site is the sid in the query. Code is
// the number of the result, as text.
//
//	target.Inject(unitrendstest.Fault{Operation: "Sources.Decide", Resource: "3", After: true, Drop: true, Times: 1})
type Fault = simkit.Rule

// Request is one request that a server has seen.
type Request = simkit.Request

// Violation is a request that the contract does not allow, with its Problems one by one.
type Violation = simkit.Violation

// Inject adds a fault. Faults are tried in the order in which they were added; for each request at most one
// strikes before the work and one after it. One that makes no sense fails the test, or without a test
// shows in [Server.Violations], and is not added.
func (s *Server) Inject(fault Fault) {
	if err := s.kit.Inject(fault); err != nil {
		s.kit.Complain("Inject: %v", err)
	}
}

// ClearFaults removes all faults, and what [Server.FailCopy] and [Server.Warn] have asked for.
func (s *Server) ClearFaults() {
	s.kit.ClearFaults()
	a := s.lock()
	defer a.mu.Unlock()
	clear(a.failures)
	clear(a.warnings)
}

// RefuseConnections closes the next n connections before their TLS handshake, so that their clients never
// get one. It replaces what an earlier call asked for; 0 ends it.
func (s *Server) RefuseConnections(n int) { s.kit.RefuseConnections(n) }

// CloseConnections cuts all connections, those with requests under way included. The server goes on.
func (s *Server) CloseConnections() { s.kit.CloseConnections() }

// Restart restarts the appliance. Connections are cut, also under requests on their way, and for as long as it
// is down by the server's clock new ones are closed before their TLS handshake; 0 lets it be back at once. The
// next Restart replaces what is left of that time. Sessions are gone; all else is kept, and goes on meanwhile.
// The other appliance cannot reach it either. Late work of a [Fault] that comes due while it is down is lost.
func (s *Server) Restart(down time.Duration) {
	if down < 0 {
		s.kit.Complain("Restart: time does not run backwards")
		return
	}
	s.kit.Restart(down)
	a := s.lock()
	defer a.mu.Unlock()
	clear(a.sessions)
	a.downUntil = a.now.Add(down)
}

// ExpireSessions ends all sessions: their next request answers 401.
func (s *Server) ExpireSessions() {
	a := s.lock()
	defer a.mu.Unlock()
	clear(a.sessions)
}

// Sessions returns how many sessions are open, those that have idled out unnoticed included.
func (s *Server) Sessions() int {
	a := s.lock()
	defer a.mu.Unlock()
	return len(a.sessions)
}

// Warn lets the next success of an operation carry a result with this message.
func (s *Server) Warn(operation, message string) {
	a := s.lock()
	defer a.mu.Unlock()
	a.warnings[operation] = message
}

// Requests returns every request seen so far, those of operators included, in the order of their arrival.
func (s *Server) Requests() []Request {
	s.appliance.lateWork()
	return s.kit.Requests()
}

// Count returns how many requests for an operation were seen, those of operators included, whatever became of
// them. The empty name counts all requests.
func (s *Server) Count(operation string) int { return s.kit.Count(operation) }

// Ran returns how often an operation's work was really done on a resource, as [Fault] has it. The empty resource
// counts all. What operators did counts, and so does late work once it has been done.
func (s *Server) Ran(operation, resource string) int {
	s.appliance.lateWork()
	return s.kit.Ran(operation, resource)
}

// Violations returns the requests that the contract did not allow and that nobody has acknowledged.
func (s *Server) Violations() []Violation { return s.kit.Violations() }

// AcknowledgeViolations returns what [Server.Violations] would and drops it: the test expected it.
func (s *Server) AcknowledgeViolations() []Violation { return s.kit.AcknowledgeViolations() }
