package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// A service may break off, ignore ranges, send less than was asked for, or other bytes under the same name or
// another tag: a download that is verified either has the right bytes or leaves nothing behind.
func TestDownloadFromAnyServer(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		data := content(rapid.IntRange(0, 2000).Draw(rt, "length"))
		network := &anyServer{t: rt, data: data, honest: rapid.Bool().Draw(rt, "honest")}
		client, err := newConfigured("https://appliance.example.com", func(c *transport.Config) { c.Session.Token = drkit.NewSecret("given-token") },
			drkit.WithTransport(network), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))
		require.NoError(rt, err)
		path := filepath.Join(directory, "file")
		before := int64(-1)
		report := drkit.OnDownload(func(p drkit.DownloadProgress) {
			require.GreaterOrEqual(rt, p.Received, before)
			before = p.Received
		})
		call := transport.Call{Operation: &getFile, Path: []string{"7"}}
		done, err := client.Download(t.Context(), call, nil, []drkit.DownloadOption{drkit.ToFile(path), drkit.WithChecksum(sha512Of(data)), report})
		if err != nil {
			require.False(rt, network.honest && network.asked < maxAsked, "a server that tells no lies: %v", err)
			require.Empty(rt, done)
			require.NotContains(rt, err.Error(), "\n")
			entries, err := os.ReadDir(directory)
			require.NoError(rt, err)
			require.Empty(rt, entries)
			return
		}
		require.True(rt, done.Verified)
		require.EqualValues(rt, len(data), done.Bytes)
		require.EqualValues(rt, len(data), before)
		got, err := os.ReadFile(path)
		require.NoError(rt, err)
		require.True(rt, bytes.Equal(data, got))
		require.NoError(rt, os.Remove(path))
	})
}

// maxAsked is when an anyServer has had enough.
const maxAsked = 30

// anyServer does to each request what chance wants. An honest one breaks off and ignores, but does not lie.
type anyServer struct {
	t      *rapid.T
	data   []byte
	honest bool
	asked  int
	idle   int // answers in a row that bring nothing new
}

func (s *anyServer) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.asked++; s.asked >= maxAsked {
		return nil, errReset
	}
	data, tag := s.data, `"a"`
	if !s.honest && rapid.IntRange(0, 4).Draw(s.t, "other") == 0 && len(data) > 0 {
		data = other(data, rapid.IntRange(0, len(data)-1).Draw(s.t, "flipped"))
		data = data[:rapid.IntRange(len(data)/2, len(data)).Draw(s.t, "shortened")]
		tag = rapid.SampledFrom([]string{tag, `"b"`}).Draw(s.t, "tag")
	}
	from, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-"))
	header := http.Header{"Etag": {tag}}
	if from > 0 && !s.honest && rapid.IntRange(0, 9).Draw(s.t, "lie") == 0 {
		from += rapid.SampledFrom([]int{-1, 1}).Draw(s.t, "lies by")
	}
	switch {
	case from == 0 || rapid.IntRange(0, 3).Draw(s.t, "ignores") == 0:
		return s.answer(r, http.StatusOK, header, data, 0, from)
	case from >= len(data):
		return answers(http.StatusRequestedRangeNotSatisfiable, "{}", "Content-Range", fmt.Sprintf("bytes */%d", len(data)))(r)
	}
	to := rapid.IntRange(from+1, len(data)).Draw(s.t, "to")
	total := rapid.SampledFrom([]string{strconv.Itoa(len(data)), "*"}).Draw(s.t, "total")
	if total == "*" {
		to = len(data)
	}
	header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%s", from, to-1, total))
	return s.answer(r, http.StatusPartialContent, header, data[:to], from, from)
}

// answer sends data from somewhere on, breaks off when it likes, and may keep the length to itself. Every
// third answer gets past what is there already.
func (s *anyServer) answer(r *http.Request, status int, header http.Header, data []byte, from, old int) (*http.Response, error) {
	left := data[min(from, len(data)):]
	length, failure := len(left), error(nil)
	if rapid.Bool().Draw(s.t, "breaks") {
		length = rapid.IntRange(0, len(left)).Draw(s.t, "after")
		failure = rapid.SampledFrom([]error{errReset, io.ErrUnexpectedEOF}).Draw(s.t, "with")
	}
	if s.idle++; from+length > old {
		s.idle = 0
	}
	if s.idle > 2 {
		length, failure, s.idle = len(left), nil, 0
	}
	body := io.Reader(bytes.NewReader(left[:length]))
	if failure != nil {
		body = io.MultiReader(body, iotest.ErrReader(failure))
	}
	response := &http.Response{StatusCode: status, Header: header, Request: r, ContentLength: int64(len(left)), Body: io.NopCloser(iotest.HalfReader(body))}
	if rapid.IntRange(0, 3).Draw(s.t, "chunked") == 0 {
		response.ContentLength = -1
	}
	if errors.Is(failure, errReset) && length == 0 && rapid.Bool().Draw(s.t, "silent") && s.idle == 0 {
		return nil, errReset
	}
	return response, nil
}
