package checkpointstest

import (
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// States of a replication record, which are not those of tasks.
const (
	recordWaiting     = "waiting_replicate"
	recordReplicating = "replicating"
	recordSuccess     = "success"
	recordFail        = "fail"
	recordSkip        = "skip"
)

// record is one copy of a backup to another region, or the attempt at one.
type record struct {
	id          string
	created     time.Time
	source      *backup
	sourceVault *vault
	destination *vault
	replica     *backup // nil before it is begun
	auto        bool
	task        *task
}

func (rec *record) status(now time.Time) string {
	switch rec.task.state(now) {
	case taskWaiting:
		return recordWaiting
	case taskRunning:
		return recordReplicating
	case taskSuccess:
		return recordSuccess
	case taskSkipped:
		return recordSkip
	default:
		return recordFail
	}
}

type recordBody struct {
	ID                      string          `json:"id"`
	Status                  string          `json:"status"`
	CreatedAt               stamp           `json:"created_at"`
	SourceBackupID          string          `json:"source_backup_id"`
	SourceCheckpointID      string          `json:"source_checkpoint_id"`
	SourceProjectID         string          `json:"source_project_id"`
	SourceRegion            string          `json:"source_region"`
	DestinationBackupID     string          `json:"destination_backup_id"`
	DestinationCheckpointID string          `json:"destination_checkpoint_id"`
	DestinationProjectID    string          `json:"destination_project_id"`
	DestinationRegion       string          `json:"destination_region"`
	DestinationVaultID      string          `json:"destination_vault_id"`
	VaultID                 string          `json:"vault_id"`
	ExtraInfo               recordExtraBody `json:"extra_info"`
}

type recordExtraBody struct {
	Progress           int    `json:"progress"`
	FailCode           string `json:"fail_code"`
	FailReason         string `json:"fail_reason"`
	AutoTrigger        bool   `json:"auto_trigger"`
	DestinationVaultID string `json:"destination_vault_id"`
}

// recordBodies are the records of a backup: those of its copies, and of a copy the one that it came by.
func (r *region) recordBodies(b *backup) []recordBody {
	records := b.records
	if b.source != nil {
		records = slices.DeleteFunc(slices.Clone(b.source.records), func(rec *record) bool { return rec.replica != b })
	}
	bodies := []recordBody{}
	for _, rec := range records {
		task := r.taskReplication(rec)
		body := recordBody{
			ID: rec.id, Status: rec.status(r.now()), CreatedAt: r.config.quirks.stamp(rec.created, TimesNoZone),
			SourceBackupID: task.SourceBackupID, SourceCheckpointID: task.SourceCheckpointID, SourceProjectID: task.SourceProjectID,
			SourceRegion: rec.source.project.region.name, DestinationBackupID: task.DestinationBackupID,
			DestinationCheckpointID: task.DestinationCheckpointID, DestinationProjectID: task.DestinationProjectID,
			DestinationRegion: task.DestinationRegion, DestinationVaultID: rec.destination.id, VaultID: rec.sourceVault.id,
			ExtraInfo: recordExtraBody{
				Progress: rec.task.progress(r.now()), AutoTrigger: rec.auto, DestinationVaultID: rec.destination.id,
			},
		}
		if failure := rec.task.failure; failure != nil {
			body.ExtraInfo.FailCode, body.ExtraInfo.FailReason = failure.code, failure.message
		}
		bodies = append(bodies, body)
	}
	return bodies
}

// whereTo is where a replication leads, as requests say it.
type whereTo struct {
	Project     string `json:"destination_project_id"`
	Region      string `json:"destination_region"`
	Vault       string `json:"destination_vault_id"`
	AutoTrigger bool   `json:"auto_trigger"`
	VaultID     string `json:"vault_id"` // of a replication of a vault: its source
	Name        string `json:"name"`
	Description string `json:"description"`
}

type replicateRequest struct {
	Replicate whereTo `json:"replicate"`
}

// destinations are the regions to which backups of this one can go.
func (r *region) destinations() []string {
	found := []string{}
	for _, other := range r.cloud.regions {
		if other != r && !r.hidden[other.name] {
			found = append(found, other.name)
		}
	}
	return found
}

func (r *region) capabilities(*visit) (any, error) {
	return map[string]any{"regions": []any{map[string]any{"name": r.name, "replication_destinations": r.destinations()}}}, nil
}

// destination returns the vault that a replication leads to.
func (r *region) destination(v *visit, of *vault, to whereTo) (*vault, error) {
	if to.Region == r.name {
		return nil, refuse(CodeInvalidParameter, "The destination region must differ from the current one.")
	}
	if !slices.Contains(r.destinations(), to.Region) {
		return nil, refuse(CodeRegionCannotReplicate, "The region %s cannot be replicated to.", to.Region)
	}
	other := r.cloud.region(to.Region)
	in := other.project(to.Project)
	if in == nil || in.domain != v.domain {
		return nil, refuse(CodeProjectCannot, "The project %s cannot be replicated to.", to.Project)
	}
	found := other.vaults.byID[to.Vault]
	switch {
	case found == nil || found.project != in:
		return nil, refuse(CodeDestinationMissing, "The destination vault %s does not exist.", to.Vault)
	case found.protectType != ProtectReplication || found.objectType != of.objectType:
		return nil, refuse(CodeDestinationCannot, "The destination vault cannot take these replicas.")
	case !found.usable():
		return nil, refuse(CodeDestinationCheck, "The destination vault is %s.", found.status)
	case other.usedMB(found) >= found.sizeGB*1024 && !found.autoExpand:
		return nil, refuse(CodeDestinationFull, "The destination vault is full.")
	}
	return found, nil
}

// replicateVault copies all backups of a vault that were never copied to the region.
func (r *region) replicateVault(v *visit) (any, error) {
	said, err := read[replicateRequest](v)
	if err != nil {
		return nil, err
	}
	from, err := v.vaultNamed(said.Replicate.VaultID)
	if err != nil {
		return nil, err
	}
	to, made, err := r.replicate(v, from, said.Replicate, "")
	if err != nil {
		return nil, err
	}
	backups := []map[string]any{}
	for _, rec := range made {
		backups = append(backups, map[string]any{"backup_id": rec.source.id, "replication_record_id": rec.id})
	}
	answer := replicationBody(from, to)
	answer["vault_id"], answer["backups"] = from.id, backups
	return map[string]any{"replication": answer}, nil
}

func replicationBody(from, to *vault) map[string]any {
	return map[string]any{
		"project_id": from.project.id, "provider_id": from.provider(), "source_region": from.project.region.name,
		"destination_region": to.project.region.name, "destination_project_id": to.project.id, "destination_vault_id": to.id,
	}
}

func (r *region) replicate(v *visit, from *vault, where whereTo, policyID string) (*vault, []*record, error) {
	switch {
	case from.protectType != ProtectBackup || from.objectType != ObjectServer:
		return nil, nil, refuse(CodeVaultCannotReplicate, "Only vaults with backups of servers can be replicated.")
	case from.replicating > 0:
		return nil, nil, refuse(CodeBeingReplicated, "The vault is being replicated.")
	}
	to, err := r.destination(v, from, where)
	if err != nil {
		return nil, nil, err
	}
	var made []*record
	copies := map[*checkpoint]*checkpoint{}
	for _, b := range r.contents(from) {
		if b.leaving() || b.reached(to.project.region, r.now()) {
			continue
		}
		made = append(made, r.copyBackup(v, b, to, copies, where, policyID))
	}
	return to, made, nil
}

// reached reports whether a backup was copied to a region, or is being copied, whatever became of the copy since.
func (b *backup) reached(to *region, now time.Time) bool {
	return slices.ContainsFunc(b.records, func(rec *record) bool {
		if rec.destination.project.region != to {
			return false
		}
		status := rec.status(now)
		return status != recordFail && status != recordSkip
	})
}

// copied reports whether the copy of a backup is in a region, or on its way there.
func (b *backup) copied(to *region, now time.Time) bool {
	return slices.ContainsFunc(b.records, func(rec *record) bool {
		if rec.destination.project.region != to {
			return false
		}
		status := rec.status(now)
		under := status == recordWaiting || status == recordReplicating
		return under || (rec.replica != nil && to.backups.byID[rec.replica.id] == rec.replica && status == recordSuccess)
	})
}

// replicateBackup copies one backup, also again after its copy was deleted.
func (r *region) replicateBackup(v *visit) (any, error) {
	b, err := v.findBackup()
	if err != nil {
		return nil, err
	}
	said, err := read[replicateRequest](v)
	if err != nil {
		return nil, err
	}
	if name := said.Replicate.Name; name != "" && !resourceName.MatchString(name) {
		return nil, refuse(CodeInvalidParameter, "The name %q is invalid.", name)
	}
	if reason := b.cannotCopy(); reason != nil {
		return nil, reason
	}
	to, err := r.destination(v, b.vault, said.Replicate)
	if err != nil {
		return nil, err
	}
	if b.copied(to.project.region, r.now()) {
		return nil, refuse(CodeDestinationCheck, "The backup has a copy in %s already.", to.project.region.name)
	}
	rec := r.copyBackup(v, b, to, map[*checkpoint]*checkpoint{}, said.Replicate, "")
	answer := replicationBody(b.vault, to)
	answer["backup_id"], answer["replication_record_id"] = b.id, rec.id
	return map[string]any{"replication": answer}, nil
}

// cannotCopy is why a backup cannot go to another region, or nil.
func (b *backup) cannotCopy() *refusal {
	switch {
	case b.imageType == imageReplication:
		return refuse(CodeCannotBeReplicated, "A replica cannot be replicated.")
	case b.resourceType != TypeServer || !b.withSystem:
		return refuse(CodeCannotBeReplicated, "Only backups of servers with their system disk can be replicated.")
	case b.status == backupError:
		return refuse(CodeCannotBeReplicated, "The backup is %s.", b.status)
	case b.status != backupAvailable:
		return refuse(CodeBackupInUse, "The backup is %s.", b.status)
	default:
		return nil
	}
}

// copyBackup makes the record of one copy and its task, which ends as skipped where the backup cannot be copied.
func (r *region) copyBackup(v *visit, b *backup, to *vault, copies map[*checkpoint]*checkpoint, where whereTo, policyID string) *record {
	rec := &record{
		id: simkit.FreshID(), created: r.now(), source: b, sourceVault: b.vault, destination: to, auto: where.AutoTrigger,
	}
	from, other := b.vault, to.project.region
	deed := r.deeds.replication(b, other.name)
	t := &task{
		kind: kindReplication, vault: from, checkpoint: b.checkpoint, policyID: policyID, resource: b.resource(), backup: b,
		record: rec,
	}
	release := func() { from.replicating, b.replicating = from.replicating-1, b.replicating-1 }
	var e *entry
	t.begun = func(at time.Time) {
		if t.plannedEnd != taskSkipped {
			rec.replica, e = other.replicaOf(b, to, copies, where, at)
		}
	}
	t.effect = func(at time.Time) *refusal {
		if other.vaults.byID[to.id] != to {
			return refuse(CodeDestinationMissing, "The destination vault %s does not exist.", to.id)
		}
		if failure := other.fill(rec.replica, to, at); failure != nil {
			return refuse(CodeDestinationFull, "The destination vault is full.")
		}
		release()
		e.done, e.count, e.countMB = true, 1, rec.replica.takesMB
		deed.Succeeded++
		return nil
	}
	t.failed = func() {
		release()
		if rec.replica != nil {
			e.done, e.failed = true, true
			rec.replica.set(backupError, t.endsAt)
		}
	}
	rec.task = t
	from.replicating, b.replicating = from.replicating+1, b.replicating+1
	b.records = append(b.records, rec)
	r.begin(v, t)
	if reason := b.cannotCopy(); reason != nil {
		t.skip(reason)
	}
	if t.plannedEnd != taskSkipped {
		deed.Started++
	}
	return rec
}

// replicaOf makes the copy of a backup in this region, which is being filled.
func (r *region) replicaOf(b *backup, in *vault, copies map[*checkpoint]*checkpoint, where whereTo, at time.Time) (*backup, *entry) {
	of := copies[b.checkpoint]
	if of == nil {
		of = &checkpoint{project: in.project, vaultID: in.id, vaultName: in.name, created: at}
		if b.checkpoint != nil {
			of.name, of.description = b.checkpoint.name, b.checkpoint.description
		}
		of.id, _ = r.cloud.claim("") // a fresh one is never taken
		copies[b.checkpoint] = of
		r.checkpoints.put(of.id, of)
	}
	made := r.copyOf(b, in, of, at)
	made.name, made.description = or(where.Name, b.name), or(where.Description, b.description)
	made.source = b
	r.putBackup(made)
	made.set(backupProtecting, at)
	e := &entry{resource: made.resource(), sizeGB: made.sizeGB, backup: made}
	of.entries = append(of.entries, e)
	return made, e
}

func (r *region) copyOf(b *backup, in *vault, of *checkpoint, at time.Time) *backup {
	made := &backup{
		name: b.name, description: b.description, checkpoint: of, vault: in, project: in.project, imageType: imageReplication,
		resourceID: b.resourceID, resourceName: b.resourceName, resourceType: b.resourceType, az: r.name + "-01",
		sizeGB: b.sizeGB, created: at, updated: at, protectedAt: b.protectedAt, auto: b.auto, incremental: b.incremental,
		systemDisk: b.systemDisk, withSystem: b.withSystem,
	}
	for _, child := range b.children {
		made.children = append(made.children, r.copyOf(child, in, of, at))
	}
	return made
}
