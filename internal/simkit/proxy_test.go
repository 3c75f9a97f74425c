package simkit_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
)

const upload = `{"flame":1}`

// behind is a service behind a proxy: it keeps what it gets whole, and answers ten bytes.
type behind struct {
	mu      sync.Mutex
	arrived []string
}

// ServeHTTP takes one request.
func (b *behind) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	b.mu.Lock()
	b.arrived = append(b.arrived, string(body))
	b.mu.Unlock()
	_, _ = io.WriteString(w, "0123456789")
}

func (b *behind) got() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.arrived
}

// viaProxy runs a test over both protocols, with a service behind a proxy and how to ask it.
func viaProxy(t *testing.T, test func(t *testing.T, service *behind, proxy *simkit.Proxy, ask func(context.Context) (string, error))) {
	t.Helper()
	for name, http2 := range map[string]bool{"HTTP 1.1": false, "HTTP 2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := &behind{}
			upstream := httptest.NewTLSServer(service)
			t.Cleanup(upstream.Close)
			proxy, err := simkit.StartProxy(upstream.URL, upstream.Client().Transport, http2)
			require.NoError(t, err)
			t.Cleanup(proxy.Close)
			transport := proxy.Transport()
			t.Cleanup(transport.CloseIdleConnections)
			test(t, service, proxy, func(ctx context.Context) (string, error) {
				request, err := http.NewRequestWithContext(ctx, http.MethodPost, proxy.URL+"/do", strings.NewReader(upload))
				require.NoError(t, err)
				resp, err := transport.RoundTrip(request)
				if err != nil {
					return "", err
				}
				defer resp.Body.Close()
				assert.Equal(t, http2, resp.ProtoMajor == 2)
				body, err := io.ReadAll(resp.Body)
				return resp.Status[:3] + " " + string(body), err
			})
		})
	}
}

func TestProxyBreaksRequests(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  simkit.ProxyFault
		answer string // empty: an error
		passed []string
	}{
		"none":         {simkit.ProxyFault{}, "200 0123456789", []string{upload}},
		"cut upload":   {simkit.ProxyFault{How: simkit.CutUpload}, "", nil},
		"reset":        {simkit.ProxyFault{How: simkit.ResetConnection}, "", nil},
		"reset after":  {simkit.ProxyFault{How: simkit.ResetConnection, After: true}, "", []string{upload}},
		"truncated":    {simkit.ProxyFault{How: simkit.TruncateAnswer, After: true}, "", []string{upload}},
		"half a page":  {simkit.ProxyFault{How: simkit.TruncateAnswer, Status: 503, Body: "sorry"}, "", nil},
		"a page":       {simkit.ProxyFault{How: simkit.AnswerItself, Status: 503, Body: "sorry"}, "503 sorry", nil},
		"a page after": {simkit.ProxyFault{How: simkit.AnswerItself, After: true, Status: 200, Body: "sorry"}, "200 sorry", []string{upload}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			viaProxy(t, func(t *testing.T, service *behind, proxy *simkit.Proxy, ask func(context.Context) (string, error)) {
				proxy.Decide(func(*http.Request) simkit.ProxyFault { return tc.fault })
				answer, err := ask(t.Context())
				if tc.answer == "" {
					require.Error(t, err)
				} else {
					require.NoError(t, err)
					assert.Equal(t, tc.answer, answer)
				}
				proxy.Close()
				assert.Equal(t, tc.passed, service.got())
			})
		})
	}
}

func TestProxyHoldsRequestsAndAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  simkit.ProxyFault
		passed []string
	}{
		"both":        {simkit.ProxyFault{How: simkit.HoldAnswer}, nil},
		"the answer":  {simkit.ProxyFault{How: simkit.HoldAnswer, After: true}, []string{upload}},
		"the request": {simkit.ProxyFault{How: simkit.HoldRequest}, []string{upload}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			viaProxy(t, func(t *testing.T, service *behind, proxy *simkit.Proxy, ask func(context.Context) (string, error)) {
				ctx, giveUp := context.WithCancel(t.Context())
				proxy.Decide(func(*http.Request) simkit.ProxyFault {
					giveUp()
					return tc.fault
				})
				_, err := ask(ctx)
				require.ErrorIs(t, err, context.Canceled)
				proxy.Close()
				assert.Equal(t, tc.passed, service.got())
			})
		})
	}
}

func TestProxyBreaksConnections(t *testing.T) {
	t.Parallel()
	viaProxy(t, func(t *testing.T, service *behind, proxy *simkit.Proxy, ask func(context.Context) (string, error)) {
		proxy.Break(simkit.RefuseDial, 1)
		_, err := ask(t.Context())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		proxy.Break(simkit.CutHandshake, 1)
		_, err = ask(t.Context())
		require.Error(t, err)
		assert.Empty(t, service.got())
		answer, err := ask(t.Context())
		require.NoError(t, err, "the next is sound")
		assert.Equal(t, "200 0123456789", answer)

		proxy.Decide(func(*http.Request) simkit.ProxyFault {
			proxy.ResetConnections() // with a request under way
			return simkit.ProxyFault{}
		})
		_, err = ask(t.Context())
		require.Error(t, err)
		proxy.Close()
		assert.Equal(t, []string{upload, upload}, service.got())
	})
}

func TestProxyResetsConnectionsBeforeTheirFirstRequest(t *testing.T) {
	t.Parallel()
	viaProxy(t, func(t *testing.T, service *behind, proxy *simkit.Proxy, ask func(context.Context) (string, error)) {
		proxy.Break(simkit.ResetUnused, 1)
		_, err := ask(t.Context())
		proxy.Close()
		if err != nil { // net/http may notice in time and take another connection
			assert.Empty(t, service.got())
		} else {
			assert.Equal(t, []string{upload}, service.got())
		}
	})
}
