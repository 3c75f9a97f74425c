package vcavtest

import "github.com/drkit-go/drkit/internal/simkit"

// Request is one request that a server has seen: its Operation by the name in the contract, its Resource and Site as
// [Fault] has them, its Time by the server's clock and its OperationID. User is whose session it came with, or who
// signed in, and Operator whether it came by an [Operator] and not over HTTP. Ran says whether the work was done,
// whatever became of the answer, Executed when, and Late how much later a fault has let it be done; Outcome is the
// status with which the appliance itself ended it, Status the one that went out, and Faults what struck it. Session
// tokens and the cookies of downloads are redacted.
type Request = simkit.Request

// Violation is a request that the contract does not allow, with its Problems one by one. Its String has all of it.
type Violation = simkit.Violation

// Requests returns every request seen so far, those of operators included, in the order of their arrival.
func (s *Server) Requests() []Request { return s.kit.Requests() }

// Count returns how many requests for an operation were seen, those of operators included, whatever became of
// them. The empty name counts all requests.
func (s *Server) Count(operation string) int { return s.kit.Count(operation) }

// Ran returns how often an operation's work was really done on a replication or task; for an operation that
// starts a task, how often it was accepted. The empty resource counts all. What operators did counts, and so
// does late work once it has been done.
func (s *Server) Ran(operation, resource string) int { return s.kit.Ran(operation, resource) }

// Violations returns the requests that the contract did not allow and that nobody has acknowledged.
func (s *Server) Violations() []Violation { return s.kit.Violations() }

// AcknowledgeViolations returns what [Server.Violations] would and drops it: the test expected it.
func (s *Server) AcknowledgeViolations() []Violation { return s.kit.AcknowledgeViolations() }
