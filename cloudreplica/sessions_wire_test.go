package cloudreplica_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/internal/wiretest"
)

const (
	versionsPath = "/api/backupServers"
	startPath    = planPath
	startLine    = "POST " + planPath + "?action=start"
	endLine      = "DELETE /api/logonSessions/" + logonID
	serversLine  = "GET /api/backupServers?format=Entity"
)

// basic is the header of an account.
func basic(user, password string) []string {
	return []string{"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}
}

// The sign-in, in each way in which the service speaks: who signs in stands in a header, whom it is for in the body,
// and the token comes in a header, never in a cookie.
func TestSignIn(t *testing.T) {
	t.Parallel()
	provider := cloudreplica.Login(`HARBOR\ops`, drkit.NewSecret("correct horse"))
	for name, tc := range map[string]struct {
		credentials  cloudreplica.Credentials
		options      []drkit.Option
		line         string
		body, answer string
	}{
		"account": {provider, nil, signInLine, "", "sessions_sign_in.answer"},
		"version": {provider, []drkit.Option{cloudreplica.WithAPIVersion("v1_7")}, "POST /api/sessionMngr/?v=v1_7", "", "sessions_sign_in.answer"},
		"tenant": {
			cloudreplica.TenantLogin(provider, "Tidewater", drkit.NewSecret("pier <9> & quay")), nil, signInLine,
			"sessions_sign_in.tenant.request", "sessions_sign_in.tenant.answer",
		},
		"organization": {
			cloudreplica.OrganizationLogin(provider, "northwind", "mate", drkit.NewSecret("aft")), nil, signInLine,
			"sessions_sign_in.organization.request", "sessions_sign_in.tenant.answer",
		},
	} {
		for _, speaks := range dialects() {
			t.Run(name+" in "+speaks.name, func(t *testing.T) {
				t.Parallel()
				s := newService(t, speaks)
				s.On("POST", "/api/sessionMngr/", wiretest.WithHeader(
					wiretest.WithHeader(s.answers(201, tc.answer), "X-RestSvcSessionId", givenToken),
					"Set-Cookie", "X-RestSvcSessionId=of-a-cookie; Path=/api;"))
				s.On("DELETE", "/api/logonSessions/"+logonID, s.answers(204, ""))
				s.On("GET", "/api/cloud", s.answers(200, "cloud_links.answer"))
				client := s.clientOf(tc.credentials, tc.options...)
				session, err := client.Sessions.SignIn(sending(t))
				require.NoError(t, err)
				assert.Equal(t, valueOf[cloudreplica.LogonSession](t, tc.answer), session)
				_, err = client.Cloud.Links(sending(t))
				require.NoError(t, err)

				sent := s.All()
				assert.Equal(t, []string{tc.line, "GET /api/cloud"}, s.Lines())
				want := s.headers("", tc.body != "")
				want["Authorization"] = basic(`HARBOR\ops`, "correct horse")
				assert.Equal(t, want, sent[0].Header)
				if tc.body == "" {
					assert.Empty(t, sent[0].Body)
				} else {
					s.sameBody(tc.body, sent[0].Body)
				}
				assert.Equal(t, s.headers(givenToken, false), sent[1].Header, "neither the account nor a cookie goes with a call")
			})
		}
	}
}

// Signing out names the session by its id, which is not its token.
func TestSignOut(t *testing.T) {
	t.Parallel()
	s := newService(t, inXML)
	s.signsIn("sessions_sign_in.answer", "first", "second")
	s.On("DELETE", "/api/logonSessions/"+logonID, s.answers(204, ""))
	client := s.clientOf(ops())
	require.NoError(t, client.Sessions.End(sending(t)), "there is none yet")
	_, err := client.Sessions.SignIn(sending(t))
	require.NoError(t, err)
	require.NoError(t, client.Sessions.End(sending(t)))
	_, err = client.Sessions.SignIn(sending(t))
	require.NoError(t, err)
	require.NoError(t, client.Close(sending(t)))
	assert.Equal(t, []string{signInLine, endLine, signInLine, endLine}, s.Lines())
	assert.Equal(t, "first", s.All()[1].Header.Get("X-RestSvcSessionId"))
	assert.Equal(t, "second", s.All()[3].Header.Get("X-RestSvcSessionId"))
}

// A session that somebody else has begun is used as it is, and left alone.
func TestGivenToken(t *testing.T) {
	t.Parallel()
	s := newService(t, inXML)
	s.On("GET", "/api/logonSessions", s.answers(200, "sessions_list.answer"), s.answers(401, "error_unauthorized"))
	client := s.client()
	session, err := client.Sessions.SignIn(sending(t))
	require.NoError(t, err)
	assert.Empty(t, session)
	_, err = client.Sessions.SignIn(sending(t))
	require.ErrorIs(t, err, drkit.ErrUnauthorized)
	require.Error(t, client.Sessions.End(sending(t)))
	require.NoError(t, client.Close(sending(t)))
	assert.Equal(t, []string{"GET /api/logonSessions", "GET /api/logonSessions"}, s.Lines())
}

// Refused credentials are not tried again by themselves, since accounts get locked.
func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	s := newService(t, inXML)
	s.On("POST", "/api/sessionMngr/", wiretest.WithHeader(s.answers(401, "error_unauthorized"), "WWW-Authenticate", "Basic Realm=RestSvc"))
	client := s.clientOf(ops())
	for range 3 {
		_, err := client.BackupServers.List(sending(t))
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
	}
	assert.Equal(t, []string{signInLine}, s.Lines())
	_, err := client.Sessions.SignIn(sending(t))
	require.ErrorIs(t, err, drkit.ErrUnauthorized)
	assert.Len(t, s.Lines(), 2)
}

