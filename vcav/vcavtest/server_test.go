package vcavtest_test

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

func TestServerWithoutOptions(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t)
	assert.True(t, strings.HasPrefix(server.URL, "https://127.0.0.1:"))
	g := signIn(t, server, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`)
	page := g.shields(t, "?sort=vmName")
	assert.Equal(t, []string{"app-1", "db-1", "web-1"}, vms(page.Items))
	for _, r := range page.Items {
		assert.Equal(t, "site1", r.Source.Site)
		assert.Equal(t, "org1", r.Source.Org)
		assert.Equal(t, "site2", r.Destination.Site)
		assert.Equal(t, "org2", r.Destination.Org)
		assert.Equal(t, "org1@site1", r.Owner)
		assert.NotNil(t, r.State.LatestInstance)
		assert.Equal(t, "GREEN", r.Health)
	}
	assert.Equal(t, "root", server.User)
	started := g.begin(t, "POST", "/vm-replications/"+db1+"/failover", failover)
	for ended := false; !ended; { // in real time: about a tenth of a second
		ended = g.job(t, started.ID).State == "SUCCEEDED"
	}
	assert.Equal(t, vcavtest.RecoveryComplete, server.Replication(db1).Recovery)
	assert.Zero(t, server.Replication("C4-none"))
}

func TestOptionsOfClients(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options []vcavtest.Option
		memory  bool
	}{"loopback": {nil, false}, "in memory": {[]vcavtest.Option{vcavtest.InMemory()}, true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := vcavtest.NewServer(t, tc.options...)
			var got settings.Settings
			for _, option := range server.Options() {
				require.NoError(t, option.Apply(&got))
			}
			transport := got.Transport
			if !tc.memory {
				require.NotNil(t, got.RootCAs)
				own := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: got.RootCAs, MinVersion: tls.VersionTLS12}}
				t.Cleanup(own.CloseIdleConnections)
				transport = own
			}
			request, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/nowhere", nil)
			require.NoError(t, err)
			response, err := transport.RoundTrip(request)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Len(t, server.AcknowledgeViolations(), 1)
			pin, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(server.Thumbprint(), "SHA-256:"), ":", ""))
			require.NoError(t, err)
			assert.Len(t, pin, 32)
			assert.True(t, server.CertPool().Equal(server.CertPool()))
		})
	}
}

func TestInsideABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := vcavtest.NewServer(t, vcavtest.InMemory(), vcavtest.TaskDuration(time.Minute, 3*time.Hour))
		signInAgain := func() guest {
			return signIn(t, server, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`)
		}
		g := signInAgain()
		started := g.begin(t, "POST", "/vm-replications/"+db1+"/failover", failover)
		<-time.After(2 * time.Hour) // of the bubble
		g.refused(t, http.StatusUnauthorized, "NotAuthenticated", "GET", "/tasks/"+started.ID, "")
		g = signInAgain()
		assert.Equal(t, "RUNNING", g.job(t, started.ID).State)
		<-time.After(2 * time.Hour) // of the bubble
		g = signInAgain()
		assert.Equal(t, "SUCCEEDED", g.job(t, started.ID).State)
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	server := vcavtest.NewServer(t, vcavtest.TaskDuration(0, 0))
	g := signIn(t, server, `{"type":"localUser","localUser":"root","localPassword":"`+server.Password+`"}`)
	statuses := make(chan int, 64)
	var group sync.WaitGroup
	for range cap(statuses) {
		group.Go(func() {
			got, err := g.send(t.Context(), "POST", "/vm-replications/"+db1+"/failover", failover)
			if err == nil {
				statuses <- got.status
			}
			server.Replications()
			server.Tasks()
		})
	}
	group.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	assert.Equal(t, map[int]int{http.StatusAccepted: 1, http.StatusConflict: 63}, count)
	assert.Equal(t, 1, server.Ran("VMReplications.Failover", db1))
}

