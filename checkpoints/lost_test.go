package checkpoints_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// loses lets the answer to the next request of an operation be lost once its work is done.
func (y *yard) loses(operation string) {
	y.here.Inject(checkpointstest.Fault{Operation: operation, After: true, Drop: true, Times: 1})
}

// late lets the next request of an operation be worked on after its answer was given up.
func (y *yard) late(operation string, by time.Duration) {
	y.here.Inject(checkpointstest.Fault{Operation: operation, Drop: true, Late: by, Times: 1})
}

// backsUp is somebody else who backs up the vault.
func (y *yard) backsUp(parameters string) {
	_, err := y.here.Operator("ann").Do("Checkpoints.Create", "", fmt.Sprintf(
		`{"checkpoint":{"vault_id":%q,"parameters":%s}}`, production, parameters))
	require.NoError(y.t, err)
}

// A lost answer is found again by what it has left behind, also where that comes late.
func TestLostAnswersAreFound(t *testing.T) {
	t.Parallel()
	for _, work := range undertakings()[:once] {
		for fault, spoil := range map[string]func(*yard){
			"lost": func(y *yard) { y.loses(work.operation) },
			"late": func(y *yard) { y.late(work.operation, 20*time.Second) },
		} {
			t.Run(work.operation+work.kind+"/"+fault, func(t *testing.T) {
				t.Parallel()
				work.inItsClouds(t, func(t *testing.T, y *yard) {
					y.here.AddBackups(production, 2)
					spoil(y)
					adopted, err := work.lose(t.Context(), y)
					require.NoError(t, err)
					assert.True(t, adopted)
					assert.Equal(t, 1, y.here.Count(work.operation))
					assert.Equal(t, 1, work.ran(y))
				}, checkpointstest.TasksShowAfter(5*time.Second))
			})
		}
	}
}

// Others back up the same vault at the same moment. Only a name or a description tells a checkpoint from theirs: what
// it does not tell apart is not adopted.
func TestOtherPeoplesCheckpoints(t *testing.T) {
	t.Parallel()
	unnamed := checkpoints.VaultBackup{VaultID: production, Parameters: drkit.Some(checkpoints.CheckpointParam{Resources: []string{app}})}
	described := checkpoints.VaultBackup{VaultID: production, Parameters: drkit.Some(checkpoints.CheckpointParam{
		Resources: []string{app}, Description: drkit.Some("change 4711"),
	})}
	for name, tc := range map[string]struct {
		asked      checkpoints.VaultBackup
		other      string // parameters
		lost       bool   // after the work is done, else before it
		adopted    bool
		candidates int
	}{
		"named":                     {named("nightly", app), `{"name":"manual","resources":["` + db + `"]}`, true, true, 0},
		"described":                 {described, `{"resources":["` + db + `"]}`, true, true, 0},
		"unnamed":                   {unnamed, `{"resources":["` + db + `"]}`, true, false, 2},
		"unnamed, and never begun":  {unnamed, `{"resources":["` + app + `"]}`, false, false, 1},
		"named, and never begun":    {named("nightly", app), `{"resources":["` + app + `"]}`, false, false, 1},
		"described, never begun":    {described, `{"resources":["` + app + `"],"description":"change 4712"}`, false, false, 1},
		"the same name, otherwise":  {named("nightly", app), `{"name":"nightly","resources":["` + db + `"]}`, false, false, 1},
		"the same name, by itself":  {named("nightly", app), `{"name":"nightly","resources":["` + app + `"],"auto_trigger":true}`, false, false, 1},
		"the same name, both begun": {named("nightly", app), `{"name":"nightly","resources":["` + db + `"]}`, true, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyCloud(t, func(t *testing.T, y *yard) {
				y.here.Inject(checkpointstest.Fault{
					Operation: "Checkpoints.Create", After: tc.lost, Drop: true, Times: 1, Do: func() { y.backsUp(tc.other) },
				})
				poller, err := y.client.Checkpoints.Create(t.Context(), tc.asked)
				if tc.adopted {
					require.NoError(t, err)
					result, err := poller.Wait(t.Context())
					require.NoError(t, err)
					assert.Equal(t, app, result.Backups[0].ResourceID)
					assert.Len(t, result.Backups, 1)
					return
				}
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.Len(t, unknown.Candidates, tc.candidates)
				assert.False(t, unknown.Untouched)
				assert.NotContains(t, err.Error(), "\n")

				before := y.here.Count("Checkpoints.Create")
				_, err = y.client.Checkpoints.Create(t.Context(), tc.asked)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "it is not sent again")
				_, err = y.client.Checkpoints.Create(t.Context(), named("another"))
				require.ErrorIs(t, err, drkit.ErrConflict, "nor is another")
				assert.Equal(t, before, y.here.Count("Checkpoints.Create"))
				assert.True(t, drkit.Discard(err))
				pass(3 * time.Minute) // nothing is under way any more
				_, err = y.client.Checkpoints.Create(t.Context(), named("another"))
				require.NoError(t, err)
			})
		})
	}
}

