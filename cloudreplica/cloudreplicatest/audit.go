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

// OperationAudit is what became of the requests for one operation on one resource. Each of them ran, was refused, is
// still pending or was lost.
type OperationAudit struct {
	Operation string         // name in the contract, as in "FailoverPlans.Start"
	Resource  string         // id or, of a tenant that is created, name; empty: none
	Requests  int            // how many came, over HTTP and from operators
	Operators int            // how many of them came from operators
	Ran       int            // how often the work was done or, where it is a task, accepted
	RanBy     map[string]int // the same by user
	Late      int            // how often it was done late, by a [Fault]
	Refused   int            // how often the service refused it, at once or late
	Pending   int            // how often it is still to be done late
	Lost      int            // how often a fault kept it from the service, or its client gave up; or it is on its way

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
	for _, p := range d.plans {
		shown := PlanAudit(*p)
		shown.VMs = slices.Clone(p.VMs)
		a.Plans = append(a.Plans, shown)
	}
	for _, t := range d.tenants {
		a.Tenants = append(a.Tenants, *t)
	}
	for _, c := range d.collects {
		a.Collects = append(a.Collects, *c)
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

// String returns the audit line by line.
func (a Audit) String() string {
	var lines []string
	for _, o := range a.Operations {
		lines = append(lines, fmt.Sprintf("%s %s: %d requests, ran %d, late %d, refused %d, pending %d, lost %d; tasks: %d succeeded, %d failed, %d canceled, %d unfinished",
			o.Operation, o.Resource, o.Requests, o.Ran, o.Late, o.Refused, o.Pending, o.Lost, o.Succeeded, o.Failed, o.Canceled, o.Unfinished))
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
	tasks    map[deedKey]*taskCounts
	plans    []*planDeeds
	tenants  []*TenantAudit
	collects []*CollectAudit
}

type deedKey struct{ operation, resource string }

// taskCounts are the tasks that one operation on one resource has started.
type taskCounts struct{ begun, succeeded, failed, canceled int }

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

func (c *taskCounts) end(succeeded bool) {
	if succeeded {
		c.succeeded++
	} else {
		c.failed++
	}
}

// complete adds to what is known of the requests what became of the tasks.
func (d *deeds) complete(t simkit.Tally) OperationAudit {
	o := OperationAudit{
		Operation: t.Operation, Resource: t.Resource, Requests: t.Requests, Operators: t.Operators, Ran: t.Ran,
		RanBy: t.RanBy, Late: t.Late, Refused: t.Refused, Pending: t.Pending, Lost: t.Lost,
	}
	if c := d.tasks[deedKey{t.Operation, t.Resource}]; c != nil {
		o.Succeeded, o.Failed, o.Canceled = c.succeeded, c.failed, c.canceled
		o.Unfinished = c.begun - c.succeeded - c.failed - c.canceled
	}
	return o
}

// planDeeds is a PlanAudit that is counted on.
type planDeeds PlanAudit

// counting returns the one that fits, to be counted on, and makes it unless it is there.
func counting[T any](all *[]*T, fits func(*T) bool, made T) *T {
	if at := slices.IndexFunc(*all, fits); at >= 0 {
		return (*all)[at]
	}
	*all = append(*all, &made)
	return &made
}

func (d *deeds) plan(of *plan) *planDeeds {
	return counting(&d.plans, func(p *planDeeds) bool { return p.Plan == of.id }, planDeeds{Plan: of.id, Name: of.name})
}

func (d *deeds) tenant(of *tenant) *TenantAudit {
	return counting(&d.tenants, func(t *TenantAudit) bool { return t.Tenant == of.id }, TenantAudit{Tenant: of.id, Name: of.name})
}

func (d *deeds) collect(of *backupServer) *CollectAudit {
	return counting(&d.collects, func(c *CollectAudit) bool { return c.Server == of.id }, CollectAudit{Server: of.id, Name: of.name})
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
