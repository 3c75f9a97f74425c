package simkit_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
)

// everyListener runs a test on real sockets with both versions of HTTP, and in memory.
func everyListener(t *testing.T, run func(t *testing.T, listener func(*simkit.Config))) {
	t.Helper()
	for name, change := range map[string]func(*simkit.Config){
		"HTTP/2": func(*simkit.Config) {}, "HTTP/1.1": func(c *simkit.Config) { c.HTTP1 = true }, "in memory": inMemory,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, change)
		})
	}
}

const page = `<html><body>Bad gateway</body></html>`

func TestFaultsOnTheWire(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule  simkit.Rule
		ran   int
		audit string
		check func(t *testing.T, got reply, err error)
	}{
		"drop before": {simkit.Rule{Drop: true}, 0, "before: drop", func(t *testing.T, _ reply, err error) {
			require.Error(t, err)
		}},
		"drop after": {simkit.Rule{Drop: true, After: true}, 1, "after: drop", func(t *testing.T, _ reply, err error) {
			require.Error(t, err)
		}},
		"reset before": {simkit.Rule{Reset: true}, 0, "before: reset", func(t *testing.T, _ reply, err error) {
			requireReset(t, err)
		}},
		"reset after": {simkit.Rule{Reset: true, After: true}, 1, "after: reset", func(t *testing.T, _ reply, err error) {
			requireReset(t, err)
		}},
		"truncate after": {simkit.Rule{Truncate: true, After: true}, 1, "after: truncate", func(t *testing.T, got reply, err error) {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.Equal(t, http.StatusAccepted, got.Status)
			assert.Equal(t, `{"pots":["tall","flat"]}`[:12], got.Body)
			assert.Equal(t, "24", got.Header.Get("Content-Length"))
		}},
		"truncate an error": {simkit.Rule{Truncate: true, Status: 503, Code: "Busy"}, 0, "before: status 503, truncate", func(t *testing.T, got reply, err error) {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.Equal(t, http.StatusServiceUnavailable, got.Status)
		}},
		"status in the service's format": {simkit.Rule{Status: 401, Code: "WhoAreYou", Message: "say it"}, 0, "before: status 401", func(t *testing.T, got reply, err error) {
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnauthorized, got.Status)
			assert.Equal(t, kitchenType, got.Header.Get("Content-Type"))
			assert.Equal(t, problem{Code: "WhoAreYou", Message: "say it"}, got.problem(t))
		}},
		"status after": {simkit.Rule{Status: 500, After: true}, 1, "after: status 500", func(t *testing.T, got reply, err error) {
			require.NoError(t, err)
			assert.Equal(t, http.StatusInternalServerError, got.Status)
		}},
		"throttled": {simkit.Rule{Status: 429, RetryAfter: 1500 * time.Millisecond}, 0, "before: status 429", func(t *testing.T, got reply, err error) {
			require.NoError(t, err)
			assert.Equal(t, http.StatusTooManyRequests, got.Status)
			assert.Equal(t, "2", got.Header.Get("Retry-After"))
		}},
		"HTML of a proxy": {simkit.Rule{Status: 502, Body: page, Header: http.Header{"Via": {"1.1 proxy"}}}, 0, "before: status 502", func(t *testing.T, got reply, err error) {
			require.NoError(t, err)
			assert.Equal(t, http.StatusBadGateway, got.Status)
			assert.Equal(t, page, got.Body)
			assert.Equal(t, "text/html;charset=UTF-8", got.Header.Get("Content-Type"))
			assert.Equal(t, "1.1 proxy", got.Header.Get("Via"))
		}},
		"a body of another type": {simkit.Rule{Status: 200, Body: "ok", ContentType: "text/plain", After: true}, 1, "after: status 200", func(t *testing.T, got reply, err error) {
			require.NoError(t, err)
			assert.Equal(t, "ok", got.Body)
			assert.Equal(t, "text/plain", got.Header.Get("Content-Type"))
		}},
		"redirect": {simkit.Rule{Redirect: "https://elsewhere.test/pots"}, 0, "before: redirect", func(t *testing.T, got reply, err error) {
			require.NoError(t, err)
			assert.Equal(t, http.StatusTemporaryRedirect, got.Status)
			assert.Equal(t, "https://elsewhere.test/pots", got.Header.Get("Location"))
		}},
		"redirect of another kind": {simkit.Rule{Redirect: "/", Status: 301, After: true}, 1, "after: status 301, redirect", func(t *testing.T, got reply, err error) {
			require.NoError(t, err)
			assert.Equal(t, http.StatusMovedPermanently, got.Status)
		}},
		"late": {simkit.Rule{Delay: time.Millisecond}, 1, "before: delay 1ms", func(t *testing.T, got reply, err error) {
			require.NoError(t, err)
			assert.Equal(t, http.StatusAccepted, got.Status)
		}},
		"late and dropped": {simkit.Rule{Delay: time.Millisecond, Drop: true, After: true}, 1, "after: delay 1ms, drop", func(t *testing.T, _ reply, err error) {
			require.Error(t, err)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
				server := newKitchen(t, listener)
				rule := tc.rule
				rule.Times = 1
				require.NoError(t, server.Inject(rule))
				got, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "")
				tc.check(t, got, err)
				assert.Equal(t, tc.ran, server.Ran("Pots.Boil", "tall"))
				requests := server.Requests()
				require.Len(t, requests, 1)
				assert.Equal(t, []string{tc.audit}, requests[0].Faults)
				assert.Equal(t, got.Status, requests[0].Status)
				assert.Equal(t, http.StatusAccepted, mustAsk(t, server, "POST", "/pots/tall/boil", "").Status, "once only")
			})
		})
	}
}

