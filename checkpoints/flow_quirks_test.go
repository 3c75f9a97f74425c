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
)

// The clouds contradict each other, and their guides themselves. However they write their answers, a client reads the
// same from its first sign-in to the deletion of the vault.
func TestAnswersInAllSpellings(t *testing.T) {
	t.Parallel()
	east := time.FixedZone("", 8*60*60)
	for name, options := range map[string][]checkpointstest.Option{
		"Open Telekom Cloud":       {},
		"Huawei Cloud":             {checkpointstest.Play(checkpointstest.HuaweiCloud)},
		"sizes as numbers":         {checkpointstest.SizesAs(checkpointstest.AsNumber)},
		"sizes as text":            {checkpointstest.SizesAs(checkpointstest.AsText)},
		"projects as numbers":      {checkpointstest.EnterpriseProjectAs(checkpointstest.AsNumber)},
		"projects as text":         {checkpointstest.EnterpriseProjectAs(checkpointstest.AsText)},
		"values of tags as array":  {checkpointstest.TagValuesAs(checkpointstest.AsArray)},
		"values of tags as text":   {checkpointstest.TagValuesAs(checkpointstest.AsText)},
		"details as array":         {checkpointstest.ResourceDetailAs(checkpointstest.AsArray)},
		"details as object":        {checkpointstest.ResourceDetailAs(checkpointstest.AsObject)},
		"times in UTC, unsaid":     {checkpointstest.TimesAs(checkpointstest.TimesNoZone)},
		"times spaced":             {checkpointstest.TimesAs(checkpointstest.TimesSpaced)},
		"times in Zulu":            {checkpointstest.TimesAs(checkpointstest.TimesZulu)},
		"times of the east":        {checkpointstest.TimesAs(checkpointstest.TimesZulu), checkpointstest.TimesIn(east)},
		"times with their offset":  {checkpointstest.TimesAs(checkpointstest.TimesOffset), checkpointstest.TimesIn(east)},
		"mixed times of the east":  {checkpointstest.TimesAs(checkpointstest.TimesMixed), checkpointstest.TimesIn(east)},
		"bare pages":               {checkpointstest.BarePages()},
		"small pages":              {checkpointstest.PageLimit(1)},
		"restore with a task":      {checkpointstest.RestoreNamesTask(true)},
		"restore without one":      {checkpointstest.Play(checkpointstest.HuaweiCloud), checkpointstest.RestoreNamesTask(false)},
		"unknown ids as malformed": {checkpointstest.UnknownIDsAreMalformed()},
		"refusals of the gateway":  {checkpointstest.UnauthorizedAs(checkpointstest.GatewayErrors)},
		"refusals of IAM":          {checkpointstest.UnauthorizedAs(checkpointstest.IAMErrors)},
		"refusals of Keystone": {
			checkpointstest.UnauthorizedAs(checkpointstest.KeystoneErrors), checkpointstest.SignInErrorsAs(checkpointstest.KeystoneErrors),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				options := append(options, checkpointstest.InMemory(), checkpointstest.OtherAccount("Orchard", "olga", "an apple a day"))
				server := checkpointstest.NewServer(t, options...)
				there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(server))
				walk := &walk{T: t, server: server, there: there, client: clientOf(t, server, password(server))}
				walk.signIn()
				walk.policy()
				walk.vault()
				walk.backUp()
				walk.restore()
				walk.tags()
				walk.share()
				walk.replication()
				walk.strangers()
				walk.refusals()
				walk.end()
			})
		})
	}
}

// walk is one way through all that both clouds have.
type walk struct {
	*testing.T

	server, there *checkpointstest.Server
	client        *checkpoints.Client

	policyID, vaultID string
	backup            checkpoints.Backup
}

// now wants a time of this moment, which some spellings cut to the second.
func (w *walk) now(at checkpoints.Time, what string) {
	w.Helper()
	assert.WithinDuration(w, time.Now(), at.Time, time.Minute+time.Second, what)
}

