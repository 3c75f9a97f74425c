package vcavtest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// wide is the longest body of the guide's failover, with values of our own.
const wide = `{
  "type" : "vcloud", "powerOn" : false, "consolidate" : false,
  "vAppNetworkSettings" : {
    "networkMappings" : [ {
      "sourceNetworkName" : "front",
      "sourceOrgVdcNetwork" : { "id" : "n-1", "name" : "front-net" },
      "destinationOrgVdcNetwork" : { "id" : "n-2", "name" : "back-net" }
    } ],
    "copySourceNetworks" : false,
    "bridgeOrgVdcNetworks" : [ { "id" : "n-3", "name" : "bridge" } ],
    "bulkConnectVmNics" : true
  },
  "vmNetworkSettings" : {
    "primaryNicIndex" : 0,
    "nics" : [ {
      "nicIndex" : 0, "isConnected" : true, "resetMacAddress" : true, "network" : "front-net",
      "ipAddress" : "10.1.2.3", "ipAddressAllocationMode" : "MANUAL", "externalIpAddress" : "192.0.2.7",
      "networkAdapterType" : "VMXNET3", "needsCustomization" : false, "macAddress" : "00:50:56:01:02:03"
    } ],
    "copySourceNicSettings" : true, "computerName" : "db-1", "enableGuestCustomization" : true
  }
}`

func TestTaskLife(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	began := clock.Now().UnixMilli()
	accepted := read[job](t, g.ask(t, http.StatusAccepted, "POST", "/vm-replications/"+db1+"/failover", wide, "operationID", "run-7"))
	assert.Equal(t, "root", accepted.User)
	assert.Equal(t, "failover", accepted.Workflow.Type)
	assert.Equal(t, "vmReplication", accepted.Workflow.ResourceType)
	assert.Equal(t, db1, *accepted.Workflow.ResourceID)
	assert.Equal(t, "db-1", *accepted.Workflow.ResourceName)
	assert.Equal(t, "site2", accepted.Site)
	assert.Equal(t, began, accepted.Start)
	for _, look := range []struct {
		wait     time.Duration
		state    string
		progress int
		recovery string
	}{
		{0, "QUEUED", 0, "NOT_STARTED"},
		{999 * time.Millisecond, "QUEUED", 0, "NOT_STARTED"},
		{time.Millisecond, "RUNNING", 0, "IN_PROGRESS"},
		{5 * time.Second, "RUNNING", 50, "IN_PROGRESS"},
		{4999 * time.Millisecond, "RUNNING", 99, "IN_PROGRESS"},
	} {
		clock.Advance(look.wait)
		seen := g.job(t, accepted.ID)
		assert.Equal(t, look.state, seen.State)
		assert.Equal(t, look.progress, seen.Progress)
		assert.Equal(t, int64(-1), seen.End)
		assert.Equal(t, clock.Now().UnixMilli(), seen.Updated)
		assert.Nil(t, seen.Result)
		assert.Nil(t, seen.ResultType)
		assert.Nil(t, seen.Error)
		assert.Equal(t, look.recovery, g.shield(t, db1).recovery())
	}
	clock.Advance(20 * time.Minute)
	ended := g.job(t, accepted.ID)
	assert.Equal(t, "SUCCEEDED", ended.State)
	assert.Equal(t, 100, ended.Progress)
	assert.Equal(t, began+11_000, ended.End, "whenever one looks")
	assert.Equal(t, ended.End, ended.Updated)
	assert.Equal(t, "SingleVmReplicationInfo", *ended.ResultType)
	assert.Equal(t, "COMPLETE", ended.Result.recovery())
	assert.Equal(t, began, ended.Result.Updated, "the start of its latest task")
	tasks := g.server.Tasks()
	require.Len(t, tasks, 1)
	assert.Equal(t, vcavtest.Task{
		ID: accepted.ID, Type: "failover", User: "root", Site: "site2", Resource: db1, State: "SUCCEEDED",
		Start: time.UnixMilli(began).UTC(), End: time.UnixMilli(began + 11_000).UTC(), OperationID: "run-7",
	}, tasks[0])
}

func TestTasksThatTakeNoTime(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.TaskDuration(0, 0))
	accepted := g.begin(t, "POST", "/vm-replications/"+db1+"/sync", "")
	assert.Equal(t, "RUNNING", accepted.State, "an accepted task has never ended")
	assert.Equal(t, "SUCCEEDED", g.job(t, accepted.ID).State)
}

