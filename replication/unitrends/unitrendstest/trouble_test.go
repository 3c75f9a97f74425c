package unitrendstest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// What cannot be repeated, with a fault before the work, after it, and with work that is done late.
func TestFaults(t *testing.T) {
	t.Parallel()
	type target struct{ operation, resource, path, body string }
	accept := target{"Sources.Decide", "3", decide, `{"request_id":3,"accept":true}`}
	reject := target{"Sources.Decide", "3", decide, `{"request_id":3,"accept":false,"message":"no"}`}
	request := target{"Targets.Request", "cloud-2", "/api/replication/target", `{"host":"cloud-2"}`}
	create := target{"JobOrders.Create", "nightly", "/api/joborders", `{"name":"nightly","type":"Replication","instances":[12],"target_id":1}`}
	recovery := target{"InstantRecoveries.Start", "test", "/api/restore/instant", `{"audit":true,"backup_id":34141,"target":{"host":"h","name":"test","datastore":"d"}}`}
	for name, tc := range map[string]struct {
		fault        unitrendstest.Fault
		soon, later  int // how often it ran at once, and in an hour
		connectionOK bool
	}{
		"lost before":      {unitrendstest.Fault{Drop: true}, 0, 0, false},
		"reset after":      {unitrendstest.Fault{Reset: true, After: true}, 1, 1, false},
		"502 before":       {unitrendstest.Fault{Status: 502, Body: "<html>bad gateway</html>"}, 0, 0, true},
		"500 after":        {unitrendstest.Fault{Status: 500, Code: "17", Message: "oops", After: true}, 1, 1, true},
		"late, then lost":  {unitrendstest.Fault{Drop: true, Late: time.Minute}, 0, 1, false},
		"late, then a 503": {unitrendstest.Fault{Status: 503, Late: time.Minute}, 0, 1, true},
	} {
		for _, what := range []target{accept, reject, request, create, recovery} {
			t.Run(name+" "+what.operation+" "+what.body, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := unitrendstest.NewServer(t, unitrendstest.InMemory(), unitrendstest.SessionLife(24*time.Hour))
					g := enter(t, server)
					fault := tc.fault
					fault.Operation, fault.Resource, fault.Times = what.operation, what.resource, 1
					server.Inject(fault)
					got, err := g.send(t.Context(), "POST", what.path, what.body)
					if tc.connectionOK {
						require.NoError(t, err)
						assert.GreaterOrEqual(t, got.status, 500)
					} else {
						require.Error(t, err)
					}
					assert.Equal(t, tc.soon, server.Ran(what.operation, what.resource))
					<-time.After(time.Hour)
					assert.Equal(t, tc.later, server.Ran(what.operation, what.resource))
					assert.Equal(t, tc.later, server.Audit().Of(what.operation, what.resource).Ran)
				})
			})
		}
	}
}

func TestHangAndAnswersThatBreakOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := unitrendstest.NewServer(t, unitrendstest.InMemory())
		g := enter(t, server)
		server.Inject(unitrendstest.Fault{Operation: "Sources.Decide", Hang: true, Times: 1})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := g.send(ctx, "POST", decide, `{"request_id":1,"accept":true}`)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		server.Inject(unitrendstest.Fault{Operation: "Systems.List", After: true, AfterBytes: 20, Reset: true, Times: 1})
		_, err = g.send(t.Context(), "GET", "/api/systems", "")
		require.Error(t, err)
		g.ask(t, 201, "POST", decide, `{"request_id":1,"accept":true}`)
	})
}

// Late work at one appliance shows at the other.
func TestLateWorkShowsAtTheOtherAppliance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory())
		source, target := enter(t, pair.Source), enter(t, pair.Target)
		require.NoError(t, pair.Source.Operator("olga").RequestTarget("vault"))
		pair.Target.Inject(unitrendstest.Fault{Operation: "Sources.Decide", Drop: true, Late: time.Minute, Times: 1})
		_, err := target.send(t.Context(), "POST", decide, `{"request_id":1,"accept":true}`)
		require.Error(t, err)
		assert.Equal(t, "pending", source.get(t, "/api/replication/targets", "targets")[0]["status"])
		<-time.After(2 * time.Minute)
		assert.Equal(t, "available", source.get(t, "/api/replication/targets", "targets")[0]["status"])
		assert.Equal(t, 1, pair.Target.Audit().Of("Sources.Decide", "1").Late)
	})
}

