package drkit_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// service is what the three shapes of sources ask: a table of answers, one after the other for each thing
// that can be asked for. The last one stays.
type service struct {
	mu      sync.Mutex
	answers map[string][]reply
	asked   []string
}

// A reply is what the service says of one thing.
type reply struct {
	state   string
	percent int
	text    string // what came of it, why it failed, or what to watch next
}

func (s *service) get(ctx context.Context, what string) (reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, what)
	replies := s.answers[what]
	if len(replies) == 0 {
		return reply{}, drkit.ErrNotFound
	}
	if len(replies) > 1 {
		s.answers[what] = replies[1:]
	}
	return replies[0], ctx.Err()
}

// oneTask is the first shape: one id that names the work from beginning to end.
type oneTask struct {
	*service
	id string
}

func (t oneTask) ID() string { return t.id }

func (t oneTask) Look(ctx context.Context) (drkit.Look[string], error) {
	got, err := t.get(ctx, t.id)
	look := drkit.Look[string]{
		Progress: drkit.Progress{ID: t.id, State: drkit.State(got.state), Percent: got.percent},
	}
	switch look.Progress.State {
	case drkit.StateSucceeded:
		look.Done, look.Result = true, got.text
	case drkit.StateFailed:
		look.Done, look.Err = true, &drkit.TaskError{TaskID: t.id, Code: got.text}
	default: // also a state that nobody has heard of
	}
	return look, err
}

// taskThenSession is the second shape: a task whose end names a session, which is the real work.
type taskThenSession struct {
	*service
	task string

	mu      *sync.Mutex
	session *string // empty until the task has ended
}

func (s taskThenSession) ID() string { return s.task }

func (s taskThenSession) Look(ctx context.Context) (drkit.Look[string], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if *s.session != "" {
		return s.lookAtSession(ctx)
	}
	look, err := oneTask{s.service, s.task}.Look(ctx)
	if look.Done && look.Err == nil {
		*s.session = look.Result
		look = drkit.Look[string]{Progress: drkit.Progress{ID: s.task, State: drkit.StateRunning, Percent: 50}}
	}
	return look, err
}

func (s taskThenSession) lookAtSession(ctx context.Context) (drkit.Look[string], error) {
	got, err := s.get(ctx, *s.session)
	look := drkit.Look[string]{
		Progress: drkit.Progress{ID: s.task, State: drkit.State(got.state), Percent: 50 + got.percent/2},
	}
	switch got.state {
	case "Success", "Warning":
		look.Done, look.Result = true, got.text
	case "Failed":
		look.Done, look.Err = true, &drkit.TaskError{TaskID: *s.session, Code: got.text}
	}
	return look, err
}

// snapshot is the third shape: no id at all, but a state that settles.
type snapshot struct{ *service }

func (snapshot) ID() string { return "replication of vm-7" }

func (s snapshot) Look(ctx context.Context) (drkit.Look[string], error) {
	got, err := s.get(ctx, "vm-7")
	look := drkit.Look[string]{Progress: drkit.Progress{State: drkit.State(got.state)}}
	switch got.state {
	case "idle":
		look.Done, look.Result = true, got.text
	case "error":
		look.Done, look.Err = true, &drkit.TaskError{ResourceID: "vm-7", Code: got.text}
	}
	return look, err
}

// shape is one way in which one of the sources ends.
type shape struct {
	source  func(*service) drkit.Source[string]
	answers map[string][]reply
	id      string
	asked   string
	states  string
	result  string
	failure string // code of the TaskError
}

func asOneTask(s *service) drkit.Source[string] { return oneTask{s, "task-1"} }

func asTaskThenSession(s *service) drkit.Source[string] {
	return taskThenSession{s, "task-2", &sync.Mutex{}, new(string)}
}

func asSnapshot(s *service) drkit.Source[string] { return snapshot{s} }

