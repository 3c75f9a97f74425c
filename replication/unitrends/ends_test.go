package unitrends_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// A source that replicates may ask again. To accept that changes nothing, and the wait ends all the same.
func TestAcceptOfASourceThatReplicates(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]unitrendstest.Option{
		"as documented": nil, "no status of requests": {unitrendstest.RequestStatus("", "")}, "other roles": {unitrendstest.OtherRoles()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				ended(t, accepting(t, client, "1"), nil)
				again := server.ReceiveRequest("branch-1")
				assert.Equal(t, "branch-1", ended(t, accepting(t, client, idOf(again)), nil).Name)
				once(t, server, "done", "pending", "done")
			}, options...)
		})
	}
}

func accepting(t *testing.T, client *unitrends.Client, request unitrends.ID) *drkit.Poller[unitrends.System] {
	t.Helper()
	poller, err := client.Sources.Accept(t.Context(), request, unitrends.Acceptance{})
	require.NoError(t, err)
	return poller
}

// As long as the request is listed nothing has settled, although its source replicates as it did before.
func TestAcceptOfASourceThatReplicatesAndALateList(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(lists map[string][]row){"pending": asks, "rejected": rejects} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				asks(y.lists)
				before(y.lists)
				set(y.lists, "systems", "id", row{"id": 30, "is_pending": false, "name": "quay-12", "role": "Replication Source"})
				poller, err := accept(t.Context(), y.client("ops"))
				require.NoError(t, err)
				began := time.Now()
				y.later(time.Hour, accepts)
				y.later(2*time.Hour, func(lists map[string][]row) { drop(lists, "systems", "request_id", 41) })
				assert.Equal(t, unitrends.ID("30"), ended(t, poller, nil).ID)
				assert.GreaterOrEqual(t, time.Since(began), 2*time.Hour)
			})
		})
	}
}

// An appliance may list an accepted request beside the system that it has become: that is one acceptance, and no two.
func TestAcceptedRequestBesideItsSystem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(map[string]any) {
			accepts(y.lists)
			y.lists["systems"] = append(y.lists["systems"], row{"id": 9, "is_pending": false, "name": "quay-12", "role": "Replication Source"})
		}, lost)
		poller, err := accept(t.Context(), y.client("ops"))
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		assert.True(t, ended(t, poller, nil).Replicates())
	})
}

// Of such an acceptance nothing is to be seen where its answer is lost: it may have run.
func TestLostAcceptOfASourceThatReplicates(t *testing.T) {
	t.Parallel()
	inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		ended(t, accepting(t, client, "1"), nil)
		again := idOf(server.ReceiveRequest("branch-1"))
		server.Inject(unitrendstest.Fault{Operation: decides, After: true, Drop: true, Times: 1})
		_, err := client.Sources.Accept(t.Context(), again, unitrends.Acceptance{})
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.False(t, unknown.Untouched, "the request is no longer pending")
		once(t, server, "done", "pending", "done")
	})
}

// A source that is removed while it is being configured does not come any more: the wait for it ends.
func TestSourceIsRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
		accepted := accepting(t, client, "1")
		_, err := accepted.Poll(t.Context())
		require.NoError(t, err)
		time.AfterFunc(30*time.Second, func() {
			_, err := server.Operator("ann").Do("Sources.Delete", "2", "")
			assert.NoError(t, err)
		})
		began := time.Now()
		_, err = accepted.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		require.ErrorContains(t, err, "replication request 1")
		assert.Less(t, time.Since(began), 10*time.Minute)
	})
}

// The removal of a source that is still being configured shows, too: a lost answer is found.
func TestRemovalOfAnUnfinishedSource(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]unitrendstest.Fault{
		"answered": {}, "lost": {After: true, Drop: true}, "a failure": {After: true, Status: 500, Message: "No."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				server.StallAcceptances(true)
				accepting(t, client, "1")
				if name != "answered" {
					fault.Operation, fault.Times = "Sources.Delete", 1
					server.Inject(fault)
				}
				removed, err := client.Sources.Delete(t.Context(), "2")
				assert.Equal(t, "branch-1", ended(t, removed, err).Name)
				assert.Equal(t, name != "answered", removed.Adopted())
				assert.Equal(t, 1, server.Ran("Sources.Delete", ""))
			})
		})
	}
}

