package vcav_test

import (
	"errors"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// The guide and the later references spell the extension by a token differently: the second spelling is
// sent where the service refuses the first with a 400, and only there.
func TestSpellingsOfAnExtension(t *testing.T) {
	t.Parallel()
	good := answer(t, 200, "sessions_extend.answer")
	for name, tc := range map[string]struct {
		kind    string
		answers []httpmock.Responder
		sent    int
		status  int // of the error; 0 is none
	}{
		"guide's":                {"access token", []httpmock.Responder{good}, 1, 0},
		"later":                  {"access token", []httpmock.Responder{answer(t, 400, "error_bad_request"), good}, 2, 0},
		"neither":                {"access token", []httpmock.Responder{answer(t, 400, "error_bad_request")}, 2, 400},
		"later, refused":         {"access token", []httpmock.Responder{answer(t, 400, "error_bad_request"), answer(t, 403, "error_forbidden")}, 2, 403},
		"later, lost":            {"access token", []httpmock.Responder{answer(t, 400, "error_bad_request"), page(502)}, 2, 502},
		"refused":                {"access token", []httpmock.Responder{answer(t, 401, "error_remote_authentication_failure"), good}, 1, 401},
		"forbidden":              {"access token", []httpmock.Responder{answer(t, 403, "error_forbidden"), good}, 1, 403},
		"no such site":           {"access token", []httpmock.Responder{answer(t, 404, "error_not_found"), good}, 1, 404},
		"conflict":               {"access token", []httpmock.Responder{answer(t, 409, "error_conflict"), good}, 1, 409},
		"failure":                {"access token", []httpmock.Responder{answer(t, 500, "error"), good}, 1, 500},
		"gateway":                {"access token", []httpmock.Responder{page(503), good}, 1, 503},
		"not JSON":               {"access token", []httpmock.Responder{page(200), good}, 1, 200},
		"no answer":              {"access token", []httpmock.Responder{httpmock.NewErrorResponder(errors.New("reset")), good}, 1, -1},
		"one spelling only":      {"credentials", []httpmock.Responder{answer(t, 400, "error_bad_request"), good}, 1, 400},
		"one spelling only, too": {"multisite", []httpmock.Responder{answer(t, 400, "error_bad_request"), good}, 1, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, extension := newService(t), extensionCases()[tc.kind]
			s.on("POST", "/sessions/extend", tc.answers...)
			session, err := s.client().Sessions.Extend(drkit.WithOperationID(wire(t), "op-1"), extension.extension)
			if tc.status == 0 {
				require.NoError(t, err)
				assert.Equal(t, extendedSession(), session)
			} else {
				assert.Equal(t, max(tc.status, 0), answerOf(t, err).Status)
				assert.Empty(t, session)
			}
			require.Len(t, s.lines(), tc.sent)
			for i, request := range s.all() {
				assert.Equal(t, extendLine, request.line)
				assert.Equal(t, headers(givenToken, "op-1", true), request.header)
				assert.JSONEq(t, testdata(t, extension.samples[i]), request.body)
			}
		})
	}
}

// Organizations of tokens are left out where they are empty.
func TestTokenExtensionWithoutOrganization(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("POST", "/sessions/extend", answer(t, 400, "error_bad_request"), answer(t, 200, "sessions_extend.answer"))
	_, err := s.client().Sessions.Extend(wire(t), vcav.WithVCDToken("north", drkit.NewSecret("bWFkZQ"), ""))
	require.NoError(t, err)
	assert.JSONEq(t, `{"type":"accessToken","site":"north","accessToken":"bWFkZQ"}`, s.all()[0].body)
	assert.JSONEq(t, `{"type":"vcdAccessToken","site":"north","vcdAccessToken":"bWFkZQ"}`, s.all()[1].body)
}

// Extensions that cannot be right are not sent, and show nothing of themselves.
func TestExtensionsAreChecked(t *testing.T) {
	t.Parallel()
	word, none := drkit.NewSecret("Tr0ub4dor&3"), drkit.NewSecret("")
	for name, tc := range map[string]struct {
		extension vcav.Extension
		want      string
	}{
		"nil":                             {nil, "extension is nil"},
		"no site":                         {vcav.WithVCDCredentials("", "admin@org1", word), "the name of the site is empty"},
		"a site of blanks":                {vcav.WithVCDToken(" \t", word, ""), "the name of the site is empty"},
		"no site of an organization":      {vcav.WithMultisite("", "org1"), "the name of the site is empty"},
		"no user":                         {vcav.WithVCDCredentials("north", "", word), "user is empty"},
		"user without organization":       {vcav.WithVCDCredentials("north", "admin", word), `user "admin" names no organization`},
		"user with an empty organization": {vcav.WithVCDCredentials("north", "admin@", word), `user "admin@" names no organization`},
		"no password":                     {vcav.WithVCDCredentials("north", "admin@org1", none), "password is empty"},
		"no token":                        {vcav.WithVCDToken("north", none, "org1"), "Cloud Director token is empty"},
		"no organization":                 {vcav.WithMultisite("north", ""), "organization is empty"},
		"an organization of blanks":       {vcav.WithMultisite("north", " "), "organization is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			session, err := s.client().Sessions.Extend(wire(t), tc.extension)
			require.ErrorContains(t, err, "vcav.Sessions.Extend: "+tc.want)
			assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.NotContains(t, err.Error(), word.Reveal())
			assert.Empty(t, session)
			assert.Empty(t, s.lines())
		})
	}
}

