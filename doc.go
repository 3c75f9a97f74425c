// Package drkit is the vocabulary that the drkit clients share. Each service has a client in a package of
// its own, such as vcav; what they have in common is here.
//
//   - [Option]: how a client reaches its service, and what it does about failures.
//   - [Error], [TaskError] and [OutcomeUnknownError], with sentinels such as [ErrNotFound] for errors.Is.
//   - [Recover] and [Discard]: what to do about an operation that was sent and whose outcome is unknown.
//   - [Poller]: work that takes time on the other side, to wait for or to look at. [WaitAll] waits for many.
//   - [Once] and [Journal]: steps of a runbook that may be cut off at any moment and run again.
//   - [Opt]: a member of a request that can be absent, null or a value.
//   - [Secret]: a value that does not print.
//   - [WithOperationID] and [OnResponse]: what a call is called in the service's logs, and what it answered.
//   - [Collect], [First] and [Filter]: lists, which are iterators.
package drkit
