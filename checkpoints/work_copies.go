package checkpoints

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// copyWork finds copies whose answer was lost: they are new among those of the backup, or of the vault, to the same
// destination. Whoever has begun them: a backup is copied to a region once, so that they are what was asked for; of a
// vault, if they leave out none of its backups. What a policy has begun was not begun by hand.
type copyWork struct {
	client *Client
	by     following
	backup string // the one that is copied; empty for those of the vault
	to     destination
	auto   bool // they are to be marked as begun automatically

	mu     sync.Mutex
	source Backup // of one that is copied
	vault  string
	rows   map[string]seenCopy // as they were read last, by id
	made   map[string]Time     // when the backups were made
	newest Time
}

func (w *copyWork) work() *transport.Work {
	work := &transport.Work{Jobs: w.jobs, State: w.state, Settle: asTheListsSay}
	if w.backup != "" {
		work.Resource = "the copies of backup " + transport.Plain(w.backup)
	} else {
		work.Resource, work.Tasks = "the copies of vault "+transport.Plain(w.vault), transport.AnyNumber
	}
	return work
}

// query narrows the backups that are read to what the work is about.
func (w *copyWork) query(ctx context.Context) (BackupQuery, error) {
	w.mu.Lock()
	query, source := BackupQuery{VaultID: w.vault}, w.source
	w.mu.Unlock()
	if w.backup == "" {
		return query, nil
	}
	if source.ID == "" {
		var err error
		if source, err = w.client.Backups.Get(ctx, w.backup); err != nil {
			return query, err
		}
		w.mu.Lock()
		w.source, w.vault = source, source.VaultID
		w.mu.Unlock()
	}
	return BackupQuery{VaultID: source.VaultID, CheckpointID: source.CheckpointID, ResourceID: source.ResourceID}, nil
}

// jobs are the copies to the destination.
func (w *copyWork) jobs(ctx context.Context) ([]transport.Job, error) {
	query, err := w.query(ctx)
	if err != nil {
		return nil, err
	}
	now, err := w.client.readCopies(ctx, query, Time{}, strictly)
	if err != nil {
		return nil, err
	}
	lacks := ""
	if w.backup == "" {
		if lacks, err = w.lacks(ctx, now); err != nil {
			return nil, err
		}
	}
	rows := map[string]seenCopy{}
	var jobs []transport.Job
	for backup, copies := range now.byBackup {
		for _, row := range copies {
			if w.backup != "" && backup != w.backup || !row.to.meets(w.to) {
				continue
			}
			rows[row.id] = row
			job := transport.Job{ID: row.id, Started: row.created.Time, Ended: hasEnded(row.outcome.Status)}
			if job.Veto = lacks; !w.auto && row.veto != "" {
				if job.Veto = row.veto; job.Ended {
					continue
				}
			}
			jobs = append(jobs, job)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rows, w.made, w.newest = rows, now.made(), now.newest
	return jobs, nil
}

const (
	// history is how long tasks are kept at least: what was copied before does not show.
	history = 29 * 24 * time.Hour
	// atOnce is how far apart the copies of one request may begin.
	atOnce = 5 * time.Minute
)

// lacks says which backup has no copy although all of the vault are to be copied, so that the newest copies are not
// those of the vault; empty if none lacks. All times are the service's.
func (w *copyWork) lacks(ctx context.Context, now *copies) (string, error) {
	newest := w.newestCopy(now)
	if newest.IsZero() {
		return "", nil
	}
	backups := now.backups
	if backups == nil {
		var err error
		query := BackupQuery{VaultID: w.vault, Sort: []SortField{Asc("created_at")}}
		if backups, err = w.client.backups(ctx, query, strictly); err != nil {
			return "", err
		}
	}
	for _, backup := range backups {
		forgotten := now.way == WayTasks && backup.CreatedAt.Before(newest.Add(-history))
		reached := func(row seenCopy) bool {
			if failed := hasEnded(row.outcome.Status) && row.outcome.Status != TaskStatusSuccess; failed {
				return row.to.meets(w.to) && !row.created.Before(newest.Add(-atOnce))
			}
			return row.to.Region == w.to.Region // in whichever vault: the service makes one copy for a region
		}
		if backup.canBeCopied() && backup.CreatedAt.Before(newest) && !forgotten && !slices.ContainsFunc(now.byBackup[backup.ID], reached) {
			return "without backup " + transport.Plain(backup.ID) + " of the vault", nil
		}
	}
	return "", nil
}

// newestCopy is when the newest of the copies to the destination was begun.
func (w *copyWork) newestCopy(now *copies) (newest time.Time) {
	for _, rows := range now.byBackup {
		for _, row := range rows {
			if row.to.meets(w.to) && row.created.After(newest) {
				newest = row.created.Time
			}
		}
	}
	return newest
}

// canBeCopied reports whether the service copies a backup to another region at all.
func (b Backup) canBeCopied() bool {
	return b.Status == BackupStatusAvailable && b.ResourceType == ResourceTypeServer && b.ImageType != ImageTypeReplication &&
		b.ExtendInfo.ContainSystemDisk
}

// state tells whether there is anything to copy: where there was, and is no more, the lists tell nothing.
func (w *copyWork) state(ctx context.Context) (transport.State, error) {
	if w.backup != "" {
		_, err := w.client.Backups.Get(ctx, w.backup)
		if errors.Is(err, drkit.ErrNotFound) {
			return transport.State{"backup": "gone"}, nil
		}
		return transport.State{"backup": "there"}, err
	}
	page, err := w.client.Backups.page(ctx, BackupQuery{VaultID: w.vault, Limit: 1})
	if len(page.Items) == 0 {
		return transport.State{"backups": "none"}, err
	}
	return transport.State{"backups": "some"}, err
}

// noted is what there was before, with the ids that another process needs to tell it.
func (w *copyWork) noted(note *transport.Note) noted {
	if note == nil {
		return noted{first: true}
	}
	before := noted{ids: make(map[string]bool, len(note.Jobs)), newest: note.Newest}
	for _, id := range note.Jobs {
		before.ids[id] = true
		if w.rows[id].created.Equal(note.Newest) {
			before.last = append(before.last, id)
		}
	}
	return before
}

// copying is what follows the copies, with those that the answer has named. Several means that it has named none.
func (w *copyWork) copying(note *transport.Note, wanted []ReplicatedBackup, several bool) *copying {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &copying{
		client: w.client, by: w.by, backup: w.backup, to: w.to, auto: w.auto, born: time.Now(), vault: w.vault,
		from: wellBefore(w.newest), wanted: wanted, before: w.noted(note), several: several,
	}
	c.made, _ = c.spanOf(w.made)
	return c
}

// found is what follows copies whose answer was lost. They may have begun long before the newest task that there is.
func (w *copyWork) found(found transport.Found, wanted []ReplicatedBackup) *copying {
	c := w.copying(&found.Note, wanted, wanted == nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, id := range found.Jobs {
		if begun := wellBefore(w.rows[id].created); i == 0 || begun.Before(c.from.Time) {
			c.from = begun
		}
	}
	return c
}
