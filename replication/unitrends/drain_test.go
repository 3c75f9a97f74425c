package unitrends_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// Between the lists of what waits and of what is being copied a backup may be in neither: one look proves nothing.
func TestDrainedTakesTwoLooks(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	waits, runs := []row{{"backup_id": 1, "status": "Needed"}}, []row{{"id": 5, "backup_id": 1, "status": "Active"}}
	poller := y.client("ops").Queue.Drained()
	for i, look := range []struct {
		inactive, active []row
		done             bool
	}{{waits, nil, false}, {nil, nil, false}, {nil, runs, false}, {nil, nil, false}, {nil, nil, true}} {
		y.change(func(lists map[string][]row) { lists["inactive"], lists["active"] = look.inactive, look.active })
		_, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, look.done, poller.Done(), "look %d", i)
	}
	drain, err := poller.Result()
	require.NoError(t, err)
	assert.Equal(t, unitrends.Drain{Left: 1, States: map[string]int{"": 1}}, drain)
}

// What has come to an end and is still listed, waiting or under way, does not keep the queue from being drained.
func TestDrainedOfWhatHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.change(func(lists map[string][]row) {
			lists["inactive"] = []row{
				{"backup_id": 1, "status": "Done"}, {"backup_id": 2, "status": "failed"}, {"backup_id": 3, "status": "Terminated"},
			}
			lists["active"] = []row{{"id": 913, "backup_id": 4, "status": "Aborted"}, {"id": 914, "status": "Aborted"}}
		})
		drained := y.client("ops").Queue.Drained()
		assert.Equal(t, "the replication queue", drained.ID())
		want := unitrends.Drain{Left: 4, States: map[string]int{"Done": 1, "failed": 1, "Terminated": 1, "Aborted": 1}}
		assert.Equal(t, want, ended(t, drained, nil))
		assert.Equal(t, drkit.Progress{ID: drained.ID(), State: drkit.StateSucceeded, Percent: 100}, drained.Progress())

		again := y.client("ops").Queue.Drained()
		y.change(func(lists map[string][]row) {
			lists["inactive"] = append(lists["inactive"], row{"backup_id": 5, "status": "Needed"})
		})
		_, err := again.Poll(t.Context())
		require.NoError(t, err)
		y.change(func(lists map[string][]row) { lists["inactive"] = []row{{"backup_id": 2, "status": "Done"}} })
		want.States = map[string]int{"Done": 2, "Terminated": 1, "Aborted": 1, "": 1}
		want.Left = 5
		assert.Equal(t, want, ended(t, again, nil), "as the queue has shown it last")
	})
}

// Systems count their backups each for itself, and a backup may be on its way to several targets.
func TestDrainedTellsBackupsApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.change(func(lists map[string][]row) {
			lists["inactive"] = []row{
				{"backup_id": 1, "sid": 4, "status": "Needed", "target": "harbor"},
				{"backup_id": 1, "sid": 4, "status": "Needed", "target": "islet"},
				{"backup_id": 1, "sid": 5, "status": "Needed", "target": "harbor"},
			}
		})
		poller := y.client("ops").Queue.Drained()
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Zero(t, progress.Percent)
		y.change(func(lists map[string][]row) { lists["inactive"] = lists["inactive"][1:2] })
		progress, err = poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 50, progress.Percent)
		y.change(func(lists map[string][]row) {
			lists["inactive"] = nil
			copied := func(sid any, status string, at int) row {
				return row{"name": "a", "type": "Backup Copy", "backup_id": 1, "sid": sid, "status": status, "sort_start_time": at}
			}
			// The newest comes first, as the list may be sorted the other way round.
			lists["jobs/history"] = []row{copied(4, "Success", 20), copied(4, "Failed", 10), copied(5, "Aborted", 30)}
		})
		assert.Equal(t, unitrends.Drain{Left: 2, States: map[string]int{"Success": 1, "Aborted": 1}}, ended(t, poller, nil))
	})
}

