package transport

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/step"
)

// stepVersion is the version of what a journal keeps of a step.
const stepVersion = 1

// claimStep takes the step of a runbook that ctx carries for this call, if it carries one and the call is not
// one that may be repeated.
func (x *exchange) claimStep(ctx context.Context) error {
	claim := step.FromContext(ctx)
	if claim == nil || x.operation.Class != api.Once || x.operation.Anonymous || x.call.Session {
		return nil
	}
	if x.call.Work == nil || x.call.Work.Resume == nil || x.unnoted {
		return fmt.Errorf("%w: %s leaves nothing behind to look for, or WithoutNote forbids to look", drkit.ErrStep, x.name())
	}
	if err := claim.Take(x.name()); err != nil {
		return fmt.Errorf("%w: %w", drkit.ErrStep, err)
	}
	x.claim, x.fingerprint = claim, x.newFingerprint()
	before := claim.Before
	if before.State != step.Ready && before.Request != x.fingerprint {
		return fmt.Errorf("%w: step %q was begun with another request, %s on %s (%s)",
			drkit.ErrStep, before.Key, before.Operation, before.Resource, before.State)
	}
	return nil
}

// newFingerprint identifies what a call asks for, whatever version of drkit has written the body.
func (x *exchange) newFingerprint() string {
	body := x.body
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) == nil {
		if sorted, err := json.Marshal(value); err == nil {
			body = sorted
		}
	}
	sum := sha256.New()
	for _, part := range []string{x.client.config.Service, x.call.Site, x.operation.Method, x.template, x.query, string(body)} {
		fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	return "1:" + hex.EncodeToString(sum.Sum(nil))
}

// resumed returns what an earlier run has brought the step to, if that is more than an intent.
func (x *exchange) resumed() (answer Answer, over bool, err error) {
	if x.claim == nil {
		return Answer{}, false, nil
	}
	switch x.claim.Before.State {
	case step.Succeeded, step.Failed:
		return Answer{Poller: x.claim.Replay}, true, nil
	case step.Accepted:
		poller, err := x.call.Work.Resume(x.claim.Before.Token)
		if err != nil {
			return Answer{}, false, x.refuse(err)
		}
		return Answer{Poller: poller}, true, nil
	default:
		return Answer{}, false, nil
	}
}

// unresolved sees to what is unknown of the step that the call works for: to what an earlier run was about to
// send, and to known, which this client remembers of the same call. Where that has left no trace, an operation that
// may be sent again is.
func (x *exchange) unresolved(ctx context.Context, resource *resource, known *lost) (answer Answer, over bool, err error) {
	switch {
	case x.claim.Before.State == step.Intended && known == nil:
		if known, err = x.lostByRun(ctx, resource); err != nil {
			return Answer{}, false, x.refuse(err)
		}
		resource.lost = known
	case x.claim.Before.State == step.Intended:
	case known == nil:
		return Answer{}, false, nil
	default: // sent outside of any step, or before Retry
		if err := x.journalIntent(inner(ctx), known.told.OperationID, known.note, max(x.claim.Before.Sent, 1)); err != nil {
			return Answer{}, false, x.refuse(err)
		}
	}
	err = known.search(ctx)
	var unknown *drkit.OutcomeUnknownError
	switch {
	case err == nil:
		return Answer{Poller: known.poller(), Adopted: true}, true, nil
	case known.refused != nil:
		err = nil
	case x.operation.Resend == "untouched" && errors.As(err, &unknown) && unknown.Untouched:
		x.client.settings.Logger.LogAttrs(ctx, slog.LevelWarn, "sending again what has left no trace", x.attrs()...)
		x.before, err = known, nil
	}
	return Answer{}, false, err
}

// sameStep reports whether what this client remembers is what the journal holds the intent of, if it holds one.
func (x *exchange) sameStep(known *lost) bool {
	return x.claim == nil || x.claim.Before.State != step.Intended || x.claim.Before.OperationID == known.told.OperationID
}

