package vcav_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// flow runs a test against an appliance in memory, where hours pass at once.
func flow(t *testing.T, test func(t *testing.T, server *vcavtest.Server, client *vcav.Client), options ...vcavtest.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, append(options, vcavtest.InMemory())...)
		client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
		require.NoError(t, err)
		test(t, server, client)
		require.NoError(t, client.Close(context.WithoutCancel(t.Context())))
		assert.Zero(t, server.Sessions(), "no session is left open")
		server.Close()
	})
}

func end(t *testing.T, poller *drkit.Poller[vcav.VMReplication], err error) vcav.VMReplication {
	t.Helper()
	require.NoError(t, err)
	replication, err := poller.Wait(t.Context())
	require.NoError(t, err)
	return replication
}

func TestWholeRecovery(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, id := t.Context(), vcavtest.ReplicationID("db-1")
		replications := client.VMReplications
		before, err := replications.Instances(ctx, id)
		require.NoError(t, err)

		poller, err := replications.Sync(ctx, id)
		end(t, poller, err)
		after, err := replications.Instances(ctx, id)
		require.NoError(t, err)
		assert.Len(t, after, len(before)+1, "a sync makes an instance")

		poller, err = replications.TestFailover(ctx, id, vcav.CloudFailoverTest{PowerOn: true})
		tested := end(t, poller, err)
		assert.Equal(t, vcav.RecoveryStateTest, tested.DestinationState.RecoveryInfo.RecoveryState)
		_, err = replications.TestFailover(ctx, id, vcav.CloudFailoverTest{})
		require.ErrorIs(t, err, drkit.ErrConflict, "a second test")
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)

		poller, err = replications.CleanUpTestFailover(ctx, id)
		end(t, poller, err)
		poller, err = replications.Failover(ctx, id, vcav.CloudFailover{InstanceID: drkit.Some(before[0].Key), Consolidate: drkit.Some(false)})
		failedOver := end(t, poller, err)
		assert.Equal(t, vcav.RecoveryStateComplete, failedOver.DestinationState.RecoveryInfo.RecoveryState)
		assert.NotEmpty(t, failedOver.DestinationState.RecoveryInfo.VCDVMID)
		assert.Equal(t, before[0].Key, server.Replication(id).RecoveredKey)
		_, err = replications.Failover(ctx, id, vcav.CloudFailover{})
		require.ErrorIs(t, err, drkit.ErrConflict, "it runs there already")

		poller, err = replications.Reverse(ctx, id)
		reversed := end(t, poller, err)
		assert.True(t, reversed.IsReversed)
		assert.Equal(t, failedOver.Destination.Site, reversed.Source.Site)
		_, err = replications.Reverse(ctx, id)
		require.ErrorIs(t, err, drkit.ErrConflict, "nothing was failed over in this direction")
	})
}

func TestTaskThatFails(t *testing.T) {
	flow(t, func(t *testing.T, _ *vcavtest.Server, client *vcav.Client) {
		poller, err := client.VMReplications.Failover(t.Context(), vcavtest.ReplicationID("new-1"), vcav.CloudFailover{})
		require.NoError(t, err, "it is accepted")
		_, err = poller.Wait(t.Context())
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "vcav.VMReplications.Failover", failed.Operation)
		assert.Equal(t, poller.ID(), failed.TaskID)
		assert.Equal(t, "new-1", failed.ResourceName)
		assert.NotEmpty(t, failed.Code)
		assert.NotEmpty(t, failed.OperationID)
		assert.True(t, poller.Done())
		_, again := poller.Wait(t.Context())
		assert.Equal(t, err, again, "the end is kept")
	}, vcavtest.Protect(vcavtest.Replication{VMName: "new-1", Unsynced: true}))
}

// A wait of more than a day outlives the session.
func TestWaitThatOutlivesTheSession(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		began := time.Now()
		poller, err := client.VMReplications.Sync(t.Context(), vcavtest.ReplicationID("db-1"))
		end(t, poller, err)
		took := time.Since(began)
		assert.GreaterOrEqual(t, took, 30*time.Hour)
		assert.LessOrEqual(t, took, 30*time.Hour+16*time.Second, "it is noticed within the longest interval")
		assert.Equal(t, 2, server.Count(signIn), "the appliance ends sessions after a day")

		<-time.After(2 * time.Hour) // of the bubble
		_, err = client.Diagnostics.About(t.Context())
		require.NoError(t, err, "an idle session has ended, too")
		assert.Equal(t, 3, server.Count(signIn))
	}, vcavtest.TaskDuration(time.Minute, 30*time.Hour-time.Minute))
}

