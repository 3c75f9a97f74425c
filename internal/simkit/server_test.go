package simkit_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

func TestListeners(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*simkit.Config)
		proto  string
		prefix string
	}{
		"loopback":             {func(*simkit.Config) {}, "HTTP/2.0", "https://127.0.0.1:"},
		"loopback without h2":  {func(c *simkit.Config) { c.HTTP1 = true }, "HTTP/1.1", "https://127.0.0.1:"},
		"in memory":            {inMemory, "HTTP/1.1", "https://appliance.drkit.test"},
		"in memory, own name":  {func(c *simkit.Config) { c.InMemory, c.Host = true, "pantry.test" }, "HTTP/1.1", "https://pantry.test"},
		"loopback, other name": {func(c *simkit.Config) { c.Host = "pantry.test" }, "HTTP/2.0", "https://127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newKitchen(t, tc.change)
			got := mustAsk(t, server, "GET", "/pots", "")
			assert.Equal(t, http.StatusOK, got.Status)
			assert.Equal(t, tc.proto, got.Proto)
			assert.Equal(t, kitchenType, got.Header.Get("Content-Type"))
			assert.JSONEq(t, `{"pots":["tall","flat"]}`, got.Body)
			assert.True(t, strings.HasPrefix(server.URL, tc.prefix), server.URL)
		})
	}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	server := newKitchen(t)
	address := strings.TrimPrefix(server.URL, "https://")
	for _, name := range []string{"127.0.0.1", "localhost", "appliance.drkit.test", "::1"} {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: server.CertPool(), ServerName: name, MinVersion: tls.VersionTLS12}}
		conn, err := dialer.DialContext(t.Context(), "tcp", address)
		require.NoError(t, err, name)
		secured, ok := conn.(*tls.Conn)
		require.True(t, ok)
		leaf := secured.ConnectionState().PeerCertificates[0]
		require.NoError(t, conn.Close())
		sum := sha256.Sum256(leaf.Raw)
		want := strings.ReplaceAll(fmt.Sprintf("SHA-256:% X", sum[:]), " ", ":")
		assert.Equal(t, want, server.Thumbprint())
		assert.Less(t, leaf.NotBefore.Year(), 2000, "bubbles of synctest start there")
		assert.Greater(t, leaf.NotAfter.Year(), 2100)
	}
	_, err := (&tls.Dialer{}).DialContext(t.Context(), "tcp", address)
	require.Error(t, err, "nobody else trusts it")
}

func TestInMemoryInsideABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		server := newKitchen(t, inMemory)
		require.NoError(t, server.Inject(simkit.Rule{Operation: "Pots.Get", Delay: 26 * time.Hour}))
		assert.Equal(t, http.StatusOK, mustAsk(t, server, "GET", "/pots", "").Status)
		assert.Zero(t, time.Since(began), "a request takes no time")
		assert.Equal(t, http.StatusOK, mustAsk(t, server, "GET", "/pots/tall", "").Status)
		assert.Equal(t, 26*time.Hour, time.Since(began))
		server.Close()
		assert.Equal(t, 26*time.Hour, time.Since(began), "closing takes no time")
		synctest.Wait() // and Test fails if a goroutine stays behind
	})
}

func TestManyRequestsInsideABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		server := newKitchen(t, inMemory)
		failures := make(chan error)
		for range 40 {
			go func() {
				_, err := ask(t.Context(), server, "PUT", "/pots/tall/heat", `{"type":"gas","flame":3}`)
				failures <- err
			}()
		}
		for range 40 {
			require.NoError(t, <-failures)
		}
		assert.Equal(t, 40, server.Ran("Pots.Heat", "tall"))
		assert.Zero(t, time.Since(began))
	})
}

func TestCloseOvertakesRequests(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*simkit.Config){
		"HTTP/2": func(*simkit.Config) {}, "HTTP/1.1": func(c *simkit.Config) { c.HTTP1 = true }, "in memory": inMemory,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := simkit.NewManualClock(time.Unix(0, 0))
			server := newKitchen(t, change, func(c *simkit.Config) { c.Clock = clock })
			require.NoError(t, server.Inject(simkit.Rule{Delay: time.Hour}))
			failed := make(chan error, 1)
			go func() {
				_, err := ask(t.Context(), server, "GET", "/pots", "")
				failed <- err
			}()
			require.NoError(t, clock.AwaitSleepers(t.Context(), 1))
			server.Close()
			server.Close()
			require.Error(t, <-failed)
			assert.Zero(t, server.Ran("Pots.List", ""))
			_, err := ask(t.Context(), server, "GET", "/pots", "")
			require.ErrorIs(t, err, syscall.ECONNREFUSED)
		})
	}
}

func TestDialRespectsItsContext(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/pots", nil)
	require.NoError(t, err)
	_, err = client(server).Do(request)
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, server.Count(""))
}

