package cloudreplicatest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// tenantShown is a tenant.
type tenantShown struct {
	ref
	Description string
	Enabled     bool
	Resources   struct {
		CloudTenantResources []quotaShown `xml:"CloudTenantResource"`
	}
	ComputeResources struct {
		CloudTenantComputeResources []struct {
			Id               string `xml:",attr"`
			PlatformType     string
			NetworkAppliance *struct{ Name string }
		} `xml:"CloudTenantComputeResource"`
	}
	ThrottlingSpeedLimit int
	TenantType           struct {
		StandaloneTenant *struct{ TenantCredentials struct{ Username string } }
		VCloudTenant     *struct{ OrganizationRef string } `xml:"vCloudTenant"`
	}
	CloudGatewayPools struct {
		CloudGatewayPoolUids []string `xml:"CloudGatewayPoolUid"`
	}
}

type quotaShown struct {
	Id              string `xml:",attr"`
	RepositoryQuota struct {
		DisplayName string
		Quota       int
	}
}

// bodies are requests in both encodings, as the guide has them.
type bodies struct{ xml, json string }

func (g guest) pick(b bodies) string {
	if g.encoding == asJSON {
		return b.json
	}
	return b.xml
}

const ns = ` xmlns="http://www.veeam.com/ent/v1.0"`

func createTenant(name, server string) bodies {
	return bodies{
		`<?xml version="1.0" encoding="utf-8"?><CreateCloudTenantSpec` + ns + `>
  <Name>` + name + `</Name><Description>Made &amp; tested</Description><Password>secret</Password><Enabled>true</Enabled>
  <LeaseExpirationDate>2099-12-31T00:00:00</LeaseExpirationDate>
  <Resources><BackupResource><Name>Main</Name><RepositoryUid>urn:veeam:Repository:` + unknown + `</RepositoryUid><QuotaMb>204800</QuotaMb></BackupResource></Resources>
  <ComputeResources><ComputeResource><CloudHardwarePlanUid>urn:veeam:CloudHardwarePlan:` + gold + `</CloudHardwarePlanUid><PlatformType>VMware</PlatformType>
    <UseNetworkFailoverResources>true</UseNetworkFailoverResources><NetworkAppliance><Name>edge</Name><ProductionNetwork>VM Network</ProductionNetwork><ObtainIPAddressAutomatically>true</ObtainIPAddressAutomatically></NetworkAppliance></ComputeResource></ComputeResources>
  <ThrottlingEnabled>true</ThrottlingEnabled><ThrottlingSpeedLimit>7</ThrottlingSpeedLimit>
  <BackupServerUid>urn:veeam:BackupServer:` + server + `</BackupServerUid>
  <CloudGatewayPools><CloudGatewayPoolUid>urn:veeam:CloudGatewayPool:` + cloudreplicatest.GatewayPoolID("gates") + `</CloudGatewayPoolUid></CloudGatewayPools>
</CreateCloudTenantSpec>`,
		`{"Name":"` + name + `","Description":"Made & tested","Password":"secret","Enabled":true,"LeaseExpirationDate":"2099-12-31T00:00:00",
"Resources":{"BackupResources":[{"Name":"Main","RepositoryUid":"urn:veeam:Repository:` + unknown + `","QuotaMb":204800}]},
"ComputeResources":{"ComputeResources":[{"CloudHardwarePlanUid":"urn:veeam:CloudHardwarePlan:` + gold + `","PlatformType":"VMware","UseNetworkFailoverResources":true,
"NetworkAppliance":{"Name":"edge","ProductionNetwork":"VM Network","ObtainIPAddressAutomatically":true}}]},
"ThrottlingEnabled":true,"ThrottlingSpeedLimit":7,"BackupServerUid":"urn:veeam:BackupServer:` + server + `",
"CloudGatewayPools":{"CloudGatewayPoolUids":["urn:veeam:CloudGatewayPool:` + cloudreplicatest.GatewayPoolID("gates") + `"]}}`,
	}
}

