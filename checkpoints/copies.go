package checkpoints

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
)

// copies are the copies of the backups of a vault, as its region shows them.
type copies struct {
	way      Way // WayRecords or WayTasks; empty where there are no backups, so that nothing tells the cloud's way
	byBackup map[string][]seenCopy
	backups  []Backup // where the cloud shows records
	newest   Time     // when the newest task of the vault was begun, whatever it does
}

// seenCopy is one copy, or the attempt at one.
type seenCopy struct {
	id      string // of the record or the task, with which of them it is
	created Time
	to      destination // records name the vault, and tasks do not
	veto    string      // why it cannot be of a request by hand, as far as that shows
	percent int
	outcome CopyOutcome // its status may be no end
}

// destination is where copies go.
type destination struct {
	Region  string `json:"region,omitzero"`
	Project string `json:"project,omitzero"`
	Vault   string `json:"vault,omitzero"`
}

// meets reports whether a copy that goes to d may be one that was asked to go to asked.
func (d destination) meets(asked destination) bool {
	return d.Region == asked.Region && (d.Project == "" || d.Project == asked.Project) && (d.Vault == "" || d.Vault == asked.Vault)
}

// recordsKnown is what a client has found out of the cloud that it talks to.
type recordsKnown int

const (
	recordsUnknown recordsKnown = iota
	recordsShown
	recordsNotShown
)

// readCopies reads the copies of a vault's backups: by their records, where the cloud shows them, else by the tasks of
// the vault, from a day on if that is not zero. A query narrows what is read by its members.
func (c *Client) readCopies(ctx context.Context, query BackupQuery, from Time, how reading) (*copies, error) {
	c.mu.Lock()
	shown := c.records
	c.mu.Unlock()
	if shown != recordsNotShown {
		found, err := c.readRecords(ctx, query, how)
		if err != nil || found != nil {
			return found, err
		}
	}
	tasks, err := c.tasks(ctx, TaskQuery{VaultID: query.VaultID, StartTime: from}, how)
	return copiesByTasks(tasks), err
}

// readRecords returns nothing where the cloud shows none.
func (c *Client) readRecords(ctx context.Context, query BackupQuery, how reading) (*copies, error) {
	query.ShowReplication, query.Sort = drkit.Some(true), []SortField{Asc("created_at")}
	backups, err := c.backups(ctx, query, how)
	var answer *drkit.Error
	refused := errors.As(err, &answer) && answer.Status == badRequest && !answer.Foreign
	if err != nil && !refused {
		return nil, err
	}
	found := &copies{byBackup: map[string][]seenCopy{}, backups: backups}
	for _, backup := range backups {
		if backup.ReplicationRecords != nil {
			found.way = WayRecords
		}
		for _, record := range backup.ReplicationRecords {
			found.byBackup[backup.ID] = append(found.byBackup[backup.ID], copyByRecord(backup, record))
		}
	}
	switch {
	case found.way == WayRecords:
		c.learn(ctx, recordsShown)
		return found, nil
	case len(backups) > 0 || refused:
		c.learn(ctx, recordsNotShown)
		return nil, nil //nolint:nilnil // there is nothing to return, and that is no error
	default:
		return found, nil
	}
}

const badRequest = 400

// learn keeps what the cloud shows of copies. Records that were seen once are not unseen.
func (c *Client) learn(ctx context.Context, shown recordsKnown) {
	c.mu.Lock()
	before := c.records
	if before != recordsShown {
		c.records = shown
	}
	c.mu.Unlock()
	if before == recordsUnknown && shown == recordsNotShown {
		c.transport.Logger().LogAttrs(ctx, slog.LevelInfo, "the cloud shows no replication records: copies are followed by tasks")
	}
}

func copyByRecord(of Backup, record ReplicationRecord) seenCopy {
	seen := seenCopy{
		id: "record " + record.ID, created: record.CreatedAt, percent: record.ExtraInfo.Progress,
		to: destination{Region: record.DestinationRegion, Project: record.DestinationProjectID, Vault: record.DestinationVaultID},
		outcome: CopyOutcome{
			BackupID: of.ID, ResourceID: of.ResourceID, ResourceName: of.ResourceName, RecordID: record.ID,
			ReplicaID: record.DestinationBackupID, Way: WayRecords, Status: statusOfRecord(record.Status),
			Code: record.ExtraInfo.FailCode, Reason: record.ExtraInfo.FailReason,
		},
	}
	if record.ExtraInfo.AutoTrigger {
		seen.veto = "begun automatically"
	}
	return seen
}

