package checkpointstest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// signIn is the guide's request of a token by password.
func signIn(s *checkpointstest.Server, password, scope string) string {
	return fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":%q,"password":%q,"domain":{"name":%q}}}}%s}}`,
		s.User, password, s.Domain, scope)
}

// tokens is where the identity service has them.
func (g guest) tokens() string { return g.server.AuthURL + "/auth/tokens" }

// issue wants a token.
func (g guest) issue(t testing.TB, body string, headers ...string) (string, object) {
	t.Helper()
	got, err := g.send(t.Context(), "POST", g.tokens(), body, headers...)
	require.NoError(t, err)
	require.Equal(t, 201, got.status, got.body)
	var answer object
	require.NoError(t, json.Unmarshal([]byte(got.body), &answer))
	require.NotEmpty(t, got.header.Get("X-Subject-Token"))
	return got.header.Get("X-Subject-Token"), answer
}

func projectScope(id string) string { return fmt.Sprintf(`,"scope":{"project":{"id":%q}}`, id) }

func TestSignInWithAPassword(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	g.token = ""
	value, answer := g.issue(t, signIn(g.server, g.server.Password, `,"scope":{"project":{"name":"region1"}}`))
	assert.Equal(t, "2030-06-01T12:00:00.000000Z", at(t, answer, "token", "issued_at"))
	assert.Equal(t, "2030-06-02T12:00:00.000000Z", at(t, answer, "token", "expires_at"))
	assert.Equal(t, g.server.ProjectID, at(t, answer, "token", "project", "id"))
	assert.Equal(t, g.server.Domain, at(t, answer, "token", "user", "domain", "name"))
	found := ""
	for _, service := range list(t, answer, "token", "catalog") {
		for _, endpoint := range list(t, service, "endpoints") {
			if text(t, service, "type") == "cbr" && text(t, endpoint, "interface") == "public" {
				found = text(t, endpoint, "url")
			}
		}
	}
	assert.Equal(t, g.server.URL+"/v3/"+g.server.ProjectID, found)
	g.token = value
	g.ask(t, 200, "GET", found+"/vaults", "")
	assert.NotContains(t, g.server.Requests()[0].Header["X-Auth-Token"], value, "tokens are redacted")

	got, err := g.send(t.Context(), "POST", g.tokens()+"?nocatalog=1", signIn(g.server, g.server.Password, projectScope(g.server.ProjectID)))
	require.NoError(t, err)
	assert.NotContains(t, got.body, "catalog")
}

func TestSignInsThatAreRefused(t *testing.T) {
	t.Parallel()
	g, _ := open(t, checkpointstest.OtherAccount("OTHER", "olga", "secret"))
	g.token = ""
	good := signIn(g.server, g.server.Password, "")
	for name, tc := range map[string]struct {
		body   string
		status int
		code   string
	}{
		"wrong password":     {signIn(g.server, "wrong", ""), 401, checkpointstest.CodeWrongPassword},
		"unknown user":       {strings.Replace(good, "operator", "nobody", 1), 401, checkpointstest.CodeWrongPassword},
		"foreign project":    {signIn(g.server, g.server.Password, projectScope(checkpointstest.ProjectID("OTHER", "region1", "region1"))), 403, checkpointstest.CodeNotPermitted},
		"foreign account":    {signIn(g.server, g.server.Password, `,"scope":{"domain":{"name":"OTHER"}}`), 403, checkpointstest.CodeNotPermitted},
		"token that is none": {`{"auth":{"identity":{"methods":["token"],"token":{"id":"MIIx"}}}}`, 401, checkpointstest.CodeInvalidToken},
		"agency of nobody":   {`{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"domain_name":"OTHER","xrole_name":"dr"}}}}`, 401, checkpointstest.CodeInvalidToken},
	} {
		t.Run(name, func(t *testing.T) { g.refused(t, tc.status, tc.code, "POST", g.tokens(), tc.body) })
	}
	g.server.LockUser(g.server.User, true)
	g.refused(t, 401, checkpointstest.CodeUserLocked, "POST", g.tokens(), good)
	g.server.LockUser(g.server.User, false)
	g.server.ChangePassword("another")
	g.refused(t, 401, checkpointstest.CodeWrongPassword, "POST", g.tokens(), good)

	// The member that the table of the guide calls agency_name is spelled xrole_name.
	g.refused(t, 400, "ContractViolation", "POST", g.tokens(), `{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"domain_name":"OTHER","agency_name":"dr"}}}}`)
	assert.Len(t, g.server.AcknowledgeViolations(), 1)

	in, _ := open(t, checkpointstest.SignInErrorsAs(checkpointstest.KeystoneErrors))
	in.token = ""
	wrong := in.ask(t, 401, "POST", in.tokens(), signIn(in.server, "wrong", ""))
	assert.Equal(t, object{"error": object{"code": 401, "message": "The username or password is wrong.", "title": "Unauthorized"}}, wrong)
}

