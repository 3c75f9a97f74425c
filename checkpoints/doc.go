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
// # Operations that must not repeat
//
// What creates something, begins work in the background or orders something is sent at most once: a checkpoint, a
// replication, a restore, a vault, a policy. It is sent again only on proof that nothing ran: no connection came
// about, or the service or its gateway itself refused. Where neither shows what came of it the operation ends in
// [drkit.ErrOutcomeUnknown], never in a second backup. All else may repeat, and is sent again after what passes by
// itself; OPERATIONS.md has the class of each operation.
//
// # Errors
//
// The service answers nearly all refusals with status 400, so errors.Is goes by the code: [drkit.ErrNotFound],
// [drkit.ErrConflict] and, of this package, [ErrBusy], [ErrQuota], [ErrInvalid] and each [ErrorCode]. The RequestID of
// a [drkit.Error] is what the cloud's support asks for. An id that is malformed is answered with a 401 that is not
// about the token: it is an ErrNotFound, too.
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
