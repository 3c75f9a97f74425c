package vspheretest_test

import (
	"context"
	"io"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

const testOp = "Replications.Test"

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  vspheretest.Fault
		status int   // 0: no answer
		want   error // of the connection
		ran    int
	}{
		"lost before":       {vspheretest.Fault{Drop: true}, 0, io.EOF, 0},
		"lost after":        {vspheretest.Fault{Drop: true, After: true}, 0, io.EOF, 1},
		"reset after":       {vspheretest.Fault{Reset: true, After: true}, 0, syscall.ECONNRESET, 1},
		"503 before":        {vspheretest.Fault{Status: 503}, 503, nil, 0},
		"502 after":         {vspheretest.Fault{Status: 502, Body: "<html>", After: true}, 502, nil, 1},
		"401 before":        {vspheretest.Fault{Status: 401}, 401, nil, 0},
		"429 before":        {vspheretest.Fault{Status: 429, RetryAfter: time.Minute}, 429, nil, 0},
		"404 after":         {vspheretest.Fault{Status: 404, After: true}, 404, nil, 1},
		"half an answer":    {vspheretest.Fault{Truncate: true, After: true}, 202, io.ErrUnexpectedEOF, 1},
		"of another":        {vspheretest.Fault{Drop: true, Operation: "Replications.CleanUp"}, 202, nil, 1},
		"of another one":    {vspheretest.Fault{Drop: true, Resource: app1}, 202, nil, 1},
		"of the replicatio": {vspheretest.Fault{Drop: true, Resource: db1}, 0, io.EOF, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := open(t)
			body := g.testOf(g.instances(t, db1)[0].ID)
			if tc.fault.Operation == "" {
				tc.fault.Operation = testOp
			}
			g.server.Inject(tc.fault)
			got, err := g.send(t.Context(), "POST", on(db1, "/actions/test"), body)
			assert.Equal(t, tc.status, got.status)
			if tc.want != nil {
				require.ErrorIs(t, err, tc.want)
			}
			if tc.status == http.StatusUnauthorized || tc.status == http.StatusNotFound {
				assert.Empty(t, got.body)
			}
			g.clock.Advance(whole)
			assert.Equal(t, tc.ran, g.server.Ran(testOp, db1))
			assert.Len(t, g.server.TestMachines(), tc.ran)
			audit := g.pair().Audit()
			assert.Equal(t, tc.ran, audit.Of(testOp, db1).Succeeded)
			assert.Equal(t, 1-tc.ran, audit.Of(testOp, "").Lost)
			assert.Equal(t, tc.ran, audit.Replication(db1).Tested)
			g.pair().ClearFaults()
		})
	}
}

func TestLateWork(t *testing.T) {
	t.Parallel()
	g := open(t)
	p := g.peer(t)
	body := g.testOf(g.instances(t, db1)[0].ID)
	g.server.Inject(vspheretest.Fault{Operation: testOp, Drop: true, Late: 30 * time.Second, Times: 1})
	_, err := g.send(t.Context(), "POST", on(db1, "/actions/test"), body)
	require.Error(t, err)
	assert.Equal(t, 1, g.pair().Audit().Of(testOp, db1).Pending)
	g.clock.Advance(30*time.Second - 1)
	assert.Empty(t, g.server.Tasks())
	g.clock.Advance(whole + 1)
	// Who looks at the other site first finds it done as well.
	p.ask(t, http.StatusOK, "GET", "/tasks", "")
	tasks := g.server.Tasks()
	require.Len(t, tasks, 1)
	assert.Equal(t, "SUCCESS", tasks[0].Status)
	assert.Equal(t, g.clock.Now().Add(-whole), tasks[0].Queued)
	done := g.pair().Audit().Of(testOp, db1)
	assert.Equal(t, 1, done.Late)
	assert.Equal(t, 1, done.Succeeded)
	assert.Contains(t, g.pair().Audit().String(), "site2 "+db1+" Replications.Test: 1 request, ran 1 ("+g.server.User+" 1), late 1; tasks: 1 succeeded")
	assert.Contains(t, g.pair().Audit().String(), db1+" db-1: tested 1")
}

