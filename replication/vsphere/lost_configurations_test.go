package vsphere_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// configures is how a configuration leaves.
const configures = "POST replications"

// onConfigure plans what becomes of the next configuration.
func (y *yard) onConfigure(broken fault) {
	y.breaks("replications", onceFor(y, http.MethodPost, "replications", broken))
}

// stuckAfter does the work, and never answers.
func stuckAfter(r *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
	_, _ = do()
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// briefly is a context that ends before anything that is stuck.
func briefly(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// names are the machines of replications, in their order.
func (y *yard) configured() []string {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.settle()
	var all []string
	for _, one := range y.replications {
		if one.vm != ledgerVM {
			all = append(all, one.vm)
		}
	}
	slices.Sort(all)
	return all
}

// One machine is the same configuration by either method: what one has lost, the other finds.
func TestOneMachineByEitherMethod(t *testing.T) {
	t.Parallel()
	type call func(ctx context.Context, r *vsphere.Replications) (*drkit.Poller[vsphere.Task], error)
	machine := machines(t, 1)
	alone := func(ctx context.Context, r *vsphere.Replications) (*drkit.Poller[vsphere.Task], error) {
		return r.Configure(ctx, machine[0])
	}
	among := func(ctx context.Context, r *vsphere.Replications) (*drkit.Poller[vsphere.Task], error) {
		pollers, err := r.ConfigureAll(ctx, machine)
		if err == nil && len(pollers) != 1 {
			err = fmt.Errorf("there are %d pollers", len(pollers))
		}
		if err != nil {
			return nil, err
		}
		return pollers[0], nil
	}
	for name, calls := range map[string][2]call{"alone first": {alone, among}, "among others first": {among, alone}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				replications := replicationsOf(y.client(fast))
				y.onConfigure(stuckAfter)
				_, err := calls[0](briefly(t), replications)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				poller, err := calls[1](t.Context(), replications)
				assert.Equal(t, "task-1", finished(t, poller, err).ID)
				assert.Equal(t, []string{configures}, y.sent())
			})
		})
	}
}

// Recover has one poller to return. What it cannot return it leaves for who calls again, which sends nothing.
func TestRecoverOfManyLeavesThemToBeFound(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		replications, wanted := replicationsOf(y.client(fast)), machines(t, 3)
		y.onConfigure(stuckAfter)
		_, err := replications.ConfigureAll(briefly(t), wanted)
		for range 2 {
			_, again := drkit.Recover[vsphere.Task](t.Context(), err)
			require.ErrorIs(t, again, drkit.ErrOutcomeUnknown)
			require.ErrorContains(t, again, "call ConfigureAll again for the same machines")
		}
		pollers, err := replications.ConfigureAll(t.Context(), wanted)
		require.NoError(t, err)
		require.Len(t, pollers, 3)
		assert.Equal(t, []string{configures}, y.sent())
	})
}

// As many tasks as machines are not yet a task for each: what follows the task of another machine, or of nobody knows
// which, would call a machine protected that is not.
func TestTasksThatAreNotOneForEachMachine(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		naming string
		before []int // machines of tasks that were there before
		of     []int // machines of the tasks there are
		others []int // machines of tasks of another kind
		want   []string
	}{
		"two of one machine": {"", nil, []int{0, 0}, nil, []string{
			"task-2 (it names the same machine as another)", "task-3 (it names the same machine as another)",
		}},
		"of no machine": {"none", nil, []int{0, 1}, nil, []string{
			"task-2 (it does not say of which machine it is)", "task-3 (it does not say of which machine it is)",
		}},
		"two of one machine, after an older one of the other": {"", []int{1}, []int{0, 0}, nil, []string{
			"task-3 (it names the same machine as another)", "task-4 (it names the same machine as another)",
		}},
		"two of one machine, beside other work on the other": {"", nil, []int{0, 0}, []int{1}, []string{
			"task-2 (it names the same machine as another)", "task-3 (it names the same machine as another)",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				replications, wanted := replicationsOf(y.client(fast)), machines(t, 3)
				finished(t, must(replications.Configure(t.Context(), wanted[2])), nil) // which tells what tasks call it
				y.naming = tc.naming
				begin := func(kind string, of []int) {
					for _, machine := range of {
						y.begin(kind, wanted[machine].VMID, wanted[machine].VMID, "", nil)
					}
				}
				y.change(func() { begin("configure", tc.before) })
				<-time.After(time.Minute)
				y.onConfigure(func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
					y.change(func() { begin("configure", tc.of); begin("relocate", tc.others) })
					return nil, http.ErrHandlerTimeout
				})
				_, err := replications.ConfigureAll(t.Context(), wanted[:2])
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.False(t, unknown.Untouched)
				assert.ElementsMatch(t, tc.want, unknown.Candidates)
				_, err = replications.ConfigureAll(t.Context(), wanted[:2])
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Equal(t, []string{configures, configures}, y.sent())
			})
		})
	}
}

