package drkit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/step"
)

// State is how far a piece of work has come, in the service's own words. A state that drkit does not
// know is passed on as it is and counts as not finished.
type State string

// The states that all services are read into where they mean the same.
const (
	StateQueued    State = "QUEUED"    // accepted, not begun
	StateRunning   State = "RUNNING"   // under way
	StateSucceeded State = "SUCCEEDED" // ended well
	StateFailed    State = "FAILED"    // ended badly
)

// Progress is what one look at a piece of work has shown.
type Progress struct {
	ID      string // of the work, as in [Poller.ID]
	State   State  // in the service's own words
	Percent int    // 0 to 100; 0 also where the service does not say
}

// Look is what a [Source] saw.
type Look[T any] struct {
	Progress Progress
	Done     bool  // the work has ended, one way or the other
	Result   T     // what came of it, where it ended well
	Err      error // why it ended badly, usually a *TaskError; nil where it ended well
}

// Source is where a [Poller] looks: one task, a task that leads to something else, or no task at all
// but a state that settles. Services implement it, and so may a test.
//
// A Source whose client can be closed may also have a method Closed() <-chan struct{}. When that channel
// is closed, waits end at once with [ErrClosed]. The sources of drkit's own clients also take the looks of
// many waits together.
type Source[T any] interface {
	// ID names the work for people: a task id, or what is watched where there is none. Like Look it may
	// be called by several goroutines at once.
	ID() string
	// Look asks the service once. An error is a look that failed, not work that failed: it leaves the
	// poller as it was. ErrNotFound means that the service does not show the work.
	Look(ctx context.Context) (Look[T], error)
}

// PollerOption changes how a [Poller] waits.
type PollerOption interface{ applyPoller(c *pollerConfig) }

type pollerConfig struct {
	polling settings.Polling
	err     error
}

func (o PollingOption) applyPoller(c *pollerConfig) {
	var s settings.Settings
	if err := o.Apply(&s); err != nil {
		c.err = err
		return
	}
	c.polling = s.Polling
}

// Poller follows one piece of work to its end. Methods that start work return one; several goroutines
// may use it at once. Dropping a Poller, or ending the context of a wait, does not stop the work.
type Poller[T any] struct {
	source  Source[T]
	polling settings.Polling
	bad     error // of the options: what Poll and Wait return
	born    time.Time

	ended chan struct{} // closed once the end was seen

	mu     sync.Mutex
	looks  uint64 // begun
	newest uint64 // the look that last is from
	last   Look[T]
	keep   func(context.Context, Look[T]) error // takes what is seen before anybody else; nil if nobody wants to
}

// missesToBeGone is how many looks in a row, after the grace, must miss a task before it is gone.
const missesToBeGone = 3

// NewPoller returns a Poller that looks at source. Nothing is asked before the first Poll or Wait.
func NewPoller[T any](source Source[T], options ...PollerOption) *Poller[T] {
	config := pollerConfig{}
	for _, o := range options {
		o.applyPoller(&config)
	}
	p := &Poller[T]{source: source, polling: config.polling.WithDefaults(), bad: config.err, born: time.Now(), ended: make(chan struct{})}
	p.last.Progress.ID = source.ID()
	return p
}

// ID names the work: the service's task id, or what is watched where there is no task.
func (p *Poller[T]) ID() string { return p.source.ID() }

// Poll looks once and returns what it saw; where an end has to be seen twice, a second time, after the MinInterval of
// [PollPolicy]. Work that failed is not an error here: Done is then true and [Poller.Result] says why. Once the work
// has ended Poll asks the service no more. It suits callers that must not block, such as a controller that requeues.
//
// Errors: those of the look. They leave the poller as it was, and Poll may be called again.
func (p *Poller[T]) Poll(ctx context.Context) (Progress, error) {
	if p.Done() {
		return p.Progress(), nil
	}
	if p.bad != nil {
		return p.Progress(), p.bad
	}
	look := p.newLook()
	seen, err := p.source.Look(ctx)
	if err == nil {
		err = p.kept(ctx, seen)
	}
	if err != nil {
		return p.Progress(), err
	}
	return p.saw(look, seen), nil
}

