package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/crashtest"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// campaign runs the runbook, again and again, with one journal on one simulator.
type campaign struct {
	*crashtest.Campaign
	simulator *crashtest.Simulator
}

func newCampaign(t *testing.T, faults string) *campaign {
	t.Helper()
	c := &campaign{Campaign: crashtest.New(t, os.Getenv(crashtest.SeedVariable))}
	var at hello
	c.simulator = crashtest.StartSimulator(t, c.Seed, &at, faultsVariable+"="+faults)
	c.Tell("VCAV_URL="+at.URL, "VCAV_USER="+at.User, "VCAV_PASSWORD="+at.Password, "VCAV_THUMBPRINT="+at.Thumbprint)
	return c
}

func (c *campaign) audit(t *testing.T) audit {
	t.Helper()
	var a audit
	c.simulator.Audit(t, &a)
	return a
}

// asked is what every run of a campaign is asked for. A synchronization that is lost with a connection must not be
// given up, because it has boundaries, too.
var asked = []string{"-parallel", "13", "-sync", "must", "-site", "site1", "-wave", "vm-05,vm-06,vm-07", "-wave", "vm-01,vm-02,vm-03,vm-04"}

// The runbook is killed at every boundary and at 50 random moments, and run again until it ends. Every tenth
// answer is lost as well.
func TestCrashCampaign(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, faultsLost)
	c.RunAll(t, asked, "vcav.Sessions.SignIn: ") // which is not repeated, once its answer is lost
	a, passed := c.audit(t), c.Passed(t)
	c.log(t, a)
	t.Logf("%d boundaries", len(passed))
	assert.Equal(t, crashtest.RandomKills, c.Random)
	passed.AssertAll(t, boundaries(a))
	c.assertRecovered(t, a)
	for _, m := range a.Machines {
		assert.Equalf(t, 1, a.Of(syncs, m.ID).Ran, "syncs of %s:\n%s", m.VMName, c.history(t, a, m.ID))
		assert.Equalf(t, 1, a.Of(failovers, m.ID).Ran, "failovers of %s:\n%s", m.VMName, c.history(t, a, m.ID))
	}
}

// history is what the appliance has seen of a replication, and what the journal holds.
func (c *campaign) history(t *testing.T, a audit, id string) string {
	t.Helper()
	return strings.Join(slices.Concat(a.History[id], c.History(t, stepSync+" "+id, stepFailover+" "+id)), "\n")
}

// Every other failover is executed long after the grace, although a proxy has given up at once. The first run cannot
// know what becomes of it, and says so; a later one finds it.
func TestLateFailovers(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, faultsLate)
	require.Equal(t, 1, c.Run(t, crashtest.Runbook, 0, asked...))
	report, a := c.Last.String(), c.audit(t)
	c.log(t, a)
	require.Len(t, a.Late, fleetSize/2, report)
	assert.Contains(t, report, "10 of 20 machines are not recovered")
	require.Zero(t, c.Run(t, crashtest.Runbook, 0, "-status"))
	for _, m := range a.Machines {
		if id, late := a.Late[m.ID]; late {
			assert.Regexp(t, ` unknown – – – vcav\.VMReplications\.Failover: sent, but the outcome is unknown for replication .* operation ID `+id+`\)$`, row(report, m.VMName))
			assert.Regexp(t, ` intended 1 .* operation ID `+id+`$`, line(c.Last.String(), "failover "+m.ID))
		} else {
			assert.Regexp(t, ` ok ok \S+ `+m.RecoveredVM+` recovered$`, row(report, m.VMName))
		}
	}
	c.awaitLateFailovers(t)
	require.Zero(t, c.Run(t, crashtest.Runbook, 0, asked...))
	a = c.audit(t)
	c.log(t, a)
	c.assertRecovered(t, a)
	for _, m := range a.Machines {
		assert.Equalf(t, 1, a.Of(failovers, m.ID).Requests, "requests for failovers of %s", m.VMName)
	}
}

// The same, with runs that are killed and do not wait: where the grace has passed without a trace, they send the
// failover again. The appliance refuses whichever comes second, and no machine is recovered twice.
func TestLateCampaign(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, faultsLate)
	c.RunRandom(t, asked)
	c.awaitLateFailovers(t)
	require.Zero(t, c.Run(t, crashtest.Runbook, 0, asked...))
	a := c.audit(t)
	c.log(t, a)
	require.Len(t, a.Late, fleetSize/2)
	c.assertRecovered(t, a)
}

func (c *campaign) awaitLateFailovers(t *testing.T) {
	t.Helper()
	for a := c.audit(t); a.Of(failovers, "").Pending+a.Of(failovers, "").Unfinished > 0; a = c.audit(t) {
		<-time.After(grace / 4)
	}
}

func (c *campaign) log(t *testing.T, a audit) {
	t.Helper()
	c.Log(t)
	t.Logf("%d requests, of which %d were struck by faults; audit:\n%s", a.Requests, a.Faults, a)
}

// boundaries are those that every campaign comes to.
func boundaries(a audit) []string {
	wanted := []string{crashtest.SaveOf(planKey, drkit.StepSucceeded), "GET /vm-replications", "GET /tasks", "POST /sessions", "POST /tasks/poll"}
	for _, m := range a.Machines {
		for _, step := range []string{stepSync, stepFailover} {
			for _, state := range []drkit.StepState{drkit.StepIntended, drkit.StepAccepted, drkit.StepSucceeded} {
				wanted = append(wanted, crashtest.SaveOf(step+" "+m.ID, state))
			}
		}
		for _, step := range []string{stepSync, stepPause, stepFailover} {
			wanted = append(wanted, "POST /vm-replications/"+m.ID+"/"+step)
		}
		wanted = append(wanted, "GET /vm-replications/"+m.ID)
	}
	return wanted
}

// assertRecovered holds the last run, the journal and the appliance against each other.
func (c *campaign) assertRecovered(t *testing.T, a audit) {
	t.Helper()
	report := c.Last.String()
	require.Zero(t, c.Run(t, crashtest.Runbook, 0, "-status"))
	status := c.Last.String()
	steps, err := drkit.ReadJournal(c.Journal)
	require.NoError(t, err)
	states := byKey(steps)
	require.Len(t, a.Machines, fleetSize)
	assert.Empty(t, a.Violations)
	for _, m := range a.Machines {
		assert.Equalf(t, 1, a.Recovery(m.ID).Recovered, "machines made of %s", m.VMName)
		assert.Equal(t, vcavtest.RecoveryComplete, m.Recovery)
		assert.Regexp(t, `^\d `+m.VMName+` org1@site1 → org2@site2 .* ok \S+ `+m.RecoveredVM+` recovered`, row(report, m.VMName))
		for _, step := range []string{stepSync, stepFailover} {
			if _, late := a.Late[m.ID]; late && states[step+" "+m.ID].State == drkit.StepReady {
				assert.Contains(t, row(report, m.VMName), "by somebody else") // the late one came between the look and the request
				continue
			}
			assert.Equalf(t, drkit.StepSucceeded, states[step+" "+m.ID].State, "%s of %s", step, m.VMName)
			assert.Regexp(t, `^\d `+m.VMName+" "+step+" "+m.ID+` succeeded \d \S+ \S+ \S+ (–|`+m.RecoveredVM+`)$`, line(status, step+" "+m.ID))
		}
	}
}