// Late work of one site is done before anything later at the other.
func TestLateWorkAtTheOtherSite(t *testing.T) {
	t.Parallel()
	g := open(t)
	p := g.peer(t)
	g.server.Inject(vspheretest.Fault{Operation: "Replications.Pause", Drop: true, Late: time.Second, Times: 1})
	_, err := g.send(t.Context(), "POST", on(db1, "/actions/pause"), "")
	require.Error(t, err)
	g.clock.Advance(time.Second + whole)
	assert.Equal(t, "PAUSED", p.status(t, db1))
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	pair, err := vspheretest.Start(vspheretest.InMemory())
	require.NoError(t, err)
	defer pair.Close()
	pair.Recovery.Inject(vspheretest.Fault{})
	pair.Recovery.Inject(vspheretest.Fault{Operation: "Replications.Fly", Drop: true})
	pair.SlowTask("Replications.Test", "", -1)
	pair.Recovery.Restart(-1)
	assert.Len(t, pair.Recovery.AcknowledgeViolations(), 4)
	assert.Empty(t, pair.Recovery.Violations())
}

func TestPlannedTasks(t *testing.T) {
	t.Parallel()
	g := open(t)
	g.pair().FailTask("Replications.Pause", db1, "The host is gone.")
	g.pair().SlowTask("Replications.Pause", "", time.Hour)
	g.pair().FailTask("Replications.Resume", app1, "not for db-1")
	begun := g.begin(t, "POST", on(db1, "/actions/pause"), "")
	g.clock.Advance(queued + time.Hour/2)
	assert.Equal(t, 50, g.job(t, begun.ID).Progress)
	g.clock.Advance(time.Hour / 2)
	ended := g.job(t, begun.ID)
	assert.Equal(t, "ERROR", ended.Status)
	assert.Equal(t, "The host is gone.", ended.Error.Message)
	g.succeed(t, "POST", on(db1, "/actions/pause"), "")
	g.succeed(t, "POST", on(db1, "/actions/resume"), "")
	g.fails(t, "not for db-1", "POST", on(app1, "/actions/resume"), "")
}

func TestCancelledTasks(t *testing.T) {
	t.Parallel()
	g := open(t)
	begun := g.begin(t, "POST", on(db1, "/actions/pause"), "")
	g.clock.Advance(queued + running/2)
	assert.True(t, g.server.CancelTask(begun.ID))
	assert.False(t, g.server.CancelTask(begun.ID))
	assert.False(t, g.server.CancelTask("x"))
	ended := g.job(t, begun.ID)
	assert.Equal(t, "CANCELLED", ended.Status)
	assert.Nil(t, ended.Error)
	assert.NotNil(t, ended.Complete)
	g.clock.Advance(whole)
	assert.Equal(t, "OK", g.status(t, db1))
	g.succeed(t, "POST", on(db1, "/actions/pause"), "")
	assert.Equal(t, 1, g.pair().Audit().Of("Replications.Pause", db1).Cancelled)
	assert.Equal(t, "CANCELLED", g.server.Tasks()[0].Status)
}

func TestForgottenTasks(t *testing.T) {
	t.Parallel()
	g := open(t, vspheretest.TaskMemory(time.Minute))
	first := g.begin(t, "POST", on(db1, "/actions/pause"), "")
	second := g.begin(t, "POST", on(app1, "/actions/pause"), "")
	assert.True(t, g.server.ForgetTask(first.ID))
	assert.False(t, g.server.ForgetTask(first.ID))
	g.refused(t, http.StatusNotFound, "", "GET", "/tasks/"+first.ID, "")
	listed := get[listOf[job]](t, g, "/tasks").List
	require.Len(t, listed, 1)
	assert.Equal(t, second.ID, listed[0].ID)
	g.clock.Advance(whole)
	assert.Equal(t, "PAUSED", g.status(t, db1), "its work is done all the same")
	g.clock.Advance(time.Minute - 1)
	assert.Equal(t, "SUCCESS", g.job(t, second.ID).Status)
	g.clock.Advance(1)
	g.refused(t, http.StatusNotFound, "", "GET", "/tasks/"+second.ID, "")
}

// Tasks are known where they were started, the newest first.
func TestTasksOfBothSites(t *testing.T) {
	t.Parallel()
	g := open(t)
	p := g.peer(t)
	first := g.begin(t, "POST", on(db1, "/actions/pause"), "")
	second := g.begin(t, "POST", on(app1, "/actions/pause"), "")
	other := p.begin(t, "POST", on(web1, "/actions/pause"), "")
	p.refused(t, http.StatusNotFound, "", "GET", "/tasks/"+first.ID, "")
	listed := get[listOf[job]](t, g, "/tasks").List
	require.Len(t, listed, 2)
	assert.Equal(t, second.ID, listed[0].ID)
	assert.Equal(t, other.ID, get[listOf[job]](t, p, "/tasks").List[0].ID)
	assert.Equal(t, "Replications.Pause", g.server.Tasks()[0].Operation)
	assert.Equal(t, g.server.User, g.server.Tasks()[0].User)
}

