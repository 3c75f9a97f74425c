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
// # How sure this is
//
// Most of it is what the vendor documents for version 13. OPERATIONS.md says for each operation whether it is
// documented, seen in the code of a client or inferred, and the contract, openapi.yaml, says the same of members.
// Nothing of it was tried on an Enterprise Manager.
//
// Package cloudreplicatest holds a simulator of the service, for rehearsals and tests.
package cloudreplica
