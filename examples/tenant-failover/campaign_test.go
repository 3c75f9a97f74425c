package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
	"github.com/drkit-go/drkit/internal/crashtest"
)

// The runbook is killed at every boundary and at random moments, and run again until it ends. Every tenth answer is
// lost as well. No plan is ever failed over twice.
func TestCrashCampaign(t *testing.T) {
	t.Parallel()
	c := crashtest.New(t, os.Getenv(crashtest.SeedVariable))
	var at hello
	simulator := crashtest.StartSimulator(t, c.Seed, &at)
	c.Tell("CLOUDREPLICA_URL="+at.URL, "CLOUDREPLICA_USER="+at.User, "CLOUDREPLICA_PASSWORD="+at.Password, "CLOUDREPLICA_THUMBPRINT="+at.Thumbprint)
	asked := []string{"-tenant", fleetTenant, "-parallel", "4"}
	c.RunAll(t, asked)
	c.Log(t)
	var a audit
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
