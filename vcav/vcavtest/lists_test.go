package vcavtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func (g guest) jobs(t testing.TB, query string) pageOf[job] {
	t.Helper()
	return read[pageOf[job]](t, g.ask(t, http.StatusOK, "GET", "/tasks"+query, ""))
}

func (g guest) shields(t testing.TB, query string) pageOf[shield] {
	t.Helper()
	return read[pageOf[shield]](t, g.ask(t, http.StatusOK, "GET", "/vm-replications"+query, ""))
}

// types names tasks by their types.
func types(tasks []job) []string {
	names := []string{}
	for _, task := range tasks {
		names = append(names, task.Workflow.Type)
	}
	return names
}

func vms(replications []shield) []string {
	names := []string{}
	for _, r := range replications {
		names = append(names, r.VMName)
	}
	return names
}

func TestTaskList(t *testing.T) {
	t.Parallel()
	g, clock := open(t, withTenant("ann@org2"))
	ann := tenant(t, g.server, "ann@org2")
	start := clock.Now().UnixMilli()
	first := g.finish(t, clock, "POST", "/vm-replications/"+db1+"/sync", "") // 0 to 11 s
	g.server.FailTask("VMReplications.Failover", "", "Broken", "It broke.")
	ann.finish(t, clock, "POST", "/vm-replications/"+app1+"/failover", failover) // 11 to 22 s
	g.finish(t, clock, "POST", "/vm-replications/"+web1+"/failover-test", test)  // 22 to 33 s
	g.begin(t, "DELETE", "/vm-replications/"+web1+"/failover-test", "")          // 33 s on
	at := func(seconds int) string { return strconv.FormatInt(start+int64(seconds)*1000, 10) }
	const all = "failoverTestCleanup failoverTest failover sync"
	for query, want := range map[string]string{
		"":                                      all,
		"?ids=" + first.ID:                      "sync",
		"?ids=" + first.ID + ",none":            "sync",
		"?sourceOrg=org1":                       all,
		"?sourceOrg=ORG1":                       "",
		"?destinationOrg=org2":                  all,
		"?destinationOrg=org1":                  "",
		"?user=root":                            "failoverTestCleanup failoverTest sync",
		"?user=ann@org2":                        "failover",
		"?state=QUEUED":                         "failoverTestCleanup",
		"?state=SUCCEEDED":                      "failoverTest sync",
		"?state=FAILED":                         "failover",
		"?state=RUNNING":                        "",
		"?type=failover":                        "failover",
		"?resourceId=" + web1:                   "failoverTestCleanup failoverTest",
		"?resourceName=db-1":                    "sync",
		"?resourceType=vmReplication":           all,
		"?resourceType=replication":             "",
		"?startTimeAfter=" + at(11):             "failoverTestCleanup failoverTest",
		"?startTimeBefore=" + at(11):            "sync",
		"?endTimeAfter=" + at(11):               "failoverTest failover",
		"?endTimeBefore=" + at(33):              "failover sync",
		"?resourceId=" + web1 + "&state=QUEUED": "failoverTestCleanup",
		"?sort=startTime":                       "sync failover failoverTest failoverTestCleanup",
		"?sort=startTime-":                      all,
		"?sort=endTime-":                        "failoverTest failover sync failoverTestCleanup",
		"?sort=user,startTime":                  "failover sync failoverTest failoverTestCleanup",
		"?sort=user-,startTime-":                "failoverTestCleanup failoverTest sync failover",
		"?sort=state":                           "failover failoverTestCleanup failoverTest sync",
		"?limit=1":                              "failoverTestCleanup",
		"?limit=2&offset=1":                     "failoverTest failover",
		"?offset=3":                             "sync",
		"?offset=9":                             "",
	} {
		assert.Equal(t, strings.Fields(want), types(g.jobs(t, query).Items), query)
	}
	for _, query := range []string{
		"?destinationOrg=org2&user=root", "?state=DONE", "?sort=type", "?sort=startTime,", "?limit=0", "?limit=x",
		"?offset=-1", "?startTimeAfter=yesterday",
	} {
		g.refused(t, http.StatusBadRequest, "BadRequest", "GET", "/tasks"+query, "")
	}
	assert.Equal(t, []string{"failover"}, types(ann.jobs(t, "").Items), "one's own only")
	for _, query := range []string{"?user=ann@org2", "?destinationOrg=org2"} {
		ann.refused(t, http.StatusForbidden, "Forbidden", "GET", "/tasks"+query, "")
	}
	ann.refused(t, http.StatusNotFound, "TaskNotFound", "GET", "/tasks/"+first.ID, "")
	g.refused(t, http.StatusNotFound, "TaskNotFound", "GET", "/tasks/none", "")
}

