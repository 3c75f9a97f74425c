package vspheretest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// invitation is the body that pairs a site with its peer.
func (g guest) invitation(user, password string) string {
	peer := g.server.Peer()
	return fmt.Sprintf(`{"pair_psc_info":{"url":"https://vc.%s.test","port":443,"thumbprint":null,"username":%q,"password":%q},"pair_vc_id":%q}`,
		peer.Site, user, password, peer.VCenter)
}

func (g guest) invite() string {
	return g.invitation(g.server.Peer().User, g.server.Peer().Password)
}

func TestPairing(t *testing.T) {
	t.Parallel()
	g := enter(t, vspheretest.Unpaired())
	assert.Empty(t, get[listOf[object]](t, g, "/pairings").List)
	assert.Empty(t, g.server.PairingID())
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", "/pairings", g.invitation("x", "y"))
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", "/pairings",
		`{"pair_psc_info":{"url":"https://elsewhere.test"},"pair_vc_id":"`+g.server.Peer().VCenter+`"}`)
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", "/pairings", `{"pair_psc_info":{},"pair_vc_id":"x"}`)
	g.server.Peer().Restart(time.Hour)
	g.refused(t, http.StatusInternalServerError, vspheretest.CodeRemoteSiteDown, "POST", "/pairings", g.invite())
	g.server.Peer().Restart(0)
	g.succeed(t, "POST", "/pairings", g.invite())
	first := g.server.PairingID()
	require.NotEmpty(t, first)
	assert.NotEqual(t, first, g.server.Peer().PairingID(), "each side has an id of its own")
	g.fails(t, "is paired already", "POST", "/pairings", g.invite())
	g.pairing = first
	g.refused(t, http.StatusForbidden, vspheretest.CodeRemoteSessionRequired, "DELETE", "{P}", "")
	g.signInRemotely(t)
	g.succeed(t, "POST", "{P}/actions/reconnect", g.invite())
	g.succeed(t, "DELETE", "{P}", "")
	g.refused(t, http.StatusNotFound, "", "GET", "{P}", "")
	assert.Empty(t, g.server.Peer().PairingID())
	g.succeed(t, "POST", "/pairings", g.invite())
	assert.NotEqual(t, first, g.server.PairingID())
}

func TestBreakingWithReplications(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.fails(t, "has 3 replications", "DELETE", "{P}", "")
	p := g.peer(t)
	g.succeed(t, "DELETE", "{P}?force=true", "")
	assert.Empty(t, g.server.PairingID())
	p.refused(t, http.StatusInternalServerError, vspheretest.CodeRemoteSiteDown, "POST", on(db1, "/actions/pause"), "")
	p.ask(t, http.StatusOK, "GET", on(db1, ""), "")
	g.succeed(t, "POST", "/pairings", g.invite())
	assert.Equal(t, p.pairing, p.server.PairingID())
	p.signInRemotely(t)
	p.succeed(t, "POST", on(db1, "/actions/pause"), "")
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "DELETE", "/pairings/"+g.server.PairingID()+"?force=maybe", "")
}

func TestServers(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.SiteNames("berlin", "paris"), vspheretest.ProductVersion("9.1.2"))
	info := get[object](t, g, "/info")
	assert.Equal(t, g.server.VRMS, info["id"])
	assert.Equal(t, "9.1.0", info["version"])
	assert.Equal(t, vspheretest.VCenterID("paris"), info["vc_guid"])
	servers := get[listOf[object]](t, g, "{P}/vrs").List
	require.Len(t, servers, 2)
	assert.Equal(t, servers[1]["id"], get[object](t, g, "{P}{remoteVR}")["id"])
	pairing := get[struct {
		ID     string                   `json:"pairing_id"`
		Local  struct{ ID, URL string } `json:"local_vc_server"`
		Remote struct{ ID, URL string } `json:"remote_vc_server"`
	}](t, g, "{P}")
	assert.Equal(t, g.pairing, pairing.ID)
	assert.Equal(t, g.server.VCenter, pairing.Local.ID)
	assert.Equal(t, g.server.Peer().VCenter, pairing.Remote.ID)
	assert.Equal(t, "https://vc.berlin.test", pairing.Remote.URL)
}
