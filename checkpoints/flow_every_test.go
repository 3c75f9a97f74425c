package checkpoints_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
)

// Every operation of the contract reaches the simulator from its method, and what it answers is understood.
func TestEveryOperationOnTheSimulator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := checkpointstest.NewServer(t, checkpointstest.InMemory(), checkpointstest.Play(checkpointstest.HuaweiCloud),
			checkpointstest.OtherAccount("Orchard", "olga", "an apple a day"))
		there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(server))
		w := &walk{T: t, server: server, there: there, client: clientOf(t, server, password(server))}
		w.signIn()
		w.policy()
		w.vault()
		w.backUp()
		w.restore()
		w.tags()
		w.share()
		w.replication()
		w.copies()
		w.resources()
		w.looks()
		w.orders()
		w.agents()
		w.organization()
		w.accounts()
		for _, operation := range contract.Table.Operations {
			assert.Positive(t, server.Count(operation.Name), "%s was never asked for", operation.Name)
		}
	})
}

// copies replicates one backup, the whole vault, and nothing; renames and deletes.
func (w *walk) copies() {
	ctx := w.Context()
	_, err := w.client.Backups.Replicate(ctx, w.backup.ID, checkpoints.BackupReplicateParam{
		DestinationRegion: w.there.Region, DestinationProjectID: w.there.ProjectID, DestinationVaultID: checkpointstest.VaultID("replicas"),
	})
	require.NoError(w, err)
	pass(time.Hour)
	backedUp(w.T, w.client, w.vaultID)
	_, err = w.client.Checkpoints.Replicate(ctx, checkpoints.CheckpointReplicateParam{
		VaultID: w.vaultID, DestinationRegion: w.there.Region, DestinationProjectID: w.there.ProjectID,
		DestinationVaultID: checkpointstest.VaultID("replicas"),
	})
	require.NoError(w, err)
	pass(time.Hour)
	away := clientOf(w.T, w.there, password(w.there))
	copies, err := drkit.Collect(away.Backups.List(ctx, checkpoints.BackupQuery{ImageType: checkpoints.ImageTypeReplication}))
	require.NoError(w, err)
	assert.Len(w, copies, 2)

	shown, err := drkit.Collect(w.client.Backups.List(ctx, checkpoints.BackupQuery{VaultID: w.vaultID, ShowReplication: drkit.Some(true)}))
	require.NoError(w, err)
	require.Len(w, shown, 2)
	for _, backup := range shown {
		require.Len(w, backup.ReplicationRecords, 1)
		assert.Equal(w, checkpoints.ReplicationStatusSuccess, backup.ReplicationRecords[0].Status)
		assert.Equal(w, w.there.Region, backup.ReplicationRecords[0].DestinationRegion)
	}
	_, err = w.client.Checkpoints.Sync(ctx, checkpoints.SyncParam{VaultID: w.vaultID})
	require.ErrorIs(w, err, checkpoints.ErrorCode(checkpointstest.CodeCannotSync))
	_, err = w.client.Backups.Sync(ctx, []checkpoints.BackupSync{{
		BackupID: w.backup.ID, BackupName: "b", BucketName: "b", ImagePath: "/", ResourceID: w.backup.ResourceID, ResourceName: "web-1",
		ResourceType: checkpoints.ResourceTypeServer, CreatedAt: time.Now().Unix(),
	}})
	require.ErrorIs(w, err, checkpoints.ErrorCode(checkpointstest.CodeCannotSync))

	renamed, err := w.client.Backups.Update(ctx, w.backup.ID, checkpoints.BackupUpdate{Name: drkit.Some("kept")})
	require.NoError(w, err)
	assert.Equal(w, "kept", renamed.Name)
	metadata, err := w.client.Backups.Metadata(ctx, w.backup.ID)
	require.NoError(w, err)
	assert.Contains(w, metadata.Server, "web-1")
	_, err = w.client.Backups.Delete(ctx, shown[0].ID)
	require.NoError(w, err)
	pass(time.Hour)
	_, err = w.client.Backups.Get(ctx, shown[0].ID)
	require.ErrorIs(w, err, drkit.ErrNotFound)
}

