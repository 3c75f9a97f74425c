package cloudreplica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// NoResult is the result of work that has none.
type NoResult struct{}

// outcome says what has come of a task that has ended well.
type outcome[T any] func(ctx context.Context, task Task) (drkit.Look[T], error)

// answered makes sure that what a call is answered is a task.
func answered(task *Task) func() error {
	return func() error {
		if task.TaskID == "" {
			return errors.New("a task without TaskId")
		}
		return nil
	}
}

// longestPause is how far apart looks may be at most: a logon session that rests for 15 minutes ends, and its tasks
// with it.
const longestPause = idleLife / 3

// polling is the schedule of pollers, which keeps the logon session awake.
func (c *Client) polling() drkit.PollingOption {
	schedule := c.transport.Schedule()
	if schedule.MaxInterval > longestPause {
		schedule.MaxInterval = longestPause
		schedule.MinInterval = min(schedule.MinInterval, longestPause)
	}
	return drkit.WithPolling(drkit.PollPolicy(schedule))
}

// follow looks at the task of an operation as long as its logon session lasts.
type follow struct {
	client      *Client
	operation   string // as in "FailoverPlans.Start"
	operationID string

	mu       sync.Mutex
	task     taskKey   // its id is empty where there is no task to look at any more
	lost     time.Time // when the task was found to be gone; zero where it is not
	operated time.Time // when its work was first seen to be done, and not yet collected; zero before that
}

// Closed is closed with the client, which ends waits at once.
func (f *follow) Closed() <-chan struct{} { return f.client.transport.Closed() }

func (f *follow) current() taskKey {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.task
}

// named lets the requests of a look carry the operation ID of the work.
func (f *follow) named(ctx context.Context) context.Context {
	if f.operationID == "" {
		return ctx
	}
	return drkit.WithOperationID(ctx, f.operationID)
}

// look gets the task, if it is still there: it is gone with its logon session, and another may have one of that number.
func (f *follow) look(ctx context.Context) (task Task, there bool, err error) {
	key := f.current()
	if key.id == "" {
		return Task{}, false, nil
	}
	if f.client.logonName() != key.logon {
		f.lose(ctx, "its logon session has ended")
		return Task{}, false, nil
	}
	task, err = f.client.Tasks.Get(ctx, key.id)
	switch {
	case errors.Is(err, drkit.ErrNotFound):
		f.lose(ctx, "the service does not know it any more")
		return Task{}, false, nil
	case err != nil:
		return Task{}, false, err
	case f.client.logonName() != key.logon: // it has ended meanwhile, and another may have answered
		f.lose(ctx, "its logon session has ended")
		return Task{}, false, nil
	default:
		return task, true, nil
	}
}

// lose gives up the task, and says so.
func (f *follow) lose(ctx context.Context, why string) {
	f.mu.Lock()
	key := f.task
	f.task = taskKey{}
	if first := f.lost.IsZero() && key.id != ""; first {
		f.lost = time.Now()
	} else {
		key.id = ""
	}
	f.mu.Unlock()
	if key.id != "" {
		f.client.transport.Logger().LogAttrs(ctx, slog.LevelWarn, "the task is gone; the wait turns to what it has made",
			slog.String("operation", service+"."+f.operation), slog.String("operation_id", f.operationID),
			slog.String("task", key.id), slog.String("reason", why))
	}
}

// StateTaskGone is the state of work whose task is gone with its logon session, until what the task has made is found.
const StateTaskGone drkit.State = "TaskGone"

// shownLate is how long it may take until what nobody has a task of is shown: until the next collection of data, which
// comes every 15 minutes, has ended.
const shownLate = 20 * time.Minute

// grace is how long what is under way may not show yet.
func (f *follow) grace() time.Duration { return f.client.transport.Schedule().WithDefaults().Grace }

// overdue reports whether the work of a task is done, and Enterprise Manager has for some time not collected what came
// of it, so that the task does not end.
func (f *follow) overdue(task Task) bool {
	if task.State != TaskStateOperationFinished {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.operated.IsZero() {
		f.operated = time.Now()
	}
	return time.Since(f.operated) >= f.grace()
}

// searching is the look at work of which nothing is to be seen since its task is gone: for so long that is no wonder,
// since it may be under way, and is shown when it is done.
func searching[T any](f *follow, patience time.Duration, what string) (drkit.Look[T], error) {
	f.mu.Lock()
	if f.lost.IsZero() {
		f.lost = time.Now()
	}
	patient := time.Since(f.lost) < patience
	f.mu.Unlock()
	look := drkit.Look[T]{Progress: drkit.Progress{State: StateTaskGone}}
	if patient {
		return look, nil
	}
	return look, fmt.Errorf("the task is gone, and %s: %w", what, drkit.ErrNotFound)
}

// fail completes the error of work that has failed.
func (f *follow) fail(err error) error {
	var failed *drkit.TaskError
	if errors.As(err, &failed) {
		failed.TaskID, failed.Operation, failed.OperationID = f.current().id, service+"."+f.operation, f.operationID
		f.client.transport.ScrubTask(failed)
	}
	return err
}

// ended says what a task has come to: over is true where it has not ended well.
func ended[T any](task Task) (look drkit.Look[T], over bool, err error) {
	look.Progress = drkit.Progress{ID: task.TaskID, State: drkit.State(task.State)}
	switch {
	case !task.Ended():
		return look, true, nil
	case task.Result == nil:
		return look, true, fmt.Errorf("task %s has ended, and does not say how", transport.Plain(task.TaskID))
	default:
		look.Err = task.Err()
		look.Done = look.Err != nil
		return look, look.Done, nil
	}
}

// nothing is the outcome of what leaves nothing to get.
func nothing(_ context.Context, task Task) (drkit.Look[NoResult], error) {
	return drkit.Look[NoResult]{Progress: drkit.Progress{State: drkit.State(task.State), Percent: 100}, Done: true}, nil
}

// madeOf returns the outcome of what makes something, to which the task then has a link.
func madeOf[T any](kind string, get func(ctx context.Context, id string) (T, error)) outcome[T] {
	return func(ctx context.Context, task Task) (drkit.Look[T], error) {
		look := drkit.Look[T]{Progress: drkit.Progress{State: drkit.State(task.State), Percent: 100}, Done: true}
		id, err := related(task, kind)
		if err == nil {
			look.Result, err = get(ctx, id)
		}
		return look, err
	}
}

// related returns the id of what a task has made.
func related(task Task, kind string) (string, error) {
	link, found := task.Links.Find(RelRelated, kind)
	if !found || link.ID() == "" {
		return "", fmt.Errorf("task %s has ended well, and has no link to a %s", transport.Plain(task.TaskID), kind)
	}
	return link.ID(), nil
}
