package vcav_test

import (
	"encoding/json"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// The values that the samples of policies, session extensions, statistics and polled tasks stand for.

const (
	silverID  = "6c1f8d27-a04b-4e95-b3f8-7d2e90c5a618"
	unknownID = "c0a5d9e2-63f8-4b17-8e4a-95d02b7f1c36"
)

// silver is a policy that three organizations have.
func silver() vcav.Policy {
	return vcav.Policy{ID: silverID, Orgs: 3, PolicySettings: policySettings()}
}

func newSilver() vcav.Policy {
	policy := silver()
	policy.Orgs = 0
	return policy
}

// changedSilver is silver after its update.
func changedSilver() vcav.Policy {
	return vcav.Policy{ID: silverID, Orgs: 3, PolicySettings: policyUpdates()[""]}
}

// laterSilver is silver as a later service shows it.
func laterSilver() vcav.Policy {
	settings := policyUpdates()["later"]
	settings.MinRPO = 15
	return vcav.Policy{ID: silverID, Orgs: 3, PolicySettings: settings}
}

// defaultPolicy is the one as delivered: nothing comes in, and nobody counts its organizations.
func defaultPolicy() vcav.Policy {
	return vcav.Policy{ID: vcav.DefaultPolicy, Orgs: -1, PolicySettings: vcav.PolicySettings{
		DisplayName: "Default Policy", MinRPO: 30, MaxInstances: 24, AllowIncomingMigrations: true,
		OnpremDataCap: drkit.Some(0), AllowCustomSLASettings: true,
	}}
}

func policyStatuses() []vcav.PolicyStatus {
	return []vcav.PolicyStatus{
		{
			Org: "acme-dr", ConfiguredReplications: 43, QuotaViolation: 3, ProtectionViolation: 41, MigrationViolation: 2,
			NonRPOCompliant: []string{ordersID, ordersWebID}, NonInstancesCompliant: []string{ordersID},
		},
		{Org: "globex", NonRPOCompliant: []string{}, NonInstancesCompliant: []string{}},
	}
}

// extensionCase is one way to extend a session.
type extensionCase struct {
	extension vcav.Extension
	samples   []string // of the bodies, in the order in which they are tried
	secret    string   // in the extension, if there is one
	refusal   refusal
}

func extensionCases() map[string]extensionCase {
	const word, jwt = "tr0ub4dor", "bWFkZQ.dXA.dG9rZW4"
	return map[string]extensionCase{
		"credentials": {
			extension: vcav.WithVCDCredentials("north", "backup-admin@acme", drkit.NewSecret(word)),
			samples:   []string{"sessions_extend.credentials.request"}, secret: word, refusal: remoteAuthentication,
		},
		"access token": {
			extension: vcav.WithVCDToken("north", drkit.NewSecret(jwt), "acme-west"),
			samples:   []string{"sessions_extend.access_token.request", "sessions_extend.vcd_token.request"},
			secret:    jwt, refusal: forbidden,
		},
		"multisite": {
			extension: vcav.WithMultisite("north", "acme"),
			samples:   []string{"sessions_extend.multisite.request"}, refusal: conflict,
		},
	}
}

// polledIDs are asked for in one request; the last of them is nobody's.
func polledIDs() []string {
	return []string{taskID, failedTask().ID, "8d3a6c91-57e2-4b0f-a1c4-e6f09b72d583", unknownID}
}

// runningTask is the failover on its way.
func runningTask() vcav.Task {
	return vcav.Task{
		ID: taskID, User: "backup-admin@acme-dr",
		WorkflowInfo: vcav.WorkflowInfo{
			Type: "failover", ResourceType: "vmReplication", ResourceID: ordersID, ResourceName: "orders-db",
		},
		Progress: 45, State: vcav.TaskStateRunning,
		LastUpdated: millis(1795082461200), StartTime: millis(1795082400000),
		Result: json.RawMessage("null"), Warnings: []json.RawMessage{}, Site: "south",
	}
}

// polledTasks are the rows of tasks_poll.answer.
func polledTasks(t testing.TB) []vcav.Task {
	return []vcav.Task{runningTask(), failedTask(), allTasks(t)[3]}
}

func instanceDetails() vcav.InstanceDetails {
	return vcav.InstanceDetails{Instance: instances()[1], DisksInfo: []vcav.InstanceDisk{{DiskKey: 2000}, {DiskKey: 2002}}}
}

func virtualHardware() vcav.VirtualHardware {
	return vcav.VirtualHardware{CPUs: 8, CoresPerSocket: 4, MemoryMB: 32768, StorageMB: 122880}
}

// unknownHardware is what the service says that it does not know: -1 in two members and null in two.
func unknownHardware() vcav.VirtualHardware { return vcav.VirtualHardware{CPUs: -1, MemoryMB: -1} }

func traffic() vcav.Series {
	return vcav.Series{
		Label: ordersID, Interval: vcav.SampleIntervalFiveMinutes, Start: millis(1795081200000), End: millis(1795081800000),
		Samples: []vcav.Sample{
			{Timestamp: millis(1795081200000), Bytes: 73400320},
			{Timestamp: millis(1795081500000)},
			{Timestamp: millis(1795081800000), Bytes: 1288490188.5},
		},
	}
}

func diskUsage() vcav.Series {
	return vcav.Series{
		Label: ordersID, Interval: vcav.SampleIntervalDay, Start: millis(1794873600000), End: millis(1794960000000),
		Samples: []vcav.Sample{
			{Timestamp: millis(1794873600000), Bytes: 68719476736},
			{Timestamp: millis(1794960000000), Bytes: 70866960384},
		},
	}
}
