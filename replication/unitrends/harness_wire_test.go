package unitrends_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/replication/unitrends"
)

const (
	appliance = "https://harbor.example.com"
	// Tokens hold what a careless client would mangle.
	givenToken = "9f-(tide)_07+c/41=="
	samplesDir = "../../testdata/unitrends"
	loginLine  = "POST /api/login"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// service is a mocked appliance.
type service struct {
	*wiretest.Service
	t testing.TB
}

func newService(t testing.TB) *service { return &service{wiretest.NewService(t, appliance), t} }

// on lays out the answers to a method and an escaped path, with a query and without one.
func (s *service) on(method, path string, answers ...httpmock.Responder) {
	s.t.Helper()
	s.On(method, path, answers...)
	s.On(method, path+"/", answers...)
}

// signsIn lays out a sign-in for each token.
func (s *service) signsIn(tokens ...string) {
	s.t.Helper()
	answers := make([]httpmock.Responder, len(tokens))
	for i, token := range tokens {
		answers[i] = httpmock.NewJsonResponderOrPanic(201, map[string]string{"auth_token": token})
	}
	s.On("POST", "/api/login", answers...)
}

// client returns a client over the mocked service whose token is given, so that it does not sign in.
func (s *service) client(options ...drkit.Option) *unitrends.Client {
	s.t.Helper()
	return s.clientOf(unitrends.Token(drkit.NewSecret(givenToken)), options...)
}

func (s *service) clientOf(credentials unitrends.Credentials, options ...drkit.Option) *unitrends.Client {
	s.t.Helper()
	return newClient(s.t, s.Mock, credentials, options...)
}

func newClient(t testing.TB, network http.RoundTripper, credentials unitrends.Credentials, options ...drkit.Option) *unitrends.Client {
	t.Helper()
	client, err := unitrends.NewClient(appliance, credentials, append([]drkit.Option{drkit.WithTransport(network)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// ops are credentials of a user.
func ops() unitrends.Credentials {
	return unitrends.Login(`EXAMPLE\ops`, drkit.NewSecret("correct horse"))
}

// headers are all that a request has; an empty token is none. The service takes no operation ID.
func headers(token string, hasBody bool) http.Header {
	h := http.Header{"Accept": {"application/json"}, "User-Agent": {"drkit-go"}}
	if token != "" {
		h["Authtoken"] = []string{token}
	}
	if hasBody {
		h["Content-Type"] = []string{"application/json"}
	}
	return h
}

// testdata returns a wire sample.
func testdata(t testing.TB, name string) string {
	t.Helper()
	return wiretest.Read(t, samplesDir, name)
}

// answer gives a sample; an empty name is an answer without a body.
func answer(t testing.TB, status int, sample string) httpmock.Responder {
	t.Helper()
	if sample == "" {
		return httpmock.NewStringResponder(status, "")
	}
	return says(status, testdata(t, sample))
}

// says gives a JSON document.
func says(status int, text string) httpmock.Responder {
	return wiretest.WithHeader(httpmock.NewStringResponder(status, text), "Content-Type", "application/json")
}

// answerOf returns the answer of the service that err holds.
func answerOf(t testing.TB, err error) *drkit.Error {
	t.Helper()
	var answer *drkit.Error
	require.ErrorAs(t, err, &answer)
	return answer
}

// wire is the context of the tests that look at the one request of a call: what a client notes before it sends an
// operation that must not repeat has tests of its own.
func wire(t testing.TB) context.Context { return drkit.WithoutNote(t.Context()) }