func TestPages(t *testing.T) {
	t.Parallel()
	var many []vcavtest.Replication
	for i := range 230 {
		many = append(many, vcavtest.Replication{VMName: fmt.Sprintf("vm-%03d", i)})
	}
	g, _ := open(t, vcavtest.Protect(many...))
	for query, want := range map[string]struct{ items, offset, limit int }{
		"":                      {100, 0, 100},
		"?limit=5000":           {100, 0, 100}, // silently
		"?limit=30":             {30, 0, 30},
		"?limit=100&offset=200": {30, 200, 100},
		"?offset=230":           {0, 230, 100},
	} {
		page := g.shields(t, query)
		assert.Len(t, page.Items, want.items, query)
		assert.Equal(t, want.offset, page.Offset, query)
		assert.Equal(t, want.limit, page.Limit, query)
		assert.Equal(t, 230, page.Total, query)
	}
	assert.Equal(t, []string{"vm-229", "vm-228"}, vms(g.shields(t, "?limit=2").Items), "newest first")
	small, _ := open(t, vcavtest.PageLimit(2))
	assert.Len(t, small.shields(t, "").Items, 2)
	assert.Equal(t, []string{"db-1"}, vms(small.shields(t, "?offset=2&limit=50").Items))
}

func TestReplicationList(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.LocalSite("site2", "org2", "org4"), vcavtest.RemoteSite("site1", "org1"),
		vcavtest.RemoteSite("site3", "org3"), vcavtest.OnPremisesSite("cellar"), vcavtest.Protect(
			vcavtest.Replication{VMName: "db-1", VMID: "vm-9", SLAProfile: "Gold & Co", Metadata: map[string]string{"a": "b"}},
			vcavtest.Replication{VMName: "db-2", SourceSite: "site3", DestinationOrg: "org4", Migration: true},
			vcavtest.Replication{VMName: "app-1", SourceSite: "cellar", Unsynced: true, ID: "C4-app"},
			vcavtest.Replication{VMName: "web-1", SourceSite: "site2", DestinationSite: "cellar", Paused: true, Owner: "System@site2"},
		))
	first := g.shield(t, db1)
	started := clock.Now().UnixMilli()
	clock.Advance(time.Minute)
	recovered := g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover).Result
	const all = "web-1 app-1 db-2 db-1"
	for query, want := range map[string]string{
		"":                  all,
		"?owner=org1@site1": "db-1", "?owner=org2@site2": "app-1", "?owner=System@site2": "web-1",
		"?sourceSite=site3": "db-2", "?sourceSite=cellar": "app-1", "?sourceSite=none": "",
		"?sourceSiteType=vcenter": "app-1", "?sourceSiteType=vcloud": "web-1 db-2 db-1",
		"?destinationSiteType=vcenter": "web-1", "?destinationSiteType=vcloud": "app-1 db-2 db-1",
		"?sourceOrg=org3": "db-2", "?destinationOrg=org4": "db-2", "?destinationOrg=org2": "app-1 db-1",
		"?sourceVdcName=org3+data+center": "db-2", "?destinationVdcName=org4+data+center": "db-2",
		"?vmId=" + recovered.VMID: "db-1", "?vmId=vm-9": "db-1",
		"?vmName=db": "db-2 db-1", "?vmName=-1": "web-1 app-1 db-1", "?vmName=DB": "",
		"?storageProfile=%2A": all, "?storageProfile=gold": "",
		"?recoveredVmId=" + *recovered.State.RecoveryInfo.VCDVMID:                                                 "db-1",
		"?recoveredVmId=" + *recovered.State.RecoveryInfo.VAppID:                                                  "db-1",
		"?vimServerInstanceUuid=" + first.VIMLocation.InstanceUUID:                                                "app-1 db-2 db-1",
		"?vimServerInstanceUuid=" + first.VIMLocation.InstanceUUID + "&datastoreMoref=" + first.VIMLocation.Moref: "app-1 db-2 db-1",
		"?vimServerInstanceUuid=" + first.VIMLocation.InstanceUUID + "&datastoreMoref=datastore-0":                "",
		"?sourceVimServerUuid=" + first.VIMLocation.InstanceUUID:                                                  "web-1",
		"?isMigration=true": "db-2", "?isMigration=false": "web-1 app-1 db-1",
		"?slaProfileDisplayName=" + url.QueryEscape("Gold & Co"): "db-1",
		"?slaProfileId=" + first.SLAProfile.ID:                   "db-1",
		"?lastUpdatedAfter=" + strconv.FormatInt(started, 10):    "db-1",
		"?lastUpdatedBefore=" + strconv.FormatInt(started+1, 10): "web-1 app-1 db-2",
		"?overallHealth=YELLOW":                                  "app-1",
		"?overallHealth=GREEN":                                   "web-1 db-2 db-1",
		"?dataConnectionState=FINISHED":                          "db-1",
		"?dataConnectionState=PAUSED":                            "web-1",
		"?ids=C4-app," + db1:                                     "app-1 db-1",
		"?sort=vmName":                                           "app-1 db-1 db-2 web-1",
		"?sort=vmName-":                                          "web-1 db-2 db-1 app-1",
		"?sort=sourceSite":                                       "app-1 db-1 web-1 db-2",
		"?sort=sourceOrg-":                                       "db-2 web-1 db-1 app-1",
		"?sort=sourceVdcName,vmName-":                            "app-1 db-1 web-1 db-2",
		"?sort=site":                                             "web-1 app-1 db-2 db-1",
		"?sort=site,vmName":                                      "web-1 app-1 db-1 db-2",
		"?sort=destinationOrg":                                   "web-1 app-1 db-1 db-2",
		"?sort=destinationVdcName-":                              "db-2 app-1 db-1 web-1",
		"?sort=owner":                                            "web-1 db-1 app-1 db-2",
		"?sort=lastUpdated-":                                     "db-1 web-1 app-1 db-2",
		"?vmName=db&limit=1&offset=1":                            "db-1",
	} {
		assert.Equal(t, strings.Fields(want), vms(g.shields(t, query).Items), query)
	}
	for _, query := range []string{
		"?sourceSite=site2", "?datastoreMoref=datastore-7", "?isMigration=yes", "?sort=id", "?limit=-1", "?lastUpdatedAfter=x",
	} {
		g.refused(t, http.StatusBadRequest, "BadRequest", "GET", "/vm-replications"+query, "")
	}
}

