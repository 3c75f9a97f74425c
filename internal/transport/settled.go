package transport

import (
	"context"

	"github.com/drkit-go/drkit"
)

// NewSettled returns the poller of an operation that is known to have run, without a task that would say so: result
// gets what came of it. It counts as adopted, and its id is what the operation worked on.
func NewSettled[T any](c *Client, id string, result func(context.Context) (T, error)) *drkit.Poller[T] {
	return drkit.NewPoller(&settled[T]{id: id, result: result}, c.Polling())
}

type settled[T any] struct {
	id     string
	result func(context.Context) (T, error)
}

// ID returns what the operation worked on.
func (s *settled[T]) ID() string { return s.id }

// Adopted reports that the answer was lost.
func (s *settled[T]) Adopted() bool { return true }

// Look gets what came of the operation.
func (s *settled[T]) Look(ctx context.Context) (drkit.Look[T], error) {
	result, err := s.result(ctx)
	return drkit.Look[T]{
		Progress: drkit.Progress{ID: s.id, State: drkit.StateSucceeded, Percent: 100}, Done: err == nil, Result: result,
	}, err
}

// The proofs that many operations share. Each compares a resource before and after.

// Turns is the proof of a member that changes from one value to another.
func Turns(member, from, to string) func(before, after State) bool {
	return func(before, after State) bool { return before[member] == from && after[member] == to }
}

// Appears is the proof of so many members that were not there before.
func Appears(count int) func(before, after State) Verdict {
	return func(before, after State) Verdict {
		switch len(NewKeys(before, after)) {
		case 0:
			return Untouched
		case count:
			return Ran
		default:
			return Unclear
		}
	}
}

// NewKeys returns the members that were not there before.
func NewKeys(before, after State) []string {
	var added []string
	for key := range after {
		if _, old := before[key]; !old {
			added = append(added, key)
		}
	}
	return added
}