// Somebody else decides just before the request is worked on.
func TestOperatorsGetInTheWay(t *testing.T) {
	t.Parallel()
	server := unitrendstest.NewServer(t)
	g := enter(t, server)
	server.Inject(unitrendstest.Fault{Operation: "Sources.Decide", Do: func() {
		assert.NoError(t, server.Operator("oscar").Reject(2, "no"))
	}, Times: 1})
	g.refused(t, 500, "no pending request", "POST", decide, `{"request_id":2,"accept":true}`)
	audit := server.Audit()
	assert.Equal(t, unitrendstest.RequestAudit{
		ID: 2, Source: "branch-2", Target: "vault", State: "rejected", Message: "no", Decisions: 1,
	}, audit.Incoming[1])
	decisions := audit.Of("Sources.Decide", "2")
	assert.Equal(t, []int{2, 1, 1, 1}, []int{decisions.Requests, decisions.Operators, decisions.Ran, decisions.Refused})
	assert.Equal(t, map[string]int{"oscar": 1}, decisions.RanBy)
	assert.Contains(t, audit.String(), "request 2 of branch-2 to vault: rejected, decided 1 times")

	var refused *unitrendstest.OperatorError
	require.ErrorAs(t, server.Operator("oscar").Accept(2, 1), &refused)
	assert.Equal(t, 500, refused.Status)
	require.Error(t, server.Operator("oscar").RequestTarget("nowhere"))
	id, err := server.Operator("oscar").At(1).Do("JobOrders.Create", "",
		fmt.Sprintf(`{"name":"n","type":"Replication","instances":[%d],"target_id":1}`, server.AssetID("db-1")))
	require.NoError(t, err)
	assert.Equal(t, "1", id)
	_, err = server.Operator("oscar").Do("JobOrders.Get", id, "")
	require.NoError(t, err)
	assert.Equal(t, 4, server.ReceiveRequest("branch-4"))
	assert.Equal(t, 4, server.RequestID("branch-4"))
	require.NoError(t, server.Operator("oscar").Accept(4, 2))
	assert.Equal(t, 2, server.StorageOf("branch-4"))
}

func TestStalledAcceptances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := unitrendstest.NewServer(t, unitrendstest.InMemory())
		g := enter(t, server)
		server.StallAcceptances(true)
		g.ask(t, 201, "POST", decide, `{"request_id":1,"accept":true}`)
		<-time.After(time.Minute)
		assert.Equal(t, "accepted", g.get(t, "/api/systems/?sid="+fmt.Sprint(server.SystemID("branch-1")), "appliance")[0]["status"])
		server.StallAcceptances(false)
		assert.Equal(t, false, g.get(t, "/api/systems/?sid="+fmt.Sprint(server.SystemID("branch-1")), "appliance")[0]["is_pending"])
		server.SetSettling(time.Hour)
		g.ask(t, 201, "POST", decide, `{"request_id":2,"accept":true}`)
		g.ask(t, 200, "DELETE", fmt.Sprintf("/api/replication/source/%d", server.SystemID("branch-2")), "")
		<-time.After(10 * time.Minute)
		assert.Equal(t, "done", server.Audit().Incoming[1].State)
		assert.Zero(t, server.SystemID("branch-2"), "a source that was removed meanwhile does not come back")
	})
}

func TestRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pair := unitrendstest.NewPair(t, unitrendstest.InMemory(), unitrendstest.Settling(time.Second), unitrendstest.SessionLife(time.Hour))
		source, target := enter(t, pair.Source), enter(t, pair.Target)
		pair.Target.Restart(time.Minute)
		_, err := target.send(t.Context(), "GET", "/api/systems", "")
		require.Error(t, err)
		source.refused(t, 500, "cannot be reached", "POST", "/api/replication/target", `{"host":"vault"}`)
		require.ErrorContains(t, pair.Target.Operator("oscar").Accept(1, 0), "down")
		<-time.After(time.Minute)
		target.refused(t, 401, "not valid", "GET", "/api/systems", "")
		target = enter(t, pair.Target)
		source.ask(t, 201, "POST", "/api/replication/target", `{"host":"vault"}`)
		target.ask(t, 201, "POST", decide, `{"request_id":1,"accept":true}`)
		pair.Source.Restart(time.Minute)
		<-time.After(30 * time.Second)
		assert.Equal(t, true, target.get(t, systems, "appliance")[1]["is_pending"], "a source that is down finds no decision")
		<-time.After(40 * time.Second)
		assert.Equal(t, false, target.get(t, systems, "appliance")[1]["is_pending"])
	})
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	server, err := unitrendstest.Start()
	require.NoError(t, err)
	defer server.Close()
	server.Inject(unitrendstest.Fault{Operation: "Sources.Accept", Drop: true})
	server.Inject(unitrendstest.Fault{})
	server.FailCopy("nobody", "")
	server.Restart(-1)
	violations := server.AcknowledgeViolations()
	require.Len(t, violations, 4)
	assert.Contains(t, violations[0].String(), `the table has no operation "Sources.Accept"`)
	assert.Empty(t, server.Violations())
	_, err = server.AddBackup("esx-1")
	require.Error(t, err)
}

func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := enter(t, unitrendstest.NewServer(t, unitrendstest.InMemory(), unitrendstest.Latency(time.Second)))
		before := time.Now()
		g.ask(t, 200, "GET", "/api/systems", "")
		assert.Equal(t, time.Second, time.Since(before))
	})
}
