package cloudreplicatest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// systemShown are system sessions.
type systemShown struct {
	SystemSessions []struct {
		ref
		SessionType     string
		CreationTimeUTC time.Time
		EndTimeUTC      string
		State           string
		Result          *struct{ Result, Message string }
	} `xml:"SystemSession"`
}

func (g guest) points(t testing.TB) int {
	t.Helper()
	var all refs
	entity(t, g, "/cloud/vmReplicaPoints", &all)
	return len(all.Refs)
}

// New points show once a collection has ended, not once its task has.
func TestCollecting(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		clock.Advance(time.Minute)
		g.server.Replicate("db-1")
		g.server.AddReplica(cloudreplicatest.Replica{Name: "new-1", Tenant: "globex"})
		require.Equal(t, 9, g.points(t))
		done := g.task(t, clock, "POST", "/backupServers/"+vbr01+"?action=collect", "")
		assert.Equal(t, "CollectingBackupServer", done.Operation)
		assert.True(t, done.Result.Success)
		assert.Equal(t, 9, g.points(t), "it has only begun")
		var sessions systemShown
		entity(t, g, "/systemSessions?format=Entity", &sessions)
		require.Len(t, sessions.SystemSessions, 2)
		running := sessions.SystemSessions[1]
		assert.Equal(t, "CollectJob InProgress", running.SessionType+" "+running.State)
		assert.Equal(t, "Collect Job @2030-06-01 12:01:01.000000", running.Name)
		assert.Nil(t, running.Result)
		assert.Empty(t, running.EndTimeUTC)
		g.server.Replicate("db-1")
		clock.Advance(time.Minute)
		assert.Equal(t, 9+2+3, g.points(t), "it shows what there was at its end")
		entity(t, g, "/systemSessions?format=Entity", &sessions)
		ended := sessions.SystemSessions[1]
		assert.Equal(t, "CompletedSuccessfully", ended.State)
		assert.Equal(t, "Success", ended.Result.Result)
		assert.Equal(t, "2030-06-01T12:02:01Z", ended.EndTimeUTC)
		assert.Equal(t, 1, g.server.Audit().Collect(vbr01).Finished)
		g.refused(t, http.StatusNotFound, "BackupServer", "POST", "/backupServers/"+unknown+"?action=collect", "")
	})
}

func TestCollectionsThatFailAndThoseBySchedule(t *testing.T) {
	t.Parallel()
	g, clock := open(t, cloudreplicatest.IdleTimeout(24*time.Hour))
	g.server.Replicate()
	g.server.FailCollect("The server is down")
	clock.Advance(16 * time.Minute)
	assert.Equal(t, 9, g.points(t))
	var sessions systemShown
	entity(t, g, "/systemSessions?format=Entity", &sessions)
	assert.Equal(t, "Failed", sessions.SystemSessions[1].State)
	assert.Equal(t, "The server is down", sessions.SystemSessions[1].Result.Message)
	clock.Advance(15 * time.Minute)
	assert.Equal(t, 12, g.points(t))
	audit := g.server.Audit().Collect(vbr01)
	assert.Equal(t, cloudreplicatest.CollectAudit{Server: vbr01, Name: "vbr01", Started: 2, Finished: 1}, audit)
	assert.Contains(t, g.server.Audit().String(), "vbr01: collected 1 of 2")
}

// A failover session shows with the end of the task that has begun it, or with a collection before that.
func TestCollectionsShowFailoverSessions(t *testing.T) {
	t.Parallel()
	g, clock := open(t, cloudreplicatest.TaskDuration(time.Second, 24*time.Hour), cloudreplicatest.IdleTimeout(24*time.Hour))
	g.ask(t, http.StatusAccepted, "POST", "/cloud/cloudFailoverPlans/"+cloudreplicatest.PlanID("acme all")+"?action=test", "", nil)
	var all refs
	clock.Advance(14 * time.Minute)
	entity(t, g, "/cloud/failoverSessions", &all)
	require.Empty(t, all.Refs)
	clock.Advance(2 * time.Minute)
	entity(t, g, "/cloud/failoverSessions", &all)
	require.Len(t, all.Refs, 1)
	var task taskShown
	entity(t, g, "/tasks/task-1", &task)
	assert.Equal(t, "OperationFinished", task.State)
}

func TestCollectingByHandOnly(t *testing.T) {
	t.Parallel()
	g, clock := open(t, cloudreplicatest.CollectEvery(0), cloudreplicatest.IdleTimeout(1000*24*time.Hour))
	g.server.Replicate()
	clock.Advance(500 * 24 * time.Hour)
	assert.Equal(t, 9, g.points(t))
	const ofDB1 = `VmDisplayName=="db-1"`
	assert.Len(t, g.names(t, "CloudVmReplicaPoint", ofDB1), 3)
	g.server.Collect()
	assert.Equal(t, 12, g.points(t))
	assert.Len(t, g.names(t, "CloudVmReplicaPoint", ofDB1), 4, "queries do not remember too long")
}

// A year of collections is no burden.
func TestAYearGoesBy(t *testing.T) {
	t.Parallel()
	g, clock := open(t, cloudreplicatest.IdleTimeout(1000*24*time.Hour))
	clock.Advance(365 * 24 * time.Hour)
	var all refs
	entity(t, g, "/systemSessions", &all)
	assert.Len(t, all.Refs, 500)
}

// Collecting one server leaves the others as they were.
func TestServersAreCollectedOneByOne(t *testing.T) {
	t.Parallel()
	g, clock := open(t,
		cloudreplicatest.WithBackupServers(cloudreplicatest.BackupServer{Name: "vbr01"}, cloudreplicatest.BackupServer{Name: "vbr02"}),
		cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"}, cloudreplicatest.Tenant{Name: "globex", Server: "vbr02"}),
		cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a", Tenant: "acme"}, cloudreplicatest.Replica{Name: "g", Tenant: "globex"}))
	g.server.Replicate()
	g.task(t, clock, "POST", "/backupServers/"+cloudreplicatest.BackupServerID("vbr02")+"?action=collect", "")
	clock.Advance(time.Minute)
	var a, b refs
	entity(t, g, "/cloud/replicas/"+cloudreplicatest.ReplicaID("a")+"/vmReplicaPoints", &a)
	entity(t, g, "/cloud/replicas/"+cloudreplicatest.ReplicaID("g")+"/vmReplicaPoints", &b)
	assert.Equal(t, []int{3, 4}, []int{len(a.Refs), len(b.Refs)})
	assert.True(t, g.server.RemoveReplica(cloudreplicatest.ReplicaID("g")))
	g.server.Collect()
	g.refused(t, http.StatusNotFound, "was not found", "GET", "/cloud/replicas/"+cloudreplicatest.ReplicaID("g"), "")
}

func TestOldPointsAreDropped(t *testing.T) {
	t.Parallel()
	g, clock := open(t, cloudreplicatest.KeepPoints(4))
	oldest := g.server.Points("db-1")[0].ID
	for range 3 {
		clock.Advance(time.Minute)
		g.server.Replicate("db-1")
	}
	points := g.server.Points("db-1")
	require.Len(t, points, 4)
	assert.Equal(t, noon().Add(3*time.Minute), points[3].Created)
	g.ask(t, http.StatusOK, "GET", "/cloud/vmReplicaPoints/"+oldest, "", nil)
	g.server.Collect()
	g.refused(t, http.StatusNotFound, oldest, "GET", "/cloud/vmReplicaPoints/"+oldest, "")
	g.ask(t, http.StatusOK, "GET", "/cloud/vmReplicaPoints/"+points[3].ID, "", nil)
}
