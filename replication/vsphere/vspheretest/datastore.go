package vspheretest

import (
	"slices"
	"strings"
)

// diskSize is how large every disk is, in bytes.
const diskSize = int64(16) << 30

// datastoreSize is how large every datastore is, in bytes.
const datastoreSize = int64(4) << 40

// datastore is the state of one datastore: the files in it.
type datastore struct {
	id, name string
	site     *site
	files    []file // in order of creation
}

type file struct {
	path string // in the datastore, with its folder
	size int64  // in bytes
}

func (d *datastore) add(path string, size int64) {
	if !d.has(path) {
		d.files = append(d.files, file{path: path, size: size})
	}
}

func (d *datastore) has(path string) bool {
	return slices.ContainsFunc(d.files, func(f file) bool { return f.path == path })
}

func (d *datastore) remove(path string) {
	d.files = slices.DeleteFunc(d.files, func(f file) bool { return f.path == path })
}

func (d *datastore) removeFolder(folder string) {
	d.files = slices.DeleteFunc(d.files, func(f file) bool { return strings.HasPrefix(f.path, folder+"/") })
}

func (d *datastore) row() object {
	used := int64(0)
	for _, f := range d.files {
		used += f.size
	}
	datacenter := d.site.item(datacenterName)
	return object{
		"id": d.id, "name": d.name, "parent": datacenter.id, "parent_name": datacenter.name, "capacity": datastoreSize,
		"free_space": datastoreSize - used, "file_system_type": "VMFS", "maintenance_mode": nil,
		"overall_status": "GREEN", "accessible": true, "type": "DATASTORE", "nkp_supported": false,
		"path": "/" + datacenter.name + "/" + d.name,
	}
}
