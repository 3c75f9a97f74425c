package vsphere_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// A task is followed to its end through whatever happens to the session and to the appliance meanwhile, in both
// versions of the API and in all shapes of its times.
func TestWaitThroughTrouble(t *testing.T) {
	t.Parallel()
	shapes := map[string][]vspheretest.Option{
		"as documented": nil, "digits": {vspheretest.DigitTimes()}, "numbers": {vspheretest.NumericCreatedTime()},
		"sparse": {vspheretest.Sparse()}, "all": {vspheretest.DigitTimes(), vspheretest.NumericCreatedTime(), vspheretest.Sparse()},
	}
	for trouble, strike := range map[string]func(f flow, task string){
		"none":                    func(flow, string) {},
		"sessions end":            func(f flow, _ string) { f.pair.Recovery.ExpireSessions() },
		"the other sessions, too": func(f flow, _ string) { f.pair.Recovery.ExpireRemoteSessions() },
		"a restart":               func(f flow, _ string) { f.pair.Recovery.Restart(2 * time.Minute) },
		"a restart over there":    func(f flow, _ string) { f.pair.Protected.Restart(2 * time.Minute) },
		"connections are cut":     func(f flow, _ string) { f.pair.Recovery.CloseConnections() },
		"bad gateways": func(f flow, _ string) {
			f.pair.Recovery.Inject(vspheretest.Fault{Status: 502, Body: "<html>", Times: 9})
		},
		"a list that fails": func(f flow, _ string) {
			f.pair.Recovery.Inject(vspheretest.Fault{Operation: "Tasks.List", Status: 500, Times: 5})
		},
		"a status of its own": func(f flow, task string) {
			f.pair.Recovery.ShowTaskStatus(task, "PREPARING")
			time.AfterFunc(5*time.Minute, func() { f.pair.Recovery.ShowTaskStatus(task, "") })
		},
	} {
		for _, version := range []string{"v1", "v2"} {
			for shape, options := range shapes {
				t.Run(trouble+" "+version+" "+shape, func(t *testing.T) {
					if testing.Short() && shape != "as documented" && shape != "all" {
						t.Skip("the long tests do that, too")
					}
					inFlow(t, func(t *testing.T, f flow) {
						p := enter(t, f.pair.Recovery, vsphere.WithAPIVersion(version))
						require.NoError(t, p.signInRemotely(t.Context()))
						name, begin := "Replications.Test", func() (*drkit.Poller[vsphere.Task], error) {
							return p.Replications.Test(t.Context(), db1, p.testOf(p.newest(t.Context(), t, db1).ID))
						}
						if version == "v1" { // which has no tests
							name, begin = "Replications.Pause", func() (*drkit.Poller[vsphere.Task], error) {
								return p.Replications.Pause(t.Context(), db1)
							}
						}
						poller, err := begin()
						require.NoError(t, err)
						time.AfterFunc(90*time.Second, func() { strike(f, poller.ID()) })
						task := finished(t, poller, nil)
						assert.Equal(t, poller.ID(), task.ID)
						assert.Equal(t, vsphere.TaskStatusSuccess, task.Status)
						assert.Equal(t, 1, f.pair.Recovery.Ran(name, db1))
						if version == "v1" {
							return
						}
						image, err := p.Replications.ActiveImage(t.Context(), db1)
						require.NoError(t, err)
						assert.False(t, image.CreatedTime.Time.IsZero())
					}, append(options, vspheretest.TaskDuration(time.Minute, 4*time.Minute))...)
				})
			}
		}
	}
}

// Sessions end while nobody asks. Whatever is asked next begins another, at both sites, and is asked once.
func TestExpiredSessions(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		for i, call := range []func(context.Context, string) (*drkit.Poller[vsphere.Task], error){
			f.recovery.Replications.Pause, f.recovery.Replications.Resume, f.recovery.Replications.Sync,
		} {
			<-time.After(6 * time.Minute)
			poller, err := call(t.Context(), db1)
			finished(t, poller, err)
			assert.False(t, poller.Adopted())
			assert.Equal(t, i+2, f.pair.Recovery.Count("Sessions.SignIn"))
			assert.Equal(t, i+2, f.pair.Recovery.Count("RemoteSession.SignIn"))
		}
		for _, operation := range []string{"Pause", "Resume", "Sync"} {
			assert.Equal(t, 1, f.pair.Recovery.Count("Replications."+operation))
		}
		require.NoError(t, f.recovery.Close(t.Context()))
		assert.Zero(t, f.pair.Recovery.Sessions())
	})
}

