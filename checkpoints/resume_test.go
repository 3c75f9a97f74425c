package checkpoints_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/internal/step"
)

// begun work, as another process resumes it and as a step of a runbook begins it.
type undertaking struct {
	operation string
	kind      string // tells those of one operation apart
	huawei    bool   // Huawei Cloud alone has it
	token     func(ctx context.Context, y *yard) (string, error)
	resume    func(ctx context.Context, t *testing.T, client *checkpoints.Client, token string) (result any)
	step      func(ctx context.Context, y *yard, client *checkpoints.Client, journal drkit.Journal) error
	lose      func(ctx context.Context, y *yard) (adopted bool, err error)
	ran       func(y *yard) int
}

func undertake[T any](operation string, begin func(ctx context.Context, y *yard, client *checkpoints.Client) (*drkit.Poller[T], error)) undertaking {
	return undertaking{
		operation: operation,
		token: func(ctx context.Context, y *yard) (string, error) {
			poller, err := begin(ctx, y, y.client)
			if err != nil {
				return "", err
			}
			return poller.ResumeToken(ctx)
		},
		resume: func(ctx context.Context, t *testing.T, client *checkpoints.Client, token string) any {
			poller, err := checkpoints.Resume[T](client, token)
			require.NoError(t, err)
			again, err := poller.ResumeToken(ctx)
			require.NoError(t, err)
			assert.Equal(t, token, again)
			result, err := poller.Wait(ctx)
			require.NoError(t, err)
			raw, err := checkpoints.Resume[json.RawMessage](client, token)
			require.NoError(t, err)
			text, err := raw.Wait(ctx)
			require.NoError(t, err)
			assert.True(t, json.Valid(text))
			_, err = checkpoints.Resume[string](client, token)
			require.ErrorIs(t, err, drkit.ErrToken)
			return result
		},
		step: func(ctx context.Context, y *yard, client *checkpoints.Client, journal drkit.Journal) error {
			poller, err := drkit.Once(ctx, journal, "step", func(ctx context.Context) (*drkit.Poller[T], error) { return begin(ctx, y, client) })
			if err != nil {
				return err
			}
			_, err = poller.Wait(ctx)
			return err
		},
		lose: func(ctx context.Context, y *yard) (adopted bool, err error) {
			poller, err := begin(ctx, y, y.client)
			if err != nil {
				return false, err
			}
			_, err = poller.Wait(ctx)
			return poller.Adopted(), err
		},
		ran: func(y *yard) int { return y.here.Ran(operation, "") },
	}
}

// undertakings are all pollers of the package.
func undertakings() []undertaking {
	return []undertaking{
		undertake("Checkpoints.Create", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.CheckpointResult], error) {
			return c.Checkpoints.Create(ctx, named("nightly"))
		}),
		undertake("Checkpoints.Replicate", func(ctx context.Context, y *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.ReplicationResult], error) {
			return c.Checkpoints.Replicate(ctx, y.elsewhere())
		}),
		undertake("Backups.Replicate", func(ctx context.Context, y *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.CopyOutcome], error) {
			return c.Backups.Replicate(ctx, y.backupsOf(app)[0], y.oneElsewhere())
		}),
		undertake("Backups.Restore", func(ctx context.Context, y *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.Task], error) {
			backup := y.backupsOf(app)[0]
			return c.Backups.Restore(ctx, backup, y.restoreOf(backup))
		}),
		undertake("Vaults.Create", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.Vault], error) {
			return c.Vaults.Create(ctx, orchard())
		}),
		undertake("Vaults.MigrateResources", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.Vault], error) {
			return c.Vaults.MigrateResources(ctx, production, checkpointstest.VaultID("spare"), []string{db})
		}),
		undertake("Policies.Create", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.Policy], error) {
			return c.Policies.Create(ctx, nightlyBackup())
		}),
		undertake("Members.Add", func(ctx context.Context, y *yard, c *checkpoints.Client) (*drkit.Poller[[]checkpoints.Member], error) {
			return c.Members.Add(ctx, y.backupsOf(app)[0], shared())
		}),
		undertake("Vaults.Create", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.OrderResult], error) {
			return c.Vaults.CreatePrepaid(ctx, prepaid())
		}).inHuaweiCloud(", paid ahead"),
		undertake("Checkpoints.Sync", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.Task], error) {
			return c.Checkpoints.Sync(ctx, checkpoints.SyncParam{VaultID: hybrid})
		}).inHuaweiCloud(""),
		undertake("OrganizationPolicies.Create", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.OrganizationPolicy], error) {
			return c.OrganizationPolicies.Create(ctx, everywhere())
		}).inHuaweiCloud(""),
		undertake("Vaults.AddResources", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.Vault], error) {
			return c.Vaults.AddResources(ctx, production, []checkpoints.Resource{server(web)})
		}),
		undertake("Vaults.RemoveResources", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.Vault], error) {
			return c.Vaults.RemoveResources(ctx, production, []string{app})
		}),
		undertake("Backups.Delete", func(ctx context.Context, y *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.NoResult], error) {
			return c.Backups.Delete(ctx, y.backupsOf(app)[0])
		}),
		undertake("Vaults.Delete", func(ctx context.Context, _ *yard, c *checkpoints.Client) (*drkit.Poller[checkpoints.NoResult], error) {
			return c.Vaults.Delete(ctx, production)
		}),
	}
}

