package vcavtest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

type table struct {
	Names  []string            `json:"propertyNames"`
	Values [][]json.RawMessage `json:"values"`
}

func (g guest) poll(t testing.TB, query string, ids ...string) table {
	t.Helper()
	body, err := json.Marshal(append([]string{}, ids...))
	require.NoError(t, err)
	return read[table](t, g.ask(t, http.StatusOK, "POST", "/tasks/poll"+query, string(body)))
}

// cells are the values of a column, row by row, as JSON.
func (p table) cells(t testing.TB, name string) []string {
	t.Helper()
	found := []string{}
	for _, row := range p.Values {
		require.Len(t, row, len(p.Names))
		for i, column := range p.Names {
			if column == name {
				found = append(found, string(row[i]))
			}
		}
	}
	return found
}

// pollColumns are those of the guide's sample.
var pollColumns = []string{
	"id", "user", "workflowInfo.type", "workflowInfo.resourceType", "workflowInfo.resourceId",
	"workflowInfo.resourceName", "progress", "state", "lastUpdated", "startTime", "endTime", "resultType",
	"result", "error", "warnings", "site",
}

func TestPollTasks(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	assert.Equal(t, table{Names: pollColumns, Values: [][]json.RawMessage{}}, g.poll(t, ""))
	g.server.FailTask("VMReplications.Failover", app1, "Broken", "It broke.")
	done := g.begin(t, "POST", "/vm-replications/"+db1+"/sync", "")
	failed := g.begin(t, "POST", "/vm-replications/"+app1+"/failover", failover)
	clock.Advance(11 * time.Second)
	running := g.begin(t, "POST", "/vm-replications/"+web1+"/sync", "")
	clock.Advance(6 * time.Second)

	got := g.poll(t, "?site=site2", "no-such-task", running.ID, failed.ID, done.ID, running.ID)
	assert.Equal(t, pollColumns, got.Names)
	assert.Equal(t, []string{`"` + done.ID + `"`, `"` + failed.ID + `"`, `"` + running.ID + `"`}, got.cells(t, "id"), "each once, in an order of their own")
	assert.Equal(t, []string{`"SUCCEEDED"`, `"FAILED"`, `"RUNNING"`}, got.cells(t, "state"))
	assert.Equal(t, []string{"100", "100", "50"}, got.cells(t, "progress"))
	assert.Equal(t, []string{`"sync"`, `"failover"`, `"sync"`}, got.cells(t, "workflowInfo.type"))
	assert.Equal(t, []string{`"db-1"`, `"app-1"`, `"web-1"`}, got.cells(t, "workflowInfo.resourceName"))
	assert.Equal(t, "-1", got.cells(t, "endTime")[2])
	assert.Equal(t, []string{`"SingleVmReplicationInfo"`, "null", "null"}, got.cells(t, "resultType"))
	assert.Equal(t, "null", got.cells(t, "error")[0])
	assert.Contains(t, got.cells(t, "error")[1], `"Broken"`)
	assert.Equal(t, []string{"[]", "[]", "[]"}, got.cells(t, "warnings"))

	// A row says the same as the task by itself.
	alone := map[string]json.RawMessage{}
	require.NoError(t, json.Unmarshal([]byte(g.ask(t, http.StatusOK, "GET", "/tasks/"+done.ID, "").body), &alone))
	for _, name := range []string{"id", "user", "state", "lastUpdated", "startTime", "endTime", "result", "site"} {
		assert.JSONEq(t, string(alone[name]), got.cells(t, name)[0], name)
	}
}

// Tasks that one may not see are missing, without an error.
func TestPollShowsOnesOwn(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.AuthenticatedAt("site1"), withTenant("ann@org2"))
	ann := tenant(t, g.server, "ann@org2")
	roots := g.begin(t, "POST", "/vm-replications/"+db1+"/sync", "")
	anns := ann.begin(t, "POST", "/vm-replications/"+app1+"/sync", "")
	remote := g.begin(t, "POST", "/vm-replications/"+web1+"/sync?site=site1", "")
	clock.Advance(11 * time.Second)
	all := []string{roots.ID, anns.ID, remote.ID}
	assert.Equal(t, []string{`"` + roots.ID + `"`, `"` + anns.ID + `"`}, g.poll(t, "", all...).cells(t, "id"))
	assert.Equal(t, []string{`"` + remote.ID + `"`}, g.poll(t, "?site=site1", all...).cells(t, "id"))
	own := ann.poll(t, "", all...)
	assert.Equal(t, []string{`"` + anns.ID + `"`}, own.cells(t, "id"))
	assert.Contains(t, own.cells(t, "result")[0], `"vimLocation":null`)
}
