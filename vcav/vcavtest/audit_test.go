package vcavtest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestAuditOfWhatReallyHappened(t *testing.T) {
	t.Parallel()
	const op = "VMReplications.Failover"
	g, clock := open(t)
	path := "/vm-replications/" + db1
	g.server.FailTask(op, db1, "Broken", "It broke.")
	g.finish(t, clock, "POST", path+"/failover", failover)
	g.server.Inject(vcavtest.Fault{Operation: op, Resource: db1, Drop: true, Times: 1})
	_, err := g.send(t.Context(), "POST", path+"/failover", failover)
	require.Error(t, err)
	g.finish(t, clock, "POST", path+"/failover-test", test)
	g.finish(t, clock, "DELETE", path+"/failover-test", "")
	g.server.Inject(vcavtest.Fault{Operation: op, Resource: db1, Status: 503, Late: time.Minute, Times: 2})
	g.ask(t, http.StatusServiceUnavailable, "POST", path+"/failover", failover)
	clock.Advance(30 * time.Second)
	g.ask(t, http.StatusServiceUnavailable, "POST", path+"/failover", failover)
	clock.Advance(30 * time.Second)
	_, err = g.server.Operator("olga@System").Do(op, db1, failover)
	require.Error(t, err, "the late one has come first")
	clock.Advance(11 * time.Second)
	g.server.ForgetTask(g.server.Tasks()[3].ID)
	g.finish(t, clock, "POST", path+"/reverse", "")
	id, err := g.server.Operator("olga@System").Do(op, app1, failover)
	require.NoError(t, err)
	require.NotEmpty(t, id)
	g.ask(t, http.StatusOK, "GET", "/tasks", "")

	audit := g.server.Audit()
	assert.Equal(t, strings.Join([]string{
		"Sessions.SignIn: 1 request, ran 1 (root 1)",
		db1 + " " + op + ": 5 requests (1 by operators), ran 2 (root 2), late 1, refused 1, pending 1, lost 1; tasks: 1 succeeded, 1 failed",
		db1 + " VMReplications.TestFailover: 1 request, ran 1 (root 1); tasks: 1 succeeded",
		db1 + " VMReplications.CleanUpTestFailover: 1 request, ran 1 (root 1); tasks: 1 succeeded",
		db1 + " VMReplications.Reverse: 1 request, ran 1 (root 1); tasks: 1 succeeded",
		app1 + " " + op + ": 1 request (1 by operators), ran 1 (olga@System 1); tasks: 1 unfinished",
		db1 + " db-1: recovered 1, tested 1, cleaned up 1, reversed 1",
	}, "\n"), audit.String())
	assert.Equal(t, vcavtest.OperationAudit{
		Tally: simkit.Tally{
			Operation: op, Requests: 6, Operators: 2, Ran: 3, RanBy: map[string]int{"root": 2, "olga@System": 1}, Late: 1,
			Refused: 1, Pending: 1, Lost: 1,
		},
		Succeeded: 1, Failed: 1, Unfinished: 1,
	}, audit.Of(op, ""))
	assert.Zero(t, audit.Of(op, web1).Requests)
	assert.Zero(t, audit.Recovery(web1).Recovered)

	clock.Advance(time.Hour)
	later := g.server.Audit()
	assert.Equal(t, 2, later.Of(op, db1).Late)
	assert.Equal(t, 2, later.Of(op, db1).Failed, "after the reverse there is no instance")
	assert.Equal(t, 1, later.Recovery(db1).Recovered)
	assert.Equal(t, 1, later.Recovery(app1).Recovered)
	assert.Equal(t, 1, audit.Of(op, db1).Late, "what was told stays as it was")
}

// A start is counted by the replication that it makes, as are those who are refused by no resource.
func TestAuditOfStarts(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop()...)
	g.finish(t, clock, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	g.ask(t, http.StatusConflict, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	audit := g.server.Audit()
	assert.Equal(t, []string{
		vcavtest.ReplicationID("db-2") + " VMReplications.Start: 1 request, ran 1 (root 1); tasks: 1 succeeded",
		"VMReplications.Start: 1 request, ran 0, refused 1",
	}, strings.Split(audit.String(), "\n")[1:])
	assert.Equal(t, 2, audit.Of("VMReplications.Start", "").Requests)
}

func TestAuditOfViolations(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	g.ask(t, http.StatusBadRequest, "POST", "/vm-replications/"+db1+"/failover", `{"type":"vcloud"}`)
	g.ask(t, http.StatusBadRequest, "POST", "/vm-replications/"+db1+"/fly", "")
	assert.Len(t, g.server.AcknowledgeViolations(), 2)
	assert.Equal(t, 1, g.server.Audit().Of("VMReplications.Failover", db1).Refused)
	assert.Len(t, g.server.Audit().Operations, 2)
}
