package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// The tests talk to a service of their own, so that they say what the transport does and nothing of any
// vendor: one operation of each class, errors as {code, msg}, and the session token in X-Token.
var (
	readThing    = api.Operation{Name: "Things.Get", Method: http.MethodGet, Path: "/things/{thingId}", Class: api.Read}
	listThings   = api.Operation{Name: "Things.List", Method: http.MethodGet, Path: "/things", Class: api.Read}
	replaceThing = api.Operation{Name: "Things.Replace", Method: http.MethodPut, Path: "/things/{thingId}", Class: api.Replaceable}
	moveThing    = api.Operation{
		Name: "Things.Move", Method: http.MethodPost, Path: "/things/{thingId}/move",
		Class: api.Once, Refusals: []string{"SessionOver", "Busy"},
	}
	signIn  = api.Operation{Name: "Sessions.SignIn", Method: http.MethodPost, Path: "/sessions", Class: api.Once, Anonymous: true}
	signOut = api.Operation{Name: "Sessions.End", Method: http.MethodDelete, Path: "/sessions", Class: api.Replaceable}
)

type thing struct {
	ID string `json:"id"`
}

// newClient returns a client whose session token is given, so that no test sees a sign-in it did not ask for.
func newClient(t testing.TB, endpoint string, options ...drkit.Option) *transport.Client {
	t.Helper()
	return newClientWith(t, endpoint, func(c *transport.Config) { c.Session.Token = drkit.NewSecret("given-token") }, options...)
}

func newClientWith(t testing.TB, endpoint string, change func(*transport.Config), options ...drkit.Option) *transport.Client {
	t.Helper()
	client, err := newConfigured(endpoint, change, options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

func newConfigured(endpoint string, change func(*transport.Config), options ...drkit.Option) (*transport.Client, error) {
	config := transport.Config{
		Service: "fake", Endpoint: endpoint, TraceHeader: "operationID", SiteParameter: "site",
		Accept:      func(string, bool) string { return "application/json" },
		Session:     transport.Session{Header: "X-Token", Expired: func(e *drkit.Error) bool { return e.Code == "SessionOver" }},
		DecodeError: decodeError,
		LogQuery:    []string{"site", "limit"},
		Options:     options,
	}
	if change != nil {
		change(&config)
	}
	return transport.New(config)
}

func decodeError(_ int, body []byte) (transport.ServiceError, bool) {
	var said struct {
		Code string `json:"code"`
		Msg  string `json:"msg"`
	}
	if json.Unmarshal(body, &said) != nil || said.Code == "" {
		return transport.ServiceError{}, false
	}
	return transport.ServiceError{Code: said.Code, Message: said.Msg}, true
}

// withSession makes a client sign in at the fake service.
func withSession(client **transport.Client) func(*transport.Config) {
	return func(c *transport.Config) {
		c.Session.SignIn = func(ctx context.Context) (transport.Grant, error) {
			answer, err := (*client).Do(ctx, transport.Call{Operation: &signIn, Body: map[string]string{"user": "ops"}}, nil)
			return transport.Grant{Token: drkit.NewSecret(answer.Header("X-Token"))}, err
		}
		c.Session.SignOut = func(ctx context.Context) error {
			_, err := (*client).Do(ctx, transport.Call{Operation: &signOut, Last: true}, nil)
			return err
		}
	}
}

// script is a round tripper that answers one step after the other, and the last for ever.
type script struct {
	mu    sync.Mutex
	steps []func(*http.Request) (*http.Response, error)
	seen  []*http.Request
}

func (s *script) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	step := s.steps[min(len(s.seen), len(s.steps)-1)]
	s.seen = append(s.seen, req)
	s.mu.Unlock()
	return step(req)
}

func (s *script) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

func scripted(steps ...func(*http.Request) (*http.Response, error)) *script {
	return &script{steps: steps}
}

func answers(status int, body string, header ...string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		h := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(header); i += 2 {
			h.Set(header[i], header[i+1])
		}
		return &http.Response{
			StatusCode: status, Status: strconv.Itoa(status), Header: h, Request: req,
			Body: io.NopCloser(bytes.NewBufferString(body)), ContentLength: int64(len(body)),
		}, nil
	}
}

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// breaksOff answers with half a body.
func breaksOff(status int) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		resp, err := answers(status, "")(req)
		resp.Body = io.NopCloser(io.MultiReader(bytes.NewBufferString(`{"id":`), brokenReader{}))
		return resp, err
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// stalls answers only when the attempt is ended.
func stalls(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

var errReset = errors.New("connection reset by peer")
