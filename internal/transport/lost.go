package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
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
	Unsure  bool   // whether it is of this operation shows only at its end
	Veto    string // why it cannot be of this operation although it looks so; empty if nothing speaks against it
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
	id       string // operation ID
	name     string
	path     string
	site     string
	body     []byte
	note     Note
	since    time.Time // the answer was given up
	cause    error     // what came instead of an answer
	resource *resource

	discarded atomic.Bool

	// Under the turn of the resource.
	err   *drkit.OutcomeUnknownError // what the caller was told last
	found *Found                     // nil until it was found
}

// same reports whether another call asks for the very same.
func (l *lost) same(x *exchange) bool {
	return l.name == x.name && l.path == x.path && l.site == x.call.Site && bytes.Equal(l.body, x.body)
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
	for _, job := range jobs {
		if !job.Ended && !job.Unsure && job.Veto == "" {
			conflict := x.newError()
			conflict.Kind = drkit.ErrConflict
			conflict.Message = fmt.Sprintf("not sent, because task %s does the same on %s already", job.ID, x.call.Work.Resource)
			return &notSentError{conflict}
		}
	}
	note := Note{Jobs: make([]string, len(jobs))}
	for i, job := range jobs {
		note.Jobs[i] = job.ID
		if job.Started.After(note.Newest) {
			note.Newest = job.Started
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
	var err error
	if x.resource, err = c.resources.enter(ctx, x.call.Work.Resource); err != nil {
		return Answer{}, x.refuse(err)
	}
	defer x.resource.leave()
	if before := x.resource.lost; before != nil && !before.discarded.Load() {
		if err := before.settle(ctx); err != nil {
			return Answer{}, x.conclude(err)
		}
		if before.same(x) {
			return Answer{Poller: before.poller()}, nil
		}
	}
	x.resource.lost = nil
	answer, err := c.send(ctx, x, out)
	var unknown *drkit.OutcomeUnknownError
	if !errors.As(err, &unknown) || x.note == nil {
		return answer, err
	}
	l := x.newLost(unknown)
	x.resource.lost = l
	if c.ended(ctx) != nil {
		return Answer{}, l.err
	}
	if err := l.search(ctx); err != nil {
		return Answer{}, err
	}
	return Answer{Poller: l.poller()}, nil
}

// newLost describes an operation whose outcome is unknown.
func (x *exchange) newLost(unknown *drkit.OutcomeUnknownError) *lost {
	l := &lost{
		client: x.client, work: x.call.Work, id: x.id, name: x.name, path: x.path, site: x.call.Site, body: x.body,
		note: *x.note, since: time.Now(), cause: unknown.Err, resource: x.resource, err: unknown,
	}
	unknown.Resource, unknown.Lost = l.work.Resource, l
	return l
}

// Recover looks again, until the operation is found or the grace has passed, and returns its poller.
func (l *lost) Recover(ctx context.Context) (any, error) {
	if err := l.client.enter(false); err != nil {
		return nil, l.unknown(err)
	}
	defer l.client.leave()
	resource, err := l.client.resources.enter(ctx, l.resource.name)
	if err != nil {
		return nil, l.unknown(err)
	}
	defer resource.leave()
	switch {
	case l.found != nil:
		return l.poller(), nil
	case resource.lost != l:
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
	r := l.resource
	r.all.mu.Lock()
	defer r.all.mu.Unlock()
	if r.users == 0 && r.all.used[r.name] == r {
		delete(r.all.used, r.name)
	}
}

func (l *lost) poller() any {
	found := *l.found
	return l.work.Poller(found, func(ctx context.Context) error { return l.alone(ctx, found) })
}

// settle looks once, and returns what is known where that does not find the operation.
func (l *lost) settle(ctx context.Context) error {
	over, err := l.look(ctx)
	switch {
	case over:
		return err
	case err != nil:
		return l.unknown(err)
	default:
		return l.err
	}
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
	ctx = drkit.WithOperationID(unobserved(ctx), l.id)
	jobs, err := l.work.Jobs(ctx)
	if err != nil {
		return false, err
	}
	fresh := l.fresh(jobs)
	switch {
	case len(fresh.sure) == 1:
		l.keep(ctx, Found{Job: fresh.sure[0]})
		return true, nil
	case len(fresh.sure) > 1:
		l.err = l.unknown(fmt.Errorf("there are %d new tasks that may be it", len(fresh.sure)))
		l.err.Candidates = fresh.sure
		return true, l.err
	case fresh.undecided, time.Since(l.since) < l.client.settings.Polling.Grace:
		return false, nil
	}
	verdict, after, err := l.verdict(ctx)
	switch {
	case err != nil:
		return false, err
	case verdict == Ran && len(fresh.doubtful) == 0:
		l.keep(ctx, Found{Before: l.note.State, After: after})
		return true, nil
	}
	l.err = l.unknown(nil)
	l.err.Candidates, l.err.Untouched = fresh.doubtful, verdict == Untouched && len(fresh.doubtful) == 0
	return true, l.err
}

// verdict asks the resource itself.
func (l *lost) verdict(ctx context.Context) (Verdict, State, error) {
	if l.work.State == nil {
		return Unclear, nil, nil
	}
	after, err := l.work.State(ctx)
	if err != nil {
		return Unclear, nil, err
	}
	return l.work.Settle(l.note.State, after), after, nil
}

// keep settles the operation.
func (l *lost) keep(ctx context.Context, found Found) {
	l.found = &found
	l.resource.lost = nil
	l.client.settings.Logger.LogAttrs(ctx, slog.LevelWarn, "lost operation found",
		slog.String("operation", l.name), slog.String("operation_id", l.id), slog.String("resource", l.work.Resource),
		slog.String("task", found.Job), slog.Bool("settled_by_resource", found.Job == ""))
}

// fresh are the tasks that the note does not hold.
type fresh struct {
	sure      []string // of the operation, as far as anybody can tell
	undecided bool     // there is one that may turn out to be
	doubtful  []string // with the reason
}

func (l *lost) fresh(jobs []Job) fresh {
	var f fresh
	for _, job := range jobs {
		if slices.Contains(l.note.Jobs, job.ID) {
			continue
		}
		veto := job.Veto
		if veto == "" && !job.Started.IsZero() && job.Started.Before(l.note.Newest) {
			veto = "started before the operation was sent"
		}
		switch {
		case veto != "":
			f.doubtful = append(f.doubtful, job.ID+" ("+veto+")")
		case !job.Unsure:
			f.sure = append(f.sure, job.ID)
		case !job.Ended:
			f.undecided = true
		default:
			f.doubtful = append(f.doubtful, job.ID+" (whose work it was does not show)")
		}
	}
	return f
}

// unknown returns the error of the operation, with why the look for it has ended. It is a new one each time,
// since the caller has the one before.
func (l *lost) unknown(reason error) *drkit.OutcomeUnknownError {
	e := *l.err
	e.Err = l.cause
	if reason != nil {
		e.Err = fmt.Errorf("%w; the look for it has ended in: %w", l.cause, reason)
	}
	return &e
}

// alone makes sure that what was found is all there is.
func (l *lost) alone(ctx context.Context, found Found) error {
	jobs, err := l.work.Jobs(drkit.WithOperationID(unobserved(ctx), l.id))
	if err != nil {
		return err
	}
	for _, other := range l.fresh(jobs).sure {
		if found.Job != "" && other != found.Job {
			return &drkit.Error{
				Operation: l.name, Path: l.path, Method: l.err.Method, OperationID: l.id, Kind: drkit.ErrConflict,
				Message: "task " + found.Job + " was adopted for it, and then task " + other + " came to light, which may be it as well",
			}
		}
	}
	return nil
}
