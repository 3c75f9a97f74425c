package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

const starts = "FailoverPlans.Start"

// bench is a simulator with a journal.
type bench struct {
	*cloudreplicatest.Server
	journal string
	out     bytes.Buffer
}

func newBench(t *testing.T, options ...cloudreplicatest.Option) *bench {
	t.Helper()
	return &bench{Server: cloudreplicatest.NewServer(t, append(simulated(), options...)...), journal: t.TempDir() + "/journal"}
}

// run is a run of the program with these arguments.
func (b *bench) run(ctx context.Context, t *testing.T, args ...string) error {
	t.Helper()
	return b.runAs(ctx, t, cloudreplica.Login(b.User, drkit.NewSecret(b.Password)), args...)
}

func (b *bench) runAs(ctx context.Context, t *testing.T, who cloudreplica.Credentials, args ...string) error {
	t.Helper()
	chosen, err := parse(append(args, "-journal", b.journal), &b.out)
	require.NoError(t, err)
	client, err := cloudreplica.NewClient(b.URL, who, append(b.Options(),
		drkit.WithPolling(drkit.PollPolicy{MinInterval: 20 * time.Millisecond, MaxInterval: 50 * time.Millisecond, Grace: 300 * time.Millisecond}))...)
	require.NoError(t, err)
	defer func() { assert.NoError(t, signOut(ctx, client)) }()
	b.out.Reset()
	journal, err := openJournal(b.journal)
	require.NoError(t, err)
	defer func() { assert.NoError(t, journal.Close()) }()
	for _, key := range chosen.retry {
		require.NoError(t, drkit.Retry(ctx, journal, key))
	}
	return newRunbook(client, journal, chosen, &b.out).run(ctx)
}

// Some machines fail: the others are up, and the report says which is which, also in a later run, which sends nothing.
func TestPartOfAPlanFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	web := cloudreplicatest.PlanID("web")
	b.FailVM(web, "web-2", "the host is out of memory")
	for range 2 {
		err := b.run(t.Context(), t, "-tenant", "acme")
		require.EqualError(t, err, "1 of 2 plans are not failed over")
		assert.Regexp(t, `(?m)^databases .* failed over$`, b.out.String())
		assert.Regexp(t, `(?m)^web .*web-2 \(Failed: the host is out of memory\)`, b.out.String())
		assert.Regexp(t, `(?m)^ +web-1 +\S+ \S+ UTC +\S+ +success$`, b.out.String())
		assert.Regexp(t, `(?m)^ +web-2 .* failed: the host is out of memory$`, b.out.String())
	}
	assert.Equal(t, 1, b.Count(starts)-b.Ran(starts, cloudreplicatest.PlanID("databases")))
	assert.Equal(t, 1, b.Audit().Plan(web).Started)
}

// All machines fail: the plan has failed, stays so, and is started again only where somebody asks for it.
func TestPlanFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	databases := cloudreplicatest.PlanID("databases")
	b.FailVM(databases, "db-1", "no space left")
	b.FailVM(databases, "db-2", "no space left")
	require.EqualError(t, b.run(t.Context(), t, "-plan", "databases"), "1 of 1 plan is not failed over")
	assert.Regexp(t, `(?m)^ +db-2 .* failed: no space left$`, b.out.String())
	require.Error(t, b.run(t.Context(), t))
	assert.Equal(t, 1, b.Audit().Plan(databases).Started)

	b.out.Reset()
	require.NoError(t, printStatus(b.journal, &b.out))
	assert.Regexp(t, `(?m)^databases +start `+databases+` +failed +1 .*no space left`, b.out.String())
	require.NoError(t, b.run(t.Context(), t, "-retry", "start "+databases))
	assert.Equal(t, 2, b.Audit().Plan(databases).Started)
}

// A journal that has ended is read, and nothing is sent; a new one finds machines that are not ready.
func TestNeverTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 3 {
		require.NoError(t, b.run(t.Context(), t, "-tenant", "acme"))
		assert.Regexp(t, `(?m)^databases +2 machines .* failed over$`, b.out.String())
	}
	assert.Equal(t, 2, b.Count(starts))
	b.out.Reset()
	require.NoError(t, printStatus(b.journal, &b.out))
	assert.Regexp(t, `(?m)^web +start \S+ +succeeded +1 .* 3 of 3 machines succeeded$`, b.out.String())

	b.Collect()
	b.journal += "-2"
	require.ErrorContains(t, b.run(t.Context(), t, "-tenant", "acme"), "db-1 is not ready: its replica is in the state Failover")
	assert.Equal(t, 2, b.Count(starts))
}

func TestJournalOfSomethingElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.run(t.Context(), t, "-plan", "web", "-tenant", "acme"))
	for want, args := range map[string]string{
		`about tenant "acme", and not`: "-tenant globex",
		"about failovers, and not":     "-test",
		"other plans or points":        "-plan databases",
		"leave -plan and -before out":  "-before 2026-01-31T08:00:00Z",
	} {
		require.ErrorContains(t, b.run(t.Context(), t, strings.Fields(args)...), want)
	}
	assert.Equal(t, 1, b.Count(starts))
}

