package vspheretest

import (
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Pair is two sites that replicate machines to each other, each with a running appliance. Its methods are safe for
// concurrent use.
type Pair struct {
	Protected *Server // where the machines run; configurations are asked for here
	Recovery  *Server // where they are replicated to; tests are asked for here. With [OneVCenter] it is the same

	world *world
}

// Server is the appliance of one site. Its methods are safe for concurrent use.
type Server struct {
	URL      string // without a path, such as "https://127.0.0.1:40123"
	User     string // the administrator, also for the remote session that the other site asks for
	Password string // its password
	Site     string // name of the site
	VCenter  string // id of its vCenter Server
	VRMS     string // id of its management server

	kit  *simkit.Server
	site *site
	pair *Pair
}

// NewPair starts a pair that ends with the test. It fails the test at once if options make no sense, and at the end
// if a client sent a request that the contract does not allow and that [Server.AcknowledgeViolations] has not taken as
// expected.
func NewPair(t testing.TB, options ...Option) *Pair {
	t.Helper()
	p, err := Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range p.servers() {
		s.kit.Watch(t, "vspheretest: "+s.Site)
	}
	t.Cleanup(p.Close)
	return p
}

// NewServer starts a pair that ends with the test, as [NewPair] does, and returns the server of its recovery site.
// [Server.Peer] is the other one.
func NewServer(t testing.TB, options ...Option) *Server {
	t.Helper()
	return NewPair(t, options...).Recovery
}

// Start starts a pair without a test, for programs and examples. The caller closes it.
func Start(options ...Option) (*Pair, error) {
	c, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	w, err := newWorld(c)
	if err != nil {
		return nil, err
	}
	p := &Pair{world: w}
	if p.Protected, err = p.start(w.protected); err != nil {
		return nil, err
	}
	if p.Recovery = p.Protected; w.recovery == w.protected {
		return p, nil
	}
	if p.Recovery, err = p.start(w.recovery); err != nil {
		p.Protected.kit.Close()
		return nil, err
	}
	return p, nil
}

// start starts the server of one site.
func (p *Pair) start(s *site) (*Server, error) {
	w := p.world
	repeated := map[string][]string{}
	for _, operation := range contract.Table.Operations {
		repeated[operation.Name] = []string{"filter"}
	}
	kit, err := simkit.New(simkit.Config{
		Table: contract.Table, Handlers: w.handlers(), Admit: w.admit(s),
		Error: func(status int, code, message string) simkit.Answer {
			return errorAnswer(status, or(code, usualCode(status)), or(message, http.StatusText(status)))
		},
		CheckHeader: checkHeader, RepeatedQuery: repeated, Resource: resourceOf,
		BasePaths: []string{basePathV1, basePathV2}, SecretHeaders: []string{sessionHeader},
		Clock: w.clock, Host: s.host(), InMemory: w.config.inMemory,
	})
	if err != nil {
		return nil, fmt.Errorf("vspheretest: %w", err)
	}
	s.kit, s.url = kit, kit.URL
	return &Server{
		URL: kit.URL, User: s.user, Password: s.password, Site: s.name, VCenter: s.vcenter, VRMS: s.vrms,
		kit: kit, site: s, pair: p,
	}, nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// servers returns the one or two servers.
func (p *Pair) servers() []*Server {
	if p.Recovery == p.Protected {
		return []*Server{p.Protected}
	}
	return []*Server{p.Protected, p.Recovery}
}

// lock locks the state as it is now: all that is due has happened. The caller unlocks it.
func (p *Pair) lock() *world {
	for _, s := range p.servers() {
		s.kit.Settle()
	}
	w := p.world
	w.mu.Lock()
	w.settle(w.clock.Now())
	return w
}

// Close cuts all connections and returns once nothing of the pair runs any more. It may be called more than once.
func (p *Pair) Close() {
	for _, s := range p.servers() {
		s.kit.Close()
	}
}

// Close closes both servers of the pair.
func (s *Server) Close() { s.pair.Close() }

// Peer returns the server of the other site; with [OneVCenter] the same.
func (s *Server) Peer() *Server {
	if s == s.pair.Protected {
		return s.pair.Recovery
	}
	return s.pair.Protected
}

// Pair returns the pair that the server is of.
func (s *Server) Pair() *Pair { return s.pair }

// PairingID returns the id that the site's pairing has now, which is another one at the other site; empty if it has
// none.
func (s *Server) PairingID() string {
	w := s.pair.lock()
	defer w.mu.Unlock()
	if s.site.pairing == nil {
		return ""
	}
	return s.site.pairing.id
}

// CertPool returns a pool that trusts the server's certificate.
func (s *Server) CertPool() *x509.CertPool { return s.kit.CertPool() }

// Thumbprint returns the SHA-256 of the server's certificate, as in "SHA-256:AA:BB:…".
func (s *Server) Thumbprint() string { return s.kit.Thumbprint() }

// Transport returns a transport that reaches and trusts this server alone, also in memory. Close ends its
// connections.
func (s *Server) Transport() http.RoundTripper { return s.kit.Transport() }

// Options returns what a client needs to reach and trust the server: the transport in memory, else the certificate as
// root. A client of the other site needs those of the other server.
func (s *Server) Options() []drkit.Option { return s.kit.Options() }

// ExpireSessions ends all sessions, as when they idle out: their next request answers 401. Their remote sessions are
// gone with them.
func (s *Server) ExpireSessions() {
	w := s.pair.lock()
	defer w.mu.Unlock()
	clear(s.site.sessions)
}

// ExpireRemoteSessions signs all sessions out of the remote site. They go on without it.
func (s *Server) ExpireRemoteSessions() {
	w := s.pair.lock()
	defer w.mu.Unlock()
	for open := range maps.Values(s.site.sessions) {
		clear(open.remote)
	}
}

// Sessions returns how many sessions are open, those that have idled out unnoticed included.
func (s *Server) Sessions() int {
	w := s.pair.lock()
	defer w.mu.Unlock()
	return len(s.site.sessions)
}

// Refused returns how many requests the rate limiter has refused with a 429 so far.
func (s *Server) Refused() int {
	w := s.pair.lock()
	defer w.mu.Unlock()
	return s.site.limiter.refused
}

// Tasks returns all tasks of the site as they are now, in the order of their creation.
func (s *Server) Tasks() []Task {
	w := s.pair.lock()
	defer w.mu.Unlock()
	var found []Task
	for _, t := range s.site.tasks {
		found = append(found, t.snapshot())
	}
	return found
}

// Machine returns the machine of a name as it is now, or the zero Machine if the site has none.
func (s *Server) Machine(name string) Machine {
	w := s.pair.lock()
	defer w.mu.Unlock()
	if m := s.site.machine(MachineID(s.site.name, name)); m != nil {
		return m.snapshot()
	}
	return Machine{}
}

// TestMachines returns the machines that tests have made and that are still there. A rehearsal that has ended leaves
// none.
func (s *Server) TestMachines() []Machine {
	w := s.pair.lock()
	defer w.mu.Unlock()
	var found []Machine
	for _, m := range s.site.machines {
		if m.testOf != nil {
			found = append(found, m.snapshot())
		}
	}
	return found
}
