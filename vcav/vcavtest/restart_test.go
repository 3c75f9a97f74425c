package vcavtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// checkup is the health at once, as versions before 4.1 answer.
func (g guest) checkup(t testing.TB) check {
	t.Helper()
	got, err := g.send(t.Context(), "GET", "/diagnostics/health", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, got.status)
	return read[check](t, got)
}

func (g guest) instance(t testing.TB) string {
	t.Helper()
	return read[struct {
		ID string `json:"instanceId"`
	}](t, g.ask(t, http.StatusOK, "GET", "/diagnostics/about", "")).ID
}

func again(t testing.TB, g guest) guest {
	t.Helper()
	g.token = ""
	return g.signIn(t, `{"type":"localUser","localUser":"root","localPassword":"`+g.server.Password+`"}`)
}

func TestRestart(t *testing.T) {
	t.Parallel()
	everyWire(t, func(t *testing.T, g guest, clock *vcavtest.ManualClock) {
		begun := g.begin(t, "POST", "/vm-replications/"+db1+"/failover", failover)
		g.server.Restart(5 * time.Second)
		for range 2 { // the first may be on a connection of which the client has not noticed yet that it was cut
			_, err := g.send(t.Context(), "POST", "/vm-replications/"+app1+"/sync", "")
			require.Error(t, err)
		}
		clock.Advance(5*time.Second - 1)
		_, err := g.send(t.Context(), "POST", "/vm-replications/"+app1+"/sync", "")
		require.Error(t, err)
		assert.Zero(t, g.server.Count("VMReplications.Sync"))
		clock.Advance(1)
		g.refused(t, http.StatusUnauthorized, "NotAuthenticated", "GET", "/tasks/"+begun.ID, "")
		g = again(t, g)
		assert.Equal(t, "RUNNING", g.job(t, begun.ID).State)
		clock.Advance(6 * time.Second)
		assert.Equal(t, "SUCCEEDED", g.job(t, begun.ID).State, "tasks go on while the appliance is down")
		g.server.Restart(time.Hour)
		g.server.Restart(0)
		assert.Zero(t, g.server.Sessions())
	})
}

func TestWhatARestartChanges(t *testing.T) {
	t.Parallel()
	g, _ := open(t, withBundle(), vcavtest.HealthAs(vcavtest.HealthObject), vcavtest.AuthenticatedAt("site1"))
	before, cookie := g.checkup(t), g.cookie(t, bundleID)
	g.server.Restart(0)
	g.fetch(t, http.StatusUnauthorized, bundlesPath+"/cookie/"+bundleID+"?cookie="+cookie)
	g.refused(t, http.StatusUnauthorized, "NotAuthenticated", "GET", "/sessions", "")
	g = again(t, g)
	after := g.checkup(t)
	assert.NotEqual(t, before.Runtime, after.Runtime)
	assert.Equal(t, before.Instance, after.Instance)
	assert.Equal(t, before.ManagerHealth.Instance, after.ManagerHealth.Instance)
	assert.Len(t, g.parcels(t), 1)
	assert.Equal(t, after.Runtime, g.checkup(t).Runtime)
}

// The answer is lost with the connection: the client has to find out what became of its failover.
func TestRestartAfterTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, vcavtest.InMemory())
		defer server.Close() // in the bubble
		g := signIn(t, server, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`)
		server.Inject(vcavtest.Fault{
			Operation: "VMReplications.Failover", After: true, Do: func() { server.Restart(time.Minute) },
		})
		_, err := g.send(t.Context(), "POST", "/vm-replications/"+db1+"/failover", failover)
		require.Error(t, err)
		_, err = g.send(t.Context(), "GET", "/tasks", "")
		require.Error(t, err)
		<-time.After(time.Minute)
		g = again(t, g)
		assert.Equal(t, vcavtest.RecoveryComplete, g.shield(t, db1).recovery())
		assert.Equal(t, 1, server.Audit().Recovery(db1).Recovered)
	})
}

func TestInstanceID(t *testing.T) {
	t.Parallel()
	health := vcavtest.HealthAs(vcavtest.HealthObject)
	g, _ := open(t, health, vcavtest.InstanceID("12345678-1234-4234-8234-123456789abc"))
	twin, _ := open(t, health, vcavtest.InstanceID("12345678-1234-4234-8234-123456789abc"))
	other, _ := open(t, health)
	same := func(g guest) string {
		id := g.instance(t)
		assert.Equal(t, id, g.server.InstanceID())
		assert.Equal(t, id, g.checkup(t).Instance)
		return id
	}
	assert.Equal(t, "12345678-1234-4234-8234-123456789abc", same(g))
	assert.Equal(t, same(g), same(twin))
	assert.NotEqual(t, same(g), same(other))
	manager := g.checkup(t).ManagerHealth.Instance
	g.server.SetInstanceID("another")
	assert.Equal(t, "another", same(g), "sessions stay without a restart")
	assert.NotEqual(t, manager, g.checkup(t).ManagerHealth.Instance)
}

func TestRestartsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	server, err := vcavtest.Start(vcavtest.InMemory())
	require.NoError(t, err)
	defer server.Close()
	server.Restart(-1)
	server.SetInstanceID("")
	assert.Len(t, server.Violations(), 2)
	_, err = vcavtest.Start(vcavtest.InMemory(), vcavtest.InstanceID(""))
	require.ErrorContains(t, err, "InstanceID")
}
