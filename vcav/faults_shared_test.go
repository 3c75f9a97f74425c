package vcav_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// TestLostWorkThatAnotherCallFinds lets a controller lose a synchronization and call it again, after another
// part of the same program has worked on the same replication and found it.
func TestLostWorkThatAnotherCallFinds(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		id, replications := vcavtest.ReplicationID("db-1"), client.VMReplications
		server.Inject(vcavtest.Fault{Operation: "VMReplications.Sync", After: true, Hang: true, Times: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := replications.Sync(ctx, id)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)

		<-time.After(time.Minute)
		poller, err := replications.Reconfigure(t.Context(), id, vcav.Reconfigure{Description: drkit.Some("changed")})
		end(t, poller, err)

		poller, err = replications.Sync(t.Context(), id)
		end(t, poller, err)
		assert.True(t, poller.Adopted())
		assert.Equal(t, 1, server.Ran("VMReplications.Sync", id))
	})
}
