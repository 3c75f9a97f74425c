package vcav_test

import (
	"net/url"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

func everyTaskParameter() vcav.TaskQuery {
	return vcav.TaskQuery{
		IDs: []string{taskID, "15f7b3e6"}, SourceOrg: "acme", DestinationOrg: "acme-dr", User: "admin@acme dr",
		State:           vcav.TaskStateRunning,
		StartTimeBefore: millis(1795082400004), StartTimeAfter: millis(1795082400003),
		EndTimeBefore: millis(1795082400002), EndTimeAfter: millis(1795082400001),
		Type: "failover", ResourceID: ordersID, ResourceName: "orders & co", ResourceType: "vmReplication",
		Sort: []vcav.SortField{vcav.Asc("state"), vcav.Desc("startTime")}, Limit: 50, Offset: 5,
	}
}

var taskParameters = []string{
	"destinationOrg=acme-dr",
	"endTimeAfter=1795082400001",
	"endTimeBefore=1795082400002",
	"ids=" + taskID + "%2C15f7b3e6",
	"limit=50",
	"offset=5",
	"resourceId=" + ordersID,
	"resourceName=orders+%26+co",
	"resourceType=vmReplication",
	"sort=state%2CstartTime-",
	"sourceOrg=acme",
	"startTimeAfter=1795082400003",
	"startTimeBefore=1795082400004",
	"state=RUNNING",
	"type=failover",
	"user=admin%40acme+dr",
}

func everyReplicationParameter() vcav.VMReplicationQuery {
	return vcav.VMReplicationQuery{
		Owner: "acme@north", SourceSite: "north", SourceSiteType: vcav.SiteTypeVCloud,
		SourceVDCID: "vdc-1", SourceVDCName: "Acme North", SourceOrg: "acme", SourceVIMServerUUID: "vim-1",
		VMID: "vm-42", VMName: "orders/db+web", StorageProfile: "*",
		DestinationOrg: "acme-dr", DestinationVDCID: "vdc-2", DestinationVDCName: "Acme Süd",
		DestinationSiteType: vcav.SiteTypeVCenter, RecoveredVMID: "vm-43",
		VIMServerInstanceUUID: "vim-2", DatastoreMoref: "datastore-308",
		// false asks for protections only; leaving it out asks for migrations, too.
		IsMigration: drkit.Some(false), SLAProfileID: "sla-1", SLAProfileDisplayName: "Silver",
		LastUpdatedBefore: millis(1795081500002), LastUpdatedAfter: millis(1795081500001),
		OverallHealth: vcav.OverallHealthRed, DataConnectionState: vcav.DataConnectionStateInitialSyncing,
		IDs: []string{ordersID, ordersWebID}, Sort: []vcav.SortField{vcav.Asc("vmName"), vcav.Desc("lastUpdated")}, Offset: 7, Limit: 20,
	}
}

var replicationParameters = []string{
	"dataConnectionState=INITIAL_SYNCING",
	"datastoreMoref=datastore-308",
	"destinationOrg=acme-dr",
	"destinationSiteType=vcenter",
	"destinationVdcId=vdc-2",
	"destinationVdcName=Acme+S%C3%BCd",
	"ids=" + ordersID + "%2C" + ordersWebID,
	"isMigration=false",
	"lastUpdatedAfter=1795081500001",
	"lastUpdatedBefore=1795081500002",
	"limit=20",
	"offset=7",
	"overallHealth=RED",
	"owner=acme%40north",
	"recoveredVmId=vm-43",
	"slaProfileDisplayName=Silver",
	"slaProfileId=sla-1",
	"sort=vmName%2ClastUpdated-",
	"sourceOrg=acme",
	"sourceSite=north",
	"sourceSiteType=vcloud",
	"sourceVdcId=vdc-1",
	"sourceVdcName=Acme+North",
	"sourceVimServerUuid=vim-1",
	"storageProfile=%2A",
	"vimServerInstanceUuid=vim-2",
	"vmId=vm-42",
	"vmName=orders%2Fdb%2Bweb",
}

func everyTrafficParameter() vcav.TrafficQuery {
	return vcav.TrafficQuery{
		Interval: vcav.SampleIntervalFiveMinutes, Start: millis(1795081200001), End: millis(1795081800002),
	}
}

var trafficParameters = []string{"end=1795081800002", "interval=FIVE_MINUTES", "start=1795081200001"}

func everyDiskUsageParameter() vcav.DiskUsageQuery {
	return vcav.DiskUsageQuery{Interval: vcav.SampleIntervalDay, Start: millis(1794873600003), End: millis(1794960000004)}
}

var diskUsageParameters = []string{"end=1794960000004", "interval=DAY", "start=1794873600003"}

// The cases called "every parameter" hold what they say: a field or a parameter that is added must be
// added to them.
func TestEveryParameterIsTested(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		query      any
		parameters []string
	}{
		"Tasks.List":               {everyTaskParameter(), taskParameters},
		"VMReplications.List":      {everyReplicationParameter(), replicationParameters},
		"VMReplications.Traffic":   {everyTrafficParameter(), trafficParameters},
		"VMReplications.DiskUsage": {everyDiskUsageParameter(), diskUsageParameters},

		"SupportBundles.DownloadWithCookie": {struct{ Cookie string }{bundleCookie}, []string{"cookie=" + escapedCookie}},
	}
	for _, operation := range contract.Table.Operations {
		tc, tested := cases[operation.Name]
		own := slices.DeleteFunc(slices.Clone(operation.Query), func(name string) bool { return name == "site" })
		assert.Equal(t, len(own) > 0, tested, operation.Name)
		if !tested {
			continue
		}
		t.Run(operation.Name, func(t *testing.T) {
			t.Parallel()
			value := reflect.ValueOf(tc.query)
			for i := range value.NumField() {
				assert.Falsef(t, value.Field(i).IsZero(), "field %s is not set", value.Type().Field(i).Name)
			}
			var names []string // but for that of the site, which is the view's
			for _, parameter := range tc.parameters {
				values, err := url.ParseQuery(parameter)
				assert.NoError(t, err)
				for name := range values {
					names = append(names, name)
				}
			}
			assert.ElementsMatch(t, own, names)
		})
	}
}
