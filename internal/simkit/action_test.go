package simkit_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// workshop is a service whose operations share a path, that takes bodies in two media types and answers errors in
// the one that is asked for.
func workshop(t testing.TB) *simkit.Server {
	t.Helper()
	table := api.Table{
		Operations: []api.Operation{
			{Name: "Saws.Get", Method: "GET", Class: api.Read, Path: "/saws/{sawId}", Statuses: []int{200}},
			{Name: "Saws.Start", Method: "POST", Path: "/saws/{sawId}", Action: "start", Body: "Speeds", Statuses: []int{202}},
			{Name: "Saws.Stop", Method: "POST", Path: "/saws/{sawId}", Action: "stop", Statuses: []int{202}},
		},
		Schemas: map[string]api.Schema{
			"Speeds": {Name: "Speeds", Type: "array", Wrapper: "Speeds", Items: &api.Member{Name: "Speed", Type: "integer"}},
		},
	}
	config := simkit.Config{
		Table: table, Handlers: map[string]simkit.Handler{}, FoldPaths: true, InMemory: true,
		ErrorFor: func(call *simkit.Call, status int, _, message string) simkit.Answer {
			accept := call.Header.Get("Accept")
			return simkit.Answer{Status: status, Header: http.Header{"Content-Type": {accept}}, Body: []byte(message)}
		},
		BodyChecks: map[string]func(api.Table, string, []byte) []string{
			"application/json": simkit.CheckJSON,
			"application/xml": func(_ api.Table, schema string, body []byte) []string {
				if string(body) == "<"+schema+"/>" {
					return nil
				}
				return []string{"no such XML"}
			},
		},
	}
	for _, operation := range table.Operations {
		config.Handlers[operation.Name] = func(call *simkit.Call) simkit.Answer {
			return simkit.Answer{Status: call.Operation.Statuses[0], Body: []byte(call.Operation.Name + " " + call.Resource)}
		}
	}
	server, err := simkit.New(config)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

func TestOperationsThatShareAPath(t *testing.T) {
	t.Parallel()
	server := workshop(t)
	assert.Equal(t, "Saws.Start big", mustAsk(t, server, "POST", "/saws/big?action=start", "").Body)
	assert.Equal(t, "Saws.Stop big", mustAsk(t, server, "POST", "/SAWS/big?action=stop", "").Body)
	assert.Equal(t, "Saws.Get big", mustAsk(t, server, "GET", "/Saws/big", "").Body)
	done, err := server.Operate(simkit.Order{Operation: "Saws.Stop", Arguments: []string{"big"}})
	require.NoError(t, err)
	assert.Equal(t, "Saws.Stop big", string(done.Body))
	require.Empty(t, server.Violations())

	for path, want := range map[string]string{
		"/saws/big":                             `the action "" is not one of this path's: start, stop`,
		"/saws/big?action=sing":                 `the action "sing" is not one of this path's: start, stop`,
		"/saws/big?action=start&action=start":   `query parameter "action" comes 2 times`,
		"/saws/big?action=start&speed=furious":  `query parameter "speed" is not in the contract`,
		"/hammers/big?action=start":             "the path is not in the contract",
		"/saws/big/too/long?action=start":       "the path is not in the contract",
		"/saws/big?action=start&format=Entity":  `query parameter "format" is not in the contract`,
		"/saws/big?action=stop&action=starting": `query parameter "action" comes 2 times`,
	} {
		got := mustAsk(t, server, "POST", path, "")
		assert.Equal(t, http.StatusBadRequest, got.Status)
		assert.Contains(t, got.Body, want)
	}
	assert.Contains(t, mustAsk(t, server, "GET", "/saws/big?action=start", "").Body, `query parameter "action" is not in the contract`)
	assert.Len(t, server.AcknowledgeViolations(), 9)

	require.NoError(t, server.Inject(simkit.Rule{Operation: "Saws.Stop", Status: 503, Times: 1}))
	assert.Equal(t, http.StatusAccepted, mustAsk(t, server, "POST", "/saws/big?action=start", "").Status)
	assert.Equal(t, http.StatusServiceUnavailable, mustAsk(t, server, "POST", "/saws/big?action=stop", "").Status)
	assert.Equal(t, 2, server.Ran("Saws.Start", "big"))
}

func TestBodiesInSeveralTypes(t *testing.T) {
	t.Parallel()
	server := workshop(t)
	for _, tc := range []struct{ contentType, body, want string }{
		{"application/json", `{"Speeds":[1,2]}`, ""},
		{"application/json", `{}`, ""},
		{"application/xml; charset=utf-8", `<Speeds/>`, ""},
		{"application/json", `[1,2]`, "$ is array instead of an object"},
		{"application/json", `{"Speeds":[1,"fast"]}`, "$.Speeds[1] is string instead of integer"},
		{"application/json", `{"Speed":[1]}`, "$.Speed is not in the contract"},
		{"application/json", `{"Speeds":1}`, "$.Speeds is integer instead of an array"},
		{"application/xml", `{"Speeds":[1,2]}`, "no such XML"},
		{"text/plain", `{"Speeds":[1,2]}`, `Content-Type is "text/plain" instead of "application/json or application/xml"`},
	} {
		got := mustAsk(t, server, "POST", "/saws/big?action=start", tc.body, "Content-Type", tc.contentType, "Accept", tc.contentType)
		if tc.want == "" {
			assert.Equal(t, http.StatusAccepted, got.Status, got.Body)
			continue
		}
		assert.Equal(t, http.StatusBadRequest, got.Status, tc.body)
		assert.Contains(t, got.Body, tc.want)
		assert.Equal(t, tc.contentType, got.Header.Get("Content-Type"), "the error is in the type that was asked for")
		assert.Len(t, server.AcknowledgeViolations(), 1)
	}
}

func TestErrorsOfRulesSeeTheirCall(t *testing.T) {
	t.Parallel()
	server := workshop(t)
	require.NoError(t, server.Inject(simkit.Rule{Status: 503, Message: "later"}))
	for _, accept := range []string{"application/json", "application/xml"} {
		got := mustAsk(t, server, "GET", "/saws/big", "", "Accept", accept)
		assert.Equal(t, fmt.Sprint(http.StatusServiceUnavailable, " later ", accept), fmt.Sprint(got.Status, " "+got.Body+" ", got.Header.Get("Content-Type")))
	}
}
