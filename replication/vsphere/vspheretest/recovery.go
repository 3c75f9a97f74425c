package vspheretest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// testBody is the request that runs a test.
type testBody struct {
	InstanceID string `json:"instance_id"`
	FolderID   string `json:"folder_id"`
	ComputeID  string `json:"compute_resource_id"`
	Excluded   []struct {
		Key         *int   `json:"disk_key"`
		Path        string `json:"destination_path"`
		DatastoreID string `json:"destination_datastore_id"`
	} `json:"excluded_disk_backings"`
	PowerOn bool `json:"power_on"`
}

// test makes a test bubble: an image of a point in time and a machine that runs on it.
func (w *world) test(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	var body testBody
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, badRequest("The test does not decode: %s", err)
	}
	if err := v.fits(r, body); err != nil {
		return nil, err
	}
	return w.start(call, v, r, kindTest, func(at time.Time) *failure {
		chosen, name := r.instance(body.InstanceID), testVMName(r.machine.name)
		switch {
		case r.image != nil:
			return imageActive(r)
		case chosen == nil:
			return fail("Instance '%s' of replication '%s' is gone.", body.InstanceID, r.machine.name)
		case r.target.machine(MachineID(r.target.name, name)) != nil:
			return fail("There is a virtual machine of the name '%s'.", name)
		}
		m := r.target.addMachine(name, len(r.disks)-len(body.Excluded), body.PowerOn)
		m.testOf = r
		r.image = &image{id: simkit.FreshID(), instance: chosen, at: at, test: true, machine: m}
		w.deeds.of(r).Tested++
		return nil
	})
}

// fits refuses a test for which something is missing.
func (v *visit) fits(r *replication, body testBody) error {
	if r.instance(body.InstanceID) == nil {
		return badRequest("Replication '%s' has no instance '%s'.", r.id, body.InstanceID)
	}
	if folder, known := v.site.itemWithID(body.FolderID); !known || !folder.holdsMachines() {
		return badRequest("'%s' is neither a folder for machines nor a datacenter.", body.FolderID)
	}
	if compute, known := v.site.itemWithID(body.ComputeID); !known || !compute.runsMachines() {
		return badRequest("'%s' is no resource pool, cluster or host.", body.ComputeID)
	}
	for _, excluded := range body.Excluded {
		known := excluded.Key != nil &&
			slices.ContainsFunc(r.disks, func(d replicaDisk) bool { return d.key == *excluded.Key })
		if !known || (excluded.Path == "") != (excluded.DatastoreID == "") {
			return badRequest("An excluded disk backing names no disk, or half of a destination.")
		}
	}
	return nil
}

// cleanUp reverts the test bubble. Nobody documents that an image is named; if one is, it has to be the active one.
func (w *world) cleanUp(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	named, err := imageNamed(call)
	if err != nil {
		return nil, err
	}
	return w.start(call, v, r, kindCleanUp, func(time.Time) *failure {
		if failure := r.testImage(named); failure != nil {
			return failure
		}
		r.revert()
		w.deeds.of(r).CleanedUp++
		return nil
	})
}

// promote keeps what the test bubble holds as a new point in time, which recoveries prefer from then on, and ends the
// test.
func (w *world) promote(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	named, err := imageNamed(call)
	if err == nil && named == "" {
		err = badRequest("The value, which is the id of an image, is missing.")
	}
	if err != nil {
		return nil, err
	}
	return w.start(call, v, r, kindPromote, func(at time.Time) *failure {
		if failure := r.testImage(named); failure != nil {
			return failure
		}
		if !r.paused {
			return fail("Replication '%s' has to be paused before an image is promoted.", r.machine.name)
		}
		r.demote()
		r.addInstance(at).promoted = true
		r.revert()
		w.deeds.of(r).Promoted++
		return nil
	})
}

