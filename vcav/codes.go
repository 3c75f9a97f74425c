package vcav

// Error codes that the service is known to answer, in [drkit.Error] and [drkit.TaskError]. There are
// more: the list is open.
const (
	// CodeNotAuthenticated: the session has ended, or there never was one.
	CodeNotAuthenticated = "NotAuthenticated"
	// CodeRemoteAuthenticationFailure: the session lives, but not at the remote site that was named.
	CodeRemoteAuthenticationFailure = "RemoteAuthenticationFailure"
	// CodeForbidden: the user lacks the role, or does not own the replication.
	CodeForbidden = "Forbidden"
	// CodeReplicationNotFound: there is no such replication, or this user may not see it.
	CodeReplicationNotFound = "ReplicationNotFound"
	// CodeGeneralServerFailure: something inside the service went wrong.
	CodeGeneralServerFailure = "GeneralServerFailure"
)
