package transport_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// quiet drops what servers print about the handshakes that the tests make fail.
var quiet = log.New(io.Discard, "", 0)

// startTLS runs handler behind a real TLS socket, over HTTP/2 if asked for.
func startTLS(t *testing.T, http2 bool, handler http.HandlerFunc) (server *httptest.Server, pool *x509.CertPool) {
	t.Helper()
	server = httptest.NewUnstartedServer(handler)
	server.EnableHTTP2 = http2
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	pool = x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return server, pool
}

func thumbprint(certificate *x509.Certificate) string {
	return fmt.Sprintf("SHA-256:%x", sha256.Sum256(certificate.Raw))
}

func accept(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"id":"1"}`)
}

func TestResetAfterTheRequestWasSent(t *testing.T) {
	t.Parallel()
	for _, http2 := range []bool{false, true} {
		t.Run(fmt.Sprintf("http2=%t", http2), func(t *testing.T) {
			t.Parallel()
			var seen atomic.Int64
			server, pool := startTLS(t, http2, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				seen.Add(1)
				panic(http.ErrAbortHandler) // the work is done, the answer never comes
			})
			client := newClient(t, server.URL, drkit.WithRootCAs(pool), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
			_, err := client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}, Body: []int{1}}, nil)
			require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.EqualValues(t, 1, seen.Load())

			_, err = client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
			require.ErrorIs(t, err, drkit.ErrUnavailable)
			assert.EqualValues(t, 1+drkitDefaultAttempts, seen.Load(), "a read is sent again")
		})
	}
}

func TestRefusedDialIsProofEnough(t *testing.T) {
	t.Parallel()
	server, pool := startTLS(t, false, accept)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := closed.Addr().String()
	require.NoError(t, closed.Close())
	var dials atomic.Int64
	network := &http.Transport{
		DialContext: func(ctx context.Context, netw, address string) (net.Conn, error) {
			if dials.Add(1) <= 2 {
				address = nobody
			}
			return new(net.Dialer).DialContext(ctx, netw, address)
		},
	}
	t.Cleanup(network.CloseIdleConnections)
	client := newClient(t, server.URL, drkit.WithTransport(network), drkit.WithRootCAs(pool), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
	_, err = client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
	require.NoError(t, err)
	assert.EqualValues(t, 3, dials.Load())

	network.CloseIdleConnections()
	dials.Store(-1000)
	client = newClient(t, "https://"+nobody, drkit.WithRootCAs(pool), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
	_, err = client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
	require.ErrorIs(t, err, drkit.ErrUnavailable)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
}

func TestRedirectDoesNotCarryTheToken(t *testing.T) {
	t.Parallel()
	var visits atomic.Int64
	elsewhere, _ := startTLS(t, false, func(w http.ResponseWriter, r *http.Request) {
		visits.Add(1)
		accept(w, r)
	})
	for _, status := range []int{301, 302, 303, 307, 308} {
		server, pool := startTLS(t, false, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL+"/things/7?secret=1", status)
		})
		pool.AddCert(elsewhere.Certificate())
		client := newClient(t, server.URL, drkit.WithRootCAs(pool))
		err := get(t.Context(), client)
		require.ErrorContains(t, err, elsewhere.URL)
		assert.NotContains(t, err.Error(), "secret=1")
		require.ErrorIs(t, move(t.Context(), client), drkit.ErrOutcomeUnknown)
	}
	assert.Zero(t, visits.Load())
}

func TestThumbprint(t *testing.T) {
	t.Parallel()
	server, pool := startTLS(t, false, accept)
	other, _ := startTLS(t, true, accept)
	right := thumbprint(server.Certificate())
	wrong := strings.Repeat("ab", sha256.Size)
	for name, tc := range map[string]struct {
		url     string
		options []drkit.Option
		refused string
	}{
		"unknown issuer":              {server.URL, nil, "certificate"},
		"right pin":                   {server.URL, []drkit.Option{drkit.WithThumbprint(right)}, ""},
		"right pin and right roots":   {server.URL, []drkit.Option{drkit.WithThumbprint(right), drkit.WithRootCAs(pool)}, ""},
		"right pin and other roots":   {server.URL, []drkit.Option{drkit.WithThumbprint(right), drkit.WithRootCAs(x509.NewCertPool())}, "certificate"},
		"wrong pin":                   {server.URL, []drkit.Option{drkit.WithThumbprint(wrong)}, "thumbprint"},
		"wrong pin and right roots":   {server.URL, []drkit.Option{drkit.WithThumbprint(wrong), drkit.WithRootCAs(pool)}, "thumbprint"},
		"pin of another, over HTTP/2": {other.URL, []drkit.Option{drkit.WithThumbprint(wrong)}, "thumbprint"},
		"no check at all":             {server.URL, []drkit.Option{drkit.WithInsecureSkipVerify()}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, tc.url, tc.options...)
			err := move(t.Context(), client)
			if tc.refused == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.refused)
			require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			require.NotErrorIs(t, err, drkit.ErrUnavailable)
		})
	}
}

// The pin holds behind a proxy, where the client does not dial the server itself, and on resumed sessions.
func TestThumbprintThroughProxy(t *testing.T) {
	t.Parallel()
	server, _ := startTLS(t, false, accept)
	proxy, tunnels := startProxy(t)
	for name, tc := range map[string]struct {
		pin     string
		refused bool
	}{
		"right": {thumbprint(server.Certificate()), false},
		"wrong": {strings.Repeat("ab", sha256.Size), true},
	} {
		t.Run(name, func(t *testing.T) {
			network := &http.Transport{
				Proxy:           http.ProxyURL(proxy),
				TLSClientConfig: &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(4), MinVersion: tls.VersionTLS12},
			}
			client := newClient(t, server.URL, drkit.WithTransport(network), drkit.WithThumbprint(tc.pin))
			before := tunnels.Load()
			for range 3 {
				err := move(t.Context(), client)
				assert.Equal(t, tc.refused, err != nil, err)
				if tc.refused {
					require.ErrorContains(t, err, "thumbprint")
					require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				}
			}
			assert.Greater(t, tunnels.Load(), before, "the proxy was used")
		})
	}
}

// startProxy runs a proxy that knows CONNECT.
func startProxy(t *testing.T) (*url.URL, *atomic.Int64) {
	t.Helper()
	var tunnels atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "tunnels only", http.StatusMethodNotAllowed)
			return
		}
		tunnels.Add(1)
		target, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusOK)
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(target, near); _ = target.Close() }()
		_, _ = io.Copy(near, target)
		_ = near.Close()
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	return address, &tunnels
}

func TestHugeAnswersAreRefusedWithinBounds(t *testing.T) { // not in parallel: it measures the whole process
	chunk := []byte(strings.Repeat(`"x",`, 16<<10))
	for name, handler := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"100 MB announced": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(100<<20))
			for range 100 << 20 / len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"an endless error": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			for r.Context().Err() == nil {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"a small gzip that inflates": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			for range 100 << 20 / len(chunk) {
				if _, err := z.Write(chunk); err != nil {
					return
				}
			}
			_ = z.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var seen atomic.Int64
			server, pool := startTLS(t, false, func(w http.ResponseWriter, r *http.Request) { seen.Add(1); handler(w, r) })
			client := newClient(t, server.URL, drkit.WithRootCAs(pool), drkit.WithMaxBodyBytes(1<<20))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			var out any
			_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}}, &out)
			runtime.ReadMemStats(&after)
			require.ErrorContains(t, err, "longer than the limit of 1048576 bytes")
			require.NotErrorIs(t, err, drkit.ErrUnavailable)
			assert.EqualValues(t, 1, seen.Load(), "it will not be shorter the next time")
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), "server and client together")
			require.ErrorIs(t, move(t.Context(), client), drkit.ErrOutcomeUnknown)
		})
	}
}

// A server that stalls in the middle of its answer is a failed attempt, not a hanging call.
func TestHalfAnAnswer(t *testing.T) {
	t.Parallel()
	for name, handler := range map[string]http.HandlerFunc{
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"id":`)
		},
		"stalled": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"id":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
			panic(http.ErrAbortHandler) // returning would end the answer properly
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen atomic.Int64
			server, pool := startTLS(t, false, func(w http.ResponseWriter, r *http.Request) {
				if seen.Add(1) == 2 {
					accept(w, r)
					return
				}
				handler(w, r)
			})
			client := newClient(t, server.URL, drkit.WithRootCAs(pool), drkit.WithTimeout(time.Second),
				drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
			require.ErrorIs(t, move(t.Context(), client), drkit.ErrOutcomeUnknown)
			assert.EqualValues(t, 1, seen.Load())
			require.NoError(t, get(t.Context(), client))
			seen.Store(0)
			require.NoError(t, get(t.Context(), client))
			assert.EqualValues(t, 2, seen.Load(), "half an answer to a read is asked for again")
		})
	}
}

