// Package checkpoints is the client of Cloud Backup and Recovery (CBR) v3: the backup service of Huawei Cloud, Open
// Telekom Cloud and the clouds that are built on the same software.
//
// A vault holds backups of the resources that are associated with it: servers, disks, file systems. Backing up a
// vault makes a checkpoint, which has one backup for each resource, and that of a server one more for each disk. A
// policy schedules backups, or their replication to another region. Work in the background shows as a task.
//
// A [Client] is for one project of one region. Open Telekom Cloud has part of what Huawei Cloud has: what is for the
// latter only says so.
//
// The service answers nearly all refusals with status 400, so errors.Is goes by the code: [drkit.ErrNotFound],
// [drkit.ErrConflict] and, of this package, [ErrBusy], [ErrQuota], [ErrInvalid] and each [ErrorCode]. It contradicts
// itself in whether a value is a number or text, and in how it spells times: all spellings that its references show
// are read. Values that this version does not know are kept.
//
// What the operations are, how sure they are, and which of them may be sent again: OPERATIONS.md.
package checkpoints
