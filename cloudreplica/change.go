package cloudreplica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// change is an operation that makes, changes or removes something. Where its answer is lost it is found again by its
// task, as long as the logon session lasts, and after that by what it leaves.
type change[T any] struct {
	call     transport.Call
	resource string     // of the changes of one resource one is sent at a time
	come     outcome[T] // of its task
	left     *trace[T]  // nil where nothing but the task tells
}

// trace is what a change leaves, as Enterprise Manager shows it once it has collected it.
type trace[T any] struct {
	// marks are what there is to see, such as ids.
	marks func(ctx context.Context) ([]string, error)
	// ran reports whether the marks prove that the change has been made, by whomever.
	ran func(before, now []string) bool
	// result is what has come of it then.
	result func(ctx context.Context, before, now []string) (T, error)
}

const markMember = "mark "

// begin sends the change, and returns the poller that follows it.
func (ch change[T]) begin(ctx context.Context, c *Client) (*drkit.Poller[T], error) {
	w := &traced{client: c, kind: ch.call.Operation.TaskOperation, resource: ch.resource}
	if ch.left != nil {
		w.more, w.ran = ch.left.note, ch.left.settle
	}
	work := w.work(func(_ context.Context, own ownTasks) ([]transport.Job, error) { return taskJobs(own, false), nil })
	operation := ch.call.Operation.Name
	return beginTraced(ctx, w, ch.call, work, tracedPollers[T]{
		follow: func(f *follow, note *transport.Note) drkit.Source[T] {
			s := &changeSource[T]{follow: f, change: ch}
			if note != nil {
				s.before = marksIn(note.State)
			}
			return s
		},
		adopt: func(operationID string, found transport.Found, alone func(context.Context) error) drkit.Source[T] {
			f := &follow{client: c, operation: operation, operationID: operationID}
			if found.Job != "" {
				f.task = keyOf(found.Job)
				c.claims.claim(f.task, w.resource)
			}
			return &changeSource[T]{follow: f, change: ch, before: marksIn(found.Before), alone: alone}
		},
	})
}

// note adds the marks to the state of the resource.
func (l *trace[T]) note(ctx context.Context, state transport.State) error {
	marks, err := l.marks(ctx)
	for _, mark := range marks {
		state[markMember+mark] = "there"
	}
	return err
}

// settle says what the marks prove. While the logon session lasts its tasks say it, and better: what has come without
// one is somebody else's.
func (l *trace[T]) settle(before, after transport.State) bool {
	lasts := before[logonMember] != "" && before[logonMember] == after[logonMember]
	return !lasts && l.ran(marksIn(before), marksIn(after))
}

// marksIn returns the marks in a state; none is not nil.
func marksIn(state transport.State) []string {
	marks := []string{}
	for member := range state {
		if mark, is := strings.CutPrefix(member, markMember); is {
			marks = append(marks, mark)
		}
	}
	return marks
}

// changeSource follows a change: its task, and what it leaves where the task is gone.
type changeSource[T any] struct {
	*follow
	change change[T]
	before []string // the marks that were there; nil where nobody has noted them
	alone  func(context.Context) error
}

// ID returns the id of the task, or names what is changed where there is none.
func (s *changeSource[T]) ID() string {
	if task := s.current(); task.id != "" {
		return task.id
	}
	return s.change.resource
}

// Adopted reports whether the answer was lost, and the work found.
func (s *changeSource[T]) Adopted() bool { return s.alone != nil }

// Look looks at the task, or at what the change has left.
func (s *changeSource[T]) Look(ctx context.Context) (drkit.Look[T], error) {
	ctx = s.named(ctx)
	look, err := s.atTask(ctx)
	if err == nil && look.Done && s.alone != nil {
		if err := s.alone(ctx); errors.Is(err, drkit.ErrConflict) {
			look.Err = err
		} else if err != nil {
			return drkit.Look[T]{}, err
		}
	}
	look.Err = s.fail(look.Err)
	return look, err
}

