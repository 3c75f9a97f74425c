package vcav_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// The first request is executed after the look of the next run, while its second request is on its way, which is
// refused therefore. What has run is the step's own operation, and a later run should find it.
func TestOnceFindsItsOwnAfterARefusedRepeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, vcavtest.InMemory(), vcavtest.TaskDuration(time.Second, time.Minute))
		id := vcavtest.ReplicationID("db-1")
		server.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", Status: http.StatusGatewayTimeout, Body: "<html>", Late: 100 * time.Second, Times: 1})
		server.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", Delay: 50 * time.Second, Times: 1})
		var journal drkit.MemoryJournal
		run := func() (*drkit.Poller[vcav.VMReplication], error) { // each is a process of its own
			client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
			require.NoError(t, err)
			t.Cleanup(func() { _ = client.Close(context.Background()) })
			return drkit.Once(t.Context(), &journal, "failover", func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
				return client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
			})
		}
		_, err := run()
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)

		poller, err := run()

		for range 3 {
			if err == nil {
				break
			}
			<-time.After(2 * time.Minute) // of the bubble
			poller, err = run()

		}
		assert.Equal(t, 1, server.Ran("VMReplications.Failover", id))
		require.NoError(t, err, "its own failover is never found")
		done, err := poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, id, done.ID)
	})
}
