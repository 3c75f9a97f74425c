package simkit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/drkit-go/drkit"
)

// ViolationCode is the error code of answers to requests that the contract does not allow. It is ours, of
// no service.
const ViolationCode = "ContractViolation"

// NotSimulatedCode is the error code of answers to operations that the contract has and the simulator has
// not. It is ours, of no service.
const NotSimulatedCode = "NotSimulated"

// Server is a running simulator. Its methods are safe for concurrent use.
type Server struct {
	URL string // base URL, such as "https://127.0.0.1:40123"

	config      Config
	router      router
	faults      faults
	audit       audit
	late        lateWork
	outage      outage
	certificate certificate
	listener    *trackedListener
	http        *http.Server
	transport   *http.Transport
	stopping    context.Context // ends when Close begins
	stop        context.CancelFunc
	served      chan struct{} // closed when the accept loop has ended
	conns       sync.WaitGroup
	calls       gate
	tb          testing.TB // nil: nobody watches
	name        string     // of the simulator, for what tb is told
}

// New starts a server. The caller closes it.
func New(config Config) (*Server, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	router, err := newRouter(config.Table, config.TrailingSlash, config.FoldPaths)
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	for name := range config.Handlers {
		if !router.knows(name) {
			return nil, fmt.Errorf("simulator: there is a handler for %q, which the table does not have", name)
		}
	}
	s := &Server{config: config, router: router, served: make(chan struct{}), calls: newGate()}
	if s.certificate, err = newCertificate(config.Host); err != nil {
		return nil, err
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if err := s.listen(); err != nil {
		s.stop()
		return nil, err
	}
	go func() {
		defer close(s.served)
		_ = s.http.ServeTLS(s.listener, "", "") // ends with ErrServerClosed
	}()
	return s, nil
}

func (s *Server) listen() error {
	s.transport = &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: s.certificate.pool, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: !s.config.InMemory && !s.config.HTTP1,
	}
	down := func() bool { return s.outage.covers(s.config.Clock.Now()) }
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(s.transport.ForceAttemptHTTP2)
	if s.config.InMemory {
		inner := newMemoryListener(s.config.Host)
		s.transport.DialContext = inner.DialContext
		s.listener, s.URL = trackListener(inner, down), "https://"+s.config.Host
	} else {
		inner, err := (&net.ListenConfig{}).Listen(s.stopping, "tcp", "127.0.0.1:0")
		if err != nil {
			return fmt.Errorf("simulator: %w", err)
		}
		s.listener, s.URL = trackListener(inner, down), "https://"+inner.Addr().String()
	}
	s.http = &http.Server{ //nolint:gosec // no time-outs: a test may take its time, and they would move a bubble's
		Handler:     http.HandlerFunc(s.serve),
		Protocols:   protocols,
		TLSConfig:   &tls.Config{Certificates: []tls.Certificate{s.certificate.pair}, MinVersion: tls.VersionTLS12},
		BaseContext: func(net.Listener) context.Context { return s.stopping },
		ConnContext: rememberConnection,
		ConnState:   s.connState,
		// Clients that break off handshakes are what tests are about: nobody wants to read of them.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	return nil
}

// connState counts the goroutines that serve connections, so that Close can wait for them.
func (s *Server) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	default: // still being served
	}
}

// Close cuts all connections and returns once nothing of the server runs any more. It may be called more
// than once.
func (s *Server) Close() {
	_ = s.http.Close()
	s.listener.closeConns(true)
	s.stop() // only now: a handler that ended earlier would leave net/http an empty 200 to send
	<-s.served
	s.conns.Wait()
	s.calls.close()
	s.transport.CloseIdleConnections()
}

// CertPool returns a pool that trusts the server's certificate.
func (s *Server) CertPool() *x509.CertPool { return s.certificate.pool.Clone() }

// TrustIn adds the server's certificate to a pool, for services that have more than one server.
func (s *Server) TrustIn(pool *x509.CertPool) { pool.AddCert(s.certificate.pair.Leaf) }

// Thumbprint returns the SHA-256 of the server's certificate, as in "SHA-256:AA:BB:…".
func (s *Server) Thumbprint() string { return s.certificate.thumbprint }

// Transport returns a transport that reaches and trusts the server, in memory or on loopback. Close ends
// its connections.
func (s *Server) Transport() *http.Transport { return s.transport }

// Options returns what a client needs to reach and trust the server: its transport in memory, else its certificate as
// root.
func (s *Server) Options() []drkit.Option {
	if s.config.InMemory {
		return []drkit.Option{drkit.WithTransport(s.transport)}
	}
	return []drkit.Option{drkit.WithRootCAs(s.CertPool())}
}

// RefuseConnections closes the next n connections before their TLS handshake, so that their clients never
// get one. It replaces what an earlier call asked for; 0 ends it.
func (s *Server) RefuseConnections(n int) { s.listener.refuseNext(n) }

