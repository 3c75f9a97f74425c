package vcavtest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// migrate is the guide's request without its networks.
const migrate = `{"type":"vcloud","powerOn":true,"consolidate":false}`

func TestStop(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1
	begun := g.begin(t, "DELETE", path+"?site=site2", "")
	assert.Equal(t, "stop", begun.Workflow.Type)
	assert.Equal(t, "db-1", *begun.Workflow.ResourceName)
	g.shield(t, db1)
	g.refused(t, http.StatusConflict, "OperationInProgress", "DELETE", path, "")
	clock.Advance(11 * time.Second)
	done := g.job(t, begun.ID)
	assert.Equal(t, "SUCCEEDED", done.State)
	assert.Nil(t, done.Result)
	assert.Nil(t, done.ResultType)
	for _, call := range []struct{ method, path, body string }{
		{"GET", path, ""},
		{"DELETE", path, ""},
		{"GET", path + "/instances", ""},
		{"POST", path + "/failover", failover},
		{"GET", path + "/traffic", ""},
		{"PATCH", path, "{}"},
		{"POST", path + "/pause", ""},
	} {
		g.refused(t, http.StatusNotFound, "ReplicationNotFound", call.method, call.path, call.body)
	}
	assert.Equal(t, []string{"web-1", "app-1"}, vms(g.shields(t, "").Items))
	assert.Empty(t, g.server.Machine("site1", vcavtest.MachineID("db-1")).Replication, "the machine stays")
	assert.NotEmpty(t, g.server.Machine("site1", vcavtest.MachineID("db-1")).Name)
}

func TestStopAfterRecoveries(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1
	g.finish(t, clock, "POST", path+"/failover-test", test)
	g.refused(t, http.StatusConflict, "TestInProgress", "DELETE", path, "")
	g.finish(t, clock, "DELETE", path+"/failover-test", "")
	recovered := g.finish(t, clock, "POST", path+"/failover", failover).Result
	assert.Equal(t, recovered.Destination.Recov, g.shield(t, app1).Destination.Recov, "machines of one vApp")
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "DELETE", path, "").State)
	assert.NotZero(t, g.server.Machine("site2", *recovered.State.RecoveryInfo.VCDVMID), "what was recovered stays")
	assert.Empty(t, g.shield(t, app1).Destination.Recov)
}

func TestPause(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1
	g.refused(t, http.StatusConflict, "ReplicationNotPaused", "POST", path+"/resume", "")
	first := g.begin(t, "POST", path+"/pause?site=site2", "")
	clock.Advance(time.Second)
	second := g.begin(t, "POST", path+"/pause", "") // as somebody does who has not heard of the first
	clock.Advance(10 * time.Second)
	g.refused(t, http.StatusConflict, "OperationInProgress", "POST", path+"/sync", "")
	clock.Advance(time.Second)
	for _, id := range []string{first.ID, second.ID, g.finish(t, clock, "POST", path+"/pause", "").ID} {
		done := g.job(t, id)
		assert.Equal(t, "pause", done.Workflow.Type)
		assert.Equal(t, "SUCCEEDED", done.State)
		assert.True(t, done.Result.Paused)
	}
	seen := g.shield(t, db1)
	assert.True(t, seen.Paused)
	assert.Equal(t, "PAUSED", seen.Connection)
	assert.Equal(t, "paused", seen.SourceState.State)

	g.refused(t, http.StatusConflict, "ReplicationPaused", "POST", path+"/sync", "")
	g.refused(t, http.StatusConflict, "ReplicationPaused", "POST", path+"/migrate", migrate)
	g.refused(t, http.StatusConflict, "ReplicationPaused", "POST", path+"/failover-test", `{"type":"vcloud","powerOn":true,"sync":true}`)

	done := g.finish(t, clock, "POST", path+"/resume", "")
	assert.Equal(t, "resume", done.Workflow.Type)
	assert.False(t, done.Result.Paused)
	g.finish(t, clock, "POST", path+"/sync", "")

	g.finish(t, clock, "POST", path+"/failover", failover)
	g.refused(t, http.StatusConflict, "AlreadyRecovered", "POST", path+"/pause", "")
	g.refused(t, http.StatusConflict, "AlreadyRecovered", "POST", path+"/resume", "")
	g.begin(t, "POST", "/vm-replications/"+app1+"/sync", "")
	g.refused(t, http.StatusConflict, "OperationInProgress", "POST", "/vm-replications/"+app1+"/pause", "")
}

