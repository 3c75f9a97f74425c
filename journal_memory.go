package drkit

import (
	"context"
	"fmt"
	"sync"
)

// MemoryJournal keeps steps as long as the process lives: for tests, and for programs that only have to
// survive their own errors. The zero MemoryJournal is empty and ready to use.
type MemoryJournal struct {
	turns turns

	mu    sync.Mutex
	order []string
	steps map[string]Step
}

// Load returns a step, and [ErrNotFound] if there is none of that key.
func (j *MemoryJournal) Load(_ context.Context, key string) (Step, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s, found := j.steps[key]
	if !found {
		return Step{}, fmt.Errorf("step %q: %w", key, ErrNotFound)
	}
	return s, nil
}

// Save keeps a step.
func (j *MemoryJournal) Save(_ context.Context, s Step) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, known := j.steps[s.Key]; !known {
		j.order = append(j.order, s.Key)
	}
	if j.steps == nil {
		j.steps = map[string]Step{}
	}
	j.steps[s.Key] = s
	return nil
}

// Steps returns all steps, in the order in which their keys were first saved.
func (j *MemoryJournal) Steps(context.Context) ([]Step, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	steps := make([]Step, len(j.order))
	for i, key := range j.order {
		steps[i] = j.steps[key]
	}
	return steps, nil
}

func (j *MemoryJournal) lock(ctx context.Context, key string) (func(), error) {
	return j.turns.take(ctx, key)
}

// turns let one run of a step go on at a time.
type turns struct {
	mu   sync.Mutex
	busy map[string]*turn
}

type turn struct {
	held  chan struct{}
	users int
}

func (t *turns) take(ctx context.Context, key string) (release func(), err error) {
	t.mu.Lock()
	one := t.busy[key]
	if one == nil {
		one = &turn{held: make(chan struct{}, 1)}
		if t.busy == nil {
			t.busy = map[string]*turn{}
		}
		t.busy[key] = one
	}
	one.users++
	t.mu.Unlock()
	done := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(t.busy, key)
		}
	}
	select {
	case one.held <- struct{}{}:
		return func() { <-one.held; done() }, nil
	case <-ctx.Done():
		done()
		return nil, fmt.Errorf("waiting for another run of step %q: %w", key, endOf(ctx))
	}
}
