package cloudreplica_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// Refusals come in the service's own words, and those of a proxy are told apart.
func TestErrorsOnTheSimulator(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		client := f.clientOf(f.login(), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
		for name, tc := range map[string]struct {
			fault   cloudreplicatest.Fault
			want    error
			foreign bool
			message string
		}{
			"bad request": {cloudreplicatest.Fault{Status: 400, Message: "Node [root] does not exist."}, nil, false, "Node [root] does not exist."},
			"forbidden":   {cloudreplicatest.Fault{Status: 403, Message: "Access is denied"}, drkit.ErrForbidden, false, "Access is denied"},
			"gone":        {cloudreplicatest.Fault{Status: 404, Message: "Tenant was not found"}, drkit.ErrNotFound, false, "Tenant was not found"},
			"failed":      {cloudreplicatest.Fault{Status: 500, Message: "Object reference not set to an <instance> & so on"}, nil, false, "<instance> & so on"},
			"task gone": {
				cloudreplicatest.Fault{Status: 500, Message: "There is no backup task with id [task-7] in current rest session"}, drkit.ErrNotFound, false, "task-7",
			},
			"maintenance": {cloudreplicatest.Fault{Status: 503, Message: "Maintenance", RetryAfter: time.Minute}, nil, false, "Maintenance"},
			"proxy":       {cloudreplicatest.Fault{Status: 502, Body: "<html><body>Bad Gateway</body></html>"}, nil, true, "Bad Gateway"},
			"wrong port":  {cloudreplicatest.Fault{Status: 404, Body: `{"errorCode":"NotFound","message":"nothing here"}`}, nil, true, "nothing here"},
		} {
			tc.fault.Operation, tc.fault.Times = "Tenants.Get", 1
			f.server.Inject(tc.fault)
			_, err := client.Tenants.Get(ctx, acme)
			require.Error(f, err, name)
			answer := answerOf(f, err)
			assert.Equal(f, tc.fault.Status, answer.Status, name)
			assert.Equal(f, tc.foreign, answer.Foreign, name)
			assert.ErrorContains(f, err, tc.message, name)
			if tc.want != nil {
				require.ErrorIs(f, err, tc.want, name)
			} else {
				require.NotErrorIs(f, err, drkit.ErrNotFound, name)
			}
		}
	})
}

// What only reads is sent again after what passes by itself: a proxy's page, a lost connection, half an answer.
func TestReadsThatRepeat(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		for i, fault := range []cloudreplicatest.Fault{
			{Status: 502, Body: "<html>Bad Gateway</html>"},
			{Status: 503, RetryAfter: 3 * time.Second},
			{Drop: true},
			{After: true, Drop: true},
			{After: true, Truncate: true},
			{Reset: true},
		} {
			fault.Operation, fault.Times = "VMReplicaPoints.List", 1
			f.server.Inject(fault)
			points, err := f.client.VMReplicaPoints.List(ctx)
			require.NoError(f, err)
			assert.Len(f, points, 9)
			assert.Equal(f, 2*(i+1), f.server.Count("VMReplicaPoints.List"))
		}
	})
}

// A tenant whose making was answered by nobody is never made twice.
func TestTenantOfALostAnswer(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault cloudreplicatest.Fault
		made  int
		found bool
	}{
		"before the work": {cloudreplicatest.Fault{Drop: true}, 0, false},
		"after the work":  {cloudreplicatest.Fault{After: true, Drop: true}, 1, true},
		"half an answer":  {cloudreplicatest.Fault{After: true, Truncate: true}, 1, true},
		"a proxy's page":  {cloudreplicatest.Fault{After: true, Status: 502, Body: "<html>Bad Gateway</html>"}, 1, true},
		"much later":      {cloudreplicatest.Fault{Status: 504, Late: 2 * time.Minute}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flows(t, func(f *flow) {
				fault := tc.fault
				fault.Operation, fault.Times = "Tenants.Create", 1
				f.server.Inject(fault)
				poller, err := f.client.Tenants.Create(f.Context(), newTenant("hooli"))
				if tc.found {
					require.NoError(f, err)
					assert.True(f, poller.Adopted())
					assert.Equal(f, "hooli", done(f, poller, err).Name)
				} else {
					require.ErrorIs(f, err, drkit.ErrOutcomeUnknown)
				}
				for range 3 { // late work comes from a session that has not idled too long
					pass(5 * time.Minute)
					_, err = f.client.Cloud.Links(f.Context())
					require.NoError(f, err)
				}
				assert.Equal(f, tc.made, f.server.Audit().TenantsNamed("hooli"))
				assert.Equal(f, 1, f.server.Count("Tenants.Create"))
			})
		})
	}
}

// The refusal of a session that has ended proves that nothing ran: what must not repeat is sent again under a new one.
func TestChangeOfAnEndedSession(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		_, err := f.client.Cloud.Links(f.Context())
		require.NoError(f, err)
		f.server.ExpireSessions()
		poller, err := f.client.Tenants.Create(f.Context(), newTenant("hooli"))
		assert.Equal(f, "hooli", done(f, poller, err).Name)
		assert.Equal(f, 1, f.server.Audit().TenantsNamed("hooli"))
	})
}

