package cloudreplicatest_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// queryShown is what a query finds.
type queryShown struct {
	Refs     refs
	Entities struct {
		CloudVmReplicaPoints pointsShown
		CloudReplicas        struct {
			CloudReplicas []ref `xml:"CloudReplica"`
		}
		CloudFailoverPlans struct {
			CloudFailoverPlans []ref `xml:"CloudFailoverPlan"`
		}
		CloudFailoverSessions struct {
			CloudFailoverSessions []ref `xml:"CloudFailoverSession"`
		}
		CloudTenants struct {
			CloudTenants []ref `xml:"CloudTenant"`
		}
		CloudHardwarePlans struct {
			CloudHardwarePlans []ref `xml:"CloudHardwarePlan"`
		}
		CloudGateways struct {
			CloudGateways []ref `xml:"CloudGateway"`
		}
		CloudGatewayPools struct {
			CloudGatewayPools []ref `xml:"CloudGatewayPool"`
		}
		BackupServers struct {
			BackupServers []ref `xml:"BackupServer"`
		}
	}
	PagingInfo struct {
		PageNum    int      `xml:",attr"`
		PageSize   int      `xml:",attr"`
		PagesCount int      `xml:",attr"`
		Links      []linked `xml:"Links>Link"`
	}
}

// query makes a path of the service, encoded as clients do.
func query(of ...string) string {
	values := url.Values{}
	for i := 0; i < len(of); i += 2 {
		values.Set(of[i], of[i+1])
	}
	return "/query?" + values.Encode()
}

// names finds entities by a filter, and returns what they are called.
func (g guest) names(t testing.TB, kind, filter string, more ...string) []string {
	t.Helper()
	var found queryShown
	entity(t, g, query(append([]string{"type", kind, "filter", filter}, more...)...), &found)
	names := []string{}
	for _, one := range found.Refs.Refs {
		names = append(names, one.Name)
	}
	return names
}

func TestQueriesOfAllTypes(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		g.task(t, clock, "POST", plans+acmeAll+"?action=test", "")
		for kind, want := range map[string]struct {
			count int
			of    func(queryShown) []ref
		}{
			"cloudreplica":         {2, func(q queryShown) []ref { return q.Entities.CloudReplicas.CloudReplicas }},
			"CloudFailoverPlan":    {2, func(q queryShown) []ref { return q.Entities.CloudFailoverPlans.CloudFailoverPlans }},
			"CloudFailoverSession": {1, func(q queryShown) []ref { return q.Entities.CloudFailoverSessions.CloudFailoverSessions }},
			"CloudTenant":          {3, func(q queryShown) []ref { return q.Entities.CloudTenants.CloudTenants }},
			"CloudHardwarePlan":    {2, func(q queryShown) []ref { return q.Entities.CloudHardwarePlans.CloudHardwarePlans }},
			"CloudGateway":         {2, func(q queryShown) []ref { return q.Entities.CloudGateways.CloudGateways }},
			"CloudGatewayPool":     {1, func(q queryShown) []ref { return q.Entities.CloudGatewayPools.CloudGatewayPools }},
			"backupServer":         {2, func(q queryShown) []ref { return q.Entities.BackupServers.BackupServers }},
			"CloudVmReplicaPoint": {8, func(q queryShown) []ref {
				var found []ref
				for _, point := range q.Entities.CloudVmReplicaPoints.CloudReplicas {
					found = append(found, point.ref)
				}
				return found
			}},
		} {
			var references, entities queryShown
			entity(t, g, query("type", kind), &references)
			require.Len(t, references.Refs.Refs, want.count, kind)
			assert.Equal(t, 100, references.PagingInfo.PageSize, "whatever the text says")
			assert.Equal(t, 1, references.PagingInfo.PagesCount)
			entity(t, g, query("type", kind, "format", "entities"), &entities)
			require.Len(t, want.of(entities), want.count, kind)
			assert.Empty(t, entities.Refs.Refs)
			for i, one := range want.of(entities) {
				assert.Equal(t, references.Refs.Refs[i].UID, one.UID)
			}
		}
	}, whole()...)
}

