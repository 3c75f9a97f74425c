package cloudreplicatest

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// Server is Enterprise Manager with its backup servers. Its methods are safe for concurrent use.
type Server struct {
	URL      string // address without the path of the API, such as "https://127.0.0.1:40123"
	User     string // who can sign in
	Password string // with this

	kit        *simkit.Server
	enterprise *enterprise
}

// NewServer starts a server that ends with the test. It fails the test at once if options make no sense, and at the
// end if a client sent a request that the contract does not allow and that [Server.AcknowledgeViolations] has not
// taken as expected.
func NewServer(t testing.TB, options ...Option) *Server {
	t.Helper()
	s, err := Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	s.kit.Watch(t, "cloudreplicatest")
	t.Cleanup(s.Close)
	return s
}

// Start starts a server without a test, for programs and examples. The caller closes it.
func Start(options ...Option) (*Server, error) {
	c, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	s, err := start(c)
	if err != nil {
		return nil, fmt.Errorf("cloudreplicatest: %w", err)
	}
	return s, nil
}

func start(c *config) (*Server, error) {
	clock := c.clock
	if clock == nil {
		clock = simkit.SystemClock()
	}
	e := &enterprise{
		config: c, clock: clock, now: clock.Now(), live: map[string]*livePlan{},
		printer: &printer{base: c.base, planVMs: c.planVMs},
	}
	if err := e.furnish(); err != nil {
		return nil, err
	}
	e.remember(e.now)
	kit, err := simkit.New(simkit.Config{
		Table: contract.Table, Handlers: e.handlers(contract.Table), Admit: e.admit, ErrorFor: e.errorFor,
		CheckHeader: checkHeader, CheckQuery: checkQuery,
		BodyChecks: map[string]func(api.Table, string, []byte) []string{xmlType: checkXML, jsonType: simkit.CheckJSON},
		FoldPaths:  true, Resource: e.resourceOf, SecretHeaders: []string{tokenHeader},
		Clock: clock, Host: "em01.drkit.test", InMemory: c.inMemory,
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // Start says what failed
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.kit = kit
	if c.base == "" {
		e.printer.base = kit.URL + "/api"
	}
	return &Server{URL: kit.URL, User: c.accounts[0].user, Password: c.accounts[0].password, kit: kit, enterprise: e}, nil
}

// remember makes the collection that has filled the database at first, and plans the next.
func (e *enterprise) remember(at time.Time) {
	e.system = []*systemSession{{id: simkit.FreshID(), created: at.Add(-e.config.collecting), ended: at}}
	if e.config.collectEvery > 0 {
		e.agenda.Add(at.Add(e.config.collectEvery), e.collectOnSchedule)
	}
}

// Close cuts all connections and returns once nothing of the server runs any more. It may be called more than once.
func (s *Server) Close() { s.kit.Close() }

// CertPool returns a pool that trusts the server's certificate.
func (s *Server) CertPool() *x509.CertPool { return s.kit.CertPool() }

// Thumbprint returns the SHA-256 of the server's certificate, as in "SHA-256:AA:BB:…".
func (s *Server) Thumbprint() string { return s.kit.Thumbprint() }

// Transport returns a transport that reaches and trusts the server, also in memory. Close ends its connections.
func (s *Server) Transport() http.RoundTripper { return s.kit.Transport() }

// Options returns what a client needs to reach and trust the server: the transport in memory, else the certificate as
// root.
func (s *Server) Options() []drkit.Option { return s.kit.Options() }

// lock locks the state as it is now: all that is due has happened. The caller unlocks it.
func (s *Server) lock() *sync.Mutex {
	e := s.enterprise
	s.kit.Settle()
	e.mu.Lock()
	e.settle(e.clock.Now())
	return &e.mu
}

// Token signs the user in and returns the token of the logon session, without a request.
func (s *Server) Token() string {
	defer s.lock().Unlock()
	e := s.enterprise
	made := e.newSession(e.config.accounts[0])
	e.sessions = append(e.sessions, made)
	e.issued++
	return made.token
}

// newSession makes a logon session of an account, which nobody has yet.
func (e *enterprise) newSession(of account) *logon {
	s := &logon{id: simkit.FreshID(), user: e.resolved(of.user), account: of.user, reader: of.reader, last: e.now}
	s.version = e.config.versions[len(e.config.versions)-1]
	s.token = e.token(s.id)
	return s
}

// ExpireSessions ends all logon sessions, as if nobody had asked for anything in a quarter of an hour: they answer 401,
// and their tasks are gone. What the tasks have begun goes on.
func (s *Server) ExpireSessions() {
	defer s.lock().Unlock()
	s.enterprise.sessions = nil
}

// ForgetTasks makes all tasks of all logon sessions be gone, and with them what they would have told. What they have
// begun goes on.
func (s *Server) ForgetTasks() {
	defer s.lock().Unlock()
	for _, session := range s.enterprise.sessions {
		session.tasks = nil
	}
}

// SignIns returns how many logon sessions there have been, those of [Server.Token] included.
func (s *Server) SignIns() int {
	defer s.lock().Unlock()
	return s.enterprise.issued
}

// Sessions returns how many logon sessions have neither expired nor ended.
func (s *Server) Sessions() int {
	defer s.lock().Unlock()
	e := s.enterprise
	return len(slices.DeleteFunc(slices.Clone(e.sessions), func(l *logon) bool { return e.now.Sub(l.last) >= e.config.idle }))
}

// ChangePassword changes the password of the user, which [Server.Password] does not follow. Sessions stay: see
// [Server.ExpireSessions].
func (s *Server) ChangePassword(password string) {
	defer s.lock().Unlock()
	s.enterprise.config.accounts[0].password = password
}