func TestRefuseConnections(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*simkit.Config){"loopback": func(*simkit.Config) {}, "in memory": inMemory} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newKitchen(t, change)
			server.RefuseConnections(2)
			for range 2 {
				_, err := ask(t.Context(), server, "GET", "/pots", "")
				require.Error(t, err)
			}
			mustAsk(t, server, "GET", "/pots", "")
			assert.Equal(t, 1, server.Count(""), "refused ones never get as far as a request")
		})
	}
}

func TestCloseConnections(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*simkit.Config){"loopback": func(*simkit.Config) {}, "in memory": inMemory} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := simkit.NewManualClock(time.Unix(0, 0))
			server := newKitchen(t, change, func(c *simkit.Config) { c.Clock = clock })
			require.NoError(t, server.Inject(simkit.Rule{Operation: "Pots.Boil", Delay: time.Hour, Times: 1}))
			failed := make(chan error, 1)
			go func() {
				_, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "")
				failed <- err
			}()
			require.NoError(t, clock.AwaitSleepers(t.Context(), 1))
			server.CloseConnections()
			require.Error(t, <-failed)
			assert.Equal(t, http.StatusOK, mustAsk(t, server, "GET", "/pots", "").Status, "the server goes on")
		})
	}
}

func TestNewRefusesBadConfigs(t *testing.T) {
	t.Parallel()
	good := func() simkit.Config {
		return simkit.Config{Table: kitchen(), Error: func(int, string, string) simkit.Answer { return simkit.Answer{} }}
	}
	for name, tc := range map[string]struct {
		change func(*simkit.Config)
		want   string
	}{
		"no error format":     {func(c *simkit.Config) { c.Error = nil }, "Config.Error"},
		"handler for nothing": {func(c *simkit.Config) { c.Handlers = map[string]simkit.Handler{"Pots.Fly": nil} }, `"Pots.Fly"`},
		"two of a kind": {func(c *simkit.Config) {
			c.Table.Operations = append(c.Table.Operations, api.Operation{Name: "Pots.Twin", Method: "GET", Path: "/pots"})
		}, "Pots.List and Pots.Twin"},
		"relative path": {func(c *simkit.Config) {
			c.Table.Operations = append(c.Table.Operations, api.Operation{Name: "Pots.Lost", Method: "GET", Path: "pots"})
		}, "Pots.Lost"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := good()
			tc.change(&config)
			_, err := simkit.New(config)
			require.ErrorContains(t, err, tc.want)
		})
	}
}

func TestNotSimulated(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, func(c *simkit.Config) { delete(c.Handlers, "Pots.List") })
	got := mustAsk(t, server, "GET", "/pots", "")
	assert.Equal(t, http.StatusNotImplemented, got.Status)
	assert.Equal(t, simkit.NotSimulatedCode, got.problem(t).Code)
	assert.Empty(t, server.Violations(), "that is the simulator's fault, not the client's")
}

func TestPanickingHandler(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, func(c *simkit.Config) {
		c.Handlers["Pots.List"] = func(*simkit.Call) simkit.Answer { panic("the kitchen is on fire") }
	})
	assert.Equal(t, http.StatusInternalServerError, mustAsk(t, server, "GET", "/pots", "").Status)
	require.Len(t, server.Violations(), 1)
	assert.Contains(t, server.Violations()[0].Problems[0], "on fire")
	assert.Zero(t, server.Ran("Pots.List", ""))
}

func TestARequestIsAboutWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	var got []string
	server := newKitchen(t, func(c *simkit.Config) {
		c.Resource = func(call *simkit.Call) string { return call.Arguments["lidId"] }
		c.Handlers["Lids.Get"] = func(call *simkit.Call) simkit.Answer {
			got = []string{call.Path, call.Host, call.Resource}
			return simkit.Answer{Status: http.StatusOK}
		}
	})
	require.NoError(t, server.Inject(simkit.Rule{Operation: "Lids.Get", Resource: "tall", Status: 500}))
	require.NoError(t, server.Inject(simkit.Rule{Operation: "Lids.Get", Resource: "round lid", Status: 503, Times: 1}))
	assert.Equal(t, 503, mustAsk(t, server, "GET", "/pots/tall/lids/round%20lid", "").Status)
	assert.Equal(t, 200, mustAsk(t, server, "GET", "/pots/tall/lids/round%20lid", "").Status)
	assert.Equal(t, []string{"/pots/tall/lids/round%20lid", strings.TrimPrefix(server.URL, "https://"), "round lid"}, got)
	assert.Equal(t, 1, server.Ran("Lids.Get", "round lid"))
}

func TestTwoServersInOnePool(t *testing.T) {
	t.Parallel()
	pool := x509.NewCertPool()
	first, second := newKitchen(t), newKitchen(t)
	first.TrustIn(pool)
	second.TrustIn(pool)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	for _, server := range []*simkit.Server{first, second} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/pots", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, 200, response.StatusCode)
	}
}
