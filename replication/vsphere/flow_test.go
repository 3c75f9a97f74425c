package vsphere_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// flow is two simulated sites in memory, where hours pass at once, and a client for each.
type flow struct {
	*testing.T
	pair                *vspheretest.Pair
	protected, recovery party
}

// party is a client of one site, and its view of the pairing.
type party struct {
	*vsphere.Client
	*vsphere.PairingView
	server *vspheretest.Server
}

var db1 = vspheretest.ReplicationID("db-1")

// inFlow runs a test between two sites. Tasks take ten seconds, and transfers a minute.
func inFlow(t *testing.T, test func(t *testing.T, f flow), options ...vspheretest.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := vspheretest.NewPair(t, append([]vspheretest.Option{
			vspheretest.InMemory(), vspheretest.TaskDuration(time.Second, 9*time.Second), vspheretest.SyncDuration(time.Minute),
		}, options...)...)
		test(t, flow{t, pair, enter(t, pair.Protected), enter(t, pair.Recovery)})
		for _, server := range []*vspheretest.Server{pair.Protected, pair.Recovery} {
			assert.Zero(t, server.Refused(), "the client keeps to the limits")
		}
	})
}

// enter returns a client of a simulated site, which has not signed in yet.
func enter(t *testing.T, server *vspheretest.Server, options ...drkit.Option) party {
	t.Helper()
	client, err := vsphere.NewClient(server.URL, userOf(server), append(server.Options(), options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return party{client, client.Pairing(server.PairingID()), server}
}

func userOf(server *vspheretest.Server) vsphere.Credentials {
	return vsphere.Login(server.User, drkit.NewSecret(server.Password))
}

// signInRemotely signs both clients in at the other site.
func (f flow) signInRemotely() {
	f.Helper()
	for _, one := range []party{f.protected, f.recovery} {
		require.NoError(f, one.signInRemotely(f.Context()))
	}
}

func (p party) signInRemotely(ctx context.Context) error {
	return p.RemoteSession.SignIn(ctx, userOf(p.server.Peer()))
}

// testOf asks for a test of an instance at the site of a party.
func (p party) testOf(instance string) vsphere.RunTestRecovery {
	return vsphere.RunTestRecovery{
		InstanceID: instance, FolderID: vspheretest.FolderID(p.server.Site), ComputeResourceID: vspheretest.ResourcePoolID(p.server.Site),
	}
}

// newest is the latest point in time of a replication.
func (p party) newest(ctx context.Context, t *testing.T, id string) vsphere.PointInTimeInstance {
	t.Helper()
	instances, err := drkit.Collect(p.Replications.Instances(ctx, id, vsphere.ListQuery{}))
	require.NoError(t, err)
	require.NotEmpty(t, instances)
	newest := instances[0]
	for _, one := range instances {
		if one.TransferStartTime.After(newest.TransferStartTime.Time) {
			newest = one
		}
	}
	return newest
}

// becomes waits until a replication has a status.
func (p party) becomes(t *testing.T, id string, wanted vsphere.ReplicationState) vsphere.ReplicationInfo {
	t.Helper()
	for range 100 {
		replication, err := p.Replications.Get(t.Context(), id)
		require.NoError(t, err)
		if replication.Status.Status == wanted {
			return replication
		}
		<-time.After(10 * time.Second)
	}
	require.Fail(t, "the replication is never "+string(wanted))
	return vsphere.ReplicationInfo{}
}

// configuration is what replicates a machine of the site of a party to the other, as the inventories of both have it.
func (p party) configuration(t *testing.T, name string) vsphere.ConfigureReplication {
	t.Helper()
	machines, err := drkit.Collect(p.VMs.List(t.Context(), p.server.VCenter, vsphere.VMQuery{
		FilterProperty: "name", Filter: []string{name}, SuitableForReplication: drkit.Some(true),
	}))
	require.NoError(t, err)
	require.Len(t, machines, 1)
	machine := machines[0]
	capability, err := p.VMs.Capability(t.Context(), p.server.VCenter, machine.ID)
	require.NoError(t, err)
	require.Equal(t, vsphere.VMValidationStatusOK, capability.VMValidationStatus)

	other := p.server.Peer().VCenter
	policies, err := drkit.Collect(p.StoragePolicies.List(t.Context(), other, vsphere.ListQuery{}))
	require.NoError(t, err)
	datastores, err := drkit.Collect(p.Datastores.List(t.Context(), other, vsphere.ListQuery{}))
	require.NoError(t, err)
	policy, datastore := policies[0].StoragePolicyID, datastores[len(datastores)-1].ID
	compliance, err := p.StoragePolicies.CheckCompliance(t.Context(), other, policy, []string{datastore})
	require.NoError(t, err)
	require.True(t, compliance[0].Compliant)

	wanted := vsphere.ConfigureReplication{
		RPO: int64(capability.MinRPOMins) * 3, NetworkCompressionEnabled: true, MPITEnabled: true, MPITInstances: drkit.Some[int32](3),
		AutoReplicateNewDisks: true, TargetVCID: other, VMID: machine.ID,
	}
	for disk, err := range p.VMs.Disks(t.Context(), p.server.VCenter, machine.ID, vsphere.ListQuery{}) {
		require.NoError(t, err)
		wanted.Disks = append(wanted.Disks, vsphere.ConfigureDisk{
			VMDisk: disk, EnabledForReplication: true, DestinationDatastoreID: datastore,
			DestinationStoragePolicyID: drkit.Some(policy), DestinationDiskFormat: vsphere.DiskFormatSameAsSource,
		})
	}
	return wanted
}

// A machine is protected, its recovery is rehearsed twice, once for nothing and once to keep what was tested, and it
// is let go again, in whatever shape the answers come.
func TestFlow(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]vspheretest.Option{
		"as documented":       nil,
		"one vCenter Server":  {vspheretest.OneVCenter()},
		"numbers for images":  {vspheretest.NumericCreatedTime()},
		"members left out":    {vspheretest.Sparse()},
		"a row on each page":  {vspheretest.PageSize(1), vspheretest.RateLimits(0, 0, 0)},
		"links to elsewhere":  {vspheretest.PageSize(1), vspheretest.LinkBase("https://elsewhere.example.net"), vspheretest.RateLimits(0, 0, 0)},
		"links without hosts": {vspheretest.PageSize(1), vspheretest.LinkBase(""), vspheretest.RateLimits(0, 0, 0)},
	} {
		t.Run(name, func(t *testing.T) { inFlow(t, func(_ *testing.T, f flow) { f.whole() }, options...) })
	}
}

// whole is the way of a machine from its first replication to its last.
func (f flow) whole() {
	id := f.begins()
	f.rehearse(id, false)
	f.rehearse(id, true)
	demoted, err := f.recovery.Replications.DemoteTestImage(f.Context(), id)
	finished(f.T, demoted, err)
	f.ends(id)

	audit := f.pair.Audit().Replication(id)
	assert.Equal(f, vspheretest.ReplicationAudit{
		Replication: id, VMName: "new-2", Configured: 1, Unconfigured: 1, Paused: 2, Resumed: 2, Synced: 1, Tested: 2,
		CleanedUp: 1, Promoted: 1, Demoted: 1,
	}, audit)
	assert.Empty(f, f.pair.Recovery.TestMachines())
}

// begins replicates a machine, and transfers what has changed.
func (f flow) begins() (id string) {
	f.signInRemotely()
	wanted := f.protected.configuration(f.T, "new-2")
	configured, err := f.protected.Replications.Configure(f.Context(), wanted)
	assert.Equal(f, wanted.VMID, finished(f.T, configured, err).Entity)
	id = f.replicationOf("new-2")
	shown := f.recovery.becomes(f.T, id, vsphere.ReplicationStateOK)
	assert.Equal(f, wanted.RPO, shown.RPO)
	assert.Equal(f, wanted.VMID, shown.VMID)
	assert.Empty(f, shown.Meta.Errors)

	synced, err := f.protected.Replications.Sync(f.Context(), id)
	finished(f.T, synced, err)
	assert.True(f, f.recovery.becomes(f.T, id, vsphere.ReplicationStateOK).LastSyncTime.After(shown.LastSyncTime.Time))
	return id
}

// ends lets the machine go.
func (f flow) ends(id string) {
	ended, err := f.protected.Replications.Unconfigure(f.Context(), id, vsphere.RemoveQuery{})
	finished(f.T, ended, err)
	_, err = f.recovery.Replications.Get(f.Context(), id)
	require.ErrorIs(f, err, drkit.ErrNotFound)
}

// replicationOf returns the id of a machine's replication, as the recovery site lists it.
func (f flow) replicationOf(name string) string {
	f.Helper()
	rows, err := drkit.Collect(f.recovery.Replications.List(f.Context(), vsphere.ReplicationQuery{
		FilterProperty: "name", Filter: []string{name}, SourceVCGUID: f.pair.Protected.VCenter, ExtendedInfo: drkit.Some(true),
	}))
	require.NoError(f, err)
	require.Len(f, rows, 1)
	return rows[0].ID
}

// rehearse is a test between a pause and a resume, and keeps what was tested, or does not.
func (f flow) rehearse(id string, keep bool) {
	f.Helper()
	replications := f.recovery.Replications
	f.pauses(id)
	_, err := replications.ActiveImage(f.Context(), id)
	require.ErrorIs(f, err, drkit.ErrNotFound)
	require.ErrorContains(f, err, "no active image")

	tested := f.recovery.newest(f.Context(), f.T, id)
	begun, err := replications.Test(f.Context(), id, f.recovery.testOf(tested.ID))
	finished(f.T, begun, err)
	image, err := replications.ActiveImage(f.Context(), id)
	require.NoError(f, err)
	assert.True(f, image.TestBubbleImage)
	assert.Equal(f, tested.ID, image.InstanceID)
	assert.WithinDuration(f, time.Now(), image.CreatedTime.Time, time.Minute)
	machines := f.pair.Recovery.TestMachines()
	require.Len(f, machines, 1)
	require.Len(f, image.VMIDs, 1)
	assert.Equal(f, machines[0].ID, image.VMIDs[0].ID)

	end := replications.CleanUp
	if keep {
		end = replications.PromoteTestImage
	}
	reverted, err := end(f.Context(), id, image.ID)
	finished(f.T, reverted, err)
	_, err = replications.ActiveImage(f.Context(), id)
	require.ErrorIs(f, err, drkit.ErrNotFound)
	assert.Equal(f, keep, f.recovery.newest(f.Context(), f.T, id).Promoted)

	f.resumes(id)
}

func (f flow) pauses(id string) {
	f.Helper()
	paused, err := f.recovery.Replications.Pause(f.Context(), id)
	finished(f.T, paused, err)
	f.recovery.becomes(f.T, id, vsphere.ReplicationStatePaused)
}

func (f flow) resumes(id string) {
	f.Helper()
	resumed, err := f.recovery.Replications.Resume(f.Context(), id)
	finished(f.T, resumed, err)
	f.recovery.becomes(f.T, id, vsphere.ReplicationStateOK)
}

// The first version of the API tells times as text, which are those of the second where they can be read. It does not
// have what came after version 2.0.0.
func TestFlowOfTheFirstVersion(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]vspheretest.Option{
		"dates":  nil,
		"digits": {vspheretest.DigitTimes()},
		"sparse": {vspheretest.Sparse(), vspheretest.DigitTimes(), vspheretest.NumericCreatedTime()},
	} {
		t.Run(name, func(t *testing.T) {
			inFlow(t, func(t *testing.T, f flow) {
				before := f.recovery
				f.protected = enter(t, f.pair.Protected, vsphere.WithAPIVersion("v1"))
				f.recovery = enter(t, f.pair.Recovery, vsphere.WithAPIVersion("v1"))
				id := f.begins()
				f.pauses(id)
				_, err := f.recovery.Replications.Test(t.Context(), id, f.recovery.testOf(before.newest(t.Context(), t, id).ID))
				require.ErrorIs(t, err, drkit.ErrNotFound)
				f.resumes(id)
				f.ends(id)
				require.NoError(t, before.signInRemotely(t.Context()))
				for _, one := range []struct{ v1, v2 vsphere.Time }{
					{f.get(f.recovery).LastSyncTime, f.get(before).LastSyncTime},
					{f.firstTask(f.recovery).QueuedTime, f.firstTask(before).QueuedTime},
					{f.firstTask(f.recovery).CompleteTime, f.firstTask(before).CompleteTime},
				} {
					assert.NotEmpty(t, one.v1.Text)
					assert.Empty(t, one.v2.Text)
					assert.False(t, one.v2.Time.IsZero())
					assert.WithinDuration(t, one.v2.Time, one.v1.Time, time.Millisecond, "which is what text shows")
				}
			}, options...)
		})
	}
}

func (f flow) get(p party) vsphere.ReplicationInfo {
	f.Helper()
	replication, err := p.Replications.Get(f.Context(), db1)
	require.NoError(f, err)
	return replication
}

func (f flow) firstTask(p party) vsphere.Task {
	f.Helper()
	tasks, err := drkit.Collect(p.Tasks.List(f.Context(), vsphere.ListQuery{}))
	require.NoError(f, err)
	require.NotEmpty(f, tasks)
	return tasks[len(tasks)-1]
}
