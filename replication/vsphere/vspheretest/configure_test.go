package vspheretest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// spec is a configuration of a machine of the protected site, with its disks as they are listed.
func (g guest) spec(t testing.TB, vm string) object {
	t.Helper()
	id := vspheretest.MachineID("site1", vm)
	disks := []object{}
	for _, disk := range get[listOf[object]](t, g, "{P}{local}/vms/"+url.PathEscape(id)+"/disks").List {
		disks = append(disks, object{
			"vm_disk": disk, "enabled_for_replication": true, "use_seeds": false, "destination_storage_policy_id": nil,
			"destination_path": nil, "destination_datastore_id": vspheretest.DatastoreID("site2", "ds-1"),
			"destination_disk_format": "SAME_AS_SOURCE",
		})
	}
	return object{
		"rpo": 30, "network_compression_enabled": true, "mpit_enabled": true, "mpit_instances": 2, "mpit_days": 1,
		"auto_replicate_new_disks": false, "lwd_encryption_enabled": true, "target_replication_server_id": nil,
		"disks": disks, "target_vc_id": vspheretest.VCenterID("site2"), "vm_id": id,
	}
}

func disk(spec object, n int) object { return spec["disks"].([]object)[n] } //nolint:forcetypeassert // made above

func encoded(t testing.TB, specs ...object) string {
	t.Helper()
	text, err := json.Marshal(specs)
	require.NoError(t, err)
	return string(text)
}

// protected is a guest of the protected site, where configurations are asked for.
func protected(t testing.TB, options ...vspheretest.Option) guest {
	t.Helper()
	return open(t, options...).peer(t)
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	g := protected(t)
	new1, new2 := vspheretest.ReplicationID("new-1"), vspheretest.ReplicationID("new-2")
	tasks := read[listOf[job]](t, g.ask(t, http.StatusAccepted, "POST", "{P}/replications", encoded(t, g.spec(t, "new-1"), g.spec(t, "new-2")))).List
	require.Len(t, tasks, 2)
	assert.Equal(t, vspheretest.MachineID("site1", "new-2"), *tasks[1].Entity)
	g.refused(t, http.StatusNotFound, "", "GET", on(new1, ""), "")
	g.clock.Advance(queued)
	shown := g.shield(t, new1)
	assert.Equal(t, "CONFIGURING", shown.Status.Status)
	assert.Equal(t, "IN_PROGRESS", shown.Configuration)
	busy := g.begin(t, "POST", on(new1, "/actions/pause"), "")
	g.clock.Advance(running)
	for _, task := range tasks {
		assert.Equal(t, "SUCCESS", g.job(t, task.ID).Status)
	}
	shown = g.shield(t, new2)
	assert.Equal(t, "INITIAL_FULL_SYNC", shown.Status.Status)
	assert.Equal(t, "OK", shown.Configuration)
	assert.NotNil(t, shown.Progress)
	assert.Empty(t, g.instances(t, new2))
	g.clock.Advance(time.Minute)
	assert.Equal(t, "ERROR", g.job(t, busy.ID).Status)
	assert.Equal(t, "OK", g.status(t, new2))
	assert.Len(t, g.instances(t, new2), 1)
	assert.Equal(t, 30, g.shield(t, new2).RPO)
	assert.Len(t, get[listOf[object]](t, g, on(new2, "/disks")).List, 3)
	assert.Equal(t, 1, g.pair().Audit().Replication(new2).Configured)
	both := vspheretest.MachineID("site1", "new-1") + "," + vspheretest.MachineID("site1", "new-2")
	assert.Equal(t, 2, g.pair().Audit().Of("Replications.Configure", both).Succeeded)
	ended := read[listOf[job]](t, g.ask(t, http.StatusAccepted, "POST", "{P}/replications", encoded(t, g.spec(t, "new-1")))).List[0]
	g.clock.Advance(whole)
	assert.Contains(t, g.job(t, ended.ID).Error.Message, "ALREADY_CONFIGURED")
}

// One machine twice: the second task finds the first at work.
func TestConfigureTwice(t *testing.T) {
	t.Parallel()
	g := protected(t)
	spec := g.spec(t, "new-1")
	tasks := read[listOf[job]](t, g.ask(t, http.StatusAccepted, "POST", "{P}/replications", encoded(t, spec, spec))).List
	g.clock.Advance(whole)
	assert.Equal(t, "SUCCESS", g.job(t, tasks[0].ID).Status)
	assert.Equal(t, "ERROR", g.job(t, tasks[1].ID).Status)
	assert.Len(t, g.pair().Replications(), 4)
}