// Without a note the source may be there before anybody looks. Nobody can tell then, and nobody waits for ever.
func TestAcceptWithoutANoteIsOverBeforeAnybodyLooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(row) { accepts(y.lists); configured(y.lists) }, nil)
		poller, err := accept(wire(t), y.client("ops"))
		require.NoError(t, err)
		_, err = poller.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrTaskGone)
	})
}

// An entry whose status nobody knows is a reason to wait: it is still there.
func TestAcceptOfAStatusThatSaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(row) {
			accepts(y.lists)
			set(y.lists, "systems", "id", row{"id": 9, "status": "tunnel"})
		}, nil)
		poller, err := accept(t.Context(), y.client("ops"))
		require.NoError(t, err)
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, drkit.State("tunnel"), progress.State, "its id is that of a system: it is accepted")
		y.later(5*time.Hour, configured)
		source, err := poller.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.ID("9"), source.ID)
	})
}

// An appliance that gives requests the ids of systems from the beginning is believed in what else it says.
func TestDecisionsOnRequestsWithIDsOfSystems(t *testing.T) {
	t.Parallel()
	for status, listed := range map[string]bool{"pending": false, "new": true, "rejected": false, "awaiting acceptance": true} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				set(y.lists, "systems", "id", row{"id": 9, "is_pending": true, "request_id": 41, "name": "quay-12", "status": status})
				if listed {
					set(y.lists, "replication/pending", "request_id", row{"request_id": 41})
				}
				y.on(decide, func(row) { accepts(y.lists); configured(y.lists) }, nil)
				poller, err := accept(t.Context(), y.client("ops"))
				assert.Equal(t, unitrends.ID("9"), ended(t, poller, err).ID)
			})
		})
	}
}

// A job that vanishes without a trace in the history is gone at last, and found by who waits again.
func TestRunVanishes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		order17(y.lists)
		y.on("PUT joborders/run/17", func(row) {
			set(y.lists, "jobs/active", "id", row{"id": 913, "name": "copy the ledgers", "status": "Active"})
		}, nil)
		run, err := y.client("ops").JobOrders.Run(t.Context(), "17")
		require.NoError(t, err)
		y.later(time.Hour, func(lists map[string][]row) { lists["jobs/active"] = nil })
		began := time.Now()
		_, err = run.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		assert.GreaterOrEqual(t, time.Since(began), time.Hour+30*time.Second, "the grace, from when it was seen last")
		assert.Less(t, time.Since(began), time.Hour+5*time.Minute)
		y.change(func(lists map[string][]row) {
			set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Success", "start_date": "today"})
		})
		job, err := run.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, "today", job.StartDate)
	})
}

// Runs may look the same in the history, down to the minute in which they began.
func TestRunsThatLookTheSame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		order17(y.lists)
		same := row{"name": "copy the ledgers", "status": "Success", "start_date": "today"}
		y.change(func(lists map[string][]row) { lists["jobs/history"] = append(lists["jobs/history"], same) })
		y.on("PUT joborders/run/17", func(row) { y.lists["jobs/history"] = append(y.lists["jobs/history"], same) }, lost)
		run, err := y.client("ops").JobOrders.Run(t.Context(), "17")
		require.NoError(t, err)
		assert.True(t, run.Adopted())
		job, err := run.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, "today", job.StartDate)
	})
}

// What the history says of a job may change long after its end. That makes it no new job.
func TestHistoryIsToldOtherwise(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		order17(y.lists)
		y.on("PUT joborders/run/17", func(row) {
			set(y.lists, "jobs/active", "id", row{"id": 913, "name": "copy the ledgers", "status": "Active"})
		}, nil)
		run, err := y.client("ops").JobOrders.Run(t.Context(), "17")
		require.NoError(t, err)
		y.later(time.Hour, func(lists map[string][]row) {
			set(lists, "jobs/history", "start_date", row{
				"start_date": "yesterday", "age": "2 days", "duration": "00:14:09", "message": "The tide.", "description": "seen by ann",
			})
			lists["jobs/active"] = nil
		})
		y.later(time.Hour+20*time.Second, func(lists map[string][]row) {
			set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Success", "start_date": "today"})
		})
		assert.Equal(t, "today", ended(t, run, nil).StartDate)
	})
}

