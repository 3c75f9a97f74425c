package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// stride is the step of a sweep, longer where time is short. All of them pass with 1.
func stride(step int) int {
	if testing.Short() {
		return 8 * step
	}
	return step
}

// assertInterrupted checks that nothing is left, and that the report says what was done.
func (d *drill) assertInterrupted(t *testing.T, err error) {
	t.Helper()
	d.assertNothingLeft(t)
	if d.interrupted.IsZero() {
		return // it had ended before
	}
	open := 0
	for _, replication := range d.server.Replications() {
		ran := d.server.Ran(testFailover, replication.ID)
		if replication.VMName == "lab-1" {
			ran-- // by stage
		}
		switch d.result(replication.VMName) {
		case notBegun:
			open++
			assert.Zero(t, ran, replication.VMName)
		case interrupted:
			open++
		case passed:
			assert.Equal(t, 1, ran, replication.VMName)
		case "":
			require.ErrorIs(t, err, context.Canceled, "the interrupt came before the list")
			assert.Equal(t, 1, d.server.Count(testFailover), "that of stage")
			return
		}
	}
	if open > 0 {
		require.ErrorIs(t, err, context.Canceled)
		assert.Contains(t, d.printed.String(), "interrupted: no further rehearsal begins")
	}
}

// At every boundary of a request: right before it leaves, and right after its answer has come.
func TestInterruptedAtEveryStep(t *testing.T) {
	t.Parallel()
	requests := 0
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t)
		require.NoError(t, d.run())
		d.assertNothingLeft(t)
		requests = int(d.requests.Load())
	})
	require.Greater(t, requests, 50)
	for _, moment := range []string{"before", "after"} {
		for k := 1; k <= requests; k += stride(1) {
			t.Run(fmt.Sprintf("%s request %d", moment, k), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d := newDrill(t)
					d.around = d.interruptAt(k, moment, d.interrupt)
					err := d.run()
					d.assertInterrupted(t, err)
					assert.NotRegexp(t, `\d failed`, d.printed.String())
				})
			})
		}
	}
}

// interruptAt calls f right before or after request k.
func (d *drill) interruptAt(k int, moment string, f func()) func(int64, *http.Request, sender) (*http.Response, error) {
	return func(n int64, request *http.Request, send sender) (*http.Response, error) {
		if int(n) == k && moment == "before" {
			f()
		}
		response, err := send(request)
		if int(n) == k && moment == "after" {
			f()
		}
		return response, err
	}
}

// At any second, also within requests, tasks and pauses, and also where something else goes wrong.
func TestInterruptedAtAnySecond(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*vcavtest.Server){
		"no trouble":                   func(*vcavtest.Server) {},
		"slow before":                  slow(false),
		"slow after":                   slow(true),
		"test fails":                   func(s *vcavtest.Server) { s.FailTask(testFailover, "", "NoSpace", "full") },
		"clean-up fails":               func(s *vcavtest.Server) { s.FailTask(cleanUp, "", "Busy", "locked") },
		"test lost before it runs":     fault(vcavtest.Fault{Operation: testFailover, Drop: true, Times: 2}),
		"test lost after":              fault(vcavtest.Fault{Operation: testFailover, After: true, Reset: true, Times: 2}),
		"half an answer":               fault(vcavtest.Fault{Operation: testFailover, After: true, Truncate: true, Times: 2}),
		"502 from a proxy":             fault(vcavtest.Fault{Operation: testFailover, After: true, Status: 502, Body: "<html>", Times: 2}),
		"late answer":                  fault(vcavtest.Fault{Operation: testFailover, After: true, Delay: 3 * time.Minute, Times: 2}),
		"clean-up lost before it runs": fault(vcavtest.Fault{Operation: cleanUp, Drop: true, Times: 2}),
		"clean-up lost after":          fault(vcavtest.Fault{Operation: cleanUp, After: true, Reset: true, Times: 2}),
		"away for five minutes":        away,
	} {
		for second := 0; second <= 150; second += stride(10) {
			t.Run(fmt.Sprintf("%s, %d s", name, second), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d := newDrill(t)
					trouble(d.server)
					d.after(time.Duration(second)*time.Second+time.Second/2, d.interrupt)
					d.assertInterrupted(t, d.run())
				})
			})
		}
	}
}

func fault(f vcavtest.Fault) func(*vcavtest.Server) {
	return func(server *vcavtest.Server) { server.Inject(f) }
}

// slow lets the requests that change something take ten seconds more, before or after their work.
func slow(after bool) func(*vcavtest.Server) {
	return func(server *vcavtest.Server) {
		for _, operation := range []string{testFailover, cleanUp} {
			server.Inject(vcavtest.Fault{Operation: operation, After: after, Delay: 10 * time.Second})
		}
	}
}

// away lets everything fail for five minutes, half a minute from now.
func away(server *vcavtest.Server) {
	time.AfterFunc(30*time.Second, func() { server.Inject(vcavtest.Fault{Status: 503, Body: "<html>"}) })
	time.AfterFunc(330*time.Second, server.ClearFaults)
}

// The second interrupt ends everything at once, and the report names what is left.
func TestInterruptedTwice(t *testing.T) {
	t.Parallel()
	for k := 1; k <= 105; k += stride(3) {
		for _, between := range []time.Duration{0, 500 * time.Millisecond, 7 * time.Second} {
			t.Run(fmt.Sprintf("request %d, %s", k, between), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d := newDrill(t)
					slow(true)(d.server) // so that what was done may remain unknown
					var again time.Time
					d.around = d.interruptAt(k, "before", func() {
						d.interrupt()
						d.after(between, func() { again = time.Now(); d.again() })
					})
					err := d.run()
					if !again.IsZero() {
						assert.Zero(t, time.Since(again), "at once")
					}
					if err != nil {
						require.ErrorIs(t, err, context.Canceled)
					}
					d.assertNamed(t)
				})
			})
		}
	}
}