func TestWhatTenantsSee(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.LocalSite("site2", "org2", "org4"), withTenant("ann@org2"), vcavtest.Protect(
		vcavtest.Replication{VMName: "in"},
		vcavtest.Replication{VMName: "out", SourceSite: "site2", SourceOrg: "org2", DestinationSite: "site1"},
		vcavtest.Replication{VMName: "owned", DestinationOrg: "org4", Owner: "org2@site2"},
		vcavtest.Replication{VMName: "of-others", DestinationOrg: "org4"},
		vcavtest.Replication{VMName: "of-the-provider", Owner: "System@site2"},
	))
	require.NoError(t, g.server.AddTenant("dan@org4", "pw-of-dan@org4"))
	require.Error(t, g.server.AddTenant("eve@org9", "pw"))
	require.Error(t, g.server.AddTenant("eve", "pw"))
	ann, dan := tenant(t, g.server, "ann@org2"), tenant(t, g.server, "dan@org4")
	assert.Equal(t, []string{"owned", "out", "in"}, vms(ann.shields(t, "").Items))
	assert.Equal(t, 3, ann.shields(t, "").Total)
	assert.Equal(t, []string{"of-others", "owned"}, vms(dan.shields(t, "").Items))
	assert.Len(t, g.shields(t, "").Items, 5)

	in := vcavtest.ReplicationID("in")
	assert.Nil(t, ann.shield(t, in).VIMLocation, "for administrators")
	assert.NotNil(t, g.shield(t, in).VIMLocation)
	for _, hidden := range []string{"of-others", "of-the-provider"} {
		path := "/vm-replications/" + vcavtest.ReplicationID(hidden)
		ann.refused(t, http.StatusNotFound, "ReplicationNotFound", "GET", path, "")
		ann.refused(t, http.StatusNotFound, "ReplicationNotFound", "GET", path+"/instances", "")
		ann.refused(t, http.StatusNotFound, "ReplicationNotFound", "POST", path+"/failover", failover)
		ann.refused(t, http.StatusNotFound, "ReplicationNotFound", "DELETE", path+"/failover-test", "")
		ann.refused(t, http.StatusNotFound, "ReplicationNotFound", "POST", path+"/reverse", "")
		ann.refused(t, http.StatusNotFound, "ReplicationNotFound", "POST", path+"/sync", "")
	}
	for _, query := range []string{"?owner=org2@site2", "?sourceVimServerUuid=x", "?vimServerInstanceUuid=x", "?vimServerInstanceUuid=x&datastoreMoref=y"} {
		ann.refused(t, http.StatusForbidden, "Forbidden", "GET", "/vm-replications"+query, "")
	}
}

// A tenant's own task shows its result without what only administrators see, and nobody else's.
func TestTasksOfTenants(t *testing.T) {
	t.Parallel()
	g, clock := open(t, withTenant("ann@org2"), withTenant("bob@org2"))
	ann, bob := tenant(t, g.server, "ann@org2"), tenant(t, g.server, "bob@org2")
	task := ann.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover)
	assert.Equal(t, "ann@org2", task.User)
	assert.Nil(t, task.Result.VIMLocation)
	assert.NotNil(t, g.job(t, task.ID).Result.VIMLocation)
	bob.refused(t, http.StatusNotFound, "TaskNotFound", "GET", "/tasks/"+task.ID, "")
	assert.Empty(t, bob.jobs(t, "").Items)
	assert.Equal(t, "COMPLETE", bob.shield(t, db1).recovery(), "but the replication is both's")
}
