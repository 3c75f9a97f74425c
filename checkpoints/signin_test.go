package checkpoints

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

func TestWhatSignInsSend(t *testing.T) {
	t.Parallel()
	at := Identity{URL: iamURL + "/", Project: Project{ID: project}}
	byName := Identity{URL: "https://iam.example.com", Project: Project{Name: "eu-de"}}
	elsewhere := Identity{URL: iamURL, Project: Project{Name: "eu-de", Domain: Domain{ID: "d2", Name: "beta"}}}
	secret := drkit.NewSecret("pw")
	code := func(context.Context) (drkit.Secret, error) { return drkit.NewSecret("123456"), nil }
	const scope = `,"scope":{"project":{"id":"` + project + `"}}}}`
	for name, tc := range map[string]struct {
		credentials Credentials
		bodies      []string
	}{
		"password": {
			Password(at, User{Name: "ops", Domain: Domain{Name: "acme"}}, secret),
			[]string{`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ops","domain":{"name":"acme"},"password":"pw"}}}` + scope},
		},
		"user by id": {
			Password(at, User{ID: "u1", Name: "ops", Domain: Domain{ID: "d1"}}, secret),
			[]string{`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"u1","password":"pw"}}}` + scope},
		},
		"project by name, of the user's account": {
			Password(byName, User{Name: "ops", Domain: Domain{ID: "d1"}}, secret),
			[]string{`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ops","domain":{"id":"d1"},"password":"pw"}}},
				"scope":{"project":{"name":"eu-de","domain":{"id":"d1"}}}}}`},
		},
		"project by name, of another account": {
			Password(elsewhere, User{Name: "ops", Domain: Domain{ID: "d1"}}, secret),
			[]string{`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ops","domain":{"id":"d1"},"password":"pw"}}},
				"scope":{"project":{"name":"eu-de","domain":{"id":"d2"}}}}}`},
		},
		"password and passcode": {
			PasswordAndPasscode(at, User{Name: "ops", Domain: Domain{Name: "acme"}}, secret, code),
			[]string{`{"auth":{"identity":{"methods":["password","totp"],
				"password":{"user":{"name":"ops","domain":{"name":"acme"},"password":"pw"}},
				"totp":{"user":{"name":"ops","domain":{"name":"acme"},"passcode":"123456"}}}` + scope},
		},
		"token for token": {
			ExchangeToken(at, drkit.NewSecret("an unscoped token")),
			[]string{`{"auth":{"identity":{"methods":["token"],"token":{"id":"an unscoped token"}}` + scope},
		},
		"agency": {
			Agency(Password(Identity{URL: iamURL}, User{Name: "ops", Domain: Domain{Name: "acme"}}, secret),
				Delegation{Domain: Domain{Name: "beta"}, Name: "dr_agency", Project: Project{Name: "eu-nl"}}),
			[]string{
				`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ops","domain":{"name":"acme"},"password":"pw"}}}}}`,
				`{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"domain_name":"beta","xrole_name":"dr_agency"}},
					"scope":{"project":{"name":"eu-nl","domain":{"name":"beta"}}}}}`,
			},
		},
		"agency by id, from a project": {
			Agency(ExchangeToken(at, drkit.NewSecret("a token")),
				Delegation{Domain: Domain{ID: "d2", Name: "beta"}, Name: "dr_agency", Project: Project{ID: project}}),
			[]string{
				`{"auth":{"identity":{"methods":["token"],"token":{"id":"a token"}}` + scope,
				`{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"domain_id":"d2","xrole_name":"dr_agency"}}` + scope,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			client := c.clientOf(tc.credentials)
			assert.Empty(t, c.bodies, "nothing is sent before the first call")
			require.NoError(t, list(t.Context(), client))
			require.Len(t, c.bodies, len(tc.bodies))
			for i, want := range tc.bodies {
				assert.Equal(t, compact(t, want), c.bodies[i])
			}
			assert.Empty(t, c.under[0])
			if len(tc.bodies) > 1 {
				assert.Equal(t, "gAAAAABtoken0001", c.under[1], "the agency is taken up under the token before")
				assert.Equal(t, []string{"nocatalog=1", ""}, c.queries, "only one catalogue is needed")
			}
			assert.Equal(t, "/v3/"+project+"/vaults", c.seen[0].URL.Path)
			assert.Equal(t, c.tokenOf(len(tc.bodies)), c.seen[0].Header.Get("X-Auth-Token"))
		})
	}
}

