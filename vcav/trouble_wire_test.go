package vcav_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// What has become of an extension that a read has led to is no matter of the read: it changes nothing.
func TestReadAtALostSiteIsNotUnknown(t *testing.T) {
	for name, trouble := range map[string]httpmock.Responder{
		"gateway": page(502), "failure": answer(t, 500, "error"), "no answer": httpmock.NewErrorResponder(errors.New("reset")),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newReach(t)
				client := r.signedIn([]string{"north"})
				r.lose("north")
				r.refuse("north", trouble)
				err := read(t, client, "north")
				require.ErrorIs(t, err, drkit.ErrUnauthorized)
				require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.NotErrorAs(t, err, new(*drkit.OutcomeUnknownError))
			})
		})
	}
}

// A site whose service is away for a while does not end a wait there: it was not refused.
func TestWaitAtASiteThatIsAwayForAWhile(t *testing.T) {
	for name, trouble := range map[string]httpmock.Responder{
		"gateway": page(502), "busy": status(503, httpmock.NewStringResponder(503, `{"code":"Busy","msg":"later"}`)),
		"no answer": httpmock.NewErrorResponder(errors.New("no route to host")),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := newReach(t)
				client := r.signedIn([]string{"north"}, drkit.WithPolling(polling))
				poller, err := client.Site("north").VMReplications.Sync(wire(t), ordersID)
				require.NoError(t, err)
				ended := make(chan error, 1)
				go func() { _, err := poller.Wait(wire(t)); ended <- err }()
				<-time.After(time.Minute)
				r.refuse("north", trouble)
				r.lose("north")
				<-time.After(5 * time.Minute)
				r.refuse("north", nil)
				<-time.After(time.Minute)
				r.on("GET", "/tasks/"+taskID, answer(t, 200, "tasks_get.answer"))
				require.NoError(t, <-ended)
			})
		})
	}
}

// Credentials that a site refuses do not take the place of better ones that came meanwhile.
func TestExtendingWhileTheSiteRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newReach(t)
		client := r.signedIn([]string{"north"})
		r.lose("north")
		refused := answer(t, 401, "error_remote_authentication_failure")
		r.refuse("north", func(request *http.Request) (*http.Response, error) {
			<-time.After(10 * time.Second)
			return refused(request)
		})
		late := make(chan error, 1)
		go func() { late <- read(t, client, "north") }()
		<-time.After(time.Second)
		r.refuse("north", nil)
		_, err := client.Sessions.Extend(wire(t), vcav.WithMultisite("north", "acme"))
		require.NoError(t, err)
		require.Error(t, <-late)

		r.forget()
		r.expire()
		require.NoError(t, read(t, client, "north"))
		assert.Equal(t, []string{"north"}, r.extendedTo())
	})
}

// What a later service calls a result is not known: the name alone must not turn work that went well into
// an error.
func TestResultOfARenamedType(t *testing.T) {
	t.Parallel()
	task := succeededTask(t)
	task.ResultType = "VmReplicationInfoV2"
	replication, err := vcav.ResultOf[vcav.VMReplication](task)
	require.NoError(t, err)
	assert.Equal(t, recovered(), replication)
}

// A task whose id holds a line break prints on one line like any other (found by FuzzTask).
func TestTaskIDsInErrors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const id = "a\nlevel=ERROR\x7f"
		s := newService(t)
		s.on("POST", failoverPath, taskAt("RUNNING", 0, with("id", id)))
		s.onAny(answer(t, 403, "error_forbidden"))
		poller, err := s.client().VMReplications.Failover(wire(t), ordersID, cloudFailover())
		require.NoError(t, err)
		_, err = poller.Result()
		checkErrorText(t, err)
		_, err = poller.Wait(wire(t))
		checkErrorText(t, err)
		for _, task := range []vcav.Task{{ID: id}, {ID: id, State: vcav.TaskStateSucceeded}} {
			_, err = vcav.ResultOf[vcav.VMReplication](task)
			checkErrorText(t, err)
		}
	})
}

// Numbers decode anyway, in the result of a task as in the replication itself: work that went well is not
// an error because of a fraction.
func TestNumbersInResults(t *testing.T) {
	t.Parallel()
	task := succeededTask(t)
	for _, number := range []string{"15.0", `"15"`, "1.5e1"} {
		task.Result = json.RawMessage(`{"id":"` + ordersID + `","settings":{"rpo":` + number + `}}`)
		replication, err := vcav.ResultOf[vcav.VMReplication](task)
		require.NoError(t, err, number)
		assert.Equal(t, 15, replication.Settings.RPO)
	}
}

func TestQuotedNumbersInTables(t *testing.T) {
	t.Parallel()
	tasks, err := polled(t, `{"propertyNames":["id","progress","startTime"],"values":[["a","45","1795082400000"]]}`)
	require.NoError(t, err)
	assert.Equal(t, []vcav.Task{{ID: "a", Progress: 45, StartTime: millis(1795082400000)}}, tasks)
}
