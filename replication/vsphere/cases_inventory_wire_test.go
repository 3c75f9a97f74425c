package vsphere_test

import (
	"context"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// The wire cases of vCenter Servers, and of mappings.

const (
	atEast   = "/pairings/" + pairing + "/vcenters/" + east
	mappings = "/pairings/" + pairing + "/vrs/" + vrWest + "/replication-mappings"
)

func everyVMParameter() vsphere.VMQuery {
	return vsphere.VMQuery{
		FilterProperty: "name", Filter: []string{"a&b", "c,d"}, SortBy: "status.rpo", OrderBy: vsphere.OrderDesc, Offset: 3, Limit: 7,
		SuitableForReplication: drkit.Some(false),
	}
}

func everyInventoryParameter() vsphere.InventoryQuery {
	return vsphere.InventoryQuery{
		FilterProperty: "name", Filter: []string{"a&b", "c,d"}, SortBy: "status.rpo", OrderBy: vsphere.OrderDesc, Offset: 3, Limit: 7,
		Path: "/East/host",
	}
}

const everyInInventory = "filter=a%26b&filter=c%2Cd&filter_property=name&limit=7&offset=3&order_by=desc&path=%2FEast%2Fhost&sort_by=status.rpo"

func inventoryCases(t *testing.T) []wireCase {
	t.Helper()
	return []wireCase{
		{
			operation: "Datastores.List", request: "GET " + atEast + "/datastores",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairing(pairing).Datastores.List(ctx, east, vsphere.ListQuery{}))
			},
			status: 200, answer: "datastores_list.answer", want: rows[vsphere.Datastore](t, "datastores_list.answer"), refusal: forbidden,
		},
		{
			operation: "Datastores.Browse", request: "POST " + atEast + "/datastores/" + escaped(reef) + "/actions/browse", query: "limit=50",
			body: "datastores_browse.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				what := vsphere.DatastoreBrowserRequest{
					QueryType: drkit.Some(vsphere.BrowseTypeAllFiles), BrowsePath: drkit.Some(""), SubFolders: drkit.Some(true),
				}
				return drkit.Collect(c.Pairing(pairing).Datastores.Browse(ctx, east, reef, what, vsphere.ListQuery{Limit: 50}))
			},
			status: 200, answer: "datastores_browse.answer", want: rows[vsphere.DatastoreBrowserResult](t, "datastores_browse.answer"), refusal: missing,
		},
		{
			operation: "Datastores.FindSeeds", request: "POST " + atEast + "/datastores/" + escaped(reef) + "/actions/find-seeds",
			body: "datastores_find_seeds.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).Datastores.FindSeeds(ctx, east, reef, []vsphere.FindSeeds{
					{
						VMDisk:          vsphere.VMDiskIdentifier{VMID: ledgerVM, DeviceKey: drkit.Some[int32](2000)},
						DestinationPath: drkit.Some("[reef-01] seeds"), UseWildcard: drkit.Some(true),
					},
					{VMDisk: vsphere.VMDiskIdentifier{VMID: tillVM}, DestinationPath: drkit.Null[string]()},
				})
			},
			status: 200, answer: "datastores_find_seeds.answer", want: rows[vsphere.VMDiskSeeds](t, "datastores_find_seeds.answer"), refusal: refused,
		},
		{
			operation: "StoragePolicies.List", request: "GET " + atEast + "/storage-policies",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairing(pairing).StoragePolicies.List(ctx, east, vsphere.ListQuery{}))
			},
			status: 200, answer: "storage_policies_list.answer", want: rows[vsphere.StoragePolicy](t, "storage_policies_list.answer"), refusal: forbidden,
		},
		{
			operation: "StoragePolicies.CheckCompliance", request: "POST " + atEast + "/storage-policies/bb1-gold/actions/check-compliance",
			body: "storage_policies_check_compliance.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				stores := []string{reef, "Datastore:datastore-17:" + east}
				return c.Pairing(pairing).StoragePolicies.CheckCompliance(ctx, east, "bb1-gold", stores)
			},
			status: 200, answer: "storage_policies_check_compliance.answer",
			want: rows[vsphere.StoragePolicyCompliance](t, "storage_policies_check_compliance.answer"), refusal: missing,
		},
		{
			operation: "VMs.List", kind: "every parameter", request: "GET " + atEast + "/vms", query: everyInList + "&suitable_for_replication=false",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairing(pairing).VMs.List(ctx, east, everyVMParameter()))
			},
			status: 200, answer: "vms_list.answer", want: rows[vsphere.VirtualMachine](t, "vms_list.answer"), refusal: refused,
		},
		{
			operation: "VMs.Capability", request: "GET " + atEast + "/vms/" + escaped(ledgerVM) + "/capability",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).VMs.Capability(ctx, east, ledgerVM)
			},
			status: 200, answer: "vms_capability.answer", want: one[vsphere.VMCapabilities](t, "vms_capability.answer"), refusal: missing,
		},
		{
			operation: "VMs.Disks", request: "GET " + atEast + "/vms/" + escaped(ledgerVM) + "/disks",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairing(pairing).VMs.Disks(ctx, east, ledgerVM, vsphere.ListQuery{}))
			},
			status: 200, answer: "vms_disks.answer", want: rows[vsphere.VMDisk](t, "vms_disks.answer"), refusal: missing,
		},
		{
			operation: "Compute.List", kind: "every parameter", request: "GET " + atEast + "/inventory/compute", query: everyInInventory,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairing(pairing).Compute.List(ctx, east, everyInventoryParameter()))
			},
			status: 200, answer: "compute_list.answer", want: rows[vsphere.InventoryItem](t, "compute_list.answer"), refusal: missing,
		},
		{
			operation: "Compute.Get", request: "GET " + atEast + "/inventory/compute/" + escaped(dock),
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).Compute.Get(ctx, east, dock)
			},
			status: 200, answer: "compute_get.answer", want: one[vsphere.InventoryItem](t, "compute_get.answer"), refusal: missing,
		},
		{
			operation: "Folders.List", kind: "every parameter", request: "GET " + atEast + "/inventory/vm-folder", query: everyInInventory,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairing(pairing).Folders.List(ctx, east, everyInventoryParameter()))
			},
			status: 200, answer: "folders_list.answer", want: rows[vsphere.InventoryItem](t, "folders_list.answer"), refusal: missing,
		},
		{
			operation: "Folders.Get", request: "GET " + atEast + "/inventory/vm-folder/" + escaped(rehearsal),
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).Folders.Get(ctx, east, rehearsal)
			},
			status: 200, answer: "folders_get.answer", want: one[vsphere.InventoryItem](t, "folders_get.answer"), refusal: missing,
		},
	}
}

