package unitrendstest

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// OperationAudit is what became of the requests for one operation on one resource, as [Fault] has it. Each of them
// ran (Ran, and RanBy by user), was refused, is still pending or was lost; Late counts those that ran late. Its String
// is one line without what is zero.
type OperationAudit = simkit.Tally

// Audit is what has really happened on an appliance, whatever its clients were told.
type Audit struct {
	Operations []OperationAudit // that change something, by resource, in the order of their first requests
	Incoming   []RequestAudit   // the requests that sources have made to this appliance, in that order
	Outgoing   []RequestAudit   // the requests that it has made to targets, in that order
	Orders     []string         // the names of the job orders that there are, in the order of their creation
	Recoveries []string         // the names of the machines that run from backups, in that order
}

// RequestAudit is what has happened to one request of a source to a target.
type RequestAudit struct {
	ID        int    // at the target
	Source    string // name of the appliance
	Target    string // name of the appliance
	State     string // pending, accepted, rejected or done
	Message   string // of who has decided
	Decisions int    // how often somebody has decided on it
}

// Audit returns what has really happened up to now. Reads are left out: [Server.Count] counts them.
func (s *Server) Audit() Audit {
	s.appliance.lateWork()
	audit := Audit{Operations: s.kit.Tallies()}
	a := s.lock()
	defer a.mu.Unlock()
	for _, r := range a.requests {
		seen := RequestAudit{
			ID: r.id, Source: r.source.name, Target: r.target.name, State: string(r.state), Message: r.message, Decisions: r.decisions,
		}
		if r.target == a {
			audit.Incoming = append(audit.Incoming, seen)
		}
		if r.source == a {
			audit.Outgoing = append(audit.Outgoing, seen)
		}
	}
	for _, o := range a.orders {
		audit.Orders = append(audit.Orders, o.name)
	}
	for _, r := range a.recoveries {
		audit.Recoveries = append(audit.Recoveries, r.name)
	}
	return audit
}

// Of returns what became of an operation on a resource, all zero if nobody has asked for it. The empty
// resource adds up all.
func (a Audit) Of(operation, resource string) OperationAudit {
	sum := OperationAudit{Operation: operation, Resource: resource, RanBy: map[string]int{}}
	for _, o := range a.Operations {
		if o.Operation == operation && (resource == "" || o.Resource == resource) {
			sum.Add(o)
		}
	}
	return sum
}

// String returns a line for each operation on each resource, for each request of a source, and for what there is.
func (a Audit) String() string {
	var lines []string
	for _, o := range a.Operations {
		lines = append(lines, o.String())
	}
	for _, r := range append(append([]RequestAudit{}, a.Incoming...), a.Outgoing...) {
		lines = append(lines, fmt.Sprintf("request %d of %s to %s: %s, decided %d times", r.ID, r.Source, r.Target, r.State, r.Decisions))
	}
	for _, name := range a.Orders {
		lines = append(lines, "job order "+name)
	}
	for _, name := range a.Recoveries {
		lines = append(lines, "instant recovery "+name)
	}
	return strings.Join(lines, "\n")
}

// resource says what a request is about, for faults and the audit.
func (a *appliance) resource(call *simkit.Call) string {
	switch call.Operation.Name {
	case contract.SourcesDecide.Name:
		if given, err := body[decision](call); err == nil {
			return strconv.Itoa(given.RequestID)
		}
	case contract.TargetsRequest.Name:
		a.mu.Lock()
		defer a.mu.Unlock()
		if other, err := a.asked(call); err == nil {
			return other.name
		}
	case contract.JobOrdersCreate.Name:
		if given, err := body[struct{ Name string }](call); err == nil {
			return given.Name
		}
	case contract.InstantRecoveriesStart.Name:
		if given, err := body[struct{ Target struct{ Name string } }](call); err == nil {
			return given.Target.Name
		}
	}
	return or(call.Resource, call.Query.Get("sid"))
}
