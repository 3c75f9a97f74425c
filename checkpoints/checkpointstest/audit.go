package checkpointstest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Audit is what has really happened in a region, whatever its clients were told.
type Audit struct {
	Operations   []OperationAudit   // that change something, by resource, in the order of their first requests
	Vaults       []VaultAudit       // those that were created, backed up or deleted, in that order
	Policies     []PolicyAudit      // those that were created, by name
	Replications []ReplicationAudit // by source backup and region, in the order of their first copies
	Restores     []RestoreAudit     // by backup and target, in the order of their first restores
}

// OperationAudit is what became of the requests for one operation on one resource. Each of them ran, was refused,
// is still pending or was lost.
type OperationAudit struct {
	Operation string         // name in the contract, as in "Checkpoints.Replicate"
	Resource  string         // id or, of what is created, name; empty: none
	Requests  int            // how many came, over HTTP and from operators
	Operators int            // how many of them came from operators
	Ran       int            // how often the work was done or, where it is a task, accepted
	RanBy     map[string]int // the same by user
	Late      int            // how often it was done late, by a [Fault]
	Refused   int            // how often the service refused it, at once or late
	Pending   int            // how often it is still to be done late
	Lost      int            // how often a fault kept it from the service, or its client gave up; or it is on its way

	Succeeded  int // how many of the tasks that it started have succeeded
	Failed     int // how many have failed or timed out
	Skipped    int // how many were skipped
	Unfinished int // how many have not ended
}

// VaultAudit is what has happened to one vault.
type VaultAudit struct {
	Vault       string // id
	Name        string // as it is shown
	Created     bool   // whether a client has created it
	Deleted     bool   // whether it is gone
	Checkpoints int    // how many checkpoints were made of it
	Backups     int    // how many backups have succeeded
}

// PolicyAudit is how often a policy of one name was created.
type PolicyAudit struct {
	Name    string // as it is shown
	Created int    // how often
}

// ReplicationAudit is how often one backup was copied to a region.
type ReplicationAudit struct {
	Backup    string // id of the source
	Vault     string // id of its vault
	Region    string // where to
	Started   int    // how many copies were begun, without those that were skipped
	Succeeded int    // how many of them have succeeded
}

// RestoreAudit is how often one backup was put back onto a target.
type RestoreAudit struct {
	Backup    string // id
	Target    string // id of the server, disk or file system
	Started   int    // how many restores were begun
	Succeeded int    // how many of them have succeeded
}

// Audit returns what has really happened.
func (s *Server) Audit() Audit {
	tallies := s.region.kit.Tallies()
	defer s.lock().Unlock()
	d := &s.region.deeds
	var a Audit
	for _, t := range tallies {
		a.Operations = append(a.Operations, d.complete(t))
	}
	for _, v := range d.vaults {
		a.Vaults = append(a.Vaults, *v)
	}
	for _, p := range d.policies {
		a.Policies = append(a.Policies, *p)
	}
	for _, r := range d.replications {
		a.Replications = append(a.Replications, *r)
	}
	for _, r := range d.restores {
		a.Restores = append(a.Restores, *r)
	}
	return a
}

// Operation returns what became of the requests for an operation on a resource, or the zero OperationAudit.
func (a Audit) Operation(operation, resource string) OperationAudit {
	for _, o := range a.Operations {
		if o.Operation == operation && o.Resource == resource {
			return o
		}
	}
	return OperationAudit{}
}

// Vault returns what has happened to a vault, or the zero VaultAudit.
func (a Audit) Vault(id string) VaultAudit {
	at := slices.IndexFunc(a.Vaults, func(v VaultAudit) bool { return v.Vault == id })
	if at < 0 {
		return VaultAudit{}
	}
	return a.Vaults[at]
}

// VaultsNamed returns how many vaults of a name clients have created.
func (a Audit) VaultsNamed(name string) int {
	count := 0
	for _, v := range a.Vaults {
		if v.Created && v.Name == name {
			count++
		}
	}
	return count
}

// PoliciesNamed returns how many policies of a name clients have created.
func (a Audit) PoliciesNamed(name string) int {
	for _, p := range a.Policies {
		if p.Name == name {
			return p.Created
		}
	}
	return 0
}

// Replication returns how often a backup was copied to a region.
func (a Audit) Replication(backup, region string) ReplicationAudit {
	for _, r := range a.Replications {
		if r.Backup == backup && r.Region == region {
			return r
		}
	}
	return ReplicationAudit{}
}

// Restore returns how often a backup was put back, onto whatever target.
func (a Audit) Restore(backup string) RestoreAudit {
	sum := RestoreAudit{}
	for _, r := range a.Restores {
		if r.Backup == backup {
			sum = RestoreAudit{r.Backup, r.Target, sum.Started + r.Started, sum.Succeeded + r.Succeeded}
		}
	}
	return sum
}

