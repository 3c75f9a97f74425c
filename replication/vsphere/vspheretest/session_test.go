package vspheretest_test

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

type who struct{ Username string }

func TestSessions(t *testing.T) {
	t.Parallel()
	g := enter(t)
	assert.Equal(t, who{g.server.User}, get[who](t, g, "/session"))
	assert.Equal(t, 1, g.server.Sessions())
	g.ask(t, http.StatusNoContent, "DELETE", "/session", "")
	g.refused(t, http.StatusUnauthorized, "", "GET", "/session", "")
	g.refused(t, http.StatusUnauthorized, "", "DELETE", "/session", "")
	assert.Zero(t, g.server.Sessions())
	g.token = ""
	g.refused(t, http.StatusUnauthorized, "", "GET", "/tasks", "")
	for _, credentials := range []string{
		basic(g.server.User, "x"), basic("x", g.server.Password), basic(g.server.Peer().User, g.server.Peer().Password), "Basic ???",
	} {
		g.refused(t, http.StatusUnauthorized, "", "POST", "/session", "", "Authorization", credentials)
	}
	g.refused(t, http.StatusUnauthorized, "", "POST", "/session", "")
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		idle, absolute, step time.Duration
		alive                int // steps
	}{
		"idle":     {5 * time.Minute, time.Hour, 5 * time.Minute, 0},
		"in use":   {5 * time.Minute, time.Hour, 5*time.Minute - 1, 12},
		"too long": {2 * time.Hour, time.Hour, 20 * time.Minute, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := enter(t, vspheretest.SessionLife(tc.idle, tc.absolute))
			for range tc.alive {
				g.clock.Advance(tc.step)
				g.ask(t, http.StatusOK, "GET", "/session", "")
			}
			g.clock.Advance(tc.step)
			g.refused(t, http.StatusUnauthorized, "", "GET", "/session", "")
			g = g.signIn(t)
			g.server.ExpireSessions()
			g.refused(t, http.StatusUnauthorized, "", "GET", "/session", "")
		})
	}
}

func TestRemoteSessions(t *testing.T) {
	t.Parallel()
	g := enter(t)
	peer := g.server.Peer()
	g.refused(t, http.StatusForbidden, vspheretest.CodeRemoteSessionRequired, "GET", "{P}/remote-session", "")
	g.refused(t, http.StatusUnauthorized, "", "POST", "{P}/remote-session", "", "Authorization", basic(g.server.User, g.server.Password))
	g.refused(t, http.StatusUnauthorized, "", "POST", "{P}/remote-session", "")
	g.signInRemotely(t)
	assert.Equal(t, who{peer.User}, get[who](t, g, "{P}/remote-session"))
	other := g.signIn(t)
	other.refused(t, http.StatusForbidden, vspheretest.CodeRemoteSessionRequired, "GET", "{P}/remote-session", "")
	g.server.ExpireRemoteSessions()
	g.refused(t, http.StatusForbidden, vspheretest.CodeRemoteSessionRequired, "GET", "{P}/remote-session", "")
	g.signInRemotely(t)
	g.ask(t, http.StatusNoContent, "DELETE", "/session", "")
	g = g.signIn(t)
	g.refused(t, http.StatusForbidden, vspheretest.CodeRemoteSessionRequired, "GET", "{P}/remote-session", "")
	g.refused(t, http.StatusNotFound, "", "GET", "/pairings/"+peer.PairingID()+"/remote-session", "")
	g.signInRemotely(t)
	peer.Restart(time.Minute)
	g.refused(t, http.StatusInternalServerError, vspheretest.CodeRemoteSiteDown, "GET", "{P}/remote-session", "")
	g.refused(t, http.StatusInternalServerError, vspheretest.CodeRemoteSiteDown, "POST", "{P}/remote-session", "",
		"Authorization", basic(peer.User, peer.Password))
	g.clock.Advance(time.Minute)
	g.refused(t, http.StatusForbidden, vspheretest.CodeRemoteSessionRequired, "GET", "{P}/remote-session", "")
	g.signInRemotely(t)
}

func TestOneVCenter(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.OneVCenter())
	assert.Same(t, g.server, g.server.Peer())
	type server struct{ ID string }
	paired := get[listOf[struct {
		Local  server `json:"local_vc_server"`
		Remote server `json:"remote_vc_server"`
	}]](t, g, "/pairings")
	require.Len(t, paired.List, 1)
	assert.Equal(t, paired.List[0].Local, paired.List[0].Remote)
	assert.Empty(t, paired.Meta.Errors)
	g.refused(t, http.StatusBadRequest, vspheretest.CodeBadRequest, "POST", "{P}/remote-session", "",
		"Authorization", basic(g.server.User, g.server.Password))
	assert.Equal(t, who{g.server.User}, get[who](t, g, "{P}/remote-session"))
	assert.Len(t, get[listOf[shield]](t, g, "{P}/replications").List, 3)
	g.succeed(t, "POST", on(db1, "/actions/pause"), "")
	g.succeed(t, "POST", on(db1, "/actions/test"), g.testOf(g.instances(t, db1)[0].ID))
	g.succeed(t, "POST", on(db1, "/actions/cleanup"), "")
	assert.Len(t, get[listOf[object]](t, g, "{P}/vrs").List, 1)
	g.server.Close()
}

