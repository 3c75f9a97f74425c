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
	"github.com/drkit-go/drkit/internal/crashtest"
)

// Whoever runs the tests may have named a cloud in the environment. They must not replicate what it has.
// The test binary is also the processes of the campaigns: see [child].
func TestMain(m *testing.M) {
	if role := os.Getenv(crashtest.RoleVariable); role != "" {
		os.Exit(child(role))
	}
	for _, setting := range os.Environ() {
		if name, _, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "OS_") {
			if err := os.Unsetenv(name); err != nil {
				os.Exit(1)
			}
		}
	}
	os.Exit(m.Run())
}

func start(ctx context.Context, out *bytes.Buffer, args ...string) error {
	return program{open: openJournal}.run(ctx, args, out)
}

func TestOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, start(t.Context(), &out))
	for _, part := range []string{
		"using two simulated regions\n", "3 vaults are replicated to eu-nl\n", "  databases: on its way to replicas\n",
		"  mixed: ended, 1 of 2 backups copied\n", "\nbackups without a copy:\n\nmixed  ",
	} {
		assert.Contains(t, out.String(), part)
	}
	assert.Regexp(t, `^databases replicas 6 6 0 0 6 \S+ replicated$`, row(out.String(), "databases"))
	assert.Regexp(t, `^mixed replicas 2 1 1 0 1 \S+ replicated$`, line(out.String(), "mixed         replicas"))
	assert.Regexp(t, `^mixed \S+ scratch-1 skipped BackupService\.6122: Only backups of servers with their system disk`, row(out.String(), "mixed"))
}

// The commands of the page are those of the program.
func TestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	commands := 0
	for line := range strings.Lines(string(page)) {
		command, _, _ := strings.Cut(line, "#")
		arguments, whole := strings.CutPrefix(strings.TrimPrefix(command, "go run ./examples/"), "vault-replication ")
		if !whole {
			continue
		}
		commands++
		_, err := parse(strings.Fields(arguments), io.Discard)
		require.NoError(t, err, command)
	}
	assert.Equal(t, 3, commands)
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
	require.NoError(t, start(t.Context(), &out, "-dry-run"))
	assert.Regexp(t, `^applications \S+ replicas 4 would be replicated$`, row(out.String(), "applications"))
	assert.Regexp(t, `^mixed \S+ replicas 2, of which 1 cannot be copied would be replicated$`, row(out.String(), "mixed"))
	assert.Contains(t, out.String(), "\ndry run: nothing was changed\n")
	assert.NotContains(t, out.String(), "disks")

	out.Reset()
	require.EqualError(t, start(t.Context(), &out, "-dry-run", "-vault", "disks"), "1 of 1 vaults must not be replicated")
	assert.Regexp(t, `refused: it is for backup of disk, and only backups of servers can be replicated$`, row(out.String(), "disks"))
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string]string{
		"not defined: -no-such-flag":                     "-no-such-flag",
		`"gold" is not understood`:                       "-to eu-nl gold",
		"nothing can be replicated":                      "-parallel 0",
		"the name of the vault is empty":                 "-vault =replicas",
		"the name of the destination is empty":           "-vault gold=",
		"name the journal":                               "-status",
		"with -journal":                                  "-retry x",
		"it goes with neither":                           "-dry-run -status -journal of/nobody",
		"no such file":                                   "-status -journal of/nobody",
		"eu-xx cannot be replicated to; there is: eu-nl": "-to eu-xx -journal x -dry-run",
	} {
		var out bytes.Buffer
		require.ErrorContains(t, start(t.Context(), &out, strings.Fields(args)...), want)
		assert.NotContains(t, out.String(), "on its way")
		assert.NotContains(t, out.String(), want, "main prints it")
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, start(t.Context(), &out, "-h"))
	for _, part := range []string{"usage: vault-replication -to REGION", "-vault NAME[=DESTINATION]", "(default 4)", "OS_REGION_NAME"} {
		assert.Contains(t, out.String(), part)
	}
	assert.NotContains(t, out.String(), "simulated regions\n")
}

// setenv names a simulated cloud in the environment.
func setenv(t *testing.T, server *checkpointstest.Server) {
	t.Helper()
	for name, value := range map[string]string{
		"AUTH_URL": server.AuthURL, "USERNAME": server.User, "PASSWORD": server.Password, "USER_DOMAIN_NAME": server.Domain,
		"PROJECT_NAME": server.Project, "REGION_NAME": server.Region, "INSECURE": "true", // whose certificates nobody has signed
	} {
		t.Setenv("OS_"+name, value)
	}
}

// In a real cloud nothing is replicated that was not asked for.
func TestCloudOfTheEnvironment(t *testing.T) {
	here := checkpointstest.NewServer(t)
	there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here))
	vault := checkpointstest.VaultID("production")
	here.AddBackups(vault, 2)
	setenv(t, here)
	file := t.TempDir() + "/journal"
	for want, args := range map[string][]string{
		"name a file for the journal with -journal":           {"-to", there.Region},
		"name the region that the copies go to":               {"-journal", file},
		"name the region that the copies go to with -to":      {"-dry-run"},
		"region3 cannot be replicated to":                     {"-journal", file, "-to", "region3"},
		"region2: checkpoints.Sessions.SignIn: ":              {"-journal", file, "-to", there.Region, "-to-project", "nobodys"},
		"region2: checkpoints: endpoint \"nonsense\"":         {"-journal", file, "-to", there.Region, "-to-endpoint", "nonsense"},
		"nothing was replicated: vault production: destinati": {"-journal", file, "-to", there.Region, "-destination", "attic"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, start(t.Context(), &out, args...), want)
		assert.NotContains(t, out.String(), "simulated")
	}
	assert.Zero(t, here.Count(replicates))

	var out bytes.Buffer
	require.NoError(t, start(t.Context(), &out, "-journal", file, "-to", there.Region, "-to-project", there.ProjectID, "-to-endpoint", there.URL), &out)
	assert.Equal(t, 1, here.Ran(replicates, vault))
	require.NoError(t, start(t.Context(), &out, "-journal", file), "the journal knows the rest")
	assert.Equal(t, 1, here.Ran(replicates, vault))
	assert.Len(t, there.Backups(""), 4)
}

// A token that is good for this region alone, and keys, which ask no catalogue.
func TestOtherCredentials(t *testing.T) {
	here := checkpointstest.NewServer(t)
	there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here))
	here.AddBackups(checkpointstest.VaultID("production"), 1)
	t.Setenv("OS_CBR_ENDPOINT_OVERRIDE", here.URL)
	t.Setenv("OS_PROJECT_ID", here.ProjectID)
	t.Setenv("OS_INSECURE", "true")
	t.Setenv("OS_TOKEN", here.Token())
	file := t.TempDir() + "/journal"
	var out bytes.Buffer
	require.ErrorContains(t, start(t.Context(), &out, "-journal", file, "-to", there.Region), "a token of the project is good for one region")

	t.Setenv("OS_TOKEN", "")
	t.Setenv("OS_ACCESS_KEY", here.AccessKey)
	t.Setenv("OS_SECRET_KEY", here.SecretKey)
	require.ErrorContains(t, start(t.Context(), &out, "-journal", file, "-to", there.Region), "region2: checkpoints: these credentials need an endpoint and a project id")
	require.NoError(t, start(t.Context(), &out, "-journal", file, "-to", there.Region, "-to-project", there.ProjectID, "-to-endpoint", there.URL), &out)
	assert.Len(t, there.Backups(""), 2)
	assert.Zero(t, here.Count("Identity.CreateToken"))
}