func TestFaults(t *testing.T) {
	t.Parallel()
	path := "/vm-replications/" + db1 + "/failover"
	for name, tc := range map[string]struct {
		fault  vcavtest.Fault
		status int // 0: no answer
		code   string
		ran    int
	}{
		"answer lost":       {vcavtest.Fault{Operation: "VMReplications.Failover", Drop: true, After: true}, 0, "", 1},
		"request lost":      {vcavtest.Fault{Operation: "VMReplications.Failover", Drop: true}, 0, "", 0},
		"reset":             {vcavtest.Fault{Resource: db1, Reset: true, After: true}, 0, "", 1},
		"half an answer":    {vcavtest.Fault{Resource: db1, Truncate: true, After: true}, 0, "", 1},
		"refused session":   {vcavtest.Fault{Operation: "VMReplications.Failover", Status: 401}, 401, "NotAuthenticated", 0},
		"overloaded, after": {vcavtest.Fault{Operation: "VMReplications.Failover", Status: 503, After: true}, 503, "ServiceUnavailable", 1},
		"throttled":         {vcavtest.Fault{Operation: "VMReplications.Failover", Status: 429, RetryAfter: time.Second}, 429, "TooManyRequests", 0},
		"own code":          {vcavtest.Fault{Operation: "VMReplications.Failover", Status: 500, Code: "Odd", Message: "odd"}, 500, "Odd", 0},
		"another site":      {vcavtest.Fault{Site: "site1", Drop: true}, 202, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := open(t)
			tc.fault.Times = 1
			g.server.Inject(tc.fault)
			got, err := g.send(t.Context(), "POST", path, failover)
			if tc.status == 0 {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
				assert.Equal(t, tc.status, got.status)
			}
			if tc.code != "" {
				assert.Equal(t, tc.code, read[wrong](t, got).Code)
				requireContract(t, "POST", path, got)
			}
			assert.Equal(t, tc.ran, g.server.Ran("VMReplications.Failover", db1))
			assert.Len(t, g.server.Tasks(), tc.ran)
			g.server.ClearFaults()
			want := http.StatusAccepted
			if tc.ran > 0 {
				want = http.StatusConflict // it runs
			}
			g.ask(t, want, "POST", path, failover)
		})
	}
}

func TestFaultsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	server, err := vcavtest.Start(vcavtest.InMemory())
	require.NoError(t, err)
	defer server.Close()
	server.Inject(vcavtest.Fault{Operation: "VMReplications.Fly", Drop: true})
	require.Len(t, server.Violations(), 1)
	assert.Contains(t, server.Violations()[0].String(), `no operation "VMReplications.Fly"`)

	watched := &watcher{TB: t}
	vcavtest.NewServer(watched, vcavtest.InMemory()).Inject(vcavtest.Fault{})
	watched.end()
	require.Len(t, watched.errors, 1)
	assert.Contains(t, watched.errors[0], "the rule does nothing")
}

// watcher is a test that others watch.
type watcher struct {
	testing.TB
	errors   []string
	fatal    string
	cleanups []func()
}

func (w *watcher) Helper()          {}
func (w *watcher) Cleanup(f func()) { w.cleanups = append(w.cleanups, f) }
func (w *watcher) Errorf(format string, args ...any) {
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

func (w *watcher) Fatal(args ...any) {
	w.fatal = fmt.Sprint(args...)
	panic(errStopped)
}

func (w *watcher) end() {
	for _, cleanup := range w.cleanups {
		cleanup()
	}
}

var errStopped = errors.New("stopped")

func TestViolationsFailTheTest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		acknowledge bool
		errors      int
	}{"unexpected": {false, 3}, "expected": {true, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watched := &watcher{TB: t}
			server := vcavtest.NewServer(watched, vcavtest.InMemory())
			g := guest{server: server}
			for _, body := range []string{
				`{"type":"localUser","localUser":"root","localPassword":"x","otp":"1"}`,
				`{"type":"localUser","localUser":"root"}`,
				`{"type":"saml"}`,
			} {
				g.refused(t, http.StatusBadRequest, "ContractViolation", "POST", "/sessions", body)
			}
			if tc.acknowledge {
				assert.Len(t, server.AcknowledgeViolations(), 3)
			}
			watched.end()
			assert.Len(t, watched.errors, tc.errors)
			if tc.errors > 0 {
				assert.Contains(t, watched.errors[0], "vcavtest: POST /sessions Sessions.SignIn: $.otp is not in the contract")
				assert.Contains(t, watched.errors[1], "$.localPassword is missing")
				assert.Contains(t, watched.errors[2], `$.type is "saml"`)
			}
			_, err := g.send(t.Context(), "GET", "/tasks", "")
			require.ErrorIs(t, err, syscall.ECONNREFUSED, "the server ended with its test")
		})
	}
}

func TestRequestsThatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	path := "/vm-replications/" + db1
	for name, tc := range map[string]struct{ method, path, body, want string }{
		"no powerOn":              {"POST", path + "/failover", `{"type":"vcloud"}`, "$.powerOn is missing"},
		"member of the other":     {"POST", path + "/failover", `{"type":"vcloud","powerOn":true,"snapshotOptions":"CONSOLIDATE"}`, "$.snapshotOptions is not in the contract"},
		"consolidate in a test":   {"POST", path + "/failover-test", `{"type":"vcloud","powerOn":true,"sync":false,"consolidate":true}`, "$.consolidate is not in the contract"},
		"null instance":           {"POST", path + "/failover", `{"type":"vcloud","powerOn":true,"instanceId":null}`, "$.instanceId is null"},
		"unknown allocation mode": {"POST", path + "/failover", strings.Replace(wide, "MANUAL", "STATIC", 1), `$.vmNetworkSettings.nics[0].ipAddressAllocationMode is "STATIC"`},
		"no body":                 {"POST", path + "/failover", "", "the body is missing"},
		"body of a sync":          {"POST", path + "/sync", "{}", "a body of 2 bytes"},
		"body of a clean-up":      {"DELETE", path + "/failover-test", "{}", "a body of 2 bytes"},
		"misspelled filter":       {"GET", "/vm-replications?vmname=x", "", `query parameter "vmname"`},
		"site of an about":        {"GET", "/diagnostics/about?site=site2", "", `query parameter "site"`},
		"empty id":                {"GET", "/vm-replications//instances", "", "the path is not in the contract"},
		"list is not put":         {"PUT", "/vm-replications", "", "the method PUT"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := open(t)
			got := read[wrong](t, g.ask(t, http.StatusBadRequest, tc.method, tc.path, tc.body))
			assert.Equal(t, "ContractViolation", got.Code)
			assert.Contains(t, got.Message, tc.want)
			assert.Len(t, g.server.AcknowledgeViolations(), 1)
		})
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.ask(t, http.StatusAccepted, "POST", "/vm-replications/"+db1+"/sync?site=site2", "", "operationID", "op-1")
	g.ask(t, http.StatusConflict, "POST", "/vm-replications/"+db1+"/sync", "")
	requests := g.server.Requests()
	require.Len(t, requests, 3)
	last := requests[1]
	assert.Equal(t, "VMReplications.Sync", last.Operation)
	assert.Equal(t, "op-1", last.OperationID)
	assert.Equal(t, "site2", last.Site)
	assert.Equal(t, db1, last.Resource)
	assert.Equal(t, clock.Now(), last.Time)
	assert.Equal(t, http.StatusAccepted, last.Status)
	assert.True(t, last.Ran)
	assert.False(t, requests[2].Ran)
	assert.Equal(t, 2, g.server.Count("VMReplications.Sync"))
	assert.Equal(t, 1, g.server.Ran("VMReplications.Sync", db1))
	assert.NotContains(t, fmt.Sprintf("%+v", requests), g.token)
}