// Something else than Enterprise Manager may answer at the address.
func TestSignInAtTheWrongPlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(s *service) httpmock.Responder
		want   string
	}{
		"no token": {func(s *service) httpmock.Responder { return s.answers(201, "sessions_sign_in.answer") }, "port 9398"},
		"web page": {func(*service) httpmock.Responder { return wiretest.Page(200) }, "cannot be used"},
		"no id": {func(s *service) httpmock.Responder {
			return s.says(201, `<LogonSession xmlns="http://www.veeam.com/ent/v1.0"><UserName>x</UserName></LogonSession>`)
		}, "without SessionId"},
		"another API":       {func(s *service) httpmock.Responder { return s.says(404, `{"message":"Not Found"}`) }, "port 9398"},
		"a page of another": {func(*service) httpmock.Responder { return wiretest.Page(404) }, "not the service's own"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, inXML)
			s.On("POST", "/api/sessionMngr/", tc.answer(s))
			_, err := s.clientOf(ops()).BackupServers.List(sending(t))
			require.ErrorContains(t, err, tc.want)
			assert.NotErrorIs(t, err, drkit.ErrNotFound)
		})
	}
	s := newService(t, inXML)
	s.On("POST", "/api/sessionMngr/", s.says(404, `{"Message":"No such domain","StatusCode":404}`))
	_, err := s.clientOf(ops()).BackupServers.List(sending(t))
	require.ErrorContains(t, err, "No such domain")
	assert.NotContains(t, err.Error(), "9398", "it is at the right place")
}

// A session that has ended is followed by another, and the call sent again; what must not repeat only on the
// service's own word.
func TestExpiry(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refusal func(s *service) httpmock.Responder
		unknown bool // of what must not repeat
	}{
		"its own word": {func(s *service) httpmock.Responder { return s.answers(401, "error_unauthorized") }, false},
		"a proxy's":    {func(*service) httpmock.Responder { return wiretest.Page(401) }, true},
		"nobody's":     {func(s *service) httpmock.Responder { return s.answers(401, "") }, true},
	} {
		for _, speaks := range dialects() {
			t.Run(name+" in "+speaks.name, func(t *testing.T) {
				t.Parallel()
				s := newService(t, speaks)
				s.signsIn("sessions_sign_in.answer", "first", "second", "third")
				s.On("DELETE", "/api/logonSessions/"+logonID, s.answers(204, ""))
				s.On("GET", versionsPath, tc.refusal(s), s.answers(200, "backup_servers_list.answer"))
				s.On("POST", startPath, tc.refusal(s), s.answers(202, "failover_plans_start.answer"))
				client := s.clientOf(ops())
				_, err := client.BackupServers.List(sending(t))
				require.NoError(t, err)
				assert.Equal(t, []string{signInLine, serversLine, signInLine, serversLine}, s.Lines())
				assert.Equal(t, "second", s.All()[3].Header.Get("X-RestSvcSessionId"))
				s.Forget()
				_, err = client.FailoverPlans.Start(sending(t), planID, cloudreplica.FailoverStart{})
				if tc.unknown {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.Equal(t, []string{startLine}, s.Lines())
				} else {
					require.NoError(t, err)
					assert.Equal(t, []string{startLine, signInLine, startLine}, s.Lines())
				}
			})
		}
	}
}

// By its own clock a client knows that a session is over which it has not used for 15 minutes.
func TestIdleSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t, inXML)
		s.signsIn("sessions_sign_in.answer", "first", "second")
		s.On("GET", versionsPath, s.answers(200, "backup_servers_list.answer"))
		s.On("DELETE", "/api/logonSessions/"+logonID, s.answers(204, ""))
		client := s.clientOf(ops())
		for _, pause := range []time.Duration{0, 14 * time.Minute, 14 * time.Minute, 15*time.Minute + time.Second, 15 * time.Minute} {
			<-time.After(pause) // of the bubble
			_, err := client.BackupServers.List(sending(t))
			require.NoError(t, err)
		}
		assert.Equal(t, []string{signInLine, serversLine, serversLine, serversLine, signInLine, serversLine, serversLine}, s.Lines())
		require.NoError(t, client.Close(context.Background()))
	})
}

