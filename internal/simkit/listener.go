package simkit

import (
	"net"
	"sync"
)

// trackedListener knows the connections it has accepted, so that they can be cut.
type trackedListener struct {
	net.Listener
	down func() bool // while it is true, connections are closed before they say a word

	mu     sync.Mutex
	open   map[*trackedConn]struct{}
	refuse int // connections still to be closed before they say a word
	closed bool
}

func trackListener(inner net.Listener, down func() bool) *trackedListener {
	return &trackedListener{Listener: inner, down: down, open: map[*trackedConn]struct{}{}}
}

// Accept returns the next connection that is not to be refused.
func (l *trackedListener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if conn := l.admit(inner); conn != nil {
			return conn, nil
		}
		_ = inner.Close()
	}
}

func (l *trackedListener) admit(inner net.Conn) *trackedConn {
	down := l.down()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || down {
		return nil
	}
	if l.refuse > 0 {
		l.refuse--
		return nil
	}
	conn := &trackedConn{Conn: inner, listener: l}
	l.open[conn] = struct{}{}
	return conn
}

// refuseNext closes the next n connections before their TLS handshake.
func (l *trackedListener) refuseNext(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = n
}

// closeConns cuts all connections; with last, also those that are just being accepted.
func (l *trackedListener) closeConns(last bool) {
	l.mu.Lock()
	l.closed = l.closed || last
	conns := make([]*trackedConn, 0, len(l.open))
	for conn := range l.open {
		conns = append(conns, conn)
	}
	l.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
	}
}

// trackedConn is an accepted connection under TLS.
type trackedConn struct {
	net.Conn
	listener *trackedListener
}

// Close closes the connection without a word of TLS.
func (c *trackedConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.open, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// reset makes the client see "connection reset by peer".
func (c *trackedConn) reset() {
	switch inner := c.Conn.(type) {
	case *memoryConn:
		inner.reset()
	case *net.TCPConn:
		_ = inner.SetLinger(0) // the close that follows sends RST instead of FIN
	}
	_ = c.Close()
}
