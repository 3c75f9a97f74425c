package vcavtest

import "github.com/drkit-go/drkit/internal/simkit"

// Fault breaks answers on purpose. Its members say which requests it hits, when and how; at least one must say how, and
// those that contradict each other are refused.
//
//	srv.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", After: true, Drop: true, Times: 1})
//	srv.Inject(vcavtest.Fault{Operation: "SupportBundles.Download", After: true, AfterBytes: 1 << 20, Drop: true, Times: 10})
//	srv.Inject(vcavtest.Fault{Status: 502, Body: "<html>Bad Gateway</html>", Times: 1})
//
// Which requests: Operation is a name in the contract, Resource the id in the path, as that of the replication or the
// bundle, and Site the query parameter site; what is empty is every one. Skip lets so many of them pass unharmed first,
// and Times hits so many then; 0 is all.
//
// When: by default nothing runs. After lets the work be done first; requests that the appliance refuses by itself do not
// match then, for no work was done. Late lets work that the fault has kept from the appliance be done after all, so
// long after the request came, as a queue or a stuck proxy does: only then does the appliance look at the session and
// at its state, and it may refuse, as [Server.Requests] and [Server.Audit] show. ClearFaults does not take it back.
// AfterBytes lets so much of the body of an answer out before the fault strikes, as in a download that breaks off.
//
// How: Delay waits, by the server's clock, and Do is called after it, so that an [Operator] acts just before the work,
// or just after it; both go with any other. Hang never answers, Drop closes the connection, Reset closes it with a TCP
// RST, Truncate sends half of the answer, EndlessBody one without end, and Redirect a Location. Status answers with
// Body, whose ContentType is that of proxies by default, or else with an error of Code and Message, for which the usual
// ones stand in, as [CodeNotAuthenticated] for 401; RetryAfter and Header come with it. Mind that on HTTP/2 the other
// requests on a connection are lost with it, and that net/http by itself repeats a GET that a connection which it had
// used before swallowed.
type Fault = simkit.Rule

// Inject adds a fault. Faults are tried in the order in which they were added; for each request at most one
// strikes before the work and one after it. One that makes no sense fails the test, or without a test
// shows in [Server.Violations], and is not added.
func (s *Server) Inject(fault Fault) {
	if err := s.kit.Inject(fault); err != nil {
		s.kit.Complain("Inject: %v", err)
	}
}

// ClearFaults removes all faults and what [Server.FailTask], [Server.SlowTask] and [Server.OmitFromPolls] have
// asked for.
func (s *Server) ClearFaults() {
	s.kit.ClearFaults()
	a := s.lock()
	defer a.mu.Unlock()
	a.failures.Clear()
	a.durations.Clear()
	clear(a.omissions)
}

// RefuseConnections closes the next n connections before their TLS handshake, so that their clients never
// get one. It replaces what an earlier call asked for; 0 ends it. Connections that are open already are
// not touched: see [Server.CloseConnections].
func (s *Server) RefuseConnections(n int) { s.kit.RefuseConnections(n) }

// CloseConnections cuts all connections, those with requests under way included. The server goes on.
func (s *Server) CloseConnections() { s.kit.CloseConnections() }
