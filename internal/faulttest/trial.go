package faulttest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/simkit"
)

// Client is what the clients of all services have.
type Client interface {
	Close(ctx context.Context) error
}

// Trial is one operation against a simulator of its own.
type Trial[C Client] struct {
	URL       string            // of the simulator
	Transport http.RoundTripper // that reaches it
	// Connect returns a client for the endpoint, which has signed in.
	Connect func(ctx context.Context, endpoint string, options ...drkit.Option) (C, error)
	// Request is the line of the operation's request, as in "POST /api/replication/source".
	Request string
	// Call sends it, and names the end where that is no error; see [Follow].
	Call func(ctx context.Context, client C) (end string, err error)
	// Ran returns how often the simulator has done the work.
	Ran func() int
	// Stop ends the simulator.
	Stop func()
}

// Follow is the end of a call that has returned a poller: it recovers what the caller's context has cut off, waits,
// and lets check look at the result.
func Follow[T any](ctx context.Context, poller *drkit.Poller[T], err error, check func(T) error) (end string, _ error) {
	whole, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	end = "adopted"
	if ctx.Err() != nil && errors.Is(err, drkit.ErrOutcomeUnknown) && errors.Is(err, context.Canceled) {
		end = "recovered"
		poller, err = drkit.Recover[T](whole, err)
	}
	if err != nil {
		return "", err
	}
	if !poller.Adopted() {
		end = "done"
	}
	result, err := poller.Wait(whole)
	if err != nil {
		return end, fmt.Errorf("%s, and the wait: %w", end, err)
	}
	return end, check(result)
}

// breakDown makes one call over a proxy that breaks it, and says what came of it.
func breakDown[C Client](t *testing.T, fault Fault, trial Trial[C], protocol string) string {
	t.Helper()
	proxy, err := simkit.StartProxy(trial.URL, trial.Transport, protocol == "HTTP 2")
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	client, err := trial.Connect(t.Context(), proxy.URL, fault.options(newBreakingWire(t, proxy, trial.Request, fault))...)
	require.NoError(t, err)

	ctx, abandon := context.WithCancel(t.Context())
	defer abandon()
	var arrived atomic.Int64
	proxy.Decide(func(r *http.Request) simkit.ProxyFault {
		assert.Equal(t, protocol, strings.TrimSuffix(strings.Replace(r.Proto, "/", " ", 1), ".0"))
		if lineOf(r) != trial.Request || arrived.Add(1) > 1 && !fault.lasting {
			return simkit.ProxyFault{}
		}
		if fault.abandoned {
			abandon()
		}
		return fault.request
	})
	end, err := trial.Call(ctx, client)
	proxy.Close() // only then all that is still to be passed on has been
	trial.Stop()
	gone, cancel := context.WithCancel(t.Context())
	cancel() // there is nobody to sign out from
	_ = client.Close(gone)
	if err != nil {
		end = wordFor(err)
	}
	return fmt.Sprintf("%d/%d %s", arrived.Load(), trial.Ran(), end)
}

// options are those of a client whose requests the fault strikes.
func (f Fault) options(wire http.RoundTripper) []drkit.Option {
	grace := 100 * time.Millisecond
	if f.worked() {
		grace = time.Minute // it ends with the work found
	}
	options := []drkit.Option{
		drkit.WithTransport(wire), drkit.WithRetry(drkit.RetryPolicy{MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond}),
		drkit.WithPolling(drkit.PollPolicy{MinInterval: 5 * time.Millisecond, MaxInterval: 20 * time.Millisecond, Grace: grace}),
	}
	if f.impatient {
		options = append(options, drkit.WithTimeout(time.Second))
	}
	return options
}

// wordFor names an error in the terms of [Matrix].
func wordFor(err error) string {
	var unknown *drkit.OutcomeUnknownError
	var answer *drkit.Error
	switch {
	case errors.As(err, &unknown) && unknown.Untouched:
		return "untouched"
	case errors.As(err, &unknown):
		return "unknown: " + err.Error()
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, drkit.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, drkit.ErrUnauthorized):
		return "unauthorized"
	case errors.Is(err, drkit.ErrForbidden):
		return "forbidden"
	case errors.As(err, &answer) && answer.Status == http.StatusOK:
		return "unusable"
	case errors.As(err, &answer):
		return fmt.Sprintf("status %d", answer.Status)
	default:
		return err.Error()
	}
}

// breakingWire lets each request of an operation have a connection of its own, which breaks when it should.
type breakingWire struct {
	proxy   *simkit.Proxy
	rest    *http.Transport
	request string
	fault   Fault
	close   func(func())

	attempts atomic.Int64
}

func newBreakingWire(t *testing.T, proxy *simkit.Proxy, request string, fault Fault) *breakingWire {
	w := &breakingWire{proxy: proxy, rest: proxy.Transport(), request: request, fault: fault, close: t.Cleanup}
	t.Cleanup(w.rest.CloseIdleConnections)
	return w
}

// RoundTrip sends a request.
func (w *breakingWire) RoundTrip(r *http.Request) (*http.Response, error) {
	if lineOf(r) != w.request {
		return w.rest.RoundTrip(r)
	}
	if w.fault.connection != 0 && (w.attempts.Add(1) == 1 || w.fault.lasting) {
		w.proxy.Break(w.fault.connection, 1)
	}
	own := w.proxy.Transport()
	w.close(own.CloseIdleConnections)
	return own.RoundTrip(r)
}

func lineOf(r *http.Request) string { return r.Method + " " + r.URL.Path }
