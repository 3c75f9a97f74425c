package checkpoints

import (
	"context"

	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Checkpoints are backups of whole vaults: one backup for each resource. There is no list of them and no way to
// delete one: list and delete the backups of a [BackupQuery] with its id.
type Checkpoints struct{ resource }

// Create backs up a vault, or some of its resources. It returns once the service has taken the request, with the
// checkpoint that is being made, [CheckpointStatusProtecting] as a rule. What could not be backed up is in its
// skipped resources, with the reason.
//
// The request is sent at most once.
//
// Errors: [ErrBusy] if a backup is running; [ErrQuota] if the vault is full; [drkit.ErrNotFound] if there is no such
// vault; [drkit.ErrOutcomeUnknown] if the answer was lost.
// Roles: cbr:vaults:backup.
//
// Source: CBR API reference, "Creating a Restore Point".
func (c *Checkpoints) Create(ctx context.Context, backup VaultBackup) (Checkpoint, error) {
	if err := backup.check(); err != nil {
		return Checkpoint{}, wrong(&contract.CheckpointsCreate, err)
	}
	var answer struct{ Checkpoint Checkpoint }
	err := c.do(ctx, transport.Call{
		Operation: &contract.CheckpointsCreate, Check: holds("checkpoint", &answer.Checkpoint.ID),
		Body: struct {
			Checkpoint VaultBackup `json:"checkpoint"`
		}{backup},
	}, &answer)
	return answer.Checkpoint, err
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
// again. It returns once the service has taken the request, with a record for each copy.
//
// The request is sent at most once.
//
// Errors: [ErrBusy] if the vault is being replicated; [ErrInvalid] if the vaults do not go together or the region
// cannot replicate; [ErrQuota] if the destination is full; [drkit.ErrNotFound] if one of the vaults is not there;
// [drkit.ErrOutcomeUnknown] if the answer was lost.
// Roles: cbr:vaults:replicate.
//
// Source: CBR API reference, "Replicating a Restore Point".
func (c *Checkpoints) Replicate(ctx context.Context, replicate CheckpointReplicateParam) (CheckpointReplication, error) {
	if err := replicate.check(); err != nil {
		return CheckpointReplication{}, wrong(&contract.CheckpointsReplicate, err)
	}
	var answer struct{ Replication CheckpointReplication }
	err := c.do(ctx, transport.Call{
		Operation: &contract.CheckpointsReplicate, Check: holds("replication", &answer.Replication.VaultID),
		Body: struct {
			Replicate CheckpointReplicateParam `json:"replicate"`
		}{replicate},
	}, &answer)
	return answer.Replication, err
}

// Sync brings the backups of a hybrid vault up to date. It returns the task that does it. Huawei Cloud only.
//
// The request is sent at most once.
//
// Errors: [ErrBusy] if the vault is being synchronized; [ErrInvalid] if it cannot be;
// [drkit.ErrOutcomeUnknown] if the answer was lost.
//
// Source: Huawei Cloud CBR API reference.
func (c *Checkpoints) Sync(ctx context.Context, sync SyncParam) (CheckpointSync, error) {
	if err := filled("vault id", sync.VaultID); err != nil {
		return CheckpointSync{}, wrong(&contract.CheckpointsSync, err)
	}
	var answer struct{ Sync CheckpointSync }
	err := c.do(ctx, transport.Call{
		Operation: &contract.CheckpointsSync, Check: holds("task", &answer.Sync.OperationLogID),
		Body: struct {
			Sync SyncParam `json:"sync"`
		}{sync},
	}, &answer)
	return answer.Sync, err
}
