package checkpoints_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// A checkpoint is waited for until nothing of it is under way, and its result says which backup is whose.
func TestCheckpointIsWaitedFor(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		began := time.Now()
		poller, err := y.client.Checkpoints.Create(t.Context(), named("nightly"))
		require.NoError(t, err)
		assert.False(t, poller.Adopted())
		var seen []drkit.Progress
		result, err := poller.Wait(t.Context(), drkit.OnProgress(func(p drkit.Progress) { seen = append(seen, p) }))
		require.NoError(t, err)
		assert.InDelta(t, 70, time.Since(began).Seconds(), 30)
		assert.Equal(t, checkpoints.CheckpointStatusAvailable, result.Checkpoint.Status)
		assert.Equal(t, "nightly", result.Checkpoint.ExtraInfo.Name)
		require.NoError(t, result.Err())
		require.Len(t, result.Backups, 2)
		for i, server := range []string{db, app} {
			got := result.Backups[i]
			assert.Equal(t, []string{got.BackupID}, y.backupsOf(server))
			assert.Equal(t, server, got.ResourceID)
			assert.NotEmpty(t, got.TaskID)
			assert.Equal(t, checkpoints.TaskStatusSuccess, got.Status)
		}
		assert.Equal(t, drkit.StateRunning, seen[0].State)
		assert.Equal(t, drkit.StateSucceeded, seen[len(seen)-1].State)
		assert.Equal(t, poller.ID(), seen[0].ID)
	})
}

// What was skipped at once, and what was skipped, failed or timed out later, are told apart, with the reason. The rest
// is there.
func TestCheckpointOfWhichPartSucceeds(t *testing.T) {
	t.Parallel()
	servers := []string{"a", "b", "c", "d", "e"}
	var resources []checkpointstest.Resource
	var ids []string
	for _, name := range servers {
		resources = append(resources, checkpointstest.VM(name, 40))
		ids = append(ids, checkpointstest.VMID(name))
	}
	everyCloud(t, func(t *testing.T, y *yard) {
		y.here.BreakResource(ids[0])
		y.here.SkipTask("Checkpoints.Create", ids[1], "BackupService.7101", "The server is being resized.")
		y.here.FailTask("Checkpoints.Create", ids[2], "BackupService.6114", "The vault is full.")
		y.here.TimeOutTask("Checkpoints.Create", ids[3])
		y.here.SlowTask("Checkpoints.Create", ids[4], 3*time.Hour)
		poller, err := y.client.Checkpoints.Create(t.Context(), named("nightly"))
		require.NoError(t, err)
		result, err := poller.Wait(t.Context())
		require.NoError(t, err, "one of them was backed up")
		outcomes := map[string]checkpoints.BackupOutcome{}
		for _, outcome := range result.Backups {
			outcomes[outcome.ResourceID] = outcome
		}
		require.Len(t, outcomes, 5)
		for i, want := range []struct {
			status checkpoints.TaskStatus
			code   string
			is     []error
		}{
			{checkpoints.TaskStatusSkipped, "BackupService.7101", []error{checkpoints.ErrSkipped}},
			{checkpoints.TaskStatusSkipped, "BackupService.7101", []error{checkpoints.ErrSkipped}},
			{checkpoints.TaskStatusFailed, "BackupService.6114", []error{checkpoints.CodeVaultFull, checkpoints.ErrQuota}},
			{checkpoints.TaskStatusTimeout, "", []error{checkpoints.ErrTimedOut}},
			{checkpoints.TaskStatusSuccess, "", nil},
		} {
			got := outcomes[ids[i]]
			assert.Equal(t, want.status, got.Status, servers[i])
			assert.Equal(t, want.code, got.Code, servers[i])
			assert.Equal(t, want.code != "", got.Reason != "", servers[i])
			assert.Equal(t, want.is == nil, got.Err() == nil, servers[i])
			for _, kind := range want.is {
				require.ErrorIs(t, got.Err(), kind)
				require.ErrorIs(t, result.Err(), kind)
			}
			var failed *drkit.TaskError
			if got.Err() != nil {
				require.ErrorAs(t, got.Err(), &failed)
				assert.Equal(t, ids[i], failed.ResourceID)
			}
		}
		assert.Empty(t, outcomes[ids[0]].TaskID)
		assert.NotContains(t, result.Err().Error(), "\n")
	}, checkpointstest.Resources(resources...), checkpointstest.Vaults(checkpointstest.Vault{Name: "production", Resources: ids}))
}