// once are those that a step of a runbook can hold.
const once = 11

// hybrid is a vault of Huawei Cloud that can be synchronized.
var hybrid = checkpointstest.VaultID("hybrid")

// shared is with two other projects.
func shared() checkpoints.Share {
	return checkpoints.Share{Members: []string{checkpointstest.ProjectID("b", "b", "b"), checkpointstest.ProjectID("a", "a", "a")}}
}

func (u undertaking) inHuaweiCloud(kind string) undertaking {
	u.kind, u.huawei = kind, true
	return u
}

// inItsClouds runs a test in a yard of each cloud that has the operation.
func (u undertaking) inItsClouds(t *testing.T, test func(t *testing.T, y *yard), options ...checkpointstest.Option) {
	t.Helper()
	if !u.huawei {
		everyCloud(t, test, append(options, twoVaults())...)
		return
	}
	bubble(t, checkpointstest.HuaweiCloud, test, append(options, checkpointstest.Vaults(
		checkpointstest.Vault{Name: "production", Resources: []string{db, app}},
		checkpointstest.Vault{Name: "hybrid", ProtectType: checkpointstest.ProtectHybrid},
	))...)
}

// twoVaults are those that resources can move between.
func twoVaults() checkpointstest.Option {
	return checkpointstest.Vaults(
		checkpointstest.Vault{Name: "production", Resources: []string{db, app}}, checkpointstest.Vault{Name: "spare"},
	)
}

// Each wait goes on in another process, also with keys in the place of the password, at any time.
func TestEveryPollerIsResumed(t *testing.T) {
	t.Parallel()
	for _, work := range undertakings() {
		for _, later := range []time.Duration{0, 15 * time.Second, time.Hour} {
			t.Run(work.operation+work.kind+" after "+later.String(), func(t *testing.T) {
				t.Parallel()
				work.inItsClouds(t, func(t *testing.T, y *yard) {
					y.here.AddBackups(production, 2)
					token, err := work.token(t.Context(), y)
					require.NoError(t, err)
					assert.NotContains(t, token, y.here.Password)
					require.NoError(t, y.client.Close(t.Context()))
					pass(later)
					other, err := checkpoints.NewClient(y.here.URL, y.here.ProjectID,
						checkpoints.AccessKey(y.here.AccessKey, drkit.NewSecret(y.here.SecretKey)), y.here.Options()...)
					require.NoError(t, err)
					defer func() { assert.NoError(t, other.Close(context.Background())) }()
					result := work.resume(t.Context(), t, other, token)
					if copies, ok := result.(checkpoints.ReplicationResult); ok {
						assert.Len(t, copies.Copies, 4)
					}
					assert.Equal(t, 1, work.ran(y))
				})
			})
		}
	}
}

