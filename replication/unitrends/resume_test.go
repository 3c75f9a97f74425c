package unitrends_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// A wait goes on in another process, at another address of the same appliance.
func TestResume(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(row) { accepts(y.lists) }, nil)
		poller, err := accept(t.Context(), y.client("ops"))
		require.NoError(t, err)
		token, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		y.change(configured)

		other := y.client("ops")
		resumed, err := unitrends.Resume[unitrends.System](other, token)
		require.NoError(t, err)
		source, err := resumed.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, "quay-12", source.Name)
		again, err := resumed.ResumeToken(t.Context())
		require.NoError(t, err)
		assert.Equal(t, token, again)

		raw, err := unitrends.Resume[json.RawMessage](other, token)
		require.NoError(t, err)
		text, err := raw.Wait(day(t))
		require.NoError(t, err)
		assert.Contains(t, string(text), `"name":"quay-12"`)
		again, err = raw.ResumeToken(t.Context())
		require.NoError(t, err)
		assert.Equal(t, token, again)
		assert.Equal(t, []string{decide}, y.requests())
	})
}

// Each poller can be resumed, with what it needs to know its own work again.
func TestEveryPollerIsResumed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		order17(y.lists)
		set(y.lists, "replication/targets", "name", row{"name": "islet"})
		set(y.lists, "jobs/active", "id", row{"id": 913, "name": "a"})
		set(y.lists, "virtual_clients", "virtual_id", row{"virtual_id": "5.vm_ir"})
		client := y.client("ops")
		ctx := t.Context()
		began := map[string]func() (follower, error){
			"reject": func() (follower, error) { return following(client.Sources.Reject(ctx, "41", "no")) },
			"delete": func() (follower, error) { return following(client.Sources.Delete(ctx, "4")) },
			"request": func() (follower, error) {
				return following(client.Targets.Request(ctx, unitrends.TargetRequest{"a": 1}))
			},
			"create": func() (follower, error) { return following(client.JobOrders.Create(ctx, tillOrder())) },
			"run":    func() (follower, error) { return following(client.JobOrders.Run(ctx, "17")) },
			"cancel": func() (follower, error) { return following(client.Jobs.Cancel(ctx, "913")) },
			"start":  func() (follower, error) { return following(client.InstantRecoveries.Start(ctx, ledgerAudit())) },
			"end": func() (follower, error) {
				return following(client.InstantRecoveries.End(ctx, "5.vm_ir", unitrends.RecoveryKindVMware))
			},
			"drained": func() (follower, error) { return following(client.Queue.Drained("ledger-db"), nil) },
			"at a system": func() (follower, error) {
				return following(client.System("1").JobOrders.Create(ctx, unitrends.ReplicationJobOrder{Name: "b", Instances: []unitrends.ID{"1"}, TargetID: "2"}))
			},
		}
		tokens, ids := map[string]string{}, map[string]string{}
		for name, begin := range began {
			poller, err := begin()
			require.NoError(t, err, name)
			ids[name] = poller.ID()
			tokens[name], err = poller.ResumeToken(ctx)
			require.NoError(t, err, name)
		}
		y.change(func(lists map[string][]row) {
			rejects(lists)
			drop(lists, "systems", "id", 4)
			set(lists, "replication/targets", "name", row{"name": "harbor"})
			set(lists, "backup-copy/connected_targets", "name", row{"name": "harbor", "target_id": 2})
			set(lists, "joborders", "id", row{"id": 19, "name": "copy the tills"})
			set(lists, "joborders", "id", row{"id": 20, "name": "b"})
			set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Success", "start_date": "today"})
			lists["jobs/active"] = nil
			lists["virtual_clients"] = []row{{"virtual_id": "6.vm_ir", "vm_name": "ledger-db-audit"}}
		})
		want := map[string]string{
			"reject": `"no berth"`, "delete": `"id":4`, "request": `"harbor"`, "create": `"id":19`, "run": `"today"`, "cancel": `"id":913`,
			"start": `"6.vm_ir"`, "end": `"5.vm_ir"`, "drained": `"left":0`, "at a system": `"id":20`,
		}
		other := y.client("ops")
		for name, token := range tokens {
			poller, err := unitrends.Resume[json.RawMessage](other, token)
			require.NoError(t, err, name)
			assert.Equal(t, ids[name], poller.ID(), "the same, at the same system")
			_, err = poller.Poll(ctx) // once: a controller may have a new poller on each turn
			require.NoError(t, err, name)
			result, err := poller.Result()
			require.NoError(t, err, name)
			assert.Contains(t, string(result), want[name], name)
		}
	})
}