// The logon session ends while plans are under way, and with it their tasks. The outcome is that of each machine all
// the same.
func TestNewSignIn(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudreplicatest.FailoverDuration(100*time.Millisecond, 400*time.Millisecond))
	b.WarnVM(cloudreplicatest.PlanID("databases"), "db-2", "the network is not mapped")
	b.Inject(cloudreplicatest.Fault{Operation: "Tasks.Get", Skip: 3, Times: 1, Do: b.ExpireSessions})
	require.EqualError(t, b.run(t.Context(), t, "-tenant", "acme"), "1 of 2 plans are not failed over")
	assert.Regexp(t, `(?m)^ +db-1 .* success$`, b.out.String())
	assert.Regexp(t, `(?m)^ +db-2 .* warning: the network is not mapped$`, b.out.String())
	assert.Equal(t, 2, b.Count(starts))
	assert.Greater(t, b.SignIns(), 1)
}

// An interrupt leaves what is under way alone; the next run finds it.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	b := newBench(t, cloudreplicatest.FailoverDuration(0, 300*time.Millisecond))
	ctx, cancel := context.WithCancel(t.Context())
	b.Inject(cloudreplicatest.Fault{Operation: starts, After: true, Times: 1, Do: cancel})
	err := b.run(ctx, t, "-tenant", "acme", "-parallel", "1")
	require.ErrorIs(t, err, context.Canceled)
	assert.Contains(t, b.out.String(), "interrupted: nothing new is begun")
	assert.Regexp(t, `(?m)^web .* context canceled$`, b.out.String())
	assert.Equal(t, 1, b.Count(starts))
	require.NoError(t, b.run(t.Context(), t))
	assert.Equal(t, 2, b.Count(starts))
	assert.Equal(t, 1, b.Audit().Plan(cloudreplicatest.PlanID("databases")).Started)
}

// The answer to a start is lost: the session is found, and nothing is sent again.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Inject(cloudreplicatest.Fault{Operation: starts, After: true, Drop: true, Times: 1})
	require.NoError(t, b.run(t.Context(), t, "-tenant", "acme", "-parallel", "1"), &b.out)
	assert.Equal(t, 2, b.Count(starts))
}

// A connection is lost that has the starts of both plans on it. The one that has run is found; the other may not have
// run at all, which the service cannot prove before it collects again: it is started by who looks and asks for it.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Inject(cloudreplicatest.Fault{Operation: starts, After: true, Drop: true, Times: 1})
	err := b.run(t.Context(), t, "-tenant", "acme")
	for _, plan := range []string{"databases", "web"} {
		id := cloudreplicatest.PlanID(plan)
		if b.Audit().Plan(id).Started == 0 {
			require.EqualError(t, err, "1 of 2 plans are not failed over")
			assert.Regexp(t, `(?m)^`+plan+` .* the outcome is unknown for failover plan `+id, b.out.String())
			err = b.run(t.Context(), t, "-retry", "start "+id)
		}
	}
	require.NoError(t, err, &b.out)
	for _, plan := range []string{"databases", "web"} {
		assert.Equal(t, 1, b.Audit().Plan(cloudreplicatest.PlanID(plan)).Started, plan)
	}
}

// Of several plans only so many are under way at once: with one at a time, the second begins when the points of the
// first are looked up for the report.
func TestParallel(t *testing.T) {
	t.Parallel()
	for limit, together := range map[string]bool{"1": false, "2": true} {
		b := newBench(t)
		require.NoError(t, b.run(t.Context(), t, "-tenant", "acme", "-parallel", limit))
		var begun []int
		ended := -1
		for i, request := range b.Requests() {
			switch {
			case request.Operation == starts:
				begun = append(begun, i)
			case request.Operation == "VMReplicaPoints.Get" && ended < 0:
				ended = i
			}
		}
		require.Len(t, begun, 2)
		assert.Equal(t, together, begun[1] < ended, "-parallel %s", limit)
	}
}

// A tenant sees and fails over what is theirs, without the query service.
func TestTenant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	who := cloudreplica.TenantLogin(cloudreplica.Login(b.User, drkit.NewSecret(b.Password)), "acme", drkit.NewSecret("tenant-password"))
	require.NoError(t, b.runAs(t.Context(), t, who, "-tenant", "acme"), &b.out)
	assert.Contains(t, b.out.String(), "  web: web-1: ")
	assert.Equal(t, 2, b.Count(starts))
}

// At a real Enterprise Manager nothing is started that was not asked for.
func TestEnterpriseManagerOfTheEnvironment(t *testing.T) {
	server := cloudreplicatest.NewServer(t, simulated()...)
	t.Setenv("CLOUDREPLICA_URL", server.URL)
	t.Setenv("CLOUDREPLICA_USER", server.User)
	t.Setenv("CLOUDREPLICA_PASSWORD", server.Password)
	t.Setenv("CLOUDREPLICA_THUMBPRINT", server.Thumbprint())
	file := t.TempDir() + "/journal"
	for want, args := range map[string][]string{
		"name a file for the journal with -journal": {"-tenant", "acme"},
		"name the tenant with -tenant, or plans":    {"-journal", file},
		"is not ready":                              {"-journal", file, "-tenant", "globex"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, start(t.Context(), &out, args...), want)
		assert.NotContains(t, out.String(), "simulated")
	}
	var out bytes.Buffer
	require.NoError(t, start(t.Context(), &out, "-tenant", "acme", "-dry-run"))
	assert.Zero(t, server.Count(starts))
	require.NoError(t, start(t.Context(), &out, "-tenant", "acme", "-plan", "web", "-test", "-journal", file))
	assert.Equal(t, 1, server.Audit().Plan(cloudreplicatest.PlanID("web")).Tested)
	assert.Zero(t, server.Sessions(), "signed out")
}
