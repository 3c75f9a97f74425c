package vsphere

import (
	"context"
	"errors"
	"log/slog"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// tasksPerPage is how many tasks a wait asks for at once. It is the largest page that a client is seen to ask this
// version for: no maximum is documented.
const tasksPerPage = 200

// newBatch returns what looks at tasks for all waits of the client.
func (p place) newBatch() *taskwait.Batch[Task] {
	return taskwait.New(taskwait.Config[Task]{
		Many: p.recent, One: p.pollOne, List: true, ID: func(task Task) string { return task.ID },
		Polling: p.client.transport.Schedule(), Logger: p.client.transport.Logger(),
	})
}

// pollOne asks for a task under the operation ID of what has started it.
func (p place) pollOne(ctx context.Context, item taskwait.Item) (Task, error) {
	if item.OperationID != "" {
		ctx = drkit.WithOperationID(ctx, item.OperationID)
	}
	return p.client.Tasks.Get(ctx, item.ID)
}

// recent reads the list of recent tasks as far as it takes to find all items, and no further than it costs less than
// to ask for those that are still missing one by one. A task that moves from page to page meanwhile is one of these.
func (p place) recent(ctx context.Context, items []taskwait.Item) ([]Task, error) {
	ctx, id, err := p.client.transport.Name(ctx)
	if err != nil {
		return nil, err
	}
	missing := make(map[string]string, len(items))
	for _, item := range items {
		missing[item.ID] = item.OperationID
	}
	p.client.transport.Logger().LogAttrs(ctx, slog.LevelDebug, "asking for tasks",
		slog.String("operation_id", id), slog.Any("started_by", missing))
	var found []Task
	for offset := 0; ; {
		page, err := fetch[Task](ctx, p, transport.Call{
			Operation: &contract.TasksList, Query: ListQuery{Offset: offset, Limit: tasksPerPage},
		})
		switch {
		case errors.Is(err, ErrPartial): // each task may be there nevertheless
			return found, nil
		case err != nil:
			return nil, err
		}
		for _, task := range page.Items {
			if _, asked := missing[task.ID]; asked {
				found = append(found, task)
				delete(missing, task.ID)
			}
		}
		offset = max(page.Next, offset+len(page.Items))
		pagesLeft := max(1, (page.all-offset+tasksPerPage-1)/tasksPerPage)
		if page.Last || len(page.Items) == 0 || len(missing) <= pagesLeft {
			return found, nil
		}
	}
}
