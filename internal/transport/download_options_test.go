package transport_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/transport"
)

// own is an option that somebody else has written.
type own func() error

func (o own) ApplyDownload(*settings.Download) error { return o() }

// Options that are wrong, or contradict each other, are an error before anything is asked for.
func TestBadDownloadOptions(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	to := drkit.ToFile(filepath.Join(directory, "file"))
	good := sha512Of(nil)
	server := serveFile(t, false, honest(nil))
	for text, options := range map[string][]drkit.DownloadOption{
		"option is nil":                    {to, nil},
		"the download has two targets":     {to, drkit.ToDirectory(directory)},
		"the target of the download":       {drkit.Target{}},
		"the download has no target":       {},
		"OnDownload: function is nil":      {to, drkit.OnDownload(nil)},
		"WithChecksum: the checksum is":    {to, drkit.WithChecksum("")},
		"contradict each other":            {to, drkit.WithChecksum(good), drkit.WithoutChecksum()},
		"contradict each other ":           {to, drkit.WithoutChecksum(), drkit.WithChecksum(good)},
		"neither SHA-512 nor SHA-256":      {to, drkit.WithChecksum("MD5:00")},
		"neither SHA-512 nor SHA-256 ":     {to, drkit.WithChecksum(strings.TrimPrefix(good, "SHA-512:"))},
		"not 64 bytes in hexadecimal":      {to, drkit.WithChecksum("SHA-512:")},
		"not 64 bytes in hexadecimal ":     {to, drkit.WithChecksum(good + ":00")},
		"not 64 bytes in hexadecimal  ":    {to, drkit.WithChecksum(strings.TrimSuffix(good, "3E"))},
		"not 64 bytes in hexadecimal   ":   {to, drkit.WithChecksum("SHA-512:2C:...:ED:A0")},
		"not 32 bytes in hexadecimal":      {to, drkit.WithChecksum("SHA-256" + strings.TrimPrefix(good, "SHA-512"))},
		"the caller's own option is wrong": {to, own(func() error { return errors.New("the caller's own option is wrong") })},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			got, err := download(t, server.client(t), options...)
			require.ErrorContains(t, err, strings.TrimSpace(text))
			assert.True(t, strings.HasPrefix(err.Error(), "fake.Files.Download: "), err)
			assert.NotContains(t, err.Error(), "\n")
			assert.Empty(t, got)
			assert.Empty(t, server.asked("Range"))
			assert.Empty(t, in(t, directory))
		})
	}
}

func TestChecksums(t *testing.T) {
	t.Parallel()
	data := content(1000)
	server := serveFile(t, false, honest(data))
	long := sha512Of(data)
	digits := strings.ReplaceAll(strings.TrimPrefix(long, "SHA-512:"), ":", "")
	short := fmt.Sprintf("% X", sha256.Sum256(data))
	short = "SHA-256:" + strings.ReplaceAll(short, " ", ":")
	for given, want := range map[string]string{
		long: long, strings.ToLower(long): long, "SHA-512:" + digits: long, "sha512:" + strings.ToLower(digits): long,
		"Sha-512:" + digits: long, " " + long + "\n": long, short: short, strings.ToLower(short): short,
		"SHA256:" + strings.TrimPrefix(short, "SHA-256:"): short,
	} {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			var written bytes.Buffer
			got, err := download(t, server.client(t), drkit.ToWriter(&written), drkit.WithChecksum(given))
			require.NoError(t, err)
			assert.Equal(t, drkit.Download{Bytes: 1000, Checksum: want, Verified: true}, got)
		})
	}
}

