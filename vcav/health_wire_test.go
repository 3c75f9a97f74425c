package vcav_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

const healthPath = "/diagnostics/health"

// checked asks for the health and waits for it. The task that is polled, if one is, is called 1.
func checked(t *testing.T, answers httpmock.Responder, polls ...httpmock.Responder) (vcav.CloudHealth, error) {
	t.Helper()
	s := newService(t)
	s.on("GET", healthPath, answers)
	if len(polls) > 0 {
		s.on("GET", "/tasks/1", polls...)
	}
	ctx := drkit.WithOperationID(wire(t), "op-1")
	poller, err := s.client(drkit.WithPolling(polling)).Diagnostics.Health(ctx)
	if err != nil {
		return vcav.CloudHealth{}, err
	}
	return poller.Wait(wire(t))
}

// nested wraps a task as the result of another.
func nested(task string) string {
	return `{"id":"1","user":"root","workflowInfo":{"type":"healthInfo"},"progress":100,"state":"SUCCEEDED","resultType":"CloudHealthInfo","result":` + task + `}`
}

// A health that a task names by another task, or gives at once, is read in whatever status it comes.
func TestShapesOfHealth(t *testing.T) {
	t.Parallel()
	for shape, want := range healths() {
		sample := testdata(t, "diagnostics_health."+shape)
		for _, code := range []int{200, 202} {
			t.Run(fmt.Sprintf("%s, %d", shape, code), func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					got, err := checked(t, httpmock.NewStringResponder(code, sample))
					require.NoError(t, err)
					assert.Equal(t, want, tidy(got))
				})
			})
		}
		if shape == "before_4_1" {
			continue
		}
		t.Run(shape+", at the end of a task", func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				ended := strings.Replace(sample, `"id": "`, `"id": "1", "was": "`, 1)
				got, err := checked(t, taskAt("RUNNING", 5, with("id", "1")), taskAt("QUEUED", 0, with("id", "1")), httpmock.NewStringResponder(200, ended))
				require.NoError(t, err)
				assert.Equal(t, want, tidy(got))
			})
		})
	}
}

// What 4.6 answers has lists in the place of errors, which are left alone.
func TestHealthOfALaterService(t *testing.T) {
	synchronous := `{"instanceId":"a","tunnelConnectivity":[{"url":"https://192.0.2.14","error":null}],"lastUpdated":-1}`
	bubble(t, func(t *testing.T) {
		got, err := checked(t, httpmock.NewStringResponder(202, nested(nested(synchronous))))
		require.NoError(t, err)
		assert.Equal(t, vcav.CloudHealth{InstanceID: "a"}, got)
	})
}

// Where the task that a health is nested in has failed, or has not ended, there is no health.
func TestNestedHealthThatIsNone(t *testing.T) {
	t.Parallel()
	failed := `{"id":"2","workflowInfo":{"type":"healthInfo","resourceType":"MANAGER","resourceId":"m-1"},"state":"FAILED","site":"south",` +
		`"error":{"code":"ConnectionRefused","msg":"No, ` + givenToken + `.","args":[],"stacktrace":null}}`
	t.Run("failed", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			got, err := checked(t, httpmock.NewStringResponder(200, nested(failed)))
			assert.Empty(t, got)
			var reason *drkit.TaskError
			require.ErrorAs(t, err, &reason)
			assert.Equal(t, &drkit.TaskError{
				Operation: "vcav.Diagnostics.Health", OperationID: "op-1", TaskID: "2", Type: "healthInfo", ResourceID: "m-1",
				Site: "south", Code: "ConnectionRefused", Message: "No, [redacted].", Args: []string{},
			}, reason)
		})
	})
	health := `{"instanceId":"a"}`
	for name, tc := range map[string]struct{ inner, text string }{
		"running":       {`{"id":"2","workflowInfo":{},"state":"RUNNING","result":` + health + `}`, "task 1 succeeded, but task 2, which is its result, had not ended (RUNNING)"},
		"of no state":   {`{"id":"2","workflowInfo":{},"result":` + health + `}`, `its result of type "CloudHealthInfo" cannot be read: a health without instanceId`},
		"null":          {`{"id":"2","workflowInfo":{},"state":"SUCCEEDED","result":null}`, "task 2 succeeded, but has no result to return"},
		"no result":     {`{"id":"2","workflowInfo":{},"state":"SUCCEEDED"}`, "task 2 succeeded, but has no result to return"},
		"garbage":       {`{"id":"2","workflowInfo":{},"state":"SUCCEEDED","result":"fine"}`, "cannot be read"},
		"nothing in it": {`{"id":"2","workflowInfo":{},"state":"SUCCEEDED","result":{}}`, "a health without instanceId"},
		"three deep":    {nested(nested(health)), "a health without instanceId"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				got, err := checked(t, httpmock.NewStringResponder(200, nested(tc.inner)))
				require.ErrorContains(t, err, tc.text)
				require.NotErrorIs(t, err, drkit.ErrNotDone, "waiting longer does not help")
				require.NotErrorAs(t, err, new(*drkit.TaskError))
				checkErrorText(t, err)
				assert.Empty(t, got)
			})
		})
	}
}

