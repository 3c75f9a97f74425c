// Package checkpointstest is Cloud Backup and Recovery inside a test: a region with vaults, backups, tasks that take
// time and policies, a second region to replicate to, and the identity service that issues tokens, over real TLS
// and with faults on request.
//
//	srv := checkpointstest.NewServer(t)
//	there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(srv))
//
// Without options the region is region1 of [OpenTelekomCloud]. Its one project has the servers db-1 (two disks),
// app-1 and web-1, and the vault "production" that protects the first two; there are no backups. The linked region
// has the vault "replicas", which takes replicas of servers. Options replace the parts of that picture that they
// name. [Server] has what a client signs in with: the user and password at AuthURL, or the keys; [Server.Token]
// makes a token without a request.
//
// [NewServer] ends with its test and fails it if a client sent what the contract does not allow: an unknown query
// parameter, a missing member, a wrong type. Such requests are answered with a 400 that says what is wrong.
// [Start] serves programs and examples that have no testing.TB.
//
// # What it simulates
//
// All operations of the contract. It is written from the API references of Open Telekom Cloud and Huawei Cloud and
// their user manuals. With [Play] it is either cloud: Open Telekom Cloud answers operations that only Huawei Cloud
// documents with 404 and [CodeRouteUnknown], leaves out members that only Huawei Cloud shows, replication records
// above all, and does not list tasks by the type replication, which its reference leaves out of that filter. What the references leave open is decided here and marked so. Where they contradict themselves, options
// choose: [SizesAs], [EnterpriseProjectAs], [TagValuesAs], [ResourceDetailAs], [TimesAs], [TimesIn],
// [RestoreNamesTask], [BarePages], [UnauthorizedAs], [SignInErrorsAs], [UnknownIDsAreMalformed].
//
// Hybrid vaults are there to be synchronized, which is a task without effect. Not simulated are databases, workspaces and VMware, the services that
// came before this one (there is never a migration), dedicated clouds and the images made of backups. Orders change
// vaults at once. Organization policies are kept and shown, and act nowhere.
//
// # Time
//
// Everything goes by one clock: that of package time, so that inside a testing/synctest bubble hours pass at once, or
// one that [UseClock] sets. A server for a bubble is made in the bubble with [InMemory]. Tasks have no goroutines:
// each request first settles what has ended by then. Servers that are linked share the clock. Nothing runs by
// schedule: [Server.RunPolicy] does what the schedule of a policy would do. Nothing is deleted when it expires.
//
// # Tokens and keys
//
// A token is for one project of one region; with that of another, and with a project that nobody knows or that is
// another account's, a request is answered like a path that is malformed. [Server.ExpireTokens],
// [Server.RevokeTokens] and [TokenLife] end tokens. A token made of a token ends with it. Requests may be signed with
// keys instead, permanent or temporary ones, by the rules of the signing guide: the clock may be off by 15 minutes,
// and five wrong signatures in a row lock a key for five minutes. A user who is locked out fails like one with a
// wrong password would, with a code of its own; nobody is locked out for failing here but by [Server.LockUser]. The
// agency of a sign-in is called xrole_name, as in the examples; the spelling of the table is not allowed.
//
// # Refused at once, or failed later
//
// The references do not say which requests are refused and which are accepted and end in a task that fails. Here,
// what the service can see when the request comes is refused with the code that says so. What only shows when the
// work is done fails the task: a vault without room for the backup, a server or a destination vault that is gone by
// then, and whatever [Server.FailTask], [Server.SkipTask] and [Server.TimeOutTask] ask for. Some codes had to be
// chosen: a backup whose copy is in the region already is refused by [CodeDestinationCheck], one in a state that
// passes by [CodeBackupInUse], and all that cannot ever be replicated by [CodeCannotBeReplicated].
//
// An id in the path that is no UUID is answered 401, "Malformed request url", although nothing is wrong with the
// credentials; one that is a UUID and unknown has the 404 code of its kind.
//
// # Vaults and resources
//
// Resources that are added show in the vault after [SettlesAfter], those that are removed are gone at the end of a
// task, and their backups with them; until then both are in the way of what needs the vault. Migrations of resources
// happen at once. A policy takes the place of another of its type. A new backup of a resource takes half of its size,
// one that builds on another a twentieth. used_size of the summary is in MB, like used of a vault.
//
// # Checkpoints
//
// A checkpoint has one backup and one task for each resource; a server's backup has one child for each disk that is
// not left out. Lists show children only to who asks for a parent_id. What is being backed up or restored, removed,
// broken or gone is skipped, which the answer says; a request of which nothing is left is refused. The checkpoint is
// available once all tasks have ended and at least one backup is, else in error. A task that was skipped leaves no
// backup, one that failed or timed out leaves one in error. A checkpoint is gone with the last of its backups.
//
// # Replication
//
// A replication of a vault takes every backup that has not reached the region before, also if its replica was deleted
// since; a copy that failed or was skipped does not count. Backups that cannot be replicated are part of the answer,
// and their records and tasks end as skipped with the reason. If nothing is left to do the answer has no backups and
// there is no task. Tasks and records are the source's. The replica appears when its task runs, protecting, then
// available, or in error where the task failed; the replicas of one checkpoint share a checkpoint of their own. While
// backups are on their way the vault is not replicated again and nothing of it deleted.
//
// # Restoring
//
// A server's backup goes back onto that server, with a mapping for each disk wanted; a disk's onto any disk that is
// big enough; a file system's onto another file system. No power state forbids it. [Audit] counts restores by backup
// and target.
//
// # Faults, late work, operators and restarts
//
// A [Fault] can lose a request (Drop), lose the answer to work that is done (After and Drop), and let the work be done
// later than anybody waits for it (Late). An [Operator] works in the same region in process, at any moment that a test
// chooses with the Do of a Fault. [Server.Restart] takes the service away for a while, and [Server.RestartIdentity] the
// identity service. [Server.Audit] tells what really happened; print it where a test fails.
//
// [RateLimit] counts in fixed windows that begin with a request.
package checkpointstest
