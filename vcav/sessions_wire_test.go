package vcav_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

var signingKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// signInCase is one way to begin a session.
type signInCase struct {
	credentials vcav.Credentials
	sample      string   // of the body
	fresh       []string // members that differ from one sign-in to the next
	secret      string   // in the credentials
}

const assertion = `<saml2:Assertion ID="_4f8d">made up</saml2:Assertion>`

func signInCases() map[string]signInCase {
	const word, staple, horse, jwt = "tr0ub4dor", "battery staple", "correct horse", "bWFkZQ.dXA.dG9rZW4"
	return map[string]signInCase{
		"local user": {
			credentials: vcav.LocalUser("root", drkit.NewSecret(horse)),
			sample:      "sessions_sign_in.local_user.request", secret: horse,
		},
		"SSO": {
			credentials: vcav.SSO("operator@vsphere.local", drkit.NewSecret(staple)),
			sample:      "sessions_sign_in.sso.request", secret: staple,
		},
		"SSO token": {
			credentials: vcav.SSOToken(drkit.NewSecret(assertion), signingKey()),
			sample:      "sessions_sign_in.sso_token.request", secret: assertion,
			fresh: []string{"timestamp", "nonce", "signature"},
		},
		"Cloud Director provider": {
			credentials: vcav.VCDCredentials("root@System", drkit.NewSecret(word)),
			sample:      "sessions_sign_in.vcd_provider.request", secret: word,
		},
		"Cloud Director tenant": {
			credentials: vcav.VCDCredentials("backup-admin@acme-dr", drkit.NewSecret(word)),
			sample:      "sessions_sign_in.vcd_tenant.request", secret: word,
		},
		"Cloud Director token": {
			credentials: vcav.VCDToken(drkit.NewSecret(jwt), "acme-west"),
			sample:      "sessions_sign_in.vcd_token.request", secret: jwt,
		},
	}
}

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestSignIn(t *testing.T) {
	t.Parallel()
	for name, tc := range signInCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.signsIn(givenToken)
			session, err := s.clientOf(tc.credentials).Sessions.SignIn(wire(t))
			require.NoError(t, err)
			assert.Equal(t, signedInSession(), session)

			request := s.only()
			assert.Equal(t, "POST /sessions", request.line)
			// A sign-in serves all calls that wait for it, so it has an operation ID of its own.
			id := request.header.Get("operationID")
			assert.Regexp(t, uuid, id)
			assert.Equal(t, headers("", id, true), request.header)
			assert.JSONEq(t, testdata(t, tc.sample), withSampleMembers(t, request.body, tc.sample, tc.fresh))
		})
	}
}

// withSampleMembers returns body with some of its members replaced by those of a sample, provided that
// they are there and of the same type.
func withSampleMembers(t *testing.T, body, sample string, names []string) string {
	t.Helper()
	var got, want map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.NoError(t, json.Unmarshal([]byte(testdata(t, sample)), &want))
	for _, name := range names {
		require.Contains(t, got, name)
		require.IsType(t, want[name], got[name])
		got[name] = want[name]
	}
	data, err := json.Marshal(got)
	require.NoError(t, err)
	return string(data)
}

func TestRefusedSignIn(t *testing.T) {
	t.Parallel()
	for name, tc := range signInCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/sessions", answer(t, 401, "error_not_authenticated"))
			client := s.clientOf(tc.credentials)
			session, err := client.Sessions.SignIn(wire(t))
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.Empty(t, session)
			id := s.only().header.Get("operationID")
			assert.Equal(t, notAuthenticated.errorOf("Sessions.SignIn", "POST /sessions", id), answerOf(t, err))

			_, err = client.Diagnostics.About(wire(t))
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			assert.Contains(t, err.Error(), "vcav.Diagnostics.About: signing in: vcav.Sessions.SignIn: 401")
			assert.Len(t, s.lines(), 1, "refused credentials are not tried again: accounts get locked")
			_, err = client.Sessions.SignIn(wire(t))
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			assert.Len(t, s.lines(), 2, "unless that is asked for")
		})
	}
}

