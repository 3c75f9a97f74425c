package main

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// built is the built program at work on two sites of this process, as on real ones.
type built struct {
	command *exec.Cmd
	pipe    io.Closer // its output
	lines   *bufio.Scanner
	errors  bytes.Buffer
	printed strings.Builder
}

func startBuilt(t *testing.T, pair *vspheretest.Pair, file string) *built {
	t.Helper()
	p := &built{command: exec.Command(buildOnce(t), "-all", "-journal", file, "-folder", "/DC/Recovered VMs", "-compute", "/DC/cluster-1/Recovered", "-rate", "6000")}
	p.command.Env = environment(pair)
	p.command.Stderr = &p.errors
	pipe, err := p.command.StdoutPipe()
	require.NoError(t, err)
	p.pipe, p.lines = pipe, bufio.NewScanner(pipe)
	require.NoError(t, p.command.Start())
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	return p
}

func buildOnce(t *testing.T) string {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("builds a program")
	case runtime.GOOS == "windows":
		t.Skip("cannot send an interrupt")
	}
	name := filepath.Join(t.TempDir(), "test-bubble")
	out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	return name
}

// until reads on to the line that has this in it.
func (p *built) until(t *testing.T, part string) {
	t.Helper()
	for p.lines.Scan() {
		p.printed.WriteString(p.lines.Text() + "\n")
		if strings.Contains(p.lines.Text(), part) {
			return
		}
	}
	require.Fail(t, "it ended too early", "%s\n%s", p.printed.String(), p.errors.String())
}

func (p *built) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	require.NoError(t, p.command.Process.Signal(signal))
}

// end reads the rest, and returns the code that the program ends with.
func (p *built) end() int {
	for p.lines.Scan() {
		p.printed.WriteString(p.lines.Text() + "\n")
	}
	_ = p.command.Wait()
	return p.command.ProcessState.ExitCode()
}

// onePair protects a machine.
func onePair(t *testing.T, running time.Duration) *vspheretest.Pair {
	t.Helper()
	return vspheretest.NewPair(t, vspheretest.Protect(vspheretest.Replication{VMName: "db-1"}), vspheretest.TaskDuration(0, running), vspheretest.RateLimits(0, 0, 0))
}

func assertNoBubble(t *testing.T, pair *vspheretest.Pair) {
	t.Helper()
	assert.Empty(t, pair.Recovery.TestMachines())
	assert.Nil(t, pair.Replication(id("db-1")).Image)
	assert.False(t, pair.Replication(id("db-1")).Paused)
}

func TestRealSignals(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"vc.site1.test", "pause: task", "pause done", "test: task", "in test as image", "clean-up: task", "resume: task"} {
		for name, signal := range map[string]os.Signal{"interrupt": os.Interrupt, "terminate": syscall.SIGTERM, "hang up": syscall.SIGHUP} {
			if signal != os.Interrupt && moment != "pause done" && moment != "in test as image" {
				continue // one of them is like the other
			}
			t.Run(name+" at "+moment, func(t *testing.T) {
				t.Parallel()
				pair := onePair(t, 300*time.Millisecond)
				program := startBuilt(t, pair, filepath.Join(t.TempDir(), "journal"))
				program.until(t, moment)
				program.signal(t, signal)
				status := program.end()
				assertNoBubble(t, pair)
				assert.Zero(t, pair.Recovery.Sessions())
				assert.NotContains(t, program.printed.String(), "left behind")
				if strings.Contains(program.printed.String(), "1 passed") { // the test was over
					assert.Zero(t, status)
					return
				}
				assert.Equal(t, 1, status)
				assert.Contains(t, program.printed.String(), "interrupted: no further rehearsal begins")
			})
		}
	}
}

// A pipe like "| tee log" ends at the same Ctrl-C, and with it the reader of the output.
func TestRealInterruptWithoutReader(t *testing.T) {
	t.Parallel()
	pair := onePair(t, 300*time.Millisecond)
	program := startBuilt(t, pair, filepath.Join(t.TempDir(), "journal"))
	program.until(t, "test: task")
	require.NoError(t, program.pipe.Close())
	program.signal(t, os.Interrupt)
	assert.Equal(t, 1, program.end())
	assertNoBubble(t, pair)
}

// Two interrupts, or a kill, leave what was begun. The next run ends it, and rehearses what has not passed.
func TestRealEndsAtOnce(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *built){
		"two interrupts": func(t *testing.T, p *built) {
			t.Helper()
			p.signal(t, os.Interrupt)
			p.until(t, "interrupted: ")
			p.signal(t, os.Interrupt)
			assert.Equal(t, 1, p.end())
			assert.Regexp(t, `\nleft behind: db-1: perhaps .*, replication GID-`, p.printed.String())
			assert.Contains(t, p.errors.String(), "interrupted twice")
		},
		"a kill": func(t *testing.T, p *built) {
			t.Helper()
			p.signal(t, os.Kill)
			assert.Equal(t, -1, p.end())
		},
	} {
		for _, moment := range []string{"pause: task", "test: task", "in test as image"} {
			t.Run(name+" at "+moment, func(t *testing.T) {
				t.Parallel()
				pair, file := onePair(t, 3*time.Second), filepath.Join(t.TempDir(), "journal")
				program := startBuilt(t, pair, file)
				program.until(t, moment)
				end(t, program)
				again := startBuilt(t, pair, file)
				assert.Zero(t, again.end(), "%s\n%s", &again.printed, &again.errors)
				assertNoBubble(t, pair)
				assert.Contains(t, again.printed.String(), "db-1: goes on where an earlier run was cut off")
				assert.Contains(t, again.printed.String(), "1 passed")
			})
		}
	}
}
