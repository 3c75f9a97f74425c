package vcavtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
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
	if !known || !r.at(v.site) || !v.owns(r) {
		return nil, refuse(http.StatusNotFound, CodeReplicationNotFound, "Replication with id '%s' was not found.", id)
	}
	return r, nil
}

func instanceNotFound(key string) error {
	return refuse(http.StatusNotFound, CodeInstanceNotFound, "Instance with id '%s' was not found.", key)
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

// sync leaves a new instance behind. It needs the source site, but not that the machine is on.
func (a *appliance) sync(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	if err := all(r, idle, notPaused, notRecovered); err != nil {
		return nil, err
	}
	return a.start(call, v, r, typeSync, func(at time.Time) *refusal { return r.transfer(at) })
}

// transfer makes an instance of what is at the source now. Whatever the appliance itself had planned to
// transfer at first is in it.
func (r *replication) transfer(at time.Time) *refusal {
	if r.source.site.dead {
		return unreachable(r.source.site)
	}
	r.firstSync = nil
	r.addInstance("replica-"+freshID(), at)
	return nil
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
		return nil, body, instanceNotFound(body.InstanceID)
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
			if failure := r.transfer(at); failure != nil {
				return failure
			}
		}
		return a.recover(r, body, RecoveryTest)
	})
}

// migrate transfers what has changed, powers off the source and recovers the latest instance. It needs the
// source site, which only shows once it is at work.
func (a *appliance) migrate(call *simkit.Call, v *visit) (any, error) {
	r, body, err := a.target(call, v)
	if err != nil {
		return nil, err
	}
	if err := all(r, idle, notPaused, notRecovered, notTested); err != nil {
		return nil, err
	}
	return a.start(call, v, r, typeMigrate, func(at time.Time) *refusal {
		if failure := r.transfer(at); failure != nil {
			return failure
		}
		r.machine.poweredOn = false
		return a.recover(r, body, RecoveryComplete)
	})
}

// recover makes the machine at the destination: in the vApp that holds the others of its source vApp, or in
// one of its own for a test. On premises there are no vApps.
func (a *appliance) recover(r *replication, body recovery, state string) *refusal {
	if len(r.instances) == 0 {
		return refuse(http.StatusConflict, CodeNoInstance, "Replication '%s' has no instance to recover.", r.id)
	}
	from := r.latest()
	for _, i := range r.instances {
		if i.key == body.InstanceID {
			from = i
		}
	}
	place := r.destination.site
	r.recoveredVApp = ""
	if !place.onPremises && state == RecoveryComplete {
		r.recoveredVApp = a.recoveredVApp(r)
	}
	if !place.onPremises {
		r.recoveredVApp = or(r.recoveredVApp, freshID())
	}
	r.recoveredVM, r.recoveredKey = place.freshMachineID(), from.key
	r.recovery, r.poweredOn = state, body.PowerOn
	place.addMachine(&machine{
		id: r.recoveredVM, name: r.vmName, org: r.destination.org, vapp: r.source.vappName,
		poweredOn: body.PowerOn, disks: slices.Clone(from.disks), hardware: r.machine.hardware,
	})
	if state == RecoveryTest {
		a.deeds.of(r).Tested++
		return nil
	}
	a.deeds.of(r).Recovered++
	r.firstSync = nil
	a.enterVApp(r)
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
		if made := r.destination.site.machines[r.recoveredVM]; made != nil {
			r.destination.site.removeMachine(made)
		}
		r.forgetRecovery()
		a.deeds.of(r).CleanedUp++
		return nil
	})
}

func (r *replication) forgetRecovery() {
	r.recovery, r.poweredOn = RecoveryNotStarted, false
	r.recoveredVApp, r.recoveredVM, r.recoveredKey = "", "", ""
}

// reverse protects the recovered machine in the opposite direction. The old source machine is the seed, and
// thereby gone, but there is no instance before a sync.
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
	// It is configured anew, and so the policies of both organizations in their new parts count.
	source, destination := r.destination, end{site: r.source.site, org: r.source.org}
	if err := a.allowDirection(r, source, destination); err != nil {
		return nil, err
	}
	if err := allowSettings(destination, r.settings, nil); err != nil {
		return nil, err
	}
	return a.start(call, v, r, typeReverse, func(time.Time) *refusal {
		if destination.site.dead {
			return unreachable(destination.site)
		}
		recovered := source.site.machines[r.recoveredVM]
		if recovered == nil {
			return machineGone(source.site, r.recoveredVM)
		}
		a.leaveVApp(r)
		destination.site.removeMachine(r.machine)
		source.vappID, source.vappName = r.recoveredVApp, r.source.vappName
		r.source, r.destination = source, destination
		r.machine, r.vmID, recovered.source = recovered, recovered.id, r
		r.reversed = !r.reversed
		r.instances, r.excluded, r.paused, r.syncsItself = nil, nil, false, false
		r.forgetRecovery()
		a.deeds.of(r).Reversed++
		return nil
	})
}