// An instance is meant by its own name, or by that of the backup that waits, and not by the name of the job that copies it.
func TestDrainedOfAnInstance(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	poller := y.client("ops").Queue.Drained("tills")
	for _, look := range []struct {
		queue   map[string][]row
		percent int
		done    bool
	}{
		{map[string][]row{"inactive": {{"backup_id": 1, "name": "tills", "instance_name": "", "status": "Needed"}}}, 0, false},
		{map[string][]row{"inactive": {{"backup_id": 2, "name": "esx-04", "instance_name": "tills", "status": "Needed"}}}, 50, false},
		{map[string][]row{"active": {{"id": 913, "name": "copy", "instance_name": "tills", "status": "Active"}}}, 100, false},
		{nil, 100, false},
		{map[string][]row{"active": {{"id": 914, "name": "copy", "instance_name": "tills", "status": "Active"}}}, 100, false},
		{nil, 100, false},
		{map[string][]row{
			"inactive": {{"backup_id": 3, "name": "esx-04", "instance_name": "ledgers", "status": "Needed"}},
			"active":   {{"id": 915, "name": "tills", "instance_name": "ledgers", "status": "Active"}},
		}, 100, true},
	} {
		y.change(func(lists map[string][]row) {
			lists["inactive"], lists["active"] = look.queue["inactive"], look.queue["active"]
		})
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, look.percent, progress.Percent, look.queue)
		assert.Equal(t, look.done, poller.Done(), look.queue)
	}
}

// Where one of two lists does not say of which system a backup is, it may be of any.
func TestDrainedOfBackupsWithoutASystem(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ queued, copied row }{
		"in the queue":   {row{"backup_id": 1, "status": "Needed"}, row{"backup_id": 1, "sid": 4}},
		"in the history": {row{"backup_id": 1, "sid": 4, "status": "Needed"}, row{"backup_id": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				tc.copied["name"], tc.copied["type"], tc.copied["status"] = "a", "Replication", "Success"
				y.change(func(lists map[string][]row) {
					lists["inactive"], lists["jobs/history"] = []row{tc.queued}, []row{tc.copied}
				})
				poller := y.client("ops").Queue.Drained()
				_, err := poller.Poll(t.Context())
				require.NoError(t, err)
				y.change(func(lists map[string][]row) { lists["inactive"] = nil })
				assert.Equal(t, map[string]int{"Success": 1}, ended(t, poller, nil).States)
			})
		})
	}
}

// A target shows the queues of all its sources, and so waits for all. What has failed once and was copied since is well.
func TestDrainedAtATarget(t *testing.T) {
	t.Parallel()
	inFlow(t, func(t *testing.T, f flow) {
		f.pair.Source.FailCopy("web-1", "The tunnel is down.")
		order := f.connect()
		ended(t, f.source.Queue.Drained(), nil)
		run, err := f.source.JobOrders.Run(t.Context(), order.ID)
		require.NoError(t, err)
		drained := f.target.Queue.Drained()
		_, err = drained.Poll(t.Context())
		require.NoError(t, err)
		ended(t, run, nil)
		assert.Equal(t, unitrends.Drain{Left: 1, States: map[string]int{"Success": 1}}, ended(t, drained, nil))
	}, unitrendstest.AtTarget(unitrendstest.Manages("branch")))
}

// Who may not see the history is told so, and not that all is well.
func TestDrainedWithoutTheHistory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.reads["jobs/history"] = answers(403, `{"result":[{"message":"No."}]}`)
		empty := y.client("ops").Queue.Drained()
		assert.Zero(t, ended(t, empty, nil).Left, "there is nothing to ask it for")
		assert.Equal(t, 100, empty.Progress().Percent)
		y.change(func(lists map[string][]row) { lists["inactive"] = []row{{"backup_id": 1, "status": "Failed"}} })
		_, err := y.client("ops").Queue.Drained().Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		y.later(time.Minute, func(lists map[string][]row) { delete(y.reads, "jobs/history") })
		drained := y.client("ops").Queue.Drained()
		_, err = drained.Poll(t.Context())
		require.ErrorIs(t, err, drkit.ErrForbidden)
		<-time.After(2 * time.Minute) // of the bubble
		assert.Equal(t, map[string]int{"Failed": 1}, ended(t, drained, nil).States)
	})
}