func TestFilters(t *testing.T) {
	t.Parallel()
	g, _ := open(t, whole()...)
	for _, tc := range []struct {
		kind, filter string
		want         []string
	}{
		{"CloudTenant", `Name=="acme"`, []string{"acme"}},
		{"CloudTenant", `name==ACME`, []string{"acme"}},
		{"CloudTenant", `Name!="acme"`, []string{"initech", "umbrella"}},
		{"CloudTenant", `Enabled==false`, []string{"umbrella"}},
		{"CloudTenant", `Type==standalone`, []string{"acme"}},
		{"CloudTenant", `Type<Standalone`, []string{"initech"}}, // vCD comes first
		{"CloudTenant", `Type>="Standalone"`, []string{"acme", "umbrella"}},
		{"CloudTenant", `BackupServerName=="vbr02"`, []string{"umbrella"}},
		{"CloudTenant", `BackupServerUId=="urn:veeam:BackupServer:` + vbr01 + `";Enabled==true`, []string{"acme", "initech"}},
		{"CloudTenant", `Name==acme,Name==umbrella`, []string{"acme", "umbrella"}},
		{"CloudTenant", `(Name==acme,Name==umbrella);Enabled==true`, []string{"acme"}},
		{"CloudTenant", ` ( ( Name == acme ) , Name == initech ) `, []string{"acme", "initech"}},
		{"CloudTenant", `Name=="no such"`, []string{}},
		{"CloudTenant", `Name=="ac me"`, []string{}},
		{"CloudFailoverPlan", `CloudTenantName=="initech"`, []string{"initech all"}},
		{"CloudFailoverPlan", `Name=="acme all";CloudTenantUid=="urn:veeam:CloudTenant:` + acme + `"`, []string{"acme all"}},
		{"CloudReplica", `Platform==vCloud`, []string{"initech app"}},
		{"CloudGateway", `Enabled==true`, []string{"gate01"}},
		{"CloudGatewayPool", `Description=="A & <B>"`, []string{"gates"}},
		{"CloudHardwarePlan", `Platform==HyperV`, []string{"iron"}},
		{"BackupServer", `Port==9392;Name==vbr02`, []string{"vbr02"}},
		{"CloudVmReplicaPoint", `VmDisplayName=="web-1";CreationTime>="2030-06-01T11:00:00Z"`, []string{"web-1@2030-06-01 11:00:00"}},
		{"CloudVmReplicaPoint", `VmDisplayName=="web-1";CreationTime<2030-06-01T11:00:00`, []string{"web-1@2030-06-01 10:58:59"}},
		{"CloudVmReplicaPoint", `State==Failover;CreationTime>"2030-06-01T11:00:00"`, []string{"db-1@2030-06-01 11:30:00"}},
		{"CloudVmReplicaPoint", `State>Ready;Type==CDP;ReplicaName=="initech app";CreationTime<"2030-06-01T10:00:00Z"`, []string{"db-1@2030-06-01 09:29:59"}},
	} {
		assert.Equal(t, tc.want, g.names(t, tc.kind, tc.filter), tc.filter)
	}
}

func TestRefusedQueries(t *testing.T) {
	t.Parallel()
	g, _ := open(t)
	for _, filter := range []string{
		`Name`, `Name==`, `Name=acme`, `=="acme"`, `Name=="acme`, `Name=="acme";`, `(Name==acme`, `Name==acme)`, `Colour==red`,
		`Name==acme;Name==acme,Name==acme`, `Name==urn:veeam`, `Enabled==maybe`, `Type=="Other"`, `Name==a b`,
	} {
		g.refused(t, http.StatusBadRequest, "filter", "GET", query("type", "CloudTenant", "filter", filter), "")
	}
	for _, filter := range []string{`CreationTime>"2030-06-01T11:00:00+02:00"`, `CreationTime>yesterday`, `ReplicaUid==` + acme} {
		g.refused(t, http.StatusBadRequest, "filter", "GET", query("type", "CloudVmReplicaPoint", "filter", filter), "")
	}
	g.refused(t, http.StatusBadRequest, "filter", "GET", query("type", "BackupServer", "filter", "Port==many"), "")
	g.refused(t, http.StatusBadRequest, "type", "GET", query("type", "Unheard"), "")
	g.refused(t, http.StatusBadRequest, "field", "GET", query("type", "CloudTenant", "sortAsc", "Colour"), "")
	g.refused(t, http.StatusBadRequest, "exclude", "GET", query("type", "CloudTenant", "sortAsc", "Name", "sortDesc", "Name"), "")
	for _, name := range []string{"page", "pageSize"} {
		g.refused(t, http.StatusBadRequest, name, "GET", query("type", "CloudTenant", name, "0"), "")
		g.refused(t, http.StatusBadRequest, name, "GET", query("type", "CloudTenant", name, "-1"), "")
	}
	require.Empty(t, g.server.Violations())
	for _, path := range []string{
		"/query", "/query?type=CloudTenant&page=two", "/query?type=CloudTenant&format=Entity", "/cloud/tenants?format=Entities",
		"/cloud/tenants?pageSize=10", `/query?type=CloudTenant&filter=Name=="acme";Enabled==true`,
	} {
		g.ask(t, http.StatusBadRequest, "GET", path, "", nil)
	}
	assert.Len(t, g.server.AcknowledgeViolations(), 6)
}