func TestFormBodiesOfPauseAndResume(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	const form = "application/x-www-form-urlencoded"
	for _, path := range []string{"/pause?site=site2", "/resume?site=site2"} {
		g.ask(t, http.StatusAccepted, "POST", "/vm-replications/"+db1+path, "site=site2", "Content-Type", form)
		clock.Advance(11 * time.Second)
	}
	assert.False(t, g.server.Replication(db1).Paused)
}

// A replication that is paused before its initial synchronization begins it when it is resumed.
func TestPauseOfInitialSync(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop(vcavtest.TaskDuration(0, time.Minute))...)
	id := vcavtest.ReplicationID("db-2")
	g.begin(t, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	clock.Advance(time.Minute)
	g.server.KillSite("site1") // keeps the initial synchronization from ending
	clock.Advance(time.Minute)
	assert.Empty(t, g.server.Replication(id).Instances)
	g.server.ReviveSite("site1")
	g.begin(t, "POST", "/vm-replications/"+id+"/pause", "")
	clock.Advance(10 * time.Minute)
	g.server.PowerMachine("site1", vcavtest.MachineID("db-2"), true)
	clock.Advance(10 * time.Minute)
	assert.Empty(t, g.server.Replication(id).Instances, "it is paused")
	g.begin(t, "POST", "/vm-replications/"+id+"/resume", "")
	clock.Advance(2*time.Minute - 1)
	assert.Empty(t, g.server.Replication(id).Instances)
	clock.Advance(1)
	assert.Len(t, g.server.Replication(id).Instances, 1)
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.Protect(vcavtest.Replication{VMName: "db-1", Unsynced: true}))
	path, machine := "/vm-replications/"+db1, vcavtest.MachineID("db-1")
	begun := g.begin(t, "POST", path+"/migrate?site=site2", migrate)
	assert.Equal(t, "migrate", begun.Workflow.Type)
	clock.Advance(5 * time.Second)
	assert.Equal(t, "IN_PROGRESS", g.shield(t, db1).recovery())
	assert.False(t, g.server.Machine("site1", machine).PoweredOff)
	clock.Advance(6 * time.Second)
	done := g.job(t, begun.ID)
	require.Equal(t, "SUCCEEDED", done.State, "it makes its own instance")
	assert.Equal(t, "COMPLETE", done.Result.recovery())
	assert.Equal(t, "FINISHED", done.Result.Connection)
	found := g.server.Replication(db1)
	require.Len(t, found.Instances, 1)
	assert.Equal(t, found.Instances[0], found.RecoveredKey, "the latest changes")
	assert.True(t, g.server.Machine("site1", machine).PoweredOff, "the source is off")
	recovered := g.server.Machine("site2", *done.Result.State.RecoveryInfo.VCDVMID)
	assert.False(t, recovered.PoweredOff)
	assert.Equal(t, "db-1", recovered.Name)
	g.refused(t, http.StatusConflict, "AlreadyRecovered", "POST", path+"/migrate", migrate)

	reversed := g.finish(t, clock, "POST", path+"/reverse", "").Result
	assert.Equal(t, recovered.ID, reversed.VMID)
	assert.Zero(t, g.server.Machine("site1", machine), "the old source is the seed")
	assert.Equal(t, db1, g.server.Machine("site2", recovered.ID).Replication)
}

