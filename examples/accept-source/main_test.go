package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// Whoever runs the tests may have named an appliance in the environment. They must not decide on who asks it.
func TestMain(m *testing.M) {
	if err := os.Unsetenv("UNITRENDS_URL"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	for _, line := range []string{
		"using a simulated target\n", "branch-1: accepted; waiting until that has settled\n", "lab-7: rejected; waiting",
		"SOURCE    REQUEST  DECISION  STORAGE      OUTCOME\n", "\nbranch-1  1        accept    copies       accepted: system ",
		"\nbranch-2  2        accept    copies-west  accepted: system ", "\nlab-7     3        reject    –            rejected\n",
	} {
		assert.Contains(t, out.String(), line)
	}
	assert.NotContains(t, out.String(), "-resume")
}

func TestDryRunOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-dry-run", "-allow", "lab-7=internal"}, &out))
	assert.Contains(t, out.String(), "\nbranch-1  TAG-branch-1  1        leave     –         not allowed, and without -message nothing is rejected\n")
	assert.Contains(t, out.String(), "\nlab-7     TAG-lab-7     3        accept    internal  allowed\n")
	assert.Contains(t, out.String(), "dry run: nothing was changed\n")

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-dry-run", "-storage", "internal"}, &out))
	assert.Contains(t, out.String(), "\nbranch-1  TAG-branch-1  1        accept    internal     allowed\n", "what was given stays")
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"not defined: -no-such-flag":                         {"-no-such-flag"},
		`"branch-1" is not understood; -h shows what is`:     {"-dry-run", "branch-1"},
		"the source is empty":                                {"-allow", "=copies"},
		"the storage is empty":                               {"-allow", "branch-1="},
		`"branch-1" is allowed twice`:                        {"-allow", "branch-1", "-allow", "branch-1=copies"},
		"with -patience 0s nothing can settle":               {"-patience", "0s"},
		`no storage is "cupboard"; there is: internal, copi`: {"-allow", "branch-1=cupboard"},
		`no storage is "attic"`:                              {"-allow", "branch-1", "-storage", "attic"},
		`"branch-1" and "TAG-branch-1" are the same source`:  {"-allow", "branch-1", "-allow", "TAG-branch-1"},
		"-resume decides nothing":                            {"-resume", "drkit.1.abc", "-message", "no"},
		"-resume needs the target of the earlier run":        {"-resume", "drkit.1.abc"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out), want)
		assert.NotContains(t, out.String(), "accepted")
		assert.NotContains(t, out.String(), want, "main prints it")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &out))
	for _, part := range []string{"usage: accept-source [-allow SOURCE[=STORAGE]]…", "-resume TOKEN", "(default 15m0s)", "UNITRENDS_THUMBPRINT"} {
		assert.Contains(t, out.String(), part)
	}
	assert.NotContains(t, out.String(), "simulated target\n")
}

func TestInterruptBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, nil, &out), context.Canceled)
	assert.NotContains(t, out.String(), "DECISION")
}

// At a real target nobody is accepted who was not named, and nobody rejected without words.
func TestTargetOfTheEnvironment(t *testing.T) {
	server := unitrendstest.NewServer(t, unitrendstest.Settling(0))
	t.Setenv("UNITRENDS_URL", server.URL)
	t.Setenv("UNITRENDS_USER", server.User)
	t.Setenv("UNITRENDS_PASSWORD", "")
	t.Setenv("UNITRENDS_THUMBPRINT", server.Thumbprint())
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), nil, &out), "UNITRENDS_PASSWORD is not set")
	assert.Zero(t, server.Count(""), "not even a sign-in")

	t.Setenv("UNITRENDS_PASSWORD", server.Password)
	require.EqualError(t, run(t.Context(), nil, &out), "3 of 3 need somebody to look")
	assert.Contains(t, out.String(), "left pending: not allowed, and without -message nothing is rejected")
	assert.NotContains(t, out.String(), "simulated")
	assert.Zero(t, server.Count(decides))

	out.Reset()
	require.EqualError(t, run(t.Context(), []string{"-allow", "branch-2"}, &out), "2 of 3 need somebody to look")
	assert.Equal(t, map[string]string{"branch-1": "pending", "branch-2": "done", "branch-3": "pending"}, states(server))
}