// A task that was cancelled, or has failed, says so, and what it was to do is not done.
func TestTasksThatEndBadly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		strike func(f flow, task string)
		is     error
		want   string
	}{
		"cancelled": {func(f flow, task string) { assert.True(f, f.pair.Recovery.CancelTask(task)) }, drkit.ErrCancelled, "it was cancelled"},
		"forgotten": {func(f flow, task string) { assert.True(f, f.pair.Recovery.ForgetTask(task)) }, drkit.ErrTaskGone, "task"},
	} {
		t.Run(name, func(t *testing.T) {
			inFlow(t, func(t *testing.T, f flow) {
				poller, err := f.recovery.Replications.Test(t.Context(), db1, f.recovery.testOf(f.recovery.newest(t.Context(), t, db1).ID))
				require.NoError(t, err)
				time.AfterFunc(3*time.Second, func() { tc.strike(f, poller.ID()) })
				_, err = poller.Wait(t.Context())
				require.ErrorIs(t, err, tc.is)
				assert.ErrorContains(t, err, tc.want)
			})
		})
	}
	t.Run("failed", func(t *testing.T) {
		inFlow(t, func(t *testing.T, f flow) {
			f.pair.FailTask("Replications.Test", db1, "The datastore is full.")
			spec := f.recovery.testOf(f.recovery.newest(t.Context(), t, db1).ID)
			poller, err := f.recovery.Replications.Test(drkit.WithOperationID(t.Context(), "op-9"), db1, spec)
			require.NoError(t, err)
			_, err = poller.Wait(t.Context())
			var failed *drkit.TaskError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "vsphere.Replications.Test: task on db-1 failed: The datastore is full. The simulator did nothing. (task "+poller.ID()+", operation ID op-9)", err.Error())
			assert.Equal(t, db1, failed.ResourceID)
			_, err = f.recovery.Replications.ActiveImage(t.Context(), db1)
			require.ErrorIs(t, err, drkit.ErrNotFound)
		})
	})
}

// Another run reads in the journal that a task was cancelled.
func TestCancelledStep(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		journal := new(drkit.MemoryJournal)
		run := func() (*drkit.Poller[vsphere.Task], error) {
			return drkit.Once(t.Context(), journal, "pause", func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
				return f.recovery.Replications.Pause(ctx, db1)
			})
		}
		for range 2 {
			poller, err := run()
			require.NoError(t, err)
			f.pair.Recovery.CancelTask(poller.ID())
			_, err = poller.Wait(t.Context())
			require.ErrorIs(t, err, drkit.ErrCancelled)
		}
		assert.Equal(t, 1, f.pair.Recovery.Count("Replications.Pause"))
	})
}

// What the state of a replication does not allow fails in its task, and what is under way already is not begun again.
func TestWhatTheStateForbids(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		replications := f.recovery.Replications
		fails := func(words string, poller *drkit.Poller[vsphere.Task], err error) {
			t.Helper()
			require.NoError(t, err)
			_, err = poller.Wait(t.Context())
			require.ErrorContains(t, err, words)
		}
		poller, err := replications.Resume(t.Context(), db1)
		fails("is not paused", poller, err)
		poller, err = replications.CleanUp(t.Context(), db1, "")
		fails("has no active image", poller, err)
		poller, err = replications.DemoteTestImage(t.Context(), db1)
		fails("has no promoted instance", poller, err)

		spec := f.recovery.testOf(f.recovery.newest(t.Context(), t, db1).ID)
		begun, err := replications.Test(t.Context(), db1, spec)
		require.NoError(t, err)
		_, err = replications.Test(t.Context(), db1, spec)
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, begun.ID())
		finished(t, begun, nil)
		poller, err = replications.Test(t.Context(), db1, spec)
		fails("has the active image", poller, err)
		image, err := replications.ActiveImage(t.Context(), db1)
		require.NoError(t, err)
		poller, err = replications.PromoteTestImage(t.Context(), db1, image.ID)
		fails("has to be paused", poller, err)
		poller, err = replications.CleanUp(t.Context(), db1, "img-of-somebody")
		fails("not 'img-of-somebody'", poller, err)
		poller, err = replications.CleanUp(t.Context(), db1, "")
		finished(t, poller, err)

		_, err = replications.Test(t.Context(), vspheretest.ReplicationID("nobody"), spec)
		require.ErrorIs(t, err, drkit.ErrNotFound)
		_, err = f.protected.Replications.Test(t.Context(), db1, spec)
		require.ErrorContains(t, err, vspheretest.CodeRecoverySiteOnly)
	})
}

