package vspheretest

import "github.com/drkit-go/drkit/internal/simkit"

// Fault breaks answers on purpose, before or after the work is done. Its members say which requests it hits, when and
// how; those that contradict each other are refused. Operation is a name in the contract, as in "Replications.Test".
// Resource is the id of the replication, of the task or of what else the path names last; for a configuration it is
// the ids of the machines with commas between them. Late work is done so much later, whatever the client was told.
//
//	pair.Recovery.Inject(vspheretest.Fault{Operation: "Replications.Test", After: true, Drop: true, Times: 1})
type Fault = simkit.Rule

// Request is one request that a server has seen: its Operation by the name in the contract, its Resource as [Fault] has
// it, when it came, whether its work was done (Ran), with which status the service ended it (Outcome) and which went
// out (Status). Session tokens and credentials are redacted.
type Request = simkit.Request

// Violation is a request that the contract does not allow, with its Problems one by one.
type Violation = simkit.Violation

// Inject adds a fault to this server. Faults are tried in the order in which they were added; for each request at most
// one strikes before the work and one after it. One that makes no sense fails the test, or without a test shows in
// [Server.Violations], and is not added.
//
// A request that a fault ends before the work has not reached the rate limiter; one that is hit after the work has.
func (s *Server) Inject(fault Fault) {
	if err := s.kit.Inject(fault); err != nil {
		s.kit.Complain("Inject: %v", err)
	}
}

// ClearFaults removes all faults of this server. Late work that has been put off is not taken back.
func (s *Server) ClearFaults() { s.kit.ClearFaults() }

// ClearFaults removes all faults of both servers, and what [Pair.FailTask] and [Pair.SlowTask] have asked for.
func (p *Pair) ClearFaults() {
	for _, s := range p.servers() {
		s.ClearFaults()
	}
	w := p.lock()
	defer w.mu.Unlock()
	w.failures.Clear()
	w.durations.Clear()
}

// RefuseConnections closes the next n connections before their TLS handshake, so that their clients never get one. It
// replaces what an earlier call asked for; 0 ends it.
func (s *Server) RefuseConnections(n int) { s.kit.RefuseConnections(n) }

// CloseConnections cuts all connections, those with requests under way included. The server goes on.
func (s *Server) CloseConnections() { s.kit.CloseConnections() }

// Requests returns every request that this server has seen so far, those of operators included, in the order of their
// arrival.
func (s *Server) Requests() []Request {
	s.pair.settle()
	return s.kit.Requests()
}

// Count returns how many requests for an operation this server has seen, those of operators included, whatever became
// of them. The empty name counts all requests.
func (s *Server) Count(operation string) int { return s.kit.Count(operation) }

// Ran returns how often an operation's work was really done on a resource, as [Fault] has it; for an operation that
// starts a task, how often it was accepted. The empty resource counts all. What operators did counts, and so does late
// work once it has been done.
func (s *Server) Ran(operation, resource string) int {
	s.pair.settle()
	return s.kit.Ran(operation, resource)
}

// Violations returns the requests that the contract did not allow and that nobody has acknowledged.
func (s *Server) Violations() []Violation { return s.kit.Violations() }

// AcknowledgeViolations returns what [Server.Violations] would and drops it: the test expected it.
func (s *Server) AcknowledgeViolations() []Violation { return s.kit.AcknowledgeViolations() }
