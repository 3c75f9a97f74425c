// Package vsphere is the client for vSphere Replication, which is part of Live Site Recovery: it configures, watches
// and rehearses the replication of virtual machines from one vCenter Server to another.
//
// [NewClient] takes the address of the appliance of one site. [Client.Pairing] returns a view of one pairing of that
// site with another, and [RemoteSession.SignIn] makes the session good for that one, too; most of what concerns both
// sites takes it. Replications are configured, paused and resumed from either site. Tests are made at the one that
// recovers: ask that site's own appliance.
//
// Operations that start a task return a [drkit.Poller] of the [Task]. They are sent at most once: the recent tasks
// and the replication are noted before, and where the answer is lost, what has come since is looked for.
//
// # Partial answers
//
// While the other site is down, or without a session there, answers lack what that site knows. That is no error. What
// an object lacks stands in the Errors of its Meta, and in a log record of level Warn; [Metadata.Err] makes an error
// of it. A list that comes without any row, but says that it is not whole, ends in a [*PartialError].
//
// # Rate limits
//
// An appliance lets fifty requests a minute pass for each session, and a hundred for each address. A client keeps to
// the first by default, and two clients to the second; [AddressLimit] is for more. All waits of a client share the
// list of recent tasks, so that their number hardly matters.
//
// Others at the same address may use up what it lets pass. What only reads is then asked for again, until the next
// minute has begun: a call takes about a minute longer, and ends in [drkit.ErrThrottled] if that does not help either.
// An operation that must not repeat is not sent again: where a look at the tasks and the replication shows that
// nothing has come of it, it ends in that error, and the caller may try again.
//
// # How sure this is
//
// The published version 2.0.0 of the API is documented. The operations of recovery that newer appliances have are
// documented in part; what of them is seen in the code of clients, or inferred, OPERATIONS.md says, and the doc
// comments of what is inferred say Experimental. Disaster recovery itself is left out, because nobody has seen how
// it is asked for. Nothing of it was tried on an appliance.
package vsphere