func TestSync(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.Protect(vcavtest.Replication{VMName: "new", Unsynced: true}))
	id := vcavtest.ReplicationID("new")
	fresh := g.shield(t, id)
	assert.Nil(t, fresh.State.LatestInstance)
	assert.Equal(t, "INITIAL_SYNCING", fresh.Connection)
	assert.Equal(t, "YELLOW", fresh.Health)
	for n, connection := range []string{"INITIAL_SYNCING", "SYNCING"} {
		g.begin(t, "POST", "/vm-replications/"+id+"/sync", "")
		clock.Advance(6 * time.Second)
		during := g.shield(t, id)
		assert.Equal(t, connection, during.Connection)
		assert.Equal(t, "syncing", during.SourceState.State)
		assert.Equal(t, 50, during.SourceState.Progress.Progress)
		clock.Advance(5 * time.Second)
		after := g.shield(t, id)
		require.NotNil(t, after.State.LatestInstance)
		assert.Equal(t, n+1, after.State.LatestInstance.Sequence)
		assert.Equal(t, clock.Now().UnixMilli(), after.State.LatestInstance.Timestamp)
		assert.Equal(t, "idle", after.SourceState.State)
		assert.Equal(t, "OK", after.Connection)
		instances := read[[]moment](t, g.ask(t, http.StatusOK, "GET", "/vm-replications/"+id+"/instances", ""))
		require.Len(t, instances, n+1)
		assert.Equal(t, *after.State.LatestInstance, instances[n])
	}
}

func TestFormBodies(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	const form = "application/x-www-form-urlencoded"
	for _, path := range []string{"/sync?site=site2", "/sync"} {
		g.ask(t, http.StatusAccepted, "POST", "/vm-replications/"+db1+path, "site=site2", "Content-Type", form)
		clock.Advance(11 * time.Second)
	}
	g.refused(t, http.StatusUnauthorized, "RemoteAuthenticationFailure", "POST", "/vm-replications/"+db1+"/sync", "site=site1", "Content-Type", form)
	g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover)
	g.ask(t, http.StatusAccepted, "POST", "/vm-replications/"+db1+"/reverse?site=site2", "site=site2", "Content-Type", form)
}

func TestFailover(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.Protect(
		vcavtest.Replication{VMName: "db-1", VApp: "shop", Instances: []string{"replica-old", "replica-new"}},
		vcavtest.Replication{VMName: "app-1", VApp: "shop", Instances: []string{"replica-a", "replica-b"}},
		vcavtest.Replication{VMName: "lone"},
	))
	latest := g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover)
	assert.Equal(t, "SUCCEEDED", latest.State)
	assert.Equal(t, "replica-new", g.server.Replication(db1).RecoveredKey, "the latest by default")
	assert.True(t, g.server.Replication(db1).PoweredOn)
	first := g.shield(t, db1)
	assert.Equal(t, "FINISHED", first.Connection)
	require.NotNil(t, first.State.RecoveryInfo.VCDVMID)
	assert.Equal(t, first.Destination.Recov, *first.State.RecoveryInfo.VAppID)

	named := `{"type":"vcloud","powerOn":false,"instanceId":"replica-a"}`
	g.finish(t, clock, "POST", "/vm-replications/"+app1+"/failover", named)
	second := g.server.Replication(app1)
	assert.Equal(t, "replica-a", second.RecoveredKey)
	assert.False(t, second.PoweredOn)
	assert.Equal(t, first.Destination.Recov, g.shield(t, app1).Destination.Recov, "machines of one vApp stay together")
	assert.Empty(t, g.shield(t, vcavtest.ReplicationID("lone")).Destination.Recov)

	g.refused(t, http.StatusConflict, "AlreadyRecovered", "POST", "/vm-replications/"+db1+"/failover", failover)
	g.refused(t, http.StatusConflict, "AlreadyRecovered", "POST", "/vm-replications/"+db1+"/failover-test", test)
	g.refused(t, http.StatusConflict, "AlreadyRecovered", "POST", "/vm-replications/"+db1+"/sync", "")
	assert.Equal(t, 1, g.server.Ran("VMReplications.Failover", db1))
	assert.Equal(t, 2, g.server.Count("VMReplications.Failover")-g.server.Ran("VMReplications.Failover", app1))
}

