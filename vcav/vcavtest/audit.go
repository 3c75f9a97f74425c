package vcavtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Audit is what has really happened on the appliance, whatever its clients were told.
type Audit struct {
	Operations []OperationAudit // that change something, by resource, in the order of their first requests
	Recoveries []RecoveryAudit  // of the replications whose machines something has happened to, in that order
}

// OperationAudit is what became of the requests for one operation on one resource. Each of them ran, was
// refused, is still pending or was lost.
type OperationAudit struct {
	Operation string         // name in the contract, as in "VMReplications.Failover"
	Resource  string         // id, such as that of the replication; empty: none
	Requests  int            // how many came, over HTTP and from operators
	Operators int            // how many of them came from operators
	Ran       int            // how often the work was done or, where it is a task, accepted
	RanBy     map[string]int // the same by user
	Late      int            // how often it was done late, by a [Fault]
	Refused   int            // how often the appliance refused it, at once or late
	Pending   int            // how often it is still to be done late
	Lost      int            // how often a fault kept it from the appliance, or its client gave up; or it is on its way

	Succeeded  int // how many of the tasks that it started have succeeded
	Failed     int // how many have failed
	Unfinished int // how many are still at work, those that are forgotten included
}

// RecoveryAudit is what has happened to the machine of one replication.
type RecoveryAudit struct {
	Replication string // its id
	VMName      string // name of the machine
	Recovered   int    // how often a failover or migration has made a machine
	Tested      int    // how often a test has
	CleanedUp   int    // how often that of a test was removed
	Reversed    int    // how often the direction has changed
}

// Audit returns what has really happened up to now. Reads are left out: [Server.Count] counts them.
func (s *Server) Audit() Audit {
	tallies := s.kit.Tallies()
	a := s.lock()
	defer a.mu.Unlock()
	var audit Audit
	for _, tally := range tallies {
		audit.Operations = append(audit.Operations, a.deeds.complete(tally))
	}
	for _, recovery := range a.deeds.recoveries {
		audit.Recoveries = append(audit.Recoveries, *recovery)
	}
	return audit
}

// Of returns what became of an operation on a resource, all zero if nobody has asked for it. The empty
// resource adds up all.
func (a Audit) Of(operation, resource string) OperationAudit {
	sum := OperationAudit{Operation: operation, Resource: resource, RanBy: map[string]int{}}
	for _, o := range a.Operations {
		if o.Operation == operation && (resource == "" || o.Resource == resource) {
			sum.add(o)
		}
	}
	return sum
}

// Recovery returns what has happened to the machine of a replication, all zero if nothing has.
func (a Audit) Recovery(replicationID string) RecoveryAudit {
	for _, r := range a.Recoveries {
		if r.Replication == replicationID {
			return r
		}
	}
	return RecoveryAudit{Replication: replicationID}
}

// String returns a line for each operation on each resource, and for each machine.
func (a Audit) String() string {
	var lines []string
	for _, o := range a.Operations {
		lines = append(lines, o.String())
	}
	for _, r := range a.Recoveries {
		lines = append(lines, r.String())
	}
	return strings.Join(lines, "\n")
}

func (o *OperationAudit) add(other OperationAudit) {
	o.Requests += other.Requests
	o.Operators += other.Operators
	o.Ran += other.Ran
	for user, ran := range other.RanBy {
		o.RanBy[user] += ran
	}
	o.Late += other.Late
	o.Refused += other.Refused
	o.Pending += other.Pending
	o.Lost += other.Lost
	o.Succeeded += other.Succeeded
	o.Failed += other.Failed
	o.Unfinished += other.Unfinished
}

// String returns one line, as in "C4-1 VMReplications.Failover: 2 requests, ran 1 (root 1), refused 1; tasks: 1
// succeeded", without what is zero.
func (o OperationAudit) String() string {
	var users []string
	for _, user := range slices.Sorted(maps.Keys(o.RanBy)) {
		users = append(users, fmt.Sprintf("%s %d", user, o.RanBy[user]))
	}
	requests := fmt.Sprintf("%d requests", o.Requests)
	if o.Requests == 1 {
		requests = "1 request"
	}
	requests += within(counted(o.Operators, "%d by operators"))
	line := strings.TrimSpace(o.Resource+" "+o.Operation) + ": " + joined(
		requests, fmt.Sprintf("ran %d", o.Ran)+within(strings.Join(users, ", ")), counted(o.Late, "late %d"),
		counted(o.Refused, "refused %d"), counted(o.Pending, "pending %d"), counted(o.Lost, "lost %d"),
	)
	tasks := joined(
		counted(o.Succeeded, "%d succeeded"), counted(o.Failed, "%d failed"), counted(o.Unfinished, "%d unfinished"),
	)
	if tasks == "" {
		return line
	}
	return line + "; tasks: " + tasks
}

// String returns one line, as in "C4-1 db-1: recovered 1, reversed 1", without what is zero.
func (r RecoveryAudit) String() string {
	return strings.TrimSpace(r.Replication+" "+r.VMName) + ": " + joined(
		counted(r.Recovered, "recovered %d"), counted(r.Tested, "tested %d"),
		counted(r.CleanedUp, "cleaned up %d"), counted(r.Reversed, "reversed %d"),
	)
}

// counted returns a count in words, or nothing for none.
func counted(n int, format string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(format, n)
}

// within returns words in brackets, or nothing for none.
func within(words string) string {
	if words == "" {
		return ""
	}
	return " (" + words + ")"
}

// joined puts what is not empty behind one another.
func joined(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// deeds are what the appliance itself counts for the audit.
type deeds struct {
	tasks      map[deedKey]*taskCounts
	recoveries []*RecoveryAudit
	byID       map[string]*RecoveryAudit
}

type deedKey struct{ operation, resource string }

// taskCounts are the tasks that one operation on one resource has started.
type taskCounts struct{ begun, succeeded, failed int }

func newDeeds() deeds {
	return deeds{tasks: map[deedKey]*taskCounts{}, byID: map[string]*RecoveryAudit{}}
}

// begin counts the task of a call.
func (d *deeds) begin(call *simkit.Call) *taskCounts {
	key := deedKey{call.Operation.Name, call.Resource}
	if d.tasks[key] == nil {
		d.tasks[key] = &taskCounts{}
	}
	d.tasks[key].begun++
	return d.tasks[key]
}

func (c *taskCounts) end(failure *refusal) {
	if failure != nil {
		c.failed++
		return
	}
	c.succeeded++
}

// of returns what has happened to the machine of a replication, to be counted on.
func (d *deeds) of(r *replication) *RecoveryAudit {
	if d.byID[r.id] == nil {
		d.byID[r.id] = &RecoveryAudit{Replication: r.id, VMName: r.vmName}
		d.recoveries = append(d.recoveries, d.byID[r.id])
	}
	return d.byID[r.id]
}

// complete adds to what is known of the requests what became of the tasks.
func (d *deeds) complete(t simkit.Tally) OperationAudit {
	o := OperationAudit{
		Operation: t.Operation, Resource: t.Resource, Requests: t.Requests, Operators: t.Operators, Ran: t.Ran,
		RanBy: t.RanBy, Late: t.Late, Refused: t.Refused, Pending: t.Pending, Lost: t.Lost,
	}
	if tasks := d.tasks[deedKey{t.Operation, t.Resource}]; tasks != nil {
		o.Succeeded, o.Failed, o.Unfinished = tasks.succeeded, tasks.failed, tasks.begun-tasks.succeeded-tasks.failed
	}
	return o
}
