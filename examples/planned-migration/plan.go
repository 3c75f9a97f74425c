package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// machine is a machine that was named: its replication as it was seen last, and what became of it.
type machine struct {
	vcav.VMReplication

	route    string   // as planned: a reversal turns the replication around
	arrived  bool     // it runs at the site that it should move to
	migrated bool     // its recovery there is complete
	refusals []string // why it must not be migrated now
	notes    []string // what does not keep it from being migrated

	cells map[string]string // what each step came to, and how long all of them took
	err   error
}

func newMachine(replication vcav.VMReplication) *machine {
	return &machine{
		VMReplication: replication, cells: map[string]string{},
		route: place(replication.Source.Org, replication.Source.Site) + " → " +
			place(replication.Destination.Org, replication.Destination.Site),
	}
}

func place(org, site string) string {
	if org == "" { // on premises
		return site
	}
	return org + "@" + site
}

// plan returns the waves of machines that the settings name. Nothing is guessed: a name that fits two
// replications is refused like one that fits none.
func (s settings) plan(all []vcav.VMReplication) ([][]*machine, error) {
	var waves [][]*machine
	var problems []string
	planned := map[string]bool{} // by id
	for _, names := range s.waves {
		var wave []*machine
		for _, name := range names {
			switch found := s.find(all, name); {
			case len(found) == 0:
				problems = append(problems, fmt.Sprintf("there is no replication of %q to %s", name, s.to))
			case len(found) > 1:
				problems = append(problems, fmt.Sprintf("%q may be %s or %s: name it by its id", name, found[0].ID, found[1].ID))
			case planned[found[0].ID]:
				problems = append(problems, fmt.Sprintf("%q is named twice", found[0].VMName))
			default:
				planned[found[0].ID] = true
				wave = append(wave, newMachine(found[0]))
			}
		}
		waves = append(waves, wave)
	}
	if s.org != "" {
		var rest []*machine
		for _, replication := range all {
			if replication.Source.Org == s.org && replication.Destination.Site == s.to && !planned[replication.ID] {
				rest = append(rest, newMachine(replication))
			}
		}
		if len(rest) == 0 {
			problems = append(problems, fmt.Sprintf("organization %q has no other replications to %s", s.org, s.to))
		}
		waves = append(waves, rest)
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	return waves, nil
}

// find returns the replications that go by a name and lead to the site, or have led there and were reversed.
func (s settings) find(all []vcav.VMReplication, name string) []vcav.VMReplication {
	var found []vcav.VMReplication
	for _, replication := range all {
		if (replication.ID == name || replication.VMName == name) &&
			(replication.Destination.Site == s.to || replication.Source.Site == s.to) {
			found = append(found, replication)
		}
	}
	return found
}

// preflight looks at every machine, and changes nothing. It reports whether all may move.
func (r *runbook) preflight(ctx context.Context) (bool, error) {
	policies, err := r.policies(ctx)
	if err != nil {
		return false, err
	}
	machines := slices.Concat(r.machines...)
	_, err = drkit.ForEach(ctx, machines, r.parallel, func(ctx context.Context, m *machine) (struct{}, error) {
		m.check(r.to)
		if !r.hasWork(m) {
			return struct{}{}, nil
		}
		if policy, known := policies[m.Destination.Org]; known {
			m.obey(policy, r.reverse)
		}
		return struct{}{}, r.lookForTasks(ctx, m)
	}, drkit.StopOnError())
	return !slices.ContainsFunc(machines, func(m *machine) bool { return len(m.refusals) > 0 }), err
}

// hasWork reports whether there is anything left to do with a machine.
func (r *runbook) hasWork(m *machine) bool { return !m.arrived && (!m.migrated || r.reverse) }

func (r *runbook) withWork(machines []*machine) []*machine {
	return slices.DeleteFunc(slices.Clone(machines), func(m *machine) bool { return !r.hasWork(m) })
}

// check finds out from the replication alone whether the machine can be migrated, or has been.
func (m *machine) check(to string) {
	m.arrived, m.migrated, m.refusals, m.notes = false, false, nil, nil
	switch state := recoveryState(m.VMReplication); {
	case m.Source.Site == m.Destination.Site: // which a reversal could not be told from
		m.refuse("it does not leave %s", m.Source.Site)
		return
	case m.Source.Site == to:
		m.arrived = true
		return
	case m.Destination.Site != to:
		m.refuse("it leads to %s", m.Destination.Site)
		return
	case state == vcav.RecoveryStateComplete:
		m.migrated = true
		return
	case state == vcav.RecoveryStateTest:
		m.refuse("it is in test: clean that up first")
	case state != vcav.RecoveryStateNotStarted:
		m.refuse("its recovery is %s", state)
	}
	if m.IsPaused {
		m.refuse("it is paused")
	}
	if m.OverallHealth == vcav.OverallHealthRed || m.DataConnectionState == vcav.DataConnectionStateError {
		m.refuse("it does not replicate")
	} else if m.OverallHealth != vcav.OverallHealthGreen {
		m.note("not in good health")
	}
	if m.DestinationState.LatestInstance == nil {
		m.refuse("it has no instance yet")
	}
	if late := m.DestinationState.CurrentRPOViolation; late > 0 {
		m.note("RPO exceeded by %d min", late)
	}
	if last := m.DestinationState.LastError; last != nil {
		m.note("last error %s: %s", last.Code, last.Msg)
	}
}

// obey holds a migration against the policy of the organization that the machine moves to.
func (m *machine) obey(policy vcav.Policy, reverse bool) {
	kind, in, out := "protections", policy.AllowIncomingProtections, policy.AllowOutgoingProtections
	if m.IsMigration {
		kind, in, out = "migrations", policy.AllowIncomingMigrations, policy.AllowOutgoingMigrations
	}
	if !in && !m.migrated {
		m.refuse("policy %s of %s lets no %s in", policy.DisplayName, m.Destination.Org, kind)
	}
	if !out && reverse {
		m.refuse("policy %s of %s lets no %s out, as -reverse needs", policy.DisplayName, m.Destination.Org, kind)
	}
}

// lookForTasks refuses a machine that an earlier run, or somebody else, still works on. A tenant sees only
// its own tasks; the appliance itself refuses the rest.
func (r *runbook) lookForTasks(ctx context.Context, m *machine) error {
	tasks := r.client.Tasks.List(ctx, vcav.TaskQuery{ResourceID: m.ID})
	task, err := drkit.First(tasks, func(task vcav.Task) bool { return !task.Ended() && task.EndTime.IsZero() })
	switch {
	case err == nil:
		m.refuse("its %s is under way: task %s", task.WorkflowInfo.Type, task.ID)
	case !errors.Is(err, drkit.ErrNotFound):
		return err
	}
	return nil
}

// policies returns the policy of each organization at the site that machines move to. It has none where
// they cannot be asked for, and says so.
func (r *runbook) policies(ctx context.Context) (map[string]vcav.Policy, error) {
	session, err := r.client.Sessions.SignIn(ctx)
	if err != nil {
		return nil, err
	}
	// The site that has signed in comes first, and nothing has extended the session.
	if sites := session.AuthenticatedSites; len(sites) == 0 || sites[0].Site != r.to {
		r.log.Printf("policies are not checked: this is not the appliance of %s", r.to)
		return nil, nil
	}
	all, err := r.client.Policies.List(ctx)
	if err != nil {
		return nil, err
	}
	policies := map[string]vcav.Policy{}
	for _, policy := range all {
		status, err := r.client.Policies.Status(ctx, policy.ID)
		if errors.Is(err, drkit.ErrForbidden) {
			r.log.Print("policies are not checked: only administrators see whose they are")
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, organization := range status {
			policies[organization.Org] = policy
		}
	}
	return policies, nil
}

func (m *machine) refuse(format string, args ...any) {
	m.refusals = append(m.refusals, fmt.Sprintf(format, args...))
}

func (m *machine) note(format string, args ...any) {
	m.notes = append(m.notes, fmt.Sprintf(format, args...))
}

func recoveryState(replication vcav.VMReplication) vcav.RecoveryState {
	if info := replication.DestinationState.RecoveryInfo; info != nil {
		return info.RecoveryState
	}
	return vcav.RecoveryStateNotStarted
}
