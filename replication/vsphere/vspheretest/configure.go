package vspheretest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// settingsBody are the members that a configuration and a reconfiguration share.
type settingsBody struct {
	Quiesce     bool       `json:"quiesce_enabled"`
	RPO         int        `json:"rpo"`
	Compression bool       `json:"network_compression_enabled"`
	MPIT        bool       `json:"mpit_enabled"`
	Instances   int        `json:"mpit_instances"`
	Days        int        `json:"mpit_days"`
	NewDisks    bool       `json:"auto_replicate_new_disks"`
	ServerID    *string    `json:"target_replication_server_id"`
	Encryption  bool       `json:"lwd_encryption_enabled"`
	Enhanced    bool       `json:"enhanced_replication"`
	DataSets    bool       `json:"vm_data_sets_replication_enabled"`
	Disks       []diskBody `json:"disks"`
}

type configureBody struct {
	settingsBody
	TargetVC string `json:"target_vc_id"`
	VMID     string `json:"vm_id"`
}

type diskBody struct {
	VMDisk      object  `json:"vm_disk"`
	Enabled     bool    `json:"enabled_for_replication"`
	UseSeeds    bool    `json:"use_seeds"`
	PolicyID    *string `json:"destination_storage_policy_id"`
	Path        *string `json:"destination_path"`
	DatastoreID string  `json:"destination_datastore_id"`
	Format      string  `json:"destination_disk_format"`
}

// The bounds of an RPO, in minutes.
const (
	shortestRPO = 5
	longestRPO  = 1440
)

// configure begins to replicate machines, with a task for each. What makes no sense in one of them refuses them all;
// what depends on the state fails the task of that machine.
func (w *world) configure(call *simkit.Call, v *visit) (any, error) {
	var bodies []configureBody
	if err := json.Unmarshal(call.Body, &bodies); err != nil {
		return nil, badRequest("The replications do not decode: %s", err)
	}
	if len(bodies) == 0 {
		return nil, badRequest("There are no replications to configure.")
	}
	var planned []*task
	for _, body := range bodies {
		t, err := w.plan(v, body)
		if err != nil {
			return nil, err
		}
		planned = append(planned, t)
	}
	var tasks list
	for _, t := range planned {
		tasks = append(tasks, item{row: w.begin(call, v, t).row(v)})
	}
	return tasks, nil
}

// plan makes the task that configures one replication.
func (w *world) plan(v *visit, body configureBody) (*task, error) {
	m := v.site.machine(body.VMID)
	target := v.pairing.remote
	switch {
	case m == nil:
		return nil, badRequest("The local site has no virtual machine '%s'.", body.VMID)
	case body.TargetVC != target.vcenter:
		return nil, badRequest("The target '%s' is not the remote vCenter Server '%s'.", body.TargetVC, target.vcenter)
	}
	disks, server, err := w.place(m, target, body.settingsBody)
	if err != nil {
		return nil, err
	}
	t := &task{kind: kindConfigure, entity: m.id, entityName: m.name}
	var made *replication
	t.begins = func(time.Time) {
		if failure := w.configurable(m, target, disks, body.Disks); failure != nil {
			t.failure = failure
			return
		}
		made = w.newReplication(m, target)
		made.settings, made.disks, made.server, made.configuring = body.settings(), disks, server, true
		made.active, t.replication = t, made
		w.replications = append(w.replications, made)
	}
	t.effect = func(at time.Time) *failure {
		made.configuring = false
		made.layDown()
		w.deeds.of(made).Configured++
		made.wake(at)
		return nil
	}
	t.undo = func(time.Time) { w.abandon(made) }
	return t, nil
}

// abandon takes back what a configuration has begun.
func (w *world) abandon(made *replication) {
	if made != nil {
		made.atSource, made.atTarget = false, false
		w.forget()
	}
}

// configurable says why a machine cannot be replicated now.
func (w *world) configurable(m *machine, target *site, disks []replicaDisk, asked []diskBody) *failure {
	if m.site.machine(m.id) != m {
		return fail("The virtual machine '%s' is gone.", m.name)
	}
	if status := w.validation(m); status != "OK" {
		return fail("The virtual machine '%s' cannot be replicated: %s.", m.name, status)
	}
	for i, d := range disks {
		taken := d.datastore.has(d.path)
		switch {
		case !d.enabled:
		case asked[i].UseSeeds && !taken:
			return fail("There is no seed '%s' in datastore '%s'.", d.path, d.datastore.name)
		case !asked[i].UseSeeds && taken:
			return fail("There is a file '%s' in datastore '%s' of site '%s' already.", d.path, d.datastore.name, target.name)
		}
	}
	return nil
}

