package vcavtest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestSlowTask(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	const sync = "VMReplications.Sync"
	g.server.SlowTask(sync, db1, 10*time.Minute)
	g.server.FailTask(sync, db1, "Broken", "It broke.")
	g.server.SlowTask(sync, "", 20*time.Second)
	begin := func(id string) string { return g.begin(t, "POST", "/vm-replications/"+id+"/sync", "").ID }
	slow, slower, usual := begin(app1), begin(db1), begin(web1)
	for _, at := range []struct {
		after time.Duration
		want  map[string]string
	}{
		{11 * time.Second, map[string]string{slow: "RUNNING", slower: "RUNNING", usual: "SUCCEEDED"}},
		{10 * time.Second, map[string]string{slow: "SUCCEEDED", slower: "RUNNING"}},
		{10*time.Minute - 21*time.Second, map[string]string{slower: "RUNNING"}},
		{time.Second, map[string]string{slower: "FAILED"}},
	} {
		clock.Advance(at.after)
		for id, state := range at.want {
			assert.Equal(t, state, g.job(t, id).State)
		}
	}
	begin(db1)
	clock.Advance(11 * time.Second)
	again := g.server.Tasks()
	assert.Equal(t, "SUCCEEDED", again[len(again)-1].State, "once only")

	g.server.SlowTask(sync, "", 10*time.Minute)
	g.server.ClearFaults()
	assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications/"+db1+"/sync", "").State)
}

func TestForgetTask(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	first := g.begin(t, "POST", "/vm-replications/"+db1+"/sync", "")
	gone := g.begin(t, "POST", "/vm-replications/"+app1+"/failover", failover)
	assert.True(t, g.server.ForgetTask(gone.ID))
	assert.False(t, g.server.ForgetTask(gone.ID))
	last := g.begin(t, "POST", "/vm-replications/"+web1+"/sync", "")
	g.refused(t, http.StatusNotFound, "TaskNotFound", "GET", "/tasks/"+gone.ID, "")
	assert.Equal(t, []string{`"` + first.ID + `"`, `"` + last.ID + `"`}, g.poll(t, "", last.ID, gone.ID, first.ID).cells(t, "id"))
	listed := read[pageOf[job]](t, g.ask(t, http.StatusOK, "GET", "/tasks", ""))
	assert.Equal(t, 2, listed.Total)
	assert.Equal(t, last.ID, listed.Items[0].ID)
	assert.Len(t, g.server.Tasks(), 2)
	g.refused(t, http.StatusConflict, "OperationInProgress", "POST", "/vm-replications/"+app1+"/sync", "")
	clock.Advance(11 * time.Second)
	assert.Equal(t, "COMPLETE", g.shield(t, app1).recovery(), "its work is done")
}

func TestOmitFromPolls(t *testing.T) {
	t.Parallel()
	g, _ := open(t, withTenant("ann@org2"))
	ann := tenant(t, g.server, "ann@org2")
	shown := g.begin(t, "POST", "/vm-replications/"+db1+"/sync", "")
	late := g.begin(t, "POST", "/vm-replications/"+app1+"/sync", "")
	g.server.OmitFromPolls(late.ID, 2)
	rows := func() int { return len(g.poll(t, "", shown.ID, late.ID).Values) }
	assert.Empty(t, ann.poll(t, "", late.ID).Values)
	assert.Len(t, g.poll(t, "", shown.ID).Values, 1)
	assert.Equal(t, "QUEUED", g.job(t, late.ID).State)
	assert.Equal(t, []int{1, 1, 2}, []int{rows(), rows(), rows()}, "two of those that ask for it")
	g.server.OmitFromPolls(late.ID, 5)
	g.server.OmitFromPolls(late.ID, 0)
	assert.Equal(t, 2, rows())
	g.server.OmitFromPolls(late.ID, 5)
	g.server.ClearFaults()
	assert.Equal(t, 2, rows())
}

func TestPollCap(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.PollCap(2))
	first := g.begin(t, "POST", "/vm-replications/"+db1+"/sync", "").ID
	second := g.begin(t, "POST", "/vm-replications/"+app1+"/sync", "").ID
	assert.Equal(t, []string{`"` + second + `"`}, g.poll(t, "", second, "none", first).cells(t, "id"))
	assert.Len(t, g.poll(t, "", second, first).Values, 2)
	assert.Len(t, g.poll(t, "", first).Values, 1)
}

func TestPollObjects(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.PollObjects())
	done := g.finish(t, clock, "POST", "/vm-replications/"+db1+"/sync", "")
	body, err := json.Marshal([]string{done.ID})
	require.NoError(t, err)
	got := read[struct {
		Names  []string         `json:"propertyNames"`
		Values []map[string]any `json:"values"`
	}](t, g.ask(t, http.StatusOK, "POST", "/tasks/poll", string(body)))
	assert.Equal(t, pollColumns, got.Names)
	require.Len(t, got.Values, 1)
	assert.Len(t, got.Values[0], len(pollColumns))
	for _, name := range pollColumns {
		assert.Contains(t, got.Values[0], name)
	}
	assert.Equal(t, "sync", got.Values[0]["workflowInfo.type"])
	assert.Equal(t, "SUCCEEDED", got.Values[0]["state"])
	assert.EqualValues(t, 100, got.Values[0]["progress"])
	assert.Nil(t, got.Values[0]["error"])
}

// Whoever names a silent site waits until it has had enough; the others notice nothing.
func TestSilentSite(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]struct{ method, path, body string }{
		"site":      {"GET", "/vm-replications?site=site1", ""},
		"poll":      {"POST", "/tasks/poll?site=site1", "[]"},
		"extension": {"POST", "/sessions/extend", byCredentials},
		"start":     {"POST", "/vm-replications", startOf("db-2", "site1", "site2")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := vcavtest.NewServer(t, append(neighbours(), vcavtest.InMemory(), vcavtest.AuthenticatedAt("site1"))...)
				defer server.Close() // in the bubble
				g := signIn(t, server, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`)
				server.SilenceSite("site1")
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Hour)
				defer cancel()
				waiting := make(chan error, 1)
				go func() {
					_, err := g.send(ctx, call.method, call.path, call.body)
					waiting <- err
				}()
				synctest.Wait()
				g.ask(t, http.StatusOK, "GET", "/vm-replications", "")
				assert.Zero(t, time.Since(began), "nobody else waits")
				require.ErrorIs(t, <-waiting, context.DeadlineExceeded)
				assert.Equal(t, 100*time.Hour, time.Since(began))
				assert.Zero(t, server.Requests()[1].Status)
				assert.False(t, server.Requests()[1].Ran)
			})
		})
	}
}

func TestSilentSiteIsDead(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.AuthenticatedAt("site1"))
	g.server.SilenceSite("site1")
	assert.Equal(t, "ConnectionRefused", g.finish(t, clock, "POST", "/vm-replications/"+db1+"/sync", "").Error.Code)
	g.server.KillSite("site1")
	g.refused(t, http.StatusServiceUnavailable, "ConnectionRefused", "GET", "/vm-replications?site=site1", "")
	g.server.SilenceSite("site1")
	g.server.ReviveSite("site1")
	g.ask(t, http.StatusOK, "GET", "/vm-replications?site=site1", "")
}

func TestTaskFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	server, err := vcavtest.Start(vcavtest.InMemory())
	require.NoError(t, err)
	defer server.Close()
	server.SlowTask("VMReplications.Sync", "", -1)
	server.OmitFromPolls("none", 1)
	server.SilenceSite("site2")
	assert.Len(t, server.Violations(), 3)
}
