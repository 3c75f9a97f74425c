package vspheretest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// What operations promise for a session that is not signed in to the remote site, and for a remote server that is down.
func TestRemoteConnectivity(t *testing.T) {
	t.Parallel()
	machine := url.PathEscape(vspheretest.MachineID("site2", "new-3"))
	remote := url.PathEscape(vspheretest.MachineID("site1", "db-1"))
	for _, tc := range []struct {
		method, path, body string
		away, down         int
		partial            []string // what is missing in both cases
	}{
		{"GET", "/info", "", 200, 200, nil},
		{"GET", "/tasks", "", 200, 200, nil},
		{"GET", "{P}/replications/count", "", 200, 200, nil},
		{"GET", "/pairings", "", 200, 200, []string{"$.list[0].remote_vc_server.server_status", "$.list[0].remote_vrms.server_status"}},
		{"GET", "{P}", "", 200, 200, []string{"$.remote_vc_server.server_status", "$.remote_vrms.server_status"}},
		{"GET", "{P}/issues", "", 200, 200, []string{"$.list"}},
		{"GET", "{P}/vrs", "", 200, 200, []string{
			"$.list[1].server_status", "$.list[1].version", "$.list[1].build_number", "$.list[1].certificates",
		}},
		{"GET", "{P}{localVR}", "", 200, 200, nil},
		{"GET", "{P}{remoteVR}", "", 200, 200, []string{"$.server_status", "$.version", "$.build_number", "$.certificates"}},
		{"GET", "{P}/replications", "", 200, 200, []string{
			"$.list[0].vm_id", "$.list[1].vm_id",
		}},
		{"GET", on(db1, ""), "", 200, 200, []string{"$.vm_id"}},
		{"GET", on(app1, ""), "", 200, 200, []string{"$.replication_server_name", "$.target_replication_server_uuid"}},
		{"GET", on(db1, "/disks"), "", 200, 200, []string{"$.list[0].vm_disk"}},
		{"GET", on(app1, "/disks"), "", 200, 200, []string{"$.list[0].destination_path", "$.list[0].replica_disk_usage"}},
		{"GET", on(db1, "/instances"), "", 200, 200, nil},
		{"GET", on(app1, "/instances"), "", 403, 500, nil},
		{"GET", "{P}/replications/issues", "", 200, 200, []string{"$.list"}},
		{"GET", "{P}/replications/issues?source_vc_guid=" + vspheretest.VCenterID("site1"), "", 200, 200, nil},
		{"GET", "{P}/replications/issues?source_vc_guid=" + vspheretest.VCenterID("site2"), "", 403, 500, nil},
		{"GET", "{P}/remote-session", "", 403, 500, nil},
		{"GET", "{P}{local}/vms", "", 200, 200, nil},
		{"GET", "{P}{remote}/vms", "", 403, 500, nil},
		{"GET", "{P}{local}/vms/" + machine + "/disks", "", 200, 200, nil},
		{"GET", "{P}{remote}/vms/" + remote + "/disks", "", 403, 500, nil},
		{"GET", "{P}{remote}/vms/" + remote + "/capability", "", 403, 500, nil},
		{"GET", "{P}{remote}/datastores", "", 403, 500, nil},
		{"GET", "{P}{remote}/storage-policies", "", 403, 500, nil},
		{"GET", "{P}{remote}/inventory/compute", "", 403, 500, nil},
		{"GET", "{P}{local}/inventory/vm-folder", "", 200, 200, nil},
		{"GET", "{P}{remoteVR}/replication-servers", "", 403, 500, nil},
		{"GET", "{P}{localVR}/replication-servers", "", 200, 200, nil},
		{"POST", on(db1, "/actions/pause"), "", 403, 500, nil},
		{"POST", on(db1, "/actions/resume"), "", 403, 500, nil},
		{"POST", on(db1, "/actions/unconfigure"), "", 403, 500, nil},
		{"POST", on(db1, "/actions/sync"), "", 202, 500, nil},
		{"POST", on(db1, "/actions/cleanup"), "", 202, 202, nil},
		{"DELETE", on(db1, ""), "", 202, 202, nil},
		{"DELETE", "{P}", "", 403, 500, nil},
		{"DELETE", "{P}?force=true", "", 202, 202, nil},
	} {
		t.Run(tc.method+" "+tc.path, func(t *testing.T) {
			t.Parallel()
			g := bothWays(t)
			check := func(want int, code string) {
				t.Helper()
				got := g.ask(t, want, tc.method, tc.path, tc.body)
				if want >= 400 {
					assert.Equal(t, code, read[wrong](t, got).Code)
					return
				}
				answered := read[struct {
					Meta meta `json:"_meta"`
				}](t, got).Meta
				assert.Equal(t, append([]string{}, tc.partial...), answered.fields())
				for _, e := range answered.Errors {
					assert.Equal(t, code, e.Code)
				}
			}
			check(tc.away, vspheretest.CodeRemoteSessionRequired)
			g = bothWays(t) // a request may have changed something
			g.server.Peer().Restart(time.Hour)
			check(tc.down, vspheretest.CodeRemoteSiteDown)
			g.server.Peer().Restart(0)
		})
	}
}

