package cloudreplicatest_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// An answer that is lost after the work, and one that is lost before it.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	start := cloudreplicatest.Fault{Operation: "FailoverPlans.Start", Resource: acmeAll, Drop: true, Times: 1}
	after := start
	after.After = true
	g.server.Inject(start)
	_, err := g.send(t.Context(), "POST", plans+acmeAll+"?action=start", startNow)
	require.Error(t, err)
	assert.Zero(t, g.server.Ran("FailoverPlans.Start", acmeAll))
	g.server.Inject(after)
	_, err = g.send(t.Context(), "POST", plans+acmeAll+"?action=start", startNow)
	require.Error(t, err)
	assert.Equal(t, 1, g.server.Ran("FailoverPlans.Start", acmeAll))
	clock.Advance(time.Minute)
	var all refs
	entity(t, g, "/cloud/failoverSessions", &all)
	require.Len(t, all.Refs, 1)
	assert.Equal(t, "acme all", all.Refs[0].Name)
	o := g.server.Audit().Operation("FailoverPlans.Start", acmeAll)
	assert.Equal(t, []int{2, 1, 1, 1}, []int{o.Requests, o.Ran, o.Lost, o.Succeeded})
	assert.Contains(t, g.server.Audit().String(), "plan acme all: started 1")
}

// Late work is done as of its own time, whoever looks.
func TestLateWork(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Start", Status: 503, Late: 5 * time.Minute, Times: 1})
	g.refused(t, http.StatusServiceUnavailable, "Unavailable", "POST", plans+acmeAll+"?action=start", startNow)
	clock.Advance(4 * time.Minute)
	assert.Equal(t, 1, g.server.Audit().Operation("FailoverPlans.Start", acmeAll).Pending)
	clock.Advance(10 * time.Minute)
	var run failoverShown
	var all refs
	entity(t, g, "/cloud/failoverSessions", &all)
	require.Len(t, all.Refs, 1)
	entity(t, g, "/cloud/failoverSessions/"+all.Refs[0].id()+"?format=Entity", &run)
	assert.Equal(t, "Stopped", run.State)
	assert.Equal(t, 1, g.server.Audit().Operation("FailoverPlans.Start", acmeAll).Late)

	g.server.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", Drop: true, Late: 5 * time.Minute, Times: 1})
	_, err := g.send(t.Context(), "POST", plans+acmeAll+"?action=undo", "")
	require.Error(t, err)
	g.server.ExpireSessions()
	clock.Advance(10 * time.Minute)
	assert.Equal(t, 1, g.server.Audit().Operation("FailoverPlans.Undo", acmeAll).Refused, "its session was gone by then")
}

func TestFaultsInBothEncodings(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, _ *cloudreplicatest.ManualClock) {
		g.server.Inject(cloudreplicatest.Fault{Status: 503, RetryAfter: 2 * time.Second, Times: 1})
		var got wrong
		answer := g.ask(t, http.StatusServiceUnavailable, "GET", "/cloud", "", &got)
		assert.Equal(t, 503, got.StatusCode)
		assert.Equal(t, "2", answer.header.Get("Retry-After"))
		g.server.Inject(cloudreplicatest.Fault{Status: 500, Message: "Object reference not set", Times: 1})
		g.refused(t, http.StatusInternalServerError, "Object reference", "GET", "/cloud", "")
		g.server.Inject(cloudreplicatest.Fault{Operation: "Replicas.List", After: true, Truncate: true, Times: 1})
		_, err := g.send(t.Context(), "GET", "/cloud/replicas", "")
		require.Error(t, err)
		g.ask(t, http.StatusOK, "GET", "/cloud/replicas", "", nil)
	})
}

// A long answer is broken off in its middle, and the next is whole.
func TestLongAnswersBreak(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, _ *cloudreplicatest.ManualClock) {
		g.server.Inject(cloudreplicatest.Fault{Operation: "VMReplicaPoints.List", After: true, AfterBytes: 100_000, Reset: true, Times: 1})
		_, err := g.send(t.Context(), "GET", "/cloud/vmReplicaPoints?format=Entity", "")
		require.Error(t, err)
		var all pointsShown
		entity(t, g, "/cloud/vmReplicaPoints?format=Entity", &all)
		assert.Len(t, all.CloudReplicas, 3000)
		var found queryShown
		entity(t, g, query("type", "CloudVmReplicaPoint", "pageSize", "2600", "page", "2"), &found)
		assert.Len(t, found.Refs.Refs, 400)
		entity(t, g, query("type", "CloudVmReplicaPoint", "pageSize", "2600", "format", "Entities"), &found)
		assert.Len(t, found.Entities.CloudVmReplicaPoints.CloudReplicas, 2600)
	}, cloudreplicatest.Inventory(2, 5, 300))
}

