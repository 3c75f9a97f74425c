package vcavtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav/internal/contract"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// check is the health.
type check struct {
	Product       string         `json:"productName"`
	Instance      string         `json:"instanceId"`
	Runtime       string         `json:"runtimeId"`
	Now           int64          `json:"currentTime"`
	TunnelError   *wrong         `json:"tunnelError"`
	VCDError      *wrong         `json:"vcdError"`
	ManagerError  *wrong         `json:"managerError"`
	ManagerHealth *managerHealth `json:"managerHealth"`
	LSError       *wrong         `json:"lsError"`
	DBError       *wrong         `json:"dbError"`
	NTPError      *wrong         `json:"ntpError"`
	Disk          disk           `json:"diskUsage"`
}

type managerHealth struct {
	Instance string           `json:"instanceId"`
	Offline  []replicatorSeen `json:"offlineReplicators"`
	Online   []replicatorSeen `json:"onlineReplicators"`
	Local    []any            `json:"localReplicatorsHealth"`
	LSError  *wrong           `json:"lsError"`
	DBError  *wrong           `json:"dbError"`
	NTPError *wrong           `json:"ntpError"`
	Disk     disk             `json:"diskUsage"`
}

type replicatorSeen struct {
	ID string `json:"id"`
}

type disk struct {
	Total, Usable, Free int64
}

// errors are all that a health shows, by the member that has them.
func (c check) errors() map[string]string {
	found := map[string]string{}
	note := func(member string, seen *wrong) {
		if seen != nil {
			found[member] = seen.Code
		}
	}
	note("tunnelError", c.TunnelError)
	note("vcdError", c.VCDError)
	note("managerError", c.ManagerError)
	note("lsError", c.LSError)
	note("dbError", c.DBError)
	note("ntpError", c.NTPError)
	if c.ManagerHealth != nil {
		note("managerHealth.lsError", c.ManagerHealth.LSError)
		note("managerHealth.dbError", c.ManagerHealth.DBError)
		note("managerHealth.ntpError", c.ManagerHealth.NTPError)
	}
	return found
}

// resultOf is the result of a task that has ended, held against the schema that the contract has for it.
func resultOf[T any](t testing.TB, g guest, id, schema string) T {
	t.Helper()
	ended := read[struct {
		State  string          `json:"state"`
		Result json.RawMessage `json:"result"`
	}](t, g.ask(t, http.StatusOK, "GET", "/tasks/"+id, ""))
	require.Equal(t, "SUCCEEDED", ended.State)
	require.Empty(t, simkit.CheckJSON(contract.Table, schema, ended.Result), string(ended.Result))
	var v T
	require.NoError(t, json.Unmarshal(ended.Result, &v))
	return v
}

// health lets a check begin and end.
func (g guest) health(t testing.TB, clock *vcavtest.ManualClock) check {
	t.Helper()
	begun := read[job](t, g.ask(t, http.StatusOK, "GET", "/diagnostics/health", ""))
	clock.Advance(11 * time.Second)
	return resultOf[check](t, g, begun.ID, "CloudHealth")
}

func TestHealth(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.TaskDuration(0, 10*time.Second))
	begun := read[job](t, g.ask(t, http.StatusOK, "GET", "/diagnostics/health", "", "operationID", "op-1"))
	assert.Equal(t, "healthInfo", begun.Workflow.Type)
	assert.Equal(t, "cloudService", begun.Workflow.ResourceType)
	assert.Equal(t, g.server.InstanceID(), *begun.Workflow.ResourceID)
	assert.Nil(t, begun.Workflow.ResourceName)
	assert.Equal(t, "RUNNING", begun.State)
	assert.Equal(t, int64(-1), begun.End)
	assert.Nil(t, begun.ResultType)
	assert.Equal(t, "op-1", g.server.Tasks()[0].OperationID)
	clock.Advance(5 * time.Second)
	assert.Equal(t, 50, g.job(t, begun.ID).Progress)
	clock.Advance(5 * time.Second)
	assert.Equal(t, "CloudHealthInfo", *g.job(t, begun.ID).ResultType)

	well := resultOf[check](t, g, begun.ID, "CloudHealth")
	assert.Empty(t, well.errors())
	assert.Equal(t, g.server.InstanceID(), well.Instance)
	assert.Equal(t, clock.Now().UnixMilli(), well.Now)
	assert.NotEqual(t, well.Instance, well.ManagerHealth.Instance)
	assert.Equal(t, []replicatorSeen{{"replicator-1"}}, well.ManagerHealth.Online)
	assert.Empty(t, well.ManagerHealth.Offline)
	assert.NotNil(t, well.ManagerHealth.Local)
	assert.Greater(t, well.Disk.Total, well.Disk.Usable)
	assert.Equal(t, well.Runtime, g.health(t, clock).Runtime)
	assert.Contains(t, g.poll(t, "", begun.ID).cells(t, "result")[0], well.Runtime)
}

