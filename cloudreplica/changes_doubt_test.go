package cloudreplica_test

import (
	"context"
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
		failedWith(s.t, "no space", poller, err)
		require.NoError(s.t, client.Close(context.Background()))
	}, cloudreplicatest.TaskDuration(50*time.Millisecond, 24*time.Hour))
}
