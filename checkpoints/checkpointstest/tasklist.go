package checkpointstest

import (
	"net/url"
	"slices"
	"strconv"
)

type taskBody struct {
	ID            string        `json:"id"`
	OperationType string        `json:"operation_type"`
	Status        string        `json:"status"`
	CreatedAt     stamp         `json:"created_at"`
	StartedAt     stamp         `json:"started_at"`
	EndedAt       *stamp        `json:"ended_at,omitempty"`
	UpdatedAt     stamp         `json:"updated_at"`
	ProjectID     string        `json:"project_id"`
	ProviderID    string        `json:"provider_id"`
	PolicyID      string        `json:"policy_id"`
	VaultID       string        `json:"vault_id"`
	VaultName     string        `json:"vault_name"`
	CheckpointID  string        `json:"checkpoint_id"`
	ErrorInfo     taskErrorBody `json:"error_info"`
	ExtraInfo     taskExtraBody `json:"extra_info"`
}

type taskErrorBody struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type taskExtraBody struct {
	Common          taskCommonBody       `json:"common"`
	Resource        *taskResourceBody    `json:"resource,omitempty"`
	Backup          *taskBackupBody      `json:"backup,omitempty"`
	Delete          *taskNamedBackupBody `json:"delete,omitempty"`
	Restore         *taskRestoreBody     `json:"restore,omitempty"`
	Replication     *taskReplicationBody `json:"replication,omitempty"`
	RemoveResources *taskRemovedBody     `json:"remove_resources,omitempty"`
	VaultDelete     *taskDeletedBody     `json:"vault_delete,omitempty"`
	Sync            *taskSyncBody        `json:"sync,omitempty"`
}

type taskCommonBody struct {
	Progress  int    `json:"progress"`
	RequestID string `json:"request_id"`
	TaskID    string `json:"task_id"`
}

type taskResourceBody struct {
	ID        string            `json:"id"`
	Name      string            `json:"name"`
	Type      string            `json:"type"`
	ExtraInfo *resourceInfoBody `json:"extra_info,omitempty"`
}

type taskNamedBackupBody struct {
	BackupID   string `json:"backup_id"`
	BackupName string `json:"backup_name"`
}

type taskBackupBody struct {
	taskNamedBackupBody
	Incremental      string  `json:"incremental"` // "true" or "false", unlike everywhere else
	AppConsistency   *string `json:"app_consistency_status,omitempty"`
	ConsistencyCode  *string `json:"app_consistency_error_code,omitempty"`
	ConsistencyError *string `json:"app_consistency_error_message,omitempty"`
}

type taskRestoreBody struct {
	taskNamedBackupBody
	TargetID   string `json:"target_resource_id"`
	TargetName string `json:"target_resource_name"`
}

type taskReplicationBody struct {
	SourceBackupID          string `json:"source_backup_id"`
	SourceBackupName        string `json:"source_backup_name"`
	SourceCheckpointID      string `json:"source_checkpoint_id"`
	SourceProjectID         string `json:"source_project_id"`
	SourceRegion            string `json:"source_region"`
	DestinationBackupID     string `json:"destination_backup_id"`
	DestinationBackupName   string `json:"destination_backup_name"`
	DestinationCheckpointID string `json:"destination_checkpoint_id"`
	DestinationProjectID    string `json:"destination_project_id"`
	DestinationRegion       string `json:"destination_region"`
}

type taskDeletedBody struct {
	FailCount  int `json:"fail_count"`
	TotalCount int `json:"total_count"`
}

type taskRemovedBody struct {
	taskDeletedBody
	Resources []taskResourceBody `json:"resources"`
}

type taskSyncBody struct {
	Synced  int `json:"sync_backup_num"`
	Deleted int `json:"delete_backup_num"`
	Failed  int `json:"err_sync_backup_num"`
}

func (r taskResource) body() taskResourceBody {
	return taskResourceBody{ID: r.id, Name: r.name, Type: r.kind}
}

func (r *region) taskBody(t *task) taskBody {
	q, now := &r.config.quirks, r.now()
	body := taskBody{
		ID: t.id, OperationType: t.kind, Status: t.state(now), CreatedAt: q.stamp(t.created, TimesOffset),
		StartedAt: q.stamp(t.created, TimesOffset), UpdatedAt: q.stamp(t.created, TimesOffset),
		ProjectID: t.project.id, PolicyID: t.policyID, VaultID: t.vaultID, VaultName: t.vaultName, ExtraInfo: r.taskExtra(t),
	}
	if t.vault != nil {
		body.ProviderID = t.vault.provider()
	}
	if t.checkpoint != nil {
		body.CheckpointID = t.checkpoint.id
	}
	if t.finished {
		ended := q.stamp(t.endsAt, TimesOffset)
		body.EndedAt, body.UpdatedAt = &ended, ended
	}
	if t.failure != nil {
		body.ErrorInfo = taskErrorBody{Code: t.failure.code, Message: t.failure.message}
	}
	return body
}

