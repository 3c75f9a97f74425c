package simkit

import (
	"context"
	"slices"
	"sync"
	"time"
)

// lateWork is what rules have put off. It has no goroutine: whoever looks first lets happen what is due.
type lateWork struct {
	mu      sync.Mutex // held while the work is done, so that whoever looks finds it done
	pending []lateCall // what is due first comes first
}

type lateCall struct {
	*Call
	entry *record
}

// postpone plans the work of a call for later. What belongs to the request stays with it, but not its client.
func (s *Server) postpone(call *Call, entry *record, late time.Duration) {
	planned := *call
	planned.Context, planned.Unattended, planned.due = context.WithoutCancel(call.Context), true, call.Time.Add(late)
	s.audit.postponed(entry, late)
	s.late.add(lateCall{&planned, entry})
}

func (l *lateWork) add(planned lateCall) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := len(l.pending)
	for at > 0 && l.pending[at-1].due.After(planned.due) {
		at--
	}
	l.pending = slices.Insert(l.pending, at, planned)
}

// Settle does the late work that is due. A service calls it before it shows its state, without a lock that
// its Admit or handlers take.
func (s *Server) Settle() {
	s.late.mu.Lock()
	defer s.late.mu.Unlock()
	now := s.config.Clock.Now()
	for len(s.late.pending) > 0 && !s.late.pending[0].due.After(now) {
		next := s.late.pending[0]
		s.late.pending = slices.Delete(s.late.pending, 0, 1)
		if s.outage.covers(next.due) {
			s.audit.missed(next.entry)
			continue
		}
		s.work(next.Call, next.entry)
	}
}

// settleBefore does what is due before a call, unless the call is late itself.
func (s *Server) settleBefore(call *Call) {
	if call.due.IsZero() {
		s.Settle()
	}
}
