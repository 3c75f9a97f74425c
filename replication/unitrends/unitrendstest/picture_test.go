package unitrendstest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// Options replace the parts of the picture that they name.
func TestThePicture(t *testing.T) {
	t.Parallel()
	munich := time.FixedZone("CET", 3600)
	clock := unitrendstest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	server := unitrendstest.NewServer(t, unitrendstest.Named("munich"), unitrendstest.Release("10.4.2"), unitrendstest.Zone(munich),
		unitrendstest.UseClock(clock), unitrendstest.StorageAreas("fast", "slow", "cold"), unitrendstest.Pending(), unitrendstest.CopiesTo("berlin"),
		unitrendstest.Reachable("essen"), unitrendstest.Manages("ulm"), unitrendstest.Protects())
	g := enter(t, server)
	rows := g.get(t, systems, "appliance")
	require.Len(t, rows, 2)
	assert.Equal(t, []any{"munich", "munich.drkit.test", "10.4.2"}, []any{rows[0]["name"], rows[0]["host"], rows[0]["version"]})
	assert.Equal(t, "ulm", rows[1]["name"])
	assert.Equal(t, "06/01/2030 01:00:00 pm", rows[1]["created"])
	assert.Equal(t, []int{1, 2, 0}, []int{server.SystemID("munich"), server.SystemID("ulm"), server.SystemID("bonn")})
	assert.Equal(t, []int{2, 0, 0, 0}, []int{server.StorageID("slow"), server.StorageID("other"), server.StorageOf("ulm"), server.StorageOf("bonn")})
	assert.Equal(t, []int{1, 0, 0, 0}, []int{server.TargetID("berlin"), server.TargetID("essen"), server.AssetID("db-1"), server.RequestID("ulm")})
	assert.Zero(t, server.ReceiveRequest("munich"), "no appliance asks itself")
	assert.Empty(t, g.get(t, "/api/assets", "data"))
	assert.Empty(t, g.get(t, "/api/replication/pending", "pending"))
	g.ask(t, 201, "POST", "/api/replication/target", `{"host":"essen"}`)
	assert.NotEmpty(t, server.Thumbprint())
	assert.Len(t, server.Options(), 1)
	assert.Equal(t, 1, server.Count("Targets.Request"))
}

// Whatever takes a sid refuses one that nobody has.
func TestSystemsThatAreNotThere(t *testing.T) {
	t.Parallel()
	server := unitrendstest.NewServer(t)
	g := enter(t, server)
	bodies := map[string]string{
		"SourceUpdate": `{}`, "ConfigUpdate": `{}`, "QueueEdit": `{"clients":["a"],"action":"none"}`, "StrategyUpdate": `{"strategy":"Recency"}`,
		"TargetRequest": `{"host":"cloud-2"}`, "ReplicationJobOrder": `{"name":"n","type":"Replication","instances":[12],"target_id":1}`,
		"JobOrder": `{"id":1,"name":"n"}`, "RecoveryEnd": `{"type":"vm_ir"}`,
		"InstantRecovery": `{"audit":true,"backup_id":1,"target":{"host":"h","name":"n","datastore":"d"}}`,
	}
	for _, operation := range contract.Table.Operations {
		if !slices.Contains(operation.Query, "sid") || operation.Name == contract.SystemsList.Name {
			continue // the list of systems just does not have it
		}
		path := operation.Path
		for _, argument := range []string{"{jobOrderId}", "{jobId}", "{virtualId}"} {
			path = strings.ReplaceAll(path, argument, "1")
		}
		g.refused(t, 500, "9", operation.Method, path+"/?sid=9", bodies[operation.Body])
	}
	assert.Empty(t, g.get(t, "/api/systems/?sid=9", "appliance"))
	// A source that is not managed has more to itself than its queue and settings.
	require.NoError(t, server.Operator("oscar").Accept(1, 0))
	g.refused(t, 500, "no system", "GET", "/api/storage/?sid=2", "")
}

func TestConnections(t *testing.T) {
	t.Parallel()
	server := unitrendstest.NewServer(t, unitrendstest.InMemory())
	g := enter(t, server)
	server.CloseConnections()
	server.RefuseConnections(1)
	_, err := g.send(t.Context(), "POST", decide, `{"request_id":1,"accept":true}`)
	require.Error(t, err)
	server.Inject(unitrendstest.Fault{Status: 429})
	server.FailCopy("db-1", "never")
	server.ClearFaults()
	g.ask(t, 201, "POST", decide, `{"request_id":1,"accept":true}`)
	assert.Equal(t, 1, server.Ran("Sources.Decide", ""))
	g.ask(t, 201, "POST", "/api/joborders", `{"name":"n","type":"Replication","instances":[12],"target_id":1}`)
	assert.Equal(t, 1, server.FinishCopies())
	assert.Equal(t, "Success", g.get(t, "/api/jobs/history", "data")[0]["status"])
}
