package vspheretest

import (
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// slow are the members that a list shows only with extended_info. Which they are is our choice: those that have to be
// asked from where the copies are.
var slow = []string{
	"sync_progress", "last_sync_duration", "last_sync_size", "current_rpo_violation", "replication_server_name",
	"target_replication_server_uuid",
}

func (r *replication) row(v *visit) object {
	row := object{
		"name": r.machine.name, "id": r.id, "vm_id": r.machine.id, "source_site_name": r.source().name,
		"source_vc_id": r.source().vcenter, "target_site_name": r.target.name, "target_vc_id": r.target.vcenter,
		"status": object{"status": r.status(), "rpo_violation": r.violation(r.world.now) > 0}, "type": "VC_TO_VC",
		"replication_server_name": r.server.name, "target_replication_server_uuid": r.server.uuid,
		"recovery_solution": orNull(r.solution), "configuration_state": "OK", "recovery_state": "NOT_STARTED",
		"recovery_error": nil, "last_sync_time": v.lastSync(r.lastSync),
		"last_sync_duration": int64(r.world.config.syncTime / time.Second), "last_sync_size": syncSize,
		"current_rpo_violation": int64((r.violation(r.world.now) + time.Minute - 1) / time.Minute),
	}
	r.settings.show(row)
	switch {
	case r.configuring:
		row["configuration_state"] = "IN_PROGRESS"
	case !r.atSource || !r.atTarget:
		row["configuration_state"] = "ERROR"
		row["configuration_error"] = object{"message": "The other half of the replication is gone.", "details": ""}
	}
	if r.failedOver() {
		row["recovery_state"] = "OK"
	}
	if r.broken != "" {
		row["last_group_error"] = object{"message": r.broken, "details": ""}
	}
	if r.syncing != nil {
		row["sync_progress"] = r.syncing.row(r.world.now)
	}
	return row
}

func (s settings) show(row object) {
	row["rpo"], row["quiescing_enabled"], row["network_compression_enabled"] = s.rpo, s.quiesce, s.compression
	row["encryption_enabled"], row["enhanced_replication"] = s.encryption, s.enhanced
	row["auto_replicate_new_disks_enabled"], row["vm_data_sets_replication_enabled"] = s.newDisks, s.dataSets
	row["mpit_enabled"], row["mpit_instances"], row["mpit_days"] = s.mpit, s.instances, s.days
}

// lastSync is the one time that has to be there, also before the first transfer: then it is zero in both forms.
func (v *visit) lastSync(at time.Time) any {
	if at.IsZero() {
		at = time.UnixMilli(0)
	}
	return v.moment(at)
}

func (s *span) row(now time.Time) object {
	percent := s.progress(now)
	return object{
		"progress": percent, "checksum_current": diskSize, "checksum_total": diskSize,
		"transferred_current": percent * syncSize / 100, "transferred_total": syncSize,
	}
}

// shown is a replication as a visit may see it: what the remote site alone knows is missing if that cannot be had.
func (v *visit) shown(r *replication, extended bool) item {
	shown := item{row: r.row(v)}
	if !extended {
		for _, name := range slow {
			delete(shown.row, name)
		}
	}
	gap := v.cutOff()
	if gap == nil {
		return shown
	}
	missing := []string{"vm_id", "sync_progress"} // of an incoming one
	if r.source() == v.site {
		missing = []string{"replication_server_name", "target_replication_server_uuid"}
	}
	for _, name := range missing {
		if _, there := shown.row[name]; there {
			shown.leaveOut(name, gap)
		}
	}
	return shown
}

// nullable are the members that are null where they are missing; others are left out.
var nullable = []string{"vm_id", "replication_server_name", "target_replication_server_uuid"}

func (i *item) leaveOut(name string, why *refusal) {
	delete(i.row, name)
	if slices.Contains(nullable, name) {
		i.row[name] = nil
	}
	i.gaps = append(i.gaps, gap{field: "." + name, why: why})
}

// replicationsAt are those that a site knows.
func (w *world) replicationsAt(s *site) []*replication {
	var found []*replication
	for _, r := range w.replications {
		if r.knownAt(s) {
			found = append(found, r)
		}
	}
	return found
}

// sourceWanted reads the parameter that picks a direction: the id of a vCenter Server, or nothing for both.
func (v *visit) sourceWanted(call *simkit.Call) (string, error) {
	id := call.Query.Get("source_vc_guid")
	if id != "" && id != v.site.vcenter && id != v.pairing.remote.vcenter {
		return "", badParameter("source_vc_guid", id)
	}
	return id, nil
}

func (w *world) listReplications(call *simkit.Call, v *visit) (any, error) {
	extended, err := flag(call, "extended_info")
	if err != nil {
		return nil, err
	}
	source, err := v.sourceWanted(call)
	if err != nil {
		return nil, err
	}
	var items []item
	for _, r := range w.replicationsAt(v.site) {
		if source == "" || r.source().vcenter == source {
			items = append(items, v.shown(r, extended))
		}
	}
	return v.list(call, items)
}

func (w *world) getReplication(_ *simkit.Call, v *visit) (any, error) {
	return entity(v.shown(v.replication, true)), nil
}

func (w *world) countReplications(_ *simkit.Call, v *visit) (any, error) {
	return entity{row: object{"count": len(w.replicationsAt(v.site))}}, nil
}

func (w *world) replicationDisks(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	gap := v.cutOff()
	var items []item
	for _, d := range r.disks {
		items = append(items, v.shownDisk(r, d, gap))
	}
	return v.list(call, items)
}

func (v *visit) shownDisk(r *replication, d replicaDisk, gap *refusal) item {
	shown := item{row: object{
		"replicated": d.enabled, "replica_disk_usage": diskSize, "destination_disk_format": d.format,
		"destination_storage_policy_id": orNull(d.policy), "destination_storage_policy_name": nil,
		"destination_path": object{
			"datastore_id": d.datastore.id, "datastore_name": d.datastore.name, "path": nil, "filename": d.path,
		},
	}}
	if name, known := r.target.policy(d.policy); known {
		shown.row["destination_storage_policy_name"] = name
	}
	for _, row := range r.machine.diskRows() {
		if row["device_key"] == d.key {
			shown.row["vm_disk"] = row
		}
	}
	switch {
	case gap == nil:
	case r.source() == v.site:
		shown.leaveOut("destination_path", gap)
		shown.leaveOut("replica_disk_usage", gap)
	default:
		shown.leaveOut("vm_disk", gap)
	}
	return shown
}

// replicationIssues are the violations of RPO and the errors of transfers. Those of one direction are kept at its
// target.
func (w *world) replicationIssues(call *simkit.Call, v *visit) (any, error) {
	source, err := v.sourceWanted(call)
	if err != nil {
		return nil, err
	}
	why := v.cutOff()
	if why != nil && source == v.site.vcenter {
		return nil, why
	}
	var gaps []gap
	if why != nil && source == "" {
		gaps = []gap{{why: why}}
	}
	var items []item
	for _, r := range w.replicationsAt(v.site) {
		if source != "" && r.source().vcenter != source || why != nil && r.target != v.site {
			continue
		}
		if issue := r.issue(); issue != nil {
			items = append(items, item{row: issue})
		}
	}
	return v.list(call, items, gaps...)
}

// issue is what is wrong with a replication, or nil.
func (r *replication) issue() object {
	late := r.violation(r.world.now)
	row := object{
		"entity": r.id, "entity_name": r.machine.name, "timestamp": r.world.now.UnixMilli(), "issue_type": "UNKNOWN",
	}
	switch {
	case r.broken != "":
		row["status"], row["description"] = "ERROR", r.broken
	case late > 0:
		row["status"], row["description"] = "WARNING", "The RPO is violated."
		row["timestamp"] = r.lastSync.Add(r.rpo()).UnixMilli()
	default:
		return nil
	}
	return row
}