// requireReset wants the error of a reset. An HTTP/2 client that was writing has used it up there, and reads
// no more than an end of file afterwards.
func requireReset(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	if !strings.HasSuffix(t.Name(), "HTTP/2") {
		require.ErrorIs(t, err, syscall.ECONNRESET)
	}
}

// begin returns the answer of a list before its body is read. The caller closes it.
func begin(t *testing.T, server *simkit.Server) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/pots", nil)
	require.NoError(t, err)
	response, err := client(server).Do(request)
	require.NoError(t, err)
	return response
}

func TestEndlessBody(t *testing.T) {
	t.Parallel()
	everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
		server := newKitchen(t, listener)
		require.NoError(t, server.Inject(simkit.Rule{EndlessBody: true}))
		response := begin(t, server)
		got, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
		require.NoError(t, err)
		assert.Len(t, got, 4<<20)
		assert.True(t, bytes.HasPrefix(got, []byte(`{"padding":"xxx`)))
		assert.Equal(t, http.StatusOK, response.StatusCode)
		assert.Equal(t, kitchenType, response.Header.Get("Content-Type"))
		require.NoError(t, response.Body.Close())
	})
}

func TestEndlessBodyEndsWithTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newKitchen(t, inMemory)
		require.NoError(t, server.Inject(simkit.Rule{EndlessBody: true, After: true, Status: 206}))
		response := begin(t, server)
		assert.Equal(t, http.StatusPartialContent, response.StatusCode)
		synctest.Wait() // the server has filled what holds bytes, and waits
		server.Close()
		_, err := io.Copy(io.Discard, response.Body)
		require.Error(t, err)
		require.NoError(t, response.Body.Close())
	})
}

func TestDelayAndTheClientThatGivesUp(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after bool
		ran   int
	}{"before the work": {false, 0}, "after the work": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newKitchen(t, inMemory)
				require.NoError(t, server.Inject(simkit.Rule{Delay: time.Hour, After: tc.after}))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				request, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/pots/tall/boil", nil)
				require.NoError(t, err)
				_, err = client(server).Do(request)
				require.ErrorIs(t, err, context.DeadlineExceeded)
				synctest.Wait()
				assert.Equal(t, tc.ran, server.Ran("Pots.Boil", "tall"))
				assert.Equal(t, 0, server.Requests()[0].Status)
			})
		})
	}
}

