package cloudreplica_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// tongue is one way in which client and simulator speak to each other.
type tongue struct {
	name   string
	client []drkit.Option
	server []cloudreplicatest.Option
}

func tongues() []tongue {
	json := []drkit.Option{cloudreplica.WithJSON()}
	return []tongue{
		{"XML", nil, nil},
		{"XML of other samples", nil, []cloudreplicatest.Option{cloudreplicatest.PlanVMsAs("CloudFailoverPlanVm")}},
		{"JSON", json, nil},
		{"JSON of 9.5", json, []cloudreplicatest.Option{cloudreplicatest.OmitNulls(), cloudreplicatest.BinaryTokens()}},
		{"JSON of 13.0", json, []cloudreplicatest.Option{cloudreplicatest.CamelCase()}},
		{"JSON of 13.0 with a mark", json, []cloudreplicatest.Option{
			cloudreplicatest.CamelCase(), cloudreplicatest.ByteOrderMark(), cloudreplicatest.PlanVMsAs("CloudFailoverPlanVm"),
		}},
	}
}

// flow is a test of a client on the simulator, in memory, where hours pass at once.
type flow struct {
	*testing.T
	server *cloudreplicatest.Server
	client *cloudreplica.Client // nobody has signed in yet
	spoken tongue
}

// flows runs a test in every tongue.
func flows(t *testing.T, test func(f *flow), options ...cloudreplicatest.Option) {
	t.Helper()
	for _, spoken := range tongues() {
		t.Run(spoken.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := cloudreplicatest.NewServer(t, slices.Concat(options, spoken.server, []cloudreplicatest.Option{cloudreplicatest.InMemory()})...)
				f := &flow{T: t, server: server, spoken: spoken}
				f.client = f.clientOf(f.login())
				test(f)
			})
		})
	}
}

func (f *flow) login() cloudreplica.Credentials {
	return cloudreplica.Login(f.server.User, drkit.NewSecret(f.server.Password))
}

// clientOf returns another client of the same server, in the same tongue.
func (f *flow) clientOf(credentials cloudreplica.Credentials, options ...drkit.Option) *cloudreplica.Client {
	f.Helper()
	client, err := cloudreplica.NewClient(f.server.URL, credentials, slices.Concat(f.server.Options(), f.spoken.client, options)...)
	require.NoError(f, err)
	f.Cleanup(func() { assert.NoError(f, client.Close(context.WithoutCancel(f.Context()))) })
	return client
}

// pass lets time pass, in which what goes on in the background happens.
func pass(length time.Duration) {
	<-time.After(length)
	synctest.Wait()
}

// done waits for work that was begun.
func done[T any](t testing.TB, poller *drkit.Poller[T], err error) T {
	t.Helper()
	require.NoError(t, err)
	result, err := poller.Wait(t.Context())
	require.NoError(t, err)
	return result
}

// failedWith waits for work that was begun and fails.
func failedWith[T any](t testing.TB, message string, poller *drkit.Poller[T], err error) {
	t.Helper()
	require.NoError(t, err)
	_, err = poller.Wait(t.Context())
	var task *drkit.TaskError
	require.ErrorAs(t, err, &task)
	assert.Contains(t, task.Message, message)
}

