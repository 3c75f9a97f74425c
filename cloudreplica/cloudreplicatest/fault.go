package cloudreplicatest

import (
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Clock tells a server the time. Sessions, tasks and delays all go by it.
type Clock = simkit.Clock

// ManualClock is a [Clock] that stands still until Advance moves it, for tests that cannot run inside
// testing/synctest. It is safe for concurrent use; make one with [NewManualClock].
type ManualClock = simkit.ManualClock

// NewManualClock returns a clock that stands at a time.
func NewManualClock(start time.Time) *ManualClock { return simkit.NewManualClock(start) }

// Fault breaks answers on purpose. Operation and Resource say which requests it hits (a name of the contract, and the
// first id in the path; of a tenant that is created, its name); Skip and Times how many of them; After whether the
// work is done before it strikes. The other members say how it strikes: Delay, Do, Hang, Drop, Reset, Truncate,
// EndlessBody, Redirect, or a Status with its Message, Body, RetryAfter and Header. Late lets the work be done after
// all, so much later, and AfterBytes breaks an answer in its middle. Site means nothing here; the service has no error
// codes, and a Code goes in front of the Message.
//
//	srv.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Start", After: true, Drop: true, Times: 1})
//	srv.Inject(cloudreplicatest.Fault{Status: 503, RetryAfter: 2 * time.Second, Times: 3})
//	srv.Inject(cloudreplicatest.Fault{Status: 502, Body: "<html>Bad Gateway</html>", Times: 1})
type Fault = simkit.Rule

// Request is one request that a server has seen.
type Request = simkit.Request

// Violation is a request that the contract does not allow.
type Violation = simkit.Violation

// Inject adds a fault. Faults are tried in the order in which they were added; for each request at most one strikes
// before the work and one after it. One that makes no sense fails the test, or without a test shows in
// [Server.Violations], and is not added.
func (s *Server) Inject(fault Fault) {
	if err := s.kit.Inject(fault); err != nil {
		s.kit.Complain("Inject: %v", err)
	}
}

// ClearFaults removes all faults, and what [Server.FailTask], [Server.SlowTask], [Server.FailVM], [Server.WarnVM],
// [Server.SlowVM] and [Server.FailCollect] have asked for.
func (s *Server) ClearFaults() {
	s.kit.ClearFaults()
	defer s.lock().Unlock()
	s.enterprise.plans.Clear()
}

// RefuseConnections closes the next n connections before their TLS handshake, so that their clients never get one. It
// replaces what an earlier call asked for; 0 ends it. Connections that are open already are not touched: see
// [Server.CloseConnections].
func (s *Server) RefuseConnections(n int) { s.kit.RefuseConnections(n) }

// CloseConnections cuts all connections, those with requests under way included. The server goes on.
func (s *Server) CloseConnections() { s.kit.CloseConnections() }

// plan keeps what a test wants to happen.
func (s *Server) plan(of, resource string, wanted intervention) {
	defer s.lock().Unlock()
	s.enterprise.plans.Add(of, resource, &wanted)
}

// FailTask lets the next task of an operation on a resource fail with this message, before anything is done. The empty
// resource is any. See [Fault] for what the resource is.
func (s *Server) FailTask(operation, resource, message string) {
	if taskOperations[operation] == "" || message == "" {
		s.kit.Complain("FailTask: %q starts no task, or the message is empty", operation)
		return
	}
	s.plan(operation, resource, intervention{message: message})
}

// SlowTask lets the next task of an operation on a resource run so much longer.
func (s *Server) SlowTask(operation, resource string, longer time.Duration) {
	if taskOperations[operation] == "" || longer <= 0 {
		s.kit.Complain("SlowTask: %q starts no task, or the time is not positive", operation)
		return
	}
	s.plan(operation, resource, intervention{longer: longer})
}

// FailVM lets a VM fail with this message in the next failover or test of a plan. The empty name is any VM.
func (s *Server) FailVM(planID, name, message string) {
	s.planVM("FailVM", planID, name, intervention{message: or(message, "Failed to power on the VM")})
}

// WarnVM lets a VM end with a warning in the next failover or test of a plan: it is failed over all the same.
func (s *Server) WarnVM(planID, name, message string) {
	s.planVM("WarnVM", planID, name, intervention{message: message, warning: true})
}

// SlowVM lets a VM take so much longer in the next failover or test of a plan.
func (s *Server) SlowVM(planID, name string, longer time.Duration) {
	s.planVM("SlowVM", planID, name, intervention{longer: max(0, longer)})
}

func (s *Server) planVM(caller, planID, name string, wanted intervention) {
	locked := s.lock()
	_, exists := s.enterprise.really.plans.get(planID)
	locked.Unlock()
	if !exists {
		s.kit.Complain("%s: there is no failover plan %s", caller, planID)
		return
	}
	s.plan(planID, name, wanted)
}

// FailCollect lets the next collection of data fail with this message: the database stays as it is.
func (s *Server) FailCollect(message string) {
	s.plan("collect", "", intervention{message: or(message, "Failed to connect to the backup server")})
}

// Requests returns every request that the server has seen so far, those of operators included, in the order of their
// arrival.
func (s *Server) Requests() []Request { return s.kit.Requests() }

// Count returns how many requests for an operation were seen, those of operators included, whatever became of them.
// The empty name counts all requests.
func (s *Server) Count(operation string) int { return s.kit.Count(operation) }

// Ran returns how often an operation's work was really done on a resource (see [Fault] for what that is); for an
// operation that starts tasks, how often it was accepted. The empty resource counts all. What operators did counts,
// and so does late work once it has been done.
func (s *Server) Ran(operation, resource string) int { return s.kit.Ran(operation, resource) }

// Violations returns the requests that the contract did not allow and that nobody has acknowledged.
func (s *Server) Violations() []Violation { return s.kit.Violations() }

// AcknowledgeViolations returns what [Server.Violations] would and drops it: the test expected it.
func (s *Server) AcknowledgeViolations() []Violation { return s.kit.AcknowledgeViolations() }
