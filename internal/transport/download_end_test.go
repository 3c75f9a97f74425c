package transport_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// phase is a place in a download where it is ended from our side.
type phase struct {
	// steps of the server; end ends the download.
	steps   func(data []byte, end func()) []http.HandlerFunc
	options func(end func()) []drkit.DownloadOption
	client  func(end func()) []drkit.Option
	to      func(path string, end func()) drkit.Target
	before  bool // the download ends before it begins
	asks    int  // requests that the server sees
}

// waits ends the download and then waits until the client is gone.
func waits(end func()) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) { end(); <-r.Context().Done() }
}

func phases() map[string]phase {
	one := func(steps ...http.HandlerFunc) func([]byte, func()) []http.HandlerFunc {
		return func([]byte, func()) []http.HandlerFunc { return steps }
	}
	return map[string]phase{
		"before it begins": {before: true, steps: one(http.NotFound)},
		"before an answer": {asks: 1, steps: func(_ []byte, end func()) []http.HandlerFunc {
			return []http.HandlerFunc{waits(end)}
		}},
		"before the first byte": {asks: 1, steps: func(data []byte, end func()) []http.HandlerFunc {
			return []http.HandlerFunc{heldAt(0, data, end)}
		}},
		"in the middle": {asks: 1, steps: func(data []byte, end func()) []http.HandlerFunc {
			return []http.HandlerFunc{heldAt(chunk+1, data, end)}
		}},
		"before the rest is answered": {asks: 2, steps: func(data []byte, end func()) []http.HandlerFunc {
			return []http.HandlerFunc{cut(chunk, honest(data)), waits(end)}
		}},
		"in the rest": {asks: 2, steps: func(data []byte, end func()) []http.HandlerFunc {
			return []http.HandlerFunc{cut(chunk, honest(data)), heldAt(5, data, end)}
		}},
		"in what is there already": {asks: 2, steps: func(data []byte, end func()) []http.HandlerFunc {
			return []http.HandlerFunc{cut(chunk, honest(data)), func(w http.ResponseWriter, r *http.Request) {
				hold(5, func() { waits(end)(w, r) }, whole(data))(w, r)
			}}
		}},
		"in the pause before the rest": {
			asks:  1,
			steps: func(data []byte, _ func()) []http.HandlerFunc { return []http.HandlerFunc{cut(chunk, honest(data))} },
			client: func(end func()) []drkit.Option {
				return []drkit.Option{longPauses, drkit.WithLogger(slog.New(&calling{end, "resuming download"}))}
			},
		},
		"in the pause before another attempt": {
			asks: 2,
			steps: func(data []byte, end func()) []http.HandlerFunc {
				return []http.HandlerFunc{cut(chunk, honest(data)), func(w http.ResponseWriter, r *http.Request) {
					refuses(http.StatusServiceUnavailable, "Busy", "Retry-After", "3600")(w, r)
					time.AfterFunc(50*time.Millisecond, end) // in the pause, or just before it
				}}
			},
			client: func(func()) []drkit.Option {
				return []drkit.Option{drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: time.Hour})}
			},
		},
		"in a report": {
			asks:  1,
			steps: func(data []byte, _ func()) []http.HandlerFunc { return []http.HandlerFunc{honest(data)} },
			options: func(end func()) []drkit.DownloadOption {
				return []drkit.DownloadOption{drkit.OnDownload(func(drkit.DownloadProgress) { end() })}
			},
		},
		"in the first write": {
			asks:  1,
			steps: func(data []byte, _ func()) []http.HandlerFunc { return []http.HandlerFunc{honest(data)} },
			to: func(_ string, end func()) drkit.Target {
				return drkit.ToWriter(writer(func(p []byte) (int, error) { end(); return len(p), nil }))
			},
		},
		"after the last byte": {asks: 1, steps: func(data []byte, end func()) []http.HandlerFunc {
			return []http.HandlerFunc{func(w http.ResponseWriter, r *http.Request) {
				hold(len(data), func() { waits(end)(w, r) }, chunked(whole(data)))(w, r)
			}}
		}},
	}
}

var longPauses = drkit.WithRetry(drkit.RetryPolicy{MinWait: 1000 * time.Hour, MaxWait: 1000 * time.Hour})

// heldAt serves the rest of a file from where it is asked for, and ends the download after length bytes of
// it.
func heldAt(length int, data []byte, end func()) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		hold(length, func() { waits(end)(w, r) }, honest(data))(w, r)
	}
}

// calling is a handler of records that calls a function when one has the message that it waits for.
type calling struct {
	call    func()
	message string
}

func (c *calling) Enabled(context.Context, slog.Level) bool { return true }

func (c *calling) Handle(_ context.Context, r slog.Record) error {
	if r.Message == c.message {
		c.call()
	}
	return nil
}

func (c *calling) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *calling) WithGroup(string) slog.Handler      { return c }

