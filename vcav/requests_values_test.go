package vcav_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// The values that the request samples in testdata/vcav stand for, by the kind in the name of the sample.

const (
	ordersVMID = "91d4c7a2-6e08-4b35-8f1d-a02b6c9e7350"
	southVDC   = "0d97f3b6-84a1-4ce5-b2c8-16e5d94fa073"
	fastID     = "57c2e4d0-b9a6-48f1-8e37-d40a1f6c82b5"
	silverSLA  = "d3b7f029-16ce-4a85-9c4e-820fa5d71e63"
	branchVC   = "71f0a2d9-38ce-4b65-8d14-c9e5076b3fa8"
	seedID     = "a75d20e8-c31b-4f69-90d4-38be6f1c52a7"
)

func startRequests() map[string]vcav.ReplicationStart {
	source := vcav.VMSource{Site: "north", VMID: ordersVMID, ExcludedDisks: []int{2001}}
	cloud := vcav.CloudDestination{Site: "south", VDC: southVDC, StorageProfile: drkit.Some(fastID)}
	seed := vcav.VMDestination{Site: "south", VDC: southVDC, StorageProfile: drkit.Some("*"), SeedVMID: seedID}
	custom := func(source vcav.ReplicationSource, destination vcav.ReplicationDestination) vcav.ReplicationStart {
		return vcav.ReplicationStart{
			Source: source, Destination: destination,
			Description: drkit.Some("Orders database, every quarter of an hour"), RPO: drkit.Some(15),
			DataConnectionType: drkit.Some(vcav.DataConnectionTypeEncrypted), Quiesced: drkit.Some(true),
			RetentionPolicy: drkit.Some(vcav.RetentionPolicy{Rules: []vcav.RetentionRule{
				{NumberOfInstances: 4, Distance: 180}, {NumberOfInstances: 7, Distance: 1440},
			}}),
			TargetDiskType:  drkit.Some(vcav.TargetDiskTypePreallocated),
			InitialSyncTime: drkit.Some(millis(1795104000000)),
		}
	}
	zeros := custom(source, seed)
	zeros.Description, zeros.Quiesced = drkit.Some(""), drkit.Some(false)
	zeros.DataConnectionType = drkit.Some(vcav.DataConnectionTypePlain)
	zeros.RetentionPolicy = drkit.Some(vcav.RetentionPolicy{})
	zeros.TargetDiskType = drkit.Some(vcav.TargetDiskTypeThin)
	zeros.InitialSyncTime = drkit.Some(drkit.Millis{})
	zeroed := custom(vcav.VCVMSource{Site: "branch", VCUUID: branchVC, VMID: "vm-1207", ExcludedDisks: []int{}}, seed)
	zeroed.TargetDiskType = drkit.Some(vcav.TargetDiskTypePreallocatedZeros)
	zeroed.DataConnectionType = drkit.Some(vcav.DataConnectionTypeEncryptedCompressed)
	profiled := custom(source, vcav.VCVMDestination{
		Site: "branch", SeedVM: vcav.SeedVM{VCID: branchVC, MoID: "vm-1388"},
	})
	profiled.SLAProfileID = drkit.Some(silverSLA)
	return map[string]vcav.ReplicationStart{
		"cloud":      custom(source, cloud),
		"cloud_seed": zeros,
		"from_on_premises": {
			Source: vcav.VCVMSource{Site: "branch", VCUUID: branchVC, VMID: "vm-1207"}, Destination: cloud,
			IsMigration: true, SLAProfileID: drkit.Some(silverSLA),
		},
		"from_on_premises_seed": zeroed,
		"to_on_premises":        custom(source, vcav.VCDestination{Site: "branch"}),
		"to_on_premises_seed":   profiled,
	}
}

