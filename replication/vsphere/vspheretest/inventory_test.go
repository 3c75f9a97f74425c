package vspheretest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

type named struct {
	ID, Name, Path, Parent string
}

func names(list []named) []string {
	found := []string{}
	for _, n := range list {
		found = append(found, n.Name)
	}
	return found
}

func TestInventory(t *testing.T) {
	t.Parallel()
	g := open(t)
	for path, want := range map[string][]string{
		"{P}{local}/inventory/compute":                        {"DC"},
		"{P}{local}/inventory/compute?path=%2F":               {"DC"},
		"{P}{local}/inventory/compute?path=%2FDC":             {"cluster-1"},
		"{P}{local}/inventory/compute?path=%2FDC%2Fcluster-1": {"esx-1", "Recovered"},
		"{P}{local}/inventory/vm-folder?path=%2FDC":           {"Recovered VMs"},
		"{P}{remote}/inventory/vm-folder":                     {"DC"},
		"{P}{remote}/inventory/vm-folder?path=%2FDC&limit=1":  {"Recovered VMs"},
		"{P}{local}/vms?filter_property=name&filter=nothing":  {},
		"{P}{remote}/vms?limit=100&offset=0":                  {"new-1", "new-2", "tpl", "db-1", "app-1", "web-1"},
		"{P}{remote}/vms?suitable_for_replication=true":       {"new-1", "new-2"},
		"{P}{remote}/vms?sort_by=name&limit=1":                {"app-1"},
		"{P}{local}/datastores":                               {"ds-1", "ds-2"},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			own := open(t, vspheretest.Machines(vspheretest.Machine{Name: "new-1"}, vspheretest.Machine{Name: "new-2", Disks: 2},
				vspheretest.Machine{Name: "tpl", Template: true}))
			assert.Equal(t, want, names(get[listOf[named]](t, own, path).List))
		})
	}
	pool := get[named](t, g, "{P}{local}/inventory/compute/"+url.PathEscape(vspheretest.ResourcePoolID("site2")))
	assert.Equal(t, named{vspheretest.ResourcePoolID("site2"), "Recovered", "/DC/cluster-1/Recovered", "/DC/cluster-1"}, pool)
	folder := get[named](t, g, "{P}{local}/inventory/vm-folder/"+url.PathEscape(vspheretest.FolderID("site2")))
	assert.Equal(t, "/DC/Recovered VMs", folder.Path)
	for _, path := range []string{
		"{P}{local}/inventory/compute?path=nowhere", "{P}{local}/inventory/compute?path=%2FDC%2FRecovered+VMs",
		"{P}{local}/vms?suitable_for_replication=yes", "{P}/replication-capabilities?vm_id=x",
	} {
		g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "GET", path, "")
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	g := protected(t, vspheretest.Machines(vspheretest.Machine{Name: "new-1"}, vspheretest.Machine{Name: "tpl", Template: true}))
	type capability struct {
		Status  string   `json:"vm_validation_status"`
		Reasons []string `json:"replication_not_supported_reasons"`
		MinRPO  int      `json:"min_rpo_mins"`
	}
	for name, want := range map[string]capability{
		"new-1": {"OK", nil, 5},
		"tpl":   {"IS_VM_TEMPLATE", []string{"IS_VM_TEMPLATE"}, 5},
		"db-1":  {"ALREADY_CONFIGURED", []string{"ALREADY_CONFIGURED"}, 5},
	} {
		id := url.PathEscape(vspheretest.MachineID("site1", name))
		assert.Equal(t, want, get[capability](t, g, "{P}{local}/vms/"+id+"/capability"))
		assert.Equal(t, want.Reasons, get[capability](t, g, "{P}/replication-capabilities?vm_id="+id).Reasons)
	}
	assert.InDelta(t, 1440, get[object](t, g, "{P}/replication-capabilities")["max_rpo"], 0)
}