// The same under way is not begun again; what is about other resources is in nobody's way.
func TestWorkUnderWayIsAConflict(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		backup := y.here.AddBackups(production, 1)[1]
		sent := func() int {
			return y.here.Count("Checkpoints.Create") + y.here.Count("Backups.Restore") + y.here.Count("Checkpoints.Replicate")
		}
		y.backsUp(`{"resources":["` + db + `"]}`)
		before := sent()
		_, err := y.client.Checkpoints.Create(t.Context(), named("nightly"))
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "not sent, because task ")
		assert.Equal(t, before, sent())
		poller, err := y.client.Checkpoints.Create(t.Context(), named("nightly", app))
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)

		restored, err := y.client.Backups.Restore(t.Context(), backup, y.restoreOf(backup))
		require.NoError(t, err)
		before = sent()
		_, err = y.client.Backups.Restore(t.Context(), backup, y.restoreOf(backup))
		require.ErrorIs(t, err, drkit.ErrConflict)
		assert.Equal(t, before, sent())
		_, err = restored.Wait(t.Context())
		require.NoError(t, err)

		copied, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		before = sent()
		_, err = y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.ErrorIs(t, err, drkit.ErrConflict)
		_, err = y.client.Backups.Replicate(t.Context(), backup, y.oneElsewhere())
		require.ErrorIs(t, err, drkit.ErrConflict)
		assert.Equal(t, before, sent())
		_, err = copied.Wait(t.Context())
		require.NoError(t, err)
	})
}

// A vault of the same name that somebody else has created, or that is another, is not taken for what was asked for.
func TestOtherPeoplesVaults(t *testing.T) {
	t.Parallel()
	body := func(y *yard) {
		_, err := y.here.Operator("ann").Do("Vaults.Create", "", `{"vault":{"name":"orchard","resources":[],"billing":{
			"consistent_level":"crash_consistent","object_type":"server","protect_type":"backup","size":100}}}`)
		require.NoError(y.t, err)
	}
	again := func(change func(*checkpoints.VaultCreate)) func(*yard) {
		return func(y *yard) {
			vault := orchard()
			vault.Resources = nil
			change(&vault)
			poller, err := y.connect(y.here).Vaults.Create(y.t.Context(), vault)
			require.NoError(y.t, err)
			assert.NotEmpty(y.t, poller.ID())
		}
	}
	for doubtful, do := range map[string]func(*yard){
		"created by the user ": body,
		"of 200 GB":            again(func(v *checkpoints.VaultCreate) { v.Billing.Size = 200 }),
		"for other resources":  again(func(v *checkpoints.VaultCreate) { v.Billing.ObjectType = checkpoints.ObjectTypeDisk }),
		"described as ann's":   again(func(v *checkpoints.VaultCreate) { v.Description = drkit.Some("ann's") }),
	} {
		t.Run(doubtful, func(t *testing.T) {
			t.Parallel()
			bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
				y.here.Inject(checkpointstest.Fault{Operation: "Vaults.Create", Drop: true, Times: 1, Do: func() { do(y) }})
				_, err := y.client.Vaults.Create(t.Context(), orchard())
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				require.Len(t, unknown.Candidates, 1)
				assert.Contains(t, unknown.Candidates[0], doubtful)
			})
		})
	}
}

