package checkpointstest

import (
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Clock tells a server the time. Tokens, tasks and delays all go by it.
type Clock = simkit.Clock

// ManualClock is a [Clock] that stands still until Advance moves it, for tests that cannot run inside
// testing/synctest. It is safe for concurrent use; make one with [NewManualClock].
type ManualClock = simkit.ManualClock

// NewManualClock returns a clock that stands at a time.
func NewManualClock(start time.Time) *ManualClock { return simkit.NewManualClock(start) }

// Fault breaks answers on purpose. Operation and Resource say which requests it hits (a name of the contract, and
// an id in the path or, of a checkpoint and a replication of a vault, the id of the vault; of what is created, its
// name); Skip and Times how many of them; After whether the work is done before it strikes. The other members say
// how it strikes: Delay, Do, Hang, Drop, Reset, Truncate, EndlessBody, Redirect, or a Status with its Code,
// Message, Body, RetryAfter and Header. Late lets the work be done after all, so much later, and AfterBytes breaks
// an answer in its middle. Site means nothing here.
//
//	srv.Inject(checkpointstest.Fault{Operation: "Checkpoints.Replicate", After: true, Drop: true, Times: 1})
//	srv.Inject(checkpointstest.Fault{Status: 429, RetryAfter: 2 * time.Second, Times: 3})
//	srv.Inject(checkpointstest.Fault{Status: 502, Body: "<html>Bad Gateway</html>", Times: 1})
//
// A fault whose Operation begins with "Identity." is about the identity service: Identity.CreateToken,
// CheckToken, ShowToken, RevokeToken, Catalog, AuthProjects, Projects, CreateTemporaryKeys, Versions, Version and
// VersionSlash. One without an Operation is about the backup service alone.
type Fault = simkit.Rule

// Request is one request that a server has seen.
type Request = simkit.Request

// Violation is a request that the contract does not allow.
type Violation = simkit.Violation

// kitOf is the server of an operation.
func (s *Server) kitOf(operation string) *simkit.Server {
	if strings.HasPrefix(operation, identityPrefix) {
		return s.region.cloud.iam.kit
	}
	return s.kit
}

// Inject adds a fault. Faults are tried in the order in which they were added; for each request at most one strikes
// before the work and one after it. One that makes no sense fails the test, or without a test shows in
// [Server.Violations], and is not added.
func (s *Server) Inject(fault Fault) {
	if err := s.kitOf(fault.Operation).Inject(fault); err != nil {
		s.kit.Complain("Inject: %v", err)
	}
}

// ClearFaults removes all faults of the server and of the identity service, and what [Server.FailTask],
// [Server.SkipTask], [Server.TimeOutTask] and [Server.SlowTask] have asked for.
func (s *Server) ClearFaults() {
	s.kit.ClearFaults()
	s.region.cloud.iam.kit.ClearFaults()
	defer s.lock().Unlock()
	s.region.ends.Clear()
	s.region.durations.Clear()
}

// RefuseConnections closes the next n connections to the backup service before their TLS handshake, so that their
// clients never get one. It replaces what an earlier call asked for; 0 ends it. Connections that are open already
// are not touched: see [Server.CloseConnections].
func (s *Server) RefuseConnections(n int) { s.kit.RefuseConnections(n) }

// CloseConnections cuts all connections, those with requests under way included. The server goes on.
func (s *Server) CloseConnections() { s.kit.CloseConnections() }

// Requests returns every request that the backup service has seen so far, those of operators included, in the
// order of their arrival.
func (s *Server) Requests() []Request { return s.kit.Requests() }

// IdentityRequests returns every request that the identity service has seen so far.
func (s *Server) IdentityRequests() []Request { return s.region.cloud.iam.kit.Requests() }

// Count returns how many requests for an operation were seen, those of operators included, whatever became of
// them. The empty name counts all requests of the backup service.
func (s *Server) Count(operation string) int { return s.kitOf(operation).Count(operation) }

// Ran returns how often an operation's work was really done on a resource (see [Fault] for what that is); for an
// operation that starts tasks, how often it was accepted. The empty resource counts all. What operators did counts,
// and so does late work once it has been done.
func (s *Server) Ran(operation, resource string) int {
	return s.kitOf(operation).Ran(operation, resource)
}

// Violations returns the requests that the contract did not allow and that nobody has acknowledged. The server
// that owns the identity service has those of that one, too.
func (s *Server) Violations() []Violation {
	found := s.kit.Violations()
	if s.owns {
		found = append(found, s.region.cloud.iam.kit.Violations()...)
	}
	return found
}

// AcknowledgeViolations returns what [Server.Violations] would and drops it: the test expected it.
func (s *Server) AcknowledgeViolations() []Violation {
	found := s.kit.AcknowledgeViolations()
	if s.owns {
		found = append(found, s.region.cloud.iam.kit.AcknowledgeViolations()...)
	}
	return found
}
