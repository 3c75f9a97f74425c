package vsphere_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// operation is one that must not repeat, at the yard.
type operation struct {
	line    string // as it is sent
	prepare func(*replica)
	call    func(ctx context.Context, r *vsphere.Replications) (*drkit.Poller[vsphere.Task], error)
	proof   bool // what it leaves shows without a task
	again   bool // a step sends it again where nothing was touched
}

// operations are those on a replication, and one that makes one.
func operations(t *testing.T) map[string]operation {
	t.Helper()
	type poller = *drkit.Poller[vsphere.Task]
	paused := func(r *replica) { r.paused = true }
	bubbled := func(r *replica) { r.image = "img-0" }
	settings := one[vsphere.ReconfigureReplication](t, "replications_reconfigure.request")
	settings.RPO, settings.VMDataSetsReplicationEnabled = 60, drkit.Opt[bool]{}
	spec := one[vsphere.RunTestRecovery](t, "replications_test.request")
	return map[string]operation{
		"Pause": {"POST pause", nil, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.Pause(ctx, ledger)
		}, true, true},
		"Resume": {"POST resume", paused, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.Resume(ctx, ledger)
		}, true, true},
		"Sync": {"POST sync", nil, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.Sync(ctx, ledger)
		}, false, false},
		"Reconfigure": {"POST reconfigure", nil, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.Reconfigure(ctx, ledger, settings)
		}, true, false},
		"Unconfigure": {"POST unconfigure", nil, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.Unconfigure(ctx, ledger, vsphere.RemoveQuery{})
		}, true, false},
		"Delete": {"DELETE " + ledger, nil, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.Delete(ctx, ledger, vsphere.RemoveQuery{})
		}, true, false},
		"Test": {"POST test", nil, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.Test(ctx, ledger, spec)
		}, true, true},
		"CleanUp": {"POST cleanup", bubbled, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.CleanUp(ctx, ledger, "img-0")
		}, true, true},
		"PromoteTestImage": {"POST promote-test-image", bubbled, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.PromoteTestImage(ctx, ledger, "img-0")
		}, true, true},
		"DemoteTestImage": {"POST demote-test-image", func(r *replica) { r.promoted = []string{"pit-img-0"} }, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.DemoteTestImage(ctx, ledger)
		}, true, false},
		"Configure": {"POST replications", nil, func(ctx context.Context, r *vsphere.Replications) (poller, error) {
			return r.Configure(ctx, machines(t, 1)[0])
		}, true, false},
	}
}

// eachOperation runs a test with each of them, in a bubble of its own.
func eachOperation(t *testing.T, test func(t *testing.T, o operation)) {
	t.Helper()
	t.Parallel()
	for name, o := range operations(t) {
		t.Run(name, func(t *testing.T) { bubble(t, func(t *testing.T, _ *yard) { test(t, o) }) })
	}
}

// yard is one in which the operation can be called.
func (o operation) yard(t *testing.T) *yard {
	y := newYard(t)
	if o.prepare != nil {
		o.prepare(y.replications[ledger])
	}
	return y
}

// onlyOn plans what becomes of the operation, and of nothing else at its place.
func (y *yard) onlyOn(o operation, faults ...fault) {
	method, last, _ := strings.Cut(o.line, " ")
	for _, broken := range faults {
		y.breaks(last, onceFor(y, method, last, broken))
	}
}

// onceFor is a fault for requests of a method, which puts itself back where another comes first.
func onceFor(y *yard, method, last string, broken fault) fault {
	var one fault
	one = func(r *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
		if r.Method == method {
			return broken(r, do)
		}
		y.mu.Lock()
		y.faults[last] = append([]fault{one}, y.faults[last]...)
		y.mu.Unlock()
		return do()
	}
	return one
}

const ownError = `{"error_code":"BUSY","message":"Not now.","op_id":"x"}`

// failures are what comes instead of a usable answer. In the service's own words, an answer stands where nothing has
// run.
var failures = map[string]struct {
	status int
	body   string
	stands bool
}{
	"lost":             {0, "", false},
	"a failure":        {500, ownError, true},
	"a page":           {500, "<html>", false},
	"a gateway":        {502, "", false},
	"an expiry":        {401, "", true},
	"half":             {202, `{"id":`, false},
	"throttled":        {429, "", false},
	"another document": {202, `{"status":"ok"}`, false},
}