// What a policy copies at the same moment was not begun by hand; what somebody else copies by hand is what was asked
// for, since a backup is copied to a region once.
func TestOtherPeoplesReplications(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		y.here.AddBackups(production, 2)
		body := fmt.Sprintf(`{"replicate":{"vault_id":%q,"destination_vault_id":%q,"destination_project_id":%q,"destination_region":%q}}`,
			production, replicas, y.there.ProjectID, y.there.Region)
		y.here.Inject(checkpointstest.Fault{Operation: "Checkpoints.Replicate", Drop: true, Times: 1, Do: func() {
			_, err := y.here.Operator("ann").Do("Checkpoints.Replicate", "", body)
			require.NoError(t, err)
		}})
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, result.Copies, 4)
		assert.Equal(t, 1, y.here.Ran("Checkpoints.Replicate", production))
	})
}

// Somebody who copies one backup of the vault by hand has not replicated the vault; a policy that does has not done it by
// hand.
func TestOtherPeoplesCopies(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		other   func(*yard, string)
		lost    bool
		adopted bool
	}{
		"one copy, and never begun": {(*yard).copiesOne, false, false},
		"one copy, and lost":        {(*yard).copiesOne, true, true},
		"a policy, and never begun": {(*yard).copiesByPolicy, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyCloud(t, func(t *testing.T, y *yard) {
				made := y.here.AddBackups(production, 4)
				y.here.Inject(checkpointstest.Fault{
					Operation: "Checkpoints.Replicate", Drop: true, After: tc.lost, Times: 1, Do: func() { tc.other(y, made[3]) },
				})
				y.here.FailTask("Checkpoints.Replicate", made[0], "BackupService.1006", "The import has failed.")
				poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
				if !tc.adopted {
					var unknown *drkit.OutcomeUnknownError
					require.ErrorAs(t, err, &unknown)
					assert.NotEmpty(t, unknown.Candidates)
					assert.False(t, unknown.Untouched)
					assert.Less(t, len(err.Error()), 2000)
					return
				}
				require.NoError(t, err)
				result, err := poller.Wait(t.Context())
				require.NoError(t, err)
				assert.Len(t, result.Copies, len(made))
				require.Error(t, result.Err())
			})
		})
	}
}

// copiesOne is somebody else who copies a backup.
func (y *yard) copiesOne(backup string) {
	_, err := y.here.Operator("ann").Do("Backups.Replicate", backup, fmt.Sprintf(
		`{"replicate":{"destination_vault_id":%q,"destination_project_id":%q,"destination_region":%q}}`, replicas, y.there.ProjectID, y.there.Region))
	if err != nil { // the vault's replication has it
		var refused *checkpointstest.OperatorError
		require.ErrorAs(y.t, err, &refused)
	}
}

// copiesByPolicy is a policy that copies the vault.
func (y *yard) copiesByPolicy(string) {
	ann := y.here.Operator("ann")
	made, err := ann.Do("Policies.Create", "", fmt.Sprintf(`{"policy":{"name":"copies","operation_type":"replication",
		"operation_definition":{"destination_region":%q,"destination_project_id":%q,"max_backups":3},
		"trigger":{"properties":{"pattern":["FREQ=DAILY;BYHOUR=2;BYMINUTE=00"]}}}}`, y.there.Region, y.there.ProjectID))
	require.NoError(y.t, err)
	var policy struct{ Policy struct{ ID string } }
	require.NoError(y.t, json.Unmarshal(made, &policy))
	_, err = ann.Do("Vaults.AssociatePolicy", production, fmt.Sprintf(`{"policy_id":%q,"destination_vault_id":%q}`, policy.Policy.ID, replicas))
	require.NoError(y.t, err)
	require.NoError(y.t, y.here.RunPolicy(policy.Policy.ID))
}

// What has left no trace says so, and nothing is sent again.
func TestLostRequests(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		backup := y.here.AddBackups(production, 1)[1]
		y.here.Inject(checkpointstest.Fault{Status: 503, Body: "<html>Busy</html>", Operation: "Checkpoints.Replicate", Times: 1})
		_, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched)
		assert.Equal(t, "the copies of vault "+production, unknown.Resource)
		_, err = drkit.Recover[checkpoints.ReplicationResult](t.Context(), err)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)

		y.here.Inject(checkpointstest.Fault{Drop: true, Operation: "Backups.Replicate", Times: 1})
		_, err = y.client.Backups.Replicate(t.Context(), backup, y.oneElsewhere())
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched)
		assert.Equal(t, 1, y.here.Count("Backups.Replicate"))
		assert.Zero(t, y.here.Ran("Checkpoints.Replicate", ""))
	})
}

