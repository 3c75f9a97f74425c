package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// An entity tag tells the versions of a file apart, also where no checksum does.
func TestDownloadOfAFileThatChanges(t *testing.T) {
	t.Parallel()
	data := content(1000)
	changed := other(data, 999)
	const before, after, weak = `"before"`, `"after"`, `W/"before"`
	for name, tc := range map[string]struct {
		first, then http.HandlerFunc
		ifRange     string
		failure     string
	}{
		"the same":                         {honest(data, "ETag", before), honest(data, "ETag", before), before, ""},
		"the same, again":                  {honest(data, "ETag", before), whole(data, "ETag", before), before, ""},
		"the rest has no tag":              {honest(data, "ETag", before), part("bytes 400-999/1000", data[400:]), before, ""},
		"changed":                          {honest(data, "ETag", before), honest(changed, "ETag", after), before, `its entity tag is "after" instead of "before"`},
		"changed, and a part all the same": {honest(data, "ETag", before), part("bytes 400-999/1000", changed[400:], "ETag", after), before, `its entity tag is "after" instead of "before"`},
		"a weak tag":                       {honest(data, "ETag", weak), honest(data, "ETag", weak), "", ""},
		"a weak tag that has changed":      {honest(data, "ETag", weak), honest(data, "ETag", `W/"after"`), "", ""},
		"a tag only later":                 {honest(data), honest(data, "ETag", before), "", ""},
		"no tag, other length":             {honest(data), honest(changed[:900]), "", "it has 900 bytes instead of 1000"},
		"no length, then too short":        {chunked(whole(data)), whole(data[:300]), "", "it has 300 bytes, and 400 have come"},
		"no length, then none left":        {chunked(whole(data)), honest(data[:300]), "", "it has 300 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written bytes.Buffer
			server := serveFile(t, false, cut(400, tc.first), tc.then)
			_, err := download(t, server.client(t), drkit.ToWriter(&written))
			assert.Equal(t, []string{"", tc.ifRange}, server.asked("If-Range"))
			if tc.failure != "" {
				require.ErrorContains(t, err, "the file has changed: "+tc.failure)
				oneLiner(t, err)
				assert.Equal(t, data[:400], written.Bytes(), "nothing of another file")
				return
			}
			require.NoError(t, err)
			assert.Equal(t, data, written.Bytes())
		})
	}
}

// A file that changes before its first byte has come is that other file.
func TestFileThatChangesBeforeItBegins(t *testing.T) {
	t.Parallel()
	data := content(500)
	before := cut(0, honest(content(1000), "ETag", `"before"`))
	for name, after := range map[string]http.HandlerFunc{
		"another tag": honest(data, "ETag", `"after"`), "no tag": honest(data), "no length": chunked(whole(data)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written bytes.Buffer
			server := serveFile(t, false, before, cut(100, after), after)
			_, err := download(t, server.client(t), drkit.ToWriter(&written))
			require.NoError(t, err)
			assert.Equal(t, data, written.Bytes())
			assert.Equal(t, []string{"", "", "bytes=100-"}, server.asked("Range"))
			assert.NotContains(t, server.asked("If-Range"), `"before"`)
		})
	}
}

// What the service says to a request for the rest is dealt with as in any other call.
func TestRefusalsInTheMiddle(t *testing.T) {
	t.Parallel()
	data := content(2*chunk + 1)
	serve := honest(data)
	busy := refuses(http.StatusServiceUnavailable, "Busy", "Retry-After", "1")
	throttled := refuses(http.StatusTooManyRequests, "Slow")
	for name, tc := range map[string]struct {
		steps   []http.HandlerFunc
		resumed int
	}{
		"busy at first":      {[]http.HandlerFunc{busy, serve}, 0},
		"busy in the middle": {[]http.HandlerFunc{cut(chunk+1, serve), busy, throttled, busy, serve}, 1},
		"busy all the time":  {[]http.HandlerFunc{busy, cut(5, serve), busy, busy, cut(5, serve), busy, serve}, 2},
		"no connection":      {[]http.HandlerFunc{cut(5, serve), gone, gone, cut(5, serve), gone, serve}, 2},
	} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, http2=%t", name, http2), func(t *testing.T) {
				t.Parallel()
				var written bytes.Buffer
				server := serveFile(t, http2, tc.steps...)
				got, err := download(t, server.client(t), drkit.ToWriter(&written), drkit.WithChecksum(sha512Of(data)))
				require.NoError(t, err)
				assert.True(t, bytes.Equal(data, written.Bytes()))
				assert.Equal(t, tc.resumed, got.Resumed)
				assert.Len(t, server.asked("Range"), len(tc.steps))
			})
		}
	}
}

