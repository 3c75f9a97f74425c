package checkpointstest

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/simkit"
)

// Server is the backup service of one region, and the identity service of its cloud. Its methods are safe for
// concurrent use.
type Server struct {
	URL     string // of the backup service, such as "https://127.0.0.1:40123"
	AuthURL string // of the identity service with its version, such as "https://127.0.0.1:40124/v3"

	Region    string // as in "region1"
	ProjectID string // the project of the region that everything belongs to
	Project   string // its name, which is that of the region
	Domain    string // the account, as in "ACME"
	User      string // who can sign in
	Password  string // with this
	AccessKey string // and sign requests with this key
	SecretKey string // and this secret

	kit    *simkit.Server
	region *region
	owns   bool // whether the identity service ends with this server
}

// NewServer starts a server that ends with the test. It fails the test at once if options make no sense, and at
// the end if a client sent a request that the contract does not allow and that [Server.AcknowledgeViolations] has
// not taken as expected.
func NewServer(t testing.TB, options ...Option) *Server {
	t.Helper()
	s, err := Start(options...)
	if err != nil {
		t.Fatal(err)
	}
	s.kit.Watch(t, "checkpointstest")
	if s.owns {
		s.region.cloud.iam.kit.Watch(t, "checkpointstest")
	}
	t.Cleanup(s.Close)
	return s
}

// Start starts a server without a test, for programs and examples. The caller closes it. Servers that are linked
// to another end before it.
func Start(options ...Option) (*Server, error) {
	c, err := newConfig(options)
	if err != nil {
		return nil, err
	}
	s, err := start(c)
	if err != nil {
		return nil, fmt.Errorf("checkpointstest: %w", err)
	}
	return s, nil
}

func start(c *config) (*Server, error) {
	in := newCloud(c.clock)
	if c.linked != nil {
		in = c.linked.region.cloud
	}
	r := &region{cloud: in, config: c, name: c.region, hidden: map[string]bool{}, keys: map[string]*keyFailures{}}
	s := &Server{region: r, owns: c.linked == nil, Region: c.region, Project: c.projectName, User: c.account.user, Password: c.account.password}
	if err := s.furnish(); err != nil {
		return nil, err
	}
	if s.owns {
		if err := in.iam.listen(c); err != nil {
			return nil, err
		}
	}
	kit, err := simkit.New(simkit.Config{
		Table: contract.Table, Handlers: r.handlers(contract.Table), Admit: r.admit, Error: r.errorFor,
		RequiredQuery: map[string][]string{
			contract.VaultsExternal.Name:           {"external_project_id", "region_id"},
			contract.OrganizationPoliciesList.Name: {"operation_type"},
		},
		RepeatedQuery: map[string][]string{
			contract.BackupsList.Name: {"status"}, contract.VaultsList.Name: {"id"}, contract.AgentsList.Name: {"agent_id"},
		},
		Resource: r.resourceOf, SecretHeaders: []string{tokenHeader, "X-Security-Token"},
		Clock: in.clock, Host: "cbr." + c.region + ".drkit.test", InMemory: c.inMemory,
	})
	if err != nil {
		if s.owns {
			in.iam.kit.Close()
		}
		return nil, err
	}
	s.kit, s.URL, s.AuthURL = kit, kit.URL, in.iam.url
	in.mu.Lock()
	defer in.mu.Unlock()
	r.kit, r.url = kit, kit.URL
	in.regions = append(in.regions, r)
	return s, nil
}

// listen starts the identity service.
func (i *identity) listen(c *config) error {
	kit, err := simkit.New(simkit.Config{
		Table: identityTable(), Handlers: i.handlers(), Admit: i.admit, Error: i.errorFor,
		SecretHeaders: []string{tokenHeader, subjectHeader}, Clock: i.cloud.clock,
		Host: "iam." + c.region + ".drkit.test", InMemory: c.inMemory,
	})
	if err != nil {
		return err //nolint:wrapcheck // Start says what failed
	}
	i.kit, i.url, i.config = kit, kit.URL+"/v3", c
	return nil
}

// furnish makes the projects, users, resources and vaults that the options name.
func (s *Server) furnish() error {
	r, c := s.region, s.region.config
	r.cloud.mu.Lock()
	defer r.cloud.mu.Unlock()
	if r.cloud.region(r.name) != nil {
		return fmt.Errorf("there is a region %q already", r.name)
	}
	if err := s.furnishAccounts(); err != nil {
		return err
	}
	for _, given := range c.resources {
		if _, err := r.addResource(r.projects[0], given); err != nil {
			return fmt.Errorf("Resources: %w", err)
		}
	}
	for _, given := range c.vaults {
		if _, err := r.addVault(given); err != nil {
			return fmt.Errorf("Vaults: %w", err)
		}
	}
	return nil
}

