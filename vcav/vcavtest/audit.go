package vcavtest

import (
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Audit is what has really happened on the appliance, whatever its clients were told.
type Audit struct {
	Operations []OperationAudit // that change something, by resource, in the order of their first requests
	Recoveries []RecoveryAudit  // of the replications whose machines something has happened to, in that order
}

// OperationAudit is what became of the requests for one operation on one resource, such as a replication by its id, and
// of the tasks that they started. Requests counts all that came, and Operators those of them that came from operators.
// Each of them ran (Ran, and RanBy by user; a task was accepted), was refused, is still pending or was lost, because a
// [Fault] kept it from the appliance or its client gave up; Late counts those that ran late.
type OperationAudit struct {
	simkit.Tally
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
	audit.Recoveries = a.deeds.recoveries.All()
	return audit
}

// Of returns what became of an operation on a resource, all zero if nobody has asked for it. The empty
// resource adds up all.
func (a Audit) Of(operation, resource string) OperationAudit {
	sum := OperationAudit{Tally: simkit.Tally{Operation: operation, Resource: resource, RanBy: map[string]int{}}}
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
	o.Add(other.Tally)
	o.Succeeded += other.Succeeded
	o.Failed += other.Failed
	o.Unfinished += other.Unfinished
}

// String returns one line, as in "C4-1 VMReplications.Failover: 2 requests, ran 1 (root 1), refused 1; tasks: 1
// succeeded", without what is zero.
func (o OperationAudit) String() string {
	return simkit.WithTasks(o.Tally,
		simkit.Counted(o.Succeeded, "%d succeeded"), simkit.Counted(o.Failed, "%d failed"),
		simkit.Counted(o.Unfinished, "%d unfinished"),
	)
}

// String returns one line, as in "C4-1 db-1: recovered 1, reversed 1", without what is zero.
func (r RecoveryAudit) String() string {
	return strings.TrimSpace(r.Replication+" "+r.VMName) + ": " + simkit.Joined(
		simkit.Counted(r.Recovered, "recovered %d"), simkit.Counted(r.Tested, "tested %d"),
		simkit.Counted(r.CleanedUp, "cleaned up %d"), simkit.Counted(r.Reversed, "reversed %d"),
	)
}

// deeds are what the appliance itself counts for the audit.
type deeds struct {
	tasks      simkit.Deeds[deedKey, taskCounts]
	recoveries simkit.Deeds[string, RecoveryAudit]
}

type deedKey struct{ operation, resource string }

// taskCounts are the tasks that one operation on one resource has started.
type taskCounts struct{ begun, succeeded, failed int }

// begin counts the task of a call.
func (d *deeds) begin(call *simkit.Call) *taskCounts {
	counts := d.tasks.At(deedKey{call.Operation.Name, call.Resource}, taskCounts{})
	counts.begun++
	return counts
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
	return d.recoveries.At(r.id, RecoveryAudit{Replication: r.id, VMName: r.vmName})
}

// complete adds to what is known of the requests what became of the tasks.
func (d *deeds) complete(t simkit.Tally) OperationAudit {
	c := d.tasks.At(deedKey{t.Operation, t.Resource}, taskCounts{})
	return OperationAudit{Tally: t, Succeeded: c.succeeded, Failed: c.failed, Unfinished: c.begun - c.succeeded - c.failed}
}
