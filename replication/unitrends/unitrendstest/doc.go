// Package unitrendstest is Unitrends appliances that run inside a test: real TLS, real sessions, a source and a
// target that talk to each other, a queue that fills and drains, and faults on request.
//
//	pair := unitrendstest.NewPair(t)
//
// A client of either is made with the URL, User, Password and Options of pair.Source or pair.Target.
//
// [NewPair] starts two appliances: branch, which protects db-1, app-1 and web-1, and vault, which can become its
// target. Neither knows the other before branch asks and vault accepts, or [Pair.Connect] does both. [NewServer]
// starts a single one, vault, which has all at once: branch-1, branch-2 and branch-3 have asked it, with the
// request ids 1 to 3; it protects the same machines; cloud-1 takes in its copies and cloud-2 can be asked to.
// These others are no servers. Options replace the parts of the picture that they name, and [TakesIn] and [Orders]
// add to it.
//
// Both end with their test and fail it if a client sent what the contract does not allow: an unknown query
// parameter, a missing member, a wrong type. Such requests are answered with a 400 that says what is wrong.
// [Start] and [StartPair] serve programs and examples that have no testing.TB.
//
// # What it simulates
//
// All operations of the contract, though nothing that recovers single files. It is written from the vendor's API wiki
// of 2015 to 2017, pages "Home", "(POST), (PUT) and (DELETE) /replication/source", "(GET) /systems", "(GET) and (PUT)
// /replication/config", "/replication/queue" and "/replication/queue/strategy", and where there is no page from what
// the code of public clients shows. Much is not documented anywhere. What this package has decided for itself is
// listed below: do not take it for what an appliance does.
//
// # Documented
//
// A target lists a request with a negative id until it is accepted, and then, still as pending, with that of
// the system that it becomes; a request has an asset tag and no host, a system the reverse. Rejected ones are
// listed only if asked for, which takes include_pending. An accepted source is added to the systems or updated
// there, its role says whether it is managed, and it finishes its configuration in the background. A rejection
// needs a message. Replication refuses with 500. Reads without a sid cover the appliance and the systems that
// it manages, and each object carries its sid; reads with one carry none. A target shows the queue of all its
// sources. The settings write "Maximum Retention" where the strategy writes "Maximize Retention". Paths may end
// with a slash, with a query and without one. A result is an array ([ResultObjects] makes it an object) of details with a
// message and a link.
//
// # Our own choices
//
// Sessions: a token ends 30 minutes after its last use ([SessionLife]) and with a restart; 401 answers a token
// that is not valid and a login that is refused; a login answers 201. All users may do everything.
//
// Requests: any member of the body of POST /replication/target may name the target, by name, made-up host or
// URL. A source may ask twice, also while it is a source: every request is a new one, and accepting a second one
// changes nothing. A decision on what is not pending is refused. A source finds its decision after [Settling],
// later if one of the two is down; until then its list of targets shows pending, then available, or rejected
// with the message. Ids count from 1, requests at their target and targets at their source; 1 is the local
// system of every appliance. The role of a pending request is the one that it will have. The texts of status
// besides accepted are ours ([RequestStatus]). Removing a source also removes the target at the source, and what
// waits for it; copies stay.
//
// Queue: an order queues at its creation, and with each new backup while it is enabled, what the target has not:
// under Recency the newest backup of each instance, under Manual nothing. To run it queues that also when it is
// disabled or the strategy is Manual, where that means everything. As many copies run as max_concurrent says,
// each as long as [Copying]. A copy that fails or is cancelled leaves the queue, and does not come back before
// the next run. Editing the queue aborts copies under way, and passes over what is not there.
//
// Job orders: nothing keeps a name from coming twice. An update overwrites the order, instances and unknown
// members included; what the body leaves out is gone, and without a target or instances it is refused.
//
// Answers: what makes something answers a result with its id ([BareSuccesses] takes that away); everything else
// answers no body. Ids in a path that are not there answer 404 for orders, jobs and recoveries. An appliance
// that is too old for backup copies ([BeforeBackupCopy]) answers 404 where it has no list of connected targets.
// Codes and links of results are ours. Dates are those of [Zone].
//
// Instant recoveries: a target with a datastore is on VMware and one with a directory on Hyper-V; it has one of
// the two. They run at once, or are off, and two may have one name.
//
// # Time
//
// Everything goes by one clock: that of package time, so that inside a testing/synctest bubble hours pass
// at once, or one that [UseClock] sets. Servers for a bubble are made in the bubble with [InMemory]. There are no
// goroutines that wait: each request at either appliance first settles what has happened by then.
//
// # Trouble
//
// A [Fault] can lose a request (Drop), lose the answer to work that is done (After and Drop) and let the work be
// done later than anybody waits for it (Late). An [Operator] works on the same appliance in process, at any moment
// that a test chooses with the Do of a Fault. [Server.HoldCopies], [Server.StallAcceptances] and [Server.FailCopy]
// keep things from going on. [Server.Audit] tells what really happened; print it where a test fails.
package unitrendstest