func TestConfigurationsThatFail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		trouble func(g guest, task string)
		status  string
	}{
		"planned":             {func(g guest, _ string) {}, "ERROR"},
		"cancelled":           {func(g guest, task string) { g.clock.Advance(queued); g.server.CancelTask(task) }, "CANCELLED"},
		"cancelled in queue":  {func(g guest, task string) { g.server.CancelTask(task) }, "CANCELLED"},
		"cancelled too late ": {func(g guest, task string) { g.clock.Advance(whole); g.server.CancelTask(task) }, "SUCCESS"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := protected(t)
			if name == "planned" {
				g.pair().FailTask("Replications.Configure", vspheretest.MachineID("site1", "new-1"), "No space is left.")
			}
			tasks := read[listOf[job]](t, g.ask(t, http.StatusAccepted, "POST", "{P}/replications", encoded(t, g.spec(t, "new-1")))).List
			if name == "planned" {
				g.clock.Advance(queued)
				assert.Len(t, g.pair().Replications(), 4, "for a while")
			}
			tc.trouble(g, tasks[0].ID)
			g.clock.Advance(whole)
			ended := g.job(t, tasks[0].ID)
			assert.Equal(t, tc.status, ended.Status)
			assert.NotNil(t, ended.Complete)
			left := 3
			if tc.status == "SUCCESS" {
				left = 4
			}
			assert.Len(t, g.pair().Replications(), left)
		})
	}
}

func TestConfigurationsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	g := protected(t)
	for name, change := range map[string]func(spec object){
		"rpo too short":    func(spec object) { spec["rpo"] = 4 },
		"rpo too long":     func(spec object) { spec["rpo"] = 1441 },
		"no instances":     func(spec object) { spec["mpit_instances"] = 0 },
		"other vCenter":    func(spec object) { spec["target_vc_id"] = vspheretest.VCenterID("site1") },
		"no machine":       func(spec object) { spec["vm_id"] = "x" },
		"other machine":    func(spec object) { spec["vm_id"] = vspheretest.MachineID("site1", "db-1") },
		"no server":        func(spec object) { spec["target_replication_server_id"] = "x" },
		"server at home":   func(spec object) { spec["target_replication_server_id"] = vspheretest.ReplicationServerID("site1") },
		"no disks":         func(spec object) { spec["disks"] = []object{} },
		"without its home": func(spec object) { spec["disks"] = spec["disks"].([]object)[1:] }, //nolint:forcetypeassert // made above
		"a disk twice":     func(spec object) { disk(spec, 0)["vm_disk"] = disk(spec, 1)["vm_disk"] },
		"half a disk":      func(spec object) { disk(spec, 1)["vm_disk"] = object{"vm_id": spec["vm_id"], "device_key": 2000} },
		"no datastore":     func(spec object) { disk(spec, 1)["destination_datastore_id"] = "x" },
		"datastore at home": func(spec object) {
			disk(spec, 1)["destination_datastore_id"] = vspheretest.DatastoreID("site1", "ds-1")
		},
		"no policy":         func(spec object) { disk(spec, 1)["destination_storage_policy_id"] = "x" },
		"path of the home":  func(spec object) { disk(spec, 0)["destination_path"] = "x" },
		"path without seed": func(spec object) { disk(spec, 1)["destination_path"] = "x" },
		"seed without path": func(spec object) { disk(spec, 1)["use_seeds"] = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good, bad := g.spec(t, "new-2"), g.spec(t, "new-1")
			change(bad)
			g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", "{P}/replications", encoded(t, good, bad))
		})
	}
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", "{P}/replications", "[]")
	assert.Empty(t, g.server.Tasks())
}

// A client may leave out what has no value, and add what it was answered.
func TestDisksAsListed(t *testing.T) {
	t.Parallel()
	g := protected(t)
	spec := g.spec(t, "new-1")
	listed := disk(spec, 1)["vm_disk"].(object) //nolint:forcetypeassert // made above
	delete(listed, "is_vm_home")
	listed["_meta"] = object{"errors": []object{}}
	g.ask(t, http.StatusAccepted, "POST", "{P}/replications", encoded(t, spec))
}