func shapes() map[string]shape {
	return map[string]shape{
		"one task succeeds": {
			source: asOneTask,
			answers: map[string][]reply{"task-1": {
				{state: "QUEUED"}, {state: "RUNNING", percent: 40}, {state: "SUCCEEDED", percent: 100, text: "vm-recovered"},
			}},
			id: "task-1", asked: "task-1 task-1 task-1", states: "QUEUED RUNNING SUCCEEDED", result: "vm-recovered",
		},
		"one task fails": {
			source:  asOneTask,
			answers: map[string][]reply{"task-1": {{state: "RUNNING"}, {state: "FAILED", text: "NoSpace"}}},
			id:      "task-1", asked: "task-1 task-1", states: "RUNNING FAILED", failure: "NoSpace",
		},
		"a state that nobody has heard of is not the end": {
			source: asOneTask,
			answers: map[string][]reply{"task-1": {
				{state: "HIBERNATING"}, {state: "DONE"}, {state: ""}, {state: "succeeded"}, {state: "SUCCEEDED", text: "awake"},
			}},
			id: "task-1", asked: "task-1 task-1 task-1 task-1 task-1", states: "HIBERNATING DONE  succeeded SUCCEEDED",
			result: "awake",
		},
		"a task leads to a session that succeeds": {
			source: asTaskThenSession,
			answers: map[string][]reply{
				"task-2":    {{state: "RUNNING", percent: 10}, {state: "SUCCEEDED", text: "session-9"}},
				"session-9": {{state: "Working", percent: 60}, {state: "Warning", percent: 100, text: "restored"}},
			},
			id: "task-2", asked: "task-2 task-2 session-9 session-9", states: "RUNNING RUNNING Working Warning",
			result: "restored",
		},
		"a task leads to a session that fails": {
			source: asTaskThenSession,
			answers: map[string][]reply{
				"task-2": {{state: "SUCCEEDED", text: "session-9"}}, "session-9": {{state: "Failed", text: "NoRoute"}},
			},
			id: "task-2", asked: "task-2 session-9", states: "RUNNING Failed", failure: "NoRoute",
		},
		"a task fails before it leads anywhere": {
			source:  asTaskThenSession,
			answers: map[string][]reply{"task-2": {{state: "FAILED", text: "Refused"}}},
			id:      "task-2", asked: "task-2", states: "FAILED", failure: "Refused",
		},
		"a snapshot settles": {
			source:  asSnapshot,
			answers: map[string][]reply{"vm-7": {{state: "syncing"}, {state: "syncing"}, {state: "idle", text: "in sync"}}},
			id:      "replication of vm-7", asked: "vm-7 vm-7 vm-7", states: "syncing syncing idle", result: "in sync",
		},
		"a snapshot settles badly": {
			source:  asSnapshot,
			answers: map[string][]reply{"vm-7": {{state: "syncing"}, {state: "error", text: "DiskGone"}}},
			id:      "replication of vm-7", asked: "vm-7 vm-7", states: "syncing error", failure: "DiskGone",
		},
	}
}

func TestPollerWaitOnEveryShape(t *testing.T) {
	t.Parallel()
	for name, tc := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				service := &service{answers: tc.answers}
				poller := drkit.NewPoller(tc.source(service))
				var states []string
				result, err := poller.Wait(t.Context(), drkit.OnProgress(func(progress drkit.Progress) {
					states = append(states, string(progress.State))
					assert.Equal(t, tc.id, progress.ID)
				}))
				tc.check(t, result, err)
				again, err := poller.Result()
				tc.check(t, again, err)
				assert.True(t, poller.Done())
				assert.Equal(t, tc.states, strings.Join(states, " "))
				assert.Equal(t, tc.asked, strings.Join(service.asked, " "))
			})
		})
	}
}

func (tc shape) check(t *testing.T, result string, err error) {
	t.Helper()
	assert.Equal(t, tc.result, result)
	if tc.failure == "" {
		require.NoError(t, err)
		return
	}
	var failure *drkit.TaskError
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, tc.failure, failure.Code)
}

func TestPollerPollOnEveryShape(t *testing.T) {
	t.Parallel()
	for name, tc := range shapes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := &service{answers: tc.answers}
			poller := drkit.NewPoller(tc.source(service))
			assert.Equal(t, tc.id, poller.ID())
			assert.Equal(t, drkit.Progress{ID: tc.id}, poller.Progress(), "before the first look")
			assert.Empty(t, service.asked, "NewPoller asks nothing")
			states := strings.Split(tc.states, " ")
			for i, state := range states {
				assert.False(t, poller.Done())
				_, err := poller.Result()
				require.ErrorIs(t, err, drkit.ErrNotDone)
				require.ErrorContains(t, err, tc.id)

				progress, err := poller.Poll(t.Context())
				require.NoError(t, err, "work that failed is not a look that failed")
				assert.Equal(t, drkit.State(state), progress.State)
				assert.Equal(t, tc.id, progress.ID, "also where the look names none")
				assert.Equal(t, progress, poller.Progress())
				assert.Len(t, service.asked, i+1, "one Poll is one look")
			}
			assert.True(t, poller.Done())
			result, err := poller.Result()
			tc.check(t, result, err)

			last := poller.Progress()
			progress, err := poller.Poll(t.Context())
			require.NoError(t, err)
			assert.Equal(t, last, progress)
			result, err = poller.Wait(t.Context())
			tc.check(t, result, err)
			assert.Len(t, service.asked, len(states), "nothing is asked after the end")
		})
	}
}
