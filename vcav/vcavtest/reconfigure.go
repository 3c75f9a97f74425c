package vcavtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// reconfigureBody is the request that changes a replication; what it leaves out stays as it is.
type reconfigureBody struct {
	change
	Description *string        `json:"description"`
	Source      *sourceChanges `json:"sourceReconfigure"`
}

// sourceChanges are said to be about a vApp or a machine of a vCenter Server, but the guide's sample is a
// replication from the cloud; they are taken for every source.
type sourceChanges struct {
	VAppName *string         `json:"vappName"`
	Startup  *startupChanges `json:"vmStartupInfo"`
}

type startupChanges struct {
	Order       *int    `json:"order"`
	StartAction *string `json:"startAction"`
	StartDelay  *int    `json:"startDelay"`
	StopAction  *string `json:"stopAction"`
	StopDelay   *int    `json:"stopDelay"`
}

// reconfigure changes what the request names. Settings that the replication has already are not held
// against the policy, as policies do not touch what is there.
func (a *appliance) reconfigure(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	var body reconfigureBody
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, fmt.Errorf("the changes do not decode: %w", err)
	}
	if err := all(r, idle, notRecovered); err != nil {
		return nil, err
	}
	after, profile, err := a.apply(body.change, r.settings, r.profile)
	if err != nil {
		return nil, err
	}
	if err := allowCustom(r.source, r.destination, body.custom()); err != nil {
		return nil, err
	}
	if err := allowSettings(r.destination, after, &r.settings); err != nil {
		return nil, err
	}
	return a.start(call, v, r, typeChange, func(time.Time) *refusal {
		r.settings, r.profile = after, profile
		set(&r.description, body.Description)
		body.Source.change(r)
		return nil
	})
}

func (s *sourceChanges) change(r *replication) {
	if s == nil {
		return
	}
	set(&r.source.vappName, s.VAppName)
	if s.Startup == nil {
		return
	}
	set(&r.startup.Order, s.Startup.Order)
	set(&r.startup.StartAction, s.Startup.StartAction)
	set(&r.startup.StartDelay, s.Startup.StartDelay)
	set(&r.startup.StopAction, s.Startup.StopAction)
	set(&r.startup.StopDelay, s.Startup.StopDelay)
}

// set changes what the request names.
func set[T any](member *T, named *T) {
	if named != nil {
		*member = *named
	}
}

// reconfigureDisks replaces the whole set of disks that are not replicated. Instances that exist keep
// theirs.
func (a *appliance) reconfigureDisks(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	var excluded []int
	if err := json.Unmarshal(call.Body, &excluded); err != nil {
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "The disk keys do not decode: %s.", err)
	}
	if err := all(r, idle, notRecovered); err != nil {
		return nil, err
	}
	if err := checkExcluded(r.machine, excluded); err != nil {
		return nil, err
	}
	return a.start(call, v, r, typeChange, func(time.Time) *refusal {
		r.excluded = excluded
		return nil
	})
}