// taskExtra has the member that follows the type of a task.
func (r *region) taskExtra(t *task) taskExtraBody {
	extra := taskExtraBody{Common: taskCommonBody{Progress: t.progress(r.now()), RequestID: t.requestID, TaskID: t.innerID}}
	if t.resource.id != "" {
		named := t.resource.body()
		extra.Resource = &named
	}
	var named taskNamedBackupBody
	if t.backup != nil {
		named = taskNamedBackupBody{t.backup.id, t.backup.name}
	}
	deleted := taskDeletedBody{TotalCount: t.total}
	if t.finished && t.outcome != taskSuccess {
		deleted.FailCount = t.total
	}
	switch t.kind {
	case kindBackup:
		extra.Backup = &taskBackupBody{
			taskNamedBackupBody: named, Incremental: strconv.FormatBool(t.backup.incremental),
			AppConsistency: onlyHere(r, "0"), ConsistencyCode: onlyHere(r, ""), ConsistencyError: onlyHere(r, ""),
		}
	case kindDelete:
		extra.Delete = &named
	case kindRestore:
		extra.Restore = &taskRestoreBody{named, t.target.id, t.target.name}
	case kindReplication:
		extra.Replication = r.taskReplication(t.record)
	case kindRemoveResource:
		extra.RemoveResources = &taskRemovedBody{taskDeletedBody: deleted, Resources: []taskResourceBody{}}
		for _, one := range t.removed {
			extra.RemoveResources.Resources = append(extra.RemoveResources.Resources, one.body())
		}
	case kindVaultDelete:
		extra.VaultDelete = &deleted
	case kindSync:
		extra.Sync = &taskSyncBody{}
	}
	return extra
}

func (r *region) taskReplication(rec *record) *taskReplicationBody {
	body := &taskReplicationBody{
		SourceBackupID: rec.source.id, SourceBackupName: rec.source.name, SourceProjectID: rec.source.project.id,
		SourceRegion: rec.source.project.region.name, DestinationProjectID: rec.destination.project.id, DestinationRegion: rec.destination.project.region.name,
	}
	if rec.source.checkpoint != nil {
		body.SourceCheckpointID = rec.source.checkpoint.id
	}
	if rec.replica != nil {
		body.DestinationBackupID, body.DestinationBackupName = rec.replica.id, rec.replica.name
		body.DestinationCheckpointID = rec.replica.checkpoint.id
	}
	return body
}

// taskFilters are the parameters of the task list, besides those of paging. Open Telekom Cloud shows replications, and
// does not list them among the types to ask for: who relies on that is refused.
func (r *region) taskFilters(query url.Values) ([]func(*task) bool, error) {
	within, err := periodOf(query)
	if err != nil {
		return nil, err
	}
	if kind := query.Get("operation_type"); kind == kindReplication && !r.hwc() {
		return nil, refuse(CodeInvalidParameter, "The operation_type %q is invalid.", kind)
	}
	text := func(name string, of func(*task) string) func(*task) bool {
		wanted := query.Get(name)
		return func(t *task) bool { return wanted == "" || of(t) == wanted }
	}
	return []func(*task) bool{
		func(t *task) bool { return within.covers(t.created) },
		text("operation_type", func(t *task) string { return t.kind }),
		text("provider_id", func(t *task) string {
			if t.vault == nil {
				return ""
			}
			return t.vault.provider()
		}),
		text("resource_id", func(t *task) string { return t.resource.id }),
		text("resource_name", func(t *task) string { return t.resource.name }),
		text("status", func(t *task) string { return t.state(r.now()) }),
		text("vault_id", func(t *task) string { return t.vaultID }),
		text("vault_name", func(t *task) string { return t.vaultName }),
		func(t *task) bool {
			wanted := query.Get("enterprise_project_id")
			return wanted == "" || wanted == "all_granted_eps" || (t.vault != nil && t.vault.enterpriseProject == wanted)
		},
	}, nil
}

// shows reports whether a task is in sight yet.
func (r *region) shows(t *task, in *project) bool {
	return t.project == in && !r.now().Before(t.created.Add(r.config.taskDelay))
}

func (r *region) listTasks(v *visit) (any, error) {
	p, err := r.pageOf(v.call.Query)
	if err != nil {
		return nil, err
	}
	filters, err := r.taskFilters(v.call.Query)
	if err != nil {
		return nil, err
	}
	found := r.tasks.matching(func(t *task) bool {
		return r.shows(t, v.project) && !slices.ContainsFunc(filters, func(passes func(*task) bool) bool { return !passes(t) })
	})
	slices.Reverse(found) // the newest first
	bodies := []taskBody{}
	for _, t := range cut(found, p) {
		bodies = append(bodies, r.taskBody(t))
	}
	return r.pageBody("operation_logs", bodies, len(found), p), nil
}

func (r *region) getTask(v *visit) (any, error) {
	id := v.argument(0)
	t := r.tasks.byID[id]
	if t == nil || !r.shows(t, v.project) {
		return nil, v.missing(id, CodeTaskNotFound, "The operation log %s does not exist.")
	}
	return map[string]any{"operation_log": r.taskBody(t)}, nil
}
