package vcavtest

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// Server is a running appliance. Its methods are safe for concurrent use.
type Server struct {
	URL      string // base URL, such as "https://127.0.0.1:40123"
	User     string // the built-in administrator: "root"
	Password string // its password

	kit       *simkit.Server
	appliance *appliance
}

// NewServer starts a server that ends with the test. It fails the test at once if options make no sense,
// and at the end if a client sent a request that the contract does not allow and that
// [Server.AcknowledgeViolations] has not taken as expected.
func NewServer(t testing.TB, options ...Option) *Server {
	t.Helper()
	s, err := Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	s.kit.Watch(t, "vcavtest")
	t.Cleanup(s.Close)
	return s
}

// Start starts a server without a test, for programs and examples. The caller closes it.
func Start(options ...Option) (*Server, error) {
	c, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	a, err := newAppliance(c)
	if err != nil {
		return nil, err
	}
	parameters := []string{"site"}
	kit, err := simkit.New(simkit.Config{
		Table: contract.Table, Handlers: a.handlers(), Admit: a.admit,
		Error: func(status int, code, message string) simkit.Answer {
			text := or(message, http.StatusText(status))
			return errorAnswer(&refusal{status: status, code: or(code, usualCode(status)), message: text}, c.newest)
		},
		CheckHeader: checkAccept,
		// The guide prints these with a form body that repeats the query.
		Forms: map[string][]string{
			contract.VMReplicationsSync.Name: parameters, contract.VMReplicationsReverse.Name: parameters,
			contract.VMReplicationsPause.Name: parameters, contract.VMReplicationsResume.Name: parameters,
		},
		RequiredQuery: map[string][]string{contract.SupportBundlesDownloadWithCookie.Name: {cookieParameter}},
		SiteParameter: "site", TraceHeader: traceHeader,
		SecretHeaders: []string{authHeader}, SecretParameters: []string{cookieParameter},
		Clock: a.clock, Host: hostName, InMemory: c.inMemory,
	})
	if err != nil {
		return nil, fmt.Errorf("vcavtest: %w", err)
	}
	return &Server{URL: kit.URL, User: "root", Password: c.rootPassword, kit: kit, appliance: a}, nil
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

// AddTenant adds a user as [Tenant] does, while the server runs.
func (s *Server) AddTenant(user, password string) error {
	if !strings.Contains(user, "@") || password == "" {
		return errors.New("vcavtest: a tenant is named user@org and has a password")
	}
	a := s.lock()
	defer a.mu.Unlock()
	if err := a.local().addAccount(account{user: user, password: password}); err != nil {
		return fmt.Errorf("vcavtest: %w", err)
	}
	return nil
}

// ExpireSessions ends all sessions, as when they idle out: their next request answers 401 with
// [CodeNotAuthenticated].
func (s *Server) ExpireSessions() {
	a := s.lock()
	defer a.mu.Unlock()
	clear(a.sessions)
}

// Sessions returns how many sessions are open, those that have idled out unnoticed included.
func (s *Server) Sessions() int {
	a := s.lock()
	defer a.mu.Unlock()
	return len(a.sessions)
}

// Replication returns a replication as it is now, or the zero Replication if there is none with that id.
func (s *Server) Replication(id string) Replication {
	a := s.lock()
	defer a.mu.Unlock()
	if r, known := a.byID[id]; known {
		return r.snapshot(a.now)
	}
	return Replication{}
}

// Replications returns all replications as they are now, in the order of their creation.
func (s *Server) Replications() []Replication {
	a := s.lock()
	defer a.mu.Unlock()
	var found []Replication
	for _, r := range a.replications {
		found = append(found, r.snapshot(a.now))
	}
	return found
}

// Tasks returns all tasks of all sites as they are now, in the order of their creation.
func (s *Server) Tasks() []Task {
	a := s.lock()
	defer a.mu.Unlock()
	var found []Task
	for _, t := range a.tasks {
		found = append(found, t.snapshot(a.now))
	}
	return found
}

// Protect adds a replication while the server runs.
func (s *Server) Protect(r Replication) error {
	a := s.lock()
	defer a.mu.Unlock()
	if err := a.protect(r); err != nil {
		return fmt.Errorf("vcavtest: Protect: %w", err)
	}
	return nil
}

// RemoveReplication lets a replication be gone, as if somebody else had stopped it, and reports whether it
// was there. Tasks that work on it fail.
func (s *Server) RemoveReplication(id string) bool {
	a := s.lock()
	defer a.mu.Unlock()
	r, known := a.byID[id]
	if known {
		a.remove(r)
	}
	return known
}
