package transport_test

import (
	"bytes"
	"crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

var getFile = api.Operation{Name: "Files.Download", Method: http.MethodGet, Path: "/files/{fileId}", Class: api.Read}

// chunk is how much a download takes in at a time.
const chunk = 256 << 10

// content returns bytes that look random and are the same in each run.
func content(length int) []byte {
	data := make([]byte, length)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(data)
	return data
}

// other returns a file of the same length that differs at one place.
func other(data []byte, place int) []byte {
	data = bytes.Clone(data)
	data[place] ^= 1
	return data
}

// sha512Of is the checksum of data, as services write it.
func sha512Of(data []byte) string {
	text := "SHA-512"
	for _, b := range sha512.Sum512(data) {
		text += fmt.Sprintf(":%02X", b)
	}
	return text
}

// fileServer answers requests one step after the other, and the last for ever, behind a real TLS socket.
type fileServer struct {
	url  string
	pool *x509.CertPool

	mu    sync.Mutex
	steps []http.HandlerFunc
	seen  []http.Header
}

func serveFile(t *testing.T, http2 bool, steps ...http.HandlerFunc) *fileServer {
	t.Helper()
	s := &fileServer{steps: steps}
	server, pool := startTLS(t, http2, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		step := s.steps[min(len(s.seen), len(s.steps)-1)]
		s.seen = append(s.seen, r.Header)
		s.mu.Unlock()
		step(w, r)
	})
	s.url, s.pool = server.URL, pool
	return s
}

// asked returns a header of each request so far.
func (s *fileServer) asked(header string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var values []string
	for _, seen := range s.seen {
		values = append(values, seen.Get(header))
	}
	return values
}

// client returns a client of the server that does not pause between attempts.
func (s *fileServer) client(t testing.TB, options ...drkit.Option) *transport.Client {
	t.Helper()
	return newClient(t, s.url, append([]drkit.Option{
		drkit.WithRootCAs(s.pool), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}),
	}, options...)...)
}

// download takes file 7.
func download(t *testing.T, client *transport.Client, options ...drkit.DownloadOption) (drkit.Download, error) {
	t.Helper()
	call := transport.Call{Operation: &getFile, Path: []string{"7"}}
	return client.Download(drkit.WithOperationID(t.Context(), "op-1"), call, nil, options)
}

// honest serves a file as HTTP wants it, parts included. Headers are pairs of name and value.
func honest(data []byte, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-gtar")
		set(w, headers)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}
}

// whole serves all of a file, whatever is asked for.
func whole(data []byte, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		set(w, headers)
		_, _ = w.Write(data)
	}
}

// part serves a part as the header Content-Range calls it, with the bytes that are given.
func part(contentRange string, data []byte, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", contentRange)
		set(w, headers)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(data)
	}
}

// chunked serves a file without a word of its length.
func chunked(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { next(&withoutLength{ResponseWriter: w}, r) }
}

type withoutLength struct{ http.ResponseWriter }

func (w *withoutLength) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(status)
	_ = http.NewResponseController(w.ResponseWriter).Flush()
}

func (w *withoutLength) Write(p []byte) (int, error) {
	w.Header().Del("Content-Length")
	_ = http.NewResponseController(w.ResponseWriter).Flush() // before the length of the body can be known
	return w.ResponseWriter.Write(p)
}

// refuses answers with a status and an error of the service.
func refuses(status int, code string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		set(w, headers)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"code":%q,"msg":"It is so."}`, code)
	}
}

func set(w http.ResponseWriter, headers []string) {
	for i := 0; i+1 < len(headers); i += 2 {
		w.Header().Set(headers[i], headers[i+1])
	}
}

// cut ends the connection after length bytes of a body.
func cut(length int, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next(&cutting{ResponseWriter: w, left: length, then: func() { panic(http.ErrAbortHandler) }}, r)
	}
}

// reset is cut with a connection that is reset rather than closed. What is still on its way is lost, too.
func reset(length int, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next(&cutting{ResponseWriter: w, left: length, then: func() {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				panic(err)
			}
			raw, _ := conn.(*tls.Conn).NetConn().(*net.TCPConn)
			_ = raw.SetLinger(0)
			_ = raw.Close()
			panic(http.ErrAbortHandler)
		}}, r)
	}
}

// hold does what then does after length bytes of a body, and goes on when it returns.
func hold(length int, then func(), next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next(&cutting{ResponseWriter: w, left: length, then: then}, r)
	}
}

// cutting counts what is written of a body.
type cutting struct {
	http.ResponseWriter
	left int
	then func()
	over bool
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.over || len(p) < c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	n, err := c.ResponseWriter.Write(p[:c.left])
	if err != nil {
		return n, err
	}
	c.over = true
	c.Flush()
	c.then()
	more, err := c.ResponseWriter.Write(p[c.left:])
	return n + more, err
}

func (c *cutting) Flush() { _ = http.NewResponseController(c.ResponseWriter).Flush() }

// in returns the names in a directory.
func in(t *testing.T, directory string) []string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	names := []string{}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// oneLiner checks that an error says on one line which operation of which ID has failed.
func oneLiner(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.NotContains(t, err.Error(), "\n")
	require.True(t, strings.HasPrefix(err.Error(), "fake.Files.Download: "), err.Error())
	require.Contains(t, err.Error(), "operation ID op-1")
}