// A stream that its client gives up must not take the others of its HTTP/2 connection with it.
func TestGivingUpOneStream(t *testing.T) {
	t.Parallel()
	clock := simkit.NewManualClock(time.Unix(0, 0))
	server := newKitchen(t, func(c *simkit.Config) { c.Clock = clock })
	require.NoError(t, server.Inject(simkit.Rule{Delay: time.Hour}))
	kept := make(chan error, 1)
	go func() {
		_, err := ask(t.Context(), server, "GET", "/pots", "")
		kept <- err
	}()
	require.NoError(t, clock.AwaitSleepers(t.Context(), 1))
	ctx, cancel := context.WithCancel(t.Context())
	given := make(chan error, 1)
	go func() {
		request, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/pots/tall", nil)
		if err == nil {
			_, err = client(server).Do(request)
		}
		given <- err
	}()
	require.NoError(t, clock.AwaitSleepers(t.Context(), 2))
	cancel()
	require.ErrorIs(t, <-given, context.Canceled)
	clock.Advance(time.Hour)
	require.NoError(t, <-kept)
}

func TestWhichRequestsARuleHits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule simkit.Rule
		hit  []bool // by the order of the requests below
	}{
		"all":              {simkit.Rule{}, []bool{true, true, true, true}},
		"an operation":     {simkit.Rule{Operation: "Pots.Get"}, []bool{true, true, false, true}},
		"a resource":       {simkit.Rule{Resource: "flat"}, []bool{false, true, true, false}},
		"a site":           {simkit.Rule{Site: "attic"}, []bool{false, false, true, true}},
		"all three":        {simkit.Rule{Operation: "Pots.Get", Resource: "tall", Site: "attic"}, []bool{false, false, false, true}},
		"the first two":    {simkit.Rule{Times: 2}, []bool{true, true, false, false}},
		"not the first":    {simkit.Rule{Skip: 1}, []bool{false, true, true, true}},
		"the third":        {simkit.Rule{Skip: 2, Times: 1}, []bool{false, false, true, false}},
		"the second match": {simkit.Rule{Resource: "flat", Skip: 1, Times: 1}, []bool{false, false, true, false}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newKitchen(t, inMemory)
			tc.rule.Status = http.StatusTeapot
			require.NoError(t, server.Inject(tc.rule))
			for i, request := range []struct{ method, path string }{
				{"GET", "/pots/tall"}, {"GET", "/pots/flat"}, {"POST", "/pots/flat/boil?site=attic"}, {"GET", "/pots/tall?site=attic"},
			} {
				got := mustAsk(t, server, request.method, request.path, "")
				assert.Equal(t, tc.hit[i], got.Status == http.StatusTeapot, "request %d", i+1)
			}
			server.ClearFaults()
			assert.Equal(t, http.StatusOK, mustAsk(t, server, "GET", "/pots/tall?site=attic", "").Status)
		})
	}
}

func TestRulesInTurn(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	for _, rule := range []simkit.Rule{
		{Operation: "Pots.Get", Status: 501, Times: 1},
		{Operation: "Pots.Get", Status: 502, Times: 2},
		{Status: 503, After: true, Operation: "Pots.List"},
		{Status: 504, Operation: "Pots.List", Skip: 1, Times: 1},
	} {
		require.NoError(t, server.Inject(rule))
	}
	var got []int
	for range 4 {
		got = append(got, mustAsk(t, server, "GET", "/pots/tall", "").Status)
	}
	assert.Equal(t, []int{501, 502, 502, 200}, got)
	got = nil
	for range 3 {
		got = append(got, mustAsk(t, server, "GET", "/pots", "").Status)
	}
	assert.Equal(t, []int{503, 504, 503}, got)
	assert.Equal(t, 2, server.Ran("Pots.List", ""), "504 came before the work")
}

