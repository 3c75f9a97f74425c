package transport

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

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

	// Under the turn of the resource.
	found   *Found // nil until it was found
	refused error  // the answer that says why it has not run; nil until that can be believed

	mu         sync.Mutex
	candidates []string // of the last look
}

// same reports whether another call asks for the very same.
func (l *lost) same(x *exchange) bool {
	return l.told.Operation == x.name() && l.told.Path == x.path && l.told.Site == x.call.Site && bytes.Equal(l.body, x.body)
}

// watched sends a call that leaves a trace, one at a time for each resource, and looks for it where its answer
// is lost. What is still unknown of an earlier one is looked for first.
func (c *Client) watched(ctx context.Context, x *exchange, out any) (Answer, error) {
	if answer, over, err := x.resumed(); over || err != nil {
		return answer, err
	}
	asked := func(l *lost) bool { return l.same(x) && x.sameStep(l) }
	resource, err := c.resources.enter(ctx, c.life.Done(), x.call.Work.Resource)
	if err != nil {
		if before := c.resources.remembered(x.call.Work.Resource, asked); before != nil {
			err = before.unknown(err) // who calls again and again still does not know
		} else {
			err = x.refuse(err)
		}
		return Answer{}, err
	}
	defer resource.leave()
	if answer, over, err := x.earlier(ctx, resource, asked); over || err != nil {
		return answer, err
	}
	resource.lost = nil
	answer, err := c.send(ctx, x, out)
	if err != nil && x.before != nil && !errors.Is(err, drkit.ErrOutcomeUnknown) && x.before.settle(ctx) == nil {
		return Answer{Poller: x.before.poller(), Adopted: true}, nil // the first request has run at last: hence the refusal
	}
	err = x.withdraw(ctx, err)
	var unknown *drkit.OutcomeUnknownError
	if !errors.As(err, &unknown) || x.note == nil {
		return answer, err
	}
	l := x.newLost(*x.note, *unknown, resource)
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
		return Answer{}, x.withdraw(ctx, err)
	}
	return Answer{Poller: l.poller(), Adopted: true}, nil
}

// earlier sees to what is still unknown of operations on the resource before this call: of this client, and of a
// run that was cut off. It is over where this call asks for just that.
func (x *exchange) earlier(ctx context.Context, resource *resource, asked func(*lost) bool) (answer Answer, over bool, err error) {
	before := resource.lost
	if before != nil && before.discarded.Load() {
		before = nil
	}
	if before != nil && !asked(before) {
		switch err := before.settle(ctx); {
		case before.refused != nil:
		case err != nil:
			return Answer{}, false, x.refuse(&precededError{earlier: err, ended: x.client.ended(ctx)})
		default:
			resource.found = append(resource.found, before)
		}
		before = nil
	}
	if found := resource.claim(asked); found != nil {
		return Answer{Poller: found.poller(), Adopted: true}, true, nil
	}
	if x.claim != nil {
		return x.unresolved(ctx, resource, before)
	}
	if before == nil {
		return Answer{}, false, nil
	}
	err = before.settle(ctx)
	if err == nil {
		return Answer{Poller: before.poller(), Adopted: true}, true, nil
	}
	if before.refused != nil {
		err = nil // so that this is another try
	}
	return Answer{}, false, err
}

// precededError is why an operation was not sent: of an earlier one nobody knows the outcome. It does not match
// ErrOutcomeUnknown, since nothing is unknown of the operation itself, and nobody must take what Recover finds
// for it; but errors.As finds the error of the earlier one.
type precededError struct{ earlier, ended error }

func (e *precededError) Error() string { return "not sent: " + e.earlier.Error() }

// Unwrap returns why the look for the earlier one was ended from our side, or nil.
func (e *precededError) Unwrap() error { return e.ended }

func (e *precededError) Is(target error) bool { return target == drkit.ErrConflict }

func (e *precededError) As(target any) bool {
	unknown, asked := target.(**drkit.OutcomeUnknownError)
	return asked && errors.As(e.earlier, unknown)
}

// newLost describes an operation whose outcome is unknown.
func (x *exchange) newLost(note Note, unknown drkit.OutcomeUnknownError, at *resource) *lost {
	l := &lost{
		client: x.client, work: x.call.Work, body: x.body, note: note, since: time.Now(), told: unknown, resource: at,
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
		poller := l.poller()
		if isWanted(ctx, poller) {
			resource.claim(func(other *lost) bool { return other == l })
		}
		return poller, nil
	case l.refused != nil:
		return nil, l.refused
	case l.discarded.Load():
		return nil, l.unknown(errors.New("it was discarded"))
	}
	if err := l.search(ctx); err != nil {
		return nil, err
	}
	poller := l.poller()
	if !isWanted(ctx, poller) {
		resource.found = append(resource.found, l) // nobody has it yet, and the same call must not be sent again
	}
	return poller, nil
}

// isWanted reports whether who recovers an operation can use its poller.
func isWanted(ctx context.Context, poller any) bool {
	is, asked := ctx.Value(settings.WantedKey{}).(func(any) bool)
	return !asked || is(poller)
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
