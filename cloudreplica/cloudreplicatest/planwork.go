package cloudreplicatest

import (
	"net/http"
	"time"
)

// startSpec is the body of a start.
type startSpec struct {
	StartNow  *bool
	StartDate *string
}

// startPlan fails a plan over: to the newest points, or to those before a date.
func (v *visit) startPlan() (*reply, error) {
	var spec startSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	now := spec.StartNow != nil && *spec.StartNow
	var before time.Time
	switch {
	case now: // a date besides does not count
	case spec.StartDate == nil:
		return nil, refuse(http.StatusBadRequest, "StartNow or StartDate is needed")
	default:
		var err error
		if before, err = readDate(*spec.StartDate); err != nil {
			return nil, refuse(http.StatusBadRequest, "StartDate: %v", err)
		}
	}
	return v.launchPlan(false, before)
}

func (v *visit) testPlan() (*reply, error) { return v.launchPlan(true, time.Time{}) }

func (v *visit) launchPlan(test bool, before time.Time) (*reply, error) {
	found, err := v.plan()
	if err != nil {
		return nil, err
	}
	return v.begin(func(at time.Time) (done, error) {
		really, err := v.reallyPlan(found.id)
		if err != nil {
			return done{}, err
		}
		run, err := v.launch(really, test, before, at)
		if err != nil {
			return done{}, err
		}
		return done{
			publish: func() { run.published = true },
			related: func() link { return v.relatedTo(failoverKind, run.id, run.of.name) },
		}, nil
	})
}

// relatedTo is the link of a task to what it made.
func (v *visit) relatedTo(k kind, id, name string) link {
	return link{"Related", k.name, v.printer.of(k, id) + entityForm, name}
}

// reallyPlan finds a plan as it is on its backup server, where it may be gone.
func (v *visit) reallyPlan(id string) (*plan, error) {
	found, exists := v.really.plans.get(id)
	if !exists {
		return nil, failure("Failover plan with id [%s] was not found", id)
	}
	return found, nil
}

func (v *visit) undoPlan() (*reply, error) {
	found, err := v.plan()
	if err != nil {
		return nil, err
	}
	return v.begin(func(time.Time) (done, error) {
		really, err := v.reallyPlan(found.id)
		if err != nil {
			return done{}, err
		}
		return done{}, v.undo(really)
	})
}

// updatePlan changes the scripts of a plan, and nothing else.
func (v *visit) updatePlan() (*reply, error) {
	found, err := v.plan()
	if err != nil {
		return nil, err
	}
	var wanted struct{ CloudFailoverPlanOptions scripts }
	if err := v.read(&wanted); err != nil {
		return nil, err
	}
	return v.begin(func(time.Time) (done, error) {
		really, err := v.reallyPlan(found.id)
		if err != nil {
			return done{}, err
		}
		next := *really
		next.scripts = wanted.CloudFailoverPlanOptions
		v.really.plans.put(&next)
		return done{publish: func() { v.known.plans.put(&next) }}, nil
	})
}

func (v *visit) deletePlan() (*reply, error) {
	found, err := v.plan()
	if err != nil {
		return nil, err
	}
	return v.begin(func(time.Time) (done, error) {
		really, err := v.reallyPlan(found.id)
		if err != nil {
			return done{}, err
		}
		if live := v.livePlan(really.id); live.running != nil || live.failedOver {
			return done{}, failure("Failover plan [%s] is in use", really.name)
		}
		v.really.plans.drop(really.id)
		return done{publish: func() { v.known.plans.drop(really.id) }}, nil
	})
}
