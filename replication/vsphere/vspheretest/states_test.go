package vspheretest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

func (g guest) status(t testing.TB, id string) string {
	t.Helper()
	return g.shield(t, id).Status.Status
}

func TestInstancesComeByThemselves(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.Protect(vspheretest.Replication{VMName: "db-1", RPO: 15, Instances: 2}))
	before := g.instances(t, db1)
	require.Len(t, before, 3)
	g.clock.Advance(15*time.Minute - 1)
	assert.Equal(t, before, g.instances(t, db1))
	g.clock.Advance(1)
	after := g.instances(t, db1)
	assert.Equal(t, before[:2], after[1:], "the oldest has gone")
	assert.Equal(t, int64(15*60*1000), after[0].Start-before[0].Start)
	g.clock.Advance(100 * 24 * time.Hour)
	later := g.instances(t, db1)
	require.Len(t, later, 3)
	assert.Equal(t, int64(15*60*1000), later[0].Start-later[1].Start)
	assert.NotContains(t, later, after[0])
	assert.Equal(t, "OK", g.status(t, db1))
}

func TestWithoutPointsInTime(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.Protect(vspheretest.Replication{VMName: "db-1", Instances: -1}))
	before := g.instances(t, db1)
	require.Len(t, before, 1)
	g.clock.Advance(time.Hour)
	after := g.instances(t, db1)
	require.Len(t, after, 1)
	assert.NotEqual(t, before, after)
}

func TestViolationsOfTheRPO(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		trouble, relief func(g guest)
		early, late     string
	}{
		"stalled": {
			func(g guest) { g.pair().Stall(db1, true) }, func(g guest) { g.pair().Stall(db1, false) }, "OK", "RPO_VIOLATION",
		},
		"off": {
			func(g guest) { g.pair().PowerMachine(db1, false) }, func(g guest) { g.pair().PowerMachine(db1, true) },
			"NOT_ACTIVE", "NOT_ACTIVE_RPO_VIOLATION",
		},
		"broken": {
			func(g guest) { g.pair().BreakReplication(db1, "The disk is full.") }, func(g guest) { g.pair().BreakReplication(db1, "") },
			"ERROR", "ERROR_RPO_VIOLATION",
		},
		"down": {
			func(g guest) { g.server.Peer().Restart(9999 * time.Hour) }, func(g guest) { g.server.Peer().Restart(0) },
			"NOT_ACTIVE", "NOT_ACTIVE_RPO_VIOLATION",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t)
			g.clock.Advance(30 * time.Minute)
			tc.trouble(g)
			g.clock.Advance(30 * time.Minute)
			shown := g.shield(t, db1)
			assert.Equal(t, tc.early, shown.Status.Status)
			assert.False(t, shown.Status.Violation)
			assert.Zero(t, *shown.Late)
			g.clock.Advance(7*time.Minute - time.Second)
			shown = g.shield(t, db1)
			assert.Equal(t, tc.late, shown.Status.Status)
			assert.True(t, shown.Status.Violation)
			assert.Equal(t, int64(7), *shown.Late)
			tc.relief(g)
			assert.Equal(t, "SYNC_RPO_VIOLATION", g.status(t, db1))
			g.clock.Advance(time.Minute)
			assert.Equal(t, "OK", g.status(t, db1))
			assert.Zero(t, *g.shield(t, db1).Late)
		})
	}
	g := open(t)
	assert.False(t, g.pair().Stall("x", true))
}

func TestIssues(t *testing.T) {
	t.Parallel()
	g := open(t)
	type issue struct{ Entity, Description, Status string }
	assert.Empty(t, get[listOf[issue]](t, g, "{P}/replications/issues").List)
	g.pair().BreakReplication(db1, "The disk is full.")
	g.pair().Stall(web1, true)
	g.clock.Advance(2 * time.Hour)
	assert.Equal(t, []issue{{db1, "The disk is full.", "ERROR"}, {web1, "The RPO is violated.", "WARNING"}},
		get[listOf[issue]](t, g, "{P}/replications/issues").List)
	server := vspheretest.ReplicationServerID("site1")
	require.True(t, g.server.Peer().DisconnectServer(server))
	assert.False(t, g.server.DisconnectServer(server))
	assert.Equal(t, []issue{{server, "The replication server is not connected.", "ERROR"}},
		get[listOf[issue]](t, g, "{P}/issues").List)
	g.server.Peer().Restart(time.Hour)
	got := get[listOf[issue]](t, g, "{P}/issues")
	require.Len(t, got.List, 1)
	assert.Equal(t, "The remote server cannot be reached.", got.List[0].Description)
	assert.Equal(t, []string{"$.list"}, got.Meta.fields())
}