func (c *cloud) tokenOf(n int) string { return "gAAAAABtoken000" + string(rune('0'+n)) }

func TestSessionSaysWhoHasSignedIn(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	session, err := c.client().Sessions.SignIn(t.Context())
	require.NoError(t, err)
	assert.Equal(t, User{ID: "u1", Name: "ops", Domain: Domain{ID: "d1", Name: "acme"}}, session.User)
	assert.Equal(t, Project{ID: project, Name: "eu-de", Domain: Domain{ID: "d1", Name: "acme"}}, session.Project)
	assert.Equal(t, cbrURL, session.Endpoint)
	assert.Equal(t, []string{"te_admin"}, session.Roles)
	assert.Equal(t, []string{"password"}, session.Methods)
	assert.Equal(t, 24*time.Hour, session.ExpiresAt.Sub(session.IssuedAt))
}

// The endpoint may be given with what the paths have anyway; the catalogue is not asked for then.
func TestEndpointThatIsGiven(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []string{cbrURL, cbrURL + "/", cbrURL + "/v3", cbrURL + "/v3/" + project, " " + cbrURL + "/v3/" + project + "/"} {
		c := newCloud(t)
		c.catalog = `"none of our business"`
		client, err := NewClient(endpoint, project, ops(Identity{URL: iamURL}), c.options()...)
		require.NoError(t, err)
		require.NoError(t, list(t.Context(), client))
		assert.Equal(t, cbrURL+"/v3/"+project+"/vaults", c.seen[0].URL.String())
		assert.Equal(t, []string{"nocatalog=1"}, c.queries)
		require.NoError(t, client.Close(t.Context()))
	}
	_, err := NewClient(cbrURL+"/v3/another", project, ops(Identity{URL: iamURL}))
	require.ErrorContains(t, err, "for another project")
}

func TestEndpointOfTheCatalogue(t *testing.T) {
	t.Parallel()
	const other = "https://other.example.com/v3/" + project
	for name, tc := range map[string]struct {
		catalog string
		at      Identity
		want    string // endpoint, or part of the error
	}{
		"region":           {catalogOf("cbr", "public", "eu-nl", other, "cbr", "public", "eu-de", cbrURL+"/v3/"+project), Identity{Region: "eu-de"}, cbrURL},
		"only one":         {catalogOf("evs", "public", "eu-de", other, "cbr", "public", "eu-de", cbrURL+"/v3/"+project), Identity{}, cbrURL},
		"all regions":      {catalogOf("cbr", "public", "*", cbrURL+"/v3/"+project), Identity{Region: "eu-de"}, cbrURL},
		"interface":        {catalogOf("cbr", "internal", "eu-de", other, "cbr", "public", "eu-de", cbrURL), Identity{Region: "eu-de"}, cbrURL},
		"other interface":  {catalogOf("cbr", "internal", "eu-de", cbrURL, "cbr", "public", "eu-de", other), Identity{Interface: "internal"}, cbrURL},
		"version":          {catalogOf("cbr", "public", "eu-de", cbrURL+"/v3"), Identity{}, cbrURL},
		"placeholder":      {catalogOf("cbr", "public", "eu-de", cbrURL+"/v3/$(tenant_id)s"), Identity{}, cbrURL},
		"folder":           {catalogOf("cbr", "public", "eu-de", cbrURL+"/cbr/v3/"+project), Identity{}, cbrURL + "/cbr"},
		"none":             {catalogOf("evs", "public", "eu-de", other), Identity{}, "no public address of the service cbr"},
		"empty":            {`[]`, Identity{}, "no public address"},
		"missing":          {`null`, Identity{}, "no public address"},
		"elsewhere":        {catalogOf("cbr", "public", "eu-nl", other), Identity{Region: "eu-de"}, `in the regions ["eu-nl"], and not in "eu-de"`},
		"several":          {catalogOf("cbr", "public", "eu-nl", other, "cbr", "public", "eu-de", cbrURL), Identity{}, `["eu-de" "eu-nl"]: name one of them`},
		"another project":  {catalogOf("cbr", "public", "eu-de", cbrURL+"/v3/0000"), Identity{}, "for another project"},
		"in the clear":     {catalogOf("cbr", "public", "eu-de", "http://cbr.example.com"), Identity{}, "would send credentials in the clear"},
		"with a password":  {catalogOf("cbr", "public", "eu-de", "https://a:b@cbr.example.com"), Identity{}, "holds a user name"},
		"not a URL at all": {catalogOf("cbr", "public", "eu-de", "cbr"), Identity{}, "not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.catalog = tc.catalog
			tc.at.URL, tc.at.Project = iamURL, Project{ID: project}
			client := c.clientOf(ops(tc.at))
			session, err := client.Sessions.SignIn(t.Context())
			if tc.want[:5] == "https" {
				require.NoError(t, err)
				assert.Equal(t, tc.want, session.Endpoint)
				require.NoError(t, list(t.Context(), client))
				assert.Equal(t, tc.want+"/v3/"+project+"/vaults", c.seen[0].URL.String())
				return
			}
			require.ErrorContains(t, err, tc.want)
			require.Error(t, list(t.Context(), client))
			assert.Zero(t, c.calls)
		})
	}
}

