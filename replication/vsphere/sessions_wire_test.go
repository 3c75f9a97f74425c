package vsphere_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/replication/vsphere"
)

const remoteLine = "POST /pairings/" + pairing + "/remote-session"

// The user goes in a header, without a body; the token comes in the body, and goes out with every call after it.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("POST", "/session", answer(t, 200, "sessions_sign_in.answer"))
	s.on("DELETE", "/session", says(204, ""))
	s.on("GET", "/info", answer(t, 200, "appliance_info.answer"))
	client := s.clientOf(ops())
	assert.Empty(t, s.Lines(), "nothing is sent before the first call")
	for range 2 {
		_, err := client.Appliance.Info(t.Context())
		require.NoError(t, err)
	}
	require.NoError(t, client.Sessions.SignIn(t.Context()))
	require.NoError(t, client.Close(t.Context()))
	require.Equal(t, []string{"POST /session", "GET /info", "GET /info", "DELETE /session"}, s.lines())
	signIn, call, signOut := s.All()[0], s.All()[2], s.All()[3]
	want := headers("", false)
	want["Authorization"] = []string{opsHeader}
	assert.Equal(t, want, signIn.Header)
	assert.Empty(t, signIn.Body)
	assert.Equal(t, headers(givenToken, false), call.Header)
	assert.Equal(t, headers(givenToken, false), signOut.Header)
}

func TestEnd(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn("a", "b")
	s.on("GET", "/info", answer(t, 200, "appliance_info.answer"))
	client := s.clientOf(ops())
	require.NoError(t, client.Sessions.End(t.Context()), "there is none")
	require.NoError(t, client.Sessions.SignIn(t.Context()))
	require.NoError(t, client.Sessions.End(t.Context()))
	_, err := client.Appliance.Info(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"POST /session", "DELETE /session", "POST /session", "GET /info"}, s.lines())
	require.ErrorContains(t, s.client().Sessions.End(t.Context()), "not this client's to end")
}

func TestSignInIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer httpmock.Responder
		want   string
		again  bool // another call tries again
	}{
		"with 400, which the reference lists": {answer(t, 400, "error"), "400 INVALID_ARGUMENT", false},
		"with 401":                            {says(401, ""), "401", false},
		"with 403":                            {answer(t, 403, "error_forbidden"), "403 NO_PERMISSION", false},
		"with 500":                            {answer(t, 500, "error"), "500 INVALID_ARGUMENT", true},
		"by a proxy":                          {wiretest.Page(401), "the answer is not the service's own", true},
		"without a token":                     {says(200, `{"username":"ops"}`), "a session without session_id", true},
		"by something else":                   {says(200, `["ok"]`), "cannot be used", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/session", tc.answer)
			client := s.clientOf(ops())
			for range 2 {
				_, err := client.Appliance.Info(t.Context())
				require.ErrorContains(t, err, tc.want)
				assert.NotContains(t, err.Error(), "salt & spray")
				if !tc.again {
					assert.True(t, errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrForbidden))
				}
			}
			want := 1
			if tc.again {
				want = 2
			}
			assert.Len(t, s.Lines(), want, "accounts get locked")
			require.Error(t, client.Sessions.SignIn(t.Context()))
			assert.Len(t, s.Lines(), want+1, "SignIn tries once more")
		})
	}
}

// A 401 counts as the end of the session: what may be repeated is sent again with a new one, once.
func TestExpiry(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn("a", "b")
	s.on("GET", "/info", says(401, ""), answer(t, 200, "appliance_info.answer"))
	s.on("GET", "/tasks", says(401, ""))
	client := s.clientOf(ops())
	_, err := client.Appliance.Info(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "b", s.All()[3].Header.Get("x-dr-session"))
	_, err = drkit.Collect(client.Tasks.List(t.Context(), vsphere.ListQuery{}))
	require.ErrorIs(t, err, drkit.ErrUnauthorized)
	assert.Equal(t, []string{
		"POST /session", "GET /info", "POST /session", "GET /info", "GET /tasks", "POST /session", "GET /tasks",
	}, s.lines())
}

// What must not repeat goes out under the session that its note has begun, and not under the one that has ended.
func TestExpiryBeforeAnOperation(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn("a", "b")
	s.on("GET", onLedger, says(401, ""), answer(t, 200, "replications_get.answer"))
	s.on("GET", "/tasks", answer(t, 200, "tasks_list.answer"))
	s.on("POST", onLedger+"/actions/sync", answer(t, 202, "replications_sync.answer"))
	_, err := replicationsOf(s.clientOf(ops(), fast)).Sync(t.Context(), ledger)
	require.NoError(t, err)
	last := s.All()[len(s.All())-1]
	assert.Equal(t, "POST "+base+onLedger+"/actions/sync", last.Line)
	assert.Equal(t, "b", last.Header.Get("x-dr-session"))
}

