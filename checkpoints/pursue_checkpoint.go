package checkpoints

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// checkpointRun is a checkpoint that is being made.
type checkpointRun struct {
	client  *Client
	id      string
	vault   string
	created Time              // zero if the answer was lost
	skipped []SkippedResource // that the answer has named
}

func (c *checkpointRun) name() string { return "checkpoint " + transport.Plain(c.id) }

func (c *checkpointRun) subject(context.Context) (subject, error) {
	return subject{ID: c.id, Vault: c.vault, From: c.created, Skipped: c.skipped}, nil
}

// see gets the checkpoint and, once it says that it has come to an end, what says how each backup has.
func (c *checkpointRun) see(ctx context.Context) (drkit.Look[CheckpointResult], error) {
	now, err := c.client.Checkpoints.Get(ctx, c.id)
	if errors.Is(err, drkit.ErrNotFound) {
		return c.seeGone(ctx, err)
	} else if err != nil {
		return drkit.Look[CheckpointResult]{}, err
	}
	look := drkit.Look[CheckpointResult]{Progress: progressOf(TaskStatusRunning, now.percent())}
	if !now.settled() {
		return look, nil
	}
	outcomes, open, err := c.outcomes(ctx, now)
	if err != nil || open {
		return look, err
	}
	return c.ended(now, outcomes), nil
}

// seeGone is for a checkpoint that is not there: its tasks tell whether that is because no backup was made.
func (c *checkpointRun) seeGone(ctx context.Context, gone error) (drkit.Look[CheckpointResult], error) {
	now := Checkpoint{ID: c.id, CreatedAt: c.created, Status: CheckpointStatusDeleted, Vault: CheckpointVault{ID: c.vault}}
	outcomes, open, err := c.outcomes(ctx, now)
	switch {
	case err != nil:
		return drkit.Look[CheckpointResult]{}, err
	case open || len(outcomes) == len(c.skipped) || slices.ContainsFunc(outcomes, BackupOutcome.succeeded):
		return drkit.Look[CheckpointResult]{}, gone
	}
	return c.ended(now, outcomes), nil
}

// ended is the last look at a checkpoint.
func (c *checkpointRun) ended(now Checkpoint, outcomes []BackupOutcome) drkit.Look[CheckpointResult] {
	look := drkit.Look[CheckpointResult]{
		Progress: progressOf(TaskStatusSuccess, 100), Done: true, Result: CheckpointResult{Checkpoint: now, Backups: outcomes},
	}
	parts := make([]part, len(outcomes))
	for i, outcome := range outcomes {
		parts[i] = part{status: outcome.Status, code: outcome.Code, err: outcome.Err(), outcome: outcome}
	}
	failed := noneSucceeded(parts, "backups")
	if now.Status == CheckpointStatusError && failed == nil && !slices.ContainsFunc(outcomes, BackupOutcome.succeeded) {
		failed = &drkit.TaskError{Message: "the checkpoint is in error"}
	}
	if failed != nil {
		failed.ResourceID, failed.ResourceName = now.Vault.ID, now.Vault.Name
		look.Err, look.Progress = failed, progressOf(commonEnd(parts), 100)
	}
	return look
}

func (o BackupOutcome) succeeded() bool { return o.Status == TaskStatusSuccess }

// settled reports whether a checkpoint says that nothing of it is being made any more.
func (c Checkpoint) settled() bool {
	switch c.Status {
	case CheckpointStatusAvailable, CheckpointStatusError, CheckpointStatusDeleting, CheckpointStatusDeleted,
		CheckpointStatusErrorDeleting:
		return true
	default:
		return false
	}
}

// percent is how many of the resources are done with.
func (c Checkpoint) percent() int {
	done := 0
	for _, resource := range c.Vault.Resources {
		if resource.ProtectStatus == ProtectStatusAvailable || resource.ProtectStatus == ProtectStatusError {
			done++
		}
	}
	return 100 * done / max(len(c.Vault.Resources), 1)
}

