package simkit

import (
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Redacted stands in the audit where a secret header was.
const Redacted = "[redacted]"

// Request is one request that a server has seen.
type Request struct {
	Operation   string // name in the table; empty if it matched none
	Method      string
	Path        string      // as sent, escaped
	Query       url.Values  // secrets redacted
	Header      http.Header // secrets redacted
	Resource    string      // the path's argument, such as a replication's id
	Site        string      // the site that the query names; empty: the local one
	OperationID string      // value of the service's trace header
	Time        time.Time   // by the server's clock
	Ran         bool        // whether the work was done, whatever became of the answer
	Status      int         // status answered; 0 if none went out, or none yet
	Faults      []string    // the rules that hit it, in words
}

// Violation is a request that the contract does not allow.
type Violation struct {
	Operation string // name in the table; empty if it matched none
	Method    string
	Path      string
	Time      time.Time
	Problems  []string // what is wrong, one by one
}

// audit remembers what was asked and what came of it.
type audit struct {
	mu           sync.Mutex
	entries      []*record
	violations   []Violation
	acknowledged int // violations that somebody has said to expect
}

type record struct{ Request }

func (a *audit) add(request Request) *record {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := &record{request}
	a.entries = append(a.entries, e)
	return e
}

func (a *audit) ran(e *record, resource string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Ran = true
	e.Resource = resource
}

func (a *audit) answered(e *record, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Status = status
}

func (a *audit) hit(e *record, rule Rule) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Faults = append(e.Faults, rule.String())
}

func (a *audit) violate(e *record, problems []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.violations = append(a.violations, Violation{
		Operation: e.Operation, Method: e.Method, Path: e.Path, Time: e.Time, Problems: problems,
	})
}

// Requests returns every request seen so far, in the order of their arrival.
func (s *Server) Requests() []Request {
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	requests := make([]Request, len(s.audit.entries))
	for i, e := range s.audit.entries {
		requests[i] = e.Request
		requests[i].Faults = slices.Clone(e.Faults)
	}
	return requests
}

// Count returns how many requests for an operation were seen, whatever became of them. The empty name
// counts all requests.
func (s *Server) Count(operation string) int {
	return s.count(func(r *Request) bool { return operation == "" || r.Operation == operation })
}

// Ran returns how often an operation's work was really done on a resource. The empty resource counts all.
func (s *Server) Ran(operation, resource string) int {
	return s.count(func(r *Request) bool {
		return r.Ran && r.Operation == operation && (resource == "" || r.Resource == resource)
	})
}

func (s *Server) count(counts func(*Request) bool) int {
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	n := 0
	for _, e := range s.audit.entries {
		if counts(&e.Request) {
			n++
		}
	}
	return n
}

// Violations returns the requests that the contract did not allow and that nobody has acknowledged.
func (s *Server) Violations() []Violation {
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	return slices.Clone(s.audit.violations[s.audit.acknowledged:])
}

// AcknowledgeViolations returns what [Server.Violations] would and drops it: the caller expected it.
func (s *Server) AcknowledgeViolations() []Violation {
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	pending := slices.Clone(s.audit.violations[s.audit.acknowledged:])
	s.audit.acknowledged = len(s.audit.violations)
	return pending
}

// Complain notes problems that are no request's, such as a simulator that is used wrongly, among the
// violations.
func (s *Server) Complain(problems ...string) {
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	s.audit.violations = append(s.audit.violations, Violation{Time: s.config.Clock.Now(), Problems: problems})
}
