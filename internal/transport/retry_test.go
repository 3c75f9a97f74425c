package transport_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// neverConnects fails as net/http does where no connection was to be had.
func neverConnects(req *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(req.Context()).GetConn("appliance:443")
	return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
}

// losesConnection fails on a connection that was there.
func losesConnection(req *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
		trace.GetConn("appliance:443")
		trace.GotConn(httptrace.GotConnInfo{})
	}
	return nil, errReset
}

// connects as it should, and fails on a certificate before anything is sent.
func mistrusted(req *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(req.Context()); trace != nil {
		trace.GetConn("appliance:443")
	}
	return nil, x509.UnknownAuthorityError{}
}

func TestWhatIsSentAgain(t *testing.T) {
	t.Parallel()
	const tries = drkitDefaultAttempts
	ok := answers(http.StatusOK, `{"id":"1"}`)
	for _, tc := range []struct {
		name                 string
		fault                func(*http.Request) (*http.Response, error)
		read, replaced, once int // requests sent when the fault does not go away
		unknown              bool
		kind                 error
	}{
		{"reset", losesConnection, tries, tries, 1, true, drkit.ErrUnavailable},
		{"failure without a trace", fails(errReset), tries, tries, 1, true, drkit.ErrUnavailable},
		{"half an answer", breaksOff(http.StatusOK), tries, tries, 1, true, drkit.ErrUnavailable},
		{"502 from a proxy", answers(502, "<html>"), tries, tries, 1, true, drkit.ErrUnavailable},
		{"503", answers(503, `{"code":"Starting","msg":"m"}`), tries, tries, 1, true, drkit.ErrUnavailable},
		{"504", answers(504, ``), tries, tries, 1, true, drkit.ErrUnavailable},
		{"429", answers(429, `{"code":"Slow","msg":"m"}`), tries, tries, 1, true, drkit.ErrThrottled},
		{"429 that the contract lists as a refusal", answers(429, `{"code":"Busy","msg":"m"}`), tries, tries, tries, false, drkit.ErrThrottled},
		{"408", answers(408, ``), tries, tries, 1, true, nil},
		{"500", answers(500, `{"code":"Oops","msg":"m"}`), 1, 1, 1, true, nil},
		{"401 of somebody else", answers(401, `<html>`), 1, 1, 1, true, drkit.ErrUnauthorized},
		{"401 with another code", answers(401, `{"code":"Remote","msg":"m"}`), 1, 1, 1, true, drkit.ErrUnauthorized},
		{"400", answers(400, `{"code":"Bad","msg":"m"}`), 1, 1, 1, false, nil},
		{"400 of somebody else", answers(400, `<html>`), 1, 1, 1, true, nil},
		{"403", answers(403, `{"code":"Forbidden","msg":"m"}`), 1, 1, 1, false, drkit.ErrForbidden},
		{"404", answers(404, `{"code":"NotFound","msg":"m"}`), 1, 1, 1, false, drkit.ErrNotFound},
		{"409", answers(409, `{"code":"InUse","msg":"m"}`), 1, 1, 1, false, drkit.ErrConflict},
		{"HTML with status 200", answers(200, `<html>`), 1, 1, 1, true, nil},
		{"null", answers(200, `null`), 1, 1, 1, true, nil},
		{"nothing", answers(200, ``), 1, 1, 1, true, nil},
		{"redirect", answers(307, ``, "Location", "https://elsewhere.example.com/?token=x"), 1, 1, 1, true, nil},
		{"certificate", mistrusted, 1, 1, 1, false, nil},
		{"dial refused", neverConnectsUntraced, tries, tries, tries, false, drkit.ErrUnavailable},
	} {
		for _, class := range []struct {
			operation *api.Operation
			sent      int
		}{{&readThing, tc.read}, {&replaceThing, tc.replaced}, {&moveThing, tc.once}} {
			t.Run(tc.name+"/"+class.operation.Class.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					network := scripted(tc.fault)
					client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network))
					var out thing
					_, err := client.Do(t.Context(), transport.Call{Operation: class.operation, Path: []string{"7"}}, &out)
					require.Error(t, err)
					assert.Equal(t, class.sent, network.count())
					unknown := tc.unknown && class.operation.Class == api.Once
					assert.Equal(t, unknown, errors.Is(err, drkit.ErrOutcomeUnknown), err)
					if tc.kind != nil {
						require.ErrorIs(t, err, tc.kind)
					}
					var answer *drkit.Error
					require.ErrorAs(t, err, &answer, "the last answer is kept")
					assert.Equal(t, "fake."+class.operation.Name, answer.Operation)
					assert.NotEmpty(t, answer.OperationID)
					assert.NotContains(t, err.Error(), "\n")
					assert.NotContains(t, err.Error(), "token=x")
				})
				synctest.Test(t, func(t *testing.T) {
					network := scripted(tc.fault, ok)
					client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network))
					var out thing
					_, err := client.Do(t.Context(), transport.Call{Operation: class.operation, Path: []string{"7"}}, &out)
					if class.sent == 1 {
						require.Error(t, err)
						assert.Equal(t, 1, network.count())
						return
					}
					require.NoError(t, err)
					assert.Equal(t, thing{"1"}, out)
					assert.Equal(t, 2, network.count())
				})
			})
		}
	}
}

