package checkpoints_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// flow runs a test against a region in memory, where hours pass at once, with a client that has signed in nowhere yet:
// it knows the identity service, and the rest comes from there.
func flow(t *testing.T, test func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client), options ...checkpointstest.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := checkpointstest.NewServer(t, append(options, checkpointstest.InMemory())...)
		test(t, server, clientOf(t, server, password(server)))
	})
}

// clientOf returns a client whose address and project come with its session.
func clientOf(t *testing.T, server *checkpointstest.Server, credentials checkpoints.Credentials, options ...drkit.Option) *checkpoints.Client {
	t.Helper()
	return clientAt(t, server, "", "", credentials, options...)
}

func clientAt(
	t *testing.T, server *checkpointstest.Server, endpoint, project string, credentials checkpoints.Credentials, options ...drkit.Option,
) *checkpoints.Client {
	t.Helper()
	client, err := checkpoints.NewClient(endpoint, project, credentials, append(server.Options(), options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, client.Close(context.WithoutCancel(t.Context()))) })
	return client
}

// identityOf is the server's identity service, for the project that the server has.
func identityOf(server *checkpointstest.Server) checkpoints.Identity {
	return checkpoints.Identity{URL: server.AuthURL, Project: checkpoints.Project{Name: server.Project}, Region: server.Region}
}

// password are the credentials of the user that a server has.
func password(server *checkpointstest.Server) checkpoints.Credentials {
	return passwordOf(server, server.Domain, server.User, server.Password)
}

func passwordOf(server *checkpointstest.Server, domain, user, password string) checkpoints.Credentials {
	return checkpoints.Password(identityOf(server), userOf(domain, user), drkit.NewSecret(password))
}

func userOf(domain, name string) checkpoints.User {
	return checkpoints.User{Name: name, Domain: checkpoints.Domain{Name: domain}}
}

// pass lets time pass in the bubble of a test.
func pass(d time.Duration) { <-time.After(d) }

// backedUp backs a vault up, waits until that is done, and returns the backups.
func backedUp(t *testing.T, client *checkpoints.Client, vaultID string) []checkpoints.Backup {
	t.Helper()
	_, err := client.Checkpoints.Create(t.Context(), checkpoints.VaultBackup{VaultID: vaultID})
	require.NoError(t, err)
	pass(time.Minute)
	backups, err := drkit.Collect(client.Backups.List(t.Context(), checkpoints.BackupQuery{VaultID: vaultID}))
	require.NoError(t, err)
	require.NotEmpty(t, backups)
	return backups
}

// vaultNames returns what the vault list says, in its order.
func vaultNames(t *testing.T, client *checkpoints.Client, query checkpoints.VaultQuery) []string {
	t.Helper()
	var names []string
	for vault, err := range client.Vaults.List(t.Context(), query) {
		require.NoError(t, err)
		names = append(names, vault.Name)
	}
	return names
}

// nightly is a policy that keeps backups for a month.
func nightly(t *testing.T, name string) checkpoints.PolicyCreate {
	t.Helper()
	patterns, err := checkpoints.Patterns(checkpoints.Daily(2, 30))
	require.NoError(t, err)
	return checkpoints.PolicyCreate{
		Name: name, OperationType: checkpoints.PolicyOperationBackup, Enabled: drkit.Some(false),
		OperationDefinition: checkpoints.OperationDefinition{RetentionDurationDays: drkit.Some(30)},
		Trigger:             checkpoints.PolicyTrigger{Properties: checkpoints.TriggerProperties{Pattern: patterns}},
	}
}

// newVault is a vault for servers.
func newVault(name string) checkpoints.VaultCreate {
	return checkpoints.VaultCreate{Name: name, Billing: checkpoints.BillingCreate{
		ConsistentLevel: checkpoints.ConsistentLevelCrash, ObjectType: checkpoints.ObjectTypeServer,
		ProtectType: checkpoints.ProtectTypeBackup, Size: 200,
	}}
}
