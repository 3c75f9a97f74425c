// Package vcav is the client for VMware Cloud Director Availability: it replicates machines between
// sites, rehearses their recovery, and fails them over.
//
// [NewClient] takes the address of a Cloud Service and one of the ways to sign in. Resources are fields
// of the [Client]; [Client.Site] returns a view of another site. What takes time on the appliance
// returns a [drkit.Poller] once the service has accepted it.
//
// Operations that must not repeat, such as a failover, are sent at most once. Before, the client reads the
// tasks of what they work on, and refuses with [drkit.ErrConflict] to begin the same work a second time. Where
// the answer is lost it looks for the one new task and returns its poller, for which [drkit.Poller.Adopted]
// is true; where no task shows, the replication itself may prove what came of it. Otherwise the operation ends in
// [drkit.ErrOutcomeUnknown], never in a second failover, and [drkit.Recover] looks again. Tasks are told apart by
// the user who started them, so it is well to give each program a user of its own.
//
// Package vcavtest holds a simulator of the appliance, for rehearsals and tests.
package vcav