func (w *walk) signIn() {
	session, err := w.client.Sessions.SignIn(w.Context())
	require.NoError(w, err)
	assert.Equal(w, w.server.URL, session.Endpoint, "from the catalogue")
	assert.Equal(w, w.server.ProjectID, session.Project.ID)
	assert.Equal(w, w.server.User, session.User.Name)
	assert.Equal(w, 24*time.Hour, session.ExpiresAt.Sub(session.IssuedAt))
	assert.Equal(w, []string{"production"}, vaultNames(w.T, w.client, checkpoints.VaultQuery{}))
}

func (w *walk) policy() {
	creation, err := w.client.Policies.Create(w.Context(), nightly(w.T, "nightly"))
	require.NoError(w, err)
	made, err := creation.Wait(w.Context())
	require.NoError(w, err)
	w.policyID = made.ID
	got, err := w.client.Policies.Get(w.Context(), made.ID)
	require.NoError(w, err)
	assert.False(w, got.Enabled, "the default is true")
	assert.Equal(w, []checkpoints.Pattern{"FREQ=DAILY;BYHOUR=2;BYMINUTE=30"}, got.Trigger.Properties.Pattern)
	w.now(got.Trigger.Properties.StartTime, "start_time of a policy")

	definition := got.OperationDefinition
	definition.RetentionDurationDays = drkit.Some(7)
	got, err = w.client.Policies.Update(w.Context(), made.ID, checkpoints.PolicyUpdate{
		Enabled: drkit.Some(true), OperationDefinition: drkit.Some(definition),
	})
	require.NoError(w, err)
	assert.True(w, got.Enabled)
	all, err := w.client.Policies.List(w.Context(), checkpoints.PolicyQuery{OperationType: checkpoints.PolicyOperationBackup})
	require.NoError(w, err)
	require.Len(w, all, 1)
	assert.Equal(w, got, all[0])
	assert.Equal(w, drkit.Some(7), all[0].OperationDefinition.RetentionDurationDays)
}

func (w *walk) vault() {
	create := newVault("silver")
	create.Description = drkit.Some("second tier")
	create.Tags = []checkpoints.Tag{{Key: "tier", Value: "2"}}
	create.BackupPolicyID = drkit.Some(w.policyID)
	creation, err := w.client.Vaults.Create(w.Context(), create)
	require.NoError(w, err)
	made, err := creation.Wait(w.Context())
	require.NoError(w, err)
	w.vaultID = made.ID

	server := checkpoints.Resource{ID: checkpointstest.VMID("web-1"), Type: checkpoints.ResourceTypeServer}
	_, err = w.client.Vaults.AddResources(w.Context(), w.vaultID, []checkpoints.Resource{server})
	require.NoError(w, err)
	pass(time.Second)
	got, err := w.client.Vaults.Get(w.Context(), w.vaultID)
	require.NoError(w, err)
	assert.Equal(w, checkpoints.Text("0"), got.EnterpriseProjectID)
	assert.Equal(w, "second tier", got.Description)
	assert.Equal(w, create.Tags, got.Tags)
	assert.Equal(w, 200, got.Billing.Size)
	assert.Equal(w, checkpoints.VaultStatusAvailable, got.Billing.Status)
	w.now(got.CreatedAt, "created_at of a vault")
	require.Len(w, got.Resources, 1)
	assert.Equal(w, "web-1", got.Resources[0].Name)
	assert.Equal(w, 40, got.Resources[0].Size)

	renamed, err := w.client.Vaults.Update(w.Context(), w.vaultID, checkpoints.VaultUpdate{
		Name: drkit.Some("gold"), Billing: drkit.Some(checkpoints.BillingUpdate{Size: drkit.Some(300)}),
	})
	require.NoError(w, err)
	got.Name, got.Billing.Size = "gold", 300
	assert.Equal(w, got, renamed)
	assert.ElementsMatch(w, []string{"production", "gold"}, vaultNames(w.T, w.client, checkpoints.VaultQuery{Limit: 1}))
	assert.Equal(w, []string{"gold"}, vaultNames(w.T, w.client, checkpoints.VaultQuery{PolicyID: w.policyID}))
	assert.Equal(w, []string{"gold"}, vaultNames(w.T, w.client, checkpoints.VaultQuery{ResourceIDs: []string{server.ID, "other"}}))
}

