package checkpoints

import (
	"context"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Checkpoints are backups of whole vaults: one backup for each resource. There is no list of them and no way to
// delete one: list and delete the backups of a [BackupQuery] with its id.
type Checkpoints struct{ resource }

// Create backs up a vault, or some of its resources. It returns once the service has taken the request; the poller
// follows the checkpoint until nothing of it is under way. The result has an outcome for each resource, also for
// those that were skipped, with the reason. The poller ends well as soon as one resource was backed up:
// [CheckpointResult.Err] tells whether all were. Where none was, it ends in a [*drkit.TaskError].
//
// The request is sent at most once. A lost answer is looked for among the checkpoints that have since come to the
// vault: one with the name and the description that were asked for, and with no other resources, is adopted.
// Backups of other people look just so where neither was asked for, so that a checkpoint without a name and a
// description of its own is named in the error, and not adopted.
//
// Errors: [ErrBusy] if a backup is running; [drkit.ErrConflict] if one of the same resources runs, found out before
// anything is sent; [ErrQuota] if the vault is full; [drkit.ErrNotFound] if there is no such vault;
// [drkit.ErrOutcomeUnknown] if the answer was lost and the checkpoint cannot be told from others.
// Roles: cbr:vaults:backup.
//
// Source: CBR API reference, "Creating a Restore Point".
func (c *Checkpoints) Create(ctx context.Context, backup VaultBackup) (*drkit.Poller[CheckpointResult], error) {
	if err := backup.check(); err != nil {
		return nil, wrong(&contract.CheckpointsCreate, err)
	}
	var answer struct{ Checkpoint Checkpoint }
	return begin(ctx, c.client, order[CheckpointResult]{
		call: transport.Call{
			Operation: &contract.CheckpointsCreate, Check: holds("checkpoint", &answer.Checkpoint.ID),
			Body: struct {
				Checkpoint VaultBackup `json:"checkpoint"`
			}{backup},
		},
		answer: &answer,
		follow: func(*transport.Note) pursuit[CheckpointResult] {
			made := answer.Checkpoint
			return &checkpointRun{
				client: c.client, id: made.ID, vault: backup.VaultID, created: made.CreatedAt, skipped: made.Vault.SkippedResources,
			}
		},
		work: backup.workOf(c.client),
		found: func(found transport.Found) pursuit[CheckpointResult] {
			return &checkpointRun{client: c.client, id: found.Job, vault: backup.VaultID}
		},
	})
}

// Get returns a checkpoint and how far its resources have come. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
//
// Source: CBR API reference, "Querying a Restore Point".
func (c *Checkpoints) Get(ctx context.Context, id string) (Checkpoint, error) {
	var answer struct{ Checkpoint Checkpoint }
	err := c.do(ctx, transport.Call{
		Operation: &contract.CheckpointsGet, Path: []string{id}, Check: holds("checkpoint", &answer.Checkpoint.ID),
	}, &answer)
	return answer.Checkpoint, err
}

// Replicate copies all backups of a vault to a vault in another region. It names no checkpoint. What was copied to
// that region before is left out, also if its copy was deleted since: [Backups.Replicate] copies such a backup
// again. It returns once the service has taken the request; the poller follows all copies to their end, by the
// replication records where the cloud shows them, else by the tasks of the vault, else, with [FollowAt], in the
// destination vault. Which way it took is in the result, which has an outcome for each backup. The poller ends well
// as soon as one copy has succeeded, or where there was nothing to copy: [ReplicationResult.Err] tells whether all
// have. Where none has, it ends in a [*drkit.TaskError].
//
// The request is sent at most once. A lost answer is looked for among the copies to that destination which have been
// begun since: if they leave out no backup of the vault they are adopted, whoever has begun them, since a backup is
// copied to a region once. In a step of [drkit.Once] a replication that has left no trace is sent again.
//
// Errors: [ErrBusy] if the vault is being replicated; [drkit.ErrConflict] if it is being replicated to that
// destination, found out before anything is sent; [ErrInvalid] if the vaults do not go together or the region
// cannot replicate; [ErrQuota] if the destination is full; [drkit.ErrNotFound] if one of the vaults is not there;
// [drkit.ErrOutcomeUnknown] if the answer was lost and nothing of it is to be seen.
// Roles: cbr:vaults:replicate.
//
// Source: CBR API reference, "Replicating a Restore Point".
func (c *Checkpoints) Replicate(
	ctx context.Context, replicate CheckpointReplicateParam, options ...FollowOption,
) (*drkit.Poller[ReplicationResult], error) {
	if err := replicate.check(); err != nil {
		return nil, wrong(&contract.CheckpointsReplicate, err)
	}
	var answer struct{ Replication CheckpointReplication }
	copies := &copyWork{
		client: c.client, by: followingBy(options), vault: replicate.VaultID, auto: replicate.AutoTrigger.Or(false),
		to: destination{replicate.DestinationRegion, replicate.DestinationProjectID, replicate.DestinationVaultID},
	}
	return begin(ctx, c.client, order[ReplicationResult]{
		call: transport.Call{
			Operation: &contract.CheckpointsReplicate, Check: holds("replication", &answer.Replication.VaultID),
			Body: struct {
				Replicate CheckpointReplicateParam `json:"replicate"`
			}{replicate},
		},
		answer: &answer,
		follow: func(note *transport.Note) pursuit[ReplicationResult] {
			named := answer.Replication.Backups // none at all does not say that there is nothing to copy, as an empty list does
			return allCopies{copies.copying(note, named, named == nil)}
		},
		work: copies.work(),
		found: func(found transport.Found) pursuit[ReplicationResult] {
			return allCopies{copies.found(found, nil)}
		},
		by: copies.by,
	})
}

// Sync brings the backups of a hybrid vault up to date. It returns once the service has taken the request; the poller
// follows the task that does it, and its result is that task. Huawei Cloud only.
//
// The request is sent at most once. A lost answer is looked for among the tasks that synchronize the vault and were not
// there before, whoever has begun them.
//
// Errors: [ErrBusy] if the vault is being synchronized; [drkit.ErrConflict] if it is, found out before anything is sent;
// [ErrInvalid] if it cannot be; [drkit.ErrOutcomeUnknown] if the answer was lost and nothing of it is to be seen.
//
// Source: Huawei Cloud CBR API reference.
func (c *Checkpoints) Sync(ctx context.Context, sync SyncParam) (*drkit.Poller[Task], error) {
	if err := filled("vault id", sync.VaultID); err != nil {
		return nil, wrong(&contract.CheckpointsSync, err)
	}
	var answer struct{ Sync CheckpointSync }
	of := func(task string) *synchronizing {
		return &synchronizing{client: c.client, vault: sync.VaultID, task: task}
	}
	return begin(ctx, c.client, order[Task]{
		call: transport.Call{
			Operation: &contract.CheckpointsSync, Check: holds("task", &answer.Sync.OperationLogID),
			Body: struct {
				Sync SyncParam `json:"sync"`
			}{sync},
		},
		answer: &answer,
		follow: func(*transport.Note) pursuit[Task] { return of(answer.Sync.OperationLogID) },
		work:   of("").work(),
		found:  func(found transport.Found) pursuit[Task] { return of(found.Job) },
	})
}