// One byte that is not what was published is found, whichever it is, and no file is left.
func TestFlippedByte(t *testing.T) {
	t.Parallel()
	data := content(2*chunk + 100)
	for _, place := range []int{0, 1, chunk - 1, chunk, 2 * chunk, len(data) - 1} {
		for _, resumed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d, resumed=%t", place, resumed), func(t *testing.T) {
				t.Parallel()
				directory, wrong := t.TempDir(), other(data, place)
				steps := []http.HandlerFunc{honest(wrong)}
				if resumed {
					steps = []http.HandlerFunc{cut(chunk+5, honest(wrong)), honest(wrong)}
				}
				_, err := download(t, serveFile(t, false, steps...).client(t), drkit.ToFile(filepath.Join(directory, "file")), drkit.WithChecksum(sha512Of(data)))
				require.ErrorIs(t, err, drkit.ErrChecksum)
				require.NotErrorIs(t, err, drkit.ErrUnavailable)
				var mismatch *drkit.ChecksumError
				require.ErrorAs(t, err, &mismatch)
				assert.Equal(t, &drkit.ChecksumError{
					Operation: "fake.Files.Download", OperationID: "op-1",
					Want: sha512Of(data), Got: sha512Of(wrong), Bytes: int64(len(data)),
				}, mismatch)
				assert.EqualError(t, err, fmt.Sprintf("fake.Files.Download: checksum mismatch: the %d bytes received have %s instead of %s (operation ID op-1)",
					len(data), sha512Of(wrong), sha512Of(data)))
				assert.Empty(t, in(t, directory))
			})
		}
	}
}

// What a service has published is asked for once, unless the caller has settled what to verify by.
func TestPublishedChecksum(t *testing.T) {
	t.Parallel()
	data := content(1000)
	failure := errors.New("the list is closed")
	for name, tc := range map[string]struct {
		published string
		fails     error
		option    drkit.DownloadOption
		asked     int
		verified  bool
		failure   string
	}{
		"published":              {sha512Of(data), nil, nil, 1, true, ""},
		"another is published":   {sha512Of(nil), nil, nil, 1, false, "checksum mismatch"},
		"given":                  {sha512Of(nil), nil, drkit.WithChecksum(sha512Of(data)), 0, true, ""},
		"not wanted":             {sha512Of(nil), nil, drkit.WithoutChecksum(), 0, false, ""},
		"none":                   {"", nil, nil, 1, false, ""},
		"not to be read":         {"SHA-1:00", nil, nil, 1, false, `checksum "SHA-1:00": the algorithm is neither`},
		"not to be asked for":    {"", failure, nil, 1, false, "fake.Files.Download: the list is closed"},
		"not asked for, settled": {"", failure, drkit.WithoutChecksum(), 0, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory, asked := t.TempDir(), 0
			server := serveFile(t, false, honest(data))
			call := transport.Call{Operation: &getFile, Path: []string{"7"}}
			options := []drkit.DownloadOption{drkit.ToFile(filepath.Join(directory, "file"))}
			if tc.option != nil {
				options = append(options, tc.option)
			}
			var under string
			got, err := server.client(t).Download(t.Context(), call, func(ctx context.Context) (string, error) {
				asked++
				under, _ = drkit.OperationID(ctx)
				return tc.published, tc.fails
			}, options)
			assert.Equal(t, tc.asked, asked)
			if tc.failure != "" {
				require.ErrorContains(t, err, tc.failure)
				assert.Empty(t, in(t, directory))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.verified, got.Verified)
			if asked > 0 {
				assert.Equal(t, []string{under}, server.asked("Operationid"), "all requests of a download go by one ID")
			}
		})
	}
}

// Reports only grow, and end with all of it.
func TestDownloadProgress(t *testing.T) {
	t.Parallel()
	data := content(5*chunk + 3)
	for name, tc := range map[string]struct {
		steps []http.HandlerFunc
		total int64 // as announced
	}{
		"at once":        {[]http.HandlerFunc{honest(data)}, int64(len(data))},
		"resumed":        {[]http.HandlerFunc{cut(chunk+1, honest(data)), cut(0, honest(data)), cut(chunk+1, honest(data)), honest(data)}, int64(len(data))},
		"skipped":        {[]http.HandlerFunc{cut(2*chunk+1, whole(data)), whole(data)}, int64(len(data))},
		"unknown length": {[]http.HandlerFunc{chunked(whole(data))}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var reports []drkit.DownloadProgress
			_, err := download(t, serveFile(t, false, tc.steps...).client(t), drkit.ToWriter(new(bytes.Buffer)),
				drkit.OnDownload(func(p drkit.DownloadProgress) { reports = append(reports, p) }))
			require.NoError(t, err)
			require.NotEmpty(t, reports)
			last := drkit.DownloadProgress{Received: int64(len(data)), Total: int64(len(data))}
			assert.Equal(t, last, reports[len(reports)-1])
			before := int64(0)
			for _, report := range reports[:len(reports)-1] {
				assert.Equal(t, tc.total, report.Total)
				assert.Greater(t, report.Received, before)
				before = report.Received
			}
		})
	}
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		var reports []drkit.DownloadProgress
		_, err := download(t, serveFile(t, false, honest(nil)).client(t), drkit.ToWriter(new(bytes.Buffer)),
			drkit.OnDownload(func(p drkit.DownloadProgress) { reports = append(reports, p) }))
		require.NoError(t, err)
		assert.Equal(t, []drkit.DownloadProgress{{}}, reports)
	})
}

