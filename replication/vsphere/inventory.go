package vsphere

import (
	"context"
	"fmt"
	"iter"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// What is here is about a vCenter Server of either site: each method takes its identifier first, a UUID. That of
// the other site takes a session there.

// Datastores are those that replicas may go to.
type Datastores struct{ at place }

// List walks the datastores, and clusters of them, that replicas may go to. It is safe to repeat.
//
// Privileges: Datastore.FileManagement.
// Source: vSphere Replication REST API reference, "Usable target datastores".
func (d *Datastores) List(ctx context.Context, vCenter string, query ListQuery) iter.Seq2[Datastore, error] {
	return walk(ctx, list[Datastore]{
		at: d.at, call: transport.Call{Operation: &contract.DatastoresList, Path: []string{vCenter}}, query: query,
		id: func(row *Datastore) string { return row.ID },
	})
}

// Browse walks files and folders of a datastore. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such datastore.
// Privileges: System.View, System.Read, Datastore.Browse.
// Source: vSphere Replication REST API reference, "Browse datastore".
func (d *Datastores) Browse(ctx context.Context, vCenter, datastore string, what DatastoreBrowserRequest, query ListQuery) iter.Seq2[DatastoreBrowserResult, error] {
	call := transport.Call{Operation: &contract.DatastoresBrowse, Path: []string{vCenter, datastore}, Body: what}
	return walk(ctx, list[DatastoreBrowserResult]{
		at: d.at, call: call, query: query,
		id: func(row *DatastoreBrowserResult) string { return row.Path + "\n" + row.Name },
	})
}

// FindSeeds returns copies of disks that the first synchronization can begin with, all at once. It is safe to
// repeat.
//
// Privileges: System.View, System.Read.
// Source: vSphere Replication REST API reference, "Find seeds".
func (d *Datastores) FindSeeds(ctx context.Context, vCenter, datastore string, disks []FindSeeds) ([]VMDiskSeeds, error) {
	if len(disks) == 0 {
		return nil, fmt.Errorf("%s.%s: there are no disks", service, contract.DatastoresFindSeeds.Name)
	}
	return whole[VMDiskSeeds](ctx, d.at, transport.Call{
		Operation: &contract.DatastoresFindSeeds, Path: []string{vCenter, datastore}, Body: disks,
	})
}

// StoragePolicies are those that replicas may have.
type StoragePolicies struct{ at place }

// List walks the storage policies. It is safe to repeat.
//
// Privileges: StorageProfile.View.
// Source: vSphere Replication REST API reference, "Storage policies".
func (s *StoragePolicies) List(ctx context.Context, vCenter string, query ListQuery) iter.Seq2[StoragePolicy, error] {
	return walk(ctx, list[StoragePolicy]{
		at: s.at, call: transport.Call{Operation: &contract.StoragePoliciesList, Path: []string{vCenter}}, query: query,
		id: func(row *StoragePolicy) string { return row.StoragePolicyID },
	})
}

// CheckCompliance returns which datastores keep to a storage policy, all at once. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such policy.
// Privileges: StorageProfile.View.
// Source: vSphere Replication REST API reference, "Check datastore compliance".
func (s *StoragePolicies) CheckCompliance(ctx context.Context, vCenter, policy string, datastores []string) ([]StoragePolicyCompliance, error) {
	if len(datastores) == 0 {
		return nil, fmt.Errorf("%s.%s: there are no datastores", service, contract.StoragePoliciesCheckCompliance.Name)
	}
	return whole[StoragePolicyCompliance](ctx, s.at, transport.Call{
		Operation: &contract.StoragePoliciesCheckCompliance, Path: []string{vCenter, policy}, Body: datastores,
	})
}

// VMs are the machines.
type VMs struct{ at place }

// List walks the machines. It is safe to repeat.
//
// Privileges: System.View, System.Read.
// Source: vSphere Replication REST API reference, "List VMs".
func (v *VMs) List(ctx context.Context, vCenter string, query VMQuery) iter.Seq2[VirtualMachine, error] {
	return walk(ctx, list[VirtualMachine]{
		at: v.at, call: transport.Call{Operation: &contract.VMsList, Path: []string{vCenter}}, query: query.list(),
		params: func(of ListQuery) any {
			query := query
			query.Offset, query.Limit = of.Offset, of.Limit
			return query
		},
		id: func(row *VirtualMachine) string { return row.ID },
	})
}

// Capability returns whether a machine can be replicated, and how. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such machine.
// Privileges: Hms.View.
// Source: vSphere Replication REST API reference, "VM capability".
func (v *VMs) Capability(ctx context.Context, vCenter, machine string) (VMCapabilities, error) {
	var capability VMCapabilities
	err := v.at.do(ctx, transport.Call{Operation: &contract.VMsCapability, Path: []string{vCenter, machine}}, &capability)
	return capability, err
}

// Disks walks the disks of a machine, one of which stands for the files of its configuration. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such machine.
// Privileges: StorageProfile.View.
// Source: vSphere Replication REST API reference, "VM disks".
func (v *VMs) Disks(ctx context.Context, vCenter, machine string, query ListQuery) iter.Seq2[VMDisk, error] {
	call := transport.Call{Operation: &contract.VMsDisks, Path: []string{vCenter, machine}}
	return walk(ctx, list[VMDisk]{at: v.at, call: call, query: query, id: diskID})
}

// Compute has what machines can run on: hosts, clusters and resource pools.
type Compute struct{ at place }

// List walks one level of the inventory: what is below query.Path, which is the root by default. It is safe to
// repeat.
//
// Errors: [drkit.ErrNotFound] from appliances that do not have the operation yet.
// Source: vSphere Replication REST API reference, "Compute inventory"; path and query are those of a client.
func (c *Compute) List(ctx context.Context, vCenter string, query InventoryQuery) iter.Seq2[InventoryItem, error] {
	return items(ctx, c.at, transport.Call{Operation: &contract.ComputeList, Path: []string{vCenter}}, query)
}

// Get returns one item that machines can run on. It is safe to repeat.
//
// Experimental: nobody has seen its path, which is inferred from that of the sister API of Live Site Recovery.
//
// Errors: [drkit.ErrNotFound] if there is no such item.
// Source: vSphere Replication REST API reference, "Compute item".
func (c *Compute) Get(ctx context.Context, vCenter, id string) (InventoryItem, error) {
	var item InventoryItem
	err := c.at.do(ctx, transport.Call{Operation: &contract.ComputeGet, Path: []string{vCenter, id}}, &item)
	return item, err
}

// Folders are what machines can be put into.
type Folders struct{ at place }

// List walks one level of the inventory: what is below query.Path, which is the root by default. It is safe to
// repeat.
//
// Errors: [drkit.ErrNotFound] from appliances that do not have the operation yet.
// Source: vSphere Replication REST API reference, "VM folder inventory"; the path is that of a client.
func (f *Folders) List(ctx context.Context, vCenter string, query InventoryQuery) iter.Seq2[InventoryItem, error] {
	return items(ctx, f.at, transport.Call{Operation: &contract.FoldersList, Path: []string{vCenter}}, query)
}

// Get returns one folder. It is safe to repeat.
//
// Experimental: nobody has seen its path, which is inferred from that of [Folders.List].
//
// Errors: [drkit.ErrNotFound] if there is no such folder.
// Source: vSphere Replication REST API reference, "VM folder".
func (f *Folders) Get(ctx context.Context, vCenter, id string) (InventoryItem, error) {
	var item InventoryItem
	err := f.at.do(ctx, transport.Call{Operation: &contract.FoldersGet, Path: []string{vCenter, id}}, &item)
	return item, err
}

func items(ctx context.Context, at place, call transport.Call, query InventoryQuery) iter.Seq2[InventoryItem, error] {
	return walk(ctx, list[InventoryItem]{
		at: at, call: call, query: query.list(),
		params: func(of ListQuery) any {
			query := query
			query.Offset, query.Limit = of.Offset, of.Limit
			return query
		},
		id: func(row *InventoryItem) string { return row.ID },
	})
}
