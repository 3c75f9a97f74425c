package checkpoints

import (
	"context"
	"time"

	"github.com/drkit-go/drkit"
)

// elsewhere looks for a copy that the region does not show in the usual way: among the tasks, where records have left
// it out, as with a backup that is gone, and then among the backups of the destination. The outcome has no status where
// neither tells.
func (c *copying) elsewhere(ctx context.Context, one ReplicatedBackup) (CopyOutcome, error) {
	unknown := CopyOutcome{BackupID: one.BackupID, RecordID: one.ReplicationRecordID}
	vault, from, err := c.locate(ctx)
	if err != nil {
		return unknown, err
	}
	tasks, err := recently(ctx, c.client, "tasks of "+vault+" from "+from.String(), func(ctx context.Context) ([]Task, error) {
		return c.client.tasks(ctx, TaskQuery{VaultID: vault, StartTime: from}, leniently)
	})
	if err != nil {
		return unknown, err
	}
	c.mu.Lock()
	row, found := c.newest(copiesByTasks(tasks).byBackup[one.BackupID])
	c.mu.Unlock()
	if found {
		row.outcome.RecordID = one.ReplicationRecordID
		return row.outcome, nil
	}
	if c.by.destination == nil {
		return unknown, nil
	}
	return c.atDestination(ctx, vault, unknown)
}

// atDestination looks for a copy among the backups of the destination.
func (c *copying) atDestination(ctx context.Context, vault string, unknown CopyOutcome) (CopyOutcome, error) {
	there := c.by.destination
	replicas, err := recently(ctx, there, "backups of "+c.to.Vault, func(ctx context.Context) ([]Backup, error) {
		return there.backups(ctx, BackupQuery{VaultID: c.to.Vault, ShowReplication: drkit.Some(true)}, leniently)
	})
	if err != nil {
		return unknown, err
	}
	sources, err := recently(ctx, c.client, "backups of "+vault, func(ctx context.Context) ([]Backup, error) {
		return c.client.backups(ctx, BackupQuery{VaultID: vault}, leniently)
	})
	if err != nil {
		return unknown, err
	}
	source := Backup{ID: unknown.BackupID}
	for _, backup := range sources {
		if backup.ID == source.ID {
			source = backup
		}
	}
	unknown.ResourceID, unknown.ResourceName = source.ResourceID, source.ResourceName
	if replica, found := replicaOf(source, replicas); found {
		unknown.ReplicaID, unknown.Way, unknown.Status = replica.ID, WayDestination, statusOfBackup(replica.Status)
	}
	return unknown, nil
}

// replicaOf returns the copy of a backup: the one that says so in its record or, where the cloud has none, the only one
// of the same resource that was backed up in the same moment.
func replicaOf(source Backup, replicas []Backup) (replica Backup, found bool) {
	alike := 0
	for _, one := range replicas {
		for _, record := range one.ReplicationRecords {
			if record.SourceBackupID == source.ID {
				return one, true
			}
		}
		if one.ResourceID == source.ResourceID && !one.ProtectedAt.IsZero() && one.ProtectedAt.Equal(source.ProtectedAt.Time) {
			replica = one
			alike++
		}
	}
	return replica, alike == 1
}

// glance is what was read a moment ago, for others who want to know the same.
type glance struct {
	at    time.Time
	value any
}

// recently returns what read reads, or has read for somebody else in this tick.
func recently[T any](ctx context.Context, c *Client, key string, read func(context.Context) (T, error)) (T, error) {
	tick := c.transport.Schedule().MinInterval / 2
	last := func() (value T, fresh bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		kept, known := c.glances[key]
		value, _ = kept.value.(T)
		return value, known && time.Since(kept.at) < tick
	}
	value, fresh := last()
	if fresh {
		return value, nil
	}
	err := c.transport.Share(ctx, key, func(ctx context.Context) error {
		if _, fresh := last(); fresh { // since the caller has looked
			return nil
		}
		value, err := read(ctx)
		if err != nil {
			return err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for other, kept := range c.glances {
			if time.Since(kept.at) >= tick {
				delete(c.glances, other)
			}
		}
		if c.glances == nil {
			c.glances = map[string]glance{}
		}
		c.glances[key] = glance{at: time.Now(), value: value}
		return nil
	})
	value, _ = last()
	return value, err
}
