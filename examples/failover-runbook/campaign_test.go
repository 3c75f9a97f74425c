package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// simulator is one in a process of its own.
type simulator struct {
	hello
	input  io.Writer
	output *json.Decoder
}

func startSimulator(t *testing.T, seed uint64, faults string) *simulator {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+roleSimulator, faultsVariable+"="+faults,
		seedVariable+"="+strconv.FormatUint(seed, 10))
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	require.NoError(t, err)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = input.Close(); _ = command.Wait() })
	s := &simulator{input: input, output: json.NewDecoder(bufio.NewReader(output))}
	require.NoError(t, s.output.Decode(&s.hello))
	return s
}

func (s *simulator) audit(t *testing.T) audit {
	t.Helper()
	_, err := io.WriteString(s.input, "audit\n")
	require.NoError(t, err)
	var a audit
	require.NoError(t, s.output.Decode(&a))
	return a
}

// campaign runs the runbook, again and again, with one journal on one simulator.
type campaign struct {
	simulator  *simulator
	journal    string
	boundaries string
	draw       *rand.Rand

	runs, suicides, random, failed int
	last                           bytes.Buffer // what the last run has printed
}

func newCampaign(t *testing.T, faults string) *campaign {
	t.Helper()
	if testing.Short() {
		t.Skip("starts many processes")
	}
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64); err == nil {
		seed = given
	}
	t.Logf("%s=%d", seedVariable, seed)
	folder := t.TempDir()
	c := &campaign{
		simulator: startSimulator(t, seed, faults), draw: rand.New(rand.NewPCG(seed, 2)),
		journal: filepath.Join(folder, "journal"), boundaries: filepath.Join(folder, "boundaries"),
	}
	require.NoError(t, os.WriteFile(c.boundaries, nil, 0o600))
	return c
}

// run runs the runbook as some process until it ends, or is killed. It returns its exit status, -1 if it was killed.
func (c *campaign) run(t *testing.T, role string, killAfter time.Duration, args ...string) int {
	t.Helper()
	ctx := t.Context()
	if killAfter > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, killAfter)
		defer cancel()
	}
	c.last.Reset()
	command := exec.CommandContext(ctx, os.Args[0], append([]string{"-journal", c.journal}, args...)...)
	command.Env = append(os.Environ(), roleVariable+"="+role, boundariesVariable+"="+c.boundaries,
		"VCAV_URL="+c.simulator.URL, "VCAV_USER="+c.simulator.User, "VCAV_PASSWORD="+c.simulator.Password,
		"VCAV_THUMBPRINT="+c.simulator.Thumbprint)
	command.Stdout, command.Stderr = &c.last, &c.last
	_ = command.Run()
	require.NotNil(t, command.ProcessState, "it did not start")
	c.runs++
	status := command.ProcessState.ExitCode()
	require.Containsf(t, []int{-1, 0, 1}, status, "%s", c.last.String())
	switch {
	case status == -1 && role == roleVictim:
		c.suicides++
	case status == -1:
		c.random++
	case status == 1:
		c.failed++
	}
	return status
}

const randomKills = 50

// asked is what every run of a campaign is asked for. A synchronization that is lost with a connection must not be
// given up, because it has boundaries, too.
var asked = []string{"-parallel", "13", "-sync", "must", "-site", "site1", "-wave", "vm-05,vm-06,vm-07", "-wave", "vm-01,vm-02,vm-03,vm-04"}

// The runbook is killed at every boundary and at 50 random moments, and run again until it ends. Every tenth
// answer is lost as well.
func TestCrashCampaign(t *testing.T) {
	t.Parallel()
	c, began := newCampaign(t, faultsLost), time.Now()
	for status := -1; status != 0; {
		require.Less(t, c.runs, 2000, c.last.String())
		if c.random < randomKills && c.random <= c.suicides {
			status = c.run(t, rolePrey, time.Duration(c.draw.Int64N(int64(1500*time.Millisecond))), asked...)
		} else {
			status = c.run(t, roleVictim, 0, asked...)
		}
		if status == 1 && !strings.Contains(c.last.String(), "vcav.Sessions.SignIn: ") { // which is not repeated, once its answer is lost
			t.Logf("run %d failed: %s", c.runs, c.last.Bytes()[max(0, c.last.Len()-400):])
		}
	}
	a, passed := c.simulator.audit(t), c.passed(t)
	c.log(t, began, a)
	t.Logf("%d boundaries", len(passed))
	assert.Equal(t, randomKills, c.random)
	assertBoundaries(t, a, passed)
	c.assertRecovered(t, a)
	for _, m := range a.Machines {
		assert.Equalf(t, 1, a.Of(syncs, m.ID).Ran, "syncs of %s:\n%s", m.VMName, c.history(t, a, m.ID))
		assert.Equalf(t, 1, a.Of(failovers, m.ID).Ran, "failovers of %s:\n%s", m.VMName, c.history(t, a, m.ID))
	}
}

// history is what the appliance has seen of a replication, and what the journal holds.
func (c *campaign) history(t *testing.T, a audit, id string) string {
	t.Helper()
	journal, err := os.ReadFile(c.journal)
	require.NoError(t, err)
	lines := slices.Clone(a.History[id])
	for line := range strings.Lines(string(journal)) {
		if strings.Contains(line, `"key":"`+stepSync+" "+id) || strings.Contains(line, `"key":"`+stepFailover+" "+id) {
			lines = append(lines, line[:min(len(line), 700)])
		}
	}
	return strings.Join(lines, "\n")
}

