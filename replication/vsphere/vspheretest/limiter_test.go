package vspheretest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// count sends as many requests and returns how many were let through.
func (g guest) count(t testing.TB, n int) int {
	t.Helper()
	passed := 0
	for range n {
		got, err := g.send(t.Context(), "GET", "/session", "")
		require.NoError(t, err)
		if got.status == http.StatusOK {
			passed++
			continue
		}
		require.Equal(t, http.StatusTooManyRequests, got.status)
		require.Equal(t, vspheretest.CodeTooManyRequests, read[wrong](t, got).Code)
	}
	return passed
}

func TestRateLimiter(t *testing.T) {
	t.Parallel()
	g := enter(t, vspheretest.RateLimits(100, 1000, 50))
	assert.Equal(t, 50, g.count(t, 60))
	assert.Equal(t, 10, g.server.Refused())
	second := g.signIn(t)
	assert.Equal(t, 38, second.count(t, 50), "the rest of the client's 100")
	got, err := second.send(t.Context(), "GET", "/session", "")
	require.NoError(t, err)
	assert.Empty(t, got.header.Get("Retry-After"))
	assert.Contains(t, read[wrong](t, got).Message, "client")
	g.clock.Advance(time.Minute - 1)
	assert.Zero(t, g.count(t, 1))
	g.clock.Advance(1)
	assert.Equal(t, 50, g.count(t, 51), "a window begins anew")
	assert.Zero(t, g.server.Peer().Refused(), "each server counts for itself")
}

func TestRateLimitOfTheService(t *testing.T) {
	t.Parallel()
	g := enter(t, vspheretest.RateLimits(0, 5, 0), vspheretest.TellRetryAfter())
	g.clock.Advance(30*time.Second + 1)
	assert.Equal(t, 4, g.count(t, 10))
	got, err := g.send(t.Context(), "GET", "/session", "")
	require.NoError(t, err)
	assert.Equal(t, "30", got.header.Get("Retry-After"))
	assert.Contains(t, read[wrong](t, got).Message, "service")
}

func TestBeforeTheRateLimiter(t *testing.T) {
	t.Parallel()
	g := enter(t, vspheretest.RateLimits(10, 10, 10), vspheretest.ProductVersion("8.7"))
	assert.Equal(t, 100, g.count(t, 100))
}

// The defaults are the vendor's, and windows are those of the clock also in a bubble.
func TestDefaultRateLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := guest{server: vspheretest.NewServer(t, vspheretest.InMemory()), base: v2}
		g = g.signIn(t)
		for range 3 {
			assert.Equal(t, 50, g.count(t, 55))
			<-time.After(time.Minute)
		}
		<-time.After(5 * time.Minute)
		g.refused(t, http.StatusUnauthorized, "", "GET", "/session", "")
	})
}

func TestVersions(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.ProductVersion("8.8"))
	g.refused(t, http.StatusNotFound, "", "GET", on(db1, "/active-image"), "")
	g.refused(t, http.StatusNotFound, "", "GET", on(db1, "/instances"), "")
	g.refused(t, http.StatusNotFound, "", "GET", "{P}{local}/inventory/compute", "")
	g.ask(t, http.StatusOK, "GET", on(db1, ""), "")
	g.base = v1
	g.ask(t, http.StatusOK, "GET", on(db1, ""), "")

	newer := open(t)
	newer.ask(t, http.StatusOK, "GET", on(db1, "/instances"), "")
	newer.base = v1
	newer.refused(t, http.StatusNotFound, "", "GET", on(db1, "/instances"), "")
}
