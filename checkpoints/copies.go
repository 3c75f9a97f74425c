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
	backups  []Backup // where records were asked for
	refused  bool     // the cloud does not take the parameter for records
	newest   Time     // when the newest task of the vault was begun, whatever it does, or the newest backup was made
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
	recordsUnknown  recordsKnown = iota
	recordsNotShown              // no backup of some vault had any, which may be because none was ever copied
	recordsRefused               // the cloud does not know the parameter
	recordsShown
)

// readCopies reads the copies of a vault's backups: by their records, where the cloud shows them, else by the tasks of
// the vault, from a day on if that is not zero. A query narrows what is read by its members.
//
// A strict reading looks for the records of this vault also where others have none: a note by tasks, which are
// forgotten some day, must not meet a look by records, where all of them would be new.
func (c *Client) readCopies(ctx context.Context, query BackupQuery, from Time, how reading) (*copies, error) {
	c.mu.Lock()
	shown := c.records
	c.mu.Unlock()
	found := &copies{}
	if shown != recordsRefused && (how == strictly || shown != recordsNotShown) {
		var err error
		found, err = c.readRecords(ctx, query, how)
		if err != nil || found.way == WayRecords || len(found.backups) == 0 && !found.refused {
			return found, err
		}
	}
	tasks, err := c.tasks(ctx, TaskQuery{VaultID: query.VaultID, StartTime: from}, how)
	found.byTasks(tasks)
	return found, err
}

// readRecords returns copies without a way where there are no records.
func (c *Client) readRecords(ctx context.Context, query BackupQuery, how reading) (*copies, error) {
	query.ShowReplication, query.Sort = drkit.Some(true), []SortField{Asc("created_at")}
	backups, err := c.backups(ctx, query, how)
	found := &copies{byBackup: map[string][]seenCopy{}, backups: backups}
	var answer *drkit.Error
	if errors.As(err, &answer) && answer.Status == badRequest && !answer.Foreign {
		found.refused = true
		c.learn(ctx, recordsRefused)
		return found, nil
	}
	if err != nil {
		return nil, err
	}
	for _, backup := range backups {
		found.reach(backup.CreatedAt)
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
	case len(backups) > 0:
		c.learn(ctx, recordsNotShown)
	}
	return found, nil
}

const badRequest = 400

// learn keeps what the cloud shows of copies. What was found out for sure is not forgotten.
func (c *Client) learn(ctx context.Context, shown recordsKnown) {
	c.mu.Lock()
	before := c.records
	c.records = max(before, shown)
	c.mu.Unlock()
	if before == recordsUnknown && shown != recordsShown {
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

// reach takes note of a moment at which something was begun.
func (c *copies) reach(at Time) {
	if at.After(c.newest.Time) {
		c.newest = at
	}
}

func copiesByTasks(tasks []Task) *copies {
	found := &copies{}
	found.byTasks(tasks)
	return found
}

// byTasks adds the copies that tasks show.
func (c *copies) byTasks(tasks []Task) {
	c.way, c.byBackup = WayTasks, map[string][]seenCopy{}
	for _, task := range tasks {
		c.reach(task.CreatedAt)
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
		c.byBackup[about.SourceBackupID] = append(c.byBackup[about.SourceBackupID], seen)
	}
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

// copyWatches are the waits for the copies of vaults.
type copyWatches struct {
	batch *taskwait.Batch[*copies]
	waits map[string]map[*copyWait]struct{} // by item
}

// copyWait is one wait: several may be for the same copies.
type copyWait struct {
	of   *copying
	from Time // tasks are needed from here on
}

// watchCopies begins to look at copies together with all who wait for those of the same vault: once a tick.
func (c *Client) watchCopies(item taskwait.Item, wait copyWait, born time.Time) (changed <-chan struct{}, last func() (*copies, error), stop func()) {
	c.mu.Lock()
	w := &c.copyWatches
	if w.batch == nil {
		w.waits = map[string]map[*copyWait]struct{}{}
		w.batch = taskwait.New(taskwait.Config[*copies]{
			One:     func(ctx context.Context, item taskwait.Item) (*copies, error) { return c.copiesOf(ctx, item.ID) },
			Polling: c.oneByOne(), Logger: c.transport.Logger(),
		})
	}
	if w.waits[item.ID] == nil {
		w.waits[item.ID] = map[*copyWait]struct{}{}
	}
	w.waits[item.ID][&wait] = struct{}{}
	c.mu.Unlock()
	changed, last, end := w.batch.Watch(item, born)
	return changed, last, func() {
		end()
		c.mu.Lock()
		defer c.mu.Unlock()
		if delete(w.waits[item.ID], &wait); len(w.waits[item.ID]) == 0 {
			delete(w.waits, item.ID)
		}
	}
}

// copiesOf reads the copies that an item is about: the tasks from the earliest time on that somebody needs, or the
// backups that anybody waits for.
func (c *Client) copiesOf(ctx context.Context, item string) (*copies, error) {
	c.mu.Lock()
	waits := slices.Collect(maps.Keys(c.copyWatches.waits[item]))
	c.mu.Unlock()
	var from Time
	var made span
	for i, wait := range waits {
		its := wait.of.lately()
		if i == 0 {
			from, made = wait.from, its
			continue
		}
		from, made = earlier(from, wait.from), made.with(its)
	}
	if id, unlocated := strings.CutPrefix(item, ofBackup); unlocated {
		backup, err := c.Backups.Get(ctx, id)
		if err != nil {
			return nil, err
		}
		item = backup.VaultID
	}
	return c.readCopies(ctx, made.of(item), from, leniently)
}

// oneByOne is the schedule of what is asked for by lists that are one request already.
func (c *Client) oneByOne() settings.Polling {
	polling := c.transport.Schedule()
	polling.BatchSize = 1
	return polling
}