func TestOperators(t *testing.T) {
	t.Parallel()
	g := enter(t)
	g.server.Inject(vspheretest.Fault{Drop: true}) // for clients
	olga := g.server.Operator("olga")
	id, err := olga.Do("Replications.Pause", db1, "")
	require.NoError(t, err)
	assert.Equal(t, id, g.server.Tasks()[0].ID)
	assert.Equal(t, "olga", g.server.Tasks()[0].User)
	g.clock.Advance(whole)
	assert.True(t, g.pair().Replication(db1).Paused)
	id, err = olga.With("retain_replica_disks", "true").Do("Replications.Unconfigure", web1, "")
	require.NoError(t, err)
	assert.NotEmpty(t, id)
	_, err = olga.Do("Replications.Instance", db1+"/x", "")
	var refused *vspheretest.OperatorError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, vspheretest.OperatorError{Status: http.StatusNotFound}, *refused)
	_, err = olga.Do(testOp, db1, g.testOf("x"))
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, vspheretest.CodeBadRequest, refused.Code)
	_, err = olga.Do("Replications.Fly", "", "")
	require.ErrorContains(t, err, "vspheretest: olga: Replications.Fly: ")
	_, err = olga.Do(testOp, db1, "{}")
	require.ErrorAs(t, err, &refused)
	assert.Len(t, g.server.AcknowledgeViolations(), 1)
	assert.Equal(t, 1, g.server.Sessions(), "that of the client")
	seen := g.pair().Audit().Of("Replications.Pause", db1)
	assert.Equal(t, 1, seen.Operators)
	assert.Equal(t, map[string]int{"olga": 1}, seen.RanBy)
	spec := open(t).peer(t).spec(t, "new-1")
	id, err = g.server.Peer().Operator("olga").Do("Replications.Configure", "", encoded(t, spec))
	require.NoError(t, err)
	assert.Equal(t, id, g.server.Peer().Tasks()[0].ID)
}

func TestRestart(t *testing.T) {
	t.Parallel()
	g := open(t)
	begun := g.begin(t, "POST", on(db1, "/actions/pause"), "")
	g.server.Restart(5 * time.Second)
	_, err := g.send(t.Context(), "GET", "/tasks", "")
	require.Error(t, err)
	_, err = g.server.Operator("olga").Do("Tasks.List", "", "")
	require.ErrorContains(t, err, "down")
	g.clock.Advance(5 * time.Second)
	g.refused(t, http.StatusUnauthorized, "", "GET", "/tasks", "")
	g = g.signIn(t)
	g.refused(t, http.StatusForbidden, vspheretest.CodeRemoteSessionRequired, "GET", "{P}/remote-session", "")
	g.clock.Advance(whole - 5*time.Second)
	assert.Equal(t, "SUCCESS", g.job(t, begun.ID).Status, "tasks go on meanwhile")
	g.server.RefuseConnections(1)
	g.server.CloseConnections()
	_, err = g.send(t.Context(), "GET", "/tasks", "")
	require.Error(t, err)
}

// What an operator does in the middle of a request is there before its work.
func TestDo(t *testing.T) {
	t.Parallel()
	g := open(t)
	body := g.testOf(g.instances(t, db1)[0].ID)
	g.server.Inject(vspheretest.Fault{Operation: testOp, Times: 1, Do: func() {
		_, _ = g.server.Operator("olga").Do(testOp, db1, body)
	}})
	g.fails(t, "is busy", "POST", on(db1, "/actions/test"), body)
	assert.Len(t, g.server.TestMachines(), 1)
}

func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	g := open(t)
	for _, request := range g.server.Requests() {
		assert.NotContains(t, request.Header.Values("x-dr-session"), g.token)
		assert.NotContains(t, request.Header.Values("Authorization"), basic(g.server.User, g.server.Password))
	}
	assert.Equal(t, 1, g.server.Count("Sessions.SignIn"))
}

func TestHanging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := guest{server: vspheretest.NewServer(t, vspheretest.InMemory()), base: v2}.signIn(t)
		g.server.Inject(vspheretest.Fault{Operation: "Sessions.Get", Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := g.send(ctx, "GET", "/session", "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}