const drkitDefaultAttempts = 4

// neverConnectsUntraced also serves classes that carry no trace.
func neverConnectsUntraced(req *http.Request) (*http.Response, error) {
	if httptrace.ContextClientTrace(req.Context()) != nil {
		return neverConnects(req)
	}
	return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
}

func TestRetryAfterIsObeyedWithinTheCap(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		header string
		least  time.Duration
		most   time.Duration
	}{
		"seconds":             {"7", 7 * time.Second, 7 * time.Second},
		"an hour is too long": {"3600", 30 * time.Second, 30 * time.Second},
		"a date":              {time.Date(2000, 1, 1, 0, 0, 9, 0, time.UTC).Format(http.TimeFormat), 9 * time.Second, 9 * time.Second},
		"a date gone by":      {"Fri, 31 Dec 1999 00:00:00 GMT", 0, 500 * time.Millisecond},
		"nonsense":            {"soon", 0, 500 * time.Millisecond},
		"a huge number":       {"99999999999999999", 30 * time.Second, 30 * time.Second},
		"a negative number":   {"-5", 0, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				network := scripted(answers(503, "", "Retry-After", tc.header), answers(200, `{"id":"1"}`))
				client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network))
				began := time.Now()
				var out thing
				_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}}, &out)
				require.NoError(t, err)
				took := time.Since(began)
				assert.GreaterOrEqual(t, took, tc.least)
				assert.LessOrEqual(t, took, tc.most)
			})
		})
	}
}

// A service that counts requests in windows lets nothing pass before the next one, whatever a pause that doubles would
// come to.
func TestPausesReachTheNextWindow(t *testing.T) {
	t.Parallel()
	throttles, starting := answers(429, ""), answers(503, "")
	for name, tc := range map[string]struct {
		retry       drkit.RetryPolicy
		answer      func(*http.Request) (*http.Response, error)
		least, most time.Duration
	}{
		"together they are as long":             {drkit.RetryPolicy{}, throttles, time.Minute, 66 * time.Second},
		"also where there are more":             {drkit.RetryPolicy{Attempts: 7}, throttles, time.Minute, 66 * time.Second},
		"within the cap":                        {drkit.RetryPolicy{MaxWait: time.Second}, throttles, 3 * time.Second, 3 * time.Second},
		"the one there is":                      {drkit.RetryPolicy{Attempts: 2, MaxWait: time.Hour}, throttles, time.Minute, 66 * time.Second},
		"what the service asks for comes first": {drkit.RetryPolicy{}, answers(429, "", "Retry-After", "7"), 21 * time.Second, 21 * time.Second},
		"other failures do not wait for it":     {drkit.RetryPolicy{}, starting, 0, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClientWith(t, "https://appliance.example.com", func(c *transport.Config) { given(c); c.Window = time.Minute },
					drkit.WithTransport(scripted(tc.answer)), drkit.WithRetry(tc.retry))
				began := time.Now()
				_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
				require.Error(t, err)
				took := time.Since(began)
				assert.GreaterOrEqual(t, took, tc.least)
				assert.LessOrEqual(t, took, tc.most)
			})
		})
	}
}

func TestPauseThatOutlivesTheContextEndsAtOnceWithTheAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(answers(503, `{"code":"Starting","msg":"come back"}`, "Retry-After", "20"))
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		began := time.Now()
		_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		assert.Zero(t, time.Since(began))
		var answer *drkit.Error
		require.ErrorAs(t, err, &answer)
		assert.Equal(t, "Starting", answer.Code)
		assert.Equal(t, 20*time.Second, answer.RetryAfter)
	})
}

func TestAttemptTimeoutIsNotTheCallersDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(scripted(stalls)), drkit.WithTimeout(3*time.Second))
		_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "3s")

		_, err = client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
	})
}

func TestContextEndsCallAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		network   *script
		operation *api.Operation
		unknown   bool
	}{
		"in a read":                      {scripted(stalls), &readThing, false},
		"in an operation that was sent":  {scripted(stalls), &moveThing, true},
		"in the pause before a retry":    {scripted(answers(503, "", "Retry-After", "25")), &readThing, false},
		"in the pause after no connect":  {scripted(neverConnectsUntraced), &moveThing, false},
		"in the pause after a lost read": {scripted(fails(errReset)), &readThing, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, "https://appliance.example.com", drkit.WithTransport(tc.network),
					drkit.WithRetry(drkit.RetryPolicy{Attempts: 1000, MinWait: time.Minute, MaxWait: time.Minute}))
				why := errors.New("the operator gave up")
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(10*time.Second, func() { cancel(why) })
				began := time.Now()
				_, err := client.Do(ctx, transport.Call{Operation: tc.operation, Path: []string{"7"}}, nil)
				assert.LessOrEqual(t, time.Since(began), 10*time.Second)
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, why)
				assert.Equal(t, tc.unknown, errors.Is(err, drkit.ErrOutcomeUnknown), err)
			})
		})
	}
}

func TestContextThatHasEndedSendsNothing(t *testing.T) {
	t.Parallel()
	network := scripted(answers(202, `{}`))
	client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := move(ctx, client)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Zero(t, network.count())
}

// A middleware that repeats, hedges or names its own idempotency key cannot make an operation run twice.
func TestMiddlewareCannotRepeat(t *testing.T) {
	t.Parallel()
	repeat := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			for range 3 {
				if resp, err := next.RoundTrip(req); err == nil && resp.StatusCode < 500 {
					return resp, nil
				}
			}
			return next.RoundTrip(req)
		})
	}
	for name, tc := range map[string]struct {
		network *script
		sent    int
		unknown bool
	}{
		"after a reset":         {scripted(losesConnection), 1, true},
		"after a 503":           {scripted(answers(503, "")), 1, true},
		"after no connection":   {scripted(neverConnects, neverConnects, answers(202, `{"id":"1"}`)), 3, false},
		"after a refused token": {scripted(answers(500, "")), 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, "https://appliance.example.com", drkit.WithTransport(tc.network), drkit.WithMiddleware(repeat))
			_, err := client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
			assert.Equal(t, tc.sent, tc.network.count())
			assert.Equal(t, tc.unknown, errors.Is(err, drkit.ErrOutcomeUnknown), err)
		})
	}
}

func TestMiddlewareSeesWhatLeavesAndKeysAreTakenOut(t *testing.T) {
	t.Parallel()
	network := scripted(neverConnects, answers(202, `{"id":"1"}`))
	var order []string
	note := func(name string) func(http.RoundTripper) http.RoundTripper {
		return func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				order = append(order, name)
				req.Header.Add("Idempotency-Key", name)
				req.Header.Add("X-Trace", name)
				return next.RoundTrip(req)
			})
		}
	}
	client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network),
		drkit.WithMiddleware(note("outer")), drkit.WithMiddleware(note("inner")),
		drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
	_, err := client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{"outer", "inner", "outer", "inner"}, order)
	for _, sent := range network.seen {
		assert.Equal(t, []string{"outer", "inner"}, sent.Header.Values("X-Trace"), "headers do not pile up over attempts")
		assert.Empty(t, sent.Header.Values("Idempotency-Key"), "net/http would repeat the request by itself")
	}
}

func TestMiddlewareThatDropsTheContextIsRefused(t *testing.T) {
	t.Parallel()
	network := scripted(answers(202, `{"id":"1"}`))
	detach := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			return next.RoundTrip(req.WithContext(context.WithoutCancel(context.Background())))
		})
	}
	client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network), drkit.WithMiddleware(detach))
	_, err := client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
	require.ErrorContains(t, err, "context")
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Zero(t, network.count())
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(answers(200, `{"id":"1"}`))
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network), drkit.WithRateLimit(2, 1))
		began := time.Now()
		for range 5 {
			_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
			require.NoError(t, err)
		}
		assert.Equal(t, 2*time.Second, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := client.Do(ctx, transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.NotErrorIs(t, err, drkit.ErrUnavailable)
		assert.Equal(t, 5, network.count())
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Round trippers of users do not always keep to what they promise, and nobody's program ends for that.
func TestRoundTripperThatBreaksItsWord(t *testing.T) {
	t.Parallel()
	silent := newClient(t, "https://appliance.example.com", drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}),
		drkit.WithTransport(roundTripper(func(*http.Request) (*http.Response, error) { return nil, nil })))
	_, err := silent.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
	require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
	require.ErrorContains(t, err, "neither an answer nor an error")

	empty := newClient(t, "https://appliance.example.com", drkit.WithTransport(roundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusNoContent, Request: req}, nil
	})))
	answer, err := empty.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, answer.Status)
}