func TestReplicaDisks(t *testing.T) {
	t.Parallel()
	for _, retain := range []string{"false", "true"} {
		g := protected(t)
		seeds := func() []string {
			return read[listOf[struct {
				Found []string `json:"found_seeds"`
			}]](t, g.ask(t, http.StatusOK, "POST", "{P}{remote}/datastores/"+url.PathEscape(vspheretest.DatastoreID("site2", "ds-1"))+"/actions/find-seeds",
				`[{"vm_disk":{"vm_id":"`+vspheretest.MachineID("site1", "db-1")+`","device_key":2000},"destination_path":null}]`)).List[0].Found
		}
		require.Empty(t, seeds())
		g.succeed(t, "POST", on(db1, "/actions/unconfigure?retain_replica_disks="+retain), "")
		g.refused(t, http.StatusNotFound, "", "GET", on(db1, ""), "")
		spec := g.spec(t, "db-1")
		configure := func() job {
			task := read[listOf[job]](t, g.ask(t, http.StatusAccepted, "POST", "{P}/replications", encoded(t, spec))).List[0]
			g.clock.Advance(whole)
			return g.job(t, task.ID)
		}
		if retain == "false" {
			assert.Empty(t, seeds())
			disk(spec, 1)["use_seeds"], disk(spec, 1)["destination_path"] = true, "db-1/db-1.vmdk"
			assert.Contains(t, configure().Error.Message, "There is no seed")
			continue
		}
		assert.Equal(t, []string{"db-1/db-1.vmdk"}, seeds())
		assert.Contains(t, configure().Error.Message, "There is a file")
		disk(spec, 1)["use_seeds"], disk(spec, 1)["destination_path"] = true, "db-1/db-1.vmdk"
		assert.Equal(t, "SUCCESS", configure().Status)
		again := g.pair().Replications()[2]
		assert.Equal(t, "db-1", again.VMName)
		assert.NotEqual(t, db1, again.ID, "it is another replication")
	}
}

func TestReconfigure(t *testing.T) {
	t.Parallel()
	g := protected(t)
	spec := g.spec(t, "db-1")
	delete(spec, "vm_id")
	delete(spec, "target_vc_id")
	spec["mpit_instances"] = 1
	body := func() string { return encoded(t, spec)[1 : len(encoded(t, spec))-1] }
	begun := g.begin(t, "POST", on(db1, "/actions/reconfigure"), body())
	assert.Equal(t, "RECONFIGURING", g.status(t, db1))
	g.clock.Advance(whole)
	require.Equal(t, "SUCCESS", g.job(t, begun.ID).Status)
	assert.Equal(t, 30, g.shield(t, db1).RPO)
	assert.Len(t, g.instances(t, db1), 2)
	spec["rpo"] = 1
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", on(db1, "/actions/reconfigure"), body())
	assert.Equal(t, 1, g.pair().Audit().Replication(db1).Reconfigured)
}

func TestDeleteHalves(t *testing.T) {
	t.Parallel()
	g := open(t)
	p := g.peer(t)
	g.succeed(t, "DELETE", on(db1, ""), "")
	g.refused(t, http.StatusNotFound, "", "GET", on(db1, ""), "")
	shown := p.shield(t, db1)
	assert.Equal(t, "ERROR", shown.Status.Status)
	assert.Equal(t, "ERROR", shown.Configuration)
	p.succeed(t, "DELETE", on(db1, ""), "")
	p.refused(t, http.StatusNotFound, "", "GET", on(db1, ""), "")
	assert.Len(t, g.pair().Replications(), 2)
	assert.Equal(t, 2, g.pair().Audit().Replication(db1).Deleted)
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "DELETE", on(web1, "?retain_replica_disks=perhaps"), "")
}

// What works on a replication keeps its end from coming, and so does an image.
func TestNotRemovedUnderTests(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.succeed(t, "POST", on(db1, "/actions/test"), g.testOf(g.instances(t, db1)[0].ID))
	g.fails(t, "has the active image", "POST", on(db1, "/actions/unconfigure"), "")
	g.fails(t, "has the active image", "DELETE", on(db1, ""), "")
	g.succeed(t, "POST", on(db1, "/actions/cleanup"), "")
	g.succeed(t, "POST", on(db1, "/actions/unconfigure"), "")
	assert.Equal(t, 1, g.pair().Audit().Replication(db1).Unconfigured)
}