// bothWays starts a pair with replications in both directions.
func bothWays(t *testing.T) guest {
	t.Helper()
	return enter(t, vspheretest.Protect(
		vspheretest.Replication{VMName: "db-1"}, vspheretest.Replication{VMName: "web-1"},
		vspheretest.Replication{VMName: "app-1", Reversed: true},
	), vspheretest.Machines(vspheretest.Machine{Name: "new-3", Site: "site2"}))
}

// With a remote session nothing is missing.
func TestFullAnswers(t *testing.T) {
	t.Parallel()
	g := open(t)
	for _, path := range []string{
		"/pairings", "{P}", "{P}/issues", "{P}/vrs", "{P}{remoteVR}", "{P}/replications?extended_info=true",
		"{P}/replications/issues", on(db1, ""), on(db1, "/disks"), "{P}{remote}/vms", "{P}{remote}/datastores",
	} {
		assert.Empty(t, get[struct {
			Meta meta `json:"_meta"`
		}](t, g, path).Meta.Errors, path)
	}
	shown := get[listOf[shield]](t, g, "{P}/replications").List[0]
	assert.Nil(t, shown.Server, "a slow member")
	assert.NotNil(t, shown.VMID)
	assert.Nil(t, shown.Late)
	shown = get[listOf[shield]](t, g, "{P}/replications?extended_info=true").List[0]
	require.NotNil(t, shown.Server)
	assert.Equal(t, "hbr-1.site2.test", *shown.Server)
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "GET", "{P}/replications?extended_info=1", "")
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "GET", "{P}/replications?source_vc_guid=x", "")
	assert.Empty(t, get[listOf[shield]](t, g, "{P}/replications?source_vc_guid="+vspheretest.VCenterID("site2")).List)
	assert.Equal(t, 3, get[struct{ Count int }](t, g, "{P}/replications/count").Count)
}

func TestIdsThatNothingHas(t *testing.T) {
	t.Parallel()
	g := open(t)
	for _, path := range []string{
		"/tasks/x", "/replication-servers/x", "/pairings/x", "{P}/vrs/x", "{P}/vrs/x/replication-servers", on("x", ""),
		on(db1, "/instances/x"), "{P}/vcenters/x/vms", "{P}{local}/vms/x/disks", "{P}{local}/vms/x/capability",
		"{P}{local}/inventory/compute/x", "{P}{remote}/inventory/vm-folder/x", "{P}{localVR}/replication-servers/x",
		fmt.Sprintf("{P}{local}/inventory/compute/%s", url.PathEscape(vspheretest.FolderID("site2"))),
	} {
		g.refused(t, http.StatusNotFound, "", "GET", path, "")
	}
	g.refused(t, http.StatusNotFound, "", "POST", "{P}{local}/datastores/x/actions/browse", `{}`)
	g.refused(t, http.StatusNotFound, "", "POST", "{P}{local}/datastores/x/actions/find-seeds", `[]`)
	g.refused(t, http.StatusNotFound, "", "POST", "{P}{local}/storage-policies/x/actions/check-compliance", `[]`)
}
