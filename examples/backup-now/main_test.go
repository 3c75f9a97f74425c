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

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// Whoever runs the tests may have named a cloud in the environment. They must not back up what it has.
func TestMain(m *testing.M) {
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "OS_") {
			if err := os.Unsetenv(name); err != nil {
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

func TestOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	assert.Contains(t, out.String(), "using a simulated region\n")
	assert.Contains(t, out.String(), " of vault production: waiting until its backups have ended\n")
	assert.Regexp(t, `^\S+ \S+ backed up$`, row(out.String(), "db-1"))
	assert.Regexp(t, `^\S+ \S+ backed up$`, row(out.String(), "app-1"))
	assert.NotContains(t, out.String(), "-resume")
}

// The commands of the page are those of the program.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	commands := 0
	for line := range strings.Lines(string(page)) {
		command, _, _ := strings.Cut(line, "#")
		arguments, whole := strings.CutPrefix(strings.TrimPrefix(command, "go run ./examples/"), "backup-now ")
		if !whole {
			continue
		}
		commands++
		_, err := parse(strings.Fields(arguments), io.Discard)
		require.NoError(t, err, command)
	}
	assert.Equal(t, 2, commands)
	var help bytes.Buffer
	_, err = parse([]string{"-h"}, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	for _, named := range regexp.MustCompile("`(-[a-z-]+)").FindAllStringSubmatch(string(page), -1) {
		assert.Contains(t, help.String(), "\n  "+named[1])
	}
}

func TestDryRunOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-dry-run", "-resource", "db-1"}, &out))
	assert.Contains(t, out.String(), "vault production (")
	assert.Equal(t, checkpointstest.VMID("db-1")+" OS::Nova::Server 140 GB 0 available", row(out.String(), "db-1"))
	assert.Empty(t, row(out.String(), "app-1"))
	assert.Contains(t, out.String(), "dry run: nothing was changed\n")
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"not defined: -no-such-flag":                   {"-no-such-flag"},
		`"db-1" is not understood; -h shows what is`:   {"-full", "db-1"},
		"the name is empty":                            {"-resource", " "},
		"with -patience 0s nothing can end":            {"-patience", "0s"},
		"-resume backs up nothing":                     {"-resume", "drkit.1.abc", "-full"},
		"-resume needs the region of the earlier run":  {"-resume", "drkit.1.abc"},
		`there is no vault "attic"`:                    {"-vault", "attic"},
		`"db-1" is named twice`:                        {"-resource", "db-1", "-resource", checkpointstest.VMID("db-1")},
		`the name "not plain" has more than letters`:   {"-name", "not plain"},
		"the description has 256 characters":           {"-description", strings.Repeat("x", 256)},
		`no vault protects "db-9": there is db-1, app`: {"-resource", "db-9"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out), want)
		assert.NotContains(t, out.String(), "waiting")
		assert.NotContains(t, out.String(), want, "main prints it")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &out))
	for _, part := range []string{"usage: backup-now [-vault NAME] [-resource NAME]…", "-resume TOKEN", "(default 24h0m0s)", "OS_REGION_NAME"} {
		assert.Contains(t, out.String(), part)
	}
	assert.NotContains(t, out.String(), "simulated region\n")
}

func TestInterruptBeforeTheFirstRequest(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, nil, &out), context.Canceled)
	assert.NotContains(t, out.String(), "OUTCOME")
}

// In a real region nothing is backed up that was not named.
func TestRegionOfTheEnvironment(t *testing.T) {
	server := checkpointstest.NewServer(t)
	for name, value := range map[string]string{
		"AUTH_URL": server.AuthURL, "USERNAME": server.User, "PASSWORD": "", "USER_DOMAIN_NAME": server.Domain,
		"PROJECT_NAME": server.Project, "REGION_NAME": server.Region, "INSECURE": "true", // whose certificates nobody has signed
	} {
		t.Setenv("OS_"+name, value)
	}
	var out bytes.Buffer
	require.ErrorContains(t, run(t.Context(), []string{"-vault", "production"}, &out), "password is empty")
	t.Setenv("OS_PASSWORD", server.Password)
	require.ErrorContains(t, run(t.Context(), nil, &out), "this backs up for real: say what with -vault or -resource")
	assert.Zero(t, server.Count(creates))
	assert.Zero(t, server.Count(""), "not even a sign-in")

	require.NoError(t, run(t.Context(), []string{"-resource", "app-1"}, &out))
	assert.NotContains(t, out.String(), "simulated")
	assert.Len(t, server.Backups(""), 1)
}
