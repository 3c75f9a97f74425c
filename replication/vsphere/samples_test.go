package vsphere_test

import (
	"testing"

	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// goTypes makes a value of the Go type of a schema. Envelopes have none: what is in them has.
var goTypes = map[string]func() any{
	"CalculateReplicationMappings": func() any { return new(vsphere.CalculateReplicationMappings) },
	"CalculatedReplicationMapping": func() any { return new(vsphere.CalculatedReplicationMapping) },
	"ConfigureReplication":         func() any { return new(vsphere.ConfigureReplication) },
	"Datastore":                    func() any { return new(vsphere.Datastore) },
	"DatastoreBrowserRequest":      func() any { return new(vsphere.DatastoreBrowserRequest) },
	"DatastoreBrowserResult":       func() any { return new(vsphere.DatastoreBrowserResult) },
	"FindSeeds":                    func() any { return new(vsphere.FindSeeds) },
	"InventoryItem":                func() any { return new(vsphere.InventoryItem) },
	"IssueInfo":                    func() any { return new(vsphere.IssueInfo) },
	"MetaError":                    func() any { return new(vsphere.MetaError) },
	"Metadata":                     func() any { return new(vsphere.Metadata) },
	"Pairing":                      func() any { return new(vsphere.Pairing) },
	"PointInTimeInstance":          func() any { return new(vsphere.PointInTimeInstance) },
	"ReconfigureReplication":       func() any { return new(vsphere.ReconfigureReplication) },
	"ReplicatedVMDisk":             func() any { return new(vsphere.ReplicatedVMDisk) },
	"ReplicationCapabilities":      func() any { return new(vsphere.ReplicationCapabilities) },
	"ReplicationImage":             func() any { return new(vsphere.ReplicationImage) },
	"ReplicationInfo":              func() any { return new(vsphere.ReplicationInfo) },
	"ReplicationMapping":           func() any { return new(vsphere.ReplicationMapping) },
	"ReplicationMappingPair":       func() any { return new(vsphere.ReplicationMappingPair) },
	"ReplicationServerInfo":        func() any { return new(vsphere.ReplicationServerInfo) },
	"RunReplicationMappingTests":   func() any { return new(vsphere.RunReplicationMappingTests) },
	"RunTestRecovery":              func() any { return new(vsphere.RunTestRecovery) },
	"SessionInfo":                  func() any { return new(vsphere.SessionInfo) },
	"StoragePolicy":                func() any { return new(vsphere.StoragePolicy) },
	"StoragePolicyCompliance":      func() any { return new(vsphere.StoragePolicyCompliance) },
	"Task":                         func() any { return new(vsphere.Task) },
	"VirtualMachine":               func() any { return new(vsphere.VirtualMachine) },
	"VMCapabilities":               func() any { return new(vsphere.VMCapabilities) },
	"VMDisk":                       func() any { return new(vsphere.VMDisk) },
	"VMDiskSeeds":                  func() any { return new(vsphere.VMDiskSeeds) },
	"VRMSInfo":                     func() any { return new(vsphere.VRMSInfo) },
}

func isUntyped(schema string) bool { return goTypes[schema] == nil }

// keeps reports whether the Go type of a schema keeps the members that it does not know: what is read and sent back.
func keeps(schema string) bool {
	return schema == "VMDisk" || schema == "DatastorePath" || schema == "VMDiskIdentifier"
}

func sampleNames(t *testing.T) []string {
	t.Helper()
	return wiretest.Names(t, samplesDir)
}

// samples returns all samples, and what is in envelopes as samples of their own.
func samples(t *testing.T) wiretest.Samples {
	t.Helper()
	found := wiretest.Samples{
		Table: contract.Table, All: map[string]wiretest.Sample{}, Types: goTypes, Untyped: isUntyped, Carries: keeps,
		Exact: keeps, // it comes and goes whole
	}
	found.ReadAll(t, samplesDir, "ResponseError")
	return found
}

// What a sample says survives being decoded and encoded again, member by member.
func TestSamplesLoseNothing(t *testing.T) {
	t.Parallel()
	samples(t).LoseNothing(t)
}

// A member that the types do not have is noticed, or kept where it is sent back.
func TestLossesAreNoticed(t *testing.T) {
	t.Parallel()
	samples(t).NoticeLosses(t)
}

// Each member of the contract has a value in some sample, so that the tests above see all of them.
func TestEveryMemberIsInASample(t *testing.T) {
	t.Parallel()
	samples(t).ShowEveryMember(t)
}

// A request sample is one that the contract allows, and an answer sample one that it describes.
func TestSamplesFitTheContract(t *testing.T) {
	t.Parallel()
	samples(t).FitTheContract(t)
}

// Each operation has a sample of its answer, and each kind of body one of its own.
func TestEveryOperationHasSamples(t *testing.T) {
	t.Parallel()
	samples(t).AreComplete(t)
}
