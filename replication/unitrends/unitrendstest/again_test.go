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
