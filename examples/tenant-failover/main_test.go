package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/crashtest"
)

// Whoever runs the tests may have named an Enterprise Manager in the environment. They must not fail over what it has.
// The test binary is also the processes of the campaign: see [child].
func TestMain(m *testing.M) {
	if role := os.Getenv(crashtest.RoleVariable); role != "" {
		os.Exit(child(role))
	}
	for _, name := range []string{"CLOUDREPLICA_URL", "CLOUDREPLICA_TENANT"} {
		if err := os.Unsetenv(name); err != nil {
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func start(ctx context.Context, out *bytes.Buffer, args ...string) error {
	return program{open: openJournal}.run(ctx, args, out)
}

func TestOnTheSimulator(t *testing.T) {
	t.Parallel()
	for result, args := range map[string][]string{"failed over": nil, "tested well": {"-test"}} {
		var out bytes.Buffer
		require.NoError(t, start(t.Context(), &out, args...))
		for _, part := range []string{
			"using a simulated Enterprise Manager\n", ": 2 plans\n", "  databases: begun\n", "  web: ended, 3 of 3 machines succeeded\n",
		} {
			assert.Contains(t, out.String(), part)
		}
		assert.Regexp(t, `(?m)^databases +2 machines +\S+ +`+result+`$`, out.String())
		assert.Regexp(t, `(?m)^ +web-3 +\S+ \S+ UTC +\S+ +success$`, out.String())
		assert.Less(t, strings.Index(out.String(), "db-1: success"), strings.Index(out.String(), "db-2: success"), "in the order of the plan")
	}
}

func TestDryRunOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, start(t.Context(), &out, "-dry-run"))
	assert.Regexp(t, `(?m)^acme +databases +1 +db-2 +\S+ \S+ UTC +2h0m +Ready +would be failed over$`, out.String())
	assert.Contains(t, out.String(), "\ndry run: nothing was started\n")
	assert.NotContains(t, out.String(), "globex")

	out.Reset()
	require.EqualError(t, start(t.Context(), &out, "-dry-run", "-test", "-plan", "globex all"), "1 of 1 plans must not be started")
	assert.Regexp(t, `app-1 .* not begun, because of others\n`, out.String())
	assert.Regexp(t, `app-2 .* refused: it is not ready: its replica is in the state Failover\n`, out.String())
	assert.Regexp(t, `app-3 +– +– +– +refused: it has no point\n`, out.String())

	out.Reset()
	require.NoError(t, start(t.Context(), &out, "-dry-run", "-tenant", "GLOBEX", "-accept-unready"))
	assert.Regexp(t, `app-3 .* would be failed over, although it has no point\n`, out.String())
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string]string{
		"not defined: -no-such-flag":               "-no-such-flag",
		`"acme" is not understood`:                 "acme",
		"nothing can be started":                   "-parallel 0",
		"no point is as young as that":             "-max-age -1h",
		"cannot parse":                             "-before yesterday",
		"-before does not go with -test":           "-test -before 2026-01-31T08:00:00Z",
		"name the journal":                         "-status",
		"with -journal":                            "-retry x",
		`-retry "x": step "x": not found; -status`: "-retry x -journal " + t.TempDir() + "/journal",
		"it goes with neither":                     "-dry-run -status -journal of/nobody",
		"no such file":                             "-status -journal of/nobody",
		`tenant "nobody" has no failover plan`:     "-tenant nobody",
		`there is no plan "nothing"`:               "-plan nothing",
		`plan "web" is named twice`:                "-plan web -plan web",
		`nothing was started: plan "globex all"`:   "-tenant globex",
		"app-1 has no point younger than 30m, ap":  "-tenant globex -max-age 1m",
	} {
		var out bytes.Buffer
		require.ErrorContains(t, start(t.Context(), &out, strings.Fields(args)...), want)
		assert.NotContains(t, out.String(), "begun")
		assert.NotContains(t, out.String(), want, "main prints it")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, start(t.Context(), &out, "-h"))
	for _, part := range []string{"usage: tenant-failover -tenant NAME", "-accept-unready", "(default 2)", "CLOUDREPLICA_TENANT_PASSWORD"} {
		assert.Contains(t, out.String(), part)
	}
	assert.NotContains(t, out.String(), "simulated Enterprise")
}

// The commands of the page are those of the program.
func TestReadme(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	commands := 0
	for line := range strings.Lines(string(page)) {
		command, _, _ := strings.Cut(line, "#")
		arguments, whole := strings.CutPrefix(strings.TrimPrefix(command, "go run ./examples/"), "tenant-failover ")
		if !whole {
			continue
		}
		commands++
		_, err := parse(strings.Fields(arguments), io.Discard)
		require.NoError(t, err, command)
	}
	assert.Equal(t, 4, commands)
	var help bytes.Buffer
	_, err = parse([]string{"-h"}, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, named := range regexp.MustCompile("`(-[a-z-]+)").FindAllStringSubmatch(string(page), -1) {
		assert.Contains(t, help.String(), "\n  "+named[1])
	}
}
