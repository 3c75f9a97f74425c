package checkpointstest

import (
	"errors"
	"fmt"
	"strings"
)

// Types of resources.
//
// Source: Cloud Backup and Recovery API reference, "Creating a Vault".
const (
	TypeServer     = "OS::Nova::Server"
	TypeDisk       = "OS::Cinder::Volume"
	TypeFileSystem = "OS::Sfs::Turbo"
)

// Types of vaults, by what they hold.
const (
	ObjectServer     = "server"
	ObjectDisk       = "disk"
	ObjectFileSystem = "turbo"
)

// Kinds of vaults, by what they are for.
const (
	ProtectBackup      = "backup"
	ProtectReplication = "replication"
	ProtectHybrid      = "hybrid" // of Huawei Cloud; it can only be synchronized
)

// Resource is what can be backed up: a server, a disk or a file system. [VM], [Volume] and [FileSystem] make the
// usual ones.
type Resource struct {
	ID     string // empty: made from the name, as by [VMID]
	Name   string // as it is shown
	Type   string // [TypeServer] by default
	SizeGB int    // of a disk or a file system; a server has that of its disks
	Disks  []Disk // of a server; the first is the system disk
	Status string // as protectable resources show it; "ACTIVE" for servers, "in-use" for disks by default
}

// Disk is a disk of a server.
type Disk struct {
	ID     string // empty: as [DiskID] makes it
	SizeGB int    // needed
	// Data makes the first disk one without a system, so that backups of the server cannot be replicated.
	Data bool
}

// VM returns a server of that name with disks of these sizes in GB, the first of which is the system disk.
func VM(name string, disksGB ...int) Resource {
	given := Resource{Name: name, Type: TypeServer}
	for _, size := range disksGB {
		given.Disks = append(given.Disks, Disk{SizeGB: size})
	}
	return given
}

// Volume returns a disk of its own.
func Volume(name string, sizeGB int) Resource {
	return Resource{Name: name, Type: TypeDisk, SizeGB: sizeGB}
}

// FileSystem returns an SFS Turbo file system.
func FileSystem(name string, sizeGB int) Resource {
	return Resource{Name: name, Type: TypeFileSystem, SizeGB: sizeGB}
}

// resource is the state of one resource.
type resource struct {
	id, name, kind string
	status         string
	sizeGB         int
	az             string
	project        *project
	server         *resource   // of a disk: where it is attached, or nil
	system         bool        // of a disk: whether it has a system
	disks          []*resource // of a server
	restoring      bool        // whether a backup is being put back
	restored       int         // how often one has been
}

// size in GB; that of a server is the size of its disks.
func (r *resource) size() int {
	total := r.sizeGB
	for _, disk := range r.disks {
		total += disk.sizeGB
	}
	return total
}

// addResource adds a resource that is there from the beginning.
func (r *region) addResource(p *project, given Resource) (*resource, error) {
	if given.Name == "" {
		return nil, errors.New("a resource has no Name")
	}
	made := &resource{
		name: given.Name, kind: or(given.Type, TypeServer), sizeGB: given.SizeGB, az: r.name + "-01", project: p,
	}
	usualID, usualStatus := VMID(given.Name), "ACTIVE"
	switch made.kind {
	case TypeServer:
		if len(given.Disks) == 0 {
			given.Disks = []Disk{{SizeGB: 40}}
		}
	case TypeDisk:
		usualID, usualStatus = VolumeID(given.Name), "available"
	case TypeFileSystem:
		usualID, usualStatus = FileSystemID(given.Name), "200"
	default:
		return nil, fmt.Errorf("%s: the type %q is none that is simulated", given.Name, given.Type)
	}
	if made.kind != TypeServer && (len(given.Disks) > 0 || given.SizeGB <= 0) {
		return nil, fmt.Errorf("%s: only a server has disks, and all else has a size", given.Name)
	}
	made.status = or(given.Status, usualStatus)
	var err error
	if made.id, err = r.cloud.claim(or(given.ID, usualID)); err != nil {
		return nil, fmt.Errorf("%s: %w", given.Name, err)
	}
	r.resources.put(made.id, made)
	for i, d := range given.Disks {
		if err := r.addDisk(made, i, d); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (r *region) addDisk(of *resource, at int, given Disk) error {
	if given.SizeGB <= 0 {
		return fmt.Errorf("%s: disk %d has no size", of.name, at)
	}
	id, err := r.cloud.claim(or(given.ID, DiskID(of.name, at)))
	if err != nil {
		return fmt.Errorf("%s: disk %d: %w", of.name, at, err)
	}
	disk := &resource{
		id: id, name: fmt.Sprintf("%s-volume-%d", of.name, at), kind: TypeDisk, status: "in-use", sizeGB: given.SizeGB,
		az: of.az, project: of.project, server: of, system: at == 0 && !given.Data,
	}
	r.resources.put(id, disk)
	of.disks = append(of.disks, disk)
	return nil
}

// objectType is the type of vaults that hold resources of a type.
func objectType(kind string) string {
	switch kind {
	case TypeServer:
		return ObjectServer
	case TypeDisk:
		return ObjectDisk
	case TypeFileSystem:
		return ObjectFileSystem
	default:
		return strings.ToLower(kind)
	}
}

// notFound is the refusal of a resource that is not there.
func notFound(kind, id string) *refusal {
	switch kind {
	case TypeServer:
		return refuse(CodeServerNotFound, "The server %s does not exist.", id)
	case TypeDisk:
		return refuse(CodeDiskNotFound, "The disk %s does not exist.", id)
	default:
		return refuse(CodeResourceNotFound, "The resource %s does not exist.", id)
	}
}

// providers are who backs up which type.
var providers = map[string]string{
	ObjectServer:     "0daac4c5-6707-4851-97ba-169e36266b66",
	ObjectDisk:       "d1603440-187d-4516-af25-121250c7cc97",
	ObjectFileSystem: "3f3c3220-245c-4805-b811-758870015881",
}

// specs are the specifications of vaults.
var specs = map[string]string{
	ObjectServer: "vault.backup.server.normal", ObjectDisk: "vault.backup.volume.normal",
	ObjectFileSystem: "vault.backup.turbo.normal",
}