// Where the session has no link to Cloud Connect nothing is asked of it; what is not part of it still works.
func TestNoCloudConnect(t *testing.T) {
	t.Parallel()
	for _, speaks := range dialects() {
		t.Run(speaks.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, speaks)
			s.signsIn("sessions_sign_in.no_cloud.answer", givenToken)
			s.On("DELETE", "/api/logonSessions/"+logonID, s.answers(204, ""))
			s.On("GET", versionsPath, s.answers(200, "backup_servers_list.answer"))
			s.On("GET", "/api/query", s.answers(200, "query_find.backup_servers.answer"))
			client := s.clientOf(ops())
			_, err := client.Replicas.List(sending(t))
			require.ErrorIs(t, err, cloudreplica.ErrNoCloudConnect)
			require.ErrorContains(t, err, "cloudreplica.Replicas.List: ")
			_, err = client.FailoverPlans.Start(sending(t), planID, cloudreplica.FailoverStart{})
			require.ErrorIs(t, err, cloudreplica.ErrNoCloudConnect)
			assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			_, err = drkit.Collect(client.Tenants.Query(sending(t), cloudreplica.Query[cloudreplica.CloudTenant]{}))
			require.ErrorIs(t, err, cloudreplica.ErrNoCloudConnect)
			assert.Equal(t, []string{signInLine}, s.Lines())
			_, err = client.BackupServers.List(sending(t))
			require.NoError(t, err)
			_, err = drkit.Collect(client.BackupServers.Query(sending(t), cloudreplica.Query[cloudreplica.BackupServer]{}))
			require.NoError(t, err)
		})
	}
}

func TestCredentialsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret("correct horse")
	provider := ops()
	for want, credentials := range map[string]cloudreplica.Credentials{
		"credentials are nil":               nil,
		"user is empty":                     cloudreplica.Login(" ", secret),
		"colon":                             cloudreplica.Login("a:b", secret),
		"password is empty":                 cloudreplica.Login("a", drkit.Secret{}),
		"session token is empty":            cloudreplica.Token(drkit.Secret{}),
		"tenant is empty":                   cloudreplica.TenantLogin(provider, "", secret),
		"password of the tenant is empty":   cloudreplica.TenantLogin(provider, "a", drkit.Secret{}),
		"takes the Login of the provider":   cloudreplica.TenantLogin(cloudreplica.Token(secret), "a", secret),
		"provider: user is empty":           cloudreplica.TenantLogin(cloudreplica.Login("", secret), "a", secret),
		"organization is empty":             cloudreplica.OrganizationLogin(provider, "", "b", secret),
		"user of the organization is empty": cloudreplica.OrganizationLogin(provider, "a", " ", secret),
		"organization's user is empty":      cloudreplica.OrganizationLogin(provider, "a", "b", drkit.Secret{}),
	} {
		_, err := cloudreplica.NewClient(manager, credentials)
		assert.ErrorContains(t, err, want)
		assert.True(t, err != nil && strings.HasPrefix(err.Error(), "cloudreplica: "), want)
	}
	_, err := cloudreplica.NewClient(manager, cloudreplica.TenantLogin(nil, "a", secret))
	require.ErrorContains(t, err, "takes the Login of the provider")
}

func TestOptionsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "7", "v", "1_7", "v1.7", "newest", "v1_7&x=1"} {
		_, err := cloudreplica.NewClient(manager, ops(), cloudreplica.WithAPIVersion(version))
		require.ErrorContains(t, err, "WithAPIVersion", version)
	}
	_, err := cloudreplica.NewClient(manager, ops(), nil)
	require.ErrorContains(t, err, "option is nil")
	_, err = cloudreplica.NewClient("http://em.example.com:9399", ops())
	require.ErrorContains(t, err, "in the clear")
}

// The vendor's pages show addresses with the path of the API.
func TestEndpointWithThePath(t *testing.T) {
	t.Parallel()
	s := newService(t, inXML)
	s.On("GET", "/api/", s.answers(200, "sessions_versions.answer"))
	for _, endpoint := range []string{manager, manager + "/", manager + "/api", manager + "/api/"} {
		client, err := cloudreplica.NewClient(endpoint, ops(), drkit.WithTransport(s.Mock))
		require.NoError(t, err)
		_, err = client.Sessions.Versions(sending(t))
		require.NoError(t, err, endpoint)
	}
}
