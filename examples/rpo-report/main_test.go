package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// Whoever runs the tests may have named an Enterprise Manager in the environment.
func TestMain(m *testing.M) {
	for _, name := range []string{"CLOUDREPLICA_URL", "CLOUDREPLICA_TENANT"} {
		if err := os.Unsetenv(name); err != nil {
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func TestTable(t *testing.T) {
	t.Parallel()
	var out, notes bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &notes))
	assert.Equal(t, `AS OF

TENANT              OLDEST      MACHINES
globex              2 d 22 h    4 machines, 2 in breach, 1 without a point, 1 ok
acme                5 h 30 min  3 machines, 3 ok
hooli               –           no machine is known to be theirs
initech             –           1 machine, 1 in failover
umbrella            –           no machine is known to be theirs
(tenant not clear)  20 h        2 machines
(tenant not known)  9 h         1 machine

TENANT              MACHINE  BACKUP SERVER  NEWEST POINT  AGE       RPO   RESULT
globex              app-2    vbr01          TIME          2 d 22 h  24 h  breach
globex              app-1    vbr01          TIME          31 h      24 h  breach
globex              new-1    vbr01          none          –         24 h  no point
initech             erp      vbr01          TIME          40 h      24 h  in failover
(tenant not clear)  mail     vbr01          TIME          20 h      24 h  ambiguous: acme or hooli
(tenant not clear)  mail     vbr01          TIME          3 h       24 h  ambiguous: acme or hooli
(tenant not known)  lab-7    vbr01          TIME          9 h       24 h  unattributed

Failed over now, 3 of 11 machines would lose more than the RPO allows; of 3 it cannot be told whose they are.
`, aligned(out.String()))
	assert.Contains(t, notes.String(), "simulated Enterprise Manager", "not in what a pipe reads")
}

// aligned leaves out what differs from run to run.
func aligned(table string) string {
	lines := strings.Split(table, "\n")
	lines[0] = "AS OF"
	times := regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d UTC`)
	table = times.ReplaceAllString(strings.Join(lines, "\n"), "TIME                ")
	return strings.NewReplacer("TIME                ", "TIME        ", "none                ", "none        ",
		"NEWEST POINT        ", "NEWEST POINT").Replace(table)
}

func TestCSV(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-format=csv", "-tenant-rpo", "acme=5h15m"}, &out, io.Discard))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err, "all rows have as many columns")
	byName := map[string][]string{}
	for _, row := range rows[1:] {
		byName[row[1]+" of "+row[0]] = row
	}
	assert.Equal(t, []string{"vbr01", "breach", "true"}, byName["web-2 of acme"][2:5])
	assert.Equal(t, []string{"19800", "18900", "Ready", "3"}, byName["web-2 of acme"][6:10])
	assert.Equal(t, []string{"vbr01", "ok", "false"}, byName["web-1 of acme"][2:5])
	assert.Equal(t, []string{"vbr01", "no point", "true", "", "", "86400", "", "0"}, byName["new-1 of globex"][2:10])
	assert.Equal(t, []string{"in failover", "false"}, byName["erp of initech"][3:5])
	assert.Equal(t, []string{"unattributed", "false"}, byName["lab-7 of "][3:5])
}

func TestFailOnBreach(t *testing.T) {
	t.Parallel()
	for rpo, want := range map[string]int{"24h": 2, "71h": 2, "1h": 2} {
		var out bytes.Buffer
		err := run(t.Context(), []string{"-fail-on-breach", "-rpo", rpo}, &out, io.Discard)
		assert.Equal(t, want, exitCode(err), "%s: %v", rpo, err)
		assert.Contains(t, out.String(), "globex", "the report is there all the same")
	}
	server := cloudreplicatest.NewServer(t)
	require.NoError(t, show(t.Context(), connectTo(t, server), settingsOf(t, "-fail-on-breach"), io.Discard))
	err := show(t.Context(), connectTo(t, server), settingsOf(t, "-fail-on-breach", "-rpo", "20m"), io.Discard)
	assert.Equal(t, 2, exitCode(err))
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"none of table, csv":            {"-format", "xml"},
		"not defined: -no-such-flag":    {"-no-such-flag"},
		`"acme" is not understood`:      {"acme"},
		"no point is as young as that":  {"-rpo", "0s"},
		"no collection is as young as":  {"-max-stale", "0s"},
		"it has to be like acme=4h":     {"-tenant-rpo", "acme"},
		"it has to be like acme=4h\n":   {"-tenant-rpo", "=4h"},
		`"soon" is no age such as 4h`:   {"-tenant-rpo", "acme=soon"},
		"no point is as young as -4h0m": {"-tenant-rpo", "acme=-4h"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), args, &out, io.Discard)
		require.ErrorContains(t, err, strings.TrimSpace(want))
		assert.Equal(t, 1, exitCode(err))
		assert.Empty(t, out.String())
	}
	chosen := settingsOf(t, "-tenant-rpo", "a=b=4h")
	assert.Contains(t, chosen.TenantRPO, "a=b")
}

// An RPO for a tenant who is not there is a slip of the pen: the report is made, and says so.
func TestTenantWhoIsNotThere(t *testing.T) {
	t.Parallel()
	server := cloudreplicatest.NewServer(t)
	var out bytes.Buffer
	err := show(t.Context(), connectTo(t, server), settingsOf(t, "-tenant-rpo", "Acme=1m", "-tenant-rpo", "glob=1m", "-tenant-rpo", "acme=2h", "-fail-on-breach"), &out)
	require.EqualError(t, err, `-tenant-rpo: there is no tenant "Acme" and no "glob"`)
	assert.Equal(t, 1, exitCode(err))
	assert.Regexp(t, `(?m)^acme +30 min +2 machines, 2 ok$`, out.String())
	require.NoError(t, show(t.Context(), connectTo(t, server), settingsOf(t, "-tenant-rpo", "acme=2h"), &out))
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &out, io.Discard))
	for _, part := range []string{"usage: rpo-report", "-fail-on-breach", "CLOUDREPLICA_THUMBPRINT"} {
		assert.Contains(t, out.String(), part)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"-collect"}, {"-format", "html"}} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var out bytes.Buffer
		err := run(ctx, append(args, "-fail-on-breach"), &out, io.Discard)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, 1, exitCode(err))
		assert.Empty(t, out.String(), "half a report is none")
	}
}

func TestEnterpriseManagerOfTheEnvironment(t *testing.T) {
	server := cloudreplicatest.NewServer(t)
	t.Setenv("CLOUDREPLICA_URL", server.URL)
	t.Setenv("CLOUDREPLICA_USER", server.User)
	t.Setenv("CLOUDREPLICA_PASSWORD", server.Password)
	t.Setenv("CLOUDREPLICA_THUMBPRINT", server.Thumbprint())
	var out, notes bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out, &notes))
	assert.Regexp(t, `\nacme +30 min +2 machines, 2 ok\n`, out.String())
	assert.Empty(t, notes.String())
	assert.Zero(t, server.Sessions(), "signed out")
}

// A collection changes what is known, and one that fails makes the report no better than it was.
func TestCollect(t *testing.T) {
	t.Parallel()
	server := cloudreplicatest.NewServer(t, cloudreplicatest.CollectEvery(0))
	server.Replicate("db-1")
	var out bytes.Buffer
	require.NoError(t, show(t.Context(), connectTo(t, server), settingsOf(t, "-format", "csv"), &out))
	assert.Regexp(t, `(?m)^acme,db-1,vbr01,ok,false,[^,]+,18\d\d,`, out.String())

	out.Reset()
	server.FailCollect("the backup server cannot be reached")
	err := show(t.Context(), connectTo(t, server), settingsOf(t, "-collect", "-fail-on-breach", "-rpo", "1m"), &out)
	require.ErrorContains(t, err, "the backup server cannot be reached")
	assert.Equal(t, 1, exitCode(err), "what is not known weighs more than a breach")
	assert.Contains(t, out.String(), "did not go well: the backup server cannot be reached.")
	assert.Contains(t, out.String(), "db-1")

	out.Reset()
	require.NoError(t, show(t.Context(), connectTo(t, server), settingsOf(t, "-collect", "-format", "csv"), &out))
	assert.Regexp(t, `(?m)^acme,db-1,vbr01,ok,false,[^,]+,\d,`, out.String())
}

func TestTenantsMayNotAsk(t *testing.T) {
	t.Parallel()
	server := cloudreplicatest.NewServer(t)
	client, err := cloudreplica.NewClient(server.URL, cloudreplica.TenantLogin(
		cloudreplica.Login(server.User, drkit.NewSecret(server.Password)), "acme", drkit.NewSecret("tenant-password")), server.Options()...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) })
	var out bytes.Buffer
	require.ErrorIs(t, show(t.Context(), client, settingsOf(t), &out), drkit.ErrForbidden)
	assert.Empty(t, out.String())
}

func TestWriterThatFails(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"table", "csv", "html"} {
		require.ErrorIs(t, run(t.Context(), []string{"-format", format}, brokenPipe{}, io.Discard), io.ErrClosedPipe)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// The commands of the page are those of the program.
func TestReadme(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	var help bytes.Buffer
	_, err = parse([]string{"-h"}, &help)
	require.ErrorIs(t, err, flag.ErrHelp)
	commands := 0
	for line := range strings.Lines(string(page)) {
		command, _, _ := strings.Cut(line, "#")
		command, _, _ = strings.Cut(command, ">")
		arguments, whole := strings.CutPrefix(command, "go run ./examples/rpo-report")
		if !whole {
			continue
		}
		commands++
		_, err := parse(strings.Fields(arguments), io.Discard)
		require.NoError(t, err, command)
	}
	assert.Equal(t, 3, commands)
	for _, named := range regexp.MustCompile("`(-[a-z-]+)").FindAllStringSubmatch(string(page), -1) {
		assert.Contains(t, help.String(), "\n  "+named[1])
	}
}

func settingsOf(t *testing.T, args ...string) settings {
	t.Helper()
	chosen, err := parse(args, io.Discard)
	require.NoError(t, err)
	return chosen
}

func connectTo(t *testing.T, server *cloudreplicatest.Server) *cloudreplica.Client {
	t.Helper()
	client, err := cloudreplica.NewClient(server.URL, cloudreplica.Login(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) })
	return client
}
