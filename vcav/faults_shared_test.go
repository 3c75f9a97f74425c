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

// TestCallThatWasNotSentForAnEarlierOne asks for a failover while the outcome of a synchronization is unknown:
// nothing is unknown of the failover, or a runbook would take what Recover finds for it.
func TestCallThatWasNotSentForAnEarlierOne(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		id, replications := vcavtest.ReplicationID("db-1"), client.VMReplications
		server.Inject(vcavtest.Fault{Operation: "VMReplications.Sync", Drop: true, Times: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := replications.Sync(ctx, id)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)

		_, err = replications.Failover(t.Context(), id, vcav.CloudFailover{})
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorIs(t, err, drkit.ErrConflict)
		var earlier *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &earlier)
		assert.Equal(t, "vcav.VMReplications.Sync", earlier.Operation)
		assert.Zero(t, server.Count(failover))

		require.True(t, drkit.Discard(err), "who knows better can say so")
		poller, err := replications.Failover(t.Context(), id, vcav.CloudFailover{})
		end(t, poller, err)
	})
}