// String returns the audit line by line, without the requests that ran once and well.
func (a Audit) String() string {
	var lines []string
	for _, o := range a.Operations {
		lines = append(lines, fmt.Sprintf("%s %s: %d requests, ran %d, late %d, refused %d, pending %d, lost %d; tasks: %d succeeded, %d failed, %d skipped, %d unfinished",
			o.Operation, o.Resource, o.Requests, o.Ran, o.Late, o.Refused, o.Pending, o.Lost, o.Succeeded, o.Failed, o.Skipped, o.Unfinished))
	}
	for _, v := range a.Vaults {
		lines = append(lines, fmt.Sprintf("vault %s %s: created %t, deleted %t, %d checkpoints, %d backups", v.Vault, v.Name, v.Created, v.Deleted, v.Checkpoints, v.Backups))
	}
	for _, p := range a.Policies {
		lines = append(lines, fmt.Sprintf("policy %s: created %d", p.Name, p.Created))
	}
	for _, r := range a.Replications {
		lines = append(lines, fmt.Sprintf("backup %s to %s: copied %d of %d", r.Backup, r.Region, r.Succeeded, r.Started))
	}
	for _, r := range a.Restores {
		lines = append(lines, fmt.Sprintf("backup %s onto %s: restored %d of %d", r.Backup, r.Target, r.Succeeded, r.Started))
	}
	return strings.Join(lines, "\n")
}

// deeds are what the region itself counts for the audit.
type deeds struct {
	tasks        map[deedKey]*taskCounts
	vaults       []*VaultAudit
	policies     []*PolicyAudit
	replications []*ReplicationAudit
	restores     []*RestoreAudit
}

type deedKey struct{ operation, resource string }

// taskCounts are the tasks that one operation on one resource has started.
type taskCounts struct{ begun, succeeded, failed, skipped int }

func newDeeds() deeds { return deeds{tasks: map[deedKey]*taskCounts{}} }

// begin counts the task of a call.
func (d *deeds) begin(call *simkit.Call) *taskCounts {
	key := deedKey{call.Operation.Name, call.Resource}
	if d.tasks[key] == nil {
		d.tasks[key] = &taskCounts{}
	}
	d.tasks[key].begun++
	return d.tasks[key]
}

func (c *taskCounts) end(outcome string) {
	switch outcome {
	case taskSuccess:
		c.succeeded++
	case taskSkipped:
		c.skipped++
	default:
		c.failed++
	}
}

// counting returns the one that fits, to be counted on, and makes it unless it is there.
func counting[T any](all *[]*T, fits func(*T) bool, made T) *T {
	if at := slices.IndexFunc(*all, fits); at >= 0 {
		return (*all)[at]
	}
	*all = append(*all, &made)
	return &made
}

func (d *deeds) vault(v *vault) *VaultAudit {
	return counting(&d.vaults, func(a *VaultAudit) bool { return a.Vault == v.id }, VaultAudit{Vault: v.id, Name: v.name})
}

func (d *deeds) vaultMade(v *vault) { d.vault(v).Created = true }

func (d *deeds) policyMade(name string) {
	counting(&d.policies, func(a *PolicyAudit) bool { return a.Name == name }, PolicyAudit{Name: name}).Created++
}

func (d *deeds) replication(b *backup, region string) *ReplicationAudit {
	return counting(&d.replications, func(a *ReplicationAudit) bool { return a.Backup == b.id && a.Region == region },
		ReplicationAudit{Backup: b.id, Vault: b.vault.id, Region: region})
}

func (d *deeds) restore(b *backup, target *resource) *RestoreAudit {
	return counting(&d.restores, func(a *RestoreAudit) bool { return a.Backup == b.id && a.Target == target.id },
		RestoreAudit{Backup: b.id, Target: target.id})
}

// complete adds to what is known of the requests what became of the tasks.
func (d *deeds) complete(t simkit.Tally) OperationAudit {
	o := OperationAudit{
		Operation: t.Operation, Resource: t.Resource, Requests: t.Requests, Operators: t.Operators, Ran: t.Ran,
		RanBy: t.RanBy, Late: t.Late, Refused: t.Refused, Pending: t.Pending, Lost: t.Lost,
	}
	if c := d.tasks[deedKey{t.Operation, t.Resource}]; c != nil {
		o.Succeeded, o.Failed, o.Skipped = c.succeeded, c.failed, c.skipped
		o.Unfinished = c.begun - c.succeeded - c.failed - c.skipped
	}
	return o
}
