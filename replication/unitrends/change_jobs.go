package unitrends

import (
	"cmp"
	"context"
	"strconv"

	"github.com/drkit-go/drkit"
)

// newJobOrder is a job order of a name that there was none of before.
func (p place) newJobOrder(name string) *change[JobOrder] {
	return &change[JobOrder]{
		at: p, method: methodCreate, resource: "job order " + quoted(name), subject: subject{name: &kept[string]{value: name}}, named: true,
		see: func(ctx context.Context) (sight[JobOrder], error) {
			var seen sight[JobOrder]
			orders, err := (&JobOrders{p}).List(ctx)
			for _, order := range orders {
				if order.Name == name {
					seen.traces = append(seen.traces, trace[JobOrder]{
						id: "job order " + string(order.ID), state: drkit.State(order.Status.Or("")), ended: true, thing: order,
						busy: "there is a job order " + quoted(name) + " already, with the id " + quoted(order.ID) + atSystem(order.SID.Or("")),
					})
				}
			}
			return seen, err
		},
	}
}

// jobRun is a job order that runs: a job of its name is active, and then in the history. name is empty if it is not
// known yet.
func (p place) jobRun(id ID, name string) *change[HistoryJob] {
	known := &kept[string]{value: name}
	c := &change[HistoryJob]{
		at: p, method: methodRun, resource: "job order " + quoted(id), subject: subject{id: id, name: known}, several: true,
	}
	c.see = func(ctx context.Context) (sight[HistoryJob], error) {
		if known.get() == "" {
			order, err := (&JobOrders{p}).Get(ctx, id)
			if err != nil {
				return sight[HistoryJob]{}, err
			}
			known.set(order.Name)
		}
		return p.runs(ctx, known.get())
	}
	return c
}

// runs looks at the jobs of a name, active and ended.
func (p place) runs(ctx context.Context, name string) (sight[HistoryJob], error) {
	active, err := (&Jobs{p}).Active(ctx)
	if err != nil {
		return sight[HistoryJob]{}, err
	}
	var seen sight[HistoryJob]
	run := trace[HistoryJob]{id: "a running job", percent: 100}
	for _, job := range active {
		if job.Name == name { // of several the one that is behind
			if run.state == "" || job.Percent() < run.percent {
				run.state, run.percent = cmp.Or(drkit.State(job.Status), drkit.StateRunning), job.Percent()
			}
			run.busy = "job " + quoted(job.ID) + " of the same order is under way already"
			seen.traces = []trace[HistoryJob]{run}
		}
	}
	history, err := (&Jobs{p}).History(ctx, HistoryQuery{})
	alike := map[string]int{} // the history tells minutes: two jobs may look the same
	for _, job := range history {
		if job.Name != name {
			continue
		}
		id := "job " + fingerprint(job.itself())
		if alike[id]++; alike[id] > 1 {
			id += " #" + strconv.Itoa(alike[id])
		}
		end := trace[HistoryJob]{id: id, state: drkit.State(job.Status), ended: true, quiet: true, thing: job}
		if job.Status != HistoryStatusSuccess {
			end.failed = cmp.Or(job.Message, "the job has ended in "+quoted(job.Status))
		}
		seen.traces = append(seen.traces, end)
	}
	return seen, err
}

// itself returns what tells a job of the history apart, without what may be said of it otherwise on another day, such
// as how long ago it was.
func (j HistoryJob) itself() HistoryJob {
	j.Duration, j.Description, j.Message, j.Extra = "", "", "", nil
	return j
}

// cancellation is a job that is no longer active.
func (p place) cancellation(id ID) *change[Job] {
	last := &kept[Job]{value: Job{ID: id}}
	return &change[Job]{
		at: p, method: methodCancel, resource: "job " + quoted(id), subject: subject{id: id}, named: true,
		see: func(ctx context.Context) (sight[Job], error) {
			active, err := (&Jobs{p}).Active(ctx)
			if err != nil {
				return sight[Job]{}, err
			}
			return gone("job", id, last, matching(active, func(j Job) bool { return j.ID == id }))
		},
	}
}

// newRecovery is a machine of a name that none had before, and that runs from a backup.
func (p place) newRecovery(name string) *change[VirtualClient] {
	return &change[VirtualClient]{
		at: p, method: methodStart, resource: "instant recovery " + quoted(name), subject: subject{name: &kept[string]{value: name}}, named: true,
		see: func(ctx context.Context) (sight[VirtualClient], error) {
			var seen sight[VirtualClient]
			clients, err := (&InstantRecoveries{p}).List(ctx)
			for _, client := range clients.All() {
				if client.VMName == name {
					seen.traces = append(seen.traces, trace[VirtualClient]{
						id: "machine " + string(client.VirtualID), state: drkit.State(client.Status), ended: true, thing: client,
						busy: "a machine " + quoted(name) + " runs from a backup already, with the id " + quoted(client.VirtualID) + atSystem(client.SID),
					})
				}
			}
			return seen, err
		},
	}
}

// recoveryEnd is a machine that no longer runs from a backup. Of those of Windows there is no list.
func (p place) recoveryEnd(id ID, kind RecoveryKind) *change[VirtualClient] {
	last := &kept[VirtualClient]{value: VirtualClient{VirtualID: id}}
	return &change[VirtualClient]{
		at: p, method: methodEnd, resource: "machine " + quoted(id), subject: subject{id: id}, named: true,
		blind: kind == RecoveryKindWindows,
		see: func(ctx context.Context) (sight[VirtualClient], error) {
			clients, err := (&InstantRecoveries{p}).List(ctx)
			if err != nil {
				return sight[VirtualClient]{}, err
			}
			return gone("machine", id, last, matching(clients.All(), func(c VirtualClient) bool { return c.VirtualID == id }))
		},
	}
}
