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

// wayOf is how copies are followed in a cloud.
func wayOf(y *yard) checkpoints.Way {
	if strings.Contains(y.t.Name(), "Huawei") {
		return checkpoints.WayRecords
	}
	return checkpoints.WayTasks
}

// Every copy of a vault's backups is followed to its end: by records where the cloud shows them, else by tasks.
func TestReplicationIsWaitedFor(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 5)
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, result.Err())
		assert.Equal(t, wayOf(y), result.Way)
		require.Len(t, result.Copies, len(made))
		there := map[string]bool{}
		for _, replica := range y.there.Backups(replicas) {
			there[replica.ID] = true
			assert.Equal(t, "available", replica.Status)
		}
		var copied []string
		for _, one := range result.Copies {
			copied = append(copied, one.BackupID)
			assert.Equal(t, checkpoints.TaskStatusSuccess, one.Status)
			assert.Equal(t, wayOf(y), one.Way)
			assert.True(t, there[one.ReplicaID])
			assert.NotEmpty(t, one.RecordID)
			assert.NotEmpty(t, one.ResourceName)
		}
		assert.ElementsMatch(t, made, copied)

		again, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		before := y.here.Count("")
		result, err = again.Wait(t.Context())
		require.NoError(t, err)
		assert.Empty(t, result.Copies, "all are there")
		assert.Equal(t, before, y.here.Count(""), "and there is nothing to ask")
	})
}

// Copies that are skipped, fail, time out or are slow are told apart. Records have one word for the last but one.
func TestReplicationOfWhichPartSucceeds(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 3)
		y.here.SkipTask("Checkpoints.Replicate", made[0], "BackupService.6122", "It cannot be replicated.")
		y.here.FailTask("Checkpoints.Replicate", made[1], "BackupService.6129", "The destination is full.")
		y.here.TimeOutTask("Checkpoints.Replicate", made[2])
		y.here.SlowTask("Checkpoints.Replicate", made[3], 30*time.Minute)
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		began := time.Now()
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Greater(t, time.Since(began), 30*time.Minute)
		outcomes := map[string]checkpoints.CopyOutcome{}
		for _, one := range result.Copies {
			outcomes[one.BackupID] = one
		}
		require.Len(t, outcomes, len(made))
		assert.Equal(t, checkpoints.TaskStatusSkipped, outcomes[made[0]].Status)
		require.ErrorIs(t, outcomes[made[0]].Err(), checkpoints.ErrSkipped)
		assert.Equal(t, "It cannot be replicated.", outcomes[made[0]].Reason)
		assert.Equal(t, checkpoints.TaskStatusFailed, outcomes[made[1]].Status)
		require.ErrorIs(t, outcomes[made[1]].Err(), checkpoints.CodeDestinationVaultFull)
		if wayOf(y) == checkpoints.WayTasks {
			require.ErrorIs(t, outcomes[made[2]].Err(), checkpoints.ErrTimedOut)
		} else {
			assert.Equal(t, checkpoints.TaskStatusFailed, outcomes[made[2]].Status)
		}
		for _, id := range made[3:] {
			require.NoError(t, outcomes[id].Err())
		}
		require.ErrorIs(t, result.Err(), checkpoints.ErrSkipped)
	})
}

// Where no copy has succeeded the poller has failed.
func TestReplicationThatFails(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 1)
		for range made {
			y.here.SkipTask("Checkpoints.Replicate", "", "BackupService.6122", "It cannot be replicated.")
		}
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, checkpoints.ErrSkipped)
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Len(t, failed.Warnings, len(made))
		assert.Equal(t, "checkpoints.Checkpoints.Replicate", failed.Operation)
		assert.Equal(t, checkpoints.StateSkipped, poller.Progress().State)

		y.here.FailTask("Backups.Replicate", made[0], "BackupService.6129", "The destination is full.")
		one, err := y.client.Backups.Replicate(t.Context(), made[0], y.oneElsewhere())
		require.NoError(t, err)
		_, err = one.Wait(t.Context())
		require.ErrorIs(t, err, checkpoints.CodeDestinationVaultFull)
		assert.NotErrorIs(t, err, checkpoints.ErrSkipped)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, made[0], failed.ResourceID)
	})
}

// A backup may be copied again once its copy was deleted: the poller follows the new copy and not the old one.
func TestBackupThatIsCopiedAgain(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 1)
		first := ""
		for range 2 {
			poller, err := y.client.Backups.Replicate(t.Context(), made[0], y.oneElsewhere())
			require.NoError(t, err)
			outcome, err := poller.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, made[0], outcome.BackupID)
			assert.Equal(t, wayOf(y), outcome.Way)
			assert.NotEqual(t, first, outcome.ReplicaID)
			first = outcome.ReplicaID
			assert.True(t, y.there.RemoveBackup(outcome.ReplicaID))
		}
		assert.Equal(t, 2, y.here.Audit().Replication(made[0], y.there.Region).Succeeded)
	})
}