// outcomes says how the backup of each resource has ended, or that one has not.
func (c *checkpointRun) outcomes(ctx context.Context, now Checkpoint) (outcomes []BackupOutcome, open bool, err error) {
	tasks, err := c.client.tasks(ctx, TaskQuery{
		VaultID: now.Vault.ID, OperationType: TaskTypeBackup, StartTime: wellBefore(now.CreatedAt),
	}, leniently)
	if err != nil && !errors.Is(err, drkit.ErrForbidden) { // who may not see tasks is not told why
		return nil, false, err
	}
	backups, err := c.client.backups(ctx, BackupQuery{CheckpointID: c.id}, leniently)
	if err != nil && !errors.Is(err, drkit.ErrForbidden) {
		return nil, false, err
	}
	e := evidence{states: map[string]ProtectStatus{}, tasks: map[string]Task{}, backups: map[string]Backup{}}
	for _, resource := range now.Vault.Resources {
		e.know(resource.ID, resource.Name, resource.Type)
		e.states[resource.ID] = resource.ProtectStatus
	}
	for _, task := range tasks {
		if on := task.ExtraInfo.Resource; task.CheckpointID == c.id && on != nil {
			e.know(on.ID, on.Name, on.Type)
			e.tasks[on.ID] = task
		}
	}
	for _, backup := range backups {
		if backup.CheckpointID == c.id {
			e.know(backup.ResourceID, backup.ResourceName, backup.ResourceType)
			e.backups[backup.ResourceID] = backup
		}
	}
	for _, resource := range e.resources {
		outcome := e.outcome(resource)
		open = open || !hasEnded(outcome.Status) && outcome.Status != ""
		outcomes = append(outcomes, outcome)
	}
	return append(outcomes, e.skipped(slices.Concat(c.skipped, now.Vault.SkippedResources))...), open, nil
}

// evidence is what says how the backups of a checkpoint have ended: tasks, which also say why; else the backups; else
// the checkpoint, whose resources may be under another backup by then.
type evidence struct {
	resources []BackupOutcome // that were to be backed up, without their ends
	states    map[string]ProtectStatus
	tasks     map[string]Task
	backups   map[string]Backup
}

func (e *evidence) know(id, name string, kind ResourceType) {
	if id != "" && !slices.ContainsFunc(e.resources, func(o BackupOutcome) bool { return o.ResourceID == id }) {
		e.resources = append(e.resources, BackupOutcome{ResourceID: id, ResourceName: name, ResourceType: kind})
	}
}

func (e *evidence) outcome(of BackupOutcome) BackupOutcome {
	backup, made := e.backups[of.ResourceID]
	if task, there := e.tasks[of.ResourceID]; there {
		of.TaskID, of.Status = task.ID, task.Status
		of.Code, of.Reason = task.ErrorInfo.Code, task.ErrorInfo.Message
		if about := task.ExtraInfo.Backup; about != nil && made {
			of.BackupID = about.BackupID
		}
	} else if of.Status = statusOf(e.states[of.ResourceID]); made {
		of.Status = statusOfBackup(backup.Status)
	}
	of.BackupID = cmp.Or(of.BackupID, backup.ID)
	return of
}

// statusOf reads the end of a backup from what the checkpoint says of its resource; empty if that is none.
func statusOf(state ProtectStatus) TaskStatus {
	switch state {
	case ProtectStatusAvailable:
		return TaskStatusSuccess
	case ProtectStatusError:
		return TaskStatusFailed
	default:
		return ""
	}
}

// statusOfBackup reads the end of a backup from the backup. What is being restored or deleted was made before.
func statusOfBackup(status BackupStatus) TaskStatus {
	switch status {
	case BackupStatusError:
		return TaskStatusFailed
	case BackupStatusProtecting, BackupStatusWaitingProtect:
		return TaskStatusRunning
	default:
		return TaskStatusSuccess
	}
}

// skipped are the outcomes of resources that were skipped at once, each once.
func (e *evidence) skipped(resources []SkippedResource) []BackupOutcome {
	var outcomes []BackupOutcome
	for _, resource := range resources {
		before := len(e.resources)
		if e.know(resource.ID, resource.Name, resource.Type); len(e.resources) == before {
			continue
		}
		outcomes = append(outcomes, BackupOutcome{
			ResourceID: resource.ID, ResourceName: resource.Name, ResourceType: resource.Type,
			Status: TaskStatusSkipped, Code: resource.Code, Reason: resource.Reason,
		})
	}
	return outcomes
}
