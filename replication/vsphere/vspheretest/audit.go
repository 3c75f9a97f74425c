package vspheretest

import (
	"fmt"
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
	for _, replication := range w.deeds.order {
		audit.Replications = append(audit.Replications, *replication)
	}
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
	return fmt.Sprintf("%s %s %s: %s", o.Site, o.Operation, o.Resource, counts{
		{"requests", o.Requests},
		{"by operators", o.Operators},
		{"ran", o.Ran},
		{"late", o.Late},
		{"refused", o.Refused},
		{"pending", o.Pending},
		{"lost", o.Lost},
		{"succeeded", o.Succeeded},
		{"failed", o.Failed},
		{"cancelled", o.Cancelled},
		{"unfinished", o.Unfinished},
	})
}

// String returns one line, without what is zero.
func (r ReplicationAudit) String() string {
	return fmt.Sprintf("%s %s: %s", r.Replication, r.VMName, counts{
		{"configured", r.Configured},
		{"reconfigured", r.Reconfigured},
		{"unconfigured", r.Unconfigured},
		{"deleted", r.Deleted},
		{"paused", r.Paused},
		{"resumed", r.Resumed},
		{"synced", r.Synced},
		{"tested", r.Tested},
		{"cleaned up", r.CleanedUp},
		{"promoted", r.Promoted},
		{"demoted", r.Demoted},
	})
}

// counts are numbers with what they count.
type counts []struct {
	what string
	n    int
}

// String leaves out what is zero, as in "requests 2, ran 1".
func (c counts) String() string {
	var parts []string
	for _, counted := range c {
		if counted.n != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", counted.what, counted.n))
		}
	}
	return strings.Join(parts, ", ")
}

// deeds are what the sites themselves count for the audit.
type deeds struct {
	tasks        map[deedKey]*taskCounts
	order        []*ReplicationAudit
	replications map[string]*ReplicationAudit
}

type deedKey struct{ site, operation, resource string }

// taskCounts are the tasks that one operation on one resource has started.
type taskCounts struct{ begun, succeeded, failed, cancelled int }

func newDeeds() deeds {
	return deeds{tasks: map[deedKey]*taskCounts{}, replications: map[string]*ReplicationAudit{}}
}

// begin counts the task of a call.
func (d *deeds) begin(call *simkit.Call, v *visit) *taskCounts {
	key := deedKey{v.site.name, call.Operation.Name, call.Resource}
	if d.tasks[key] == nil {
		d.tasks[key] = &taskCounts{}
	}
	d.tasks[key].begun++
	return d.tasks[key]
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
	if d.replications[r.id] == nil {
		d.replications[r.id] = &ReplicationAudit{Replication: r.id, VMName: r.machine.name}
		d.order = append(d.order, d.replications[r.id])
	}
	return d.replications[r.id]
}

// complete adds to what is known of the requests what became of the tasks.
func (d *deeds) complete(o *OperationAudit) {
	if tasks := d.tasks[deedKey{o.Site, o.Operation, o.Resource}]; tasks != nil {
		o.Succeeded, o.Failed, o.Cancelled = tasks.succeeded, tasks.failed, tasks.cancelled
		o.Unfinished = tasks.begun - tasks.succeeded - tasks.failed - tasks.cancelled
	}
}
