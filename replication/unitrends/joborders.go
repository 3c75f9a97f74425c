package unitrends

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// JobOrders say what is to be backed up or copied, and when. Clients name the system of an order with each
// request: where an appliance manages several, so does [Client.System] with the SID of the order.
type JobOrders struct{ at place }

// List returns all job orders, without what they are about. It is safe to repeat.
//
// Source: the code of clients.
func (j *JobOrders) List(ctx context.Context) ([]JobOrder, error) {
	var answer struct{ Data rows[JobOrder] }
	err := j.at.do(ctx, transport.Call{Operation: &contract.JobOrdersList, Check: answer.Data.in("data")}, &answer)
	return answer.Data.all, err
}

// Get returns a job order with what it is about. It is safe to repeat.
//
// Source: the code of clients.
func (j *JobOrders) Get(ctx context.Context, id ID) (JobOrder, error) {
	var answer struct{ Data rows[JobOrder] }
	err := j.at.do(ctx, transport.Call{
		Operation: &contract.JobOrdersGet, Path: []string{string(id)}, Check: func() error {
			if len(answer.Data.all) != 1 || answer.Data.all[0].Name == "" {
				return errors.New("an answer without the job order")
			}
			return nil
		},
	}, &answer)
	if err != nil {
		return JobOrder{}, err
	}
	return answer.Data.all[0], nil
}

// Create orders copies of the backups of some instances to a target. Its name must be new: a client finds the
// order again by it. The poller waits until the order is listed, which is its result.
//
// The request is sent at most once, as that of [Sources.Accept]. Where somebody else creates one of that name at the
// same moment, there may be two, which makes the wait fail with [drkit.ErrConflict]. Where an appliance manages several
// systems, an order of that name at any of them counts, unless [Client.System] names one.
//
// Errors: [drkit.ErrConflict] if there is an order of that name; [drkit.ErrOutcomeUnknown] if what became of it
// cannot be told. Of the wait: [drkit.ErrTaskGone] where the order is never listed.
//
// Source: the code of clients.
func (j *JobOrders) Create(ctx context.Context, order ReplicationJobOrder) (*drkit.Poller[JobOrder], error) {
	switch {
	case strings.TrimSpace(order.Name) == "":
		return nil, errors.New("unitrends.JobOrders.Create: the name is empty")
	case len(order.Instances) == 0:
		return nil, errors.New("unitrends.JobOrders.Create: there are no instances")
	case slices.Contains(order.Instances, ""):
		return nil, errors.New("unitrends.JobOrders.Create: the id of an instance is empty")
	}
	if err := checkID("the target", order.TargetID); err != nil {
		return nil, fmt.Errorf("unitrends.JobOrders.Create: %w", err)
	}
	if order.Type == "" {
		order.Type = "Replication"
	}
	return begin(ctx, j.at.newJobOrder(order.Name), transport.Call{Operation: &contract.JobOrdersCreate, Body: order})
}

// Update overwrites a job order. Take one that Get has returned, and change it: members that this version of drkit
// does not know go back as they came. It is safe to repeat.
//
// Source: the code of clients.
func (j *JobOrders) Update(ctx context.Context, order JobOrder) (Result, error) {
	call := transport.Call{Operation: &contract.JobOrdersUpdate, Path: []string{string(order.ID)}, Body: order}
	return j.at.apply(ctx, call)
}

// Run runs a job order now, whatever its schedule. It returns once the appliance has taken the request; the poller
// waits until no job of the order's name is active any more and the history has a new one. Its result is that job,
// or one of them where the order is about several instances; the wait fails if one of them has not ended in
// [HistoryStatusSuccess].
//
// The request is sent at most once, as that of [Sources.Accept]. A run by the schedule at the same moment is not told
// from it. That jobs have the name of their order is seen in the code of clients.
//
// Errors: [drkit.ErrConflict] if the order is running; [drkit.ErrOutcomeUnknown] if what became of it cannot be
// told. Of the wait: a [drkit.TaskError] with the job's status as its code; [drkit.ErrTaskGone] where no job of it
// is to be seen, as of an order that has nothing to do, or whose job has left no trace in the history.
//
// Source: the code of clients.
func (j *JobOrders) Run(ctx context.Context, id ID) (*drkit.Poller[HistoryJob], error) {
	return begin(ctx, j.at.jobRun(id, ""), transport.Call{Operation: &contract.JobOrdersRun, Path: []string{string(id)}})
}

// Enable lets a job order run by its schedule. It is safe to repeat.
//
// Source: the code of clients.
func (j *JobOrders) Enable(ctx context.Context, id ID) (Result, error) {
	return j.at.apply(ctx, transport.Call{Operation: &contract.JobOrdersEnable, Path: []string{string(id)}})
}

// Disable keeps a job order from running by its schedule. It is safe to repeat.
//
// Source: the code of clients.
func (j *JobOrders) Disable(ctx context.Context, id ID) (Result, error) {
	return j.at.apply(ctx, transport.Call{Operation: &contract.JobOrdersDisable, Path: []string{string(id)}})
}