// A task that was adopted, and that says of its work no more than its machine, must have configured that one.
func TestAdoptedTaskHasConfiguredNothing(t *testing.T) {
	t.Parallel()
	for name, count := range map[string]int{"one machine": 1, "two machines": 2} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				wanted := machines(t, count)
				last := wanted[count-1].VMID
				y.onConfigure(func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
					y.change(func() {
						if count > 1 {
							y.begin("configure", wanted[0].VMID, wanted[0].VMID, "", func() { y.add("GID-0", wanted[0].VMID, "a") })
						}
						y.begin("relocate", last, last, "", nil) // somebody else's
					})
					return nil, http.ErrHandlerTimeout
				})
				pollers, err := replicationsOf(y.client(fast)).ConfigureAll(t.Context(), wanted)
				require.NoError(t, err)
				outcomes, err := drkit.WaitAll(t.Context(), pollers)
				require.ErrorIs(t, err, drkit.ErrConflict)
				require.ErrorContains(t, err, "was adopted for it, and has ended well, but nothing of the replication of machine "+last+" has changed")
				for i, outcome := range outcomes {
					assert.Equal(t, i == count-1, outcome.Err != nil)
				}
			})
		})
	}
}

// It may take a moment until the list has the replication.
func TestConfiguredMachineShowsLate(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		machine := machines(t, 1)[0]
		y.onConfigure(answerLost)
		poller, err := replicationsOf(y.client(fast)).Configure(t.Context(), machine)
		require.NoError(t, err)
		y.change(func() { y.tasks[0].effect = nil })
		time.AfterFunc(30*time.Second, func() { y.change(func() { y.add("GID-0", machine.VMID, "a") }) })
		assert.Equal(t, "task-1", finished(t, poller, nil).ID)
	})
}

// A list that says it may not hold all proves no more of a machine that it does not hold than rows by halves.
func TestConfigurationBehindHalfAList(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.onConfigure(instead(true, 500, ownError))
		y.breaks("tasks", again(200, nothingThere)...)
		half := func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			var rows string
			y.change(func() { rows = y.replications[ledger].show() })
			return reply(r, 200, `{"list":[`+rows+`],"_meta":{"errors":[{"code":"GONE","message":"Not all.","field":"$"}]}}`), nil
		}
		y.breaks("replications", again(200, half)...)
		_, err := replicationsOf(y.client(fast)).Configure(t.Context(), machines(t, 1)[0])
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown, "what the service answers is not believed")
		assert.False(t, unknown.Untouched)
	})
}

// A machine that had a replication before, and has one, proves nothing of another; a request to configure it is refused.
func TestConfigurationOfAMachineThatHasOne(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		machine := machines(t, 1)[0]
		y.add("GID-0", machine.VMID, "a")
		y.onConfigure(instead(false, 500, ownError))
		_, err := replicationsOf(y.client(fast)).Configure(t.Context(), machine)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, 500, answerOf(t, err).Status)
	})
}

// One replication of two, and one that may be anybody's, are not two.
func TestConfigurationOfOneOfTwoBesideHalves(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		wanted := machines(t, 2)
		y.onConfigure(func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
			y.change(func() {
				y.add("GID-0", wanted[0].VMID, "a")
				y.replications[ledger].vm = ""
			})
			return reply(r, 500, ownError), nil
		})
		_, err := replicationsOf(y.client(fast)).ConfigureAll(t.Context(), wanted)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
	})
}