func TestALifeOfATenant(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		done := g.task(t, clock, "POST", "/cloud/tenants", g.pick(createTenant("hooli", vbr01)))
		assert.Equal(t, "CreateCloudTenant", done.Operation)
		require.True(t, done.Result.Success, done.Result.Message)
		made := link(t, done.Links, "Related", "CloudTenant")
		var shown tenantShown
		entity(t, g, made.Href, &shown)
		assert.Equal(t, "hooli", shown.Name)
		assert.Equal(t, "Made & tested", shown.Description)
		assert.Equal(t, 7, shown.ThrottlingSpeedLimit)
		assert.Equal(t, "hooli", shown.TenantType.StandaloneTenant.TenantCredentials.Username)
		require.Len(t, shown.Resources.CloudTenantResources, 1)
		assert.Equal(t, 204800, shown.Resources.CloudTenantResources[0].RepositoryQuota.Quota)
		require.Len(t, shown.ComputeResources.CloudTenantComputeResources, 1)
		assert.Equal(t, "edge", shown.ComputeResources.CloudTenantComputeResources[0].NetworkAppliance.Name)
		require.Len(t, shown.CloudGatewayPools.CloudGatewayPoolUids, 1)
		assert.Equal(t, 1, g.server.Audit().TenantsNamed("hooli"))

		address := "/cloud/tenants/" + shown.id()
		twice := g.task(t, clock, "POST", "/cloud/tenants", g.pick(createTenant("HOOLI", vbr01)))
		assert.False(t, twice.Result.Success)
		assert.Contains(t, twice.Result.Message, "already exists")
		nowhere := g.task(t, clock, "POST", "/cloud/tenants", g.pick(createTenant("new", unknown)))
		assert.Contains(t, nowhere.Result.Message, "Backup server")

		edited := g.task(t, clock, "PUT", address, g.pick(bodies{
			`<CloudTenant` + ns + `><Description>Edited</Description><Enabled>false</Enabled><LeaseOptions Enabled="false"/><TenantType><StandaloneTenant><TenantCredentials><Username>hooli</Username></TenantCredentials></StandaloneTenant></TenantType><CloudGatewayPools/></CloudTenant>`,
			`{"Description":"Edited","Enabled":false,"LeaseOptions":{"Enabled":false},"TenantType":{"StandaloneTenant":{"TenantCredentials":{"Username":"hooli"}}},"CloudGatewayPools":{}}`,
		}))
		assert.Equal(t, "EditCloudTenant", edited.Operation)
		require.True(t, edited.Result.Success, edited.Result.Message)
		entity(t, g, address+"?format=Entity", &shown)
		assert.Equal(t, "Edited", shown.Description)
		assert.False(t, shown.Enabled)
		assert.Equal(t, 7, shown.ThrottlingSpeedLimit, "what is left out stays")
		assert.Empty(t, shown.CloudGatewayPools.CloudGatewayPoolUids)
		other := g.task(t, clock, "PUT", address, g.pick(bodies{
			`<CloudTenant` + ns + `><TenantType><vCloudTenant><OrganizationName>x</OrganizationName><OrganizationRef>y</OrganizationRef></vCloudTenant></TenantType></CloudTenant>`,
			`{"TenantType":{"vCloudTenant":{"OrganizationName":"x","OrganizationRef":"y"}}}`,
		}))
		assert.False(t, other.Result.Success)

		gone := g.task(t, clock, "DELETE", address, "")
		assert.Equal(t, "DeleteCloudTenant", gone.Operation)
		g.refused(t, http.StatusNotFound, "was not found", "GET", address, "")
		assert.True(t, g.server.Audit().Tenants[0].Deleted)
	})
}

