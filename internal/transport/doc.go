// Package transport is the one way of every call of every service: class gate, session, operation ID,
// rate limit, retries, the user's middleware, net/http, and back through decoding to a value or an error.
//
// # What is sent again
//
// The class of an operation decides, never its verb. A read, or a replacement, is sent again after a
// transient failure. An operation of class once is sent again only on proof that nothing ran: the
// attempt asked for a connection and never got one, or the service itself refused with a code that the
// contract lists. Everything else that is not an answer ends in [drkit.OutcomeUnknownError], unless the
// operation is found again.
//
// # How an operation is found again
//
// A call that brings its [Work] has the turn at its resource. Before each attempt, a note is taken of the tasks
// there and of the resource. When the answer is lost, look compares them with what there is then: one new task is
// the operation, two are an error, and without any the resource is asked once the grace has passed. What stays
// unknown is remembered with the resource, and looked for before anything else is sent there.
//
// # Who does what
//
// [Client.Do] prepares a call, and decides at its end whether the outcome is unknown. In between, exchange
// sees to the session, attempts to the limits of one attempt, retryablehttp to the loop of attempts where the
// first has failed, and the wire round tripper, innermost, to the latch and the proof. When the client closes,
// deadlines ends the attempts that are under way, and a context made for them the pauses between attempts.
package transport