func TestMigrateToOnPremises(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.OnPremisesSite("cellar"), vcavtest.RemoteSite("site1", "org1"),
		vcavtest.Protect(vcavtest.Replication{VMName: "db-1", SourceSite: "site2", DestinationSite: "cellar"}))
	const vcenter = `{"type":"vcenter","powerOn":false,"snapshotOptions":"CONSOLIDATE",
		"customVirtualHardware":{"numCpus":2,"numCoresPerSocket":4,"memoryInMB":4096,"macAddressPolicy":"DEFAULT"}}`
	path := "/vm-replications/" + db1
	g.refused(t, http.StatusBadRequest, "BadUserInput", "POST", path+"/migrate", migrate)
	info := g.shield(t, db1).State.RecoveryInfo
	assert.Equal(t, "vc", info.Type)
	assert.Nil(t, info.VMID)
	info = g.finish(t, clock, "POST", path+"/migrate", vcenter).Result.State.RecoveryInfo
	assert.Equal(t, "COMPLETE", info.RecoveryState)
	assert.Nil(t, info.VAppID)
	assert.Nil(t, info.VCDVMID)
	assert.Equal(t, vcavtest.VCenterID("cellar"), *info.VCID)
	assert.Regexp(t, `^vm-\d+$`, *info.VMID)
	recovered := g.server.Machine("cellar", *info.VMID)
	assert.True(t, recovered.PoweredOff)
	assert.Equal(t, *info.VMID, g.server.Replication(db1).RecoveredVM)

	home := g.finish(t, clock, "POST", path+"/reverse", "").Result
	assert.Equal(t, "cellar", home.Source.Site)
	assert.Equal(t, "org2", home.Destination.Org)
	assert.Equal(t, "vcd", home.State.RecoveryInfo.Type)
}

func TestMigrateRefusals(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1
	g.finish(t, clock, "POST", path+"/failover-test", test)
	g.refused(t, http.StatusConflict, "TestInProgress", "POST", path+"/migrate", migrate)
	g.refused(t, http.StatusNotFound, "ReplicationNotFound", "POST", "/vm-replications/none/migrate", migrate)
	g.refused(t, http.StatusBadRequest, "ContractViolation", "POST", path+"/migrate", `{"type":"vcloud","powerOn":true,"instanceId":"x"}`)
	assert.Len(t, g.server.AcknowledgeViolations(), 1)
	g.begin(t, "POST", "/vm-replications/"+app1+"/sync", "")
	g.refused(t, http.StatusConflict, "OperationInProgress", "POST", "/vm-replications/"+app1+"/migrate", migrate)
	assert.False(t, g.server.Machine("site1", vcavtest.MachineID("db-1")).PoweredOff)
}

// Tests make machines and clean-ups remove them.
func TestMachinesOfTests(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1
	made := g.finish(t, clock, "POST", path+"/failover-test", `{"type":"vcloud","powerOn":true,"sync":false}`).Result.State.RecoveryInfo
	assert.False(t, g.server.Machine("site2", *made.VCDVMID).PoweredOff)
	g.finish(t, clock, "DELETE", path+"/failover-test", "")
	assert.Zero(t, g.server.Machine("site2", *made.VCDVMID))
	assert.False(t, g.server.Machine("site1", vcavtest.MachineID("db-1")).PoweredOff, "neither touches the source")
	g.finish(t, clock, "POST", path+"/failover", failover)
	assert.False(t, g.server.Machine("site1", vcavtest.MachineID("db-1")).PoweredOff, "nor does a failover")
}

// A walk over a list sees its rows move.
func TestListsThatMove(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.PageLimit(2))
	assert.Equal(t, []string{"app-1", "db-1"}, vms(g.shields(t, "?sort=vmName").Items))
	assert.True(t, g.server.RemoveReplication(db1))
	assert.False(t, g.server.RemoveReplication(db1))
	second := g.shields(t, "?sort=vmName&offset=2")
	assert.Empty(t, second.Items)
	assert.Equal(t, 2, second.Total)
	require.NoError(t, g.server.Protect(vcavtest.Replication{VMName: "aa-1"}))
	assert.Equal(t, []string{"aa-1", "app-1"}, vms(g.shields(t, "?sort=vmName").Items))
	assert.Equal(t, []string{"web-1"}, vms(g.shields(t, "?sort=vmName&offset=2").Items))

	lost := g.begin(t, "POST", "/vm-replications/"+app1+"/sync", "")
	g.server.RemoveReplication(app1)
	clock.Advance(11 * time.Second)
	assert.Equal(t, "ReplicationNotFound", g.job(t, lost.ID).Error.Code)
	require.NoError(t, g.server.Protect(vcavtest.Replication{VMName: "app-1"}), "the machine is free again")
}