// resources moves a server to another vault and takes it out of there.
func (w *walk) resources() {
	ctx, web := w.Context(), []string{checkpointstest.VMID("web-1")}
	production := checkpointstest.VaultID("production")
	suspended, err := w.client.Vaults.SetResources(ctx, w.vaultID, checkpoints.ResourceActionSuspend, web)
	require.NoError(w, err)
	assert.Equal(w, web, suspended)
	vault, err := w.client.Vaults.Get(ctx, w.vaultID)
	require.NoError(w, err)
	assert.False(w, vault.Resources[0].AutoProtect)
	_, err = w.client.Vaults.MigrateResources(ctx, w.vaultID, production, web)
	require.NoError(w, err)
	pass(time.Hour)
	assert.Contains(w, w.server.Vault(production).Resources, web[0])
	_, err = w.client.Vaults.RemoveResources(ctx, production, web)
	require.NoError(w, err)
	pass(time.Hour)
	assert.NotContains(w, w.server.Vault(production).Resources, web[0])
	tasks, err := drkit.Collect(w.client.Tasks.List(ctx, checkpoints.TaskQuery{OperationType: checkpoints.TaskTypeRemoveResource}))
	require.NoError(w, err)
	require.Len(w, tasks, 1)
	require.NoError(w, tasks[0].Err())
	_, err = w.client.Vaults.Delete(ctx, w.vaultID)
	require.NoError(w, err)
	pass(time.Hour)
	_, err = w.client.Vaults.Get(ctx, w.vaultID)
	require.ErrorIs(w, err, drkit.ErrNotFound)
}

// looks asks for what changes nothing.
func (w *walk) looks() {
	ctx := w.Context()
	servers, err := w.client.Protectables.List(ctx, checkpoints.ProtectableTypeServer, checkpoints.ProtectableQuery{})
	require.NoError(w, err)
	assert.Len(w, servers, 3)
	web, err := w.client.Protectables.Get(ctx, checkpoints.ProtectableTypeServer, checkpointstest.VMID("web-1"))
	require.NoError(w, err)
	assert.True(w, bool(web.Protectable.Result))
	assert.Equal(w, checkpoints.Number(40), web.Size)
	features, err := w.client.Features.List(ctx, checkpoints.FeatureQuery{})
	require.NoError(w, err)
	assert.JSONEq(w, `true`, string(features["replication.enable"]))
	one, err := w.client.Features.Get(ctx, "replication.enable")
	require.NoError(w, err)
	assert.JSONEq(w, `true`, string(one))
	_, err = w.client.Features.Get(ctx, "nothing")
	require.ErrorContains(w, err, "The feature nothing does not exist.")
	backedUp(w.T, w.client, checkpointstest.VaultID("production"))
	usage, err := drkit.Collect(w.client.StorageUsage.List(ctx, checkpoints.StorageUsageQuery{Limit: 1}))
	require.NoError(w, err)
	assert.Len(w, usage, 2)
	summary, err := w.client.Vaults.Summary(ctx)
	require.NoError(w, err)
	assert.Equal(w, int64(1000), summary.Size)
	external, err := drkit.Collect(w.client.Vaults.External(ctx, checkpoints.ExternalVaultQuery{
		ExternalProjectID: w.there.ProjectID, RegionID: w.there.Region, ObjectType: checkpoints.ObjectTypeServer,
	}))
	require.NoError(w, err)
	require.Len(w, external, 1)
	assert.Equal(w, "replicas", external[0].Name)
}

// orders buys a vault, makes it bigger and lets another be paid ahead.
func (w *walk) orders() {
	ctx := w.Context()
	create := newVault("paid")
	create.Billing.ChargingMode = drkit.Some(checkpoints.ChargingModePrePaid)
	create.Billing.PeriodType, create.Billing.PeriodNum = drkit.Some(checkpoints.PeriodTypeMonth), drkit.Some(1)
	order, err := w.client.Vaults.CreatePrepaid(ctx, create)
	require.NoError(w, err)
	ordered, err := order.Wait(ctx)
	require.NoError(w, err)
	require.Len(w, ordered.Orders, 1)
	id := ordered.Orders[0].ResourceID
	assert.Equal(w, "paid", w.server.Vault(id).Name)
	_, err = w.client.Vaults.Order(ctx, checkpoints.VaultOrder{Name: drkit.Some("ordered"), Billing: create.Billing})
	require.NoError(w, err)
	changed, err := w.client.Orders.Change(ctx, checkpoints.OrderChange{ResourceID: id, ProductInfo: checkpoints.OrderedProduct{
		ProductID: "p", ResourceSize: 400, ResourceSpecCode: checkpoints.SpecCodeServerBackup,
	}})
	require.NoError(w, err)
	assert.Equal(w, checkpoints.Text("0"), changed.RetCode)
	assert.Equal(w, 400, w.server.Vault(id).SizeGB)
	updated, err := w.client.Orders.Update(ctx, changed.OrderID, checkpoints.OrderUpdate{ResourceID: id, ProductInfo: checkpoints.UpdatedProduct{
		ProductID: "p", ResourceSize: 500, ResourceSpecCode: checkpoints.SpecCodeServerBackup,
	}})
	require.NoError(w, err)
	assert.Equal(w, checkpoints.Text("0"), updated.RetCode)
	_, err = w.client.Vaults.ChangeChargeMode(ctx, checkpoints.ChangeToPeriod{
		VaultIDs: []string{checkpointstest.VaultID("production")}, PeriodType: checkpoints.PeriodTypeYear, PeriodNum: 1,
	})
	require.NoError(w, err)
	vault, err := w.client.Vaults.Get(ctx, checkpointstest.VaultID("production"))
	require.NoError(w, err)
	assert.Equal(w, checkpoints.ChargingModePrePaid, vault.Billing.ChargingMode)
	told, err := w.client.Vaults.UpdateNotifications(ctx, checkpoints.VaultNotifications{SMNNotify: drkit.Some(false), Threshold: drkit.Some(70)})
	require.NoError(w, err)
	assert.Contains(w, told, vault.ID)
}

