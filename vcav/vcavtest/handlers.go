package vcavtest

import (
	"errors"
	"net/http"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// work is one operation: it returns the answer's value, nil for none, or a *refusal.
type work func(*simkit.Call, *visit) (any, error)

// handlers joins the operations to the contract by name.
func (a *appliance) handlers() map[string]simkit.Handler {
	handlers := map[string]simkit.Handler{}
	for name, work := range map[string]work{
		contract.DiagnosticsAbout.Name:        a.about,
		contract.DiagnosticsIsConfigured.Name: a.isConfigured,
		contract.DiagnosticsHealth.Name:       a.checkHealth,

		contract.SupportBundlesList.Name:               a.listBundles,
		contract.SupportBundlesGenerate.Name:           a.generateBundle,
		contract.SupportBundlesGenerateWithID.Name:     a.generateBundleWithID,
		contract.SupportBundlesCreateCookie.Name:       a.createCookie,
		contract.SupportBundlesDownload.Name:           a.downloadBundle,
		contract.SupportBundlesDownloadWithCookie.Name: a.downloadWithCookie,
		contract.SupportBundlesDelete.Name:             a.deleteBundle,

		contract.SessionsSignIn.Name: a.signIn,
		contract.SessionsGet.Name:    a.getSession,
		contract.SessionsExtend.Name: a.extend,
		contract.SessionsShrink.Name: a.shrink,
		contract.SessionsEnd.Name:    a.signOut,

		contract.TasksGet.Name:  a.getTask,
		contract.TasksList.Name: a.listTasks,
		contract.TasksPoll.Name: a.pollTasks,

		contract.PoliciesList.Name:        a.listPolicies,
		contract.PoliciesGet.Name:         a.getPolicy,
		contract.PoliciesStatus.Name:      a.policyStatus,
		contract.PoliciesCreate.Name:      a.createPolicy,
		contract.PoliciesUpdate.Name:      a.updatePolicy,
		contract.PoliciesDelete.Name:      a.deletePolicy,
		contract.PoliciesAssign.Name:      a.assignPolicy,
		contract.PoliciesSynchronize.Name: a.syncPolicies,

		contract.VMReplicationsList.Name:            a.listReplications,
		contract.VMReplicationsGet.Name:             a.getReplication,
		contract.VMReplicationsInstances.Name:       a.instances,
		contract.VMReplicationsInstance.Name:        a.instance,
		contract.VMReplicationsTraffic.Name:         a.traffic,
		contract.VMReplicationsDiskUsage.Name:       a.diskUsage,
		contract.VMReplicationsVirtualHardware.Name: a.virtualHardware,

		contract.VMReplicationsStart.Name:               a.startReplication,
		contract.VMReplicationsStop.Name:                a.stop,
		contract.VMReplicationsReconfigure.Name:         a.reconfigure,
		contract.VMReplicationsReconfigureDisks.Name:    a.reconfigureDisks,
		contract.VMReplicationsPause.Name:               a.pause,
		contract.VMReplicationsResume.Name:              a.resume,
		contract.VMReplicationsSync.Name:                a.sync,
		contract.VMReplicationsFailover.Name:            a.failover,
		contract.VMReplicationsTestFailover.Name:        a.testFailover,
		contract.VMReplicationsCleanUpTestFailover.Name: a.cleanUp,
		contract.VMReplicationsMigrate.Name:             a.migrate,
		contract.VMReplicationsReverse.Name:             a.reverse,
	} {
		handlers[name] = a.handler(work)
	}
	return handlers
}

// handler does the work under the lock, and encodes what it returns without: values share nothing with the
// state that changes, and the checksum of a bundle of a gigabyte takes seconds.
func (a *appliance) handler(work work) simkit.Handler {
	return func(call *simkit.Call) simkit.Answer {
		v, _ := call.Session.(*visit) // admit has put it there
		value, err := a.perform(work, call, v)
		switch {
		case err != nil:
			return errorAnswer(err, v.version)
		case value == nil:
			return simkit.Answer{Status: call.Operation.Statuses[0]}
		}
		answer, complete := value.(simkit.Answer)
		if complete {
			return answer
		}
		return simkit.JSON(call.Operation.Statuses[0], v.version.contentType(), value)
	}
}

func (a *appliance) perform(work work, call *simkit.Call, v *visit) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle(call.Now())
	return work(call, v)
}

// errorAnswer is an error in the appliance's format.
func errorAnswer(err error, version apiVersion) simkit.Answer {
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(http.StatusInternalServerError, CodeGeneralServerFailure, "%s", err)
	}
	stacktrace := ""
	return simkit.JSON(r.status, version.contentType(), newErrorBody(r, &stacktrace))
}