// Every other failover is executed long after the grace, although a proxy has given up at once. The first run cannot
// know what becomes of it, and says so; a later one finds it.
func TestLateFailovers(t *testing.T) {
	t.Parallel()
	c, began := newCampaign(t, faultsLate), time.Now()
	require.Equal(t, 1, c.run(t, roleRunbook, 0, asked...))
	report, a := c.last.String(), c.simulator.audit(t)
	c.log(t, began, a)
	require.Len(t, a.Late, fleetSize/2, report)
	assert.Contains(t, report, "10 of 20 machines are not recovered")
	require.Zero(t, c.run(t, roleRunbook, 0, "-status"))
	for _, m := range a.Machines {
		if id, late := a.Late[m.ID]; late {
			assert.Regexp(t, ` unknown – – – vcav\.VMReplications\.Failover: sent, but the outcome is unknown for replication .* operation ID `+id+`\)$`, row(report, m.VMName))
			assert.Regexp(t, ` intended 1 .* operation ID `+id+`$`, line(c.last.String(), "failover "+m.ID))
		} else {
			assert.Regexp(t, ` ok ok \S+ `+m.RecoveredVM+` recovered$`, row(report, m.VMName))
		}
	}
	c.awaitLateFailovers(t)
	require.Zero(t, c.run(t, roleRunbook, 0, asked...))
	a = c.simulator.audit(t)
	c.log(t, began, a)
	c.assertRecovered(t, a)
	for _, m := range a.Machines {
		assert.Equalf(t, 1, a.Of(failovers, m.ID).Requests, "requests for failovers of %s", m.VMName)
	}
}

// The same, with runs that are killed and do not wait: where the grace has passed without a trace, they send the
// failover again. The appliance refuses whichever comes second, and no machine is recovered twice.
func TestLateCampaign(t *testing.T) {
	t.Parallel()
	c, began := newCampaign(t, faultsLate), time.Now()
	for status := -1; status != 0; {
		require.Less(t, c.runs, 200, c.last.String())
		var killAfter time.Duration
		if c.random < randomKills {
			killAfter = time.Duration(c.draw.Int64N(int64(2 * time.Second)))
		}
		status = c.run(t, roleRunbook, killAfter, asked...)
	}
	c.awaitLateFailovers(t)
	require.Zero(t, c.run(t, roleRunbook, 0, asked...))
	a := c.simulator.audit(t)
	c.log(t, began, a)
	require.Len(t, a.Late, fleetSize/2)
	c.assertRecovered(t, a)
}

func (c *campaign) awaitLateFailovers(t *testing.T) {
	t.Helper()
	for a := c.simulator.audit(t); a.Of(failovers, "").Pending+a.Of(failovers, "").Unfinished > 0; a = c.simulator.audit(t) {
		<-time.After(grace / 4)
	}
}

func (c *campaign) log(t *testing.T, began time.Time, a audit) {
	t.Helper()
	t.Logf("%d runs in %s: %d killed at boundaries, %d killed at random moments, %d failed; %d requests, of which %d were struck by faults",
		c.runs, time.Since(began).Round(time.Second), c.suicides, c.random, c.failed, a.Requests, a.Faults)
	t.Logf("audit:\n%s", a)
}

// passed are the boundaries at which some process was killed. One that was killed in the middle, when its work
// was done already, counts for the boundary after it, which then is never reached.
func (c *campaign) passed(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(c.boundaries)
	require.NoError(t, err)
	passed, begun := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, markBegin); ok {
			begun[name] = true
		} else if name, ok := strings.CutPrefix(line, markEnd); ok {
			delete(begun, name)
		} else {
			passed[line] = true
		}
	}
	for name := range begun {
		passed[markAfter+name] = true
	}
	return passed
}

func assertBoundaries(t *testing.T, a audit, passed map[string]bool) {
	t.Helper()
	wanted := []string{saveOf(planKey, drkit.StepSucceeded), "GET /vm-replications", "GET /tasks", "POST /sessions", "POST /tasks/poll"}
	for _, m := range a.Machines {
		for _, step := range []string{stepSync, stepFailover} {
			for _, state := range []drkit.StepState{drkit.StepIntended, drkit.StepAccepted, drkit.StepSucceeded} {
				wanted = append(wanted, saveOf(step+" "+m.ID, state))
			}
		}
		for _, step := range []string{stepSync, stepPause, stepFailover} {
			wanted = append(wanted, "POST /vm-replications/"+m.ID+"/"+step)
		}
		wanted = append(wanted, "GET /vm-replications/"+m.ID)
	}
	for _, boundary := range wanted {
		for _, mark := range []string{markBefore, markAfter} {
			assert.Truef(t, passed[mark+boundary], "never killed %s%s", mark, boundary)
		}
	}
}

// assertRecovered holds the last run, the journal and the appliance against each other.
func (c *campaign) assertRecovered(t *testing.T, a audit) {
	t.Helper()
	report := c.last.String()
	require.Zero(t, c.run(t, roleRunbook, 0, "-status"))
	status := c.last.String()
	steps, err := drkit.ReadJournal(c.journal)
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
