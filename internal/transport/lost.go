package transport

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

// Work is how a service finds out what became of an operation that must not repeat. Without it the operation
// is sent all the same, and an answer that is lost stays lost.
type Work struct {
	// Resource names what the operation works on. Of the operations on one resource one is sent at a time.
	Resource string
	// Jobs returns all tasks that may be of this operation, whatever their state.
	Jobs func(ctx context.Context) ([]Job, error)
	// State returns what there is to see of the operation at the resource itself, and Settle compares that
	// before and after. Both are nil where the resource proves nothing.
	State  func(ctx context.Context) (State, error)
	Settle func(before, after State) Verdict
	// Poller returns the *drkit.Poller of what was found. alone makes sure that a task which was adopted is
	// still the only one that may be of the operation.
	Poller func(found Found, alone func(context.Context) error) any
}

// Job is a task, or what else an operation leaves behind for sure.
type Job struct {
	ID      string
	Started time.Time // by the service's clock; zero if it does not say
	Ended   bool
	End     time.Time // as Started
	Unsure  bool      // whether it is of this operation shows only at its end
	Other   bool      // it may be of another kind of operation, which leaves the resource as this one does
	Veto    string    // why it cannot be of this operation although it looks so; empty if nothing speaks against it
}

// State is a resource, as far as an operation changes it.
type State map[string]string

// Verdict is what a resource proves.
type Verdict int

// The verdicts. The zero Verdict proves nothing.
const (
	Unclear   Verdict = iota
	Ran               // the resource is as the operation leaves it, and was not before
	Untouched         // the resource is as it was before
)

// Note is what there was immediately before an operation was sent.
type Note struct {
	Jobs   []string  // ids
	Newest time.Time // start of the newest job; zero if there was none
	Busy   []Job     // those that were under way
	State  State
}

// Found is what a look has brought.
type Found struct {
	Job           string // the one task that came of the operation; empty where the resource proves that it ran
	Before, After State  // of the resource, where it is the proof
}

// lost is an operation whose outcome is unknown, and what is needed to look for it.
type lost struct {
	client   *Client
	work     *Work
	body     []byte
	note     Note
	since    time.Time                 // the answer was given up
	told     drkit.OutcomeUnknownError // what the caller was told first; errors that are handed out are copies
	resource *resource

	discarded atomic.Bool
	found     *Found // nil until it was found; under the turn of the resource

	mu         sync.Mutex
	candidates []string // of the last look
}

// same reports whether another call asks for the very same.
func (l *lost) same(x *exchange) bool {
	return l.told.Operation == x.name && l.told.Path == x.path && l.told.Site == x.call.Site && bytes.Equal(l.body, x.body)
}

// notSentError is a reason why an operation was not sent, found out immediately before.
type notSentError struct{ err error }

func (e *notSentError) Error() string { return e.err.Error() }
func (e *notSentError) Unwrap() error { return e.err }

// takeNote reads what there is before an attempt. It refuses to send what is under way already, and what could
// not be found again.
func (x *exchange) takeNote(ctx context.Context) error {
	ctx = drkit.WithOperationID(unobserved(ctx), x.id)
	jobs, err := x.call.Work.Jobs(ctx)
	if err != nil {
		return &notSentError{fmt.Errorf("not sent, because the tasks of %s cannot be read before: %w", x.call.Work.Resource, err)}
	}
	note := Note{Jobs: make([]string, len(jobs))}
	for i, job := range jobs {
		if !job.Ended && !job.Unsure && !job.Other {
			conflict := x.newError()
			conflict.Kind = drkit.ErrConflict
			conflict.Message = fmt.Sprintf("not sent, because task %s does the same on %s already", job.ID, x.call.Work.Resource)
			return &notSentError{conflict}
		}
		note.Jobs[i] = job.ID
		if job.Started.After(note.Newest) {
			note.Newest = job.Started
		}
		if !job.Ended {
			note.Busy = append(note.Busy, job)
		}
	}
	if x.call.Work.State != nil {
		if note.State, err = x.call.Work.State(ctx); err != nil {
			return &notSentError{fmt.Errorf("not sent, because %s cannot be read before: %w", x.call.Work.Resource, err)}
		}
	}
	x.note = &note
	return nil
}

// unobserved keeps what a look asks for from who observes the call.
func unobserved(ctx context.Context) context.Context {
	return context.WithValue(ctx, settings.ObserverKey{}, nil)
}