// A target that has rejected a request is asked again, and accepts.
func TestTargetIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]unitrendstest.Option{"as documented": nil, "accepted targets only": {unitrendstest.OnlyAcceptedTargets()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inFlow(t, func(t *testing.T, f flow) {
				_, request := f.ask()
				rejected, err := f.target.Sources.Reject(t.Context(), request, "not yet")
				ended(t, rejected, err)
				<-time.After(2 * time.Minute) // of the bubble: the source finds the decision
				asked, request := f.ask()
				progress, err := asked.Poll(t.Context())
				require.NoError(t, err)
				assert.Equal(t, drkit.StateQueued, progress.State)
				resumed, err := unitrends.Resume[unitrends.Target](f.source, token(t, asked))
				require.NoError(t, err)
				f.accept(request)
				assert.Equal(t, "vault", ended(t, asked, nil).Name)
				assert.Equal(t, "vault", ended(t, resumed, nil).Name)
				assert.Equal(t, 2, f.pair.Source.Ran("Targets.Request", "vault"))
			}, options...)
		})
	}
}

// The entry of a target that was asked before changes with another request: that it has not run is no longer sure.
func TestLostRequestToATargetThatIsListed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		set(y.lists, "replication/targets", "name", row{"name": "harbor", "status": "rejected"})
		y.on("POST replication/target", func(row) {
			set(y.lists, "replication/targets", "name", row{"name": "harbor", "status": "pending"})
		}, failures["a refusal"])
		_, err := y.client("ops").Targets.Request(t.Context(), unitrends.TargetRequest{"target": "harbor"})
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.False(t, unknown.Untouched)

		y.change(func(lists map[string][]row) {
			set(lists, "backup-copy/connected_targets", "name", row{"name": "harbor", "target_id": 2})
		})
		found, err := drkit.Recover[unitrends.Target](t.Context(), err)
		assert.Equal(t, unitrends.ID("2"), ended(t, found, err).TargetID)
	})
}

// What is connected is told of the appliance that was asked, and not of a system that it manages.
func TestRequestOfAManagedSystem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.reads["backup-copy/connected_targets"] = answers(500, `{"result":[{"message":"nobody asks"}]}`)
		y.on("POST replication/target", func(row) { set(y.lists, "replication/targets", "name", row{"name": "harbor"}) }, nil)
		asked, err := y.client("ops").System("4").Targets.Request(t.Context(), unitrends.TargetRequest{"target": "harbor"})
		assert.Equal(t, "harbor", ended(t, asked, err).Name)
	})
}

// Systems count their jobs and machines each for itself.
func TestSameIDsAtSeveralSystems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.change(func(lists map[string][]row) {
			lists["jobs/active"] = []row{{"id": 7, "sid": 1, "name": "a"}, {"id": 7, "sid": 4, "name": "b"}}
			lists["virtual_clients"] = []row{{"virtual_id": "5.vm_ir", "sid": 1}, {"virtual_id": "5.vm_ir", "sid": 4}}
		})
		client := y.client("ops")
		_, err := client.Jobs.Cancel(t.Context(), "7")
		require.ErrorContains(t, err, "2 systems have a job 7: name one by Client.System")
		_, err = client.InstantRecoveries.End(t.Context(), "5.vm_ir", unitrends.RecoveryKindVMware)
		require.ErrorContains(t, err, "2 systems have a machine 5.vm_ir: name one by Client.System")
		assert.Empty(t, y.requests())
	})
}

// No list shows what runs on Windows: an answer is believed, and without one nobody can tell.
func TestEndOfAWindowsRecovery(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]func() (int, string){"": nil, "lost": lost, "500": failures["a refusal"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				y.on("DELETE virtual_clients/3.wir", nil, failure)
				over, err := y.client("ops").InstantRecoveries.End(t.Context(), "3.wir", unitrends.RecoveryKindWindows)
				if name == "" {
					assert.Equal(t, unitrends.VirtualClient{VirtualID: "3.wir"}, ended(t, over, err))
					return
				}
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.False(t, unknown.Untouched)
			})
		})
	}
}