func TestOperators(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		ann := g.server.Operator("ann")
		answer, err := ann.Do("FailoverPlans.Start", acmeAll, `{"StartNow":true}`)
		require.NoError(t, err)
		assert.Contains(t, string(answer), "task-1")
		_, err = ann.Do("FailoverPlans.Test", unknown, "")
		var refused *cloudreplicatest.OperatorError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, http.StatusNotFound, refused.Status)
		assert.Contains(t, refused.Message, "was not found")
		_, err = ann.Do("FailoverPlans.Start", acmeAll, `{"StartNow":"yes"}`)
		require.Error(t, err)
		assert.Len(t, g.server.AcknowledgeViolations(), 1)
		_, err = ann.Do("FailoverPlans.Sing", "", "")
		require.Error(t, err)
		clock.Advance(time.Second)
		_, err = ann.Do("Tasks.Get", "task-1", "")
		require.NoError(t, err)
		g.refused(t, http.StatusInternalServerError, "[task-1]", "GET", "/tasks/task-1", "")
		o := g.server.Audit().Operation("FailoverPlans.Start", acmeAll)
		assert.Equal(t, 1, o.RanBy["ann"]+o.RanBy[`EM01\ann`])
		assert.Equal(t, 1, g.server.Audit().Plan(acmeAll).Started)
	})
}

// A restart loses the sessions and their tasks, and nothing else.
func TestRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := cloudreplicatest.NewServer(t, cloudreplicatest.InMemory())
		g := guest{server: server, token: server.Token(), encoding: asXML}
		g.ask(t, http.StatusAccepted, "POST", plans+acmeAll+"?action=start", startNow, nil)
		server.Restart(time.Minute)
		_, err := g.send(t.Context(), "GET", "/cloud", "")
		require.Error(t, err)
		<-time.After(time.Minute)
		g.ask(t, http.StatusUnauthorized, "GET", "/tasks/task-1", "", nil)
		g.token = server.Token()
		g.refused(t, http.StatusInternalServerError, "[task-1]", "GET", "/tasks/task-1", "")
		var all refs
		entity(t, g, "/cloud/failoverSessions", &all)
		assert.Len(t, all.Refs, 1)
		server.Close()
	})
}

func TestLatency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := cloudreplicatest.NewServer(t, cloudreplicatest.InMemory(), cloudreplicatest.Latency(time.Second))
		g := guest{server: server, token: server.Token(), encoding: asXML}
		begun := time.Now()
		g.ask(t, http.StatusOK, "GET", "/cloud", "", nil)
		assert.Equal(t, time.Second, time.Since(begun))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := g.send(ctx, "GET", "/cloud", "")
		require.Error(t, err)
		server.Close()
	})
}

