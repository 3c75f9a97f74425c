package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// all rehearses what can be rehearsed, and keeps what was tested of some: half of the sweeps promote.
func all(k int64) []string {
	if k%2 == 0 {
		return []string{"-all", "-promote"}
	}
	return []string{"-all"}
}

// requestsOf counts the requests, and the writes to the journal, of a run that nobody disturbs.
func requestsOf(t *testing.T) (requests, saves int64) {
	t.Helper()
	t.Run("undisturbed", func(t *testing.T) {
		// Not in parallel: the sweep needs the numbers.
		undisturbed(t, func(d *drill) {
			require.NoError(t, d.run(all(1)...))
			requests, saves = d.requests.Load(), d.saves.Load()
		})
	})
	require.Greater(t, requests, int64(60))
	require.Greater(t, saves, int64(20))
	return requests, saves
}

// stride is the step of a sweep, longer where time is short. All of them pass with 1.
func stride() int64 {
	if testing.Short() {
		return 9
	}
	return 1
}

// at calls f right before or after request k.
func (d *drill) at(k int64, moment string, f func()) {
	d.around = func(n int64, request *http.Request, send sender) (*http.Response, error) {
		if n == k && moment == "before" {
			f()
		}
		response, err := send(request)
		if n == k && moment == "after" {
			f()
			if d.dead.Load() && err == nil {
				_ = response.Body.Close()
				return nil, errDead
			}
		}
		return response, err
	}
}

// At every boundary of a request: right before it leaves, and right after its answer has come. The run brings to an end
// what it has begun, and the next one does the rest.
func TestInterruptedAtEveryRequest(t *testing.T) {
	t.Parallel()
	requests, _ := requestsOf(t)
	for _, moment := range []string{"before", "after"} {
		for k := int64(1); k <= requests; k += stride() {
			t.Run(fmt.Sprintf("%s request %d", moment, k), func(t *testing.T) {
				inDrill(t, func(t *testing.T, d *drill) {
					d.at(k, moment, func() { d.interrupt() })
					err := d.run(all(k)...)
					d.assertNothingLeft()
					d.assertInterrupted(err)
					for _, name := range []string{"db-1", "app-1", "files-1"} {
						d.assertOnce(name)
					}
					d.around = nil
					require.NoError(t, d.run(all(k)...))
					d.assertNothingLeft()
					for _, name := range []string{"db-1", "app-1", "files-1"} {
						assert.Equal(t, passed, d.result(name), name)
					}
				})
			})
		}
	}
}

// assertInterrupted checks that the report agrees with what was done.
func (d *drill) assertInterrupted(err error) {
	d.Helper()
	if d.interrupted.IsZero() {
		return // it had ended before
	}
	saved, trouble := d.journal.Steps(d.Context())
	require.NoError(d, trouble)
	for _, step := range saved {
		if step.Operation == "vsphere."+tests {
			assert.False(d, step.Began.After(d.interrupted), "a test at %s, after the interrupt at %s", step.Began, d.interrupted)
		}
	}
	for _, name := range []string{"db-1", "app-1", "files-1"} {
		ran := d.pair.Recovery.Ran(tests, id(name))
		switch d.result(name) {
		case passed:
			assert.Equal(d, 1, ran, name)
		case notBegun:
			require.ErrorIs(d, err, context.Canceled)
			assert.Empty(d, d.begun(name))
		case interrupted:
			require.ErrorIs(d, err, context.Canceled)
		case "":
			require.ErrorIs(d, err, context.Canceled, "the interrupt came before the list")
			assert.Zero(d, ran, name)
		default:
			assert.Fail(d, "it is "+d.result(name), name)
		}
	}
}

// At any second, also within requests, tasks and pauses, and also where something else goes wrong.
func TestInterruptedAtAnySecond(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*vspheretest.Pair){
		"no trouble":           func(*vspheretest.Pair) {},
		"slow after":           fault(vspheretest.Fault{Operation: tests, After: true, Delay: 10 * time.Second}),
		"slow before":          fault(vspheretest.Fault{Operation: pauses, Delay: 10 * time.Second}),
		"test fails":           func(p *vspheretest.Pair) { p.FailTask(tests, "", "full") },
		"clean-up fails":       func(p *vspheretest.Pair) { p.FailTask(cleanUps, "", "locked") },
		"resume fails":         func(p *vspheretest.Pair) { p.FailTask(resumes, "", "locked") },
		"pause lost after":     fault(vspheretest.Fault{Operation: pauses, After: true, Reset: true, Times: 2}),
		"test lost before":     fault(vspheretest.Fault{Operation: tests, Drop: true, Times: 2}),
		"test lost after":      fault(vspheretest.Fault{Operation: tests, After: true, Reset: true, Times: 2}),
		"502 from a proxy":     fault(vspheretest.Fault{Operation: tests, After: true, Status: 502, Body: "<html>", Times: 2}),
		"late answer":          fault(vspheretest.Fault{Operation: tests, After: true, Delay: 3 * time.Minute, Times: 2}),
		"clean-up lost before": fault(vspheretest.Fault{Operation: cleanUps, Drop: true, Times: 2}),
		"clean-up lost after":  fault(vspheretest.Fault{Operation: cleanUps, After: true, Reset: true, Times: 2}),
		"resume lost before":   fault(vspheretest.Fault{Operation: resumes, Drop: true, Times: 2}),
		"away for five minutes": func(p *vspheretest.Pair) {
			time.AfterFunc(30*time.Second, func() { p.Recovery.Restart(5 * time.Minute) })
		},
		"the other site is away": func(p *vspheretest.Pair) {
			time.AfterFunc(50*time.Second, func() { p.Protected.Restart(15 * time.Second) })
		},
	} {
		for second := 0; second <= 240; second += 10 * int(min(stride(), 6)) {
			t.Run(fmt.Sprintf("%s, %d s", name, second), func(t *testing.T) {
				inDrill(t, func(t *testing.T, d *drill) {
					trouble(d.pair)
					d.later = time.Duration(second)*time.Second + time.Second/2
					_ = d.run("-vm", "db-1", "-vm", "app-1")
					d.later = 0
					d.assertNothingLeft()
					d.pair.ClearFaults()
					<-time.After(10 * time.Minute) // whoever was away is back
					require.NoError(t, d.run("-vm", "db-1", "-vm", "app-1"))
					d.assertNothingLeft()
					for _, name := range []string{"db-1", "app-1"} {
						assert.Equal(t, passed, d.result(name), name)
					}
				})
			})
		}
	}
}

