package vsphere

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// elsewhere finds what became of work that is not on replications; nil for an operation that starts no task.
func (p place) elsewhere(call transport.Call) *work {
	switch call.Operation {
	case &contract.ReplicationServersRegister:
		return p.ofList(call, "the replication servers", p.servers(), transport.Appears(1))
	case &contract.ReplicationServersUnregister:
		return p.ofOne(call, of("replication server", call.Path[0]), p.servers(), true)
	case &contract.ReplicationServersReconnect:
		return p.ofOne(call, of("replication server", call.Path[0]), p.servers(), false)
	case &contract.SiteReplicationServersRegister:
		return p.ofList(call, of("the replication servers of management server", call.Path[0]), p.siteServers(call.Path[0]), transport.Appears(1))
	case &contract.SiteReplicationServersUnregister:
		return p.ofOne(call, of("replication server", call.Path[1], call.Path[0]), p.siteServers(call.Path[0]), true)
	case &contract.SiteReplicationServersReconnect:
		return p.ofOne(call, of("replication server", call.Path[1], call.Path[0]), p.siteServers(call.Path[0]), false)
	case &contract.PairingsCreate:
		return p.ofList(call, "the pairings", p.pairings(), transport.Appears(1))
	case &contract.PairingsBreak:
		return p.ofOne(call, of("pairing", call.Path[0]), p.pairings(), true)
	case &contract.PairingsReconnect:
		return p.ofOne(call, of("pairing", call.Path[0]), p.pairings(), false)
	case &contract.MappingsCreate, &contract.MappingsRunTests:
		return p.ofList(call, of("the mappings of management server", call.Path[0]), nil, nil)
	default:
		return nil
	}
}

// ofList finds work that works on nothing yet: by what has come to a list. A nil list proves nothing.
func (p place) ofList(call transport.Call, resource string, list stateFunc, settle func(before, after transport.State) transport.Verdict) *work {
	operation := call.Operation.Name
	return &work{operation: operation, Work: transport.Work{
		Resource: resource,
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			jobs, err := p.jobs(ctx, operation, subject{})
			// Others work on things that they do not name, too: as long as the kind of work is not known, that says nothing.
			return slices.DeleteFunc(jobs, func(job transport.Job) bool { return job.Veto != "" }), err
		},
		State: list, Settle: ofWhole(settle), Believe: true,
	}}
}

// ofOne finds work on something in a list, which it may take away.
func (p place) ofOne(call transport.Call, resource string, list stateFunc, away bool) *work {
	id, operation := call.Path[len(call.Path)-1], call.Operation.Name
	state := func(ctx context.Context) (transport.State, error) {
		all, err := list(ctx)
		_, there := all[id]
		state := transport.State{memberExists: fmt.Sprint(there)}
		if all[memberPartial] != "" {
			state[memberPartial] = "true"
		}
		return state, err
	}
	work := &work{operation: operation, about: id, Work: transport.Work{
		Resource: resource,
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			p.client.mu.Lock()
			known := p.client.subjects[id]
			p.client.mu.Unlock()
			return p.jobs(ctx, operation, subject{ids: append(known.ids[:len(known.ids):len(known.ids)], id)})
		},
	}}
	if away {
		work.trace = trace{state, ofWhole(settleRemoval), was(memberExists, "true")}
		work.State, work.Settle, work.Believe = state, work.trace.settle, true
	}
	return work
}

// stateFunc sees what there is.
type stateFunc = func(context.Context) (transport.State, error)

func (p place) servers() stateFunc {
	return func(ctx context.Context) (transport.State, error) {
		return there(p.client.ReplicationServers.List(ctx, ListQuery{}), serverID)
	}
}

func (p place) siteServers(managementServer string) stateFunc {
	return func(ctx context.Context) (transport.State, error) {
		return there((&SiteReplicationServers{p}).List(ctx, managementServer, ListQuery{}), serverID)
	}
}

func (p place) pairings() stateFunc {
	return func(ctx context.Context) (transport.State, error) {
		return there(p.client.Pairings.List(ctx, ListQuery{}), func(row *Pairing) string { return row.PairingID })
	}
}

// there is what a list holds, and whether it says that it may not hold all.
func there[T any](rows iter.Seq2[T, error], id func(*T) string) (transport.State, error) {
	state := transport.State{}
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		state[id(&row)] = "there"
		if ofHalf(any(&row)) {
			state[memberPartial] = "true"
		}
	}
	return state, nil
}

// ofHalf reports whether a row is of a list that says that it may not hold all.
func ofHalf(row any) bool {
	said, ok := row.(described)
	return ok && slices.ContainsFunc(said.metadata().Errors, MetaError.ofList)
}
