package main

import (
	"bytes"
	"context"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// Whoever runs the tests may have named an appliance in the environment. They must not rehearse what it has.
func TestMain(m *testing.M) {
	if err := os.Unsetenv("VCAV_URL"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestProgram(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), t.Context(), nil, &out))
	for _, line := range []string{
		"no VCAV_URL is set", "root signs in and rehearses org1: 8 machine(s), 4 at once",
		"db-1: in test as VM", "db-1: clean-up: task", "db-1: passed",
		"lab-1: skipped: in test already", "old-1: skipped: failed over already", "new-1: skipped: no instance",
		"org1: 5 passed, 3 skipped\n",
	} {
		assert.Contains(t, out.String(), line)
	}
}

func TestProgramRefuses(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"-no-such-flag":                     {"-no-such-flag"},
		`"org1" is no flag`:                 {"org1"},
		"with -parallel 0 nothing can run":  {"-parallel", "0"},
		"-cleanup-timeout 0s leaves no":     {"-cleanup-timeout", "0"},
		"org9 has no machine to rehearse":   {"-org", "org9"},
		"org1 has no machine to rehearse: ": {"-vm", "nobody"},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), t.Context(), args, &out), want)
			assert.NotContains(t, out.String(), want, "main prints it")
		})
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), t.Context(), []string{"-h"}, &out))
	assert.Contains(t, out.String(), "-cleanup-timeout")
}

func TestRealApplianceNeedsAnOrganization(t *testing.T) {
	server := vcavtest.NewServer(t)
	t.Setenv("VCAV_URL", server.URL)
	t.Setenv("VCAV_USER", server.User)
	t.Setenv("VCAV_PASSWORD", server.Password)
	t.Setenv("VCAV_THUMBPRINT", server.Thumbprint())
	require.ErrorContains(t, run(t.Context(), t.Context(), nil, new(bytes.Buffer)), "-org")
	assert.Zero(t, server.Count(""))
}

func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t)
		d.server.FailTask(testFailover, vcavtest.ReplicationID("app-1"), "NoSpace", "The datastore\nis full.")
		d.server.FailTask(cleanUp, vcavtest.ReplicationID("web-1"), "Busy", "The machine is locked.")
		other := d.newClient(t)
		_, err := other.VMReplications.Sync(t.Context(), vcavtest.ReplicationID("db-1"))
		require.NoError(t, err)
		require.NoError(t, other.Close(t.Context()))
		err = d.run()
		require.ErrorContains(t, err, "app-1: ")
		require.ErrorContains(t, err, "NoSpace")
		assert.NotContains(t, err.Error(), "\n")
		d.assertNothingLeft(t)
		assert.Regexp(t, `^files-1 1:0\d / 4:00 passed [\d.ms]+$`, d.row("files-1"))
		assert.Contains(t, d.row("db-1"), "skipped 0s busy with the sync of root")
		assert.Regexp(t, `^app-1 1:0\d / 1:00 failed [\d.ms]+ vcav.*NoSpace: The datastore is full\.`, d.row("app-1"))
		assert.Regexp(t, `^web-1 1:0\d / 4:00 passed`, d.row("web-1"), "the second attempt to clean up has worked")
		assert.Equal(t, "new-1 none / 4:00 skipped 0s no instance to recover yet", d.row("new-1"))
		assert.Contains(t, d.printed.String(), "web-1: vcav.VMReplications.CleanUpTestFailover: task on web-1 failed: Busy: The machine is locked.")
		assert.Contains(t, d.printed.String(), "again in 10s\n")
		assert.Contains(t, d.printed.String(), "org1: 3 passed, 1 failed, 4 skipped\n")
	})
}

func TestOnPremisesMachinesAreRehearsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t, vcavtest.LocalSite("site2", "org2"), vcavtest.RemoteSite("site1", "org1"), vcavtest.OnPremisesSite("factory"),
			vcavtest.Protect(vcavtest.Replication{VMName: "plc-1", SourceSite: "site2", SourceOrg: "org2", DestinationSite: "factory"}))
		d.job.org = "org2"
		require.NoError(t, d.run())
		d.assertNothingLeft(t)
		assert.Contains(t, d.row("plc-1"), "passed")
	})
}

// A machine that cannot be cleaned up is named.
func TestCleanUpThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t)
		for range attempts {
			d.server.FailTask(cleanUp, vcavtest.ReplicationID("db-1"), "Busy", "The machine is locked.")
		}
		err := d.run()
		var failure *drkit.TaskError
		require.ErrorAs(t, err, &failure)
		assert.Contains(t, d.row("db-1"), "Busy: The machine is locked.")
		d.assertNamed(t)
		assert.Contains(t, d.printed.String(), "left behind: db-1: test machine "+d.server.Replication(vcavtest.ReplicationID("db-1")).RecoveredVM)
	})
}

func TestCleanUpTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t)
		d.job.limit = 10 * time.Minute
		d.after(40*time.Second, func() {
			d.server.Inject(vcavtest.Fault{Status: 503})
			d.interrupt()
		})
		err := d.run()
		require.ErrorContains(t, err, "not cleaned up within 10m0s")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Less(t, time.Since(d.interrupted), 11*time.Minute)
		d.assertNamed(t)
		assert.Contains(t, d.printed.String(), "left behind: db-1: ")
	})
}