func (w *world) demote(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	return w.start(call, v, r, kindDemote, func(time.Time) *failure {
		if r.promoted() == nil {
			return fail("Replication '%s' has no promoted instance.", r.machine.name)
		}
		r.demote()
		r.prune()
		w.deeds.of(r).Demoted++
		return nil
	})
}

func imageNamed(call *simkit.Call) (string, error) {
	if len(call.Body) == 0 {
		return "", nil
	}
	var body struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return "", badRequest("The value does not decode: %s", err)
	}
	return body.Value, nil
}

// testImage says why there is no test bubble of an id, which is empty for any.
func (r *replication) testImage(id string) *failure {
	switch {
	case r.image == nil:
		return fail("Replication '%s' has no active image.", r.machine.name)
	case id != "" && id != r.image.id:
		return fail("The active image of replication '%s' is '%s', not '%s'.", r.machine.name, r.image.id, id)
	case !r.image.test:
		return fail("The active image of replication '%s' is one of a failover.", r.machine.name)
	}
	return nil
}

// revert ends the active image. Its machine goes.
func (r *replication) revert() {
	if r.image.machine.testOf == r {
		r.target.removeMachine(r.image.machine)
	}
	r.image = nil
	r.prune()
}

func (r *replication) demote() {
	for _, i := range r.instances {
		i.promoted = false
	}
}

func (w *world) activeImage(_ *simkit.Call, v *visit) (any, error) {
	active := v.replication.image
	if active == nil {
		return nil, notFound("replication %q has no active image", v.replication.id)
	}
	row := object{
		"id": active.id, "created_time": strconv.FormatInt(active.at.UnixMilli(), 10), "snapshots_for_pit_instances": false,
		"instance_id": active.instance.id, "committed": false, "vm_ids": []any{active.machine.id},
		"test_bubble_image": active.test,
	}
	if w.config.numeric {
		row["created_time"] = active.at.UnixMilli()
	}
	return entity{row: row}, nil
}

func (r *replication) instanceRow(i *instance) object {
	quiesced := "NONE"
	if r.settings.quiesce {
		quiesced = "APPLICATION"
	}
	return object{
		"id": i.id, "transfer_start_time": i.at.UnixMilli(), "transfer_seconds": int64(r.world.config.syncTime / time.Second),
		"transfer_bytes": syncSize, "quiesced_type": quiesced, "promoted": i.promoted,
	}
}

// instances shows the newest first.
func (w *world) instances(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	if err := v.needsTarget(); err != nil {
		return nil, err
	}
	var items []item
	for _, i := range slices.Backward(r.instances) {
		items = append(items, item{row: r.instanceRow(i)})
	}
	return v.list(call, items)
}

func (w *world) instance(call *simkit.Call, v *visit) (any, error) {
	if err := v.needsTarget(); err != nil {
		return nil, err
	}
	id := call.Arguments["instance_id"]
	if i := v.replication.instance(id); i != nil {
		return entity{row: v.replication.instanceRow(i)}, nil
	}
	return nil, notFound("there is no instance %q", id)
}

// needsTarget refuses what only the recovery site knows, where that cannot be had.
func (v *visit) needsTarget() error {
	if v.replication.target == v.site {
		return nil
	}
	if gap := v.cutOff(); gap != nil {
		return gap
	}
	return nil
}

// failOver is what a recovery plan does: the machine runs at the recovery site, and nothing is transferred any more.
func (w *world) failOver(r *replication) error {
	chosen := r.promoted()
	if chosen == nil {
		chosen = r.latest()
	}
	if r.image != nil || chosen == nil {
		return fmt.Errorf("replication %s has an image already, or nothing to recover", r.id)
	}
	r.interrupt()
	m := r.target.machine(MachineID(r.target.name, r.machine.name))
	if m == nil {
		m = r.target.addMachine(r.machine.name, r.machine.disks, true)
	}
	r.image = &image{id: simkit.FreshID(), instance: chosen, at: w.now, machine: m}
	return nil
}
