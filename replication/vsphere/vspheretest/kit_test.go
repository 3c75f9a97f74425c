package vspheretest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Replications of a pair without options.
var (
	db1  = vspheretest.ReplicationID("db-1")
	app1 = vspheretest.ReplicationID("app-1")
	web1 = vspheretest.ReplicationID("web-1")
)

const (
	v1 = "/api/rest/vr/v1"
	v2 = "/api/rest/vr/v2"
)

// guest sends plain requests to one server.
type guest struct {
	server  *vspheretest.Server
	clock   *vspheretest.ManualClock
	base    string
	token   string
	pairing string // of the server
}

// reply is what a request came to.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends one request; its error is that of the connection. Headers are given as name and value in turn.
func (g guest) send(ctx context.Context, method, path, body string, headers ...string) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, g.server.URL+g.base+g.fill(path), strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if g.token != "" {
		request.Header.Set("x-dr-session", g.token)
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

// fill puts the ids of the picture into a path: {P} is the pairing, {local} and {remote} the vCenter Servers.
func (g guest) fill(path string) string {
	return strings.NewReplacer(
		"{P}", "/pairings/"+g.pairing, "{local}", "/vcenters/"+g.server.VCenter, "{remote}", "/vcenters/"+g.server.Peer().VCenter,
		"{localVR}", "/vrs/"+g.server.VRMS, "{remoteVR}", "/vrs/"+g.server.Peer().VRMS,
	).Replace(path)
}

// ask wants a status, and that the answer is what the contract says.
func (g guest) ask(t testing.TB, want int, method, path, body string, headers ...string) reply {
	t.Helper()
	got, err := g.send(t.Context(), method, path, body, headers...)
	require.NoError(t, err)
	require.Equal(t, want, got.status, "%s %s: %s", method, path, got.body)
	g.requireContract(t, method, path, got)
	return got
}

// refused wants an error answer of a status and a code; the empty code stands for no body.
func (g guest) refused(t testing.TB, status int, code, method, path, body string, headers ...string) {
	t.Helper()
	got := g.ask(t, status, method, path, body, headers...)
	if code == "" {
		assert.Empty(t, got.body)
		return
	}
	answered := read[wrong](t, got)
	assert.Equal(t, code, answered.Code, got.body)
	assert.Len(t, answered.OpID, 36)
}

// requireContract holds an answer against the schema that the contract has for it. Times of v1 are text, which it
// does not say.
func (g guest) requireContract(t testing.TB, method, path string, got reply) {
	t.Helper()
	switch {
	case got.status == http.StatusUnauthorized || got.status == http.StatusNotFound:
		require.Empty(t, got.body)
		return
	case got.status >= http.StatusBadRequest:
		require.Empty(t, simkit.CheckJSON(contract.Table, "ResponseError", []byte(got.body)), got.body)
		return
	case g.base == v1:
		return
	}
	path, _, _ = strings.Cut(g.fill(path), "?")
	best := ""
	for _, operation := range contract.Table.Operations {
		if operation.Method != method || !fits(operation.Path, path) || (best != "" && strings.Count(operation.Path, "{") > strings.Count(best, "{")) {
			continue
		}
		best = operation.Path
		require.Contains(t, operation.Statuses, got.status)
		if operation.Answer == "" {
			require.Empty(t, got.body)
			continue
		}
		require.Empty(t, simkit.CheckJSON(contract.Table, operation.Answer, []byte(got.body)), got.body)
	}
	require.NotEmpty(t, best, path)
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

// read decodes an answer.
func read[T any](t testing.TB, from reply) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(from.body), &v), from.body)
	return v
}

// get reads what a GET answers with 200.
func get[T any](t testing.TB, g guest, path string) T {
	t.Helper()
	return read[T](t, g.ask(t, http.StatusOK, "GET", path, ""))
}

type wrong struct {
	Code    string `json:"error_code"`
	Message string `json:"message"`
	OpID    string `json:"op_id"`
}

type meta struct {
	Errors []struct {
		Code, Message, Field string
	} `json:"errors"`
	Total  int              `json:"total"`
	Offset int              `json:"offset"`
	Limit  int              `json:"limit"`
	Links  map[string]*link `json:"links"`
}

type link struct{ Href string }

func (m meta) fields() []string {
	fields := []string{}
	for _, e := range m.Errors {
		fields = append(fields, e.Field)
	}
	return fields
}

type listOf[T any] struct {
	List []T  `json:"list"`
	Meta meta `json:"_meta"`
}

type job struct {
	ID            string `json:"id"`
	DescriptionID string `json:"description_id"`
	Entity        *string
	Status        string `json:"status"`
	Error         *struct{ Message, Details string }
	Progress      int
	Queued        any `json:"queued_time"`
	Start         any `json:"start_time"`
	Complete      any `json:"complete_time"`
}

