package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
	"github.com/drkit-go/drkit/internal/crashtest"
)

// The runbook is killed at every boundary and at random moments, and run again until it ends. Every tenth answer is
// lost as well. No plan is ever failed over twice.
//
// Where a run was cut off just before its request, nothing shows that it has not left: tasks are gone with the logon
// session. The runbook says so and sends nothing, until somebody who has looked says so with -retry. Here that is the
// test, and what it sees is that the plan was not started: one that was is always found.
func TestCrashCampaign(t *testing.T) {
	t.Parallel()
	c := crashtest.New(t, os.Getenv(crashtest.SeedVariable))
	var at hello
	simulator := crashtest.StartSimulator(t, c.Seed, &at)
	c.Tell("CLOUDREPLICA_URL="+at.URL, "CLOUDREPLICA_USER="+at.User, "CLOUDREPLICA_PASSWORD="+at.Password, "CLOUDREPLICA_THUMBPRINT="+at.Thumbprint)
	asked := []string{"-tenant", fleetTenant, "-parallel", "2"}
	var a audit
	for status, settled := -1, []string(nil); status != 0; {
		require.Less(t, c.Runs, 500, c.Last.String())
		if c.Random < randomKills && c.Random <= c.Killed {
			status = c.Run(t, crashtest.Prey, c.Moment(time.Second), append(settled, asked...)...)
		} else {
			status = c.Run(t, crashtest.Victim, 0, append(settled, asked...)...)
		}
		settled = nil
		if status == 1 {
			simulator.Audit(t, &a)
			settled = settle(t, c, a)
		}
	}
	c.Log(t)
	simulator.Audit(t, &a)
	t.Logf("%d requests, of which %d were struck by faults; %d boundaries; audit:\n%s", a.Requests, a.Faults, len(c.Passed(t)), a)
	assert.Empty(t, a.Violations)
	wanted := []string{crashtest.SaveOf(agreementKey, drkit.StepSucceeded), "POST sessionmngr/"}
	report := c.Last.String()
	steps, err := drkit.ReadJournal(c.Journal)
	require.NoError(t, err)
	states := byKey(steps)
	for i := range fleetPlans {
		id, name := cloudreplicatest.PlanID(planName(i)), planName(i)
		key := stepStart + " " + id
		done := a.Plan(id)
		history := strings.Join(c.History(t, key), "\n")
		assert.Equalf(t, []int{1, 1, 0, 0}, []int{done.Started, done.Succeeded, done.Tested, done.Undone}, "%s:\n%s", name, history)
		assert.Equalf(t, 1, a.Operation("FailoverPlans.Start", id).Ran, "%s:\n%s", name, history)
		assert.Len(t, done.VMs, fleetSize)
		for _, vm := range done.VMs {
			assert.Equal(t, 1, vm.FailedOver, vm.Name)
		}
		assert.Equal(t, drkit.StepSucceeded, states[key].State)
		assert.Regexp(t, `(?m)^`+name+` .* failed over$`, report)
		for _, state := range []drkit.StepState{drkit.StepIntended, drkit.StepAccepted, drkit.StepSucceeded} {
			wanted = append(wanted, crashtest.SaveOf(key, state))
		}
		wanted = append(wanted, "POST cloud/cloudfailoverplans/"+id+" start")
	}
	c.Passed(t).AssertAll(t, wanted)
}

// randomKills is how many processes are killed at random moments.
const randomKills = 15

// settle looks at the plans whose outcome a run has called unknown, and returns the arguments for the next.
func settle(t *testing.T, c *crashtest.Campaign, a audit) (retry []string) {
	t.Helper()
	steps, err := drkit.ReadJournal(c.Journal)
	require.NoError(t, err)
	for _, step := range steps {
		unknown := `a run was cut off after step "` + step.Key + `" was begun`
		if step.State != drkit.StepIntended || !strings.Contains(c.Last.String(), unknown) {
			continue // what else fails is an answer lost that nothing can be done without, such as that to a sign-in
		}
		id := strings.TrimPrefix(step.Key, stepStart+" ")
		require.Zerof(t, a.Plan(id).Started, "a failover that was not found: %s", c.Last.String())
		retry = append(retry, "-retry", step.Key)
	}
	return retry
}