// pairs lays out the pairing.
func (s *service) pairs() {
	s.t.Helper()
	s.on("GET", "/pairings/"+pairing, answer(s.t, 200, "pairings_get.answer"))
}

// count is a call that needs no remote session, and vrs one that does.
func (s *service) countsAndServers() {
	s.t.Helper()
	s.on("GET", "/pairings/"+pairing+"/replications/count", answer(s.t, 200, "replications_count.answer"))
	s.on("GET", "/pairings/"+pairing+"/vrs", answer(s.t, 200, "management_servers_list.answer"))
}

// The sign-in at the other site goes out under the session, with the other user in a header. It comes back with a new
// session, before anything else is sent under that.
func TestRemoteSession(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn("a", "b")
	s.pairs()
	s.on("POST", "/pairings/"+pairing+"/remote-session", says(204, ""))
	s.on("GET", "/pairings/"+pairing+"/vrs", says(401, ""), answer(t, 200, "management_servers_list.answer"))
	client := s.clientOf(ops(), fast, drkit.WithReadOnly())
	there := client.Pairing(pairing)
	require.NoError(t, there.RemoteSession.SignIn(t.Context(), vsphere.Login("ops@east.local", drkit.NewSecret("kelp"))))
	signIn := s.All()[2]
	want := headers("a", false)
	want["Authorization"] = []string{"Basic b3BzQGVhc3QubG9jYWw6a2VscA=="}
	assert.Equal(t, want, signIn.Header)
	assert.Empty(t, signIn.Body)

	_, err := there.ManagementServers.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{
		"POST /session", "GET /pairings/" + pairing, remoteLine, "GET /pairings/" + pairing + "/vrs",
		"POST /session", remoteLine, "GET /pairings/" + pairing + "/vrs",
	}, s.lines())
	assert.Equal(t, "b", s.All()[5].Header.Get("x-dr-session"))
}

// Within one vCenter Server there is no other site to sign in at.
func TestOneVCenterPairing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/pairings/"+pairing, says(200, `{"pairing_id":"`+pairing+`","local_vc_server":{"id":"`+west+`"},"remote_vc_server":{"id":"`+west+`"}}`))
	s.countsAndServers()
	there := s.client().Pairing(pairing)
	require.NoError(t, there.RemoteSession.SignIn(t.Context(), ops()))
	_, err := there.ManagementServers.List(t.Context())
	require.NoError(t, err)
	assert.Len(t, s.Lines(), 2)
	assert.False(t, vsphere.Pairing{}.OneVCenter(), "what is not known is not the same")
}

// Refused credentials are not kept, and those that are refused later are not tried again.
func TestRemoteSessionIsRefused(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]httpmock.Responder{
		"401": says(401, ""), "400": answer(t, 400, "error"), "403": answer(t, 403, "error_forbidden"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.signsIn("a", "b", "c")
			s.pairs()
			s.on("POST", "/pairings/"+pairing+"/remote-session", refusal, says(204, ""), refusal)
			s.on("GET", "/pairings/"+pairing+"/vrs", says(401, ""), answer(t, 200, "management_servers_list.answer"),
				says(401, ""), answer(t, 200, "management_servers_list.answer"))
			client := s.clientOf(ops(), fast)
			there := client.Pairing(pairing)
			err := there.RemoteSession.SignIn(t.Context(), ops())
			require.Error(t, err)
			require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.True(t, errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrForbidden))
			require.NoError(t, there.RemoteSession.SignIn(t.Context(), ops()))
			for range 2 {
				_, err := there.ManagementServers.List(t.Context())
				require.NoError(t, err, "what the answer lacks is the service's to say")
			}
			count := strings.Count(strings.Join(s.lines(), "\n"), remoteLine)
			assert.Equal(t, 3, count, "two by the caller, and one with the second session; not with the third")
		})
	}
}

