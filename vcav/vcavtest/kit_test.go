package vcavtest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav/internal/contract"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const accept = "application/vnd.vmware.h4-v4.1+json;charset=UTF-8"

// Replications of a server without options.
var (
	db1  = vcavtest.ReplicationID("db-1")
	app1 = vcavtest.ReplicationID("app-1")
	web1 = vcavtest.ReplicationID("web-1")
)

// guest sends plain requests as the guide prints them.
type guest struct {
	server *vcavtest.Server
	token  string
	by     http.RoundTripper // nil: the server's own
}

// reply is what a request came to.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends one request; its error is that of the connection. Headers are given as name and value in turn.
func (g guest) send(ctx context.Context, method, path, body string, headers ...string) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, g.server.URL+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Header.Set("Accept", accept)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	if g.token != "" {
		request.Header.Set("X-VCAV-Auth", g.token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	by := g.by
	if by == nil {
		by = g.server.Transport()
	}
	response, err := (&http.Client{Transport: by}).Do(request)
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
	requireContract(t, method, path, got)
	return got
}

// refused wants an error answer of a status and a code.
func (g guest) refused(t testing.TB, status int, code, method, path, body string, headers ...string) {
	t.Helper()
	got := g.ask(t, status, method, path, body, headers...)
	assert.Equal(t, code, read[wrong](t, got).Code, got.body)
}

// requireContract holds an answer against the schema that the contract has for it.
func requireContract(t testing.TB, method, path string, got reply) {
	t.Helper()
	if got.status >= http.StatusBadRequest {
		require.Empty(t, simkit.CheckJSON(contract.Table, "APIError", []byte(got.body)), got.body)
		return
	}
	path, _, _ = strings.Cut(path, "?")
	for _, operation := range contract.Table.Operations {
		if operation.Method != method || !fits(operation.Path, path) {
			continue
		}
		require.Contains(t, operation.Statuses, got.status)
		if operation.Answer == "" {
			require.Empty(t, got.body)
		}
		if _, declared := contract.Table.Schemas[operation.Answer]; declared {
			require.Empty(t, simkit.CheckJSON(contract.Table, operation.Answer, []byte(got.body)), got.body)
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

// read decodes an answer.
func read[T any](t testing.TB, from reply) T {
	t.Helper()
	var v T
	require.NoError(t, json.Unmarshal([]byte(from.body), &v), from.body)
	return v
}

type wrong struct {
	Code       string   `json:"code"`
	Message    string   `json:"msg"`
	Args       []string `json:"args"`
	Stacktrace *string  `json:"stacktrace"`
}

type signedIn struct {
	User  string   `json:"user"`
	Roles []string `json:"roles"`
	Sites []place  `json:"authenticatedSites"`
}

type place struct {
	Site  string `json:"site"`
	Org   string `json:"org"`
	VApp  string `json:"vappId"`
	Recov string `json:"recoveredVappId"`
}

type job struct {
	ID       string `json:"id"`
	User     string `json:"user"`
	Workflow struct {
		Type, ResourceType       string
		ResourceID, ResourceName *string
	} `json:"workflowInfo"`
	Progress   int     `json:"progress"`
	State      string  `json:"state"`
	Start      int64   `json:"startTime"`
	End        int64   `json:"endTime"`
	Updated    int64   `json:"lastUpdated"`
	ResultType *string `json:"resultType"`
	Result     *shield `json:"result"`
	Error      *wrong  `json:"error"`
	Site       string  `json:"site"`
}

// shield is a replication.
type shield struct {
	ID          string   `json:"id"`
	VMID        string   `json:"vmId"`
	VMName      string   `json:"vmName"`
	Owner       string   `json:"owner"`
	Source      place    `json:"source"`
	Destination place    `json:"destination"`
	VIMLocation *vim     `json:"vimLocation"`
	Paused      bool     `json:"isPaused"`
	Reversed    bool     `json:"isReversed"`
	Updated     int64    `json:"lastUpdated"`
	Connection  string   `json:"dataConnectionState"`
	Health      string   `json:"overallHealth"`
	SLAProfile  *profile `json:"slaProfile"`
	Migration   bool     `json:"isMigration"`
	Storage     string   `json:"storageProfile"`
	Settings    terms    `json:"settings"`
	Startup     startup  `json:"startupInfo"`
	SourceState struct {
		State    string
		Progress *struct{ Progress int }
	} `json:"sourceState"`
	State struct {
		State          string
		LatestInstance *moment
		RecoveryInfo   struct {
			VAppID, VCDVMID *string
			VCID, VMID      *string
			Type            string
			RecoveryState   string
		}
	} `json:"destinationState"`
}

func (s shield) recovery() string { return s.State.RecoveryInfo.RecoveryState }

// terms are the settings of a replication.
type terms struct {
	Description string `json:"description"`
	RPO         int    `json:"rpo"`
	Connection  string `json:"dataConnectionType"`
	Quiesced    bool   `json:"quiesced"`
	Retention   struct {
		Rules []rule `json:"rules"`
	} `json:"retentionPolicy"`
	InitialSyncTime int64 `json:"initialSyncTime"`
	Excluded        []int `json:"excludedDiskKeys"`
}

type rule struct {
	Instances int `json:"numberOfInstances"`
	Distance  int `json:"distance"`
}

type startup struct {
	Order       int    `json:"order"`
	StartAction string `json:"startAction"`
	StartDelay  int    `json:"startDelay"`
	StopAction  string `json:"stopAction"`
	StopDelay   int    `json:"stopDelay"`
}

type vim struct {
	InstanceUUID string `json:"vimServerInstanceUuid"`
	Moref        string `json:"datastoreMoref"`
}

type profile struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

type moment struct {
	Key       string `json:"key"`
	Sequence  int    `json:"sequenceNumber"`
	Timestamp int64  `json:"timestamp"`
}

type pageOf[T any] struct {
	Items  []T `json:"items"`
	Total  int `json:"total"`
	Offset int `json:"offset"`
	Limit  int `json:"limit"`
}

// open starts a server and signs in as its administrator. Tasks take a second in the queue and ten to run,
// by a clock that stands still.
func open(t testing.TB, options ...vcavtest.Option) (guest, *vcavtest.ManualClock) {
	t.Helper()
	clock := vcavtest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	options = append([]vcavtest.Option{
		vcavtest.InMemory(), vcavtest.UseClock(clock), vcavtest.TaskDuration(time.Second, 10*time.Second),
	}, options...)
	server := vcavtest.NewServer(t, options...)
	return signIn(t, server, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`), clock
}

func signIn(t testing.TB, server *vcavtest.Server, body string) guest {
	t.Helper()
	return guest{server: server}.signIn(t, body)
}

// signIn returns a guest on the same connections with a session of its own.
func (g guest) signIn(t testing.TB, body string) guest {
	t.Helper()
	g.token = g.ask(t, http.StatusOK, "POST", "/sessions", body).header.Get("X-VCAV-Auth")
	require.NotEmpty(t, g.token)
	return g
}

func tenant(t testing.TB, server *vcavtest.Server, user string) guest {
	t.Helper()
	return signIn(t, server, `{"type":"vcdCredentials","vcdUser":"`+user+`","vcdPassword":"pw-of-`+user+`"}`)
}

func withTenant(user string) vcavtest.Option { return vcavtest.Tenant(user, "pw-of-"+user) }

// begin starts a task.
func (g guest) begin(t testing.TB, method, path, body string) job {
	t.Helper()
	return read[job](t, g.ask(t, http.StatusAccepted, method, path, body))
}

// finish starts a task and turns the clock past its end.
func (g guest) finish(t testing.TB, clock *vcavtest.ManualClock, method, path, body string) job {
	t.Helper()
	begun := g.begin(t, method, path, body)
	clock.Advance(11 * time.Second)
	_, query, _ := strings.Cut(path, "?")
	ended := g.job(t, begun.ID+"?"+query)
	require.NotEqual(t, int64(-1), ended.End)
	return ended
}

func (g guest) job(t testing.TB, id string) job {
	t.Helper()
	return read[job](t, g.ask(t, http.StatusOK, "GET", strings.TrimSuffix("/tasks/"+id, "?"), ""))
}

func (g guest) shield(t testing.TB, id string) shield {
	t.Helper()
	return read[shield](t, g.ask(t, http.StatusOK, "GET", "/vm-replications/"+id, ""))
}

const (
	failover = `{"type":"vcloud","powerOn":true}`
	test     = `{"type":"vcloud","powerOn":false,"sync":false}`
)