func TestRepeatedDeleteThatFindsNothingHasSucceeded(t *testing.T) {
	t.Parallel()
	gone := answers(404, `{"code":"NotFound","msg":"m"}`)
	remove := api.Operation{Name: "Things.Delete", Method: http.MethodDelete, Path: "/things/{thingId}", Class: api.Replaceable}
	for name, tc := range map[string]struct {
		network *script
		fails   bool
	}{
		"at the second attempt": {scripted(fails(errReset), gone), false},
		"at the first":          {scripted(gone), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, "https://appliance.example.com", drkit.WithTransport(tc.network))
				_, err := client.Do(t.Context(), transport.Call{Operation: &remove, Path: []string{"7"}}, nil)
				assert.Equal(t, tc.fails, errors.Is(err, drkit.ErrNotFound), err)
			})
		})
	}
}

// A lost answer is not forgotten while the session is begun anew, and a refused session is no lost answer.
func TestRepeatedDeleteUnderANewSession(t *testing.T) {
	t.Parallel()
	gone, over := answers(404, `{"code":"NotFound","msg":"m"}`), answers(401, `{"code":"SessionOver","msg":"sign in"}`)
	remove := api.Operation{Name: "Things.Delete", Method: http.MethodDelete, Path: "/things/{thingId}", Class: api.Replaceable}
	for name, tc := range map[string]struct {
		network *script
		fails   bool
	}{
		"after a lost answer":        {scripted(fails(errReset), over, gone), false},
		"after the end of a session": {scripted(over, gone), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				signIns := &sessionServer{}
				client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
					if req.URL.Path == "/sessions" {
						return signIns.RoundTrip(req)
					}
					return tc.network.RoundTrip(req)
				}))
				_, err := client.Do(t.Context(), transport.Call{Operation: &remove, Path: []string{"7"}}, nil)
				assert.Equal(t, tc.fails, errors.Is(err, drkit.ErrNotFound), err)
				assert.Equal(t, tc.fails, err != nil, err)
			})
		})
	}
}

// Only where a repeat is refused, in the service's own words, an earlier attempt may have done the work.
func TestRefusedRepeat(t *testing.T) {
	t.Parallel()
	taken := answers(400, `{"code":"Taken","msg":"m"}`)
	for name, tc := range map[string]struct {
		network *script
		class   api.Class
		done    bool
		fails   bool
	}{
		"done":            {scripted(fails(errReset), taken), api.Replaceable, true, false},
		"not done":        {scripted(fails(errReset), taken), api.Replaceable, false, true},
		"at the first":    {scripted(taken), api.Replaceable, true, true},
		"page":            {scripted(fails(errReset), answers(400, "<html>")), api.Replaceable, true, true},
		"must not repeat": {scripted(neverConnects, taken), api.Once, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, "https://appliance.example.com", drkit.WithTransport(tc.network))
				change := api.Operation{Name: "Things.Take", Method: http.MethodPost, Path: "/things", Class: tc.class}
				_, err := client.Do(t.Context(), transport.Call{
					Operation: &change,
					Done:      func(_ context.Context, refusal *drkit.Error) bool { return tc.done && refusal.Code == "Taken" },
				}, &struct{}{})
				assert.Equal(t, tc.fails, err != nil, err)
			})
		})
	}
}

func TestEveryAttemptCarriesTheSameOperationID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(answers(503, ""), answers(503, ""), answers(200, `{"id":"1"}`))
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network))
		for i, want := range []string{"", "night-shift-12"} {
			network.seen = nil
			ctx := t.Context()
			if want != "" {
				ctx = drkit.WithOperationID(ctx, want)
			}
			_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
			require.NoError(t, err)
			ids := map[string]int{}
			for _, sent := range network.seen {
				ids[sent.Header.Get("operationID")]++
			}
			assert.Len(t, ids, 1, fmt.Sprint(i))
			if want != "" {
				assert.Equal(t, 3, ids[want])
			}
		}
	})
}