// Whenever a download is ended from our side, it ends at once, with the reason and without a file.
func TestDownloadEndsAtOnce(t *testing.T) {
	t.Parallel()
	reason := errors.New("the user has had enough")
	for name, p := range phases() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			t.Run("canceled", func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := p.run(ctx, t, func(*transport.Client) { cancel() })
				require.ErrorIs(t, err, context.Canceled)
			})
			t.Run("canceled for a reason", func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				err := p.run(ctx, t, func(*transport.Client) { cancel(reason) })
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, reason)
			})
			t.Run("client closed", func(t *testing.T) {
				t.Parallel()
				err := p.run(t.Context(), t, func(client *transport.Client) { _ = client.Close(context.Background()) })
				require.ErrorIs(t, err, drkit.ErrClosed)
				require.NotErrorIs(t, err, context.Canceled)
			})
		})
	}
}

// run downloads until it is ended, and returns why.
func (p phase) run(ctx context.Context, t *testing.T, end func(*transport.Client)) error {
	t.Helper()
	data, directory := content(3*chunk), t.TempDir()
	var client *transport.Client
	server := serveFile(t, false, p.steps(data, func() { end(client) })...)
	var options []drkit.Option
	if p.client != nil {
		options = p.client(func() { end(client) })
	}
	client = server.client(t, options...)
	target := drkit.ToFile(filepath.Join(directory, "file"))
	if p.to != nil {
		target = p.to(filepath.Join(directory, "file"), func() { end(client) })
	}
	downloads := []drkit.DownloadOption{target, drkit.WithChecksum(sha512Of(data))}
	if p.options != nil {
		downloads = append(downloads, p.options(func() { end(client) })...)
	}
	if p.before {
		end(client)
	}
	call := transport.Call{Operation: &getFile, Path: []string{"7"}}
	got, err := client.Download(drkit.WithOperationID(ctx, "op-1"), call, nil, downloads)
	require.Error(t, err)
	require.Contains(t, err.Error(), "fake.Files.Download: ")
	require.NotContains(t, err.Error(), "\n")
	assert.Empty(t, got)
	assert.Empty(t, in(t, directory))
	assert.Len(t, server.asked("Range"), p.asks)
	return err
}

// overdue is a context whose deadline passes when the test lets it, however slow the machine is.
type overdue struct {
	context.Context

	passed chan struct{}
}

func (o overdue) Done() <-chan struct{} { return o.passed }

func (o overdue) Err() error {
	select {
	case <-o.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// The deadline of the caller is the caller's, and none of the service.
func TestDownloadWithDeadline(t *testing.T) {
	t.Parallel()
	ctx := overdue{t.Context(), make(chan struct{})}
	err := phases()["in the middle"].run(ctx, t, func(*transport.Client) { close(ctx.passed) })
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NotErrorIs(t, err, drkit.ErrUnavailable)
}

// Whatever becomes of a download, it takes its goroutines with it.
func TestDownloadLeavesNoGoroutine(t *testing.T) {
	ignore := goleak.IgnoreCurrent()
	data := content(2*chunk + 1)
	t.Run("", func(t *testing.T) {
		for _, steps := range [][]http.HandlerFunc{
			{honest(data)},
			{honest(other(data, 1))},
			{cut(5, honest(data)), honest(data)},
			{cut(5, honest(data)), cut(0, honest(data))},
			{refuses(http.StatusNotFound, "Gone")},
			{whole(data, "Content-Type", "text/html")},
		} {
			for _, http2 := range []bool{false, true} {
				server := serveFile(t, http2, steps...)
				client := server.client(t)
				for _, target := range []drkit.Target{
					drkit.ToFile(filepath.Join(t.TempDir(), "file")), drkit.ToFile("/nowhere/file"),
					drkit.ToWriter(writer(func([]byte) (int, error) { return 0, errors.New("full") })),
				} {
					_, _ = download(t, client, target, drkit.WithChecksum(sha512Of(data)))
					func() {
						defer func() { assert.Equal(t, "a bug of the caller", recover()) }()
						_, _ = download(t, client, target, drkit.WithChecksum(sha512Of(data)), drkit.OnDownload(func(drkit.DownloadProgress) { panic("a bug of the caller") }))
						panic("a bug of the caller") // it need not get as far as a report
					}()
				}
			}
		}
	})
	goleak.VerifyNone(t, ignore)
}

// A function of the caller that panics costs no file and no goroutine.
func TestPanicOfTheCaller(t *testing.T) {
	t.Parallel()
	data, directory := content(3*chunk), t.TempDir()
	server := serveFile(t, false, honest(data))
	client := server.client(t)
	assert.PanicsWithValue(t, "a bug", func() {
		_, _ = download(t, client, drkit.ToFile(filepath.Join(directory, "file")), drkit.WithChecksum(sha512Of(data)),
			drkit.OnDownload(func(drkit.DownloadProgress) { panic("a bug") }))
	})
	assert.Empty(t, in(t, directory))
}