// Without tasks and without records the destination tells, to who has a client of it; to nobody else.
func TestReplicationWhoseTasksAreForgotten(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 3)
		follow := checkpoints.FollowAt(y.connect(y.there))
		y.here.FailTask("Checkpoints.Replicate", made[1], "BackupService.6129", "The destination is full.")
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere(), follow)
		require.NoError(t, err)
		for _, task := range y.here.Tasks() {
			assert.True(t, y.here.ForgetTask(task.ID))
		}
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, checkpoints.WayDestination, result.Way)
		for _, one := range result.Copies {
			assert.Equal(t, checkpoints.WayDestination, one.Way)
			assert.NotEmpty(t, one.ReplicaID)
			want := checkpoints.TaskStatusSuccess
			if one.BackupID == made[1] {
				want = checkpoints.TaskStatusFailed
			}
			assert.Equal(t, want, one.Status)
		}

		more := y.here.AddBackups(production, 1)
		for _, way := range [][]checkpoints.FollowOption{{follow}, nil} {
			one, err := y.client.Backups.Replicate(t.Context(), more[0], y.oneElsewhere(), way...)
			require.NoError(t, err)
			for _, task := range y.here.Tasks() {
				y.here.ForgetTask(task.ID)
			}
			outcome, err := one.Wait(t.Context())
			if way == nil {
				require.ErrorIs(t, err, drkit.ErrTaskGone)
				continue
			}
			require.NoError(t, err)
			assert.Equal(t, checkpoints.WayDestination, outcome.Way)
			assert.True(t, y.there.RemoveBackup(outcome.ReplicaID))
		}
	})
}

// Nothing is made up of copies that nothing tells of any more; the others count.
func TestReplicationOfWhichPartIsForgotten(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 2)
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		for _, task := range y.here.Tasks() {
			if task.Backup == made[0] || task.Backup == made[1] {
				y.here.ForgetTask(task.ID)
			}
		}
		assert.True(t, y.here.RemoveBackup(made[0]))
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		unknown := 0
		for _, one := range result.Copies {
			if one.Status == "" {
				unknown++
				require.ErrorIs(t, one.Err(), drkit.ErrTaskGone)
			}
		}
		want := 1
		if wayOf(y) == checkpoints.WayTasks {
			want = 2
		}
		assert.Equal(t, want, unknown)
		require.ErrorIs(t, result.Err(), drkit.ErrTaskGone)
	})
}

// A backup that is deleted once its copy was made has no record any more: its task tells.
func TestReplicationWhoseSourcesAreDeleted(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.HuaweiCloud, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 2)
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		pass(2 * time.Minute)
		assert.True(t, y.here.RemoveBackup(made[0]))
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		require.NoError(t, result.Err())
		assert.Len(t, result.Copies, len(made))
		assert.Equal(t, checkpoints.WayTasks, result.Way)
	})
}

// 500 copies are followed with one request a page and tick, whether one poller follows them or five hundred do.
func TestFiveHundredCopiesShareTheirLooks(t *testing.T) {
	t.Parallel()
	const page, pages = 100, 5 // 500 backups, and 500 tasks
	t.Run("one poller", func(t *testing.T) {
		t.Parallel()
		everyCloud(t, func(t *testing.T, y *yard) {
			require.Len(t, y.here.AddBackups(production, 250), 500)
			poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
			require.NoError(t, err)
			atMost(t, y, pages, func() {
				result, err := poller.Wait(t.Context())
				require.NoError(t, err)
				require.NoError(t, result.Err())
				assert.Len(t, result.Copies, 500)
			})
		}, checkpointstest.PageLimit(page))
	})
	t.Run("one poller, in a vault with a past", func(t *testing.T) {
		t.Parallel()
		everyCloud(t, func(t *testing.T, y *yard) {
			y.here.AddBackups(production, 250)
			before, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
			require.NoError(t, err)
			_, err = before.Wait(t.Context())
			require.NoError(t, err)
			pass(20 * 24 * time.Hour)
			y.here.AddBackups(production, 250)
			poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
			require.NoError(t, err)
			atMost(t, y, pages, func() {
				result, err := poller.Wait(t.Context())
				require.NoError(t, err)
				assert.Len(t, result.Copies, 500)
			})
		}, checkpointstest.PageLimit(page))
	})
	t.Run("five hundred", func(t *testing.T) {
		t.Parallel()
		if testing.Short() {
			t.Skip("takes seconds: a note of all copies before each of 500 requests")
		}
		everyCloud(t, func(t *testing.T, y *yard) {
			made := y.here.AddBackups(production, 250)
			pollers := make([]*drkit.Poller[checkpoints.CopyOutcome], len(made))
			for i, id := range made {
				var err error
				pollers[i], err = y.client.Backups.Replicate(t.Context(), id, y.oneElsewhere())
				require.NoError(t, err)
			}
			atMost(t, y, pages, func() {
				_, err := drkit.WaitAll(t.Context(), pollers)
				require.NoError(t, err)
			})
		}, checkpointstest.PageLimit(page), checkpointstest.Latency(0))
	})
}

// atMost lets nothing be asked more often than so many times at any moment of a wait, and something at several.
func atMost(t *testing.T, y *yard, most int, wait func()) {
	t.Helper()
	before := len(y.here.Requests())
	wait()
	moments := map[time.Time]int{}
	for _, request := range y.here.Requests()[before:] {
		assert.Contains(t, []string{"Backups.List", "Tasks.List"}, request.Operation)
		moments[request.Time]++
	}
	assert.Greater(t, len(moments), 3)
	for moment, requests := range moments {
		assert.LessOrEqual(t, requests, most, moment)
	}
}
