package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/step"
)

// exchange is one call on its way. It travels in the context of its requests, because neither the retry
// hooks nor a round tripper see the call otherwise.
type exchange struct {
	client      *Client
	call        Call
	operation   *api.Operation
	id          string // operation ID
	template    string // path, escaped, without the base, and without the scope where the service has one
	path        string // the same with the scope, as far as it is known
	query       string
	body        []byte
	target      *url.URL  // nil until it is known
	fields      headerSet // of the request
	looping     bool      // the loop of attempts has taken over what the first one has brought
	rest        func()    // ends what the pauses of the loop need
	observe     func(drkit.Response)
	streams     bool
	claim       *step.Claim // the step of a runbook that the call works for, or nil
	fingerprint string      // of the request, for the step
	unnoted     bool        // the caller gives up finding a watched call
	before      *lost       // what has left no trace, where this call sends it again
	generation  uint64      // of the token that the call goes out with
	stale       uint64      // of the token that the service has called expired
	renewed     bool        // the call has been sent again for want of a session
	waited      bool        // and again under a token that the service did not know yet
	repeated    bool        // an attempt before the last one may have been carried out
	note        *Note       // of what there was before the last attempt of a watched call

	// mayHaveRun is the latch of an operation that must not repeat: set before a request leaves, and
	// opened again only on proof that nothing ran.
	mayHaveRun atomic.Bool

	// What the last attempt brought. The loop of attempts runs on one goroutine.
	attempt  int
	began    time.Time
	deadline deadline
	status   int
	header   http.Header
	length   int64 // of the body, as announced; -1 if it is not
	buffer   *bytes.Buffer
	limited  io.LimitedReader // reads the answer; a part of x, so that it costs no allocation
	answer   *drkit.Error     // decoded error answer
	stream   *stream
	err      error // no answer, or half of one
}

// name is what errors and records call the operation, as in "vcav.VMReplications.Failover".
func (x *exchange) name() string { return x.client.config.Service + "." + x.operation.Name }

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// attempts makes the attempts of calls. It is the round tripper of their loop, too.
type attempts struct {
	client *Client
	next   http.RoundTripper
}

// RoundTrip is an attempt of the loop, which begins with what the first attempt has brought.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	if x.looping {
		a.make(req.Context(), x, req)
	}
	x.looping = true
	if x.err != nil {
		return nil, x.err
	}
	return &http.Response{StatusCode: x.status, Header: x.header, Body: http.NoBody, Request: req}, nil
}

// make makes one attempt, whose answer is read to its end here, so that half an answer is a failed attempt like any
// other.
func (a *attempts) make(parent context.Context, x *exchange, req *http.Request) {
	x.reset()
	if parent.Err() != nil {
		x.err = endOf(parent)
		return
	}
	if x.call.Work != nil && !x.unnoted {
		if x.err = x.takeNote(parent); x.err != nil {
			return
		}
	}
	// After the note, whose requests take turns of their own: a turn is for what leaves in this moment.
	if x.err = a.client.turn(parent, x.ofSession()); x.err != nil {
		return
	}
	if x.err = x.identify(); x.err != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(parent)
	if !x.call.Last { // sign-out outlives the client; session.end limits it as a whole
		a.client.deadlines.start(&x.deadline, cancel)
	}
	sent := req.WithContext(context.WithValue(ctx, exchangeKey{}, x))
	sent.Header, x.fields.sent = x.fields.Header, true
	if len(a.client.settings.Middleware) > 0 {
		sent.Header = sent.Header.Clone() // a middleware that adds to it must not add twice
	}
	x.began = time.Now()
	resp, err := answered(a.next.RoundTrip(sent)) //nolint:bodyclose // read closes it, or the stream
	switch {
	case err != nil:
		x.err = a.client.clean(endedBy(ctx, parent, err))
	case x.streams && resp.StatusCode < 300 && ctx.Err() != nil: // of the rest, nothing more than its end would come
		x.keep(resp)
		_ = resp.Body.Close()
		x.err = endedBy(ctx, parent, context.Cause(ctx))
	case x.streams && resp.StatusCode < 300:
		x.keep(resp)
		a.client.deadlines.stop(&x.deadline)
		x.stream = &stream{body: resp.Body, exchange: x, cancel: cancel, ctx: ctx, parent: parent}
		x.logAttempt(ctx)
		if x.observe != nil {
			x.observe(x.response())
		}
		return
	default:
		x.keep(resp)
		err := x.read(resp)
		if err == nil && x.saidToNobody() {
			err = context.Cause(ctx) // nil unless the attempt was ended from our side
		}
		if err != nil {
			x.err = a.client.clean(endedBy(ctx, parent, err))
		}
	}
	a.client.deadlines.stop(&x.deadline)
	cancel(nil)
	x.logAttempt(parent)
}

