package checkpoints_test

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
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// The benchmarks compare calls through the client with the same calls through bare net/http and encoding/json, which
// decodes all members, times as text. The server runs in a process of its own, the contestants take turns in short
// rounds, and the ratios are medians over the rounds of one run.

// BenchmarkSearch is one small request with a body: vaults by a tag, as a list and as their number alone.
func BenchmarkSearch(b *testing.B) {
	filter := checkpoints.TagFilter{Tags: []checkpoints.TagValues{{Key: "season", Values: []string{"autumn"}}}, Limit: 100}
	bare := func(c *contest, body string) func() error {
		return func() error {
			var found plainSearch
			err := c.bare(b.Context(), "POST", "/vault/resource_instances/action", body, &found)
			return expect(int(found.Total), 1, err)
		}
	}
	b.Run("list", func(b *testing.B) {
		c := newContest(b)
		c.run(b, 50, func() error {
			found, err := drkit.Collect(c.client.Tags.FindVaults(b.Context(), filter))
			return expect(len(found), 1, err)
		}, bare(c, `{"action":"filter","tags":[{"key":"season","values":["autumn"]}],"limit":"100"}`))
	})
	b.Run("count", func(b *testing.B) {
		c := newContest(b)
		c.run(b, 50, func() error {
			found, err := c.client.Tags.CountVaults(b.Context(), filter)
			return expect(found, 1, err)
		}, bare(c, `{"action":"count","tags":[{"key":"season","values":["autumn"]}]}`))
	})
}

// BenchmarkVaults is a list of 100 vaults in one page.
func BenchmarkVaults(b *testing.B) {
	c := newContest(b)
	c.run(b, 10, func() error {
		vaults, err := drkit.Collect(c.client.Vaults.List(b.Context(), checkpoints.VaultQuery{}))
		return expect(len(vaults), benchVaults, err)
	}, func() error {
		var found plainVaults
		err := c.bare(b.Context(), "GET", "/vaults", "", &found)
		return expect(len(found.Vaults), benchVaults, err)
	})
}

// BenchmarkBackups is a list of 1,000 backups in pages of 100, which bare net/http reads one after the other.
func BenchmarkBackups(b *testing.B) {
	for _, parallel := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("%d pages at a time", parallel), func(b *testing.B) {
			c := newContest(b, drkit.WithParallelPages(parallel))
			c.run(b, 3, func() error {
				backups, err := drkit.Collect(c.client.Backups.List(b.Context(), checkpoints.BackupQuery{Limit: benchPage}))
				return expect(len(backups), benchBackups, err)
			}, func() error {
				var all []plainBackup
				for {
					var page plainBackups
					if err := c.bare(b.Context(), "GET", fmt.Sprintf("/backups?limit=%d&offset=%d", benchPage, len(all)), "", &page); err != nil {
						return err
					}
					if all = append(all, page.Backups...); len(all) >= page.Count {
						return expect(len(all), benchBackups, nil)
					}
				}
			})
		})
	}
}

// BenchmarkNote is what the note costs that a request which must not repeat leaves first: a policy, beside those that
// there are, with the note and (as bare) without.
func BenchmarkNote(b *testing.B) {
	c := newContest(b)
	create := nightlyBackup()
	call := func(ctx context.Context) func() error {
		return func() error {
			_, err := c.client.Policies.Create(ctx, create)
			return err
		}
	}
	c.run(b, 50, call(b.Context()), call(drkit.WithoutNote(b.Context())))
}

func expect(got, want int, err error) error {
	if err == nil && got != want {
		err = fmt.Errorf("%d rows instead of %d", got, want)
	}
	return err
}

// contest is a server with two ways to call it.
type contest struct {
	client   *checkpoints.Client
	plain    *http.Client
	endpoint string
}

func newContest(b *testing.B, options ...drkit.Option) *contest {
	b.Helper()
	server, pool := startBenchServer(b), x509.NewCertPool()
	require.True(b, pool.AppendCertsFromPEM([]byte(server.Certificate)))
	shared, ok := http.DefaultTransport.(*http.Transport)
	require.True(b, ok)
	transport := shared.Clone()
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	b.Cleanup(transport.CloseIdleConnections)
	client := newClient(b, server.URL, append(options, drkit.WithRootCAs(pool))...)
	return &contest{client: client, plain: &http.Client{Transport: transport}, endpoint: server.URL}
}

// run lets both take turns, each for so many calls at least.
func (c *contest) run(b *testing.B, least int, ours, bare func() error) {
	b.Helper()
	const rounds = 12
	calls := max(b.N/rounds, least)
	_, _ = wiretest.Measure(b, 2*least, ours)
	_, _ = wiretest.Measure(b, 2*least, bare)
	b.ResetTimer()
	var times, allocations, micros, bareMicros []float64
	for range rounds {
		ourTime, ourAllocations := wiretest.Measure(b, calls, ours)
		bareTime, bareAllocations := wiretest.Measure(b, calls, bare)
		times, allocations = append(times, ourTime/bareTime), append(allocations, ourAllocations/bareAllocations)
		micros, bareMicros = append(micros, ourTime/1000), append(bareMicros, bareTime/1000)
	}
	b.ReportMetric(wiretest.Median(micros), "µs/call")
	b.ReportMetric(wiretest.Median(bareMicros), "µs-bare")
	b.ReportMetric(wiretest.Median(times), "×time")
	b.ReportMetric(wiretest.Median(allocations), "×allocs")
	b.ReportMetric(0, "ns/op") // the time of a round is no one's
}

// bare sends a request and decodes its answer as people do without a client.
func (c *contest) bare(ctx context.Context, method, path, body string, out any) error {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.endpoint+prefix+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("X-Auth-Token", givenToken)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.plain.Do(request)
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
	return json.Unmarshal(data, out)
}
