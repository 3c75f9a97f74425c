package drkit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/drkit-go/drkit/internal/settings"
)

// OutcomeUnknownError is an operation that must not repeat, was sent, and got no answer that says what
// became of it. It may have run, may be running, or may never have arrived, and the look for it has not
// found out. The client remembers it: the same operation is not sent when it is called again, but looks, and
// returns this error, with what is known by then, until the look finds out; any other on the same resource is
// refused with [ErrConflict], in which errors.As finds this error. [Recover] looks without sending anything, and
// [Discard] gives up looking. An error of this type is never changed once it was returned.
type OutcomeUnknownError struct {
	Operation   string // as in "vcav.VMReplications.Failover"
	Method      string // HTTP verb
	Path        string // path of the request, without its query
	Site        string // where the operation was to run; empty is the local site
	OperationID string // what the request carried as its trace header
	Err         error  // what came instead of an answer, an *Error, and why the look for it has ended

	Resource   string   // what the operation works on; empty if nothing was noted before
	Candidates []string // tasks that may be of the operation, with the reason why they were not taken for it
	Untouched  bool     // the last look, after the grace of PollPolicy, saw no task of it and the resource as it was
	Lost       Lost     `json:"-"` // for Recover and Discard; nil if nothing was noted before
}

// Error returns operation, resource, cause, findings, request, site and operation ID on one line.
func (e *OutcomeUnknownError) Error() string {
	line := sentence{}
	line.add(e.Operation)
	unknown := "sent, but the outcome is unknown"
	if e.Resource != "" {
		unknown += " for " + e.Resource
	}
	line.add(unknown)
	line.add(e.reason())
	line.add(e.findings())
	line.trailer(at(e.Method+" "+e.Path, e.Site), e.OperationID, "")
	return line.String()
}

// reason is the cause without what this error says of the request already.
func (e *OutcomeUnknownError) reason() string {
	answer, ok := e.Err.(*Error) //nolint:errorlint // a wrapper's own words must not get lost
	switch {
	case e.Err == nil:
		return ""
	case !ok:
		return e.Err.Error()
	}
	short := *answer
	short.Operation, short.Method, short.Path, short.OperationID = "", "", "", ""
	return short.Error()
}

// mostNamed is how many candidates the line of an error names.
const mostNamed = 5

// findings are what the look has come to.
func (e *OutcomeUnknownError) findings() string {
	switch {
	case len(e.Candidates) > mostNamed:
		named := strings.Join(e.Candidates[:mostNamed], ", or ")
		return fmt.Sprintf("it may be %s, or one of %d more", named, len(e.Candidates)-mostNamed)
	case len(e.Candidates) > 0:
		return "it may be " + strings.Join(e.Candidates, ", or ")
	case e.Untouched:
		return "no task came of it so far, and nothing there has changed"
	default:
		return ""
	}
}

// Unwrap returns what came instead of an answer.
func (e *OutcomeUnknownError) Unwrap() error { return e.Err }

// Is reports whether target is [ErrOutcomeUnknown].
func (e *OutcomeUnknownError) Is(target error) bool { return target == ErrOutcomeUnknown }

// LogValue groups what Error prints.
func (e *OutcomeUnknownError) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("operation", e.Operation), slog.String("method", e.Method), slog.String("path", e.Path),
		slog.String("site", e.Site), slog.String("resource", e.Resource),
		slog.String("operation_id", e.OperationID), slog.String("error", oneLine(e.Error())))
}

// Lost is what a client remembers of an operation whose outcome is unknown. Clients implement it.
type Lost interface {
	// Recover looks for the operation, and returns its *Poller; its type is that of the method that sent it.
	Recover(ctx context.Context) (any, error)
	// Discard forgets the operation.
	Discard()
}

// Recover looks again for an operation whose outcome was unknown, and returns the poller that the method which
// sent it would have returned; T is the type of its result. Nothing is sent but reads. It looks until it finds
// the operation, or until the grace of [PollPolicy] has passed since the answer was lost, and may be called
// again, also by several goroutines at once. An operation that starts no task, such as the creation of a policy,
// comes as a poller that ends with its first look.
//
// Errors: a new [*OutcomeUnknownError] where the look does not find out, which is then also the end of ctx, or
// [ErrClosed]; err itself where it has nothing to look for; a T that is not the result of the operation, which then
// stays to be found, by Recover or by the same call.
func Recover[T any](ctx context.Context, err error) (*Poller[T], error) {
	if err == nil {
		return nil, errors.New("drkit.Recover: there is no error to recover from")
	}
	var unknown *OutcomeUnknownError
	if !errors.As(err, &unknown) || unknown.Lost == nil {
		return nil, err
	}
	wanted := func(found any) bool { _, fits := found.(*Poller[T]); return fits }
	found, err := unknown.Lost.Recover(context.WithValue(ctx, settings.WantedKey{}, wanted))
	if err != nil {
		return nil, err
	}
	poller, ok := found.(*Poller[T])
	if !ok {
		return nil, fmt.Errorf("drkit.Recover: %s was found, but leads to a %T and not to a %T", unknown.Operation, found, poller)
	}
	return poller, nil
}

// Discard makes the client forget an operation whose outcome is unknown, so that the next one on the same
// resource is sent without a look for it: after somebody has looked and knows, or does not mind a second run.
// It reports whether err was such an operation.
func Discard(err error) bool {
	var unknown *OutcomeUnknownError
	if !errors.As(err, &unknown) || unknown.Lost == nil {
		return false
	}
	unknown.Lost.Discard()
	return true
}