func gone(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// A session that expires in the middle of a download comes back, and the download goes on in it.
func TestSessionExpiresInTheMiddle(t *testing.T) {
	t.Parallel()
	data := content(1000)
	signIns := 0
	server := serveFile(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			signIns++
			w.Header().Set("X-Token", fmt.Sprintf("token-%d", signIns))
		case r.Method == http.MethodDelete:
		case r.Header.Get("Range") == "":
			cut(400, honest(data))(w, r)
		case r.Header.Get("X-Token") == "token-1":
			refuses(http.StatusUnauthorized, "SessionOver")(w, r)
		default:
			honest(data)(w, r)
		}
	})
	var client *transport.Client
	client = newClientWith(t, server.url, withSession(&client), drkit.WithRootCAs(server.pool), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
	var written bytes.Buffer
	got, err := download(t, client, drkit.ToWriter(&written))
	require.NoError(t, err)
	assert.Equal(t, data, written.Bytes())
	assert.Equal(t, 1, got.Resumed)
	assert.Equal(t, []string{"", "token-1", "token-1", "", "token-2"}, server.asked("X-Token"))
}

// The limit of an attempt is that of each wait for more, and a connection on which nothing comes is one
// that has broken.
func TestStalledDownload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			asked++
			resp, err := answers(200, "", "Content-Type", "application/x-gtar")(req)
			resp.ContentLength = 6
			if asked > 1 {
				resp.StatusCode = http.StatusPartialContent
				resp.Header.Set("Content-Range", strings.Replace(req.Header.Get("Range"), "=", " ", 1)+"5/6")
			}
			resp.Body = &drip{req.Context(), []time.Duration{2e9, 2e9}} // two bytes, then nothing
			return resp, err
		})
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network), drkit.WithTimeout(3*time.Second),
			drkit.WithRetry(drkit.RetryPolicy{Attempts: 2, MinWait: 1, MaxWait: 1}))
		var written bytes.Buffer
		began := time.Now()
		got, err := download(t, client, drkit.ToWriter(&written))
		require.NoError(t, err)
		assert.Equal(t, drkit.Download{Bytes: 6, Resumed: 2}, got)
		assert.Equal(t, "xxxxxx", written.String())
		// The last answer has no end, which nobody misses: all bytes have come.
		assert.Equal(t, 3*7*time.Second, time.Since(began).Truncate(time.Second))
		assert.Equal(t, 3, asked)
	})
}

// Where no connection brings anything the download gives up, and says how far it had come.
func TestDownloadThatStaysStalled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := answers(200, "", "Content-Type", "application/x-gtar")(req)
			resp.ContentLength = 6
			resp.Body = &drip{req.Context(), nil}
			return resp, err
		})
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network), drkit.WithTimeout(time.Minute),
			drkit.WithRetry(drkit.RetryPolicy{Attempts: 3, MinWait: 1, MaxWait: 1}))
		began := time.Now()
		_, err := download(t, client, drkit.ToWriter(io.Discard))
		require.EqualError(t, err, "fake.Files.Download: the download broke off after 0 of 6 bytes: "+
			"no complete answer within 1m0s (GET /files/7, operation ID op-1)")
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3*time.Minute, time.Since(began).Truncate(time.Second))
	})
}

