package vspheretest

import (
	"encoding/json"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Names of what every vCenter Server has.
const (
	datacenterName = "DC"
	clusterName    = "cluster-1"
	hostName       = "esx-1"
	poolName       = "Recovered"
	folderName     = "Recovered VMs"
)

// policyNames are the storage policies of every vCenter Server, the default one first.
var policyNames = []string{"Standard", "Encrypted"}

// place is one item of a vCenter Server's inventory.
type place struct{ id, name, path, parent string }

func (p place) row() object {
	return object{"id": p.id, "name": p.name, "path": p.path, "parent": p.parent}
}

func (p place) is(kinds ...string) bool {
	kind, _, _ := strings.Cut(p.id, ":")
	return slices.Contains(kinds, kind)
}

func (p place) holdsMachines() bool { return p.is("Folder", "Datacenter") }

func (p place) runsMachines() bool {
	return p.is("ResourcePool", "ClusterComputeResource", "HostSystem")
}

// places are all items of the inventory, each after its parent.
func (s *site) places() []place {
	root := "/" + datacenterName
	datacenter := managedID("Datacenter", "datacenter", s.name, datacenterName)
	cluster := managedID("ClusterComputeResource", "domain-c", s.name, clusterName)
	return []place{
		{id: datacenter, name: datacenterName, path: root, parent: "/"},
		{id: cluster, name: clusterName, path: root + "/" + clusterName, parent: root},
		{
			id:   managedID("HostSystem", "host-", s.name, hostName),
			name: hostName, path: root + "/" + clusterName + "/" + hostName, parent: root + "/" + clusterName,
		},
		{id: ResourcePoolID(s.name), name: poolName, path: root + "/" + clusterName + "/" + poolName, parent: root + "/" + clusterName},
		{id: FolderID(s.name), name: folderName, path: root + "/" + folderName, parent: root},
	}
}

// item returns the place of a name.
func (s *site) item(name string) place {
	for _, p := range s.places() {
		if p.name == name {
			return p
		}
	}
	return place{}
}

func (s *site) itemWithID(id string) (place, bool) {
	for _, p := range s.places() {
		if p.id == id {
			return p, true
		}
	}
	return place{}, false
}

func (s *site) policy(id string) (name string, known bool) {
	for _, name := range policyNames {
		if id == StoragePolicyID(s.name, name) {
			return name, true
		}
	}
	return "", false
}

func isCompute(p place) bool { return p.is("Datacenter") || p.runsMachines() }

func (w *world) listCompute(call *simkit.Call, v *visit) (any, error) {
	return v.listPlaces(call, isCompute)
}

func (w *world) listFolders(call *simkit.Call, v *visit) (any, error) {
	return v.listPlaces(call, place.holdsMachines)
}

// listPlaces lists one level of the inventory.
func (v *visit) listPlaces(call *simkit.Call, belongs func(place) bool) (any, error) {
	s, err := v.atVCenter(call)
	if err != nil {
		return nil, err
	}
	asked := call.Query.Get("path")
	if asked == "" {
		asked = "/"
	}
	known := asked == "/"
	var items []item
	for _, p := range s.places() {
		known = known || p.path == asked && belongs(p)
		if p.parent == asked && belongs(p) {
			items = append(items, item{row: p.row()})
		}
	}
	if !known {
		return nil, badParameter("path", asked)
	}
	return v.list(call, items)
}

func (w *world) getCompute(call *simkit.Call, v *visit) (any, error) {
	return v.getPlace(call, "compute_id", isCompute)
}

func (w *world) getFolder(call *simkit.Call, v *visit) (any, error) {
	return v.getPlace(call, "vm_folder_id", place.holdsMachines)
}

func (v *visit) getPlace(call *simkit.Call, argument string, belongs func(place) bool) (any, error) {
	s, err := v.atVCenter(call)
	if err != nil {
		return nil, err
	}
	p, known := s.itemWithID(call.Arguments[argument])
	if !known || !belongs(p) {
		return nil, notFound("there is no item %q", call.Arguments[argument])
	}
	return entity{row: p.row()}, nil
}

func (w *world) listMachines(call *simkit.Call, v *visit) (any, error) {
	s, err := v.atVCenter(call)
	if err != nil {
		return nil, err
	}
	suitable, err := flag(call, "suitable_for_replication")
	if err != nil {
		return nil, err
	}
	var items []item
	for _, m := range s.machines {
		if !suitable || w.validation(m) == "OK" {
			items = append(items, item{row: m.row()})
		}
	}
	return v.list(call, items)
}

// machineOf finds the machine that the path names.
func (v *visit) machineOf(call *simkit.Call) (*machine, error) {
	s, err := v.atVCenter(call)
	if err != nil {
		return nil, err
	}
	if m := s.machine(call.Arguments["vm_id"]); m != nil {
		return m, nil
	}
	return nil, notFound("there is no virtual machine %q", call.Arguments["vm_id"])
}

func (w *world) machineDisks(call *simkit.Call, v *visit) (any, error) {
	m, err := v.machineOf(call)
	if err != nil {
		return nil, err
	}
	var items []item
	for _, row := range m.diskRows() {
		items = append(items, item{row: row})
	}
	return v.list(call, items)
}

func (w *world) machineCapability(call *simkit.Call, v *visit) (any, error) {
	m, err := v.machineOf(call)
	if err != nil {
		return nil, err
	}
	status := w.validation(m)
	return entity{row: object{
		"vm_id": m.id, "vm_validation_status": status, "quiescing_supported": true, "network_compression_supported": true,
		"mpit_supported": true, "lwd_encryption_supported": true, "vm_crypt_supported": false, "vm_encrypted": false,
		"vm_encryption_key_provider_type": nil, "replication_not_supported_reasons": reasons(status),
		"auto_replicate_new_disks_supported": true, "min_rpo_mins": shortestRPO, "nvme_disk_controller_supported": true,
		"ds_cluster_as_target_supported": false, "reconfigure_vm_disks_supported": true,
	}}, nil
}

func reasons(status string) any {
	if status == "OK" {
		return nil
	}
	return []string{status}
}

// capabilities are those of the pairing, or of one of the local machines.
func (w *world) capabilities(call *simkit.Call, v *visit) (any, error) {
	row := object{
		"supported_quiesce_mode": "APPLICATION", "scale_out_mode": "NONE",
		"max_supported_source_disk_capacity": int64(62) << 40, "min_rpo": shortestRPO, "max_rpo": longestRPO,
		"compression_supported": true, "mpit_supported": true, "replicating_vm_config_supported": true,
		"lwd_encryption_supported": true, "vm_crypt_supported": false, "is_vm_encrypted": false,
		"supports_auto_replicate_new_disks": true, "supports_preserve_replica_disks_on_unconfigure": true,
		"robo_replication_supported": w.config.oneVCenter, "throughput_test_supported": true,
	}
	if id := call.Query.Get("vm_id"); id != "" {
		m := v.site.machine(id)
		if m == nil {
			return nil, badParameter("vm_id", id)
		}
		row["replication_not_supported_reasons"] = reasons(w.validation(m))
	}
	return entity{row: row}, nil
}

func (w *world) listDatastores(call *simkit.Call, v *visit) (any, error) {
	s, err := v.atVCenter(call)
	if err != nil {
		return nil, err
	}
	var items []item
	for _, d := range s.datastores {
		items = append(items, item{row: d.row()})
	}
	return v.list(call, items)
}

func (v *visit) datastoreOf(call *simkit.Call) (*datastore, error) {
	s, err := v.atVCenter(call)
	if err != nil {
		return nil, err
	}
	if d := s.datastore(call.Arguments["datastore_id"]); d != nil {
		return d, nil
	}
	return nil, notFound("there is no datastore %q", call.Arguments["datastore_id"])
}

// browse lists the files and folders below a folder.
func (w *world) browse(call *simkit.Call, v *visit) (any, error) {
	d, err := v.datastoreOf(call)
	if err != nil {
		return nil, err
	}
	var body struct {
		Kind string `json:"query_type"`
		Path string `json:"browse_path"`
		Deep bool   `json:"sub_folders"`
	}
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, badRequest("The request does not decode: %s", err)
	}
	below := strings.TrimSuffix(strings.TrimPrefix(body.Path, "["+d.name+"] "), "/")
	var items []item
	folders := map[string]bool{}
	for _, f := range d.files {
		folder := path.Dir(f.path)
		if below == "" && !folders[folder] && (body.Kind == "" || body.Kind == "FOLDERS" || body.Kind == "ALL_FILES") {
			folders[folder] = true
			items = append(items, item{row: d.fileRow(folder, 0, "FOLDER")})
		}
		if (folder == below || body.Deep && below == "") && asks(body.Kind, f.path) {
			items = append(items, item{row: d.fileRow(f.path, f.size, typeOfFile(f.path))})
		}
	}
	return v.list(call, items)
}

