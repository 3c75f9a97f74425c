package vcav_test

import (
	"encoding/json"
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
	body, err := json.Marshal(shown(state, percent, change...))
	if err != nil {
		panic(err)
	}
	return httpmock.NewBytesResponder(200, body)
}

// shown is what taskAt answers.
func shown(state string, percent int, change ...func(task map[string]any)) map[string]any {
	task := map[string]any{
		"id": taskID, "user": "backup-admin@acme-dr", "site": "south", "state": state, "progress": percent,
		"workflowInfo": map[string]any{"type": "failover", "resourceType": "vmReplication", "resourceId": ordersID},
		"lastUpdated":  1795082400000, "startTime": 1795082400000, "endTime": -1,
		"resultType": nil, "result": nil, "error": nil, "warnings": []any{},
	}
	for _, f := range change {
		f(task)
	}
	return task
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
	ctx := drkit.WithOperationID(wire(t), "op-1")
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
		if !starts || tc.done != nil {
			continue
		}
		for _, site := range []string{"", escapedSite} {
			if site != "" && !takesSite(tc.operation) {
				continue
			}
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
	s.on(method, path, answer(t, tc.status, tc.answer))
	result := resultsOfTasks(t)[operationOf(tc.operation).TaskResult]
	s.on("GET", "/tasks/"+id, taskAt("QUEUED", 0, with("id", id)), taskAt("RUNNING", 45, with("id", id)),
		taskAt("SUCCEEDED", 100, with("id", id), with("result", result.raw)))
	client := s.client(drkit.WithPolling(polling))
	at := here(client)
	if site != "" {
		at = there(client.Site(siteName))
	}
	poller, err := tc.begin(drkit.WithOperationID(wire(t), "op-1"), at)
	require.NoError(t, err)
	_, err = poller.result()
	require.ErrorIs(t, err, drkit.ErrNotDone)
	assert.Len(t, s.lines(), 1, "nothing is asked before Poll or Wait")

	var mu sync.Mutex
	seen := map[drkit.State]int{}
	// The context of the wait names another operation: the polls stay with the one that started the task.
	ctx := drkit.WithOperationID(wire(t), "op-of-the-wait")
	done, err := poller.wait(ctx, drkit.OnProgress(func(p drkit.Progress) {
		mu.Lock()
		defer mu.Unlock()
		seen[p.State] = p.Percent
	}))
	require.NoError(t, err)
	assert.Equal(t, result.value, tidy(done))
	assert.Equal(t, map[drkit.State]int{"QUEUED": 0, "RUNNING": 45, "SUCCEEDED": 100}, seen)
	assert.True(t, poller.Done())

	get := strings.TrimSuffix("GET /tasks/"+id+"?site="+site, "?site=")
	assert.Equal(t, []string{tc.line(site), get, get, get}, s.lines())
	for _, poll := range s.all()[1:] {
		assert.Equal(t, headers(givenToken, "op-1", false), poll.header)
		assert.Empty(t, poll.body)
	}
	again, err := poller.wait(wire(t))
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
		poller, err := s.client().VMReplications.Failover(wire(t), ordersID, cloudFailover())
		require.NoError(t, err)
		_, err = poller.Wait(wire(t))
		require.NoError(t, err)
		id := s.all()[0].header.Get("operationID")
		assert.Regexp(t, uuid, id)
		assert.Equal(t, id, s.all()[1].header.Get("operationID"))
	})
}

type taskResult struct {
	raw   any
	value any
}

// resultsOfTasks are results as services write them and as they are understood, by their schema.
func resultsOfTasks(t *testing.T) map[string]taskResult {
	t.Helper()
	return map[string]taskResult{
		"":              {nil, vcav.NoResult{}},
		"VMReplication": {succeededTask(t).Result, recovered()},
		"SupportBundle": {json.RawMessage(samples(t)["support_bundles_delete.answer.result"].text), bundles()[0]},
		"CloudHealth":   {json.RawMessage(samples(t)["diagnostics_health.answer.result"].text), illHealth()},
	}
}

