package vcav_test

import (
	"bytes"
	"context"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/vcav"
)

const (
	benchBundle = 256 << 20 // bytes of the bundle of BenchmarkDownload
	gigabitID   = "b6d2f0a4-19c7-4e83-8a5d-70c3e96f1b28"
	gigabit     = 1e9 / 8 // bytes a second
)

// BenchmarkDownload compares a download through the client with io.Copy of the same bytes over bare net/http
// with the same TLS: to a file that is safe on disk, verified by the client alone; to nowhere, verified by
// neither; to nowhere, verified by both; and to a file once more, from a server that sends a gigabit a second.
// The server runs in a process of its own and holds the bundle in memory, the contestants take turns, and the
// numbers are medians over the rounds of one run. Files lie in TMPDIR.
//
// To verify takes about as much of a processor as all the rest. It has a goroutine of its own, which costs time
// only where server, client and checksum have less than a processor each.
func BenchmarkDownload(b *testing.B) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2"} {
		b.Run(strings.ReplaceAll(protocol, "/", ""), func(b *testing.B) {
			server := startBenchServer(b, "bundle over "+protocol)
			pool := x509.NewCertPool()
			require.True(b, pool.AppendCertsFromPEM([]byte(server.Certificate)))
			bare, ok := http.DefaultTransport.(*http.Transport)
			require.True(b, ok)
			bare = bare.Clone()
			bare.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
			b.Cleanup(bare.CloseIdleConnections)
			client, err := vcav.NewClient(server.URL, vcav.Token(drkit.NewSecret("dG9rZW4=")), drkit.WithRootCAs(pool))
			require.NoError(b, err)
			b.Cleanup(func() { _ = client.Close(context.Background()) })
			c := contest{b, client, &http.Client{Transport: bare}, server.URL, filepath.Join(b.TempDir(), "bundle")}

			b.Run("file", func(b *testing.B) {
				c.run(b, func() error { return c.ours(bundleID, drkit.ToFile(c.path)) }, func() error { return c.copyToFile(bundleID) })
			})
			b.Run("unverified", func(b *testing.B) {
				c.run(b, func() error { return c.ours(bundleID, drkit.ToWriter(io.Discard), drkit.WithoutChecksum()) },
					func() error { return c.copyTo(io.Discard, bundleID) })
			})
			b.Run("verified", func(b *testing.B) {
				c.run(b, func() error { return c.ours(bundleID, drkit.ToWriter(io.Discard)) },
					func() error { return c.copyTo(io.MultiWriter(io.Discard, sha512.New()), bundleID) })
			})
			b.Run("gigabit", func(b *testing.B) {
				c.run(b, func() error { return c.ours(gigabitID, drkit.ToFile(c.path)) }, func() error { return c.copyToFile(gigabitID) })
			})
		})
	}
}

// contest is what the contestants have in common.
type contest struct {
	b      *testing.B
	client *vcav.Client
	bare   *http.Client
	url    string
	path   string
}

func (c contest) run(b *testing.B, ours, bare func() error) {
	b.Helper()
	require.NoError(b, ours())
	require.NoError(b, bare())
	b.ResetTimer()
	var ratios, ourSpeeds, bareSpeeds []float64
	for range max(b.N, 7) {
		ourSpeed, bareSpeed := speed(b, ours), speed(b, bare)
		ratios = append(ratios, ourSpeed/bareSpeed)
		ourSpeeds, bareSpeeds = append(ourSpeeds, ourSpeed), append(bareSpeeds, bareSpeed)
	}
	b.ReportMetric(wiretest.Median(ratios), "×speed")
	b.ReportMetric(wiretest.Median(ourSpeeds), "MB/s")
	b.ReportMetric(wiretest.Median(bareSpeeds), "MB/s-bare")
	b.ReportMetric(0, "ns/op") // the time of a round is no one's
}

// speed returns megabytes a second.
func speed(b *testing.B, download func() error) float64 {
	b.Helper()
	began := time.Now()
	require.NoError(b, download())
	return benchBundle / 1e6 / time.Since(began).Seconds()
}

func (c contest) ours(id string, to drkit.Target, options ...drkit.DownloadOption) error {
	done, err := c.client.SupportBundles.Download(c.b.Context(), id, to, options...)
	if err == nil && done.Bytes != benchBundle {
		err = fmt.Errorf("%d bytes", done.Bytes)
	}
	return err
}

// copyToFile makes a file that is safe on disk, as the client does.
func (c contest) copyToFile(id string) error {
	file, err := os.Create(c.path)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := c.copyTo(file, id); err != nil {
		return err
	}
	return file.Sync()
}

func (c contest) copyTo(w io.Writer, id string) error {
	request, err := http.NewRequestWithContext(c.b.Context(), http.MethodGet, c.url+bundlesPath+"/"+id, nil)
	if err != nil {
		return err
	}
	request.Header = http.Header{"Accept": {fileType}, "Accept-Encoding": {"identity"}, "X-Vcav-Auth": {"dG9rZW4="}}
	response, err := c.bare.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	n, err := io.Copy(w, response.Body)
	if err == nil && n != benchBundle {
		err = fmt.Errorf("%d bytes", n)
	}
	return err
}

// serveBundle is the server of BenchmarkDownload.
func serveBundle(http2 bool) error {
	data := make([]byte, benchBundle)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	const row = `{"id":%q,"generatedOn":1,"sha":"SHA-512:%X","owner":"root"}`
	list := fmt.Sprintf("["+row+","+row+"]", bundleID, sha512.Sum512(data), gigabitID, sha512.Sum512(data))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == bundlesPath {
			w.Header().Set("Content-Type", mediaType)
			_, _ = io.WriteString(w, list)
			return
		}
		w.Header().Set("Content-Type", "application/x-gtar")
		if strings.HasSuffix(r.URL.Path, gigabitID) {
			w = paced{w, r.Context(), rate.NewLimiter(gigabit, 1<<20)}
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	server.EnableHTTP2 = http2
	server.StartTLS()
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return sayHello(hello{URL: server.URL, Certificate: string(certificate)})
}

// paced is an answer that goes out no faster than its limiter allows.
type paced struct {
	http.ResponseWriter
	ctx   context.Context
	limit *rate.Limiter
}

func (p paced) Write(data []byte) (int, error) {
	if err := p.limit.WaitN(p.ctx, len(data)); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(data)
}
