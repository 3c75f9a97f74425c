package vsphere_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// What the README shows of the simulator. Change both together.
func TestSitesOfTheReadme(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := vspheretest.NewPair(t, vspheretest.InMemory())
		site, other := pair.Recovery, pair.Protected
		client, err := vsphere.NewClient(site.URL, vsphere.Login(site.User, drkit.NewSecret(site.Password)), site.Options()...)
		require.NoError(t, err)
		there := client.Pairing(site.PairingID())
		require.NoError(t, there.RemoteSession.SignIn(t.Context(), vsphere.Login(other.User, drkit.NewSecret(other.Password))))

		// The replication is paused, then the answer is lost.
		site.Inject(vspheretest.Fault{Operation: "Replications.Pause", After: true, Drop: true, Times: 1})
		paused, err := there.Replications.Pause(t.Context(), vspheretest.ReplicationID("db-1"))
		require.NoError(t, err)
		_, err = paused.Wait(t.Context())

		require.NoError(t, err)
		assert.Equal(t, "PAUSED", pair.Replication(vspheretest.ReplicationID("db-1")).Status)
		require.NoError(t, client.Close(t.Context()))
	})
}
