package vcav_test

import (
	"encoding/json"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// polled asks for tasks that the service answers with a table.
func polled(t *testing.T, table string) ([]vcav.Task, error) {
	t.Helper()
	s := newService(t)
	s.on("POST", "/tasks/poll", httpmock.NewStringResponder(200, table))
	return s.client(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})).Tasks.Poll(wire(t), []string{"a", "b"})
}

// Columns go by name: in any order, with more of them than drkit knows, and with fewer. The guide shows no
// row, so rows that are objects are taken, too.
func TestTablesOfTasks(t *testing.T) {
	t.Parallel()
	want := []vcav.Task{{
		ID: "a", State: vcav.TaskStateRunning, Progress: 45,
		WorkflowInfo: vcav.WorkflowInfo{Type: "sync", ResourceID: "C4-1"},
	}}
	for name, table := range map[string]string{
		"in the guide's order": `{"propertyNames":["id","workflowInfo.type","workflowInfo.resourceId","progress","state","endTime"],
			"values":[["a","sync","C4-1",45,"RUNNING",-1]]}`,
		"in another order": `{"propertyNames":["endTime","state","workflowInfo.resourceId","progress","id","workflowInfo.type"],
			"values":[[-1,"RUNNING","C4-1",45,"a","sync"]]}`,
		"with columns of a later service": `{"propertyNames":["id","owner","workflowInfo.type","workflowInfo.resourceId","workflowInfo.step","progress","state","x.y.z"],
			"values":[["a",{"name":"b"},"sync","C4-1",3,45,"RUNNING",[1]]]}`,
		"with the workflow in one column": `{"propertyNames":["id","workflowInfo","progress","state"],
			"values":[["a",{"type":"sync","resourceId":"C4-1"},45,"RUNNING"]]}`,
		"with the workflow in one column and in some": `{"propertyNames":["workflowInfo.type","id","workflowInfo","workflowInfo.resourceId","progress","state"],
			"values":[["sync","a",{"type":"another"},"C4-1",45,"RUNNING"]]}`,
		"with null for what there is none of": `{"propertyNames":["id","workflowInfo.type","workflowInfo.resourceId","workflowInfo.resourceName","progress","state","error"],
			"values":[["a","sync","C4-1",null,45,"RUNNING",null]]}`,
		"with rows that are objects": `{"propertyNames":["id"],
			"values":[{"id":"a","workflowInfo.type":"sync","workflowInfo.resourceId":"C4-1","progress":45,"state":"RUNNING"}]}`,
		"with rows that are tasks": `{"propertyNames":["id"],
			"values":[{"id":"a","workflowInfo":{"type":"sync","resourceId":"C4-1"},"progress":45,"state":"RUNNING"}]}`,
		"with white space": " {\"propertyNames\" : [ \"id\", \"workflowInfo.type\", \"workflowInfo.resourceId\", \"progress\", \"state\" ],\n" +
			"\"values\" : [\n\t[ \"a\", \"sync\", \"C4-1\", 45, \"RUNNING\" ] ] } ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tasks, err := polled(t, table)
			require.NoError(t, err)
			assert.Equal(t, want, tasks)
		})
	}
}

