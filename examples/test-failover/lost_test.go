package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// An answer that is lost is found by the client, or by the next attempt to clean up. Nothing runs twice.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  vcavtest.Fault
		result string
		ran    int
	}{
		"test lost after":       {vcavtest.Fault{Operation: testFailover, After: true, Reset: true}, passed, 1},
		"half an answer":        {vcavtest.Fault{Operation: testFailover, After: true, Truncate: true}, passed, 1},
		"no answer":             {vcavtest.Fault{Operation: testFailover, After: true, Hang: true}, passed, 1},
		"test that comes late":  {vcavtest.Fault{Operation: testFailover, Drop: true, Late: 20 * time.Second}, passed, 1},
		"test lost before":      {vcavtest.Fault{Operation: testFailover, Drop: true}, failed, 0},
		"clean-up lost after":   {vcavtest.Fault{Operation: cleanUp, After: true, Reset: true}, passed, 1},
		"clean-up lost before":  {vcavtest.Fault{Operation: cleanUp, Drop: true}, passed, 1},
		"clean-up that is late": {vcavtest.Fault{Operation: cleanUp, Drop: true, Late: 50 * time.Second}, passed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDrill(t)
				d.job.named = "db-1"
				tc.fault.Times = 1
				d.server.Inject(tc.fault)
				err := d.run()
				d.assertNothingLeft(t)
				assert.Equal(t, tc.result, d.result("db-1"))
				assert.Equal(t, tc.ran, d.server.Ran(testFailover, vcavtest.ReplicationID("db-1")))
				assert.Equal(t, tc.ran, d.server.Ran(cleanUp, vcavtest.ReplicationID("db-1")))
				if tc.result == failed {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.Contains(t, d.row("db-1"), "no task came of it so far, and nothing there has changed")
				}
			})
		})
	}
}

// A task that was found in place of an answer is not ours for sure once another one has come to light.
func TestWhatIsOurs(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end     error
		adopted bool
		ours    bool
	}{
		"answered":        {nil, false, true},
		"found":           {nil, true, true},
		"found, failed":   {&drkit.TaskError{Kind: drkit.ErrConflict}, true, true},
		"found, not seen": {drkit.ErrTaskGone, true, false},
		"found, not sure": {&drkit.Error{Kind: drkit.ErrConflict}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &rehearsal{test: drkit.NewPoller(over{tc.end, tc.adopted})}
			assert.Equal(t, tc.ours, r.ended(t.Context()))
		})
	}
	assert.False(t, new(rehearsal).ended(t.Context()), "nobody knows of a test")
}

// over is a [drkit.Source] of work that has ended.
type over struct {
	err     error
	adopted bool
}

func (o over) ID() string { return "task-1" }

func (o over) Adopted() bool { return o.adopted }

func (o over) Look(context.Context) (drkit.Look[vcav.VMReplication], error) {
	return drkit.Look[vcav.VMReplication]{Done: true, Err: o.err}, nil
}

// grace is how long the client looks for the task of a request whose answer was lost.
const grace = 30 * time.Second

// A request may arrive long after its client has lost the connection.
func TestTestThatBeginsAfterItsAnswerWasLost(t *testing.T) {
	t.Parallel()
	for late := time.Second; late < grace; late += 4 * time.Second {
		for _, first := range []bool{false, true} {
			t.Run(fmt.Sprint(late, first), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d := newDrill(t)
					d.job.named = "db-1"
					require.NoError(t, d.run(), "a test of ours that has long ended")
					d.job.client = d.newCountedClient(t)
					d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
						if !startsTest(request) {
							return send(request)
						}
						if first {
							d.interrupt()
						}
						held := request.Clone(context.WithoutCancel(request.Context()))
						time.AfterFunc(late, func() {
							response, err := d.server.Transport().RoundTrip(held)
							if assert.NoError(t, err) {
								response.Body.Close()
							}
						})
						return nil, errors.New("connection reset by peer")
					}
					err := d.run()
					d.interrupted = time.Time{} // the test itself arrives later
					d.assertNothingLeft(t)
					assert.Equal(t, 2, d.server.Ran(testFailover, vcavtest.ReplicationID("db-1")))
					assert.Equal(t, 2, d.server.Ran(cleanUp, vcavtest.ReplicationID("db-1")))
					if !first {
						require.NoError(t, err, "the rehearsal goes on with the task that it has found")
						assert.Equal(t, passed, d.result("db-1"))
					}
				})
			})
		}
	}
}