// watched sends a call that leaves a trace, one at a time for each resource, and looks for it where its answer
// is lost. What is still unknown of an earlier one is looked for first.
func (c *Client) watched(ctx context.Context, x *exchange, out any) (Answer, error) {
	resource, err := c.resources.enter(ctx, c.life.Done(), x.call.Work.Resource)
	if err != nil {
		return Answer{}, x.refuse(err)
	}
	defer resource.leave()
	if before := resource.lost; before != nil && !before.discarded.Load() {
		err := before.settle(ctx)
		switch same := before.same(x); {
		case err != nil && same:
			return Answer{}, err
		case err != nil:
			return Answer{}, x.refuse(fmt.Errorf("not sent: %w", err))
		case same:
			return Answer{Poller: before.poller()}, nil
		}
	}
	resource.lost = nil
	answer, err := c.send(ctx, x, out)
	var unknown *drkit.OutcomeUnknownError
	if !errors.As(err, &unknown) || x.note == nil {
		return answer, err
	}
	l := x.newLost(*unknown, resource)
	resource.lost = l
	switch ended := c.ended(ctx); {
	case ended == nil:
		err = l.search(ctx)
	case errors.Is(unknown, cmp.Or(ctx.Err(), drkit.ErrClosed)):
		err = l.unknown(nil)
	default:
		err = l.unknown(ended)
	}
	if err != nil {
		return Answer{}, err
	}
	return Answer{Poller: l.poller()}, nil
}

// newLost describes an operation whose outcome is unknown.
func (x *exchange) newLost(unknown drkit.OutcomeUnknownError, at *resource) *lost {
	l := &lost{
		client: x.client, work: x.call.Work, body: x.body, note: *x.note, since: time.Now(), told: unknown, resource: at,
	}
	l.told.Resource, l.told.Lost = at.name, l
	return l
}

// Recover looks again, until the operation is found or the grace has passed, and returns its poller.
func (l *lost) Recover(ctx context.Context) (any, error) {
	if err := l.client.enter(false); err != nil {
		return nil, l.unknown(err)
	}
	defer l.client.leave()
	resource, err := l.client.resources.enter(ctx, l.client.life.Done(), l.resource.name)
	if err != nil {
		return nil, l.unknown(err)
	}
	defer resource.leave()
	switch {
	case l.found != nil:
		return l.poller(), nil
	case l.discarded.Load():
		return nil, l.unknown(errors.New("it was discarded"))
	}
	if err := l.search(ctx); err != nil {
		return nil, err
	}
	return l.poller(), nil
}

// Discard lets the next operation on the resource be sent without a look for this one.
func (l *lost) Discard() {
	l.discarded.Store(true)
	l.resource.discard(l)
}

func (l *lost) poller() any {
	found := *l.found
	return l.work.Poller(found, func(ctx context.Context) error { return l.alone(ctx, found) })
}

// settle looks once, and returns what is known where that does not find the operation.
func (l *lost) settle(ctx context.Context) error {
	over, err := l.look(ctx)
	if over {
		return err
	}
	return l.unknown(err)
}

// search looks until the operation is found, until the grace has passed without a trace of it, or until the
// service has been away for too long. It returns what is known where it does not find the operation.
func (l *lost) search(ctx context.Context) error {
	polling := l.client.settings.Polling
	interval, failing := polling.MinInterval, time.Time{}
	for {
		over, err := l.look(ctx)
		switch {
		case over:
			return err
		case l.client.ended(ctx) != nil:
			return l.unknown(l.client.ended(ctx))
		case err == nil:
			failing = time.Time{}
		case endsLook(err):
			return l.unknown(err)
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) >= polling.MaxUnreachable:
			return l.unknown(err)
		}
		if err := l.client.sleep(ctx, interval); err != nil {
			return l.unknown(err)
		}
		interval = min(interval+interval/2, polling.MaxInterval)
	}
}

// endsLook reports whether another look cannot turn out better.
func endsLook(err error) bool {
	if errors.Is(err, drkit.ErrUnavailable) {
		return false
	}
	return errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrForbidden) || errors.Is(err, drkit.ErrClosed)
}

// look looks once. It is over where the operation was found, and, with what is known, where it cannot be told
// from others or where nothing of it is to be seen although the grace has passed.
func (l *lost) look(ctx context.Context) (over bool, err error) {
	ctx = drkit.WithOperationID(unobserved(ctx), l.told.OperationID)
	jobs, err := l.work.Jobs(ctx)
	if err != nil {
		return false, err
	}
	fresh := l.fresh(jobs)
	l.propose(fresh.doubtful)
	switch {
	case len(fresh.sure) == 1:
		l.keep(ctx, Found{Job: fresh.sure[0].ID})
		return true, nil
	case len(fresh.sure) > 1:
		l.propose(slices.Concat(ids(fresh.sure), fresh.doubtful))
		return true, l.unknown(fmt.Errorf("there are %d new tasks that may be it", len(fresh.sure)))
	case fresh.undecided, time.Since(l.since) < l.client.settings.Polling.Grace:
		return false, nil
	}
	return l.ask(ctx, jobs, fresh.doubtful)
}

