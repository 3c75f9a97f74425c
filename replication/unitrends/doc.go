// Package unitrends is the client for Unitrends appliances: it makes one appliance the target of another's
// backup copies, watches the copies, and runs machines from them.
//
// [NewClient] takes the address of one appliance. A replication has two, and which of them is asked decides what
// a request means: the target is asked for its [Sources], the source for its [Targets]. Resources are fields of
// the [Client]; [Client.System] returns a view of one system that the appliance manages.
//
// The service has no tasks. What an operation has begun shows in lists, and the [drkit.Poller] that it returns
// looks there until that has settled. Operations that must not repeat, such as accepting a source, are sent at
// most once: what was there before is noted, and where the answer is lost, what has come since is looked for. What is
// found so is adopted, for which [drkit.Poller.Adopted] is true. The lists do not say who has done what: what
// somebody else does to the same thing at the same moment is adopted as well. [Sources.Accept] says what to do about
// that.
//
// # How sure this is
//
// The vendor's API wiki (2015 to 2017, release 9) documents replication in part. The rest is seen in the code of
// public clients, or inferred. OPERATIONS.md says for each operation which of the three it is, and the doc
// comments of what is only inferred say Experimental. All answers keep the members that drkit does not know, in
// Extra. Which users may do what is documented nowhere. Nothing of it was tried on an appliance.
//
// Package unitrendstest holds a simulator of two appliances, for rehearsals and tests.
package unitrends