func TestCloseEndsWaits(t *testing.T) {
	flow(t, func(t *testing.T, _ *vcavtest.Server, client *vcav.Client) {
		poller, err := client.VMReplications.Sync(t.Context(), vcavtest.ReplicationID("db-1"))
		require.NoError(t, err)
		began := time.Now()
		time.AfterFunc(time.Minute, func() { assert.NoError(t, client.Close(context.Background())) })
		_, err = poller.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrClosed)
		require.NotErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Minute, time.Since(began), "at once, and not with the next look")
		_, err = poller.Poll(t.Context())
		require.ErrorIs(t, err, drkit.ErrClosed)
	}, vcavtest.TaskDuration(0, time.Hour))
}

func TestListOfManyPages(t *testing.T) {
	const count = 250
	many := make([]vcavtest.Replication, count)
	for i := range many {
		many[i] = vcavtest.Replication{ID: fmt.Sprintf("C4-%03d", i), VMName: fmt.Sprintf("vm-%03d", i)}
	}
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		for _, query := range []vcav.VMReplicationQuery{{}, {Limit: 1000}, {Limit: 60, Sort: []vcav.SortField{vcav.Desc("vmName")}}} {
			all, err := drkit.Collect(client.VMReplications.List(t.Context(), query))
			require.NoError(t, err)
			assert.Len(t, all, count)
		}
		some, err := drkit.Collect(client.VMReplications.List(t.Context(), vcav.VMReplicationQuery{VMName: "vm-00", Sort: []vcav.SortField{vcav.Asc("vmName")}, Offset: 8}))
		require.NoError(t, err)
		require.Len(t, some, 2)
		assert.Equal(t, "vm-008", some[0].VMName)

		// One goes while the list is walked: none of the others is missed.
		seen := map[string]bool{}
		for row, err := range client.VMReplications.List(t.Context(), vcav.VMReplicationQuery{Sort: []vcav.SortField{vcav.Asc("vmName")}}) {
			require.NoError(t, err)
			if len(seen) == 99 {
				require.NoError(t, server.Protect(vcavtest.Replication{VMName: "a-new-one"}))
			}
			seen[row.ID] = true
		}
		assert.Len(t, seen, count+1)
	}, vcavtest.Protect(many...))
}

func TestTenantSeesItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, vcavtest.InMemory(), vcavtest.LocalSite("site2", "blue", "red"),
			vcavtest.Tenant("ann@blue", "ann's password"),
			vcavtest.Protect(
				vcavtest.Replication{ID: "C4-blue", VMName: "blue-1", DestinationOrg: "blue"},
				vcavtest.Replication{ID: "C4-red", VMName: "red-1", DestinationOrg: "red"}))
		ann, err := vcav.NewClient(server.URL, vcav.VCDCredentials("ann@blue", drkit.NewSecret("ann's password")), server.Options()...)
		require.NoError(t, err)
		mine, err := drkit.Collect(ann.VMReplications.List(t.Context(), vcav.VMReplicationQuery{}))
		require.NoError(t, err)
		require.Len(t, mine, 1)
		assert.Equal(t, "C4-blue", mine[0].ID)
		_, err = ann.VMReplications.Failover(t.Context(), "C4-red", vcav.CloudFailover{})
		require.ErrorIs(t, err, drkit.ErrNotFound)
		_, err = drkit.Collect(ann.VMReplications.List(t.Context(), vcav.VMReplicationQuery{Owner: "red@site2"}))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		assert.Equal(t, 1, server.Count(signIn), "a 403 is no reason to sign in anew")
		require.NoError(t, ann.Close(t.Context()))
		server.Close()
	})
}

func TestOtherSite(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		there := client.Site("site1")
		poller, err := there.VMReplications.Sync(t.Context(), vcavtest.ReplicationID("db-1"))
		done := end(t, poller, err)
		assert.Equal(t, "db-1", done.VMName)
		for _, request := range server.Requests() {
			if request.Operation == "Tasks.Get" || request.Operation == "VMReplications.Sync" {
				assert.Equal(t, "site1", request.Site, "the task is looked at where it runs")
			}
		}
		_, err = client.Site("nowhere").VMReplications.Get(t.Context(), vcavtest.ReplicationID("db-1"))
		require.ErrorIs(t, err, drkit.ErrNotFound)
		requests := server.Count("")
		_, err = client.Site(" ").VMReplications.Get(t.Context(), vcavtest.ReplicationID("db-1"))
		require.ErrorContains(t, err, "site is empty")
		assert.Equal(t, requests, server.Count(""))
	}, vcavtest.AuthenticatedAt("site1"))
}
