package checkpoints

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
)

// How work ends that has neither succeeded nor failed: sentinels for [errors.Is], which finds them in the
// [*drkit.TaskError] of a poller or of an outcome.
var (
	// ErrSkipped is [drkit.ErrSkipped]: checks have failed, and nothing was done. The message says what they have found.
	ErrSkipped = drkit.ErrSkipped
	// ErrTimedOut is [drkit.ErrTimedOut]: a step has run for too long, although no error was met.
	ErrTimedOut = drkit.ErrTimedOut
)

// States that pollers of this package show beside those of drkit. The others are read into drkit.StateQueued
// (waiting), drkit.StateRunning, drkit.StateSucceeded and drkit.StateFailed.
const (
	StateSkipped  drkit.State = "SKIPPED" // as [ErrSkipped]
	StateTimedOut drkit.State = "TIMEOUT" // as [ErrTimedOut]
)

// NoResult is the result of work that has none, such as a deletion.
type NoResult struct{}

// Way is how a poller has found out what became of a copy.
type Way string

// The ways, in the order in which they are tried.
const (
	// WayRecords: the replication records of the backups, which Huawei Cloud shows.
	WayRecords Way = "records"
	// WayTasks: the tasks of the source vault.
	WayTasks Way = "tasks"
	// WayDestination: the backups in the destination vault, by a client of that region: see [FollowAt]. It tells why a
	// copy has failed in no case, and cannot tell a copy that was skipped from one that has not begun.
	WayDestination Way = "destination"
)

// CheckpointResult is what came of a backup of a vault.
type CheckpointResult struct {
	// Checkpoint is as it was at the end.
	Checkpoint Checkpoint `json:"checkpoint"`
	// Backups has one outcome for each resource, also for those that were skipped at once.
	Backups []BackupOutcome `json:"backups"`
}

// Err returns nil if every resource was backed up, and otherwise the errors of all that were not, joined: each is a
// [*drkit.TaskError], so that errors.Is finds [ErrSkipped] and [ErrTimedOut].
func (r CheckpointResult) Err() error {
	errs := make([]error, len(r.Backups))
	for i, backup := range r.Backups {
		errs[i] = backup.Err()
	}
	return allOf(errs)
}

// BackupOutcome is how the backup of one resource has ended.
type BackupOutcome struct {
	// ResourceID is the server, disk or file system.
	ResourceID string `json:"resource_id"`
	// ResourceName is what it is called; empty where that does not show.
	ResourceName string `json:"resource_name,omitzero"`
	// ResourceType is its kind.
	ResourceType ResourceType `json:"resource_type,omitzero"`
	// BackupID is the backup that was made; empty where there is none. One that has failed may leave a backup in
	// [BackupStatusError].
	BackupID string `json:"backup_id,omitzero"`
	// TaskID is the task that has made it; empty where there was none, or where it does not show any more.
	TaskID string `json:"task_id,omitzero"`
	// Status is [TaskStatusSuccess], [TaskStatusFailed], [TaskStatusSkipped] or [TaskStatusTimeout]; empty where
	// nothing tells any more.
	Status TaskStatus `json:"status"`
	// Code is why it has not succeeded, as an [ErrorCode]; empty where the service does not say.
	Code string `json:"code,omitzero"`
	// Reason says the same in the service's words.
	Reason string `json:"reason,omitzero"`
}

// Err returns nil if the resource was backed up, and otherwise why not, as a [*drkit.TaskError]; [drkit.ErrTaskGone]
// where nothing tells any more.
func (o BackupOutcome) Err() error {
	return outcomeError(o.Status, drkit.TaskError{
		Operation: service + "." + methodCreate, TaskID: o.TaskID, ResourceID: o.ResourceID, ResourceName: o.ResourceName,
		Code: o.Code, Message: o.Reason,
	})
}

// ReplicationResult is what came of the replication of a vault.
type ReplicationResult struct {
	// VaultID is the vault that was copied.
	VaultID string `json:"vault_id"`
	// DestinationRegion is where the copies are.
	DestinationRegion string `json:"destination_region"`
	// DestinationProjectID is the project of that region which has them.
	DestinationProjectID string `json:"destination_project_id"`
	// DestinationVaultID is the vault which has them.
	DestinationVaultID string `json:"destination_vault_id"`
	// Way is how the end was found out; where that was not the same for all copies, the last of the ways that was
	// needed. Empty where there was nothing to copy.
	Way Way `json:"way,omitzero"`
	// Copies has one outcome for each backup that the service has taken for the replication: none where all had been
	// copied to that region before.
	Copies []CopyOutcome `json:"copies"`
}

// Err returns nil if every copy has succeeded, and otherwise the errors of all that have not, joined: each is a
// [*drkit.TaskError], so that errors.Is finds [ErrSkipped] and [ErrTimedOut].
func (r ReplicationResult) Err() error {
	errs := make([]error, len(r.Copies))
	for i, one := range r.Copies {
		errs[i] = one.Err()
	}
	return allOf(errs)
}