// What is neither a task nor a health is an answer that cannot be used.
func TestHealthThatIsGarbage(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing": ``, "null": `null`, "text": `"fine"`, "number": `7`, "list": `[]`, "empty": `{}`, "gateway": `{"status":"ok"}`,
		"cut short": `{"instanceId":"a"`, "a health without its id": `{"productName":"x","dbError":null}`, "another id": `{"instanceId":7}`,
		"an empty id": `{"instanceId":""}`, "a task without an id": `{"state":"SUCCEEDED","result":{"instanceId":"a"}}`,
		"a state of another type": `{"id":"1","state":7}`, "a health that cannot be": `{"id":"1","state":"RUNNING","progress":"fast"}`,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				got, err := checked(t, httpmock.NewStringResponder(200, body))
				require.ErrorContains(t, err, "the answer cannot be used")
				require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "it may be asked for again")
				checkErrorText(t, err)
				assert.Empty(t, got)
			})
		})
	}
	t.Run("a health that is null", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			_, err := checked(t, taskAt("SUCCEEDED", 100, with("id", "1")))
			require.ErrorContains(t, err, "task 1 succeeded, but has no result to return")
		})
	})
	t.Run("a health that is none", func(t *testing.T) {
		bubble(t, func(t *testing.T) {
			_, err := checked(t, httpmock.NewStringResponder(200, `{"instanceId":"a","dbError":"refused"}`))
			require.ErrorContains(t, err, `its result of type "CloudHealthInfo" cannot be read`)
		})
	})
}

// A health that failed says why.
func TestHealthThatFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		_, err := checked(t, taskAt("RUNNING", 0, with("id", "1")), taskAt("FAILED", 100, with("id", "1"), with("error", failure("Forbidden", "No."))))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "vcav.Diagnostics.Health", failed.Operation)
	})
}

// Tasks that were not started here have the health, too.
func TestResultOfAHealthTask(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{"answer", "well", "nested"} {
		var task vcav.Task
		require.NoError(t, json.Unmarshal([]byte(testdata(t, "diagnostics_health."+shape)), &task))
		got, err := vcav.ResultOf[vcav.CloudHealth](task)
		require.NoError(t, err)
		assert.Equal(t, healths()[shape], tidy(got))
		_, err = vcav.ResultOf[vcav.VMReplication](task)
		require.Error(t, err, "a health is no replication")
	}
}

// A state of the configuration that says nothing is none.
func TestIsConfigured(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{`{"isConfigured":true}`: true, `{"isConfigured":false,"more":1}`: false} {
		s := newService(t)
		s.on("GET", "/config/is-configured", httpmock.NewStringResponder(200, body))
		got, err := s.client().Diagnostics.IsConfigured(wire(t))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, body := range []string{`{}`, `null`, `{"isConfigured":null}`, `{"isConfigured":"yes"}`, `true`, `[]`} {
		s := newService(t)
		s.on("GET", "/config/is-configured", httpmock.NewStringResponder(200, body))
		got, err := s.client().Diagnostics.IsConfigured(wire(t))
		require.ErrorContains(t, err, "the answer cannot be used", body)
		assert.False(t, got)
	}
}
