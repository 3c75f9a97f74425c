package cloudreplica

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

// collectSource follows a collection of data: its task, which ends when the collection has begun, and then the system
// sessions of collections that were not there before. A session does not say of which backup server it is, so that all
// of them have to end.
type collectSource struct {
	*follow
	server string
	token  step.Token // that the work was resumed by; zero if it was not
	alone  func(context.Context) error

	before []string // under mu: the sessions that were there; nil where nobody has noted them
	begun  []string // under mu: those that have begun since, once the task has ended
}

// ID names the task, or the backup server where there is none.
func (s *collectSource) ID() string {
	if task := s.current(); task.id != "" {
		return task.id
	}
	return "collection of backup server " + s.server
}

// Adopted reports whether the answer was lost, and the work found.
func (s *collectSource) Adopted() bool { return s.alone != nil }

// Look looks at the task, or at the sessions.
func (s *collectSource) Look(ctx context.Context) (drkit.Look[SystemSession], error) {
	ctx = s.named(ctx)
	if err := s.client.identity.Check(ctx, s.token); err != nil {
		return drkit.Look[SystemSession]{}, err
	}
	sessions, err := s.client.collections(ctx)
	if err != nil {
		return drkit.Look[SystemSession]{}, err
	}
	s.note(sessions)
	if len(s.following()) == 0 {
		task, there, err := s.look(ctx)
		if err != nil {
			return drkit.Look[SystemSession]{}, err
		}
		if there {
			look, over, err := ended[SystemSession](task)
			if look.Err = s.fail(look.Err); over || err != nil {
				return look, err
			}
		}
		if sessions, err = s.client.collections(ctx); err != nil { // the task was there before they are read
			return drkit.Look[SystemSession]{}, err
		}
		switch chosen := s.choose(sessions); {
		case !chosen && there:
			return drkit.Look[SystemSession]{}, fmt.Errorf("no collection has begun since: %w", drkit.ErrNotFound)
		case !chosen:
			return searching[SystemSession](s.follow, s.grace(), "no collection has begun since")
		}
	}
	return s.judge(sessions)
}

// note takes what has ended at the first look for what was there before, where nobody has noted it.
func (s *collectSource) note(sessions []SystemSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		return
	}
	s.before = []string{}
	for _, session := range sessions {
		if session.ended() {
			s.before = append(s.before, session.ID())
		}
	}
}

func (s *collectSource) following() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.begun
}

// choose finds the collections that have begun since, or else that which was under way: the service may have joined it.
func (s *collectSource) choose(sessions []SystemSession) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var running []string
	for _, session := range sessions {
		switch old := slices.Contains(s.before, session.ID()); {
		case !old:
			s.begun = append(s.begun, session.ID())
		case !session.ended():
			running = append(running, session.ID())
		}
	}
	if len(s.begun) == 0 {
		s.begun = running
	}
	return len(s.begun) > 0
}

// judge waits for all collections that may be the one, and returns that which has ended last.
func (s *collectSource) judge(sessions []SystemSession) (drkit.Look[SystemSession], error) {
	look := drkit.Look[SystemSession]{Progress: drkit.Progress{ID: s.ID(), State: drkit.StateRunning}}
	var last SystemSession
	ended, seen := true, 0
	for _, session := range sessions {
		if !slices.Contains(s.following(), session.ID()) {
			continue
		}
		seen++
		ended = ended && session.ended()
		if err := session.err(); err != nil {
			look.Err = s.fail(err)
		}
		if last.UID == "" || session.EndTimeUTC.After(last.EndTimeUTC.Time) {
			last = session
		}
	}
	if seen == 0 {
		return look, fmt.Errorf("the collection is not shown any more: %w", drkit.ErrNotFound)
	}
	look.Progress.State = drkit.State(last.State)
	if !ended {
		look.Err = nil
		return look, nil
	}
	look.Done, look.Result, look.Progress.Percent = true, last, 100
	return look, nil
}

// Token returns what another process needs to go on looking.
func (s *collectSource) Token(ctx context.Context) (step.Token, error) {
	if s.token != (step.Token{}) {
		return s.token, nil
	}
	left := resumable{Server: s.server, Task: s.current()}
	s.mu.Lock()
	left.Before = slices.Clone(s.before)
	s.mu.Unlock()
	return s.client.sign(ctx, s.follow, left)
}

// ended reports whether a session of Enterprise Manager has ended. A state that drkit does not know counts as not
// ended, unless there is a time.
func (s SystemSession) ended() bool {
	switch s.State {
	case SystemSessionStateSuccess, SystemSessionStateWarning, SystemSessionStateFailed:
		return true
	default:
		return !s.EndTimeUTC.IsZero()
	}
}

// err says why a session of Enterprise Manager has failed.
func (s SystemSession) err() error {
	if !s.ended() || s.State != SystemSessionStateFailed && (s.Result == nil || s.Result.Result != SessionResultFailed) {
		return nil
	}
	failed := &drkit.TaskError{Type: string(s.SessionType), ResourceID: s.ID(), ResourceName: s.Name}
	if s.Result != nil {
		failed.Message = s.Result.Message
	}
	return failed
}

// collections returns the sessions of Enterprise Manager in which it has collected data.
func (c *Client) collections(ctx context.Context) ([]SystemSession, error) {
	all, err := c.SystemSessions.List(ctx)
	return slices.DeleteFunc(all, func(s SystemSession) bool {
		return !strings.EqualFold(string(s.SessionType), string(SystemSessionTypeCollectJob))
	}), err
}

// Collect collects the data of a backup server, so that Enterprise Manager knows what there is now. The poller waits
// until that has ended; its result is the [SystemSession] of it. A session does not say of which server it is: where
// several begin at once, the poller waits for all. The request is sent at most once.
//
// Errors: [drkit.ErrNotFound] if there is no such server; [drkit.ErrOutcomeUnknown] if the answer was lost and nothing
// was found.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /backupServers/{ID}?action=collect".
func (b *BackupServers) Collect(ctx context.Context, id string) (*drkit.Poller[SystemSession], error) {
	c := b.Collection.client
	call := transport.Call{Operation: &contract.BackupServersCollect, Path: []string{id}}
	w := &traced{client: c, kind: call.Operation.TaskOperation, resource: "collection of backup server " + transport.Plain(id)}
	return beginTraced(ctx, w, call, c.collectWork(w), tracedPollers[SystemSession]{
		follow: func(f *follow, note *transport.Note) drkit.Source[SystemSession] {
			s := &collectSource{follow: f, server: id}
			if note != nil {
				s.before = append([]string{}, note.Jobs...)
			}
			return s
		},
		adopt: func(operationID string, found transport.Found, alone func(context.Context) error) drkit.Source[SystemSession] {
			f := &follow{client: c, operation: call.Operation.Name, operationID: operationID}
			return &collectSource{follow: f, server: id, alone: alone, before: []string{}, begun: []string{found.Job}}
		},
	})
}

func (c *Client) collectWork(w *traced) *transport.Work {
	return w.work(func(ctx context.Context, own ownTasks) ([]transport.Job, error) {
		jobs := taskJobs(own, true)
		sessions, err := c.collections(ctx)
		for _, session := range sessions {
			jobs = append(jobs, transport.Job{
				ID: session.ID(), Started: session.CreationTimeUTC.Time, Ended: session.ended(), End: session.EndTimeUTC.Time,
				Other: true, // whose it is does not show; whoever collects, the data are as new
			})
		}
		return jobs, err
	})
}
