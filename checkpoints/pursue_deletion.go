package checkpoints

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/internal/watch"
)

// leaving is something that is being deleted: done once it is gone. What stays although it was on its way has a task
// that says why.
type leaving struct {
	client *Client
	of     TaskType // of the tasks that delete it
	noun   string
	id     string
	born   time.Time
	get    func(ctx context.Context) (deleting bool, vault string, err error)

	mu   sync.Mutex
	seen bool // on its way
}

func (l *leaving) name() string { return "the deletion of " + l.noun + " " + transport.Plain(l.id) }

func (l *leaving) subject(context.Context) (subject, error) { return subject{ID: l.id}, nil }

func (l *leaving) see(ctx context.Context) (drkit.Look[NoResult], error) {
	deleting, vault, err := l.get(ctx)
	return l.judge(ctx, deleting, vault, err)
}

// judge says how far the deletion is.
func (l *leaving) judge(ctx context.Context, deleting bool, vault string, err error) (drkit.Look[NoResult], error) {
	running := drkit.Look[NoResult]{Progress: progressOf(TaskStatusRunning, 0)}
	switch {
	case errors.Is(err, drkit.ErrNotFound):
		return drkit.Look[NoResult]{Progress: progressOf(TaskStatusSuccess, 100), Done: true}, nil
	case err != nil:
		return drkit.Look[NoResult]{}, err
	case !l.stays(deleting):
		return running, nil
	}
	last, err := l.client.lastTask(ctx, TaskQuery{VaultID: vault, OperationType: l.of}, l.isOf)
	switch {
	case err != nil:
		return drkit.Look[NoResult]{}, err
	case last.ID == "":
		return drkit.Look[NoResult]{}, fmt.Errorf("%s is not under way: %w", l.name(), drkit.ErrNotFound)
	case last.Err() == nil:
		return running, nil
	}
	return drkit.Look[NoResult]{Progress: progressOf(last.Status, 100), Done: true, Err: last.Err()}, nil
}

// begun reports whether a deletion that the service has refused to repeat is under way.
func (l *leaving) begun(ctx context.Context, refusal *drkit.Error) bool {
	if !errors.Is(refusal, drkit.ErrConflict) {
		return false
	}
	deleting, _, err := l.get(ctx)
	return deleting || errors.Is(err, drkit.ErrNotFound)
}

// stays reports whether what is to be deleted is not on its way, although it was, or ought to be.
func (l *leaving) stays(deleting bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = l.seen || deleting
	return !deleting && (l.seen || time.Since(l.born) >= l.client.transport.Schedule().Grace)
}

func (l *leaving) isOf(task Task) bool {
	if l.of == TaskTypeVaultDelete {
		return task.VaultID == l.id
	}
	about := task.ExtraInfo.Delete
	return about != nil && about.BackupID == l.id
}

// lastTask returns the newest of the tasks that are of something; one without an id if there is none.
func (c *Client) lastTask(ctx context.Context, query TaskQuery, of func(Task) bool) (newest Task, err error) {
	tasks, err := c.tasks(ctx, query, leniently)
	for _, task := range tasks {
		if task.OperationType == query.OperationType && of(task) && (newest.ID == "" || task.CreatedAt.After(newest.CreatedAt.Time)) {
			newest = task
		}
	}
	return newest, err
}

// leavingVault is a vault that is being deleted, with all its backups.
func (c *Client) leavingVault(id string) *leaving {
	return &leaving{
		client: c, of: TaskTypeVaultDelete, noun: "vault", id: id, born: time.Now(),
		get: func(ctx context.Context) (bool, string, error) {
			vault, err := c.Vaults.Get(ctx, id)
			return vault.Billing.Status == VaultStatusDeleting, vault.ID, err
		},
	}
}

// leavingBackup is a backup that is being deleted. Those who wait for several of them share their looks.
type leavingBackup struct{ *leaving }

func (c *Client) leavingBackup(id string) leavingBackup {
	return leavingBackup{&leaving{
		client: c, of: TaskTypeDelete, noun: "backup", id: id, born: time.Now(),
		get: func(ctx context.Context) (bool, string, error) {
			backup, err := c.Backups.Get(ctx, id)
			return backup.isLeaving(), backup.VaultID, err
		},
	}}
}

func (b Backup) isLeaving() bool {
	return b.Status == BackupStatusDeleting || b.Status == BackupStatusWaitingDelete
}

func (l leavingBackup) watch(born time.Time, complete completion[NoResult]) watch.Watch[drkit.Look[NoResult]] {
	changed, last, stop := l.client.deleteBatch().Watch(taskwait.Item{ID: l.id}, born)
	return watch.Watch[drkit.Look[NoResult]]{Changed: changed, Stop: stop, Last: func(ctx context.Context) (drkit.Look[NoResult], error) {
		backup, err := last()
		look, err := l.judge(ctx, backup.isLeaving(), backup.VaultID, err)
		return complete(ctx, look, err)
	}}
}

// deleteBatch returns what looks at backups that are being deleted for all waits of the client: at all of the project
// together, and by itself at each that is not among those.
func (c *Client) deleteBatch() *taskwait.Batch[Backup] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deleteLooks == nil {
		c.deleteLooks = taskwait.New(taskwait.Config[Backup]{
			List: true,
			Many: func(ctx context.Context, _ []taskwait.Item) ([]Backup, error) {
				leaving := []BackupStatus{BackupStatusDeleting, BackupStatusWaitingDelete}
				return c.backups(ctx, BackupQuery{Status: leaving}, leniently)
			},
			One:     func(ctx context.Context, item taskwait.Item) (Backup, error) { return c.Backups.Get(ctx, item.ID) },
			ID:      func(backup Backup) string { return backup.ID },
			Polling: c.transport.Schedule(), Logger: c.transport.Logger(),
		})
	}
	return c.deleteLooks
}