func (d *datastore) fileRow(name string, size int64, kind string) object {
	return object{"name": path.Base(name), "path": "[" + d.name + "] " + name, "size": size, "file_type": kind}
}

func typeOfFile(name string) string {
	if strings.HasSuffix(name, ".vmdk") {
		return "VM_DISK"
	}
	return "VM_CONFIG"
}

// asks reports whether a query is about a file.
func asks(kind, name string) bool {
	switch kind {
	case "", "ALL_FILES":
		return true
	case "VM_DISK":
		return typeOfFile(name) == "VM_DISK"
	case "VM_CONFIG_FILES":
		return typeOfFile(name) == "VM_CONFIG"
	default:
		return false
	}
}

// findSeeds lists, for each disk, the files in a datastore that could be its seed: those that no replication uses.
func (w *world) findSeeds(call *simkit.Call, v *visit) (any, error) {
	d, err := v.datastoreOf(call)
	if err != nil {
		return nil, err
	}
	var asked []struct {
		Disk struct {
			VMID string `json:"vm_id"`
			Key  int    `json:"device_key"`
		} `json:"vm_disk"`
		Path     *string `json:"destination_path"`
		Wildcard bool    `json:"use_wildcard"`
	}
	if err := json.Unmarshal(call.Body, &asked); err != nil {
		return nil, badRequest("The disks do not decode: %s", err)
	}
	var found list
	for _, wanted := range asked {
		seeds := []string{}
		for _, f := range d.files {
			named := wanted.Path == nil || f.path == *wanted.Path || wanted.Wildcard && strings.Contains(f.path, *wanted.Path)
			if named && typeOfFile(f.path) == "VM_DISK" && !w.inUse(d, f.path) {
				seeds = append(seeds, f.path)
			}
		}
		found = append(found, item{row: object{
			"vm_disk": object{"vm_id": wanted.Disk.VMID, "device_key": wanted.Disk.Key}, "found_seeds": seeds,
		}})
	}
	return found, nil
}

