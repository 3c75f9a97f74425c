package checkpointstest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

func TestOperator(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	somebody := g.server.Operator("olga")
	create := fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production)
	g.server.Inject(checkpointstest.Fault{Operation: "Checkpoints.Create", Times: 1, Do: func() {
		_, err := somebody.Do("Checkpoints.Create", "", create)
		assert.NoError(t, err)
	}})
	g.refused(t, 500, checkpointstest.CodeBeingBackedUp, "POST", "/checkpoints", create)
	got := g.server.Audit().Operation("Checkpoints.Create", production)
	assert.Equal(t, map[string]int{"olga": 1}, got.RanBy)
	assert.Equal(t, []int{2, 1, 1, 1}, []int{got.Requests, got.Operators, got.Ran, got.Refused})

	answer, err := somebody.Do("Vaults.Get", production, "")
	require.NoError(t, err)
	assert.Contains(t, string(answer), `"production"`)
	_, err = somebody.Do("Vaults.Get", unknown, "")
	var refused *checkpointstest.OperatorError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, checkpointstest.CodeVaultNotFound, refused.Code)
	_, err = somebody.Do("Tags.Delete", production+"/tier", "")
	require.ErrorContains(t, err, checkpointstest.CodeTagNotFound)
	_, err = somebody.In("elsewhere").Do("Vaults.List", "", "")
	require.Error(t, err)
	_, err = somebody.Do("Vaults.Unknown", "", "")
	require.Error(t, err)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	list := func() reply {
		got, err := g.send(t.Context(), "GET", "/vaults", "")
		assert.NoError(t, err)
		return got
	}
	for name, tc := range map[string]struct {
		fault checkpointstest.Fault
		want  string
	}{
		"gateway 503":       {checkpointstest.Fault{Status: 503}, checkpointstest.CodeBackendDown},
		"gateway 401":       {checkpointstest.Fault{Status: 401}, checkpointstest.CodeTokenRefused},
		"HTML of a proxy":   {checkpointstest.Fault{Status: 502, Body: "<html>Bad Gateway</html>"}, "<html>"},
		"code of one's own": {checkpointstest.Fault{Status: 400, Code: "BackupService.6108", Message: "later"}, "BackupService.6108"},
		"throttled":         {checkpointstest.Fault{Status: 429, RetryAfter: 3 * time.Second}, checkpointstest.CodeThrottled},
	} {
		tc.fault.Times = 1
		g.server.Inject(tc.fault)
		got := list()
		assert.Equal(t, tc.fault.Status, got.status, name)
		assert.Contains(t, got.body, tc.want, name)
		if tc.fault.RetryAfter > 0 {
			assert.Equal(t, "3", got.header.Get("Retry-After"))
		}
		assert.Equal(t, 200, list().status, name)
	}
	g.server.Inject(checkpointstest.Fault{Operation: "Identity.CreateToken", Status: 500, Times: 1})
	g.refused(t, 500, checkpointstest.CodeIAMFailed, "POST", g.tokens(), signIn(g.server, g.server.Password, ""))
	g.server.Inject(checkpointstest.Fault{Operation: "Identity.CreateToken", Status: 429, Times: 1})
	g.refused(t, 429, checkpointstest.CodeIAMThrottled, "POST", g.tokens(), signIn(g.server, g.server.Password, ""))
	assert.Equal(t, 2, g.server.Count("Identity.CreateToken"))
	assert.Len(t, g.server.IdentityRequests(), 2)

	// Late work is refused like any other where it is too late.
	create := fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, production)
	g.server.Inject(checkpointstest.Fault{Operation: "Checkpoints.Create", Status: 504, Late: time.Minute, Times: 1})
	g.ask(t, 504, "POST", "/checkpoints", create)
	clock.Advance(30 * time.Second)
	g.server.ExpireTokens()
	clock.Advance(time.Minute)
	got := g.server.Audit().Operation("Checkpoints.Create", production)
	assert.Equal(t, []int{1, 0, 1}, []int{got.Requests, got.Ran, got.Refused})

	g.server.FailTask("Checkpoints.Create", "", "x", "x")
	g.server.Inject(checkpointstest.Fault{Status: 503})
	g.server.ClearFaults()
	g.token = g.server.Token()
	g.ask(t, 200, "POST", "/checkpoints", create)
	clock.Advance(time.Minute)
	assert.Equal(t, []string{"backup success", "backup success"}, states(g))
	require.True(t, g.server.ForgetTask(g.server.Tasks()[0].ID))
	assert.Equal(t, 1, count(t, g.ask(t, 200, "GET", "/operation-logs", "")))
}

