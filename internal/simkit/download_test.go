package simkit_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
)

const soupPath = "/pots/tall/soup?spoon=s3cret"

// assertSame compares bodies that are too long to be shown.
func assertSame(t *testing.T, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("the %d bytes are not the %d wanted", len(got), len(want))
	}
}

func TestDownload(t *testing.T) {
	t.Parallel()
	everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
		server := newKitchen(t, listener)
		got := mustAsk(t, server, "GET", soupPath, "")
		assert.Equal(t, http.StatusOK, got.Status)
		assertSame(t, soup, got.Body)
		assert.Equal(t, fmt.Sprint(len(soup)), got.Header.Get("Content-Length"))
		assert.Equal(t, "bytes", got.Header.Get("Accept-Ranges"))
		assert.Equal(t, "text/soup", got.Header.Get("Content-Type"))
		assert.Empty(t, got.Header.Get("Content-Range"))
		require.Equal(t, 1, server.Ran("Pots.Pour", "tall"))
		assert.Equal(t, simkit.Redacted, server.Requests()[0].Query.Get("spoon"))
	})
}

func TestRanges(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	size := len(soup)
	whole := [3]int{200, 0, size}
	beyond := [3]int{416, 0, 0}
	for asked, want := range map[string][3]int{ // status, first byte, end
		"":                            whole,
		"bytes=0-":                    {206, 0, size},
		"bytes=0-0":                   {206, 0, 1},
		"bytes=5-9":                   {206, 5, 10},
		"Bytes=5-9":                   {206, 5, 10},
		"bytes=,5-9 ,":                {206, 5, 10},
		"bytes=799999-":               {206, size - 1, size},
		"bytes=799990-800005":         {206, size - 10, size},
		"bytes=5-9999999999999999999": {206, 5, size},
		"bytes=-500":                  {206, size - 500, size},
		"bytes=-800000":               {206, 0, size},
		"bytes=-9999999999999999999":  {206, 0, size},
		"bytes=800000-":               beyond,
		"bytes=800000-900000":         beyond,
		"bytes=99999999999999999999-": beyond,
		"bytes=-0":                    beyond,
		"bytes=0-1,5-6":               whole,
		"bytes=-1,0-1":                whole,
		"bytes=9-5":                   whole,
		"bytes=a-b":                   whole,
		"bytes=-":                     whole,
		"bytes=--1":                   whole,
		"bytes=+1-2":                  whole,
		"bytes=1":                     whole,
		"bytes":                       whole,
		"lines=1-2":                   whole,
	} {
		t.Run(asked, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if asked != "" {
				headers = []string{"Range", asked}
			}
			got := mustAsk(t, server, "GET", soupPath, "", headers...)
			require.Equal(t, want[0], got.Status)
			if want == beyond {
				assert.Equal(t, "bytes */800000", got.Header.Get("Content-Range"))
				assert.Equal(t, "Empty", got.problem(t).Code)
				return
			}
			assertSame(t, soup[want[1]:want[2]], got.Body)
			assert.Equal(t, fmt.Sprint(want[2]-want[1]), got.Header.Get("Content-Length"))
			if want[0] == 206 {
				assert.Equal(t, fmt.Sprintf("bytes %d-%d/800000", want[1], want[2]-1), got.Header.Get("Content-Range"))
			}
		})
	}
}

func TestRangesThatDoNotCount(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	for name, header := range map[string]http.Header{
		"two of them":  {"Range": {"bytes=0-1", "bytes=2-3"}},
		"If-Range tag": {"Range": {"bytes=0-1"}, "If-Range": {`"v1"`}},
		"If-Range day": {"Range": {"bytes=0-1"}, "If-Range": {"Tue, 01 Jan 2030 00:00:00 GMT"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+soupPath, nil)
			require.NoError(t, err)
			request.Header = header
			response, err := client(server).Do(request)
			require.NoError(t, err)
			defer response.Body.Close()
			assert.Equal(t, http.StatusOK, response.StatusCode)
			assert.EqualValues(t, len(soup), response.ContentLength)
		})
	}
}

