package vcav_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const (
	largeBundle = 1 << 30
	flippedID   = "4ad86e03-b9f1-4c57-a62e-05d7c3f8912b"
	mostHeap    = 32 << 20
)

// breaks are after how many bytes the connections of a large download break, one after the other. None is
// so few that a reset could take the status along.
var breaks = []int64{1 << 20, 100<<20 + 1, 4 << 20, 256<<20 - 1, 1<<20 + 77, 200 << 20, 64 << 20, 2<<20 + 3, 128<<20 + 5, 32 << 20}

// A bundle of a gigabyte takes no more memory than a small one, survives ten connections that break, and a
// single bit that is wrong is found. The server runs in a process of its own.
func TestLargeBundle(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	for name, transport := range map[string]*http.Transport{
		"HTTP1.1": {TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}, "HTTP2": {},
	} {
		t.Run(name, func(t *testing.T) {
			server := startBenchServer(t, "large bundles")
			var requests atomic.Int64
			count := drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(request *http.Request) (*http.Response, error) {
					if strings.HasSuffix(request.URL.Path, bundleID) {
						requests.Add(1)
					}
					return next.RoundTrip(request)
				})
			})
			client, err := vcav.NewClient(server.URL, vcav.LocalUser("root", drkit.NewSecret(benchPassword)),
				drkit.WithThumbprint(server.Thumbprint), drkit.WithTransport(transport), count)
			require.NoError(t, err)
			t.Cleanup(func() { _ = client.Close(context.Background()) })

			t.Run("ten broken connections", func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "bundle")
				done := downloadLarge(t, client, bundleID, path, nil)
				assert.True(t, done.Verified)
				assert.EqualValues(t, largeBundle, done.Bytes)
				assert.Equal(t, len(breaks), done.Resumed)
				assert.EqualValues(t, len(breaks)+1, requests.Load())
				info, err := os.Stat(path)
				require.NoError(t, err)
				assert.EqualValues(t, largeBundle, info.Size())
			})
			t.Run("flipped bit", func(t *testing.T) {
				directory := t.TempDir()
				downloadLarge(t, client, flippedID, filepath.Join(directory, "bundle"), drkit.ErrChecksum)
				entries, err := os.ReadDir(directory)
				require.NoError(t, err)
				assert.Empty(t, entries)
			})
		})
	}
}

// downloadLarge downloads and measures the heap meanwhile.
func downloadLarge(t *testing.T, client *vcav.Client, id, path string, failure error) drkit.Download {
	t.Helper()
	runtime.GC()
	var heap, last uint64
	done, err := client.SupportBundles.Download(t.Context(), id, drkit.ToFile(path), drkit.OnDownload(func(p drkit.DownloadProgress) {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		heap, last = max(heap, stats.HeapInuse), uint64(p.Received)
	}))
	require.ErrorIs(t, err, failure)
	t.Logf("heap in use: at most %.1f MiB", float64(heap)/(1<<20))
	assert.NotZero(t, last)
	assert.Less(t, heap, uint64(mostHeap))
	return done
}

// serveLargeBundles is the server of TestLargeBundle.
func serveLargeBundles() error {
	server, err := vcavtest.Start(vcavtest.RootPassword(benchPassword), vcavtest.BundleSize(largeBundle),
		vcavtest.SupportBundles(vcavtest.SupportBundle{ID: bundleID}, vcavtest.SupportBundle{ID: flippedID}))
	if err != nil {
		return err
	}
	defer server.Close()
	server.CorruptBundle(flippedID, largeBundle*3/4)
	for i, length := range breaks {
		server.Inject(vcavtest.Fault{
			Operation: "SupportBundles.Download", Resource: bundleID, After: true, AfterBytes: length, Times: 1,
			Drop: i%2 == 0, Reset: i%2 == 1,
		})
	}
	return sayHello(hello{URL: server.URL, Thumbprint: server.Thumbprint()})
}
