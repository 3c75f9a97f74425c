package checkpoints_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// untraced are the operations of class once that are not looked for when their answer is lost, and why not.
var untraced = map[string]string{
	"Backups.Sync":            "its tasks name no vault and no backup that they could be told by",
	"Vaults.Order":            "nothing is said of what an order together with other products leaves behind",
	"Vaults.ChangeChargeMode": "an order that nobody has paid does not show",
	"Orders.Change":           "an order that nobody has paid does not show, and the size of a vault grows in other ways, too",
	"Orders.Update":           "as Orders.Change",
	"Agents.Register":         "an agent that was there before is registered anew, which does not show",
	"Migrations.Start":        "one that was begun before looks like it",
}

// traced is an operation of class once, and what is asked for before and after it so that it can be found again.
type traced struct {
	operation string
	request   string
	begin     func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error)
	note      []string
	unpaid    bool // an order that does not show before it is paid
}

const (
	otherVault = "8d2b3395-cdca-5758-9048-0e51739a5ef9"
	backupRow  = `{"id":"` + backupID + `","vault_id":"` + vaultID + `","checkpoint_id":"c-1","resource_id":"` + serverID + `","status":"available"}`
)

func noteCases() []traced {
	to := checkpoints.BackupReplicateParam{DestinationVaultID: otherVault, DestinationProjectID: otherProject, DestinationRegion: "south"}
	return []traced{
		{
			"Checkpoints.Create", "POST /checkpoints", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Checkpoints.Create(ctx, checkpoints.VaultBackup{VaultID: vaultID})
			},
			[]string{"GET /operation-logs?operation_type=backup&vault_id=" + vaultID, "GET /backups?sort=created_at%3Aasc&vault_id=" + vaultID},
			false,
		},
		{
			"Checkpoints.Replicate", "POST /checkpoints/replicate", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Checkpoints.Replicate(ctx, checkpoints.CheckpointReplicateParam{
					VaultID: vaultID, DestinationVaultID: otherVault, DestinationProjectID: otherProject, DestinationRegion: "south",
				})
			},
			[]string{
				"GET /backups?show_replication=true&sort=created_at%3Aasc&vault_id=" + vaultID, "GET /operation-logs?vault_id=" + vaultID,
				"GET /backups?limit=1&vault_id=" + vaultID,
			},
			false,
		},
		{
			"Backups.Replicate", "POST /backups/" + backupID + "/replicate", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Backups.Replicate(ctx, backupID, to)
			},
			[]string{
				"GET /backups/" + backupID,
				"GET /backups?checkpoint_id=c-1&resource_id=" + serverID + "&show_replication=true&sort=created_at%3Aasc&vault_id=" + vaultID,
				"GET /operation-logs?vault_id=" + vaultID, "GET /backups/" + backupID,
			},
			false,
		},
		{
			"Backups.Restore", "POST /backups/" + backupID + "/restore", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Backups.Restore(ctx, backupID, checkpoints.BackupRestore{VolumeID: drkit.Some("disk-1")})
			},
			[]string{"GET /operation-logs?operation_type=restore", "GET /backups/" + backupID},
			false,
		},
		{
			"Vaults.Create", "POST /vaults", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Vaults.Create(ctx, orchard())
			},
			[]string{"GET /vaults?name=orchard"},
			false,
		},
		{
			"Vaults.MigrateResources", "POST /vaults/" + vaultID + "/migrateresources", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Vaults.MigrateResources(ctx, vaultID, otherVault, []string{serverID})
			},
			[]string{"GET /vaults/" + vaultID, "GET /vaults/" + otherVault, "GET /vaults/" + vaultID, "GET /vaults/" + otherVault},
			false,
		},
		{
			"Policies.Create", "POST /policies", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Policies.Create(ctx, nightlyBackup())
			},
			[]string{"GET /policies"},
			false,
		},
		{
			"Vaults.Create", "POST /vaults", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Vaults.CreatePrepaid(ctx, prepaid())
			},
			[]string{"GET /vaults?name=orchard"},
			true,
		},
		{
			"Members.Add", "POST /backups/" + backupID + "/members", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Members.Add(ctx, backupID, checkpoints.Share{Members: []string{otherProject}})
			},
			[]string{"GET /backups/" + backupID + "/members"},
			false,
		},
		{
			"Checkpoints.Sync", "POST /checkpoints/sync", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.Checkpoints.Sync(ctx, checkpoints.SyncParam{VaultID: vaultID})
			},
			[]string{"GET /operation-logs?operation_type=sync&vault_id=" + vaultID},
			false,
		},
		{
			"OrganizationPolicies.Create", "POST /organization-policies", func(ctx context.Context, c *checkpoints.Client) (interface{ ID() string }, error) {
				return c.OrganizationPolicies.Create(ctx, everywhere())
			},
			[]string{"GET /organization-policies?operation_type=backup"},
			false,
		},
	}
}

