package simkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"
)

// memoryListener accepts connections that never leave the process.
type memoryListener struct {
	address  memoryAddress
	incoming chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newMemoryListener(host string) *memoryListener {
	return &memoryListener{
		address:  memoryAddress(host),
		incoming: make(chan net.Conn),
		closed:   make(chan struct{}),
	}
}

// Accept returns the next connection that [memoryListener.DialContext] made.
func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.incoming:
		return conn, nil
	case <-l.closed:
		return nil, fmt.Errorf("accept %s: %w", l.address, net.ErrClosed)
	}
}

// Close refuses all later connections.
func (l *memoryListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr returns the made-up address.
func (l *memoryListener) Addr() net.Addr { return l.address }

// DialContext connects to the listener, whatever address is asked for. After Close it is refused like a
// port on which nobody listens.
func (l *memoryListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := newMemoryPair(l.address)
	select {
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: l.address.Network(), Addr: l.address, Err: syscall.ECONNREFUSED}
	default:
	}
	select {
	case l.incoming <- server:
		return client, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: l.address.Network(), Addr: l.address, Err: syscall.ECONNREFUSED}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: l.address.Network(), Addr: l.address, Err: context.Cause(ctx)}
	}
}

type memoryAddress string

// Network returns "memory".
func (memoryAddress) Network() string { return "memory" }

// String returns the host name.
func (a memoryAddress) String() string { return string(a) }

// memoryConn is one end of an in-memory connection.
type memoryConn struct {
	address       memoryAddress
	in, out       *stream
	readDeadline  *deadline
	writeDeadline *deadline
}

func newMemoryPair(address memoryAddress) (client, server *memoryConn) {
	up, down := newStream(), newStream()
	client = &memoryConn{address: address, in: down, out: up, readDeadline: newDeadline(), writeDeadline: newDeadline()}
	server = &memoryConn{address: address, in: up, out: down, readDeadline: newDeadline(), writeDeadline: newDeadline()}
	return client, server
}

// Read waits for bytes of the peer; io.EOF once it has closed.
func (c *memoryConn) Read(p []byte) (int, error) {
	n, err := c.in.read(p, c.readDeadline)
	return n, c.explain("read", err)
}

// Write hands bytes to the peer and waits while too many are unread.
func (c *memoryConn) Write(p []byte) (int, error) {
	n, err := c.out.write(p, c.writeDeadline)
	return n, c.explain("write", err)
}

// Close ends both directions; the peer still reads what was written before.
func (c *memoryConn) Close() error {
	c.out.finish(io.EOF)
	c.in.abandon()
	c.readDeadline.set(time.Time{}) // stops the timers, so that nothing stays behind
	c.writeDeadline.set(time.Time{})
	return nil
}

// reset ends both directions at once: the peer loses what it has not read, as after a TCP RST.
func (c *memoryConn) reset() {
	c.out.finish(syscall.ECONNRESET)
	c.in.finish(syscall.ECONNRESET)
	_ = c.Close()
}

// LocalAddr returns the made-up address.
func (c *memoryConn) LocalAddr() net.Addr { return c.address }

// RemoteAddr returns the made-up address.
func (c *memoryConn) RemoteAddr() net.Addr { return c.address }

// SetDeadline limits reads and writes.
func (c *memoryConn) SetDeadline(t time.Time) error {
	c.readDeadline.set(t)
	c.writeDeadline.set(t)
	return nil
}

// SetReadDeadline limits reads, also those under way.
func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.readDeadline.set(t)
	return nil
}

// SetWriteDeadline limits writes, also those under way.
func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.writeDeadline.set(t)
	return nil
}

// explain dresses an error as package net does, so that clients treat both kinds of connection alike.
func (c *memoryConn) explain(operation string, err error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return err
	case errors.Is(err, io.ErrClosedPipe):
		err = net.ErrClosed
	}
	return &net.OpError{Op: operation, Net: c.address.Network(), Addr: c.address, Err: err}
}
