package cloudreplica_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

const benchServerVariable = "DRKIT_BENCH_SERVER"

// hello is what the server of a benchmark says of itself.
type hello struct{ URL, Thumbprint, User, Password string }

// BenchmarkInventory reads 100,000 points of 1,000 machines of 100 tenants. The server runs in a process of its own, so
// that the peak of the heap is the client's alone. It is what was in use whenever somebody looked, garbage included.
func BenchmarkInventory(b *testing.B) {
	for name, options := range map[string][]drkit.Option{"XML": nil, "JSON": {cloudreplica.WithJSON()}} {
		b.Run(name, func(b *testing.B) { benchmarkInventory(b, options) })
	}
}

func benchmarkInventory(b *testing.B, options []drkit.Option) {
	client, requests := benchClient(b, options)
	peak := watchHeap(b.Context())
	for b.Loop() {
		readInventory(b, client)
	}
	b.ReportMetric(float64(peak())/(1<<20), "peak-MiB")
	b.ReportMetric(float64(requests.Load())/float64(b.N), "requests/op")
	require.NoError(b, client.Close(context.Background()))
}

// The same with a limit: memory goes by machines and not by points. Nothing else runs meanwhile, whose heap would count.
func TestInventoryTakesLittleMemory(t *testing.T) { //nolint:paralleltest // see above
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	client, requests := benchClient(t, nil)
	peak := watchHeap(t.Context())
	readInventory(t, client)
	inUse := peak()
	t.Logf("%d MiB at most, %d requests", inUse>>20, requests.Load())
	assert.Less(t, inUse, uint64(64<<20))
	assert.Less(t, requests.Load(), int64(1500), "pages of a hundred, and not one request more for each machine")
	require.NoError(t, client.Close(context.Background()))
}

func readInventory(tb testing.TB, client *cloudreplica.Client) {
	tb.Helper()
	report, err := cloudreplica.Inventory(tb.Context(), client, cloudreplica.InventoryOptions{RPO: time.Hour})
	require.NoError(tb, err)
	require.Equal(tb, 100_000, report.Points)
	require.Equal(tb, map[cloudreplica.InventoryClass]int{cloudreplica.InventoryOK: 856, cloudreplica.InventoryBreach: 144}, report.Classes)
}

// benchClient returns a client of a server with an inventory, which is signed in, and its requests since.
func benchClient(tb testing.TB, options []drkit.Option) (*cloudreplica.Client, *atomic.Int64) {
	tb.Helper()
	server := startBenchServer(tb)
	requests := new(atomic.Int64)
	counting := drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) { requests.Add(1); return next.RoundTrip(r) })
	})
	client, err := cloudreplica.NewClient(server.URL, cloudreplica.Login(server.User, drkit.NewSecret(server.Password)),
		append(options, drkit.WithThumbprint(server.Thumbprint), counting)...)
	require.NoError(tb, err)
	_, err = client.Sessions.SignIn(tb.Context())
	require.NoError(tb, err)
	requests.Store(0)
	runtime.GC()
	return client, requests
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip calls the function.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// watchHeap looks at the heap until the returned function is called, which says how much was in use at most.
func watchHeap(ctx context.Context) func() uint64 {
	ctx, stop := context.WithCancel(ctx)
	done, most := make(chan struct{}), uint64(0)
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() uint64 { stop(); <-done; return most }
}

// startBenchServer runs this test binary again as a server.
func startBenchServer(b testing.TB) hello {
	b.Helper()
	command := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBenchServer$")
	command.Env = append(os.Environ(), benchServerVariable+"=inventory")
	input, err := command.StdinPipe()
	require.NoError(b, err)
	output, err := command.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, command.Start())
	b.Cleanup(func() { _ = input.Close(); _ = command.Wait() })
	var server hello
	require.NoError(b, json.NewDecoder(bufio.NewReader(output)).Decode(&server))
	return server
}

// TestBenchServer is the server of the benchmark, when started by it; it ends with its standard input.
func TestBenchServer(t *testing.T) {
	if _, child := os.LookupEnv(benchServerVariable); !child {
		t.Log("a process of its own in benchmarks only")
		return
	}
	server, err := cloudreplicatest.Start(cloudreplicatest.Inventory(100, 10, 100))
	require.NoError(t, err)
	defer server.Close()
	require.NoError(t, json.NewEncoder(os.Stdout).Encode(hello{server.URL, server.Thumbprint(), server.User, server.Password}))
	_, err = io.Copy(io.Discard, os.Stdin)
	require.NoError(t, err)
}