// A token of an adopted replication knows which copies are its own, and which were there before.
func TestAdoptedReplicationIsResumed(t *testing.T) {
	t.Parallel()
	everyCloud(t, func(t *testing.T, y *yard) {
		y.here.AddBackups(production, 2)
		first, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		_, err = first.Wait(t.Context())
		require.NoError(t, err)
		pass(time.Hour)
		more := y.here.AddBackups(production, 1)
		y.loses("Checkpoints.Replicate")
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		token, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		for _, client := range []*checkpoints.Client{y.client, y.connect(y.here)} {
			resumed, err := checkpoints.Resume[checkpoints.ReplicationResult](client, token)
			require.NoError(t, err)
			result, err := resumed.Wait(t.Context())
			require.NoError(t, err)
			var copied []string
			for _, one := range result.Copies {
				copied = append(copied, one.BackupID)
			}
			assert.ElementsMatch(t, more, copied)
		}
	})
}

// A token that is another's is refused: at once where it shows, and else by the first look.
func TestForeignTokens(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
		token, err := undertakings()[0].token(t.Context(), y)
		require.NoError(t, err)
		parsed, err := step.ParseToken(token)
		require.NoError(t, err)
		assert.Equal(t, y.here.ProjectID, parsed.Appliance)
		change := func(f func(*step.Token)) string {
			other := parsed
			f(&other)
			return other.String()
		}
		for want, text := range map[string]string{
			"not a resume token of drkit":      "gAAAA",
			"it belongs to package vcav":       change(func(t *step.Token) { t.Service = "vcav" }),
			"Vaults.Summary has no poller":     change(func(t *step.Token) { t.Operation = "Vaults.Summary" }),
			"it does not say what to look for": change(func(t *step.Token) { t.Task = "{}" }),
			"does not say what to look for: ":  change(func(t *step.Token) { t.Task = "task-1" }),
			"and not checkpoints.CheckpointRe": change(func(t *step.Token) { t.Operation = "Vaults.Delete" }),
		} {
			_, err := checkpoints.Resume[checkpoints.CheckpointResult](y.client, text)
			require.ErrorIs(t, err, drkit.ErrToken)
			require.ErrorContains(t, err, want)
		}
		before := y.there.Count("")
		poller, err := checkpoints.Resume[checkpoints.CheckpointResult](y.connect(y.there), token)
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrToken)
		require.ErrorContains(t, err, "project")
		assert.Equal(t, before, y.there.Count(""))
		copied, err := undertakings()[1].token(t.Context(), y)
		require.NoError(t, err)
		other, err := checkpoints.Resume[checkpoints.ReplicationResult](y.connect(y.there), copied)
		require.NoError(t, err)
		_, err = other.Wait(t.Context())
		if strings.Contains(copied, "copies") {
			require.ErrorIs(t, err, drkit.ErrToken)
		}
	})
}

// A run that is cut off anywhere is finished by the next one, and nothing is done twice: after the answer, before it,
// and before the request has left. Where nothing came of it, only what may be sent again is.
func TestStepsSurviveACrash(t *testing.T) {
	t.Parallel()
	for i, work := range undertakings()[:once] {
		for _, crash := range []string{"waiting", "answer lost", "request lost"} {
			t.Run(work.operation+work.kind+"/"+crash, func(t *testing.T) {
				t.Parallel()
				work.inItsClouds(t, func(t *testing.T, y *yard) {
					y.here.AddBackups(production, 2)
					journal := new(drkit.MemoryJournal)
					ctx, die := context.WithTimeout(t.Context(), 5*time.Second)
					if crash != "waiting" {
						y.here.Inject(checkpointstest.Fault{Operation: work.operation, After: crash == "answer lost", Drop: true, Do: die, Times: 1})
					}
					first := work.step(ctx, y, y.client, journal)
					pass(time.Second)
					die()
					second := y.connect(y.here)
					err := work.step(t.Context(), y, second, journal)
					settledAtOnce := crash == "waiting" && first == nil
					switch {
					case crash != "request lost" || i == 1 || i == 2:
						require.NoError(t, err)
						assert.Equal(t, 1, work.ran(y))
						if !settledAtOnce {
							require.Error(t, first)
						}
					default:
						require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
						assert.Zero(t, work.ran(y))
					}
					before := y.here.Count("")
					if err == nil {
						require.NoError(t, work.step(t.Context(), y, second, journal))
						assert.Equal(t, before, y.here.Count(""), "the journal knows the end")
					}
				})
			})
		}
	}
}

