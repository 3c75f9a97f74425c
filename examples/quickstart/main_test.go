package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whoever runs the tests may have named an appliance in the environment. They must not fail over what it has.
func TestMain(m *testing.M) {
	if err := os.Unsetenv("VCAV_URL"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestQuickstart(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	for _, line := range []string{
		"signed in as root", "web-1 has 1 instance(s)", "test failover: task", "recovery is TEST",
		"clean up the test: task", "failover: task", "recovery is COMPLETE", "reverse: task",
		"web-1 was recovered at site2 as VM", "signed out; ",
	} {
		assert.Contains(t, out.String(), line)
	}
}

func TestDryRunStartsNothing(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-dry-run"}, &out))
	assert.Contains(t, out.String(), "would failover\n")
	assert.NotContains(t, out.String(), "task ")
}

func TestUnknownReplicationIsRefused(t *testing.T) {
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), []string{"-replication", "C4-unknown"}, &out), "not found")
	assert.Contains(t, out.String(), "signed out")
}

func TestInterruptSignsOut(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, nil, &out), context.Canceled)
}

func TestBadArguments(t *testing.T) {
	for want, args := range map[string][]string{
		"not defined: -no-such-flag": {"-no-such-flag"},
		`"web-1" is not understood`:  {"-dry-run", "web-1"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out), want)
		assert.Empty(t, out.String(), "main prints it")
	}
}

func TestHelp(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &out))
	for _, part := range []string{"usage: quickstart", "-replication ID", "VCAV_THUMBPRINT"} {
		assert.Contains(t, out.String(), part)
	}
}
