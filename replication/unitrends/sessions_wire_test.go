package unitrends_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// The token comes in the body of the sign-in, and goes out with every call after it.
func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.On("POST", "/api/login", answer(t, 201, "sessions_sign_in.answer"))
	s.on("GET", "/api/storage", answer(t, 200, "storage_list.answer"))
	client := s.clientOf(ops())
	assert.Empty(t, s.Lines(), "nothing is sent before the first call")
	for range 2 {
		_, err := client.Storage.List(wire(t))
		require.NoError(t, err)
	}
	require.NoError(t, client.Sessions.SignIn(wire(t)))
	require.Equal(t, []string{loginLine, "GET /api/storage", "GET /api/storage"}, s.Lines())
	signIn, call := s.All()[0], s.All()[2]
	assert.Equal(t, headers("", true), signIn.Header)
	assert.JSONEq(t, testdata(t, "sessions_sign_in.request"), signIn.Body)
	assert.Equal(t, headers(givenToken, false), call.Header)
	require.NoError(t, client.Close(wire(t)))
	assert.Len(t, s.Lines(), 3, "how a session ends is not documented")
}

func TestSignInIsRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer httpmock.Responder
		want   string
		again  bool // another call tries again
	}{
		"by the service":    {answer(t, 401, "error_unauthorized"), "401 9: Sign in first.", false},
		"by a proxy":        {wiretest.Page(401), "the answer is not the service's own", true},
		"without a token":   {says(200, `{"username":"ops"}`), "a session without auth_token", true},
		"by something else": {says(200, `["ok"]`), "cannot be used", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.On("POST", "/api/login", tc.answer)
			client := s.clientOf(ops())
			for range 2 {
				_, err := client.Storage.List(wire(t))
				require.ErrorContains(t, err, tc.want)
				assert.NotContains(t, err.Error(), "correct horse")
			}
			want := 1
			if tc.again {
				want = 2
			}
			assert.Len(t, s.Lines(), want)
			require.Error(t, client.Sessions.SignIn(wire(t)))
			assert.Len(t, s.Lines(), want+1, "SignIn tries once more")
		})
	}
}

// A 401 counts as an expiry, whoever says so: what may be repeated is sent again with a new session, once.
func TestExpiry(t *testing.T) {
	t.Parallel()
	strategy := func(client *unitrends.Client) error {
		_, err := client.Queue.SetStrategy(drkit.WithoutNote(t.Context()), unitrends.StrategyManual)
		return err
	}
	accept := func(client *unitrends.Client) error {
		_, err := client.Sources.Accept(drkit.WithoutNote(t.Context()), "41", unitrends.Acceptance{})
		return err
	}
	for name, tc := range map[string]struct {
		call    func(*unitrends.Client) error
		line    string
		answers []httpmock.Responder
		sent    int
		signIns int
		want    error
	}{
		"replaceable": {
			strategy, "PUT /api/replication/queue/strategy",
			[]httpmock.Responder{answer(t, 401, "error_unauthorized"), says(200, "{}")},
			2, 2, nil,
		},
		"without a body": {
			strategy, "PUT /api/replication/queue/strategy",
			[]httpmock.Responder{answer(t, 401, ""), answer(t, 200, "")},
			2, 2, nil,
		},
		"for good": {
			strategy, "PUT /api/replication/queue/strategy",
			[]httpmock.Responder{answer(t, 401, "error_unauthorized")},
			2, 2, drkit.ErrUnauthorized,
		},
		"once": {
			accept, "POST /api/replication/source",
			[]httpmock.Responder{answer(t, 401, "error_unauthorized")},
			1, 1, drkit.ErrOutcomeUnknown,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.signsIn("first", "second")
			method, path, _ := strings.Cut(tc.line, " ")
			s.on(method, path, tc.answers...)
			err := tc.call(s.clientOf(ops()))
			if tc.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.want)
			}
			var tokens []string
			signIns := 0
			for _, request := range s.All() {
				if request.Line == loginLine {
					signIns++
					continue
				}
				tokens = append(tokens, request.Header.Get("AuthToken"))
			}
			assert.Equal(t, []string{"first", "second"}[:tc.sent], tokens)
			assert.Equal(t, tc.signIns, signIns)
		})
	}
}

