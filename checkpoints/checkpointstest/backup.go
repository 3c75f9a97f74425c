package checkpointstest

import (
	"slices"
	"time"
)

// States of a backup.
const (
	backupAvailable      = "available"
	backupProtecting     = "protecting"
	backupDeleting       = "deleting"
	backupRestoring      = "restoring"
	backupError          = "error"
	backupWaitingProtect = "waiting_protect"
	backupWaitingDelete  = "waiting_delete"
	backupWaitingRestore = "waiting_restore"
)

// Kinds of backups, as image_type has them.
const (
	imageBackup      = "backup"
	imageReplication = "replication"
)

// Backup is one backup, as [Server.Backups] finds it.
type Backup struct {
	ID         string    // a UUID
	Name       string    // as it is shown
	Vault      string    // id of the vault
	Checkpoint string    // id of the checkpoint
	Resource   string    // id of the server, disk or file system
	Parent     string    // of the backup of a disk: id of that of the server; else empty
	Status     string    // as in "available"
	Replica    bool      // whether it is the copy of a backup in another region
	Children   []string  // ids of the backups of the disks of a server, in their order
	SizeMB     int       // what it takes of the vault
	Created    time.Time // when it was begun
}

// backup is the state of one backup.
type backup struct {
	id, name, description  string
	checkpoint             *checkpoint
	vault                  *vault
	project                *project
	parent                 *backup
	status                 string
	imageType              string
	resourceID             string
	resourceName           string
	resourceType           string
	az                     string
	sizeGB, takesMB        int
	created, updated       time.Time
	expired, protectedAt   time.Time
	auto, incremental      bool
	systemDisk, withSystem bool
	children               []*backup
	members                []*member
	records                []*record
	source                 *backup // of a replica
	replicating            int
	snapshot               string
}

// leaving reports whether a backup is about to be gone.
func (b *backup) leaving() bool { return b.status == backupDeleting || b.status == backupWaitingDelete }

// set gives a backup and its children a state.
func (b *backup) set(status string, at time.Time) {
	b.status, b.updated = status, at
	for _, child := range b.children {
		child.set(status, at)
	}
}

// moveTo puts a backup and its children into another vault.
func (b *backup) moveTo(to *vault) {
	b.vault = to
	for _, child := range b.children {
		child.vault = to
	}
}

func (b *backup) resource() taskResource {
	return taskResource{b.resourceID, b.resourceType, b.resourceName}
}

// putBackup lets a backup and its children be known.
func (r *region) putBackup(b *backup) {
	b.id, _ = r.cloud.claim(b.id) // a fresh one is never taken
	r.backups.put(b.id, b)
	for _, child := range b.children {
		child.parent = b
		r.putBackup(child)
	}
}

// removeBackup lets a backup be gone, and its checkpoint with the last of its backups.
func (r *region) removeBackup(b *backup) {
	for _, child := range b.children {
		r.backups.drop(child.id)
	}
	r.backups.drop(b.id)
	if b.checkpoint == nil {
		return
	}
	left := false
	for _, e := range b.checkpoint.entries {
		if e.backup == b {
			e.backup = nil
		}
		left = left || e.backup != nil || !e.done
	}
	if !left {
		r.checkpoints.drop(b.checkpoint.id)
	}
}

// previous returns the newest backup of a resource in a vault, on which the next builds.
func (r *region) previous(v *vault, resourceID string) *backup {
	var newest *backup
	for _, b := range r.contents(v) {
		if b.resourceID == resourceID && b.status == backupAvailable && b.imageType == imageBackup {
			newest = b
		}
	}
	return newest
}

// takes is how much of a vault a backup takes, in MB: half of what a full one could, and a tenth of that for what
// has changed.
func takes(sizeGB int, incremental bool) int {
	if incremental {
		return sizeGB * 1024 / 20
	}
	return sizeGB * 1024 / 2
}

