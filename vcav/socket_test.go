package vcav_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const (
	failover = "VMReplications.Failover"
	signIn   = "Sessions.SignIn"
)

// quick keeps tests on real sockets short: pauses of a few milliseconds.
var quick = []drkit.Option{
	drkit.WithRetry(drkit.RetryPolicy{MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond}),
	drkit.WithPolling(drkit.PollPolicy{MinInterval: 2 * time.Millisecond, MaxInterval: 5 * time.Millisecond}),
}

// connect returns a client of a simulated appliance behind a real TLS socket.
func connect(t *testing.T, server *vcavtest.Server, options ...drkit.Option) *vcav.Client {
	t.Helper()
	options = append(append(server.Options(), quick...), options...)
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

func TestRefusedDialIsSentAgain(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t)
	client := connect(t, server)
	_, err := client.Sessions.SignIn(t.Context())
	require.NoError(t, err)
	server.CloseConnections()
	server.RefuseConnections(2)

	id := vcavtest.ReplicationID("db-1")
	poller, err := client.VMReplications.Failover(t.Context(), id, vcav.CloudFailover{PowerOn: true})
	if errors.Is(err, drkit.ErrOutcomeUnknown) {
		// The client may still have taken the cut connection for a good one, which proves nothing.
		t.Log("the request went out on the connection that was just cut:", err)
		assert.Zero(t, server.Ran(failover, id))
		poller, err = client.VMReplications.Failover(t.Context(), id, vcav.CloudFailover{PowerOn: true})
	}
	require.NoError(t, err)
	done, err := poller.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, vcav.RecoveryStateComplete, done.DestinationState.RecoveryInfo.RecoveryState)
	assert.Equal(t, 1, server.Ran(failover, id))
}

func TestAnswerThatIsLostIsNotSentAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]vcavtest.Fault{
		"reset":               {Reset: true},
		"dropped":             {Drop: true},
		"truncated":           {Truncate: true},
		"503 from a proxy":    {Status: 503},
		"HTML with 200":       {Status: 200, Body: "<html>login</html>"},
		"malformed":           {Status: 202, Body: "{", ContentType: "application/json"},
		"late":                {Delay: 10 * time.Second},
		"429":                 {Status: 429, RetryAfter: time.Second},
		"401 of another code": {Status: 401, Code: vcav.CodeRemoteAuthenticationFailure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := vcavtest.NewServer(t)
			client := connect(t, server, drkit.WithTimeout(time.Second))
			id := vcavtest.ReplicationID("db-1")
			fault.Operation, fault.After = failover, true
			server.Inject(fault)
			poller, err := client.VMReplications.Failover(t.Context(), id, vcav.CloudFailover{PowerOn: true})
			require.NoError(t, err, "it is found")
			assert.True(t, poller.Adopted())
			assert.Equal(t, 1, server.Count(failover), "exactly one request")
			assert.Equal(t, 1, server.Ran(failover, id))
			tasks := server.Tasks()
			require.Len(t, tasks, 1)
			assert.Equal(t, tasks[0].ID, poller.ID())
			for _, request := range server.Requests() {
				if request.Operation != signIn {
					assert.Equal(t, tasks[0].OperationID, request.OperationID, "%s, before or after it", request.Operation)
				}
			}
			server.ClearFaults()
			done, err := poller.Wait(t.Context())
			require.NoError(t, err)
			assert.Equal(t, vcav.RecoveryStateComplete, done.DestinationState.RecoveryInfo.RecoveryState)
		})
	}
}

