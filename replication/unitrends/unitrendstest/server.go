package unitrendstest

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// Clock tells servers the time. Sessions, settling, copies and delays all go by it.
type Clock = simkit.Clock

// ManualClock is a [Clock] that stands still until its Advance moves it, for tests that cannot run inside
// testing/synctest. It is safe for concurrent use; make one with [NewManualClock].
type ManualClock = simkit.ManualClock

// NewManualClock returns a clock that stands at start.
func NewManualClock(start time.Time) *ManualClock { return simkit.NewManualClock(start) }

// Server is a running appliance. Its methods are safe for concurrent use.
type Server struct {
	URL      string // base URL, such as "https://127.0.0.1:40123"
	Name     string // of the appliance, by which others know it
	Host     string // made-up host name, which GET /systems shows
	User     string // the built-in user: "root"
	Password string // its password

	kit       *simkit.Server
	appliance *appliance
}

// NewServer starts an appliance that ends with the test. It fails the test at once if options make no sense,
// and at the end if a client sent a request that the contract does not allow and that
// [Server.AcknowledgeViolations] has not taken as expected.
func NewServer(t testing.TB, options ...Option) *Server {
	t.Helper()
	s, err := Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	s.watch(t)
	t.Cleanup(s.Close)
	return s
}

func (s *Server) watch(t testing.TB) { s.kit.Watch(t, "unitrendstest: "+s.Name) }

// Start starts an appliance without a test, for programs and examples. The caller closes it.
func Start(options ...Option) (*Server, error) {
	shared := newShared()
	c, err := newConfig(shared, alone, options)
	if err != nil {
		return nil, err
	}
	w := newWorld(shared)
	a, err := w.add(c)
	if err != nil {
		return nil, err
	}
	if err := a.introduce(); err != nil {
		return nil, err
	}
	return a.serve()
}

// serve lets clients reach an appliance.
func (a *appliance) serve() (*Server, error) {
	kit, err := simkit.New(simkit.Config{
		Table: contract.Table, Handlers: a.handlers(), Admit: a.admit, Error: a.wrong,
		CheckHeader: checkHeader, CheckQuery: checkQuery, Resource: a.resource, TrailingSlash: true,
		RequiredQuery: map[string][]string{contract.SourcesUpdate.Name: {"sid"}},
		SiteParameter: "sid", SecretHeaders: []string{authHeader},
		Clock: a.clock, Host: a.host(), InMemory: a.inMemory,
	})
	if err != nil {
		return nil, fmt.Errorf("unitrendstest: %w", err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kit = kit
	return &Server{
		URL: kit.URL, Name: a.name, Host: a.host(), User: rootUser, Password: a.config.password, kit: kit, appliance: a,
	}, nil
}

// Close cuts all connections and returns once nothing of the server runs any more. It may be called more
// than once.
func (s *Server) Close() { s.kit.Close() }

// CertPool returns a pool that trusts the server's certificate.
func (s *Server) CertPool() *x509.CertPool { return s.kit.CertPool() }

// Thumbprint returns the SHA-256 of the server's certificate, as in "SHA-256:AA:BB:…".
func (s *Server) Thumbprint() string { return s.kit.Thumbprint() }

// Transport returns a transport that reaches and trusts the server, also in memory. Close ends its
// connections.
func (s *Server) Transport() http.RoundTripper { return s.kit.Transport() }

// Options returns what a client needs to reach and trust the server: the transport in memory, else the
// certificate as root.
func (s *Server) Options() []drkit.Option { return s.kit.Options() }

// lock locks the state as it is now: all that is due has happened. The caller unlocks it.
func (s *Server) lock() *appliance {
	s.appliance.lock()
	return s.appliance
}