// ask looks at the resource itself: no task is to be seen that is the operation's for sure.
func (l *lost) ask(ctx context.Context, jobs []Job, doubtful []string) (over bool, err error) {
	verdict, after := Unclear, State(nil)
	if l.work.State != nil {
		if after, err = l.work.State(ctx); err != nil {
			return false, err
		}
		verdict = l.work.Settle(l.note.State, after)
	}
	if verdict == Ran {
		doubtful = slices.Concat(doubtful, l.suspects(jobs))
		l.propose(doubtful)
	}
	if verdict == Ran && len(doubtful) == 0 {
		l.keep(ctx, Found{Before: l.note.State, After: after})
		return true, nil
	}
	unknown := l.unknown(nil)
	unknown.Untouched = verdict == Untouched && len(doubtful) == 0
	return true, unknown
}

// suspects are the tasks that may have left the resource as it is although they were under way before.
func (l *lost) suspects(jobs []Job) []string {
	var suspects []string
	for _, busy := range l.note.Busy {
		shown := slices.ContainsFunc(jobs, func(job Job) bool { return job.ID == busy.ID })
		if shown || busy.Other { // not one that has turned out to be about something else
			suspects = append(suspects, busy.ID+" (under way before it was sent)")
		}
	}
	return suspects
}

// keep settles the operation.
func (l *lost) keep(ctx context.Context, found Found) {
	l.found = &found
	l.resource.lost = nil
	l.client.settings.Logger.LogAttrs(ctx, slog.LevelWarn, "lost operation found",
		slog.String("operation", l.told.Operation), slog.String("operation_id", l.told.OperationID),
		slog.String("resource", l.work.Resource), slog.String("task", found.Job), slog.Bool("settled_by_resource", found.Job == ""))
}

// fresh are the tasks that the note does not hold.
type fresh struct {
	sure      []Job    // of the operation, as far as anybody can tell
	undecided bool     // there is one that may turn out to be
	doubtful  []string // all others, with the reason
}

func (l *lost) fresh(jobs []Job) fresh {
	noted := make(map[string]bool, len(l.note.Jobs))
	for _, id := range l.note.Jobs {
		noted[id] = true
	}
	var f fresh
	for _, job := range jobs {
		if noted[job.ID] {
			continue
		}
		doubt := job.Veto
		switch {
		case doubt != "":
		case !job.Started.IsZero() && job.Started.Before(l.note.Newest):
			doubt = "started before the operation was sent"
		case !job.Unsure:
			f.sure = append(f.sure, job)
			continue
		case job.Ended:
			doubt = "whose work it was does not show"
		default:
			doubt, f.undecided = "under way, and whose work it is shows at its end", true
		}
		f.doubtful = append(f.doubtful, job.ID+" ("+doubt+")")
	}
	return f
}

func ids(jobs []Job) []string {
	all := make([]string, len(jobs))
	for i, job := range jobs {
		all[i] = job.ID
	}
	return all
}

// propose keeps the candidates for the errors to come.
func (l *lost) propose(candidates []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.candidates = candidates
}

// unknown returns the error of the operation, with why the look for it has ended.
func (l *lost) unknown(reason error) *drkit.OutcomeUnknownError {
	e := l.told
	if reason != nil {
		e.Err = &lookError{lost: l.told.Err, look: reason}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Candidates = slices.Clone(l.candidates)
	return &e
}

// lookError is what came instead of an answer, and why the look for the operation has ended.
type lookError struct{ lost, look error }

func (e *lookError) Error() string {
	text := e.lost.Error()
	var answer *drkit.Error
	if errors.As(e.lost, &answer) { // without what the error around it says already
		short := *answer
		short.Operation, short.Method, short.Path, short.OperationID = "", "", "", ""
		text = short.Error()
	}
	return text + "; the look for it has ended in: " + e.look.Error()
}

func (e *lookError) Unwrap() []error { return []error{e.lost, e.look} }

// alone makes sure that the task which was found is all there is. A task that started after its end is of
// somebody who has seen that end.
func (l *lost) alone(ctx context.Context, found Found) error {
	jobs, err := l.work.Jobs(drkit.WithOperationID(unobserved(ctx), l.told.OperationID))
	if err != nil {
		return err
	}
	var end time.Time
	for _, job := range jobs {
		if job.ID == found.Job {
			end = job.End
		}
	}
	for _, other := range l.fresh(jobs).sure {
		later := !end.IsZero() && !other.Started.Before(end)
		if other.ID != found.Job && !later {
			return &drkit.Error{
				Operation: l.told.Operation, Method: l.told.Method, Path: l.told.Path, OperationID: l.told.OperationID,
				Kind:    drkit.ErrConflict,
				Message: "task " + found.Job + " was adopted for it, and then task " + other.ID + " came to light, which may be it as well",
			}
		}
	}
	return nil
}