func TestSignInOnTheSimulator(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		versions, err := f.client.Sessions.Versions(ctx)
		require.NoError(f, err)
		names := make([]string, len(versions))
		for i, version := range versions {
			names[i] = version.Name
			create, found := version.Links.Find(cloudreplica.RelCreate, "LogonSession")
			assert.True(f, found)
			assert.Contains(f, create.Href, "?v="+version.Name)
		}
		assert.Equal(f, []string{"v1_4", "v1_5", "v1_6", "v1_7"}, names)
		assert.Zero(f, f.server.SignIns())

		session, err := f.client.Sessions.SignIn(ctx)
		require.NoError(f, err)
		assert.Equal(f, `EM01\administrator`, session.UserName)
		again, err := f.client.Sessions.SignIn(ctx)
		require.NoError(f, err)
		assert.Equal(f, session, again)
		assert.Equal(f, 1, f.server.SignIns())
		got, err := f.client.Sessions.Get(ctx, session.SessionID)
		require.NoError(f, err)
		assert.Equal(f, session.SessionID, got.SessionID)

		for _, user := range []string{`CORP\` + f.server.User, f.server.User + "@corp.example"} {
			other := f.clientOf(cloudreplica.Login(user, drkit.NewSecret(f.server.Password)), cloudreplica.WithAPIVersion("v1_6"))
			_, err = other.Sessions.SignIn(ctx)
			require.NoError(f, err)
		}
		requests := f.server.Requests()
		assert.Equal(f, "v=v1_6", requests[len(requests)-1].Query.Encode())
		all, err := f.client.Sessions.List(ctx)
		require.NoError(f, err)
		assert.Len(f, all, 3)

		require.NoError(f, f.client.Sessions.End(ctx))
		assert.Equal(f, 2, f.server.Sessions(), "the session of its own")
		assert.Equal(f, 1, f.server.Ran("Sessions.End", session.SessionID))
		require.NoError(f, f.client.Sessions.End(ctx), "there is none")
		_, err = f.client.Cloud.Links(ctx)
		require.NoError(f, err)
		assert.Equal(f, 4, f.server.SignIns())
	})
}

func TestRefusedSignInOnTheSimulator(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		wrong := f.clientOf(cloudreplica.Login(f.server.User, drkit.NewSecret("wrong")))
		for range 2 {
			_, err := wrong.Tenants.List(ctx)
			require.ErrorIs(f, err, drkit.ErrUnauthorized)
			assert.ErrorContains(f, err, "Logon failed")
		}
		assert.Equal(f, 1, f.server.Count("Sessions.SignIn"), "refused credentials are not tried again")

		old := f.clientOf(f.login(), cloudreplica.WithAPIVersion("v9_9"))
		_, err := old.Sessions.SignIn(ctx)
		require.ErrorContains(f, err, "v9_9 is not supported")
		assert.Zero(f, f.server.Sessions())

		_, err = f.client.Cloud.Links(ctx)
		require.NoError(f, err)
		f.server.ChangePassword("another")
		f.server.ExpireSessions()
		_, err = f.client.Cloud.Links(ctx)
		require.ErrorIs(f, err, drkit.ErrUnauthorized)
	})
}

// A session that idles for a quarter of an hour has ended. The client begins another, and its caller does not notice.
func TestIdleSessions(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		for range 3 {
			_, err := f.client.Cloud.Links(ctx)
			require.NoError(f, err)
			pass(14 * time.Minute)
		}
		assert.Equal(f, 1, f.server.SignIns(), "every request keeps it alive")
		pass(time.Minute + time.Second)
		_, err := f.client.Cloud.Links(ctx)
		require.NoError(f, err)
		assert.Equal(f, 2, f.server.SignIns())
		assert.Equal(f, 4, f.server.Count("Cloud.Links"), "by its own clock, without a refusal")

		f.server.ExpireSessions()
		_, err = f.client.Cloud.Links(ctx)
		require.NoError(f, err)
		assert.Equal(f, 3, f.server.SignIns())
		assert.Equal(f, 6, f.server.Count("Cloud.Links"), "after a refusal")
	})
}

// A session that was given is used, is not left for another, and not ended.
func TestGivenSession(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		client := f.clientOf(cloudreplica.Token(drkit.NewSecret(f.server.Token())))
		_, err := client.Sessions.SignIn(ctx)
		require.NoError(f, err)
		tenants, err := client.Tenants.List(ctx)
		require.NoError(f, err)
		assert.Len(f, tenants, 2)
		require.NoError(f, client.Close(ctx))
		assert.Equal(f, 1, f.server.Sessions())
		assert.Zero(f, f.server.Count("Sessions.SignIn"))

		f.server.ExpireSessions()
		late := f.clientOf(cloudreplica.Token(drkit.NewSecret("gone")))
		_, err = late.Tenants.List(ctx)
		require.ErrorIs(f, err, drkit.ErrUnauthorized)
		assert.Zero(f, f.server.Count("Sessions.SignIn"))
	})
}

// The cookie of a session wins over the header: clients that keep cookies mix sessions up. Clients of one process are
// of two tenants here, and each sees its own.
func TestTenantSessions(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		acme := f.clientOf(cloudreplica.TenantLogin(f.login(), "acme", drkit.NewSecret("tenant-password")))
		globex := f.clientOf(cloudreplica.OrganizationLogin(f.login(), "globex", "gil", drkit.NewSecret("tenant-password")))
		for range 2 {
			for client, want := range map[*cloudreplica.Client]string{acme: "acme all", globex: "globex all"} {
				plans, err := client.FailoverPlans.List(ctx)
				require.NoError(f, err)
				require.Len(f, plans, 1)
				assert.Equal(f, want, plans[0].Name)
			}
			plans, err := f.client.FailoverPlans.Refs(ctx)
			require.NoError(f, err)
			assert.Len(f, plans, 2)
		}
		assert.Equal(f, 3, f.server.SignIns())

		session, err := acme.Sessions.SignIn(ctx)
		require.NoError(f, err)
		for _, link := range session.Links {
			assert.Contains(f, []string{"CloudConnectService", "LogonSession", "EnterpriseManager", "TaskList", ""}, link.Type)
		}
		links, err := acme.Cloud.Links(ctx)
		require.NoError(f, err)
		whole, err := f.client.Cloud.Links(ctx)
		require.NoError(f, err)
		assert.Less(f, len(links), len(whole))
		points, err := acme.VMReplicaPoints.List(ctx)
		require.NoError(f, err)
		assert.Len(f, points, 6)
		replicas, err := acme.Replicas.List(ctx)
		require.NoError(f, err)
		assert.Len(f, replicas, 1)
		_, err = acme.Tenants.List(ctx)
		require.ErrorIs(f, err, drkit.ErrForbidden)
		_, err = acme.BackupServers.List(ctx)
		require.ErrorIs(f, err, drkit.ErrForbidden)
		_, err = acme.FailoverPlans.Get(ctx, cloudreplicatest.PlanID("globex all"))
		require.ErrorIs(f, err, drkit.ErrNotFound)

		wrong := f.clientOf(cloudreplica.TenantLogin(f.login(), "acme", drkit.NewSecret("wrong")))
		_, err = wrong.Cloud.Links(ctx)
		require.ErrorIs(f, err, drkit.ErrUnauthorized)
		for _, request := range f.server.Requests() {
			assert.Empty(f, request.Header.Values("Cookie"), "clients keep none")
		}
	}, cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"}, cloudreplicatest.Tenant{Name: "globex", Type: cloudreplicatest.TenantVCD}),
		cloudreplicatest.WithReplicas(
			cloudreplicatest.Replica{Name: "acme servers", Tenant: "acme", VMs: []cloudreplicatest.VM{{Name: "db-1"}, {Name: "web-1"}}},
			cloudreplicatest.Replica{Name: "app-1", Tenant: "globex", Platform: cloudreplicatest.PlatformVCloud},
		),
		cloudreplicatest.WithPlans(
			cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"db-1", "web-1"}},
			cloudreplicatest.Plan{Name: "globex all", Tenant: "globex", VMs: []string{"app-1"}},
		))
}

func TestWithoutCloudConnect(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		_, err := f.client.Cloud.Links(ctx)
		require.ErrorIs(f, err, cloudreplica.ErrNoCloudConnect)
		_, err = f.client.Tenants.Get(ctx, cloudreplicatest.TenantID("acme"))
		require.ErrorIs(f, err, cloudreplica.ErrNoCloudConnect)
		_, err = f.client.FailoverPlans.Start(ctx, cloudreplicatest.PlanID("acme all"), cloudreplica.FailoverStart{})
		require.ErrorIs(f, err, cloudreplica.ErrNoCloudConnect)
		assert.False(f, isUnknown(err))
		for _, err := range f.client.VMReplicaPoints.Query(ctx, cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{}) {
			require.ErrorIs(f, err, cloudreplica.ErrNoCloudConnect)
		}
		assert.Equal(f, 1, f.server.Count(""), "nothing was sent but the sign-in")

		servers, err := drkit.Collect(f.client.BackupServers.Query(ctx, cloudreplica.Query[cloudreplica.BackupServer]{}))
		require.NoError(f, err, "which is no part of Cloud Connect")
		assert.Len(f, servers, 1)

		given := f.clientOf(cloudreplica.Token(drkit.NewSecret(f.server.Token())))
		_, err = given.Tenants.List(ctx)
		require.ErrorIs(f, err, drkit.ErrNotFound, "such a session does not tell")
	}, cloudreplicatest.WithoutCloudConnect())
}
