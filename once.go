package drkit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/drkit-go/drkit/internal/step"
)

// Once makes an operation a step of a runbook that may be cut off at any moment and run again: the operation
// is sent once, however often the runbook runs. key names the step in the journal; do calls the one method of a
// client that starts the operation, with the context that it is given, and returns what that returns. It may read
// before, and wait after. It is called on every run, also when the step has ended, and must then ask for the same:
// the same service, site, path and body.
//
//	poller, err := drkit.Once(ctx, journal, "failover "+id, func(ctx context.Context) (*drkit.Poller[vcav.VMReplication], error) {
//		return client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
//	})
//
// Before the request leaves, the journal gets the intent; then the task, and at the end its result. A later run
// finds the result, or waits for the task; where it finds the intent alone, it looks for the operation, until the
// grace of [PollPolicy] has passed. If nothing of it is to be seen and the resource is as it was, an operation
// whose resource shows that for certain, such as a failover, is sent again; its contract says so by x-resend. Any
// other, and what cannot be told, ends in [ErrOutcomeUnknown], as it does without a journal. A refusal leaves the
// step ready, unless what was sent first has run by then: that is found. A task that has failed stays failed until
// [Retry].
//
// The end of the task gets into the journal when the poller sees it, before Wait or Poll return it. A result that
// cannot be read does not: a later run asks for the task again. Where a look shows what a later run has to know, its
// resume token gets there, too.
//
// Two runs of a step take turns on a [FileJournal] or a [MemoryJournal]. On a journal of your own it is for you to
// see that there is one at a time.
//
// Errors: those of do; [ErrJournal] if the journal cannot be read or written: nothing was sent then, unless
// there is a poller beside the error, or it is one of Wait; [ErrStep] if do asks for something else than before, or
// an intent is that of another appliance or user (for a task, [ErrToken] from Wait), if do calls no operation that
// must not repeat, or two, or returns the poller of something else, which is then beside the error.
func Once[T any](ctx context.Context, journal Journal, key string, do func(context.Context) (*Poller[T], error)) (*Poller[T], error) {
	if err := checkStep(journal, key); err != nil {
		return nil, err
	}
	if do == nil {
		return nil, fmt.Errorf("%w: the function of step %q is nil", ErrStep, key)
	}
	leave, err := takeTurn(ctx, journal, key)
	if err != nil {
		return nil, err
	}
	defer leave()
	before, err := loadStep(ctx, journal, key)
	if err != nil {
		return nil, err
	}
	claim := &step.Claim{Before: before.record(), Store: func(ctx context.Context, record step.Record) error {
		return saveStep(ctx, journal, stepOf(record))
	}}
	ended := before.State == StepSucceeded || before.State == StepFailed
	if ended {
		if claim.Replay, err = replay[T](before); err != nil {
			return nil, err
		}
	}
	poller, err := do(step.WithClaim(ctx, claim))
	switch stray := strayed(claim, poller); {
	case stray != nil && err == nil:
		return poller, stray
	case stray != nil || ended:
		return poller, err
	}
	unsaved := poller.keepLooks(ctx, func(ctx context.Context, seen Look[T]) error {
		if !seen.Done {
			saveToken(ctx, journal, claim, poller)
			return nil
		}
		return saveEnd(ctx, journal, claim, seen)
	})
	if err == nil {
		err = unsaved
	}
	return poller, err
}

// strayed says why the poller that a function has returned is not that of its step, or nothing.
func strayed[T any](claim *step.Claim, poller *Poller[T]) error {
	started := claim.Started()
	switch {
	case !claim.Taken():
		return fmt.Errorf("%w: step %q holds no operation that must not repeat", ErrStep, claim.Before.Key)
	case poller == nil:
		return fmt.Errorf("%w: the function of step %q has returned neither a poller nor an error", ErrStep, claim.Before.Key)
	case started != nil && started != any(poller):
		return fmt.Errorf("%w: the function of step %q has returned another poller than that of its operation", ErrStep, claim.Before.Key)
	default:
		return nil
	}
}

// Retry makes a step ready that has failed, or whose outcome has stayed unknown, so that the next run sends its
// operation again. It is for a person who has looked: nothing else keeps the operation from running twice. A step
// whose task was accepted becomes one whose outcome is unknown, so that the next run looks for it anew: that helps
// where the service no longer knows the task. A client that has itself met the unknown outcome remembers it, too,
// until [Discard].
//
// Errors: [ErrNotFound] if the journal has no such step; [ErrStep] if it has succeeded; [ErrJournal].
func Retry(ctx context.Context, journal Journal, key string) error {
	if err := checkStep(journal, key); err != nil {
		return err
	}
	leave, err := takeTurn(ctx, journal, key)
	if err != nil {
		return err
	}
	defer leave()
	s, err := loadStep(ctx, journal, key)
	if err != nil {
		return err
	}
	switch {
	case s.Version == 0:
		return fmt.Errorf("step %q: %w", key, ErrNotFound)
	case s.State == StepSucceeded:
		return fmt.Errorf("%w: step %q has succeeded", ErrStep, key)
	case s.State == StepReady:
		return nil
	case s.State == StepAccepted:
		s.State, s.Token = StepIntended, ""
	default:
		s.State, s.Note, s.Token, s.Failure, s.Ended = StepReady, nil, "", nil, time.Time{}
	}
	return saveStep(ctx, journal, s)
}

func checkStep(journal Journal, key string) error {
	if journal == nil {
		return fmt.Errorf("%w: the journal of step %q is nil", ErrStep, key)
	}
	return checkKey(key)
}

// checkKey refuses a key that no later run would find: JSON has no text that is not UTF-8.
func checkKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: the key is empty", ErrStep)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: the key %q is not UTF-8", ErrStep, key)
	default:
		return nil
	}
}

// takeTurn waits until no other run is at the step, where the journal can tell.
func takeTurn(ctx context.Context, journal Journal, key string) (leave func(), err error) {
	if shared, ok := journal.(interface {
		lock(ctx context.Context, key string) (func(), error)
	}); ok {
		return shared.lock(ctx, key)
	}
	return func() {}, nil
}

// loadStep returns a step as the journal has it, or a new one, whose version is 0.
func loadStep(ctx context.Context, journal Journal, key string) (Step, error) {
	s, err := journal.Load(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return Step{Key: key}, nil
	case err != nil:
		return Step{}, fmt.Errorf("%w: step %q cannot be loaded: %w", ErrJournal, key, err)
	case s.Version != stepVersion:
		return Step{}, fmt.Errorf("%w: step %q is of version %d, and this drkit knows version %d", ErrJournal, key, s.Version, stepVersion)
	case s.Key != key:
		return Step{}, fmt.Errorf("%w: it has step %q under the key %q", ErrJournal, s.Key, key)
	default:
		return s, nil
	}
}

func saveStep(ctx context.Context, journal Journal, s Step) error {
	if err := journal.Save(ctx, s); err != nil {
		return fmt.Errorf("%w: step %q cannot be saved: %w", ErrJournal, s.Key, err)
	}
	return nil
}

// saveToken puts the resume token into the journal anew where a look has changed it: a controller has a new poller on
// each turn, and what one has seen must not be lost on the next. Where that cannot be done, the next sees it again.
func saveToken[T any](ctx context.Context, journal Journal, claim *step.Claim, poller *Poller[T]) {
	before := claim.Record()
	if before.State != step.Accepted {
		return
	}
	token, err := poller.ResumeToken(ctx)
	if err != nil || token == before.Token {
		return
	}
	now, err := loadStep(ctx, journal, before.Key)
	if err != nil || now.State != StepAccepted || now.Sent != before.Sent {
		return
	}
	_ = claim.Save(ctx, func(r *step.Record) { r.Token = token })
}

// saveEnd puts the end of a step into its journal, unless another poller of the same task has done so, or the step
// has gone on since.
func saveEnd[T any](ctx context.Context, journal Journal, claim *step.Claim, seen Look[T]) error {
	if unreadable(seen) {
		return nil
	}
	now, err := loadStep(ctx, journal, claim.Before.Key)
	if err != nil {
		return err
	}
	if under := now.State == StepIntended || now.State == StepAccepted; !under || now.Sent != claim.Record().Sent {
		return nil
	}
	result, failed := []byte(nil), []byte(nil)
	if seen.Err != nil {
		failed, err = json.Marshal(failureOf(seen.Err))
	} else {
		result, err = json.Marshal(seen.Result)
	}
	if err != nil {
		return fmt.Errorf("%w: the end of step %q cannot be written: %w", ErrJournal, claim.Before.Key, err)
	}
	return claim.Save(ctx, func(r *step.Record) {
		r.State, r.Result, r.Failure, r.Ended = step.Succeeded, result, failed, time.Now().UTC()
		if seen.Err != nil {
			r.State = step.Failed
		}
		r.Note = nil // it has served
	})
}

// unreadable reports whether work has ended well, with a result that a later version may be able to read.
func unreadable[T any](seen Look[T]) bool {
	var failed *TaskError
	return seen.Err != nil && seen.Progress.State == StateSucceeded && !errors.As(seen.Err, &failed) && !errors.Is(seen.Err, ErrConflict)
}

// replay returns the poller of a step that has ended.
func replay[T any](s Step) (*Poller[T], error) {
	end := ended[T]{id: s.Resource, look: Look[T]{Done: true, Err: s.Err()}}
	end.look.Progress = Progress{ID: s.Resource, State: StateFailed, Percent: 100}
	if end.look.Err == nil {
		end.look.Progress.State = StateSucceeded
		if err := json.Unmarshal(s.Result, &end.look.Result); err != nil {
			return nil, fmt.Errorf("%w: the result of step %q cannot be read: %w", ErrJournal, s.Key, err)
		}
	}
	poller := NewPoller(end)
	poller.saw(0, end.look)
	return poller, nil
}

// ended is the source of work whose end is known.
type ended[T any] struct {
	id   string
	look Look[T]
}

func (e ended[T]) ID() string { return e.id }

func (e ended[T]) Look(context.Context) (Look[T], error) { return e.look, nil }