// The first call signs in, the others share its session, Close ends it.
func TestSessionOfAClient(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn("Zmlyc3Q=", "c2Vjb25k")
	s.on("GET", "/diagnostics/about", answer(t, 200, "diagnostics_about.answer"))
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), drkit.WithReadOnly())
	assert.Empty(t, s.lines(), "a new client sends nothing")
	for range 2 {
		_, err := client.Diagnostics.About(wire(t))
		require.NoError(t, err)
	}
	session, err := client.Sessions.SignIn(wire(t))
	require.NoError(t, err)
	assert.Equal(t, signedInSession(), session)
	require.NoError(t, client.Sessions.End(wire(t)))
	require.NoError(t, client.Sessions.End(wire(t)), "there is no session any more")
	_, err = client.Diagnostics.About(wire(t))
	require.NoError(t, err)
	require.NoError(t, client.Close(wire(t)))
	require.NoError(t, client.Close(wire(t)))

	about, in, out := "GET /diagnostics/about", "POST /sessions", "DELETE /sessions"
	assert.Equal(t, []string{in, about, about, out, in, about, out}, s.lines())
	var tokens []string
	for _, request := range s.all() {
		tokens = append(tokens, request.header.Get("X-VCAV-Auth"))
	}
	assert.Equal(t, []string{"", "Zmlyc3Q=", "Zmlyc3Q=", "Zmlyc3Q=", "", "c2Vjb25k", "c2Vjb25k"}, tokens)
	_, err = client.Diagnostics.About(wire(t))
	require.ErrorIs(t, err, drkit.ErrClosed)
	require.ErrorIs(t, client.Sessions.End(wire(t)), drkit.ErrClosed)
}

// The token comes in a header; an answer without it begins no session.
func TestSignInWithoutToken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer httpmock.Responder
		want   string
	}{
		"no header":    {answer(t, 200, "sessions_sign_in.answer"), "no X-VCAV-Auth header"},
		"empty header": {withHeader(answer(t, 200, "sessions_sign_in.answer"), "X-VCAV-Auth", ""), "no X-VCAV-Auth header"},
		"page":         {withHeader(page(200), "X-VCAV-Auth", givenToken), "the answer cannot be used (text/html)"},
		"null":         {withHeader(httpmock.NewStringResponder(200, "null"), "X-VCAV-Auth", givenToken), "the answer cannot be used"},
		"broken off":   {withHeader(brokenOff(200, `{"user":`), "X-VCAV-Auth", givenToken), "broke off"},
		"gateway":      {page(502), "502: the answer is not the service's own (text/html)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/sessions", tc.answer)
			client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
			_, err := client.VMReplications.Failover(wire(t), "C4-1", vcav.CloudFailover{})
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, "vcav.VMReplications.Failover: signing in")
			assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "the failover was not sent")
			assert.Equal(t, []string{"POST /sessions"}, s.lines())
		})
	}
}

// An expiry that the service names leads to one new sign-in, also for what must not repeat.
func TestExpiredSession(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if tc.signsIn || operationOf(tc.operation).Anonymous {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.signsIn("Zmlyc3Q=", "c2Vjb25k")
			current := tc.reply(t)
			expired := answer(t, 401, "error_not_authenticated")
			s.onAny(func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("X-VCAV-Auth") == "c2Vjb25k" {
					return current(r)
				}
				return expired(r)
			})
			got, err := tc.run(wire(t), here(s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))))
			require.NoError(t, err)
			assert.Equal(t, tc.want, tidy(got))

			line := tc.line("")
			require.Equal(t, []string{"POST /sessions", line, "POST /sessions", line}, s.lines())
			first, second := s.all()[1], s.all()[3]
			assert.Equal(t, first.body, second.body)
			assert.Equal(t, first.header.Get("operationID"), second.header.Get("operationID"))
		})
	}
}

// A given token is used as it is: no sign-in, no renewal, no sign-out.
func TestGivenToken(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/sessions", answer(t, 200, "sessions_get.answer"), answer(t, 401, "error_not_authenticated"))
	client := s.client()
	session, err := client.Sessions.SignIn(wire(t))
	require.NoError(t, err)
	assert.Equal(t, extendedSession(), session)
	_, err = client.Sessions.SignIn(wire(t))
	require.ErrorIs(t, err, drkit.ErrUnauthorized)
	require.ErrorContains(t, client.Sessions.End(wire(t)), "not this client's to end")
	require.NoError(t, client.Close(wire(t)))
	assert.Equal(t, []string{"GET /sessions", "GET /sessions"}, s.lines())
	assert.False(t, slices.ContainsFunc(s.all(), func(r sent) bool { return r.header.Get("X-VCAV-Auth") != givenToken }))
}

// Close is content where the session is gone already, and says so where signing out failed.
func TestSignOutThatFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer httpmock.Responder
		kind   error
		want   string
	}{
		"gone already":   {answer(t, 401, "error_not_authenticated"), nil, ""},
		"unknown":        {answer(t, 404, "error_not_found"), nil, ""},
		"server failure": {answer(t, 500, "error"), nil, "500 GeneralServerFailure"},
		"forbidden":      {answer(t, 403, "error_forbidden"), drkit.ErrForbidden, "403 Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.signsIn(givenToken)
			s.on("DELETE", "/sessions", tc.answer)
			client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
			_, err := client.Sessions.SignIn(wire(t))
			require.NoError(t, err)
			err = client.Close(wire(t))
			assert.Equal(t, []string{"POST /sessions", "DELETE /sessions"}, s.lines())
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
			if tc.kind != nil {
				assert.ErrorIs(t, err, tc.kind)
			}
		})
	}
}