// answered sees to what an http.Client would: round trippers of users do not always keep to what they promise.
func answered(resp *http.Response, err error) (*http.Response, error) {
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the round tripper has returned neither an answer nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	}
	return resp, nil
}

// identify gives the request the token of today: before its turn has come, or while its note was taken, the session
// may have ended, and another begun. Under that one it has to be admitted again; what is noted has been, with its note.
func (x *exchange) identify() error {
	if !x.ownSession() {
		return nil
	}
	token, generation := x.client.session.now()
	if token == "" || generation == x.generation {
		return nil
	}
	x.fields.set(x.client.tokenHeader, token)
	x.generation = generation
	if x.call.Admit == nil || x.call.Work != nil {
		return nil
	}
	if err := x.call.Admit(); err != nil {
		return &notSentError{err}
	}
	return nil
}

// ofSession reports whether the call begins, extends or ends a session, which others may wait for.
func (x *exchange) ofSession() bool { return x.operation.Anonymous || x.call.Session || x.call.Last }

func (x *exchange) reset() {
	x.repeated = x.repeated || x.attempt > 0
	x.attempt++
	x.status, x.header, x.answer, x.err, x.stream = 0, nil, nil, nil, nil
	if x.buffer != nil {
		x.buffer.Reset()
	}
}

func (x *exchange) keep(resp *http.Response) {
	x.status, x.header, x.length = resp.StatusCode, resp.Header, resp.ContentLength
}

// read takes in the whole answer, up to the limit.
func (x *exchange) read(resp *http.Response) error {
	defer resp.Body.Close()
	if x.buffer == nil {
		x.buffer, _ = buffers.Get().(*bytes.Buffer)
		x.buffer.Reset()
	}
	limit := x.client.settings.MaxBodyBytes
	x.limited = io.LimitedReader{R: resp.Body, N: limit + 1}
	n, err := x.buffer.ReadFrom(&x.limited)
	if err != nil {
		return fmt.Errorf("the answer broke off after %d bytes: %w", n, err)
	}
	if n > limit {
		return &tooLargeError{limit}
	}
	if x.observe != nil {
		x.observe(x.response())
	}
	if x.status >= 400 {
		x.answer = x.readError()
	}
	return nil
}

// saidToNobody reports whether the answer is a success that a server may have given to nobody: one that sees its caller
// hang up may end there, with an empty answer, and a connection that says goodbye still hears it. Of an attempt that
// was ended from our side it proves nothing; 204, which is said on purpose, does.
func (x *exchange) saidToNobody() bool {
	return x.status == http.StatusOK && x.buffer.Len() == 0
}

// readError turns an error answer into an Error.
func (x *exchange) readError() *drkit.Error {
	answer := x.newError()
	answer.Kind = kindOfStatus(x.status)
	answer.RetryAfter = retryAfter(x.header)
	said, ok := x.client.config.DecodeError(x.status, x.received())
	if !ok {
		if errors.Is(answer.Kind, drkit.ErrNotFound) {
			answer.Kind = drkit.ErrUnavailable // a proxy does not know what the service has
		}
		answer.Foreign = true
		answer.Message = "the answer is not the service's own" + x.contentType()
		if said.Message != "" {
			answer.Message += ": " + x.client.scrub(said.Message)
		}
		return answer
	}
	answer.Code, answer.Message, answer.Args, answer.Stack = said.Code, said.Message, said.Args, said.Stack
	if answer.RequestID == "" {
		answer.RequestID = said.RequestID
	}
	if said.Kind != nil {
		answer.Kind = said.Kind
	}
	x.client.scrubError(answer)
	return answer
}

// contentType returns the type of the answer for a message, or nothing.
func (x *exchange) contentType() string {
	contentType := x.header.Get("Content-Type")
	if contentType == "" {
		return ""
	}
	return " (" + x.client.scrub(contentType) + ")"
}

func (x *exchange) newError() *drkit.Error {
	e := &drkit.Error{
		Operation: x.name(), Method: x.operation.Method, Path: x.client.scrub(x.path), Status: x.status, OperationID: x.id,
	}
	for _, name := range x.client.config.RequestIDs {
		if id := x.header.Get(name); id != "" {
			e.RequestID = id
			break
		}
	}
	return e
}

