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
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/internal/crashtest"
)

// campaign runs the runbook, again and again, with one journal on one simulator.
type campaign struct {
	*crashtest.Campaign
	simulator *crashtest.Simulator
}

func newCampaign(t *testing.T, faults string, flavour checkpointstest.Flavour) *campaign {
	t.Helper()
	c := &campaign{Campaign: crashtest.New(t, os.Getenv(crashtest.SeedVariable))}
	var at hello
	c.simulator = crashtest.StartSimulator(t, c.Seed, &at, faultsVariable+"="+faults, flavourVariable+"="+string(flavour))
	c.Tell("OS_AUTH_URL="+at.AuthURL, "OS_USERNAME="+at.User, "OS_PASSWORD="+at.Password, "OS_USER_DOMAIN_NAME="+at.Domain,
		"OS_PROJECT_NAME="+at.Project, "OS_REGION_NAME="+at.Region, "OS_INSECURE=true") // whose certificates nobody has signed
	return c
}

func (c *campaign) audit(t *testing.T) audit {
	t.Helper()
	var a audit
	c.simulator.Audit(t, &a)
	return a
}

// asked is what every run of a campaign is asked for.
var asked = []string{"-to", destinationRegion, "-parallel", "2"}

// The runbook is killed at every boundary and at 50 random moments, and run again until it ends. Every tenth answer
// is lost as well. A cloud that shows records of its copies is followed in another way than one that does not.
func TestCrashCampaign(t *testing.T) {
	for _, flavour := range []checkpointstest.Flavour{checkpointstest.OpenTelekomCloud, checkpointstest.HuaweiCloud} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, faultsLost, flavour)
			c.RunAll(t, asked, "checkpoints.Sessions.SignIn: ")
			a, passed := c.audit(t), c.Passed(t)
			c.log(t, a)
			t.Logf("%d boundaries", len(passed))
			assert.Equal(t, crashtest.RandomKills, c.Random)
			passed.AssertAll(t, boundaries(a))
			c.assertReplicated(t, a)
			for _, vault := range a.Vaults {
				assert.Equalf(t, 1, a.Operation(replicates, vault.ID).Ran, "replications of %s:\n%s", vault.Name, c.history(t, vault.ID))
			}
		})
	}
}

// history is what the journal holds of a vault.
func (c *campaign) history(t *testing.T, vault string) string {
	t.Helper()
	return strings.Join(c.History(t, "replicate "+vault), "\n")
}

// Every other replication is executed long after the grace, although a proxy has given up at once. The first run
// cannot know what becomes of it, and says so; a later one finds it.
func TestLateReplications(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, faultsLate, checkpointstest.OpenTelekomCloud)
	require.Equal(t, 1, c.Run(t, crashtest.Runbook, 0, asked...))
	report, a := c.Last.String(), c.audit(t)
	c.log(t, a)
	require.Len(t, a.Late, fleetSize/2, report)
	assert.Contains(t, report, "10 of 20 vaults are not replicated")
	require.Zero(t, c.Run(t, crashtest.Runbook, 0, "-status"))
	for _, vault := range a.Vaults {
		if a.Late[vault.ID] {
			assert.Regexp(t, ` checkpoints\.Checkpoints\.Replicate: sent, but the outcome is unknown for .*$`, row(report, vault.Name))
			assert.Regexp(t, ` intended 1 .* operation ID \S+$`, line(c.Last.String(), "replicate "+vault.ID))
		} else {
			assert.Regexp(t, ` replicated$`, row(report, vault.Name))
		}
	}
	c.awaitLateReplications(t)
	require.Zero(t, c.Run(t, crashtest.Runbook, 0, asked...), &c.Last)
	a = c.audit(t)
	c.log(t, a)
	c.assertReplicated(t, a)
	for _, vault := range a.Vaults {
		assert.Equalf(t, 1, a.Operation(replicates, vault.ID).Requests, "requests for replications of %s", vault.Name)
	}
}

// The same, with runs that are killed and do not wait.
func TestLateCampaign(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, faultsLate, checkpointstest.HuaweiCloud)
	c.RunRandom(t, asked)
	c.awaitLateReplications(t)
	require.Zero(t, c.Run(t, crashtest.Runbook, 0, asked...), &c.Last)
	a := c.audit(t)
	c.log(t, a)
	require.Len(t, a.Late, fleetSize/2)
	c.assertReplicated(t, a)
}

func (c *campaign) awaitLateReplications(t *testing.T) {
	t.Helper()
	pending := func(a audit) bool {
		return slices.ContainsFunc(a.Vaults, func(v checkpointstest.Vault) bool {
			o := a.Operation(replicates, v.ID)
			return o.Pending+o.Unfinished > 0
		})
	}
	for pending(c.audit(t)) {
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
	wanted := []string{
		crashtest.SaveOf(planKey, drkit.StepSucceeded), "POST auth/tokens", "GET replication-capabilities", "GET vaults", "GET backups",
	}
	for _, vault := range a.Vaults {
		for _, state := range []drkit.StepState{drkit.StepIntended, drkit.StepAccepted, drkit.StepSucceeded} {
			wanted = append(wanted, crashtest.SaveOf("replicate "+vault.ID, state))
		}
		wanted = append(wanted, "POST checkpoints/replicate "+vault.ID, "GET backups "+vault.ID)
	}
	return wanted
}

// assertReplicated holds the last run, the journal and both regions against each other.
func (c *campaign) assertReplicated(t *testing.T, a audit) {
	t.Helper()
	report := c.Last.String()
	require.Zero(t, c.Run(t, crashtest.Runbook, 0, "-status"))
	status := c.Last.String()
	steps, err := drkit.ReadJournal(c.Journal)
	require.NoError(t, err)
	states := byKey(steps)
	require.Len(t, a.Vaults, fleetSize)
	require.Len(t, a.Sources, fleetSize*backupsEach)
	assert.Empty(t, a.Violations)
	assert.Len(t, a.Copies, len(a.Sources), "nothing is lost, and nothing was copied twice")
	for _, b := range a.Sources {
		copied := a.Replication(b.ID, destinationRegion)
		assert.Equalf(t, []int{1, 1}, []int{copied.Started, copied.Succeeded}, "copies of backup %s, begun and done:\n%s", b.ID, c.history(t, b.Vault))
	}
	for _, b := range a.Copies {
		assert.Equal(t, "available", b.Status)
	}
	for _, vault := range a.Vaults {
		assert.Regexp(t, `^`+vault.Name+` .* replicated`, row(report, vault.Name))
		assert.Equalf(t, drkit.StepSucceeded, states["replicate "+vault.ID].State, vault.Name)
		assert.Regexp(t, `^`+vault.Name+" .*replicate "+vault.ID+` succeeded \d `, line(status, "replicate "+vault.ID))
	}
}