// One cancelled call must not cost the others their connections.
func TestConnectionsAreKept(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	entered := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/slow") {
			close(entered)
			<-r.Context().Done()
			return
		}
		accept(w, r)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	t.Cleanup(server.Close)
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	client := newClient(t, server.URL, drkit.WithRootCAs(pool))
	for range 50 {
		require.NoError(t, get(t.Context(), client))
	}
	assert.EqualValues(t, 1, connections.Load())

	ctx, cancel := context.WithCancel(t.Context())
	var slow sync.WaitGroup
	slow.Go(func() {
		_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{"slow"}}, nil)
		assert.ErrorIs(t, err, context.Canceled)
	})
	<-entered
	require.NoError(t, get(t.Context(), client))
	cancel()
	slow.Wait()
	before := connections.Load()
	for range 10 {
		require.NoError(t, get(t.Context(), client))
	}
	assert.Equal(t, before, connections.Load())
}

func TestNoGoroutineStaysBehind(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	hang, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var held sync.WaitGroup
	held.Go(func() { // accepts, and never says a word
		for {
			conn, err := hang.Accept()
			if err != nil {
				return
			}
			held.Go(func() { _, _ = bufio.NewReader(conn).ReadByte(); _, _ = io.Copy(io.Discard, conn); _ = conn.Close() })
		}
	})
	var client *transport.Client
	client, err = newConfigured("https://"+hang.Addr().String(), withSession(&client), drkit.WithInsecureSkipVerify())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			err := move(ctx, client)
			if !errors.Is(err, context.Canceled) || errors.Is(err, drkit.ErrOutcomeUnknown) {
				t.Error(err)
			}
		})
	}
	runtime.Gosched()
	cancel()
	all.Wait()
	require.NoError(t, client.Close(t.Context()))
	require.NoError(t, hang.Close())
	held.Wait()
	goleak.VerifyNone(t, ignore)
}
