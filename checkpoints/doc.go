// Package checkpoints is the client of Cloud Backup and Recovery (CBR) v3: the backup service of Huawei Cloud, Open
// Telekom Cloud and the clouds that are built on the same software.
//
// A vault holds backups of the resources that are associated with it: servers, disks, file systems. Backing up a
// vault makes a checkpoint, which has one backup for each resource, and that of a server one more for each disk. A
// policy schedules backups, or their replication to another region. Work in the background shows as a task.
//
// A [Client] is for one project of one region; its fields are the resources of the service. Open Telekom Cloud has
// part of what Huawei Cloud has: what is for the latter only says so.
//
// # Signing in
//
// [NewClient] takes one of the [Credentials]. [Password], [PasswordAndPasscode], [ExchangeToken] and [Agency] sign in
// at the identity service of the cloud, at the first call and again shortly before the token ends, once for all
// goroutines; address and project of the backup service come with the session unless they are given. [AccessKey] and
// [TemporaryKey] sign each request instead, and [Token] uses a session that somebody else has begun. [FromEnv] reads
// the variables of OpenStack, OS_AUTH_URL and the others, and package clouds the file clouds.yaml.
//
// # Errors
//
// The service answers nearly all refusals with status 400, so errors.Is goes by the code: [drkit.ErrNotFound],
// [drkit.ErrConflict] and, of this package, [ErrBusy], [ErrQuota], [ErrInvalid] and each [ErrorCode]. The RequestID of
// a [drkit.Error] is what the cloud's support asks for. An id that is malformed is answered with a 401 that is not
// about the token: it is an ErrNotFound, too.
//
// # Waiting
//
// What takes time answers a [drkit.Poller]: a checkpoint, a replication, a restore, a change of the resources of a
// vault, a deletion. Work on several backups ends well as soon as one of them is done, since that is how the service
// sees it: Err of [CheckpointResult] and of [ReplicationResult] tells whether all are, and each backup has an outcome of
// its own, with the reason. Where none is done the work has failed, and [BackupOutcomesOf] and [CopyOutcomesOf] read the
// outcomes out of its error. Work that was skipped is [ErrSkipped], and work that the service has given up is
// [ErrTimedOut]. Real backups run for hours: the deadline is that of the caller's context. Waits for copies of one
// vault share their requests, and so do those for restores and for deletions. [Resume] waits in another process.
//
// # Never twice
//
// The service takes no idempotency key. Before a checkpoint, a replication, a restore, a migration of resources, a vault
// or a policy is asked for, what there is of it is noted, and a lost answer is looked for among what is new. Nothing that
// the service shows says who has begun a task: a checkpoint is known by the name or the description that was asked
// for, a vault by its name and its user, a copy by its backup and destination, which it reaches once, and a restore by
// its backup and target. Times are those of the service; the clock of the client plays no part. All other creations
// and orders are sent once, and a lost answer stays lost. What is not sent again, and what may be: OPERATIONS.md.
//
// # What the references leave open
//
// The service contradicts itself in whether a value is a number or text, and in how it spells times: all spellings
// that its references show are read. Values that this version does not know are kept. Nothing of it was tried on a
// cloud but the sign-in, which is tested against OpenStack's own identity service. OPERATIONS.md says of each
// operation whether it is documented, or only seen in the code of a client.
//
// Package checkpointstest holds a simulator of the service, its regions and its identity service, for rehearsals and
// tests.
package checkpoints
