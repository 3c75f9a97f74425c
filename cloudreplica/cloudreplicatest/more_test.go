package cloudreplicatest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

func TestFiltersOfSessions(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.FailVM(acmeAll, "", "No power")
	g.task(t, clock, "POST", plans+acmeAll+"?action=test", "")
	clock.Advance(time.Minute)
	g.task(t, clock, "POST", plans+cloudreplicatest.PlanID("globex all")+"?action=start", startNow)
	for filter, want := range map[string][]string{
		`Name=="acme all";CreationTime>="2030-06-01T12:00:01Z"`: {"acme all"},
		`CreationTime<2030-06-01T12:01:00`:                      {"acme all"},
		`EndTime>="2030-06-01T12:00:22Z";State==Stopped`:        {"acme all"},
		`State==Working`:                             {"globex all"},
		`State<Stopped`:                              {"globex all"},
		`State!=Stopped`:                             {"globex all"},
		`Result==Warning`:                            {"acme all"},
		`Result>Success;Result<=Failed`:              {"acme all"},
		`FailureMessage=="1 of 2 VMs have failed"`:   {"acme all"},
		`Type==FailoverPlan;BackupServerName==vbr01`: {"acme all", "globex all"},
		`BackupServerUid=="urn:veeam:BackupServer:` + vbr01 + `";Name==other`: {},
	} {
		assert.Equal(t, want, g.names(t, "CloudFailoverSession", filter), filter)
	}
}

// What only shows when a tenant is made fails the task, and leaves nothing.
func TestTenantsThatCannotBeMade(t *testing.T) {
	t.Parallel()
	g, clock := open(t, whole()...)
	create := func(inside, tail string) string {
		return `<CreateCloudTenantSpec` + ns + `><Name>hooli</Name>` + inside + `<BackupServerUid>urn:veeam:BackupServer:` + vbr01 + `</BackupServerUid>` + tail + `</CreateCloudTenantSpec>`
	}
	compute := func(plan, platform string) string {
		return `<ComputeResources><ComputeResource><CloudHardwarePlanUid>` + plan + `</CloudHardwarePlanUid><PlatformType>` + platform +
			`</PlatformType><UseNetworkFailoverResources>false</UseNetworkFailoverResources></ComputeResource></ComputeResources>`
	}
	uid := "urn:veeam:CloudHardwarePlan:"
	for body, want := range map[string]string{
		create(`<Resources><BackupResource><Name>a</Name><RepositoryUid>b</RepositoryUid><QuotaMb>1023</QuotaMb></BackupResource></Resources>`, ""): "1 GB",
		create(compute(uid+unknown, "VMware"), ""):                                                        "Hardware plan",
		create(compute(uid+gold, "HyperV"), ""):                                                           "not for HyperV",
		create(compute(uid+cloudreplicatest.HardwarePlanID("iron"), "HyperV"), ""):                        "Hardware plan", // of another server
		create(compute("gold", "VMware"), ""):                                                             "Hardware plan",
		create("", `<TenantType>vCD</TenantType>`):                                                        "OrganizationRef",
		create("", `<TenantType>ActiveDirectory</TenantType>`):                                            "Domain",
		create("", `<CloudGatewayPools><CloudGatewayPoolUid>x</CloudGatewayPoolUid></CloudGatewayPools>`): "Gateway pool",
	} {
		done := g.task(t, clock, "POST", "/cloud/tenants", body)
		assert.False(t, done.Result.Success, body)
		assert.Contains(t, done.Result.Message, want)
	}
	assert.Zero(t, g.server.Audit().TenantsNamed("hooli"))
	require.Equal(t, 8, g.server.Audit().Operation("Tenants.Create", "hooli").Failed)

	domain := `<Domain><DomainName>corp.example</DomainName><DomainAccount>svc</DomainAccount><Port>636</Port></Domain>`
	for _, tail := range []string{
		`<TenantType>ActiveDirectory</TenantType>` + domain,
		`<TenantType>vCD</TenantType><OrganizationRef>urn:vCloud:Org:1.2</OrganizationRef><VCloudComputeResources><VCloudComputeResource><VirtualDataCenterRef>urn:vCloud:Vdc:1.2</VirtualDataCenterRef><UseNetworkFailoverResources>true</UseNetworkFailoverResources></VCloudComputeResource></VCloudComputeResources>`,
	} {
		done := g.task(t, clock, "POST", "/cloud/tenants", create("", tail))
		require.True(t, done.Result.Success, done.Result.Message)
		g.ask(t, http.StatusOK, "GET", link(t, done.Links, "Related", "CloudTenant").Href, "", nil)
		var shown ref
		entity(t, g, link(t, done.Links, "Related", "CloudTenant").Href, &shown)
		g.task(t, clock, "DELETE", "/cloud/tenants/"+shown.id(), "")
	}
}

// A failover goes on although its tenant is gone; two clients of one tenant do not undo twice.
func TestTenantsThatAreGone(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	first := g.task(t, clock, "POST", plans+acmeAll+"?action=start", startNow)
	assert.True(t, g.task(t, clock, "DELETE", "/cloud/tenants/"+acme, "").Result.Success)
	clock.Advance(time.Minute)
	var run failoverShown
	entity(t, g, link(t, first.Links, "Related", "CloudFailoverSession").Href, &run)
	assert.Equal(t, "Success", run.Result)
	for range 2 {
		g.ask(t, http.StatusAccepted, "POST", plans+acmeAll+"?action=undo", "", nil)
	}
	clock.Advance(time.Minute)
	assert.Equal(t, 1, g.server.Audit().Plan(acmeAll).Undone)
	o := g.server.Audit().Operation("FailoverPlans.Undo", acmeAll)
	assert.Equal(t, []int{2, 1, 1}, []int{o.Ran, o.Succeeded, o.Failed})
}

// On a socket, with its certificate.
func TestOnLoopback(t *testing.T) {
	t.Parallel()
	server := cloudreplicatest.NewServer(t, cloudreplicatest.Account("ann", "secret"), cloudreplicatest.Versions("v1_6", "v1_7"))
	assert.Equal(t, "ann secret", server.User+" "+server.Password)
	assert.True(t, strings.HasPrefix(server.Thumbprint(), "SHA-256:"))
	assert.Len(t, server.Options(), 1)
	assert.NotNil(t, server.CertPool())
	g := guest{server: server, token: server.Token(), encoding: asJSON}
	in, _ := g.signIn(t, "?v=v1_6", "", basic("ann", "secret")...)
	g.token = ""
	g.ask(t, http.StatusBadRequest, "POST", "/sessionMngr/?v=v1_5", "", nil, basic("ann", "secret")...)
	in.ask(t, http.StatusOK, "GET", "/cloud", "", nil)
	assert.Equal(t, 1, server.Count("Cloud.Links"))
	last := server.Requests()[len(server.Requests())-1]
	assert.NotContains(t, strings.Join(last.Header.Values("X-RestSvcSessionId"), ""), in.token, "it is redacted")
	server.CloseConnections()
	server.RefuseConnections(1)
	_, err := in.send(t.Context(), "POST", plans+acmeAll+"?action=undo", "")
	require.Error(t, err)
	inMemory := cloudreplicatest.NewServer(t, cloudreplicatest.InMemory())
	assert.Len(t, inMemory.Options(), 1)
}
