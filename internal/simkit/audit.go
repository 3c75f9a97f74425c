package simkit

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Redacted stands in the audit where a secret header was.
const Redacted = "[redacted]"

// Request is one request that a server has seen.
type Request struct {
	Operation   string // name in the table; empty if it matched none
	Method      string
	Path        string        // as sent, escaped
	Query       url.Values    // secrets redacted
	Header      http.Header   // secrets redacted
	Resource    string        // the path's argument, such as a replication's id
	Site        string        // the site that the query names; empty: the local one
	OperationID string        // value of the service's trace header
	User        string        // who asked, as Admit or the handler found out; empty if they did not
	Operator    bool          // whether it came by [Server.Operate] instead of HTTP
	Time        time.Time     // when it came, by the server's clock
	Late        time.Duration // how much later a rule lets its work be done; 0: at once
	Executed    time.Time     // when its work was done or refused; zero: not, or not yet
	Outcome     int           // status with which the service itself ended it; 0: it has not come to that, or not yet
	Ran         bool          // whether the work was done, whatever became of the answer
	Status      int           // status answered; 0 if none went out, or none yet
	Faults      []string      // the rules that hit it, in words
}

// Violation is a request that the contract does not allow.
type Violation struct {
	Operation string // name in the table; empty if it matched none
	Method    string
	Path      string
	Time      time.Time
	Problems  []string // what is wrong, one by one
}

// String returns the request and its problems.
func (v Violation) String() string {
	request := strings.TrimSpace(v.Method + " " + v.Path + " " + v.Operation)
	return fmt.Sprintf("%s: %s", request, strings.Join(v.Problems, "; "))
}

// audit remembers what was asked and what came of it.
type audit struct {
	mu           sync.Mutex
	entries      []*record
	violations   []Violation
	acknowledged int // violations that somebody has said to expect
}

type record struct {
	Request
	pending bool // whether late work is still to be done
}

func (a *audit) add(request Request) *record {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := &record{Request: request}
	a.entries = append(a.entries, e)
	return e
}

// worked notes what the service made of a call. A status of zero is none: there was nobody left to answer.
func (a *audit) worked(e *record, call *Call, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.User = call.User
	if status == 0 {
		return
	}
	e.Outcome, e.Executed, e.pending = status, call.Now(), false
	if status < http.StatusBadRequest {
		e.Ran, e.Resource = true, call.Resource
	}
}

// refused notes that a request was not worth a call.
func (a *audit) refused(e *record, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Outcome, e.Executed = status, e.Time
}

// postponed notes that the work of a request is to be done later.
func (a *audit) postponed(e *record, late time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.Late, e.pending = late, true
}

// missed notes that late work found nobody to do it.
func (a *audit) missed(e *record) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e.pending = false
	e.Faults = append(e.Faults, "late: the server was down")
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
	s.Settle()
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
	s.Settle()
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
