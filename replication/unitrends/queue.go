package unitrends

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// SystemQueue is the queue of a system, as far as it can be changed.
type SystemQueue struct{ at place }

// Queue holds the backups that wait for their copy, or are being copied. On a target these are the queues of all
// its sources.
type Queue struct{ SystemQueue }

// Get returns the queue. It is safe to repeat.
//
// Source: Unitrends API wiki, "(GET) /replication/queue".
func (q *Queue) Get(ctx context.Context) (ReplicationQueue, error) {
	return q.get(ctx, transport.Call{Operation: &contract.QueueGet})
}

// Inactive returns the backups that wait for their copy. It is safe to repeat.
//
// Source: Unitrends API wiki, "(GET) /replication/queue".
func (q *Queue) Inactive(ctx context.Context) ([]QueueItem, error) {
	queue, err := q.get(ctx, transport.Call{Operation: &contract.QueueInactive})
	return queue.Inactive, err
}

func (q *Queue) get(ctx context.Context, call transport.Call) (ReplicationQueue, error) {
	var queue ReplicationQueue
	call.Check = func() error {
		if queue.Active == nil && queue.Inactive == nil {
			return errors.New("a queue without active and inactive")
		}
		return nil
	}
	err := q.at.do(ctx, call, &queue)
	return queue, err
}

// Active returns the copies under way, as [Jobs.ActiveReplications] does. It is safe to repeat.
//
// Source: Unitrends API wiki, "(GET) /replication/queue".
func (q *Queue) Active(ctx context.Context) ([]Job, error) {
	var answer struct{ Data, Active rows[Job] }
	call := transport.Call{Operation: &contract.QueueActive, Check: func() error {
		if answer.Active.there {
			return nil
		}
		return answer.Data.in("data")()
	}}
	err := q.at.do(ctx, call, &answer)
	return append(answer.Data.all, answer.Active.all...), err
}

// Edit removes backups from the queue or moves them to its end: those of exactly one of the three lists. Where a
// target is asked, [Client.System] names the source. It is safe to repeat, although the service may refuse to
// remove what an attempt before has removed.
//
// Source: Unitrends API wiki, "(PUT) /replication/queue".
func (q *SystemQueue) Edit(ctx context.Context, edit QueueEdit) (Result, error) {
	named := 0
	for _, length := range []int{len(edit.Backups), len(edit.Clients), len(edit.Instances)} {
		if length > 0 {
			named++
		}
	}
	switch {
	case named != 1:
		return nil, fmt.Errorf("unitrends.Queue.Edit: %d of backups, clients and instances are named, and it takes one", named)
	case edit.hasEmptyName():
		return nil, errors.New("unitrends.Queue.Edit: one of those that it names is empty")
	case edit.Action == "":
		return nil, errors.New("unitrends.Queue.Edit: the action is empty")
	}
	return q.at.apply(ctx, transport.Call{Operation: &contract.QueueEdit, Body: edit})
}

// hasEmptyName reports whether one of those that are named is empty: what the service makes of that nobody knows.
func (e QueueEdit) hasEmptyName() bool {
	return slices.Contains(e.Clients, "") || slices.Contains(e.Instances, "") ||
		slices.ContainsFunc(e.Backups, func(b QueuedBackup) bool { return b.ID == "" || b.Target == "" })
}

// Strategy returns what is copied, and in which order. It is safe to repeat.
//
// Source: Unitrends API wiki, "(GET) /replication/queue/strategy".
func (q *SystemQueue) Strategy(ctx context.Context) (Strategy, error) {
	var answer struct{ Strategy Strategy }
	call := transport.Call{Operation: &contract.QueueStrategy, Check: needs("a queue", "strategy", &answer.Strategy)}
	err := q.at.do(ctx, call, &answer)
	return answer.Strategy, err
}

// SetStrategy sets what is copied, and in which order. It is safe to repeat.
//
// Source: Unitrends API wiki, "(PUT) /replication/queue/strategy".
func (q *SystemQueue) SetStrategy(ctx context.Context, strategy Strategy) (Result, error) {
	if strategy == "" {
		return nil, errors.New("unitrends.Queue.SetStrategy: the strategy is empty")
	}
	return q.at.apply(ctx, transport.Call{Operation: &contract.QueueSetStrategy, Body: struct {
		Strategy Strategy `json:"strategy"`
	}{strategy}})
}
