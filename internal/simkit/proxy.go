package simkit

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
)

// Proxy stands between clients and a simulator, as a balancer stands before a real appliance: TLS ends here. It
// breaks connections, uploads and answers on real sockets. What a service itself does wrong is the matter of
// its simulator and its [Rule]s. Its methods are safe for concurrent use.
type Proxy struct {
	URL string // base URL, such as "https://127.0.0.1:40123"

	upstream    *url.URL
	through     http.RoundTripper
	certificate certificate
	tls         *tls.Config
	listener    net.Listener
	http        *http.Server
	ready       chan net.Conn   // with TLS agreed on
	life        context.Context // ends with Close
	end         context.CancelFunc
	running     sync.WaitGroup
	requests    gate

	mu     sync.Mutex
	decide func(*http.Request) ProxyFault
	breaks map[Breakage]int
	open   map[net.Conn]struct{} // TCP
}

// StartProxy starts a proxy before the service at upstream, which is reached by through. It speaks HTTP/2 or
// HTTP/1.1, and not both. The caller closes it.
func StartProxy(upstream string, through http.RoundTripper, http2 bool) (*Proxy, error) {
	base, err := url.Parse(upstream)
	if err != nil {
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p := &Proxy{
		upstream: base, through: through, ready: make(chan net.Conn), requests: newGate(),
		decide: func(*http.Request) ProxyFault { return ProxyFault{} },
		breaks: map[Breakage]int{}, open: map[net.Conn]struct{}{},
	}
	if p.certificate, err = newCertificate("proxy.drkit.test"); err != nil {
		return nil, err
	}
	p.life, p.end = context.WithCancel(context.Background())
	if p.listener, err = (&net.ListenConfig{}).Listen(p.life, "tcp", "127.0.0.1:0"); err != nil {
		p.end()
		return nil, fmt.Errorf("proxy: %w", err)
	}
	p.URL = "https://" + p.listener.Addr().String()
	p.prepare(http2)
	p.running.Go(p.accept)
	p.running.Go(func() { _ = p.http.Serve(handshaken{p}) }) // ends with ErrServerClosed
	return p, nil
}

// prepare makes the server, which speaks one protocol only.
func (p *Proxy) prepare(http2 bool) {
	p.tls = &tls.Config{
		Certificates: []tls.Certificate{p.certificate.pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	}
	if http2 {
		p.tls.NextProtos = []string{"h2"}
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	p.http = &http.Server{ //nolint:gosec // no time-outs: a test may take its time
		Handler:     http.HandlerFunc(p.serve),
		Protocols:   protocols,
		TLSConfig:   p.tls.Clone(), // which net/http changes
		BaseContext: func(net.Listener) context.Context { return p.life },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, conn)
		},
		// Clients that break off are what this is about: nobody wants to read of them.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

// Close cuts all connections and returns once no request is under way any more, also none that its client has
// given up.
func (p *Proxy) Close() {
	p.end()
	_ = p.listener.Close()
	_ = p.http.Close()
	p.ResetConnections()
	p.running.Wait()
	p.requests.close()
}

// Decide lets decide say what becomes of each request from now on. It is called by several goroutines at once.
func (p *Proxy) Decide(decide func(*http.Request) ProxyFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.decide = decide
}

// Break breaks the next n connections, as RefuseDial, CutHandshake and ResetUnused do. It replaces what an
// earlier call asked for in the same way; 0 ends it.
func (p *Proxy) Break(how Breakage, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breaks[how] = n
}

// ResetConnections resets all connections, those with requests under way included. The proxy goes on.
func (p *Proxy) ResetConnections() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		resetTCP(conn)
	}
	clear(p.open)
}

// Transport returns a new transport that reaches and trusts the proxy. Only its dials can be refused. The
// caller closes its idle connections.
func (p *Proxy) Transport() *http.Transport {
	protocols := &http.Protocols{}
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	dialer := &net.Dialer{}
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: p.certificate.pool, MinVersion: tls.VersionTLS12}, Protocols: protocols,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if p.takes(RefuseDial) {
				address = "127.0.0.1:1" // where nobody listens
			}
			return dialer.DialContext(ctx, network, address)
		},
	}
}

// takes reports whether the next connection breaks in some way, and counts it.
func (p *Proxy) takes(how Breakage) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.breaks[how] == 0 {
		return false
	}
	p.breaks[how]--
	return true
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.open[conn] = struct{}{}
		p.mu.Unlock()
		p.running.Go(func() { p.admit(conn) })
	}
}

// admit agrees on TLS, and hands the connection to the server.
func (p *Proxy) admit(conn net.Conn) {
	if p.takes(CutHandshake) {
		p.reset(conn)
		return
	}
	secured := tls.Server(conn, p.tls)
	if err := secured.HandshakeContext(p.life); err != nil || p.takes(ResetUnused) {
		p.reset(conn)
		return
	}
	select {
	case p.ready <- secured:
	case <-p.life.Done():
		p.reset(conn)
	}
}

// reset makes the client see "connection reset by peer".
func (p *Proxy) reset(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, conn)
	resetTCP(conn)
}

func resetTCP(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // the close that follows sends RST instead of FIN
	}
	_ = conn.Close()
}

// handshaken is the listener of the server: its connections have agreed on TLS.
type handshaken struct{ proxy *Proxy }

// Accept returns the next connection.
func (h handshaken) Accept() (net.Conn, error) {
	select {
	case conn := <-h.proxy.ready:
		return conn, nil
	case <-h.proxy.life.Done():
		return nil, errors.New("the proxy is closed")
	}
}

// Close does nothing: the proxy closes what it listens on.
func (h handshaken) Close() error { return nil }

// Addr returns the address that the proxy listens on.
func (h handshaken) Addr() net.Addr { return h.proxy.listener.Addr() }