// A backup that has its copy in another vault of the region is not copied again: that one lacks in nothing.
func TestCopiesInAnotherVaultOfTheRegion(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		made, err := y.there.Operator("ann").Do("Vaults.Create", "", `{"vault":{"name":"attic","resources":[],"billing":{
			"consistent_level":"crash_consistent","object_type":"server","protect_type":"replication","size":1000}}}`)
		require.NoError(t, err)
		var attic struct{ Vault struct{ ID string } }
		require.NoError(t, json.Unmarshal(made, &attic))
		y.here.AddBackups(production, 2)
		elsewhere := y.elsewhere()
		elsewhere.DestinationVaultID = attic.Vault.ID
		before, err := y.client.Checkpoints.Replicate(t.Context(), elsewhere)
		require.NoError(t, err)
		_, err = before.Wait(t.Context())
		require.NoError(t, err)
		pass(time.Hour)

		more := y.here.AddBackups(production, 1)
		y.loses("Checkpoints.Replicate")
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		result, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Len(t, result.Copies, len(more))
	})
}

// Somebody else may share the backup with one of the projects meanwhile: that is half of what was asked for, and no end.
func TestOtherPeoplesShares(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		backup := y.here.AddBackups(production, 1)[1]
		y.here.Inject(checkpointstest.Fault{Operation: "Members.Add", Drop: true, Times: 1, Do: func() {
			_, err := y.here.Operator("ann").Do("Members.Add", backup, fmt.Sprintf(`{"members":[%q]}`, shared().Members[0]))
			require.NoError(t, err)
		}})
		_, err := y.client.Members.Add(t.Context(), backup, shared())
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Len(t, unknown.Candidates, 1)
		assert.False(t, unknown.Untouched)
		require.ErrorContains(t, err, "there are 1 of its 2 tasks")

		before := y.here.Count("Members.Add")
		_, err = y.client.Members.Add(t.Context(), backup, shared())
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, before, y.here.Count("Members.Add"), "it is not sent again")
	})
}

// The same name does not make it the vault that was asked for: it has somebody's server in it, or an order behind it.
func TestVaultsOfOtherContents(t *testing.T) {
	t.Parallel()
	without := orchard()
	without.Resources = nil
	for doubtful, other := range map[string]func(*testing.T, *checkpoints.Client) error{
		"with other resources": func(t *testing.T, c *checkpoints.Client) error {
			_, err := c.Vaults.Create(t.Context(), orchard())
			return err
		},
		"paid in another way": func(t *testing.T, c *checkpoints.Client) error {
			vault := prepaid()
			vault.Resources = nil
			_, err := c.Vaults.CreatePrepaid(t.Context(), vault)
			return err
		},
	} {
		t.Run(doubtful, func(t *testing.T) {
			t.Parallel()
			bubble(t, checkpointstest.HuaweiCloud, func(t *testing.T, y *yard) {
				colleague := y.connect(y.here)
				y.here.Inject(checkpointstest.Fault{Operation: "Vaults.Create", Drop: true, Times: 1, Do: func() {
					assert.NoError(t, other(t, colleague))
				}})
				_, err := y.client.Vaults.Create(t.Context(), without)
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				require.Len(t, unknown.Candidates, 1)
				assert.Contains(t, unknown.Candidates[0], doubtful)
			})
		})
	}
	bubble(t, checkpointstest.HuaweiCloud, func(t *testing.T, y *yard) {
		bound := without
		bound.AutoBind = drkit.Some(true)
		y.here.Inject(checkpointstest.Fault{Operation: "Vaults.Create", Drop: true, Times: 1, Do: func() {
			_, err := y.here.Operator(y.here.User).Do("Vaults.Create", "", `{"vault":{"name":"orchard","resources":[{"id":"`+web+`","type":"OS::Nova::Server"}],
				"auto_bind":true,"billing":{"consistent_level":"crash_consistent","object_type":"server","protect_type":"backup","size":100}}}`)
			assert.NoError(t, err)
		}})
		poller, err := y.client.Vaults.Create(t.Context(), bound)
		require.NoError(t, err, "a vault that binds by itself may have others")
		assert.True(t, poller.Adopted())
	})
}
