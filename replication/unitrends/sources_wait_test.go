package unitrends_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

const decide = "POST replication/source"

// asks lets quay-12 ask for a place, as request 41.
func asks(lists map[string][]row) {
	set(lists, "systems", "id", row{
		"id": -41, "is_pending": true, "request_id": 41, "name": "quay-12", "asset_tag": "UT-500731",
		"role": "Non-Managed Replication Source", "status": "pending",
	})
	set(lists, "replication/pending", "request_id", row{"request_id": 41})
}

// accepts lets the target take the decision: the source is being configured.
func accepts(lists map[string][]row) {
	drop(lists, "replication/pending", "request_id", 41)
	drop(lists, "systems", "id", -41)
	set(lists, "systems", "id", row{
		"id": 9, "is_pending": true, "request_id": 41, "name": "quay-12", "role": "Non-Managed Replication Source", "status": "accepted",
	})
}

// configured ends what accepts has begun.
func configured(lists map[string][]row) {
	drop(lists, "systems", "id", 9)
	set(lists, "systems", "id", row{
		"id": 9, "is_pending": false, "name": "quay-12", "host": "192.0.2.12", "role": "Non-Managed Replication Source", "status": "starting",
	})
}

func rejects(lists map[string][]row) {
	drop(lists, "replication/pending", "request_id", 41)
	set(lists, "systems", "id", row{"id": -41, "status": "rejected", "message": "no berth"})
}

// later changes a yard after a while.
func (y *yard) later(d time.Duration, change func(lists map[string][]row)) {
	time.AfterFunc(d, func() { y.change(change) })
}

// An acceptance has settled once the source is a system that replicates, and two looks have shown it the same.
func TestAcceptSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(row) { accepts(y.lists) }, nil)
		poller, err := y.client("ops").Sources.Accept(t.Context(), "41", unitrends.Acceptance{StorageID: drkit.Some(unitrends.ID("7"))})
		require.NoError(t, err)
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, drkit.Progress{ID: "replication request 41", State: "accepted"}, progress)
		y.later(20*time.Minute, configured)
		y.later(21*time.Minute, func(lists map[string][]row) { set(lists, "systems", "id", row{"id": 9, "status": "available"}) })
		began := time.Now()
		var states []drkit.State
		source, err := poller.Wait(day(t), drkit.OnProgress(func(p drkit.Progress) { states = append(states, p.State) }))
		require.NoError(t, err)
		assert.Equal(t, unitrends.System{
			ID: "9", Name: "quay-12", Host: "192.0.2.12", Role: unitrends.SystemRoleNonManagedReplicationSource, Status: "starting",
		}, source, "the first that two looks agree on")
		assert.Less(t, time.Since(began), 21*time.Minute)
		assert.Equal(t, drkit.StateSucceeded, states[len(states)-1])
		assert.Contains(t, states, drkit.State("starting"))
		assert.False(t, poller.Adopted())
		assert.Equal(t, []string{decide}, y.requests())
		assert.Equal(t, 2, y.looksAt("replication/pending"), "asked only when the systems no longer show the request")
	})
}

// One look never suffices, also not for a caller that polls.
func TestAcceptTakesTwoLooks(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	asks(y.lists)
	y.on(decide, func(row) { accepts(y.lists) }, nil)
	poller, err := y.client("ops").Sources.Accept(t.Context(), "41", unitrends.Acceptance{})
	require.NoError(t, err)
	type lists = map[string][]row
	available := func(l lists) { set(l, "systems", "id", row{"id": 9, "status": "available"}) }
	gone := func(l lists) { drop(l, "systems", "id", 9) }
	another := row{"id": 12, "is_pending": false, "name": "quay-12", "role": "Replication Source", "status": "available"}
	for _, look := range []struct {
		change func(l lists)
		state  drkit.State
		done   bool
	}{
		{func(lists) {}, "accepted", false},
		{configured, "starting", false},
		{available, "available", false},
		{gone, drkit.StateQueued, false}, // so that the next is not in a row with the last
		{func(l lists) { configured(l); available(l) }, "available", false},
		{func(l lists) { gone(l); set(l, "systems", "id", another) }, "available", false},
		{func(lists) {}, drkit.StateSucceeded, true},
	} {
		y.change(look.change)
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, look.state, progress.State)
		assert.Equal(t, look.done, poller.Done())
	}
}

// A source that was managed before becomes one that replicates.
func TestAcceptOfAManagedSystem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		set(y.lists, "systems", "id", row{"id": 12, "is_pending": false, "name": "quay-12", "role": "Managed DPU"})
		y.on(decide, func(row) {
			drop(y.lists, "systems", "id", -41)
			drop(y.lists, "replication/pending", "request_id", 41)
			set(y.lists, "systems", "id", row{"id": 12, "role": "replicating source"})
		}, nil)
		poller, err := y.client("ops").Sources.Accept(t.Context(), "41", unitrends.Acceptance{})
		require.NoError(t, err)
		source, err := poller.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.ID("12"), source.ID)
	})
}

// What others do to other requests is none of this one's business.
func TestAcceptIsNotMisled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		other := row{"id": 30, "is_pending": false, "name": "barge", "role": "Replication Source"}
		y.on(decide, func(row) { accepts(y.lists); set(y.lists, "systems", "id", other) }, nil)
		poller, err := y.client("ops").Sources.Accept(t.Context(), "41", unitrends.Acceptance{})
		require.NoError(t, err)
		y.later(time.Minute, configured)
		source, err := poller.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.ID("9"), source.ID)
	})
}