func (w *walk) backUp() {
	w.backup = backedUp(w.T, w.client, w.vaultID)[0]
	got, err := w.client.Backups.Get(w.Context(), w.backup.ID)
	require.NoError(w, err)
	assert.Empty(w, got.ReplicationRecords)
	got.ReplicationRecords = nil // lists have them only where they are asked to
	assert.Equal(w, w.backup, got)
	assert.Equal(w, checkpoints.BackupStatusAvailable, got.Status)
	assert.Equal(w, 40, got.ResourceSize)
	w.now(got.CreatedAt, "created_at of a backup")
	require.Len(w, got.Children, 1, "one for the disk")

	point, err := w.client.Checkpoints.Get(w.Context(), got.CheckpointID)
	require.NoError(w, err)
	assert.Equal(w, checkpoints.CheckpointStatusAvailable, point.Status)
	w.now(point.CreatedAt, "created_at of a checkpoint")
	require.Len(w, point.Vault.Resources, 1)
	assert.Equal(w, checkpoints.Number(40), point.Vault.Resources[0].ResourceSize)
	assert.Equal(w, checkpoints.Number(1), point.Vault.Resources[0].BackupCount)

	tasks, err := drkit.Collect(w.client.Tasks.List(w.Context(), checkpoints.TaskQuery{VaultID: w.vaultID, OperationType: checkpoints.TaskTypeBackup}))
	require.NoError(w, err)
	require.Len(w, tasks, 1)
	task, err := w.client.Tasks.Get(w.Context(), tasks[0].ID)
	require.NoError(w, err)
	assert.Equal(w, tasks[0], task)
	assert.True(w, task.Ended())
	require.NoError(w, task.Err())
	assert.Equal(w, got.CheckpointID, task.CheckpointID)
	w.now(task.StartedAt, "started_at of a task")
	w.now(task.EndedAt, "ended_at of a task")
}

func (w *walk) restore() {
	_, err := w.client.Backups.Restore(w.Context(), w.backup.ID, checkpoints.BackupRestore{
		ServerID: drkit.Some(checkpointstest.VMID("web-1")), PowerOn: drkit.Some(false),
		Mappings: []checkpoints.RestoreMapping{{BackupID: w.backup.Children[0].ID, VolumeID: checkpointstest.DiskID("web-1", 0)}},
	})
	require.NoError(w, err)
	pass(time.Minute)
	tasks, err := drkit.Collect(w.client.Tasks.List(w.Context(), checkpoints.TaskQuery{OperationType: checkpoints.TaskTypeRestore}))
	require.NoError(w, err)
	require.Len(w, tasks, 1)
	require.NoError(w, tasks[0].Err())
	assert.Equal(w, w.backup.ID, tasks[0].ExtraInfo.Restore.BackupID)
	assert.Equal(w, 1, w.server.Audit().Restore(w.backup.ID).Succeeded)
}