func (s *changeSource[T]) atTask(ctx context.Context) (drkit.Look[T], error) {
	task, there, err := s.look(ctx)
	if err != nil {
		return drkit.Look[T]{}, err
	}
	if !there {
		return s.atMarks(ctx)
	}
	look, over, err := ended[T](task)
	switch {
	case err != nil || over && !s.overdue(task):
		return look, err
	case over:
		return s.uncollected(ctx, task, look)
	default:
		look, err = s.change.come(ctx, task)
		look.Progress.ID = task.TaskID
		return look, err
	}
}

// uncollected looks at a change that is made, and of which Enterprise Manager has not heard for some time: what it has
// left shows with the next collection of data; where nothing but the task tells, the task has told.
func (s *changeSource[T]) uncollected(ctx context.Context, task Task, look drkit.Look[T]) (drkit.Look[T], error) {
	left := s.change.left
	switch {
	case task.Result == nil:
		return look, nil
	case !task.Result.Success:
		task.State = TaskStateFinished // it is not going to be better
		look.Done, look.Err = true, task.Err()
		return look, nil
	case left == nil:
		come, err := s.change.come(ctx, task)
		come.Progress.ID = task.TaskID
		return come, err
	case s.before == nil:
		return look, nil
	}
	now, err := left.marks(ctx)
	if err != nil || !left.ran(s.before, now) {
		return look, err
	}
	look.Done = true
	look.Result, err = left.result(ctx, s.before, now)
	return look, err
}

// atMarks looks at what the change has left: its task is gone.
func (s *changeSource[T]) atMarks(ctx context.Context) (drkit.Look[T], error) {
	left := s.change.left
	if left == nil || s.before == nil {
		return drkit.Look[T]{}, fmt.Errorf("the task is gone with its logon session, and what has come of it is not known: %w", drkit.ErrTaskGone)
	}
	now, err := left.marks(ctx)
	if err != nil {
		return drkit.Look[T]{}, err
	}
	if !left.ran(s.before, now) {
		return searching[T](s.follow, max(s.grace(), shownLate), s.change.resource+" does not show what it has left")
	}
	look := drkit.Look[T]{Progress: drkit.Progress{ID: s.ID(), State: drkit.StateSucceeded, Percent: 100}, Done: true}
	look.Result, err = left.result(ctx, s.before, now)
	return look, err
}

// makes is the trace of a change that makes one of what ids lists, and get returns what it has made.
func makes[T any](ids func(ctx context.Context) ([]string, error), get func(ctx context.Context, id string) (T, error)) *trace[T] {
	fresh := func(before, now []string) []string {
		return slices.DeleteFunc(slices.Clone(now), func(id string) bool { return slices.Contains(before, id) })
	}
	return &trace[T]{
		marks: ids,
		ran:   func(before, now []string) bool { return len(fresh(before, now)) == 1 },
		result: func(ctx context.Context, before, now []string) (T, error) {
			return get(ctx, fresh(before, now)[0])
		},
	}
}

// removes is the trace of a change that removes what find finds.
func removes(find func(ctx context.Context) error) *trace[NoResult] {
	return &trace[NoResult]{
		marks: func(ctx context.Context) ([]string, error) {
			switch err := find(ctx); {
			case errors.Is(err, drkit.ErrNotFound):
				return nil, nil
			case err != nil:
				return nil, err
			default:
				return []string{"it"}, nil
			}
		},
		ran:    func(before, now []string) bool { return len(before) > 0 && len(now) == 0 },
		result: noResult,
	}
}

func noResult(context.Context, []string, []string) (NoResult, error) { return NoResult{}, nil }

// none is what comes of what is made where the service does not link to it.
func none(context.Context, string) (NoResult, error) { return NoResult{}, nil }

// idsOf lists the ids of what fits.
func idsOf[T any](all []T, err error, id func(*T) string, fits func(*T) bool) ([]string, error) {
	var ids []string
	for i := range all {
		if fits(&all[i]) {
			ids = append(ids, id(&all[i]))
		}
	}
	return ids, err
}
