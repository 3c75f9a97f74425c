package vcav_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// The values that the samples in testdata/vcav stand for, written out member by member.

const (
	ordersID    = "C4-7d1c0f5e-3b7a-4e52-9a68-0c4f2e6b91d3"
	ordersWebID = "C4-b2e84a16-90cd-4f7e-8d35-5a1e7c03f6a8"
	lostID      = "C4-00c1e5f7-9d38-4a62-b4e0-f7a92d618c53"
	taskID      = "6b0e8d52-4f17-49ca-a3d6-1e95c7f2084b"
	instanceID  = "replica-2e7f50a9-c418-4d6b-86f3-9b15d04ae782"
)

func millis(ms int64) drkit.Millis { return drkit.MillisOf(time.UnixMilli(ms)) }

func about() vcav.About {
	return vcav.About{
		ServiceType: "CLOUD", ProductName: "VMware Cloud Director Availability Cloud Service",
		InstanceID: "d04e7a19-6c82-4f3b-95b1-a8f2c63e70d5", BuildVersion: "4.1.0.1812345-3fa9c07d21",
		BuildDate: millis(1607941800000),
	}
}

func signedInSession() vcav.Session {
	return vcav.Session{
		User: "backup-admin@acme-dr", Roles: []string{"EVERYONE"},
		AuthenticatedSites: []vcav.AuthenticatedSite{{Site: "south", Org: "acme-dr"}},
	}
}

func extendedSession() vcav.Session {
	session := signedInSession()
	session.AuthenticatedSites = append(session.AuthenticatedSites, vcav.AuthenticatedSite{Site: "north", Org: "acme"})
	return session
}

// orders is a protected machine that was not recovered yet.
func orders() vcav.VMReplication {
	return vcav.VMReplication{
		ID: ordersID, Owner: "acme@north", VMID: "91d4c7a2-6e08-4b35-8f1d-a02b6c9e7350", VMName: "orders-db",
		Source: ordersSource(),
		Destination: vcav.VMReplicationDestination{
			Site: "south", Org: "acme-dr", VDCID: "0d97f3b6-84a1-4ce5-b2c8-16e5d94fa073", VDCName: "Acme South",
		},
		StorageProfile: "57c2e4d0-b9a6-48f1-8e37-d40a1f6c82b5", StorageProfileName: "Fast",
		VIMLocation: &vcav.VIMLocation{
			VIMServer:             "f8130d6e-a254-4b9c-97e0-5c6b28d1e4fa",
			VIMServerInstanceUUID: "28b6a7e5-0cf3-4d19-8a42-be971d3c605e",
			Datastore:             "ac4d15f8-7e69-4032-b5d7-91f0e8ca3b26",
			DatastoreMoref:        "datastore-308", DatastoreName: "south-ssd-3",
		},
		Settings: vcav.ReplicationSettings{
			Description: "Orders database, every quarter of an hour", RPO: 15,
			DataConnectionType: vcav.DataConnectionTypeEncrypted, Quiesced: true,
			RetentionPolicy: &vcav.RetentionPolicy{Rules: []vcav.RetentionRule{
				{NumberOfInstances: 4, Distance: 180}, {NumberOfInstances: 7, Distance: 1440},
			}},
			InitialSyncTime: millis(1794218400000), ExcludedDiskKeys: []int{2001},
		},
		StartupInfo: vcav.StartupInfo{Order: 1, StartAction: "powerOn", StartDelay: 30000, StopAction: "powerOff"},
		Metadata: map[string]vcav.MetadataEntry{
			"tier": {Key: "tier", Access: "READONLY", Type: "STRING", Value: json.RawMessage(`"critical"`)},
		},
		SourceState: vcav.SourceState{State: "idle", StateAge: 12},
		DestinationState: vcav.DestinationState{
			LatestInstance: latestInstance(), State: "idle", StateAge: 3, SpaceRequirement: 68719476736,
			RecoveryInfo: &vcav.RecoveryInfo{Type: "vcd", RecoveryState: vcav.RecoveryStateNotStarted},
		},
		DataConnectionState: vcav.DataConnectionStateOK, OverallHealth: vcav.OverallHealthGreen,
		LastUpdated:       millis(1795081500000),
		VAppReplicationID: "C4VAPP-1f6a9c32-75e4-4b0d-a8c1-3e92d7b5604f",
		ComputerName:      "orders-db-01", VMDescription: "Orders, primary",
		SLAProfile: &vcav.SLAProfileReference{ID: "d3b7f029-16ce-4a85-9c4e-820fa5d71e63", DisplayName: "Silver"},
	}
}

func ordersSource() vcav.VMReplicationSource {
	return vcav.VMReplicationSource{
		Site: "north", Org: "acme", VDCID: "3a5e90c1-d7b8-4f26-a491-c8076be2d513", VDCName: "Acme North",
		VAppID: "e60b2f84-193d-4c7a-95e8-7fd3a1c046b9", VAppName: "orders",
	}
}

