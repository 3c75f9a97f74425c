package checkpointstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What a server without options has.
var (
	production = checkpointstest.VaultID("production")
	replicas   = checkpointstest.VaultID("replicas")
	db1        = checkpointstest.VMID("db-1")
	app1       = checkpointstest.VMID("app-1")
	web1       = checkpointstest.VMID("web-1")
)

// unknown is an id that nobody has.
const unknown = "00000000-0000-4000-8000-000000000000"

// guest sends plain requests as the guide prints them.
type guest struct {
	server  *checkpointstest.Server
	token   string
	project string
}

// reply is what a request came to.
type reply struct {
	status int
	header http.Header
	body   string
}

// object is a JSON object.
type object = map[string]any

// send sends one request; its error is that of the connection. A path without a scheme is one of the project;
// headers are given as name and value in turn.
func (g guest) send(ctx context.Context, method, path, body string, headers ...string) (reply, error) {
	if !strings.HasPrefix(path, "https://") {
		path = g.server.URL + "/v3/" + g.project + path
	}
	request, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if g.token != "" {
		request.Header.Set("X-Auth-Token", g.token)
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

// ask wants a status, and returns the answer if it is an object.
func (g guest) ask(t testing.TB, want int, method, path, body string, headers ...string) object {
	t.Helper()
	got, err := g.send(t.Context(), method, path, body, headers...)
	require.NoError(t, err)
	require.Equal(t, want, got.status, got.body)
	requireContract(t, method, path, got)
	var answer object
	if strings.HasPrefix(got.body, "{") {
		require.NoError(t, json.Unmarshal([]byte(got.body), &answer), got.body)
		whole(answer)
	}
	return answer
}

// whole makes ints of the numbers in an answer, which are whole.
func whole(value any) any {
	switch value := value.(type) {
	case object:
		for name, inside := range value {
			value[name] = whole(inside)
		}
	case []any:
		for i, inside := range value {
			value[i] = whole(inside)
		}
	case float64:
		return int(value)
	}
	return value
}

// refused wants an error answer of a status and a code.
func (g guest) refused(t testing.TB, status int, code, method, path, body string, headers ...string) object {
	t.Helper()
	answer := g.ask(t, status, method, path, body, headers...)
	require.Equal(t, code, answer["error_code"], answer)
	require.NotEmpty(t, answer["error_msg"])
	return answer
}

// malformed wants the 401 of an id that is none.
func (g guest) malformed(t testing.TB, method, path, body string) {
	t.Helper()
	answer := g.ask(t, http.StatusUnauthorized, method, path, body)
	require.Equal(t, object{"unauthorized": object{"code": "401", "message": "Malformed request url"}}, answer)
}

// at walks into an answer by member names and indexes.
func at(t testing.TB, in any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			inside, ok := in.(object)
			require.Truef(t, ok, "%v has no %q", in, step)
			require.Contains(t, inside, step)
			in = inside[step]
		case int:
			inside, ok := in.([]any)
			require.Truef(t, ok && step < len(inside), "%v has no element %d", in, step)
			in = inside[step]
		}
	}
	return in
}

// text is what at finds, which is text.
func text(t testing.TB, in any, path ...any) string {
	t.Helper()
	found, ok := at(t, in, path...).(string)
	require.True(t, ok, "%v is no text", at(t, in, path...))
	return found
}

// list is what at finds, which is an array.
func list(t testing.TB, in any, path ...any) []any {
	t.Helper()
	found, ok := at(t, in, path...).([]any)
	require.True(t, ok, "%v is no array", at(t, in, path...))
	return found
}

// noon is when tests begin.
func noon() time.Time { return time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC) }

// open starts a server whose clock stands still. Tasks wait for a second and run for ten.
func open(t testing.TB, options ...checkpointstest.Option) (guest, *checkpointstest.ManualClock) {
	t.Helper()
	clock := checkpointstest.NewManualClock(noon())
	options = append([]checkpointstest.Option{
		checkpointstest.InMemory(), checkpointstest.UseClock(clock), checkpointstest.TaskDuration(time.Second, 10*time.Second),
	}, options...)
	server := checkpointstest.NewServer(t, options...)
	return guest{server: server, token: server.Token(), project: server.ProjectID}, clock
}

// openPair starts a server and a second region.
func openPair(t testing.TB, options ...checkpointstest.Option) (here, there guest, clock *checkpointstest.ManualClock) {
	t.Helper()
	here, clock = open(t, options...)
	second := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here.server), checkpointstest.TaskDuration(time.Second, 10*time.Second))
	return here, guest{server: second, token: second.Token(), project: second.ProjectID}, clock
}

// backUp backs the vault up and returns its checkpoint and the ids of its backups by resource, once they are done.
func backUp(t testing.TB, g guest, clock *checkpointstest.ManualClock, vault string) (string, map[string]string) {
	t.Helper()
	made := g.ask(t, 200, "POST", "/checkpoints", fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, vault))
	clock.Advance(time.Minute)
	id := text(t, made, "checkpoint", "id")
	require.Equal(t, "available", text(t, g.ask(t, 200, "GET", "/checkpoints/"+id, ""), "checkpoint", "status"))
	backups := map[string]string{}
	for _, b := range list(t, g.ask(t, 200, "GET", "/backups?checkpoint_id="+id, ""), "backups") {
		backups[text(t, b, "resource_id")] = text(t, b, "id")
	}
	return id, backups
}

// states are the states of all tasks, in the order of their creation.
func states(g guest) []string {
	var found []string
	for _, task := range g.server.Tasks() {
		found = append(found, task.Type+" "+task.State)
	}
	return found
}

func count(t testing.TB, answer object) int {
	t.Helper()
	n, ok := answer["count"].(int)
	assert.True(t, ok, answer)
	return n
}

// spelledBothWays are members that the table can have in one spelling only, and the service has in two.
var spelledBothWays = regexp.MustCompile(`\.(enterprise_project_id|resource_size|backup_size|backup_count|incremental|retCode|code|values|resource_detail) is \w+ instead of `)

// requireContract holds an answer against the schema that the contract has for it.
func requireContract(t testing.TB, method, path string, got reply) {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	if got.status >= http.StatusBadRequest {
		return
	}
	_, rest, absolute := strings.Cut(path, "/v3/")
	if !absolute {
		rest = "{project_id}" + path
	}
	for _, operation := range contract.Table.Operations {
		if operation.Method != method || !fits(operation.Path, "/v3/"+rest) {
			continue
		}
		assert.Contains(t, operation.Statuses, got.status)
		if _, declared := contract.Table.Schemas[operation.Answer]; declared && got.body != "" {
			for _, problem := range simkit.CheckJSON(contract.Table, operation.Answer, []byte(got.body)) {
				assert.Regexp(t, spelledBothWays, problem, operation.Name)
			}
		}
	}
}

func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if want[i] != got[i] && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}
