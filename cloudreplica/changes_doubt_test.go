package cloudreplica_test

import (
	"context"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// That something is not shown after its removal proves nothing where it was not shown before either.
func TestRemovalOfWhatIsNotShown(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Delete", Drop: true, Times: 1, Do: s.ExpireSessions})
		_, err := client.Tenants.Delete(ctx, nobody)
		assert.False(s.t, unknownOf(s.t, err).Untouched, err)
		require.NoError(s.t, client.Close(ctx))
	})
}

// What a change has left proves nothing where nobody has noted what was there before: only its task tells.
func TestChangesWithoutANote(t *testing.T) {
	t.Parallel()
	for name, gone := range map[string]bool{"its task is gone": true, "its task is not collected": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				poller, err := client.Tenants.Create(drkit.WithoutNote(ctx), newTenant("hooli"))
				require.NoError(s.t, err)
				pass(2 * time.Second)
				if gone {
					s.ExpireSessions()
					_, err = poller.Wait(ctx)
					require.ErrorIs(s.t, err, drkit.ErrTaskGone)
				}
				for range 60 {
					s.Collect()
					pass(time.Minute)
					if !gone {
						_, err = poller.Poll(ctx)
						require.NoError(s.t, err)
					}
				}
				assert.False(s.t, poller.Done())
				assert.Equal(s.t, 1, s.Audit().TenantsNamed("hooli"))
				require.NoError(s.t, client.Close(ctx))
			}, cloudreplicatest.TaskDuration(time.Second, 24*time.Hour))
		})
	}
}

// A change under way keeps others of its kind from being sent, and not those of another kind: the service sees to these.
func TestChangesBesideOthersOfAnotherKind(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.SlowTask("Tenants.Update", acme, time.Minute)
		edit := cloudreplica.CloudTenantEdit{TenantType: standalone("acme"), Description: drkit.Some("x")}
		_, err := client.Tenants.Update(ctx, acme, edit)
		require.NoError(s.t, err)
		_, err = client.Tenants.Update(ctx, acme, edit)
		require.ErrorIs(s.t, err, drkit.ErrConflict)
		poller, err := client.Tenants.Delete(ctx, acme)
		done(s.t, poller, err)
		assert.Equal(s.t, 0, s.Audit().TenantsNamed("acme"))
		require.NoError(s.t, client.Close(ctx))
	})
}

// A tenant of the name at another backup server is another.
func TestTenantOfTheNameElsewhere(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		elsewhere := "urn:veeam:BackupServer:" + cloudreplicatest.BackupServerID("vbr02")
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Create", Drop: true, Times: 1, Do: func() {
			s.ExpireSessions()
			_, err := s.Operator("ann").Do("Tenants.Create", "", `{"Name":"hooli","BackupServerUid":"`+elsewhere+`"}`)
			assert.NoError(s.t, err)
		}})
		_, err := client.Tenants.Create(ctx, newTenant("hooli"))
		require.ErrorIs(s.t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(s.t, 1, s.Audit().TenantsNamed("hooli"))
		require.NoError(s.t, client.Close(ctx))
	}, cloudreplicatest.WithBackupServers(cloudreplicatest.BackupServer{Name: "vbr01"}, cloudreplicatest.BackupServer{Name: "vbr02"}))
}

// What is unknown of one kind of work casts no doubt on the tasks of another kind.
func TestLostChangesOfOtherKinds(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Create", Drop: true, Times: 1, Do: s.ExpireSessions})
		_, err := client.Tenants.Create(ctx, newTenant("hooli"))
		require.ErrorIs(s.t, err, drkit.ErrOutcomeUnknown)
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Update", After: true, Drop: true, Times: 1})
		edit := cloudreplica.CloudTenantEdit{TenantType: standalone("acme"), Description: drkit.Some("x")}
		poller, err := client.Tenants.Update(ctx, acme, edit)
		done(s.t, poller, err)
		assert.True(s.t, poller.Adopted())

		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Create", After: true, Drop: true, Times: 1})
		_, err = client.Tenants.Create(ctx, newTenant("pied piper"))
		assert.NotEmpty(s.t, unknownOf(s.t, err).Candidates, "its task may be that of the first")
		assert.Equal(s.t, 2, s.Count("Tenants.Create"))
		require.NoError(s.t, client.Close(ctx))
	})
}