// Somebody is quicker, between the two lists that make up a note: what he has begun is not there before.
func TestNoteIsOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		order17(y.lists)
		looks := 0
		y.reads["jobs/active"] = func() (int, string) {
			if looks++; looks == 2 {
				set(y.lists, "jobs/active", "id", row{"id": 913, "name": "copy the ledgers", "status": "Active"})
			}
			return 200, `{"data":` + y.text("jobs/active") + `}`
		}
		y.on("PUT joborders/run/17", nil, failures["a refusal"])
		run, err := y.client("ops").JobOrders.Run(t.Context(), "17")
		require.NoError(t, err)
		assert.True(t, run.Adopted(), "nobody can tell")
		y.later(time.Hour, func(lists map[string][]row) { // one of two instances
			set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Success", "start_date": "one"})
		})
		y.later(2*time.Hour, func(lists map[string][]row) { lists["jobs/active"] = nil })
		began := time.Now()
		_, err = run.Wait(day(t))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(began), 2*time.Hour, "it still runs")
	})
}

// So does what has ended by then: the second list already shows the target that somebody else has asked.
func TestNoteIsOvertakenByWhatHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		looks := 0
		y.reads["backup-copy/connected_targets"] = func() (int, string) {
			if looks++; looks == 1 {
				return 200, `{"data":[]}`
			}
			return 200, `{"data":[{"name":"harbor","target_id":2}]}`
		}
		asked, err := y.client("ops").Targets.Request(t.Context(), unitrends.TargetRequest{"target": "harbor"})
		assert.Equal(t, "harbor", ended(t, asked, err).Name)
	})
}

// A wait ends with its context, however long there is nothing to be seen.
func TestWaitsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		poller, err := accept(t.Context(), y.client("ops"))
		require.NoError(t, err)
		_, err = poller.Wait(day(t))
		require.ErrorIs(t, err, context.DeadlineExceeded, "the request stays pending")
	})
}

// Whoever accepts, the wait for it ends with the source; a rejection ends it badly, and so does a request that
// nobody shows.
func TestSettled(t *testing.T) {
	t.Parallel()
	for name, decision := range map[string]func(ann unitrendstest.Operator) error{
		"accepted": func(ann unitrendstest.Operator) error { return ann.Accept(1, 0) },
		"rejected": func(ann unitrendstest.Operator) error { return ann.Reject(1, "no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inVault(t, func(t *testing.T, server *unitrendstest.Server, client *unitrends.Client) {
				settled, err := client.Sources.Settled("1")
				require.NoError(t, err)
				assert.Equal(t, "replication request 1", settled.ID())
				resumed, err := unitrends.Resume[unitrends.System](client, token(t, settled))
				require.NoError(t, err)
				time.AfterFunc(5*time.Hour, func() { assert.NoError(t, decision(server.Operator("ann"))) })
				for _, poller := range []*drkit.Poller[unitrends.System]{settled, resumed} {
					progress, err := poller.Poll(t.Context())
					require.NoError(t, err)
					assert.Equal(t, drkit.StateQueued, progress.State)
				}
				for _, poller := range []*drkit.Poller[unitrends.System]{settled, resumed} {
					source, err := poller.Wait(day(t))
					assert.False(t, poller.Adopted())
					if name == "rejected" {
						require.ErrorContains(t, err, "unitrends.Sources.Settled: task on replication request 1 failed: rejected: the request was rejected")
						continue
					}
					require.NoError(t, err)
					assert.Equal(t, "branch-1", source.Name)
				}
				late, err := client.Sources.Settled("1")
				require.NoError(t, err)
				_, err = late.Wait(day(t))
				if name == "rejected" {
					require.ErrorContains(t, err, "the request was rejected")
				} else {
					require.ErrorIs(t, err, drkit.ErrTaskGone, "the target no longer says whose request it was")
				}
				unlisted, err := client.Sources.Settled("77")
				require.NoError(t, err)
				_, err = unlisted.Wait(day(t))
				require.ErrorIs(t, err, drkit.ErrTaskGone)
				assert.Equal(t, 1, server.Count(decides))
			})
		})
	}
}