// Machines that are configured together have a poller each, in their order, and each its own end.
func TestConfigureAllOnTheSimulator(t *testing.T) {
	var machines []vspheretest.Machine
	for i := range 6 {
		machines = append(machines, vspheretest.Machine{Name: fmt.Sprint("till-", i)})
	}
	inFlow(t, func(t *testing.T, f flow) {
		f.signInRemotely()
		var wanted []vsphere.ConfigureReplication
		for _, machine := range machines {
			wanted = append(wanted, f.protected.configuration(t, machine.Name))
		}
		f.pair.FailTask("Replications.Configure", wanted[4].VMID, "No space.")
		pollers, err := f.protected.Replications.ConfigureAll(t.Context(), wanted)
		require.NoError(t, err)
		require.Len(t, pollers, len(wanted))
		token, err := pollers[1].ResumeToken(t.Context())
		require.NoError(t, err)
		outcomes, err := drkit.WaitAll(t.Context(), pollers)
		require.ErrorContains(t, err, "No space.")
		for i, outcome := range outcomes {
			assert.Equal(t, i == 4, outcome.Err != nil)
			if i != 4 {
				assert.Equal(t, wanted[i].VMID, outcome.Result.Entity)
			}
		}
		assert.Equal(t, 1, f.pair.Protected.Count("Replications.Configure"))
		total, err := f.recovery.Replications.Count(t.Context())
		require.NoError(t, err)
		assert.EqualValues(t, 5, total)

		again, err := vsphere.Resume[json.RawMessage](f.protected.Client, token)
		require.NoError(t, err)
		result, err := again.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "null", string(result))
		_, err = vsphere.Resume[vsphere.Task](f.recovery.Client, token)
		require.NoError(t, err, "that shows with the first look")
		other, err := vsphere.Resume[vsphere.Task](f.recovery.Client, token)
		require.NoError(t, err)
		_, err = other.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrToken)
	}, vspheretest.Machines(machines...), vspheretest.Protect())
}

// Where the answer to a bulk configuration is lost, the tasks of all machines are found, each for its machine, also by
// a later call that has the machines in another order.
func TestConfigureAllIsLost(t *testing.T) {
	t.Parallel()
	for name, givesUp := range map[string]bool{"found at once": false, "found by a later call": true} {
		t.Run(name, func(t *testing.T) {
			inFlow(t, func(t *testing.T, f flow) {
				f.signInRemotely()
				wanted := []vsphere.ConfigureReplication{f.protected.configuration(t, "new-2"), f.protected.configuration(t, "new-1")}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				lost := vspheretest.Fault{Operation: "Replications.Configure", After: true, Drop: true, Times: 1}
				if givesUp {
					lost.Do = cancel
				}
				f.pair.Protected.Inject(lost)
				pollers, err := f.protected.Replications.ConfigureAll(ctx, wanted)
				if givesUp {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					slices.Reverse(wanted)
					pollers, err = f.protected.Replications.ConfigureAll(t.Context(), wanted)
				}
				require.NoError(t, err)
				outcomes, err := drkit.WaitAll(t.Context(), pollers)
				require.NoError(t, err)
				for i, outcome := range outcomes {
					assert.True(t, pollers[i].Adopted())
					assert.Equal(t, wanted[i].VMID, outcome.Result.Entity)
				}
				assert.Equal(t, 1, f.pair.Protected.Count("Replications.Configure"))
			})
		})
	}
}

