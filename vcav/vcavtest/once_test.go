package vcavtest_test

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/vcav/internal/contract"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// once is what an operation that must not run twice needs, besides db-1 and the bundle called bundleID.
type once struct {
	body   string
	before []call
}

type call struct{ method, path, body string }

// onces has all of them.
func onces(server *vcavtest.Server) map[string]once {
	path := "/vm-replications/" + db1
	return map[string]once{
		"Sessions.SignIn":                    {body: `{"type":"localUser","localUser":"root","localPassword":"` + server.Password + `"}`},
		"Sessions.Extend":                    {body: byCredentials},
		"SupportBundles.Generate":            {},
		"SupportBundles.GenerateWithID":      {before: []call{{"DELETE", bundlesPath + "/" + bundleID, ""}}},
		"SupportBundles.Delete":              {},
		"SupportBundles.CreateCookie":        {},
		"Policies.Create":                    {body: golden},
		"Policies.Synchronize":               {},
		"VMReplications.Start":               {body: startOf("db-2", "site1", "site2")},
		"VMReplications.Stop":                {},
		"VMReplications.Reconfigure":         {body: `{"rpo":15}`},
		"VMReplications.ReconfigureDisks":    {body: `[1000]`},
		"VMReplications.Sync":                {},
		"VMReplications.Resume":              {before: []call{{"POST", path + "/pause", ""}}},
		"VMReplications.Failover":            {body: failover},
		"VMReplications.TestFailover":        {body: test},
		"VMReplications.CleanUpTestFailover": {before: []call{{"POST", path + "/failover-test", test}}},
		"VMReplications.Migrate":             {body: migrate},
		"VMReplications.Reverse":             {before: []call{{"POST", path + "/failover", failover}}},
	}
}

const proxyPage = `<html><head><title>503 Service Temporarily Unavailable</title></head></html>`

func proxy(fault vcavtest.Fault) vcavtest.Fault {
	fault.Status, fault.Body, fault.RetryAfter = http.StatusServiceUnavailable, proxyPage, 90*time.Second
	return fault
}

// What a proxy says of an operation that must not run twice proves nothing, and so it must be possible to try
// every one of them with the work done, left undone and done later.
func TestOnceOperationsBehindAProxy(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault    vcavtest.Fault
		ran, end int
	}{
		"before the work": {proxy(vcavtest.Fault{}), 0, 0},
		"after the work":  {proxy(vcavtest.Fault{After: true}), 1, 1},
		"late work":       {proxy(vcavtest.Fault{Late: 20 * time.Second}), 0, 1},
	} {
		for _, operation := range contract.Table.Operations {
			if operation.Class != api.Once {
				continue
			}
			t.Run(name+"/"+operation.Name, func(t *testing.T) {
				t.Parallel()
				g, clock := open(t, append(neighbours(), vcavtest.AuthenticatedAt("site1"), withBundle(),
					vcavtest.Machines(vcavtest.Machine{Name: "db-2"}))...)
				needs, known := onces(g.server)[operation.Name]
				require.True(t, known)
				for _, earlier := range needs.before {
					g.finish(t, clock, earlier.method, earlier.path, earlier.body)
				}
				already, tasks := g.server.Ran(operation.Name, ""), len(g.server.Tasks())
				fault := tc.fault
				fault.Operation, fault.Times = operation.Name, 1
				g.server.Inject(fault)
				path := strings.NewReplacer("{replicationId}", db1, "{bundleId}", bundleID).Replace(operation.Path)
				got, err := g.send(t.Context(), operation.Method, path, needs.body)
				require.NoError(t, err)
				assert.Equal(t, http.StatusServiceUnavailable, got.status)
				assert.Equal(t, proxyPage, got.body)
				assert.Equal(t, "text/html;charset=UTF-8", got.header.Get("Content-Type"))
				assert.Equal(t, "90", got.header.Get("Retry-After"))
				assert.Empty(t, got.header.Get("X-VCAV-Auth"), "nothing of the true answer shows")
				assert.Equal(t, tc.ran, g.server.Ran(operation.Name, "")-already)
				clock.Advance(20 * time.Second)
				assert.Equal(t, tc.end, g.server.Ran(operation.Name, "")-already)
				if strings.HasPrefix(operation.Name, "VMReplications.") {
					assert.Len(t, g.server.Tasks(), tasks+tc.end)
				}
			})
		}
	}
}

