package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// Whoever runs the tests may have named an appliance in the environment. They must not rehearse what it has. The test
// binary is also the program that is killed: see [child].
func TestMain(m *testing.M) {
	if kill := os.Getenv(killVariable); kill != "" {
		os.Exit(child(kill))
	}
	if err := os.Unsetenv("VSPHERE_REPLICATION_URL"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func start(t *testing.T, out *bytes.Buffer, args ...string) error {
	t.Helper()
	return program{open: openJournal}.run(t.Context(), t.Context(), args, out)
}

func TestOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, start(t, &out, "-promote"))
	for _, line := range []string{
		"no VSPHERE_REPLICATION_URL is set: using two simulated sites\n", "db-1: pause: task ", "db-1: in test as image ",
		"db-1: promote done\n", "db-1: resume done\n", "files-1: passed\n", "new-1: skipped: no instance", "\n4 passed, 2 skipped\n",
	} {
		assert.Contains(t, out.String(), line)
	}
	assert.NotContains(t, out.String(), "files-1: resume")
}

func TestDryRunOnTheSimulator(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, start(t, &out, "-dry-run", "-vm", "db-1", "-vm", "files-1"))
	assert.Regexp(t, `\ndb-1 .* pause, test, clean up, resume\n`, out.String())
	assert.Contains(t, out.String(), "\n\ndry run: nothing was changed\n")
	assert.NotContains(t, out.String(), "app-1")
}

func TestBadArguments(t *testing.T) {
	t.Parallel()
	for want, args := range map[string]string{
		"not defined: -no-such-flag":                   "-no-such-flag",
		`"db-1" is not understood; -h shows what is`:   "db-1",
		"with -parallel 0 nothing can run":             "-parallel 0",
		"with -rate 0 nothing can be asked":            "-rate 0",
		"-end-timeout 0s leaves no time":               "-end-timeout 0",
		"leave -vm out":                                "-all -vm db-1",
		"name the journal with -journal":               "-status",
		"name the journal with -journal ":              "-retry x",
		"and -dry-run nothing":                         "-dry-run -journal x -retry x",
		`there is no incoming replication of "nobody"`: "-vm db-1 -vm nobody",
		`there is no incoming replication of "back-1"`: "-vm back-1",
		"has no pairing nobody":                        "-pairing nobody",
		"-folder: there is no /DC/Nowhere":             "-folder /DC/Nowhere",
		"say with -compute where":                      "-compute Recovered",
		"no such file":                                 "-status -journal of/nobody",
		"/DC/cluster-1/Recovered/deeper":               "-compute /DC/cluster-1/Recovered/deeper/",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.ErrorContains(t, start(t, &out, strings.Fields(args)...), strings.TrimSpace(want))
			assert.NotContains(t, out.String(), "pause")
			assert.NotContains(t, out.String(), want, "main prints it")
		})
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, start(t, &out, "-h"))
	for _, part := range []string{"usage: test-bubble [-vm NAME]…", "-end-timeout", "(default 30m0s)", "VSPHERE_REPLICATION_URL"} {
		assert.Contains(t, out.String(), part)
	}
}

// On a real appliance nothing is tested that was not named, nowhere that was not named, and nothing without a journal.
func TestSiteOfTheEnvironment(t *testing.T) {
	pair := vspheretest.NewPair(t, vspheretest.TaskDuration(0, 20*time.Millisecond))
	server := pair.Recovery
	t.Setenv("VSPHERE_REPLICATION_URL", server.URL)
	t.Setenv("VSPHERE_REPLICATION_USER", server.User)
	t.Setenv("VSPHERE_REPLICATION_PASSWORD", server.Password)
	t.Setenv("VSPHERE_REPLICATION_THUMBPRINT", server.Thumbprint())
	t.Setenv("VSPHERE_REPLICATION_REMOTE_USER", pair.Protected.User)
	t.Setenv("VSPHERE_REPLICATION_REMOTE_PASSWORD", "")
	var out bytes.Buffer
	run := func(args ...string) error {
		p := program{open: openJournal, options: []drkit.Option{drkit.WithRateLimit(1000, 1000)}}
		return p.run(t.Context(), t.Context(), args, &out)
	}
	require.ErrorContains(t, run("-all"), "with -journal")
	assert.Zero(t, server.Count(""), "not even a sign-in")
	file := t.TempDir() + "/journal"
	require.ErrorContains(t, run("-all", "-journal", file), "VSPHERE_REPLICATION_REMOTE_PASSWORD is not set")
	t.Setenv("VSPHERE_REPLICATION_REMOTE_PASSWORD", pair.Protected.Password)
	require.ErrorContains(t, run("-journal", file), "say what to rehearse")
	require.ErrorContains(t, run("-journal", file, "-all", "-compute", "/DC"), "say with -folder")
	require.NoError(t, run("-all", "-dry-run"), "which needs neither places nor a journal")
	assert.Zero(t, server.Ran(pauses, ""))
	folder, pool := vspheretest.FolderID(server.Site), "/DC/cluster-1/Recovered"
	require.NoError(t, run("-journal", file, "-vm", "db-1", "-folder", folder, "-compute", pool))
	assert.Equal(t, 1, server.Ran(tests, ""))
	assert.Zero(t, server.Sessions(), "signed out")
	assert.Empty(t, server.TestMachines())

	out.Reset()
	require.NoError(t, run("-status", "-journal", file))
	assert.Regexp(t, `\ndb-1 .* rehearsal `+id("db-1")+` +passed\n$`, out.String())
	require.ErrorIs(t, run("-journal", file, "-retry", "resume "+id("db-1")), drkit.ErrStep, "it has succeeded")
	require.ErrorIs(t, run("-journal", file, "-retry", "resume of nobody"), drkit.ErrNotFound)

	other := vspheretest.NewPair(t, vspheretest.SiteNames("a", "b"))
	found, err := siteOf(other.Recovery)
	require.NoError(t, err)
	chosen := settings{file: file, all: true, parallel: 1, limit: time.Minute, folder: folder, compute: folder}
	err = program{open: openJournal}.work(t.Context(), t.Context(), found, chosen, &out)
	require.ErrorContains(t, err, "the journal is about appliance ")
	require.NoError(t, signOut(t.Context(), found.client))
}