type object = map[string]any

func TestObservers(t *testing.T) {
	t.Parallel()
	g := enter(t, vspheretest.Observer("eve", "pw"))
	g.token = ""
	g.token = read[struct {
		ID string `json:"session_id"`
	}](t, g.ask(t, http.StatusOK, "POST", "/session", "", "Authorization", basic("eve", "pw"))).ID
	g.ask(t, http.StatusNoContent, "POST", "{P}/remote-session", "", "Authorization", basic("eve", "pw"))
	g.ask(t, http.StatusOK, "GET", on(db1, ""), "")
	g.refused(t, http.StatusForbidden, vspheretest.CodeForbidden, "POST", on(db1, "/actions/pause"), "")
	g.ask(t, http.StatusNoContent, "DELETE", "/session", "")
}

// What the contract does not allow is answered with a loud 400.
func TestViolations(t *testing.T) {
	t.Parallel()
	g := open(t)
	for want, request := range map[string][]string{
		"only x-dr-session":     {"GET", "/session", "", "Authorization", "Basic eA=="},
		"is not Basic":          {"POST", "/session", "", "Authorization", "Bearer x"},
		"does not take":         {"GET", "/session", "", "Accept", "text/html"},
		"is not in the contr":   {"GET", "/tasks?page=1", ""},
		"is empty":              {"GET", "/tasks?filter=", ""},
		"$.values is not":       {"POST", on(db1, "/actions/cleanup"), `{"values":"x"}`},
		"the body is missing":   {"POST", on(db1, "/actions/test"), ""},
		"power_on is string":    {"POST", on(db1, "/actions/test"), `{"instance_id":"x","folder_id":"x","compute_resource_id":"x","power_on":"false"}`},
		"a body of 2 bytes":     {"POST", on(db1, "/actions/pause"), `{}`},
		"the method PUT is not": {"PUT", "/session", ""},
		"the path is not in":    {"POST", on(db1, "/actions/recover"), ""},
	} {
		got := g.ask(t, http.StatusBadRequest, request[0], request[1], request[2], request[3:]...)
		assert.Contains(t, read[wrong](t, got).Message, want)
	}
	g.base = "/api/rest/srm/v2"
	got, err := g.send(t.Context(), "GET", "/session", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, got.status)
	violations := g.server.AcknowledgeViolations()
	assert.Len(t, violations, 12)
	assert.NotEmpty(t, violations[0].String())
	g.base = v2
	for _, accept := range []string{"*/*", "application/*;q=0.5", "text/html, application/json"} {
		g.ask(t, http.StatusOK, "GET", "/session", "", "Accept", accept)
	}
}

// Where source and target are one vCenter Server, copies are not in the way of what they are copies of.
func TestConfigureWithOneVCenter(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.OneVCenter())
	spec := g.spec(t, "new-1")
	spec["target_vc_id"] = g.server.VCenter
	for _, d := range spec["disks"].([]object) { //nolint:forcetypeassert // made above
		d["destination_datastore_id"] = vspheretest.DatastoreID("site1", "ds-1")
	}
	task := read[listOf[job]](t, g.ask(t, http.StatusAccepted, "POST", "{P}/replications", encoded(t, spec))).List[0]
	g.clock.Advance(whole)
	require.Equal(t, "SUCCESS", g.job(t, task.ID).Status)
	g.succeed(t, "POST", on(vspheretest.ReplicationID("new-1"), "/actions/unconfigure"), "")
	files := read[listOf[struct{ Path string }]](t, g.ask(t, http.StatusOK, "POST",
		"{P}{local}/datastores/"+url.PathEscape(vspheretest.DatastoreID("site1", "ds-1"))+"/actions/browse", `{"browse_path":"new-1"}`))
	assert.Len(t, files.List, 2, "those of the machine")
}

// On a loopback port, clients that trust the certificate reach each server at its own address.
func TestCertificates(t *testing.T) {
	t.Parallel()
	pair := vspheretest.NewPair(t)
	assert.NotEqual(t, pair.Recovery.URL, pair.Protected.URL)
	assert.NotEqual(t, pair.Recovery.Thumbprint(), pair.Protected.Thumbprint())
	assert.Len(t, pair.Recovery.Options(), 1)
	for _, server := range []*vspheretest.Server{pair.Recovery, pair.Protected} {
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.CertPool()}}
		response, err := (&http.Client{Transport: transport}).Get(server.URL + "/api/rest/vr/v2/session")
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
		require.NoError(t, response.Body.Close())
		transport.CloseIdleConnections()
	}
}

func TestRemoteSessionStatus(t *testing.T) {
	t.Parallel()
	for status, code := range map[int]string{
		http.StatusUnauthorized: "", http.StatusInternalServerError: vspheretest.CodeRemoteSessionRequired,
	} {
		g := enter(t, vspheretest.RemoteSessionStatus(status))
		g.refused(t, status, code, "GET", "{P}/remote-session", "")
		g.refused(t, status, code, "POST", on(db1, "/actions/pause"), "")
		g.ask(t, http.StatusOK, "GET", "/session", "")
		answered := get[shield](t, g, on(db1, "")).Meta
		assert.Equal(t, vspheretest.CodeRemoteSessionRequired, answered.Errors[0].Code)
	}
}
