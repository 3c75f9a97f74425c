package transport

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/drkit-go/drkit/internal/api"
)

var (
	errSentTwice = errors.New("refused to send an operation that must not repeat a second time")
	errDetached  = errors.New("middleware sent a request without the context of the call")
)

// wire is the innermost round tripper, below the user's middleware. For an operation that must not
// repeat it is both the latch, which lets one request through, and the witness, which opens the latch
// again on proof that the request never left.
type wire struct{ next http.RoundTripper }

func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	x := exchangeOf(req.Context())
	if x == nil {
		// Without its exchange a request could neither be latched nor accounted for.
		return nil, errDetached
	}
	sent, err := x.signed(req)
	if err != nil {
		return nil, err
	}
	if x.operation.Class != api.Once {
		return w.next.RoundTrip(sent)
	}
	if err := req.Context().Err(); err != nil {
		return nil, err // net/http would refuse it, too, but without a trace of it
	}
	if !x.mayHaveRun.CompareAndSwap(false, true) {
		return nil, errSentTwice
	}
	var asked, got atomic.Bool
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GetConn: func(string) { asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { got.Store(true) },
	})
	sent = sent.WithContext(ctx)
	if sent.Header.Get("Idempotency-Key") != "" || sent.Header.Get("X-Idempotency-Key") != "" {
		// net/http repeats any request that carries one of these, whatever the server makes of it.
		sent.Header = sent.Header.Clone()
		sent.Header.Del("Idempotency-Key")
		sent.Header.Del("X-Idempotency-Key")
	}
	resp, err := w.next.RoundTrip(sent)
	if err != nil && asked.Load() && !got.Load() {
		x.mayHaveRun.Store(false)
	}
	return resp, err
}

// signed returns the request with its signature, which covers what the user's middleware has made of it.
func (x *exchange) signed(req *http.Request) (*http.Request, error) {
	sign := x.client.config.Sign
	if sign == nil || !x.ownSession() {
		return req, nil
	}
	req = req.Clone(req.Context())
	var body []byte
	if req.Body != nil && req.Body != http.NoBody {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, &unsignedError{err}
		}
		_ = req.Body.Close()
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		req.Body, _ = req.GetBody()
		req.ContentLength = int64(len(body))
	}
	if err := sign(req, body); err != nil {
		return nil, &unsignedError{err}
	}
	return req, nil
}

// unsignedError is a request that cannot be signed, and never will be.
type unsignedError struct{ err error }

func (e *unsignedError) Error() string { return "signing: " + e.err.Error() }

func (e *unsignedError) Unwrap() error { return e.err }
