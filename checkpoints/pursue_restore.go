package checkpoints

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/internal/watch"
)

// restoring is a backup that is being put back.
type restoring struct {
	client *Client
	backup string
	target string // the server, disk or file system; empty if that is not known

	mu     sync.Mutex
	task   string          // empty until it is known
	before map[string]bool // tasks that were there before; nil where nobody has noted them
}

func (r *restoring) name() string { return "the restoration of backup " + transport.Plain(r.backup) }

func (r *restoring) subject(context.Context) (subject, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	about := subject{ID: r.backup, Target: r.target, Task: r.task, Unnoted: r.before == nil}
	for id := range r.before {
		if r.task == "" {
			about.Before = append(about.Before, id)
		}
	}
	slices.Sort(about.Before)
	return about, nil
}

// see looks at the task by itself, or, where it is not known yet, among all restorations.
func (r *restoring) see(ctx context.Context) (drkit.Look[Task], error) {
	r.mu.Lock()
	known := r.task != ""
	r.mu.Unlock()
	if known {
		return r.judge(ctx, nil)
	}
	tasks, err := r.client.restorations(ctx)
	if err != nil {
		return drkit.Look[Task]{}, err
	}
	return r.judge(ctx, tasks)
}

// judge says how far the task is. One that is not among those that were read is asked for by itself.
func (r *restoring) judge(ctx context.Context, among []Task) (drkit.Look[Task], error) {
	id := r.identify(among)
	if id == "" {
		return drkit.Look[Task]{}, fmt.Errorf("no task of %s is to be seen yet: %w", r.name(), drkit.ErrNotFound)
	}
	i := slices.IndexFunc(among, func(task Task) bool { return task.ID == id })
	if i < 0 {
		task, err := r.client.Tasks.Get(ctx, id)
		return task.look(), err
	}
	return among[i].look(), nil
}

// identify returns the id of the task: the newest that puts this backup back there and was not there before.
func (r *restoring) identify(among []Task) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.task != "" {
		return r.task
	}
	if r.before == nil {
		r.before = map[string]bool{}
		for _, task := range among {
			if task.Ended() {
				r.before[task.ID] = true
			}
		}
	}
	var newest Task
	for _, task := range among {
		if r.isOf(task) && !r.before[task.ID] && (newest.ID == "" || task.CreatedAt.After(newest.CreatedAt.Time)) {
			newest = task
		}
	}
	r.task = newest.ID
	return r.task
}

// isOf reports whether a task puts this backup back there.
func (r *restoring) isOf(task Task) bool {
	about := task.ExtraInfo.Restore
	return task.OperationType == TaskTypeRestore && about != nil && about.BackupID == r.backup &&
		(r.target == "" || about.TargetResourceID == "" || about.TargetResourceID == r.target)
}

func (r *restoring) watch(born time.Time, complete completion[Task]) watch.Watch[drkit.Look[Task]] {
	changed, last, stop := r.client.restoreBatch().Watch(taskwait.Item{ID: "all"}, born)
	return watch.Watch[drkit.Look[Task]]{Changed: changed, Stop: stop, Last: func(ctx context.Context) (drkit.Look[Task], error) {
		tasks, err := last()
		if err != nil {
			return complete(ctx, drkit.Look[Task]{}, err)
		}
		look, err := r.judge(ctx, tasks)
		return complete(ctx, look, err)
	}}
}

// restorations are the tasks of all restorations in the project.
func (c *Client) restorations(ctx context.Context) ([]Task, error) {
	return c.tasks(ctx, TaskQuery{OperationType: TaskTypeRestore}, leniently)
}

// restoreBatch returns what looks at restorations for all waits of the client.
func (c *Client) restoreBatch() *taskwait.Batch[[]Task] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.restoreLooks == nil {
		c.restoreLooks = taskwait.New(taskwait.Config[[]Task]{
			One:     func(ctx context.Context, _ taskwait.Item) ([]Task, error) { return c.restorations(ctx) },
			Polling: c.oneByOne(), Logger: c.transport.Logger(),
		})
	}
	return c.restoreLooks
}

// work is how a restoration is noted, and found where its answer was lost.
func (r *restoring) work() *transport.Work {
	at := "backup " + transport.Plain(r.backup)
	if r.target != "" {
		at += " on " + transport.Plain(r.target)
	}
	return &transport.Work{
		Resource: at,
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			tasks, err := r.client.tasks(ctx, TaskQuery{OperationType: TaskTypeRestore}, strictly)
			var jobs []transport.Job
			for _, task := range tasks {
				if r.isOf(task) {
					jobs = append(jobs, task.job())
				}
			}
			return jobs, err
		},
		State: func(ctx context.Context) (transport.State, error) {
			backup, err := r.client.Backups.Get(ctx, r.backup)
			return transport.State{"status": string(backup.Status), "updated": backup.UpdatedAt.String()}, err
		},
		Settle: asTheListsSay,
	}
}

// noted takes over what there was before.
func (r *restoring) noted(note *transport.Note) {
	if note == nil {
		return
	}
	r.before = map[string]bool{}
	for _, id := range note.Jobs {
		r.before[id] = true
	}
}