func failing(name string, works bool) fault {
	failure := failures[name]
	switch {
	case failure.status != 0:
		return instead(works, failure.status, failure.body)
	case works:
		return answerLost
	default:
		return requestLost
	}
}

// Whatever comes instead of an answer: an operation that ran is found, and never sent again.
func TestLostAnswersOfWhatRan(t *testing.T) {
	eachOperation(t, func(t *testing.T, o operation) {
		for name := range failures {
			y := o.yard(t)
			y.onlyOn(o, failing(name, true))
			poller, err := o.call(t.Context(), replicationsOf(y.client()))
			require.NoError(t, err, name)
			assert.True(t, poller.Adopted(), name)
			task := finished(t, poller, nil)
			assert.Equal(t, "task-1", task.ID, name)
			assert.Equal(t, []string{o.line}, y.sent(), name)
		}
	})
}

// Of what did not run nothing is to be seen. An answer in the service's own words then stands; anything else stays
// unknown, and is remembered.
func TestLostAnswersOfWhatDidNotRun(t *testing.T) {
	eachOperation(t, func(t *testing.T, o operation) {
		for name, failure := range failures {
			y := o.yard(t)
			y.onlyOn(o, failing(name, false))
			client := y.client()
			began := time.Now()
			_, err := o.call(t.Context(), replicationsOf(client))
			assert.GreaterOrEqual(t, time.Since(began), 30*time.Second, "the grace")
			if failure.stands {
				require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, name)
				assert.Equal(t, failure.status, answerOf(t, err).Status)
				_, err = o.call(t.Context(), replicationsOf(client))
				require.NoError(t, err, "the next try is sent")
				assert.Equal(t, []string{o.line, o.line}, y.sent(), name)
				continue
			}
			var unknown *drkit.OutcomeUnknownError
			require.ErrorAs(t, err, &unknown, name)
			assert.True(t, unknown.Untouched, name)
			_, err = o.call(t.Context(), replicationsOf(client))
			require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "the next try looks")
			assert.Equal(t, []string{o.line}, y.sent(), name)
			require.True(t, drkit.Discard(err))
			_, err = o.call(t.Context(), replicationsOf(client))
			require.NoError(t, err)
			assert.Equal(t, []string{o.line, o.line}, y.sent(), name)
		}
	})
}

// What shows no task is settled by what it leaves.
func TestSettledByWhatItLeaves(t *testing.T) {
	eachOperation(t, func(t *testing.T, o operation) {
		y := o.yard(t)
		y.takes = time.Second
		y.onlyOn(o, answerLost)
		y.breaks("tasks", again(100, nothingThere)...)
		poller, err := o.call(t.Context(), replicationsOf(y.client()))
		if !o.proof {
			require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
			return
		}
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		task := finished(t, poller, nil)
		assert.Equal(t, vsphere.TaskStatusSuccess, task.Status)
		assert.EqualValues(t, 100, task.Progress)
		assert.Empty(t, task.ID)
		assert.NotEmpty(t, task.Entity)
		_, err = poller.ResumeToken(t.Context())
		require.Error(t, err, "there is no task to resume")
	})
}

func nothingThere(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	return reply(r, 200, `{"list":[]}`), nil
}

// Tasks may name what they work on in several ways.
func TestNamesInTasks(t *testing.T) {
	t.Parallel()
	for _, naming := range []string{"vm", "name"} {
		t.Run(naming, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.naming = naming
				y.breaks("pause", answerLost)
				poller, err := replicationsOf(y.client()).Pause(t.Context(), ledger)
				require.NoError(t, err)
				assert.Equal(t, "task-1", finished(t, poller, nil).ID)
			})
		})
	}
}

// Tasks that name nothing are of an operation once it is known what they call its work, and before that, they may be.
func TestTasksThatNameNothing(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.naming, y.takes = "none", time.Second
		y.add("GID-2", "vm-2", "till-03")
		client := y.client()
		y.breaks("pause", answerLost)
		_, err := replicationsOf(client).Pause(t.Context(), ledger)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Equal(t, []string{"task-1 (it names nothing that it works on)"}, unknown.Candidates)

		poller, err := replicationsOf(client).Pause(t.Context(), "GID-2")
		finished(t, poller, err)
		poller, err = drkit.Recover[vsphere.Task](t.Context(), unknown)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "now there are two")
		assert.Nil(t, poller)
		assert.Equal(t, []string{"POST pause", "POST pause"}, y.sent())
	})
}

