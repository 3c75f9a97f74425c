package checkpoints_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// yard is a cloud of two regions, with a client of the first, in a bubble where hours pass at once.
type yard struct {
	t      testing.TB
	here   *checkpointstest.Server
	there  *checkpointstest.Server
	client *checkpoints.Client
}

// Vaults of the yard.
var (
	production = checkpointstest.VaultID("production")
	replicas   = checkpointstest.VaultID("replicas")
	db         = checkpointstest.VMID("db-1")
	app        = checkpointstest.VMID("app-1")
)

// bubble runs a test in a yard. Tasks wait for 10 seconds and run for a minute.
func bubble(t *testing.T, flavour checkpointstest.Flavour, test func(t *testing.T, y *yard), options ...checkpointstest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		options := append([]checkpointstest.Option{
			checkpointstest.InMemory(), checkpointstest.Play(flavour), checkpointstest.TaskDuration(10*time.Second, time.Minute),
			checkpointstest.SettlesAfter(20 * time.Second),
		}, options...)
		y := &yard{t: t, here: checkpointstest.NewServer(t, options...)}
		y.there = checkpointstest.NewServer(t, checkpointstest.LinkedTo(y.here), checkpointstest.TaskDuration(10*time.Second, time.Minute))
		y.client = y.connect(y.here)
		test(t, y)
	})
}

// everyCloud runs a test in a yard of each flavour.
func everyCloud(t *testing.T, test func(t *testing.T, y *yard), options ...checkpointstest.Option) {
	t.Helper()
	for _, flavour := range []checkpointstest.Flavour{checkpointstest.OpenTelekomCloud, checkpointstest.HuaweiCloud} {
		t.Run(string(flavour), func(t *testing.T) {
			t.Parallel()
			bubble(t, flavour, test, options...)
		})
	}
}

// connect returns a client of a region, which has signed in.
func (y *yard) connect(at *checkpointstest.Server, options ...drkit.Option) *checkpoints.Client {
	y.t.Helper()
	client := signIn(y.t, at, options...)
	y.t.Cleanup(func() { assert.NoError(y.t, client.Close(context.Background())) })
	return client
}

func signIn(t testing.TB, at *checkpointstest.Server, options ...drkit.Option) *checkpoints.Client {
	t.Helper()
	client, err := checkpoints.NewClient(at.URL, "", checkpoints.Password(
		checkpoints.Identity{URL: at.AuthURL, Project: checkpoints.Project{ID: at.ProjectID}},
		checkpoints.User{Name: at.User, Domain: checkpoints.Domain{Name: at.Domain}}, drkit.NewSecret(at.Password),
	), append(at.Options(), options...)...)
	require.NoError(t, err)
	_, err = client.Sessions.SignIn(t.Context())
	require.NoError(t, err)
	return client
}

// named is a backup of the vault under a name of its own.
func named(name string, resources ...string) checkpoints.VaultBackup {
	return checkpoints.VaultBackup{VaultID: production, Parameters: drkit.Some(checkpoints.CheckpointParam{
		Name: drkit.Some(name), Resources: resources,
	})}
}

// elsewhere is the replication of the vault to the other region.
func (y *yard) elsewhere() checkpoints.CheckpointReplicateParam {
	return checkpoints.CheckpointReplicateParam{
		VaultID: production, DestinationVaultID: replicas, DestinationProjectID: y.there.ProjectID, DestinationRegion: y.there.Region,
	}
}

// oneElsewhere is the replication of a backup to the other region.
func (y *yard) oneElsewhere() checkpoints.BackupReplicateParam {
	return checkpoints.BackupReplicateParam{
		DestinationVaultID: replicas, DestinationProjectID: y.there.ProjectID, DestinationRegion: y.there.Region,
	}
}

// restoreOf puts a backup of app-1 back.
func (y *yard) restoreOf(backup string) checkpoints.BackupRestore {
	y.t.Helper()
	backups := y.here.Backups("")
	i := slices.IndexFunc(backups, func(b checkpointstest.Backup) bool { return b.ID == backup })
	require.GreaterOrEqual(y.t, i, 0)
	return checkpoints.BackupRestore{
		ServerID: drkit.Some(app), Mappings: []checkpoints.RestoreMapping{{
			BackupID: backups[i].Children[0], VolumeID: checkpointstest.DiskID("app-1", 0),
		}},
	}
}

// backupsOf are the ids of backups of a server.
func (y *yard) backupsOf(server string) (ids []string) {
	for _, backup := range y.here.Backups(production) {
		if backup.Resource == server {
			ids = append(ids, backup.ID)
		}
	}
	return ids
}
