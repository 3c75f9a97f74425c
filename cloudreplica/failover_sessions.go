package cloudreplica

import (
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
)

// FailoverSessions are the runs of failover plans, tests among them, of the last 30 days. A session has the name of
// its plan, and no link to it.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "/cloud/failoverSessions".
type FailoverSessions struct {
	Collection[CloudFailoverSession]
	Finder[CloudFailoverSession]
}

// Ended reports whether the session has stopped. A state that drkit does not know counts as not ended.
func (s CloudFailoverSession) Ended() bool { return s.State == SessionStateStopped }

// Partial reports whether the session has ended with a warning: some of its machines are failed over, and some are
// not, or with a warning of their own.
func (s CloudFailoverSession) Partial() bool { return s.Ended() && s.Result == SessionResultWarning }

// NotSucceeded returns the machines that have not succeeded: those that failed, have warnings or have not ended.
func (s CloudFailoverSession) NotSucceeded() []CloudFailoverTask {
	var others []CloudFailoverTask
	for _, machine := range s.CloudFailoverTasks {
		if machine.Result != SessionResultSuccess {
			others = append(others, machine)
		}
	}
	return others
}

// Err returns nil for a session that has not ended, or has succeeded with all its machines; for any other it returns a
// [*drkit.TaskError] that names the machines which have not succeeded, and why.
func (s CloudFailoverSession) Err() error {
	others := s.NotSucceeded()
	if !s.Ended() || s.Result == SessionResultSuccess && len(others) == 0 {
		return nil
	}
	failed := &drkit.TaskError{ResourceID: s.ID(), ResourceName: s.Name, Message: s.FailureMessage}
	if len(others) == 0 {
		return failed
	}
	for _, machine := range others {
		failed.Args = append(failed.Args, machine.VMName)
	}
	failed.Message = strings.TrimPrefix(failed.Message+"; ", "; ") +
		fmt.Sprintf("%d of %d machines: %s", len(others), len(s.CloudFailoverTasks), strings.Join(described(others), ", "))
	return failed
}

// described names machines with what has become of them.
func described(machines []CloudFailoverTask) []string {
	texts := make([]string, len(machines))
	for i, machine := range machines {
		texts[i] = machine.VMName + " (" + string(machine.Result)
		if machine.FailureMessage != "" {
			texts[i] += ": " + machine.FailureMessage
		}
		texts[i] += ")"
	}
	return texts
}
