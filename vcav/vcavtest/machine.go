package vcavtest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Machine is one virtual machine: as [Machines] makes it, and as [Server.Machine] finds it. Only Name is
// needed to make one; members marked "found" are not looked at then. The machines that [Protect] names need
// not be made: they are there and powered on.
type Machine struct {
	ID         string    // default: [MachineID] of Name; on premises something like "vm-4711"
	Name       string    // must be set
	Site       string    // default: the first remote site
	Org        string    // default: the first one of the site; none on premises
	VApp       string    // name of its vApp; default: Name
	PoweredOff bool      // whether it is off
	Disks      []int     // device keys; default: 1000 and 2000
	Hardware   *Hardware // default: 4 CPUs of one core, 8192 MB of memory, 10240 MB of disks

	Replication string // found: id of the replication whose source it is; empty: none
}

// Hardware is what the appliance knows of the hardware of a machine. What is zero is not known to it, which
// shows as -1 or null.
//
// Source: Cloud Director Availability API guide, "Get the Hardware Information of a Replicated VM".
type Hardware struct {
	CPUs           int // unknown: -1
	CoresPerSocket int // unknown: null
	MemoryMB       int // unknown: -1
	StorageMB      int // unknown: null
}

// Machines adds virtual machines that no replication protects yet, so that one can be started for them, or
// that can be seeds, which must be off. There are none by default.
func Machines(machines ...Machine) Option {
	return func(c *config) error {
		c.machines = append(c.machines, machines...)
		return nil
	}
}

// machine is the state of one virtual machine.
type machine struct {
	id, name  string
	org       string
	vapp      string
	poweredOn bool
	disks     []int
	hardware  Hardware
	source    *replication // whose source it is, or nil
}

func usualDisks() []int { return []int{1000, 2000} }

func usualHardware() Hardware {
	return Hardware{CPUs: 4, CoresPerSocket: 1, MemoryMB: 8192, StorageMB: 10240}
}

func (s *site) addMachine(m *machine) {
	s.machines[m.id] = m
	s.shelf = append(s.shelf, m)
}

func (s *site) removeMachine(m *machine) {
	delete(s.machines, m.id)
	s.shelf = slices.DeleteFunc(s.shelf, func(other *machine) bool { return other == m })
}

// usualMachineID is the id of a machine that names none.
func (s *site) usualMachineID(name string) string {
	if s.onPremises {
		return stableMoref(name)
	}
	return MachineID(name)
}

// freshMachineID is the id of a machine that a recovery makes.
func (s *site) freshMachineID() string {
	if s.onPremises {
		s.morefs++
		return "vm-" + strconv.Itoa(9_000_000+s.morefs)
	}
	return freshID()
}

func (a *appliance) addMachine(given Machine) error {
	if given.Name == "" {
		return errors.New("a machine has no Name")
	}
	place, err := a.end(given.Site, a.sites[1].name, given.Org)
	if err != nil {
		return fmt.Errorf("%s: %w", given.Name, err)
	}
	m := &machine{
		id: or(given.ID, place.site.usualMachineID(given.Name)), name: given.Name, org: place.org,
		vapp: or(given.VApp, given.Name), poweredOn: !given.PoweredOff, disks: given.Disks, hardware: usualHardware(),
	}
	if m.disks == nil {
		m.disks = usualDisks()
	}
	if given.Hardware != nil {
		m.hardware = *given.Hardware
	}
	if place.site.machines[m.id] != nil {
		return fmt.Errorf("%s: the site %s has two machines with the id %s", given.Name, place.site.name, m.id)
	}
	place.site.addMachine(m)
	return nil
}

func (s *site) snapshotOf(m *machine) Machine {
	hardware := m.hardware
	shown := Machine{
		ID: m.id, Name: m.name, Site: s.name, Org: m.org, VApp: m.vapp, PoweredOff: !m.poweredOn,
		Disks: slices.Clone(m.disks), Hardware: &hardware,
	}
	if m.source != nil {
		shown.Replication = m.source.id
	}
	return shown
}

// Machines returns all machines of all sites as they are now: those that replications protect, those that
// recoveries and tests have made and those that [Machines] added.
func (s *Server) Machines() []Machine {
	a := s.lock()
	defer a.mu.Unlock()
	var found []Machine
	for _, place := range a.sites {
		for _, m := range place.shelf {
			found = append(found, place.snapshotOf(m))
		}
	}
	return found
}

// Machine returns a machine as it is now, or the zero Machine if the site has none with that id.
func (s *Server) Machine(site, id string) Machine {
	a := s.lock()
	defer a.mu.Unlock()
	place := a.site(site)
	if place == nil || place.machines[id] == nil {
		return Machine{}
	}
	return place.snapshotOf(place.machines[id])
}

// AddMachine adds a machine as [Machines] does, while the server runs.
func (s *Server) AddMachine(m Machine) error {
	a := s.lock()
	defer a.mu.Unlock()
	if err := a.addMachine(m); err != nil {
		return fmt.Errorf("vcavtest: AddMachine: %w", err)
	}
	return nil
}

// PowerMachine switches a machine on or off, as somebody in Cloud Director or vCenter Server could. A
// protected machine that is switched on and has never synced begins its initial synchronization.
func (s *Server) PowerMachine(site, id string, on bool) {
	a := s.lock()
	defer a.mu.Unlock()
	place := a.site(site)
	if place == nil || place.machines[id] == nil {
		s.kit.Complain("PowerMachine: the site %q has no machine %q", site, id)
		return
	}
	m := place.machines[id]
	m.poweredOn = on
	if m.source != nil && a.byID[m.source.id] == m.source {
		a.syncAtFirst(m.source, a.now)
	}
}

// virtualHardwareBody mixes its ways to say that something is not known, as the guide has it.
type virtualHardwareBody struct {
	CPUs           int  `json:"cpus"`
	CoresPerSocket *int `json:"coresPerSocket"`
	MemoryMB       int  `json:"memoryMB"`
	StorageMB      *int `json:"storageMB"`
}

func (a *appliance) virtualHardware(call *simkit.Call, v *visit) (any, error) {
	r, err := a.find(call, v)
	if err != nil {
		return nil, err
	}
	known := r.machine.hardware
	body := virtualHardwareBody{CPUs: known.CPUs, MemoryMB: known.MemoryMB}
	if known.CPUs == 0 {
		body.CPUs = -1
	}
	if known.MemoryMB == 0 {
		body.MemoryMB = -1
	}
	if known.CoresPerSocket != 0 {
		body.CoresPerSocket = &known.CoresPerSocket
	}
	if known.StorageMB != 0 {
		body.StorageMB = &known.StorageMB
	}
	return body, nil
}

// machineAt finds the machine of a request at a site, if the session may touch it.
func (v *visit) machineAt(s *site, id string) (*machine, error) {
	m := s.machines[id]
	if m == nil || !v.touches(s, m.org) {
		return nil, refuse(http.StatusNotFound, CodeMachineNotFound, "VM with id '%s' was not found at site '%s'.", id, s.name)
	}
	return m, nil
}
