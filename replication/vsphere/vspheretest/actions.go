package vspheretest

import (
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Kinds of tasks on replications.
var (
	kindConfigure   = kind{"vspheretest.configureReplication", "Configure replication"}
	kindReconfigure = kind{"vspheretest.reconfigureReplication", "Reconfigure replication"}
	kindUnconfigure = kind{"vspheretest.unconfigureReplication", "Unconfigure replication"}
	kindDelete      = kind{"vspheretest.deleteReplication", "Delete replication"}
	kindPause       = kind{"vspheretest.pauseReplication", "Pause replication"}
	kindResume      = kind{"vspheretest.resumeReplication", "Resume replication"}
	kindSync        = kind{"vspheretest.syncReplication", "Synchronize replication"}
	kindTest        = kind{"vspheretest.runTest", "Run test recovery"}
	kindCleanUp     = kind{"vspheretest.runCleanup", "Clean up test recovery"}
	kindPromote     = kind{"vspheretest.promoteTestImage", "Promote test image"}
	kindDemote      = kind{"vspheretest.demoteTestImage", "Demote test image"}
)

func (w *world) pause(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	return w.start(call, v, r, kindPause, func(time.Time) *failure {
		switch {
		case r.failedOver():
			return failedOver(r)
		case r.paused:
			return fail("Replication '%s' is paused already.", r.machine.name)
		}
		r.interrupt()
		r.paused = true
		w.deeds.of(r).Paused++
		return nil
	})
}

func (w *world) resume(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	return w.start(call, v, r, kindResume, func(at time.Time) *failure {
		switch {
		case r.failedOver():
			return failedOver(r)
		case !r.paused:
			return fail("Replication '%s' is not paused.", r.machine.name)
		}
		r.paused = false
		w.deeds.of(r).Resumed++
		r.wake(at)
		return nil
	})
}

// sync begins a transfer, and has ended when that begins: the status of the replication shows the rest.
func (w *world) sync(call *simkit.Call, v *visit) (any, error) {
	r := v.replication
	return w.start(call, v, r, kindSync, func(at time.Time) *failure {
		switch {
		case r.failedOver():
			return failedOver(r)
		case r.paused:
			return fail("Replication '%s' is paused.", r.machine.name)
		case r.syncing != nil:
			return fail("Replication '%s' is being synchronized.", r.machine.name)
		case !r.flows():
			return fail("Replication '%s' is not active.", r.machine.name)
		}
		w.deeds.of(r).Synced++
		r.sync("SYNC", at)
		return nil
	})
}

func failedOver(r *replication) *failure {
	return fail("Replication '%s' has been failed over.", r.machine.name)
}

// flag reads a query parameter that is true or false.
func flag(call *simkit.Call, name string) (bool, error) {
	switch text := call.Query.Get(name); text {
	case "true":
		return true, nil
	case "", "false":
		return false, nil
	default:
		return false, badParameter(name, text)
	}
}

// unconfigure ends a replication at both sites.
func (w *world) unconfigure(call *simkit.Call, v *visit) (any, error) {
	return w.remove(call, v, kindUnconfigure, func(r *replication) {
		r.atSource, r.atTarget = false, false
		w.deeds.of(r).Unconfigured++
	})
}

// deleteHalf lets the local site forget a replication. The other half shows an error from then on.
func (w *world) deleteHalf(call *simkit.Call, v *visit) (any, error) {
	return w.remove(call, v, kindDelete, func(r *replication) {
		if v.site == r.source() {
			r.atSource = false
		}
		if v.site == r.target {
			r.atTarget = false
		}
		w.deeds.of(r).Deleted++
	})
}

func (w *world) remove(call *simkit.Call, v *visit, what kind, forget func(*replication)) (any, error) {
	retain, err := flag(call, "retain_replica_disks")
	if err != nil {
		return nil, err
	}
	r := v.replication
	return w.start(call, v, r, what, func(time.Time) *failure {
		if r.image != nil {
			return imageActive(r)
		}
		r.interrupt()
		atTarget := r.atTarget
		forget(r)
		if atTarget && !r.atTarget && !retain {
			r.clear()
		}
		w.forget()
		return nil
	})
}

func imageActive(r *replication) *failure {
	return fail("Replication '%s' has the active image '%s'.", r.machine.name, r.image.id)
}
