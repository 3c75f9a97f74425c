package unitrendstest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// A source that replicates asks again: it stays connected, and there is nothing left to configure.
func TestASourceThatReplicatesAsksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory(), unitrendstest.Settling(time.Minute))
		source, target := enter(t, pair.Source), enter(t, pair.Target)
		pair.Connect()
		source.ask(t, 201, "POST", "/api/replication/target", `{"name":"vault"}`)
		assert.Len(t, source.get(t, "/api/backup-copy/connected_targets", "data"), 1)
		assert.Len(t, target.get(t, systems, "appliance"), 3, "the request beside the system")
		target.ask(t, 201, "POST", decide, `{"request_id":2,"accept":true}`)
		rows := target.get(t, systems, "appliance")
		require.Len(t, rows, 2)
		assert.Equal(t, false, rows[1]["is_pending"])
	})
}

// What is removed while it is being configured stays removed, and a managed system that does not replicate is no source.
func TestAManagedSourceIsRemovedMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory(), unitrendstest.AtTarget(unitrendstest.Manages("branch")))
		target := enter(t, pair.Target)
		target.refused(t, 500, "There is no replicating source with the id 2.", "DELETE", "/api/replication/source/2", "")
		target.refused(t, 500, "There is no replicating source with the id 2.", "PUT", "/api/replication/source/?sid=2", `{"storage_id":1}`)
		require.NoError(t, pair.Source.Operator("olga").RequestTarget("vault"))
		require.NoError(t, pair.Target.Operator("oscar").Accept(1, 0))
		target.ask(t, 200, "DELETE", "/api/replication/source/2", "")
		<-time.After(time.Second)
		assert.Equal(t, "Managed DPU", target.get(t, "/api/systems/?sid=2", "appliance")[0]["role"])
	})
}

func TestARequestNamesOneTarget(t *testing.T) {
	t.Parallel()
	server := unitrendstest.NewServer(t, unitrendstest.Reachable("cloud-2", "cloud-3"))
	g := enter(t, server)
	g.refused(t, 500, "two targets, cloud-2 and cloud-3", "POST", "/api/replication/target", `{"host":"cloud-2","target":"cloud-3"}`)
	g.ask(t, 201, "POST", "/api/replication/target", `{"host":"cloud-3.drkit.test","target":"cloud-3"}`)
	assert.Len(t, server.Audit().Outgoing, 2, "the first is that of cloud-1")
}

// A source that has asked twice waits on, although one of its requests is rejected.
func TestOneOfTwoRequestsIsRejected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory())
		source, target := enter(t, pair.Source), enter(t, pair.Target)
		for range 2 {
			require.NoError(t, pair.Source.Operator("olga").RequestTarget("vault"))
		}
		target.ask(t, 201, "POST", decide, `{"request_id":1,"accept":false,"message":"once is enough"}`)
		<-time.After(time.Second)
		assert.Equal(t, "pending", source.get(t, "/api/replication/targets", "targets")[0]["status"])
		target.ask(t, 201, "POST", decide, `{"request_id":2,"accept":false,"message":"no"}`)
		<-time.After(time.Second)
		assert.Equal(t, "rejected", source.get(t, "/api/replication/targets", "targets")[0]["status"])
	})
}

// A managed system that is down cannot be read through its manager.
func TestAManagedSystemThatIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory(), unitrendstest.AtTarget(unitrendstest.Manages("branch")))
		target := enter(t, pair.Target)
		pair.Source.Restart(time.Minute)
		target.refused(t, 500, "The system branch cannot be reached.", "GET", "/api/assets/?sid=2", "")
		<-time.After(2 * time.Minute)
		assert.NotEmpty(t, target.get(t, "/api/assets/?sid=2", "data"))
	})
}

// Copies under way are held as well, and end once they are let go.
func TestCopiesUnderWayAreHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := unitrendstest.NewServer(t, unitrendstest.InMemory(), unitrendstest.Copying(time.Minute), unitrendstest.Orders(unitrendstest.Order{Name: "nightly"}))
		g := enter(t, server)
		server.HoldCopies(true)
		<-time.After(10 * time.Minute)
		assert.Len(t, g.get(t, "/api/replication/queue", "active"), 2)
		server.HoldCopies(false)
		assert.Len(t, g.get(t, "/api/replication/queue", "active"), 1, "those that were due have ended")
		<-time.After(time.Minute)
		assert.Empty(t, g.get(t, "/api/replication/queue", "active"))
	})
}
