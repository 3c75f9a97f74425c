package cloudreplica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

// undoSource follows an undo: its task, and then the replicas, until none is failed over as they are collected.
type undoSource struct {
	*follow
	plan    *planned
	token   step.Token // that the work was resumed by; zero if it was not
	failed  []string   // the machines that were failed over before; nil where nobody has noted them
	adopted bool       // its answer was lost, and it was found
	proven  bool       // the replicas have shown that it ran

	// Under mu.
	done  bool      // the task has ended well
	past  []string  // the collections that had begun by then; nil before that
	back  int       // machines that the last look has shown where they belong
	moved time.Time // when that number was another; zero before the first look
}

// ID names the task, or the plan where there is none.
func (s *undoSource) ID() string {
	if task := s.current(); task.id != "" {
		return task.id
	}
	return "failover plan " + s.plan.id
}

// Adopted reports whether the answer was lost, and the work found.
func (s *undoSource) Adopted() bool { return s.adopted }

// Look looks at the task, and then at the replicas.
func (s *undoSource) Look(ctx context.Context) (drkit.Look[PlanState], error) {
	ctx = s.named(ctx)
	if err := s.client.identity.Check(ctx, s.token); err != nil {
		return drkit.Look[PlanState]{}, err
	}
	if !s.taskDone() {
		if look, over, err := s.atTask(ctx); over || err != nil {
			look.Err = s.fail(look.Err)
			return look, err
		}
	}
	return s.verify(ctx)
}

func (s *undoSource) taskDone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done || s.proven
}

// atTask looks at the task, and is over unless it has ended well, or the replicas can tell in its place.
func (s *undoSource) atTask(ctx context.Context) (look drkit.Look[PlanState], over bool, err error) {
	task, there, err := s.look(ctx)
	switch {
	case err != nil:
		return look, true, err
	case !there && len(s.failed) == 0:
		return look, true, fmt.Errorf("the task is gone, and no machine was seen to be failed over before it, so that nothing tells what has come of it: %w",
			drkit.ErrTaskGone)
	case !there:
		return look, false, nil
	}
	if look, over, err = ended[PlanState](task); over || err != nil {
		return look, over, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done = true
	return look, false, nil
}

// StateVerifying is the state of an undo whose machines are still shown as failed over: they are until the next
// collection of data.
const StateVerifying drkit.State = "Verifying"

// verify looks at the replicas.
func (s *undoSource) verify(ctx context.Context) (drkit.Look[PlanState], error) {
	fresh, err := s.collected(ctx) // before the replicas are read
	if err != nil {
		return drkit.Look[PlanState]{}, err
	}
	now, err := s.client.FailoverPlans.State(ctx, s.plan.id)
	if err != nil {
		return drkit.Look[PlanState]{}, err
	}
	back := len(now.VMs) - len(now.failedOver())
	look := drkit.Look[PlanState]{
		Progress: drkit.Progress{ID: s.ID(), State: StateVerifying, Percent: 100 * back / max(1, len(now.VMs))},
		Done:     fresh && back == len(now.VMs), Result: now,
	}
	switch {
	case look.Done:
		look.Progress.State, look.Progress.Percent = drkit.StateSucceeded, 100
	case s.stuck(back):
		what := fmt.Sprintf("%d of %d machines are still shown as failed over", len(now.VMs)-back, len(now.VMs))
		if back == len(now.VMs) {
			what = "no data have been collected since its task has ended"
		}
		return look, fmt.Errorf("nothing has shown of the undo for %s, and %s: %w", undoPatience, what, drkit.ErrTaskGone)
	}
	return look, nil
}

// undoPatience is how long machines may be shown to be failed over, and none of them to come back, until nobody can
// tell whether they will.
const undoPatience = time.Hour

// stuck reports whether no machine has come back for so long.
func (s *undoSource) stuck(back int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.moved.IsZero() || back != s.back {
		s.back, s.moved = back, time.Now()
	}
	return time.Since(s.moved) >= undoPatience
}

// collected reports whether data have been collected since the task has ended. Where machines were seen to be failed
// over before, their change of state tells by itself; where the failover was not collected either, they have looked
// like this all along, and only a collection that has begun since tells. Who may not see collections has the word of
// the task alone.
func (s *undoSource) collected(ctx context.Context) (bool, error) {
	if len(s.failed) > 0 || s.client.actsForTenant() {
		return true, nil
	}
	collections, err := s.client.collections(ctx)
	if errors.Is(err, drkit.ErrForbidden) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.past == nil {
		s.past = make([]string, len(collections))
		for i, one := range collections {
			s.past[i] = one.ID()
		}
	}
	return slices.ContainsFunc(collections, func(one SystemSession) bool {
		return one.ended() && one.err() == nil && !slices.Contains(s.past, one.ID())
	}), nil
}

// Token returns what another process needs to go on looking: also what was seen since the work was resumed.
func (s *undoSource) Token(ctx context.Context) (step.Token, error) {
	left := resumable{Plan: s.plan.id, Task: s.current(), Before: s.failed, Done: s.taskDone()}
	s.mu.Lock()
	left.Past = slices.Clone(s.past)
	s.mu.Unlock()
	if s.token != (step.Token{}) {
		return left.in(s.token)
	}
	return s.client.sign(ctx, s.follow, left)
}

// keyOf reads the id of a job that is a task.
func keyOf(job string) taskKey {
	id, logon, _ := strings.Cut(job, " of logon ")
	return taskKey{logon, id}
}

// undo sends an undo.
func (p *FailoverPlans) undo(ctx context.Context, call transport.Call, id string) (*drkit.Poller[PlanState], error) {
	c := p.Collection.client
	plan := &planned{client: c, id: id}
	w := &traced{client: c, kind: call.Operation.TaskOperation, resource: planCalled(id)}
	operation := call.Operation.Name
	return beginTraced(ctx, w, call, plan.undoWork(w), tracedPollers[PlanState]{
		follow: func(f *follow, note *transport.Note) drkit.Source[PlanState] {
			s := &undoSource{follow: f, plan: plan}
			if note != nil {
				s.failed = failedOverIn(note.State)
			}
			return s
		},
		// Nobody asks whether it is alone: whoever else has undone the plan, its machines are back.
		adopt: func(operationID string, found transport.Found, _ func(context.Context) error) drkit.Source[PlanState] {
			s := &undoSource{
				follow: &follow{client: c, operation: operation, operationID: operationID}, plan: plan,
				failed: failedOverIn(found.Before), adopted: true, proven: found.Job == "" || found.Job == allBack,
			}
			if !s.proven {
				s.task = keyOf(found.Job)
				c.claims.claim(s.task, w.resource)
			}
			return s
		},
	})
}