func TestQuotesAreDoubled(t *testing.T) {
	t.Parallel()
	g, _ := open(t, cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: `the "best"; (really)`}, cloudreplicatest.Tenant{Name: "acme"}))
	assert.Equal(t, []string{`the "best"; (really)`}, g.names(t, "CloudTenant", `Name=="the ""best""; (really)"`))
}

func TestSorting(t *testing.T) {
	t.Parallel()
	g, _ := open(t, whole()...)
	assert.Equal(t, []string{"umbrella", "initech", "acme"}, g.names(t, "CloudTenant", "Enabled==true,Enabled==false", "sortDesc", "name"))
	assert.Equal(t, []string{"initech", "acme", "umbrella"}, g.names(t, "CloudTenant", "Enabled==true,Enabled==false", "sortAsc", "Type"))
	newest := g.names(t, "CloudVmReplicaPoint", `ReplicaName=="acme servers"`, "sortDesc", "CreationTime")
	require.Len(t, newest, 5)
	assert.Equal(t, "db-1@2030-06-01 11:30:00", newest[0])
	assert.True(t, slices.IsSortedFunc(newest, func(a, b string) int {
		return strings.Compare(b[strings.Index(b, "@"):], a[strings.Index(a, "@"):])
	}), newest)
}

// Pages cover everything once, and link to each other with what was asked for.
func TestPaging(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		address := query("type", "CloudVmReplicaPoint", "format", "Entities", "filter", `State==Ready,State=="Failover"`, "sortDesc", "CreationTime", "pageSize", "30")
		seen := map[string]bool{}
		last := time.Time{}
		for page := 1; ; page++ {
			var found queryShown
			entity(t, g, address, &found)
			assert.Equal(t, []int{page, 30, 4}, []int{found.PagingInfo.PageNum, found.PagingInfo.PageSize, found.PagingInfo.PagesCount})
			for _, point := range found.Entities.CloudVmReplicaPoints.CloudReplicas {
				seen[point.UID] = true
				assert.False(t, page > 1 && point.CreationTimeUTC.After(last))
				last = point.CreationTimeUTC
			}
			first := link(t, found.PagingInfo.Links, "First", "").Href
			assert.Contains(t, first, "%3d%3d", "small digits")
			assert.Contains(t, first, "page=1")
			assert.Contains(t, link(t, found.PagingInfo.Links, "Last", "").Href, "page=4")
			if page > 1 {
				link(t, found.PagingInfo.Links, "Previous", "")
			}
			if page == 4 {
				assert.Len(t, found.PagingInfo.Links, 3, "there is no next")
				break
			}
			address = link(t, found.PagingInfo.Links, "Next", "").Href
			clock.Advance(time.Minute)
		}
		assert.Len(t, seen, 100)
		for _, tc := range []struct{ page, filter string }{{"5", "State==Ready"}, {"1", "State==Failback"}} {
			var found queryShown
			entity(t, g, query("type", "CloudVmReplicaPoint", "filter", tc.filter, "page", tc.page, "pageSize", "30"), &found)
			assert.Empty(t, found.Refs.Refs, "a page beyond the last is empty")
		}
	}, cloudreplicatest.Inventory(2, 5, 10))
}