// Secrets of extensions stay secret in errors of every class, in log records and in observed answers,
// from the first extension on.
func TestExtensionsKeepTheirSecrets(t *testing.T) {
	t.Parallel()
	for kind, tc := range extensionCases() {
		if tc.secret == "" {
			continue
		}
		for name, reply := range map[string]httpmock.Responder{
			"refused":     echo(401, "RemoteAuthenticationFailure", tc.secret, givenToken),
			"bad request": echo(400, "BadRequest", tc.secret, givenToken),
			"forbidden":   echo(403, tc.secret, tc.secret),
			"failure":     echo(500, "GeneralServerFailure", tc.secret),
			"no answer":   httpmock.NewErrorResponder(errors.New("proxy refuses " + tc.secret)),
			"type":        withHeader(page(404), "Content-Type", "text/"+tc.secret),
			"not JSON":    httpmock.NewStringResponder(200, tc.secret+" "+givenToken),
			"header":      withHeader(page(403), "X-Echo", tc.secret),
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				s, d := newService(t), &diary{}
				s.signsIn(givenToken)
				s.on("POST", "/sessions/extend", reply)
				client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), drkit.WithLogger(d.logger()))
				ctx := drkit.OnResponse(wire(t), func(r drkit.Response) { d.print(r, string(r.Body)) })
				_, err := client.Sessions.Extend(ctx, tc.extension)
				require.Error(t, err)
				d.print(err, tc.extension, client, client.Sessions, []vcav.Extension{tc.extension})
				assertKept(t, d.String(), tc.secret, givenToken, "correct horse")
				assert.Contains(t, d.String(), "vcav.Sessions.Extend")
			})
		}
	}
}

// Bodies of extensions are not logged, nor is what the session then brings back by itself.
func TestExtensionsAreNotLogged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, d := newReach(t), &diary{}
		client := r.signedIn([]string{"north"}, drkit.WithLogger(d.logger()))
		r.refuse("north", echo(403, "Forbidden", "password of north"))
		r.expire()
		require.NoError(t, read(t, client, ""))
		require.Error(t, read(t, client, "north"))
		assertKept(t, d.String(), "password of north", "token-1", "token-2", "correct horse")
		assert.NotContains(t, d.String(), "admin@north")
		assert.Contains(t, d.String(), "session not extended again")
		assert.Contains(t, d.String(), `"site":"north"`)
	})
}

// Only a refused sign-in may have that other reason.
func TestSignInThatFailsForItsOwnReason(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]httpmock.Responder{
		"forbidden": answer(t, 403, "error_forbidden"), "failure": answer(t, 500, "error"), "gateway": page(502),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/sessions", reply)
			_, err := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse"))).Sessions.SignIn(wire(t))
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "public networks")
		})
	}
}

// What refuses administrators by default looks like a wrong password: the error says so.
func TestRefusedSignInNamesAnotherReason(t *testing.T) {
	t.Parallel()
	const hint = "administrators from public networks"
	for name, tc := range signInCases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/sessions", answer(t, 401, "error_not_authenticated"))
			client := s.clientOf(tc.credentials)
			_, err := client.Sessions.SignIn(wire(t))
			require.ErrorContains(t, err, hint)
			require.ErrorContains(t, err, "401 NotAuthenticated")
			_, err = client.VMReplications.Sync(wire(t), ordersID)
			require.ErrorContains(t, err, hint)
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

// Only the service's answer to the extension is a reason for its other spelling.
func TestSignInBeforeAnExtension(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("POST", "/sessions", answer(t, 400, "error_bad_request"))
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
	_, err := client.Sessions.Extend(wire(t), extensionCases()["access token"].extension)
	require.Error(t, err)
	assert.Equal(t, []string{signInLine}, s.lines())
}

// A page that a proxy answers says nothing of the spelling, and whether the first was taken is unknown.
func TestProxyBeforeAnExtension(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("POST", "/sessions/extend", page(400))
	_, err := s.client().Sessions.Extend(wire(t), extensionCases()["access token"].extension)
	require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Len(t, s.lines(), 1)
}