// The last moment at which a rehearsal can be called off is that right before its request.
func TestInterruptedRightBeforeTheTest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDrill(t)
		d.job.named = "db-1"
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			response, err := send(request)
			if strings.HasSuffix(request.URL.Path, vcavtest.ReplicationID("db-1")) {
				d.interrupt()
			}
			return response, err
		}
		d.assertInterrupted(t, d.run())
		assert.Equal(t, notBegun, d.result("db-1"))
		assert.Zero(t, d.server.Ran(testFailover, vcavtest.ReplicationID("db-1")))
	})
}

// Somebody else may begin a test in the moment in which our request is lost.
func TestTestOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, theirs := newSharedDrill(t)
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			if !startsTest(request) {
				return send(request)
			}
			theirs.test(t)
			return nil, errors.New("connection reset by peer")
		}
		err := d.run()
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorIs(t, err, errUnclear)
		require.NoError(t, theirs.Close(t.Context()))
		assert.Zero(t, d.server.Count(cleanUp))
		d.assertNamed(t) // for a person to decide
	})
}

// Somebody else may also begin a test as soon as ours is gone, before we have looked.
func TestLaterTestOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, theirs := newSharedDrill(t)
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			gone := d.server.Replication(vcavtest.ReplicationID("db-1")).Recovery == vcavtest.RecoveryNotStarted
			if gone && d.server.Count(cleanUp) == 1 && d.server.Count(testFailover) == 2 { // stage's and ours
				theirs.test(t)
			}
			return send(request)
		}
		require.NoError(t, d.run())
		require.NoError(t, theirs.Close(t.Context()))
		assert.Equal(t, 1, d.server.Count(cleanUp))
		assert.Equal(t, vcavtest.RecoveryTest, d.server.Replication(vcavtest.ReplicationID("db-1")).Recovery)
		assert.NotContains(t, d.printed.String(), "left behind")
	})
}

// A refusal is no test of ours, whoever has begun one since we have looked.
func TestRefusedTestIsNotCleanedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, theirs := newSharedDrill(t)
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			if startsTest(request) {
				theirs.test(t)
			}
			return send(request)
		}
		require.ErrorIs(t, d.run(), drkit.ErrConflict)
		require.NoError(t, theirs.Close(t.Context()))
		assert.Zero(t, d.server.Count(cleanUp))
		assert.Equal(t, failed, d.result("db-1"))
		assert.NotContains(t, d.printed.String(), "left behind")
	})
}

// somebody is another administrator.
type somebody struct{ *vcav.Client }

func newSharedDrill(t *testing.T) (*drill, somebody) {
	t.Helper()
	d := newDrill(t, vcavtest.SSOUser("eve", "secret"))
	d.job.named = "db-1"
	eve, err := vcav.NewClient(d.server.URL, vcav.SSO("eve", drkit.NewSecret("secret")), d.server.Options()...)
	require.NoError(t, err)
	return d, somebody{eve}
}

// test begins a test of db-1.
func (s somebody) test(t *testing.T) {
	t.Helper()
	_, err := s.VMReplications.TestFailover(t.Context(), vcavtest.ReplicationID("db-1"), vcav.CloudFailoverTest{})
	assert.NoError(t, err)
}

func startsTest(request *http.Request) bool {
	return request.Method == http.MethodPost && strings.HasSuffix(request.URL.Path, "/failover-test")
}