func TestHealthOfBrokenComponents(t *testing.T) {
	t.Parallel()
	for component, usual := range map[vcavtest.Component]string{
		vcavtest.TunnelService:        "TunnelNotConfigured",
		vcavtest.CloudDirector:        "FailedToRetrieveVcdFromLookupService",
		vcavtest.ManagerService:       "ConnectionRefused",
		vcavtest.LookupService:        "LookupServiceNotConfigured",
		vcavtest.Database:             "ConnectionRefused",
		vcavtest.NTPServer:            "FailedToConnectToNtpServer",
		vcavtest.ManagerLookupService: "ConnectionRefused",
		vcavtest.ManagerDatabase:      "GeneralServerFailure",
		vcavtest.ManagerNTPServer:     "FailedToConnectToNtpServer",
	} {
		t.Run(string(component), func(t *testing.T) {
			t.Parallel()
			g, clock := open(t)
			g.server.BreakComponent(component, "", "")
			assert.Equal(t, map[string]string{string(component): usual}, g.health(t, clock).errors())
			g.server.BreakComponent(component, "Strange", "It is strange.")
			seen := g.health(t, clock)
			assert.Equal(t, map[string]string{string(component): "Strange"}, seen.errors())
			assert.Equal(t, component == vcavtest.ManagerService, seen.ManagerHealth == nil)

			running := read[job](t, g.ask(t, http.StatusOK, "GET", "/diagnostics/health", ""))
			g.server.RepairComponent(component)
			clock.Advance(11 * time.Second)
			g.server.BreakComponent(component, "", "")
			assert.Empty(t, resultOf[check](t, g, running.ID, "CloudHealth").errors(), "what counts is the end of the check")
		})
	}
}

func TestWhatElseTheHealthShows(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.SetReplicators([]string{"a", "b"}, []string{"c"})
	g.server.SetDiskUsage(100, 20, 30)
	seen := g.health(t, clock)
	assert.Equal(t, []replicatorSeen{{"a"}, {"b"}}, seen.ManagerHealth.Online)
	assert.Equal(t, []replicatorSeen{{"c"}}, seen.ManagerHealth.Offline)
	assert.Equal(t, disk{100, 20, 30}, seen.Disk)
	assert.Equal(t, disk{100, 20, 30}, seen.ManagerHealth.Disk)
	g.server.SetReplicators(nil, nil)
	assert.NotNil(t, g.health(t, clock).ManagerHealth.Online)

	g.server.FailTask("Diagnostics.Health", "", "Broken", "It broke.")
	begun := read[job](t, g.ask(t, http.StatusOK, "GET", "/diagnostics/health", ""))
	clock.Advance(11 * time.Second)
	failed := g.job(t, begun.ID)
	assert.Equal(t, "FAILED", failed.State)
	assert.Equal(t, "Broken", failed.Error.Code)
	assert.Nil(t, failed.ResultType)
}