// A task may stay where its work is done and not collected: what the change has left shows with the next collection.
func TestChangesThatAreNotCollected(t *testing.T) {
	t.Parallel()
	for _, c := range everyChange() {
		t.Run(c.operation, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				client := s.client()
				in := s.furnish(client)
				began := time.Now()
				require.NoError(s.t, c.do(context.Background(), client, in).err)
				assert.Less(s.t, time.Since(began), 25*time.Minute)
				assert.Equal(s.t, 1, s.SignIns(), "and keeps its session")
				require.NoError(s.t, client.Close(context.Background()))
			}, append(grounds(), cloudreplicatest.TaskDuration(50*time.Millisecond, 24*time.Hour))...)
		})
	}
}

// A change that has failed is not waited for, also where nobody collects that.
func TestFailedChangesThatAreNotCollected(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		client := s.client()
		s.FailTask("Tenants.Create", "hooli", "no space")
		poller, err := client.Tenants.Create(context.Background(), newTenant("hooli"))
		require.NoError(s.t, err)
		began := time.Now()
		_, err = poller.Wait(context.Background())
		assert.Less(s.t, time.Since(began), time.Hour)
		var failed *drkit.TaskError
		require.ErrorAs(s.t, err, &failed)
		assert.Equal(s.t, []string{"cloudreplica.Tenants.Create", "task-1", "no space"}, []string{failed.Operation, failed.TaskID, failed.Message})
		assert.NotEmpty(s.t, failed.OperationID)
		require.NoError(s.t, client.Close(context.Background()))
	}, cloudreplicatest.TaskDuration(50*time.Millisecond, 24*time.Hour))
}

// What was adopted is known for what it is: it stands in the way of the same alone.
func TestChangesBesideAnAdoptedOne(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.SlowTask("Tenants.Update", acme, time.Minute)
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Update", After: true, Drop: true, Times: 1})
		edit := cloudreplica.CloudTenantEdit{TenantType: standalone("acme"), Description: drkit.Some("x")}
		first, err := client.Tenants.Update(ctx, acme, edit)
		require.NoError(s.t, err)
		assert.True(s.t, first.Adopted())
		_, err = client.Tenants.Update(ctx, acme, edit)
		require.ErrorIs(s.t, err, drkit.ErrConflict)
		second, err := client.Tenants.Update(ctx, cloudreplicatest.TenantID("globex"), edit)
		done(s.t, second, err)
		done(s.t, first, nil)
		require.NoError(s.t, client.Close(ctx))
	})
}

// tapping keeps the token of a session.
type tapping struct {
	next  http.RoundTripper
	token *atomic.Value
}

func (t tapping) RoundTrip(request *http.Request) (*http.Response, error) {
	if token := request.Header.Get("X-RestSvcSessionId"); token != "" {
		t.token.Store(token)
	}
	return t.next.RoundTrip(request)
}

// A second task that may be of the change comes to light once the first was taken for it: that is told, and nobody
// goes by the first alone.
func TestSecondTaskThatMayBeIt(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		var token atomic.Value
		client := s.client(drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper { return tapping{next, &token} }))
		s.SlowTask("Tenants.Update", acme, time.Minute)
		s.Inject(cloudreplicatest.Fault{Operation: "Tenants.Update", After: true, Drop: true, Times: 1})
		edit := cloudreplica.CloudTenantEdit{TenantType: standalone("acme"), Description: drkit.Some("x")}
		poller, err := client.Tenants.Update(ctx, acme, edit)
		require.NoError(s.t, err)

		held, _ := token.Load().(string)
		other := s.clientOf(cloudreplica.Token(drkit.NewSecret(held)))
		_, err = other.Tenants.Update(ctx, acme, edit)
		require.NoError(s.t, err, "somebody else uses the session")
		_, err = poller.Wait(ctx)
		require.ErrorIs(s.t, err, drkit.ErrConflict)
		require.ErrorContains(s.t, err, "task-2")
		require.NoError(s.t, other.Close(ctx))
		require.NoError(s.t, client.Close(ctx))
	})
}