func TestDatastores(t *testing.T) {
	t.Parallel()
	g := protected(t)
	ds1 := url.PathEscape(vspheretest.DatastoreID("site1", "ds-1"))
	for body, want := range map[string][]string{
		`{"browse_path":"","query_type":"FOLDERS","sub_folders":false}`:             {"new-1", "new-2", "db-1", "app-1", "web-1"},
		`{"browse_path":"[ds-1] new-2","query_type":"VM_DISK","sub_folders":false}`: {"new-2.vmdk", "new-2_1.vmdk"},
		`{"browse_path":"db-1","query_type":"ALL_FILES"}`:                           {"db-1.vmdk", "db-1.vmx"},
		`{"browse_path":"db-1","query_type":"VM_CONFIG_FILES"}`:                     {"db-1.vmx"},
		`{"browse_path":"","query_type":"VM_CONFIG_FILES","sub_folders":true}`:      {"new-1.vmx", "new-2.vmx", "db-1.vmx", "app-1.vmx", "web-1.vmx"},
		`{"browse_path":"","query_type":"ISO_IMAGE","sub_folders":true}`:            {},
	} {
		got := read[listOf[named]](t, g.ask(t, http.StatusOK, "POST", "{P}{local}/datastores/"+ds1+"/actions/browse", body))
		assert.Equal(t, want, names(got.List), body)
	}
	page := read[listOf[named]](t, g.ask(t, http.StatusOK, "POST", "{P}{local}/datastores/"+ds1+"/actions/browse?limit=1&offset=1", `{"browse_path":"db-1"}`))
	assert.Equal(t, 2, page.Meta.Total)
	type row struct {
		Capacity int64
		Free     int64 `json:"free_space"`
	}
	stores := get[listOf[row]](t, g, "{P}{local}/datastores").List
	assert.Equal(t, stores[1].Capacity, stores[1].Free)
	assert.Less(t, stores[0].Free, stores[0].Capacity)
}

func TestSeedsByName(t *testing.T) {
	t.Parallel()
	g := protected(t)
	g.succeed(t, "POST", on(db1, "/actions/unconfigure?retain_replica_disks=true"), "")
	g.succeed(t, "POST", on(app1, "/actions/unconfigure?retain_replica_disks=true"), "")
	ds1 := url.PathEscape(vspheretest.DatastoreID("site2", "ds-1"))
	for asked, want := range map[string][]string{
		`"destination_path":"db-1/db-1.vmdk"`:          {"db-1/db-1.vmdk"},
		`"destination_path":"db-1"`:                    {},
		`"destination_path":"b-1","use_wildcard":true`: {"db-1/db-1.vmdk"},
		`"use_wildcard":true`:                          {"db-1/db-1.vmdk", "app-1/app-1.vmdk"},
	} {
		found := read[listOf[struct {
			Found []string `json:"found_seeds"`
		}]](t, g.ask(t, http.StatusOK, "POST", "{P}{remote}/datastores/"+ds1+"/actions/find-seeds", `[{"vm_disk":{"vm_id":"x","device_key":2000},`+asked+`}]`))
		assert.Equal(t, want, found.List[0].Found, asked)
	}
}

func TestStoragePolicies(t *testing.T) {
	t.Parallel()
	g := open(t)
	type policy struct {
		Name      string `json:"storage_policy_name"`
		ID        string `json:"storage_policy_id"`
		Encrypted bool   `json:"vm_encryption_supported"`
	}
	assert.Equal(t, []policy{
		{"Standard", vspheretest.StoragePolicyID("site2", "Standard"), false},
		{"Encrypted", vspheretest.StoragePolicyID("site2", "Encrypted"), true},
	}, get[listOf[policy]](t, g, "{P}{local}/storage-policies").List)
	check := "{P}{local}/storage-policies/" + vspheretest.StoragePolicyID("site2", "Encrypted") + "/actions/check-compliance"
	rows := read[listOf[struct {
		Compliant bool
		Message   *string `json:"not_compliant_detailed_message"`
	}]](t, g.ask(t, http.StatusOK, "POST", check, fmt.Sprintf(`[%q,%q]`, vspheretest.DatastoreID("site2", "ds-1"), vspheretest.DatastoreID("site2", "ds-2")))).List
	require.Len(t, rows, 2)
	assert.True(t, rows[0].Compliant)
	assert.False(t, rows[1].Compliant)
	assert.NotNil(t, rows[1].Message)
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", check, `["x"]`)
}

