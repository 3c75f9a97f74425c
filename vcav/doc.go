// Package vcav is the client for VMware Cloud Director Availability: it replicates machines between
// sites, rehearses their recovery, and fails them over.
//
// [NewClient] takes the address of a Cloud Service and one of the ways to sign in. Resources are fields
// of the [Client]; [Client.Site] returns a view of another site. What takes time on the appliance
// returns a [drkit.Poller] once the service has accepted it.
//
// Operations that must not repeat, such as a failover, are sent at most once. Where the answer is lost
// they end in [drkit.ErrOutcomeUnknown], never in a second failover.
//
// Package vcavtest holds a simulator of the appliance, for rehearsals and tests.
package vcav