// keepLooks lets keep have what is seen of the work before anybody else, and the end at once if it was seen already.
func (p *Poller[T]) keepLooks(ctx context.Context, keep func(context.Context, Look[T]) error) error {
	p.mu.Lock()
	p.keep = keep
	last := p.last
	p.mu.Unlock()
	if !last.Done {
		return nil
	}
	return p.kept(ctx, last)
}

// kept hands what was seen to whom keepLooks has named. Where that fails the look counts as none.
func (p *Poller[T]) kept(ctx context.Context, seen Look[T]) error {
	p.mu.Lock()
	keep := p.keep
	p.mu.Unlock()
	if keep == nil {
		return nil
	}
	if err := keep(ctx, seen); err != nil {
		return fmt.Errorf("%s has ended (%s), but: %w", oneLine(p.source.ID()), oneLine(string(seen.Progress.State)), err)
	}
	return nil
}

// newLook returns the number of a look that begins.
func (p *Poller[T]) newLook() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks++
	return p.looks
}

// saw keeps what a look has seen, unless a look that began later has been kept, or the end was seen.
func (p *Poller[T]) saw(look uint64, seen Look[T]) Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.Done || look < p.newest && !seen.Done {
		return p.last.Progress
	}
	if seen.Progress.ID == "" {
		seen.Progress.ID = p.source.ID()
	}
	p.newest, p.last = look, seen
	if seen.Done {
		close(p.ended)
	}
	return p.last.Progress
}

// Adopted reports whether the answer to the operation was lost, and the work found afterwards: as the one task
// of its kind that was not there before, or, where there is none to be seen, by what has become of the resource.
func (p *Poller[T]) Adopted() bool {
	source, ok := p.source.(interface{ Adopted() bool })
	return ok && source.Adopted()
}

// ResumeToken returns text with which another process can wait for the work, in the way that the service's
// package says: vcav.Resume for Cloud Director Availability. It consists of letters, digits, dots, dashes and
// underscores, holds no secret, and stays good when the appliance gets another address. Where looks have shown
// what another process has to know, it is in the tokens from then on. The first token of a client may ask the service
// who it is.
//
// Errors: those of asking; [errors.ErrUnsupported] where the source of the poller has nothing to resume.
func (p *Poller[T]) ResumeToken(ctx context.Context) (string, error) {
	source, ok := p.source.(interface {
		Token(ctx context.Context) (step.Token, error)
	})
	if !ok {
		return "", fmt.Errorf("%s cannot be resumed: %w", oneLine(p.source.ID()), errors.ErrUnsupported)
	}
	token, err := source.Token(ctx)
	if err != nil {
		return "", fmt.Errorf("resume token of %s: %w", oneLine(p.source.ID()), err)
	}
	return token.String(), nil
}

// Done reports whether the work was seen to end, well or badly.
func (p *Poller[T]) Done() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Done
}

// Progress returns what the last look showed.
func (p *Poller[T]) Progress() Progress {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.Progress
}

// Result returns what came of the work.
//
// Errors: [ErrNotDone] before the end; usually a [*TaskError] where the work failed.
func (p *Poller[T]) Result() (T, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var none T
	switch {
	case !p.last.Done:
		return none, fmt.Errorf("%s: %w", oneLine(p.source.ID()), ErrNotDone)
	case p.last.Err != nil:
		return none, p.last.Err
	default:
		return p.last.Result, nil
	}
}

