package unitrends_test

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// flow is a source and a target in memory, where hours pass at once, and a client for each.
type flow struct {
	*testing.T
	pair           *unitrendstest.Pair
	source, target *unitrends.Client
}

// inFlow runs a test between a source that protects db-1, with three backups, and web-1, with one, and a target.
// A source takes a minute to find a decision, and ten for a copy.
func inFlow(t *testing.T, test func(t *testing.T, f flow), options ...unitrendstest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, append([]unitrendstest.Option{
			unitrendstest.InMemory(), unitrendstest.Settling(time.Minute), unitrendstest.Copying(10 * time.Minute),
			unitrendstest.AtSource(unitrendstest.Protects(unitrendstest.Asset{Name: "db-1", Backups: 3}, unitrendstest.Asset{Name: "web-1"})),
		}, options...)...)
		test(t, flow{t, pair, signIn(t, pair.Source, pair.Source.User, pair.Source.Password), signIn(t, pair.Target, pair.Target.User, pair.Target.Password)})
	})
}

// signIn returns a client of somebody at a simulated appliance.
func signIn(t *testing.T, server *unitrendstest.Server, user, password string, options ...drkit.Option) *unitrends.Client {
	t.Helper()
	client, err := unitrends.NewClient(server.URL, unitrends.Login(user, drkit.NewSecret(password)), append(server.Options(), options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// ended waits for a poller that was begun without an error.
func ended[T any](t *testing.T, poller *drkit.Poller[T], err error) T {
	t.Helper()
	require.NoError(t, err)
	result, err := poller.Wait(day(t))
	require.NoError(t, err)
	return result
}

// ask lets the source ask, and returns the poller of its request and the id that this has at the target.
func (f flow) ask() (*drkit.Poller[unitrends.Target], unitrends.ID) {
	f.Helper()
	asked, err := f.source.Targets.Request(f.Context(), unitrends.TargetRequest{"host": f.pair.Target.Host})
	require.NoError(f, err)
	pending, err := f.target.Sources.Pending(f.Context())
	require.NoError(f, err)
	require.NotEmpty(f, pending)
	return asked, pending[len(pending)-1].RequestID
}

// accept begins to accept a request.
func (f flow) accept(request unitrends.ID) *drkit.Poller[unitrends.System] {
	f.Helper()
	poller, err := f.target.Sources.Accept(f.Context(), request, unitrends.Acceptance{})
	require.NoError(f, err)
	return poller
}

// asset returns what a job order names an instance of the source by.
func (f flow) asset(name string) unitrends.ID {
	f.Helper()
	clients, err := f.source.Assets.List(f.Context())
	require.NoError(f, err)
	for _, client := range clients {
		for _, child := range client.Children {
			if child.Name == name {
				return child.ID
			}
		}
	}
	require.Fail(f, "no asset "+name)
	return ""
}

// order is a job order for all that the source protects.
func (f flow) order(target unitrends.ID) unitrends.ReplicationJobOrder {
	f.Helper()
	return unitrends.ReplicationJobOrder{Name: "nightly", Instances: []unitrends.ID{f.asset("db-1"), f.asset("web-1")}, TargetID: target}
}

// connect makes the target that of the source, behind the clients' backs, and creates a job order.
func (f flow) connect() unitrends.JobOrder {
	f.Helper()
	_, target := f.pair.Connect()
	created, err := f.source.JobOrders.Create(f.Context(), f.order(idOf(target)))
	return ended(f.T, created, err)
}

// A source is taken in, its backups are copied, a copy is proven to work, and the source is removed, whatever the
// shape of the answers.
func TestFlow(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]unitrendstest.Option{
		"as documented":          nil,
		"numbers as text":        {unitrendstest.NumbersAsText()},
		"results as objects":     {unitrendstest.ResultObjects()},
		"single elements":        {unitrendstest.SingleElements()},
		"successes without body": {unitrendstest.BareSuccesses()},
		"other roles":            {unitrendstest.OtherRoles()},
		"no status of requests":  {unitrendstest.RequestStatus("", "")},
		"accepted targets only":  {unitrendstest.OnlyAcceptedTargets()},
		"before backup copy":     {unitrendstest.BeforeBackupCopy()},
		"a managed source":       {unitrendstest.AtTarget(unitrendstest.Manages("branch"))},
		"all of it": {
			unitrendstest.NumbersAsText(), unitrendstest.ResultObjects(), unitrendstest.SingleElements(), unitrendstest.BareSuccesses(),
			unitrendstest.OtherRoles(), unitrendstest.OnlyAcceptedTargets(), unitrendstest.BeforeBackupCopy(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inFlow(t, func(t *testing.T, f flow) {
				system, target := f.takeIn()
				f.copyAll(target)
				f.prove()
				f.remove(system)
				assert.Equal(t, 1, f.pair.Target.Ran("Sources.Decide", ""), f.pair.Target.Audit())
				assert.Equal(t, 1, f.pair.Source.Ran("JobOrders.Create", ""), f.pair.Source.Audit())
			}, options...)
		})
	}
}

// takeIn lets the source ask and the target accept, until both know it.
func (f flow) takeIn() (system, target unitrends.ID) {
	asked, request := f.ask()
	systems, err := f.target.Systems.List(f.Context(), unitrends.SystemQuery{IncludePending: drkit.Some(true)})
	require.NoError(f, err)
	at := slices.IndexFunc(systems, func(s unitrends.System) bool { return s.RequestID == request })
	require.GreaterOrEqual(f, at, 0)
	assert.Equal(f, "branch", systems[at].Name)
	assert.False(f, systems[at].Replicates())

	storage, err := f.target.Storage.List(f.Context())
	require.NoError(f, err)
	at = slices.IndexFunc(storage, func(s unitrends.StorageArea) bool { return s.Name == "copies" && s.SystemName == "vault" })
	require.GreaterOrEqual(f, at, 0)
	began := time.Now()
	accepted, err := f.target.Sources.Accept(f.Context(), request, unitrends.Acceptance{StorageID: drkit.Some(storage[at].ID)})
	source := ended(f.T, accepted, err)
	assert.False(f, accepted.Adopted())
	assert.Equal(f, "branch", source.Name)
	assert.True(f, source.Replicates(), source.Role)
	assert.GreaterOrEqual(f, time.Since(began), time.Minute)
	assert.Equal(f, f.pair.Target.StorageID("copies"), f.pair.Target.StorageOf("branch"))

	connected := ended(f.T, asked, nil)
	assert.Equal(f, "vault", connected.Name)
	return source.ID, connected.TargetID
}

// copyAll orders copies of all backups, and waits for them.
func (f flow) copyAll(target unitrends.ID) {
	created, err := f.source.JobOrders.Create(f.Context(), f.order(target))
	order := ended(f.T, created, err)
	assert.Equal(f, "nightly", order.Name)

	queue, err := f.source.Queue.Get(f.Context())
	require.NoError(f, err)
	assert.Len(f, queue.Active, 2)
	assert.Len(f, queue.Inactive, 2)
	shown, err := f.target.Queue.Get(f.Context())
	require.NoError(f, err)
	assert.Len(f, append(shown.Inactive, make([]unitrends.QueueItem, len(shown.Active))...), 4, "a target shows the queues of its sources")

	var percents []int
	drain, err := f.source.Queue.Drained().Wait(day(f.T), drkit.OnProgress(func(p drkit.Progress) { percents = append(percents, p.Percent) }))
	require.NoError(f, err)
	assert.Equal(f, unitrends.Drain{Left: 4, States: map[string]int{"Success": 4}}, drain)
	assert.True(f, slices.IsSorted(percents), percents)
	assert.Contains(f, percents, 50)
	active, waiting := f.pair.Source.QueueLength()
	assert.Zero(f, active+waiting)
}

// prove runs a machine from a copy and removes it again.
func (f flow) prove() {
	instances, err := f.target.Catalog.List(f.Context(), unitrends.CatalogQuery{})
	require.NoError(f, err)
	// A target that manages its source shows what that has, too: the copies are the target's own.
	at := slices.IndexFunc(instances, func(i unitrends.CatalogInstance) bool {
		return i.DatabaseName == "db-1" && len(i.Backups) > 0 && string(i.Backups[0].ID) == strconv.Itoa(f.pair.Target.BackupIDs("db-1")[0])
	})
	require.GreaterOrEqual(f, at, 0, instances)
	require.Len(f, instances[at].Backups, 3)

	started, err := f.target.InstantRecoveries.Start(f.Context(), unitrends.InstantRecovery{
		Audit: true, PowerOn: drkit.Some(true), BackupID: instances[at].Backups[2].ID,
		Target: unitrends.RecoveryTarget{Host: "14", Name: "db-1-audit", Datastore: drkit.Some("scratch")},
	})
	machine := ended(f.T, started, err)
	assert.Equal(f, "db-1-audit", machine.VMName)
	assert.Equal(f, "audit", machine.Mode)
	assert.Equal(f, []string{"db-1-audit"}, f.pair.Target.Audit().Recoveries)
	over, err := f.target.InstantRecoveries.End(f.Context(), machine.VirtualID, unitrends.RecoveryKindVMware)
	assert.Equal(f, machine, ended(f.T, over, err))
	assert.Empty(f, f.pair.Target.Audit().Recoveries)
}

// remove ends the replication of the source.
func (f flow) remove(system unitrends.ID) {
	removal, err := f.target.Sources.Delete(f.Context(), system)
	assert.Equal(f, "branch", ended(f.T, removal, err).Name)
	systems, err := f.target.Systems.List(f.Context(), unitrends.SystemQuery{})
	require.NoError(f, err)
	assert.False(f, slices.ContainsFunc(systems, unitrends.System.Replicates))
	targets, err := f.source.Targets.List(f.Context())
	require.NoError(f, err)
	assert.Empty(f, targets)
}

func idOf(number int) unitrends.ID { return unitrends.ID(strconv.Itoa(number)) }
