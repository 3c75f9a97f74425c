package main

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const (
	testFailover = "VMReplications.TestFailover"
	cleanUp      = "VMReplications.CleanUpTestFailover"
)

// drill is one run of the job against an appliance in memory, within a bubble.
type drill struct {
	server  *vcavtest.Server
	job     job
	printed bytes.Buffer

	requests atomic.Int64 // so far
	around   func(n int64, request *http.Request, send sender) (*http.Response, error)

	ctx, last   context.Context
	interrupt   func()
	again       func()
	interrupted time.Time
	timer       *time.Timer
	machines    []vcavtest.Machine // before it began
}

type sender func(*http.Request) (*http.Response, error)

func (f sender) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// newDrill sets the stage. Requests take a second, tasks twenty-five, and a wait looks every five or more.
func newDrill(t *testing.T, options ...vcavtest.Option) *drill {
	t.Helper()
	server := vcavtest.NewServer(t, append([]vcavtest.Option{
		simulated(), vcavtest.InMemory(), vcavtest.Latency(time.Second),
		vcavtest.TaskDuration(5*time.Second, 20*time.Second),
	}, options...)...)
	if transport, ok := server.Transport().(*http.Transport); ok {
		transport.MaxIdleConnsPerHost = 2 * 4 // handshakes take most of the time of a sweep
	}
	d := &drill{server: server, around: func(_ int64, request *http.Request, send sender) (*http.Response, error) {
		return send(request)
	}}
	d.job = job{out: &lines{out: &d.printed}, org: "org1", parallel: 4, limit: 30 * time.Minute}
	d.job.polling = drkit.WithPolling(drkit.PollPolicy{MinInterval: 5 * time.Second, MaxUnreachable: d.job.limit})
	before := d.newClient(t)
	require.NoError(t, stage(t.Context(), before))
	require.NoError(t, before.Close(t.Context()))
	d.machines = server.Machines()
	d.job.client = d.newCountedClient(t)

	last, again := context.WithCancel(t.Context())
	ctx, interrupt := context.WithCancel(last)
	t.Cleanup(again)
	var once sync.Once
	d.ctx, d.last, d.again = ctx, last, again
	d.interrupt = func() {
		once.Do(func() { d.interrupted = time.Now() })
		interrupt()
	}
	return d
}

func (d *drill) newClient(t *testing.T, options ...drkit.Option) *vcav.Client {
	t.Helper()
	user := vcav.LocalUser(d.server.User, drkit.NewSecret(d.server.Password))
	client, err := vcav.NewClient(d.server.URL, user, append(append(d.server.Options(), d.job.polling), options...)...)
	require.NoError(t, err)
	return client
}

// newCountedClient returns a client whose requests go through around.
func (d *drill) newCountedClient(t *testing.T) *vcav.Client {
	t.Helper()
	return d.newClient(t, drkit.WithTransport(sender(func(request *http.Request) (*http.Response, error) {
		return d.around(d.requests.Add(1), request, d.server.Transport().RoundTrip)
	})))
}

// run does what the program does once it is connected.
func (d *drill) run() error {
	err := d.job.run(d.ctx, d.last)
	if failed := signOut(d.last, d.job.client); err == nil {
		err = failed
	}
	if d.timer != nil {
		d.timer.Stop()
	}
	synctest.Wait() // for what it has begun
	return err
}

// after calls f once that time has passed, unless the drill has ended before.
func (d *drill) after(pause time.Duration, f func()) { d.timer = time.AfterFunc(pause, f) }

// assertNothingLeft checks that the appliance is as it was, the test that is not ours included, and that the
// report agrees.
func (d *drill) assertNothingLeft(t *testing.T) {
	t.Helper()
	for _, replication := range d.server.Replications() {
		want := vcavtest.RecoveryNotStarted
		switch replication.VMName {
		case "lab-1":
			want = vcavtest.RecoveryTest
		case "old-1":
			want = vcavtest.RecoveryComplete
		}
		assert.Equal(t, want, replication.Recovery, replication.VMName)
	}
	assert.Equal(t, d.machines, d.server.Machines())
	for _, task := range d.server.Tasks() {
		assert.NotZero(t, task.End, "%s still runs", task.Type)
	}
	if d.printed.Len() > 0 { // a sign-in that is interrupted may leave its session to idle out
		assert.Zero(t, d.server.Sessions(), "no session is left open")
	}
	assert.NotContains(t, d.printed.String(), "left behind")
	if !d.interrupted.IsZero() {
		d.assertNoneBegunSince(t)
	}
}

// assertNoneBegunSince checks that no rehearsal has begun after the interrupt.
func (d *drill) assertNoneBegunSince(t *testing.T) {
	t.Helper()
	for _, request := range d.server.Requests() {
		if request.Operation == testFailover {
			assert.False(t, request.Time.After(d.interrupted), "a test at %s, after the interrupt at %s", request.Time, d.interrupted)
		}
	}
}

// assertNamed checks that every test that is there now or will be, but lab-1's, is named as left behind.
func (d *drill) assertNamed(t *testing.T) {
	t.Helper()
	<-time.After(time.Hour) // for tasks to end
	for _, replication := range d.server.Replications() {
		if replication.Recovery == vcavtest.RecoveryTest && replication.VMName != "lab-1" {
			assert.Contains(t, d.printed.String(), "left behind: "+replication.VMName+": ")
		}
	}
	assert.NotContains(t, d.printed.String(), "left behind: lab-1")
}

// result returns what the report says of a machine; empty: nothing.
func (d *drill) result(machine string) string {
	words := strings.SplitN(d.row(machine), " ", 5) // its name, its age, a slash, the RPO
	for _, result := range []string{passed, failed, skipped, interrupted, notBegun} {
		if strings.HasPrefix(words[len(words)-1], result+" ") {
			return result
		}
	}
	return ""
}

// row returns the words of the line about a machine in the report.
func (d *drill) row(machine string) string {
	_, table, _ := strings.Cut(d.printed.String(), "\nMACHINE ")
	for line := range strings.Lines(table) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == machine {
			return strings.Join(words, " ")
		}
	}
	return ""
}