func (w *walk) agents() {
	ctx, id := w.Context(), "7c5f4c0a-8f0d-4c3e-9e43-1f7f0a6a2b11"
	_, err := w.client.Agents.Register(ctx, checkpoints.AgentCreate{AgentID: id, HostName: "db-1", HostIP: "10.0.0.1", HostOS: "linux"})
	require.NoError(w, err)
	added, err := w.client.Agents.AddPaths(ctx, id, checkpoints.AddPaths{AddPath: []string{"/srv"}})
	require.NoError(w, err)
	assert.Equal(w, []string{"/srv"}, added.Added)
	agent, err := w.client.Agents.Get(ctx, id)
	require.NoError(w, err)
	require.Len(w, agent.Paths, 1)
	assert.Equal(w, "/srv", agent.Paths[0].DirPath)
	removed, err := w.client.Agents.RemovePaths(ctx, id, []string{"/srv", "/tmp"})
	require.NoError(w, err)
	assert.Equal(w, []string{"/srv"}, removed.Removed)
	states, err := w.client.Agents.Check(ctx, []checkpoints.AgentCheck{{ResourceID: checkpointstest.VMID("db-1"), ResourceType: checkpoints.ResourceTypeServer}})
	require.NoError(w, err)
	assert.Len(w, states, 1)
	_, err = w.client.Agents.Update(ctx, id, checkpoints.AgentUpdate{Status: checkpoints.AgentStatusUninstall})
	require.NoError(w, err)
	agents, err := drkit.Collect(w.client.Agents.List(ctx, checkpoints.AgentQuery{Status: checkpoints.AgentStatusUninstall, AgentIDs: []string{id}, Limit: 1}))
	require.NoError(w, err)
	assert.Len(w, agents, 1)
	require.NoError(w, w.client.Agents.Remove(ctx, id))
	_, err = w.client.Agents.Get(ctx, id)
	require.ErrorIs(w, err, drkit.ErrNotFound)
}

func (w *walk) organization() {
	ctx, policies, daily := w.Context(), w.client.OrganizationPolicies, nightly(w.T, "daily")
	_, err := policies.Create(ctx, checkpoints.OrganizationPolicyCreate{
		Name: "all", OperationType: daily.OperationType, PolicyName: daily.Name, PolicyEnabled: true,
		PolicyOperationDefinition: daily.OperationDefinition, PolicyTrigger: daily.Trigger,
	})
	require.NoError(w, err)
	listed, err := drkit.Collect(policies.List(ctx, checkpoints.OrganizationPolicyQuery{OperationType: checkpoints.PolicyOperationBackup}))
	require.NoError(w, err)
	require.Len(w, listed, 1)
	changed, err := policies.Update(ctx, listed[0].ID, checkpoints.OrganizationPolicyUpdate{PolicyEnabled: drkit.Some(false)})
	require.NoError(w, err)
	got, err := policies.Get(ctx, changed.ID)
	require.NoError(w, err)
	assert.False(w, got.PolicyEnabled)
	assert.Equal(w, "daily", got.PolicyName)
	deployed, err := drkit.Collect(policies.Deployments(ctx, got.ID, checkpoints.DeploymentQuery{}))
	require.NoError(w, err)
	require.NotEmpty(w, deployed)
	require.NoError(w, policies.Delete(ctx, got.ID))
	_, err = policies.Get(ctx, got.ID)
	require.ErrorIs(w, err, drkit.ErrNotFound)
}

func (w *walk) accounts() {
	ctx := w.Context()
	projects, err := w.client.Projects.List(ctx)
	require.NoError(w, err)
	require.NotEmpty(w, projects)
	assert.Equal(w, w.server.ProjectID, projects[0].ID)
	of, err := w.client.Projects.OfDomain(ctx, w.server.Domain)
	require.NoError(w, err)
	assert.NotEmpty(w, of)
	domain, err := w.client.Projects.Domain(ctx, w.server.ProjectID)
	require.NoError(w, err)
	assert.Equal(w, w.server.Domain, domain.DomainName)
	_, err = w.client.Migrations.Get(ctx, checkpoints.MigrationQuery{})
	require.ErrorIs(w, err, drkit.ErrNotFound)
	_, err = w.client.Migrations.Start(ctx, checkpoints.MigrationStart{AllRegions: true, Reservation: 0.5})
	require.NoError(w, err, "although there is nothing to migrate")
}