// What belongs to a tenant is made, shown, changed and deleted like the tenant.
func TestPartsOfATenant(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		of := "/cloud/tenants/" + globex
		quota := g.pick(bodies{
			`<CreateCloudTenantResourceSpec` + ns + `><Name>More</Name><RepositoryUid>urn:veeam:Repository:` + unknown + `</RepositoryUid><QuotaMb>2048</QuotaMb></CreateCloudTenantResourceSpec>`,
			`{"Name":"More","RepositoryUid":"urn:veeam:Repository:` + unknown + `","QuotaMb":2048}`,
		})
		done := g.task(t, clock, "POST", of+"/resources", quota)
		require.True(t, done.Result.Success, done.Result.Message)
		var held quotaShown
		entity(t, g, link(t, done.Links, "Related", "CloudTenantResource").Href, &held)
		assert.Equal(t, "More", held.RepositoryQuota.DisplayName)
		small := g.task(t, clock, "POST", of+"/resources", g.pick(bodies{
			`<CreateCloudTenantResourceSpec` + ns + `><Name>Small</Name><RepositoryUid>urn:veeam:Repository:` + unknown + `</RepositoryUid><QuotaMb>1</QuotaMb></CreateCloudTenantResourceSpec>`,
			`{"Name":"Small","RepositoryUid":"urn:veeam:Repository:` + unknown + `","QuotaMb":1}`,
		}))
		assert.Contains(t, small.Result.Message, "1 GB")

		subtenant := g.pick(bodies{
			`<CloudSubtenantCreateSpec` + ns + `><Name>ann</Name><Password>secret</Password><TenantResourceId>` + held.Id + `</TenantResourceId><UnlimitedQuota>true</UnlimitedQuota></CloudSubtenantCreateSpec>`,
			`{"Name":"ann","Password":"secret","TenantResourceId":"` + held.Id + `","UnlimitedQuota":true}`,
		})
		assert.Equal(t, "AddCloudSubtenant", g.task(t, clock, "POST", of+"/subtenants", subtenant).Operation)
		assert.Contains(t, g.task(t, clock, "POST", of+"/subtenants", subtenant).Result.Message, "already exists")
		var subtenants struct {
			CloudSubtenants []subtenantShown `xml:"CloudSubtenant"`
		}
		entity(t, g, of+"/subtenants", &subtenants)
		require.Len(t, subtenants.CloudSubtenants, 1)
		ann := of + "/subtenants/" + subtenants.CloudSubtenants[0].Id
		require.True(t, g.task(t, clock, "PUT", ann, g.pick(bodies{
			`<CloudSubtenant` + ns + `><Enabled>false</Enabled><RepositoryQuota Unlimited="false"><QuotaMb>100</QuotaMb></RepositoryQuota></CloudSubtenant>`,
			`{"Enabled":false,"RepositoryQuota":{"Unlimited":false,"QuotaMb":100}}`,
		})).Result.Success)
		var shown subtenantShown
		entity(t, g, ann, &shown)
		assert.Equal(t, "ann", shown.Name)
		assert.False(t, shown.Enabled)
		assert.Equal(t, 100, shown.RepositoryQuota.QuotaMb)
		assert.Equal(t, "DeleteCloudSubtenant", g.task(t, clock, "DELETE", ann, "").Operation)
		g.refused(t, http.StatusNotFound, "CloudSubtenant", "GET", ann, "")

		compute := g.pick(bodies{
			`<CloudTenantComputeResourceCreateSpec` + ns + `><CloudHardwarePlanUid>urn:veeam:CloudHardwarePlan:` + gold + `</CloudHardwarePlanUid><PlatformType>VMware</PlatformType><UseNetworkFailoverResources>false</UseNetworkFailoverResources></CloudTenantComputeResourceCreateSpec>`,
			`{"CloudHardwarePlanUid":"urn:veeam:CloudHardwarePlan:` + gold + `","PlatformType":"VMware","UseNetworkFailoverResources":false}`,
		})
		assert.Contains(t, g.task(t, clock, "POST", of+"/computeResources", compute).Result.Message, "already")
		var tenant tenantShown
		entity(t, g, of+"?format=Entity", &tenant)
		resource := of + "/computeResources/" + tenant.ComputeResources.CloudTenantComputeResources[0].Id
		g.ask(t, http.StatusOK, "GET", resource, "", nil)
		assert.Equal(t, "DeleteCloudTenantComputeResource", g.task(t, clock, "DELETE", resource, "").Operation)
		assert.True(t, g.task(t, clock, "POST", of+"/computeResources", compute).Result.Success)

		datacenter := g.pick(bodies{
			`<CloudTenantVCloudComputeResourceCreateSpec` + ns + `><VirtualDataCenterRef>urn:vCloud:Vdc:1.urn:vcloud:vdc:2</VirtualDataCenterRef><UseNetworkFailoverResources>false</UseNetworkFailoverResources></CloudTenantVCloudComputeResourceCreateSpec>`,
			`{"VirtualDataCenterRef":"urn:vCloud:Vdc:1.urn:vcloud:vdc:2","UseNetworkFailoverResources":false}`,
		})
		assert.Contains(t, g.task(t, clock, "POST", of+"/vCloudComputeResources", datacenter).Result.Message, "Cloud Director")
		assert.Equal(t, "DeleteCloudTenantResource", g.task(t, clock, "DELETE", of+"/resources/"+held.Id, "").Operation)
	})
}

type subtenantShown struct {
	Id              string `xml:",attr"`
	Name            string
	Enabled         bool
	RepositoryQuota struct{ QuotaMb int }
}

func TestVirtualDataCenters(t *testing.T) {
	t.Parallel()
	g, clock := open(t, whole()...)
	of := "/cloud/tenants/" + cloudreplicatest.TenantID("initech")
	done := g.task(t, clock, "POST", of+"/vcloudcomputeresources", `<CloudTenantVCloudComputeResourceCreateSpec`+ns+`><VirtualDataCenterRef>urn:vCloud:Vdc:1.gold-vdc</VirtualDataCenterRef><UseNetworkFailoverResources>true</UseNetworkFailoverResources></CloudTenantVCloudComputeResourceCreateSpec>`)
	require.True(t, done.Result.Success, done.Result.Message)
	assert.Equal(t, "CreateCloudTenantVCloudComputeResource", done.Operation)
	var all struct {
		Items []struct {
			Id                    string `xml:",attr"`
			VirtualDataCenterName string
		} `xml:"CloudTenantVCloudComputeResource"`
	}
	entity(t, g, of+"/vCloudComputeResources", &all)
	require.Len(t, all.Items, 1)
	assert.Equal(t, "gold-vdc", all.Items[0].VirtualDataCenterName)
	one := of + "/vCloudComputeResources/" + all.Items[0].Id
	g.ask(t, http.StatusOK, "GET", one, "", nil)
	assert.Equal(t, "DeletevCloudTenantComputeResource", g.task(t, clock, "DELETE", one, "").Operation)
	g.refused(t, http.StatusNotFound, "was not found", "GET", one, "")
}

// A tenant that was made shows only later, as clients have seen.
func TestWhatShowsLate(t *testing.T) {
	t.Parallel()
	g, clock := open(t, cloudreplicatest.ShowsAfter(5*time.Second))
	done := g.task(t, clock, "POST", "/cloud/tenants", createTenant("hooli", vbr01).xml)
	made := link(t, done.Links, "Related", "CloudTenant").Href
	g.refused(t, http.StatusNotFound, "CloudTenant", "GET", made, "")
	clock.Advance(5 * time.Second)
	g.ask(t, http.StatusOK, "GET", made, "", nil)
}
