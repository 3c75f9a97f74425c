package unitrendstest_test

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

func TestSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := unitrendstest.NewServer(t, unitrendstest.InMemory(), unitrendstest.Password("s3cret"),
			unitrendstest.User(`corp\ann`, "pw"), unitrendstest.SessionLife(time.Minute))
		stranger := guest{server: server}
		for _, credentials := range []string{
			`{"username":"root","password":"wrong"}`, `{"username":"ann","password":"pw"}`, `{"username":"","password":""}`,
		} {
			stranger.refused(t, 401, "username or password", "POST", "/api/login", credentials)
		}
		stranger.refused(t, 401, "not valid", "GET", "/api/systems", "")
		stranger.ask(t, 201, "POST", "/api/login/", `{"username":"corp\\ann","password":"pw"}`)
		g := enter(t, server)
		assert.Contains(t, g.token, "_)(", "as in the wiki's samples")
		assert.Equal(t, 2, server.Sessions())
		<-time.After(59 * time.Second)
		g.ask(t, 200, "GET", "/api/systems", "")
		<-time.After(59 * time.Second)
		g.ask(t, 200, "GET", "/api/systems", "")
		<-time.After(time.Minute)
		g.refused(t, 401, "not valid", "GET", "/api/systems", "")
		g = enter(t, server)
		server.ExpireSessions()
		g.refused(t, 401, "not valid", "POST", decide, `{"request_id":1,"accept":true}`)
		assert.Zero(t, server.Ran("Sources.Decide", ""))
		requests := server.Requests()
		assert.Equal(t, "[redacted]", requests[len(requests)-1].Header.Get("AuthToken"))
	})
}

func TestWhatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	g := enter(t, unitrendstest.NewServer(t))
	for name, tc := range map[string]struct{ method, path, body, want string }{
		"unknown path":         {"GET", "/api/replication/sources", "", "the path is not in the contract"},
		"without /api":         {"GET", "/systems", "", "the path is not in the contract"},
		"two slashes":          {"GET", "/api/systems//", "", "the path is not in the contract"},
		"method":               {"GET", "/api/replication/source", "", "is not one of this path's"},
		"no body":              {"POST", decide, "", "the body is missing"},
		"id as text":           {"POST", decide, `{"request_id":"3","accept":true}`, "$.request_id is string instead of integer"},
		"truth as a number":    {"POST", decide, `{"request_id":3,"accept":1}`, "$.accept is integer instead of boolean"},
		"truth as text":        {"POST", decide, `{"request_id":3,"accept":"true"}`, "$.accept is string instead of boolean"},
		"null message":         {"POST", decide, `{"request_id":3,"accept":true,"message":null}`, "$.message is null"},
		"unknown member":       {"POST", decide, `{"request_id":3,"accept":true,"storage":1}`, "$.storage is not in the contract"},
		"missing member":       {"POST", decide, `{"accept":true}`, "$.request_id is missing"},
		"unknown parameter":    {"GET", "/api/systems?pending=1", "", `"pending" is not in the contract`},
		"sid that is no id":    {"GET", "/api/storage/?sid=one", "", "not the id of a system"},
		"flag in words":        {"GET", "/api/systems/?include_pending=true", "", "neither 0 nor 1"},
		"flat as a number":     {"GET", "/api/jobs/history?showFlat=1", "", "neither true nor false"},
		"date":                 {"GET", "/api/catalog/?start_date=2030-01-31", "", "not like 12/31/2006"},
		"action":               {"PUT", "/api/replication/queue", `{"clients":["a"],"action":"drop"}`, "none of none, reset"},
		"strategy":             {"PUT", "/api/replication/queue/strategy", `{"strategy":"Maximum Retention"}`, "is none of"},
		"scheme for the value": {"PUT", "/api/replication/config", `{"queue_scheme":1}`, "$.queue_scheme is not in the contract"},
		"body of a run":        {"PUT", "/api/joborders/run/1", `{}`, "where none is allowed"},
		"kind of a recovery":   {"DELETE", "/api/virtual_clients/1.vm_ir", `{"type":"vmware"}`, "is none of"},
	} {
		t.Run(name, func(t *testing.T) { g.violates(t, tc.want, tc.method, tc.path, tc.body) })
	}
	g.violates(t, "Accept is", "GET", "/api/systems", "", "Accept", "text/html")
	g.violates(t, "Content-Type is", "POST", decide, `{"request_id":3,"accept":true}`, "Content-Type", "text/json")
	g.ask(t, 200, "GET", "/api/systems", "", "Accept", "text/html, */*;q=0.1")
	assert.Zero(t, g.server.Ran("Sources.Decide", ""))
}