// A token is good for its own operation, appliance and user alone.
func TestTokensThatAreRefused(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	asks(y.lists)
	client := y.client("ops")
	poller, err := accept(t.Context(), client)
	require.NoError(t, err)
	token, err := poller.ResumeToken(t.Context())
	require.NoError(t, err)
	parsed, err := step.ParseToken(token)
	require.NoError(t, err)
	assert.Equal(t, "harbor 1", parsed.Appliance)
	assert.Equal(t, "ops", parsed.User)
	with := func(change func(*step.Token)) string {
		changed := parsed
		change(&changed)
		return changed.String()
	}
	for text, want := range map[string]string{
		"drkit.2.abc": "another version of drkit",
		with(func(s *step.Token) { s.Service = "vcav" }):                                    "it belongs to package vcav",
		with(func(s *step.Token) { s.Operation = "Queue.Edit" }):                            "Queue.Edit has no poller",
		with(func(s *step.Token) { s.Task = "41" }):                                         "it does not say what to look for",
		with(func(s *step.Token) { s.Task = `{"name":"quay-12"}` }):                         "it does not say what to look for",
		with(func(s *step.Token) { s.Operation, s.Task = "JobOrders.Create", `{"id":41}` }): "it does not say what to look for",
		with(func(s *step.Token) { s.Operation = "JobOrders.Run" }):                         "a result of type unitrends.HistoryJob and not unitrends.System",
		with(func(s *step.Token) { s.Operation = "Queue.Drained" }):                         "a result of type unitrends.Drain and not unitrends.System",
	} {
		_, err := unitrends.Resume[unitrends.System](client, text)
		require.ErrorIs(t, err, drkit.ErrToken)
		assert.ErrorContains(t, err, want)
	}
	stranger := y.client("somebody")
	resumed, err := unitrends.Resume[unitrends.System](stranger, token)
	require.NoError(t, err)
	_, err = resumed.Poll(t.Context())
	require.ErrorIs(t, err, drkit.ErrToken)
	assert.ErrorContains(t, err, "belongs to the user ops, and this is somebody")

	watch, err := client.Queue.Drained().ResumeToken(t.Context())
	require.NoError(t, err)
	drained, err := unitrends.Resume[unitrends.Drain](stranger, watch)
	require.NoError(t, err)
	_, err = drained.Poll(t.Context())
	require.ErrorIs(t, err, drkit.ErrToken)

	elsewhere := newYard(t)
	set(elsewhere.lists, "systems", "id", row{"id": 1, "name": "islet"})
	resumed, err = unitrends.Resume[unitrends.System](elsewhere.client("ops"), token)
	require.NoError(t, err)
	_, err = resumed.Poll(t.Context())
	require.ErrorIs(t, err, drkit.ErrToken)
	assert.ErrorContains(t, err, "with name and id harbor 1, and this is islet 1")
}

// An appliance that does not show which system it is itself cannot be told from others.
func TestTokensNeedALocalSystem(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	drop(y.lists, "systems", "id", 1)
	_, err := y.client("ops").Queue.Drained().ResumeToken(t.Context())
	require.ErrorContains(t, err, "the appliance lists no system of its own")
	given := newClient(t, newYard(t), unitrends.Token(drkit.NewSecret(givenToken)))
	token, err := given.Queue.Drained().ResumeToken(t.Context())
	require.NoError(t, err)
	again := newClient(t, newYard(t), unitrends.Token(drkit.NewSecret("another")))
	poller, err := unitrends.Resume[unitrends.Drain](again, token)
	require.NoError(t, err)
	_, err = poller.Poll(t.Context())
	require.NoError(t, err)
}