func (b settingsBody) settings() settings {
	return settings{
		rpo: b.RPO, quiesce: b.Quiesce, compression: b.Compression, mpit: b.MPIT, instances: b.Instances, days: b.Days,
		newDisks: b.NewDisks, encryption: b.Encryption, dataSets: b.DataSets, enhanced: b.Enhanced,
	}
}

// place finds where the copies of a machine's disks are to be, and refuses what makes no sense.
func (w *world) place(m *machine, target *site, body settingsBody) ([]replicaDisk, *replicationServer, error) {
	switch {
	case body.RPO < shortestRPO || body.RPO > longestRPO:
		return nil, nil, badRequest("An rpo of %d minutes is not within %d and %d.", body.RPO, shortestRPO, longestRPO)
	case body.MPIT && body.Instances < 1 || body.Days < 0:
		return nil, nil, badRequest("%d instances for %d days make no sense.", body.Instances, body.Days)
	}
	server := target.servers[0]
	if body.ServerID != nil {
		if server = target.server(*body.ServerID); server == nil {
			return nil, nil, badRequest("The target site has no replication server '%s'.", *body.ServerID)
		}
	}
	disks, err := placeDisks(m, target, body.Disks)
	return disks, server, err
}

// placeDisks demands every disk of the machine, its home included, just as the machine's disks are listed.
func placeDisks(m *machine, target *site, asked []diskBody) ([]replicaDisk, error) {
	rows := m.diskRows()
	seen := map[int]bool{}
	var placed []replicaDisk
	for i, body := range asked {
		row := rowOf(rows, body.VMDisk)
		if row == nil {
			return nil, badRequest("disks[%d].vm_disk is none of the disks of '%s', as GET …/vms/{vm_id}/disks lists them.", i, m.id)
		}
		key, _ := row["device_key"].(int)
		if seen[key] {
			return nil, badRequest("disks[%d].vm_disk comes twice.", i)
		}
		seen[key] = true
		disk, err := body.place(m, target, key)
		if err != nil {
			return nil, fmt.Errorf("disks[%d]: %w", i, err)
		}
		placed = append(placed, disk)
	}
	if len(seen) != len(rows) {
		return nil, badRequest("%d of the %d disks of '%s' are named; its home counts.", len(seen), len(rows), m.id)
	}
	return placed, nil
}

// rowOf finds the row that a request repeats. Members without a value may be left out.
func rowOf(rows []object, asked object) object {
	for _, row := range rows {
		if reflect.DeepEqual(essence(row), essence(asked)) {
			return row
		}
	}
	return nil
}

// essence is a JSON object without members that have no value, in the types of package json.
func essence(of object) object {
	text, err := json.Marshal(of)
	if err != nil {
		return nil
	}
	var plain object
	if json.Unmarshal(text, &plain) != nil {
		return nil
	}
	delete(plain, "_meta")
	return withoutZeros(plain)
}

func withoutZeros(of object) object {
	left := object{}
	for name, value := range of {
		inside, nested := value.(object)
		switch {
		case nested:
			left[name] = withoutZeros(inside)
		case value != nil && !reflect.ValueOf(value).IsZero():
			left[name] = value
		}
	}
	return left
}

// place finds where the copy of one disk is to be.
func (b diskBody) place(m *machine, target *site, key int) (replicaDisk, error) {
	home := key == homeKey
	d := replicaDisk{key: key, enabled: b.Enabled, datastore: target.datastore(b.DatastoreID), format: b.Format}
	switch {
	case d.datastore == nil:
		return d, badRequest("The target site has no datastore '%s'.", b.DatastoreID)
	case home && b.Path != nil:
		return d, badRequest("The destination_path of the home has to be null.")
	case b.UseSeeds && b.Path == nil:
		return d, badRequest("A seed needs a destination_path.")
	case !b.UseSeeds && b.Path != nil:
		return d, badRequest("A destination_path names a seed: use_seeds is false.")
	}
	if b.PolicyID != nil {
		if _, known := target.policy(*b.PolicyID); !known {
			return d, badRequest("The target site has no storage policy '%s'.", *b.PolicyID)
		}
		d.policy = *b.PolicyID
	}
	switch {
	case b.Path != nil:
		d.path = *b.Path
	default:
		d.path = m.replicaPath(target, key)
	}
	return d, nil
}

// reconfigure replaces all settings.
func (w *world) reconfigure(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	var body settingsBody
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, badRequest("The settings do not decode: %s", err)
	}
	disks, server, err := w.place(r.machine, r.target, body)
	if err != nil {
		return nil, err
	}
	return w.start(call, v, r, kindReconfigure, func(at time.Time) *failure {
		if r.image != nil {
			return imageActive(r)
		}
		r.clear()
		r.settings, r.disks, r.server = body.settings(), disks, server
		r.layDown()
		r.prune()
		r.wake(at)
		w.deeds.of(r).Reconfigured++
		return nil
	})
}
