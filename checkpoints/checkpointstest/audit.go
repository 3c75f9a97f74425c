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

// OperationAudit is what became of the requests for one operation on one resource, an id or, of what is created, a name,
// and of the tasks that they started. Requests counts all that came, and Operators those of them that came from
// operators. Each of them ran (Ran, and RanBy by user; a task was accepted), was refused, is still pending or was lost,
// because a [Fault] kept it from the service or its client gave up; Late counts those that ran late.
type OperationAudit struct {
	simkit.Tally
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
	a.Vaults, a.Policies = d.vaults.All(), d.policies.All()
	a.Replications, a.Restores = d.replications.All(), d.restores.All()
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

// String returns one line, without what is zero.
func (o OperationAudit) String() string {
	return simkit.WithTasks(o.Tally,
		simkit.Counted(o.Succeeded, "%d succeeded"), simkit.Counted(o.Failed, "%d failed"),
		simkit.Counted(o.Skipped, "%d skipped"), simkit.Counted(o.Unfinished, "%d unfinished"),
	)
}

// String returns the audit line by line.
func (a Audit) String() string {
	var lines []string
	for _, o := range a.Operations {
		lines = append(lines, o.String())
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
	tasks        simkit.Deeds[deedKey, taskCounts]
	vaults       simkit.Deeds[string, VaultAudit]
	policies     simkit.Deeds[string, PolicyAudit]
	replications simkit.Deeds[[2]string, ReplicationAudit]
	restores     simkit.Deeds[[2]string, RestoreAudit]
}

type deedKey struct{ operation, resource string }

// taskCounts are the tasks that one operation on one resource has started.
type taskCounts struct{ begun, succeeded, failed, skipped int }

// begin counts the task of a call.
func (d *deeds) begin(call *simkit.Call) *taskCounts {
	counts := d.tasks.At(deedKey{call.Operation.Name, call.Resource}, taskCounts{})
	counts.begun++
	return counts
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

func (d *deeds) vault(v *vault) *VaultAudit {
	return d.vaults.At(v.id, VaultAudit{Vault: v.id, Name: v.name})
}

func (d *deeds) vaultMade(v *vault) { d.vault(v).Created = true }

func (d *deeds) policyMade(name string) { d.policies.At(name, PolicyAudit{Name: name}).Created++ }

func (d *deeds) replication(b *backup, region string) *ReplicationAudit {
	return d.replications.At([2]string{b.id, region}, ReplicationAudit{Backup: b.id, Vault: b.vault.id, Region: region})
}

func (d *deeds) restore(b *backup, target *resource) *RestoreAudit {
	return d.restores.At([2]string{b.id, target.id}, RestoreAudit{Backup: b.id, Target: target.id})
}

// complete adds to what is known of the requests what became of the tasks.
func (d *deeds) complete(t simkit.Tally) OperationAudit {
	c := d.tasks.At(deedKey{t.Operation, t.Resource}, taskCounts{})
	return OperationAudit{
		Tally: t, Succeeded: c.succeeded, Failed: c.failed, Skipped: c.skipped,
		Unfinished: c.begun - c.succeeded - c.failed - c.skipped,
	}
}