// Once it is known what tasks call the work of an operation, others about the same thing are not taken for it.
func TestKindsAreLearned(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.takes = time.Second
		client := y.client()
		finished(t, must(replicationsOf(client).Pause(t.Context(), ledger)), nil)
		finished(t, must(replicationsOf(client).Resume(t.Context(), ledger)), nil)
		y.breaks("pause", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			y.change(func() { y.begin("sync", ledger, ledgerVM, "ledger-db", nil) }) // somebody else's
			return nil, http.ErrHandlerTimeout
		})
		_, err := replicationsOf(client).Pause(t.Context(), ledger)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched)
	})
}

func must(poller *drkit.Poller[vsphere.Task], _ error) *drkit.Poller[vsphere.Task] { return poller }

// As long as that is not known, a task that was adopted must have done what the operation was to do, where that shows.
func TestAdoptedTaskHasDoneNothing(t *testing.T) {
	eachOperation(t, func(t *testing.T, o operation) {
		y, entity, what := o.yard(t), ledger, "replication "+ledger
		if o.line == configures {
			entity = machines(t, 1)[0].VMID
			what = "the replication of machine " + entity
		}
		y.onlyOn(o, y.begins("other", entity, entity, "ledger-db"))
		poller, err := o.call(t.Context(), replicationsOf(y.client()))
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		began := time.Now()
		_, err = poller.Wait(t.Context())
		if !o.proof {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, drkit.ErrConflict)
		assert.Less(t, time.Since(began), 2*time.Minute)
		assert.True(t, poller.Done(), "that is its end")
		assert.ErrorContains(t, err, "task task-1 was adopted for it, and has ended well, but nothing of "+what+" has changed")
	})
}

// One that has failed has its own error, and need have done nothing.
func TestAdoptedTaskFails(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("pause", answerLost)
		poller, err := replicationsOf(y.client()).Pause(t.Context(), ledger)
		require.NoError(t, err)
		y.change(func() { y.tasks[0].fails = "The replica is gone." })
		_, err = poller.Wait(t.Context())
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		require.NotErrorIs(t, err, drkit.ErrConflict)
	})
}

// What it has done may take a moment to show.
func TestAdoptedTaskShowsLate(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("pause", answerLost)
		client := y.client()
		poller, err := replicationsOf(client).Pause(t.Context(), ledger)
		require.NoError(t, err)
		y.change(func() { y.tasks[0].effect = nil })
		time.AfterFunc(25*time.Second, func() { y.change(func() { y.replications[ledger].paused = true }) })
		<-time.After(11 * time.Second)
		_, err = poller.Poll(t.Context())
		require.ErrorIs(t, err, drkit.ErrNotDone)
		assert.ErrorContains(t, err, "does not show it yet")
		assert.Equal(t, "task-1", finished(t, poller, nil).ID)
	})
}

// Two tasks that may be it are for a person to tell apart.
func TestTwoTasksThatMayBeIt(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("sync", func(_ *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
			y.change(func() { y.begin("sync", ledger, ledgerVM, "ledger-db", nil) })
			_, _ = do()
			return nil, http.ErrHandlerTimeout
		})
		_, err := replicationsOf(y.client()).Sync(t.Context(), ledger)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Len(t, unknown.Candidates, 2)
	})
}

// While the same is under way, nothing is sent: once it is known what that is called.
func TestTheSameIsUnderWay(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client := y.client()
		_, err := replicationsOf(client).Pause(t.Context(), ledger)
		require.NoError(t, err)
		_, err = replicationsOf(client).Pause(t.Context(), ledger)
		require.ErrorIs(t, err, drkit.ErrConflict)
		assert.ErrorContains(t, err, "task task-1 does the same on replication "+ledger+" already")
		_, err = replicationsOf(y.client()).Sync(t.Context(), ledger)
		require.NoError(t, err, "another client, and something else")
		assert.Equal(t, []string{"POST pause", "POST sync"}, y.sent())
	})
}

