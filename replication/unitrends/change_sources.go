package unitrends

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
)

// requested is how a request of a source stands.
type requested struct {
	entry   *System // among the systems; nil if it is not there
	pending bool    // it waits for a decision
	systems []System
}

// request looks at a request, among the systems and, where that does not tell, among the pending ones.
func (p place) request(ctx context.Context, id ID) (requested, error) {
	all := SystemQuery{IncludePending: drkit.Some(true), IncludeRejected: drkit.Some(true)}
	systems, err := (&Systems{p}).List(ctx, all)
	if err != nil {
		return requested{}, err
	}
	now := requested{systems: systems}
	if i := slices.IndexFunc(systems, func(s System) bool { return s.RequestID == id }); i >= 0 {
		now.entry = &systems[i]
	}
	if now.pending = now.says("pend"); now.pending || now.says("accepted") || now.rejected() {
		return now, nil
	}
	pending, err := (&Sources{p}).Pending(ctx)
	now.pending = slices.ContainsFunc(pending, func(r PendingRequest) bool { return r.RequestID == id })
	return now, err
}

// The texts of a status are not documented, but for "accepted". What is documented is that a request has the id of a
// system once it is accepted, and a negative one before.
func (r requested) accepted() bool {
	asSystem := r.entry != nil && r.entry.IsPending && r.entry.ID != "" && !strings.HasPrefix(string(r.entry.ID), "-")
	return r.says("accepted") || asSystem && !r.pending && !r.rejected()
}

func (r requested) rejected() bool { return r.says("reject") }

func (r requested) says(word string) bool {
	return r.entry != nil && strings.Contains(strings.ToLower(r.entry.Status), word)
}

// acceptance is a request that is accepted: its source becomes a system that replicates. name is that of the
// source, empty if it is not known yet.
func (p place) acceptance(id ID, name string) *change[System] {
	known := &kept[string]{value: name}
	c := &change[System]{
		at: p, method: methodAccept, resource: "replication request " + quoted(id), subject: subject{id: id, name: known},
		calm: true,
	}
	c.see = func(ctx context.Context) (sight[System], error) {
		now, err := p.request(ctx, id)
		if err != nil {
			return sight[System]{}, err
		}
		if now.entry != nil && now.entry.Name != "" {
			known.set(now.entry.Name)
		}
		seen := now.sources(known.get())
		seen.open = now.entry != nil
		switch {
		case now.pending:
			seen.facts = append(seen.facts, "the request, pending")
		case now.rejected():
			seen.traces = append(seen.traces, trace[System]{
				id: "the request, rejected", state: drkit.State(now.entry.Status), ended: true, thing: *now.entry,
				failed: "the request was rejected", foreign: "somebody has rejected it",
			})
		case now.accepted() && !slices.ContainsFunc(seen.traces, trace[System].own):
			seen.traces = append(seen.traces, trace[System]{
				id: "system " + string(now.entry.ID), state: drkit.State(now.entry.Status), thing: *now.entry,
				busy: "replication request " + quoted(id) + " is accepted already, and its source is being configured as system " + quoted(now.entry.ID),
			})
		}
		return seen, nil
	}
	return c
}

// sources are the systems that replicate. Those that cannot have come of the request are foreign, and noted: once
// the request is settled, its name may be forgotten. name is that of the source, empty if it is not known.
func (r requested) sources(name string) sight[System] {
	var seen sight[System]
	for _, system := range r.systems {
		id := "system " + string(system.ID)
		ours := name == "" && !r.accepted() || name != "" && system.Name == name
		switch {
		case !system.Replicates():
		case ours && !r.pending && !r.rejected():
			// Its source may have replicated before.
			known := name != "" && !r.accepted()
			seen.traces = append(seen.traces, trace[System]{id: id, state: drkit.State(system.Status), ended: true, named: known, thing: system})
		default:
			seen.traces = append(seen.traces, trace[System]{id: id, ended: true, foreign: "another source"})
		}
	}
	return seen
}

// rejection is a request that is rejected: it is no longer pending.
func (p place) rejection(id ID) *change[System] {
	c := &change[System]{
		at: p, method: methodReject, resource: "replication request " + quoted(id), subject: subject{id: id},
		named: true,
	}
	c.see = func(ctx context.Context) (sight[System], error) {
		now, err := p.request(ctx, id)
		end := trace[System]{id: "the request, no longer pending", ended: true, thing: System{RequestID: id}}
		if now.entry != nil {
			end.thing, end.state = *now.entry, drkit.State(now.entry.Status)
		}
		switch {
		case err != nil:
			return sight[System]{}, err
		case now.pending:
			return sight[System]{facts: []string{"the request, pending"}}, nil
		case now.accepted():
			end.failed, end.foreign = "the request was accepted", "somebody has accepted it"
		}
		return sight[System]{traces: []trace[System]{end}}, nil
	}
	return c
}

// removal is a source that is removed: it is gone, or no longer replicates.
func (p place) removal(id ID) *change[System] {
	last := &kept[System]{value: System{ID: id}}
	return &change[System]{
		at: p, method: methodDelete, resource: "source " + quoted(id), subject: subject{id: id}, named: true,
		see: func(ctx context.Context) (sight[System], error) {
			systems, err := (&Systems{p}).List(ctx, SystemQuery{IncludePending: drkit.Some(true)})
			if err != nil {
				return sight[System]{}, err
			}
			return gone("source", id, last, matching(systems, func(s System) bool {
				return s.ID == id && (s.Replicates() || s.IsPending) // one that is being configured is a source, too
			}))
		},
	}
}

// gone is the sight of something that an operation takes away. The id is one among those of a system, so without a
// system there may be several.
func gone[T any](what string, id ID, last *kept[T], there []T) (sight[T], error) {
	switch len(there) {
	case 0:
		return sight[T]{traces: []trace[T]{{id: "the " + what + ", gone", ended: true, thing: last.get()}}}, nil
	case 1:
		last.set(there[0])
		return sight[T]{facts: []string{"the " + what}}, nil
	default:
		return sight[T]{}, fmt.Errorf("%d systems have a %s %s: name one by Client.System", len(there), what, quoted(id))
	}
}

// matching returns those of a list that are meant.
func matching[T any](all []T, meant func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !meant(one) })
}