// outcome turns what the last attempt brought into an error, or nil for a success.
func (x *exchange) outcome(ctx context.Context) error {
	if x.err == nil && x.status >= 200 && x.status < 300 {
		return nil
	}
	var e *drkit.Error
	ended := x.ended(ctx)
	var notSent *notSentError
	switch {
	case errors.As(x.err, &notSent):
		return notSent.err
	case ended != nil && (x.err != nil || x.status >= 400 || x.status == 0):
		last := x.lastError()
		e = x.newError()
		e.Err = ended
		if errors.As(ended, new(*timeoutError)) {
			e.Kind = drkit.ErrUnavailable
		}
		if last != nil && !errors.Is(last, ended) && (ctx.Err() == nil || !errors.Is(last, ctx.Err())) {
			e.Err = fmt.Errorf("%w; the last attempt ended in: %w", ended, last)
		}
	case x.err != nil:
		e = x.newError()
		e.Err = x.err
		if !permanent(x.err) {
			e.Kind = drkit.ErrUnavailable
		}
	case x.answer != nil && x.goneAtLast():
		return nil
	case x.answer != nil:
		e = x.answer
	default:
		e = x.newError()
		e.Message = "redirects are not followed, since a token must not leave for another address"
		if location := x.header.Get("Location"); location != "" {
			e.Message += "; the server points to " + x.client.scrub(withoutQuery(location))
		}
	}
	return e
}

// ended returns why the call was ended from our side, or nil.
func (x *exchange) ended(ctx context.Context) error {
	if x.call.Last && ctx.Err() == nil {
		return nil
	}
	return x.client.ended(ctx)
}

// ended returns why what runs on ctx was ended from our side, or nil.
func (c *Client) ended(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return endOf(ctx)
	case c.life.Err() != nil:
		return drkit.ErrClosed
	default:
		return nil
	}
}

// goneAtLast reports whether a repeated DELETE found nothing to delete: an earlier attempt has done it.
func (x *exchange) goneAtLast() bool {
	return x.operation.Class == api.Replaceable && x.operation.Method == http.MethodDelete &&
		x.repeated && errors.Is(x.answer, drkit.ErrNotFound)
}

// lastError is what the last attempt failed with, where there was one.
func (x *exchange) lastError() error {
	if x.answer != nil {
		return x.answer
	}
	return x.err
}

// received returns the body of the answer.
func (x *exchange) received() []byte {
	if x.buffer == nil {
		return nil
	}
	return x.buffer.Bytes()
}

// buffers are kept between calls, since most answers are alike in size.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keptBuffer = 1 << 20

func (x *exchange) release() {
	if x.buffer != nil && x.buffer.Cap() <= keptBuffer {
		buffers.Put(x.buffer)
	}
	x.buffer = nil
}

// timeoutError is the end of one attempt, as opposed to the end of the caller's context: it does not
// match context.DeadlineExceeded.
type timeoutError struct{ limit time.Duration }

func (e *timeoutError) Error() string { return "no complete answer within " + e.limit.String() }

// Timeout makes it a net.Error's kind of time-out.
func (e *timeoutError) Timeout() bool { return true }

type tooLargeError struct{ limit int64 }

func (e *tooLargeError) Error() string {
	return "the answer is longer than the limit of " + strconv.FormatInt(e.limit, 10) + " bytes"
}

// endedBy names the reason where an attempt was ended from our side.
func endedBy(attempt, call context.Context, err error) error {
	if call.Err() != nil {
		return endOf(call)
	}
	var timeout *timeoutError
	switch cause := context.Cause(attempt); {
	case errors.As(cause, &timeout):
		return timeout
	case errors.Is(cause, drkit.ErrClosed):
		return drkit.ErrClosed
	default:
		return err
	}
}

// endOf returns how a context ended: its own error, with the cause where there is another.
func endOf(ctx context.Context) error {
	cause, err := context.Cause(ctx), ctx.Err()
	var timeout *timeoutError
	switch {
	// Of these two the caller's context has not ended, and must not look as if it had.
	case errors.Is(cause, drkit.ErrClosed):
		return drkit.ErrClosed
	case errors.As(cause, &timeout):
		return timeout
	case cause == nil || errors.Is(cause, err):
		return err
	default:
		return fmt.Errorf("%w: %w", err, cause)
	}
}

func withoutQuery(location string) string {
	location, _, _ = strings.Cut(location, "?")
	return location
}

// stream is the body of a download. The limit holds for each read, and not for a reader who takes time.
type stream struct {
	body     io.ReadCloser
	exchange *exchange
	cancel   context.CancelCauseFunc
	ctx      context.Context
	parent   context.Context
	onClose  func()
}

func (s *stream) Read(p []byte) (int, error) {
	limits := &s.exchange.client.deadlines
	limits.start(&s.exchange.deadline, s.cancel)
	n, err := s.body.Read(p)
	limits.stop(&s.exchange.deadline)
	if err != nil && !errors.Is(err, io.EOF) {
		err = s.exchange.client.clean(endedBy(s.ctx, s.parent, err))
	}
	return n, err
}

func (s *stream) Close() error {
	err := s.body.Close()
	s.cancel(nil)
	if s.onClose != nil {
		s.onClose()
		s.onClose = nil
	}
	return err
}
