package vcav_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
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

// service is a mocked appliance: it gives the answers that a test lays out, and keeps what it was sent.
// Whatever was not laid out fails the test.
type service struct {
	t    testing.TB
	mock *httpmock.MockTransport

	mu       sync.Mutex
	requests []sent
}

func newService(t testing.TB) *service {
	s := &service{t: t, mock: httpmock.NewMockTransport()}
	s.mock.RegisterNoResponder(s.keep(httpmock.NewNotFoundResponder(t.Error)))
	return s
}

// on lays out the answers to a method and an escaped path, in order; the last one stays.
func (s *service) on(method, path string, answers ...httpmock.Responder) {
	s.t.Helper()
	require.NotEmpty(s.t, answers)
	var mu sync.Mutex
	asked := 0
	s.mock.RegisterResponder(method, appliance+path, s.keep(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		answer := answers[min(asked, len(answers)-1)]
		asked++
		mu.Unlock()
		return answer(r)
	}))
}

// onAny lays out the one answer to whatever else comes.
func (s *service) onAny(answer httpmock.Responder) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		s.mock.RegisterResponder(method, `=~.`, s.keep(answer))
	}
}

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

func (s *service) keep(next httpmock.Responder) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		if err := r.Context().Err(); err != nil {
			return nil, err // net/http would not send it either
		}
		request := sent{line: r.Method + " " + r.URL.RequestURI(), header: r.Header.Clone()}
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			assert.NoError(s.t, err)
			request.body = string(body)
			r = r.WithContext(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		assert.Equal(s.t, strings.TrimPrefix(appliance, "https://"), r.Host)
		s.mu.Lock()
		s.requests = append(s.requests, request)
		s.mu.Unlock()
		return next(r)
	}
}

// all returns the requests so far.
func (s *service) all() []sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// lines returns the request lines so far.
func (s *service) lines() []string {
	lines := []string{}
	for _, request := range s.all() {
		lines = append(lines, request.line)
	}
	return lines
}

// only returns the one request that there must be.
func (s *service) only() sent {
	s.t.Helper()
	require.Len(s.t, s.lines(), 1)
	return s.all()[0]
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
	data, err := os.ReadFile("../testdata/vcav/" + name + ".json")
	require.NoError(t, err)
	return string(data)
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
	return func(r *http.Request) (*http.Response, error) {
		response, err := next(r)
		if err == nil {
			response.Header = response.Header.Clone() // httpmock hands out the same map each time
			response.Header.Set(name, value)
		}
		return response, err
	}
}

// page is what a proxy answers in the place of the service.
func page(status int) httpmock.Responder {
	return withHeader(httpmock.NewStringResponder(status, "<html><body>Sign in to the proxy</body></html>"),
		"Content-Type", "text/html")
}

// brokenOff is an answer whose connection ends in the middle.
func brokenOff(status int, begin string) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(begin), failingReader{io.ErrUnexpectedEOF})
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

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