// Where the other site is away when a session begins, calls go on without it, and try again now and then.
func TestRemoteSessionComesBackLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.signsIn("a", "b")
		s.pairs()
		s.countsAndServers()
		s.on("GET", "/session", says(401, ""), answer(t, 200, "sessions_get.answer"))
		s.on("GET", "/info", answer(t, 200, "appliance_info.answer"))
		s.on("POST", "/pairings/"+pairing+"/remote-session", says(204, ""), answer(t, 500, "error"), answer(t, 500, "error"), says(204, ""))
		var log bytes.Buffer
		client := s.clientOf(ops(), fast, drkit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
		there := client.Pairing(pairing)
		require.NoError(t, there.RemoteSession.SignIn(t.Context(), ops()))
		_, err := client.Sessions.Get(t.Context())
		require.NoError(t, err)
		tried := func() int { return strings.Count(strings.Join(s.lines(), "\n"), remoteLine) }
		assert.Equal(t, 2, tried())
		assert.Contains(t, log.String(), "not signed in again at the other site")
		for _, want := range []int{2, 2, 3, 3, 4, 4} {
			before := tried()
			_, err = there.Replications.Count(t.Context())
			require.NoError(t, err)
			assert.Equal(t, before, tried(), "that needs no other site")
			_, err := there.ManagementServers.List(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want, tried())
			<-time.After(31 * time.Second)
		}
		require.NoError(t, client.Close(t.Context()))
	})
}

// A session whose token was given is not renewed, nor is what was added to it.
func TestGivenToken(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.pairs()
	s.on("POST", "/pairings/"+pairing+"/remote-session", says(204, ""))
	s.on("GET", "/pairings/"+pairing+"/vrs", says(401, ""))
	client := s.client()
	require.NoError(t, client.Sessions.SignIn(t.Context()))
	there := client.Pairing(pairing)
	require.NoError(t, there.RemoteSession.SignIn(t.Context(), ops()))
	_, err := there.ManagementServers.List(t.Context())
	require.ErrorIs(t, err, drkit.ErrUnauthorized)
	require.NoError(t, client.Close(t.Context()))
	assert.Len(t, s.Lines(), 3)
}

// Nothing that would let somebody sign in shows in errors, in the log, or in observed answers.
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	s := newService(t)
	const leak = "salt & spray c51d0e7a-(tide)_41== b3BzQHdlc3QubG9jYWw6c2FsdCAmIHNwcmF5 kelp"
	s.signsIn(givenToken)
	s.pairs()
	s.on("POST", "/pairings/"+pairing+"/remote-session", says(204, ""))
	s.on("GET", "/info", says(500, `{"message":"`+leak+`"}`))
	var log bytes.Buffer
	client := s.clientOf(ops(), fast, drkit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	require.NoError(t, client.Pairing(pairing).RemoteSession.SignIn(t.Context(), vsphere.Login("ops", drkit.NewSecret("kelp"))))
	var seen []string
	ctx := drkit.OnResponse(t.Context(), func(r drkit.Response) { seen = append(seen, string(r.Body)) })
	_, err := client.Appliance.Info(ctx)
	require.Error(t, err)
	for _, text := range append(seen, err.Error(), log.String()) {
		for _, secret := range strings.Fields(leak)[3:] {
			assert.NotContains(t, text, secret)
		}
		assert.NotContains(t, text, "salt & spray")
	}
	assert.NotEmpty(t, seen)
	assert.Equal(t, http.StatusInternalServerError, answerOf(t, err).Status)
}

// A page in place of an answer that has no body means that the request has not arrived.
func TestPagesInPlaceOfSilence(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn("a")
	s.pairs()
	s.on("POST", "/pairings/"+pairing+"/remote-session", wiretest.Page(200))
	s.on("DELETE", "/session", wiretest.Page(200), says(401, ""))
	proxied := newService(t)
	proxied.signsIn("b")
	proxied.on("DELETE", "/session", wiretest.Page(401))
	other := proxied.clientOf(ops())
	require.NoError(t, other.Sessions.SignIn(t.Context()))
	require.ErrorIs(t, other.Sessions.End(t.Context()), drkit.ErrUnauthorized, "the proxy's word is not that it is gone")
	client := s.clientOf(ops())
	err := client.Pairing(pairing).RemoteSession.SignIn(t.Context(), ops())
	require.ErrorContains(t, err, "where the service itself says nothing")
	assert.True(t, answerOf(t, err).Foreign)
	require.ErrorContains(t, client.Sessions.End(t.Context()), "where the service itself says nothing")
	require.NoError(t, client.Sessions.End(t.Context()), "it is gone already")
	require.NoError(t, client.Sessions.End(t.Context()))
	assert.Equal(t, 2, strings.Count(strings.Join(s.lines(), "\n"), "DELETE /session"))
}
