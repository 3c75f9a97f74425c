package vcav_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/faulttest"
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const (
	weatherSeed     = 20261121
	campaignWorkers = 12
	restartEvery    = 250 // requests
)

// campaign is many replications at an appliance behind a proxy in bad weather.
type campaign struct {
	operation string // "failover" or "sync", which is also the last part of its path
	server    *vcavtest.Server
	proxy     *simkit.Proxy
	transport *http.Transport
	ids       []string
	end       []func()

	passed atomic.Int64
	mu     sync.Mutex
	tries  map[string]int // requests of the operation, by path
	luck   *rand.Rand     // of all other requests
}

func newCampaign(t *testing.T, operation string, size int, options ...vcavtest.Option) *campaign {
	t.Helper()
	c := &campaign{operation: operation, tries: map[string]int{}, luck: rand.New(rand.NewPCG(weatherSeed, 0))}
	replications := make([]vcavtest.Replication, size)
	for i := range replications {
		c.ids = append(c.ids, fmt.Sprintf("C4-%04d", i))
		replications[i] = vcavtest.Replication{ID: c.ids[i], VMName: fmt.Sprintf("vm-%04d", i)}
	}
	options = append(options, vcavtest.Protect(replications...), vcavtest.TaskDuration(0, 2*time.Millisecond))
	c.server = vcavtest.NewServer(t, options...)
	var err error
	c.proxy, err = simkit.StartProxy(c.server.URL, c.server.Transport(), false)
	require.NoError(t, err)
	c.transport = c.proxy.Transport()
	c.transport.MaxIdleConnsPerHost = campaignWorkers
	t.Cleanup(c.transport.CloseIdleConnections)
	t.Cleanup(c.proxy.Close)
	return c
}

// name is that of the operation in the contract.
func (c *campaign) name() string {
	return map[string]string{"failover": failover, "sync": "VMReplications.Sync"}[c.operation]
}

// connect returns a client whose grace is longer than anything lasts here.
func (c *campaign) connect(t *testing.T, credentials vcav.Credentials) *vcav.Client {
	t.Helper()
	client, err := vcav.NewClient(c.proxy.URL, credentials, drkit.WithTransport(c.transport), drkit.WithTimeout(5*time.Second),
		drkit.WithRetry(drkit.RetryPolicy{MinWait: 5 * time.Millisecond, MaxWait: 50 * time.Millisecond}),
		drkit.WithPolling(drkit.PollPolicy{MinInterval: 5 * time.Millisecond, MaxInterval: 50 * time.Millisecond, Grace: 250 * time.Millisecond}))
	require.NoError(t, err)
	c.after(func() { _ = client.Close(context.WithoutCancel(t.Context())) })
	return client
}

// start returns how a client starts the operation.
func (c *campaign) start(client *vcav.Client) func(ctx context.Context, id string) (*drkit.Poller[vcav.VMReplication], error) {
	if c.operation == "sync" {
		return client.VMReplications.Sync
	}
	return func(ctx context.Context, id string) (*drkit.Poller[vcav.VMReplication], error) {
		return client.VMReplications.Failover(ctx, id, vcav.CloudFailover{PowerOn: true})
	}
}

// after lets something happen after the campaign, while the appliance is still there.
func (c *campaign) after(do func()) { c.end = append(c.end, do) }

// run lets a caller start the operation on each replication, several at a time, and counts what has come of it.
func (c *campaign) run(t *testing.T, start caller) tally {
	t.Helper()
	c.proxy.Decide(c.fault)
	var mu sync.Mutex
	fates := map[string]fate{}
	work := make(chan string)
	var workers sync.WaitGroup
	for range campaignWorkers {
		workers.Go(func() {
			for id := range work {
				believed := start(t.Context(), id)
				mu.Lock()
				fates[id] = believed
				mu.Unlock()
			}
		})
	}
	for _, id := range c.ids {
		work <- id
	}
	close(work)
	workers.Wait()
	c.proxy.Decide(func(*http.Request) simkit.ProxyFault { return simkit.ProxyFault{} })
	c.proxy.Break(simkit.RefuseDial, 0)
	for _, do := range c.end {
		do()
	}
	c.proxy.Close() // only then all that is still to be passed on has been
	c.server.Close()
	return count(c.server, c.name(), fates)
}

// fault is the weather for one request. That of the operation itself depends on the replication and on how
// often it was tried alone, so that it is the same for all callers.
func (c *campaign) fault(r *http.Request) simkit.ProxyFault {
	if c.passed.Add(1)%restartEvery == 0 {
		c.restart()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !strings.HasSuffix(r.URL.Path, "/"+c.operation) {
		return pick(c.luck.IntN(100), []odds{
			{3, faulttest.FromProxy(http.StatusServiceUnavailable)},
			{3, simkit.ProxyFault{How: simkit.ResetConnection}},
			{2, simkit.ProxyFault{How: simkit.TruncateAnswer, After: true}},
		})
	}
	c.tries[r.URL.Path]++
	path := fnv.New64()
	_, _ = path.Write([]byte(r.URL.Path))
	luck := rand.New(rand.NewPCG(weatherSeed+path.Sum64(), uint64(c.tries[r.URL.Path])))
	return pick(luck.IntN(100), []odds{
		{10, faulttest.FromProxy(http.StatusServiceUnavailable)},
		{10, simkit.ProxyFault{How: simkit.ResetConnection, After: true}},
		{5, simkit.ProxyFault{How: simkit.CutUpload}},
		{5, simkit.ProxyFault{How: simkit.ResetConnection}},
		{3, simkit.ProxyFault{How: simkit.TruncateAnswer, After: true}},
	})
}

// odds is how many requests of a hundred have a fault.
type odds struct {
	percent int
	fault   simkit.ProxyFault
}

func pick(drawn int, from []odds) simkit.ProxyFault {
	for _, one := range from {
		if drawn < one.percent {
			return one.fault
		}
		drawn -= one.percent
	}
	return simkit.ProxyFault{}
}

// restart is that of the appliance: connections are reset, requests under way lose their answers, nobody
// listens for a while, and all sessions are gone.
func (c *campaign) restart() {
	c.server.ExpireSessions()
	c.proxy.Break(simkit.RefuseDial, campaignWorkers)
	c.proxy.ResetConnections()
}