// A replication that goes elsewhere is of none of the machines, whatever it lacks.
func TestConfigurationBesideHalves(t *testing.T) {
	t.Parallel()
	machine := machines(t, 1)[0]
	for target, proves := range map[string]bool{"": false, machine.TargetVCID: false, "elsewhere": true} {
		t.Run("to "+target, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.takes = time.Second
				y.replications[ledger].vm, y.replications[ledger].target = "", target
				y.onConfigure(instead(true, 500, ownError))
				y.breaks("tasks", again(200, nothingThere)...)
				_, err := replicationsOf(y.client(fast)).Configure(t.Context(), machine)
				assert.Equal(t, proves, err == nil)
				assert.Equal(t, !proves, errors.Is(err, drkit.ErrOutcomeUnknown))
			})
		})
	}
}

// An earlier configuration of some of the machines whose outcome is unknown is looked for before another is sent, and
// what is found stays there for who has lost it.
func TestUnknownConfigurationOfSomeOfTheMachines(t *testing.T) {
	t.Parallel()
	for name, sets := range map[string][2][]int{
		"one, then more": {{0}, {0, 1}}, "more, then one": {{0, 1}, {1}}, "some in common": {{0, 1}, {1, 2}},
	} {
		for _, ran := range []bool{true, false} {
			t.Run(name+map[bool]string{true: ", and it ran", false: ", and it did not"}[ran], func(t *testing.T) {
				bubble(t, func(t *testing.T, y *yard) {
					replications, all := replicationsOf(y.client(fast)), machines(t, 3)
					of := func(set []int) (wanted []vsphere.ConfigureReplication) {
						for _, i := range set {
							wanted = append(wanted, all[i])
						}
						return wanted
					}
					earlier, later := of(sets[0]), of(sets[1])
					y.onConfigure(map[bool]fault{true: stuckAfter, false: stuck}[ran])
					_, lost := replications.ConfigureAll(briefly(t), earlier)
					require.ErrorIs(t, lost, drkit.ErrOutcomeUnknown)

					_, err := replications.ConfigureAll(t.Context(), later)
					if ran {
						require.ErrorIs(t, err, drkit.ErrConflict)
						require.ErrorContains(t, err, "not sent, because task task-")
						require.ErrorContains(t, err, " works on machine "+later[0].VMID+", and has not ended")
						pollers, err := replications.ConfigureAll(t.Context(), earlier)
						require.NoError(t, err)
						for i, poller := range pollers {
							assert.True(t, poller.Adopted())
							assert.Equal(t, earlier[i].VMID, finished(t, poller, nil).Entity)
						}
						assert.Equal(t, []string{configures}, y.sent())
						_, err = replications.ConfigureAll(t.Context(), later)
						require.NoError(t, err)
						return
					}
					require.ErrorIs(t, err, drkit.ErrConflict)
					require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "nothing is unknown of what was not sent")
					require.ErrorContains(t, err, "not sent: vsphere.Replications.Configure: sent, but the outcome is unknown for the replication of machine ")
					assert.Equal(t, []string{configures}, y.sent())
					if len(earlier) > 1 {
						_, again := drkit.Recover[vsphere.Task](t.Context(), err)
						require.ErrorContains(t, again, "call ConfigureAll again for the same machines")
					}
					_, err = replications.ConfigureAll(t.Context(), earlier)
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "it is remembered")
					require.True(t, drkit.Discard(err))
					_, err = replications.ConfigureAll(t.Context(), later)
					require.NoError(t, err)
					assert.Equal(t, []string{configures, configures}, y.sent())
				})
			})
		}
	}
}

// stuck never arrives.
func stuck(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

var errShift = errors.New("the shift is over")

// Of two configurations that have a machine in common one is sent at a time: neither takes the task of the other for
// its own. Others do not wait for them.
func TestConfigurationsOfSomeOfTheMachinesTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		replications, all := replicationsOf(y.client(fast)), machines(t, 3)
		y.onConfigure(func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
			<-time.After(10 * time.Second)
			return nil, http.ErrHandlerTimeout // it has never arrived
		})
		alone := make(chan error, 1)
		go func() {
			_, err := replications.Configure(t.Context(), all[0])
			alone <- err
		}()
		synctest.Wait()
		other := time.Now()
		_, err := replications.Configure(t.Context(), all[2])
		require.NoError(t, err)
		assert.Zero(t, time.Since(other), "another machine")

		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errShift)
		defer cancel()
		_, err = replications.ConfigureAll(ctx, all[:2])
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errShift)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "vsphere.Replications.Configure: ")
		assert.Equal(t, []string{configures, configures}, y.sent(), "it was not sent")

		_, err = replications.ConfigureAll(t.Context(), all[:2])
		require.ErrorIs(t, err, drkit.ErrConflict)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, <-alone, &unknown)
		assert.True(t, unknown.Untouched, "nothing of the others was taken for it")
		assert.Equal(t, []string{configures, configures}, y.sent())
		require.True(t, drkit.Discard(err), "it is the error of the other")
		pollers, err := replications.ConfigureAll(t.Context(), all[:2])
		require.NoError(t, err)
		_, err = drkit.WaitAll(t.Context(), pollers)
		require.NoError(t, err)
		assert.Equal(t, []string{all[0].VMID, all[1].VMID, all[2].VMID}, y.configured())
	})
}