// A given token is used as it is: nobody can begin another session with it.
func TestGivenTokenIsNotRenewed(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/api/storage", answer(t, 401, "error_unauthorized"))
	client := s.client()
	_, err := client.Storage.List(wire(t))
	require.ErrorIs(t, err, drkit.ErrUnauthorized)
	require.NoError(t, client.Sessions.SignIn(wire(t)))
	assert.Equal(t, []string{"GET /api/storage"}, s.Lines())
}

func TestCredentialsThatCannotBeRight(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret("x")
	for name, tc := range map[string]struct {
		endpoint    string
		credentials unitrends.Credentials
		want        string
	}{
		"none":           {appliance, nil, "credentials are nil"},
		"no user":        {appliance, unitrends.Login(" ", secret), "user is empty"},
		"no password":    {appliance, unitrends.Login("ops", drkit.Secret{}), "password is empty"},
		"no token":       {appliance, unitrends.Token(drkit.Secret{}), "session token is empty"},
		"in the clear":   {"http://harbor.example.com", ops(), "in the clear"},
		"not an address": {"harbor", ops(), "is not a URL with a host"},
	} {
		client, err := unitrends.NewClient(tc.endpoint, tc.credentials)
		require.ErrorContains(t, err, tc.want, name)
		assert.Nil(t, client, name)
	}
}

// Neither the password nor a token gets into errors, log records or observed answers.
func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	const token = "token-of-the-session"
	s := newService(t)
	s.signsIn(token)
	echo := says(500, `{"result":[{"code":1,"message":"correct horse and `+token+`","auth_token":"`+token+`"}]}`)
	s.on("GET", "/api/storage", echo)
	var records bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&records, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var shown []string
	ctx := drkit.OnResponse(t.Context(), func(r drkit.Response) { shown = append(shown, string(r.Body)) })
	client := s.clientOf(ops(), drkit.WithLogger(logger))
	_, err := client.Storage.List(ctx)
	require.Error(t, err)
	text := strings.Join(append(shown, err.Error(), records.String(), strings.Join(answerOf(t, err).Args, " ")), "\n")
	assert.Contains(t, text, "[redacted]")
	for _, secret := range []string{token, "correct horse"} {
		assert.NotContains(t, text, secret)
	}
}

// A client that is closed, or only reads, sends nothing.
func TestNothingIsSentWithoutLeave(t *testing.T) {
	t.Parallel()
	s := newService(t)
	reader := s.clientOf(ops(), drkit.WithReadOnly())
	_, err := reader.Sources.Accept(t.Context(), "41", unitrends.Acceptance{})
	require.ErrorIs(t, err, drkit.ErrReadOnly)
	_, err = reader.Queue.SetStrategy(t.Context(), unitrends.StrategyManual)
	require.ErrorIs(t, err, drkit.ErrReadOnly)
	closed := s.clientOf(ops())
	require.NoError(t, closed.Close(t.Context()))
	_, err = closed.Systems.List(t.Context(), unitrends.SystemQuery{})
	require.ErrorIs(t, err, drkit.ErrClosed)
	assert.Empty(t, s.Lines())
}

// A sign-in that got no answer is tried by the next call.
func TestSignInIsLost(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.On("POST", "/api/login", httpmock.NewErrorResponder(errors.New("reset")), says(201, `{"auth_token":"late"}`))
	s.on("GET", "/api/storage", answer(t, http.StatusOK, "storage_list.answer"))
	client := s.clientOf(ops())
	_, err := client.Storage.List(wire(t))
	require.ErrorIs(t, err, drkit.ErrUnavailable)
	_, err = client.Storage.List(wire(t))
	require.NoError(t, err)
}