// What a journal has kept of a step that was skipped or has timed out is still that.
func TestSkippedStep(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
		backup := y.here.AddBackups(production, 1)[1]
		for name, tc := range map[string]struct {
			spoil func()
			want  error
		}{
			"skipped": {func() {
				y.here.SkipTask("Backups.Replicate", backup, "BackupService.6122", "It cannot be replicated.")
			}, checkpoints.ErrSkipped},
			"timed out": {func() { y.here.TimeOutTask("Backups.Replicate", backup) }, checkpoints.ErrTimedOut},
		} {
			tc.spoil()
			journal := new(drkit.MemoryJournal)
			for range 2 {
				poller, err := drkit.Once(t.Context(), journal, name, func(ctx context.Context) (*drkit.Poller[checkpoints.CopyOutcome], error) {
					return y.client.Backups.Replicate(ctx, backup, y.oneElsewhere())
				})
				require.NoError(t, err)
				_, err = poller.Wait(t.Context())
				require.ErrorIs(t, err, tc.want)
			}
		}
		assert.Equal(t, 2, y.here.Count("Backups.Replicate"))
	})
}

// What was adopted, and is forgotten when its token is resumed, has not ended well for want of copies.
func TestAdoptedReplicationThatIsForgotten(t *testing.T) {
	t.Parallel()
	bubble(t, checkpointstest.OpenTelekomCloud, func(t *testing.T, y *yard) {
		y.here.AddBackups(production, 2)
		y.loses("Checkpoints.Replicate")
		poller, err := y.client.Checkpoints.Replicate(t.Context(), y.elsewhere())
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		token, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		for _, task := range y.here.Tasks() {
			y.here.ForgetTask(task.ID)
		}
		resumed, err := checkpoints.Resume[checkpoints.ReplicationResult](y.client, token)
		require.NoError(t, err)
		_, err = resumed.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrTaskGone)
	})
}

// A run may be finished days after it was cut off, when the vault has done much else: what its request has begun is
// older than that by then.
func TestStepsAreFinishedDaysLater(t *testing.T) {
	t.Parallel()
	for _, work := range undertakings()[1:3] {
		t.Run(work.operation, func(t *testing.T) {
			t.Parallel()
			everyCloud(t, func(t *testing.T, y *yard) {
				y.here.AddBackups(production, 2)
				journal := new(drkit.MemoryJournal)
				ctx, die := context.WithCancel(t.Context())
				y.here.Inject(checkpointstest.Fault{Operation: work.operation, After: true, Drop: true, Do: die, Times: 1})
				require.Error(t, work.step(ctx, y, y.client, journal))
				for range 4 {
					pass(24 * time.Hour)
					y.backsUp(`{"name":"daily"}`)
				}
				second := y.connect(y.here)
				require.NoError(t, work.step(t.Context(), y, second, journal))
				assert.Equal(t, 1, work.ran(y))
				step, err := journal.Load(t.Context(), "step")
				require.NoError(t, err)
				if work.operation == "Checkpoints.Replicate" {
					var result checkpoints.ReplicationResult
					require.NoError(t, json.Unmarshal(step.Result, &result))
					assert.Len(t, result.Copies, 4)
				}
			})
		})
	}
}