// A fast download reports its first chunk and its end, and not each chunk in between.
func TestReportsAreFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // where reading takes no time
		network := scripted(answers(200, string(content(5*chunk)), "Content-Type", "application/x-gtar"))
		var reports []int64
		_, err := download(t, newClient(t, "https://appliance.example.com", drkit.WithTransport(network)), drkit.ToWriter(new(bytes.Buffer)),
			drkit.OnDownload(func(p drkit.DownloadProgress) { reports = append(reports, p.Received) }))
		require.NoError(t, err)
		assert.Equal(t, []int64{chunk, 5 * chunk}, reports)
	})
}

// A download that is resumed leaves a warning for each time, and no secret.
func TestRecordsOfADownload(t *testing.T) {
	t.Parallel()
	data := content(1000)
	logger, written := newLogger(-4)
	server := serveFile(t, false, cut(400, honest(data)), cut(0, honest(data)), honest(data))
	_, err := download(t, server.client(t, drkit.WithLogger(logger)), drkit.ToWriter(new(bytes.Buffer)))
	require.NoError(t, err)
	var resumed []map[string]any
	for _, record := range records(t, written) {
		if record["msg"] == "resuming download" {
			resumed = append(resumed, record)
		}
	}
	want := map[string]any{
		"level": "WARN", "msg": "resuming download", "operation": "fake.Files.Download", "operation_id": "op-1",
		"received": 400.0, "total": 1000.0, "error": "unexpected EOF",
	}
	assert.Equal(t, []map[string]any{want, want}, resumed)
	assert.NotContains(t, written.String(), "given-token")
}

// No attempts beside the first means that nothing is resumed.
func TestDownloadWithoutRetries(t *testing.T) {
	t.Parallel()
	server := serveFile(t, false, cut(400, honest(content(1000))))
	_, err := download(t, server.client(t, drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})), drkit.ToWriter(new(bytes.Buffer)))
	require.EqualError(t, err, "fake.Files.Download: the download broke off after 400 of 1000 bytes: unexpected EOF (GET /files/7, operation ID op-1)")
	require.ErrorIs(t, err, drkit.ErrUnavailable)
	assert.Len(t, server.asked("Range"), 1)
}

// Arguments that do not fit are an error before anything else is done.
func TestBadArgumentsOfADownload(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	server := serveFile(t, false, honest(nil))
	published := func(context.Context) (string, error) { return "", errors.New("nobody should ask") }
	for text, path := range map[string][]string{
		"fileId is empty": {""}, `fileId ".." is not an id`: {".."}, "0 arguments": nil, "2 arguments": {"a", "b"},
	} {
		_, err := server.client(t).Download(t.Context(), transport.Call{Operation: &getFile, Path: path}, published,
			[]drkit.DownloadOption{drkit.ToDirectory(directory)})
		require.ErrorContains(t, err, "fake.Files.Download: "+text)
	}
	_, err := server.client(t).Download(drkit.WithOperationID(t.Context(), "a\nb"), transport.Call{Operation: &getFile, Path: []string{"7"}},
		published, []drkit.DownloadOption{drkit.ToDirectory(directory)})
	require.ErrorContains(t, err, "fake.Files.Download: ")
	assert.Empty(t, server.asked("Range"))
	assert.Empty(t, in(t, directory))
}