func TestPauseResumeAndSync(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.fails(t, "is not paused", "POST", on(db1, "/actions/resume"), "")
	begun := g.begin(t, "POST", on(db1, "/actions/pause"), "")
	assert.Equal(t, "QUEUED", begun.Status)
	assert.Equal(t, db1, *begun.Entity)
	g.clock.Advance(queued + running/2)
	half := g.job(t, begun.ID)
	assert.Equal(t, "RUNNING", half.Status)
	assert.Equal(t, 50, half.Progress)
	assert.Equal(t, "OK", g.status(t, db1), "not yet")
	busy := g.begin(t, "POST", on(db1, "/actions/sync"), "")
	g.clock.Advance(running / 2)
	assert.Equal(t, "PAUSED", g.status(t, db1))
	g.clock.Advance(whole)
	assert.Contains(t, g.job(t, busy.ID).Error.Message, "is busy with task '"+begun.ID)
	g.fails(t, "is paused already", "POST", on(db1, "/actions/pause"), "")
	g.fails(t, "is paused.", "POST", on(db1, "/actions/sync"), "")
	points := g.instances(t, db1)
	g.clock.Advance(3 * time.Hour)
	assert.Equal(t, points, g.instances(t, db1))
	assert.Equal(t, "PAUSED", g.status(t, db1))
	assert.True(t, g.shield(t, db1).Status.Violation)
	g.succeed(t, "POST", on(db1, "/actions/resume"), "")
	assert.Equal(t, "SYNC_RPO_VIOLATION", g.status(t, db1))
	g.clock.Advance(time.Minute)
	require.Equal(t, "OK", g.status(t, db1))
	g.succeed(t, "POST", on(db1, "/actions/sync"), "")
	shown := g.shield(t, db1)
	assert.Equal(t, "SYNC", shown.Status.Status)
	assert.InDelta(t, 0, shown.Progress["progress"], 0)
	g.fails(t, "is being synchronized", "POST", on(db1, "/actions/sync"), "")
	g.clock.Advance(time.Minute - whole - time.Second)
	assert.InDelta(t, 98, g.shield(t, db1).Progress["progress"], 0)
	g.clock.Advance(time.Second)
	assert.Nil(t, g.shield(t, db1).Progress)
	g.pair().Stall(db1, true)
	g.fails(t, "is not active", "POST", on(db1, "/actions/sync"), "")
	done := g.pair().Audit().Replication(db1)
	assert.Equal(t, vspheretest.ReplicationAudit{
		Replication: db1, VMName: "db-1", Paused: 1, Resumed: 1, Synced: 1,
	}, done)
}

