package vcav_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const (
	benchRows    = 10_000
	benchLatency = 20 * time.Millisecond
	benchWork    = 20 * time.Millisecond
	benchPage    = 100
)

// BenchmarkList walks 10,000 replications of a server that takes 20 ms for a page, with a caller that
// works 20 ms for a page, with prefetch and without, in turns.
func BenchmarkList(b *testing.B) {
	server := startBenchServer(b, "list")
	walks := map[string]func() walked{}
	var requests atomic.Int64
	count := drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) { requests.Add(1); return next.RoundTrip(request) })
	})
	for name, options := range map[string][]drkit.Option{"ahead": nil, "on demand": {drkit.WithoutPrefetch()}} {
		client, err := vcav.NewClient(server.URL, vcav.LocalUser("root", drkit.NewSecret(benchPassword)),
			append(options, drkit.WithThumbprint(server.Thumbprint), count)...)
		require.NoError(b, err)
		b.Cleanup(func() { _ = client.Close(context.Background()) })
		_, err = client.Sessions.SignIn(b.Context())
		require.NoError(b, err)
		walks[name] = func() walked { return walkAll(b, client) }
	}
	b.ResetTimer()
	var ratios, aheads, aheadHeap, demandHeap []float64
	for range max(b.N, 3) {
		before := requests.Load()
		ahead := walks["ahead"]()
		pages := requests.Load() - before
		demand := walks["on demand"]()
		require.Equal(b, pages, requests.Load()-before-pages, "prefetch asks for no more")
		ratios = append(ratios, ahead.took.Seconds()/demand.took.Seconds())
		aheads = append(aheads, ahead.took.Seconds())
		aheadHeap, demandHeap = append(aheadHeap, ahead.heap), append(demandHeap, demand.heap)
	}
	b.ReportMetric(wiretest.Median(ratios), "×time")
	b.ReportMetric(wiretest.Median(aheads), "s/walk")
	b.ReportMetric(float64(requests.Load())/float64(2*len(ratios)), "requests/walk")
	b.ReportMetric(wiretest.Median(aheadHeap), "MiB-ahead")
	b.ReportMetric(wiretest.Median(demandHeap), "MiB-on-demand")
	b.ReportMetric(0, "ns/op")
}

type walked struct {
	took time.Duration
	heap float64 // highest live heap seen in the walk, above that before it
}

func walkAll(b *testing.B, client *vcav.Client) walked {
	b.Helper()
	var result walked
	before, rows := liveHeap(), 0
	var looking time.Duration
	began := time.Now()
	for _, err := range client.VMReplications.List(b.Context(), vcav.VMReplicationQuery{Sort: []vcav.SortField{"vmName"}}) {
		require.NoError(b, err)
		if rows++; rows%benchPage == 0 {
			<-time.After(benchWork)
		}
		if rows%2500 == 50 {
			pause := time.Now()
			result.heap = max(result.heap, liveHeap()-before)
			looking += time.Since(pause)
		}
	}
	result.took = time.Since(began) - looking
	require.Equal(b, benchRows, rows)
	return result
}

func liveHeap() float64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc) / (1 << 20)
}

const benchPassword = "a password for benchmarks"

// serveList is the server of BenchmarkList.
func serveList() error {
	replications := make([]vcavtest.Replication, benchRows)
	for i := range replications {
		replications[i] = vcavtest.Replication{ID: fmt.Sprintf("C4-%05d", i), VMName: fmt.Sprintf("vm-%05d", i)}
	}
	server, err := vcavtest.Start(vcavtest.RootPassword(benchPassword), vcavtest.Protect(replications...))
	if err != nil {
		return err
	}
	defer server.Close()
	server.Inject(vcavtest.Fault{Operation: "VMReplications.List", Delay: benchLatency})
	return sayHello(hello{URL: server.URL, Thumbprint: server.Thumbprint()})
}
