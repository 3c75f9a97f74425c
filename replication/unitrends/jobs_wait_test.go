package unitrends_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// A target is there once it is connected; where the appliance does not tell that, once it is listed.
func TestRequestSettles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		old  bool
		want unitrends.Target
	}{
		"connected": {false, unitrends.Target{Name: "harbor", TargetID: "2"}},
		"listed":    {true, unitrends.Target{Name: "harbor", Extra: extra("status", `"accepted"`)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				set(y.lists, "replication/targets", "name", row{"name": "islet"})
				set(y.lists, "backup-copy/connected_targets", "name", row{"name": "islet", "target_id": 1})
				if tc.old {
					y.reads["backup-copy/connected_targets"] = answers(404, `{"result":[{"message":"No such path."}]}`)
				}
				poller, err := y.client("ops").Targets.Request(t.Context(), unitrends.TargetRequest{"target": "harbor"})
				require.NoError(t, err)
				progress, err := poller.Poll(t.Context())
				require.NoError(t, err, "nobody has accepted it yet")
				assert.Equal(t, drkit.StateQueued, progress.State)
				y.later(5*time.Hour, func(lists map[string][]row) {
					set(lists, "replication/targets", "name", row{"name": "harbor", "status": "accepted"})
				})
				var states []drkit.State
				y.later(6*time.Hour, func(lists map[string][]row) {
					set(lists, "backup-copy/connected_targets", "name", row{"name": "harbor", "target_id": 2})
				})
				began := time.Now()
				target, err := poller.Wait(day(t), drkit.OnProgress(func(p drkit.Progress) { states = append(states, p.State) }))
				require.NoError(t, err)
				assert.Equal(t, tc.want, target)
				assert.Equal(t, !tc.old, slices.Contains(states, drkit.StateRunning), "it is listed, and not connected")
				assert.Equal(t, tc.old, time.Since(began) < 6*time.Hour)
			})
		})
	}
}

// Targets without a name are told apart by what else there is.
func TestRequestOfTargetsWithoutNames(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.reads["backup-copy/connected_targets"] = answers(404, "")
		set(y.lists, "replication/targets", "host", row{"host": "192.0.2.1"})
		set(y.lists, "replication/targets", "host", row{"host": "192.0.2.2", "target_id": 2})
		y.on("POST replication/target", func(row) {
			set(y.lists, "replication/targets", "host", row{"host": "192.0.2.2", "suspended": true}) // the same, by its id
			set(y.lists, "replication/targets", "host", row{"host": "192.0.2.3"})
		}, nil)
		poller, err := y.client("ops").Targets.Request(t.Context(), unitrends.TargetRequest{"target": "harbor"})
		require.NoError(t, err)
		target, err := poller.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.Target{Extra: extra("host", `"192.0.2.3"`)}, target)
	})
}

func TestCreateSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.later(10*time.Second, func(lists map[string][]row) {
			set(lists, "joborders", "id", row{"id": 19, "sid": 4, "name": "copy the tills", "type": "Replication"})
		})
		client := y.client("ops")
		poller, err := client.JobOrders.Create(t.Context(), tillOrder())
		require.NoError(t, err)
		order, err := poller.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.ID("19"), order.ID)

		_, err = client.JobOrders.Create(t.Context(), tillOrder())
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "not sent, because there is a job order copy the tills already, with the id 19 at system 4 (")
		assert.Len(t, y.requests(), 1)
	})
}

// What never shows is gone at last, and two of one name are a matter for a person.
func TestCreateDoesNotSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		poller, err := y.client("ops").JobOrders.Create(t.Context(), tillOrder())
		require.NoError(t, err)
		_, err = poller.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrTaskGone)

		y.change(func(lists map[string][]row) {
			for _, id := range []int{19, 20} {
				set(lists, "joborders", "id", row{"id": id, "name": "copy the tills"})
			}
		})
		_, err = poller.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrConflict)
		assert.ErrorContains(t, err, "there are several that may be it")
	})
}