// prepaid is a vault that is paid ahead.
func prepaid() checkpoints.VaultCreate {
	vault := orchard()
	vault.Billing.ChargingMode = drkit.Some(checkpoints.ChargingModePrePaid)
	vault.Billing.PeriodType, vault.Billing.PeriodNum = drkit.Some(checkpoints.PeriodTypeMonth), drkit.Some(1)
	return vault
}

// everywhere is a policy for all projects of an organization.
func everywhere() checkpoints.OrganizationPolicyCreate {
	return checkpoints.OrganizationPolicyCreate{
		Name: "everywhere", PolicyName: "nightly", OperationType: checkpoints.PolicyOperationBackup, PolicyEnabled: true,
		PolicyTrigger: nightlyBackup().Trigger,
	}
}

// yardOnTheWire lays out a region with one backup, without records, and with nothing under way.
func yardOnTheWire(t *testing.T) *service {
	t.Helper()
	s := newService(t)
	for path, text := range map[string]string{
		"/operation-logs": `{"operation_logs":[],"count":0}`, "/backups": `{"backups":[` + backupRow + `],"count":1}`,
		"/backups/" + backupID: `{"backup":` + backupRow + `}`, "/vaults": `{"vaults":[],"count":0}`, "/policies": `{"policies":[],"count":0}`,
		"/organization-policies": `{"policies":[],"count":0}`, "/backups/" + backupID + "/members": `{"members":[],"count":0}`,
		"/vaults/" + vaultID:    `{"vault":{"id":"` + vaultID + `","resources":[{"id":"` + serverID + `"}]}}`,
		"/vaults/" + otherVault: `{"vault":{"id":"` + otherVault + `","resources":[]}}`,
	} {
		s.On("GET", prefix+path, says(200, text))
	}
	return s
}

// on lays out the answer to the request of a case.
func (c traced) on(s *service, reply ...httpmock.Responder) {
	method, path, _ := strings.Cut(c.request, " ")
	s.On(method, prefix+path, reply...)
}

// lines are request lines with the project.
func lines(requests ...string) []string {
	full := make([]string, len(requests))
	for i, request := range requests {
		full[i] = strings.Replace(request, " /", " "+prefix+"/", 1)
	}
	return full
}

// Every operation that must not repeat is traced, or nobody can tell what it leaves behind.
func TestEveryOperationIsTraced(t *testing.T) {
	t.Parallel()
	known := slices.Collect(maps.Keys(untraced))
	for _, tc := range noteCases() {
		known = append(known, tc.operation)
	}
	var once []string
	for _, operation := range contract.Table.Operations {
		if operation.Class == api.Once {
			once = append(once, operation.Name)
		}
	}
	slices.Sort(known)
	assert.ElementsMatch(t, once, slices.Compact(known))
}

// What there is is noted immediately before, and nothing else is asked. Where it cannot be read nothing is sent, unless
// the caller gives up finding it.
func TestNotes(t *testing.T) {
	t.Parallel()
	for _, tc := range noteCases() {
		t.Run(tc.operation, func(t *testing.T) {
			t.Parallel()
			t.Run("sent", func(t *testing.T) {
				s := yardOnTheWire(t)
				tc.on(s, answer(t, 400, "error_busy"))
				_, err := tc.begin(t.Context(), s.client())
				require.ErrorIs(t, err, checkpoints.ErrBusy)
				assert.Equal(t, lines(append(tc.note, tc.request)...), s.Lines())

				s.Forget()
				_, err = tc.begin(drkit.WithoutNote(t.Context()), s.client())
				require.ErrorIs(t, err, checkpoints.ErrBusy)
				assert.Equal(t, lines(tc.request), s.Lines())
			})
			for i, line := range tc.note {
				t.Run(fmt.Sprint("not sent ", i), func(t *testing.T) {
					s := yardOnTheWire(t)
					method, path, _ := strings.Cut(line, " ")
					path, _, _ = strings.Cut(path, "?")
					s.On(method, prefix+path, answer(t, 403, "error_forbidden"))
					_, err := tc.begin(t.Context(), s.client())
					require.ErrorIs(t, err, drkit.ErrForbidden)
					require.ErrorContains(t, err, "not sent, because ")
					assert.NotContains(t, s.Lines(), lines(tc.request)[0])
				})
			}
		})
	}
}