// What the first sign-in has found stays: work must not be looked for at another place.
func TestPlaceStays(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	client := c.clientOf(ops(Identity{URL: iamURL, Project: Project{Name: "eu-de"}}))
	require.NoError(t, list(t.Context(), client))
	c.catalog = catalogOf("cbr", "public", "eu-de", "https://evil.example.com")
	c.expireAll()
	require.NoError(t, list(t.Context(), client))
	assert.Equal(t, []string{"", "nocatalog=1"}, c.queries)
	assert.Contains(t, c.bodies[1], `"scope":{"project":{"id":"`+project+`"}}`, "the project is the one found by its name before")

	c.expireAll()
	c.signIn = func(*http.Request) *http.Response {
		resp := reply(201, `{"token":{"project":{"id":"another"}}}`)
		resp.Header.Set("X-Subject-Token", "a token for another project")
		return resp
	}
	err := list(t.Context(), client)
	require.ErrorContains(t, err, "the session is for the project_id another, and this client for "+project)
	assert.NotErrorIs(t, err, drkit.ErrUnauthorized)
}

// Bad arguments are refused before anything is sent, also where the project is not known yet.
func TestArgumentsBeforeTheFirstSignIn(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	client := c.clientOf(ops(Identity{URL: iamURL, Project: Project{Name: "eu-de"}}), drkit.WithReadOnly())
	for _, id := range []string{"", ".", ".."} {
		err := resource{client}.do(t.Context(), transport.Call{Operation: &getVault, Path: []string{id}}, nil)
		require.ErrorContains(t, err, "checkpoints.Vaults.Get: vault_id ")
	}
	require.ErrorIs(t, create(t.Context(), client), drkit.ErrReadOnly)
	assert.Empty(t, c.bodies)
	require.NoError(t, resource{client}.do(t.Context(), transport.Call{Operation: &getVault, Path: []string{"{project_id}"}}, nil))
	assert.Equal(t, "/v3/"+project+"/vaults/%7Bproject_id%7D", c.seen[0].URL.EscapedPath(), "an argument is never taken for the project")
	require.NoError(t, resource{client}.do(t.Context(), transport.Call{Operation: &versions, Path: []string{"cbr"}}, nil))
	assert.Equal(t, "/cbr", c.seen[1].URL.Path, "some paths have no project")
}

func TestErrorsNameTheProject(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.answer = func(*http.Request) *http.Response {
		return reply(400, `{"error_code":"BackupService.6100","error_msg":"x"}`)
	}
	err := list(t.Context(), c.clientOf(ops(Identity{URL: iamURL, Project: Project{Name: "eu-de"}})))
	var answer *drkit.Error
	require.ErrorAs(t, err, &answer)
	assert.Equal(t, "/v3/"+project+"/vaults", answer.Path)
}