func TestFailoverRefusals(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.OnPremisesSite("cellar"), vcavtest.RemoteSite("site1", "org1"), vcavtest.Protect(
		vcavtest.Replication{VMName: "cloud", SourceSite: "site1"},
		vcavtest.Replication{VMName: "ground", SourceSite: "site2", DestinationSite: "cellar"},
	))
	cloud, ground := vcavtest.ReplicationID("cloud"), vcavtest.ReplicationID("ground")
	const vcenter = `{"type":"vcenter","powerOn":true,"snapshotOptions":"EXPOSE_PITS","customVirtualHardware":{"numCpus":4,"numCoresPerSocket":2,"memoryInMB":8192,"macAddressPolicy":"DEFAULT"}}`
	for name, tc := range map[string]struct {
		status     int
		code       string
		path, body string
	}{
		"unknown replication":    {404, "ReplicationNotFound", "/vm-replications/C4-none/failover", failover},
		"unknown instance":       {404, "InstanceNotFound", "/vm-replications/" + cloud + "/failover", `{"type":"vcloud","powerOn":true,"instanceId":"replica-none"}`},
		"test, unknown instance": {404, "InstanceNotFound", "/vm-replications/" + cloud + "/failover-test", `{"type":"vcloud","powerOn":true,"sync":false,"instanceId":"replica-none"}`},
		"sync of an instance":    {400, "BadUserInput", "/vm-replications/" + cloud + "/failover-test", `{"type":"vcloud","powerOn":true,"sync":true,"instanceId":"replica-none"}`},
		"vcenter into the cloud": {400, "BadUserInput", "/vm-replications/" + cloud + "/failover", vcenter},
		"vcloud to on premises":  {400, "BadUserInput", "/vm-replications/" + ground + "/failover", failover},
	} {
		got := g.ask(t, tc.status, "POST", tc.path, tc.body)
		assert.Equal(t, tc.code, read[wrong](t, got).Code, name)
	}
	assert.Empty(t, g.server.Tasks(), "a refusal leaves nothing behind")
	assert.Equal(t, "failover", g.begin(t, "POST", "/vm-replications/"+ground+"/failover", vcenter).Workflow.Type)
}

func TestTestFailover(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1 + "/failover-test"
	g.refused(t, http.StatusConflict, "NoTest", "DELETE", path, "")
	tested := g.finish(t, clock, "POST", path, test)
	assert.Equal(t, "failoverTest", tested.Workflow.Type)
	assert.Equal(t, "TEST", tested.Result.recovery())
	assert.NotEmpty(t, *tested.Result.State.RecoveryInfo.VAppID)
	assert.NotEmpty(t, *tested.Result.State.RecoveryInfo.VCDVMID)
	assert.Equal(t, tested.Result.recovery(), g.shield(t, db1).recovery())

	g.refused(t, http.StatusConflict, "TestInProgress", "POST", path, test)
	g.refused(t, http.StatusConflict, "TestInProgress", "POST", "/vm-replications/"+db1+"/failover", failover)
	g.refused(t, http.StatusConflict, "NotRecovered", "POST", "/vm-replications/"+db1+"/reverse", "")
	g.finish(t, clock, "POST", "/vm-replications/"+db1+"/sync", "")

	cleaned := g.finish(t, clock, "DELETE", path, "")
	assert.Equal(t, "failoverTestCleanup", cleaned.Workflow.Type)
	assert.Equal(t, "NOT_STARTED", cleaned.Result.recovery())
	assert.Nil(t, cleaned.Result.State.RecoveryInfo.VAppID)
	assert.Nil(t, cleaned.Result.State.RecoveryInfo.VCDVMID)
	g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover)
	assert.Equal(t, "COMPLETE", g.server.Replication(db1).Recovery)
}

func TestTestFailoverWithSync(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.Protect(vcavtest.Replication{VMName: "new", Unsynced: true}))
	id := vcavtest.ReplicationID("new")
	done := g.finish(t, clock, "POST", "/vm-replications/"+id+"/failover-test", `{"type":"vcloud","powerOn":true,"sync":true}`)
	assert.Equal(t, "SUCCEEDED", done.State)
	assert.Len(t, g.server.Replication(id).Instances, 1)
	assert.Equal(t, g.server.Replication(id).Instances[0], g.server.Replication(id).RecoveredKey)
}

func TestNothingToFailOverTo(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.Protect(vcavtest.Replication{VMName: "new", Unsynced: true}))
	id := vcavtest.ReplicationID("new")
	for path, body := range map[string]string{"/failover": failover, "/failover-test": test} {
		failed := g.finish(t, clock, "POST", "/vm-replications/"+id+path, body)
		assert.Equal(t, "FAILED", failed.State)
		assert.Equal(t, 100, failed.Progress)
		assert.Nil(t, failed.Result)
		assert.Nil(t, failed.ResultType)
		require.NotNil(t, failed.Error)
		assert.Equal(t, "NoInstance", failed.Error.Code)
		assert.Equal(t, []string{id}, failed.Error.Args)
		assert.Nil(t, failed.Error.Stacktrace)
		assert.Equal(t, "NOT_STARTED", g.shield(t, id).recovery())
	}
	assert.Equal(t, "NoInstance", g.server.Tasks()[0].Error)
}

