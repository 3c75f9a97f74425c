package checkpointstest

import (
	"slices"
	"time"
)

type restoreRequest struct {
	Restore struct {
		Mappings []struct {
			BackupID string `json:"backup_id"`
			VolumeID string `json:"volume_id"`
		} `json:"mappings"`
		PowerOn    *bool  `json:"power_on"`
		ServerID   string `json:"server_id"`
		VolumeID   string `json:"volume_id"`
		ResourceID string `json:"resource_id"`
		Details    *struct {
			DestinationPath string `json:"destination_path"`
		} `json:"details"`
	} `json:"restore"`
}

// restore puts a backup back onto the server or disk it was made of.
func (r *region) restore(v *visit) (any, error) {
	b, err := v.findBackup()
	if err != nil {
		return nil, err
	}
	said, err := read[restoreRequest](v)
	if err != nil {
		return nil, err
	}
	if err := b.restorable(); err != nil {
		return nil, err
	}
	target, err := r.restoreTarget(b, said)
	if err != nil {
		return nil, err
	}
	t := r.putBack(v, b, target)
	if said.Restore.PowerOn == nil || *said.Restore.PowerOn {
		done := t.effect
		t.effect = func(at time.Time) *refusal {
			failure := done(at)
			if failure == nil && target.kind == TypeServer {
				target.status = "ACTIVE"
			}
			return failure
		}
	}
	if *r.config.quirks.restoreJobID {
		return map[string]any{"job_id": t.id}, nil
	}
	return nil, nil
}

func (b *backup) restorable() error {
	switch {
	case b.status == backupRestoring || b.status == backupWaitingRestore:
		return refuse(CodeBeingRestored, "The backup is being restored.")
	case b.status != backupAvailable || b.parent != nil:
		return refuse(CodeBackupStatus, "The backup cannot be restored: it is %s.", b.status)
	case !b.vault.usable():
		return refuse(CodeVaultNotAvailable, "The vault is %s.", b.vault.status)
	}
	return nil
}

// restoreTarget checks what a backup is put back onto.
func (r *region) restoreTarget(b *backup, said restoreRequest) (*resource, error) {
	wanted := said.Restore
	id := wanted.ServerID
	if b.resourceType == TypeDisk {
		id = wanted.VolumeID
	}
	if b.resourceType == TypeFileSystem {
		id = wanted.ResourceID
	}
	if id == "" {
		return nil, refuse(CodeInvalidParameter, "What the backup is restored to is missing.")
	}
	target := r.resources.byID[id]
	switch {
	case target == nil || target.project != b.project:
		if b.resourceType == TypeServer {
			return nil, refuse(CodeServerGone, "The server %s does not exist.", id)
		}
		return nil, notFound(b.resourceType, id)
	case target.kind != b.resourceType:
		return nil, refuse(CodeInvalidParameter, "The resource %s is no %s.", id, b.resourceType)
	case target.restoring:
		return nil, refuse(CodeBeingRestored, "The resource %s is being restored.", id)
	case r.beingBackedUp(target):
		return nil, refuse(CodeRestoreDuringBackup, "The resource %s is being backed up.", id)
	case target.status == "error":
		return nil, refuse(CodeServerStatus, "The status of the resource %s forbids it.", id)
	}
	switch b.resourceType {
	case TypeServer:
		return target, r.checkServerRestore(b, target, said)
	case TypeDisk:
		if target.sizeGB < b.sizeGB {
			return nil, refuse(CodeDiskTooSmall, "The disk %s is too small.", id)
		}
	case TypeFileSystem:
		if target.id == b.resourceID {
			return nil, refuse(CodeInvalidParameter, "A file system is not restored onto itself.")
		}
	}
	return target, nil
}

func (r *region) beingBackedUp(target *resource) bool {
	in := r.vaultOf(target)
	return in != nil && in.member(target.id).protecting > 0
}

// checkServerRestore wants the server itself, and its disks mapped to the backups of disks.
func (r *region) checkServerRestore(b *backup, target *resource, said restoreRequest) error {
	if target.id != b.resourceID {
		return refuse(CodeOtherServer, "The backup cannot be restored to another server.")
	}
	if len(said.Restore.Mappings) == 0 {
		return refuse(CodeInvalidParameter, "The mappings are missing.")
	}
	used := map[string]bool{}
	for _, mapping := range said.Restore.Mappings {
		at := slices.IndexFunc(b.children, func(child *backup) bool { return child.id == mapping.BackupID })
		disk := r.resources.byID[mapping.VolumeID]
		switch {
		case at < 0:
			return refuse(CodeDisksCannot, "The backup %s is not that of a disk of the server.", mapping.BackupID)
		case disk == nil || disk.kind != TypeDisk:
			return refuse(CodeDiskNotFound, "The disk %s does not exist.", mapping.VolumeID)
		case disk.server != target || used[disk.id]:
			return refuse(CodeDisksCannot, "The disk %s is not one of the server, or named twice.", disk.id)
		case disk.sizeGB < b.children[at].sizeGB:
			return refuse(CodeDiskTooSmall, "The disk %s is too small.", disk.id)
		case disk.system && !b.children[at].systemDisk:
			return refuse(CodeOntoSystemDisk, "A data disk cannot be restored onto a system disk.")
		}
		used[disk.id] = true
	}
	return nil
}

// putBack plans the work.
func (r *region) putBack(v *visit, b *backup, target *resource) *task {
	in := b.vault
	b.set(backupWaitingRestore, r.now())
	target.restoring = true
	in.restoring++
	done := r.deeds.restore(b, target)
	done.Started++
	release := func() {
		target.restoring = false
		in.restoring--
		b.set(backupAvailable, r.now())
	}
	t := &task{
		kind: kindRestore, vault: in, checkpoint: b.checkpoint, resource: b.resource(), backup: b,
		target: taskResource{target.id, target.kind, target.name},
		begun:  func(at time.Time) { b.set(backupRestoring, at) },
		failed: release,
	}
	t.effect = func(time.Time) *refusal {
		if r.resources.byID[target.id] != target {
			return refuse(CodeServerGone, "The server %s does not exist any more.", target.id)
		}
		release()
		target.restored++
		done.Succeeded++
		return nil
	}
	r.begin(v, t)
	return t
}