func TestSignInsThatFail(t *testing.T) {
	t.Parallel()
	withToken := func(status int, body string) func(*http.Request) *http.Response {
		return func(*http.Request) *http.Response {
			resp := reply(status, body)
			resp.Header.Set("X-Subject-Token", "a token")
			return resp
		}
	}
	for name, tc := range map[string]struct {
		signIn func(*http.Request) *http.Response
		want   error
		text   string
	}{
		"no token":    {func(*http.Request) *http.Response { return reply(201, `{"token":{}}`) }, nil, "has no X-Subject-Token header"},
		"no project":  {withToken(201, `{"token":{}}`), nil, "it is for no project"},
		"no JSON":     {withToken(201, `<html>`), nil, "the answer cannot be used"},
		"null":        {withToken(201, `null`), nil, "the answer cannot be used"},
		"odd project": {withToken(201, `{"token":{"project":{"id":".."},"catalog":[{"type":"cbr","endpoints":[{"interface":"public","region":"eu-de","url":"https://cbr.example.com"}]}]}}`), nil, `project_id ".." is not an id`},
		"IAM":         {withToken(401, `{"error_code":"IAM.0062","error_msg":"The user name or password is wrong."}`), drkit.ErrUnauthorized, "IAM.0062"},
		"Keystone":    {withToken(401, `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`), drkit.ErrUnauthorized, "requires authentication"},
		"forbidden":   {withToken(403, `{"error":{"code":"IAM.0002","message":"no","title":"Forbidden"}}`), drkit.ErrForbidden, "IAM.0002"},
		"proxy":       {withToken(503, `<html>`), drkit.ErrUnavailable, "not the service's own"},
		"bad request": {withToken(400, `{"error":{"code":400,"message":"bad","title":"Bad Request"}}`), nil, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.signIn = tc.signIn
			err := list(t.Context(), c.client())
			require.ErrorContains(t, err, "checkpoints.Vaults.List: signing in: ")
			require.ErrorContains(t, err, tc.text)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
			}
			require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.Zero(t, c.calls)
			assert.Len(t, c.bodies, 1)
		})
	}
}

func TestPasscodes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		passcode Passcode
		want     string
	}{
		"error": {func(context.Context) (drkit.Secret, error) { return drkit.Secret{}, errors.New("no device") }, "signing in: passcode: no device"},
		"empty": {func(context.Context) (drkit.Secret, error) { return drkit.Secret{}, nil }, "passcode is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			at := Identity{URL: iamURL, Project: Project{ID: project}}
			err := list(t.Context(), c.clientOf(PasswordAndPasscode(at, User{ID: "u1"}, drkit.NewSecret("pw"), tc.passcode)))
			require.ErrorContains(t, err, tc.want)
			assert.Empty(t, c.bodies)
		})
	}
}

