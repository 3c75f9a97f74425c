package vcav_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// polling is the schedule of these tests. They run in synctest, where hours take no time.
var polling = drkit.PollPolicy{
	MinInterval: time.Second, MaxInterval: 10 * time.Second, Grace: 30 * time.Second, MaxUnreachable: 15 * time.Minute,
}

// taskAt is the failover of the samples at some point of its life.
func taskAt(state string, percent int, change ...func(task map[string]any)) httpmock.Responder {
	task := map[string]any{
		"id": taskID, "user": "backup-admin@acme-dr", "site": "south", "state": state, "progress": percent,
		"workflowInfo": map[string]any{"type": "failover", "resourceType": "vmReplication", "resourceId": ordersID},
		"lastUpdated":  1795082400000, "startTime": 1795082400000, "endTime": -1,
		"resultType": nil, "result": nil, "error": nil, "warnings": []any{},
	}
	for _, f := range change {
		f(task)
	}
	body, err := json.Marshal(task)
	if err != nil {
		panic(err)
	}
	return httpmock.NewBytesResponder(200, body)
}

func with(name string, value any) func(map[string]any) {
	return func(task map[string]any) { task[name] = value }
}

func status(code int, next httpmock.Responder) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		response, err := next(r)
		if response != nil {
			response.StatusCode = code
		}
		return response, err
	}
}

const failoverPath = "/vm-replications/" + ordersID + "/failover"

// followed is a failover that was accepted, and the answers to its polls. Run it inside of synctest.
func followed(t *testing.T, polls ...httpmock.Responder) (*service, *poller) {
	t.Helper()
	s := newService(t)
	s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
	s.on("GET", "/tasks/"+taskID, polls...)
	client := s.client(drkit.WithPolling(polling), drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
	ctx := drkit.WithOperationID(t.Context(), "op-1")
	poller, err := client.Site("south").VMReplications.Failover(ctx, ordersID, cloudFailover())
	require.NoError(t, err)
	assert.Equal(t, taskID, poller.ID())
	assert.False(t, poller.Done())
	return s, poller
}

// Each starting operation is polled where it runs and under its own operation ID, until its end.
func TestStartedTasksArePolledToTheirEnd(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		id, starts := tc.want.(taskOf)
		if !starts {
			continue
		}
		for _, site := range []string{"", escapedSite} {
			t.Run(tc.name()+" "+site, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { startAndWait(t, tc, string(id), site) })
			})
		}
	}
}

func startAndWait(t *testing.T, tc wireCase, id, site string) {
	s := newService(t)
	method, path, _ := strings.Cut(tc.request, " ")
	s.on(method, path, answer(t, 202, tc.answer))
	s.on("GET", "/tasks/"+id, taskAt("QUEUED", 0), taskAt("RUNNING", 45), answer(t, 200, "tasks_get.answer"))
	client := s.client(drkit.WithPolling(polling))
	at := here(client)
	if site != "" {
		at = there(client.Site(siteName))
	}
	poller, err := tc.begin(drkit.WithOperationID(t.Context(), "op-1"), at)
	require.NoError(t, err)
	_, err = poller.Result()
	require.ErrorIs(t, err, drkit.ErrNotDone)
	assert.Len(t, s.lines(), 1, "nothing is asked before Poll or Wait")

	var mu sync.Mutex
	seen := map[drkit.State]int{}
	// The context of the wait names another operation: the polls stay with the one that started the task.
	ctx := drkit.WithOperationID(t.Context(), "op-of-the-wait")
	done, err := poller.Wait(ctx, drkit.OnProgress(func(p drkit.Progress) {
		mu.Lock()
		defer mu.Unlock()
		seen[p.State] = p.Percent
	}))
	require.NoError(t, err)
	assert.Equal(t, recovered(), done)
	assert.Equal(t, map[drkit.State]int{"QUEUED": 0, "RUNNING": 45, "SUCCEEDED": 100}, seen)
	assert.True(t, poller.Done())

	get := strings.TrimSuffix("GET /tasks/"+id+"?site="+site, "?site=")
	assert.Equal(t, []string{tc.line(site), get, get, get}, s.lines())
	for _, poll := range s.all()[1:] {
		assert.Equal(t, headers(givenToken, "op-1", false), poll.header)
		assert.Empty(t, poll.body)
	}
	again, err := poller.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, done, again)
	assert.Len(t, s.lines(), 4, "the end is known")
}

