package vcavtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// recovery are the members of the failover and test failover bodies that matter here; the contract has
// been checked before.
type recovery struct {
	Type       string `json:"type"`
	PowerOn    bool   `json:"powerOn"`
	Sync       bool   `json:"sync"`
	InstanceID string `json:"instanceId"`
}

// find returns the replication of a call, if the session may see it at the site.
func (a *appliance) find(call *simkit.Call, v *visit) (*replication, error) {
	id := call.Arguments["replicationId"]
	r, known := a.byID[id]
	if !known || !r.at(v.site) || !v.session.owns(r) {
		return nil, refuse(http.StatusNotFound, CodeReplicationNotFound, "Replication with id '%s' was not found.", id)
	}
	return r, nil
}

// idle refuses replications on which a task is working.
func idle(r *replication) error {
	if r.active != nil {
		return refuse(http.StatusConflict, CodeOperationInProgress,
			"Replication '%s' is busy with the %s of task '%s'.", r.id, r.active.kind, r.active.id)
	}
	return nil
}

// notRecovered refuses replications whose machine has been failed over.
func notRecovered(r *replication) error {
	if r.recovery == RecoveryComplete {
		return refuse(http.StatusConflict, CodeAlreadyRecovered, "Replication '%s' has been failed over already.", r.id)
	}
	return nil
}

func notPaused(r *replication) error {
	if r.paused {
		return refuse(http.StatusConflict, CodeReplicationPaused, "Replication '%s' is paused.", r.id)
	}
	return nil
}

func notTested(r *replication) error {
	if r.recovery == RecoveryTest {
		return refuse(http.StatusConflict, CodeTestInProgress, "Replication '%s' has a test that must be cleaned up first.", r.id)
	}
	return nil
}

// all runs checks until one refuses.
func all(r *replication, checks ...func(*replication) error) error {
	for _, check := range checks {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

// sync leaves a new instance behind.
func (a *appliance) sync(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	if err := all(r, idle, notPaused, notRecovered); err != nil {
		return nil, err
	}
	return a.start(call, v, r, typeSync, func(at time.Time) *refusal {
		r.addInstance("replica-"+freshID(), at)
		return nil
	})
}

// target reads the body of a failover or a test, and refuses what does not fit the replication.
func (a *appliance) target(call *simkit.Call, v *visit) (*replication, recovery, error) {
	var body recovery
	r, err := a.find(call, v)
	if err != nil {
		return nil, body, err
	}
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, body, fmt.Errorf("the request does not decode: %w", err)
	}
	if kind := r.destination.site.kind(); body.Type != kind {
		return nil, body, refuse(http.StatusBadRequest, CodeBadUserInput,
			"The type is '%s', but the destination of replication '%s' is of type '%s'.", body.Type, r.id, kind)
	}
	if body.Sync && body.InstanceID != "" {
		return nil, body, refuse(http.StatusBadRequest, CodeBadUserInput, "An instanceId cannot be used together with sync.")
	}
	if body.InstanceID != "" && !r.hasInstance(body.InstanceID) {
		return nil, body, refuse(http.StatusNotFound, CodeInstanceNotFound, "Instance with id '%s' was not found.", body.InstanceID)
	}
	return r, body, nil
}

func (a *appliance) failover(call *simkit.Call, v *visit) (any, error) {
	r, body, err := a.target(call, v)
	if err != nil {
		return nil, err
	}
	if err := all(r, idle, notRecovered, notTested); err != nil {
		return nil, err
	}
	return a.start(call, v, r, typeFailover, func(time.Time) *refusal {
		return a.recover(r, body, RecoveryComplete)
	})
}

func (a *appliance) testFailover(call *simkit.Call, v *visit) (any, error) {
	r, body, err := a.target(call, v)
	if err != nil {
		return nil, err
	}
	if err := all(r, idle, notRecovered, notTested); err != nil {
		return nil, err
	}
	if body.Sync {
		if err := notPaused(r); err != nil {
			return nil, err
		}
	}
	return a.start(call, v, r, typeTest, func(at time.Time) *refusal {
		if body.Sync {
			r.addInstance("replica-"+freshID(), at)
		}
		return a.recover(r, body, RecoveryTest)
	})
}

// recover makes the machine at the destination: in the vApp that holds the others of its source vApp, or in
// one of its own for a test.
func (a *appliance) recover(r *replication, body recovery, state string) *refusal {
	if len(r.instances) == 0 {
		return refuse(http.StatusConflict, CodeNoInstance, "Replication '%s' has no instance to recover.", r.id)
	}
	r.recoveredVApp = ""
	if state == RecoveryComplete {
		r.recoveredVApp = a.recoveredVApp(r)
	}
	r.recoveredVApp = or(r.recoveredVApp, freshID())
	r.recoveredVM = freshID()
	r.recoveredKey = or(body.InstanceID, r.latest().key)
	r.recovery, r.poweredOn = state, body.PowerOn
	return nil
}

// cleanUp removes what a test has made.
func (a *appliance) cleanUp(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	if err := idle(r); err != nil {
		return nil, err
	}
	if r.recovery != RecoveryTest {
		return nil, refuse(http.StatusConflict, CodeNoTest, "Replication '%s' has no test to clean up.", r.id)
	}
	return a.start(call, v, r, typeCleanUp, func(time.Time) *refusal {
		r.forgetRecovery()
		return nil
	})
}

func (r *replication) forgetRecovery() {
	r.recovery, r.poweredOn = RecoveryNotStarted, false
	r.recoveredVApp, r.recoveredVM, r.recoveredKey = "", "", ""
}

// reverse protects the recovered machine in the opposite direction. The old source machine is the seed, but
// there is no instance before a sync.
func (a *appliance) reverse(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	if err := idle(r); err != nil {
		return nil, err
	}
	if r.recovery != RecoveryComplete {
		return nil, refuse(http.StatusConflict, CodeNotRecovered, "Replication '%s' has not been failed over.", r.id)
	}
	return a.start(call, v, r, typeReverse, func(time.Time) *refusal {
		source := r.destination
		source.vappID, source.vappName = r.recoveredVApp, r.source.vappName
		r.destination = end{site: r.source.site, org: r.source.org}
		r.source, r.vmID = source, r.recoveredVM
		r.reversed = !r.reversed
		r.instances = nil
		r.forgetRecovery()
		return nil
	})
}
