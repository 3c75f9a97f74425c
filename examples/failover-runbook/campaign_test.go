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
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// simulator is one in a process of its own.
type simulator struct {
	hello
	input  io.Writer
	output *json.Decoder
}

func startSimulator(t *testing.T, seed uint64) *simulator {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+roleSimulator, seedVariable+"="+strconv.FormatUint(seed, 10))
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

	runs, suicides, random, failed int
	last                           bytes.Buffer // what the last run has printed
}

func newCampaign(t *testing.T, seed uint64) *campaign {
	t.Helper()
	folder := t.TempDir()
	c := &campaign{
		simulator: startSimulator(t, seed), journal: filepath.Join(folder, "journal"), boundaries: filepath.Join(folder, "boundaries"),
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
	case status >= 0:
	case role == roleVictim:
		c.suicides++
	default:
		c.random++
	}
	return status
}

const randomKills = 50

// The runbook is killed at every boundary and at 50 random moments, and run again until it ends. Every tenth
// answer is lost as well.
func TestCrashCampaign(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of processes")
	}
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64); err == nil {
		seed = given
	}
	t.Logf("%s=%d", seedVariable, seed)
	random := rand.New(rand.NewPCG(seed, 2))
	c := newCampaign(t, seed)
	began := time.Now()
	plan := []string{"-parallel", "13", "-site", "site1", "-wave", "vm-05,vm-06,vm-07", "-wave", "vm-01,vm-02,vm-03,vm-04"}
	for status := -1; status != 0; {
		require.Less(t, c.runs, 2000, c.last.String())
		if c.random < randomKills && c.random <= c.suicides {
			status = c.run(t, rolePrey, time.Duration(random.Int64N(int64(1500*time.Millisecond))), plan...)
		} else {
			status = c.run(t, roleVictim, 0, plan...)
		}
		if status == 1 {
			c.failed++
			if !strings.Contains(c.last.String(), "vcav.Sessions.SignIn: ") { // which is not repeated, once its answer is lost
				t.Logf("run %d failed: %s", c.runs, c.last.Bytes()[max(0, c.last.Len()-400):])
			}
		}
	}
	took := time.Since(began)
	a := c.simulator.audit(t)
	passed := c.passed(t)
	t.Logf("%d runs in %s: %d killed at %d boundaries, %d killed at random moments, %d failed; %d requests, of which %d lost their answers",
		c.runs, took.Round(time.Second), c.suicides, len(passed), c.random, c.failed, a.Requests, a.Faults)
	t.Logf("audit:\n%s", a)
	assert.Equal(t, randomKills, c.random)
	assertBoundaries(t, a, passed)
	assertRecoveredOnce(t, c, a)
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

func assertRecoveredOnce(t *testing.T, c *campaign, a audit) {
	t.Helper()
	require.Len(t, a.Machines, fleetSize)
	assert.Empty(t, a.Violations)
	report := c.last.String()
	require.Zero(t, c.run(t, roleRunbook, 0, "-status"))
	status := c.last.String()
	steps, err := drkit.ReadJournal(c.journal)
	require.NoError(t, err)
	states := byKey(steps)
	for _, m := range a.Machines {
		assert.Equalf(t, 1, m.Failovers, "failovers of %s", m.Name)
		assert.Equalf(t, 1, m.Syncs, "syncs of %s", m.Name)
		assert.Equalf(t, 1, m.Copies, "machines made of %s", m.Name)
		assert.Equal(t, "COMPLETE", m.State)
		for _, step := range []string{"sync", "failover"} {
			assert.Equal(t, drkit.StepSucceeded, states[step+" "+m.ID].State)
			assert.Regexp(t, `^\d `+m.Name+" "+step+" "+m.ID+` succeeded \d \S+ \S+ \S+ (–|`+m.RecoveredAs+`)$`, line(status, step+" "+m.ID))
		}
		assert.Regexp(t, `^\d `+m.Name+` org1@site1 → org2@site2 .* ok ok \S+ `+m.RecoveredAs+` recovered`, line(report, m.RecoveredAs))
	}
}
