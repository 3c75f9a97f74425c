package transport

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/step"
)

// Call is one operation with its arguments.
type Call struct {
	Operation *api.Operation
	Path      []string          // arguments in the order of the template
	Site      string            // adds the query parameter that names a site; empty is the local site
	Query     any               // struct for go-querystring, or nil
	Body      any               // written by the codec; nil sends no body
	Accept    string            // media type asked for; empty is the service's own
	Header    map[string]string // further headers
	Bare      bool              // a success may come without a body, or with null, and leaves the result as it is
	// Work is what the look for a lost answer needs; nil where there is nothing to look for.
	Work *Work
	// Part marks a download: its answer is asked for as it is, without compression, and from where it says.
	Part *Part
	// Check looks at the decoded answer. What it refuses counts as an answer that does not decode.
	Check func() error
	// Done is asked where the service has refused to repeat an operation that may be sent again. It reports whether an
	// earlier attempt, whose answer was lost, has done it: then nothing is decoded. Nil for what takes any repeat.
	Done func(ctx context.Context, answer *drkit.Error) bool
	// Admit is asked when there is a session, before the call is sent under it. What it refuses is not sent.
	Admit func() error
	// Session marks a call that changes nothing but the session, so that a read-only client may send it.
	Session bool
	// Token goes out instead of that of the session: for calls that complete a sign-in.
	Token drkit.Secret
	// Authorization is a header of that name: for services that sign in with one.
	Authorization drkit.Secret
	// Last marks the sign-out of a client that is closing: it takes the token there is, and outlives Close.
	Last bool
}

// Answer is what came beside the body.
type Answer struct {
	Status int
	Length int64 // of the body; -1 if it is not known
	header http.Header
	Note   *Note // of what there was before a watched call was sent; nil if nothing was noted

	// Poller is the *drkit.Poller of an operation whose own answer was lost, and that was found. The answer was
	// not decoded then. Of a step that an earlier run has begun it is the poller as well, and not Adopted.
	Poller  any
	Adopted bool
	claim   *step.Claim // the step of a runbook that the call has worked for, or nil
}

// Header returns the first value of a header.
func (a Answer) Header(name string) string { return a.header.Get(name) }

// Do sends a call and decodes the answer into out; a nil out ignores the body.
//
// Errors: *drkit.Error, *drkit.OutcomeUnknownError for an operation of class once, drkit.ErrReadOnly,
// drkit.ErrClosed, or what is wrong with the arguments.
func (c *Client) Do(ctx context.Context, call Call, out any) (Answer, error) {
	x, err := c.prepare(ctx, call)
	if err != nil {
		return Answer{}, err
	}
	defer x.release()
	if err := c.enter(call.Last); err != nil {
		return Answer{}, x.refuse(err)
	}
	defer c.leave()
	var answer Answer
	if x.call.Work == nil {
		answer, err = c.send(ctx, x, out)
	} else {
		answer, err = c.watched(ctx, x, out)
		answer.claim = x.claim
	}
	x.logEnd(ctx, answer, err)
	return answer, err
}

// send sends a call and decodes the answer.
func (c *Client) send(ctx context.Context, x *exchange, out any) (Answer, error) {
	err := x.exchange(ctx)
	switch {
	case err != nil && x.doneBefore(ctx, err):
		err = nil
	case err != nil, x.answer != nil: // such as that a repeated DELETE has found nothing
	case out != nil:
		err = x.decode(out)
	default:
		err = x.expectNothing()
	}
	if err != nil {
		return Answer{}, x.conclude(err)
	}
	return x.beside(), nil
}

// doneBefore reports whether a repeat was refused because an earlier attempt has done the work.
func (x *exchange) doneBefore(ctx context.Context, err error) bool {
	var answer *drkit.Error
	return x.call.Done != nil && x.operation.Class == api.Replaceable && x.repeated &&
		errors.As(err, &answer) && !answer.Foreign && answer.Err == nil && x.call.Done(ctx, answer)
}

// Stream sends a call and returns the body of its answer as it comes. The time-out of an attempt then
// limits each wait for more of it instead of the whole. The caller closes the body. With an error comes what
// stood beside the last answer, if there was one.
func (c *Client) Stream(ctx context.Context, call Call) (io.ReadCloser, Answer, error) {
	x, err := c.prepare(ctx, call)
	if err != nil {
		return nil, Answer{}, err
	}
	defer x.release()
	x.streams = true
	if err := c.enter(call.Last); err != nil {
		return nil, Answer{}, x.refuse(err)
	}
	if err := x.exchange(ctx); err != nil {
		defer c.leave()
		err = x.conclude(err)
		x.logEnd(ctx, x.beside(), err)
		return nil, x.beside(), err
	}
	x.stream.onClose = func() { x.restEnds(); c.leave() }
	x.logEnd(ctx, x.beside(), nil)
	return x.stream, x.beside(), nil
}

// beside returns what came beside the body.
func (x *exchange) beside() Answer {
	return Answer{Status: x.status, Length: x.length, header: x.header, Note: x.note}
}

