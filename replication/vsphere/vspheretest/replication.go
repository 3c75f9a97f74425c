package vspheretest

import (
	"fmt"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Replication is one replication: as an option sets it up, and as [Pair.Replication] finds it.
type Replication struct {
	VMName    string // of the machine; must be set. One of this name is added to the source unless [Machines] has it
	Reversed  bool   // from the recovery site to the protected one
	RPO       int    // in minutes; default: 60
	Instances int    // points in time that are kept besides the latest; default: 3, and -1 for none
	Paused    bool   // whether nothing is transferred until it is resumed
	Unsynced  bool   // whether nothing has been transferred yet
	// RecoverySolution is who manages the replication, as in "com.vmware.vcDr" for Site Recovery; empty: nobody.
	RecoverySolution string

	// What follows is not to be set.

	ID       string     // as [ReplicationID] makes it
	Status   string     // as the recovery site shows it, such as OK or PAUSED
	LastSync time.Time  // zero: never
	Points   []Instance // the oldest first
	Image    *Image     // nil: there is none
}

// Instance is a point in time to which a machine can be recovered.
type Instance struct {
	ID       string    // a UUID
	Time     time.Time // when its transfer began
	Promoted bool      // whether recoveries prefer it
}

// Image is the active image of a replication.
type Image struct {
	ID         string // a UUID
	InstanceID string // of the point in time that it was made from
	TestBubble bool   // else it is one of a failover
	MachineID  string // of the machine that runs on it
}

const (
	usualRPO       = 60
	usualInstances = 3
)

// settings are what a configuration and a reconfiguration say.
type settings struct {
	rpo         int // in minutes
	quiesce     bool
	compression bool
	mpit        bool
	instances   int // a day
	days        int // 0: instances counts them all
	newDisks    bool
	encryption  bool
	dataSets    bool
	enhanced    bool
}

// replication is the state of one replication. Both sites share it; each can forget its half.
type replication struct {
	world    *world
	id       string
	machine  *machine
	target   *site
	atSource bool // whether the source site knows it
	atTarget bool
	settings settings
	server   *replicationServer
	disks    []replicaDisk
	solution string

	configuring bool
	active      *task // that works on it
	paused      bool
	stalled     bool   // transfers do not come through
	shown       string // a status in place of its own; empty: its own
	broken      string // the last error of its transfers; empty: none
	syncing     *span
	lastSync    time.Time // zero: never
	instances   []*instance
	made        int // instances so far, those that are gone included
	image       *image
}

// span is a transfer under way.
type span struct {
	status     string // INITIAL_FULL_SYNC or SYNC
	begin, end time.Time
}

type instance struct {
	id       string
	at       time.Time
	promoted bool
}

type image struct {
	id       string
	instance *instance
	at       time.Time
	test     bool
	machine  *machine
}

// replicaDisk is where the copy of one disk is.
type replicaDisk struct {
	key       int
	enabled   bool
	datastore *datastore
	path      string
	policy    string // id; empty: that of the datastore
	format    string
}

func (w *world) protect(given Replication) error {
	source, target := w.protected, w.recovery
	if given.Reversed {
		source, target = target, source
	}
	switch {
	case given.VMName == "":
		return fmt.Errorf("a replication has no VMName")
	case given.RPO < 0 || given.Instances < -1:
		return fmt.Errorf("%s: an RPO of %d minutes or %d instances make no sense", given.VMName, given.RPO, given.Instances)
	case w.recovery.pairing == nil:
		return fmt.Errorf("%s: the sites are not paired", given.VMName)
	}
	m := source.machine(MachineID(source.name, given.VMName))
	if m == nil {
		m = source.addMachine(given.VMName, 1, true)
	}
	if other := w.replicationOf(m); other != nil {
		return fmt.Errorf("there are two replications of %s", given.VMName)
	}
	r := w.newReplication(m, target)
	r.solution, r.settings = given.RecoverySolution, settings{rpo: given.RPO, mpit: true, instances: given.Instances}
	if r.settings.rpo == 0 {
		r.settings.rpo = usualRPO
	}
	switch given.Instances {
	case 0:
		r.settings.instances = usualInstances
	case -1:
		r.settings.mpit, r.settings.instances = false, 0
	}
	for i := range m.disks {
		r.disks = append(r.disks, replicaDisk{
			key: firstKey + i, enabled: true, datastore: target.datastores[0], path: m.replicaPath(target, firstKey+i), format: "SAME_AS_SOURCE",
		})
	}
	r.layDown()
	w.replications = append(w.replications, r)
	if !given.Unsynced {
		for back := r.kept() - 1; back >= 0; back-- {
			r.addInstance(w.now.Add(-time.Duration(back) * r.rpo()))
		}
		r.lastSync = w.now
	}
	r.paused = given.Paused
	r.wake(w.now)
	return nil
}

func (w *world) newReplication(m *machine, target *site) *replication {
	r := &replication{
		world: w, id: ReplicationID(m.name), machine: m, target: target, atSource: true, atTarget: true,
		server: target.servers[0],
	}
	if w.deeds.replications.Has(r.id) {
		r.id = "GID-" + simkit.FreshID()
	}
	w.deeds.of(r)
	return r
}

// source is the site where the machine runs.
func (r *replication) source() *site { return r.machine.site }

func (r *replication) rpo() time.Duration { return time.Duration(r.settings.rpo) * time.Minute }

func (r *replication) knownAt(s *site) bool {
	return r.atSource && s == r.source() || r.atTarget && s == r.target
}

// kept is how many instances are kept, the latest included.
func (r *replication) kept() int {
	if !r.settings.mpit {
		return 1
	}
	return 1 + r.settings.instances*max(1, r.settings.days)
}

// layDown makes the files of the copies at the target.
func (r *replication) layDown() {
	for _, d := range r.disks {
		if d.enabled {
			d.datastore.add(d.path, diskSize)
		}
	}
}

// clear removes the files of the copies at the target.
func (r *replication) clear() {
	for _, d := range r.disks {
		d.datastore.remove(d.path)
	}
}

// addInstance makes a point in time, and lets go of the oldest that are too many.
func (r *replication) addInstance(at time.Time) *instance {
	r.made++
	added := &instance{id: simkit.StableID("instance", r.id, fmt.Sprint(r.made)), at: at}
	r.instances = append(r.instances, added)
	r.prune()
	return added
}

// prune keeps the latest instance, the promoted one and the one that an image needs besides those that the settings
// keep.
func (r *replication) prune() {
	excess := -r.kept()
	for _, i := range r.instances {
		if !r.needs(i) {
			excess++
		}
	}
	r.instances = slices.DeleteFunc(r.instances, func(i *instance) bool {
		if excess <= 0 || r.needs(i) {
			return false
		}
		excess--
		return true
	})
}

// needs reports whether an instance stays however old it is.
func (r *replication) needs(i *instance) bool {
	return i.promoted || (r.image != nil && r.image.instance == i)
}

// latest is what a recovery without a choice takes, or nil.
func (r *replication) latest() *instance {
	if len(r.instances) == 0 {
		return nil
	}
	return r.instances[len(r.instances)-1]
}

func (r *replication) promoted() *instance {
	for _, i := range r.instances {
		if i.promoted {
			return i
		}
	}
	return nil
}

func (r *replication) instance(id string) *instance {
	for _, i := range r.instances {
		if i.id == id {
			return i
		}
	}
	return nil
}

func (r *replication) snapshot() Replication {
	shown := Replication{
		VMName: r.machine.name, Reversed: r.source() != r.world.protected, RPO: r.settings.rpo, Instances: r.settings.instances,
		Paused: r.paused, Unsynced: r.lastSync.IsZero(), RecoverySolution: r.solution,
		ID: r.id, Status: r.status(), LastSync: r.lastSync,
	}
	if !r.settings.mpit {
		shown.Instances = -1
	}
	for _, i := range r.instances {
		shown.Points = append(shown.Points, Instance{ID: i.id, Time: i.at, Promoted: i.promoted})
	}
	if r.image != nil {
		shown.Image = &Image{ID: r.image.id, InstanceID: r.image.instance.id, TestBubble: r.image.test, MachineID: r.image.machine.id}
	}
	return shown
}
