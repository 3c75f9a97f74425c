package cloudreplica

import (
	"context"
	"fmt"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Tasks are the work in the background of this client's session. They are gone with it.
type Tasks struct{ client *Client }

// List returns the tasks of the session. It is safe to repeat.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /tasks".
func (t *Tasks) List(ctx context.Context) ([]Task, error) {
	return listOf(ctx, t.client, transport.Call{Operation: &contract.TasksList}, taskID)
}

// Get returns a task of the session. Numbers of tasks begin anew in each session, so that the call does not go on in
// another where its own has ended. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if the session has no such task, which is how the task of a session that has ended
// looks.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /tasks/{ID}".
func (t *Tasks) Get(ctx context.Context, id string) (Task, error) {
	call := transport.Call{Operation: &contract.TasksGet, Path: []string{id}, Admit: t.sameSession(id)}
	return getOf(ctx, t.client, call, id, taskID)
}

// sameSession refuses to ask for a task in another logon session than the one there is now.
func (t *Tasks) sameSession(id string) func() error {
	logon := t.client.logonName()
	return func() error {
		if t.client.logonName() != logon {
			return fmt.Errorf("task %s is gone with its logon session: %w", transport.Plain(id), drkit.ErrNotFound)
		}
		return nil
	}
}

func taskID(task *Task) string { return task.TaskID }

// Delete removes a task, and stops what it does: it is no way to clean up after a failover that still begins. Like Get
// it does not go on in another session, where the number may be that of other work. It is safe to repeat.
//
// Errors: as those of Get.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /tasks/{ID}".
func (t *Tasks) Delete(ctx context.Context, id string) error {
	return t.client.do(ctx, transport.Call{Operation: &contract.TasksDelete, Path: []string{id}, Admit: t.sameSession(id)}, nil)
}

// Ended reports whether the task has run to its end, well or badly, and Enterprise Manager has collected what has come
// of it. A state that drkit does not know counts as not ended.
func (t Task) Ended() bool { return t.State == TaskStateFinished }

// Err returns why a task failed, as a [*drkit.TaskError], and nil for any other.
func (t Task) Err() error {
	if !t.Ended() || t.Result == nil || t.Result.Success {
		return nil
	}
	return &drkit.TaskError{TaskID: t.TaskID, Type: t.Operation, Message: t.Result.Message}
}
