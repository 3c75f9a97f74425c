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

// refs is a collection as references.
type refs struct {
	Refs []ref `xml:"Ref"`
}

// pointShown is a point.
type pointShown struct {
	ref
	VmDisplayName   string `xml:",attr"`
	CreationTimeUTC time.Time
	PointType       string
	State           string
}

// pointsShown is a list of points, whose items are called like replicas.
type pointsShown struct {
	CloudReplicas []pointShown `xml:"CloudReplica"`
}

// whole has everything that collections can have.
func whole() []cloudreplicatest.Option {
	return []cloudreplicatest.Option{
		cloudreplicatest.WithBackupServers(cloudreplicatest.BackupServer{Name: "vbr01"}, cloudreplicatest.BackupServer{Name: "vbr02"}),
		cloudreplicatest.WithHardwarePlans(
			cloudreplicatest.HardwarePlan{Name: "gold"}, cloudreplicatest.HardwarePlan{Name: "iron", Platform: cloudreplicatest.PlatformHyperV, Server: "vbr02"}),
		cloudreplicatest.WithGatewayPools(cloudreplicatest.GatewayPool{Name: "gates", Description: "A & <B>"}),
		cloudreplicatest.WithGateways(cloudreplicatest.Gateway{Name: "gate01", Pool: "gates"}, cloudreplicatest.Gateway{Name: "gate02", Disabled: true}),
		cloudreplicatest.WithTenants(
			cloudreplicatest.Tenant{
				Name: "acme", HardwarePlans: []string{"gold"}, Pools: []string{"gates"}, QuotasMB: []int{204800},
				LeaseEnds: "2099-12-31T00:00:00", LastActive: noon().Add(-time.Minute),
			},
			cloudreplicatest.Tenant{Name: "initech", Type: cloudreplicatest.TenantVCD},
			cloudreplicatest.Tenant{Name: "umbrella", Type: cloudreplicatest.TenantAD, Server: "vbr02", Disabled: true},
		),
		cloudreplicatest.WithReplicas(
			cloudreplicatest.Replica{Name: "acme servers", Tenant: "acme", VMs: []cloudreplicatest.VM{
				{Name: "db-1"}, {Name: "web-1", Points: 2, Every: time.Minute, Age: time.Hour}, {Name: "new-1", Points: -1},
			}},
			cloudreplicatest.Replica{Name: "initech app", Tenant: "initech", Platform: cloudreplicatest.PlatformVCloud, VMs: []cloudreplicatest.VM{
				{Name: "db-1", Type: "CDP", State: cloudreplicatest.StateFailover},
			}},
		),
		cloudreplicatest.WithPlans(
			cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"db-1", "web-1"}},
			cloudreplicatest.Plan{Name: "initech all", Tenant: "initech", VMs: []string{"db-1"}, Together: true},
		),
	}
}

// collections are all that have references and entities, and how many of them there are at first.
var collections = map[string]int{
	"/backupServers": 2, "/systemSessions": 1, "/cloud/vmReplicaPoints": 8, "/cloud/replicas": 2, "/cloud/cloudFailoverPlans": 2,
	"/cloud/failoverSessions": 1, "/cloud/hardwarePlans": 2, "/cloud/gateways": 2, "/cloud/gatewayPools": 1, "/cloud/tenants": 3,
}

// Every collection has the same entities as references, whole, one by one and by the links of each.
func TestReadingEverything(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		body := startNow
		if g.encoding == asJSON {
			body = `{"StartNow":true}`
		}
		g.task(t, clock, "POST", "/cloud/cloudFailoverPlans/"+acmeAll+"?action=start", body)
		clock.Advance(time.Minute)
		for path, want := range collections {
			var all refs
			entity(t, g, path, &all)
			require.Len(t, all.Refs, want, path)
			g.ask(t, http.StatusOK, "GET", path+"?format=Entity", "", nil)
			for _, one := range all.Refs {
				kind := strings.TrimSuffix(one.Type, "Reference")
				assert.NotEqual(t, kind, one.Type)
				assert.Equal(t, "urn:veeam:"+kind+":"+one.id(), one.UID)
				var reference, shown ref
				entity(t, g, path+"/"+one.id(), &reference)
				assert.Equal(t, one, reference)
				alternate := link(t, one.Links, "Alternate", kind)
				entity(t, g, alternate.Href, &shown)
				assert.Equal(t, kind, shown.Type)
				assert.Equal(t, one.Name, shown.Name)
				assert.Equal(t, one.UID, shown.UID)
				assert.Equal(t, one.Href, link(t, shown.Links, "Alternate", kind+"Reference").Href)
				entity(t, g, path+"/"+strings.ToUpper(one.id())+"?format=entity", &shown)
			}
			g.refused(t, http.StatusNotFound, unknown, "GET", path+"/"+unknown, "")
		}
	}, whole()...)
}

