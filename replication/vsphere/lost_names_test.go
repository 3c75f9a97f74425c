package vsphere_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// begins is a request that is lost while somebody else begins a task.
func (y *yard) begins(kind, id, vm, name string) fault {
	return func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
		y.change(func() { y.begin(kind, id, vm, name, nil) })
		return nil, http.ErrHandlerTimeout
	}
}

// Replications may have one name. A task that says by its id what it works on is not of another of the same name.
func TestTasksOfANamesake(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.add("GID-2", "vm-2", "ledger-db")
		y.breaks("pause", y.begins("pause", "GID-2", "vm-2", "ledger-db"))
		_, err := replicationsOf(y.client()).Pause(t.Context(), ledger)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched)
	})
}

// A task that names nothing is not taken for the configuration of a machine, whose name is not known either.
func TestConfigurationAmongTasksThatNameNothing(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.naming = "none"
		y.change(func() { y.begin("sync", "", "", "", nil) }) // which is in nobody's way
		y.onConfigure(y.begins("sync", "", "", ""))
		_, err := replicationsOf(y.client()).Configure(t.Context(), machines(t, 1)[0])
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Equal(t, []string{"task-2 (it names nothing that it works on)"}, unknown.Candidates)
	})
}

// A task that names nothing is taken for it once it is known what tasks call the work, where there is one machine.
func TestConfigurationByATaskThatNamesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.naming = "none"
		replications, wanted := replicationsOf(y.client(fast)), machines(t, 2)
		finished(t, must(replications.Configure(t.Context(), wanted[0])), nil)
		y.onConfigure(answerLost)
		poller, err := replications.Configure(t.Context(), wanted[1])
		assert.Equal(t, "task-2", finished(t, poller, err).ID)
	})
}

// A task that was there before is not of a step, although a later run cannot tell what kind of work it does: neither
// one that names nothing, nor one about the same thing.
func TestStepAfterTasksOfAnotherKind(t *testing.T) {
	t.Parallel()
	for _, naming := range []string{"none", ""} {
		t.Run("naming "+naming, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.naming = naming
				journal, client := new(drkit.MemoryJournal), y.client()
				finished(t, must(replicationsOf(client).Pause(t.Context(), ledger)), nil) // which tells what tasks call it
				finished(t, must(replicationsOf(client).Resume(t.Context(), ledger)), nil)
				finished(t, must(replicationsOf(client).Sync(t.Context(), ledger)), nil)
				ctx, kill := context.WithCancel(t.Context())
				y.breaks("pause", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
					kill()
					return nil, http.ErrHandlerTimeout
				})
				pause := func(ctx context.Context, client *vsphere.Client) (*drkit.Poller[vsphere.Task], error) {
					return drkit.Once(ctx, journal, "pause", func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
						return replicationsOf(client).Pause(ctx, ledger)
					})
				}
				_, err := pause(ctx, client)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				poller, err := pause(t.Context(), y.client())
				assert.Equal(t, "task-4", finished(t, poller, err).ID, "it is sent again")
			})
		})
	}
}

// A task that does not say what kind of work it does may be of the operation, also where others have said it.
func TestTasksThatDoNotSayTheirKind(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		replications := replicationsOf(y.client())
		finished(t, must(replications.Sync(t.Context(), ledger)), nil)
		y.mute = true
		finished(t, must(replications.Sync(t.Context(), ledger)), nil)
		y.breaks("sync", answerLost)
		poller, err := replications.Sync(t.Context(), ledger)
		assert.Equal(t, "task-3", finished(t, poller, err).ID)
		y.mute = false
		y.change(func() { y.begin("sync", ledger, ledgerVM, "ledger-db", nil) }) // somebody else's
		_, err = replications.Sync(t.Context(), ledger)
		require.ErrorIs(t, err, drkit.ErrConflict, "what tasks call it is not forgotten")
	})
}

