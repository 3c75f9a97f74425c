package checkpoints_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// A checkpoint of several resources is in the way of one of any of them, also where its tasks do not show.
func TestCheckpointInTheWay(t *testing.T) {
	t.Parallel()
	for name, forget := range map[string]bool{"by its tasks": false, "by its backups": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyCloud(t, func(t *testing.T, y *yard) {
				y.backsUp(`{}`)
				for _, task := range y.here.Tasks() {
					assert.True(t, !forget || y.here.ForgetTask(task.ID))
				}
				before := y.here.Count("Checkpoints.Create")
				for _, resource := range []string{db, app} {
					_, err := y.client.Checkpoints.Create(t.Context(), named("nightly", resource))
					require.ErrorIs(t, err, drkit.ErrConflict, resource)
				}
				assert.Equal(t, before, y.here.Count("Checkpoints.Create"))
			})
		})
	}
}

// What a policy backs up in the same moment is told from what was asked for, and so is what it copies.
func TestPolicyAtTheSameMoment(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		ann := y.here.Operator("ann")
		made, err := ann.Do("Policies.Create", "", `{"policy":{"name":"p","operation_type":"backup","operation_definition":{"max_backups":9},
			"trigger":{"properties":{"pattern":["FREQ=DAILY;BYHOUR=2;BYMINUTE=00"]}}}}`)
		require.NoError(t, err)
		id := strings.SplitN(strings.SplitN(string(made), `"id":"`, 2)[1], `"`, 2)[0]
		_, err = ann.Do("Vaults.AssociatePolicy", production, fmt.Sprintf(`{"policy_id":%q}`, id))
		require.NoError(t, err)
		y.here.Inject(checkpointstest.Fault{Operation: "Checkpoints.Create", Drop: true, Times: 1, Do: func() {
			assert.NoError(t, y.here.RunPolicy(id))
		}})
		_, err = y.client.Checkpoints.Create(t.Context(), checkpoints.VaultBackup{VaultID: production})
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		require.Len(t, unknown.Candidates, 1)
		assert.Contains(t, unknown.Candidates[0], "automatically", "or of the policy, where that shows last")
	})
}

// Copies to another vault of the region are not those that were asked for, where the cloud says which vault they go to.
func TestCopiesToAnotherVault(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.HuaweiCloud, func(t *testing.T, y *yard) {
		made, err := y.there.Operator("ann").Do("Vaults.Create", "", `{"vault":{"name":"attic","resources":[],"billing":{
			"consistent_level":"crash_consistent","object_type":"server","protect_type":"replication","size":1000}}}`)
		require.NoError(t, err)
		attic := strings.SplitN(strings.SplitN(string(made), `"id":"`, 2)[1], `"`, 2)[0]
		y.here.AddBackups(production, 2)
		y.here.Inject(checkpointstest.Fault{Operation: "Checkpoints.Replicate", Drop: true, Times: 1, Do: func() {
			_, err := y.here.Operator("ann").Do("Checkpoints.Replicate", "", fmt.Sprintf(
				`{"replicate":{"vault_id":%q,"destination_vault_id":%q,"destination_project_id":%q,"destination_region":%q}}`,
				production, attic, y.there.ProjectID, y.there.Region))
			assert.NoError(t, err)
		}})
		_, err = y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Empty(t, unknown.Candidates)
	})
}

// A backup that is deleted while its copy is looked for proves nothing: neither that it was copied, nor that it was not.
func TestBackupThatIsGoneMeanwhile(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		backup := y.here.AddBackups(production, 1)[1]
		y.here.Inject(checkpointstest.Fault{Operation: "Backups.Replicate", Drop: true, Times: 1, Do: func() {
			assert.True(t, y.here.RemoveBackup(backup))
		}})
		began := time.Now()
		_, err := y.client.Backups.Replicate(t.Context(), backup, y.oneElsewhere())
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.False(t, unknown.Untouched)
		assert.Less(t, time.Since(began), 2*time.Minute)
	})
}

// A token tells new copies from all that there were before, and not only from the last of them.
func TestResumedReplicationAfterSeveral(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		for range 3 {
			y.here.AddBackups(production, 1)
			poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
			require.NoError(t, err)
			_, err = poller.Wait(t.Context())
			require.NoError(t, err)
			pass(time.Hour)
		}
		more := y.here.AddBackups(production, 1)
		y.loses("Checkpoints.Replicate")
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		token, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		resumed, err := checkpoints.Resume[checkpoints.ReplicationResult](y.connect(y.here), token)
		require.NoError(t, err)
		result, err := resumed.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, result.Copies, len(more))
	})
}

// Why something stays is what its own last task says, and it is said as soon as it shows.
func TestReasonWhySomethingStays(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made := y.here.AddBackups(production, 1)
		for _, code := range []checkpoints.ErrorCode{checkpoints.CodeBackupHasImage, "BackupService.6216", "BackupService.9910"} {
			y.here.FailTask("Backups.Delete", made[0], string(code), "It stays.")
			y.here.FailTask("Backups.Delete", made[1], "BackupService.6203", "So does the other.")
			poller, err := y.client.Backups.Delete(t.Context(), made[0])
			require.NoError(t, err)
			pass(500 * time.Millisecond)
			other, err := y.client.Backups.Delete(t.Context(), made[1])
			require.NoError(t, err)
			began := time.Now()
			_, err = poller.Wait(t.Context())
			require.ErrorIs(t, err, code)
			assert.Less(t, time.Since(began), 15*time.Second)
			_, err = other.Wait(t.Context())
			require.Error(t, err)
			pass(time.Minute)
		}
		y.here.FailTask("Vaults.RemoveResources", "", "BackupService.6115", "It stays.")
		poller, err := y.client.Vaults.RemoveResources(t.Context(), production, []string{app})
		require.NoError(t, err)
		began := time.Now()
		_, err = poller.Wait(t.Context())
		require.ErrorContains(t, err, "BackupService.6115")
		assert.Less(t, time.Since(began), 15*time.Second)
	}, checkpointstest.TaskDuration(time.Second, 4*time.Second))
}