func TestLostConnections(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.CloseConnections()
	g.server.RefuseConnections(1)
	_, err := g.send(t.Context(), "POST", "/vm-replications/"+db1+"/sync", "")
	require.Error(t, err)
	g.ask(t, http.StatusAccepted, "POST", "/vm-replications/"+db1+"/sync", "")
	assert.Equal(t, 1, g.server.Count("VMReplications.Sync"))

	g.server.Inject(vcavtest.Fault{Operation: "Diagnostics.About", Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slow := make(chan error, 1)
	go func() {
		_, err := g.send(t.Context(), "GET", "/diagnostics/about", "")
		slow <- err
	}()
	require.NoError(t, clock.AwaitSleepers(ctx, 1))
	g.server.Close()
	require.Error(t, <-slow)
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		option vcavtest.Option
		want   string
	}{
		"nil clock":                {vcavtest.UseClock(nil), "the clock is nil"},
		"local site without orgs":  {vcavtest.LocalSite("a"), "LocalSite"},
		"remote site without orgs": {vcavtest.RemoteSite("a"), "RemoteSite"},
		"nameless cellar":          {vcavtest.OnPremisesSite(""), "OnPremisesSite"},
		"two of a name":            {vcavtest.RemoteSite("site2", "org2"), `two sites of the name "site2"`},
		"tenant without org":       {vcavtest.Tenant("ann", "pw"), "user@org"},
		"tenant of another org":    {vcavtest.Tenant("ann@org7", "pw"), `no organization "org7"`},
		"nameless SSO user":        {vcavtest.SSOUser("", "pw"), "SSOUser"},
		"nil key":                  {vcavtest.SSOKey(nil), "SSOKey"},
		"token of nobody":          {vcavtest.AccessToken("t", "ann"), "user@org"},
		"token of another org":     {vcavtest.AccessToken("t", "ann@org7"), `no organization "org7"`},
		"empty password":           {vcavtest.RootPassword(""), "RootPassword"},
		"unknown remote":           {vcavtest.AuthenticatedAt("site9"), `"site9" is not a remote cloud site`},
		"local as remote":          {vcavtest.AuthenticatedAt("site2"), `"site2" is not a remote cloud site`},
		"negative time":            {vcavtest.TaskDuration(-1, 0), "backwards"},
		"no life":                  {vcavtest.SessionLife(0, time.Hour), "SessionLife"},
		"no version":               {vcavtest.ProductVersion("four"), `"four"`},
		"too old":                  {vcavtest.ProductVersion("2.0"), `"2.0"`},
		"no rows":                  {vcavtest.PageLimit(0), "PageLimit"},
		"no ids":                   {vcavtest.PollCap(0), "PollCap"},
		"no such shape":            {vcavtest.HealthAs(7), "no shape 7"},
		"empty bundles":            {vcavtest.BundleSize(0), "BundleSize"},
		"no cookie life":           {vcavtest.CookieLife(0), "CookieLife"},
		"nameless bundle":          {vcavtest.SupportBundles(vcavtest.SupportBundle{}), `"" is no id`},
		"bundle of no file name":   {vcavtest.SupportBundles(vcavtest.SupportBundle{ID: `a"b`}), "is no id"},
		"bundle of less":           {vcavtest.SupportBundles(vcavtest.SupportBundle{ID: "a", Size: -1}), "are none"},
		"two bundles of an id":     {vcavtest.SupportBundles(vcavtest.SupportBundle{ID: "a"}, vcavtest.SupportBundle{ID: "a"}), "two bundles"},
		"nameless VM":              {vcavtest.Protect(vcavtest.Replication{}), "no VMName"},
		"unknown source":           {vcavtest.Protect(vcavtest.Replication{VMName: "a", SourceSite: "x"}), `no site "x"`},
		"unknown destination org":  {vcavtest.Protect(vcavtest.Replication{VMName: "a", DestinationOrg: "x"}), `no organization "x"`},
		"nowhere to":               {vcavtest.Protect(vcavtest.Replication{VMName: "a", DestinationSite: "site1"}), "both site1"},
		"unsynced instances":       {vcavtest.Protect(vcavtest.Replication{VMName: "a", Unsynced: true, Instances: []string{"i"}}), "no instances"},
		"unknown RPO":              {vcavtest.Protect(vcavtest.Replication{VMName: "a", RPO: -1}), "RPO of -1"},
		"unknown connection":       {vcavtest.Protect(vcavtest.Replication{VMName: "a", DataConnection: "X"}), `"X"`},
		"unknown disk":             {vcavtest.Protect(vcavtest.Replication{VMName: "a", ExcludedDisks: []int{1}}), "no disk 1"},
		"remote user without org":  {vcavtest.RemoteUser("site1", "ann", "pw"), "RemoteUser"},
		"remote user nowhere":      {vcavtest.RemoteUser("site9", "ann@org1", "pw"), `"site9" is not a remote cloud site`},
		"remote user of no org":    {vcavtest.RemoteUser("site1", "ann@org2", "pw"), `no organization "org2"`},
		"remote token of nobody":   {vcavtest.RemoteAccessToken("site1", "t", "ann"), "RemoteAccessToken"},
		"remote token nowhere":     {vcavtest.RemoteAccessToken("site9", "t", "ann@org1"), `"site9" is not a remote cloud site`},
		"remote token of no org":   {vcavtest.RemoteAccessToken("site1", "t", "ann@org2"), `no organization "org2"`},
		"no extension":             {vcavtest.ExtensionLife(0), "ExtensionLife"},
		"negative latency":         {vcavtest.Latency(-1), "backwards"},
		"nameless machine":         {vcavtest.Machines(vcavtest.Machine{}), "no Name"},
		"machine nowhere":          {vcavtest.Machines(vcavtest.Machine{Name: "a", Site: "x"}), `no site "x"`},
		"two machines of an id":    {vcavtest.Machines(vcavtest.Machine{Name: "a"}, vcavtest.Machine{Name: "a"}), "two machines"},
		"nameless profile":         {vcavtest.SLAProfiles(vcavtest.SLAProfile{}), "no DisplayName"},
		"profile of nothing":       {vcavtest.SLAProfiles(vcavtest.SLAProfile{DisplayName: "a", Retention: []vcavtest.RetentionRule{{}}}), "0 instances"},
		"nameless policy":          {vcavtest.Policies(vcavtest.Policy{}), "no DisplayName"},
		"policy nowhere":           {vcavtest.Policies(vcavtest.Policy{DisplayName: "a", Site: "x"}), `"x" is not a cloud site`},
		"policy of no org":         {vcavtest.Policies(vcavtest.Policy{DisplayName: "a", Orgs: []string{"x"}}), `no organization "x"`},
		"two policies of a name":   {vcavtest.Policies(vcavtest.Policy{DisplayName: "Default Policy"}), "two policies"},
		"unknown policy member":    {vcavtest.Policies(vcavtest.Policy{DisplayName: "a", Extra: map[string]any{"x": 1}}), `does not have "x"`},
		"policy member of ours":    {vcavtest.PolicyMembers(map[string]any{"minRpo": 1}), `"minRpo" already`},
		"policy member of nothing": {vcavtest.PolicyMembers(map[string]any{"x": func() {}}), "PolicyMembers: x"},
		"two of an id":             {vcavtest.Protect(vcavtest.Replication{VMName: "a"}, vcavtest.Replication{VMName: "a"}), "two replications"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := vcavtest.Start(vcavtest.InMemory(), tc.option)
			require.ErrorContains(t, err, tc.want)
			watched := &watcher{TB: t}
			assert.PanicsWithError(t, errStopped.Error(), func() { vcavtest.NewServer(watched, tc.option) })
			assert.Contains(t, watched.fatal, tc.want)
		})
	}
	_, err := vcavtest.Start(vcavtest.OnPremisesSite("cellar"), vcavtest.Protect(
		vcavtest.Replication{VMName: "a", SourceSite: "cellar", SourceOrg: "org"}))
	require.ErrorContains(t, err, "has no organizations")
}

func TestProtectWhileItRuns(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.Protect())
	assert.Empty(t, g.shields(t, "").Items)
	require.NoError(t, g.server.Protect(vcavtest.Replication{VMName: "late"}))
	require.Error(t, g.server.Protect(vcavtest.Replication{VMName: "late"}))
	assert.Equal(t, []string{"late"}, vms(g.shields(t, "").Items))
	assert.Len(t, g.server.Replications(), 1)
}

func TestEndlessBody(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	g.server.Inject(vcavtest.Fault{Operation: "Tasks.List", EndlessBody: true})
	request, err := http.NewRequestWithContext(t.Context(), "GET", g.server.URL+"/tasks", nil)
	require.NoError(t, err)
	request.Header.Set("Accept", accept)
	request.Header.Set("X-VCAV-Auth", g.token)
	response, err := g.server.Transport().RoundTrip(request)
	require.NoError(t, err)
	assert.Equal(t, accept, response.Header.Get("Content-Type"))
	_, err = io.CopyN(io.Discard, response.Body, 1<<20)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
}