// What tasks call the work may come to be known after another kind of task was adopted, which proves nothing for that.
func TestKindIsLearnedAfterTheAdoption(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.add("GID-2", "vm-2", "till-03")
		replications := replicationsOf(y.client())
		y.breaks("pause", y.begins("sync", ledger, ledgerVM, "ledger-db"))
		adopted, err := replications.Pause(t.Context(), ledger)
		require.NoError(t, err)
		finished(t, must(replications.Pause(t.Context(), "GID-2")), nil)
		_, err = adopted.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrConflict)
	})
}

// What tasks call a replication, by a name that nothing else shows, is learned from one that the service has named.
func TestNamesInTasksAreLearned(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.naming = "alias"
		replications := replicationsOf(y.client())
		y.breaks("sync", answerLost)
		_, err := replications.Sync(t.Context(), ledger)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "as yet, nobody knows it")
		require.True(t, drkit.Discard(err))
		finished(t, must(replications.Sync(t.Context(), ledger)), nil)
		y.breaks("sync", answerLost)
		poller, err := replications.Sync(t.Context(), ledger)
		assert.Equal(t, "task-3", finished(t, poller, err).ID)
	})
}

// What a replication is called is asked for once: requests are few.
func TestNamesAreAskedForOnce(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		replications := replicationsOf(y.client())
		asked := func() (count int) {
			y.change(func() {
				for _, line := range y.seen {
					if line == "GET "+ledger {
						count++
					}
				}
			})
			return count
		}
		for _, want := range []int{2, 3, 4} { // and each time for how it is
			finished(t, must(replications.Sync(t.Context(), ledger)), nil)
			assert.Equal(t, want, asked())
		}
	})
}

// A step that has removed its replication finds its task by another run, when nothing else is left of it.
func TestStepThatHasRemovedItsReplication(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		journal := new(drkit.MemoryJournal)
		remove := func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
			client := y.client()
			return drkit.Once(ctx, journal, "remove", func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
				return replicationsOf(client).Unconfigure(ctx, ledger, vsphere.RemoveQuery{})
			})
		}
		y.breaks("unconfigure", stuckAfter)
		_, err := remove(briefly(t))
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		<-time.After(time.Minute)
		poller, err := remove(t.Context())
		assert.Equal(t, "task-1", finished(t, poller, err).ID)
		assert.Equal(t, []string{"POST unconfigure"}, y.sent())
	})
}

// A replication that does not say of which machine it is has no part in tasks that name nothing.
func TestTasksThatNameNothingOfAHalf(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.naming = "none"
		y.replications[ledger].vm = ""
		y.breaks("sync", y.begins("sync", "", "", ""))
		_, err := replicationsOf(y.client()).Sync(t.Context(), ledger)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.Equal(t, []string{"task-1 (it names nothing that it works on)"}, unknown.Candidates)
	})
}

// Machines that were configured together end one by one. What begins on one after its end, before the others have
// ended, is none of theirs; what begins before is for a person to tell.
func TestMachinesEndOneByOne(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		begins   time.Duration
		conflict bool
	}{"after its end": {20 * time.Second, false}, "before its end": {5 * time.Second, true}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				wanted := machines(t, 2)
				for _, first := range []int{0, 1} { // to end
					y.onConfigure(answerLost)
					began := len(y.tasks)
					pollers, err := replicationsOf(y.client(fast)).ConfigureAll(t.Context(), wanted)
					require.NoError(t, err)
					y.change(func() { y.tasks[began+1-first].ends = time.Now().Add(time.Minute) })
					<-time.After(tc.begins)
					y.change(func() { y.begin("sync", wanted[first].VMID, wanted[first].VMID, "", nil) })
					_, err = drkit.WaitAll(t.Context(), pollers)
					assert.Equal(t, tc.conflict, errors.Is(err, drkit.ErrConflict), "%v", err)
				}
			})
		})
	}
}