// CloseConnections cuts all connections, those with requests under way included. The server goes on.
func (s *Server) CloseConnections() { s.listener.closeConns(false) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !s.calls.enter() {
		return
	}
	defer s.calls.leave()
	base, path, problem := s.config.split(r.URL.EscapedPath())
	var found match
	if problem == "" {
		found, problem = s.router.find(r.Method, path, r.URL.Query().Get(actionParameter))
	}
	call := &Call{
		Context: r.Context(), Operation: found.operation, Arguments: found.arguments, Resource: found.first,
		Host: r.Host, Path: r.URL.EscapedPath(), Base: base,
		Query: r.URL.Query(), Header: r.Header, Time: s.config.Clock.Now(), clock: s.config.Clock,
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, s.config.MaxBodyBytes+1))
	call.Body = body
	problems := []string{problem}
	if problem == "" && err == nil {
		problems = s.check(call, r.URL.RawQuery)
	}
	entry := s.audit.add(Request{
		Operation: call.Operation.Name, Method: r.Method, Path: r.URL.EscapedPath(), Query: s.redactQuery(r.URL.Query()),
		Header: s.redact(r.Header), Resource: call.Resource, Site: call.Site,
		OperationID: r.Header.Get(s.config.TraceHeader), Time: call.Time,
	})
	switch {
	case err != nil: // the client broke off: nobody to answer, and no fault of the request's
	case len(problems) > 0:
		s.deliver(w, r, entry, Rule{}, s.refuse(call, entry, problems))
	default:
		s.run(w, r, call, entry)
	}
}

// refuse makes the answer to a request that the contract does not allow, as loud as possible.
func (s *Server) refuse(call *Call, entry *record, problems []string) Answer {
	s.audit.violate(entry, problems)
	s.audit.refused(entry, http.StatusBadRequest)
	name := entry.Operation
	if name == "" {
		name = entry.Method + " " + entry.Path
	}
	message := fmt.Sprintf("simulator: the contract does not allow this request (%s): %s", name, strings.Join(problems, "; "))
	return s.config.ErrorFor(call, http.StatusBadRequest, ViolationCode, message)
}

// run takes a checked request through the rules and the work.
func (s *Server) run(w http.ResponseWriter, r *http.Request, call *Call, entry *record) {
	if rule, due := s.faults.due(call, false); due {
		if rule.Late > 0 {
			s.postpone(call, entry, rule.Late)
		}
		if !s.wait(call, entry, rule) {
			return
		}
		if rule.acts() {
			s.deliver(w, r, entry, rule, rule.answer(&s.config, call, Answer{}))
			return
		}
	}
	answer, ran := s.work(call, entry)
	if !ran && answer.Status == 0 {
		return
	}
	var rule Rule
	if ran {
		var due bool
		if rule, due = s.faults.due(call, true); due {
			if !s.wait(call, entry, rule) {
				return
			}
			answer = rule.answer(&s.config, call, answer)
		}
	}
	s.deliver(w, r, entry, rule, answer)
}

// wait spends a rule's delay and does what comes after it, unless that is to happen in the middle of the body.
// It reports whether there is still somebody to answer.
func (s *Server) wait(call *Call, entry *record, rule Rule) bool {
	s.audit.hit(entry, rule)
	if rule.AfterBytes > 0 {
		return true
	}
	// Whoever gave up is not answered, but its HTTP/2 connection may have others on it: it is not cut.
	if rule.Delay > 0 && s.config.Clock.Sleep(call.Context, rule.Delay) != nil {
		return false
	}
	s.do(entry, rule)
	return true
}

// do calls the rule's Do. A panic there is noted where tests look, because net/http would pass it off as a
// lost connection.
func (s *Server) do(entry *record, rule Rule) {
	if rule.Do == nil {
		return
	}
	defer func() {
		if trouble := recover(); trouble != nil {
			s.audit.violate(entry, []string{fmt.Sprintf("the Do of a rule failed: %v", trouble)})
		}
	}()
	rule.Do()
}

// work lets the service do what was asked, and reports whether it was done. A panic of a handler is a fault
// of the simulator, and is noted like one of a rule.
func (s *Server) work(call *Call, entry *record) (answer Answer, ran bool) {
	defer func() {
		if trouble := recover(); trouble != nil {
			text := fmt.Sprintf("the simulator failed: %v", trouble)
			s.audit.violate(entry, []string{text})
			answer, ran = s.config.ErrorFor(call, http.StatusInternalServerError, "", text), false
		}
		s.audit.worked(entry, call, answer.Status)
	}()
	s.settleBefore(call)
	if refusal := s.config.Admit(call); refusal != nil {
		return *refusal, false
	}
	handler, ok := s.config.Handlers[call.Operation.Name]
	if !ok {
		return s.config.ErrorFor(call, http.StatusNotImplemented, NotSimulatedCode,
			fmt.Sprintf("the simulator does not have %s yet", call.Operation.Name)), false
	}
	s.settleBefore(call) // Admit may have waited
	answer = handler(call)
	return answer, answer.Status < http.StatusBadRequest
}