func TestConstructorRefuses(t *testing.T) {
	t.Parallel()
	at := Identity{URL: iamURL, Project: Project{ID: project}}
	user, pw := User{ID: "u1"}, drkit.NewSecret("pw")
	pin := "SHA-256:" + "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
	for name, tc := range map[string]struct {
		endpoint, project string
		credentials       Credentials
		option            drkit.Option
		want              string
	}{
		"no credentials":         {cbrURL, project, nil, nil, "credentials are nil"},
		"no password":            {"", "", Password(at, user, drkit.Secret{}), nil, "password is empty"},
		"no user":                {"", "", Password(at, User{}, pw), nil, "user is empty"},
		"user without account":   {"", "", Password(at, User{Name: "ops"}, pw), nil, "has no account"},
		"no identity":            {"", project, Password(Identity{}, user, pw), nil, "URL of the identity service is empty"},
		"identity without host":  {"", project, Password(Identity{URL: "/v3"}, user, pw), nil, `identity service: "/v3" is not a URL`},
		"identity in the clear":  {"", project, Password(Identity{URL: "http://iam"}, user, pw), nil, "identity service: endpoint"},
		"no project":             {"", "", Password(Identity{URL: iamURL}, user, pw), nil, "name a project"},
		"two projects":           {"", "other", Password(at, user, pw), nil, "leave one of the two out"},
		"project and name":       {"", project, Password(Identity{URL: iamURL, Project: Project{Name: "n"}}, user, pw), nil, "leave one of the two out"},
		"account of no project":  {"", project, Password(Identity{URL: iamURL, Project: Project{Domain: Domain{ID: "d"}}}, user, pw), nil, "neither id nor name"},
		"odd project":            {"", "..", Password(Identity{URL: iamURL}, user, pw), nil, "is not an id"},
		"no passcode":            {"", "", PasswordAndPasscode(at, user, pw, nil), nil, "passcode function is nil"},
		"no token to exchange":   {"", "", ExchangeToken(at, drkit.Secret{}), nil, "token is empty"},
		"no token":               {cbrURL, project, Token(drkit.Secret{}), nil, "token is empty"},
		"token without endpoint": {"", project, Token(pw), nil, "need an endpoint and a project id"},
		"token without project":  {cbrURL, "", Token(pw), nil, "need an endpoint and a project id"},
		"key without project":    {cbrURL, "", AccessKey("AK", pw), nil, "need an endpoint and a project id"},
		"no access key":          {cbrURL, project, AccessKey("", pw), nil, "access key is empty"},
		"odd access key":         {cbrURL, project, AccessKey("AK\r\nX: y", pw), nil, "that no access key has"},
		"no secret key":          {cbrURL, project, AccessKey("AK", drkit.Secret{}), nil, "secret key is empty"},
		"no security token":      {cbrURL, project, TemporaryKey("AK", pw, drkit.Secret{}), nil, "security token is empty"},
		"agency by key":          {cbrURL, project, Agency(AccessKey("AK", pw), Delegation{Name: "a", Domain: Domain{ID: "d"}}), nil, "needs credentials that sign in"},
		"agency of nobody":       {"", project, Agency(nil, Delegation{Name: "a", Domain: Domain{ID: "d"}}), nil, "needs credentials that sign in"},
		"agency without name":    {"", project, Agency(Password(at, user, pw), Delegation{Domain: Domain{ID: "d"}}), nil, "name of the agency is empty"},
		"agency without account": {"", project, Agency(Password(at, user, pw), Delegation{Name: "a"}), nil, "agency has no account"},
		"agency by agency": {"", project, Agency(Agency(Password(at, user, pw), Delegation{Name: "a", Domain: Domain{ID: "d"}}),
			Delegation{Name: "a", Domain: Domain{ID: "d"}}), nil, "by way of another"},
		"agency of bad password": {"", project, Agency(Password(at, user, drkit.Secret{}), Delegation{Name: "a", Domain: Domain{ID: "d"}}), nil, "password is empty"},
		"endpoint in the clear":  {"http://cbr", project, Token(pw), nil, "in the clear"},
		"nil option":             {cbrURL, project, Token(pw), nil, ""},
		"plain for nothing":      {cbrURL, project, Password(Identity{URL: iamURL}, user, pw), drkit.WithPlainHTTP(), "WithPlainHTTP contradicts the endpoints"},
		"plain for nothing, too": {cbrURL, project, Token(pw), drkit.WithPlainHTTP(), "WithPlainHTTP contradicts"},
		"pin for nobody":         {cbrURL, project, Token(pw), WithIdentityThumbprint(pin), "is for credentials that sign in"},
		"bad pin":                {"", "", Password(at, user, pw), WithIdentityThumbprint("00"), "WithIdentityThumbprint: WithThumbprint: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options []drkit.Option
			if tc.option != nil || name == "nil option" {
				options = append(options, tc.option)
			}
			if name == "nil option" {
				tc.want = "option is nil"
			}
			_, err := NewClient(tc.endpoint, tc.project, tc.credentials, options...)
			require.ErrorContains(t, err, "checkpoints: ")
			require.ErrorContains(t, err, tc.want)
		})
	}
}