// inUse reports whether a file is a machine's or a replication's.
func (w *world) inUse(d *datastore, name string) bool {
	for _, r := range w.replications {
		if slices.ContainsFunc(r.disks, func(disk replicaDisk) bool { return disk.datastore == d && disk.path == name }) {
			return true
		}
	}
	return slices.ContainsFunc(d.site.machines, func(m *machine) bool { return path.Dir(name) == m.name })
}

func (w *world) listPolicies(call *simkit.Call, v *visit) (any, error) {
	s, err := v.atVCenter(call)
	if err != nil {
		return nil, err
	}
	var items []item
	for i, name := range policyNames {
		items = append(items, item{row: object{
			"storage_policy_name": name, "storage_policy_id": StoragePolicyID(s.name, name), "vm_encryption_supported": i == 1,
		}})
	}
	return v.list(call, items)
}

// checkCompliance: the second datastore does not comply with the second policy, so that there is something to see.
func (w *world) checkCompliance(call *simkit.Call, v *visit) (any, error) {
	s, err := v.atVCenter(call)
	if err != nil {
		return nil, err
	}
	id := call.Arguments["storage_policy_id"]
	name, known := s.policy(id)
	if !known {
		return nil, notFound("there is no storage policy %q", id)
	}
	var asked []string
	if err := json.Unmarshal(call.Body, &asked); err != nil {
		return nil, badRequest("The datastores do not decode: %s", err)
	}
	var rows list
	for _, datastoreID := range asked {
		d := s.datastore(datastoreID)
		if d == nil {
			return nil, refuse(http.StatusBadRequest, CodeBadRequest, "There is no datastore '%s'.", datastoreID)
		}
		row := object{"storage_policy_id": id, "datastore": datastoreID, "compliant": true, "not_compliant_detailed_message": nil}
		if d == s.datastores[1] && name == policyNames[1] {
			row["compliant"], row["not_compliant_detailed_message"] = false, "The datastore does not encrypt."
		}
		rows = append(rows, item{row: row})
	}
	return rows, nil
}