// So is one of those operations whose task had ended when it was accepted, and nothing is asked for again.
func TestStartedTasksThatHadEnded(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if tc.done == nil {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, client := tc.layOut(t, tc.reply(t))
				poller, err := tc.begin(wire(t), here(client))
				require.NoError(t, err)
				done, err := poller.wait(wire(t))
				require.NoError(t, err)
				assert.Equal(t, tc.done, tidy(done))
				assert.Equal(t, []string{tc.line("")}, s.lines())
			})
		})
	}
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
				poller, err := s.client().VMReplications.Failover(wire(t), ordersID, cloudFailover())
				require.NoError(t, err)
				done, err := poller.Wait(wire(t))
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
		done, err := poller.Wait(wire(t))
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
		"null":          {nil, "task " + taskID + " succeeded, but has no result to return"},
		"string":        {"done", `task ` + taskID + ` succeeded, but its result of type "SingleVmReplicationInfo" cannot be read`},
		"array":         {[]int{1}, "cannot be read"},
		"no time":       {map[string]any{"id": ordersID, "lastUpdated": "yesterday"}, "cannot be read"},
		"nothing in it": {map[string]any{}, "cannot be read"},
		"a bundle":      {map[string]any{"sha": "SHA-512:9B", "owner": "System@south"}, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, poller := followed(t, taskAt("SUCCEEDED", 100, with("result", tc.result), with("resultType", "SingleVmReplicationInfo")))
				done, err := poller.Wait(wire(t))
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

// A task without a result ends well whatever it says in the place of one, and badly like any other.
func TestTaskWithoutResult(t *testing.T) {
	t.Parallel()
	for name, result := range map[string]any{
		"null": nil, "a string": "done", "an object": map[string]any{"id": ordersID}, "a number": 7,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				done, err := stopped(t, taskAt("SUCCEEDED", 100, with("result", result))).Wait(wire(t))
				require.NoError(t, err)
				assert.Equal(t, vcav.NoResult{}, done)
			})
		})
	}
	t.Run("failed", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			poller := stopped(t, taskAt("FAILED", 100, with("error", vcav.APIError{Code: "ConnectionRefused", Msg: "No."})))
			_, err := poller.Wait(wire(t))
			var failed *drkit.TaskError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, "vcav.VMReplications.Stop", failed.Operation)
			assert.Equal(t, "ConnectionRefused", failed.Code)
			assert.True(t, poller.Done())
		})
	})
}

// stopped is a Stop that was accepted, and the answers to its polls. Run it inside of synctest.
func stopped(t *testing.T, polls ...httpmock.Responder) *drkit.Poller[vcav.NoResult] {
	t.Helper()
	s := newService(t)
	s.on("DELETE", "/vm-replications/"+ordersID, taskAt("RUNNING", 0))
	s.on("GET", "/tasks/"+taskID, polls...)
	poller, err := s.client(drkit.WithPolling(polling)).VMReplications.Stop(wire(t), ordersID)
	require.NoError(t, err)
	return poller
}

// Results of tasks that were not started here are decoded when asked for by type, and not before.
func TestResultOfATask(t *testing.T) {
	t.Parallel()
	tasks := allTasks(t)
	running, succeeded, failed, bundle := tasks[0], tasks[1], tasks[2], tasks[3]

	replication, err := vcav.ResultOf[vcav.VMReplication](succeeded)
	require.NoError(t, err)
	assert.Equal(t, recovered(), replication)
	raw, err := vcav.ResultOf[json.RawMessage](bundle)
	require.NoError(t, err)
	assert.Equal(t, bundle.Result, raw, "a type that drkit has not is kept as it came")
	sums, err := vcav.ResultOf[vcav.SupportBundle](bundle)
	require.NoError(t, err)
	assert.Equal(t, "SHA-512:9B:71:D2:24:BD:62:F3:78", sums.SHA)
	_, err = vcav.ResultOf[vcav.NoResult](bundle)
	require.NoError(t, err)

	_, err = vcav.ResultOf[vcav.VMReplication](running)
	require.ErrorIs(t, err, drkit.ErrNotDone)
	require.ErrorContains(t, err, running.ID)
	_, err = vcav.ResultOf[vcav.NoResult](failed)
	require.ErrorIs(t, err, drkit.ErrNotFound)
	require.ErrorAs(t, err, new(*drkit.TaskError))
	succeeded.State = "PONDERING"
	_, err = vcav.ResultOf[vcav.VMReplication](succeeded)
	require.ErrorIs(t, err, drkit.ErrNotDone)
	for _, result := range []json.RawMessage{nil, json.RawMessage("null")} {
		bundle.Result = result
		_, err = vcav.ResultOf[vcav.SupportBundle](bundle)
		require.ErrorContains(t, err, "task "+bundle.ID+" succeeded, but has no result to return")
	}
	bundle.Result = json.RawMessage(`[1]`)
	_, err = vcav.ResultOf[vcav.SupportBundle](bundle)
	require.ErrorContains(t, err, `its result of type "SupportBundleInfo" cannot be read`)
	_, err = vcav.ResultOf[vcav.VMReplication](allTasks(t)[3])
	require.ErrorContains(t, err, "SupportBundleInfo", "a bundle is no replication, although it has an id")
}