func TestOtherWaysToSignIn(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.MFAUser("mia", "secret", "123456"), checkpointstest.Agency("PARTNER", "dr"))
	second := `{"auth":{"identity":{"methods":["password"%s],"password":{"user":{"name":"mia","password":"secret","domain":{"name":"ACME"}}}%s}}}`
	factor := func(code string) string {
		return fmt.Sprintf(second, `,"totp"`, fmt.Sprintf(`,"totp":{"user":{"name":"mia","passcode":%q}}`, code))
	}
	g.refused(t, 401, checkpointstest.CodeNoCredentials, "POST", g.tokens(), fmt.Sprintf(second, "", ""))
	g.refused(t, 401, checkpointstest.CodeWrongPassword, "POST", g.tokens(), factor("000000"))
	g.issue(t, factor("123456"))

	// A token from a token ends with it.
	clock.Advance(time.Hour)
	_, answer := g.issue(t, fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":%q}}%s}}`, g.token, projectScope(g.project)))
	assert.Equal(t, "2030-06-02T12:00:00.000000Z", at(t, answer, "token", "expires_at"))

	partner := checkpointstest.ProjectID("PARTNER", "region1", "region1")
	value, answer := g.issue(t, fmt.Sprintf(`{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"domain_name":"PARTNER","xrole_name":"dr"}}%s}}`,
		projectScope(partner)), "X-Auth-Token", g.token)
	assert.Equal(t, "PARTNER/dr", at(t, answer, "token", "user", "name"))
	assert.Equal(t, "operator", at(t, answer, "token", "assumed_by", "user", "name"))
	there := guest{server: g.server, token: value, project: partner}
	assert.Zero(t, count(t, there.ask(t, 200, "GET", "/vaults", "")))
	there.project = g.project
	there.malformed(t, "GET", "/vaults", "")
	g.refused(t, 403, checkpointstest.CodeForbidden, "POST", g.tokens(), `{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"domain_name":"PARTNER","xrole_name":"none"}}}}`)
}

func TestTokensEnd(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.TokenLife(time.Hour))
	g.ask(t, 200, "GET", "/vaults", "")
	clock.Advance(time.Hour)
	answer := g.refused(t, 401, checkpointstest.CodeTokenRefused, "GET", "/vaults", "")
	assert.NotEmpty(t, answer["request_id"])
	g.token = g.server.Token()
	g.ask(t, 200, "GET", "/vaults", "")
	g.server.ExpireTokens()
	g.refused(t, 401, checkpointstest.CodeTokenRefused, "GET", "/vaults", "")
	g.token = g.server.Token()
	g.server.RevokeTokens()
	g.refused(t, 401, checkpointstest.CodeTokenRefused, "GET", "/vaults", "")
	g.token = ""
	g.refused(t, 401, checkpointstest.CodeTokenRefused, "GET", "/vaults", "")
	assert.Equal(t, 3, g.server.SignIns())

	for form, want := range map[checkpointstest.UnauthorizedForm]object{
		checkpointstest.IAMErrors:      {"error_code": checkpointstest.CodeTokenExpired, "error_msg": "The token has expired."},
		checkpointstest.KeystoneErrors: {"error": object{"code": 401, "message": "The token has expired.", "title": "Unauthorized"}},
	} {
		g, _ := open(t, checkpointstest.UnauthorizedAs(form))
		g.server.ExpireTokens()
		assert.Equal(t, want, g.ask(t, 401, "GET", "/vaults", ""))
	}
}

