package crashtest

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What the processes of a campaign are told by their parent.
const (
	RoleVariable       = "DRKIT_RUNBOOK_ROLE"
	SeedVariable       = "DRKIT_RUNBOOK_SEED"
	BoundariesVariable = "DRKIT_RUNBOOK_BOUNDARIES" // path of their file
)

// The roles of processes.
const (
	Simulated = "simulator"
	Runbook   = "runbook" // as it is built, but for its patience
	Victim    = "victim"  // a runbook that kills itself at boundaries
	Prey      = "prey"    // a runbook that stops at boundaries and is killed from outside
)

// Campaign runs a program again and again with one journal.
type Campaign struct {
	Seed    uint64
	Journal string       // path of its file
	Last    bytes.Buffer // what the last run has printed

	Runs   int // in all
	Killed int // by themselves, at boundaries
	Random int // killed at random moments
	Failed int // ended with a status of 1

	environment []string
	boundaries  string
	draw        *rand.Rand
	began       time.Time
}

// New returns a campaign whose seed is that of [SeedVariable], or a new one. It skips the test under -short.
func New(t *testing.T, seed string) *Campaign {
	t.Helper()
	if testing.Short() {
		t.Skip("starts many processes")
	}
	c := &Campaign{Seed: uint64(time.Now().UnixNano()), began: time.Now()}
	if given, err := strconv.ParseUint(seed, 10, 64); err == nil {
		c.Seed = given
	}
	t.Logf("%s=%d", SeedVariable, c.Seed)
	folder := t.TempDir()
	c.draw = rand.New(rand.NewPCG(c.Seed, 2)) //nolint:gosec // nothing secret
	c.Journal, c.boundaries = filepath.Join(folder, "journal"), filepath.Join(folder, "boundaries")
	require.NoError(t, os.WriteFile(c.boundaries, nil, 0o600))
	return c
}

// Tell sets variables of the environment of all runs to come, each as name=value.
func (c *Campaign) Tell(environment ...string) { c.environment = append(c.environment, environment...) }

// Run runs the program in a role until it ends, or is killed. It returns its exit status, -1 if it was killed.
func (c *Campaign) Run(t *testing.T, role string, killAfter time.Duration, args ...string) int {
	t.Helper()
	ctx := t.Context()
	if killAfter > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, killAfter)
		defer cancel()
	}
	c.Last.Reset()
	command := exec.CommandContext(ctx, os.Args[0], append([]string{"-journal", c.Journal}, args...)...) //nolint:gosec // the test itself
	command.Env = append(command.Environ(), RoleVariable+"="+role, BoundariesVariable+"="+c.boundaries)
	command.Env = append(command.Env, c.environment...)
	command.Stdout, command.Stderr = &c.Last, &c.Last
	_ = command.Run()
	require.NotNil(t, command.ProcessState, "it did not start")
	c.Runs++
	status := command.ProcessState.ExitCode()
	require.Containsf(t, []int{-1, 0, 1}, status, "%s", c.Last.String())
	switch {
	case status == -1 && role == Victim:
		c.Killed++
	case status == -1:
		require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded, "nobody but this test may kill it: %s", c.Last.String())
		c.Random++
	case status == 1:
		c.Failed++
	}
	return status
}

// RandomKills is how many processes a campaign kills at random moments.
const RandomKills = 50

// RunAll kills runs at every boundary and at random moments, until one ends well. A run that fails is logged unless
// its output has one of the texts that are expected.
func (c *Campaign) RunAll(t *testing.T, args []string, expected ...string) {
	t.Helper()
	for status := -1; status != 0; {
		require.Less(t, c.Runs, 2000, c.Last.String())
		if c.Random < RandomKills && c.Random <= c.Killed {
			status = c.Run(t, Prey, c.Moment(1500*time.Millisecond), args...)
		} else {
			status = c.Run(t, Victim, 0, args...)
		}
		if status == 1 && !hasAny(c.Last.String(), expected) {
			t.Logf("run %d failed: %s", c.Runs, c.Last.Bytes()[max(0, c.Last.Len()-400):])
		}
	}
}

func hasAny(text string, parts []string) bool {
	for _, part := range parts {
		if strings.Contains(text, part) {
			return true
		}
	}
	return false
}

// RunRandom kills runs at random moments alone, until one ends well.
func (c *Campaign) RunRandom(t *testing.T, args []string) {
	t.Helper()
	for status := -1; status != 0; {
		require.Less(t, c.Runs, 200, c.Last.String())
		var killAfter time.Duration
		if c.Random < RandomKills {
			killAfter = c.Moment(2 * time.Second)
		}
		status = c.Run(t, Runbook, killAfter, args...)
	}
}

// Moment returns a random time before the latest.
func (c *Campaign) Moment(latest time.Duration) time.Duration {
	return time.Duration(c.draw.Int64N(int64(latest)))
}

// Passed returns where runs were killed.
func (c *Campaign) Passed(t *testing.T) Passed {
	t.Helper()
	return readPassed(t, c.boundaries)
}

// Log logs what the campaign has come to.
func (c *Campaign) Log(t *testing.T) {
	t.Helper()
	t.Logf("%d runs in %s: %d killed at boundaries, %d killed at random moments, %d failed",
		c.Runs, time.Since(c.began).Round(time.Second), c.Killed, c.Random, c.Failed)
}

// History is what the journal holds of steps, line by line.
func (c *Campaign) History(t *testing.T, keys ...string) []string {
	t.Helper()
	const longest = 700
	journal, err := os.ReadFile(c.Journal)
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(journal)) {
		for _, key := range keys {
			if strings.Contains(line, `"key":"`+key+`"`) {
				lines = append(lines, line[:min(len(line), longest)])
			}
		}
	}
	return lines
}