// intend journals that the request is about to leave.
func (x *exchange) intend(ctx context.Context, note Note) error {
	if x.claim == nil {
		return nil
	}
	return x.journalIntent(ctx, x.id, note, x.claim.Record().Sent+1)
}

// journalIntent journals that the request of that operation ID leaves or has left, and what there was before.
func (x *exchange) journalIntent(ctx context.Context, id string, note Note, sent int) error {
	identity, err := x.call.Work.Identity(ctx)
	if err != nil {
		return fmt.Errorf("not sent, because it cannot be told which appliance this is: %w", err)
	}
	noted, err := json.Marshal(note)
	if err != nil {
		return err
	}
	err = x.claim.Save(ctx, func(r *step.Record) {
		*r = step.Record{
			Version: stepVersion, Key: r.Key, State: step.Intended, Sent: sent, Began: time.Now().UTC(),
			Operation: x.name(), OperationID: id, Resource: x.call.Work.Resource, Site: x.call.Site,
			Appliance: identity, Request: x.fingerprint, Note: noted,
		}
	})
	if err != nil {
		// The journal may have it all the same, and a later run would look for what was never sent.
		_ = x.claim.Save(context.WithoutCancel(ctx), func(r *step.Record) { r.Version = stepVersion })
	}
	return err
}

// withdraw clears the intent of a call that is known not to have run.
func (x *exchange) withdraw(ctx context.Context, err error) error {
	if err == nil || x.claim == nil || x.note == nil || errors.Is(err, drkit.ErrOutcomeUnknown) {
		return err
	}
	saved := x.claim.Save(context.WithoutCancel(ctx), func(r *step.Record) { r.State, r.Note = step.Ready, nil })
	if saved != nil {
		return fmt.Errorf("%w; the next run will look for it all the same: %w", err, saved)
	}
	return err
}

// Accepted journals what a call in a step has come to: the resume token of poller, so that another run waits for
// the task. Work without a task has none: the next run looks for that again. It does nothing for other calls.
func (a Answer) Accepted(ctx context.Context, poller interface {
	ResumeToken(ctx context.Context) (string, error)
},
) error {
	if a.claim == nil {
		return nil
	}
	a.claim.Start(poller)
	if a.Poller != nil && !a.Adopted {
		return nil // an earlier run has journaled it
	}
	ctx = step.WithoutClaim(context.WithoutCancel(ctx))
	token, err := poller.ResumeToken(ctx)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return fmt.Errorf("%w: the task was accepted, but not saved in step %q: %w", drkit.ErrJournal, a.claim.Before.Key, err)
	}
	return a.claim.Save(ctx, func(r *step.Record) { r.State, r.Token = step.Accepted, token })
}

// lostByRun is what the journal knows of a call that an earlier run was about to send. Whether it has sent it,
// and how long ago, nobody can tell: the grace begins anew.
func (x *exchange) lostByRun(ctx context.Context, resource *resource) (*lost, error) {
	before := x.claim.Before
	identity, err := x.call.Work.Identity(step.WithoutClaim(ctx))
	switch {
	case err != nil:
		return nil, fmt.Errorf("what became of step %q cannot be looked for: %w", before.Key, err)
	case identity != before.Appliance:
		return nil, fmt.Errorf("%w: step %q was begun at %s, and this is %s", drkit.ErrStep, before.Key, before.Appliance, identity)
	}
	var note Note
	if err := json.Unmarshal(before.Note, &note); err != nil {
		return nil, fmt.Errorf("%w: the note of step %q cannot be read: %w", drkit.ErrJournal, before.Key, err)
	}
	return x.newLost(note, drkit.OutcomeUnknownError{
		Operation: x.name(), Method: x.operation.Method, Path: x.path, Site: x.call.Site, OperationID: before.OperationID,
		Err: fmt.Errorf("a run was cut off after step %q was begun", before.Key),
	}, resource), nil
}