// A connection that breaks in the middle of a body, and what the client has read by then.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	const first = 123_456
	for name, tc := range map[string]struct {
		rule  simkit.Rule
		audit string
		loses func(t *testing.T) bool // whether the last bytes may be lost
	}{
		"half":     {simkit.Rule{Truncate: true}, "after: truncate", never},
		"truncate": {simkit.Rule{Truncate: true, AfterBytes: first}, "after: truncate, after 123456 bytes", never},
		"drop": {simkit.Rule{Drop: true, AfterBytes: first}, "after: drop, after 123456 bytes", func(t *testing.T) bool {
			return strings.HasSuffix(t.Name(), "HTTP/2")
		}},
		"reset": {simkit.Rule{Reset: true, AfterBytes: first}, "after: reset, after 123456 bytes", func(*testing.T) bool {
			return true
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
				server := newKitchen(t, listener)
				rule := tc.rule
				rule.After, rule.Times = true, 1
				require.NoError(t, server.Inject(rule))
				got, err := ask(t.Context(), server, "GET", soupPath, "")
				require.Error(t, err)
				want := first
				if rule.AfterBytes == 0 {
					want = len(soup) / 2
				}
				if tc.loses(t) {
					assert.LessOrEqual(t, len(got.Body), want)
				} else {
					assert.Len(t, got.Body, want)
					assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
				}
				assert.True(t, strings.HasPrefix(soup, got.Body))
				assert.Equal(t, []string{tc.audit}, server.Requests()[0].Faults)
				assert.Equal(t, 1, server.Ran("Pots.Pour", "tall"))
				assert.Len(t, mustAsk(t, server, "GET", soupPath, "").Body, len(soup), "once only")
			})
		})
	}
}

func never(*testing.T) bool { return false }

// Ten connections break; a client that asks for what it does not have gets everything, byte by byte.
func TestResumedTenTimes(t *testing.T) {
	t.Parallel()
	everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
		server := newKitchen(t, listener)
		require.NoError(t, server.Inject(simkit.Rule{Operation: "Pots.Pour", Drop: true, AfterBytes: 70_000, After: true, Times: 10}))
		whole, asked := "", 0
		for len(whole) < len(soup) {
			asked++
			got, err := ask(t.Context(), server, "GET", soupPath, "", "Range", fmt.Sprintf("bytes=%d-", len(whole)))
			assert.Equal(t, asked <= 10, err != nil)
			whole += got.Body
		}
		assert.Equal(t, 11, asked)
		assertSame(t, soup, whole)
	})
}

func TestShortBodiesGoOutFirst(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	require.NoError(t, server.Inject(simkit.Rule{Drop: true, AfterBytes: 1000, After: true, Times: 2}))
	assert.JSONEq(t, `{"pots":["tall","flat"]}`, mustAsk(t, server, "GET", "/pots", "").Body)
	assert.Equal(t, http.StatusNoContent, mustAsk(t, server, "DELETE", "/pots/tall", "").Status)
	require.NoError(t, server.Inject(simkit.Rule{Status: 503, Body: "stew", Drop: true, AfterBytes: 2, Times: 1}))
	got, err := ask(t.Context(), server, "GET", "/pots", "")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, http.StatusServiceUnavailable, got.Status)
	assert.Equal(t, "st", got.Body)
}

