package vcavtest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// neighbours are the sites of the tests of extensions: two remote clouds and a customer's site.
func neighbours() []vcavtest.Option {
	return []vcavtest.Option{
		vcavtest.LocalSite("site2", "org2"), vcavtest.RemoteSite("site1", "org1", "shared"),
		vcavtest.RemoteSite("site3", "org3"), vcavtest.OnPremisesSite("cellar"), withTenant("ann@org2"),
		vcavtest.RemoteUser("site1", "admin1@org1", "password"), vcavtest.RemoteUser("site1", "root@System", "far-root"),
		vcavtest.RemoteAccessToken("site1", "eyJ0.far", "admin1@org1"),
		vcavtest.RemoteAccessToken("site1", "eyJ0.far-root", "root@System"),
		vcavtest.AccessToken("eyJ0.near", "ann@org2"),
	}
}

const (
	byCredentials = `{"type":"credentials","site":"site1","vcdUsername":"admin1@org1","vcdPassword":"password"}`
	byRoot        = `{"type":"credentials","site":"site1","vcdUsername":"root@System","vcdPassword":"far-root"}`
	byMultisite   = `{"type":"multisite","site":"site1","org":"org1"}`
)

func (g guest) session(t testing.TB) signedIn {
	t.Helper()
	return read[signedIn](t, g.ask(t, http.StatusOK, "GET", "/sessions", ""))
}

func TestExtend(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body   string
		tenant bool // who extends; else the built-in administrator
		org    string
		status int
		code   string
	}{
		"credentials":                     {body: byCredentials, org: "org1"},
		"credentials, a tenant":           {body: byCredentials, tenant: true, org: "org1"},
		"credentials of an administrator": {body: byRoot, org: "System"},
		"wrong password":                  {body: `{"type":"credentials","site":"site1","vcdUsername":"admin1@org1","vcdPassword":"no"}`, status: 401, code: "RemoteAuthenticationFailure"},
		"nobody":                          {body: `{"type":"credentials","site":"site1","vcdUsername":"eve@org1","vcdPassword":"password"}`, status: 401, code: "RemoteAuthenticationFailure"},
		"user of another site":            {body: `{"type":"credentials","site":"site3","vcdUsername":"admin1@org1","vcdPassword":"password"}`, status: 401, code: "RemoteAuthenticationFailure"},
		"local user":                      {body: `{"type":"credentials","site":"site1","vcdUsername":"ann@org2","vcdPassword":"pw-of-ann@org2"}`, status: 401, code: "RemoteAuthenticationFailure"},
		"JWT":                             {body: `{"type":"accessToken","site":"site1","accessToken":"eyJ0.far"}`, org: "org1"},
		"JWT, the other spelling":         {body: `{"type":"vcdAccessToken","site":"site1","vcdAccessToken":"eyJ0.far"}`, org: "org1"},
		"JWT in another organization":     {body: `{"type":"accessToken","site":"site1","accessToken":"eyJ0.far","context":"shared"}`, org: "shared"},
		"JWT of an administrator":         {body: `{"type":"accessToken","site":"site1","accessToken":"eyJ0.far-root"}`, org: "System"},
		"JWT of another issuer":           {body: `{"type":"accessToken","site":"site1","accessToken":"eyJ0.near","context":"org1"}`, org: "org1"},
		"JWT of another, no context":      {body: `{"type":"accessToken","site":"site1","accessToken":"eyJ0.near"}`, status: 401, code: "RemoteAuthenticationFailure"},
		"JWT, unknown context":            {body: `{"type":"accessToken","site":"site1","accessToken":"eyJ0.far","context":"org9"}`, status: 401, code: "RemoteAuthenticationFailure"},
		"JWT, unknown":                    {body: `{"type":"vcdAccessToken","site":"site1","vcdAccessToken":"eyJ0.made-up","context":"org1"}`, status: 401, code: "RemoteAuthenticationFailure"},
		"multisite":                       {body: byMultisite, tenant: true, org: "org1"},
		"multisite, unknown organization": {body: `{"type":"multisite","site":"site1","org":"org9"}`, tenant: true, status: 401, code: "RemoteAuthenticationFailure"},
		"multisite, as the provider":      {body: `{"type":"multisite","site":"site1","org":"System"}`, tenant: true, status: 401, code: "RemoteAuthenticationFailure"},
		"multisite, without a JWT":        {body: byMultisite, status: 401, code: "RemoteAuthenticationFailure"},
		"unknown site":                    {body: `{"type":"multisite","site":"site9","org":"org1"}`, status: 404, code: "SiteNotFound"},
		"the local site":                  {body: `{"type":"multisite","site":"site2","org":"org2"}`, status: 400, code: "BadUserInput"},
		"on premises":                     {body: `{"type":"multisite","site":"cellar","org":"org2"}`, status: 400, code: "BadUserInput"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := open(t, neighbours()...)
			if tc.tenant {
				g = tenant(t, g.server, "ann@org2")
			}
			before := g.session(t)
			if tc.code != "" {
				g.refused(t, tc.status, tc.code, "POST", "/sessions/extend", tc.body)
				assert.Equal(t, before, g.session(t))
				return
			}
			got := g.ask(t, http.StatusOK, "POST", "/sessions/extend", tc.body)
			assert.Empty(t, got.header.Get("X-VCAV-Auth"), "the token stays")
			after := read[signedIn](t, got)
			assert.Equal(t, append(before.Sites, place{Site: "site1", Org: tc.org}), after.Sites)
			assert.Equal(t, before.Roles, after.Roles)
			assert.Equal(t, after, g.session(t))
		})
	}
	g, _ := open(t)
	guest{server: g.server}.refused(t, http.StatusUnauthorized, "NotAuthenticated", "POST", "/sessions/extend", byMultisite)
}