func TestPagesAboutOneThing(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, _ *cloudreplicatest.ManualClock) {
		tenant := "/cloud/tenants/" + acme
		for _, path := range []string{
			"/", "/cloud", "/logonSessions", "/tasks", tenant + "/resources", tenant + "/computeResources", tenant + "/subtenants",
			tenant + "/vCloudComputeResources", tenant + "/vcloudcomputeresources", tenant + "/freelicenseCounters",
		} {
			g.ask(t, http.StatusOK, "GET", path, "", nil)
		}
		var pools refs
		entity(t, g, tenant+"/gatewayPools", &pools)
		require.Len(t, pools.Refs, 1)
		assert.Equal(t, "gates", pools.Refs[0].Name)

		var points refs
		entity(t, g, "/cloud/replicas/"+cloudreplicatest.ReplicaID("acme servers")+"/vmReplicaPoints", &points)
		require.Len(t, points.Refs, 5)
		assert.Regexp(t, `^db-1@2030-06-01 \d\d:\d\d:\d\d$`, points.Refs[0].Name)
		link(t, points.Refs[0].Links, "Up", "CloudReplicaReference")
		link(t, points.Refs[0].Links, "Up", "BackupServerReference")

		var subscribers struct {
			CloudTenants []ref `xml:"CloudTenant"`
		}
		entity(t, g, "/cloud/hardwarePlans/"+gold+"/tenants", &subscribers)
		require.Len(t, subscribers.CloudTenants, 1)
		assert.Equal(t, "acme", subscribers.CloudTenants[0].Name)

		var vms struct {
			CloudFailoveredVms []struct {
				Name             string
				Order            int
				FailoverPlanVMId string
			} `xml:"CloudFailoveredVm"`
		}
		entity(t, g, "/cloud/cloudFailoverPlans/"+acmeAll+"/includes", &vms)
		require.Len(t, vms.CloudFailoveredVms, 2)
		assert.Equal(t, "web-1", vms.CloudFailoveredVms[1].Name)
		assert.Equal(t, 1, vms.CloudFailoveredVms[1].Order)
		g.ask(t, http.StatusOK, "GET", "/cloud/cloudFailoverPlans/"+acmeAll+"/includes/"+vms.CloudFailoveredVms[1].FailoverPlanVMId, "", nil)
		for _, path := range []string{
			"/cloud/cloudFailoverPlans/" + acmeAll + "/includes/" + unknown, "/cloud/replicas/" + unknown + "/vmReplicaPoints",
			"/cloud/hardwarePlans/" + unknown + "/tenants", tenant + "/resources/" + unknown, tenant + "/computeResources/" + unknown,
			tenant + "/subtenants/" + unknown, tenant + "/vCloudComputeResources/" + unknown, "/cloud/tenants/" + unknown + "/resources",
			"/logonSessions/" + unknown, "/cloud/vmReplicaPoints/short", "/cloud/vmReplicaPoints/zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
		} {
			g.refused(t, http.StatusNotFound, "was not found", "GET", path, "")
		}
	}, whole()...)
}

// The items of a list of points are called like replicas, and the list says with the type of each what they are.
func TestPoints(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, _ *cloudreplicatest.ManualClock) {
		var all pointsShown
		entity(t, g, "/cloud/vmReplicaPoints?format=Entity", &all)
		require.Len(t, all.CloudReplicas, 8)
		newest := all.CloudReplicas[2]
		assert.Equal(t, "CloudVmReplicaPoint", newest.Type)
		assert.Equal(t, "db-1", newest.VmDisplayName)
		assert.Equal(t, noon().Add(-30*time.Minute), newest.CreationTimeUTC)
		assert.Equal(t, "Snapshot", newest.PointType)
		assert.Equal(t, "Ready", newest.State)
		cdp := all.CloudReplicas[7]
		assert.Equal(t, "CDP", cdp.PointType)
		assert.Equal(t, "Failover", cdp.State)
		var one pointShown
		entity(t, g, "/cloud/vmReplicaPoints/"+cdp.id()+"?format=Entity", &one)
		assert.Equal(t, cdp, one)
		seen := map[string]bool{}
		for _, point := range all.CloudReplicas {
			assert.False(t, seen[point.UID], "ids are unique")
			seen[point.UID] = true
			assert.Equal(t, point.VmDisplayName+"@"+point.CreationTimeUTC.Format(time.DateTime), point.Name)
		}
	}, whole()...)
}

func TestTimesThatThereAreNone(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, _ *cloudreplicatest.ManualClock) {
		var shown struct {
			LastActive   string
			LeaseOptions struct {
				Enabled        bool   `xml:",attr"`
				ExpirationDate string `xml:",attr"`
			}
		}
		entity(t, g, "/cloud/tenants/"+acme+"?format=Entity", &shown)
		assert.Equal(t, "2030-06-01T11:59:00Z", shown.LastActive)
		assert.True(t, shown.LeaseOptions.Enabled)
		assert.Equal(t, "2099-12-31T00:00:00", shown.LeaseOptions.ExpirationDate)
		entity(t, g, "/cloud/tenants/"+cloudreplicatest.TenantID("initech")+"?format=Entity", &shown)
		assert.Equal(t, "1753-01-01T00:00:00Z", shown.LastActive)
		assert.False(t, shown.LeaseOptions.Enabled)
		assert.Empty(t, shown.LeaseOptions.ExpirationDate)
	}, whole()...)
}