func TestBothSpellingsOfAPath(t *testing.T) {
	t.Parallel()
	g := enter(t, unitrendstest.NewServer(t))
	for _, path := range []string{"/api/storage", "/api/storage/", "/api/storage?sid=1", "/api/storage/?sid=1"} {
		assert.Len(t, g.get(t, path, "storage"), 2, path)
	}
	g.refused(t, 500, "no system", "GET", "/api/storage/?sid=9", "")
}

// Reads without a sid cover what the appliance manages, and each object says where it is from.
func TestReadsCoverManagedSystems(t *testing.T) {
	t.Parallel()
	pair := unitrendstest.NewPair(t, unitrendstest.AtTarget(unitrendstest.Manages("branch")))
	g := enter(t, pair.Target)
	rows := g.get(t, "/api/storage", "storage")
	require.Len(t, rows, 4)
	assert.EqualValues(t, 1, rows[0]["sid"])
	assert.EqualValues(t, 2, rows[2]["sid"])
	assert.Equal(t, "branch", rows[2]["system_name"])
	rows = g.get(t, "/api/assets/?sid=2", "data")
	require.Len(t, rows, 1)
	assert.NotContains(t, rows[0], "sid")
	assert.Equal(t, 2, pair.Target.SystemID("branch"))
	assert.Len(t, g.get(t, "/api/replication/config", "config"), 2)
	// A change at the managed system is made there.
	_, targetID := pair.Connect()
	g.ask(t, 201, "POST", "/api/joborders/?sid=2", fmt.Sprintf(`{"name":"n","type":"Replication","instances":[%d],"target_id":%d}`,
		pair.Source.AssetID("db-1"), targetID))
	assert.Equal(t, []string{"n"}, pair.Source.Audit().Orders)
}

func TestShapesOfAnswers(t *testing.T) {
	t.Parallel()
	server := unitrendstest.NewServer(t, unitrendstest.ResultObjects(), unitrendstest.NumbersAsText(), unitrendstest.SingleElements(),
		unitrendstest.Pending("branch-1"), unitrendstest.RequestStatus("", ""))
	g := guest{server: server}
	g.token = read[struct {
		Token string `json:"auth_token"`
	}](t, g.sendAny(t, "POST", "/api/login", `{"username":"root","password":"`+server.Password+`"}`)).Token
	assert.Contains(t, g.sendAny(t, "GET", "/api/replication/pending", "").body, `"pending":{`)
	rows := read[struct{ Appliance []map[string]any }](t, g.sendAny(t, "GET", systems, "")).Appliance
	require.Len(t, rows, 2)
	assert.Equal(t, "-1", rows[1]["id"])
	assert.Equal(t, "true", rows[1]["is_pending"])
	assert.NotContains(t, rows[1], "status")
}

func TestOtherShapes(t *testing.T) {
	t.Parallel()
	g := enter(t, unitrendstest.NewServer(t, unitrendstest.ResultObjects()))
	got := g.sendAny(t, "POST", decide, `{"request_id":9,"accept":true}`)
	assert.JSONEq(t, `{"result":{"code":5000,"message":"There is no pending request with the id 9.","link":"https://kb.drkit.test/articles/005000"}}`, got.body)

	g = enter(t, unitrendstest.NewServer(t, unitrendstest.BareSuccesses(), unitrendstest.BeforeBackupCopy(), unitrendstest.OnlyAcceptedTargets()))
	assert.Empty(t, g.ask(t, 201, "POST", "/api/replication/target", `{"host":"cloud-2"}`).body)
	assert.Len(t, g.get(t, "/api/replication/targets", "targets"), 1, "only cloud-1 has accepted")
	g.refused(t, 404, "no such API", "GET", "/api/backup-copy/connected_targets", "")
	g.server.Warn("Sources.Decide", "The disk is nearly full.")
	assert.JSONEq(t, `{"result":[{"code":0,"message":"The disk is nearly full."}]}`, g.ask(t, 201, "POST", decide, `{"request_id":1,"accept":true}`).body)
	assert.Empty(t, g.ask(t, 201, "POST", decide, `{"request_id":2,"accept":true}`).body)
}

// sendAny sends a request whose answer does not have the contract's own shape.
func (g guest) sendAny(t testing.TB, method, path, body string) reply {
	t.Helper()
	got, err := g.send(t.Context(), method, path, body)
	require.NoError(t, err)
	return got
}

func TestAskingATargetThatIsNoServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := unitrendstest.NewServer(t, unitrendstest.InMemory())
		g := enter(t, server)
		g.refused(t, 500, "names no target", "POST", "/api/replication/target", `{"host":"elsewhere"}`)
		g.refused(t, 500, "names no target", "POST", "/api/replication/target", `{}`)
		require.ErrorContains(t, server.TargetDecides("cloud-2", true, ""), "no pending request")
		g.ask(t, 201, "POST", "/api/replication/target", `{"target":{"x":1},"host":"cloud-2.drkit.test"}`)
		require.NoError(t, server.TargetDecides("cloud-2", false, "no room"))
		<-time.After(time.Second)
		assert.Equal(t, "no room", g.get(t, "/api/replication/targets", "targets")[1]["message"])
		g.ask(t, 201, "POST", "/api/replication/target", `{"host":"cloud-2"}`)
		require.NoError(t, server.TargetDecides("cloud-2", true, ""))
		<-time.After(time.Second)
		assert.Len(t, g.get(t, "/api/backup-copy/connected_targets", "data"), 2)
		assert.Equal(t, 2, server.TargetID("cloud-2"))
		assert.Len(t, server.Audit().Outgoing, 3)
	})
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, option := range map[string]unitrendstest.Option{
		"no name": unitrendstest.Named(""), "no clock": unitrendstest.UseClock(nil), "no zone": unitrendstest.Zone(nil),
		"backwards": unitrendstest.Settling(-1), "copies backwards": unitrendstest.Copying(-1), "latency backwards": unitrendstest.Latency(-1),
		"no storage": unitrendstest.StorageAreas(), "no password": unitrendstest.Password(""), "root again": unitrendstest.User("root", "x"),
		"no life": unitrendstest.SessionLife(0), "no release": unitrendstest.Release(""), "itself": unitrendstest.Pending("vault"),
		"nobody": unitrendstest.Manages(""), "asset twice": unitrendstest.Protects(unitrendstest.Asset{Name: "a"}, unitrendstest.Asset{Name: "a"}),
		"asset without name": unitrendstest.Protects(unitrendstest.Asset{}), "no pair": unitrendstest.AtSource(),
	} {
		_, err := unitrendstest.Start(option)
		assert.ErrorContains(t, err, "unitrendstest: ", name)
	}
	_, err := unitrendstest.StartPair(unitrendstest.Named("one"))
	require.ErrorContains(t, err, "two appliances of the name")
	_, err = unitrendstest.StartPair(unitrendstest.AtTarget(unitrendstest.Password("")))
	require.ErrorContains(t, err, "AtTarget: Password")
}

func TestOneClientForBothOfAPair(t *testing.T) {
	t.Parallel()
	pair, err := unitrendstest.StartPair()
	require.NoError(t, err)
	defer pair.Close()
	assert.Len(t, pair.Options(), 1)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pair.CertPool(), MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	for _, server := range []*unitrendstest.Server{pair.Source, pair.Target} {
		request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/api/systems", nil)
		require.NoError(t, err)
		response, err := transport.RoundTrip(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, 401, response.StatusCode)
	}
}

// Many guests at both appliances: every request is decided exactly once, and nothing deadlocks.
func TestManyGuests(t *testing.T) {
	t.Parallel()
	pair := unitrendstest.NewPair(t, unitrendstest.Settling(time.Millisecond), unitrendstest.Copying(time.Millisecond))
	source, target := enter(t, pair.Source), enter(t, pair.Target)
	pair.Target.Inject(unitrendstest.Fault{Operation: "Sources.Decide", Drop: true, Late: time.Millisecond, Times: 5})
	pair.Source.Inject(unitrendstest.Fault{Operation: "Targets.Request", Status: 502, Late: time.Millisecond, Times: 5})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for id := 1; id <= 5; id++ {
				_, _ = source.send(t.Context(), "POST", "/api/replication/target", `{"host":"vault"}`)
				_, _ = target.send(t.Context(), "POST", decide, fmt.Sprintf(`{"request_id":%d,"accept":true}`, id))
				_, _ = source.send(t.Context(), "GET", "/api/replication/targets", "")
				_, _ = target.send(t.Context(), "GET", systems, "")
				pair.Source.Audit()
				pair.Target.Requests()
				_, _ = pair.Source.AddBackup("db-1")
			}
		})
	}
	group.Wait()
	audit := pair.Target.Audit()
	assert.Len(t, audit.Incoming, 40)
	for _, r := range audit.Incoming {
		assert.LessOrEqual(t, r.Decisions, 1, "%s", audit)
	}
}

// The page of POST /replication/source spells the roles otherwise than that of GET /systems.
func TestOtherRoles(t *testing.T) {
	t.Parallel()
	pair := unitrendstest.NewPair(t, unitrendstest.OtherRoles(), unitrendstest.AtTarget(unitrendstest.Manages("branch")))
	g := enter(t, pair.Target)
	assert.Equal(t, "managed system", g.get(t, systems, "appliance")[1]["role"])
	pair.Connect()
	assert.Equal(t, "replicating source", g.get(t, systems, "appliance")[1]["role"])
	pair.Target.ReceiveRequest("stranger")
	assert.Equal(t, "non-managed replication source", g.get(t, systems, "appliance")[2]["role"])
}
