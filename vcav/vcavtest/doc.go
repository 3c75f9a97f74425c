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
// All operations of the guide. It is written from the Cloud Director Availability API guide, sections
// "Errors", "Operation IDs", "Health Information and Support Bundles", "Get product information", "Long
// running tasks", "Authentication Methods", "Session Lifecycle Management", "Replication Policies" and
// "Replications". What the guide leaves open is decided here and marked so.
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
// there or not yours, 400 for a body that does not fit the replication, 409 where its state (busy, paused,
// recovered already, a test present or absent) or a policy forbids the operation. What only shows when the
// work is done fails the task: a failover without any instance, a seed with other disks, a site that is down,
// and whatever [Server.FailTask] asks for.
//
// The guide does not say either what these come to; here they are refused: a start for a machine that is
// the source of a replication already, a resume of what is not paused, and a stop while there is a test. A
// pause may be repeated, as the guide says, also while the first is at work. Members that are null where
// the contract has no null are not allowed; what is left out of a change stays as it is.
//
// # Sites
//
// The query parameter site takes the local site, or a remote one that the session is authenticated at: by an
// extension, with the users that [RemoteUser] and [RemoteAccessToken] add there, or from the beginning
// ([AuthenticatedAt]). Other remote sites answer 401 with [CodeRemoteAuthenticationFailure]; its args name
// the site. So does a start from or to one, because Cloud Director there has to be asked. An extension lives
// for [ExtensionLife], or until [Server.ExpireSite]; then GET /sessions no longer shows it. A new sign-in
// begins without the extensions of the old session. Multisite extensions need a sign-in that went through
// Cloud Director, so not that of the appliance's root; all organizations are associated. Rights are those at
// the site where a call is executed: an administrator here can be a tenant there.
//
// A replication is known at both of its sites and can be worked on from either; a task is known only at the
// site where it was started. [Server.KillSite] and [Server.SilenceSite] take a remote site down.
//
// # Policies
//
// Every cloud site has policies of its own. They are held against a start and a reverse, which makes a new
// replication (kind and quota by the policies of both organizations, RPO and instances by that of the
// destination), and against the settings that a reconfiguration changes. Instances are those that the
// retention rules add up to, and starts that have not ended count for the quota. Whether an SLA profile is
// demanded says the destination's policy, or the source's where the destination is on premises. Nothing else
// is held against them, because policies do not touch what is there: migrations go on, and the status of a
// policy shows who violates it. The default policy is open here ([OpenPolicy]); that of a real appliance is
// not ([ClosedPolicy]).
//
// # Machines
//
// Replications have machines at their source, which [Server.Machine] shows, and recoveries make machines. A
// start names one that is there: those of [Machines], or those that a stop has left. It puts nothing into
// the lists before its task has succeeded. Then the appliance begins the initial synchronization by itself
// if the machine is on, which takes as long as a task runs; with one that is off, no instance appears before
// somebody synchronizes. After that there are no synchronizations but those that are asked for, and no
// instance is ever removed by its retention rules. Seeds must be off and are gone once the start has
// succeeded. A migration powers its source off; a reverse removes it.
//
// A start belongs to the organization of the session at the site where it is executed, and so to System if
// an administrator starts it. Its replication has the id that [ReplicationID] makes unless there has been
// one with it, and a profile that it names replaces all settings, also those that it names as well.
//
// # Health
//
// A health check is a task, whose result is the health at its end. [Server.BreakComponent],
// [Server.SetReplicators] and [Server.SetDiskUsage] decide what it shows, and nothing else depends on them.
// The shape of the answer follows the version that a request asks for, or [HealthAs].
//
// # Support bundles
//
// A support bundle has as many bytes as [BundleSize] says, and the checksum of these. It is in the list, and
// can be downloaded, from the end of the task that generates it to the end of the one that deletes it. Its
// owner is the organization of the session, so System. Downloads honour one range of bytes at a time; there
// are no validators, as the guide shows none, and so If-Range never matches and HEAD is not offered. A 416
// counts as refused.
//
// A cookie is for one bundle and one request, however much of the bundle that asks for: a download that
// breaks off needs another cookie to go on. It ends with its bundle and after [CookieLife], but not with the
// session that asked for it. Cookies that are not taken, used, expired and unknown ones alike, answer 401 with
// [CodeNotAuthenticated]. Only downloads with a cookie may come with the Accept header of a browser.
//
// # Late work, operators and restarts
//
// A [Fault] can lose a request (Drop), lose the answer to work that is done (After and Drop) and let the work
// be done later than anybody waits for it (Late). An [Operator] works on the same appliance in process, at any
// moment that a test chooses with the Do of a Fault. [Server.Restart] takes the appliance itself away for a
// while, and [Server.SetInstanceID] puts another in its place. [Server.Audit] tells what really happened; print
// it where a test fails.
//
// Late work is like a task: it has no goroutine and is done, as of its time, before anybody sees what comes after
// that. It waits in front of the appliance, not in it, and so does not know of [Latency]; one for a site that
// never answers is refused like one for a site that is dead.
//
// # Statistics
//
// Traffic and disk usage have a sample at every full multiple of the interval, start and end included, made
// from the id and the time: the same question has the same answer, and an hour's traffic is that of its
// twelve parts. They are numbers as Java writes them, 27950.0 and 1.7179869184E10.
package vcavtest