// A reader who takes long is no server that has stalled; neither is a slow disk.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		data := content(chunk + 1)
		network := scripted(answers(200, string(data), "Content-Type", "application/x-gtar"))
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network), drkit.WithTimeout(time.Second))
		var written bytes.Buffer
		slow := writer(func(p []byte) (int, error) {
			<-time.After(time.Hour)
			return written.Write(p)
		})
		got, err := download(t, client, drkit.ToWriter(slow), drkit.WithChecksum(sha512Of(data)))
		require.NoError(t, err)
		assert.Zero(t, got.Resumed)
		assert.True(t, bytes.Equal(data, written.Bytes()))
	})
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// Bytes that come slowly are passed on as they come, and not only when a buffer is full.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pauses := make([]time.Duration, 50)
		for i := range pauses {
			pauses[i] = 20 * time.Millisecond
		}
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := answers(200, "", "Content-Type", "application/x-gtar")(req)
			resp.ContentLength = int64(len(pauses))
			resp.Body = &drip{req.Context(), pauses}
			return resp, err
		})
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network))
		began := time.Now()
		var at []time.Duration
		var reports []drkit.DownloadProgress
		w := writer(func(p []byte) (int, error) { at = append(at, time.Since(began)); return len(p), nil })
		_, err := download(t, client, drkit.ToWriter(w), drkit.OnDownload(func(p drkit.DownloadProgress) { reports = append(reports, p) }))
		require.NoError(t, err)
		require.Len(t, at, 10, "a second, at ten times a second")
		for i, when := range at {
			assert.Equal(t, time.Duration(i+1)*100*time.Millisecond, when)
			assert.Equal(t, drkit.DownloadProgress{Received: int64(5 * (i + 1)), Total: 50}, reports[i])
		}
	})
}

// A writer that fails ends the download: nothing more is asked for.
func TestWriterThatFails(t *testing.T) {
	t.Parallel()
	data := content(3 * chunk)
	full := errors.New("no space left")
	for name, tc := range map[string]struct {
		write   func(p []byte) (int, error)
		failure error
	}{
		"at once":          {func([]byte) (int, error) { return 0, full }, full},
		"after a part":     {func(p []byte) (int, error) { return len(p) / 2, full }, full},
		"after all":        {func(p []byte) (int, error) { return len(p), full }, full},
		"short":            {func(p []byte) (int, error) { return len(p) - 1, nil }, io.ErrShortWrite},
		"more than it got": {func(p []byte) (int, error) { return len(p) + 1, nil }, io.ErrShortWrite},
		"not allowed":      {func([]byte) (int, error) { return 0, &fs.PathError{Op: "write", Path: "file", Err: syscall.EACCES} }, fs.ErrPermission},
		"less than none":   {func([]byte) (int, error) { return -1, nil }, io.ErrShortWrite},
	} {
		for _, sum := range []drkit.DownloadOption{drkit.WithChecksum(sha512Of(data)), drkit.WithoutChecksum()} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				server := serveFile(t, false, honest(data))
				_, err := download(t, server.client(t), drkit.ToWriter(writer(tc.write)), sum)
				require.ErrorIs(t, err, tc.failure)
				require.NotErrorIs(t, err, drkit.ErrUnavailable)
				oneLiner(t, err)
				assert.Contains(t, err.Error(), "broke off after 0 of 786432 bytes")
				assert.Len(t, server.asked("Range"), 1)
			})
		}
	}
}

// A service that has nothing more, and does not say where the file ends, may have refused for another reason.
func TestRefusedRangeThatSaysNothing(t *testing.T) {
	t.Parallel()
	server := serveFile(t, false, cut(400, chunked(whole(content(1000)))), refuses(http.StatusRequestedRangeNotSatisfiable, "NoRange"))
	_, err := download(t, server.client(t), drkit.ToWriter(io.Discard))
	require.EqualError(t, err, "fake.Files.Download: 416 NoRange: It is so. (GET /files/7, operation ID op-1); 400 bytes had come")
	assert.Equal(t, http.StatusRequestedRangeNotSatisfiable, answerOf(t, err).Status)
}

func answerOf(t *testing.T, err error) *drkit.Error {
	t.Helper()
	var answer *drkit.Error
	require.ErrorAs(t, err, &answer)
	return answer
}
