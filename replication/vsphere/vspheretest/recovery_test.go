package vspheretest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

func TestRehearsal(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.refused(t, http.StatusNotFound, "", "GET", on(db1, "/active-image"), "")
	g.succeed(t, "POST", on(db1, "/actions/pause"), "")
	points := g.instances(t, db1)
	require.Len(t, points, 4)
	assert.Greater(t, points[0].Start, points[1].Start, "the newest first")
	g.succeed(t, "POST", on(db1, "/actions/test"), g.testOf(points[1].ID))
	image := get[picture](t, g, on(db1, "/active-image"))
	assert.Equal(t, points[1].ID, image.InstanceID)
	assert.True(t, image.Test)
	assert.False(t, image.Committed)
	assert.Equal(t, "1906545622000", image.Created)
	machine := g.server.Machine("db-1-test-vm")
	assert.Equal(t, []string{machine.ID}, image.VMs)
	assert.True(t, machine.PoweredOff)
	g.fails(t, "has the active image", "POST", on(db1, "/actions/test"), g.testOf(points[0].ID))
	g.fails(t, "not 'another'", "POST", on(db1, "/actions/cleanup"), value("another"))
	g.succeed(t, "POST", on(db1, "/actions/cleanup"), value(image.ID))
	g.refused(t, http.StatusNotFound, "", "GET", on(db1, "/active-image"), "")
	assert.Empty(t, g.server.TestMachines())
	g.fails(t, "no active image", "POST", on(db1, "/actions/cleanup"), "")
	g.succeed(t, "POST", on(db1, "/actions/resume"), "")
	done := g.pair().Audit().Replication(db1)
	assert.Equal(t, 1, done.Tested)
	assert.Equal(t, 1, done.CleanedUp)
	assert.Equal(t, 1, done.Paused)
	assert.Equal(t, 1, done.Resumed)
}

func TestPromoteAndDemote(t *testing.T) {
	t.Parallel()
	g := open(t)
	points := g.instances(t, db1)
	g.fails(t, "no promoted instance", "POST", on(db1, "/actions/demote-test-image"), "")
	g.fails(t, "no active image", "POST", on(db1, "/actions/promote-test-image"), value("x"))
	g.succeed(t, "POST", on(db1, "/actions/test"), g.testOf(points[0].ID))
	image := get[picture](t, g, on(db1, "/active-image")).ID
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", on(db1, "/actions/promote-test-image"), `{}`)
	g.fails(t, "has to be paused", "POST", on(db1, "/actions/promote-test-image"), value(image))
	g.succeed(t, "POST", on(db1, "/actions/pause"), "")
	g.succeed(t, "POST", on(db1, "/actions/promote-test-image"), value(image))
	assert.Empty(t, g.server.TestMachines())
	promoted := g.instances(t, db1)[0]
	assert.True(t, promoted.Promoted)
	assert.Equal(t, promoted, get[moment](t, g, on(db1, "/instances/"+promoted.ID)))
	g.succeed(t, "POST", on(db1, "/actions/resume"), "")
	g.clock.Advance(100 * time.Hour)
	points = g.instances(t, db1)
	require.Len(t, points, 5)
	assert.Equal(t, promoted, points[4], "it is not pruned")
	g.succeed(t, "POST", on(db1, "/actions/demote-test-image"), "")
	points = g.instances(t, db1)
	require.Len(t, points, 4)
	assert.NotContains(t, points, promoted)
}

func TestTestsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	g := open(t)
	latest := g.instances(t, db1)[0].ID
	folder, pool := vspheretest.FolderID("site2"), vspheretest.ResourcePoolID("site2")
	for name, body := range map[string]string{
		"no such instance":        `{"instance_id":"x","folder_id":"` + folder + `","compute_resource_id":"` + pool + `","power_on":true}`,
		"no such folder":          `{"instance_id":"` + latest + `","folder_id":"x","compute_resource_id":"` + pool + `","power_on":true}`,
		"a pool as folder":        `{"instance_id":"` + latest + `","folder_id":"` + pool + `","compute_resource_id":"` + pool + `","power_on":true}`,
		"a folder as pool":        `{"instance_id":"` + latest + `","folder_id":"` + folder + `","compute_resource_id":"` + folder + `","power_on":true}`,
		"of the other site":       `{"instance_id":"` + latest + `","folder_id":"` + vspheretest.FolderID("site1") + `","compute_resource_id":"` + pool + `","power_on":true}`,
		"no such disk":            `{"instance_id":"` + latest + `","folder_id":"` + folder + `","compute_resource_id":"` + pool + `","power_on":true,"excluded_disk_backings":[{"disk_key":1}]}`,
		"half of a disk's target": `{"instance_id":"` + latest + `","folder_id":"` + folder + `","compute_resource_id":"` + pool + `","power_on":true,"excluded_disk_backings":[{"disk_key":2000,"destination_path":"x"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", on(db1, "/actions/test"), body)
		})
	}
}

func TestRecoverySiteOnly(t *testing.T) {
	t.Parallel()
	g := open(t)
	p := g.peer(t)
	instance := g.instances(t, db1)[0].ID
	for method, requests := range map[string]map[string]string{
		"GET": {"/active-image": ""},
		"POST": {
			"/actions/test": g.testOf(instance), "/actions/cleanup": "", "/actions/promote-test-image": value("x"),
			"/actions/demote-test-image": "",
		},
	} {
		for path, body := range requests {
			p.refused(t, http.StatusBadRequest, vspheretest.CodeRecoverySiteOnly, method, on(db1, path), body)
		}
	}
	assert.Len(t, p.instances(t, db1), 4)
}

func TestFailOver(t *testing.T) {
	t.Parallel()
	g := open(t)
	require.NoError(t, g.pair().FailOver(db1))
	shown := g.shield(t, db1)
	assert.Equal(t, "RECOVERED", shown.Status.Status)
	assert.Equal(t, "OK", shown.Recovery)
	image := get[picture](t, g, on(db1, "/active-image"))
	assert.False(t, image.Test)
	g.fails(t, "one of a failover", "POST", on(db1, "/actions/promote-test-image"), value(image.ID))
	g.fails(t, "one of a failover", "POST", on(db1, "/actions/cleanup"), "")
	g.fails(t, "has been failed over", "POST", on(db1, "/actions/pause"), "")
	require.Error(t, g.pair().FailOver(db1))
	require.Error(t, g.pair().FailOver("x"))
	assert.Equal(t, "db-1", g.server.Machine("db-1").Name)
	points := g.instances(t, db1)
	g.clock.Advance(1000 * time.Hour)
	g.pair().PowerMachine(db1, true)
	g.clock.Advance(1000 * time.Hour)
	assert.Equal(t, points, g.instances(t, db1), "nothing is transferred any more")
	assert.False(t, g.shield(t, db1).Status.Violation)
}

// Without time in the queue and to run, a task has still not ended when it is accepted.
func TestTasksThatTakeNoTime(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.TaskDuration(0, 0))
	begun := g.begin(t, "POST", on(db1, "/actions/pause"), "")
	assert.Equal(t, "RUNNING", begun.Status)
	assert.Equal(t, "SUCCESS", g.job(t, begun.ID).Status)
}

// The members are those of the sample on the vendor's page, "Get Active Replication Image".
func TestSampleOfTheActiveImage(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.succeed(t, "POST", on(db1, "/actions/test"), g.testOf(g.instances(t, db1)[0].ID))
	var members []string
	for member := range get[object](t, g, on(db1, "/active-image")) {
		members = append(members, member)
	}
	assert.ElementsMatch(t, []string{
		"id", "created_time", "snapshots_for_pit_instances", "instance_id", "committed", "vm_ids", "test_bubble_image", "_meta",
	}, members)
}

func TestTestsThatFail(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.Protect(vspheretest.Replication{VMName: "db-1", RPO: 5, Instances: -1}, vspheretest.Replication{VMName: "app-1"}))
	g.pair().SlowTask(testOp, "", 6*time.Minute)
	late := g.begin(t, "POST", on(db1, "/actions/test"), g.testOf(g.instances(t, db1)[0].ID))
	g.clock.Advance(7 * time.Minute)
	assert.Contains(t, g.job(t, late.ID).Error.Message, "is gone", "the replication was not paused")
	require.NoError(t, g.pair().AddMachine(vspheretest.Machine{Name: "app-1-test-vm", Site: "site2"}))
	g.fails(t, "There is a virtual machine", "POST", on(app1, "/actions/test"), g.testOf(g.instances(t, app1)[0].ID))
	assert.Empty(t, g.server.TestMachines())
	require.NoError(t, g.pair().FailOver(db1))
	for _, action := range []string{"resume", "sync"} {
		g.fails(t, "has been failed over", "POST", on(db1, "/actions/"+action), "")
	}
}

// A cancelled test leaves nothing, and one whose task is forgotten is done all the same.
func TestTestsThatAreLost(t *testing.T) {
	t.Parallel()
	g := open(t)
	cancelled := g.begin(t, "POST", on(db1, "/actions/test"), g.testOf(g.instances(t, db1)[0].ID))
	g.server.CancelTask(cancelled.ID)
	forgotten := g.begin(t, "POST", on(app1, "/actions/test"), g.testOf(g.instances(t, app1)[0].ID))
	g.server.ForgetTask(forgotten.ID)
	g.clock.Advance(whole)
	g.refused(t, http.StatusNotFound, "", "GET", on(db1, "/active-image"), "")
	assert.Len(t, get[listOf[job]](t, g, "/tasks").List, 1)
	require.Len(t, g.server.TestMachines(), 1)
	assert.Equal(t, "app-1-test-vm", g.server.TestMachines()[0].Name)
}

// What an image was made from stays, and only one point in time is promoted.
func TestInstancesThatStay(t *testing.T) {
	t.Parallel()
	g := open(t)
	oldest := g.instances(t, db1)[3]
	g.succeed(t, "POST", on(db1, "/actions/test"), g.testOf(oldest.ID))
	g.clock.Advance(1000 * time.Hour)
	assert.Equal(t, oldest, g.instances(t, db1)[4])
	g.succeed(t, "POST", on(db1, "/actions/pause"), "")
	for range 2 {
		image := get[picture](t, g, on(db1, "/active-image")).ID
		g.succeed(t, "POST", on(db1, "/actions/promote-test-image"), value(image))
		promoted := 0
		for _, i := range g.instances(t, db1) {
			if i.Promoted {
				promoted++
			}
		}
		assert.Equal(t, 1, promoted)
		g.succeed(t, "POST", on(db1, "/actions/test"), g.testOf(g.instances(t, db1)[0].ID))
	}
	assert.NotContains(t, g.instances(t, db1), oldest)
	g.succeed(t, "POST", on(db1, "/actions/cleanup"), "")
}
