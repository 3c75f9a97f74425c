package vcavtest

import (
	"net/http"
	"net/url"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Request is one request that a server has seen.
type Request struct {
	Operation   string        // name in the contract, as in "VMReplications.Failover"; empty if it is in none
	Method      string        // HTTP verb
	Path        string        // as sent, escaped
	Query       url.Values    // as sent, decoded; the cookie of a download redacted
	Header      http.Header   // the session token redacted
	Resource    string        // id in the path, as that of the replication
	Site        string        // value of the query parameter site; empty: none
	OperationID string        // value of the operationID header
	User        string        // whose session it came with, or who signed in; empty if nobody was found
	Operator    bool          // whether an [Operator] asked, and so not over HTTP
	Time        time.Time     // when it came, by the server's clock
	Late        time.Duration // how much later than that a [Fault] lets its work be done; 0: at once
	Executed    time.Time     // when its work was done or refused; zero: not, or not yet
	Outcome     int           // status with which the appliance itself ended it; 0: it has not come to that, or not yet
	Ran         bool          // whether the work was done, whatever became of the answer; of late work, once it is
	Status      int           // status answered; 0 if none went out, or none yet
	Faults      []string      // what struck it, in words
}

// Violation is a request that the contract does not allow.
type Violation struct {
	Operation string    // name in the contract; empty if it is in none
	Method    string    // HTTP verb
	Path      string    // as sent, escaped
	Time      time.Time // by the server's clock
	Problems  []string  // what is wrong, one by one
}

// String returns the request and its problems.
func (v Violation) String() string { return simkit.Violation(v).String() }

// Requests returns every request seen so far, those of operators included, in the order of their arrival.
func (s *Server) Requests() []Request {
	var found []Request
	for _, request := range s.kit.Requests() {
		found = append(found, Request(request))
	}
	return found
}

// Count returns how many requests for an operation were seen, those of operators included, whatever became of
// them. The empty name counts all requests.
func (s *Server) Count(operation string) int { return s.kit.Count(operation) }

// Ran returns how often an operation's work was really done on a replication or task; for an operation that
// starts a task, how often it was accepted. The empty resource counts all. What operators did counts, and so
// does late work once it has been done.
func (s *Server) Ran(operation, resource string) int { return s.kit.Ran(operation, resource) }

// Violations returns the requests that the contract did not allow and that nobody has acknowledged.
func (s *Server) Violations() []Violation { return violations(s.kit.Violations()) }

// AcknowledgeViolations returns what [Server.Violations] would and drops it: the test expected it.
func (s *Server) AcknowledgeViolations() []Violation {
	return violations(s.kit.AcknowledgeViolations())
}

func violations(noted []simkit.Violation) []Violation {
	var found []Violation
	for _, violation := range noted {
		found = append(found, Violation(violation))
	}
	return found
}