func TestAfterNeedsWork(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	require.NoError(t, server.Inject(simkit.Rule{Operation: "Pots.Boil", Drop: true, After: true, Times: 1}))
	assert.Equal(t, http.StatusNotFound, mustAsk(t, server, "POST", "/pots/missing/boil", "").Status, "nothing was done")
	_, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "") // net/http would repeat a GET by itself
	require.Error(t, err)
	assert.Equal(t, http.StatusAccepted, mustAsk(t, server, "POST", "/pots/tall/boil", "").Status)
}

func TestViolationsAreNotHit(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	require.NoError(t, server.Inject(simkit.Rule{Status: 503, Times: 1}))
	assert.Equal(t, http.StatusBadRequest, mustAsk(t, server, "GET", "/pots?x=1", "").Status)
	assert.Equal(t, http.StatusServiceUnavailable, mustAsk(t, server, "GET", "/pots", "").Status)
}

func TestInjectRefuses(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	for name, tc := range map[string]struct {
		rule simkit.Rule
		want string
	}{
		"nothing to do":        {simkit.Rule{Operation: "Pots.Get"}, "does nothing"},
		"unknown operation":    {simkit.Rule{Operation: "Pots.Fly", Drop: true}, `no operation "Pots.Fly"`},
		"two ways to cut":      {simkit.Rule{Drop: true, Reset: true}, "only one of"},
		"drop with a status":   {simkit.Rule{Drop: true, Status: 500}, "no Status goes out"},
		"half of nothing":      {simkit.Rule{Truncate: true}, "needs a Status"},
		"negative":             {simkit.Rule{Drop: true, Skip: -1}, "a negative"},
		"no final status":      {simkit.Rule{Status: 100}, "not a final HTTP status"},
		"code without status":  {simkit.Rule{Drop: true, Code: "X"}, "needs a Status"},
		"header without":       {simkit.Rule{Delay: 1, RetryAfter: 1}, "needs an answer"},
		"type without body":    {simkit.Rule{Status: 500, ContentType: "a/b"}, "which is empty"},
		"body and code":        {simkit.Rule{Status: 500, Body: "x", Code: "X"}, "replaces Code"},
		"truncate and endless": {simkit.Rule{Truncate: true, EndlessBody: true, After: true}, "only one of"},
		"hang and drop":        {simkit.Rule{Hang: true, Drop: true}, "only one of"},
		"hang with a status":   {simkit.Rule{Hang: true, Status: 500}, "no Status goes out"},
		"bytes of nothing":     {simkit.Rule{Drop: true, AfterBytes: 1}, "AfterBytes before the work need a Status"},
		"late after the work":  {simkit.Rule{Drop: true, After: true, Late: 1}, "Late"},
		"late and answered":    {simkit.Rule{Delay: 1, Late: 1}, "Late"},
		"early":                {simkit.Rule{Drop: true, Late: -1}, "negative"},
		"bytes before nothing": {simkit.Rule{Status: 500, AfterBytes: 1}, "AfterBytes is where"},
		"bytes of no end":      {simkit.Rule{EndlessBody: true, AfterBytes: 1, After: true}, "AfterBytes is where"},
		"negative bytes":       {simkit.Rule{Drop: true, AfterBytes: -1, After: true}, "a negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, server.Inject(tc.rule), tc.want)
		})
	}
}

