// Package cloudreplica is the client for the Cloud Connect part of Veeam Backup Enterprise Manager: the replicas of
// a provider's tenants, their restore points and failover plans, and the tenants themselves.
//
// [NewClient] takes the address of an Enterprise Manager. Resources are fields of the [Client]. Enterprise Manager
// shows what it has collected from its backup servers, 15 minutes ago at most unless that is set otherwise;
// [SystemSessions] tell when it was. Only an Enterprise Manager on Windows has Cloud Connect resources, and only if a
// backup server has the licence of a service provider: elsewhere their methods return [ErrNoCloudConnect].
//
// # Two representations
//
// List and Get return entities, with all their data; Refs and Ref return references, which are a name, a UID and
// links. Query and QueryRefs ask the query service for either: it filters, sorts and pages, where a list comes whole.
// Relations are links. Their addresses are the service's own idea of its name, so the client takes ids from them, and
// follows none.
//
// # Two encodings
//
// The service speaks XML and JSON. Both are read into the same types, in the spellings of all versions: lists that are
// wrapped, items under the name of something else, members in another letter case, and everything that stands for
// nothing. XML is the default, since all versions agree on it; [WithJSON] chooses the other.
//
// # Waiting
//
// What takes time is a task of the service, and a [drkit.Poller] here. Tasks belong to the logon session that has begun
// them and are gone with it, so that pollers look further: a failover or a test is over when its failover session has
// stopped, an undo when no machine of the plan is shown as failed over any more, a collection when its system session
// has ended. A wait whose task is gone goes on with these, and says so in its progress ([StateTaskGone]) and in the
// log. Waits look often enough to keep the logon session from expiring. [Resume] goes on with them in another process.
//
// What was sent is not sent again, unless the service says that it was refused. Before a failover, the failover sessions
// of the plan are noted, by its name and its backup server, and so are the tasks of the logon session; a lost answer is
// looked for in both. Changes of tenants and plans are looked for among the tasks, and where these are gone by what has
// come or gone: a new tenant of the name, for example. Of edits of tenants and of their users only tasks tell.
//
// # How old the points are
//
// [Inventory] reads all restore points and says of each machine how old its newest is, whose the machine is as far as
// plans tell, and as of when that holds.
//
// # How sure this is
//
// Most of it is what the vendor documents for version 13. OPERATIONS.md says for each operation whether it is
// documented, seen in the code of a client or inferred, and the contract, openapi.yaml, says the same of members.
// Nothing of it was tried on an Enterprise Manager.
//
// Package cloudreplicatest holds a simulator of the service, for rehearsals and tests.
package cloudreplica