// Whole numbers decode however they are written, in a table as anywhere else.
func TestNumbersInTables(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{
		"fractions": `{"propertyNames":["id","progress","startTime"],"values":[["a",45.0,1795082400000.0]]}`,
		"exponents": `{"propertyNames":["id","progress","startTime"],"values":[["a",4.5e1,1.7950824e12]]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tasks, err := polled(t, table)
			require.NoError(t, err)
			assert.Equal(t, []vcav.Task{{ID: "a", Progress: 45, StartTime: millis(1795082400000)}}, tasks)
		})
	}
}

// What is no table of tasks is an error, and names its row; nothing of it is taken for a task.
func TestTablesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ table, want string }{
		"no columns":        {`{"propertyNames":[],"values":[["a"]]}`, "without the names of its columns"},
		"columns are null":  {`{"propertyNames":null,"values":[["a"]]}`, "without the names of its columns"},
		"another object":    {`{"status":"ok"}`, "the answer cannot be used"},
		"a page":            {`{"items":[],"total":0}`, "the answer cannot be used"},
		"an array":          {`[]`, "the answer cannot be used"},
		"null":              {`null`, "the answer cannot be used"},
		"a short row":       {`{"propertyNames":["id","state"],"values":[["a","RUNNING"],["b"]]}`, "row 2 of 2 tasks: 1 values for 2 columns"},
		"a long row":        {`{"propertyNames":["id"],"values":[["a","b"]]}`, "row 1 of 1 tasks: 2 values for 1 columns"},
		"a row that is one": {`{"propertyNames":["id"],"values":["a"]}`, "row 1 of 1 tasks"},
		"a row of null":     {`{"propertyNames":["id"],"values":[null]}`, "row 1 of 1 tasks"},
		"no id":             {`{"propertyNames":["state"],"values":[["RUNNING"]]}`, "row 1 of 1 tasks: a task without an id"},
		"id is null":        {`{"propertyNames":["id"],"values":[[null]]}`, "a task without an id"},
		"id is a number":    {`{"propertyNames":["id"],"values":[[7]]}`, "row 1 of 1 tasks"},
		"an empty object":   {`{"propertyNames":["id"],"values":[{}]}`, "a task without an id"},
		"values are one":    {`{"propertyNames":["id"],"values":"a"}`, "the answer cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tasks, err := polled(t, tc.table)
			require.ErrorContains(t, err, "the answer cannot be used")
			require.ErrorContains(t, err, tc.want)
			assert.Equal(t, 200, answerOf(t, err).Status)
			assert.Empty(t, tasks)
		})
	}
}

func TestPollOfNothing(t *testing.T) {
	t.Parallel()
	s := newService(t)
	for _, ids := range [][]string{nil, {}} {
		tasks, err := s.client().Tasks.Poll(wire(t), ids)
		require.NoError(t, err)
		assert.Empty(t, tasks)
		tasks, err = s.client().Site("south").Tasks.Poll(wire(t), ids)
		require.NoError(t, err)
		assert.Empty(t, tasks)
	}
	assert.Empty(t, s.lines())
}

// A policy that a later service shows is read, changed and written back without a loss.
func TestPolicyIsReadChangedAndWritten(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/policies/"+silverID, answer(t, 200, "policies_get.later"))
	s.on("PUT", "/policies/"+silverID, answer(t, 200, "policies_get.later"))
	client := s.client()
	policy, err := client.Policies.Get(wire(t), silverID)
	require.NoError(t, err)
	policy.MinRPO = 60
	got, err := client.Policies.Update(wire(t), policy.ID, policy.PolicySettings)
	require.NoError(t, err)
	assert.Equal(t, laterSilver(), got)
	require.Len(t, s.lines(), 2)
	assert.JSONEq(t, testdata(t, "policies_update.later.request"), s.all()[1].body)

	// All that changes is what was changed.
	var before, after map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(testdata(t, "policies_get.later")), &before))
	require.NoError(t, json.Unmarshal([]byte(s.all()[1].body), &after))
	delete(before, "id")
	delete(before, "orgs")
	before["minRpo"] = json.RawMessage("60")
	assert.Equal(t, before, after)
}

// Null and nothing differ in a policy's cap, which later services do not have.
func TestCapOfAPolicy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		value drkit.Opt[int]
		want  string
	}{
		"none": {drkit.Opt[int]{}, ""}, "null": {drkit.Null[int](), "null"}, "zero": {drkit.Some(0), "0"}, "some": {drkit.Some(7), "7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/policies", answer(t, 201, "policies_create.answer"))
			settings := policySettings()
			settings.OnpremDataCap = tc.value
			_, err := s.client().Policies.Create(wire(t), settings)
			require.NoError(t, err)
			var body map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(s.only().body), &body))
			assert.Equal(t, tc.want, string(body["onpremDataCap"]))
			_, sent := body["onpremDataCap"]
			assert.Equal(t, tc.want != "", sent)
		})
	}
}