func migrateRequests() map[string]vcav.MigrateRequest {
	return map[string]vcav.MigrateRequest{
		"cloud": vcav.CloudMigrate{
			Consolidate:         drkit.Some(false),
			VAppNetworkSettings: drkit.Some(vcav.VAppNetworkSettings{CopySourceNetworks: true, BulkConnectVMNics: true}),
			VMNetworkSettings: drkit.Some(vcav.VMNetworkSettings{
				PrimaryNICIndex: 1, CopySourceNICSettings: true, EnableGuestCustomization: drkit.Some(false),
			}),
		},
		"vcenter": vcav.VCenterMigrate{
			PowerOn: true, SnapshotOptions: drkit.Some(vcav.SnapshotOptionsDoNothing),
			CustomVirtualHardware: drkit.Some(vcav.CustomVirtualHardware{
				NumCPUs: drkit.Some(4), NumCoresPerSocket: drkit.Some(4), MemoryInMB: drkit.Some(65536),
				MACAddressPolicy: drkit.Some(vcav.MACAddressPolicyDefault),
			}),
		},
	}
}

func reconfigureRequests() map[string]vcav.Reconfigure {
	return map[string]vcav.Reconfigure{
		"": {
			Description: drkit.Some("Orders database, every half hour"), RPO: drkit.Some(30),
			DataConnectionType: drkit.Some(vcav.DataConnectionTypePlain), Quiesced: drkit.Some(true),
			RetentionPolicy: drkit.Some(vcav.RetentionPolicy{Rules: []vcav.RetentionRule{{NumberOfInstances: 2, Distance: 60}}}),
			SourceReconfigure: vcav.VCVMReconfigure{
				VAppName: drkit.Some("orders"),
				VMStartupInfo: drkit.Some(vcav.SourceVMStartupInfo{
					Order: drkit.Some(2), StartAction: drkit.Some("powerOn"), StartDelay: drkit.Some[int64](15000),
					StopAction: drkit.Some("powerOff"), StopDelay: drkit.Some[int64](5000),
				}),
			},
			SLAProfileID: drkit.Some(silverSLA),
		},
		"zeros": {
			Description: drkit.Some(""), RPO: drkit.Some(0), Quiesced: drkit.Some(false),
			RetentionPolicy: drkit.Some(vcav.RetentionPolicy{}),
			SourceReconfigure: vcav.VCVAppReconfigure{
				VAppName:      drkit.Some("orders"),
				VMStartupInfo: drkit.Some(vcav.SourceVMStartupInfo{Order: drkit.Some(0), StartDelay: drkit.Some[int64](0)}),
			},
		},
	}
}

func policySettings() vcav.PolicySettings {
	return vcav.PolicySettings{
		DisplayName: "Silver", MinRPO: 15, MaxInstances: 12, MaxPinnedInstances: 2, MaxIncoming: 40,
		AllowIncomingProtections: true, AllowIncomingMigrations: true, OnpremDataCap: drkit.Some(200),
		AllowCustomSLASettings: true,
	}
}

// policyUpdates are settings that a PUT sends; those called later come from a later service.
func policyUpdates() map[string]vcav.PolicySettings {
	now := policySettings()
	now.MinRPO, now.MaxIncoming, now.AllowIncomingMigrations, now.OnpremDataCap = 60, -1, false, drkit.Some(0)
	later := policySettings()
	later.MinRPO, later.OnpremDataCap = 60, drkit.Opt[int]{}
	later.Extra = map[string]json.RawMessage{
		"allowAdvancedRetentionRules":   json.RawMessage("true"),
		"allowOutgoingOnpremMigrations": json.RawMessage("false"),
	}
	return map[string]vcav.PolicySettings{"": now, "later": later}
}

// Each value is written as its sample.
func TestRequestValuesAreTheirSamples(t *testing.T) {
	t.Parallel()
	values := map[string]any{"policies_create.request": policySettings()}
	add := func(operation, kind string, value any) {
		if kind != "" {
			kind = "." + kind
		}
		values[operation+kind+".request"] = value
	}
	for kind, value := range startRequests() {
		add("vm_replications_start", kind, value)
	}
	for kind, value := range migrateRequests() {
		add("vm_replications_migrate", kind, value)
	}
	for kind, value := range reconfigureRequests() {
		add("vm_replications_reconfigure", kind, value)
	}
	for kind, value := range policyUpdates() {
		add("policies_update", kind, value)
	}
	for name, value := range values {
		written, err := json.Marshal(value)
		require.NoError(t, err, name)
		assert.JSONEq(t, testdata(t, name), string(written), name)
	}
}