// A call that was not named gets an ID, and its polls carry it.
func TestPollsCarryTheIDOfTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.on("POST", failoverPath, answer(t, 202, "vm_replications_failover.answer"))
		s.on("GET", "/tasks/"+taskID, answer(t, 200, "tasks_get.answer"))
		poller, err := s.client().VMReplications.Failover(t.Context(), ordersID, cloudFailover())
		require.NoError(t, err)
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		id := s.all()[0].header.Get("operationID")
		assert.Regexp(t, uuid, id)
		assert.Equal(t, id, s.all()[1].header.Get("operationID"))
	})
}

// A task that had ended when it was accepted is not polled at all.
func TestTaskThatEndedAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		check  func(t *testing.T, done vcav.VMReplication, err error)
	}{
		"well": {"tasks_get.answer", func(t *testing.T, done vcav.VMReplication, err error) {
			require.NoError(t, err)
			assert.Equal(t, recovered(), done)
		}},
		"badly": {"tasks_get.failed", func(t *testing.T, done vcav.VMReplication, err error) {
			require.ErrorIs(t, err, drkit.ErrNotFound)
			assert.Empty(t, done)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newService(t)
				s.on("POST", failoverPath, answer(t, 202, tc.answer))
				poller, err := s.client().VMReplications.Failover(t.Context(), ordersID, cloudFailover())
				require.NoError(t, err)
				done, err := poller.Wait(t.Context())
				tc.check(t, done, err)
				assert.Equal(t, []string{"POST " + failoverPath}, s.lines())
			})
		})
	}
}

// What the service says of a failed task is in the error, member by member.
func TestFailedTask(t *testing.T) {
	t.Parallel()
	failed := vcav.APIError{
		Code: vcav.CodeReplicationNotFound, Msg: "There is no replication.\nNone.", Args: []string{ordersID}, Stacktrace: "at X",
	}
	synctest.Test(t, func(t *testing.T) {
		_, poller := followed(t, taskAt("RUNNING", 10), taskAt("FAILED", 100, with("error", failed),
			with("warnings", []string{"slow disk"}), with("workflowInfo", vcav.WorkflowInfo{
				Type: "failover", ResourceType: "vmReplication", ResourceID: ordersID, ResourceName: "orders-db",
			})))
		done, err := poller.Wait(t.Context())
		var taskError *drkit.TaskError
		require.ErrorAs(t, err, &taskError)
		assert.Empty(t, done)
		assert.Equal(t, &drkit.TaskError{
			Operation: "vcav.VMReplications.Failover", OperationID: "op-1", TaskID: taskID, Type: "failover",
			ResourceID: ordersID, ResourceName: "orders-db", Site: "south", Code: vcav.CodeReplicationNotFound,
			Message: failed.Msg, Args: []string{ordersID}, Warnings: []json.RawMessage{json.RawMessage(`"slow disk"`)},
			Stack: "at X", Kind: drkit.ErrNotFound,
		}, taskError)
		require.ErrorIs(t, err, drkit.ErrNotFound)
		assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, "vcav.VMReplications.Failover: task on orders-db failed: ReplicationNotFound: "+
			"There is no replication. None. (task "+taskID+" at south, operation ID op-1)", err.Error())
		assert.Equal(t, drkit.Progress{ID: taskID, State: drkit.StateFailed, Percent: 100}, poller.Progress())
	})
}