// Numbers of tasks begin anew in each session: what is asked of a task is not asked again in another, where it would
// stop other work.
func TestTasksOfAnEndedSession(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		_, err := f.client.BackupServers.Collect(ctx, cloudreplicatest.BackupServerID("vbr01"))
		require.NoError(f, err)
		_, err = f.client.Tasks.Get(ctx, "task-1")
		require.NoError(f, err)
		f.server.ExpireSessions()
		require.ErrorIs(f, f.client.Tasks.Delete(ctx, "task-1"), drkit.ErrNotFound)
		assert.Equal(f, 1, f.server.Count("Tasks.Delete"))
		_, err = f.client.BackupServers.Collect(ctx, cloudreplicatest.BackupServerID("vbr01"))
		require.NoError(f, err)
		f.server.ExpireSessions()
		_, err = f.client.Tasks.Get(ctx, "task-1")
		require.ErrorIs(f, err, drkit.ErrNotFound)
		assert.Equal(f, 2, f.server.Count("Tasks.Get"))
		require.NoError(f, f.client.Sessions.End(ctx))
		require.ErrorIs(f, f.client.Tasks.Delete(ctx, "task-1"), drkit.ErrNotFound)
		assert.Equal(f, 1, f.server.Count("Tasks.Delete"), "a session that has only begun has none")
	})
}

// Nor is it where the session ends, and another begins, in the pause before the request is sent again.
func TestTasksOfASessionThatEndsInAPause(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx, server := f.Context(), cloudreplicatest.BackupServerID("vbr01")
		_, err := f.client.BackupServers.Collect(ctx, server)
		require.NoError(f, err)
		f.server.Inject(cloudreplicatest.Fault{Operation: "Tasks.Delete", Times: 1, Status: 503, Do: func() {
			f.server.ExpireSessions()
			_, err := f.client.BackupServers.Collect(ctx, server)
			assert.NoError(f, err)
		}})
		require.ErrorIs(f, f.client.Tasks.Delete(ctx, "task-1"), drkit.ErrNotFound)
		assert.Equal(f, 1, f.server.Count("Tasks.Delete"))
		left, err := f.client.Tasks.List(ctx)
		require.NoError(f, err)
		assert.Len(f, left, 1)
	})
}

// Many callers whose session has ended share one sign-in.
func TestOneSignInForAll(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		for range 3 {
			f.server.ExpireSessions()
			var calls sync.WaitGroup
			for range 20 {
				calls.Go(func() {
					tenants, err := f.client.Tenants.Refs(f.Context())
					assert.NoError(f, err)
					assert.Len(f, tenants, 2)
				})
			}
			calls.Wait()
		}
		assert.Equal(f, 3, f.server.SignIns())
		assert.Equal(f, 1, f.server.Sessions())
	}, cloudreplicatest.Latency(50*time.Millisecond))
}

// Clients do not go where links lead: the service's own name leads nowhere here, and another host gets no token.
func TestLinksToElsewhere(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		ctx := f.Context()
		poller, err := f.client.Tenants.Create(ctx, newTenant("hooli"))
		made := done(f, poller, err)
		assert.Contains(f, made.Href, "https://em01.corp.example:9398/api/")
		server, found := made.BackupServer()
		require.True(f, found)
		got, err := f.client.BackupServers.Get(ctx, server.ID())
		require.NoError(f, err)
		assert.Equal(f, "vbr01", got.Name)
		require.NoError(f, f.client.Sessions.End(ctx))
		assert.Zero(f, f.server.Sessions())

		f.server.Inject(cloudreplicatest.Fault{Operation: "Tenants.List", Redirect: "https://elsewhere.example/api/cloud/tenants", Times: 1})
		_, err = f.client.Tenants.List(ctx)
		require.Error(f, err)
	}, cloudreplicatest.LinksTo("https://em01.corp.example:9398/api"))
}

// Somebody makes points while pages are read: none is missed, and none comes twice.
func TestPointsThatComeWhileReading(t *testing.T) {
	t.Parallel()
	flows(t, func(f *flow) {
		query := cloudreplica.Query[cloudreplica.CloudVMReplicaPoint]{PageSize: 30, Sort: cloudreplica.PointFieldCreationTime.Descending()}
		before, err := drkit.Collect(f.client.VMReplicaPoints.Query(f.Context(), query))
		require.NoError(f, err)
		var once sync.Once
		f.server.Inject(cloudreplicatest.Fault{Operation: "Query.Find", Skip: 2, Times: 1, Do: func() {
			once.Do(func() { f.server.Replicate(); f.server.Collect() })
		}})
		seen := map[string]int{}
		for point, err := range f.client.VMReplicaPoints.Query(f.Context(), query) {
			require.NoError(f, err)
			seen[point.ID()]++
		}
		for _, point := range before {
			assert.Equal(f, 1, seen[point.ID()])
		}
		for id, times := range seen {
			assert.Equal(f, 1, times, id)
		}
	}, cloudreplicatest.Inventory(2, 2, 30))
}

// Over a real socket, with a certificate that nobody has signed.
func TestPinnedCertificate(t *testing.T) {
	t.Parallel()
	server := cloudreplicatest.NewServer(t)
	login := cloudreplica.Login(server.User, drkit.NewSecret(server.Password))
	pinned, err := cloudreplica.NewClient(server.URL, login, drkit.WithThumbprint(server.Thumbprint()))
	require.NoError(t, err)
	tenants, err := pinned.Tenants.List(t.Context())
	require.NoError(t, err)
	assert.Len(t, tenants, 2)
	require.NoError(t, pinned.Close(t.Context()))
	assert.Zero(t, server.Sessions())
}