// prepare refuses what must not be sent and builds the request.
func (c *Client) prepare(ctx context.Context, call Call) (*exchange, error) {
	x := &exchange{client: c, call: call, operation: call.Operation}
	if c.settings.ReadOnly && x.operation.Class != api.Read && !x.ofSession() {
		return nil, x.refuse(drkit.ErrReadOnly)
	}
	id, err := drkit.OperationID(ctx)
	if err != nil {
		return nil, x.refuse(err)
	}
	if x.id = id; id == "" {
		x.id = newOperationID()
	}
	if err := c.compose(x); err != nil {
		return nil, x.refuse(err)
	}
	if x.operation.Class != api.Once {
		x.call.Work = nil
	}
	x.unnoted = ctx.Value(settings.WithoutNoteKey{}) != nil
	if err := x.claimStep(ctx); err != nil {
		return nil, x.refuse(err)
	}
	x.observe, _ = ctx.Value(settings.ObserverKey{}).(func(drkit.Response))
	return x, nil
}

// exchange sends the call, and a second time if the service says that it was not done for want of a
// session, or of a session at the site. Under a token that is new, and that the service does not seem to know yet, it
// goes out once more as well.
func (x *exchange) exchange(ctx context.Context) error {
	session := x.client.session
	for {
		token, err := x.token(ctx, x.stale)
		if err != nil {
			return err
		}
		if x.call.Admit != nil {
			if err := x.call.Admit(); err != nil {
				return err
			}
		}
		regained := session.timesRegained(x.call.Site)
		err = x.send(ctx, token)
		if err == nil && x.generation > 0 {
			session.accept(x.generation)
		}
		if x.ownSession() {
			session.use(x.generation)
		}
		if err == nil {
			return nil
		}
		var answer *drkit.Error
		if !x.ownSession() || !errors.As(err, &answer) {
			return err
		}
		switch {
		case x.client.config.Sign != nil:
			if session.expired(answer) && !answer.Foreign { // a proxy knows nothing of signatures
				session.refuse(answer)
			}
			return err
		case session.expired(answer) && !session.given():
			if err := x.freshen(ctx, answer); err != nil {
				return err
			}
		case x.renewed:
			return err
		case x.call.Site != "" && session.lost(answer):
			if reason := session.regain(ctx, x.call.Site, regained); reason != nil {
				return stillLost(answer, reason)
			}
			if x.operation.Class == api.Once {
				return err // nobody documents this answer as proof that nothing ran
			}
			x.renewed = true
		default:
			return err
		}
	}
}

// freshen sees to a call whose token the service has refused. It returns nil where the call may be sent again: under
// another token or, where the next one would be refused as well, under the same one a moment later.
func (x *exchange) freshen(ctx context.Context, answer *drkit.Error) error {
	renewable := x.client.session.mayRenew(x.generation)
	if x.operation.Class == api.Once && !x.refuses(answer) {
		if renewable && !x.renewed {
			x.client.session.doubt(x.generation)
		}
		return answer // nobody documents this answer as proof that nothing ran
	}
	x.mayHaveRun.Store(false) // the service has said that it did nothing
	switch {
	case renewable && !x.renewed:
		x.renewed, x.stale = true, x.generation
	case !renewable && !x.waited:
		x.waited = true
		if x.client.settle(ctx) != nil {
			return x.outcome(ctx)
		}
	default:
		return answer
	}
	return nil
}

// stillLost says why a session was not regained at a site. Only where the site has turned it away is that
// the last word: otherwise the error is ErrUnavailable, too, since a later call may find the site back.
func stillLost(answer *drkit.Error, reason error) error {
	var unknown *drkit.OutcomeUnknownError
	if errors.As(reason, &unknown) {
		reason = unknown.Err // of the extension, and not of this call
	}
	lost := *answer
	lost.Err = fmt.Errorf("the session could not be extended again: %w", reason)
	var said *drkit.Error
	if errors.As(reason, &said) && !errors.Is(reason, drkit.ErrUnauthorized) && !errors.Is(reason, drkit.ErrForbidden) {
		lost.Err = fmt.Errorf("%w: %w", drkit.ErrUnavailable, lost.Err)
	}
	return &lost
}

// ownSession reports whether the call goes out under the session that this client keeps.
func (x *exchange) ownSession() bool {
	return !x.operation.Anonymous && !x.call.Last && x.call.Token.IsZero()
}

// token returns what the call identifies itself with, signing in if need be.
func (x *exchange) token(ctx context.Context, stale uint64) (token string, err error) {
	switch {
	case x.ownSession() && x.client.config.Sign != nil:
		return "", x.client.session.denial()
	case x.ownSession():
		if token, x.generation, err = x.client.session.get(ctx, stale, unnamed); err != nil {
			err = fmt.Errorf("signing in: %w", err)
		}
		return token, err
	case x.call.Last:
		return x.client.session.current(), nil
	case !x.call.Token.IsZero():
		x.client.session.complete(x.call.Token)
		return x.call.Token.Reveal(), nil
	default:
		return "", nil
	}
}

