package crashtest

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// Simulator is one in a process of its own, which lives as long as the test.
type Simulator struct {
	input  io.Writer
	output *json.Decoder
}

// StartSimulator starts the test's binary in the role of a simulator, with variables of the environment, each as
// name=value, and reads what it says of itself.
func StartSimulator(t *testing.T, seed uint64, hello any, environment ...string) *Simulator {
	t.Helper()
	command := exec.CommandContext(context.WithoutCancel(t.Context()), os.Args[0]) //nolint:gosec // the test itself, until its input ends
	command.Env = append(command.Environ(), RoleVariable+"="+Simulated, SeedVariable+"="+strconv.FormatUint(seed, 10))
	command.Env = append(command.Env, environment...)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	require.NoError(t, err)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = input.Close(); _ = command.Wait() })
	s := &Simulator{input: input, output: json.NewDecoder(bufio.NewReader(output))}
	require.NoError(t, s.output.Decode(hello))
	return s
}

// Audit asks the simulator what has really happened.
func (s *Simulator) Audit(t *testing.T, audit any) {
	t.Helper()
	_, err := io.WriteString(s.input, "audit\n")
	require.NoError(t, err)
	require.NoError(t, s.output.Decode(audit))
}

// Serve is the work of a simulator's process: it says hello, and answers each line of its standard input with an
// audit. It ends with its input.
func Serve(hello any, audit func() any) error {
	say := json.NewEncoder(os.Stdout)
	err := say.Encode(hello)
	for lines := bufio.NewScanner(os.Stdin); err == nil && lines.Scan(); {
		err = say.Encode(audit())
	}
	return err
}