// The look asks for what the note has asked for, until the grace has passed, and never sends again.
func TestLooks(t *testing.T) {
	t.Parallel()
	for _, tc := range noteCases() {
		t.Run(tc.operation, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := yardOnTheWire(t)
				tc.on(s, wiretest.Page(502))
				_, err := tc.begin(t.Context(), s.client())
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.Equal(t, !tc.unpaid, unknown.Untouched)
				got := s.Lines()
				assert.Equal(t, lines(tc.request)[0], got[len(tc.note)])
				asked := map[string]bool{}
				for _, line := range got[len(tc.note)+1:] {
					assert.Contains(t, lines(tc.note...), line)
					asked[line] = true
				}
				assert.NotEmpty(t, asked)
			})
		})
	}
}

// A service that leaves out what a look goes by is not believed to have done it, and one that does not take the
// parameter for records is one without them.
func TestRecordsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := yardOnTheWire(t)
	tc := noteCases()[1]
	s.On("GET", prefix+"/backups", answer(t, 400, "error_invalid"), says(200, `{"backups":[`+backupRow+`],"count":1}`))
	tc.on(s, says(200, `{"replication":{"vault_id":"`+vaultID+`","backups":[{"backup_id":"`+backupID+`","replication_record_id":"r-1"}]}}`))
	client := s.client()
	begun, err := tc.begin(t.Context(), client)
	require.NoError(t, err)
	poller, _ := begun.(*drkit.Poller[checkpoints.ReplicationResult])
	for _, state := range []string{"waiting", "running", "paused", "success"} {
		s.On("GET", prefix+"/operation-logs", says(200, `{"operation_logs":[{"id":"t-1","operation_type":"replication","status":"`+state+`","created_at":
			"2026-01-01T00:00:00","extra_info":{"replication":{"source_backup_id":"`+backupID+`","destination_region":"south"}}}],"count":1}`))
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, state == "success", poller.Done())
		want := map[string]drkit.State{"waiting": drkit.StateQueued, "success": drkit.StateSucceeded}[state]
		if want == "" {
			want = drkit.StateRunning
		}
		assert.Equal(t, want, progress.State)
	}
	result, err := poller.Result()
	require.NoError(t, err)
	assert.Equal(t, checkpoints.WayTasks, result.Way)
	assert.Equal(t, "r-1", result.Copies[0].RecordID)
	assert.Equal(t, "t-1", result.Copies[0].TaskID)
	for _, line := range s.Lines() {
		assert.LessOrEqual(t, strings.Count(line, "show_replication"), 1)
	}
}

// An answer that names no backups at all does not say that there is nothing to copy, as one with an empty list does:
// whatever new copies there are count, and none is not a success.
func TestReplicationThatNamesNoBackups(t *testing.T) {
	t.Parallel()
	for answered, settled := range map[string]bool{`,"backups":[]`: true, `,"backups":null`: false, ``: false} {
		t.Run(answered, func(t *testing.T) {
			t.Parallel()
			s := yardOnTheWire(t)
			tc := noteCases()[1]
			tc.on(s, says(200, `{"replication":{"vault_id":"`+vaultID+`"`+answered+`}}`))
			begun, err := tc.begin(t.Context(), s.client())
			require.NoError(t, err)
			poller, _ := begun.(*drkit.Poller[checkpoints.ReplicationResult])
			_, err = poller.Poll(t.Context())
			assert.Equal(t, settled, poller.Done())
			if settled {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, drkit.ErrNotFound)
			s.On("GET", prefix+"/operation-logs", says(200, `{"operation_logs":[{"id":"t-1","operation_type":"replication","status":"success","created_at":
				"2026-01-01T00:00:00","extra_info":{"replication":{"source_backup_id":"`+backupID+`","destination_region":"south"}}}],"count":1}`))
			for range 2 { // until no more come to light
				_, err = poller.Poll(t.Context())
				require.NoError(t, err)
			}
			result, err := poller.Result()
			require.NoError(t, err)
			require.Len(t, result.Copies, 1)
			assert.Equal(t, backupID, result.Copies[0].BackupID)
		})
	}
}

// Who names a resource twice does not wait for two.
func TestResourcesThatAreNamedTwice(t *testing.T) {
	t.Parallel()
	s := yardOnTheWire(t)
	s.On("POST", prefix+"/vaults/"+vaultID+"/migrateresources", says(200, `{"migrated_resources":["`+serverID+`"]}`))
	poller, err := s.client().Vaults.MigrateResources(t.Context(), vaultID, otherVault, []string{serverID, serverID})
	require.NoError(t, err)
	s.On("GET", prefix+"/vaults/"+vaultID, says(200, `{"vault":{"id":"`+vaultID+`","resources":[]}}`))
	s.On("GET", prefix+"/vaults/"+otherVault, says(200, `{"vault":{"id":"`+otherVault+`","resources":[{"id":"`+serverID+`"}]}}`))
	_, err = poller.Poll(t.Context())
	require.NoError(t, err)
	assert.True(t, poller.Done())
}
