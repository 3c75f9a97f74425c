package unitrends

import (
	"context"
	"errors"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// SystemTargets are the appliances that the copies of a system go to.
type SystemTargets struct{ at place }

// Targets are the appliances that the copies of this one go to, which is a source.
type Targets struct{ SystemTargets }

// TargetRequest is a request to another appliance to become the target of this one, as its members by name.
//
// Experimental: the members are not documented; at least one of them has to name the target.
type TargetRequest map[string]any

// Request asks another appliance to become the target of this one. It returns once the source has taken the
// request; the operator of the target has to accept it. The poller waits for that, as long as it takes: the
// result is the target, once it is connected, or listed where the appliance does not tell which are connected.
//
// The request is sent at most once, as that of [Sources.Accept]: it is known again by a target that was not
// listed before, or was not connected. How the list shows that a target has rejected the request is not documented:
// the poller goes on waiting until its context ends, and the target may be asked again. Where the appliance does not
// tell which targets are connected, as of the systems that it manages, nothing shows either that a target which was
// listed before has accepted: the poller waits until its context ends, too.
//
// Experimental: neither the members of the request nor those of the list are documented.
//
// Errors: [drkit.ErrOutcomeUnknown] if what became of it cannot be told.
//
// Source: Unitrends API wiki, "POST /replication/target", which is named there without its page.
func (t *SystemTargets) Request(ctx context.Context, request TargetRequest) (*drkit.Poller[Target], error) {
	if len(request) == 0 {
		return nil, errors.New("unitrends.Targets.Request: the request is empty, and names no target")
	}
	return begin(ctx, t.at.newTarget(), transport.Call{Operation: &contract.TargetsRequest, Body: request})
}

// List returns the targets. It is safe to repeat.
//
// Experimental: what the service says of a target is not documented.
//
// Source: Unitrends API wiki, "GET /replication/targets", which is named there without its page.
func (t *SystemTargets) List(ctx context.Context) ([]Target, error) {
	var answer struct{ Targets rows[Target] }
	call := transport.Call{Operation: &contract.TargetsList, Check: answer.Targets.in("targets")}
	err := t.at.do(ctx, call, &answer)
	return answer.Targets.all, err
}

// Connected returns the targets that a job order may name. It is safe to repeat.
//
// Errors: those of appliances that are too old for it, presumably [drkit.ErrNotFound].
//
// Source: the code of clients.
func (t *Targets) Connected(ctx context.Context) ([]Target, error) {
	var answer struct{ Data rows[Target] }
	err := t.at.do(ctx, transport.Call{Operation: &contract.TargetsConnected, Check: answer.Data.in("data")}, &answer)
	return answer.Data.all, err
}
