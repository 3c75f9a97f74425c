package vspheretest

import (
	"fmt"
	"slices"
)

// Machine is a virtual machine, as an option sets it up and [Server.Machine] finds it.
type Machine struct {
	Name       string // must be set
	Site       string // where it is; default: the protected site
	Disks      int    // how many it has besides its home; default: one
	PoweredOff bool   // a replication of it transfers nothing meanwhile
	Template   bool   // templates cannot be replicated
	Test       bool   // whether a test has made it; not to be set
	ID         string // as [MachineID] makes it; not to be set
}

// machine is the state of one virtual machine.
type machine struct {
	id, name string
	site     *site
	disks    int
	on       bool
	template bool
	testOf   *replication // nil: no test has made it
}

// homeKey is the device key of the entry that stands for the files of a machine's configuration.
const homeKey = 0

// firstKey is the device key of the first disk, as vSphere counts them.
const firstKey = 2000

func (w *world) addMachine(given Machine) error {
	s := w.protected
	switch {
	case given.Name == "":
		return fmt.Errorf("a machine has no name")
	case given.Disks < 0:
		return fmt.Errorf("%s: %d disks make no sense", given.Name, given.Disks)
	case given.Site == w.recovery.name:
		s = w.recovery
	case given.Site != "" && given.Site != s.name:
		return fmt.Errorf("%s: there is no site %q", given.Name, given.Site)
	}
	if s.machine(MachineID(s.name, given.Name)) != nil {
		return fmt.Errorf("there are two machines of the name %s", given.Name)
	}
	s.addMachine(given.Name, max(1, given.Disks), !given.PoweredOff).template = given.Template
	return nil
}

func (s *site) addMachine(name string, disks int, on bool) *machine {
	m := &machine{id: MachineID(s.name, name), name: name, site: s, disks: disks, on: on}
	s.machines = append(s.machines, m)
	for i := range disks {
		s.datastores[0].add(m.diskPath(i), diskSize)
	}
	s.datastores[0].add(name+"/"+name+".vmx", 4<<10)
	return m
}

func (s *site) removeMachine(m *machine) {
	s.machines = slices.DeleteFunc(s.machines, func(other *machine) bool { return other == m })
	s.datastores[0].removeFolder(m.name)
}

// diskPath is where a disk is in its datastore.
func (m *machine) diskPath(number int) string {
	if number == 0 {
		return m.name + "/" + m.name + ".vmdk"
	}
	return fmt.Sprintf("%s/%s_%d.vmdk", m.name, m.name, number)
}

// replicaPath is where the copy of a disk is in a datastore of a site: in a folder of the machine's name, unless the
// machine itself is there.
func (m *machine) replicaPath(target *site, key int) string {
	place := m.name + "/" + m.name + ".vmx"
	if key != homeKey {
		place = m.diskPath(key - firstKey)
	}
	if target == m.site {
		return "hbr-" + place
	}
	return place
}

func (m *machine) snapshot() Machine {
	return Machine{
		Name: m.name, Site: m.site.name, Disks: m.disks, PoweredOff: !m.on, Template: m.template,
		Test: m.testOf != nil, ID: m.id,
	}
}

func (m *machine) row() object {
	power := "POWERED_ON"
	if !m.on {
		power = "POWERED_OFF"
	}
	return object{
		"id": m.id, "name": m.name, "power_state": power, "connection_state": "CONNECTED", "template": m.template,
		"vr_privilege_granted": true, "disks": m.diskRows(),
	}
}

// diskRows are the home of a machine and its disks.
func (m *machine) diskRows() []object {
	rows := []object{m.diskRow(homeKey, "VM home", m.name+".vmx", 4)}
	rows[0]["is_vm_home"] = true
	for i := range m.disks {
		file := m.diskPath(i)[len(m.name)+1:]
		rows = append(rows, m.diskRow(firstKey+i, fmt.Sprintf("Hard disk %d", i+1), file, diskSize>>10))
	}
	return rows
}

func (m *machine) diskRow(key int, label, file string, kilobytes int64) object {
	ds := m.site.datastores[0]
	return object{
		"vm_id": m.id, "device_key": key, "is_vm_home": false, "encrypted": false, "capacity": kilobytes,
		"source_disk_format": "THIN", "label": label, "controller_key": 1000, "controller_label": "SCSI controller 0",
		"source_path": object{
			"datastore_id": ds.id, "datastore_name": ds.name, "path": m.name, "filename": file,
		},
		"source_storage_policy_name": policyNames[0],
		"source_storage_policy_id":   StoragePolicyID(m.site.name, policyNames[0]),
		"supported_for_replication":  true,
	}
}

// validation says why a machine cannot be replicated, or OK.
func (w *world) validation(m *machine) string {
	switch {
	case m.template:
		return "IS_VM_TEMPLATE"
	case w.replicationOf(m) != nil:
		return "ALREADY_CONFIGURED"
	default:
		return "OK"
	}
}
