package vcav_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// runbookStep is an operation as a step of a runbook.
type runbookStep struct {
	operation string // in the contract
	resource  string // of the audit
	again     bool   // whether it is sent again where nothing was touched
	options   []vcavtest.Option
	prepare   func(t *testing.T, client *vcav.Client)
	// run runs the step to its end and returns its result.
	run func(ctx context.Context, client *vcav.Client, journal drkit.Journal) (any, error)
}

// stepOf returns the run of an operation whose task has a result of type T.
func stepOf[T any](do func(ctx context.Context, client *vcav.Client) (*drkit.Poller[T], error)) func(context.Context, *vcav.Client, drkit.Journal) (any, error) {
	return func(ctx context.Context, client *vcav.Client, journal drkit.Journal) (any, error) {
		poller, err := drkit.Once(ctx, journal, "step", func(ctx context.Context) (*drkit.Poller[T], error) { return do(ctx, client) })
		if err != nil {
			return nil, err
		}
		return poller.Wait(ctx)
	}
}

// runbookSteps are all operations that can be a step, as far as the simulator has them.
func runbookSteps() []runbookStep {
	id := vcavtest.ReplicationID("db-1")
	type poller = *drkit.Poller[vcav.VMReplication]
	testFailover := func(t *testing.T, client *vcav.Client) {
		p, err := client.VMReplications.TestFailover(t.Context(), id, vcav.CloudFailoverTest{})
		end(t, p, err)
	}
	failover := func(t *testing.T, client *vcav.Client) {
		p, err := client.VMReplications.Failover(t.Context(), id, vcav.CloudFailover{})
		end(t, p, err)
	}
	pause := func(t *testing.T, client *vcav.Client) {
		p, err := client.VMReplications.Pause(t.Context(), id)
		end(t, p, err)
	}
	start := vcav.ReplicationStart{
		Source:      vcav.VMSource{Site: "site1", VMID: vcavtest.MachineID("new-1")},
		Destination: vcav.CloudDestination{Site: "site2", VDC: vcavtest.VDCID("site2", "org2")},
	}
	return []runbookStep{
		{
			operation: "VMReplications.Failover", resource: id, again: true,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) {
				return c.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
			}),
		},
		{
			operation: "VMReplications.Migrate", resource: id, again: true,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) {
				return c.VMReplications.Migrate(ctx, id, vcav.CloudMigrate{})
			}),
		},
		{
			operation: "VMReplications.TestFailover", resource: id,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) {
				return c.VMReplications.TestFailover(ctx, id, vcav.CloudFailoverTest{PowerOn: true})
			}),
		},
		{
			operation: "VMReplications.CleanUpTestFailover", resource: id, prepare: testFailover,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) {
				return c.VMReplications.CleanUpTestFailover(ctx, id)
			}),
		},
		{
			operation: "VMReplications.Reverse", resource: id, prepare: failover,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) { return c.VMReplications.Reverse(ctx, id) }),
		},
		{
			operation: "VMReplications.Sync", resource: id,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) { return c.VMReplications.Sync(ctx, id) }),
		},
		{
			operation: "VMReplications.Resume", resource: id, prepare: pause,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) { return c.VMReplications.Resume(ctx, id) }),
		},
		{
			operation: "VMReplications.Stop", resource: id,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[vcav.NoResult], error) {
				return c.VMReplications.Stop(ctx, id)
			}),
		},
		{
			operation: "VMReplications.Reconfigure", resource: id,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) {
				return c.VMReplications.Reconfigure(ctx, id, vcav.Reconfigure{Description: drkit.Some("by a runbook")})
			}),
		},
		{
			operation: "VMReplications.ReconfigureDisks", resource: id,
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) {
				return c.VMReplications.ReconfigureDisks(ctx, id, []int{2000})
			}),
		},
		{
			operation: "VMReplications.Start", options: []vcavtest.Option{vcavtest.Machines(vcavtest.Machine{Name: "new-1"}), vcavtest.AuthenticatedAt("site1")},
			run: stepOf(func(ctx context.Context, c *vcav.Client) (poller, error) { return c.VMReplications.Start(ctx, start) }),
		},
		{
			operation: "Policies.Synchronize",
			run: stepOf(func(ctx context.Context, c *vcav.Client) (*drkit.Poller[vcav.NoResult], error) {
				return c.Policies.Synchronize(ctx)
			}),
		},
	}
}

// signedIn returns a client of a server, as each process has its own.
func signedIn(t *testing.T, server *vcavtest.Server, options ...drkit.Option) *vcav.Client {
	t.Helper()
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), append(server.Options(), options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.WithoutCancel(t.Context())) })
	return client
}

var errDead = errors.New("the process is dead")

// process is one run of a runbook, which dies when it comes to one of its events: immediately before or after a
// change of the journal, or a request.
type process struct {
	file string // of the journal
	torn bool   // whether it dies in the middle of a change, where it would die before it
	kill context.CancelFunc

	mu     sync.Mutex
	events int
	diesAt int // 0: it does not
	dead   bool
}

// event returns an error once the process is dead.
func (p *process) event() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.dead {
		p.events++
		if p.events == p.diesAt {
			p.dead = true
			p.kill()
		}
	}
	if p.dead {
		return errDead
	}
	return nil
}

// dies reports whether the next event is the last.
func (p *process) dies() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.dead && p.events+1 == p.diesAt
}

// mortalTransport sends the requests of a process.
type mortalTransport struct {
	*process
	next http.RoundTripper
}

func (m mortalTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := m.event(); err != nil {
		return nil, err
	}
	resp, err := m.next.RoundTrip(req)
	if dead := m.event(); dead != nil {
		if err == nil {
			_ = resp.Body.Close()
		}
		return nil, dead
	}
	return resp, err
}

// mortalJournal is the journal of a process.
type mortalJournal struct {
	*process
	*drkit.FileJournal
}

func (m mortalJournal) Save(ctx context.Context, s drkit.Step) error {
	tears := m.torn && m.dies()
	if err := m.event(); err != nil {
		if tears {
			m.tear()
		}
		return err
	}
	if err := m.FileJournal.Save(ctx, s); err != nil {
		return err
	}
	return m.event()
}

// tear leaves half a line in the file, as a process does that dies while it writes.
func (m mortalJournal) tear() {
	file, err := os.OpenFile(m.file, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, _ = file.WriteString(`{"version":1,"key":"st`)
		_ = file.Close()
	}
}
