package vcav

import (
	"context"
	"log/slog"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/taskwait"
)

// batch returns what looks at the tasks of this place for all waits of the client.
func (p place) batch() *taskwait.Batch[Task] {
	p.client.mu.Lock()
	defer p.client.mu.Unlock()
	batch := p.client.batches[p.site]
	if batch == nil {
		batch = taskwait.New(taskwait.Config[Task]{
			Many: p.pollMany, One: p.pollOne, ID: func(task Task) string { return task.ID },
			Polling: p.client.transport.Schedule(), Logger: p.client.transport.Logger(), Place: p.site,
		})
		if p.client.batches == nil {
			p.client.batches = map[string]*taskwait.Batch[Task]{}
		}
		p.client.batches[p.site] = batch
	}
	return batch
}

// pollOne asks for a task under the operation ID of what has started it.
func (p place) pollOne(ctx context.Context, item taskwait.Item) (Task, error) {
	if item.OperationID != "" {
		ctx = drkit.WithOperationID(ctx, item.OperationID)
	}
	return (&Tasks{p}).Get(ctx, item.ID)
}

// pollMany asks for several tasks under an operation ID of its own, which the log links with theirs.
func (p place) pollMany(ctx context.Context, items []taskwait.Item) ([]Task, error) {
	ctx, id, err := p.client.transport.Name(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(items))
	for i, item := range items {
		ids[i] = item.ID
	}
	if logger := p.client.transport.Logger(); logger.Enabled(ctx, slog.LevelDebug) {
		started := make(map[string]string, len(items))
		for _, item := range items {
			started[item.ID] = item.OperationID
		}
		logger.LogAttrs(ctx, slog.LevelDebug, "asking for tasks",
			slog.String("operation_id", id), slog.String("site", p.site), slog.Any("started_by", started))
	}
	return (&Tasks{p}).Poll(ctx, ids)
}
