package cloudreplicatest_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// sessionShown is a logon session.
type sessionShown struct {
	Href      string   `xml:",attr"`
	Links     []linked `xml:"Links>Link"`
	UserName  string
	SessionId string
}

func basic(user, password string) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

// signIn signs in, and returns a guest with the session's token.
func (g guest) signIn(t testing.TB, query, body string, headers ...string) (guest, sessionShown) {
	t.Helper()
	g.token = ""
	var shown sessionShown
	got := g.ask(t, http.StatusCreated, "POST", "/sessionMngr/"+query, body, &shown, headers...)
	g.token = got.header.Get("X-RestSvcSessionId")
	require.NotEmpty(t, g.token)
	assert.Equal(t, "X-RestSvcSessionId="+g.token+"; Path=/api;", got.header.Get("Set-Cookie"))
	return g, shown
}

func TestSigningInAndOut(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, _ *cloudreplicatest.ManualClock) {
		server := g.server
		for _, query := range []string{"?v=v1_4", "?v=v1_7", "?v=latest", ""} {
			for _, user := range []string{server.User, `CORP\` + server.User, strings.ToUpper(server.User) + "@corp.example"} {
				in, shown := g.signIn(t, query, "", basic(user, server.Password)...)
				assert.Equal(t, `EM01\`+server.User, shown.UserName)
				assert.Equal(t, server.URL+"/api/logonSessions/"+shown.SessionId, link(t, shown.Links, "Delete", "").Href)
				link(t, shown.Links, "Down", "CloudConnectService")
				link(t, shown.Links, "Down", "BackupServerReferenceList")
				in.ask(t, http.StatusOK, "GET", "/logonSessions/"+shown.SessionId, "", nil)
				in.ask(t, http.StatusNoContent, "DELETE", "/logonSessions/"+shown.SessionId, "", nil)
				in.refused(t, http.StatusUnauthorized, "Authorization required", "GET", "/cloud", "")
			}
		}
		assert.Equal(t, 13, server.SignIns())
		assert.Equal(t, 1, server.Sessions())
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	in, shown := g.signIn(t, "?v=latest", "", basic(g.server.User, g.server.Password)...)
	text, err := base64.StdEncoding.DecodeString(in.token)
	require.NoError(t, err)
	assert.Equal(t, shown.SessionId, string(text))
	g, _ = open(t, cloudreplicatest.BinaryTokens())
	in, _ = g.signIn(t, "?v=latest", "", basic(g.server.User, g.server.Password)...)
	raw, err := base64.StdEncoding.DecodeString(in.token)
	require.NoError(t, err)
	assert.Len(t, raw, 16)
}

func TestRefusedSignIns(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	g.token = ""
	for _, headers := range [][]string{nil, basic(g.server.User, "wrong"), basic("nobody", g.server.Password), {"Authorization", "Bearer x"}} {
		got := g.ask(t, http.StatusUnauthorized, "POST", "/sessionMngr/?v=latest", "", nil, headers...)
		assert.Equal(t, "Basic Realm=RestSvc", got.header.Get("WWW-Authenticate"))
	}
	g.refused(t, http.StatusBadRequest, "v9_9", "POST", "/sessionMngr/?v=v9_9", "", basic(g.server.User, g.server.Password)...)
	g.server.ChangePassword("another")
	g.ask(t, http.StatusUnauthorized, "POST", "/sessionMngr/?v=latest", "", nil, basic(g.server.User, g.server.Password)...)
	g.signIn(t, "?v=latest", "", basic(g.server.User, "another")...)
}

func TestSessionsExpire(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	for range 3 {
		clock.Advance(15*time.Minute - 1)
		g.ask(t, http.StatusOK, "GET", "/logonSessions", "", nil)
	}
	clock.Advance(15 * time.Minute)
	got := g.ask(t, http.StatusUnauthorized, "GET", "/logonSessions", "", nil)
	assert.Empty(t, got.header.Get("WWW-Authenticate"))
	assert.Contains(t, got.body, `StatusCode="401"`)
	g.token = g.server.Token()
	g.ask(t, http.StatusOK, "GET", "/logonSessions", "", nil)
	g.server.ExpireSessions()
	g.ask(t, http.StatusUnauthorized, "GET", "/logonSessions", "", nil)
	g.token = ""
	g.ask(t, http.StatusUnauthorized, "GET", "/cloud", "", nil)
}

// The cookie wins over the header, also where it is wrong.
func TestTheCookieWins(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	good := g.token
	g.ask(t, http.StatusUnauthorized, "GET", "/cloud", "", nil, "Cookie", "X-RestSvcSessionId=wrong")
	g.token = "wrong"
	g.ask(t, http.StatusOK, "GET", "/cloud", "", nil, "Cookie", "other=1; X-RestSvcSessionId="+good)
	g.ask(t, http.StatusUnauthorized, "GET", "/cloud", "", nil)
	g.token = ""
	g.ask(t, http.StatusOK, "GET", "/cloud", "", nil, "Cookie", "X-RestSvcSessionId="+good)
}

const tenantLogin = `<LoginSpec xmlns="http://www.veeam.com/ent/v1.0"><TenantCredentials><Username>acme</Username><Password>tenant-password</Password></TenantCredentials></LoginSpec>`

func TestTenantSessions(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		login, start := tenantLogin, startNow
		if g.encoding == asJSON {
			login, start = `{"TenantCredentials":{"Username":"acme","Password":"tenant-password"}}`, `{"StartNow":true}`
		}
		in, shown := g.signIn(t, "?v=v1_7", login, basic(g.server.User, g.server.Password)...)
		assert.Equal(t, `EM01\`+g.server.User, shown.UserName)
		link(t, shown.Links, "Down", "CloudConnectService")
		for _, l := range shown.Links {
			assert.Contains(t, []string{"EnterpriseManager", "CloudConnectService", ""}, l.Type)
		}
		for path, want := range map[string]int{
			"/cloud/cloudFailoverPlans": 1, "/cloud/vmReplicaPoints": 6, "/cloud/replicas": 1, "/cloud/failoverSessions": 0,
		} {
			var all refs
			entity(t, in, path, &all)
			assert.Len(t, all.Refs, want, path)
		}
		other := cloudreplicatest.PlanID("globex all")
		in.refused(t, http.StatusNotFound, "was not found", "GET", "/cloud/cloudFailoverPlans/"+other, "")
		in.refused(t, http.StatusNotFound, "was not found", "POST", "/cloud/cloudFailoverPlans/"+other+"?action=start", start)
		in.refused(t, http.StatusNotFound, "was not found", "GET", "/cloud/replicas/"+cloudreplicatest.ReplicaID("globex app"), "")
		in.refused(t, http.StatusNotFound, "was not found", "GET", "/cloud/vmReplicaPoints/"+g.server.Points("app-1")[0].ID, "")
		for _, denied := range [][2]string{
			{"GET", "/query?type=CloudReplica"},
			{"GET", "/cloud/tenants"},
			{"GET", "/backupServers"},
			{"GET", "/systemSessions"},
			{"POST", "/cloud/cloudFailoverPlans/" + acmeAll + "?action=test"},
			{"DELETE", "/cloud/cloudFailoverPlans/" + acmeAll},
		} {
			in.refused(t, http.StatusForbidden, "denied", denied[0], denied[1], "")
		}
		var own struct {
			LogonSessions []sessionShown `xml:"LogonSession"`
		}
		entity(t, in, "/logonSessions", &own)
		assert.Len(t, own.LogonSessions, 1)
		done := in.task(t, clock, "POST", "/cloud/cloudFailoverPlans/"+acmeAll+"?action=start", start)
		in.ask(t, http.StatusOK, "GET", link(t, done.Links, "Related", "CloudFailoverSession").Href, "", nil)
		clock.Advance(time.Minute)
		in.task(t, clock, "POST", "/cloud/cloudFailoverPlans/"+acmeAll+"?action=undo", "")
		assert.Equal(t, 1, g.server.Audit().Plan(acmeAll).Undone)
	})
}

func TestRefusedTenants(t *testing.T) {
	t.Parallel()
	g, _ := open(t, whole()...)
	g.token = ""
	provider := basic(g.server.User, g.server.Password)
	spec := func(inside string) string {
		return `<LoginSpec xmlns="http://www.veeam.com/ent/v1.0">` + inside + `</LoginSpec>`
	}
	credentials := func(user, password string) string {
		return `<TenantCredentials><Username>` + user + `</Username><Password>` + password + `</Password></TenantCredentials>`
	}
	organization := `<VCloudOrganizationCredentials><OrganizationName>initech</OrganizationName><Login>ann</Login><Password>tenant-password</Password></VCloudOrganizationCredentials>`
	g.signIn(t, "?v=latest", spec(organization), provider...)
	for body, want := range map[string]int{
		spec(credentials("acme", "wrong")):                        http.StatusUnauthorized,
		spec(credentials("nobody", "tenant-password")):            http.StatusUnauthorized,
		spec(credentials("initech", "tenant-password")):           http.StatusUnauthorized, // is of Cloud Director
		spec(credentials("umbrella", "tenant-password")):          http.StatusUnauthorized, // is disabled
		spec(strings.ReplaceAll(organization, "initech", "acme")): http.StatusUnauthorized,
		spec(""): http.StatusBadRequest,
		spec(credentials("acme", "tenant-password") + organization): http.StatusBadRequest,
	} {
		g.ask(t, want, "POST", "/sessionMngr/?v=latest", body, nil, provider...)
	}
	g.ask(t, http.StatusUnauthorized, "POST", "/sessionMngr/?v=latest", tenantLogin, nil)
}

func TestWithoutCloudConnect(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, _ *cloudreplicatest.ManualClock) {
		_, shown := g.signIn(t, "?v=latest", "", basic(g.server.User, g.server.Password)...)
		for _, l := range shown.Links {
			assert.NotEqual(t, "CloudConnectService", l.Type)
		}
		for _, path := range []string{"/cloud", "/cloud/tenants", "/cloud/vmReplicaPoints?format=Entity", "/query?type=CloudVmReplicaPoint"} {
			g.refused(t, http.StatusNotFound, "Cloud Connect", "GET", path, "")
		}
		g.ask(t, http.StatusOK, "GET", "/query?type=BackupServer", "", nil)
	}, cloudreplicatest.WithoutCloudConnect())
}

func TestReadingAccounts(t *testing.T) {
	t.Parallel()
	g, _ := open(t, cloudreplicatest.ReadingAccount("reader", "secret"))
	in, shown := g.signIn(t, "?v=latest", "", basic("reader", "secret")...)
	in.ask(t, http.StatusOK, "GET", "/cloud/tenants", "", nil)
	in.refused(t, http.StatusForbidden, "denied", "DELETE", "/cloud/tenants/"+acme, "")
	in.refused(t, http.StatusForbidden, "denied", "POST", "/cloud/cloudFailoverPlans/"+acmeAll+"?action=start", startNow)
	g.refused(t, http.StatusNotFound, "was not found", "DELETE", "/logonSessions/"+shown.SessionId, "")
	in.ask(t, http.StatusNoContent, "DELETE", "/logonSessions/"+shown.SessionId, "", nil)
}

func TestLinksToItsOwnName(t *testing.T) {
	t.Parallel()
	g, _ := open(t, cloudreplicatest.LinksTo("https://em01.corp.example:9398/api"))
	var all refs
	entity(t, g, "/cloud/tenants", &all)
	assert.Equal(t, "https://em01.corp.example:9398/api/cloud/tenants/"+acme, all.Refs[0].Href)
}
