package vcav_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestLifeOfAPolicy(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx := t.Context()
		gold, err := client.Policies.Create(ctx, vcav.PolicySettings{
			DisplayName: "gold", MinRPO: 15, MaxInstances: 24, MaxIncoming: -1, AllowIncomingProtections: true,
			AllowOutgoingProtections: true, AllowCustomSLASettings: true, OnpremDataCap: drkit.Some(0),
		})
		require.NoError(t, err)
		require.NoError(t, client.Policies.Assign(ctx, gold.ID, "org2"))
		require.NoError(t, client.Policies.Assign(ctx, gold.ID, "org2"), "it is safe to repeat")
		assert.Equal(t, "gold", server.PolicyOf("site2", "org2").DisplayName)

		// Members of a newer appliance go back as they came.
		read, err := client.Policies.Get(ctx, gold.ID)
		require.NoError(t, err)
		require.Contains(t, read.Extra, "allowAdvancedRetentionRules")
		read.Extra["allowAdvancedRetentionRules"] = json.RawMessage("true")
		read.MaxInstances = 12
		_, err = client.Policies.Update(ctx, gold.ID, read.PolicySettings)
		require.NoError(t, err)
		read, err = client.Policies.Get(ctx, gold.ID)
		require.NoError(t, err)
		read.MinRPO = 1440
		after, err := client.Policies.Update(ctx, gold.ID, read.PolicySettings)
		require.NoError(t, err)
		assert.Equal(t, 12, after.MaxInstances)
		assert.JSONEq(t, "true", string(after.Extra["allowAdvancedRetentionRules"]), "a second change has not reset it")

		status, err := client.Policies.Status(ctx, gold.ID)
		require.NoError(t, err)
		require.Len(t, status, 1)
		assert.Equal(t, "org2", status[0].Org)
		assert.Equal(t, 3, status[0].ConfiguredReplications)
		assert.Len(t, status[0].NonRPOCompliant, 3, "their RPO is shorter than the policy's minimum")

		poller, err := client.Policies.Synchronize(ctx)
		require.NoError(t, err)
		_, err = poller.Wait(ctx)
		require.NoError(t, err)

		require.Error(t, client.Policies.Delete(ctx, gold.ID), "an organization has it")
		require.NoError(t, client.Policies.Assign(ctx, vcav.DefaultPolicy, "org2"))
		require.NoError(t, client.Policies.Delete(ctx, gold.ID))
		require.ErrorIs(t, client.Policies.Delete(ctx, gold.ID), drkit.ErrNotFound)
		all, err := client.Policies.List(ctx)
		require.NoError(t, err)
		for _, policy := range all {
			assert.NotEqual(t, gold.ID, policy.ID)
			if policy.ID == vcav.DefaultPolicy {
				assert.Equal(t, -1, policy.Orgs)
			}
		}
	}, vcavtest.PolicyMembers(map[string]any{"allowAdvancedRetentionRules": false}))
}

// A DELETE whose answer is lost is sent again, finds nothing, and has succeeded.
func TestDeleteWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t)
	client := connect(t, server)
	policy, err := client.Policies.Create(t.Context(), vcav.PolicySettings{DisplayName: "short-lived"})
	require.NoError(t, err)
	server.Inject(vcavtest.Fault{Operation: "Policies.Delete", After: true, Reset: true, Times: 1})
	require.NoError(t, client.Policies.Delete(t.Context(), policy.ID))
	assert.Equal(t, 2, server.Count("Policies.Delete"))
	assert.Equal(t, 1, server.Ran("Policies.Delete", policy.ID))
}