// Whatever becomes of the other site while the answer to a configuration is lost: what ran is found, what did not is
// not called refused, and nothing is sent twice.
func TestConfigureAllIsLostWithTheOtherSite(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*vspheretest.Server){
		"its session":                  (*vspheretest.Server).ExpireRemoteSessions,
		"all sessions":                 (*vspheretest.Server).ExpireSessions,
		"the other site, for a moment": func(s *vspheretest.Server) { s.Peer().Restart(0) },
		"the other site, for long":     func(s *vspheretest.Server) { s.Peer().Restart(5 * time.Minute) },
		"this site, for a moment":      func(s *vspheretest.Server) { s.Restart(10 * time.Second) },
	} {
		for _, ran := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, ran: %t", name, ran), func(t *testing.T) {
				inFlow(t, func(t *testing.T, f flow) {
					f.signInRemotely()
					wanted := []vsphere.ConfigureReplication{f.protected.configuration(t, "new-2"), f.protected.configuration(t, "new-1")}
					f.pair.Protected.Inject(vspheretest.Fault{
						Operation: "Replications.Configure", After: ran, Drop: true, Times: 1, Do: func() { lose(f.pair.Protected) },
					})
					pollers, err := f.protected.Replications.ConfigureAll(t.Context(), wanted)
					if ran {
						require.NoError(t, err)
						for i, poller := range pollers {
							assert.True(t, poller.Adopted())
							task, err := poller.Wait(t.Context())
							require.NoError(t, err)
							assert.Equal(t, wanted[i].VMID, task.Entity)
						}
						assert.Equal(t, 1, f.pair.Protected.Count("Replications.Configure"))
						return
					}
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					<-time.After(10 * time.Minute)
					_, err = f.protected.Replications.ConfigureAll(t.Context(), wanted)
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.Equal(t, 1, f.pair.Protected.Count("Replications.Configure"))
					require.True(t, drkit.Discard(err))
					pollers, err = f.protected.Replications.ConfigureAll(t.Context(), wanted)
					require.NoError(t, err)
					_, err = drkit.WaitAll(t.Context(), pollers)
					require.NoError(t, err)
				})
			})
		}
	}
}

// An observer may look at everything, and change nothing.
func TestObserverIsRefused(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		server := f.pair.Recovery
		client, err := vsphere.NewClient(server.URL, vsphere.Login("eve", drkit.NewSecret("secret")), server.Options()...)
		require.NoError(t, err)
		t.Cleanup(func() { _ = client.Close(context.Background()) })
		eve := party{client, client.Pairing(server.PairingID()), server}
		require.NoError(t, eve.signInRemotely(t.Context()))
		newest := eve.newest(t.Context(), t, db1)
		_, err = eve.Replications.Test(t.Context(), db1, eve.testOf(newest.ID))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		assert.Zero(t, server.Ran("Replications.Test", ""))
	}, vspheretest.Observer("eve", "secret"))
}

// Another process does not know what tasks call the work of an operation. It finds what was begun all the same, among
// tasks that the first process could tell from it.
func TestLostOperationIsFoundByAnotherProcess(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		for _, call := range []func(context.Context, string) (*drkit.Poller[vsphere.Task], error){
			f.recovery.Replications.Pause, f.recovery.Replications.Resume,
		} {
			poller, err := call(t.Context(), db1)
			finished(t, poller, err)
		}
		journal := new(drkit.MemoryJournal)
		pause := func(ctx context.Context, p party) (*drkit.Poller[vsphere.Task], error) {
			return drkit.Once(ctx, journal, "pause", func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
				return p.Replications.Pause(ctx, db1)
			})
		}
		ctx, kill := context.WithCancel(t.Context())
		defer kill()
		f.pair.Recovery.Inject(vspheretest.Fault{Operation: "Replications.Pause", After: true, Drop: true, Times: 1, Do: kill})
		_, err := pause(ctx, f.recovery)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)

		other := enter(t, f.pair.Recovery)
		require.NoError(t, other.signInRemotely(t.Context()))
		poller, err := pause(t.Context(), other)
		finished(t, poller, err)
		assert.True(t, poller.Adopted())
		assert.Equal(t, 2, f.pair.Recovery.Count("Replications.Pause"))
	})
}