// statusOfRecord reads the status of a record, which has other words, into that of a task.
func statusOfRecord(status ReplicationStatus) TaskStatus {
	switch status {
	case ReplicationStatusWaitingReplicate:
		return TaskStatusWaiting
	case ReplicationStatusReplicating:
		return TaskStatusRunning
	case ReplicationStatusSuccess:
		return TaskStatusSuccess
	case ReplicationStatusFail:
		return TaskStatusFailed
	case ReplicationStatusSkip:
		return TaskStatusSkipped
	default:
		return TaskStatus(status)
	}
}

func copiesByTasks(tasks []Task) *copies {
	found := &copies{way: WayTasks, byBackup: map[string][]seenCopy{}}
	for _, task := range tasks {
		if task.CreatedAt.After(found.newest.Time) {
			found.newest = task.CreatedAt
		}
		about := task.ExtraInfo.Replication
		if task.OperationType != TaskTypeReplication || about == nil || about.SourceBackupID == "" {
			continue
		}
		seen := seenCopy{
			id: "task " + task.ID, created: task.CreatedAt, percent: task.ExtraInfo.Common.Progress,
			to: destination{Region: about.DestinationRegion, Project: about.DestinationProjectID},
			outcome: CopyOutcome{
				BackupID: about.SourceBackupID, TaskID: task.ID, ReplicaID: about.DestinationBackupID, Way: WayTasks,
				Status: task.Status, Code: task.ErrorInfo.Code, Reason: task.ErrorInfo.Message,
			},
		}
		if on := task.ExtraInfo.Resource; on != nil {
			seen.outcome.ResourceID, seen.outcome.ResourceName = on.ID, on.Name
		}
		if task.PolicyID != "" {
			seen.veto = "of the policy " + transport.Plain(task.PolicyID)
		}
		found.byBackup[about.SourceBackupID] = append(found.byBackup[about.SourceBackupID], seen)
	}
	return found
}

// ofBackup marks what is looked at by a backup whose vault is not known.
const ofBackup = "backup:"

// copyItem is what looks at copies are taken together by: the vault, or a backup where its vault is not known.
func copyItem(vault, backup string) taskwait.Item {
	if vault == "" {
		vault = ofBackup + backup
	}
	return taskwait.Item{ID: vault}
}

// copyWatches are the waits for the copies of vaults, with the time that each needs the tasks from.
type copyWatches struct {
	batch *taskwait.Batch[*copies]
	from  map[string]map[*copying]Time
}

// watchCopies begins to look at copies together with all who wait for those of the same vault: once a tick.
func (c *Client) watchCopies(of *copying, item taskwait.Item, from Time, born time.Time) (changed <-chan struct{}, last func() (*copies, error), stop func()) {
	c.mu.Lock()
	w := &c.copyWatches
	if w.batch == nil {
		w.from = map[string]map[*copying]Time{}
		w.batch = taskwait.New(taskwait.Config[*copies]{
			One:     func(ctx context.Context, item taskwait.Item) (*copies, error) { return c.copiesOf(ctx, item.ID) },
			Polling: c.oneByOne(), Logger: c.transport.Logger(),
		})
	}
	if w.from[item.ID] == nil {
		w.from[item.ID] = map[*copying]Time{}
	}
	w.from[item.ID][of] = from
	c.mu.Unlock()
	changed, last, end := w.batch.Watch(item, born)
	return changed, last, func() {
		end()
		c.mu.Lock()
		defer c.mu.Unlock()
		if delete(w.from[item.ID], of); len(w.from[item.ID]) == 0 {
			delete(w.from, item.ID)
		}
	}
}

// copiesOf reads the copies that an item is about, from the earliest time on that somebody needs.
func (c *Client) copiesOf(ctx context.Context, item string) (*copies, error) {
	c.mu.Lock()
	var earliest Time
	for i, from := range slices.Collect(maps.Values(c.copyWatches.from[item])) {
		if i == 0 || from.Before(earliest.Time) {
			earliest = from
		}
	}
	c.mu.Unlock()
	if id, unlocated := strings.CutPrefix(item, ofBackup); unlocated {
		backup, err := c.Backups.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		item = backup.VaultID
	}
	return c.readCopies(ctx, BackupQuery{VaultID: item}, earliest, leniently)
}

// oneByOne is the schedule of what is asked for by lists that are one request already.
func (c *Client) oneByOne() settings.Polling {
	polling := c.transport.Schedule()
	polling.BatchSize = 1
	return polling
}