func TestReverse(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	path := "/vm-replications/" + db1
	g.refused(t, http.StatusConflict, "NotRecovered", "POST", path+"/reverse", "")
	before := g.finish(t, clock, "POST", path+"/failover", failover).Result
	reversed := g.finish(t, clock, "POST", path+"/reverse", "").Result
	require.NotNil(t, reversed)
	assert.True(t, reversed.Reversed)
	assert.Equal(t, "NOT_STARTED", reversed.recovery())
	assert.Equal(t, place{Site: "site2", Org: "org2", VApp: before.Destination.Recov}, reversed.Source)
	assert.Equal(t, place{Site: "site1", Org: "org1"}, reversed.Destination)
	assert.Equal(t, *before.State.RecoveryInfo.VCDVMID, reversed.VMID, "the recovered machine is the source now")
	assert.Nil(t, reversed.State.LatestInstance)
	assert.Empty(t, read[[]moment](t, g.ask(t, http.StatusOK, "GET", path+"/instances", "")))
	assert.Equal(t, "FAILED", g.finish(t, clock, "POST", path+"/failover", failover).State, "no instance before a sync")

	g.finish(t, clock, "POST", path+"/sync", "")
	g.finish(t, clock, "POST", path+"/failover", failover)
	home := g.finish(t, clock, "POST", path+"/reverse", "").Result
	assert.False(t, home.Reversed, "twice is home again")
	assert.Equal(t, "site1", home.Source.Site)
	assert.Equal(t, "site2", home.Destination.Site)
}

func TestPaused(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.Protect(vcavtest.Replication{VMName: "calm", Paused: true}))
	path := "/vm-replications/" + vcavtest.ReplicationID("calm")
	assert.True(t, g.shield(t, vcavtest.ReplicationID("calm")).Paused)
	assert.Equal(t, "PAUSED", g.shield(t, vcavtest.ReplicationID("calm")).Connection)
	g.refused(t, http.StatusConflict, "ReplicationPaused", "POST", path+"/sync", "")
	g.refused(t, http.StatusConflict, "ReplicationPaused", "POST", path+"/failover-test", `{"type":"vcloud","powerOn":true,"sync":true}`)
	g.finish(t, clock, "POST", path+"/failover-test", test)
	g.finish(t, clock, "DELETE", path+"/failover-test", "")
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", path+"/failover", failover).State)
}

func TestOneAtATime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ method, path, body string }{
		"sync": {"POST", "/sync", ""}, "failover": {"POST", "/failover", failover}, "test": {"POST", "/failover-test", test},
		"clean-up": {"DELETE", "/failover-test", ""}, "reverse": {"POST", "/reverse", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t)
			running := g.begin(t, "POST", "/vm-replications/"+db1+"/sync", "")
			got := read[wrong](t, g.ask(t, http.StatusConflict, tc.method, "/vm-replications/"+db1+tc.path, tc.body))
			assert.Equal(t, "OperationInProgress", got.Code)
			assert.Equal(t, []string{db1, "sync", running.ID}, got.Args)
			g.begin(t, "POST", "/vm-replications/"+web1+"/sync", "") // others are free
			clock.Advance(11 * time.Second)
			g.begin(t, "POST", "/vm-replications/"+db1+"/sync", "")
		})
	}
}

func TestFailTask(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.FailTask("VMReplications.Failover", db1, "DatastoreFull", "No space is left.")
	g.server.FailTask("VMReplications.Sync", "", "SourceGone", "The source is gone.")
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications/"+web1+"/failover", failover).State)
	failed := g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover)
	assert.Equal(t, "FAILED", failed.State)
	assert.Equal(t, wrong{Code: "DatastoreFull", Message: "No space is left.", Args: []string{}}, *failed.Error)
	assert.Equal(t, "NOT_STARTED", g.shield(t, db1).recovery())
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover).State, "once only")
	assert.Equal(t, "FAILED", g.finish(t, clock, "POST", "/vm-replications/"+app1+"/sync", "").State)
	g.server.FailTask("VMReplications.Sync", "", "SourceGone", "")
	g.server.ClearFaults()
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications/"+app1+"/sync", "").State)
}