// A run is over when no job of it is active and the history has new ones, which are worth what the worst is.
func TestRunSettles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		second string
		want   string
	}{
		"well":  {"Success", ""},
		"badly": {"Failed", "unitrends.JobOrders.Run: task on job order 17 failed: Failed: the job has ended in Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				order17(y.lists)
				set(y.lists, "jobs/active", "id", row{"id": 7, "name": "another"})
				client := y.client("ops")
				poller, err := client.JobOrders.Run(t.Context(), "17")
				require.NoError(t, err)
				_, err = poller.Poll(t.Context())
				require.ErrorIs(t, err, drkit.ErrNotFound, "the old failure is not that of this run")
				y.change(func(lists map[string][]row) {
					set(lists, "jobs/active", "id", row{"id": 913, "name": "copy the ledgers", "status": "Active", "percent_complete": "80%"})
					set(lists, "jobs/active", "id", row{"id": 914, "name": "copy the ledgers", "status": "Queued", "percent_complete": 5})
				})
				progress, err := poller.Poll(t.Context())
				require.NoError(t, err)
				assert.Equal(t, drkit.Progress{ID: "job order 17", State: "Queued", Percent: 5}, progress)
				_, err = client.JobOrders.Run(t.Context(), "17")
				require.ErrorIs(t, err, drkit.ErrConflict)
				require.ErrorContains(t, err, "not sent, because job 914 of the same order is under way already (")

				y.later(time.Hour, func(lists map[string][]row) {
					set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Success", "start_date": "one"})
				})
				y.later(2*time.Hour, func(lists map[string][]row) {
					set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": tc.second, "start_date": "two"})
				})
				y.later(3*time.Hour, func(lists map[string][]row) { lists["jobs/active"] = nil })
				job, err := poller.Wait(day(t))
				if tc.want != "" {
					require.ErrorContains(t, err, tc.want)
					return
				}
				require.NoError(t, err)
				assert.Equal(t, unitrends.HistoryStatusSuccess, job.Status)
				assert.Equal(t, []string{"PUT joborders/run/17"}, y.requests())
			})
		})
	}
}

// Between the list of active jobs and the history a job is in neither.
func TestRunIsWaitedForBetweenLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		order17(y.lists)
		y.on("PUT joborders/run/17", func(row) {
			set(y.lists, "jobs/active", "id", row{"id": 913, "name": "copy the ledgers", "status": "Active"})
		}, nil)
		poller, err := y.client("ops").JobOrders.Run(t.Context(), "17")
		require.NoError(t, err)
		y.later(time.Hour, func(lists map[string][]row) { lists["jobs/active"] = nil })
		y.later(time.Hour+20*time.Second, func(lists map[string][]row) {
			set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Partial", "start_date": "today", "message": "The tide, correct horse."})
		})
		_, err = poller.Wait(day(t))
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "Partial", failed.Code)
		assert.Equal(t, "The tide, [redacted].", failed.Message, "the password of the client")
	})
}

// A failure says all that a person needs to find it: which order of which system, and which request it was.
func TestFailureOfARun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		order17(y.lists)
		run, err := y.client("ops").System("4").JobOrders.Run(drkit.WithOperationID(t.Context(), "night-7"), "17")
		require.NoError(t, err)
		y.change(func(lists map[string][]row) {
			set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Failed", "start_date": "today", "message": "The tide."})
		})
		_, err = run.Wait(day(t))
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, &drkit.TaskError{
			Operation: "unitrends.JobOrders.Run", OperationID: "night-7", ResourceID: "17", ResourceName: "job order 17", Site: "4",
			Code: "Failed", Message: "The tide.",
		}, failed)
		assert.Equal(t, drkit.Progress{ID: "job order 17 at system 4", State: drkit.StateFailed, Percent: 100}, run.Progress())
	})
}

// Of what was found after its answer was lost, a second one may come to light at the last moment: a matter for a person.
func TestASecondOrderComesToLight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.on("POST joborders", func(row) { set(y.lists, "joborders", "id", row{"id": 19, "name": "copy the tills"}) }, lost)
		poller, err := y.client("ops").JobOrders.Create(t.Context(), tillOrder())
		require.NoError(t, err)
		looks := 0
		y.reads["joborders"] = func() (int, string) {
			if looks++; looks == 2 {
				set(y.lists, "joborders", "id", row{"id": 20, "name": "copy the tills"})
			}
			return 200, `{"data":` + y.text("joborders") + `}`
		}
		_, err = poller.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "task job order 19 was adopted for it, and then task job order 20 came to light")
		assert.Equal(t, drkit.StateFailed, poller.Progress().State)
	})
}

func TestCancelAndEndSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		set(y.lists, "jobs/active", "id", row{"id": 913, "name": "copy the ledgers", "status": "Active"})
		set(y.lists, "virtual_clients", "virtual_id", row{"virtual_id": "5.vm_ir", "vm_name": "ledger-db-audit"})
		client := y.client("ops")
		cancelled, err := client.Jobs.Cancel(t.Context(), "913")
		require.NoError(t, err)
		ended, err := client.InstantRecoveries.End(t.Context(), "5.vm_ir", unitrends.RecoveryKindVMware)
		require.NoError(t, err)
		y.later(time.Hour, func(lists map[string][]row) { lists["jobs/active"], lists["virtual_clients"] = nil, nil })
		job, err := cancelled.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, "copy the ledgers", job.Name)
		machine, err := ended.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, "ledger-db-audit", machine.VMName)
	})
}

func TestStartSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		client := y.client("ops")
		poller, err := client.InstantRecoveries.Start(t.Context(), ledgerAudit())
		require.NoError(t, err)
		y.later(20*time.Second, func(lists map[string][]row) {
			set(lists, "virtual_clients", "virtual_id", row{"virtual_id": "5.vm_ir", "vm_name": "ledger-db-audit", "status": "Running"})
		})
		machine, err := poller.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.VirtualClient{VirtualID: "5.vm_ir", VMName: "ledger-db-audit", Status: "Running"}, machine)
		_, err = client.InstantRecoveries.Start(t.Context(), ledgerAudit())
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.ErrorContains(t, err, "not sent, because a machine ledger-db-audit runs from a backup already, with the id 5.vm_ir (")
	})
}

// A queue is drained when nothing of the instances waits or is under way.
func TestDrained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		queued := func(id int, instance, status string) row {
			return row{"backup_id": id, "instance_name": instance, "name": "esx-04", "status": status, "target": "harbor"}
		}
		y.change(func(lists map[string][]row) {
			lists["inactive"] = []row{queued(1, "ledger-db", "Needed"), queued(2, "till-03", "Needed"), queued(3, "ledger-db", "Failed"), queued(4, "ledger-db", "Needed")}
			lists["active"] = []row{{"id": 913, "name": "copy", "status": "Active", "instance_name": "ledger-db"}}
			lists["jobs/history"] = []row{
				{"name": "copy", "type": "Replication", "status": "Success", "backup_id": 1}, {"name": "copy", "type": "Backup", "status": "Success", "backup_id": 4},
			}
		})
		client := y.client("ops")
		poller := client.Queue.Drained("ledger-db")
		assert.Equal(t, "the replication queue of ledger-db", poller.ID())
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, drkit.Progress{ID: poller.ID(), State: drkit.StateRunning, Percent: 33}, progress)
		y.later(time.Hour, func(lists map[string][]row) { lists["inactive"] = lists["inactive"][1:3] })
		y.later(2*time.Hour, func(lists map[string][]row) { lists["active"] = nil })
		began := time.Now()
		drain, err := poller.Wait(day(t))
		require.NoError(t, err)
		assert.GreaterOrEqual(t, time.Since(began), 2*time.Hour)
		assert.Equal(t, unitrends.Drain{Left: 3, States: map[string]int{"Success": 1, "Failed": 1, "": 1}}, drain)

		everything := client.Queue.Drained()
		y.later(time.Hour, func(lists map[string][]row) { lists["inactive"] = nil })
		drain, err = everything.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, 2, drain.Left)

		drain, err = client.Queue.Drained().Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.Drain{States: map[string]int{}}, drain)
	})
}

// Close ends waits at once.
func TestCloseEndsWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		client := y.client("ops")
		accepted, err := accept(t.Context(), client)
		require.NoError(t, err)
		y.change(func(lists map[string][]row) {
			lists["inactive"] = []row{{"backup_id": 1, "status": "Needed"}}
		})
		drained := client.Queue.Drained()
		time.AfterFunc(time.Minute, func() { _ = client.Close(t.Context()) })
		_, err = accepted.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrClosed)
		_, err = drained.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrClosed)
	})
}
