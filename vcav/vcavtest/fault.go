package vcavtest

import (
	"net/http"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Fault breaks answers on purpose. The first group of members says which requests it hits, the second when,
// the third how; at least one of the third must be set, and those that contradict each other are refused.
// Delay and Do go with any of them.
//
//	srv.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", After: true, Drop: true, Times: 1})
//	srv.Inject(vcavtest.Fault{Operation: "SupportBundles.Download", After: true, AfterBytes: 1 << 20, Drop: true, Times: 10})
type Fault struct {
	Operation string // name in the contract, as in "VMReplications.Failover"; empty: every operation
	Resource  string // id in the path, as that of the replication or the bundle; empty: every one
	Site      string // value of the query parameter site; empty: every one, also none

	Skip  int // how many matching requests pass unharmed first
	Times int // how many are then hit; 0: all
	// After lets the work be done before the fault strikes; by default nothing runs. Requests that the
	// appliance refuses by itself do not match then, for no work was done.
	After bool

	// AfterBytes lets this many bytes of the answer's body out before the fault strikes, as in a download
	// that breaks off; Delay, Do, Drop, Reset, Hang and Truncate can. A shorter body goes out whole first.
	// Without it Truncate lets half of the body out, and the others nothing, not even a status. It needs
	// After or a Status, for else there is no body.
	AfterBytes int64

	// Delay waits, by the server's clock. A client that gives up during a delay before the work leaves
	// nothing done. Alone, a delay only makes the answer late, or interrupts it.
	Delay time.Duration
	// Late lets the work be done after all, so long after the request came by the server's clock, as a queue or
	// a stuck proxy in front of the appliance does: whatever the client was told, and also when it has gone.
	// Only then does the appliance look at the session and at its state, and it may refuse; [Server.Requests]
	// and [Server.Audit] show both. It goes with a fault that answers, cuts or hangs before the work, as in
	// Fault{Drop: true, Late: time.Minute}. ClearFaults does not take it back.
	Late time.Duration
	// Do is called when the fault strikes, after its Delay, and the request waits for it: so that an
	// [Operator] acts just before the work, or just after it. It may use the server, but not close it.
	Do func()
	// Hang never answers, nor closes the connection: it is the client that gives up.
	Hang bool
	// Drop closes the connection without an answer. On HTTP/2 the other requests on that connection are
	// lost with it, and the last of AfterBytes may be. Mind that net/http by itself repeats a GET that a
	// connection which it had used before swallowed.
	Drop bool
	// Reset does the same with a TCP RST: clients see "connection reset by peer", or on HTTP/2 sometimes
	// only that the connection has ended. Of AfterBytes they lose what they have not read by then.
	Reset bool
	// Truncate announces the whole answer, sends half of it and closes. Before the work it needs a Status,
	// for there is no other answer to halve.
	Truncate bool
	// EndlessBody answers 200 (or Status) with a JSON string that never ends.
	EndlessBody bool
	// Redirect answers 307 (or Status) with this Location.
	Redirect string
	// Status answers this status: with Body, where that is given, else with an error of the appliance made
	// of Code and Message. Without a Code, the usual one stands in: [CodeNotAuthenticated] for 401, and so
	// on.
	Status      int
	Code        string        // of the error that a Status answers
	Message     string        // of the same error; the status in words by default
	Body        string        // answered in place of an error
	ContentType string        // of Body; "text/html;charset=UTF-8" by default, as proxies answer
	RetryAfter  time.Duration // sent in whole seconds, rounded up
	Header      http.Header   // more headers of the answer
}

// Inject adds a fault. Faults are tried in the order in which they were added; for each request at most one
// strikes before the work and one after it. One that makes no sense fails the test, or without a test
// shows in [Server.Violations], and is not added.
func (s *Server) Inject(fault Fault) {
	if err := s.kit.Inject(simkit.Rule(fault)); err != nil {
		s.kit.Complain("Inject: %v", err)
	}
}

// ClearFaults removes all faults and what [Server.FailTask], [Server.SlowTask] and [Server.OmitFromPolls] have
// asked for.
func (s *Server) ClearFaults() {
	s.kit.ClearFaults()
	a := s.lock()
	defer a.mu.Unlock()
	a.plans = nil
	clear(a.omissions)
}

// RefuseConnections closes the next n connections before their TLS handshake, so that their clients never
// get one. It replaces what an earlier call asked for; 0 ends it. Connections that are open already are
// not touched: see [Server.CloseConnections].
func (s *Server) RefuseConnections(n int) { s.kit.RefuseConnections(n) }

// CloseConnections cuts all connections, those with requests under way included. The server goes on.
func (s *Server) CloseConnections() { s.kit.CloseConnections() }
