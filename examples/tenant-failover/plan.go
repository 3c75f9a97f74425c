package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

// agreement is what the first run has settled. It is in the journal, and every later run keeps to it: what a start asks
// for hangs on this alone, and so never changes.
type agreement struct {
	Tenant string    `json:"tenant"`
	Test   bool      `json:"test"`
	Before time.Time `json:"before,omitzero"`
	Named  []string  `json:"named"` // plans, as the command line had them
	Plans  []planned `json:"plans"`
}

// planned is a failover plan of the agreement.
type planned struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Tenant   string   `json:"tenant"`
	Server   string   `json:"server"` // id of its backup server
	Machines []string `json:"machines"`
}

// The steps. A plan has one of them.
const (
	stepStart = "start"
	stepTest  = "test"
)

func (a agreement) step() string {
	if a.Test {
		return stepTest
	}
	return stepStart
}

// key names the step of a plan in the journal.
func (a agreement) key(p planned) string { return a.step() + " " + p.ID }

// agreementKey is the place of the agreement in the journal. Steps have keys with a space.
const agreementKey = "plan"

func readAgreement(step drkit.Step) (agreed agreement, err error) {
	if err := json.Unmarshal(step.Result, &agreed); err != nil {
		return agreement{}, fmt.Errorf("the plan in the journal cannot be read: %w", err)
	}
	return agreed, nil
}

// save puts the agreement into the journal, as a step that has ended.
func (a agreement) save(ctx context.Context, journal drkit.Journal) error {
	text, err := json.Marshal(a)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return journal.Save(ctx, drkit.Step{
		Version: 1, Key: agreementKey, State: drkit.StepSucceeded, Began: now, Ended: now, Result: text,
	})
}

// agree settles what holds: what is in the journal, or in the first run what the command line asks for.
func (r *runbook) agree(ctx context.Context) error {
	step, err := r.journal.Load(ctx, agreementKey)
	if err == nil {
		if r.agreed, err = readAgreement(step); err != nil {
			return err
		}
		return r.agreed.check(r.settings)
	}
	if !errors.Is(err, drkit.ErrNotFound) {
		return err
	}
	checked, err := r.look(ctx)
	if err != nil {
		return err
	}
	if refused := checked.refused(); len(refused) > 0 {
		return fmt.Errorf("nothing was started: %s", strings.Join(refused, "; "))
	}
	r.agreed = agreement{Tenant: r.tenant, Test: r.test, Before: r.before, Named: r.plans}
	for _, c := range checked {
		r.agreed.Plans = append(r.agreed.Plans, c.planned())
	}
	return r.agreed.save(ctx, r.journal)
}

// check refuses what does not go with what was agreed.
func (a agreement) check(asked settings) error {
	switch {
	case asked.tenant != "" && asked.tenant != a.Tenant:
		return fmt.Errorf("the journal is about tenant %q, and not about %q", a.Tenant, asked.tenant)
	case asked.test && !a.Test:
		return errors.New("the journal is about failovers, and not about tests")
	case a.Test && !asked.test && (asked.tenant != "" || asked.plans != nil):
		return errors.New("the journal is about tests: a failover needs another; go on with the tests with -test, or with -journal alone")
	case asked.plans != nil && !slices.Equal(asked.plans, a.Named), !asked.before.IsZero() && !asked.before.Equal(a.Before):
		return errors.New("the journal has other plans or points: leave -plan and -before out to go on with them")
	}
	return nil
}

// candidate is a plan that may be started, and why it must not be.
type candidate struct {
	cloudreplica.PlanState

	refusals []string
}

type candidates []candidate

func (c candidate) planned() planned {
	p := planned{ID: c.Plan.ID(), Name: c.Plan.Name, Tenant: c.Plan.TenantName}
	if server, found := c.Plan.BackupServer(); found {
		p.Server = server.ID()
	}
	for _, vm := range c.VMs {
		p.Machines = append(p.Machines, vm.Name)
	}
	return p
}

// refused says of all that must not be started why.
func (c candidates) refused() []string {
	var reasons []string
	for _, one := range c {
		if len(one.refusals) > 0 {
			reasons = append(reasons, fmt.Sprintf("plan %q: %s", one.Plan.Name, strings.Join(one.refusals, ", ")))
		}
	}
	return reasons
}

