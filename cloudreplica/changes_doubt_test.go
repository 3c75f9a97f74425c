package cloudreplica_test

import (
	"context"
	"testing"

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