func TestLookingAtTokens(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	subject := g.server.Token()
	g.ask(t, 200, "HEAD", g.tokens(), "", "X-Subject-Token", subject)
	shown := g.ask(t, 200, "GET", g.tokens(), "", "X-Subject-Token", subject)
	assert.Equal(t, "operator", at(t, shown, "token", "user", "name"))
	g.ask(t, 204, "DELETE", g.tokens(), "", "X-Subject-Token", subject)
	g.ask(t, 404, "HEAD", g.tokens(), "", "X-Subject-Token", subject)
	own := guest{server: g.server, token: subject, project: g.project}
	own.refused(t, 401, checkpointstest.CodeTokenRefused, "GET", "/vaults", "")

	assert.Len(t, g.ask(t, 200, "GET", g.server.AuthURL+"/auth/projects", "")["projects"], 1)
	named := g.ask(t, 200, "GET", g.server.AuthURL+"/projects?name=region1", "")
	assert.Equal(t, g.project, at(t, named, "projects", 0, "id"))
	assert.NotEmpty(t, list(t, g.ask(t, 200, "GET", g.server.AuthURL+"/auth/catalog", ""), "catalog"))
	assert.Equal(t, "v3.6", at(t, g.ask(t, 200, "GET", g.server.AuthURL, ""), "version", "id"))
	g.ask(t, 200, "GET", g.server.AuthURL+"/", "")
	g.ask(t, 300, "GET", strings.TrimSuffix(g.server.AuthURL, "v3"), "")
	clock.Advance(48 * time.Hour)
	g.ask(t, 401, "HEAD", g.tokens(), "", "X-Subject-Token", subject)
}

func TestTheSecondRegionIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	here, there, _ := openPair(t)
	_, answer := here.issue(t, signIn(here.server, here.server.Password, projectScope(there.project)))
	assert.Contains(t, fmt.Sprint(answer), there.server.URL+"/v3/"+there.project)
	assert.Contains(t, fmt.Sprint(answer), here.server.URL+"/v3/"+here.project)
	assert.Equal(t, here.server.AuthURL, there.server.AuthURL)
	there.token = here.token
	there.malformed(t, "GET", "/vaults", "")
}

func TestThrottling(t *testing.T) {
	t.Parallel()
	g, clock := open(t, checkpointstest.RateLimit(2, time.Minute), checkpointstest.SignInLimit(1, time.Minute))
	g.ask(t, 200, "GET", "/vaults", "")
	clock.Advance(10 * time.Second)
	g.ask(t, 200, "GET", "/vaults", "")
	got, err := g.send(t.Context(), "GET", "/vaults", "")
	require.NoError(t, err)
	assert.Equal(t, 429, got.status)
	assert.Equal(t, "50", got.header.Get("Retry-After"))
	assert.Contains(t, got.body, checkpointstest.CodeThrottled)
	assert.Contains(t, got.body, "limit:2,time:1 minute")
	clock.Advance(50 * time.Second)
	g.ask(t, 200, "GET", "/vaults", "")
	g.issue(t, signIn(g.server, g.server.Password, ""))
	g.refused(t, 429, checkpointstest.CodeIAMThrottled, "POST", g.tokens(), signIn(g.server, g.server.Password, ""))
}

func TestRestrictedUser(t *testing.T) {
	t.Parallel()
	g, _ := open(t, checkpointstest.RestrictedUser("reader", "secret", "cbr:vaults:list"))
	g.token, _ = g.issue(t, `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"reader","password":"secret","domain":{"name":"ACME"}}}}`+
		projectScope(g.project)+`}}`)
	g.ask(t, 200, "GET", "/vaults", "")
	forbidden := g.refused(t, 403, checkpointstest.CodeForbidden, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production))
	assert.Contains(t, text(t, forbidden, "details", 0, "error_msg"), "cbr:vaults:backup")
	assert.NotEmpty(t, forbidden["encoded_authorization_message"])
}
