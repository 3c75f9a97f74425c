package wiretest

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Sent is one request as it left the client.
type Sent struct {
	Line   string // method and request URI, as in "GET /tasks?limit=2"
	Header http.Header
	Body   string
}

// Service is a mocked service: it gives the answers that a test lays out, and keeps what it was sent. Whatever was
// not laid out fails the test.
type Service struct {
	Mock *httpmock.MockTransport

	t        testing.TB
	endpoint string

	mu       sync.Mutex
	requests []Sent
}

// NewService returns a Service at an endpoint such as "https://appliance.example.com".
func NewService(t testing.TB, endpoint string) *Service {
	s := &Service{t: t, endpoint: endpoint, Mock: httpmock.NewMockTransport()}
	s.Mock.RegisterNoResponder(s.keep(httpmock.NewNotFoundResponder(t.Error)))
	return s
}

// On lays out the answers to a method and an escaped path, in order; the last one stays.
func (s *Service) On(method, path string, answers ...httpmock.Responder) {
	s.t.Helper()
	require.NotEmpty(s.t, answers)
	var mu sync.Mutex
	asked := 0
	s.Mock.RegisterResponder(method, s.endpoint+path, s.keep(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		answer := answers[min(asked, len(answers)-1)]
		asked++
		mu.Unlock()
		return answer(r)
	}))
}

// OnAny lays out the one answer to whatever else comes.
func (s *Service) OnAny(answer httpmock.Responder) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		s.Mock.RegisterResponder(method, `=~.`, s.keep(answer))
	}
}

func (s *Service) keep(next httpmock.Responder) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		if err := r.Context().Err(); err != nil {
			return nil, err // net/http would not send it either
		}
		request := Sent{Line: r.Method + " " + r.URL.RequestURI(), Header: r.Header.Clone()}
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			assert.NoError(s.t, err)
			request.Body = string(body)
			r = r.WithContext(r.Context())
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		assert.Equal(s.t, strings.TrimPrefix(s.endpoint, "https://"), r.Host)
		s.mu.Lock()
		s.requests = append(s.requests, request)
		s.mu.Unlock()
		return next(r)
	}
}

// All returns the requests so far.
func (s *Service) All() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Lines returns the request lines so far.
func (s *Service) Lines() []string {
	lines := []string{}
	for _, request := range s.All() {
		lines = append(lines, request.Line)
	}
	return lines
}

// Only returns the one request that there must be.
func (s *Service) Only() Sent {
	s.t.Helper()
	require.Len(s.t, s.Lines(), 1)
	return s.All()[0]
}

// Forget makes the next request the first.
func (s *Service) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// WithHeader adds a header to an answer.
func WithHeader(next httpmock.Responder, name, value string) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		response, err := next(r)
		if err == nil {
			response.Header = response.Header.Clone() // httpmock hands out the same map each time
			response.Header.Set(name, value)
		}
		return response, err
	}
}

// Page is what a proxy answers in the place of the service.
func Page(status int) httpmock.Responder {
	return WithHeader(httpmock.NewStringResponder(status, "<html><body>Sign in to the proxy</body></html>"),
		"Content-Type", "text/html")
}

// BrokenOff is an answer whose connection ends in the middle.
func BrokenOff(status int, begin string) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(begin), iotest.ErrReader(io.ErrUnexpectedEOF))
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(body), Request: r}, nil
	}
}
