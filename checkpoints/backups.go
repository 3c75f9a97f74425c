package checkpoints

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Backups are those of single resources. That of a server has one more for each disk, as its children.
type Backups struct{ resource }

// List walks the backups that match query, in the order of its Sort. query.Limit is the rows a page, at most 1000,
// which is the default; the walk goes on to the last page. Statuses that are empty, but not nil, match nothing.
// With a Marker the walk begins after the backup of that id, and reads page after page by markers. It is safe to
// repeat.
//
// Errors: [drkit.ErrListMoved] if backups keep coming or going while the list is read: sorted by
// Asc("created_at") it stands still for longest.
// Roles: cbr:backups:list.
//
// Source: CBR API reference, "Querying All Backups".
func (b *Backups) List(ctx context.Context, query BackupQuery) iter.Seq2[Backup, error] {
	if query.Status != nil && len(query.Status) == 0 {
		return none[Backup]
	}
	return rowsByMarker(ctx, b.resource, transport.List[Backup]{
		Name: "checkpoints.Backups.List", Offset: query.Offset, Limit: query.Limit, Marker: query.Marker,
		ID: func(row *Backup) string { return row.ID },
	}, func(ctx context.Context, marker string, offset, limit int) (transport.Page[Backup], error) {
		query := query
		query.Marker, query.Offset, query.Limit = marker, offset, limit
		return b.page(ctx, query)
	})
}

// page reads one page of the list.
func (b *Backups) page(ctx context.Context, query BackupQuery) (transport.Page[Backup], error) {
	var page struct {
		Backups []Backup
		Count   *int
	}
	call := transport.Call{Operation: &contract.BackupsList, Query: query, Check: lists("backups", &page.Backups, &page.Count)}
	err := b.do(ctx, call, &page)
	return pageOf(page.Backups, page.Count), err
}

// Get returns a backup, that of a server with its disk backups. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: cbr:backups:get.
//
// Source: CBR API reference, "Querying a Specified Backup".
func (b *Backups) Get(ctx context.Context, id string) (Backup, error) {
	return b.one(ctx, transport.Call{Operation: &contract.BackupsGet, Path: []string{id}})
}

// Update gives a backup another name. It is safe to repeat. Huawei Cloud only.
//
// Errors: [drkit.ErrNotFound].
//
// Source: the code of a client.
func (b *Backups) Update(ctx context.Context, id string, update BackupUpdate) (Backup, error) {
	return b.one(ctx, transport.Call{Operation: &contract.BackupsUpdate, Path: []string{id}, Body: struct {
		Backup BackupUpdate `json:"backup"`
	}{update}})
}

// one sends a call that answers a backup.
func (b *Backups) one(ctx context.Context, call transport.Call) (Backup, error) {
	var answer struct{ Backup Backup }
	call.Check = holds("backup", &answer.Backup.ID)
	err := b.do(ctx, call, &answer)
	return answer.Backup, err
}

// Delete deletes a backup. It returns once the service has taken the request; the poller waits until the backup is
// gone. It is safe to repeat: a repeat that finds nothing, or a backup that is being deleted, counts as done.
//
// Errors: [drkit.ErrNotFound]; [ErrBusy] if the backup is in use; [drkit.ErrConflict] if an image was made of it, or
// if it is an automatic one in a locked vault.
// Roles: cbr:backups:delete.
//
// Source: CBR API reference, "Deleting a Backup".
func (b *Backups) Delete(ctx context.Context, id string) (*drkit.Poller[NoResult], error) {
	return begin(ctx, b.client, order[NoResult]{
		call:   transport.Call{Operation: &contract.BackupsDelete, Path: []string{id}, Done: b.client.leavingBackup(id).begun},
		follow: func(*transport.Note) pursuit[NoResult] { return b.client.leavingBackup(id) },
	})
}

