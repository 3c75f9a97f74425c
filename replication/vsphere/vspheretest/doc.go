// Package vspheretest is two paired sites with vSphere Replication that run inside a test: real TLS, real sessions,
// tasks that take time, replications that go through their states, and faults on request.
//
//	pair := vspheretest.NewPair(t)
//	client, err := vsphere.NewClient(pair.Recovery.URL, …, pair.Recovery.Options()...)
//
// Without options the machines db-1, app-1 and web-1 run at the protected site and are replicated to the recovery
// site, each with an RPO of an hour and three points in time besides the latest; new-1 and new-2 wait at the protected
// site to be replicated. Options replace the parts of that picture that they name. Each site is a server of its own,
// with its own sessions, tasks and rate limiter: configurations are asked for at [Pair.Protected], tests at
// [Pair.Recovery].
//
// [NewPair] ends with its test and fails it if a client sent what the contract does not allow: an unknown query
// parameter, a missing member, a wrong type, credentials where none are asked for. Such requests are answered with a
// 400 that says what is wrong. [Start] serves programs and examples that have no testing.TB.
//
// # What it simulates
//
// All operations of the contract, below /api/rest/vr/v2, and those of specification 2.0.0 below /api/rest/vr/v1 as
// well: nobody documents that the old version has the others, and here they answer 404 there. It is written from
// specification 2.0.0, the vendor's reference pages of later versions and the administration guide's page on rate
// limits. Much of what an appliance does nobody documents; what follows is decided here. Do not take it for the
// vendor's word.
//
// # Time
//
// Everything goes by one clock: that of package time, so that inside a testing/synctest bubble hours pass at once, or
// one that [UseClock] sets. A pair for a bubble is made in the bubble with [InMemory]. Nothing has a goroutine: each
// request first settles what is due at both sites.
//
// # Refused at once, or failed later
//
// What can be seen from the request is refused: 404 without a body for an id in the path that nothing has, 400 for a
// body or a parameter that makes no sense, 403 for an [Observer]. What depends on the state of a replication is
// accepted, and its task ends with ERROR: a second pause, a resume of what is not paused, a synchronization of what is
// paused or is synchronizing, a test where there is an image already, a cleanup where there is none, an end of a
// replication under a test, and whatever [Pair.FailTask] asks for. While a task works on a replication, all others on
// it fail. The vendor has no status for conflicts.
//
// # Sessions and the remote site
//
// A sign-in with wrong credentials answers 401, and so does a request without a session or with one that has ended.
// Sessions end when they idle ([SessionLife]), with [Server.ExpireSessions] and with [Server.Restart]. The remote
// session is a part of the session and is lost with it, alone with [Server.ExpireRemoteSessions], or when the remote
// site restarts. Names and passwords are the same for both APIs: those of a [Server] are for its own sign-in and for
// the remote session that the other site asks for.
//
// What each operation promises for want of the remote site is documented: an error, partial data or all of it. The
// error is 403 (or [RemoteSessionStatus]) with [CodeRemoteSessionRequired] without a remote session, and 500 with [CodeRemoteSiteDown] while the
// remote server is down. Partial data have the same codes in _meta.errors. What is missing then: the state and the
// version of remote servers, the machine and the progress of an incoming replication, the replication server of an
// outgoing one, the place of its copies, and remote issues. With [OneVCenter] there is no remote site, and a remote
// session is refused.
//
// # Tasks
//
// A task is known at the site where it was started. Its entity is the id of the replication, for a configuration that
// of the machine, and otherwise that of the server or of the pairing; its result is always null; the texts of its
// description are ours. GET /tasks lists the newest first, and all of them unless [TaskMemory] is set. Only
// [Server.CancelTask] cancels. A configuration of several machines answers their tasks in the order of the request.
// It is refused as a whole if one of its members makes no sense.
//
// # Replications
//
// A replication has the id that [ReplicationID] makes, at both sites, unless there has been one of that machine
// before; a pairing has another id at each site. It is listed from the moment when the task of its configuration runs,
// as CONFIGURING, and is gone again if that fails. Then it synchronizes for the first time, which takes
// [SyncDuration]. After that a new instance comes with each RPO by itself. The task of a synchronization on request
// ends when the transfer begins. Nothing is transferred while a replication is paused, its machine is off, a site is
// down, or [Pair.Stall] or [Pair.BreakReplication] is in the way; an RPO that has been violated meanwhile is made up
// for at once. A deleted half leaves the other with an ERROR.
//
// Instances are kept as the settings say (mpit_instances for each of the mpit_days, or in all where these are zero),
// besides the latest, a promoted one, and the one that an image was made from. The members of a replication that a list
// shows only with extended_info are those that change with each transfer, and the replication server.
//
// A configuration names all disks of its machine as they are listed, also its home; members without a value may be
// left out. Copies that are retained become seeds, and without a seed no file may be in the way.
//
// # Tests
//
// A test makes an image and a machine named after the replication, with -test-vm at its end, in the place that it
// names. A cleanup removes both; if it names an image, that has to be the active one. A promotion does so as well, and
// leaves a promoted instance; the replication has to be paused, and at most one instance is promoted. A test itself
// needs no pause. The times of an image are milliseconds in digits, or a number with [NumericCreatedTime]. Only
// [Pair.FailOver] makes an image of a failover, because nobody has seen the path of the operation that does.
//
// # Lists
//
// A filter on a name looks for fragments, in any case; all other properties have to be equal. There is no maximum for
// limit. Links are whole URLs, unless [LinkBase] says otherwise, with the parameters of the request. Lists without
// parameters show all, and null links.
//
// # Rate limits
//
// Windows begin at the full minutes of the clock. A refusal is a 429 with [CodeTooManyRequests], and without a
// Retry-After unless [TellRetryAfter] is given. All requests come from one address here. Operators, requests that the
// contract does not allow and those that a [Fault] ends before the work do not count.
//
// # Late work, operators and restarts
//
// A [Fault] can lose a request (Drop), lose the answer to work that is done (After and Drop) and let the work be done
// later than anybody waits for it (Late). An [Operator] works at the same sites in process, at any moment that a test
// chooses with the Do of a Fault. [Server.Restart] takes an appliance away for a while. [Pair.Audit] tells what really
// happened at both sites; print it where a test fails.
package vspheretest