func TestExtendAsProvider(t *testing.T) {
	t.Parallel()
	g, _ := open(t, neighbours()...)
	provider := signIn(t, g.server, `{"type":"vcdCredentials","vcdUser":"root@System","vcdPassword":"`+g.server.Password+`"}`)
	got := provider.ask(t, http.StatusOK, "POST", "/sessions/extend", `{"type":"multisite","site":"site1","org":"System"}`)
	assert.Equal(t, place{Site: "site1", Org: "System"}, read[signedIn](t, got).Sites[1])
}

func TestExtendTwice(t *testing.T) {
	t.Parallel()
	g, _ := open(t, neighbours()...)
	g.ask(t, http.StatusOK, "POST", "/sessions/extend", byCredentials)
	got := g.ask(t, http.StatusOK, "POST", "/sessions/extend", byRoot)
	assert.Equal(t, []place{{Site: "site2", Org: "System"}, {Site: "site1", Org: "System"}}, read[signedIn](t, got).Sites)
}

func TestShrink(t *testing.T) {
	t.Parallel()
	g, _ := open(t, neighbours()...)
	g.ask(t, http.StatusOK, "POST", "/sessions/extend", byCredentials)
	for _, harmless := range []string{"site3", "site2", "eu-sof-1", "cellar"} {
		got := g.ask(t, http.StatusOK, "DELETE", "/sessions/"+harmless, "")
		assert.Len(t, read[signedIn](t, got).Sites, 2, harmless)
	}
	g.ask(t, http.StatusOK, "GET", "/vm-replications?site=site1", "")
	got := g.ask(t, http.StatusOK, "DELETE", "/sessions/site1", "")
	assert.Equal(t, []place{{Site: "site2", Org: "System"}}, read[signedIn](t, got).Sites)
	g.refused(t, http.StatusUnauthorized, "RemoteAuthenticationFailure", "GET", "/vm-replications?site=site1", "")
	g.ask(t, http.StatusOK, "GET", "/vm-replications", "")
}

func TestExtensionsEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []vcavtest.Option
		wait    func(g guest, clock *vcavtest.ManualClock)
		alive   bool
	}{
		"with the session":    {nil, func(_ guest, clock *vcavtest.ManualClock) { clock.Advance(29 * time.Minute) }, true},
		"shortly before":      {[]vcavtest.Option{vcavtest.ExtensionLife(10 * time.Minute)}, func(_ guest, clock *vcavtest.ManualClock) { clock.Advance(10*time.Minute - 1) }, true},
		"after their life":    {[]vcavtest.Option{vcavtest.ExtensionLife(10 * time.Minute)}, func(_ guest, clock *vcavtest.ManualClock) { clock.Advance(10 * time.Minute) }, false},
		"on demand":           {nil, func(g guest, _ *vcavtest.ManualClock) { g.server.ExpireSite("site1") }, false},
		"of another, however": {nil, func(g guest, _ *vcavtest.ManualClock) { g.server.ExpireSite("site3") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, append(neighbours(), tc.options...)...)
			g.ask(t, http.StatusOK, "POST", "/sessions/extend", byRoot)
			tc.wait(g, clock)
			if tc.alive {
				g.ask(t, http.StatusOK, "GET", "/tasks?site=site1", "")
				return
			}
			for _, call := range []struct{ method, path, body string }{
				{"GET", "/vm-replications?site=site1", ""},
				{"GET", "/policies?site=site1", ""},
				{"GET", "/tasks?site=site1", ""},
				{"POST", "/tasks/poll?site=site1", "[]"},
				{"POST", "/vm-replications/" + db1 + "/failover?site=site1", failover},
				{"POST", "/vm-replications/" + db1 + "/sync", ""},
			} {
				want := http.StatusUnauthorized
				if call.path == "/vm-replications/"+db1+"/sync" {
					want = http.StatusAccepted // the session lives
				}
				got := g.ask(t, want, call.method, call.path, call.body)
				if want == http.StatusUnauthorized {
					refusal := read[wrong](t, got)
					assert.Equal(t, "RemoteAuthenticationFailure", refusal.Code)
					assert.Equal(t, []string{"site1"}, refusal.Args, "which site")
				}
			}
			assert.Equal(t, []place{{Site: "site2", Org: "System"}}, g.session(t).Sites)
			g.ask(t, http.StatusOK, "POST", "/sessions/extend", byRoot)
			g.ask(t, http.StatusOK, "GET", "/tasks?site=site1", "")
		})
	}
}

func TestNewSessionsBeginWithoutExtensions(t *testing.T) {
	t.Parallel()
	g, _ := open(t, neighbours()...)
	g.ask(t, http.StatusOK, "POST", "/sessions/extend", byCredentials)
	again := signIn(t, g.server, `{"type":"localUser","localUser":"root","localPassword":"`+g.server.Password+`"}`)
	assert.Len(t, again.session(t).Sites, 1)
	assert.Len(t, g.session(t).Sites, 2, "the old session has its own")
	g.ask(t, http.StatusNoContent, "DELETE", "/sessions", "")
	again.refused(t, http.StatusUnauthorized, "RemoteAuthenticationFailure", "GET", "/tasks?site=site1", "")
}

// Who is an administrator at one site can be a tenant at the other.
func TestRightsAreThoseOfTheSite(t *testing.T) {
	t.Parallel()
	g, _ := open(t, append(neighbours(), vcavtest.Protect(
		vcavtest.Replication{VMName: "ours"},
		vcavtest.Replication{VMName: "shared", SourceOrg: "shared"},
	))...)
	g.ask(t, http.StatusOK, "POST", "/sessions/extend", byCredentials)
	assert.Equal(t, []string{"shared", "ours"}, vms(g.shields(t, "").Items))
	page := read[pageOf[shield]](t, g.ask(t, http.StatusOK, "GET", "/vm-replications?site=site1", ""))
	assert.Equal(t, []string{"ours"}, vms(page.Items), "org1's, as seen from site1")
	assert.Nil(t, page.Items[0].VIMLocation)
	g.refused(t, http.StatusForbidden, "Forbidden", "GET", "/vm-replications?site=site1&owner=org1@site1", "")

	ann := tenant(t, g.server, "ann@org2")
	ann.ask(t, http.StatusOK, "POST", "/sessions/extend", byRoot)
	assert.Len(t, read[pageOf[shield]](t, ann.ask(t, http.StatusOK, "GET", "/vm-replications?site=site1&owner=org1@site1", "")).Items, 1)
	ann.refused(t, http.StatusForbidden, "Forbidden", "GET", "/vm-replications?owner=org1@site1", "")
	ann.refused(t, http.StatusForbidden, "Forbidden", "POST", "/policies/sync", "")
}