// A task with a time of its end is under way no more, whatever its status is called.
func TestAnEndByAnotherName(t *testing.T) {
	for status, sent := range map[string]int{`"ABANDONED","complete_time":1763716000100`: 3, `"PREPARING"`: 2} {
		t.Run(status, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				client := y.client()
				finished(t, must(replicationsOf(client).Pause(t.Context(), ledger)), nil)
				finished(t, must(replicationsOf(client).Resume(t.Context(), ledger)), nil)
				y.breaks("tasks", instead(false, 200, `{"list":[{"id":"task-0","description_id":"pause","entity":"`+ledger+`","status":`+status+`}]}`))
				_, err := replicationsOf(client).Pause(t.Context(), ledger)
				assert.Equal(t, sent == 2, errors.Is(err, drkit.ErrConflict))
				assert.Len(t, y.sent(), sent)
			})
		})
	}
}

// What many machines have come to is found as a whole, in parts, or not at all.
func TestLostConfigurationOfMany(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lost  fault
		hides bool // the tasks
		want  string
	}{
		"all of it":             {answerLost, false, ""},
		"all of it, by traces":  {answerLost, true, ""},
		"nothing":               {requestLost, false, "nothing there has changed"},
		"half of it":            {nil, false, "there are 2 of its 4 tasks"},
		"a failure after all":   {instead(true, 500, ownError), false, ""},
		"a failure at the door": {instead(false, 500, ownError), false, "500 BUSY"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				o := operations(t)["Configure"]
				if tc.lost == nil {
					tc.lost = func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
						y.change(func() {
							for _, machine := range machines(t, 2) {
								y.begin("configure", machine.VMID, machine.VMID, "", nil)
							}
						})
						return nil, http.ErrHandlerTimeout
					}
				}
				y.onlyOn(o, tc.lost)
				if tc.hides {
					y.breaks("tasks", again(200, nothingThere)...)
				}
				client := y.client(fast)
				pollers, err := replicationsOf(client).ConfigureAll(t.Context(), machines(t, 4))
				assert.Equal(t, []string{o.line}, y.sent())
				if tc.want != "" {
					require.ErrorContains(t, err, tc.want)
					return
				}
				require.NoError(t, err)
				require.Len(t, pollers, 4)
				for _, poller := range pollers {
					assert.True(t, poller.Adopted())
				}
				_, err = drkit.WaitAll(t.Context(), pollers)
				require.NoError(t, err)
			})
		})
	}
}

// Whoever gave up waiting for the answer finds the pollers by calling again.
func TestConfigurationOfManyIsCalledAgain(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client := y.client(fast)
		o := operations(t)["Configure"]
		y.onlyOn(o, func(r *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
			_, _ = do()
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := replicationsOf(client).ConfigureAll(ctx, machines(t, 3))
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		pollers, err := replicationsOf(client).ConfigureAll(t.Context(), machines(t, 3))
		require.NoError(t, err)
		assert.Len(t, pollers, 3)
		assert.Equal(t, []string{o.line}, y.sent())
		_, err = drkit.Once(t.Context(), new(drkit.MemoryJournal), "all", func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
			pollers, err := replicationsOf(client).ConfigureAll(ctx, machines(t, 2))
			return must(append(pollers, nil)[0], nil), err
		})
		require.ErrorIs(t, err, drkit.ErrStep, "it has more than one poller")
	})
}

// A step that was cut off before its answer, or before its request, goes on: with what the request has begun, or by
// sending it again where nothing was touched and the contract allows it.
func TestStepsOfLostOperations(t *testing.T) {
	eachOperation(t, func(t *testing.T, o operation) {
		for name, lost := range map[string]fault{"answer": answerLost, "request": requestLost} {
			y := o.yard(t)
			journal := new(drkit.MemoryJournal)
			run := func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
				client := y.client()
				return drkit.Once(ctx, journal, "step", func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
					return o.call(ctx, replicationsOf(client))
				})
			}
			y.onlyOn(o, lost)
			killed, kill := context.WithCancel(t.Context())
			y.breaks("tasks", func(_ *http.Request, do func() (*http.Response, error)) (*http.Response, error) { return do() })
			y.breaks("tasks", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
				kill() // while it looks
				return nil, context.Canceled
			})
			_, err := run(killed)
			kill()
			require.ErrorIs(t, err, context.Canceled, name)
			poller, err := run(t.Context())
			switch {
			case name == "answer":
				assert.Equal(t, "task-1", finished(t, poller, err).ID)
				assert.Equal(t, []string{o.line}, y.sent())
			case o.again:
				assert.Equal(t, "task-1", finished(t, poller, err).ID)
				assert.Equal(t, []string{o.line, o.line}, y.sent(), "the first was never there")
			default:
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Equal(t, []string{o.line}, y.sent())
			}
		}
	})
}