// Somebody who decides otherwise makes the wait fail.
func TestDecisionsOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		accepted, err := y.client("ops").Sources.Accept(t.Context(), "41", unitrends.Acceptance{})
		require.NoError(t, err)
		y.later(time.Minute, rejects)
		_, err = accepted.Wait(day(t))
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		require.ErrorIs(t, err, drkit.ErrConflict)
		assert.Equal(t, "unitrends.Sources.Accept: task on replication request 41 failed: rejected: the request was rejected "+
			"(operation ID "+failed.OperationID+")", err.Error())

		y = newYard(t)
		asks(y.lists)
		rejected, err := y.client("ops").Sources.Reject(t.Context(), "41", "no berth")
		require.NoError(t, err)
		y.later(time.Minute, accepts)
		_, err = rejected.Wait(day(t))
		require.ErrorContains(t, err, "the request was accepted")
		require.ErrorIs(t, err, drkit.ErrConflict)
	})
}

// A request that is being worked on is not accepted again.
func TestAcceptOfWhatIsAccepted(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	accepts(y.lists)
	_, err := y.client("ops").Sources.Accept(t.Context(), "41", unitrends.Acceptance{})
	require.ErrorIs(t, err, drkit.ErrConflict)
	assert.ErrorContains(t, err, "not sent, because replication request 41 is accepted already, and its source is being configured as system 9 (")
	set(y.lists, "systems", "id", row{"id": 9, "name": ""})
	_, err = y.client("ops").Sources.Accept(t.Context(), "41", unitrends.Acceptance{})
	require.ErrorIs(t, err, drkit.ErrConflict, "whoever its source is")
	assert.Empty(t, y.requests())
}

func TestRejectSettles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end  func(lists map[string][]row)
		want unitrends.System
	}{
		"shown": {rejects, unitrends.System{
			ID: "-41", IsPending: true, RequestID: "41", Name: "quay-12", AssetTag: "UT-500731", Status: "rejected", Message: "no berth",
			Role: unitrends.SystemRoleNonManagedReplicationSource,
		}},
		"gone": {func(lists map[string][]row) {
			drop(lists, "systems", "id", -41)
			drop(lists, "replication/pending", "request_id", 41)
		}, unitrends.System{RequestID: "41"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				asks(y.lists)
				poller, err := y.client("ops").Sources.Reject(t.Context(), "41", "no berth")
				require.NoError(t, err)
				y.later(5*time.Minute, tc.end)
				request, err := poller.Wait(day(t))
				require.NoError(t, err)
				assert.Equal(t, tc.want, request)
			})
		})
	}
}

// The texts of a status are not known: where they say nothing, the list of pending requests does.
func TestRejectOfAStatusThatSaysNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		set(y.lists, "systems", "id", row{"id": -41, "status": "new"})
		poller, err := y.client("ops").Sources.Reject(t.Context(), "41", "no berth")
		require.NoError(t, err)
		_, err = poller.Poll(t.Context())
		require.NoError(t, err)
		require.False(t, poller.Done())
		y.later(time.Minute, func(lists map[string][]row) {
			drop(lists, "replication/pending", "request_id", 41)
			set(lists, "systems", "id", row{"id": -41, "status": "turned away"})
		})
		request, err := poller.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, "turned away", request.Status)
	})
}

// A request that only the list of pending ones shows is pending as well.
func TestRejectOfWhatOnlyThePendingListShows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		set(y.lists, "replication/pending", "request_id", row{"request_id": 41})
		poller, err := y.client("ops").Sources.Reject(t.Context(), "41", "no berth")
		require.NoError(t, err)
		progress, err := poller.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, drkit.StateQueued, progress.State)
		y.later(time.Minute, func(lists map[string][]row) { drop(lists, "replication/pending", "request_id", 41) })
		_, err = poller.Wait(day(t))
		require.NoError(t, err)
	})
}

// What is asked for may be there already, and the service accept it all the same.
func TestWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		client := y.client("ops")
		rejected, err := client.Sources.Reject(t.Context(), "41", "no berth")
		require.NoError(t, err)
		_, err = rejected.Wait(day(t))
		require.NoError(t, err)
		deleted, err := client.Sources.Delete(t.Context(), "44")
		require.NoError(t, err)
		source, err := deleted.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.System{ID: "44"}, source)
		cancelled, err := client.Jobs.Cancel(t.Context(), "7")
		require.NoError(t, err)
		_, err = cancelled.Wait(day(t))
		require.NoError(t, err)
	})
}

func TestDeleteSettles(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(lists map[string][]row){
		"gone":          func(lists map[string][]row) { drop(lists, "systems", "id", 4) },
		"still managed": func(lists map[string][]row) { set(lists, "systems", "id", row{"id": 4, "role": "Managed DPU"}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				y.later(3*time.Minute, end)
				poller, err := y.client("ops").Sources.Delete(t.Context(), "4")
				require.NoError(t, err)
				removed, err := poller.Wait(day(t))
				require.NoError(t, err)
				assert.Equal(t, "quay-07", removed.Name)
				assert.Equal(t, []string{"DELETE replication/source/4"}, y.requests())
			})
		})
	}
}
