package vcav_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// BenchmarkCall compares one small read through the client with the same read through bare net/http and
// encoding/json. The server runs in a process of its own, the contestants take turns in short rounds,
// and the ratios are medians over the rounds of one run.
func BenchmarkCall(b *testing.B) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		b.Run(strings.ReplaceAll(protocol, "/", ""), func(b *testing.B) { compareCall(b, protocol == "HTTP/2") })
	}
}

func compareCall(b *testing.B, http2 bool) {
	endpoint, pool := startBenchServer(b, http2)
	bare, ok := http.DefaultTransport.(*http.Transport)
	require.True(b, ok)
	bare = bare.Clone()
	bare.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	b.Cleanup(bare.CloseIdleConnections)
	client, err := vcav.NewClient(endpoint, vcav.Token(drkit.NewSecret("dG9rZW4=")), drkit.WithRootCAs(pool))
	require.NoError(b, err)
	b.Cleanup(func() { _ = client.Close(context.Background()) })

	throughClient := func() error { _, err := client.Diagnostics.About(b.Context()); return err }
	throughBare := func() error { return bareAbout(b.Context(), &http.Client{Transport: bare}, endpoint) }

	const rounds = 12
	calls := max(b.N/rounds, 50)
	_, _ = measure(b, 200, throughClient)
	_, _ = measure(b, 200, throughBare)
	b.ResetTimer()
	var times, allocations, micros []float64
	for range rounds {
		ourTime, ourAllocations := measure(b, calls, throughClient)
		bareTime, bareAllocations := measure(b, calls, throughBare)
		times = append(times, ourTime/bareTime)
		allocations = append(allocations, ourAllocations/bareAllocations)
		micros = append(micros, ourTime/1000)
	}
	b.ReportMetric(median(micros), "µs/call")
	b.ReportMetric(median(times), "×time")
	b.ReportMetric(median(allocations), "×allocs")
	b.ReportMetric(0, "ns/op") // the time of a round is no one's
}

func bareAbout(ctx context.Context, client *http.Client, endpoint string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/diagnostics/about", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/vnd.vmware.h4-v4.1+json;charset=UTF-8")
	request.Header.Set("X-VCAV-Auth", "dG9rZW4=")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", response.StatusCode)
	}
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	var about vcav.About
	return json.Unmarshal(data, &about)
}

// measure returns nanoseconds and allocations per call.
func measure(b *testing.B, calls int, call func() error) (nanoseconds, allocations float64) {
	b.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for range calls {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	return float64(took.Nanoseconds()) / float64(calls), float64(after.Mallocs-before.Mallocs) / float64(calls)
}

func median(values []float64) float64 {
	sort.Float64s(values)
	return values[len(values)/2]
}

const benchServerVariable = "DRKIT_BENCH_SERVER"

// startBenchServer runs this test binary again as a server, so that neither its time nor its
// allocations count.
func startBenchServer(b *testing.B, http2 bool) (endpoint string, pool *x509.CertPool) {
	b.Helper()
	command := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBenchServer$")
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%t", benchServerVariable, http2))
	input, err := command.StdinPipe()
	require.NoError(b, err)
	output, err := command.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, command.Start())
	b.Cleanup(func() { _ = input.Close(); _ = command.Wait() })
	var hello struct{ URL, Certificate string }
	require.NoError(b, json.NewDecoder(bufio.NewReader(output)).Decode(&hello))
	pool = x509.NewCertPool()
	require.True(b, pool.AppendCertsFromPEM([]byte(hello.Certificate)))
	return hello.URL, pool
}

// TestBenchServer is the server of the benchmarks, when started by them; it ends with its standard input.
func TestBenchServer(t *testing.T) {
	mode, child := os.LookupEnv(benchServerVariable)
	if !child {
		t.Log("a process of its own in benchmarks only")
		return
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.vmware.h4-v4.1+json;charset=UTF-8")
		_, _ = io.WriteString(w, `{"serviceType":"CLOUD","productName":"Cloud Service","instanceId":"a6f1e2d0-0000-4000-8000-0000000000aa",`+
			`"buildVersion":"4.1.0.1","buildDate":1606132528104}`)
	}))
	server.EnableHTTP2 = mode == "true"
	server.StartTLS()
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"URL": server.URL, "Certificate": string(certificate)})
	_, _ = io.Copy(io.Discard, os.Stdin)
}
