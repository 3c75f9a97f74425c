package unitrendstest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

const (
	systems = "/api/systems/?include_pending=1&include_rejected=1"
	decide  = "/api/replication/source"
)

// The wiki's own sample: its body, and its bare 201.
func TestTheSampleOfTheWiki(t *testing.T) {
	t.Parallel()
	g := enter(t, unitrendstest.NewServer(t))
	got := g.ask(t, 201, "POST", decide, `{
      "request_id": 3,
      "accept": true

}`)
	assert.Empty(t, got.body)
	g.refused(t, 500, "There is no pending request with the id 3.", "POST", decide, `{"request_id":3,"accept":true}`)
	g.refused(t, 500, "There is no storage with the id 9.", "POST", decide, `{"request_id":2,"accept":true,"storage_id":9}`)
	assert.Len(t, g.get(t, "/api/replication/pending", "pending"), 2, "a refusal decides nothing")
}

func TestAcceptSettles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory(), unitrendstest.Settling(time.Minute))
		source, target := enter(t, pair.Source), enter(t, pair.Target)
		assert.Empty(t, target.get(t, "/api/replication/pending", "pending"))
		made := source.ask(t, 201, "POST", "/api/replication/target", `{"type":"appliance","host":"vault.drkit.test"}`)
		assert.JSONEq(t, `{"result":[{"code":0,"id":1}]}`, made.body)

		waiting := target.get(t, "/api/replication/pending", "pending")
		require.Len(t, waiting, 1)
		assert.EqualValues(t, 1, waiting[0]["request_id"])
		rows := target.get(t, systems, "appliance")
		require.Len(t, rows, 2)
		assert.Equal(t, "Backup System", rows[0]["role"])
		assert.EqualValues(t, -1, rows[1]["id"])
		assert.Equal(t, true, rows[1]["is_pending"])
		assert.Equal(t, "pending", rows[1]["status"])
		assert.NotContains(t, rows[1], "host")
		assert.Len(t, target.get(t, "/api/systems?include_pending=0", "appliance"), 1)
		assert.Equal(t, "pending", source.get(t, "/api/replication/targets", "targets")[0]["status"])

		target.ask(t, 201, "POST", decide, `{"request_id":1,"accept":true,"storage_id":2}`)
		assert.Empty(t, target.get(t, "/api/replication/pending", "pending"))
		rows = target.get(t, systems, "appliance")
		assert.EqualValues(t, 2, rows[1]["id"])
		assert.Equal(t, true, rows[1]["is_pending"])
		assert.Equal(t, "accepted", rows[1]["status"])
		assert.Len(t, target.get(t, "/api/systems?include_pending=0", "appliance"), 1, "no system yet")
		assert.Empty(t, source.get(t, "/api/backup-copy/connected_targets", "data"))

		<-time.After(time.Minute)
		rows = target.get(t, systems, "appliance")
		assert.Equal(t, "Target", rows[0]["role"])
		assert.EqualValues(t, 2, rows[1]["id"])
		assert.Equal(t, false, rows[1]["is_pending"])
		assert.Equal(t, "Non-Managed Replication Source", rows[1]["role"])
		assert.NotContains(t, rows[1], "request_id")
		assert.Equal(t, "branch.drkit.test", rows[1]["host"])
		assert.Equal(t, "available", source.get(t, "/api/replication/targets", "targets")[0]["status"])
		assert.Len(t, source.get(t, "/api/backup-copy/connected_targets", "data"), 1)
	})
}

func TestRejectReachesTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory())
		source, target := enter(t, pair.Source), enter(t, pair.Target)
		source.ask(t, 201, "POST", "/api/replication/target", `{"name":"vault"}`)
		target.refused(t, 500, "message is required", "POST", decide, `{"request_id":1,"accept":false}`)
		target.refused(t, 500, "message is required", "POST", decide, `{"request_id":1,"accept":false,"message":""}`)
		target.ask(t, 201, "POST", decide, `{"request_id":1,"accept":false,"message":"not on the list"}`)
		rows := target.get(t, systems, "appliance")
		require.Len(t, rows, 2)
		assert.EqualValues(t, -1, rows[1]["id"])
		assert.Equal(t, "rejected", rows[1]["status"])
		assert.Equal(t, "not on the list", rows[1]["message"])
		assert.Len(t, target.get(t, "/api/systems/", "appliance"), 1, "rejected ones are only shown if asked for")
		target.refused(t, 500, "only allowed with", "GET", "/api/systems/?include_pending=0&include_rejected=1", "")
		<-time.After(time.Second)
		known := source.get(t, "/api/replication/targets/", "targets")
		require.Len(t, known, 1)
		assert.Equal(t, "rejected", known[0]["status"])
		assert.Equal(t, "not on the list", known[0]["message"])

		source.ask(t, 201, "POST", "/api/replication/target", `{"name":"vault"}`)
		assert.Equal(t, "pending", source.get(t, "/api/replication/targets", "targets")[0]["status"])
		assert.EqualValues(t, 2, target.get(t, "/api/replication/pending", "pending")[0]["request_id"])
	})
}

// The wiki: a source that the target manages has been there before, and only its role changes.
func TestAcceptingAManagedSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory(), unitrendstest.AtTarget(unitrendstest.Manages("branch")))
		target := enter(t, pair.Target)
		rows := target.get(t, systems, "appliance")
		require.Len(t, rows, 2)
		assert.Equal(t, "Manager", rows[0]["role"])
		assert.Equal(t, "Managed DPU", rows[1]["role"])
		require.NoError(t, pair.Source.Operator("olga").RequestTarget("vault"))
		assert.Len(t, target.get(t, systems, "appliance"), 3)
		require.NoError(t, pair.Target.Operator("oscar").Accept(1, 0))
		rows = target.get(t, systems, "appliance")
		require.Len(t, rows, 2, "the request stands for the system that it becomes")
		assert.EqualValues(t, 2, rows[1]["id"])
		assert.Equal(t, true, rows[1]["is_pending"])
		<-time.After(time.Second)
		rows = target.get(t, "/api/systems/?sid=2", "appliance")
		require.Len(t, rows, 1)
		assert.Equal(t, "Replication Source", rows[0]["role"])
		target.ask(t, 200, "DELETE", "/api/replication/source/2", "")
		assert.Equal(t, "Managed DPU", target.get(t, "/api/systems/?sid=2", "appliance")[0]["role"])
	})
}

func TestAskingTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory())
		target := enter(t, pair.Target)
		for range 2 {
			require.NoError(t, pair.Source.Operator("olga").RequestTarget("vault"))
		}
		assert.Len(t, target.get(t, "/api/replication/pending", "pending"), 2)
		for id := 1; id <= 2; id++ {
			target.ask(t, 201, "POST", decide, fmt.Sprintf(`{"request_id":%d,"accept":true}`, id))
			<-time.After(time.Second)
		}
		rows := target.get(t, systems, "appliance")
		require.Len(t, rows, 2, "the wiki: added to or updated in the systems")
		assert.EqualValues(t, 2, rows[1]["id"])
		assert.Len(t, pair.Target.Audit().Incoming, 2)
	})
}

func TestChangingAndRemovingASource(t *testing.T) {
	t.Parallel()
	pair := unitrendstest.NewPair(t)
	sid, _ := pair.Connect()
	source, target := enter(t, pair.Source), enter(t, pair.Target)
	path := fmt.Sprintf("/api/replication/source/?sid=%d", sid)
	target.ask(t, 200, "PUT", path, `{"customer":"ACME","location_id":7,"storage_id":2}`)
	target.refused(t, 500, "no storage", "PUT", path, `{"storage_id":3}`)
	target.refused(t, 500, "no replicating source", "PUT", "/api/replication/source/?sid=9", `{}`)
	target.violates(t, `"sid" is missing`, "PUT", "/api/replication/source", `{}`)
	target.ask(t, 200, "DELETE", fmt.Sprintf("/api/replication/source/%d", sid), "")
	target.refused(t, 500, "no replicating source", "DELETE", fmt.Sprintf("/api/replication/source/%d", sid), "")
	assert.Empty(t, source.get(t, "/api/replication/targets", "targets"))
	assert.Len(t, target.get(t, systems, "appliance"), 1)
}