func TestDeadSite(t *testing.T) {
	t.Parallel()
	g, clock := open(t, append(neighbours(), vcavtest.AuthenticatedAt("site1", "site3"), vcavtest.Protect(
		vcavtest.Replication{VMName: "db-1"}, vcavtest.Replication{VMName: "app-1"}, vcavtest.Replication{VMName: "web-1", SourceSite: "site3"},
	))...)
	running := g.begin(t, "POST", "/vm-replications/"+app1+"/sync", "")
	g.server.KillSite("site1")
	for _, call := range []struct{ method, path, body string }{
		{"GET", "/vm-replications?site=site1", ""},
		{"GET", "/policies/default?site=site1", ""},
		{"POST", "/tasks/poll?site=site1", "[]"},
		{"POST", "/vm-replications/" + db1 + "/failover?site=site1", failover},
		{"POST", "/sessions/extend", byCredentials},
		{"POST", "/vm-replications", startOf("db-2", "site1", "site2")},
	} {
		g.refused(t, http.StatusServiceUnavailable, "ConnectionRefused", call.method, call.path, call.body)
	}
	g.ask(t, http.StatusOK, "GET", "/vm-replications?site=site3", "")
	g.ask(t, http.StatusOK, "DELETE", "/sessions/site3", "")
	seen := g.shield(t, db1)
	assert.Equal(t, "ERROR", seen.Connection)
	assert.Equal(t, "RED", seen.Health)
	assert.Equal(t, "GREEN", g.shield(t, web1).Health)

	clock.Advance(11 * time.Second)
	for _, task := range []job{
		g.job(t, running.ID), // it was accepted when the site was up
		g.finish(t, clock, "POST", "/vm-replications/"+db1+"/sync", ""),
		g.finish(t, clock, "POST", "/vm-replications/"+db1+"/migrate", migrate),
		g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover-test", `{"type":"vcloud","powerOn":true,"sync":true}`),
	} {
		assert.Equal(t, "FAILED", task.State)
		require.NotNil(t, task.Error)
		assert.Equal(t, "ConnectionRefused", task.Error.Code, task.Workflow.Type)
	}
	assert.False(t, g.server.Machine("site1", vcavtest.MachineID("db-1")).PoweredOff, "the migration has not touched it")
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications/"+db1+"/failover", failover).State, "that is what it is for")
	assert.Equal(t, "FINISHED", g.shield(t, db1).Connection)
	assert.Equal(t, "FAILED", g.finish(t, clock, "POST", "/vm-replications/"+db1+"/reverse", "").State)

	g.server.ReviveSite("site1")
	g.ask(t, http.StatusOK, "GET", "/vm-replications?site=site1", "")
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications/"+app1+"/sync", "").State)
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications/"+db1+"/reverse", "").State)
}

func TestSitesThatCannotExpireOrDie(t *testing.T) {
	t.Parallel()
	server, err := vcavtest.Start(vcavtest.InMemory())
	require.NoError(t, err)
	defer server.Close()
	server.ExpireSite("site2")
	server.ExpireSite("nowhere")
	server.KillSite("site2")
	server.ReviveSite("nowhere")
	server.PowerMachine("site1", "none", true)
	assert.Len(t, server.AcknowledgeViolations(), 5)
}

func TestLatency(t *testing.T) {
	t.Parallel()
	clock := vcavtest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	server := vcavtest.NewServer(t, vcavtest.InMemory(), vcavtest.UseClock(clock), vcavtest.Latency(20*time.Millisecond))
	answered := make(chan error, 1)
	go func() {
		_, err := guest{server: server}.send(t.Context(), "GET", "/tasks", "")
		answered <- err
	}()
	require.NoError(t, clock.AwaitSleepers(t.Context(), 1))
	assert.Empty(t, answered)
	clock.Advance(20 * time.Millisecond)
	require.NoError(t, <-answered)
}
