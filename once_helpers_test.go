package drkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// begin stands for the method of a client that starts an operation: it takes the step, journals the intent, sends,
// and journals the task. That of the clients is in internal/transport, and tested there.
func begin[T any](ctx context.Context, source drkit.Source[T]) (*drkit.Poller[T], error) {
	poller, claim := drkit.NewPoller(source), step.FromContext(ctx)
	if err := claim.Take("fake.Things.Move"); err != nil {
		return nil, fmt.Errorf("%w: %w", drkit.ErrStep, err)
	}
	if ended, ok := claim.Replay.(*drkit.Poller[T]); ok {
		claim.Start(ended)
		return ended, nil
	}
	if claim.Before.State != step.Accepted {
		if err := claim.Save(ctx, func(r *step.Record) {
			*r = step.Record{Version: 1, Key: r.Key, State: step.Intended, Resource: "thing t1", Sent: r.Sent + 1, Note: json.RawMessage(`{}`)}
		}); err != nil {
			return nil, err
		}
	}
	claim.Start(poller)
	return poller, claim.Save(ctx, func(r *step.Record) { r.State, r.Token = step.Accepted, "token of "+source.ID() })
}

// moves returns a function for Once that begins this work.
func moves[T any](source drkit.Source[T]) func(context.Context) (*drkit.Poller[T], error) {
	return func(ctx context.Context) (*drkit.Poller[T], error) { return begin(ctx, source) }
}

func neverCalled[T any](t *testing.T) func(context.Context) (*drkit.Poller[T], error) {
	return func(context.Context) (*drkit.Poller[T], error) {
		t.Helper()
		assert.Fail(t, "nothing may be asked for")
		return nil, nil //nolint:nilnil // never used
	}
}

// ownJournal is a journal as a user may write it: three methods, and steps that go through JSON.
type ownJournal struct {
	mu    sync.Mutex
	steps map[string][]byte
	order []string
	saves []string // key and state
	// Errors of the calls to come, by state that is to be saved.
	failing map[drkit.StepState]error
	loads   error
}

func (j *ownJournal) Load(_ context.Context, key string) (drkit.Step, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.loads != nil {
		return drkit.Step{}, j.loads
	}
	data, found := j.steps[key]
	if !found {
		return drkit.Step{}, drkit.ErrNotFound
	}
	var s drkit.Step
	return s, json.Unmarshal(data, &s)
}

func (j *ownJournal) Save(_ context.Context, s drkit.Step) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.failing[s.State]; err != nil {
		return err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if j.steps == nil {
		j.steps = map[string][]byte{}
	}
	if _, known := j.steps[s.Key]; !known {
		j.order = append(j.order, s.Key)
	}
	j.steps[s.Key] = data
	j.saves = append(j.saves, s.Key+"="+string(s.State))
	return nil
}

func (j *ownJournal) Steps(ctx context.Context) ([]drkit.Step, error) {
	j.mu.Lock()
	order := j.order
	j.mu.Unlock()
	var all []drkit.Step
	for _, key := range order {
		s, err := j.Load(ctx, key)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func (j *ownJournal) fail(state drkit.StepState, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failing = map[drkit.StepState]error{state: err}
}

// ended is work that has ended well.
type ended[T any] struct{ result T }

func (ended[T]) ID() string { return "task-1" }

func (e ended[T]) Look(context.Context) (drkit.Look[T], error) {
	return drkit.Look[T]{Done: true, Progress: drkit.Progress{State: drkit.StateSucceeded, Percent: 100}, Result: e.result}, nil
}
