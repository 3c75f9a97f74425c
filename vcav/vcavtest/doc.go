// Package vcavtest is a Cloud Director Availability appliance that runs inside a test: real TLS, real
// sessions, tasks that take time, replications that go through their states, and faults on request.
//
//	srv := vcavtest.NewServer(t)
//	client, err := vcav.NewClient(srv.URL, vcav.LocalUser(srv.User, drkit.NewSecret(srv.Password)), srv.Options()...)
//
// Without options the appliance is that of site2, the recovery site: org1 at site1 protects the machines
// db-1, app-1 and web-1 in org2 at site2, and each has an instance to fail over to. Options replace the
// parts of that picture that they name.
//
// [NewServer] ends with its test and fails it if a client sent what the contract does not allow: an unknown
// query parameter, a missing member, a wrong type. Such requests are answered with a 400 that says what is
// wrong. [Start] serves programs and examples that have no testing.TB.
//
// # What it simulates
//
// Sessions (all five kinds of credentials), tasks one by one and as a list, product information, and for VM
// replications list, get, instances, sync, failover, test failover, its clean-up and reverse. Operations
// that the contract has beyond these answer 501.
//
// It is written from the Cloud Director Availability API guide, sections "Errors", "Operation IDs", "Get
// product information", "Long running tasks", "Authentication Methods", "Session Lifecycle Management",
// "Get the VM Replications", "Get the Details of a VM Replication", "Get the Instances of a VM
// Replication", "Synchronize a VM Replication", "A VM Replication Failover" (and "to On-Premises"), "Test a
// VM Replication Failover" (and "to On-Premises"), "Delete the Test Failover VM Replication" and "Reverse a
// VM Replication". What the guide leaves open is decided here and marked so.
//
// # Time
//
// Everything goes by one clock: that of package time, so that inside a testing/synctest bubble hours pass
// at once, or one that [UseClock] sets. A server for a bubble is made in the bubble with [InMemory].
// Tasks have no goroutines: each request first settles what has ended by then.
//
// # Refused at once, or failed later
//
// The vendor's guide does not say which requests are refused with a 4xx and which are accepted and end in a
// FAILED task. Here, what the appliance can see when the request comes is refused: 404 for what is not
// there or not yours, 400 for a body that does not fit the replication, 409 where its state forbids the
// operation (busy, paused, recovered already, a test present or absent). What only shows when the work is
// done fails the task: a failover without any instance, and whatever [Server.FailTask] asks for.
//
// # Sites
//
// The query parameter site takes the local site, or a remote one that the session is authenticated at
// ([AuthenticatedAt]); other remote sites answer 401 with [CodeRemoteAuthenticationFailure]. A replication
// is known at both of its sites and can be worked on from either; a task is known only at the site where
// it was started.
package vcavtest
