package transport

import (
	"errors"
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
	if x.operation.Class != api.Once {
		return w.next.RoundTrip(req)
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
	req = req.WithContext(ctx)
	if req.Header.Get("Idempotency-Key") != "" || req.Header.Get("X-Idempotency-Key") != "" {
		// net/http repeats any request that carries one of these, whatever the server makes of it.
		req.Header = req.Header.Clone()
		req.Header.Del("Idempotency-Key")
		req.Header.Del("X-Idempotency-Key")
	}
	resp, err := w.next.RoundTrip(req)
	if err != nil && asked.Load() && !got.Load() {
		x.mayHaveRun.Store(false)
	}
	return resp, err
}
