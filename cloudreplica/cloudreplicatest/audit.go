package cloudreplicatest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Audit is what has really happened, whatever clients were told.
type Audit struct {
	Operations []OperationAudit // that change something, by resource, in the order of their first requests
	Plans      []PlanAudit      // those that were started, tested or undone, in that order
	Tenants    []TenantAudit    // those that were created or deleted, in that order
	Collects   []CollectAudit   // by backup server
}

// OperationAudit is what became of the requests for one operation on one resource, an id or, of a tenant that is
// created, a name, and of the tasks that they started. Requests counts all that came, and Operators those of them that
// came from operators. Each of them ran (Ran, and RanBy by user; a task was accepted), was refused, is still pending or
// was lost, because a [Fault] kept it from the service or its client gave up; Late counts those that ran late.
type OperationAudit struct {
	simkit.Tally
	Succeeded  int // how many of the tasks that it started have succeeded
	Failed     int // how many have failed
	Canceled   int // how many were deleted before anything was done
	Unfinished int // how many have not ended
}

// PlanAudit is what has happened to one failover plan.
type PlanAudit struct {
	Plan      string    // id
	Name      string    // as it is shown
	Started   int       // how many failover sessions were begun, without tests
	Tested    int       // how many tests
	Undone    int       // how often a failover was undone
	Succeeded int       // how many sessions, tests included, ended in success
	Warned    int       // how many with a warning
	Failed    int       // how many failed
	VMs       []VMAudit // in the order of their first outcomes
}

// VMAudit is what has happened to one VM of a plan.
type VMAudit struct {
	Name       string // as the plan has it
	FailedOver int    // how often it was failed over, also with a warning
	Tested     int    // how often a test of it went well, also with a warning
	Failed     int    // how often a failover or a test of it failed
	Undone     int    // how often its failover was undone
}

// TenantAudit is what has happened to one tenant.
type TenantAudit struct {
	Tenant  string // id
	Name    string // as it is shown
	Created bool   // whether a client has created it
	Deleted bool   // whether a client has deleted it
}

// CollectAudit is how often data of one backup server were collected, whoever wanted it.
type CollectAudit struct {
	Server   string // id
	Name     string // as it is shown
	Started  int    // how many collections were begun
	Finished int    // without those that failed
}

