package vsphere_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// It is not parallel: the environment is everybody's.
func TestFromEnv(t *testing.T) {
	const user, password = "VSPHERE_REPLICATION_USER", "VSPHERE_REPLICATION_PASSWORD"
	set := func(values map[string]string) {
		for _, name := range []string{
			"VSPHERE_REPLICATION_URL", user, password, "VSPHERE_REPLICATION_THUMBPRINT",
			"VSPHERE_REPLICATION_REMOTE_USER", "VSPHERE_REPLICATION_REMOTE_PASSWORD",
		} {
			t.Setenv(name, values[name])
		}
	}
	set(nil)
	_, err := vsphere.FromEnv()
	require.ErrorIs(t, err, vsphere.ErrNoEndpoint)
	_, err = vsphere.RemoteFromEnv()
	require.ErrorContains(t, err, "vsphere: VSPHERE_REPLICATION_REMOTE_USER is not set")

	for want, values := range map[string]map[string]string{
		"vsphere: VSPHERE_REPLICATION_USER is not set":     {},
		"vsphere: VSPHERE_REPLICATION_PASSWORD is not set": {user: "ops"},
		"is not a SHA-256 thumbprint":                      {user: "ops", password: "x", "VSPHERE_REPLICATION_THUMBPRINT": "12"},
	} {
		values["VSPHERE_REPLICATION_URL"] = endpoint
		set(values)
		_, err := vsphere.FromEnv()
		require.ErrorContains(t, err, want)
	}

	set(map[string]string{
		"VSPHERE_REPLICATION_URL": endpoint, user: "ops@west.local", password: "salt & spray",
		"VSPHERE_REPLICATION_REMOTE_USER": "ops@east.local", "VSPHERE_REPLICATION_REMOTE_PASSWORD": "kelp",
	})
	s := newService(t)
	s.signsIn(givenToken)
	s.pairs()
	s.on("POST", "/pairings/"+pairing+"/remote-session", says(204, ""))
	client, err := vsphere.FromEnv(drkit.WithTransport(s.Mock))
	require.NoError(t, err)
	remote, err := vsphere.RemoteFromEnv()
	require.NoError(t, err)
	require.NoError(t, client.Pairing(pairing).RemoteSession.SignIn(t.Context(), remote))
	assert.Equal(t, opsHeader, s.All()[0].Header.Get("Authorization"))
	assert.Equal(t, "Basic b3BzQGVhc3QubG9jYWw6a2VscA==", s.All()[2].Header.Get("Authorization"))
	require.NoError(t, client.Close(t.Context()))
}