// The code of a failed task finds the sentinel; an unknown one finds none.
func TestKindsOfFailedTasks(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]error{
		"ReplicationNotFound": drkit.ErrNotFound, "InstanceNotFound": drkit.ErrNotFound,
		"Forbidden": drkit.ErrForbidden, "NotAuthenticated": drkit.ErrUnauthorized,
		"RemoteAuthenticationFailure": drkit.ErrUnauthorized, "GeneralServerFailure": nil, "Brandnew": nil, "": nil,
	} {
		task := vcav.Task{ID: "1", State: vcav.TaskStateFailed, Error: &vcav.APIError{Code: code}}
		var failed *drkit.TaskError
		require.ErrorAs(t, task.Err(), &failed)
		assert.Equal(t, code, failed.Code)
		assert.Equal(t, kind, failed.Kind, code)
		if kind != nil {
			assert.ErrorIs(t, task.Err(), kind, code)
		}
	}
	require.Error(t, vcav.Task{ID: "1", State: vcav.TaskStateFailed}.Err(), "a failed task that does not say why")
	for _, state := range []vcav.TaskState{"", "QUEUED", "RUNNING", "SUCCEEDED", "CANCELLED"} {
		task := vcav.Task{ID: "1", State: state, Error: &vcav.APIError{Code: "Forbidden"}}
		require.NoError(t, task.Err())
		assert.Equal(t, state == "SUCCEEDED", task.Ended(), state)
	}
}

// A task that succeeded without a result that can be read is an error, and no empty replication.
func TestSucceededTaskWithoutAResult(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		result any
		want   string
	}{
		"null":    {nil, "task " + taskID + " succeeded, but has no result to return"},
		"string":  {"done", `task ` + taskID + ` succeeded, but its result of type "SingleVmReplicationInfo" cannot be read`},
		"array":   {[]int{1}, "cannot be read"},
		"no time": {map[string]any{"id": ordersID, "lastUpdated": "yesterday"}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, poller := followed(t, taskAt("SUCCEEDED", 100, with("result", tc.result), with("resultType", "SingleVmReplicationInfo")))
				done, err := poller.Wait(t.Context())
				require.ErrorContains(t, err, tc.want)
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "it has run")
				assert.NotErrorAs(t, err, new(*drkit.TaskError), "it has not failed")
				assert.Empty(t, done)
				assert.True(t, poller.Done())
				assert.Len(t, s.lines(), 2)
			})
		})
	}
}

// A start whose answer says nothing certain is not sent again.
func TestStartWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	lost := map[string]httpmock.Responder{
		"no id":           httpmock.NewStringResponder(202, `{"state":"RUNNING"}`),
		"empty id":        taskAt("RUNNING", 0, with("id", "")),
		"null":            httpmock.NewStringResponder(202, `null`),
		"no body":         httpmock.NewStringResponder(202, ``),
		"page":            page(202),
		"cut short":       httpmock.NewStringResponder(202, `{"id":"`+taskID+`","state":`),
		"broken off":      brokenOff(202, `{"id":"`+taskID+`"`),
		"of another type": httpmock.NewStringResponder(202, `{"id":7}`),
		"no answer":       httpmock.NewErrorResponder(errors.New("connection reset by peer")),
		"gateway":         page(502),
		"busy":            status(503, httpmock.NewStringResponder(503, `{"code":"Busy","msg":"later"}`)),
		"throttled":       status(429, httpmock.NewStringResponder(429, `{"code":"Busy","msg":"later"}`)),
		"another 401":     status(401, httpmock.NewStringResponder(401, `{"code":"RemoteAuthenticationFailure","msg":"no"}`)),
		"proxy's 404":     page(404),
		"failure":         answer(t, 500, "error"),
	}
	for name, reply := range lost {
		for _, tc := range wireCases(t) {
			if tc.begin == nil {
				continue
			}
			t.Run(tc.name()+"/"+name, func(t *testing.T) {
				t.Parallel()
				s := newService(t)
				s.onAny(reply)
				_, err := tc.run(drkit.WithOperationID(t.Context(), "op-1"), there(s.client().Site("south")))
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Equal(t, []string{tc.line("south")}, s.lines())
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				unknown.Err = nil
				method, path, _ := strings.Cut(tc.request, " ")
				assert.Equal(t, &drkit.OutcomeUnknownError{
					Operation: "vcav." + tc.operation, Method: method, Path: path, Site: "south", OperationID: "op-1",
				}, unknown)
			})
		}
	}
}