func (w *walk) tags() {
	tags := w.client.Tags
	require.NoError(w, tags.Set(w.Context(), w.vaultID, checkpoints.Tag{Key: "season"}))
	require.NoError(w, tags.Set(w.Context(), w.vaultID, checkpoints.Tag{Key: "tier", Value: "1"}))
	require.NoError(w, tags.SetMany(w.Context(), w.vaultID, []checkpoints.Tag{{Key: "owner", Value: "ann"}, {Key: "site", Value: "north"}}))
	require.NoError(w, tags.SetMany(w.Context(), checkpointstest.VaultID("production"), []checkpoints.Tag{{Key: "tier", Value: "0"}}))
	of, err := tags.Get(w.Context(), w.vaultID)
	require.NoError(w, err)
	assert.ElementsMatch(w, []checkpoints.Tag{{Key: "tier", Value: "1"}, {Key: "season"}, {Key: "owner", Value: "ann"}, {Key: "site", Value: "north"}}, of.Tags)

	all, err := tags.List(w.Context())
	require.NoError(w, err)
	values := map[string][]string{}
	for _, tag := range all {
		values[tag.Key] = tag.Values
	}
	assert.ElementsMatch(w, []string{"0", "1"}, values["tier"])
	assert.Equal(w, []string{"ann"}, values["owner"])

	filter := checkpoints.TagFilter{Tags: []checkpoints.TagValues{{Key: "tier"}}, ObjectType: drkit.Some(checkpoints.ObjectTypeServer), Limit: 1}
	found, err := drkit.Collect(tags.FindVaults(w.Context(), filter))
	require.NoError(w, err)
	names := map[string]string{}
	for _, one := range found {
		require.Len(w, one.ResourceDetail, 1, "as a list and as an object")
		names[one.ResourceName] = one.ResourceDetail[0].ID
	}
	assert.Equal(w, map[string]string{"production": checkpointstest.VaultID("production"), "gold": w.vaultID}, names)
	filter.Tags[0].Values = []string{"1"}
	count, err := tags.CountVaults(w.Context(), filter)
	require.NoError(w, err)
	assert.Equal(w, 1, count)

	require.NoError(w, tags.Delete(w.Context(), w.vaultID, "season"))
	require.ErrorIs(w, tags.Delete(w.Context(), w.vaultID, "season"), drkit.ErrNotFound)
	require.NoError(w, tags.DeleteMany(w.Context(), w.vaultID, []string{"owner", "never"}))
	assert.Equal(w, map[string]string{"tier": "1", "site": "north"}, w.server.Vault(w.vaultID).Tags)
}

// share lets another account see the backup and turn it down.
func (w *walk) share() {
	receiver := checkpointstest.ProjectID("Orchard", w.server.Region, w.server.Project)
	_, err := w.client.Members.Add(w.Context(), w.backup.ID, checkpoints.Share{Members: []string{receiver}})
	require.NoError(w, err)
	members, err := drkit.Collect(w.client.Members.List(w.Context(), w.backup.ID, checkpoints.MemberQuery{}))
	require.NoError(w, err)
	require.Len(w, members, 1)
	assert.Equal(w, checkpoints.MemberStatusPending, members[0].Status)
	w.now(members[0].CreatedAt, "created_at of a member")

	other := clientOf(w.T, w.server, passwordOf(w.server, "Orchard", "olga", "an apple a day"))
	shared, err := drkit.Collect(other.Backups.List(w.Context(), checkpoints.BackupQuery{OwnType: checkpoints.OwnTypeShared}))
	require.NoError(w, err)
	require.Len(w, shared, 1)
	assert.Equal(w, w.backup.ID, shared[0].ID)
	_, err = other.Vaults.Get(w.Context(), w.vaultID)
	require.ErrorIs(w, err, drkit.ErrNotFound, "the vault is not shared")
	_, err = other.Members.Update(w.Context(), w.backup.ID, receiver, checkpoints.MemberUpdate{Status: checkpoints.MemberStatusRejected})
	require.NoError(w, err)
	member, err := w.client.Members.Get(w.Context(), w.backup.ID, receiver)
	require.NoError(w, err)
	assert.Equal(w, checkpoints.MemberStatusRejected, member.Status)
	require.NoError(w, w.client.Members.Delete(w.Context(), w.backup.ID, receiver))
	require.ErrorIs(w, w.client.Members.Delete(w.Context(), w.backup.ID, receiver), drkit.ErrNotFound)
}

