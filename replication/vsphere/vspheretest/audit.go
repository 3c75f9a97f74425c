package vspheretest

import (
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Audit is what has really happened at both sites, whatever their clients were told.
type Audit struct {
	Operations   []OperationAudit   // that change something, by site and resource, in the order of their first requests
	Replications []ReplicationAudit // all that there are or were, in the order of their creation
}

// OperationAudit is what became of the requests for one operation on one resource, as [Fault] has it, and of the tasks
// that they started. Each request ran, was refused, is still pending or was lost. A configuration of several machines
// has a task for each.
type OperationAudit struct {
	simkit.Tally
	Site       string // whose server was asked
	Succeeded  int    // how many of the tasks ended with SUCCESS
	Failed     int    // how many ended with ERROR
	Cancelled  int    // how many ended as CANCELLED
	Unfinished int    // how many are still at work, those that are forgotten included
}

// ReplicationAudit is how often something has really been done to a replication.
type ReplicationAudit struct {
	Replication  string // its id
	VMName       string // of the machine
	Configured   int    // how often it was configured
	Reconfigured int    // how often its settings were replaced
	Unconfigured int    // how often it was ended at both sites
	Deleted      int    // how many halves of it were deleted
	Paused       int    // how often it was paused
	Resumed      int    // how often it was resumed
	Synced       int    // how often a transfer was begun on request
	Tested       int    // how often a test bubble was made
	CleanedUp    int    // how often one was reverted
	Promoted     int    // how often one was kept as an instance
	Demoted      int    // how often such an instance was let go
}

// Audit returns what has really happened up to now. Reads are left out: [Server.Count] counts them.
func (p *Pair) Audit() Audit {
	p.settle()
	var audit Audit
	for _, s := range p.servers() {
		for _, tally := range s.kit.Tallies() {
			audit.Operations = append(audit.Operations, OperationAudit{Tally: tally, Site: s.Site})
		}
	}
	w := p.lock()
	defer w.mu.Unlock()
	for i := range audit.Operations {
		w.deeds.complete(&audit.Operations[i])
	}
	audit.Replications = w.deeds.replications.All()
	return audit
}

// settle lets happen what is due at both sites.
func (p *Pair) settle() { p.lock().mu.Unlock() }

// Of returns what became of an operation on a resource, at both sites together, all zero if nobody has asked for it.
// The empty resource adds up all.
func (a Audit) Of(operation, resource string) OperationAudit {
	sum := OperationAudit{Tally: simkit.Tally{Operation: operation, Resource: resource}}
	for _, o := range a.Operations {
		if o.Operation == operation && (resource == "" || o.Resource == resource) {
			sum.add(o)
		}
	}
	return sum
}

// Replication returns what has been done to a replication, all zero if nothing has.
func (a Audit) Replication(id string) ReplicationAudit {
	for _, r := range a.Replications {
		if r.Replication == id {
			return r
		}
	}
	return ReplicationAudit{Replication: id}
}

// String returns a line for each operation on each resource, and for each replication to which something was done.
func (a Audit) String() string {
	var lines []string
	for _, o := range a.Operations {
		lines = append(lines, o.String())
	}
	for _, r := range a.Replications {
		if (r != ReplicationAudit{Replication: r.Replication, VMName: r.VMName}) {
			lines = append(lines, r.String())
		}
	}
	return strings.Join(lines, "\n")
}

func (o *OperationAudit) add(other OperationAudit) {
	o.Add(other.Tally)
	o.Succeeded += other.Succeeded
	o.Failed += other.Failed
	o.Cancelled += other.Cancelled
	o.Unfinished += other.Unfinished
}

// String returns one line, without what is zero.
func (o OperationAudit) String() string {
	return o.Site + " " + simkit.WithTasks(o.Tally,
		simkit.Counted(o.Succeeded, "%d succeeded"), simkit.Counted(o.Failed, "%d failed"),
		simkit.Counted(o.Cancelled, "%d cancelled"), simkit.Counted(o.Unfinished, "%d unfinished"),
	)
}

// String returns one line, without what is zero.
func (r ReplicationAudit) String() string {
	return r.Replication + " " + r.VMName + ": " + simkit.Joined(
		simkit.Counted(r.Configured, "configured %d"), simkit.Counted(r.Reconfigured, "reconfigured %d"),
		simkit.Counted(r.Unconfigured, "unconfigured %d"), simkit.Counted(r.Deleted, "deleted %d"),
		simkit.Counted(r.Paused, "paused %d"), simkit.Counted(r.Resumed, "resumed %d"),
		simkit.Counted(r.Synced, "synced %d"), simkit.Counted(r.Tested, "tested %d"),
		simkit.Counted(r.CleanedUp, "cleaned up %d"), simkit.Counted(r.Promoted, "promoted %d"),
		simkit.Counted(r.Demoted, "demoted %d"),
	)
}

// deeds are what the sites themselves count for the audit.
type deeds struct {
	tasks        simkit.Deeds[deedKey, taskCounts]
	replications simkit.Deeds[string, ReplicationAudit]
}

type deedKey struct{ site, operation, resource string }

// taskCounts are the tasks that one operation on one resource has started.
type taskCounts struct{ begun, succeeded, failed, cancelled int }

// begin counts the task of a call.
func (d *deeds) begin(call *simkit.Call, v *visit) *taskCounts {
	counts := d.tasks.At(deedKey{v.site.name, call.Operation.Name, call.Resource}, taskCounts{})
	counts.begun++
	return counts
}

func (c *taskCounts) end(t *task) {
	switch {
	case t.cancelled:
		c.cancelled++
	case t.failure != nil:
		c.failed++
	default:
		c.succeeded++
	}
}

// of returns what has been done to a replication, to be counted on.
func (d *deeds) of(r *replication) *ReplicationAudit {
	return d.replications.At(r.id, ReplicationAudit{Replication: r.id, VMName: r.machine.name})
}

// complete adds to what is known of the requests what became of the tasks.
func (d *deeds) complete(o *OperationAudit) {
	c := d.tasks.At(deedKey{o.Site, o.Operation, o.Resource}, taskCounts{})
	o.Succeeded, o.Failed, o.Cancelled = c.succeeded, c.failed, c.cancelled
	o.Unfinished = c.begun - c.succeeded - c.failed - c.cancelled
}