// send runs the attempts with one token. The first is made here: an http.Client, as the loop has one, copies what
// only redirects would need.
func (x *exchange) send(ctx context.Context, token string) error {
	if err := x.addressed(); err != nil {
		return err
	}
	if token != "" {
		x.fields.set(x.client.tokenHeader, token)
	}
	x.attempt, x.looping = 0, false
	first := x.request()
	x.client.attempts.make(ctx, x, &first)
	if x.goesOn(ctx) {
		x.loop(ctx)
	}
	return x.outcome(ctx)
}

// loop goes on with the attempts, in the pauses between which the client may close.
func (x *exchange) loop(ctx context.Context) {
	if !x.call.Last {
		ctx, x.rest = x.client.alive(ctx)
	}
	request := x.request()
	again := &retryablehttp.Request{Request: request.WithContext(context.WithValue(ctx, exchangeKey{}, x))}
	if x.body != nil {
		_ = again.SetBody(x.body) // never fails for bytes
	}
	_, _ = x.client.retry.Do(again) //nolint:bodyclose // attempts has read and closed it
	if x.stream == nil {
		x.restEnds()
	}
}

// restEnds lets go of what the pauses needed. A stream still reads on the same context.
func (x *exchange) restEnds() {
	if x.rest != nil {
		x.rest()
		x.rest = nil
	}
}

// decode reads the answer into out.
func (x *exchange) decode(out any) error {
	data := x.received()
	if x.call.Bare && (len(bytes.TrimSpace(data)) == 0 || isNull(data)) {
		return nil
	}
	err := x.client.codec.Decode(data, out)
	if err == nil && isNull(data) {
		err = errors.New("null")
	}
	if err == nil && x.call.Check != nil {
		err = x.call.Check()
	}
	if err == nil {
		return nil
	}
	answer := x.newError()
	answer.Message = "the answer cannot be used" + x.contentType()
	answer.Err = x.client.clean(err)
	return answer
}

// expectNothing takes any success for an answer without content, but for a page: that is a proxy's.
func (x *exchange) expectNothing() error {
	mediaType, _, _ := strings.Cut(x.header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(mediaType), "text/html") || len(bytes.TrimSpace(x.received())) == 0 {
		return nil
	}
	answer := x.newError()
	answer.Foreign, answer.Message = true, "a page"+x.contentType()+", where the service itself says nothing"
	return answer
}

// refuse wraps what stopped the call before anything was sent.
func (x *exchange) refuse(err error) error { return fmt.Errorf("%s: %w", x.name(), err) }

// conclude is the one place that decides whether the outcome of a call that has failed is unknown.
func (x *exchange) conclude(err error) error {
	var answer *drkit.Error
	switch {
	case !errors.As(err, &answer) || answer.Operation != x.name():
		return x.refuse(err) // of the sign-in, or of the client: this call's own request was not sent
	case x.unknown(answer):
		return &drkit.OutcomeUnknownError{
			Operation: x.name(), Method: answer.Method, Path: answer.Path, Site: x.call.Site, OperationID: x.id, Err: err,
		}
	default:
		return err
	}
}

// unknown reports whether an operation may have run although its call has failed. A sign-in whose answer
// is lost leaves nothing behind that anybody would have to look for.
func (x *exchange) unknown(answer *drkit.Error) bool {
	return x.operation.Class == api.Once && !x.operation.Anonymous && x.mayHaveRun.Load() && !x.settles(answer)
}

// settles reports whether an error answer says for certain that the operation did not run.
func (x *exchange) settles(answer *drkit.Error) bool {
	if answer.Foreign || answer.Err != nil {
		return false
	}
	switch {
	case x.refuses(answer):
		return true
	case answer.Status == http.StatusUnauthorized, answer.Status == http.StatusRequestTimeout,
		answer.Status == http.StatusTooManyRequests:
		return false
	default:
		return answer.Status >= 400 && answer.Status < 500
	}
}

// refuses reports whether the contract lists the code of answer, or its status where it has no code, as the
// service's own refusal.
func (x *exchange) refuses(answer *drkit.Error) bool {
	code := answer.Code
	if code == "" && !answer.Foreign {
		code = strconv.Itoa(answer.Status)
	}
	return slices.Contains(x.operation.Refusals, code)
}

// newOperationID returns a random UUID, which is what the services' own tools send.
func newOperationID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	var text [36]byte
	hex.Encode(text[0:8], b[0:4])
	hex.Encode(text[9:13], b[4:6])
	hex.Encode(text[14:18], b[6:8])
	hex.Encode(text[19:23], b[8:10])
	hex.Encode(text[24:36], b[10:16])
	text[8], text[13], text[18], text[23] = '-', '-', '-', '-'
	return string(text[:])
}

func isNull(data []byte) bool {
	for len(data) > 0 && (data[0] == ' ' || data[0] == '\n' || data[0] == '\r' || data[0] == '\t') {
		data = data[1:]
	}
	return len(data) >= 4 && string(data[:4]) == "null"
}
