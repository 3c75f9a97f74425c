package checkpoints_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

var web = checkpointstest.VMID("web-1")

func server(id string) checkpoints.Resource {
	return checkpoints.Resource{ID: id, Type: checkpoints.ResourceTypeServer}
}

// A restoration is followed by the task that the answer names, or by the one that the list shows for it.
func TestRestorationIsWaitedFor(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		backup := y.here.AddBackups(production, 1)[1]
		for range 2 {
			poller, err := y.client.Backups.Restore(t.Context(), backup, y.restoreOf(backup))
			require.NoError(t, err)
			task, err := poller.Wait(t.Context())
			require.NoError(t, err)
			tasks := y.here.Tasks()
			assert.Equal(t, tasks[len(tasks)-1].ID, task.ID)
			assert.Equal(t, backup, task.ExtraInfo.Restore.BackupID)
		}
		assert.Equal(t, 2, y.here.Audit().Restore(backup).Succeeded)

		y.here.FailTask("Backups.Restore", backup, "BackupService.2007", "The server is gone.")
		poller, err := y.client.Backups.Restore(t.Context(), backup, y.restoreOf(backup))
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, checkpoints.CodeServerGone)
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "checkpoints.Backups.Restore", failed.Operation)

		poller, err = y.client.Backups.Restore(t.Context(), backup, y.restoreOf(backup))
		require.NoError(t, err)
		pass(time.Second)
		tasks := y.here.Tasks()
		assert.True(t, y.here.ForgetTask(tasks[len(tasks)-1].ID))
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrTaskGone, "whether it has succeeded nothing tells")
	})
}

// Without a note a restoration that the answer does not name is told from those that have ended before it is looked for.
func TestRestorationWithoutANote(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
		backup := y.here.AddBackups(production, 1)[1]
		for i := range 2 {
			poller, err := y.client.Backups.Restore(drkit.WithoutNote(t.Context()), backup, y.restoreOf(backup))
			require.NoError(t, err)
			task, err := poller.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, y.here.Tasks()[i].ID, task.ID)
		}
		copied, err := y.client.Backups.Replicate(drkit.WithoutNote(t.Context()), backup, y.oneElsewhere())
		require.NoError(t, err)
		_, err = copied.Wait(t.Context())
		require.NoError(t, err)
	})
}

// Many restorations share their looks, and so do many deletions.
func TestLooksAreShared(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 10)
		var restores []*drkit.Poller[checkpoints.Task]
		for _, id := range y.backupsOf(app)[:1] {
			poller, err := y.client.Backups.Restore(t.Context(), id, y.restoreOf(id))
			require.NoError(t, err)
			for range 20 {
				restores = append(restores, poller)
			}
		}
		before := y.here.Count("")
		_, err := drkit.WaitAll(t.Context(), restores)
		require.NoError(t, err)
		assert.Less(t, y.here.Count("")-before, 20)

		var deletions []*drkit.Poller[checkpoints.NoResult]
		for _, id := range made {
			poller, err := y.client.Backups.Delete(t.Context(), id)
			require.NoError(t, err)
			deletions = append(deletions, poller)
		}
		before = y.here.Count("")
		_, err = drkit.WaitAll(t.Context(), deletions)
		require.NoError(t, err)
		assert.Less(t, y.here.Count("")-before, 15+len(made), "a list a tick, and in the end each by itself")
		assert.Empty(t, y.here.Backups(production))
	})
}

// What is deleted is waited for until it is gone. What stays has failed, for the reason that its task has.
func TestDeletionsAreWaitedFor(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 1)
		y.here.FailTask("Backups.Delete", made[0], "BackupService.6204", "An image uses it.")
		poller, err := y.client.Backups.Delete(t.Context(), made[0])
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, checkpoints.CodeBackupHasImage)
		poller, err = y.client.Backups.Delete(t.Context(), made[0])
		require.NoError(t, err)
		assert.Len(t, y.backupsOf(db), 1)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Empty(t, y.backupsOf(db))

		y.here.FailTask("Vaults.Delete", production, "BackupService.6121", "It cannot be deleted.")
		gone, err := y.client.Vaults.Delete(t.Context(), production)
		require.NoError(t, err)
		_, err = gone.Wait(t.Context())
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "BackupService.6121", failed.Code)
		gone, err = y.client.Vaults.Delete(t.Context(), production)
		require.NoError(t, err)
		_, err = gone.Wait(t.Context())
		require.NoError(t, err)
		assert.Empty(t, y.here.Vaults())
	})
}

// Resources are waited for until the vault lists them, or lists them no more.
func TestResourcesSettle(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		poller, err := y.client.Vaults.AddResources(t.Context(), production, []checkpoints.Resource{server(web)})
		require.NoError(t, err)
		began := time.Now()
		vault, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, vault.Resources, 3)
		assert.Greater(t, time.Since(began), 15*time.Second)

		y.here.FailTask("Vaults.RemoveResources", "", "BackupService.6115", "Its backups cannot be deleted.")
		poller, err = y.client.Vaults.RemoveResources(t.Context(), production, []string{web, app})
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "BackupService.6115", failed.Code)
		poller, err = y.client.Vaults.RemoveResources(t.Context(), production, []string{web, app})
		require.NoError(t, err)
		vault, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, vault.Resources, 1)

		created, err := y.client.Vaults.Create(t.Context(), orchard())
		require.NoError(t, err)
		vault, err = created.Wait(t.Context())
		require.NoError(t, err)
		require.Len(t, vault.Resources, 1)
		assert.Equal(t, web, vault.Resources[0].ID)

		poller, err = y.client.Vaults.MigrateResources(t.Context(), production, vault.ID, []string{db})
		require.NoError(t, err)
		vault, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, vault.Resources, 2)
		assert.True(t, strings.HasSuffix(poller.ID(), vault.ID))
	})
}

// A policy is there as soon as the service has answered: nothing more is asked.
func TestPolicyIsCreated(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		poller, err := y.client.Policies.Create(t.Context(), nightlyBackup())
		require.NoError(t, err)
		before := y.here.Count("")
		policy, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "nightly", policy.Name)
		assert.Equal(t, before, y.here.Count(""))
	})
}

func nightlyBackup() checkpoints.PolicyCreate {
	return checkpoints.PolicyCreate{
		Name: "nightly", OperationType: checkpoints.PolicyOperationBackup,
		Trigger: checkpoints.PolicyTrigger{Properties: checkpoints.TriggerProperties{Pattern: []checkpoints.Pattern{"FREQ=DAILY;BYHOUR=2;BYMINUTE=00"}}},
	}
}