// recovered is orders after its failover.
func recovered() vcav.VMReplication {
	vm := orders()
	vm.Destination.RecoveredVAppID = "b81f6d3c-20a7-4e94-8b5f-d6e3709c1a42"
	vm.DestinationState.State = "opened"
	vm.DestinationState.RecoveryInfo = &vcav.RecoveryInfo{
		VAppID: "b81f6d3c-20a7-4e94-8b5f-d6e3709c1a42", VCDVMID: "a75d20e8-c31b-4f69-90d4-38be6f1c52a7",
		Type: "vcd", RecoveryState: vcav.RecoveryStateComplete,
	}
	vm.DataConnectionState = vcav.DataConnectionStateFinished
	vm.LastUpdated = millis(1795082400000)
	return vm
}

// ordersWeb is a migration in its first synchronization, with null wherever the service allows it.
func ordersWeb() vcav.VMReplication {
	return vcav.VMReplication{
		ID: ordersWebID, Owner: "acme@north", VMID: "4c68e1b9-f2a0-4d7c-b693-05de8f17a24b", VMName: "orders-web",
		Source: ordersSource(),
		Destination: vcav.VMReplicationDestination{
			Site: "south", Org: "acme-dr", VDCID: "0d97f3b6-84a1-4ce5-b2c8-16e5d94fa073", VDCName: "Acme South",
		},
		StorageProfile: "*", StorageProfileName: "Any",
		Settings: vcav.ReplicationSettings{
			RPO: 60, DataConnectionType: vcav.DataConnectionTypePlain,
			RetentionPolicy: &vcav.RetentionPolicy{Rules: []vcav.RetentionRule{}},
			InitialSyncTime: millis(1795081800000), ExcludedDiskKeys: []int{},
		},
		StartupInfo: vcav.StartupInfo{Order: 2, StartAction: "powerOn", StopAction: "powerOff", StopDelay: 15000},
		SourceState: vcav.SourceState{State: "syncing", StateAge: 4, Progress: &vcav.SyncProgress{
			Progress: 37, BytesTransferred: 7945689497, BytesToTransfer: 21474836480,
		}},
		DestinationState: vcav.DestinationState{
			CurrentRPOViolation: -1, State: "fullsync", StateAge: 4, SpaceRequirement: 21474836480,
			RecoveryInfo: &vcav.RecoveryInfo{Type: "vcd", RecoveryState: vcav.RecoveryStateNotStarted},
		},
		DataConnectionState: vcav.DataConnectionStateInitialSyncing, OverallHealth: vcav.OverallHealthGreen,
		LastUpdated:       millis(1795081800000),
		VAppReplicationID: "C4VAPP-1f6a9c32-75e4-4b0d-a8c1-3e92d7b5604f",
		IsMigration:       true,
	}
}

const billingID = "C4-e3a90d57-6b1c-48f2-95d0-17c4be86a0f3"

// billing is recovered at an on-premises site, in trouble, and as a tenant sees it.
func billing() vcav.VMReplication {
	vm := orders()
	vm.ID, vm.VMID, vm.VMName = billingID, "5d0c8e16-f49b-4a37-8c25-e97ab1d3604f", "billing"
	vm.Source.VAppID, vm.Source.VAppName = "0b7ef4c9-a51d-4836-92fe-3d68c0471ba5", "billing"
	vm.Destination = vcav.VMReplicationDestination{Site: "branch", Org: "branch"}
	vm.StorageProfile, vm.StorageProfileName, vm.VIMLocation = "", "", nil
	vm.IsPaused, vm.IsReversed = true, true
	vm.Settings = vcav.ReplicationSettings{
		RPO: 15, DataConnectionType: vcav.DataConnectionTypeEncryptedCompressed,
		InitialSyncTime: millis(1794218400000), ExcludedDiskKeys: []int{},
	}
	vm.StartupInfo, vm.Metadata = vcav.StartupInfo{}, map[string]vcav.MetadataEntry{}
	vm.SourceState = vcav.SourceState{State: "error", StateAge: 7}
	vm.DestinationState.CurrentRPOViolation, vm.DestinationState.IsMovingReplica = 95, true
	vm.DestinationState.RecoveryInfo = &vcav.RecoveryInfo{
		Type: "vc", RecoveryState: vcav.RecoveryStateComplete,
		VCID: "71f0a2d9-38ce-4b65-8d14-c9e5076b3fa8", VMID: "vm-1207",
	}
	vm.DestinationState.LastError = &vcav.APIError{
		Code: "ConnectionRefused", Msg: "branch-replicator did not answer.", Args: []string{"branch-replicator"},
	}
	vm.DataConnectionState, vm.OverallHealth = vcav.DataConnectionStateError, vcav.OverallHealthRed
	vm.ComputerName, vm.VMDescription, vm.SLAProfile = "", "", nil
	return vm
}