// look reads which plans there are and the points of their machines. It changes nothing.
func (r *runbook) look(ctx context.Context) (candidates, error) {
	if r.tenant == "" && len(r.plans) == 0 {
		return nil, errors.New("name the tenant with -tenant, or plans with -plan")
	}
	all, err := r.plansOf(ctx, r.tenant)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(all, r.plans)
	switch {
	case err != nil:
		return nil, err
	case len(chosen) == 0:
		return nil, fmt.Errorf("tenant %q has no failover plan that was collected", r.tenant)
	}
	outcomes, err := drkit.ForEach(ctx, chosen, r.parallel, func(ctx context.Context, plan cloudreplica.CloudFailoverPlan) (candidate, error) {
		return r.inspect(ctx, plan.ID())
	}, drkit.StopOnError())
	if err != nil {
		return nil, err
	}
	var found candidates
	for _, outcome := range outcomes {
		found = append(found, outcome.Result)
	}
	return found, nil
}

// plansOf lists the plans of a tenant; without a name those of all.
func (r *runbook) plansOf(ctx context.Context, tenant string) ([]cloudreplica.CloudFailoverPlan, error) {
	var query cloudreplica.Query[cloudreplica.CloudFailoverPlan]
	if tenant != "" {
		query.Filter = cloudreplica.PlanFieldCloudTenantName.Is(tenant)
	}
	all, err := drkit.Collect(r.client.FailoverPlans.Query(ctx, query))
	if errors.Is(err, drkit.ErrForbidden) { // tenants may not query, and are shown their own
		all, err = r.client.FailoverPlans.List(ctx)
	}
	all = slices.DeleteFunc(all, func(p cloudreplica.CloudFailoverPlan) bool {
		return tenant != "" && !strings.EqualFold(p.TenantName, tenant)
	})
	slices.SortStableFunc(all, func(a, b cloudreplica.CloudFailoverPlan) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// choose returns the plans of these names or ids, in that order, or all.
func choose(all []cloudreplica.CloudFailoverPlan, wanted []string) ([]cloudreplica.CloudFailoverPlan, error) {
	if len(wanted) == 0 {
		return all, nil
	}
	var chosen []cloudreplica.CloudFailoverPlan
	for _, name := range wanted {
		var found []cloudreplica.CloudFailoverPlan
		for _, plan := range all {
			if plan.Name == name || plan.ID() == name {
				found = append(found, plan)
			}
		}
		switch {
		case len(found) == 0:
			return nil, fmt.Errorf("there is no plan %q", name)
		case len(found) > 1:
			return nil, fmt.Errorf("plan %q may be %s or %s: name it by its id", name, found[0].ID(), found[1].ID())
		case slices.ContainsFunc(chosen, func(p cloudreplica.CloudFailoverPlan) bool { return p.ID() == found[0].ID() }):
			return nil, fmt.Errorf("plan %q is named twice", name)
		}
		chosen = append(chosen, found[0])
	}
	return chosen, nil
}

// inspect looks at the points of the machines of a plan.
func (r *runbook) inspect(ctx context.Context, id string) (candidate, error) {
	state, err := r.client.FailoverPlans.State(ctx, id)
	if err != nil {
		return candidate{}, err
	}
	c := candidate{PlanState: state}
	if len(state.VMs) == 0 {
		c.refusals = append(c.refusals, "it holds no machine")
	}
	for _, vm := range state.VMs {
		if refusal := r.refusal(vm); refusal != "" && !r.unready {
			c.refusals = append(c.refusals, vm.Name+" "+refusal)
		}
	}
	return c, nil
}

// refusal says why a machine keeps its plan from being started, or nothing.
func (r *runbook) refusal(vm cloudreplica.PlannedVM) string {
	created := vm.Newest.CreationTimeUTC
	switch {
	case vm.Replicas == 0 || created.IsZero():
		return "has no point"
	case vm.Newest.State != cloudreplica.ReplicaStateReady:
		return fmt.Sprintf("is not ready: its replica is in the state %s", cmp.Or(vm.Newest.State, cloudreplica.ReplicaStateUnknown))
	case r.maxAge > 0 && time.Since(created.Time) > r.maxAge:
		return fmt.Sprintf("has no point younger than %s", short(time.Since(created.Time)))
	}
	return ""
}