func TestUsedWrongly(t *testing.T) {
	t.Parallel()
	server, err := checkpointstest.Start()
	require.NoError(t, err)
	defer server.Close()
	server.Inject(checkpointstest.Fault{})
	server.FailTask("Nothing.Known", "", "x", "x")
	server.SlowTask("Checkpoints.Create", "", -1)
	server.SetVaultStatus(unknown, checkpointstest.VaultFrozen)
	server.SetResourceStatus(unknown, "error")
	server.AddBackups(unknown, 1)
	server.LockUser("nobody", true)
	server.Restart(-1)
	server.RestartIdentity(-1)
	assert.Len(t, server.AcknowledgeViolations(), 9)
	assert.Empty(t, server.Violations())
	assert.False(t, server.RemoveBackup(unknown))
	assert.False(t, server.RemoveResource(unknown))
	assert.False(t, server.ForgetTask(unknown))

	zero := time.Duration(0)
	for name, option := range map[string]checkpointstest.Option{
		"clock": checkpointstest.UseClock(nil), "flavour": checkpointstest.Play("x"), "region": checkpointstest.InRegion(""),
		"account": checkpointstest.Account("", "a", "b"), "project": checkpointstest.SubProject(""), "factor": checkpointstest.MFAUser("a", "b", ""),
		"other": checkpointstest.OtherAccount("a", "", ""), "agency": checkpointstest.Agency("", ""), "keys": checkpointstest.Keys("", ""),
		"life": checkpointstest.TokenLife(zero), "tasks": checkpointstest.TaskDuration(-1, 0), "show": checkpointstest.TasksShowAfter(-1),
		"settle": checkpointstest.SettlesAfter(-1), "latency": checkpointstest.Latency(-1), "page": checkpointstest.PageLimit(0),
		"quotas": checkpointstest.Quotas(-1, 0), "rate": checkpointstest.RateLimit(0, time.Hour), "sign-ins": checkpointstest.SignInLimit(1, 0),
		"sizes": checkpointstest.SizesAs(checkpointstest.AsArray), "times": checkpointstest.TimesAs("x"), "zone": checkpointstest.TimesIn(nil),
		"form": checkpointstest.UnauthorizedAs("x"), "sign-in form": checkpointstest.SignInErrorsAs(checkpointstest.GatewayErrors),
		"link": checkpointstest.LinkedTo(nil), "resource": checkpointstest.Resources(checkpointstest.Resource{}),
		"disk": checkpointstest.Resources(checkpointstest.Volume("x", 0)), "vault": checkpointstest.Vaults(checkpointstest.Vault{}),
		"vault type":     checkpointstest.Vaults(checkpointstest.Vault{Name: "a", ObjectType: "rds"}),
		"vault resource": checkpointstest.Vaults(checkpointstest.Vault{Name: "a", Resources: []string{unknown}}),
		"resource twice": checkpointstest.Resources(checkpointstest.VM("a"), checkpointstest.VM("a")),
	} {
		_, err := checkpointstest.Start(option)
		assert.ErrorContains(t, err, "checkpointstest: ", name)
	}
	_, err = checkpointstest.Start(checkpointstest.LinkedTo(server), checkpointstest.InRegion("region1"))
	require.ErrorContains(t, err, "region1")
	_, err = checkpointstest.Start(checkpointstest.LinkedTo(server), checkpointstest.InMemory())
	require.Error(t, err)
}

// Hours pass at once in a bubble, also for two regions.
func TestInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		here := checkpointstest.NewServer(t, checkpointstest.InMemory(), checkpointstest.TaskDuration(time.Minute, 3*time.Hour))
		there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here))
		g := guest{server: here, token: here.Token(), project: here.ProjectID}
		here.AddBackups(production, 2)
		g.ask(t, 200, "POST", "/checkpoints/replicate", replicate(guest{server: there, project: there.ProjectID}, production))
		<-time.After(2 * time.Hour)
		assert.Equal(t, "protecting", there.Backups(replicas)[0].Status)
		<-time.After(2 * time.Hour)
		assert.Equal(t, "available", there.Backups(replicas)[3].Status)
		here.Restart(time.Minute)
		_, err := g.send(t.Context(), "GET", "/vaults", "")
		require.Error(t, err)
		here.RestartIdentity(time.Minute)
		_, err = g.send(t.Context(), "GET", g.tokens(), "")
		require.Error(t, err)
		<-time.After(time.Minute)
		g.ask(t, 200, "GET", "/vaults", "")
	})
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	here := checkpointstest.NewServer(t, checkpointstest.Play(checkpointstest.HuaweiCloud), checkpointstest.TaskDuration(0, 0), checkpointstest.Latency(time.Millisecond))
	there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here))
	here.AddBackups(production, 5)
	to := guest{server: there, token: there.Token(), project: there.ProjectID}
	g := guest{server: here, token: here.Token(), project: here.ProjectID}
	var wait sync.WaitGroup
	var mu sync.Mutex
	ran := 0
	for range 20 {
		wait.Go(func() {
			got, err := g.send(t.Context(), "POST", "/checkpoints/replicate", replicate(to, production))
			assert.NoError(t, err)
			var answer struct{ Replication struct{ Backups []any } }
			assert.NoError(t, json.Unmarshal([]byte(got.body), &answer))
			mu.Lock()
			defer mu.Unlock()
			ran += len(answer.Replication.Backups)
		})
		wait.Go(func() {
			_, err := to.send(t.Context(), "GET", "/backups?show_replication=true", "")
			assert.NoError(t, err)
			_ = here.Audit().String()
			_ = there.Vaults()
		})
	}
	wait.Wait()
	assert.Equal(t, 10, ran, "each backup once")
	for _, one := range here.Audit().Replications {
		assert.Equal(t, 1, one.Started, one.Backup)
	}
}

// A client on loopback trusts both regions and the identity service by one pool.
func TestOnLoopback(t *testing.T) {
	t.Parallel()
	here := checkpointstest.NewServer(t)
	there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here))
	assert.Len(t, here.Options(), 1)
	for _, g := range []guest{
		{server: here, token: here.Token(), project: here.ProjectID}, {server: there, token: there.Token(), project: there.ProjectID},
	} {
		g.ask(t, 200, "GET", "/vaults", "")
		g.issue(t, signIn(g.server, g.server.Password, ""))
		assert.NotNil(t, g.server.CertPool())
	}
	here.RefuseConnections(1)
	here.CloseConnections()
	_, err := guest{server: here, token: here.Token(), project: here.ProjectID}.send(t.Context(), "POST", "/checkpoints", `{}`)
	require.Error(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://nobody.drkit.test/", nil)
	require.NoError(t, err)
	_, err = here.Transport().RoundTrip(request)
	require.Error(t, err)
	assert.True(t, strings.HasPrefix(here.URL, "https://127.0.0.1:"))
}