// Many guests at once, while points are made and sessions end.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	server := cloudreplicatest.NewServer(t, cloudreplicatest.Inventory(4, 5, 50), cloudreplicatest.CollectEvery(time.Second))
	var all sync.WaitGroup
	for i := range 4 {
		all.Add(1)
		go func() {
			defer all.Done()
			g := guest{server: server, token: server.Token(), encoding: []string{asXML, asJSON}[i%2]}
			plan := plans + cloudreplicatest.PlanID(cloudreplicatest.InventoryTenant(i))
			for _, action := range []string{"?action=test", "?action=undo"} {
				got, err := g.send(t.Context(), "POST", plan+action, "")
				assert.NoError(t, err)
				assert.Equal(t, http.StatusAccepted, got.status)
			}
			for _, path := range []string{
				"/cloud/vmReplicaPoints?format=Entity", query("type", "CloudVmReplicaPoint", "sortDesc", "CreationTime", "filter", "State==Ready"),
				"/cloud/failoverSessions?format=Entity", "/tasks", "/systemSessions?format=Entity", "/cloud/tenants?format=Entity",
			} {
				got, err := g.send(t.Context(), "GET", path, "")
				assert.NoError(t, err)
				assert.Equal(t, http.StatusOK, got.status)
			}
			server.Replicate(cloudreplicatest.InventoryVM(i, 0))
			server.Collect()
			assert.NotEmpty(t, server.Audit().String())
		}()
	}
	all.Wait()
	assert.Len(t, server.Points(cloudreplicatest.InventoryVM(0, 0)), 51)
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	tenant := cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"})
	for name, options := range map[string][]cloudreplicatest.Option{
		"nil clock":                     {cloudreplicatest.UseClock(nil)},
		"account without a password":    {cloudreplicatest.Account("a", "")},
		"account with a domain":         {cloudreplicatest.Account(`CORP\a`, "b")},
		"account twice":                 {cloudreplicatest.ReadingAccount("a", "b"), cloudreplicatest.ReadingAccount("A", "b")},
		"no versions":                   {cloudreplicatest.Versions()},
		"no idle time":                  {cloudreplicatest.IdleTimeout(0)},
		"negative latency":              {cloudreplicatest.Latency(-1)},
		"negative tasks":                {cloudreplicatest.TaskDuration(-1, 0)},
		"negative lag":                  {cloudreplicatest.ShowsAfter(-1)},
		"IDs that are none":             {cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "a", ID: "b"})},
		"replica's ID":                  {tenant, cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a", ID: "b", Tenant: "acme"})},
		"plan's ID":                     {tenant, cloudreplicatest.WithPlans(cloudreplicatest.Plan{Name: "a", ID: "b", Tenant: "acme"})},
		"negative failovers":            {cloudreplicatest.FailoverDuration(0, -1)},
		"negative collection":           {cloudreplicatest.CollectDuration(-1)},
		"collections all the time":      {cloudreplicatest.CollectEvery(1)},
		"no points":                     {cloudreplicatest.KeepPoints(0)},
		"other VMs of plans":            {cloudreplicatest.PlanVMsAs("Vm")},
		"links to nowhere":              {cloudreplicatest.LinksTo("http://em01/api")},
		"no inventory":                  {cloudreplicatest.Inventory(0, 1, 1)},
		"server without a name":         {cloudreplicatest.WithBackupServers(cloudreplicatest.BackupServer{})},
		"tenants without Cloud Connect": {tenant, cloudreplicatest.WithoutCloudConnect()},
		"tenant without a name":         {cloudreplicatest.WithTenants(cloudreplicatest.Tenant{})},
		"tenant of another type":        {cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "a", Type: "b"})},
		"tenant of an unknown server":   {cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "a", Server: "b"})},
		"tenant of an unknown plan":     {cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "a", HardwarePlans: []string{"b"}})},
		"tenant of an unknown pool":     {cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "a", Pools: []string{"b"}})},
		"replica of nobody":             {cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a", Tenant: "b"})},
		"replica twice":                 {tenant, cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a", Tenant: "acme"}, cloudreplicatest.Replica{Name: "a", Tenant: "acme"})},
		"VM in another state":           {tenant, cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a", Tenant: "acme", VMs: []cloudreplicatest.VM{{Name: "v", State: "x"}}})},
		"VM without a name":             {tenant, cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a", Tenant: "acme", VMs: []cloudreplicatest.VM{{}}})},
		"points of the future":          {tenant, cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a", Tenant: "acme", VMs: []cloudreplicatest.VM{{Name: "v", Age: -1}}})},
		"replica of another platform":   {tenant, cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a", Tenant: "acme", Platform: "KVM"})},
		"plan of nobody":                {cloudreplicatest.WithPlans(cloudreplicatest.Plan{Name: "a", Tenant: "b"})},
		"plan without a name":           {tenant, cloudreplicatest.WithPlans(cloudreplicatest.Plan{Tenant: "acme"})},
		"gateway of an unknown pool":    {cloudreplicatest.WithGateways(cloudreplicatest.Gateway{Name: "a", Pool: "b"})},
		"gateway of an unknown server":  {cloudreplicatest.WithGateways(cloudreplicatest.Gateway{Name: "a", Server: "b"})},
		"pool of an unknown server":     {cloudreplicatest.WithGatewayPools(cloudreplicatest.GatewayPool{Name: "a", Server: "b"})},
		"hardware plan of nothing":      {cloudreplicatest.WithHardwarePlans(cloudreplicatest.HardwarePlan{Name: "a", Platform: "vCloud"})},
		"hardware of an unknown server": {cloudreplicatest.WithHardwarePlans(cloudreplicatest.HardwarePlan{Name: "a", Server: "b"})},
	} {
		server, err := cloudreplicatest.Start(options...)
		if assert.Error(t, err, name) {
			assert.Contains(t, err.Error(), "cloudreplicatest: ", name)
			continue
		}
		server.Close()
	}
}

// Whoever asks the server for what cannot be is told, and the test fails.
func TestComplaints(t *testing.T) {
	t.Parallel()
	server, err := cloudreplicatest.Start(cloudreplicatest.InMemory())
	require.NoError(t, err)
	defer server.Close()
	server.Inject(cloudreplicatest.Fault{})
	server.FailTask("Tenants.List", "", "x")
	server.SlowTask("FailoverPlans.Start", "", 0)
	server.FailVM(unknown, "db-1", "")
	server.Replicate("nobody")
	server.SetState("nobody", "Ready")
	server.SetState("db-1", "Odd")
	server.AddPlan(cloudreplicatest.Plan{})
	server.AddReplica(cloudreplicatest.Replica{})
	server.Restart(-1)
	assert.Len(t, server.AcknowledgeViolations(), 10)
	assert.Equal(t, cloudreplicatest.StateReady, server.Points("db-1")[0].State)
}
