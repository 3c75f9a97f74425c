package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// Whoever runs the tests may have named an appliance in the environment. They must not migrate what it has.
func TestMain(m *testing.M) {
	if err := os.Unsetenv("VCAV_URL"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	for _, line := range []string{
		"using a simulated appliance", "1     db-1     org1@site1 → org2@site2  GREEN", "wave 1 of 2: db-1\n",
		"db-1: sync is task ", "db-1: migrate is task ", "db-1: migrate SUCCEEDED 100 %", "db-1: runs at site2 as VM ",
		"wave 2 of 2: app-1, web-1\n", "MACHINE  FROM → TO                SYNC   MIGRATE  VERIFY  DURATION  RESULT\n",
	} {
		assert.Contains(t, out.String(), line)
	}
	assert.Equal(t, 3, bytes.Count(out.Bytes(), []byte("  moved\n")))
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-dry-run", "-reverse", "-org", "org1", "-all", "-wave", "web-1"}, &out))
	assert.Contains(t, out.String(), "1     web-1 ")
	assert.NotContains(t, out.String(), "2     web-1 ", "it was named")
	assert.Contains(t, out.String(), "2     app-1 ")
	assert.Contains(t, out.String(), "2     db-1 ")
	assert.Contains(t, out.String(), "dry run: nothing was changed")
	assert.NotContains(t, out.String(), "is task")
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"not defined: -no-such-flag":        {"-no-such-flag"},
		`"db-1" is not understood`:          {"-dry-run", "db-1"},
		"-org and -all go together":         {"-all"},
		"nothing can move":                  {"-parallel", "0"},
		"a name is empty":                   {"-wave", "db-1,,web-1"},
		`no replication of "db-9" to site2`: {"-wave", "db-9"},
		`no replication of "db-1" to site7`: {"-to", "site7"},
		`"db-1" is named twice`:             {"-wave", "db-1", "-wave", "web-1, " + vcavtest.ReplicationID("db-1")},
		`"org9" has no other replications`:  {"-org", "org9", "-all"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out), want)
		assert.NotContains(t, out.String(), "wave 1")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &out))
	for _, part := range []string{"usage: planned-migration -to SITE", "-parallel N", "(default 4)", "VCAV_THUMBPRINT"} {
		assert.Contains(t, out.String(), part)
	}
}

func TestInterruptBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, nil, &out), context.Canceled)
}

// On a real appliance nothing moves that was not named.
func TestApplianceOfTheEnvironment(t *testing.T) {
	server := vcavtest.NewServer(t)
	t.Setenv("VCAV_URL", server.URL)
	t.Setenv("VCAV_USER", server.User)
	t.Setenv("VCAV_PASSWORD", server.Password)
	t.Setenv("VCAV_THUMBPRINT", server.Thumbprint())
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), nil, &out), "with -to")
	require.ErrorContains(t, run(t.Context(), []string{"-to", "site2"}, &out), "with -wave")
	assert.Zero(t, server.Count(""), "not even a sign-in")
	require.NoError(t, run(t.Context(), []string{"-to", "site2", "-wave", "web-1", "-dry-run"}, &out))
	assert.Contains(t, out.String(), "web-1")
	assert.NotContains(t, out.String(), "db-1")
	assert.Zero(t, server.Sessions(), "signed out")
}
