package vcavtest_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

var (
	admin    = []string{"ADMINISTRATORS", "EVERYONE"}
	everyone = []string{"EVERYONE"}
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t, vcavtest.InMemory(), vcavtest.RootPassword("r00t"),
		vcavtest.LocalSite("site2", "org2", "org3"),
		vcavtest.Tenant("ann@org2", "pw"), vcavtest.SSOUser("sam@vsphere.local", "pw"),
		vcavtest.AccessToken("eyJ0.tenant", "ann@org2"), vcavtest.AccessToken("eyJ0.provider", "root@System"))
	for name, tc := range map[string]struct {
		body string
		want *signedIn // nil: refused
	}{
		"appliance":              {`{"type":"localUser","localUser":"root","localPassword":"r00t"}`, &signedIn{"root", admin, []place{{Site: "site2", Org: "System"}}}},
		"appliance, wrong":       {`{"type":"localUser","localUser":"root","localPassword":"R00t"}`, nil},
		"appliance, other user":  {`{"type":"localUser","localUser":"ann","localPassword":"r00t"}`, nil},
		"SSO":                    {`{"type":"ssoCredentials","username":"sam@vsphere.local","password":"pw"}`, &signedIn{"sam@vsphere.local", admin, []place{{Site: "site2", Org: "System"}}}},
		"SSO, wrong":             {`{"type":"ssoCredentials","username":"sam@vsphere.local","password":"no"}`, nil},
		"SSO, but a tenant":      {`{"type":"ssoCredentials","username":"ann@org2","password":"pw"}`, nil},
		"SAML":                   {`{"type":"ssoToken","samlToken":"<saml2/>","timestamp":1900000000000,"nonce":"n1"}`, &signedIn{"saml@vsphere.local", admin, []place{{Site: "site2", Org: "System"}}}},
		"provider":               {`{"type":"vcdCredentials","vcdUser":"root@System","vcdPassword":"r00t"}`, &signedIn{"root@System", admin, []place{{Site: "site2", Org: "System"}}}},
		"tenant":                 {`{"type":"vcdCredentials","vcdUser":"ann@org2","vcdPassword":"pw"}`, &signedIn{"ann@org2", everyone, []place{{Site: "site2", Org: "org2"}}}},
		"tenant, wrong":          {`{"type":"vcdCredentials","vcdUser":"ann@org2","vcdPassword":"no"}`, nil},
		"tenant, but SSO":        {`{"type":"vcdCredentials","vcdUser":"sam@vsphere.local","vcdPassword":"pw"}`, nil},
		"JWT":                    {`{"type":"vcdAccessToken","vcdAccessToken":"eyJ0.tenant"}`, &signedIn{"ann@org2", everyone, []place{{Site: "site2", Org: "org2"}}}},
		"JWT of another issuer":  {`{"type":"vcdAccessToken","vcdAccessToken":"eyJ0.tenant","context":"org3"}`, &signedIn{"ann@org2", everyone, []place{{Site: "site2", Org: "org3"}}}},
		"JWT, unknown context":   {`{"type":"vcdAccessToken","vcdAccessToken":"eyJ0.tenant","context":"org9"}`, nil},
		"JWT of the provider":    {`{"type":"vcdAccessToken","vcdAccessToken":"eyJ0.provider"}`, &signedIn{"root@System", admin, []place{{Site: "site2", Org: "System"}}}},
		"JWT, unknown":           {`{"type":"vcdAccessToken","vcdAccessToken":"eyJ0.other"}`, nil},
		"nobody":                 {`{"type":"vcdCredentials","vcdUser":"eve@org2","vcdPassword":"pw"}`, nil},
		"tenant of nobody's org": {`{"type":"vcdCredentials","vcdUser":"ann@org3","vcdPassword":"pw"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.want == nil {
				guest{server: server}.refused(t, http.StatusUnauthorized, "NotAuthenticated", "POST", "/sessions", tc.body)
				return
			}
			got := guest{server: server}.ask(t, http.StatusOK, "POST", "/sessions", tc.body)
			assert.Equal(t, *tc.want, read[signedIn](t, got))
			token := got.header.Get("X-VCAV-Auth")
			assert.NotContains(t, got.body, token)
			raw, err := base64.StdEncoding.DecodeString(token)
			require.NoError(t, err)
			assert.Len(t, raw, 20)
			for _, troublesome := range []string{"+", "/", "="} {
				assert.Contains(t, token, troublesome)
			}
			in := guest{server: server, token: token}
			assert.Equal(t, *tc.want, read[signedIn](t, in.ask(t, http.StatusOK, "GET", "/sessions", "")))
			assert.Empty(t, in.ask(t, http.StatusNoContent, "DELETE", "/sessions", "").body)
			in.refused(t, http.StatusUnauthorized, "NotAuthenticated", "GET", "/sessions", "")
			in.refused(t, http.StatusUnauthorized, "NotAuthenticated", "DELETE", "/sessions", "")
		})
	}
}

func TestSignInWithHolderOfKeyToken(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	server := vcavtest.NewServer(t, vcavtest.InMemory(), vcavtest.SSOKey(&key.PublicKey))
	sign := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		require.NoError(t, err)
		return `,"signature":"` + base64.StdEncoding.EncodeToString(signature) + `"`
	}
	const token = `{"type":"ssoToken","samlToken":"<saml2:Assertion/>","timestamp":1900000000000,"nonce":"n0nce"`
	for name, tc := range map[string]struct {
		signature string
		status    int
	}{
		"signed":            {sign("<saml2:Assertion/>1900000000000n0nce"), http.StatusOK},
		"another order":     {sign("n0nce1900000000000<saml2:Assertion/>"), http.StatusUnauthorized},
		"another nonce":     {sign("<saml2:Assertion/>1900000000000other"), http.StatusUnauthorized},
		"no signature":      {"", http.StatusUnauthorized},
		"not base64":        {`,"signature":"~"`, http.StatusUnauthorized},
		"another signature": {`,"signature":"AAAA"`, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			guest{server: server}.ask(t, tc.status, "POST", "/sessions", token+tc.signature+"}")
		})
	}
	empty := `{"type":"ssoToken","samlToken":"","timestamp":1,"nonce":"n"}`
	guest{server: server}.refused(t, http.StatusBadRequest, "BadUserInput", "POST", "/sessions", empty)
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []vcavtest.Option
		wait    func(t *testing.T, g guest, clock *vcavtest.ManualClock)
		status  int
	}{
		"in use":       {nil, func(_ *testing.T, _ guest, clock *vcavtest.ManualClock) { clock.Advance(29 * time.Minute) }, http.StatusOK},
		"idle":         {nil, func(_ *testing.T, _ guest, clock *vcavtest.ManualClock) { clock.Advance(30 * time.Minute) }, http.StatusUnauthorized},
		"kept up":      {nil, keepUp(23*time.Hour + 40*time.Minute), http.StatusOK},
		"too old":      {nil, keepUp(24 * time.Hour), http.StatusUnauthorized},
		"own idleness": {[]vcavtest.Option{vcavtest.SessionLife(time.Minute, time.Hour)}, func(_ *testing.T, _ guest, clock *vcavtest.ManualClock) { clock.Advance(time.Minute) }, http.StatusUnauthorized},
		"on demand":    {nil, func(_ *testing.T, g guest, _ *vcavtest.ManualClock) { g.server.ExpireSessions() }, http.StatusUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, tc.options...)
			assert.Equal(t, 1, g.server.Sessions())
			tc.wait(t, g, clock)
			g.ask(t, tc.status, "GET", "/sessions", "")
		})
	}
}

// keepUp uses the session every 20 minutes for as long.
func keepUp(life time.Duration) func(*testing.T, guest, *vcavtest.ManualClock) {
	return func(t *testing.T, g guest, clock *vcavtest.ManualClock) {
		for range life/(20*time.Minute) - 1 {
			clock.Advance(20 * time.Minute)
			g.ask(t, http.StatusOK, "GET", "/sessions", "")
		}
		clock.Advance(20 * time.Minute)
	}
}

func TestEverythingElseNeedsASession(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	for _, token := range []string{"", "bm90IGEgdG9rZW4="} {
		for path, method := range map[string]string{
			"/sessions": "GET", "/tasks": "GET", "/tasks/x": "GET", "/diagnostics/about": "GET",
			"/vm-replications": "GET", "/vm-replications/" + db1 + "/sync": "POST",
			"/vm-replications/" + db1 + "/failover-test": "DELETE",
		} {
			guest{server: g.server, token: token}.refused(t, http.StatusUnauthorized, "NotAuthenticated", method, path, "")
		}
	}
	assert.Zero(t, g.server.Ran("VMReplications.Sync", db1))
}

func TestVersions(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	newer, _ := open(t, vcavtest.ProductVersion("4.5.0"))
	for name, tc := range map[string]struct {
		guest  guest
		accept string
		status int
		want   string // Content-Type of the answer
	}{
		"the guide's":        {g, accept, 200, accept},
		"no charset":         {g, "application/vnd.vmware.h4-v4.1+json", 200, accept},
		"without a minor":    {g, "application/vnd.vmware.h4-v4+json", 200, "application/vnd.vmware.h4-v4+json;charset=UTF-8"},
		"oldest":             {g, "application/vnd.vmware.h4-v3+json", 200, "application/vnd.vmware.h4-v3+json;charset=UTF-8"},
		"between":            {g, "application/vnd.vmware.h4-v3.5+json", 200, "application/vnd.vmware.h4-v3.5+json;charset=UTF-8"},
		"too new":            {g, "application/vnd.vmware.h4-v4.2+json", 406, accept},
		"too old":            {g, "application/vnd.vmware.h4-v2+json", 406, accept},
		"a choice":           {g, "application/vnd.vmware.h4-v4.7+json, application/vnd.vmware.h4-v4+json", 200, "application/vnd.vmware.h4-v4+json;charset=UTF-8"},
		"new on a newer one": {newer, "application/vnd.vmware.h4-v4.5+json", 200, "application/vnd.vmware.h4-v4.5+json;charset=UTF-8"},
		"too new even there": {newer, "application/vnd.vmware.h4-v4.6+json", 406, "application/vnd.vmware.h4-v4.5+json;charset=UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.guest.ask(t, tc.status, "GET", "/diagnostics/about", "", "Accept", tc.accept)
			assert.Equal(t, tc.want, got.header.Get("Content-Type"))
			if tc.status == http.StatusNotAcceptable {
				assert.Equal(t, "VersionNotSupported", read[wrong](t, got).Code)
			}
		})
	}
	for _, foreign := range []string{
		"", "application/json", "*/*", "text/html", "application/vnd.vmware.h4-v4.1+xml", "application/vnd.vmware.h4-vX+json",
		"application/vnd.vmware.h4-v4.1+json;charset=latin1", "application/vnd.vmware.h4-v4.1+octet-stream;charset=UTF-8",
	} {
		stranger, _ := open(t)
		stranger.refused(t, http.StatusBadRequest, "ContractViolation", "GET", "/diagnostics/about", "", "Accept", foreign)
		assert.Len(t, stranger.server.AcknowledgeViolations(), 1, foreign)
	}
}

func TestAbout(t *testing.T) {
	t.Parallel()
	type about struct{ ServiceType, ProductName, InstanceID, BuildVersion string }
	g, _ := open(t, withTenant("ann@org2"), vcavtest.ProductVersion("4.4.1"))
	got := read[about](t, tenant(t, g.server, "ann@org2").ask(t, http.StatusOK, "GET", "/diagnostics/about", ""))
	assert.Equal(t, "CLOUD", got.ServiceType)
	assert.Equal(t, g.server.InstanceID(), got.InstanceID)
	assert.Regexp(t, `^4\.4\.1\.\d+-[0-9a-f]+$`, got.BuildVersion)
	other, _ := open(t)
	assert.NotEqual(t, other.server.InstanceID(), g.server.InstanceID())
}

func TestSites(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.RemoteSite("site1", "org1", "shared"), vcavtest.RemoteSite("site3", "org3"),
		vcavtest.LocalSite("site2", "org2", "shared"), vcavtest.AuthenticatedAt("site1"),
		withTenant("ann@org2"), withTenant("bob@shared"),
		vcavtest.Protect(
			vcavtest.Replication{VMName: "in"},
			vcavtest.Replication{VMName: "out", SourceSite: "site2", DestinationSite: "site3"},
			vcavtest.Replication{VMName: "elsewhere", SourceSite: "site3", DestinationSite: "site1"},
		))
	for query, want := range map[string][]string{
		"": {"out", "in"}, "?site=site2": {"out", "in"}, "?site=site1": {"elsewhere", "in"},
	} {
		var names []string
		for _, r := range read[pageOf[shield]](t, g.ask(t, http.StatusOK, "GET", "/vm-replications"+query, "")).Items {
			names = append(names, r.VMName)
		}
		assert.Equal(t, want, names, query)
	}
	g.refused(t, http.StatusUnauthorized, "RemoteAuthenticationFailure", "GET", "/vm-replications?site=site3", "")
	g.refused(t, http.StatusNotFound, "SiteNotFound", "GET", "/vm-replications?site=site9", "")
	g.refused(t, http.StatusNotFound, "ReplicationNotFound", "GET", "/vm-replications/"+vcavtest.ReplicationID("elsewhere"), "")

	for user, org := range map[string]string{"ann@org2": "org1", "bob@shared": "shared"} {
		session := read[signedIn](t, tenant(t, g.server, user).ask(t, http.StatusOK, "GET", "/sessions", ""))
		assert.Equal(t, place{Site: "site1", Org: org}, session.Sites[1], user)
	}
	started := g.begin(t, "POST", fmt.Sprintf("/vm-replications/%s/sync?site=site1", vcavtest.ReplicationID("in")), "")
	assert.Equal(t, "site1", started.Site)
	g.ask(t, http.StatusOK, "GET", "/tasks/"+started.ID+"?site=site1", "")
	g.refused(t, http.StatusNotFound, "TaskNotFound", "GET", "/tasks/"+started.ID, "")
	assert.Empty(t, read[pageOf[job]](t, g.ask(t, http.StatusOK, "GET", "/tasks", "")).Items)
}
