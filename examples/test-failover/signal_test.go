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
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// program is the built program at work on a server of this process, as on a real appliance.
type program struct {
	command *exec.Cmd
	pipe    io.Closer // its output
	lines   *bufio.Scanner
	errors  bytes.Buffer
	printed strings.Builder
}

func startProgram(t *testing.T, server *vcavtest.Server) *program {
	t.Helper()
	p := &program{command: exec.Command(build(t), "-org", "org1")}
	p.command.Env = append(os.Environ(), "VCAV_URL="+server.URL, "VCAV_USER="+server.User,
		"VCAV_PASSWORD="+server.Password, "VCAV_THUMBPRINT="+server.Thumbprint())
	p.command.Stderr = &p.errors
	pipe, err := p.command.StdoutPipe()
	require.NoError(t, err)
	p.pipe, p.lines = pipe, bufio.NewScanner(pipe)
	require.NoError(t, p.command.Start())
	t.Cleanup(func() { _ = p.command.Process.Kill() })
	return p
}

func build(t *testing.T) string {
	t.Helper()
	switch {
	case testing.Short():
		t.Skip("builds a program")
	case runtime.GOOS == "windows":
		t.Skip("cannot send an interrupt")
	}
	name := filepath.Join(t.TempDir(), "test-failover")
	out, err := exec.Command("go", "build", "-o", name, ".").CombinedOutput()
	require.NoErrorf(t, err, "%s", out)
	return name
}

// until reads on to the line that has this in it.
func (p *program) until(t *testing.T, part string) {
	t.Helper()
	for p.lines.Scan() {
		p.printed.WriteString(p.lines.Text() + "\n")
		if strings.Contains(p.lines.Text(), part) {
			return
		}
	}
	require.Fail(t, "it ended too early", "%s\n%s", p.printed.String(), p.errors.String())
}

func (p *program) interrupt(t *testing.T) {
	t.Helper()
	require.NoError(t, p.command.Process.Signal(os.Interrupt))
}

// end reads the rest, and returns the code that the program ends with.
func (p *program) end() int {
	for p.lines.Scan() {
		p.printed.WriteString(p.lines.Text() + "\n")
	}
	_ = p.command.Wait()
	return p.command.ProcessState.ExitCode()
}

func newSimulator(t *testing.T, running time.Duration) *vcavtest.Server {
	t.Helper()
	return vcavtest.NewServer(t, simulated(), vcavtest.TaskDuration(0, running))
}

func assertNoTest(t *testing.T, server *vcavtest.Server) {
	t.Helper()
	for _, replication := range server.Replications() {
		assert.Equal(t, vcavtest.RecoveryNotStarted, replication.Recovery, replication.VMName)
	}
	assert.Len(t, server.Machines(), len(server.Replications()), "their sources")
	assert.Zero(t, server.Sessions())
}

func TestRealInterrupt(t *testing.T) {
	t.Parallel()
	for _, moment := range []string{"signs in", "test failover: task", "in test as VM", "clean-up: task"} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			server := newSimulator(t, 300*time.Millisecond)
			program := startProgram(t, server)
			program.until(t, moment)
			program.interrupt(t)
			assert.Equal(t, 1, program.end())
			assertNoTest(t, server)
			assert.Contains(t, program.printed.String(), "interrupted: no further rehearsal begins")
			assert.Contains(t, program.printed.String(), " not begun")
			assert.Contains(t, program.errors.String(), "not begun")
		})
	}
}

// A pipe like "| tee log" ends at the same Ctrl-C, and with it the reader of the output.
func TestRealInterruptWithoutReader(t *testing.T) {
	t.Parallel()
	server := newSimulator(t, 300*time.Millisecond)
	program := startProgram(t, server)
	program.until(t, "in test as VM")
	require.NoError(t, program.pipe.Close())
	program.interrupt(t)
	assert.Equal(t, 1, program.end())
	assertNoTest(t, server)
}

func TestTwoRealInterrupts(t *testing.T) {
	t.Parallel()
	server := newSimulator(t, time.Hour)
	program := startProgram(t, server)
	program.until(t, "test failover: task")
	program.interrupt(t)
	program.until(t, "interrupted: ")
	program.interrupt(t)
	assert.Equal(t, 1, program.end())
	assert.Regexp(t, `left behind: \S+: perhaps a test machine, replication C4-`, program.printed.String())
	assert.Equal(t, server.Ran(testFailover, ""), strings.Count(program.printed.String(), "\nleft behind: "))
	assert.Contains(t, program.errors.String(), ": left behind: perhaps a test machine: ", "also where nobody reads the report")
	assert.Contains(t, program.errors.String(), "interrupted twice")
}
