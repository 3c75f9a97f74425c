package cloudreplicatest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What a server without options has.
var (
	vbr01   = cloudreplicatest.BackupServerID("vbr01")
	acme    = cloudreplicatest.TenantID("acme")
	globex  = cloudreplicatest.TenantID("globex")
	acmeAll = cloudreplicatest.PlanID("acme all")
	gold    = cloudreplicatest.HardwarePlanID("gold")
)

const (
	asXML  = "application/xml"
	asJSON = "application/json"

	// unknown is an id that nobody has.
	unknown = "00000000-0000-4000-8000-000000000000"
	// startNow is the body that the guide sends.
	startNow = `<?xml version="1.0" encoding="utf-8"?>
<CloudFailoverPlanManagementSpec xmlns="http://www.veeam.com/ent/v1.0">
  <StartNow>true</StartNow>
</CloudFailoverPlanManagementSpec>`
)

// guest sends plain requests as the guide prints them, in one of the encodings.
type guest struct {
	server   *cloudreplicatest.Server
	token    string
	encoding string
}

// reply is what a request came to.
type reply struct {
	status int
	header http.Header
	body   string
}

// linked is a link.
type linked struct {
	Rel  string `xml:",attr"`
	Type string `xml:",attr"`
	Href string `xml:",attr"`
	Name string `xml:",attr"`
}

// ref is what all entities and references to them have.
type ref struct {
	Type  string   `xml:",attr"`
	Href  string   `xml:",attr"`
	Name  string   `xml:",attr"`
	UID   string   `xml:",attr"`
	Links []linked `xml:"Links>Link"`
}

func (r ref) id() string { return r.UID[strings.LastIndex(r.UID, ":")+1:] }

func link(t testing.TB, of []linked, rel, kind string) linked {
	t.Helper()
	for _, l := range of {
		if l.Rel == rel && (kind == "" || l.Type == kind) {
			return l
		}
	}
	t.Fatalf("there is no link %s of type %q in %v", rel, kind, of)
	return linked{}
}

// taskShown is a task.
type taskShown struct {
	Href      string   `xml:",attr"`
	Links     []linked `xml:"Links>Link"`
	TaskId    string
	State     string
	Operation string
	Result    *struct {
		Success bool `xml:",attr"`
		Message string
	}
}

// wrong is an error answer.
type wrong struct {
	Message    string `xml:",attr"`
	StatusCode int    `xml:",attr"`
}

// send sends one request; its error is that of the connection. A path without a scheme is one of the API; headers are
// given as name and value in turn.
func (g guest) send(ctx context.Context, method, path, body string, headers ...string) (reply, error) {
	if !strings.HasPrefix(path, "https://") {
		path = g.server.URL + "/api" + path
	}
	request, err := http.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if g.encoding != "" {
		request.Header.Set("Accept", g.encoding)
	}
	if body != "" {
		request.Header.Set("Content-Type", asXML)
		if g.encoding == asJSON {
			request.Header.Set("Content-Type", asJSON)
		}
	}
	if g.token != "" {
		request.Header.Set("X-RestSvcSessionId", g.token)
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

// ask wants a status, and reads the answer into something unless that is nil.
func (g guest) ask(t testing.TB, want int, method, path, body string, into any, headers ...string) reply {
	t.Helper()
	got, err := g.send(t.Context(), method, path, body, headers...)
	require.NoError(t, err)
	require.Equal(t, want, got.status, got.body)
	requireContract(t, method, path, got)
	if into != nil {
		decode(t, got, into)
	}
	return got
}

// decode reads an answer in the encoding that it says it is in.
func decode(t testing.TB, got reply, into any) {
	t.Helper()
	reflect.ValueOf(into).Elem().SetZero() // encoding/xml would add to what is there
	body := bytes.TrimPrefix([]byte(got.body), []byte("\xEF\xBB\xBF"))
	if strings.HasPrefix(got.header.Get("Content-Type"), asJSON) {
		require.NoError(t, json.Unmarshal(body, into), got.body)
		return
	}
	require.True(t, strings.HasPrefix(got.header.Get("Content-Type"), asXML), got.header)
	require.NoError(t, xml.Unmarshal(body, into), got.body)
}

// refused wants an error answer.
func (g guest) refused(t testing.TB, status int, message, method, path, body string, headers ...string) {
	t.Helper()
	var got wrong
	g.ask(t, status, method, path, body, &got, headers...)
	assert.Contains(t, got.Message, message)
	assert.Equal(t, status, got.StatusCode)
}

// noon is when tests begin.
func noon() time.Time { return time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC) }

// open starts a server whose clock stands still. Tasks take a second to be done and another to be known; failovers take
// a second to begin and ten for each VM; a collection takes a minute.
func open(t testing.TB, options ...cloudreplicatest.Option) (guest, *cloudreplicatest.ManualClock) {
	t.Helper()
	clock := cloudreplicatest.NewManualClock(noon())
	options = append([]cloudreplicatest.Option{
		cloudreplicatest.InMemory(), cloudreplicatest.UseClock(clock), cloudreplicatest.TaskDuration(time.Second, time.Second),
		cloudreplicatest.FailoverDuration(time.Second, 10*time.Second), cloudreplicatest.CollectDuration(time.Minute),
	}, options...)
	server := cloudreplicatest.NewServer(t, options...)
	return guest{server: server, token: server.Token(), encoding: asXML}, clock
}

// dialects are the ways in which answers come.
var dialects = map[string]struct {
	encoding string
	options  []cloudreplicatest.Option
}{
	"XML":         {asXML, nil},
	"JSON":        {asJSON, nil},
	"9.5 U4 JSON": {asJSON, []cloudreplicatest.Option{cloudreplicatest.OmitNulls(), cloudreplicatest.BinaryTokens()}},
	"camel JSON":  {asJSON, []cloudreplicatest.Option{cloudreplicatest.CamelCase()}},
	"camel JSON with a mark": {asJSON, []cloudreplicatest.Option{
		cloudreplicatest.CamelCase(), cloudreplicatest.ByteOrderMark(), cloudreplicatest.PlanVMsAs("CloudFailoverPlanVm"),
	}},
}

// everyDialect runs a test in all of them.
func everyDialect(t *testing.T, test func(*testing.T, guest, *cloudreplicatest.ManualClock), options ...cloudreplicatest.Option) {
	t.Helper()
	for name, dialect := range dialects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, append(options, dialect.options...)...)
			g.encoding = dialect.encoding
			test(t, g, clock)
		})
	}
}

// task starts work, waits for its end, and returns the task as it then is.
func (g guest) task(t testing.TB, clock *cloudreplicatest.ManualClock, method, path, body string) taskShown {
	t.Helper()
	var begun, done taskShown
	g.ask(t, http.StatusAccepted, method, path, body, &begun)
	require.Equal(t, "Running", begun.State)
	require.Nil(t, begun.Result)
	clock.Advance(time.Second)
	g.ask(t, http.StatusOK, "GET", "/tasks/"+begun.TaskId, "", &done)
	require.Equal(t, "OperationFinished", done.State)
	require.NotNil(t, done.Result)
	clock.Advance(time.Second)
	g.ask(t, http.StatusOK, "GET", "/tasks/"+begun.TaskId, "", &done)
	require.Equal(t, "Finished", done.State)
	return done
}

// entity is an answer's document in whatever encoding.
func entity(t testing.TB, g guest, path string, into any) {
	t.Helper()
	g.ask(t, http.StatusOK, "GET", path, "", into)
}
