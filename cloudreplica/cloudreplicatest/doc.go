// Package cloudreplicatest is Veeam Backup Enterprise Manager inside a test: the Cloud Connect part of its REST API
// with tenants, replicas, points and failover plans, over real TLS, in XML and JSON and with faults on request.
//
//	srv := cloudreplicatest.NewServer(t)
//
// Without options there is one backup server, vbr01, with the tenants acme and globex. acme has the VMs db-1 and web-1
// and the plan "acme all", globex the VM app-1 and the plan "globex all"; each VM has three points, the newest half an
// hour old. There is a hardware plan, gold, and a gateway in a pool. Options replace that picture; [Inventory] makes a
// big one. [Server] has the user and the password to sign in with; [Server.Token] makes a session without a request.
//
// [NewServer] ends with its test and fails it if a client sent what the contract does not allow: an unknown query
// parameter, elements of XML in another order than the schema's, a wrong type, a body in another encoding than Accept.
// Such requests are answered with a 400 that says what is wrong. [Start] serves programs and examples that have no
// testing.TB.
//
// # What it simulates
//
// All operations of the contract, written from the REST API reference of Enterprise Manager, from samples that were
// seen of it and from what clients do. What all of these leave open is decided here and marked so. Not simulated are
// the parts of the API that have nothing to do with Cloud Connect, to which logon sessions link all the same, and the
// events of system sessions.
//
// # Encodings
//
// Accept decides in which encoding a request is read and answered. XML is the default, and lists in it call their items
// as the service does: a list of points has items called CloudReplica. JSON has a null for what is not set, and names
// with capitals; [OmitNulls], [CamelCase] and [ByteOrderMark] play other builds, [PlanVMsAs] and [BinaryTokens] other
// versions of two details. Errors have no codes, and their Status is never set.
//
// # Logon sessions
//
// The token is sent in its header; a cookie of the same name wins over it, also where it is wrong. A session expires
// after a quarter of an hour without a request. The account of the provider may be given with a domain or a host, which
// do not matter, and is shown with that of Enterprise Manager. An unknown version of the API is refused with 400; none,
// like "latest", is the newest. Sessions list those of the same account. A tenant signs in with the provider's account
// in the header and their own in the body; they see what is theirs, start and undo plans, and are answered 403 for all
// else, the query service included.
//
// # The database is not the truth
//
// What answers show is the database, which the collection of data fills: every quarter of an hour, on request, or by
// [Server.Collect]. It has what there was when the collection ended. New points, plans and replicas and the states of
// replicas show only then, while what a task has changed shows once the task is finished. A collection is a system
// session; that of the schedule is one for all servers. Failover sessions show once the task that started them is
// finished, or a collection has ended before that, and from then on as they are, for 30 days.
//
// # Tasks
//
// A task is running until its work is done on the backup server, then its operation is finished, and once the database
// knows it is finished and links to what it made. What the service can see when the request comes is refused at once,
// such as an unknown id; what only shows when the work is done fails the task, inside a 200. Tasks belong to their logon
// session. One that is deleted while it is running does nothing. What goes on elsewhere, as a failover does, goes on
// whatever becomes of the task.
//
// # Failover
//
// A plan can be started or tested unless it is running or has been failed over; it can be undone after a failover in
// which at least one VM did not fail. StartNow wins over StartDate. VMs follow each other in their order, each with the
// newest point, or the newest before StartDate; one without such a point fails, and so does one whose replica is not
// ready. A session of which some VMs failed, or have warnings, ends with a warning. A test changes nothing. A tenant
// that is deleted leaves its replicas and plans.
//
// # Queries
//
// Filters compare text without regard to case and enumerations by their order. AND and OR side by side without
// parentheses are refused, for nobody documents which goes first, and so are values without quotes that are neither
// words nor times. A page beyond the last is empty, and a result without rows has no pages. Pages are cut out of the
// database as it is when they are asked for.
//
// # Faults, late work, operators and restarts
//
// A [Fault] can lose a request (Drop), lose the answer to work that is done (After and Drop), and let the work be done
// later than anybody waits for it (Late). An [Operator] works with the same service in process, at any moment that a
// test chooses with the Do of a Fault. [Server.FailTask], [Server.FailVM] and [Server.FailCollect] let work fail, and
// [Server.Restart] takes the service away for a while. [Server.Audit] tells what really happened; print it where a
// test fails.
//
// # Time
//
// Everything goes by one clock: that of package time, so that inside a testing/synctest bubble hours pass at once, or
// one that [UseClock] sets. A server for a bubble is made in the bubble with [InMemory]. Nothing has goroutines: each
// request first settles what has happened by then.
package cloudreplicatest