func TestFaultsFromManySides(t *testing.T) {
	t.Parallel()
	server := newKitchen(t)
	require.NoError(t, server.Inject(simkit.Rule{Operation: "Pots.Boil", Status: 503, Times: 25}))
	var group sync.WaitGroup
	failed := make(chan error, 100)
	refused := make(chan bool, 100)
	for range 100 {
		group.Go(func() {
			got, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "", "Trace-Me", "busy")
			failed <- err
			refused <- got.Status == 503
			server.Requests()
			server.Violations()
			if err := server.Inject(simkit.Rule{Operation: "Pots.Smash", Drop: true}); err != nil {
				failed <- err
			}
		})
	}
	group.Wait()
	close(failed)
	close(refused)
	for err := range failed {
		require.NoError(t, err)
	}
	count := 0
	for was := range refused {
		if was {
			count++
		}
	}
	assert.Equal(t, 25, count)
	assert.Equal(t, 75, server.Ran("Pots.Boil", "tall"))
	assert.Equal(t, 100, server.Count("Pots.Boil"))
}

func TestAudit(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, time.January, 2, 3, 4, 5, 0, time.UTC)
	server := newKitchen(t, func(c *simkit.Config) {
		c.Clock = simkit.NewManualClock(now)
		c.Admit = func(call *simkit.Call) *simkit.Answer {
			if call.Header.Get("X-Kitchen-Key") == "" {
				answer := c.Error(http.StatusUnauthorized, "NoKey", "")
				return &answer
			}
			return nil
		}
		c.Handlers["Pots.Create"] = func(call *simkit.Call) simkit.Answer {
			call.Resource = "made"
			return simkit.JSON(http.StatusCreated, kitchenType, struct{}{})
		}
	})
	key := []string{"X-Kitchen-Key", "s3cret+/=", "Authorization", "Basic s3cret", "Cookie", "k=s3cret", "Trace-Me", "op-1"}
	assert.Equal(t, http.StatusUnauthorized, mustAsk(t, server, "GET", "/pots", "").Status)
	mustAsk(t, server, "GET", "/pots/a%2Fb?site=attic", "", key...)
	mustAsk(t, server, "POST", "/pots", `{"name":"a","liters":1}`, key...)
	mustAsk(t, server, "PATCH", "/pots", "", key...)

	requests := server.Requests()
	require.Len(t, requests, 4)
	assert.Equal(t, http.StatusUnauthorized, requests[0].Status)
	assert.False(t, requests[0].Ran)
	second := requests[1]
	assert.Equal(t, "/pots/a%2Fb", second.Path)
	assert.Equal(t, "GET", second.Method)
	assert.Equal(t, "attic", second.Query.Get("site"))
	assert.Equal(t, "op-1", second.OperationID)
	assert.Equal(t, now, second.Time)
	assert.True(t, second.Ran)
	for _, name := range []string{"X-Kitchen-Key", "Authorization", "Cookie"} {
		assert.Equal(t, simkit.Redacted, second.Header.Get(name), name)
	}
	assert.Equal(t, "made", requests[2].Resource)
	assert.Equal(t, 1, server.Ran("Pots.Create", "made"))
	assert.Equal(t, 0, server.Ran("Pots.Create", "other"))
	assert.Equal(t, 1, server.Ran("Pots.Create", ""))
	assert.Equal(t, 4, server.Count(""))
	assert.Empty(t, requests[3].Operation)
	require.Len(t, server.Violations(), 1)
	assert.Equal(t, now, server.Violations()[0].Time)

	requests[1].Faults = append(requests[1].Faults, "x")
	assert.Empty(t, server.Requests()[1].Faults, "what is returned is a copy")
	server.Complain("by hand")
	assert.Len(t, server.Violations(), 2)
}

// A client that breaks off in the middle of its body is no violation.
func TestHalfARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newKitchen(t, inMemory)
		broken := io.MultiReader(strings.NewReader(`{"name":`), failingReader{})
		request, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/pots", broken)
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		_, err = client(server).Do(request)
		require.ErrorIs(t, err, errBroken)
		synctest.Wait()
		assert.Empty(t, server.Violations())
		require.Len(t, server.Requests(), 1)
		assert.Zero(t, server.Requests()[0].Status)
	})
}

var errBroken = errors.New("broken off")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }
