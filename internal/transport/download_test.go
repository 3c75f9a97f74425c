package transport_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

const disposition = `inline; filename="cloud-bundle-7.tar.bz2"`

func TestDownload(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3*chunk + 11} {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d bytes, http2=%t", length, http2), func(t *testing.T) {
				t.Parallel()
				data := content(length)
				server := serveFile(t, http2, honest(data, "Content-Disposition", disposition))
				client, directory := server.client(t), t.TempDir()
				want := drkit.Download{
					Name: "cloud-bundle-7.tar.bz2", Bytes: int64(length), Checksum: sha512Of(data), Verified: true,
				}
				verify := drkit.WithChecksum(sha512Of(data))

				var written bytes.Buffer
				got, err := download(t, client, drkit.ToWriter(&written), verify)
				require.NoError(t, err)
				assert.Equal(t, want, got)
				assert.True(t, bytes.Equal(data, written.Bytes()))

				want.Path = filepath.Join(directory, "mine")
				got, err = download(t, client, drkit.ToFile(want.Path), verify)
				require.NoError(t, err)
				assert.Equal(t, want, got)
				holds(t, want.Path, data)

				want.Path = filepath.Join(directory, want.Name)
				got, err = download(t, client, drkit.ToDirectory(directory), verify)
				require.NoError(t, err)
				assert.Equal(t, want, got)
				holds(t, want.Path, data)
				assert.Equal(t, []string{want.Name, "mine"}, in(t, directory))

				want = drkit.Download{Name: want.Name, Bytes: want.Bytes, Path: want.Path}
				got, err = download(t, client, drkit.ToDirectory(directory))
				require.NoError(t, err)
				assert.Equal(t, want, got, "nobody has published a checksum")
			})
		}
	}
}

// holds checks what a file holds.
func holds(t *testing.T, path string, data []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Truef(t, bytes.Equal(data, got), "%s has %d bytes", path, len(got))
}

// The whole request as it leaves, and that for the rest of the file.
func TestDownloadRequests(t *testing.T) {
	t.Parallel()
	data := content(10)
	server := serveFile(t, false, cut(4, honest(data, "ETag", `"a"`)), honest(data, "ETag", `"a"`))
	_, err := download(t, newFileClient(t, server), drkit.ToWriter(new(bytes.Buffer)))
	require.NoError(t, err)
	first := http.Header{
		"Accept": {"a file"}, "Accept-Encoding": {"identity"}, "User-Agent": {"drkit-go"},
		"Operationid": {"op-1"}, "X-Token": {"given-token"},
	}
	rest := first.Clone()
	rest.Set("Range", "bytes=4-")
	rest.Set("If-Range", `"a"`)
	assert.Equal(t, []http.Header{first, rest}, server.seen)
}

// newFileClient returns a client of a service that has a media type of its own for files.
func newFileClient(t *testing.T, server *fileServer) *transport.Client {
	t.Helper()
	return newClientWith(t, server.url, func(c *transport.Config) {
		c.Session.Token = drkit.NewSecret("given-token")
		c.Accept = func(_ string, file bool) string {
			if file {
				return "a file"
			}
			return "anything else"
		}
	}, drkit.WithRootCAs(server.pool), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
}

// A connection that breaks is resumed where it broke, wherever that is and however it breaks.
func TestDownloadResumes(t *testing.T) {
	t.Parallel()
	data := content(4*chunk + 17)
	for name, cuts := range map[string][]int{
		"before the first byte":     {0},
		"after the first byte":      {1},
		"twice before any byte":     {0, 0},
		"before the end of a chunk": {chunk - 1},
		"at the end of a chunk":     {chunk},
		"after the end of a chunk":  {chunk + 1},
		"before the last byte":      {len(data) - 1},
		"byte by byte":              {1, 1, 1, 1, 1, 1, 1, 1, 1, 1},
		"without a byte in between": {chunk, 0, 0, 1, 0, 0, chunk + 1},
	} {
		for kind, end := range map[string]func(int, http.HandlerFunc) http.HandlerFunc{"closed": cut, "reset": reset, "http2": cut} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				serve, steps, ranges, at := honest(data), []http.HandlerFunc{}, []string{}, 0
				for _, length := range cuts {
					steps, ranges = append(steps, end(length, serve)), append(ranges, rangeFrom(at))
					at += length
				}
				server := serveFile(t, kind == "http2", append(steps, serve)...)
				path := filepath.Join(t.TempDir(), "file")
				got, err := download(t, server.client(t), drkit.ToFile(path), drkit.WithChecksum(sha512Of(data)))
				require.NoError(t, err)
				holds(t, path, data)
				assert.True(t, got.Verified)
				if kind == "reset" {
					return // what was on its way is lost, so that nobody knows where it broke
				}
				assert.Equal(t, len(cuts), got.Resumed)
				assert.Equal(t, append(ranges, rangeFrom(at)), server.asked("Range"))
			})
		}
	}
}

func rangeFrom(offset int) string {
	if offset == 0 {
		return ""
	}
	return fmt.Sprintf("bytes=%d-", offset)
}

// A file without a length ends where the service ends it, and not where a connection breaks.
func TestDownloadOfUnknownLength(t *testing.T) {
	t.Parallel()
	data := content(chunk + 5)
	for name, tc := range map[string]struct {
		steps   []http.HandlerFunc
		resumed int
	}{
		"whole":                        {[]http.HandlerFunc{chunked(whole(data))}, 0},
		"broken, then a length":        {[]http.HandlerFunc{cut(7, chunked(whole(data))), honest(data)}, 1},
		"broken, then again":           {[]http.HandlerFunc{cut(7, chunked(whole(data))), chunked(whole(data))}, 1},
		"broken, then a part":          {[]http.HandlerFunc{cut(7, chunked(whole(data))), chunked(part("bytes 7-262148/*", data[7:]))}, 1},
		"broken where it ends":         {[]http.HandlerFunc{cut(len(data), chunked(whole(data))), honest(data)}, 1},
		"broken where it ends, again":  {[]http.HandlerFunc{cut(len(data), chunked(whole(data))), whole(data)}, 1},
		"broken where a part ends":     {[]http.HandlerFunc{cut(7, honest(data)), cut(len(data)-7, chunked(honest(data))), refuses(500, "Broken")}, 1},
		"broken before the first byte": {[]http.HandlerFunc{cut(0, chunked(whole(data))), chunked(whole(data))}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written bytes.Buffer
			server := serveFile(t, false, tc.steps...)
			got, err := download(t, server.client(t), drkit.ToWriter(&written))
			require.NoError(t, err)
			assert.True(t, bytes.Equal(data, written.Bytes()))
			assert.Equal(t, drkit.Download{Bytes: int64(len(data)), Resumed: tc.resumed}, got)
		})
	}
}

// Some services know no parts, and send everything again.
func TestServiceThatIgnoresRanges(t *testing.T) {
	t.Parallel()
	data := content(2*chunk + 5)
	at := chunk + 3
	begin := cut(at, whole(data))
	for name, tc := range map[string]struct {
		steps   []http.HandlerFunc
		resumed int
		failure string
	}{
		"the same":              {[]http.HandlerFunc{begin, whole(data)}, 1, ""},
		"without a length":      {[]http.HandlerFunc{begin, chunked(whole(data))}, 1, ""},
		"broken in the skipped": {[]http.HandlerFunc{begin, cut(0, whole(data)), cut(at-1, whole(data)), whole(data)}, 3, ""},
		"broken at its end":     {[]http.HandlerFunc{begin, cut(at, whole(data)), whole(data)}, 2, ""},
		"broken after it":       {[]http.HandlerFunc{begin, cut(at+1, whole(data)), whole(data)}, 2, ""},
		"then with parts":       {[]http.HandlerFunc{begin, cut(at+1, whole(data)), honest(data)}, 2, ""},
		"others before":         {[]http.HandlerFunc{begin, whole(other(data, 0))}, 0, fmt.Sprintf("the file has changed: its first %d bytes are not those that came before", at)},
		"others at the seam":    {[]http.HandlerFunc{begin, whole(other(data, at-1))}, 0, "the file has changed"},
		"others after":          {[]http.HandlerFunc{begin, whole(other(data, at))}, 0, "checksum mismatch"},
		"shorter":               {[]http.HandlerFunc{begin, whole(data[:at-1])}, 0, "the file has changed: it has 262146 bytes instead of 524293"},
		"longer":                {[]http.HandlerFunc{begin, whole(append(data, 0))}, 0, "the file has changed: it has 524294 bytes instead of 524293"},
		"shorter, no length":    {[]http.HandlerFunc{begin, chunked(whole(data[:at-1]))}, 0, "unexpected EOF after 262146 bytes, before new ones came"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			path := filepath.Join(directory, "file")
			server := serveFile(t, false, tc.steps...)
			got, err := download(t, server.client(t), drkit.ToFile(path), drkit.WithChecksum(sha512Of(data)))
			if tc.failure != "" {
				require.ErrorContains(t, err, tc.failure)
				oneLiner(t, err)
				assert.Empty(t, got)
				assert.Empty(t, in(t, directory))
				return
			}
			require.NoError(t, err)
			holds(t, path, data)
			assert.Equal(t, tc.resumed, got.Resumed)
		})
	}
}

// An answer that cannot be the rest of the file ends the download: none of it may get into the file.
func TestAnswersThatAreNotTheFile(t *testing.T) {
	t.Parallel()
	data := content(1000)
	begin := cut(400, honest(data))
	const said = "the service does not say which part of the file it sends"
	for name, tc := range map[string]struct {
		steps   []http.HandlerFunc
		failure string
	}{
		"a part from before":        {[]http.HandlerFunc{begin, part("bytes 399-999/1000", data[399:])}, "the service goes on at byte 399 instead of 400"},
		"a part from after":         {[]http.HandlerFunc{begin, part("bytes 401-999/1000", data[401:])}, "the service goes on at byte 401 instead of 400"},
		"the part before":           {[]http.HandlerFunc{begin, part("bytes 0-399/1000", data[:400])}, "the service goes on at byte 0 instead of 400"},
		"a part of a longer file":   {[]http.HandlerFunc{begin, part("bytes 400-999/1001", data[400:])}, "the file has changed: it has 1001 bytes instead of 1000"},
		"a part of a shorter file":  {[]http.HandlerFunc{begin, part("bytes 400-998/999", data[400:999])}, "the file has changed: it has 999 bytes instead of 1000"},
		"a part in other units":     {[]http.HandlerFunc{begin, part("lines 400-999/1000", data[400:])}, said},
		"a part that is not named":  {[]http.HandlerFunc{begin, part("", data[400:])}, said},
		"several parts":             {[]http.HandlerFunc{begin, part("", data[400:], "Content-Type", "multipart/byteranges; boundary=x")}, said},
		"a part backwards":          {[]http.HandlerFunc{begin, part("bytes 999-400/1000", data[400:])}, said},
		"a part beyond the end":     {[]http.HandlerFunc{begin, part("bytes 400-1000/1000", data[400:])}, said},
		"a part before any":         {[]http.HandlerFunc{part("bytes 1-999/1000", data[1:])}, "the service goes on at byte 1 instead of 0"},
		"more than announced":       {[]http.HandlerFunc{begin, chunked(part("bytes 400-999/1000", append(data[400:], 1)))}, "more than the 1000 bytes that the service has announced"},
		"compressed":                {[]http.HandlerFunc{honest(data, "Content-Encoding", "gzip")}, "the file comes encoded (gzip), which was not asked for"},
		"compressed in the middle":  {[]http.HandlerFunc{begin, honest(data, "Content-Encoding", "br")}, "the file comes encoded (br), which was not asked for"},
		"a page":                    {[]http.HandlerFunc{honest(data, "Content-Type", "text/html; charset=utf-8")}, "the answer is no file (text/html)"},
		"a page that is misspelt":   {[]http.HandlerFunc{honest(data, "Content-Type", "Text/HTML; charset")}, "the answer is no file (text/html)"},
		"a page in the middle":      {[]http.HandlerFunc{begin, whole(data, "Content-Type", "text/html")}, "the answer is no file (text/html)"},
		"JSON":                      {[]http.HandlerFunc{whole([]byte(`{"status":"ok"}`), "Content-Type", "application/json")}, "the answer is no file (application/json)"},
		"not yet":                   {[]http.HandlerFunc{refuses(http.StatusAccepted, "Wait")}, "status 202 is no answer to a download"},
		"nothing":                   {[]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}, "status 204 is no answer to a download"},
		"nothing in the middle":     {[]http.HandlerFunc{begin, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}, "status 204 is no answer to a download"},
		"none left":                 {[]http.HandlerFunc{begin, honest(data[:300])}, "the file has changed: it has 300 bytes"},
		"none left, of what":        {[]http.HandlerFunc{begin, refuses(http.StatusRequestedRangeNotSatisfiable, "NoRange")}, "416 NoRange"},
		"none, of no known length":  {[]http.HandlerFunc{refuses(http.StatusRequestedRangeNotSatisfiable, "NoRange")}, "416 NoRange"},
		"gone":                      {[]http.HandlerFunc{begin, refuses(http.StatusNotFound, "Gone")}, "404 Gone"},
		"moved":                     {[]http.HandlerFunc{begin, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }}, "redirects are not followed"},
		"an error in the middle":    {[]http.HandlerFunc{begin, refuses(http.StatusInternalServerError, "Broken")}, "500 Broken"},
		"busy again and again":      {[]http.HandlerFunc{begin, refuses(http.StatusServiceUnavailable, "Busy")}, "503 Busy"},
		"broken again and again":    {[]http.HandlerFunc{begin, cut(0, honest(data))}, "unexpected EOF"},
		"reset before every answer": {[]http.HandlerFunc{begin, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }}, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			server := serveFile(t, false, tc.steps...)
			got, err := download(t, server.client(t), drkit.ToFile(filepath.Join(directory, "file")))
			require.ErrorContains(t, err, tc.failure)
			oneLiner(t, err)
			if len(tc.steps) == 2 {
				assert.Contains(t, err.Error(), "400 of 1000 bytes")
			}
			assert.Empty(t, got)
			assert.Empty(t, in(t, directory))
		})
	}
}