func mappingCases(t *testing.T) []wireCase {
	t.Helper()
	pair := vsphere.ReplicationMappingPair{SourceObjectID: "domain-c8:" + west, TargetObjectID: "domain-c9:" + east}
	return []wireCase{
		{
			operation: "Mappings.List", request: "GET " + mappings,
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return drkit.Collect(c.Pairing(pairing).Mappings.List(ctx, vrWest, vsphere.ListQuery{}))
			},
			status: 200, answer: "mappings_list.answer", want: rows[vsphere.ReplicationMapping](t, "mappings_list.answer"), refusal: missing,
		},
		{
			operation: "Mappings.Create", request: "POST " + mappings, body: "mappings_create.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.Pairing(pairing).Mappings.Create(ctx, vrWest, []vsphere.ReplicationMappingPair{pair}))
			},
			status: 202, answer: "mappings_create.answer", want: accepted("mappings_create"), refusal: refused,
		},
		{
			operation: "Mappings.Calculate", request: "POST " + mappings + "/actions/calculate", body: "mappings_calculate.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return c.Pairing(pairing).Mappings.Calculate(ctx, vrWest, vsphere.CalculateReplicationMappings{
					SourceDatastoreIDs: []string{"Datastore:datastore-16:" + west}, TargetDatastoreIDs: []string{reef},
				})
			},
			status: 200, answer: "mappings_calculate.answer",
			want: rows[vsphere.CalculatedReplicationMapping](t, "mappings_calculate.answer"), refusal: missing,
		},
		{
			operation: "Mappings.RunTests", request: "POST " + mappings + "/actions/run-tests", body: "mappings_run_tests.request",
			call: func(ctx context.Context, c *vsphere.Client) (any, error) {
				return started(c.Pairing(pairing).Mappings.RunTests(ctx, vrWest, vsphere.RunReplicationMappingTests{
					ReplicationMappingsSpecs: []vsphere.ReplicationMappingPair{pair}, RunThroughputTest: drkit.Some(true),
				}))
			},
			status: 202, answer: "mappings_run_tests.answer", want: accepted("mappings_run_tests"), refusal: forbidden,
		},
	}
}
