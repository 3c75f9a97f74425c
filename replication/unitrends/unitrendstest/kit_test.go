package unitrendstest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// guest sends plain requests as the wiki prints them.
type guest struct {
	server *unitrendstest.Server
	token  string
}

// reply is what a request came to.
type reply struct {
	status int
	header http.Header
	body   string
}

// enter signs in.
func enter(t testing.TB, server *unitrendstest.Server) guest {
	t.Helper()
	g := guest{server: server}
	got := g.ask(t, 201, "POST", "/api/login", `{"username":"root","password":"`+server.Password+`"}`)
	g.token = read[struct {
		Token string `json:"auth_token"`
	}](t, got).Token
	require.NotEmpty(t, g.token)
	return g
}

// send sends one request; its error is that of the connection. Headers are given as name and value in turn.
func (g guest) send(ctx context.Context, method, path, body string, headers ...string) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, g.server.URL+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Accept", "application/json")
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if g.token != "" {
		request.Header.Set("AuthToken", g.token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := (&http.Client{Transport: g.server.Transport()}).Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	return reply{status: response.StatusCode, header: response.Header, body: string(got)}, err
}

// ask wants a status, and that the answer is what the contract says.
func (g guest) ask(t testing.TB, want int, method, path, body string, headers ...string) reply {
	t.Helper()
	got, err := g.send(t.Context(), method, path, body, headers...)
	require.NoError(t, err)
	require.Equal(t, want, got.status, got.body)
	g.requireContract(t, got)
	return got
}

// get reads a list of the given member names, one inside the other.
func (g guest) get(t testing.TB, path string, members ...string) []map[string]any {
	t.Helper()
	var value any = read[map[string]any](t, g.ask(t, 200, "GET", path, ""))
	for _, name := range members {
		object, ok := value.(map[string]any)
		require.True(t, ok, name)
		value = object[name]
	}
	rows := []map[string]any{}
	elements, ok := value.([]any)
	require.True(t, ok, "%v is no list", value)
	for _, element := range elements {
		row, ok := element.(map[string]any)
		require.True(t, ok)
		rows = append(rows, row)
	}
	return rows
}

// refused wants an error answer of a status, with a message that has these words.
func (g guest) refused(t testing.TB, status int, words, method, path, body string, headers ...string) {
	t.Helper()
	got := read[struct {
		Result []struct{ Message, Link string } `json:"result"`
	}](t, g.ask(t, status, method, path, body, headers...))
	require.Len(t, got.Result, 1)
	assert.Contains(t, got.Result[0].Message, words)
}

// violates wants a loud 400 that says what the contract does not allow.
func (g guest) violates(t testing.TB, words, method, path, body string, headers ...string) {
	t.Helper()
	g.refused(t, 400, words, method, path, body, headers...)
	require.Len(t, g.server.AcknowledgeViolations(), 1)
}

// requireContract holds an answer against the schema that the contract has for it.
func (g guest) requireContract(t testing.TB, got reply) {
	t.Helper()
	table := openEnums()
	if got.status >= http.StatusBadRequest {
		require.Empty(t, simkit.CheckJSON(table, "ResultAnswer", []byte(got.body)), got.body)
		return
	}
	operation := g.operationOf(t)
	require.Contains(t, operation.Statuses, got.status)
	if got.body == "" && operation.Answer == "ResultAnswer" {
		return
	}
	require.Empty(t, simkit.CheckJSON(table, operation.Answer, []byte(got.body)), got.body)
}

// openEnums is the contract with the values of enums open, as they are in answers, and with ids of any type where
// the simulator makes them.
func openEnums() api.Table {
	table := api.Table{Operations: contract.Table.Operations, Schemas: map[string]api.Schema{}}
	for name, schema := range contract.Table.Schemas {
		schema.Members = slices.Clone(schema.Members)
		for i := range schema.Members {
			schema.Members[i].Enum = nil
		}
		table.Schemas[name] = schema
	}
	return table
}

// operationOf is what the server has made of the latest request.
func (g guest) operationOf(t testing.TB) api.Operation {
	t.Helper()
	requests := g.server.Requests()
	name := requests[len(requests)-1].Operation
	at := slices.IndexFunc(contract.Table.Operations, func(operation api.Operation) bool { return operation.Name == name })
	require.GreaterOrEqual(t, at, 0, "%q", name)
	return contract.Table.Operations[at]
}

// read decodes an answer.
func read[T any](t testing.TB, from reply) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(from.body), &v), from.body)
	return v
}
