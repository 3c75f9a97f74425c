package vspheretest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Names of the two sites unless [SiteNames] sets others: machines run at the protected one and are replicated to
// the recovery one.
const (
	ProtectedSite = "site1"
	RecoverySite  = "site2"
)

// ReplicationID returns the id of the replication of a machine, the same in every run and at both sites.
func ReplicationID(vmName string) string { return "GID-" + simkit.StableID("replication", vmName) }

// VCenterID returns the id of the vCenter Server of a site, a UUID.
func VCenterID(site string) string { return simkit.StableID("vcenter", site) }

// MachineID returns the id of a machine at a site, as in "VirtualMachine:vm-80:" and the id of its vCenter Server.
func MachineID(site, name string) string { return managedID("VirtualMachine", "vm", site, name) }

// DatastoreID returns the id of a datastore. Every site has the datastores "ds-1" and "ds-2".
func DatastoreID(site, name string) string { return managedID("Datastore", "datastore", site, name) }

// StoragePolicyID returns the id of a storage policy. Every site has the policies "Standard" and "Encrypted".
func StoragePolicyID(site, name string) string { return simkit.StableID("policy", site, name) }

// ResourcePoolID returns the id of the resource pool of a site's cluster, where a test may run.
func ResourcePoolID(site string) string { return managedID("ResourcePool", "resgroup", site, poolName) }

// FolderID returns the id of the folder for machines of a site, where a test may put its machine.
func FolderID(site string) string { return managedID("Folder", "group-v", site, folderName) }

// ReplicationServerID returns the id of the replication server that a site has from the beginning.
func ReplicationServerID(site string) string { return serverID(site, 0) }

func serverID(site string, number int) string {
	return fmt.Sprintf("HmsRemoteHbrServer:HBRSRV-%s:%s", serverUUID(site, number), VCenterID(site))
}

func serverUUID(site string, number int) string {
	return simkit.StableID("replication-server", site, fmt.Sprint(number))
}

// managedID makes the id of something in a vCenter Server's inventory, with a number made from its name.
func managedID(kind, prefix, site, name string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + site + "\x00" + name))
	return fmt.Sprintf("%s:%s-%d:%s", kind, prefix, 10+binary.BigEndian.Uint32(sum[:])%1_000_000, VCenterID(site))
}

// testVMName is the name of the machine that a test makes.
func testVMName(replication string) string { return replication + "-test-vm" }
