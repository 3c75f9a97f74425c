package checkpoints

import (
	"context"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// synchronizing is a hybrid vault that is being synchronized: the answer names the task that does it.
type synchronizing struct {
	client *Client
	vault  string
	task   string
}

func (s *synchronizing) name() string {
	return "the synchronization of vault " + transport.Plain(s.vault)
}

func (s *synchronizing) subject(context.Context) (subject, error) {
	return subject{Vault: s.vault, Task: s.task}, nil
}

func (s *synchronizing) see(ctx context.Context) (drkit.Look[Task], error) {
	task, err := s.client.Tasks.Get(ctx, s.task)
	return task.look(), err
}

// look is what a poller shows of a task that is all of the work.
func (t Task) look() drkit.Look[Task] {
	return drkit.Look[Task]{
		Progress: progressOf(t.Status, t.ExtraInfo.Common.Progress), Done: t.Ended(), Result: t, Err: t.Err(),
	}
}

// work is how a synchronization is noted, and found where its answer was lost. Whoever has begun it, it is that of the
// vault.
func (s *synchronizing) work() *transport.Work {
	return &transport.Work{
		Resource: s.name(),
		Jobs: func(ctx context.Context) ([]transport.Job, error) {
			tasks, err := s.client.tasks(ctx, TaskQuery{VaultID: s.vault, OperationType: TaskTypeSync}, strictly)
			var jobs []transport.Job
			for _, task := range tasks {
				if task.OperationType == TaskTypeSync && task.VaultID == s.vault {
					jobs = append(jobs, task.job())
				}
			}
			return jobs, err
		},
		State: nothingElse, Settle: asTheListsSay,
	}
}

// job is a task as notes and looks have it.
func (t Task) job() transport.Job {
	return transport.Job{ID: t.ID, Started: t.CreatedAt.Time, Ended: t.Ended(), End: t.EndedAt.Time}
}