type shield struct {
	ID, Name string
	VMID     *string `json:"vm_id"`
	Status   struct {
		Status    string
		Violation bool `json:"rpo_violation"`
	}
	RPO           int
	Late          *int64         `json:"current_rpo_violation"`
	Server        *string        `json:"replication_server_name"`
	Configuration string         `json:"configuration_state"`
	Recovery      string         `json:"recovery_state"`
	LastSync      any            `json:"last_sync_time"`
	Progress      map[string]any `json:"sync_progress"`
	Source        string         `json:"source_vc_id"`
	Meta          meta           `json:"_meta"`
}

type moment struct {
	ID       string
	Start    int64 `json:"transfer_start_time"`
	Promoted bool
}

type picture struct {
	ID         string
	Created    any    `json:"created_time"`
	InstanceID string `json:"instance_id"`
	Committed  bool
	VMs        []string `json:"vm_ids"`
	Test       bool     `json:"test_bubble_image"`
}

// times of the tests' servers: tasks are a second in the queue and take ten.
const (
	queued  = time.Second
	running = 10 * time.Second
	whole   = queued + running
)

// open starts a pair and signs in at the recovery site, and at the protected one from there. The clock stands still.
func open(t testing.TB, options ...vspheretest.Option) guest {
	t.Helper()
	g := enter(t, options...)
	if g.server != g.server.Peer() {
		g.signInRemotely(t)
	}
	return g
}

// enter starts a pair and signs in at the recovery site alone.
func enter(t testing.TB, options ...vspheretest.Option) guest {
	t.Helper()
	clock := vspheretest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	options = append([]vspheretest.Option{
		vspheretest.InMemory(), vspheretest.UseClock(clock), vspheretest.TaskDuration(queued, running),
		vspheretest.SyncDuration(time.Minute), vspheretest.RateLimits(0, 0, 0), vspheretest.SessionLife(365*24*time.Hour, 9999*time.Hour),
	}, options...)
	g := guest{server: vspheretest.NewServer(t, options...), clock: clock, base: v2}
	g.pairing = g.server.PairingID()
	return g.signIn(t)
}

// signIn returns a guest with a session of its own.
func (g guest) signIn(t testing.TB) guest {
	t.Helper()
	g.token = ""
	g.token = read[struct {
		ID string `json:"session_id"`
	}](t, g.ask(t, http.StatusOK, "POST", "/session", "", "Authorization", basic(g.server.User, g.server.Password))).ID
	require.NotEmpty(t, g.token)
	return g
}

func basic(user, password string) string {
	request := http.Request{Header: http.Header{}}
	request.SetBasicAuth(user, password)
	return request.Header.Get("Authorization")
}

func (g guest) signInRemotely(t testing.TB) {
	t.Helper()
	peer := g.server.Peer()
	g.ask(t, http.StatusNoContent, "POST", "{P}/remote-session", "", "Authorization", basic(peer.User, peer.Password))
}

// peer returns a guest of the other site, signed in at both.
func (g guest) peer(t testing.TB) guest {
	t.Helper()
	other := guest{server: g.server.Peer(), clock: g.clock, base: g.base}
	other.pairing = other.server.PairingID()
	other = other.signIn(t)
	other.signInRemotely(t)
	return other
}

func (g guest) pair() *vspheretest.Pair { return g.server.Pair() }

// begin starts a task.
func (g guest) begin(t testing.TB, method, path, body string) job {
	t.Helper()
	return read[job](t, g.ask(t, http.StatusAccepted, method, path, body))
}

// finish starts a task and turns the clock past its end.
func (g guest) finish(t testing.TB, method, path, body string) job {
	t.Helper()
	begun := g.begin(t, method, path, body)
	g.clock.Advance(whole)
	return g.job(t, begun.ID)
}

// succeed wants it to succeed.
func (g guest) succeed(t testing.TB, method, path, body string) {
	t.Helper()
	ended := g.finish(t, method, path, body)
	require.Equal(t, "SUCCESS", ended.Status, "%+v", ended.Error)
}

// fails wants it to end in an error with these words.
func (g guest) fails(t testing.TB, words, method, path, body string) {
	t.Helper()
	ended := g.finish(t, method, path, body)
	require.Equal(t, "ERROR", ended.Status)
	require.Contains(t, ended.Error.Message, words)
}

func (g guest) job(t testing.TB, id string) job {
	t.Helper()
	return get[job](t, g, "/tasks/"+id)
}

func on(replication, rest string) string {
	return "{P}/replications/" + url.PathEscape(replication) + rest
}

func (g guest) shield(t testing.TB, id string) shield {
	t.Helper()
	return get[shield](t, g, on(id, ""))
}

func (g guest) instances(t testing.TB, id string) []moment {
	t.Helper()
	return get[listOf[moment]](t, g, on(id, "/instances")).List
}

// testOf is the body of a test of an instance.
func (g guest) testOf(instance string) string {
	return fmt.Sprintf(`{"instance_id":%q,"folder_id":%q,"compute_resource_id":%q,"excluded_disk_backings":null,"power_on":false}`,
		instance, vspheretest.FolderID(g.server.Site), vspheretest.ResourcePoolID(g.server.Site))
}

func value(text string) string { return fmt.Sprintf(`{"value":%q}`, text) }