func fault(f vspheretest.Fault) func(*vspheretest.Pair) {
	return func(pair *vspheretest.Pair) { pair.Recovery.Inject(f) }
}

// The second interrupt ends everything at once. What is left is named, and ended by the next run.
func TestInterruptedTwice(t *testing.T) {
	t.Parallel()
	requests, _ := requestsOf(t)
	for k := int64(1); k <= requests; k += 3 * stride() {
		for _, between := range []time.Duration{0, 500 * time.Millisecond, 7 * time.Second} {
			t.Run(fmt.Sprintf("request %d, %s", k, between), func(t *testing.T) {
				inDrill(t, func(t *testing.T, d *drill) {
					var again time.Time
					d.at(k, "before", func() {
						d.interrupt()
						d.after(between, func() { again = time.Now(); d.again() })
					})
					err := d.run(all(k)...)
					if !again.IsZero() {
						assert.Zero(t, time.Since(again), "at once")
					}
					if err != nil {
						require.ErrorIs(t, err, context.Canceled)
					}
					for _, name := range []string{"db-1", "app-1", "files-1"} {
						if replication := d.pair.Replication(id(name)); replication.Image != nil || replication.Paused != (name == "files-1") {
							assert.Contains(t, d.printed.String(), "left behind: "+name+": ")
						}
					}
					d.around = nil
					<-time.After(time.Minute)
					require.NoError(t, d.run(all(k)...))
					d.assertNothingLeft()
				})
			})
		}
	}
}

// A program that is killed at any request or write of its journal, before or after, leaves nothing once it has been run
// again, and has done nothing twice.
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	requests, saves := requestsOf(t)
	for _, moment := range []string{"before", "after"} {
		for k := int64(1); k <= requests; k += stride() {
			t.Run(fmt.Sprintf("%s request %d", moment, k), func(t *testing.T) {
				inDrill(t, func(t *testing.T, d *drill) {
					d.at(k, moment, d.kill)
					d.killedAndRunAgain(all(k))
				})
			})
		}
		for k := int64(1); k <= saves; k += max(1, stride()/3) {
			t.Run(fmt.Sprintf("%s save %d", moment, k), func(t *testing.T) {
				inDrill(t, func(t *testing.T, d *drill) {
					d.saving = func(n int64, save func() error) error {
						if n == k && moment == "before" {
							d.kill()
						}
						err := save()
						if n == k && moment == "after" {
							d.kill()
							err = errors.Join(err, errDead)
						}
						return err
					}
					d.killedAndRunAgain(all(k))
				})
			})
		}
	}
}

func (d *drill) killedAndRunAgain(args []string) {
	d.Helper()
	_ = d.run(args...)
	d.around, d.saving = nil, nil
	require.NoError(d, d.run(args...))
	d.assertNothingLeft()
	for _, name := range []string{"db-1", "app-1", "files-1"} {
		assert.Equal(d, passed, d.result(name), name)
		d.assertOnce(name)
		assert.Equal(d, 1, d.pair.Audit().Replication(id(name)).Tested, name)
	}
}

// The next run may be killed as well, and the one after that, or be interrupted.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	requests, _ := requestsOf(t)
	for seed := uint64(0); seed < 120; seed += uint64(stride()) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			inDrill(t, func(t *testing.T, d *drill) {
				random := rand.New(rand.NewPCG(seed, 7))
				for range 6 {
					end := d.kill
					if random.IntN(3) == 0 {
						end = func() { d.interrupt() }
					}
					d.at(1+random.Int64N(requests/2), []string{"before", "after"}[random.IntN(2)], end)
					_ = d.run("-all")
					<-time.After(time.Duration(random.IntN(90)) * time.Second)
				}
				d.around = nil
				require.NoError(t, d.run("-all"))
				d.assertNothingLeft()
				for _, name := range []string{"db-1", "app-1", "files-1"} {
					assert.Equal(t, passed, d.result(name), name)
					done := d.pair.Audit().Replication(id(name))
					assert.Equal(t, done.Paused, done.Resumed, name)
					assert.Equal(t, done.Tested, done.CleanedUp, name)
				}
			})
		})
	}
}
