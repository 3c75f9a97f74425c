package drkit

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/drkit-go/drkit/internal/settings"
)

type operationIDKey struct{}

// WithOperationID names every call made with the returned context. The service gets the name in its
// trace header (operationID for VCAV) and writes it to its logs; errors and log records carry it, too.
// Without it each call makes a random one. It must be 1 to 256 printable ASCII characters; a call with
// another is refused before anything is sent.
func WithOperationID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, operationIDKey{}, id)
}

// OperationID returns the operation ID that ctx carries, and an error if it cannot be sent. It is empty
// if ctx carries none.
func OperationID(ctx context.Context) (string, error) {
	id, ok := ctx.Value(operationIDKey{}).(string)
	if !ok {
		return "", nil
	}
	if !printable(id) {
		return "", fmt.Errorf("operation ID %q cannot be sent as a header", id)
	}
	return id, nil
}

// WithoutNote sends operations made with the returned context without looking at the service's tasks before.
// A client does so to be able to find an operation whose answer is lost, and sends nothing where it cannot.
// With WithoutNote it sends anyway, and a lost answer ends in [ErrOutcomeUnknown] at once, with nothing to
// [Recover]. What is still unknown of an earlier operation on the same resource holds it up all the same:
// [Discard] that first.
func WithoutNote(ctx context.Context) context.Context {
	return context.WithValue(ctx, settings.WithoutNoteKey{}, true)
}

// Response is one answer as it came over the wire, for [OnResponse].
type Response struct {
	Operation   string      // as in "vcav.VMReplications.Get"
	OperationID string      // what was sent as the trace header
	Attempt     int         // counted from 1
	Status      int         // HTTP status
	Header      http.Header // without session tokens
	Body        []byte      // as sent, with the values of secret members redacted; nil for a download
}

// OnResponse calls observe with each answer to a call made with the returned context, also those that
// are retried and those that are errors. It is called on the goroutine of the call, before the call
// returns. Sign-ins that a call may cause are not shown, nor are the looks of [Poller.Wait], which waits share.
func OnResponse(ctx context.Context, observe func(Response)) context.Context {
	return context.WithValue(ctx, settings.ObserverKey{}, observe)
}

// endOf returns how ctx ended: the cause if it is one of ours, with the context's own error.
func endOf(ctx context.Context) error {
	cause := context.Cause(ctx)
	if cause == nil || errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}