func TestShapesOfTheHealth(t *testing.T) {
	t.Parallel()
	media := func(version string) string { return strings.Replace(accept, "4.1", version, 1) }
	for name, tc := range map[string]struct {
		options []vcavtest.Option
		asked   string
		want    vcavtest.HealthShape
	}{
		"4.1":                  {nil, "4.1", vcavtest.HealthTask},
		"4.0":                  {nil, "4", vcavtest.HealthObject},
		"3.5":                  {nil, "3.5", vcavtest.HealthObject},
		"4.4":                  {[]vcavtest.Option{vcavtest.ProductVersion("4.7.0")}, "4.4", vcavtest.HealthTask},
		"4.5":                  {[]vcavtest.Option{vcavtest.ProductVersion("4.7.0")}, "4.5", vcavtest.HealthNestedTask},
		"4.1 as an object":     {[]vcavtest.Option{vcavtest.HealthAs(vcavtest.HealthObject)}, "4.1", vcavtest.HealthObject},
		"4.1 as a nested task": {[]vcavtest.Option{vcavtest.HealthAs(vcavtest.HealthNestedTask)}, "4.1", vcavtest.HealthNestedTask},
		"4.0 as a task":        {[]vcavtest.Option{vcavtest.HealthAs(vcavtest.HealthTask)}, "4", vcavtest.HealthTask},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, tc.options...)
			g.server.BreakComponent(vcavtest.NTPServer, "", "")
			got, err := g.send(t.Context(), "GET", "/diagnostics/health", "", "Accept", media(tc.asked))
			require.NoError(t, err)
			assert.Equal(t, media(tc.asked), got.header.Get("Content-Type"))
			var seen check
			switch tc.want {
			case vcavtest.HealthObject:
				require.Equal(t, http.StatusOK, got.status)
				require.Empty(t, simkit.CheckJSON(contract.Table, "CloudHealth", []byte(got.body)), got.body)
				seen = read[check](t, got)
				assert.Empty(t, g.server.Tasks())
			case vcavtest.HealthNestedTask:
				require.Equal(t, http.StatusAccepted, got.status)
				seen = unnest(t, g, clock, read[job](t, got))
			default:
				require.Equal(t, http.StatusOK, got.status)
				clock.Advance(11 * time.Second)
				seen = resultOf[check](t, g, read[job](t, got).ID, "CloudHealth")
			}
			assert.Equal(t, map[string]string{"ntpError": "FailedToConnectToNtpServer"}, seen.errors())
		})
	}
}

// unnest reads the health out of the task in the result of a task.
func unnest(t *testing.T, g guest, clock *vcavtest.ManualClock, begun job) check {
	t.Helper()
	assert.Equal(t, "QUEUED", begun.State)
	clock.Advance(11 * time.Second)
	inner := resultOf[struct {
		ID      string `json:"id"`
		State   string `json:"state"`
		Updated int64  `json:"lastUpdated"`
		Result  check  `json:"result"`
	}](t, g, begun.ID, "Task")
	assert.Equal(t, "SUCCEEDED", inner.State)
	assert.Equal(t, int64(-1), inner.Updated)
	g.refused(t, http.StatusNotFound, "TaskNotFound", "GET", "/tasks/"+inner.ID, "")
	return inner.Result
}

func TestIsConfigured(t *testing.T) {
	t.Parallel()
	for want, options := range map[bool][]vcavtest.Option{true: nil, false: {vcavtest.NotConfigured()}} {
		g, clock := open(t, append(options, withTenant("ann@org2"))...)
		for _, asking := range []guest{g, tenant(t, g.server, "ann@org2")} {
			got := asking.ask(t, http.StatusOK, "GET", "/config/is-configured", "")
			assert.Equal(t, map[string]bool{"isConfigured": want}, read[map[string]bool](t, got))
		}
		guest{server: g.server}.refused(t, http.StatusUnauthorized, "NotAuthenticated", "GET", "/config/is-configured", "")
		missing := map[string]string{}
		if !want {
			missing = map[string]string{
				"tunnelError": "TunnelNotConfigured", "lsError": "LookupServiceNotConfigured",
				"vcdError": "FailedToRetrieveVcdFromLookupService",
			}
		}
		assert.Equal(t, missing, g.health(t, clock).errors())
	}
}

func TestComponentsThatAreNot(t *testing.T) {
	t.Parallel()
	server, err := vcavtest.Start(vcavtest.InMemory())
	require.NoError(t, err)
	defer server.Close()
	server.BreakComponent("cellar", "", "")
	server.RepairComponent("cellar")
	require.Len(t, server.Violations(), 2)
	assert.Contains(t, server.Violations()[1].String(), `RepairComponent: there is no component "cellar"`)
}