// Where nothing at all was backed up the poller has failed, in the way that all of it has, and nothing is lost of why.
func TestCheckpointThatFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*checkpointstest.Server)
		is    error
		state drkit.State
	}{
		"skipped": {
			func(s *checkpointstest.Server) {
				s.SkipTask("Checkpoints.Create", "", "BackupService.7101", "The status forbids it.")
				s.SkipTask("Checkpoints.Create", "", "BackupService.7101", "The status forbids it.")
			}, checkpoints.ErrSkipped, checkpoints.StateSkipped,
		},
		"timeout": {
			func(s *checkpointstest.Server) {
				s.TimeOutTask("Checkpoints.Create", "")
				s.TimeOutTask("Checkpoints.Create", "")
			}, checkpoints.ErrTimedOut, checkpoints.StateTimedOut,
		},
		"failed": {
			func(s *checkpointstest.Server) {
				s.FailTask("Checkpoints.Create", "", "BackupService.6114", "The vault is full.")
				s.SkipTask("Checkpoints.Create", "", "BackupService.7101", "The status forbids it.")
			}, checkpoints.ErrQuota, drkit.StateFailed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
				tc.spoil(y.here)
				poller, err := y.client.Checkpoints.Create(t.Context(), named("nightly"))
				require.NoError(t, err)
				_, err = poller.Wait(t.Context())
				var failed *drkit.TaskError
				require.ErrorAs(t, err, &failed)
				require.ErrorIs(t, err, tc.is)
				assert.Equal(t, name == "skipped", errors.Is(err, checkpoints.ErrSkipped))
				assert.Equal(t, name == "timeout", errors.Is(err, checkpoints.ErrTimedOut))
				assert.Equal(t, tc.state, poller.Progress().State)
				assert.Equal(t, "checkpoints.Checkpoints.Create", failed.Operation)
				assert.Equal(t, production, failed.ResourceID)
				assert.Len(t, failed.Warnings, 2)
				assert.NotContains(t, err.Error(), "\n")
			})
		})
	}
}

// The tasks of a checkpoint may be forgotten while it is made: the backups tell.
func TestCheckpointWhoseTasksAreForgotten(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		y.here.FailTask("Checkpoints.Create", db, "BackupService.6114", "The vault is full.")
		poller, err := y.client.Checkpoints.Create(t.Context(), named("nightly"))
		require.NoError(t, err)
		for _, task := range y.here.Tasks() {
			assert.True(t, y.here.ForgetTask(task.ID))
		}
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		require.Len(t, result.Backups, 2)
		assert.Equal(t, checkpoints.TaskStatusFailed, result.Backups[0].Status)
		assert.Empty(t, result.Backups[0].Reason)
		assert.Equal(t, checkpoints.TaskStatusSuccess, result.Backups[1].Status)
		assert.Equal(t, y.backupsOf(app)[0], result.Backups[1].BackupID)
	})
}

// The service may restart, tokens may end and be revoked, and others may make checkpoints of the same vault, while one
// is waited for.
func TestCheckpointInBadWeather(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		y.here.SlowTask("Checkpoints.Create", db, 150*time.Minute)
		poller, err := y.client.Checkpoints.Create(t.Context(), named("nightly", db))
		require.NoError(t, err)
		pass(time.Minute)
		y.here.Restart(5 * time.Minute)
		done := make(chan error, 1)
		var result checkpoints.CheckpointResult
		go func() {
			var err error
			result, err = poller.Wait(t.Context())
			done <- err
		}()
		pass(time.Hour)
		y.here.RevokeTokens()
		_, err = y.here.Operator("ann").Do("Checkpoints.Create", "", `{"checkpoint":{"vault_id":"`+production+`","parameters":{"name":"nightly","resources":["`+app+`"]}}}`)
		require.NoError(t, err)
		pass(time.Hour)
		y.here.ExpireTokens()
		require.NoError(t, <-done)
		require.Len(t, result.Backups, 1)
		require.NoError(t, result.Err())
		assert.Equal(t, []string{result.Backups[0].BackupID}, y.backupsOf(db))
	})
}

// A checkpoint that is deleted before its end was seen is gone, and not a success.
func TestCheckpointThatIsGone(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
		poller, err := y.client.Checkpoints.Create(t.Context(), named("nightly", app))
		require.NoError(t, err)
		pass(2 * time.Minute)
		assert.True(t, y.here.RemoveBackup(y.backupsOf(app)[0]))
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrTaskGone)
	})
}
