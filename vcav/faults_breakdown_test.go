package vcav_test

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
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// breakdown is one fault of the matrix.
type breakdown struct {
	connection simkit.Breakage // of the request's connection; 0: it is sound
	request    simkit.ProxyFault
	lasting    bool // it strikes all requests of the operation, and not only the first
	impatient  bool // one attempt may take a moment only
	abandoned  bool // the caller's context ends once the request has arrived
}

const (
	loginPage = "<!DOCTYPE html><html><body>Sign in to continue</body></html>"
	halfJSON  = `{"id":"C4-`
)

// breakdowns are the faults of [faultMatrix], by name.
var breakdowns = map[string]breakdown{
	"none":                     {},
	"dial refused":             {connection: simkit.RefuseDial},
	"dial refused, lasting":    {connection: simkit.RefuseDial, lasting: true},
	"TLS fails":                {connection: simkit.CutHandshake},
	"TLS fails, lasting":       {connection: simkit.CutHandshake, lasting: true},
	"reset before the request": {connection: simkit.ResetUnused},
	"reset mid-request":        {request: simkit.ProxyFault{How: simkit.CutUpload}},
	"reset after the request, before the work": {request: simkit.ProxyFault{How: simkit.ResetConnection}},
	"reset after the request, after the work":  {request: simkit.ProxyFault{How: simkit.ResetConnection, After: true}},
	"answer truncated, before the work": {request: simkit.ProxyFault{
		How: simkit.TruncateAnswer, Status: http.StatusServiceUnavailable, Body: loginPage,
	}},
	"answer truncated, after the work": {request: simkit.ProxyFault{How: simkit.TruncateAnswer, After: true}},

	"answer past the attempt's time-out, without the work": {request: simkit.ProxyFault{How: simkit.HoldAnswer}, impatient: true},
	"answer past the attempt's time-out, after the work":   {request: simkit.ProxyFault{How: simkit.HoldAnswer, After: true}, impatient: true},
	"answer past the attempt's time-out, work after it":    {request: simkit.ProxyFault{How: simkit.HoldRequest}, impatient: true},
	"answer past the caller's context, without the work":   {request: simkit.ProxyFault{How: simkit.HoldAnswer}, abandoned: true},
	"answer past the caller's context, after the work":     {request: simkit.ProxyFault{How: simkit.HoldAnswer, After: true}, abandoned: true},
	"answer past the caller's context, work after it":      {request: simkit.ProxyFault{How: simkit.HoldRequest}, abandoned: true},

	"401 of the appliance, before the work": fromAppliance(http.StatusUnauthorized, vcav.CodeNotAuthenticated),
	"401 of a proxy, before the work":       fromProxy(http.StatusUnauthorized),
	"401 of a proxy, after the work":        fromProxy(http.StatusUnauthorized).afterTheWork(),
	"403 of the appliance, before the work": fromAppliance(http.StatusForbidden, vcav.CodeForbidden),
	"403 of a proxy, before the work":       fromProxy(http.StatusForbidden),
	"403 of a proxy, after the work":        fromProxy(http.StatusForbidden).afterTheWork(),
	"429 with Retry-After, before the work": throttled(),
	"429 with Retry-After, after the work":  throttled().afterTheWork(),
	"500, before the work":                  fromAppliance(http.StatusInternalServerError, vcav.CodeGeneralServerFailure),
	"500, after the work":                   fromAppliance(http.StatusInternalServerError, vcav.CodeGeneralServerFailure).afterTheWork(),
	"502, before the work":                  fromProxy(http.StatusBadGateway),
	"502, after the work":                   fromProxy(http.StatusBadGateway).afterTheWork(),
	"503, before the work":                  fromAppliance(http.StatusServiceUnavailable, "Overloaded"),
	"503, after the work":                   fromAppliance(http.StatusServiceUnavailable, "Overloaded").afterTheWork(),
	"503, before the work, lasting":         fromProxy(http.StatusServiceUnavailable).throughout(),
	"503, after the work, lasting":          fromProxy(http.StatusServiceUnavailable).afterTheWork().throughout(),
	"504, before the work":                  fromProxy(http.StatusGatewayTimeout),
	"504, after the work":                   fromProxy(http.StatusGatewayTimeout).afterTheWork(),
	"HTML 200 of a proxy, before the work":  fromProxy(http.StatusOK),
	"HTML 200 of a proxy, after the work":   fromProxy(http.StatusOK).afterTheWork(),
	"malformed JSON, before the work":       answered(http.StatusOK, "application/json", halfJSON),
	"malformed JSON, after the work":        answered(http.StatusOK, "application/json", halfJSON).afterTheWork(),
}

func answered(status int, contentType, body string) breakdown {
	return breakdown{request: simkit.ProxyFault{
		How: simkit.AnswerItself, Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body,
	}}
}

// fromProxy is what a proxy answers in place of the appliance.
func fromProxy(status int) breakdown { return answered(status, "text/html;charset=UTF-8", loginPage) }

// fromAppliance is an error in the appliance's own words.
func fromAppliance(status int, code string) breakdown {
	return answered(status, mediaType, fmt.Sprintf(`{"code":%q,"msg":"no","args":[],"stacktrace":null}`, code))
}

func throttled() breakdown {
	b := fromAppliance(http.StatusTooManyRequests, "TooManyRequests")
	b.request.Header.Set("Retry-After", "1")
	return b
}