func TestLifeOfAReplication(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, replications := t.Context(), client.VMReplications
		poller, err := replications.Start(ctx, vcav.ReplicationStart{
			Source:      vcav.VMSource{Site: "site1", VMID: "urn:vcloud:vm:" + vcavtest.MachineID("new-1")},
			Destination: vcav.CloudDestination{Site: "site2", VDC: vcavtest.VDCID("site2", "org2"), StorageProfile: drkit.Some("*")},
			RPO:         drkit.Some(60), Quiesced: drkit.Some(false),
		})
		started := end(t, poller, err)
		assert.Equal(t, "new-1", started.VMName)
		assert.Equal(t, 60, started.Settings.RPO)
		assert.False(t, started.Settings.Quiesced, "false was sent, and is not the default")
		id := started.ID

		poller, err = replications.Reconfigure(ctx, id, vcav.Reconfigure{Description: drkit.Some("")})
		changed := end(t, poller, err)
		assert.Empty(t, changed.Settings.Description)
		assert.Equal(t, 60, changed.Settings.RPO, "what is left out stays")
		poller, err = replications.ReconfigureDisks(ctx, id, []int{2000})
		assert.Equal(t, []int{2000}, end(t, poller, err).Settings.ExcludedDiskKeys)
		poller, err = replications.ReconfigureDisks(ctx, id, nil)
		assert.Empty(t, end(t, poller, err).Settings.ExcludedDiskKeys)

		poller, err = replications.Pause(ctx, id)
		assert.True(t, end(t, poller, err).IsPaused)
		poller, err = replications.Pause(ctx, id)
		assert.True(t, end(t, poller, err).IsPaused, "pausing twice is harmless")
		_, err = replications.Sync(ctx, id)
		require.ErrorIs(t, err, drkit.ErrConflict)
		poller, err = replications.Resume(ctx, id)
		assert.False(t, end(t, poller, err).IsPaused)

		poller, err = replications.Sync(ctx, id)
		end(t, poller, err)
		instances, err := replications.Instances(ctx, id)
		require.NoError(t, err)
		require.NotEmpty(t, instances)
		instance, err := replications.Instance(ctx, id, instances[0].Key)
		require.NoError(t, err)
		assert.Equal(t, instances[0].Key, instance.Key)
		assert.NotEmpty(t, instance.DisksInfo)
		_, err = replications.VirtualHardware(ctx, id)
		require.NoError(t, err)
		<-time.After(2 * time.Hour) // of the bubble: there is something to sample then
		traffic, err := replications.Traffic(ctx, id, vcav.TrafficQuery{Interval: vcav.SampleIntervalFiveMinutes})
		require.NoError(t, err)
		assert.NotEmpty(t, traffic.Samples)
		usage, err := replications.DiskUsage(ctx, id, vcav.DiskUsageQuery{Start: drkit.MillisOf(time.Now().Add(-48 * time.Hour))})
		require.NoError(t, err)
		assert.Equal(t, vcav.SampleIntervalHour, usage.Interval)

		poller, err = replications.Migrate(ctx, id, vcav.CloudMigrate{PowerOn: true})
		migrated := end(t, poller, err)
		assert.Equal(t, vcav.RecoveryStateComplete, migrated.DestinationState.RecoveryInfo.RecoveryState)
		stopping, err := replications.Stop(ctx, id)
		require.NoError(t, err)
		_, err = stopping.Wait(ctx)
		require.NoError(t, err)
		_, err = replications.Get(ctx, id)
		require.ErrorIs(t, err, drkit.ErrNotFound)
	}, vcavtest.Machines(vcavtest.Machine{Name: "new-1"}), vcavtest.AuthenticatedAt("site1"))
}

func TestPoliciesAreEnforced(t *testing.T) {
	closed := vcavtest.ClosedPolicy()
	flow(t, func(t *testing.T, _ *vcavtest.Server, client *vcav.Client) {
		_, err := client.VMReplications.Start(t.Context(), vcav.ReplicationStart{
			Source:      vcav.VMSource{Site: "site1", VMID: vcavtest.MachineID("new-1")},
			Destination: vcav.CloudDestination{Site: "site2", VDC: vcavtest.VDCID("site2", "org2")},
		})
		require.Error(t, err)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	}, vcavtest.Machines(vcavtest.Machine{Name: "new-1"}), vcavtest.Policies(closed), vcavtest.AuthenticatedAt("site1"))
}