// A transfer that something gets in the way of leaves nothing behind.
func TestInterruptedSync(t *testing.T) {
	t.Parallel()
	g := open(t)
	points := g.instances(t, db1)
	g.succeed(t, "POST", on(db1, "/actions/sync"), "")
	g.pair().PowerMachine(db1, false)
	g.clock.Advance(10 * time.Minute)
	assert.Equal(t, points, g.instances(t, db1))
	g.pair().PowerMachine(db1, true)
	assert.Equal(t, "OK", g.status(t, db1))
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.Protect(
		vspheretest.Replication{VMName: "db-1", RPO: 5, Instances: 1, RecoverySolution: "com.vmware.vcDr"},
		vspheretest.Replication{VMName: "app-1", Reversed: true, Instances: -1},
	))
	g.succeed(t, "POST", on(db1, "/actions/test"), g.testOf(g.instances(t, db1)[1].ID))
	all := g.pair().Replications()
	require.Len(t, all, 2)
	shown := all[0]
	assert.Equal(t, shown, g.pair().Replication(db1))
	assert.Equal(t, "com.vmware.vcDr", shown.RecoverySolution)
	assert.Len(t, shown.Points, 2)
	assert.Equal(t, shown.Points[0].ID, shown.Image.InstanceID)
	assert.True(t, shown.Image.TestBubble)
	assert.Equal(t, shown.Image.MachineID, g.server.TestMachines()[0].ID)
	assert.True(t, all[1].Reversed)
	assert.Equal(t, -1, all[1].Instances)
	assert.Zero(t, g.pair().Replication("x"))
	require.NoError(t, g.pair().Protect(vspheretest.Replication{VMName: "new-1"}))
	require.Error(t, g.pair().Protect(vspheretest.Replication{VMName: "new-1"}))
	require.NoError(t, g.pair().AddMachine(vspheretest.Machine{Name: "new-9"}))
	require.Error(t, g.pair().AddMachine(vspheretest.Machine{Name: "new-9"}))
}

func TestStatusesThatNobodyKnows(t *testing.T) {
	t.Parallel()
	g := open(t)
	for _, status := range []string{"MOVING", "BRAND_NEW"} {
		require.True(t, g.pair().ShowStatus(db1, status))
		assert.Equal(t, status, g.pair().Replication(db1).Status)
	}
	g.pair().ShowStatus(db1, "")
	assert.Equal(t, "OK", g.status(t, db1))
	assert.False(t, g.pair().ShowStatus("x", "OK"))
	begun := g.begin(t, "POST", on(db1, "/actions/pause"), "")
	require.True(t, g.server.ShowTaskStatus(begun.ID, "THINKING"))
	g.clock.Advance(whole)
	assert.Equal(t, "THINKING", g.server.Tasks()[0].Status)
	g.server.ShowTaskStatus(begun.ID, "")
	assert.Equal(t, "SUCCESS", g.job(t, begun.ID).Status)
	assert.False(t, g.server.ShowTaskStatus("x", ""))
}

// Two actions fit into a transfer, and still it comes to nothing.
func TestPausesInterrupt(t *testing.T) {
	t.Parallel()
	g := open(t)
	points := g.instances(t, db1)
	g.succeed(t, "POST", on(db1, "/actions/sync"), "")
	g.succeed(t, "POST", on(db1, "/actions/pause"), "")
	assert.Nil(t, g.shield(t, db1).Progress)
	g.succeed(t, "POST", on(db1, "/actions/resume"), "")
	g.clock.Advance(10 * time.Minute)
	assert.Equal(t, points, g.instances(t, db1))
}

func TestRestartsInterrupt(t *testing.T) {
	t.Parallel()
	g := open(t)
	points := g.instances(t, db1)
	g.succeed(t, "POST", on(db1, "/actions/sync"), "")
	g.server.Peer().Restart(10 * time.Second)
	g.clock.Advance(10 * time.Minute)
	g.signInRemotely(t)
	assert.Equal(t, points, g.instances(t, db1))
	g.succeed(t, "POST", on(db1, "/actions/sync"), "")
	begun := g.clock.Now().UnixMilli()
	g.clock.Advance(time.Minute)
	assert.InDelta(t, begun, g.shield(t, db1).LastSync, 0, "when the transfer began")
	assert.Equal(t, begun, g.instances(t, db1)[0].Start)
}

// Without a remote session the issues that the remote site keeps are missing, and that is said.
func TestRemoteIssues(t *testing.T) {
	t.Parallel()
	g := bothWays(t)
	for _, id := range []string{db1, app1} {
		g.pair().BreakReplication(id, "The disk is full.")
	}
	type issue struct{ Entity string }
	assert.Equal(t, []issue{{db1}}, get[listOf[issue]](t, g, "{P}/replications/issues").List)
	g.signInRemotely(t)
	assert.Equal(t, []issue{{db1}, {app1}}, get[listOf[issue]](t, g, "{P}/replications/issues").List)
}