// A call without a note takes the first look for what was there before, where it must.
func TestWithoutANote(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		order17(y.lists)
		y.on(decide, func(row) { accepts(y.lists) }, nil)
		client := y.client("ops")
		run, err := client.JobOrders.Run(wire(t), "17")
		require.NoError(t, err)
		_, err = run.Poll(t.Context())
		require.ErrorIs(t, err, drkit.ErrNotFound, "the old failure is not that of this run")
		accepted, err := accept(wire(t), client)
		require.NoError(t, err)
		y.later(time.Minute, configured)
		source, err := accepted.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.ID("9"), source.ID)
		created, err := client.JobOrders.Create(wire(t), tillOrder())
		require.NoError(t, err)
		y.change(func(lists map[string][]row) { set(lists, "joborders", "id", row{"id": 19, "name": "copy the tills"}) })
		order, err := created.Wait(day(t))
		require.NoError(t, err)
		assert.Equal(t, unitrends.ID("19"), order.ID)
	})
}

// What a token tells of its work holds also where the lists have forgotten it, or others have come to the same.
func TestResumedWorkIsKnownByItsName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		order17(y.lists)
		client := y.client("ops")
		accepted, err := accept(t.Context(), client)
		require.NoError(t, err)
		acceptance := token(t, accepted)
		run, err := client.JobOrders.Run(t.Context(), "17")
		require.NoError(t, err)
		running := token(t, run)
		y.change(func(lists map[string][]row) {
			drop(lists, "replication/pending", "request_id", 41)
			drop(lists, "systems", "id", -41)
			set(lists, "systems", "id", row{"id": 30, "is_pending": false, "name": "barge", "role": "Replication Source"})
			configured(lists)
			drop(lists, "joborders", "id", 17)
			set(lists, "jobs/history", "start_date", row{"name": "copy the ledgers", "status": "Success", "start_date": "today"})
		})
		other := y.client("ops")
		source, err := unitrends.Resume[unitrends.System](other, acceptance)
		assert.Equal(t, "quay-12", ended(t, source, err).Name)
		job, err := unitrends.Resume[unitrends.HistoryJob](other, running)
		assert.Equal(t, "today", ended(t, job, err).StartDate)
	})
}

// The operation ID of the request stays that of its wait, whoever waits.
func TestResumedFailuresHaveTheirOperationID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		accepted, err := accept(drkit.WithOperationID(t.Context(), "night-7"), y.client("ops"))
		require.NoError(t, err)
		waits := token(t, accepted)
		y.change(rejects)
		resumed, err := unitrends.Resume[unitrends.System](y.client("ops"), waits)
		require.NoError(t, err)
		_, err = resumed.Wait(day(t))
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "night-7", failed.OperationID)
	})
}

// The same work has the same token, whoever makes it: a caller may tell work apart by that.
func TestTokensAreEqual(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	for _, name := range []string{"islet", "harbor", "quay", "barge", "tide", "ebb"} {
		set(y.lists, "replication/targets", "name", row{"name": name})
	}
	asked, err := y.client("ops").Targets.Request(t.Context(), unitrends.TargetRequest{"target": "wharf"})
	require.NoError(t, err)
	first := token(t, asked)
	for range 10 {
		resumed, err := unitrends.Resume[unitrends.Target](y.client("ops"), token(t, asked))
		require.NoError(t, err)
		assert.Equal(t, first, token(t, resumed))
	}
}

// A token that was made before anybody has looked says little. That of who has looked since says what he has seen.
func TestTokensOfWhoHasLooked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		settled, err := y.client("ops").Sources.Settled("41")
		require.NoError(t, err)
		first := token(t, settled)
		resumed, err := unitrends.Resume[unitrends.System](y.client("ops"), first)
		require.NoError(t, err)
		assert.Equal(t, first, token(t, resumed))
		_, err = resumed.Poll(t.Context())
		require.NoError(t, err)
		second := token(t, resumed)
		y.change(func(lists map[string][]row) { accepts(lists); configured(lists) })

		late, err := unitrends.Resume[unitrends.System](y.client("ops"), second)
		assert.Equal(t, "quay-12", ended(t, late, err).Name)
		late, err = unitrends.Resume[unitrends.System](y.client("ops"), first)
		require.NoError(t, err)
		_, err = late.Wait(day(t))
		require.ErrorIs(t, err, drkit.ErrTaskGone)
	})
}