// Resources have moved once the destination lists all of them, and the source none.
func TestResourcesOnTheirWay(t *testing.T) {
	t.Parallel()
	s := yardOnTheWire(t)
	lists := func(vault, resources string) {
		s.On("GET", prefix+"/vaults/"+vault, says(200, `{"vault":{"id":"`+vault+`","resources":[`+resources+`]}}`))
	}
	s.On("POST", prefix+"/vaults/"+vaultID+"/migrateresources", says(200, `{"migrated_resources":["`+serverID+`"]}`))
	poller, err := s.client().Vaults.MigrateResources(t.Context(), vaultID, otherVault, []string{serverID})
	require.NoError(t, err)
	there := `{"id":"` + serverID + `"}`
	for _, step := range []struct {
		source, destination string
		done                bool
	}{{there, "", false}, {there, there, false}, {"", "", false}, {"", there, true}} {
		lists(vaultID, step.source)
		lists(otherVault, step.destination)
		_, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, step.done, poller.Done())
	}
}

// A checkpoint may call itself available while a task of it runs; one of whose resources nothing tells has ended all
// the same.
func TestCheckpointThatSettles(t *testing.T) {
	t.Parallel()
	s := yardOnTheWire(t)
	checkpoint := `{"checkpoint":{"id":"c-9","status":"available","vault":{"id":"` + vaultID + `","resources":[
		{"id":"vm-1","protect_status":"available"},{"id":"vm-2","protect_status":"protecting"}]}}}`
	s.On("POST", prefix+"/checkpoints", says(200, checkpoint))
	s.On("GET", prefix+"/checkpoints/c-9", says(200, checkpoint))
	poller, err := s.client().Checkpoints.Create(t.Context(), checkpoints.VaultBackup{VaultID: vaultID})
	require.NoError(t, err)
	s.On("GET", prefix+"/operation-logs", says(200, `{"operation_logs":[{"id":"t-1","operation_type":"backup","checkpoint_id":"c-9",
		"status":"running","extra_info":{"resource":{"id":"vm-1"}}}],"count":1}`))
	_, err = poller.Poll(t.Context())
	require.NoError(t, err)
	assert.False(t, poller.Done())
	s.On("GET", prefix+"/operation-logs", says(200, `{"operation_logs":[],"count":0}`))
	_, err = poller.Poll(t.Context())
	require.NoError(t, err)
	result, err := poller.Result()
	require.NoError(t, err)
	require.Len(t, result.Backups, 2)
	require.NoError(t, result.Backups[0].Err())
	require.ErrorIs(t, result.Backups[1].Err(), drkit.ErrTaskGone)
}

// What was adopted, and then is not the only one that may be it, does not end well.
func TestSecondVaultComesToLight(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		vault := orchard()
		vault.Resources = nil
		y.loses("Vaults.Create")
		poller, err := y.client.Vaults.Create(t.Context(), vault)
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		_, err = y.connect(y.here).Vaults.Create(t.Context(), vault)
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "came to light")
	})
}

// Others may share the backup with other projects meanwhile: those are not counted, nor are members that are gone.
func TestSharesWithOthers(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		backup := y.here.AddBackups(production, 1)[1]
		y.here.Inject(checkpointstest.Fault{Operation: "Members.Add", After: true, Drop: true, Times: 1, Do: func() {
			_, err := y.here.Operator("ann").Do("Members.Add", backup, fmt.Sprintf(`{"members":[%q]}`, checkpointstest.ProjectID("c", "c", "c")))
			assert.NoError(t, err)
		}})
		poller, err := y.client.Members.Add(t.Context(), backup, shared())
		require.NoError(t, err)
		token, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		members, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, members, 2)
		require.NoError(t, y.client.Members.Delete(t.Context(), backup, members[0].DestProjectID))
		resumed, err := checkpoints.Resume[[]checkpoints.Member](y.client, token)
		require.NoError(t, err)
		_, err = resumed.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrTaskGone)
	})
}

// Resources that both vaults list have not moved yet, as far as a lost answer goes.
func TestLostMigration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := yardOnTheWire(t)
		s.On("POST", prefix+"/vaults/"+vaultID+"/migrateresources", wiretest.Page(502))
		began := time.Now()
		s.On("GET", prefix+"/vaults/"+vaultID, func(*http.Request) (*http.Response, error) {
			if time.Since(began) < 10*time.Second {
				return says(200, `{"vault":{"id":"`+vaultID+`","resources":[{"id":"`+serverID+`"}]}}`)(nil)
			}
			return says(200, `{"vault":{"id":"`+vaultID+`","resources":[]}}`)(nil)
		})
		s.On("GET", prefix+"/vaults/"+otherVault, func(*http.Request) (*http.Response, error) {
			if time.Since(began) == 0 {
				return says(200, `{"vault":{"id":"`+otherVault+`","resources":[]}}`)(nil)
			}
			return says(200, `{"vault":{"id":"`+otherVault+`","resources":[{"id":"`+serverID+`"}]}}`)(nil)
		})
		poller, err := s.client().Vaults.MigrateResources(t.Context(), vaultID, otherVault, []string{serverID})
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		assert.GreaterOrEqual(t, time.Since(began), 10*time.Second)
	})
}