func latestInstance() *vcav.Instance {
	return &vcav.Instance{
		Key: "replica-c90e1b47-56d2-4a38-9f0b-e27a81d36c5f", SequenceNumber: 42, Timestamp: millis(1795081500000),
		TransferBytes: 73400320, TransferSeconds: 19, QuiescedType: "fileSystemQuiesced",
	}
}

func instances() []vcav.Instance {
	return []vcav.Instance{
		*latestInstance(),
		{
			Key: instanceID, SequenceNumber: 38, Timestamp: millis(1795071600000),
			TransferBytes: 1288490188, TransferSeconds: 204, QuiescedType: "fileSystemQuiesced",
		},
		{
			Key: "replica-64b3d8e1-0f9c-47a5-b210-7ce8f5913a06", SequenceNumber: 5, Timestamp: millis(1794304800000),
			TransferBytes: 53687091200, TransferSeconds: 7431, IsPinned: true,
		},
	}
}

// succeededTask is a failover that ended well. Its result is the sample's own text.
func succeededTask(t testing.TB) vcav.Task {
	var sample struct{ Result json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(testdata(t, "tasks_get.answer")), &sample))
	return vcav.Task{
		ID: taskID, User: "backup-admin@acme-dr",
		WorkflowInfo: vcav.WorkflowInfo{
			Type: "failover", ResourceType: "vmReplication", ResourceID: ordersID, ResourceName: "orders-db",
		},
		Progress: 100, State: vcav.TaskStateSucceeded,
		LastUpdated: millis(1795082584350), StartTime: millis(1795082400000), EndTime: millis(1795082584350),
		ResultType: "SingleVmReplicationInfo", Result: compact(sample.Result),
		Warnings: []json.RawMessage{}, Site: "south",
	}
}

func failedTask() vcav.Task {
	return vcav.Task{
		ID: "e29c4a70-8b6d-4135-9fe2-70d1b38a5c94", User: "backup-admin@acme-dr",
		WorkflowInfo: vcav.WorkflowInfo{Type: "failoverTest", ResourceType: "vmReplication", ResourceID: lostID},
		Progress:     100, State: vcav.TaskStateFailed,
		LastUpdated: millis(1795075201200), StartTime: millis(1795075200000), EndTime: millis(1795075201200),
		Result: json.RawMessage("null"),
		Error: &vcav.APIError{
			Code: vcav.CodeReplicationNotFound, Msg: "There is no replication " + lostID + ".", Args: []string{lostID},
		},
		Warnings: []json.RawMessage{}, Site: "south",
	}
}

// allTasks are the rows of tasks_list.answer.
func allTasks(t testing.TB) []vcav.Task {
	running := vcav.Task{
		ID: "15f7b3e6-d084-4c29-b86a-9c4e5d20f187", User: "backup-admin@acme-dr",
		WorkflowInfo: vcav.WorkflowInfo{
			Type: "sync", ResourceType: "vmReplication", ResourceID: ordersWebID, ResourceName: "orders-web",
		},
		State: vcav.TaskStateRunning, LastUpdated: millis(1795082600000), StartTime: millis(1795082600000),
		Result: json.RawMessage("null"), Warnings: []json.RawMessage{}, Site: "south",
	}
	bundle := vcav.Task{
		ID: "8d3a6c91-57e2-4b0f-a1c4-e6f09b72d583", User: "root",
		WorkflowInfo: vcav.WorkflowInfo{
			Type: "generate", ResourceType: "supportBundle", ResourceID: "c7e1952b-84fd-4063-9ab8-2d0f6e51a73c",
		},
		Progress: 100, State: vcav.TaskStateSucceeded,
		LastUpdated: millis(1794996008750), StartTime: millis(1794996000000), EndTime: millis(1794996008750),
		ResultType: "SupportBundleInfo",
		Result: json.RawMessage(`{"id":"c7e1952b-84fd-4063-9ab8-2d0f6e51a73c","generatedOn":1794996008750,` +
			`"sha":"SHA-512:9B:71:D2:24:BD:62:F3:78","owner":"System@south"}`),
		Warnings: []json.RawMessage{json.RawMessage(`{"cause":"replicator-2","error":{"code":"ConnectionRefused",` +
			`"msg":"replicator-2 did not answer.","args":["replicator-2"],"stacktrace":""}}`)},
		Site: "south",
	}
	return []vcav.Task{running, succeededTask(t), failedTask(), bundle}
}

// tidy removes white space from the raw members of tasks, which keep the sender's.
func tidy(value any) any {
	switch value := value.(type) {
	case vcav.Task:
		value.Result = compact(value.Result)
		for i := range value.Warnings {
			value.Warnings[i] = compact(value.Warnings[i])
		}
		return value
	case []vcav.Task:
		for i := range value {
			value[i], _ = tidy(value[i]).(vcav.Task)
		}
		return value
	case vcav.CloudHealth:
		return tidyHealth(value)
	default:
		return value
	}
}

func compact(data []byte) json.RawMessage {
	var buffer bytes.Buffer
	if err := json.Compact(&buffer, data); err != nil {
		return data
	}
	return buffer.Bytes()
}