func TestTasksOfManyAtOnce(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		var ids []string
		for _, name := range []string{"db-1", "app-1", "web-1"} {
			poller, err := client.VMReplications.Sync(t.Context(), vcavtest.ReplicationID(name))
			require.NoError(t, err)
			ids = append(ids, poller.ID())
		}
		before := server.Count("")
		tasks, err := client.Tasks.Poll(t.Context(), append(ids, "5a0c7f0e-0000-4000-8000-000000000000"))
		require.NoError(t, err)
		assert.Equal(t, before+1, server.Count(""), "one request for all")
		require.Len(t, tasks, 3, "one that is not known is left out")
		for _, task := range tasks {
			alone, err := client.Tasks.Get(t.Context(), task.ID)
			require.NoError(t, err)
			assert.Equal(t, alone.WorkflowInfo, task.WorkflowInfo)
			_, err = vcav.ResultOf[vcav.VMReplication](task)
			require.ErrorIs(t, err, drkit.ErrNotDone)
		}
		<-time.After(time.Minute) // of the bubble
		tasks, err = client.Tasks.Poll(t.Context(), ids)
		require.NoError(t, err)
		for _, task := range tasks {
			require.True(t, task.Ended())
			replication, err := vcav.ResultOf[vcav.VMReplication](task)
			require.NoError(t, err)
			assert.Equal(t, task.WorkflowInfo.ResourceID, replication.ID)
		}
		none, err := client.Tasks.Poll(t.Context(), nil)
		require.NoError(t, err)
		assert.Empty(t, none)

		newest, err := drkit.Collect(client.Tasks.List(t.Context(), vcav.TaskQuery{Type: "sync", Sort: []vcav.SortField{vcav.Desc("startTime")}}))
		require.NoError(t, err)
		assert.Len(t, newest, 3)
	})
}

func TestExtendedSitesComeBackFromTheAppliance(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, there := t.Context(), client.Site("site1")
		_, err := there.VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
		require.ErrorIs(t, err, drkit.ErrUnauthorized, "the session is not good there yet")
		_, err = client.Sessions.Extend(ctx, vcav.WithVCDCredentials("site1", "ann@org1", drkit.NewSecret("wrong")))
		require.ErrorIs(t, err, drkit.ErrUnauthorized)

		session, err := client.Sessions.Extend(ctx, vcav.WithVCDCredentials("site1", "ann@org1", drkit.NewSecret("ann's")))
		require.NoError(t, err)
		assert.Len(t, session.AuthenticatedSites, 2)
		_, err = there.VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
		require.NoError(t, err)

		server.ExpireSessions()
		_, err = there.VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
		require.NoError(t, err, "the new session has the site, too")
		assert.Equal(t, 2, server.Count(signIn))
		assert.Equal(t, 3, server.Count("Sessions.Extend"))

		server.ExpireSite("site1")
		_, err = there.VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
		require.NoError(t, err)
		assert.Equal(t, 2, server.Count(signIn), "the session itself has not ended")
		assert.Equal(t, 4, server.Count("Sessions.Extend"))

		server.ExpireSite("site1")
		_, err = there.VMReplications.Sync(drkit.WithoutNote(ctx), vcavtest.ReplicationID("db-1"))
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "nobody documents that nothing ran")
		assert.Equal(t, 1, server.Count("VMReplications.Sync"))
		assert.Equal(t, 5, server.Count("Sessions.Extend"))

		server.ExpireSite("site1")
		poller, err := there.VMReplications.Sync(ctx, vcavtest.ReplicationID("db-1"))
		end(t, poller, err)
		assert.False(t, poller.Adopted(), "the note before it has met the expiry")
		assert.Equal(t, 2, server.Count("VMReplications.Sync"))
		assert.Equal(t, 6, server.Count("Sessions.Extend"))

		_, err = client.Sessions.Shrink(ctx, "site1")
		require.NoError(t, err)
		_, err = there.VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
	}, vcavtest.RemoteUser("site1", "ann@org1", "ann's"))
}

// A site that is down keeps neither the sign-in nor the other sites from working.
func TestDeadSite(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx := t.Context()
		_, err := client.Sessions.Extend(ctx, vcav.WithVCDCredentials("site1", "ann@org1", drkit.NewSecret("ann's")))
		require.NoError(t, err)
		server.KillSite("site1")
		server.ExpireSessions()
		_, err = client.VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
		require.NoError(t, err)
		_, err = client.Site("site1").VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
		require.Error(t, err)
		server.ReviveSite("site1")
		_, err = client.Site("site1").VMReplications.Get(ctx, vcavtest.ReplicationID("db-1"))
		require.NoError(t, err, "the first call tries again to extend the session")
	}, vcavtest.RemoteUser("site1", "ann@org1", "ann's"))
}