func TestInterruptedBody(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]simkit.Rule{
		"of an answer": {Delay: time.Hour, AfterBytes: 1000, After: true},
		"of its own":   {Delay: time.Hour, AfterBytes: 1000, Status: 503, Body: soup},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newKitchen(t, inMemory)
				require.NoError(t, server.Inject(rule))
				began := time.Now()
				response := pour(t.Context(), t, server)
				got, err := io.ReadAll(io.LimitReader(response.Body, 1000))
				require.NoError(t, err)
				assertSame(t, soup[:1000], string(got))
				assert.Zero(t, time.Since(began))
				rest, err := io.ReadAll(response.Body)
				require.NoError(t, err)
				assert.Len(t, rest, len(soup)-1000)
				assert.Equal(t, time.Hour, time.Since(began))
				require.NoError(t, response.Body.Close())
			})
		})
	}
}

// pour returns a download before its body is read. The caller closes it.
func pour(ctx context.Context, t *testing.T, server *simkit.Server) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, "GET", server.URL+soupPath, nil)
	require.NoError(t, err)
	response, err := client(server).Do(request)
	require.NoError(t, err)
	return response
}

func TestHang(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule simkit.Rule
		ran  int
	}{
		"before the work": {simkit.Rule{Hang: true}, 0},
		"after the work":  {simkit.Rule{Hang: true, After: true}, 1},
		"with a delay":    {simkit.Rule{Hang: true, After: true, Delay: time.Second}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newKitchen(t, inMemory)
				tc.rule.Times = 1
				require.NoError(t, server.Inject(tc.rule))
				ctx, cancel := context.WithTimeout(t.Context(), 1000*time.Hour)
				defer cancel()
				_, err := ask(ctx, server, "POST", "/pots/tall/boil", "")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				synctest.Wait()
				assert.Equal(t, tc.ran, server.Ran("Pots.Boil", "tall"))
				assert.Zero(t, server.Requests()[0].Status)
				assert.Equal(t, http.StatusAccepted, mustAsk(t, server, "POST", "/pots/tall/boil", "").Status)
			})
		})
	}
}

func TestHangInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*simkit.Server, context.CancelFunc){
		"until the client gives up": func(_ *simkit.Server, cancel context.CancelFunc) { cancel() },
		"until the server ends":     func(server *simkit.Server, _ context.CancelFunc) { server.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newKitchen(t, inMemory)
				require.NoError(t, server.Inject(simkit.Rule{Hang: true, AfterBytes: 1000, After: true}))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				response := pour(ctx, t, server)
				_, err := io.ReadFull(response.Body, make([]byte, 1000))
				require.NoError(t, err)
				synctest.Wait()
				end(server, cancel)
				_, err = response.Body.Read(make([]byte, 1))
				require.Error(t, err)
				require.NotErrorIs(t, err, io.EOF)
				require.NoError(t, response.Body.Close())
			})
		})
	}
}

func TestAdmitThatNeverAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newKitchen(t, inMemory, func(c *simkit.Config) {
			c.Admit = func(call *simkit.Call) *simkit.Answer {
				<-call.Context.Done()
				return &simkit.Answer{}
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := ask(ctx, server, "GET", "/pots", "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		require.Len(t, server.Requests(), 1)
		assert.Zero(t, server.Requests()[0].Status)
		assert.False(t, server.Requests()[0].Ran)
	})
}

// A stream that ends too early would look like a broken connection.
func TestStreamsThatLie(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory, func(c *simkit.Config) {
		c.Handlers["Pots.Pour"] = func(*simkit.Call) simkit.Answer {
			return simkit.Answer{Status: http.StatusOK, Stream: strings.NewReader("thin"), Length: 5}
		}
	})
	_, err := ask(t.Context(), server, "GET", soupPath, "")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	server.Close() // by then it has noticed
	require.Len(t, server.Violations(), 1)
	assert.Contains(t, server.Violations()[0].Problems[0], "shorter than its Length")
}

// A client that goes away in the middle is no fault of the simulator's.
func TestStreamsThatNobodyReads(t *testing.T) {
	t.Parallel()
	everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
		server := newKitchen(t, listener)
		response := pour(t.Context(), t, server)
		require.NoError(t, response.Body.Close())
		server.Close()
		assert.Empty(t, server.Violations())
	})
}