// Audit returns what has really happened.
func (s *Server) Audit() Audit {
	tallies := s.kit.Tallies()
	defer s.lock().Unlock()
	d := &s.enterprise.deeds
	var a Audit
	for _, t := range tallies {
		if t.Operation != "Sessions.SignIn" && t.Operation != "Sessions.End" {
			a.Operations = append(a.Operations, d.complete(t))
		}
	}
	for _, p := range d.plans.All() {
		p.VMs = slices.Clone(p.VMs)
		a.Plans = append(a.Plans, PlanAudit(p))
	}
	a.Tenants, a.Collects = d.tenants.All(), d.collects.All()
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

// Plan returns what has happened to a plan, or the zero PlanAudit.
func (a Audit) Plan(id string) PlanAudit {
	for _, p := range a.Plans {
		if p.Plan == id {
			return p
		}
	}
	return PlanAudit{}
}

// VM returns what has happened to a VM of the plan, or the zero VMAudit.
func (p PlanAudit) VM(name string) VMAudit {
	for _, vm := range p.VMs {
		if vm.Name == name {
			return vm
		}
	}
	return VMAudit{}
}

// TenantsNamed returns how many tenants of a name clients have created.
func (a Audit) TenantsNamed(name string) int {
	count := 0
	for _, t := range a.Tenants {
		if t.Created && t.Name == name {
			count++
		}
	}
	return count
}

// Collect returns how often data of a backup server were collected.
func (a Audit) Collect(server string) CollectAudit {
	for _, c := range a.Collects {
		if c.Server == server {
			return c
		}
	}
	return CollectAudit{}
}

// String returns one line, without what is zero.
func (o OperationAudit) String() string {
	return simkit.WithTasks(o.Tally,
		simkit.Counted(o.Succeeded, "%d succeeded"), simkit.Counted(o.Failed, "%d failed"),
		simkit.Counted(o.Canceled, "%d canceled"), simkit.Counted(o.Unfinished, "%d unfinished"),
	)
}

// String returns the audit line by line.
func (a Audit) String() string {
	var lines []string
	for _, o := range a.Operations {
		lines = append(lines, o.String())
	}
	for _, p := range a.Plans {
		lines = append(lines, fmt.Sprintf("plan %s: started %d, tested %d, undone %d; %d succeeded, %d with warnings, %d failed", p.Name, p.Started, p.Tested, p.Undone, p.Succeeded, p.Warned, p.Failed))
		for _, vm := range p.VMs {
			lines = append(lines, fmt.Sprintf("  %s: failed over %d, tested %d, failed %d, undone %d", vm.Name, vm.FailedOver, vm.Tested, vm.Failed, vm.Undone))
		}
	}
	for _, t := range a.Tenants {
		lines = append(lines, fmt.Sprintf("tenant %s: created %t, deleted %t", t.Name, t.Created, t.Deleted))
	}
	for _, c := range a.Collects {
		lines = append(lines, fmt.Sprintf("%s: collected %d of %d", c.Name, c.Finished, c.Started))
	}
	return strings.Join(lines, "\n")
}

// deeds are what the enterprise itself counts for the audit.
type deeds struct {
	tasks    simkit.Deeds[deedKey, taskCounts]
	plans    simkit.Deeds[string, planDeeds]
	tenants  simkit.Deeds[string, TenantAudit]
	collects simkit.Deeds[string, CollectAudit]
}

type deedKey struct{ operation, resource string }

// taskCounts are the tasks that one operation on one resource has started.
type taskCounts struct{ begun, succeeded, failed, canceled int }

// begin counts the task of a call.
func (d *deeds) begin(call *simkit.Call) *taskCounts {
	counts := d.tasks.At(deedKey{call.Operation.Name, call.Resource}, taskCounts{})
	counts.begun++
	return counts
}

func (c *taskCounts) end(succeeded bool) {
	if succeeded {
		c.succeeded++
	} else {
		c.failed++
	}
}

// complete adds to what is known of the requests what became of the tasks.
func (d *deeds) complete(t simkit.Tally) OperationAudit {
	c := d.tasks.At(deedKey{t.Operation, t.Resource}, taskCounts{})
	return OperationAudit{
		Tally: t, Succeeded: c.succeeded, Failed: c.failed, Canceled: c.canceled,
		Unfinished: c.begun - c.succeeded - c.failed - c.canceled,
	}
}

// planDeeds is a PlanAudit that is counted on.
type planDeeds PlanAudit

func (d *deeds) plan(of *plan) *planDeeds {
	return d.plans.At(of.id, planDeeds{Plan: of.id, Name: of.name})
}

func (d *deeds) tenant(of *tenant) *TenantAudit {
	return d.tenants.At(of.id, TenantAudit{Tenant: of.id, Name: of.name})
}

func (d *deeds) collect(of *backupServer) *CollectAudit {
	return d.collects.At(of.id, CollectAudit{Server: of.id, Name: of.name})
}

func (p *planDeeds) launched(test bool) {
	if test {
		p.Tested++
	} else {
		p.Started++
	}
}

func (p *planDeeds) concluded(outcome string) {
	switch outcome {
	case ResultSuccess:
		p.Succeeded++
	case ResultWarning:
		p.Warned++
	default:
		p.Failed++
	}
}

func (p *planDeeds) vm(name string) *VMAudit {
	at := slices.IndexFunc(p.VMs, func(vm VMAudit) bool { return vm.Name == name })
	if at < 0 {
		p.VMs = append(p.VMs, VMAudit{Name: name})
		at = len(p.VMs) - 1
	}
	return &p.VMs[at]
}

func (a *VMAudit) ended(test bool, outcome string) {
	switch {
	case outcome == ResultFailed:
		a.Failed++
	case test:
		a.Tested++
	default:
		a.FailedOver++
	}
}