func (s *Server) furnishAccounts() error {
	r, c := s.region, s.region.config
	iam := r.cloud.iam
	account := c.account
	if c.linked != nil {
		first := c.linked
		account.domain, s.User, s.Password = first.Domain, first.User, first.Password
		s.AccessKey, s.SecretKey = first.AccessKey, first.SecretKey
	} else {
		by := iam.addUser(account)
		iam.keys[c.accessKey] = &accessKey{access: c.accessKey, secret: c.secretKey, user: by, domain: by.domain}
		s.AccessKey, s.SecretKey = c.accessKey, c.secretKey
	}
	s.Domain = account.domain
	own := iam.domain(account.domain)
	for _, name := range append([]string{c.projectName}, c.projects...) {
		r.projects = append(r.projects, &project{id: ProjectID(own.name, r.name, name), name: name, domain: own, region: r})
	}
	s.ProjectID = r.projects[0].id
	for _, given := range c.users {
		given.domain = or(given.domain, own.name)
		iam.addUser(given)
	}
	for _, given := range c.agencies {
		trusting := iam.addDomain(given.domain)
		trusting.agencies = append(trusting.agencies, &agency{name: given.agency, trusted: own})
	}
	for _, d := range iam.domains {
		if d != own {
			r.projects = append(r.projects, &project{id: ProjectID(d.name, r.name, c.projectName), name: c.projectName, domain: d, region: r})
		}
	}
	return nil
}

// Close cuts all connections and returns once nothing of the server runs any more; the identity service ends with
// the server that is linked to no other. It may be called more than once.
func (s *Server) Close() {
	s.kit.Close()
	if s.owns {
		s.region.cloud.iam.kit.Close()
	}
}

// CertPool returns a pool that trusts the certificates of the server, of the identity service and of the servers
// that are linked.
func (s *Server) CertPool() *x509.CertPool {
	pool := x509.NewCertPool()
	for _, kit := range s.region.cloud.kits() {
		kit.TrustIn(pool)
	}
	return pool
}

// Transport returns a transport that reaches and trusts the server, the identity service and the servers that are
// linked, also in memory. Close ends its connections.
func (s *Server) Transport() http.RoundTripper { return transport{s.region.cloud} }

// Options returns what a client needs to reach and trust the server and its identity service: the transport in
// memory, else the certificates as roots.
func (s *Server) Options() []drkit.Option {
	if s.region.config.inMemory {
		return []drkit.Option{drkit.WithTransport(s.Transport())}
	}
	return []drkit.Option{drkit.WithRootCAs(s.CertPool())}
}

// transport sends each request to the server whose host it names.
type transport struct{ cloud *cloud }

// RoundTrip sends a request.
func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	for _, kit := range t.cloud.kits() {
		if strings.TrimPrefix(kit.URL, "https://") == request.URL.Host {
			return kit.Transport().RoundTrip(request) //nolint:wrapcheck // the error is the connection's
		}
	}
	return t.cloud.iam.kit.Transport().RoundTrip(request) //nolint:wrapcheck // likewise: nobody listens there
}

// CloseIdleConnections closes connections that nobody uses.
func (t transport) CloseIdleConnections() {
	for _, kit := range t.cloud.kits() {
		kit.Transport().CloseIdleConnections()
	}
}

// lock locks the state as it is now: all that is due has happened. The caller unlocks it.
func (s *Server) lock() *sync.Mutex {
	c := s.region.cloud
	c.settleLate()
	c.mu.Lock()
	c.settle(c.clock.Now())
	return &c.mu
}

// Token signs the user in to the project and returns a token, without a request.
func (s *Server) Token() string {
	defer s.lock().Unlock()
	iam := s.region.cloud.iam
	made := &token{methods: []string{"password"}, user: iam.domain(s.Domain).user(s.User), project: s.region.projects[0]}
	iam.issue(made, iam.config.tokenLife)
	return made.value
}

// ExpireTokens lets all tokens that are out end now: they answer 401 until their holders sign in again.
func (s *Server) ExpireTokens() {
	defer s.lock().Unlock()
	for _, t := range s.region.cloud.iam.tokens {
		t.expires = s.region.cloud.now
	}
}

// RevokeTokens lets all tokens that are out be invalid, as after a change of the user's password or rights: unlike
// [Server.ExpireTokens] it does not show in their times.
func (s *Server) RevokeTokens() {
	defer s.lock().Unlock()
	for _, t := range s.region.cloud.iam.tokens {
		t.revoked = true
	}
}

// SignIns returns how many tokens the identity service has issued, those of [Server.Token] included.
func (s *Server) SignIns() int {
	defer s.lock().Unlock()
	return s.region.cloud.iam.issued
}

// LockUser locks a user of the account out, who has failed to sign in too often, or lets them in again.
func (s *Server) LockUser(name string, locked bool) {
	defer s.lock().Unlock()
	u := s.region.cloud.iam.domain(s.Domain).user(name)
	if u == nil {
		s.kit.Complain("LockUser: there is no user %q", name)
		return
	}
	u.locked = locked
}

// ChangePassword changes the password of the user, which [Server.Password] does not follow. Tokens stay: see
// [Server.RevokeTokens].
func (s *Server) ChangePassword(password string) {
	defer s.lock().Unlock()
	s.region.cloud.iam.domain(s.Domain).user(s.User).password = password
}
