package vcav_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
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
	mode := "about over HTTP/1.1"
	if http2 {
		mode = "about over HTTP/2"
	}
	server := startBenchServer(b, mode)
	endpoint, pool := server.URL, x509.NewCertPool()
	require.True(b, pool.AppendCertsFromPEM([]byte(server.Certificate)))
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
	_, _ = wiretest.Measure(b, 200, throughClient)
	_, _ = wiretest.Measure(b, 200, throughBare)
	b.ResetTimer()
	var times, allocations, micros []float64
	for range rounds {
		ourTime, ourAllocations := wiretest.Measure(b, calls, throughClient)
		bareTime, bareAllocations := wiretest.Measure(b, calls, throughBare)
		times = append(times, ourTime/bareTime)
		allocations = append(allocations, ourAllocations/bareAllocations)
		micros = append(micros, ourTime/1000)
	}
	b.ReportMetric(wiretest.Median(micros), "µs/call")
	b.ReportMetric(wiretest.Median(times), "×time")
	b.ReportMetric(wiretest.Median(allocations), "×allocs")
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