func TestSessionThatExpiresUnderAHundredWaits(t *testing.T) {
	t.Parallel()
	const waits = 100
	replications := make([]vcavtest.Replication, waits)
	for i := range replications {
		replications[i] = vcavtest.Replication{ID: fmt.Sprintf("C4-%03d", i), VMName: fmt.Sprintf("vm-%03d", i)}
	}
	server := vcavtest.NewServer(t, vcavtest.Protect(replications...), vcavtest.TaskDuration(0, 2*time.Second))
	client := connect(t, server, drkit.WithPolling(drkit.PollPolicy{MinInterval: 100 * time.Millisecond, MaxInterval: 100 * time.Millisecond}))
	pollers := make([]*drkit.Poller[vcav.VMReplication], waits)
	for i := range pollers {
		var err error
		pollers[i], err = client.VMReplications.Sync(t.Context(), replications[i].ID)
		require.NoError(t, err)
	}
	require.Equal(t, 1, server.Count(signIn))
	var once sync.Once
	outcomes, err := drkit.WaitAll(t.Context(), pollers, drkit.OnProgress(func(drkit.Progress) {
		once.Do(server.ExpireSessions) // all are waiting by the time the first has looked
	}))
	require.NoError(t, err)
	assert.Len(t, outcomes, waits)
	assert.Equal(t, 2, server.Count(signIn), "one sign-in for all")
}

func TestCancelledCallsReturnAtOnce(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	func() {
		server := vcavtest.NewServer(t, vcavtest.TaskDuration(0, time.Hour))
		defer server.Close()
		server.Inject(vcavtest.Fault{Operation: signIn, Delay: time.Second, Times: 1})
		server.Inject(vcavtest.Fault{Operation: "Diagnostics.About", Status: 503, RetryAfter: 20 * time.Second})
		client := connect(t, server, drkit.WithRetry(drkit.RetryPolicy{MaxWait: time.Minute}))

		t.Run("from sign-in, which goes on for others", func(t *testing.T) {
			var other sync.WaitGroup
			other.Go(func() {
				_, err := client.Sessions.Get(t.Context())
				assert.NoError(t, err)
			})
			assertCancelled(t, 100*time.Millisecond, func(ctx context.Context) error {
				_, err := client.VMReplications.Failover(ctx, vcavtest.ReplicationID("app-1"), vcav.CloudFailover{})
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				return err
			})
			other.Wait()
			assert.Equal(t, 1, server.Count(signIn))
			assert.Zero(t, server.Count(failover))
		})
		t.Run("from the pause before a retry", func(t *testing.T) {
			assertCancelled(t, 100*time.Millisecond, func(ctx context.Context) error {
				_, err := client.Diagnostics.About(ctx)
				return err
			})
		})
		t.Run("from a wait, whose task goes on", func(t *testing.T) {
			poller, err := client.VMReplications.Sync(t.Context(), vcavtest.ReplicationID("web-1"))
			require.NoError(t, err)
			assertCancelled(t, 100*time.Millisecond, func(ctx context.Context) error {
				_, err := poller.Wait(ctx)
				return err
			})
			assert.Equal(t, "RUNNING", string(poller.Progress().State))
		})
		require.NoError(t, client.Close(t.Context()))
	}()
	goleak.VerifyNone(t, ignore)
}

// assertCancelled runs call and ends its context after a while: call must then be back at once.
func assertCancelled(t *testing.T, after time.Duration, call func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var ended atomic.Int64
	timer := time.AfterFunc(after, func() { ended.Store(time.Now().UnixNano()); cancel() })
	defer timer.Stop()
	err := call(ctx)
	require.ErrorIs(t, err, context.Canceled)
	late := time.Duration(time.Now().UnixNano() - ended.Load())
	assert.Less(t, late, 500*time.Millisecond)
}

func TestTokenStaysAtItsHost(t *testing.T) {
	t.Parallel()
	var visits atomic.Int64
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
	defer elsewhere.Close()
	server := vcavtest.NewServer(t)
	client := connect(t, server)
	for _, status := range []int{301, 302, 307, 308} {
		server.ClearFaults()
		server.Inject(vcavtest.Fault{Operation: "Diagnostics.About", Redirect: elsewhere.URL, Status: status})
		_, err := client.Diagnostics.About(t.Context())
		require.ErrorContains(t, err, "redirects are not followed")
	}
	assert.Zero(t, visits.Load())
}

