package vcav_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/vcav"
)

const (
	appliance = "https://vcda.example.com"
	// Tokens are base64, whose signs a careless client would mangle.
	givenToken = "Zm9v+2Jhci9i/XoK=="
	mediaType  = "application/vnd.vmware.h4-v4.1+json;charset=UTF-8"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// sent is one request as it left the client.
type sent struct {
	line   string // method and request URI, as in "GET /tasks?limit=2"
	header http.Header
	body   string
}

// service is a mocked appliance.
type service struct {
	t      testing.TB
	mock   *httpmock.MockTransport
	mocked *wiretest.Service
}

func newService(t testing.TB) *service {
	mocked := wiretest.NewService(t, appliance)
	return &service{t: t, mock: mocked.Mock, mocked: mocked}
}

// on lays out the answers to a method and an escaped path, in order; the last one stays.
func (s *service) on(method, path string, answers ...httpmock.Responder) {
	s.t.Helper()
	s.mocked.On(method, path, answers...)
}

// onAny lays out the one answer to whatever else comes.
func (s *service) onAny(answer httpmock.Responder) { s.mocked.OnAny(answer) }

// signsIn lays out a sign-in for each token, and the sign-out.
func (s *service) signsIn(tokens ...string) {
	s.t.Helper()
	answers := make([]httpmock.Responder, len(tokens))
	for i, token := range tokens {
		answers[i] = withHeader(answer(s.t, 200, "sessions_sign_in.answer"), "X-VCAV-Auth", token)
	}
	s.on("POST", "/sessions", answers...)
	s.on("DELETE", "/sessions", httpmock.NewStringResponder(204, ""))
}

// all returns the requests so far.
func (s *service) all() []sent {
	var all []sent
	for _, request := range s.mocked.All() {
		all = append(all, sent{request.Line, request.Header, request.Body})
	}
	return all
}

// lines returns the request lines so far.
func (s *service) lines() []string { return s.mocked.Lines() }

// forget makes the next request the first.
func (s *service) forget() { s.mocked.Forget() }

// only returns the one request that there must be.
func (s *service) only() sent {
	s.t.Helper()
	request := s.mocked.Only()
	return sent{request.Line, request.Header, request.Body}
}

// client returns a client over the mocked service whose token is given, so that it neither signs in nor
// out.
func (s *service) client(options ...drkit.Option) *vcav.Client {
	s.t.Helper()
	return s.clientOf(vcav.Token(drkit.NewSecret(givenToken)), options...)
}

func (s *service) clientOf(credentials vcav.Credentials, options ...drkit.Option) *vcav.Client {
	s.t.Helper()
	client, err := vcav.NewClient(appliance, credentials, append([]drkit.Option{drkit.WithTransport(s.mock)}, options...)...)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// headers are all that a request has; an empty token is none.
func headers(token, operationID string, hasBody bool) http.Header {
	h := http.Header{
		"Accept":      {mediaType},
		"User-Agent":  {"drkit-go"},
		"Operationid": {operationID},
	}
	if token != "" {
		h["X-Vcav-Auth"] = []string{token}
	}
	if hasBody {
		h["Content-Type"] = []string{"application/json"}
	}
	return h
}

// testdata returns a wire sample.
func testdata(t testing.TB, name string) string {
	t.Helper()
	return wiretest.Read(t, "../testdata/vcav", name)
}

// answer gives a sample; an empty name is an answer without a body.
func answer(t testing.TB, status int, sample string) httpmock.Responder {
	t.Helper()
	if sample == "" {
		return httpmock.NewStringResponder(status, "")
	}
	return withHeader(httpmock.NewStringResponder(status, testdata(t, sample)), "Content-Type", mediaType)
}

func withHeader(next httpmock.Responder, name, value string) httpmock.Responder {
	return wiretest.WithHeader(next, name, value)
}

// page is what a proxy answers in the place of the service.
func page(status int) httpmock.Responder { return wiretest.Page(status) }

// brokenOff is an answer whose connection ends in the middle.
func brokenOff(status int, begin string) httpmock.Responder { return wiretest.BrokenOff(status, begin) }

// answerOf returns the answer of the service that err holds.
func answerOf(t testing.TB, err error) *drkit.Error {
	t.Helper()
	var answer *drkit.Error
	require.ErrorAs(t, err, &answer)
	return answer
}

// wire is the context of the tests that look at the one request of a call: what a client notes before it sends
// an operation that must not repeat has tests of its own.
func wire(t testing.TB) context.Context { return drkit.WithoutNote(t.Context()) }