// newBackup makes a backup of a resource, with children for the disks of a server that are not left out.
func (r *region) newBackup(of *checkpoint, in *vault, m *membership, incremental bool) *backup {
	from := m.resource
	made := r.plainBackup(of, in, from, incremental)
	for _, disk := range from.disks {
		if slices.Contains(m.excluded, disk.id) {
			made.sizeGB -= disk.sizeGB
			continue
		}
		child := r.plainBackup(of, in, disk, incremental)
		child.name = made.name + "_" + disk.name
		child.systemDisk = disk.system
		made.withSystem = made.withSystem || disk.system
		made.children = append(made.children, child)
	}
	return made
}

func (r *region) plainBackup(of *checkpoint, in *vault, from *resource, incremental bool) *backup {
	return &backup{
		name: or(of.name, "manualbk_"+from.name), description: of.description, checkpoint: of, vault: in, project: in.project,
		status: backupWaitingProtect, imageType: imageBackup, resourceID: from.id, resourceName: from.name,
		resourceType: from.kind, az: from.az, sizeGB: from.size(), created: r.now(), updated: r.now(), protectedAt: r.now(),
		incremental: incremental, systemDisk: from.system,
	}
}

// backUpResource makes one backup, which its task fills.
func (r *region) backUpResource(v *visit, of *checkpoint, in *vault, m *membership, full bool, said checkpointRequest) {
	incremental := !full && r.previous(in, m.resource.id) != nil
	made := r.newBackup(of, in, m, incremental)
	if made.auto = said.Checkpoint.Parameters.AutoTrigger; made.auto && of.name == "" {
		made.name = "autobk_" + m.resource.name
	}
	r.putBackup(made)
	e := &entry{resource: made.resource(), sizeGB: made.sizeGB, backup: made}
	of.entries = append(of.entries, e)
	m.protecting++
	finish := func(failed bool) { m.protecting, m.failed, e.done, e.failed = m.protecting-1, failed, true, failed }
	t := &task{
		kind: kindBackup, vault: in, checkpoint: of, policyID: said.Checkpoint.Parameters.PolicyID, resource: made.resource(),
		backup: made, begun: func(at time.Time) { made.set(backupProtecting, at) },
	}
	t.effect = func(at time.Time) *refusal {
		if failure := r.fill(made, in, at); failure != nil {
			return failure
		}
		finish(false)
		e.countMB = made.takesMB
		for _, b := range r.contents(in) {
			if b.resourceID == made.resourceID {
				e.count++
			}
		}
		r.deeds.vault(in).Backups++
		return nil
	}
	t.failed = func() {
		finish(true)
		if t.outcome == taskSkipped {
			e.backup = nil
			r.removeBackup(made)
			return
		}
		made.set(backupError, t.endsAt)
	}
	r.begin(v, t)
}

// fill makes a backup available, if its vault has room for it.
func (r *region) fill(b *backup, in *vault, at time.Time) *refusal {
	if b.imageType == imageBackup && r.resources.byID[b.resourceID] == nil {
		return notFound(b.resourceType, b.resourceID)
	}
	size := takes(b.sizeGB, b.incremental)
	used := r.usedMB(in) + size
	if used > in.sizeGB*1024 {
		if !in.autoExpand {
			return refuse(CodeVaultFull, "The vault is full.")
		}
		in.sizeGB = (used + 1023) / 1024
	}
	b.takesMB = size
	for _, child := range b.children {
		child.takesMB = takes(child.sizeGB, b.incremental)
		child.snapshot = plainID("snapshot", child.id)
	}
	b.set(backupAvailable, at)
	return nil
}

func (b *backup) snapshotOf() Backup {
	shown := Backup{
		ID: b.id, Name: b.name, Vault: b.vault.id, Resource: b.resourceID, Status: b.status,
		Replica: b.imageType == imageReplication, SizeMB: b.takesMB, Created: b.created,
	}
	if b.checkpoint != nil {
		shown.Checkpoint = b.checkpoint.id
	}
	if b.parent != nil {
		shown.Parent = b.parent.id
	}
	for _, child := range b.children {
		shown.Children = append(shown.Children, child.id)
	}
	return shown
}