// Wait blocks until the work has ended and returns what came of it. A look that fails is repeated, and
// never taken for work that failed; a task that the service does not show counts as not visible yet
// within the grace of [PollPolicy]. The end of ctx ends the wait at once and leaves the work alone.
// After any error but that of failed work, Wait may be called again.
//
// Errors: usually a [*TaskError] where the work failed; the context's error; [ErrTaskGone];
// [ErrUnavailable] once looks have failed for PollPolicy.MaxUnreachable; [ErrUnauthorized] and
// [ErrForbidden] from the look, where it is the service that says so; [ErrJournal] where [Once] has returned the
// poller and the end cannot be saved; [ErrClosed].
func (p *Poller[T]) Wait(ctx context.Context, options ...WaitOption) (T, error) {
	wait := waitConfig{}
	for _, o := range options {
		o(&wait)
	}
	reports := startReports(wait.onProgress)
	err := p.wait(ctx, reports.send)
	reports.end(ctx)
	if err != nil {
		var none T
		return none, err
	}
	return p.Result()
}

func (p *Poller[T]) wait(ctx context.Context, report func(any, Progress)) error {
	var looks looks
	trouble := patience{polling: p.polling, born: p.born}
	for {
		switch {
		case p.Done():
			report(p, p.Progress())
			return nil
		case p.bad != nil:
			return p.bad
		case ctx.Err() != nil:
			return p.interrupted(endOf(ctx))
		case looks == nil:
			looks = p.begin()
			defer looks.stop()
		}
		progress, err := looks.next(ctx)
		switch {
		case p.Done():
			continue
		case err == nil:
			report(p, progress)
			trouble.over()
		case ctx.Err() != nil:
			return p.interrupted(endOf(ctx))
		case errors.Is(err, ErrClosed):
			return p.interrupted(err)
		default:
			if err := trouble.with(err); err != nil {
				return fmt.Errorf("waiting for %s: %w", oneLine(p.source.ID()), err)
			}
		}
		if err := looks.pause(ctx, err); err != nil {
			return p.interrupted(err)
		}
	}
}

// interrupted says how far the work had come when the wait was ended from our side.
func (p *Poller[T]) interrupted(err error) error {
	state := p.Progress().State
	if state == "" {
		state = "not looked at yet"
	}
	return fmt.Errorf("waiting for %s (%s): %w", oneLine(p.source.ID()), oneLine(string(state)), err)
}

// patience counts failed looks and says when they end the wait.
type patience struct {
	polling settings.Polling
	born    time.Time // of the poller: the grace runs from the start of the work, not of the wait
	since   time.Time // of the first of the failures in a row
	misses  int
}

func (f *patience) over() { f.since, f.misses = time.Time{}, 0 }

// with returns nil if the wait should go on after err.
func (f *patience) with(err error) error {
	if endsWait(err) {
		return err
	}
	now := time.Now()
	if f.since.IsZero() {
		f.since = now
	}
	if errors.Is(err, ErrNotFound) {
		if now.Sub(f.born) >= f.polling.Grace {
			f.misses++
		}
		if f.misses >= missesToBeGone {
			return fmt.Errorf("%w: %w", ErrTaskGone, err)
		}
		return nil
	}
	f.misses = 0
	if unreachable := now.Sub(f.since); unreachable >= f.polling.MaxUnreachable {
		return fmt.Errorf("%w: every look has failed for %s: %w", ErrUnavailable, unreachable.Round(time.Second), err)
	}
	return nil
}

// endsWait reports whether no later look can turn out better than err.
func endsWait(err error) bool {
	var answer *Error
	is := func(ends ...error) bool {
		return slices.ContainsFunc(ends, func(end error) bool { return errors.Is(err, end) })
	}
	switch {
	case is(ErrUnavailable): // also of a session that could not be renewed just now
		return false
	case is(ErrClosed, ErrTaskGone, ErrToken, ErrJournal):
		return true
	case errors.As(err, &answer) && answer.Foreign: // what stands between does not know what the service would say
		return false
	case is(ErrUnauthorized, ErrForbidden):
		return true
	default:
		return answer != nil && answer.Kind == nil && answer.Status >= 400 && answer.Status < 500 &&
			answer.Status != 408 && answer.Status != 425
	}
}