// everyWire runs a test in memory and on sockets with both versions of HTTP. Tasks take a second in the queue
// and ten to run.
func everyWire(t *testing.T, run func(t *testing.T, g guest, clock *vcavtest.ManualClock)) {
	t.Helper()
	for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := vcavtest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
			server := vcavtest.NewServer(t, vcavtest.UseClock(clock), vcavtest.TaskDuration(time.Second, 10*time.Second))
			by := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: server.CertPool(), MinVersion: tls.VersionTLS12}}
			by.ForceAttemptHTTP2 = http2
			t.Cleanup(by.CloseIdleConnections)
			g := guest{server: server, by: by}
			run(t, g.signIn(t, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`), clock)
		})
	}
	t.Run("in memory", func(t *testing.T) {
		t.Parallel()
		g, clock := open(t)
		run(t, g, clock)
	})
}

func TestLostOnTheWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault    vcavtest.Fault
		ran, end int
	}{
		"request lost":            {vcavtest.Fault{Drop: true}, 0, 0},
		"work done, answer lost":  {vcavtest.Fault{Drop: true, After: true}, 1, 1},
		"work done, answer reset": {vcavtest.Fault{Reset: true, After: true}, 1, 1},
		"work done late":          {vcavtest.Fault{Drop: true, Late: 20 * time.Second}, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyWire(t, func(t *testing.T, g guest, clock *vcavtest.ManualClock) {
				fault := tc.fault
				fault.Operation, fault.Times = "VMReplications.Failover", 1
				g.server.Inject(fault)
				_, err := g.send(t.Context(), "POST", "/vm-replications/"+db1+"/failover", failover)
				require.Error(t, err)
				assert.Equal(t, tc.ran, g.server.Ran("VMReplications.Failover", db1))
				clock.Advance(31*time.Second - 1)
				want := map[int]string{0: vcavtest.RecoveryNotStarted, 1: vcavtest.RecoveryComplete}
				if fault.Late == 0 {
					assert.Equal(t, want[tc.end], g.server.Replication(db1).Recovery)
				} else {
					assert.Equal(t, vcavtest.RecoveryInProgress, g.server.Replication(db1).Recovery)
				}
				clock.Advance(1)
				assert.Equal(t, want[tc.end], g.server.Replication(db1).Recovery)
				audit := g.server.Audit()
				assert.Equal(t, tc.end, audit.Of("VMReplications.Failover", db1).Ran)
				assert.Equal(t, tc.end, audit.Of("VMReplications.Failover", db1).Succeeded)
				assert.Equal(t, 1-tc.end, audit.Of("VMReplications.Failover", db1).Lost)
				assert.Equal(t, tc.end, audit.Recovery(db1).Recovered)
				assert.Equal(t, 1, g.server.Count("VMReplications.Failover"))
			})
		})
	}
}

// The appliance looks at sessions and states when the work is done, not when the request came.
func TestLateWorkIsChecked(t *testing.T) {
	t.Parallel()
	const late = 20 * time.Second
	path := "/vm-replications/" + db1
	for name, tc := range map[string]struct {
		meanwhile func(t *testing.T, g guest, clock *vcavtest.ManualClock)
		outcome   int
	}{
		"nothing": {func(*testing.T, guest, *vcavtest.ManualClock) {}, http.StatusAccepted},
		"a signed-out session": {func(t *testing.T, g guest, _ *vcavtest.ManualClock) {
			g.ask(t, http.StatusNoContent, "DELETE", "/sessions", "")
		}, http.StatusUnauthorized},
		"an expired session": {func(_ *testing.T, g guest, _ *vcavtest.ManualClock) { g.server.ExpireSessions() }, http.StatusUnauthorized},
		"another failover": {func(t *testing.T, g guest, _ *vcavtest.ManualClock) {
			g.begin(t, "POST", path+"/failover", failover)
		}, http.StatusConflict},
		"a task that has ended by then": {func(t *testing.T, g guest, _ *vcavtest.ManualClock) {
			g.begin(t, "POST", path+"/sync", "")
		}, http.StatusAccepted},
		"a task that runs then": {func(t *testing.T, g guest, clock *vcavtest.ManualClock) {
			clock.Advance(10 * time.Second)
			g.begin(t, "POST", path+"/sync", "")
		}, http.StatusConflict},
		"no replication": {func(_ *testing.T, g guest, _ *vcavtest.ManualClock) { g.server.RemoveReplication(db1) }, http.StatusNotFound},
		"a restart":      {func(_ *testing.T, g guest, _ *vcavtest.ManualClock) { g.server.Restart(0) }, http.StatusUnauthorized},
		"an outage":      {func(_ *testing.T, g guest, _ *vcavtest.ManualClock) { g.server.Restart(time.Minute) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t)
			g.server.Inject(vcavtest.Fault{Operation: "VMReplications.Failover", Drop: true, Late: late, Times: 1})
			_, err := g.send(t.Context(), "POST", path+"/failover", failover)
			require.Error(t, err)
			request := len(g.server.Requests()) - 1
			tc.meanwhile(t, g, clock)
			clock.Advance(time.Hour)
			seen := g.server.Requests()[request]
			assert.Equal(t, tc.outcome, seen.Outcome)
			assert.Equal(t, tc.outcome == http.StatusAccepted, seen.Ran)
			assert.Equal(t, late, seen.Late)
			if tc.outcome != 0 {
				assert.Equal(t, seen.Time.Add(late), seen.Executed)
			}
			if seen.Ran {
				tasks := g.server.Tasks()
				assert.Equal(t, seen.Executed, tasks[len(tasks)-1].Start)
				assert.Equal(t, seen.Executed.Add(11*time.Second), tasks[len(tasks)-1].End)
			}
			if tc.outcome == http.StatusConflict || seen.Ran {
				assert.Equal(t, "root", seen.User)
			}
		})
	}
}

// What a test plans after late work was due is for later tasks, also if nobody has looked in between.
func TestLateWorkIsNotOvertaken(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.Inject(vcavtest.Fault{Operation: "VMReplications.Sync", Drop: true, Late: time.Second, Times: 1})
	_, err := g.send(t.Context(), "POST", "/vm-replications/"+db1+"/sync", "")
	require.Error(t, err)
	clock.Advance(time.Second)
	g.server.FailTask("VMReplications.Sync", db1, "Broken", "It broke.")
	clock.Advance(11 * time.Second)
	assert.Equal(t, "SUCCEEDED", g.server.Tasks()[0].State)
	assert.Equal(t, "FAILED", g.finish(t, clock, "POST", "/vm-replications/"+db1+"/sync", "").State)
}

// Nobody waits for late work: neither for the latency of answers nor for a site that never answers.
func TestLateWorkDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, vcavtest.InMemory(), vcavtest.AuthenticatedAt("site1"), vcavtest.Latency(time.Second))
		defer server.Close() // in the bubble
		g := signIn(t, server, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`)
		server.Inject(vcavtest.Fault{Operation: "VMReplications.Sync", Drop: true, Late: time.Minute})
		for _, path := range []string{db1 + "/sync", app1 + "/sync?site=site1"} {
			_, err := g.send(t.Context(), "POST", "/vm-replications/"+path, "")
			require.Error(t, err)
		}
		server.SilenceSite("site1")
		<-time.After(time.Hour)
		g.refused(t, http.StatusUnauthorized, "NotAuthenticated", "GET", "/tasks", "")
		assert.Equal(t, time.Hour+2*time.Second, time.Since(server.Requests()[0].Time), "two answers")
		assert.Equal(t, 1, server.Ran("VMReplications.Sync", db1))
		assert.Equal(t, http.StatusServiceUnavailable, server.Requests()[2].Outcome)
	})
}