// The end of one of two calls for the same machine lets nobody else have its turn.
func TestTurnsOfTheSameMachine(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		replications, all := replicationsOf(y.client(fast)), machines(t, 2)
		y.onConfigure(instead(false, 500, ownError))
		first := make(chan error, 1)
		go func() { _, err := replications.Configure(t.Context(), all[0]); first <- err }()
		synctest.Wait()
		second := make(chan error, 1)
		go func() { _, err := replications.Configure(t.Context(), all[0]); second <- err }()
		synctest.Wait()
		y.onConfigure(stuck)
		require.NotErrorIs(t, <-first, drkit.ErrOutcomeUnknown)
		synctest.Wait()
		_, err := replications.ConfigureAll(briefly(t), all)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, []string{configures, configures}, y.sent())
		require.ErrorIs(t, <-second, drkit.ErrOutcomeUnknown)
	})
}

// What tasks call a configuration is learned from one of many machines as well.
func TestKindIsLearnedFromManyMachines(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		replications, all := replicationsOf(y.client(fast)), machines(t, 3)
		pollers, err := replications.ConfigureAll(t.Context(), all[:2])
		require.NoError(t, err)
		_, err = drkit.WaitAll(t.Context(), pollers)
		require.NoError(t, err)
		y.onConfigure(y.begins("relocate", all[2].VMID, all[2].VMID, ""))
		_, err = replications.Configure(t.Context(), all[2])
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched)
	})
}

// Who waits for a turn at some of the machines does not outlive the client.
func TestCloseEndsTheWaitForATurn(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client, all := y.client(fast), machines(t, 2)
		y.onConfigure(stuck)
		ended := make(chan error, 2)
		go func() { _, err := replicationsOf(client).Configure(t.Context(), all[0]); ended <- err }()
		synctest.Wait()
		go func() { _, err := replicationsOf(client).ConfigureAll(t.Context(), all); ended <- err }()
		synctest.Wait()
		require.NoError(t, client.Close(t.Context()))
		require.ErrorIs(t, <-ended, drkit.ErrClosed)
		require.ErrorIs(t, <-ended, drkit.ErrClosed)
		assert.Equal(t, []string{configures}, slices.DeleteFunc(y.sent(), func(line string) bool { return strings.HasPrefix(line, "DELETE") }))
	})
}

// A step that has ended is replayed, whatever is unknown of its machine by now. One that would send is kept from it.
func TestStepsOfConfigurationsTakeTurns(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		replications, all, journal := replicationsOf(y.client(fast)), machines(t, 3), new(drkit.MemoryJournal)
		step := func(ctx context.Context, key string, machine int) (*drkit.Poller[vsphere.Task], error) {
			return drkit.Once(ctx, journal, key, func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
				return replications.Configure(ctx, all[machine])
			})
		}
		poller, err := step(t.Context(), "ended", 0)
		finished(t, poller, err)
		y.onConfigure(stuck)
		_, err = step(briefly(t), "begun", 1)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)

		replications = replicationsOf(y.client(fast)) // in another process
		y.onConfigure(stuck)
		_, err = replications.ConfigureAll(briefly(t), all)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		poller, err = step(t.Context(), "ended", 0)
		assert.Equal(t, "task-1", finished(t, poller, err).ID)
		for machine, key := range map[int]string{1: "begun", 2: "new"} {
			_, err = step(t.Context(), key, machine)
			require.ErrorIs(t, err, drkit.ErrConflict, key)
			require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, key)
		}
		assert.Equal(t, []string{configures, configures, configures}, y.sent())
	})
}
