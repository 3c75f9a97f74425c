package simkit

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// streamLimit is how many bytes a stream holds before writers wait. It is larger than what TLS and HTTP/1.1
// say without listening (alerts, session tickets, small requests), so that closing never has to wait for a
// peer that is not reading: with net.Pipe, which holds nothing, it does, and fake time runs on by seconds.
const streamLimit = 64 << 10

// stream carries the bytes of one direction of an in-memory connection. All waiting is on channels, which
// testing/synctest counts as blocked for good.
type stream struct {
	mu      sync.Mutex
	buffer  []byte        // used again and again, so that long bodies cost no memory
	taken   int           // how much of it has been read
	end     error         // what the reader gets once nothing is held; nil while the writer is open
	deaf    bool          // the reader is gone
	changed chan struct{} // closed and replaced whenever something above changes
}

func newStream() *stream { return &stream{changed: make(chan struct{})} }

func (s *stream) read(p []byte, limit *deadline) (int, error) {
	for {
		n, changed, err := s.take(p)
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
		select {
		case <-changed:
		case <-limit.passed():
			return 0, os.ErrDeadlineExceeded
		}
	}
}

func (s *stream) take(p []byte) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.deaf:
		return 0, nil, io.ErrClosedPipe
	case s.held() > 0:
		n := copy(p, s.buffer[s.taken:])
		s.taken += n
		s.announce()
		return n, nil, nil
	default:
		return 0, s.changed, s.end
	}
}

func (s *stream) write(p []byte, limit *deadline) (int, error) {
	written := 0
	for {
		n, changed, err := s.put(p[written:])
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
		select {
		case <-changed:
		case <-limit.passed():
			return written, os.ErrDeadlineExceeded
		}
	}
}

func (s *stream) put(p []byte) (int, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(s.end, io.EOF):
		return 0, nil, io.ErrClosedPipe
	case s.end != nil:
		return 0, nil, s.end
	case s.deaf:
		return 0, nil, syscall.EPIPE
	}
	n := min(len(p), streamLimit-s.held())
	if n > 0 {
		if len(s.buffer)+n > cap(s.buffer) {
			s.buffer, s.taken = s.buffer[:copy(s.buffer, s.buffer[s.taken:])], 0
		}
		s.buffer = append(s.buffer, p[:n]...)
		s.announce()
	}
	return n, s.changed, nil
}

// finish ends the writing side. With io.EOF the reader still gets what is held; with any other error what
// is held is lost, as after a TCP reset.
func (s *stream) finish(end error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		return
	}
	s.end = end
	if !errors.Is(end, io.EOF) {
		s.forget()
	}
	s.announce()
}

// abandon ends the reading side.
func (s *stream) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deaf = true
	s.forget()
	s.announce()
}

// held is how many bytes wait for the reader; the caller holds the lock.
func (s *stream) held() int { return len(s.buffer) - s.taken }

// forget loses what waits for the reader; the caller holds the lock.
func (s *stream) forget() { s.buffer, s.taken = nil, 0 }

func (s *stream) announce() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// deadline is a point in time that can be moved while others wait for it.
type deadline struct {
	mu    sync.Mutex
	timer *time.Timer
	done  chan struct{} // closed once the deadline has passed
}

func newDeadline() *deadline { return &deadline{done: make(chan struct{})} }

// set moves the deadline; the zero time means never.
func (d *deadline) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.timer != nil && !d.timer.Stop() {
		<-d.done // the timer has fired: let it finish, so that it cannot close the next channel
	}
	d.timer = nil
	passed := isClosed(d.done)
	if t.IsZero() {
		if passed {
			d.done = make(chan struct{})
		}
		return
	}
	left := time.Until(t)
	if left <= 0 {
		if !passed {
			close(d.done)
		}
		return
	}
	if passed {
		d.done = make(chan struct{})
	}
	done := d.done
	d.timer = time.AfterFunc(left, func() { close(done) })
}

// passed returns a channel that is closed once the deadline has passed.
func (d *deadline) passed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
