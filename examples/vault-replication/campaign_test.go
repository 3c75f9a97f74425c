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
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// simulator is one in a process of its own.
type simulator struct {
	hello
	input  io.Writer
	output *json.Decoder
}

func startSimulator(t *testing.T, seed uint64, faults string, flavour checkpointstest.Flavour) *simulator {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+roleSimulator, faultsVariable+"="+faults,
		flavourVariable+"="+string(flavour), seedVariable+"="+strconv.FormatUint(seed, 10))
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

// environment is what names the simulator to the runbook. Its certificates are of its own making.
func (s *simulator) environment() []string {
	return []string{
		"OS_AUTH_URL=" + s.AuthURL, "OS_USERNAME=" + s.User, "OS_PASSWORD=" + s.Password, "OS_USER_DOMAIN_NAME=" + s.Domain,
		"OS_PROJECT_NAME=" + s.Project, "OS_REGION_NAME=" + s.Region, "OS_INSECURE=true",
	}
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

func newCampaign(t *testing.T, faults string, flavour checkpointstest.Flavour) *campaign {
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
		simulator: startSimulator(t, seed, faults, flavour), draw: rand.New(rand.NewPCG(seed, 2)),
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
	command.Env = append(os.Environ(), roleVariable+"="+role, boundariesVariable+"="+c.boundaries)
	command.Env = append(command.Env, c.simulator.environment()...)
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

// asked is what every run of a campaign is asked for.
var asked = []string{"-to", destinationRegion, "-parallel", "7"}

// The runbook is killed at every boundary and at 50 random moments, and run again until it ends. Every tenth answer
// is lost as well. A cloud that shows records of its copies is followed in another way than one that does not.
func TestCrashCampaign(t *testing.T) {
	for _, flavour := range []checkpointstest.Flavour{checkpointstest.OpenTelekomCloud, checkpointstest.HuaweiCloud} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			c, began := newCampaign(t, faultsLost, flavour), time.Now()
			for status := -1; status != 0; {
				require.Less(t, c.runs, 2000, c.last.String())
				if c.random < randomKills && c.random <= c.suicides {
					status = c.run(t, rolePrey, time.Duration(c.draw.Int64N(int64(1500*time.Millisecond))), asked...)
				} else {
					status = c.run(t, roleVictim, 0, asked...)
				}
				if status == 1 {
					t.Logf("run %d failed: %s", c.runs, c.last.Bytes()[max(0, c.last.Len()-400):])
				}
			}
			a, passed := c.simulator.audit(t), c.passed(t)
			c.log(t, began, a)
			t.Logf("%d boundaries", len(passed))
			assert.Equal(t, randomKills, c.random)
			assertBoundaries(t, a, passed)
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
	journal, err := os.ReadFile(c.journal)
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(journal)) {
		if strings.Contains(line, `"key":"replicate `+vault) {
			lines = append(lines, line[:min(len(line), 700)])
		}
	}
	return strings.Join(lines, "\n")
}

// Every other replication is executed long after the grace, although a proxy has given up at once. The first run
// cannot know what becomes of it, and says so; a later one finds it.
func TestLateReplications(t *testing.T) {
	t.Parallel()
	c, began := newCampaign(t, faultsLate, checkpointstest.OpenTelekomCloud), time.Now()
	require.Equal(t, 1, c.run(t, roleRunbook, 0, asked...))
	report, a := c.last.String(), c.simulator.audit(t)
	c.log(t, began, a)
	require.Len(t, a.Late, fleetSize/2, report)
	assert.Contains(t, report, "10 of 20 vaults are not replicated")
	require.Zero(t, c.run(t, roleRunbook, 0, "-status"))
	for _, vault := range a.Vaults {
		if a.Late[vault.ID] {
			assert.Regexp(t, ` checkpoints\.Checkpoints\.Replicate: sent, but the outcome is unknown for .*$`, row(report, vault.Name))
			assert.Regexp(t, ` intended 1 .* operation ID \S+$`, line(c.last.String(), "replicate "+vault.ID))
		} else {
			assert.Regexp(t, ` replicated$`, row(report, vault.Name))
		}
	}
	c.awaitLateReplications(t)
	require.Zero(t, c.run(t, roleRunbook, 0, asked...), &c.last)
	a = c.simulator.audit(t)
	c.log(t, began, a)
	c.assertReplicated(t, a)
	for _, vault := range a.Vaults {
		assert.Equalf(t, 1, a.Operation(replicates, vault.ID).Requests, "requests for replications of %s", vault.Name)
	}
}

// The same, with runs that are killed and do not wait.
func TestLateCampaign(t *testing.T) {
	t.Parallel()
	c, began := newCampaign(t, faultsLate, checkpointstest.HuaweiCloud), time.Now()
	for status := -1; status != 0; {
		require.Less(t, c.runs, 200, c.last.String())
		var killAfter time.Duration
		if c.random < randomKills {
			killAfter = time.Duration(c.draw.Int64N(int64(2 * time.Second)))
		}
		status = c.run(t, roleRunbook, killAfter, asked...)
	}
	c.awaitLateReplications(t)
	require.Zero(t, c.run(t, roleRunbook, 0, asked...), &c.last)
	a := c.simulator.audit(t)
	c.log(t, began, a)
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
	for pending(c.simulator.audit(t)) {
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
	wanted := []string{saveOf(planKey, drkit.StepSucceeded), "POST auth/tokens", "GET replication-capabilities", "GET vaults"}
	for _, vault := range a.Vaults {
		for _, state := range []drkit.StepState{drkit.StepIntended, drkit.StepAccepted, drkit.StepSucceeded} {
			wanted = append(wanted, saveOf("replicate "+vault.ID, state))
		}
		wanted = append(wanted, "POST checkpoints/replicate "+vault.ID, "GET backups "+vault.ID)
	}
	for _, boundary := range wanted {
		for _, mark := range []string{markBefore, markAfter} {
			assert.Truef(t, passed[mark+boundary], "never killed %s%s", mark, boundary)
		}
	}
}

// assertReplicated holds the last run, the journal and both regions against each other.
func (c *campaign) assertReplicated(t *testing.T, a audit) {
	t.Helper()
	report := c.last.String()
	require.Zero(t, c.run(t, roleRunbook, 0, "-status"))
	status := c.last.String()
	steps, err := drkit.ReadJournal(c.journal)
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
