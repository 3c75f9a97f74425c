// Package simkit is what drkit's simulators share: listeners on loopback and in memory, rules that break
// answers on purpose, a check of every request against the service's contract, an audit of what was asked
// and what ran, and a clock that tests can turn.
//
// A service's simulator supplies its operation table and one [Handler] for each operation it simulates
// (see [Config]); everything between the socket and the handler is simkit's. Nothing here knows any
// particular service.
//
// One request goes through these steps, and the audit holds what came of each:
//
//  1. The request is matched to an operation and checked against the table. What the contract does not
//     allow is answered with a loud 400 and noted as a [Violation].
//  2. [Rule]s that act before the work: they may answer, delay or cut the request, and then nothing runs, or
//     only later.
//  3. [Config.Admit]: the service's own refusals, such as a missing session.
//  4. The handler does the work and returns an [Answer], whose body may be a stream.
//  5. Rules that act after the work: what was done stays done, only its answer suffers.
//
// Steps 3 and 4 are also those of late work, and of what [Server.Operate] does in the name of somebody else
// than the client.
//
// A server inside a testing/synctest bubble must be made in that bubble and listen in memory; all its
// goroutines wait on channels and end with [Server.Close].
package simkit