// CopyOutcome is how the copy of one backup to another region has ended.
type CopyOutcome struct {
	// BackupID is the backup that was copied.
	BackupID string `json:"backup_id"`
	// ResourceID is what it is a backup of; empty where that does not show.
	ResourceID string `json:"resource_id,omitzero"`
	// ResourceName is what that is called; empty where that does not show.
	ResourceName string `json:"resource_name,omitzero"`
	// RecordID is the replication record; empty where the answer was lost and the cloud shows none.
	RecordID string `json:"record_id,omitzero"`
	// TaskID is the task that has made the copy; empty where it was not needed to know the end.
	TaskID string `json:"task_id,omitzero"`
	// ReplicaID is the copy, a backup of the destination region; empty where there is none, or where it does not show.
	ReplicaID string `json:"replica_id,omitzero"`
	// Way is how the end was found out.
	Way Way `json:"way,omitzero"`
	// Status is [TaskStatusSuccess], [TaskStatusFailed], [TaskStatusSkipped] or [TaskStatusTimeout]; empty where
	// nothing tells any more. Records do not tell a copy that has timed out from one that has failed.
	Status TaskStatus `json:"status"`
	// Code is why it has not succeeded, as an [ErrorCode]; empty where the service does not say.
	Code string `json:"code,omitzero"`
	// Reason says the same in the service's words.
	Reason string `json:"reason,omitzero"`
}

// Err returns nil if the copy has succeeded, and otherwise why not, as a [*drkit.TaskError]; [drkit.ErrTaskGone] where
// nothing tells any more.
func (o CopyOutcome) Err() error {
	return outcomeError(o.Status, drkit.TaskError{
		Operation: service + "." + methodReplicate, TaskID: o.TaskID, ResourceID: o.BackupID, ResourceName: o.ResourceName,
		Code: o.Code, Message: o.Reason,
	})
}

// outcomeError completes the error of work that has ended in a status, or returns nil for success.
func outcomeError(status TaskStatus, failed drkit.TaskError) error {
	if status == TaskStatusSuccess {
		return nil
	}
	failed.Kind = endKind(status, failed.Code)
	if failed.Message == "" {
		failed.Message = "it has ended as " + string(status)
		if status == "" {
			failed.Message = "nothing tells any more what became of it"
		}
	}
	return &failed
}

// endKind is what errors.Is finds for work that has ended in a status, with a code.
func endKind(status TaskStatus, code string) error {
	kind := kindOf(code)
	own := map[TaskStatus]error{
		TaskStatusSkipped: ErrSkipped, TaskStatusTimeout: ErrTimedOut, "": drkit.ErrTaskGone,
	}[status]
	switch {
	case own == nil:
		return kind
	case kind == nil:
		return own
	default:
		return fmt.Errorf("%w: %w", own, kind)
	}
}

// together is errors.Join on one line.
type together []error

// Error returns the messages of all.
func (t together) Error() string {
	texts := make([]string, len(t))
	for i, err := range t {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap returns all of them.
func (t together) Unwrap() []error { return t }

// allOf joins errors, and returns nil if all are.
func allOf(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return together(errs)
}

// part is one of several that work has consisted of.
type part struct {
	status  TaskStatus
	code    string
	err     error
	outcome any
}

// noneSucceeded is the error of work of which no part has succeeded, with all outcomes as its warnings; nil if one
// has, or if there are none.
func noneSucceeded(parts []part, noun string) *drkit.TaskError {
	succeeded := func(p part) bool { return p.status == TaskStatusSuccess }
	if len(parts) == 0 || slices.ContainsFunc(parts, succeeded) {
		return nil
	}
	worst := parts[0]
	for _, other := range parts { // what was only skipped says least
		if worst.status == TaskStatusSkipped {
			worst = other
		}
	}
	failed := &drkit.TaskError{Code: worst.code, Message: worst.err.Error(), Kind: endKind(commonEnd(parts), worst.code)}
	var why *drkit.TaskError
	if errors.As(worst.err, &why) {
		failed.TaskID, failed.Message = why.TaskID, why.Message
	}
	if len(parts) > 1 {
		failed.Message = fmt.Sprintf("none of %d %s has succeeded, one because: %s", len(parts), noun, failed.Message)
	}
	for _, p := range parts {
		failed.Warnings = append(failed.Warnings, warningOf(p.outcome))
	}
	return failed
}

// commonEnd is how all parts have ended, or failed where they have not ended alike.
func commonEnd(parts []part) TaskStatus {
	for _, p := range parts {
		if p.status != parts[0].status {
			return TaskStatusFailed
		}
	}
	if len(parts) == 0 {
		return TaskStatusFailed
	}
	return parts[0].status
}