// Replicate copies the backup of a server to a vault in another region, which has at most one copy of it; a copy
// cannot be copied again. It returns once the service has taken the request; the poller follows the copy to its end,
// in the ways of [Checkpoints.Replicate]. Pollers of backups of one vault share what they ask for.
//
// The request is sent at most once. A lost answer is looked for among the copies of the backup to that destination
// which have been begun since. In a step of [drkit.Once] one that has left no trace is sent again.
//
// Errors: [drkit.ErrNotFound] if the backup, or the destination vault, is not there; [drkit.ErrConflict] if it is being
// copied there, found out before anything is sent; [ErrInvalid] if the backup or the region cannot be replicated;
// [ErrQuota] if the destination is full; [drkit.ErrOutcomeUnknown] if the answer was lost and nothing of it is to be
// seen.
// Roles: cbr:backups:replicate.
//
// Source: CBR API reference, "Replicating a Backup".
func (b *Backups) Replicate(
	ctx context.Context, id string, replicate BackupReplicateParam, options ...FollowOption,
) (*drkit.Poller[CopyOutcome], error) {
	if err := replicate.check(); err != nil {
		return nil, wrong(&contract.BackupsReplicate, err)
	}
	var answer struct{ Replication BackupReplication }
	copies := &copyWork{
		client: b.client, by: followingBy(options), backup: id,
		to: destination{replicate.DestinationRegion, replicate.DestinationProjectID, replicate.DestinationVaultID},
	}
	return begin(ctx, b.client, order[CopyOutcome]{
		call: transport.Call{
			Operation: &contract.BackupsReplicate, Path: []string{id}, Check: holds("replication", &answer.Replication.BackupID),
			Body: struct {
				Replicate BackupReplicateParam `json:"replicate"`
			}{replicate},
		},
		answer: &answer,
		follow: func(note *transport.Note) pursuit[CopyOutcome] {
			record := ReplicatedBackup{BackupID: id, ReplicationRecordID: answer.Replication.ReplicationRecordID}
			return oneCopy{copies.copying(note, []ReplicatedBackup{record}, false)}
		},
		work: copies.work(),
		found: func(found transport.Found) pursuit[CopyOutcome] {
			return oneCopy{copies.found(found, []ReplicatedBackup{{BackupID: id}})}
		},
		by: copies.by,
	})
}

// Restore writes a backup over the disks of a server, or over a disk. It returns once the service has taken the
// request; the poller follows the task that the answer names, or the one that the list of tasks shows for it, and its
// result is that task. The server is started afterwards unless PowerOn is drkit.Some(false).
//
// The request is sent at most once. A lost answer is looked for among the tasks that restore this backup to this
// target and were not there before.
//
// Errors: [drkit.ErrNotFound]; [ErrBusy] if the resource is being backed up or restored; [drkit.ErrConflict] if
// its status, or that of the backup or the vault, forbids it, or if the backup is being restored there, found out
// before anything is sent; [ErrInvalid] if backup and target do not go
// together; [drkit.ErrOutcomeUnknown] if the answer was lost.
// Roles: cbr:backups:restore.
//
// Source: CBR API reference, "Restoring a Backup".
func (b *Backups) Restore(ctx context.Context, id string, restore BackupRestore) (*drkit.Poller[Task], error) {
	if err := restore.check(); err != nil {
		return nil, wrong(&contract.BackupsRestore, err)
	}
	var answer RestoreJob
	made := &restoring{
		client: b.client, backup: id, target: cmp.Or(restore.ServerID.Or(""), restore.VolumeID.Or(""), restore.ResourceID.Or("")),
	}
	return begin(ctx, b.client, order[Task]{
		call: transport.Call{
			Operation: &contract.BackupsRestore, Path: []string{id}, Bare: true, // the guide shows no body
			Body: struct {
				Restore BackupRestore `json:"restore"`
			}{restore},
		},
		answer: &answer,
		follow: func(note *transport.Note) pursuit[Task] {
			made.task = answer.JobID
			made.noted(note)
			return made
		},
		work: made.work(),
		found: func(found transport.Found) pursuit[Task] {
			return &restoring{client: b.client, backup: id, target: made.target, task: found.Job}
		},
	})
}

// Sync makes backups that lie in a bucket known to the service. It returns the tasks that do it. Huawei Cloud only.
//
// The request is sent at most once.
//
// Errors: [drkit.ErrOutcomeUnknown] if the answer was lost.
//
// Source: the code of a client.
func (b *Backups) Sync(ctx context.Context, backups []BackupSync) ([]BackupSyncResult, error) {
	if len(backups) == 0 {
		return nil, wrong(&contract.BackupsSync, errors.New("there are no backups"))
	}
	var answer struct{ Sync []BackupSyncResult }
	err := b.do(ctx, transport.Call{
		Operation: &contract.BackupsSync, Check: func() error {
			if len(answer.Sync) != len(backups) {
				return fmt.Errorf("%d tasks for %d backups", len(answer.Sync), len(backups))
			}
			return nil
		},
		Body: struct {
			Sync []BackupSync `json:"sync"`
		}{backups},
	}, &answer)
	return answer.Sync, err
}

// Metadata returns what a server was when it was backed up. It is safe to repeat. Huawei Cloud only.
//
// Errors: [drkit.ErrNotFound]; [ErrBusy] if the backup has no metadata in its present status.
//
// Source: the code of a client.
func (b *Backups) Metadata(ctx context.Context, id string) (BackupMetadata, error) {
	var metadata BackupMetadata
	err := b.do(ctx, transport.Call{
		Operation: &contract.BackupsMetadata, Path: []string{id}, Check: holds("backup", &metadata.BackupID),
	}, &metadata)
	return metadata, err
}
