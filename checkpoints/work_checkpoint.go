package checkpoints

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// What an operation that must not repeat leaves behind, and how that is told from what others do, is in the files
// called work_….

// workOf finds a checkpoint whose answer was lost: it is new in its vault, by its tasks or by its backups. Others make
// checkpoints there, too, at the same time, and nothing that the service shows says who has. So only one with the name
// or the description that was asked for is taken for it.
func (b VaultBackup) workOf(c *Client) *transport.Work {
	return &transport.Work{
		Resource: "vault " + transport.Plain(b.VaultID),
		Jobs:     func(ctx context.Context) ([]transport.Job, error) { return b.jobs(ctx, c) },
		Examine: func(ctx context.Context, job transport.Job) (transport.Job, error) {
			if job.Veto != "" {
				return job, nil
			}
			made, err := c.Checkpoints.Get(ctx, job.ID)
			if errors.Is(err, drkit.ErrNotFound) {
				job.Veto = "it is gone already"
				return job, nil
			}
			job.Veto = b.differs(made)
			return job, err
		},
		State: nothingElse, Settle: asTheListsSay,
	}
}

// nothingElse is the state of what shows in tasks, or in what counts for tasks, and nowhere else.
func nothingElse(context.Context) (transport.State, error) { return transport.State{}, nil }

// asTheListsSay is the verdict where the lists have shown nothing new: then nothing has changed.
func asTheListsSay(before, after transport.State) transport.Verdict {
	if !maps.Equal(before, after) {
		return transport.Unclear
	}
	return transport.Untouched
}

// wanted are the resources that are named; none means all.
func (b VaultBackup) wanted() []string {
	parameters := b.Parameters.Or(CheckpointParam{})
	ids := slices.Clone(parameters.Resources)
	for _, detail := range parameters.ResourceDetails {
		if !slices.Contains(ids, detail.ID) {
			ids = append(ids, detail.ID)
		}
	}
	return ids
}

// jobs are the checkpoints of the vault. One that is being made of other resources is in nobody's way.
func (b VaultBackup) jobs(ctx context.Context, c *Client) ([]transport.Job, error) {
	tasks, err := c.tasks(ctx, TaskQuery{VaultID: b.VaultID, OperationType: TaskTypeBackup}, strictly)
	if err != nil {
		return nil, err
	}
	backups, err := c.backups(ctx, BackupQuery{VaultID: b.VaultID, Sort: []SortField{Asc("created_at")}}, strictly)
	if err != nil {
		return nil, err
	}
	parameters, wanted := b.Parameters.Or(CheckpointParam{}), b.wanted()
	found := checkpointJobs{all: map[string]*checkpointJob{}}
	for _, task := range tasks {
		if task.OperationType != TaskTypeBackup || task.CheckpointID == "" {
			continue
		}
		job := found.of(task.CheckpointID, task.CreatedAt, task.EndedAt)
		if !task.Ended() {
			on := task.ExtraInfo.Resource
			job.underWay(on == nil || len(wanted) == 0 || slices.Contains(wanted, on.ID))
		}
		if task.PolicyID != parameters.PolicyID.Or("") {
			job.Veto = "of the policy " + transport.Plain(task.PolicyID)
		}
	}
	byTasks := maps.Clone(found.all)
	for _, backup := range backups {
		if backup.CheckpointID == "" {
			continue
		}
		job := found.of(backup.CheckpointID, backup.CreatedAt, Time{})
		making := statusOfBackup(backup.Status) == TaskStatusRunning
		if byTasks[backup.CheckpointID] == nil && making { // its tasks do not show
			job.underWay(len(wanted) == 0 || slices.Contains(wanted, backup.ResourceID))
		}
		if backup.ExtendInfo.AutoTrigger != parameters.AutoTrigger.Or(false) {
			job.Veto = "made automatically"
			if !backup.ExtendInfo.AutoTrigger {
				job.Veto = "not made automatically"
			}
		}
	}
	return found.jobs(), nil
}

// checkpointJobs collects the checkpoints of a vault.
type checkpointJobs struct{ all map[string]*checkpointJob }

type checkpointJob struct{ transport.Job }

// underWay takes note of a backup that is being made, of a resource that meets those that are asked for or does not.
func (j *checkpointJob) underWay(meets bool) {
	j.Other = !meets && (j.Other || j.Ended)
	j.Ended = false
}

// of returns the checkpoint of an id, as ended, with the earliest start and the latest end that are known of it.
func (j *checkpointJobs) of(id string, started, ended Time) *checkpointJob {
	job := j.all[id]
	if job == nil {
		job = &checkpointJob{transport.Job{ID: id, Ended: true, Started: started.Time}}
		j.all[id] = job
	}
	if !started.IsZero() && (job.Started.IsZero() || started.Before(job.Started)) {
		job.Started = started.Time
	}
	if ended.After(job.End) {
		job.End = ended.Time
	}
	return job
}

func (j *checkpointJobs) jobs() []transport.Job {
	var jobs []transport.Job
	for _, id := range slices.Sorted(maps.Keys(j.all)) {
		jobs = append(jobs, j.all[id].Job)
	}
	return jobs
}

// differs says why a checkpoint cannot be what was asked for, or cannot be known to be; empty if it is.
func (b VaultBackup) differs(made Checkpoint) string {
	parameters, wanted := b.Parameters.Or(CheckpointParam{}), b.wanted()
	name, description := parameters.Name.Or(""), parameters.Description.Or("")
	var has []string
	for _, resource := range made.Vault.Resources {
		has = append(has, resource.ID)
	}
	for _, resource := range made.Vault.SkippedResources {
		has = append(has, resource.ID)
	}
	strange := func(id string) bool { return !slices.Contains(wanted, id) }
	missing := func(id string) bool { return !slices.Contains(has, id) }
	switch {
	case made.Vault.ID != "" && made.Vault.ID != b.VaultID:
		return "of another vault"
	case name != "" && made.ExtraInfo.Name != name:
		return "called " + transport.Plain(made.ExtraInfo.Name)
	case description != "" && made.ExtraInfo.Description != description:
		return "described as " + transport.Plain(made.ExtraInfo.Description)
	case len(wanted) > 0 && (slices.ContainsFunc(has, strange) || slices.ContainsFunc(wanted, missing)):
		return "of other resources"
	case name == "" && description == "":
		return "which may be anybody's: no name was asked for that it could be told by"
	default:
		return ""
	}
}