// replication applies a policy that copies the vault to the other region, and takes it off again.
func (w *walk) replication() {
	regions, err := w.client.Capabilities.Replication(w.Context())
	require.NoError(w, err)
	require.Len(w, regions, 1)
	require.Equal(w, []string{w.there.Region}, regions[0].ReplicationDestinations)

	policy := nightly(w.T, "away")
	policy.OperationType = checkpoints.PolicyOperationReplication
	policy.OperationDefinition.DestinationRegion = drkit.Some(w.there.Region)
	policy.OperationDefinition.DestinationProjectID = drkit.Some(w.there.ProjectID)
	creation, err := w.client.Policies.Create(w.Context(), policy)
	require.NoError(w, err)
	made, err := creation.Wait(w.Context())
	require.NoError(w, err)
	applied, err := w.client.Vaults.AssociatePolicy(w.Context(), w.vaultID, checkpoints.PolicyAssociation{
		PolicyID: drkit.Some(made.ID), DestinationVaultID: drkit.Some(checkpointstest.VaultID("replicas")),
	})
	require.NoError(w, err)
	want := checkpoints.VaultPolicy{VaultID: w.vaultID, PolicyID: made.ID, DestinationVaultID: checkpointstest.VaultID("replicas")}
	assert.Equal(w, want, applied)
	made, err = w.client.Policies.Get(w.Context(), made.ID)
	require.NoError(w, err)
	assert.Equal(w, []checkpoints.PolicyVault{{VaultID: w.vaultID, DestinationVaultID: want.DestinationVaultID}}, made.AssociatedVaults)
	_, err = w.client.Vaults.DissociatePolicy(w.Context(), w.vaultID, made.ID)
	require.NoError(w, err)
	_, err = w.client.Vaults.DissociatePolicy(w.Context(), w.vaultID, made.ID)
	require.ErrorIs(w, err, checkpoints.CodePolicyNotApplied)
	require.NoError(w, w.client.Policies.Delete(w.Context(), made.ID))
}

// strangers are ids that nobody knows, or that are none: neither is about the token, although some answers look so.
func (w *walk) strangers() {
	signIns := w.server.SignIns()
	for _, id := range []string{"00000000-0000-4000-8000-000000000000", "none"} {
		_, err := w.client.Vaults.Get(w.Context(), id)
		require.ErrorIs(w, err, drkit.ErrNotFound, id)
		_, err = w.client.Checkpoints.Get(w.Context(), id)
		require.ErrorIs(w, err, drkit.ErrNotFound, id)
		require.ErrorIs(w, w.client.Policies.Delete(w.Context(), id), drkit.ErrNotFound, id)
		require.ErrorIs(w, w.client.Tags.Set(w.Context(), id, checkpoints.Tag{Key: "k"}), drkit.ErrNotFound, id)
	}
	assert.Equal(w, signIns, w.server.SignIns())
}

// refusals are tokens that are good no more: read calls go on with a new one, and so does what must not repeat where
// the answer proves that nothing ran.
func (w *walk) refusals() {
	w.server.ExpireTokens()
	signIns := w.server.SignIns()
	assert.Len(w, vaultNames(w.T, w.client, checkpoints.VaultQuery{}), 2)
	assert.Equal(w, signIns+1, w.server.SignIns())
	pass(time.Hour)
	w.server.RevokeTokens()
	assert.Len(w, vaultNames(w.T, w.client, checkpoints.VaultQuery{}), 2)
	assert.Equal(w, signIns+2, w.server.SignIns())

	wrong := clientOf(w.T, w.server, passwordOf(w.server, w.server.Domain, w.server.User, "guess"))
	for range 3 {
		_, err := wrong.Vaults.Summary(w.Context())
		require.ErrorIs(w, err, drkit.ErrUnauthorized)
	}
	requests := w.server.IdentityRequests()
	assert.Equal(w, 1, len(requests)-w.server.SignIns(), "refused credentials are not tried again")
}

func (w *walk) end() {
	require.NoError(w, w.client.Policies.Delete(w.Context(), w.policyID))
	_, err := w.client.Vaults.Delete(w.Context(), w.vaultID)
	require.NoError(w, err)
	pass(time.Minute)
	_, err = w.client.Vaults.Get(w.Context(), w.vaultID)
	require.ErrorIs(w, err, drkit.ErrNotFound)
	_, err = w.client.Backups.Get(w.Context(), w.backup.ID)
	require.ErrorIs(w, err, drkit.ErrNotFound)
	assert.Equal(w, []string{"production"}, vaultNames(w.T, w.client, checkpoints.VaultQuery{}))
	audit := w.server.Audit()
	assert.Equal(w, 1, audit.PoliciesNamed("nightly"), audit)
	assert.Equal(w, 1, audit.Vault(w.vaultID).Checkpoints, audit)
}