func TestReplicationServers(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/replication-servers", "{P}{localVR}/replication-servers", "{P}{remoteVR}/replication-servers"} {
		g := open(t)
		list := func() []object { return get[listOf[object]](t, g, path).List }
		require.Len(t, list(), 1)
		accepted := http.StatusAccepted
		if path != "/replication-servers" {
			accepted = http.StatusOK // as documented
		}
		g.ask(t, accepted, "POST", path, value("hbr-2.test"))
		g.clock.Advance(whole)
		require.Len(t, list(), 2)
		second := list()[1]["id"].(string) //nolint:forcetypeassert // the contract says so
		one := path + "/" + url.PathEscape(second)
		assert.Equal(t, "hbr-2.test", get[named](t, g, one).Name)
		again := read[job](t, g.ask(t, accepted, "POST", path, value("hbr-2.test")))
		g.clock.Advance(whole)
		assert.Equal(t, "ERROR", g.job(t, again.ID).Status)
		g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", path, `{}`)
		g.server.DisconnectServer(second)
		g.server.Peer().DisconnectServer(second)
		g.succeed(t, "POST", one+"/actions/reconnect", "")
		assert.Equal(t, true, get[object](t, g, one)["connected"])
		g.succeed(t, "DELETE", one, "")
		require.Len(t, list(), 1)
		if path != "{P}{remoteVR}/replication-servers" {
			g.fails(t, "has 3 replications", "DELETE", path+"/"+url.PathEscape(vspheretest.ReplicationServerID("site2")), "")
		}
		g.ask(t, accepted, "POST", path, value("hbr-3.test"))
		g.clock.Advance(whole)
		assert.NotEqual(t, second, list()[1]["id"])
	}
}

func TestMappings(t *testing.T) {
	t.Parallel()
	g := protected(t)
	path := "{P}{localVR}/replication-mappings"
	calculated := read[listOf[object]](t, g.ask(t, http.StatusOK, "POST", path+"/actions/calculate", fmt.Sprintf(
		`{"source_datastore_ids":[%q],"target_datastore_ids":[%q]}`, vspheretest.DatastoreID("site1", "ds-1"), vspheretest.DatastoreID("site2", "ds-2")))).List
	require.Len(t, calculated, 1)
	pair := fmt.Sprintf(`[{"source_object_id":%q,"target_object_id":%q}]`, calculated[0]["source_object_id"], calculated[0]["target_object_id"])
	g.succeed(t, "POST", path, pair)
	g.fails(t, "already", "POST", path, pair)
	list := get[listOf[object]](t, g, path).List
	require.Len(t, list, 1)
	assert.Equal(t, "NA", list[0]["connection_status"])
	g.succeed(t, "POST", path+"/actions/run-tests", `{"run_throughput_test":false}`)
	assert.NotContains(t, get[listOf[object]](t, g, path).List[0], "min_throughput")
	g.succeed(t, "POST", path+"/actions/run-tests", `{"run_throughput_test":true,"replication_mappings_specs":`+pair+`}`)
	list = get[listOf[object]](t, g, path).List
	assert.Equal(t, "OK", list[0]["connection_status"])
	assert.Contains(t, list[0], "min_throughput")
	for rest, body := range map[string]string{
		"":                   `[]`,
		"/actions/calculate": `{"source_datastore_ids":["x"]}`,
		"/actions/run-tests": `{"replication_mappings_specs":[{"source_object_id":"x","target_object_id":"y"}]}`,
	} {
		g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", path+rest, body)
	}
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", path, `[{"source_object_id":"x","target_object_id":"y"}]`)
	assert.Empty(t, read[listOf[object]](t, g.ask(t, http.StatusOK, "POST", path+"/actions/calculate", `{}`)).List)
}