func TestWrongThumbprint(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t)
	credentials := vcav.LocalUser(server.User, drkit.NewSecret(server.Password))
	right, err := vcav.NewClient(server.URL, credentials, drkit.WithThumbprint(server.Thumbprint()))
	require.NoError(t, err)
	_, err = right.Diagnostics.About(t.Context())
	require.NoError(t, err)
	require.NoError(t, right.Close(t.Context()))

	wrong, err := vcav.NewClient(server.URL, credentials, drkit.WithThumbprint("SHA-256:"+strings.Repeat("00:", 31)+"00"))
	require.NoError(t, err)
	_, err = wrong.Diagnostics.About(t.Context())
	require.ErrorContains(t, err, server.Thumbprint(), "it says what it found")
	assert.Equal(t, 3, server.Count(""), "sign-in, about and sign-out of the right one")
}

func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t)
	client := connect(t, server, drkit.WithMaxBodyBytes(1<<20))
	server.Inject(vcavtest.Fault{Operation: "VMReplications.Get", EndlessBody: true})
	server.Inject(vcavtest.Fault{Operation: failover, After: true, EndlessBody: true})
	_, err := client.VMReplications.Get(t.Context(), vcavtest.ReplicationID("db-1"))
	require.ErrorContains(t, err, "longer than the limit")
	_, err = client.VMReplications.Failover(wire(t), vcavtest.ReplicationID("db-1"), vcav.CloudFailover{})
	require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
	poller, err := client.VMReplications.Failover(t.Context(), vcavtest.ReplicationID("app-1"), vcav.CloudFailover{})
	require.ErrorContains(t, err, "not sent, because replication "+vcavtest.ReplicationID("app-1")+" cannot be read before")
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Nil(t, poller)

	server.ClearFaults()
	server.Inject(vcavtest.Fault{Operation: failover, After: true, EndlessBody: true})
	poller, err = client.VMReplications.Failover(t.Context(), vcavtest.ReplicationID("app-1"), vcav.CloudFailover{})
	require.NoError(t, err)
	assert.True(t, poller.Adopted())
	assert.Equal(t, 2, server.Count(failover))
	assert.Equal(t, 2, server.Ran(failover, ""))
}

func TestNoSecretOfAWholeJobShows(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t, vcavtest.RootPassword("correct horse battery staple"))
	var tokens []string
	var mu sync.Mutex
	spy := func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if token := request.Header.Get("X-VCAV-Auth"); token != "" {
				tokens = append(tokens, token)
			}
			return next.RoundTrip(request)
		})
	}
	var written bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&written, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client := connect(t, server, drkit.WithLogger(logger), drkit.WithMiddleware(spy))
	server.Inject(vcavtest.Fault{Operation: failover, After: true, Reset: true})
	show := func(r drkit.Response) { fmt.Fprintf(&written, "%#v %s", r, r.Body) }
	ctx := drkit.OnResponse(t.Context(), show)
	_, err := client.VMReplications.Get(ctx, "C4-unknown")
	fmt.Fprintf(&written, "%v %+v %#v", err, err, err)
	_, err = client.VMReplications.Failover(ctx, vcavtest.ReplicationID("db-1"), vcav.CloudFailover{})
	fmt.Fprintf(&written, "%v %+v %#v", err, err, err)
	fmt.Fprintf(&written, "%+v %#v", client, vcav.LocalUser("root", drkit.NewSecret(server.Password)))
	server.ExpireSessions()
	_, err = client.Sessions.Get(ctx)
	require.NoError(t, err)
	require.NoError(t, client.Close(t.Context()))
	require.NotEmpty(t, tokens)
	for _, secret := range append(tokens, server.Password) {
		assert.NotContains(t, written.String(), secret)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
