package cloudreplica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

const failoverSessionKind = "CloudFailoverSession"

// failoverSource follows a start or a test: its task, until that has begun a failover session, and then that to its
// end. Where the task is gone, the session is found among those of the plan that were not there before.
type failoverSource struct {
	*follow
	plan   *planned
	token  step.Token // that the work was resumed by; zero if it was not
	before []string   // the sessions that were there; nil where nobody has noted them
	alone  func(context.Context) error

	session string // under mu; empty until it is known
}

// ID names the session, or the task as long as there is none.
func (s *failoverSource) ID() string {
	if session := s.known(); session != "" {
		return session
	}
	if task := s.current(); task.id != "" {
		return task.id
	}
	return "failover plan " + s.plan.id
}

// Adopted reports whether the answer was lost, and the work found.
func (s *failoverSource) Adopted() bool { return s.alone != nil }

func (s *failoverSource) known() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.session
}

func (s *failoverSource) found(session string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = session
}

// Look looks at the task, or at the session.
func (s *failoverSource) Look(ctx context.Context) (drkit.Look[CloudFailoverSession], error) {
	ctx = s.named(ctx)
	if err := s.client.identity.Check(ctx, s.token); err != nil {
		return drkit.Look[CloudFailoverSession]{}, err
	}
	if s.known() == "" {
		if look, over, err := s.find(ctx); over || err != nil {
			look.Err = s.fail(look.Err)
			return look, err
		}
	}
	return s.atSession(ctx)
}

// find finds the session, and is over where there is none yet.
func (s *failoverSource) find(ctx context.Context) (look drkit.Look[CloudFailoverSession], over bool, err error) {
	task, there, err := s.look(ctx)
	if err != nil {
		return look, true, err
	}
	if there {
		return s.atTask(ctx, task)
	}
	if s.before == nil {
		return look, true, fmt.Errorf("the task is gone, and the sessions that were there before it were not noted: %w", drkit.ErrTaskGone)
	}
	fresh, err := s.fresh(ctx)
	switch {
	case err != nil:
		return look, true, err
	case len(fresh) == 0:
		look, err = searching[CloudFailoverSession](s.follow, max(s.grace(), shownLate), "the plan has no failover session that was not there before")
		return look, true, err
	case len(fresh) > 1:
		look.Done, look.Err = true, &drkit.TaskError{
			Kind: drkit.ErrConflict, ResourceID: s.plan.id,
			Message: "the task is gone, and each of the failover sessions " + strings.Join(fresh, " and ") + " may be its own",
		}
		return look, true, nil
	default:
		s.found(fresh[0])
		return look, false, nil
	}
}

// atTask finds the session to which the task leads, and is over where it leads to none yet. Where it ends without a
// link, or does not end although its work is done, the one session that was not there before is what it has begun.
func (s *failoverSource) atTask(ctx context.Context, task Task) (look drkit.Look[CloudFailoverSession], over bool, err error) {
	look, over, err = ended[CloudFailoverSession](task)
	if err != nil || look.Done || over && !s.overdue(task) {
		return look, over, err
	}
	session, unlinked := "", error(nil)
	if !over {
		session, unlinked = related(task, failoverSessionKind)
	}
	if session == "" && s.before != nil {
		fresh, err := s.fresh(ctx)
		if err != nil {
			return look, true, err
		}
		if len(fresh) == 1 {
			session, unlinked = fresh[0], nil
		}
	}
	s.found(session)
	return look, session == "", unlinked
}

// fresh lists the sessions of the plan that were not there before. A plan runs once at a time: where one has ended
// before all others began, these are of whoever came later.
func (s *failoverSource) fresh(ctx context.Context) ([]string, error) {
	facts, err := s.plan.facts(ctx)
	if err != nil {
		return nil, err
	}
	sessions, err := s.plan.sessions(ctx)
	sessions = slices.DeleteFunc(sessions, func(session CloudFailoverSession) bool {
		return slices.Contains(s.before, session.ID()) || facts.foreign(session)
	})
	slices.SortStableFunc(sessions, func(a, b CloudFailoverSession) int { return a.CreationTimeUTC.Compare(b.CreationTimeUTC.Time) })
	if len(sessions) > 1 && sessions[0].over(sessions[1].CreationTimeUTC) {
		sessions = sessions[:1]
	}
	var fresh []string
	for _, session := range sessions {
		fresh = append(fresh, session.ID())
	}
	return fresh, err
}

// over reports whether a session had ended at a moment, by the service's clock.
func (s CloudFailoverSession) over(at Time) bool {
	return s.Ended() && !s.EndTimeUTC.IsZero() && !at.Before(s.EndTimeUTC.Time)
}

// atSession looks at the session.
func (s *failoverSource) atSession(ctx context.Context) (drkit.Look[CloudFailoverSession], error) {
	session, err := s.client.FailoverSessions.Get(ctx, s.known())
	if err != nil {
		return drkit.Look[CloudFailoverSession]{}, err
	}
	look := drkit.Look[CloudFailoverSession]{
		Progress: drkit.Progress{ID: s.ID(), State: drkit.State(session.State), Percent: session.Progress},
		Done:     session.Ended(), Result: session,
	}
	if look.Done && session.Result != SessionResultSuccess && session.Result != SessionResultWarning {
		look.Err = session.Err() // also where the result is one that drkit does not know
	}
	if look.Done && s.alone != nil {
		if err := s.alone(ctx); errors.Is(err, drkit.ErrConflict) {
			look.Err = err
		} else if err != nil {
			return drkit.Look[CloudFailoverSession]{}, err
		}
	}
	look.Err = s.fail(look.Err)
	return look, nil
}

// Token returns what another process needs to go on looking.
func (s *failoverSource) Token(ctx context.Context) (step.Token, error) {
	if s.token != (step.Token{}) {
		return s.token, nil
	}
	left := resumable{Plan: s.plan.id, Session: s.known(), Task: s.current(), Before: s.before}
	var err error
	if left.Facts, err = s.plan.facts(ctx); err != nil {
		return step.Token{}, err
	}
	return s.client.sign(ctx, s.follow, left)
}

// failover sends a start or a test.
func (p *FailoverPlans) failover(ctx context.Context, call transport.Call, id string) (*drkit.Poller[CloudFailoverSession], error) {
	c := p.Collection.client
	plan := &planned{client: c, id: id}
	w := &traced{client: c, kind: call.Operation.TaskOperation, resource: planCalled(id)}
	operation := call.Operation.Name
	return beginTraced(ctx, w, call, plan.failoverWork(w), tracedPollers[CloudFailoverSession]{
		follow: func(f *follow, note *transport.Note) drkit.Source[CloudFailoverSession] {
			s := &failoverSource{follow: f, plan: plan}
			if note != nil {
				s.before = append([]string{}, note.Jobs...)
			}
			return s
		},
		adopt: func(operationID string, found transport.Found, alone func(context.Context) error) drkit.Source[CloudFailoverSession] {
			return &failoverSource{
				follow: &follow{client: c, operation: operation, operationID: operationID}, plan: plan, alone: alone, session: found.Job,
			}
		},
	})
}