func (b breakdown) afterTheWork() breakdown {
	b.request.After = true
	return b
}

func (b breakdown) throughout() breakdown {
	b.lasting = true
	return b
}

// class is what stands for a class of operations.
type class struct {
	operation, resource string
	request             string // line of its request
	call                func(ctx context.Context, client *vcav.Client) (end string, err error)
}

// classes are the columns of [faultMatrix].
func classes() map[string]class {
	id := vcavtest.ReplicationID("db-1")
	return map[string]class{
		"read": {"VMReplications.Get", id, "GET /vm-replications/" + id, func(ctx context.Context, client *vcav.Client) (string, error) {
			replication, err := client.VMReplications.Get(ctx, id)
			return "done", errors.Join(err, sameID(id, replication.ID, err))
		}},
		"replaceable": {"Policies.Update", vcav.DefaultPolicy, "PUT /policies/" + vcav.DefaultPolicy, func(ctx context.Context, client *vcav.Client) (string, error) {
			policy, err := client.Policies.Update(ctx, vcav.DefaultPolicy, vcav.PolicySettings{DisplayName: "Default"})
			return "done", errors.Join(err, sameID(vcav.DefaultPolicy, policy.ID, err))
		}},
		"once": {failover, id, "POST /vm-replications/" + id + "/failover", func(ctx context.Context, client *vcav.Client) (string, error) {
			poller, err := client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
			end := "adopted"
			if ctx.Err() != nil && errors.Is(err, drkit.ErrOutcomeUnknown) && errors.Is(err, context.Canceled) {
				end = "recovered"
				poller, err = drkit.Recover[vcav.VMReplication](context.WithoutCancel(ctx), err)
			}
			if err != nil {
				return "", err
			}
			if !poller.Adopted() {
				end = "done"
			}
			replication, err := poller.Wait(context.WithoutCancel(ctx))
			return end, errors.Join(err, sameID(id, replication.ID, err))
		}},
	}
}

func sameID(wanted, got string, err error) error {
	if err != nil || wanted == got {
		return nil //nolint:nilerr // an answer that failed is about nothing
	}
	return fmt.Errorf("an answer about %q", got)
}

// breakDown makes one call over a proxy that breaks it, and says what came of it.
func breakDown(t *testing.T, b breakdown, name, protocol string) string {
	t.Helper()
	class := classes()[name]
	server := vcavtest.NewServer(t, vcavtest.TaskDuration(0, 50*time.Millisecond))
	proxy, err := simkit.StartProxy(server.URL, server.Transport(), protocol == "HTTP 2")
	require.NoError(t, err)
	t.Cleanup(proxy.Close)
	wire := newBreakingWire(t, proxy, class.request, b)
	grace := 100 * time.Millisecond
	if b.request.After || b.request.How == simkit.HoldRequest {
		grace = time.Minute // it ends with the work found
	}
	options := []drkit.Option{
		drkit.WithTransport(wire), drkit.WithRetry(drkit.RetryPolicy{MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond}),
		drkit.WithPolling(drkit.PollPolicy{MinInterval: 5 * time.Millisecond, MaxInterval: 20 * time.Millisecond, Grace: grace}),
	}
	if b.impatient {
		options = append(options, drkit.WithTimeout(time.Second))
	}
	client, err := vcav.NewClient(proxy.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), options...)
	require.NoError(t, err)
	_, err = client.Sessions.SignIn(t.Context())
	require.NoError(t, err)

	ctx, abandon := context.WithCancel(t.Context())
	defer abandon()
	var arrived atomic.Int64
	proxy.Decide(func(r *http.Request) simkit.ProxyFault {
		assert.Equal(t, protocol, strings.TrimSuffix(strings.Replace(r.Proto, "/", " ", 1), ".0"))
		if r.Method+" "+r.URL.Path != class.request || arrived.Add(1) > 1 && !b.lasting {
			return simkit.ProxyFault{}
		}
		if b.abandoned {
			abandon()
		}
		return b.request
	})
	end, err := class.call(ctx, client)
	proxy.Close() // only then all that is still to be passed on has been
	server.Close()
	gone, cancel := context.WithCancel(t.Context())
	cancel() // there is nobody to sign out from
	_ = client.Close(gone)
	if err != nil {
		end = wordFor(err)
	}
	return fmt.Sprintf("%d/%d %s", arrived.Load(), server.Ran(class.operation, class.resource), end)
}

// wordFor names an error in the terms of [faultMatrix].
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
	fault   breakdown
	close   func(func())

	attempts atomic.Int64
}

func newBreakingWire(t *testing.T, proxy *simkit.Proxy, request string, fault breakdown) *breakingWire {
	w := &breakingWire{proxy: proxy, rest: proxy.Transport(), request: request, fault: fault, close: t.Cleanup}
	t.Cleanup(w.rest.CloseIdleConnections)
	return w
}

// RoundTrip sends a request.
func (w *breakingWire) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method+" "+r.URL.Path != w.request {
		return w.rest.RoundTrip(r)
	}
	if w.fault.connection != 0 && (w.attempts.Add(1) == 1 || w.fault.lasting) {
		w.proxy.Break(w.fault.connection, 1)
	}
	own := w.proxy.Transport()
	w.close(own.CloseIdleConnections)
	return own.RoundTrip(r)
}
