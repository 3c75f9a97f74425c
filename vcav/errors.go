package vcav

import (
	"encoding/json"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

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

// decodeError reads the error body that every error answer of the service has.
func decodeError(_ int, body []byte) (transport.ServiceError, bool) {
	var said APIError
	if err := json.Unmarshal(body, &said); err != nil || said.Code == "" {
		return transport.ServiceError{}, false
	}
	return transport.ServiceError{
		Code: said.Code, Message: said.Msg, Args: said.Args, Stack: said.Stacktrace, Kind: kindOf(said.Code),
	}, true
}

// kindOf returns the sentinel that an error code stands for, or nil if the status must tell.
func kindOf(code string) error {
	switch {
	case code == CodeNotAuthenticated, code == CodeRemoteAuthenticationFailure:
		return drkit.ErrUnauthorized
	case code == CodeForbidden:
		return drkit.ErrForbidden
	case strings.HasSuffix(code, "NotFound"):
		return drkit.ErrNotFound
	default:
		return nil
	}
}
