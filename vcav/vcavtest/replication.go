package vcavtest

import (
	"slices"
	"time"
)

// States of a replication's recovery.
const (
	RecoveryNotStarted = "NOT_STARTED"
	RecoveryInProgress = "IN_PROGRESS" // only while a failover or a test failover runs
	RecoveryTest       = "TEST"
	RecoveryComplete   = "COMPLETE"
)

// Replication is one VM replication: as [Protect] makes it, and as [Server.Replication] finds it. Only
// VMName is needed to make one; members marked "found" are not looked at then.
type Replication struct {
	ID              string            // default: [ReplicationID] of VMName
	VMName          string            // must be set
	VMID            string            // machine at the source; default: made from VMName
	VApp            string            // name of the source vApp; default: VMName
	Owner           string            // org@site; default: SourceOrg@SourceSite
	SourceSite      string            // default: the first remote site
	SourceOrg       string            // default: the first one of the source site
	DestinationSite string            // default: the local site
	DestinationOrg  string            // default: the first one of the destination site
	Paused          bool              // whether it is paused
	Migration       bool              // whether it is a migration instead of a protection
	SLAProfile      string            // display name; empty: none
	Description     string            // of the replication's settings
	Metadata        map[string]string // nil: none, sent as null
	Unsynced        bool              // no instance exists: it has never synced, or not since a reverse
	Instances       []string          // keys, oldest first; default: one, unless Unsynced

	Recovery     string // found: NOT_STARTED, IN_PROGRESS, TEST or COMPLETE
	Reversed     bool   // found
	PoweredOn    bool   // found: whether the last recovery asked to power on the machine
	RecoveredVM  string // found: id of the machine that the last recovery made; empty: none
	RecoveredKey string // found: key of the instance that it was made from
}

// site is a place where machines are.
type site struct {
	name       string
	orgs       []string
	onPremises bool
}

// kind is what filters call the type of a site.
func (s *site) kind() string {
	if s.onPremises {
		return "vcenter"
	}
	return "vcloud"
}

// end is one end of a replication.
type end struct {
	site     *site
	org      string // empty on premises
	vappID   string
	vappName string
}

func (e end) vdcID() string {
	if e.org == "" {
		return ""
	}
	return stableID("vdc", e.site.name, e.org)
}

func (e end) vdcName() string {
	if e.org == "" {
		return ""
	}
	return e.org + " data center"
}

// vimServerID is the instance UUID of the vCenter Server behind a site.
func (e end) vimServerID() string { return stableID("vim-instance", e.site.name) }

func (e end) datastoreMoref() string { return "datastore-7" }

// replication is the state of one VM replication.
type replication struct {
	id, vmID, vmName  string
	owner             string
	vappReplicationID string
	source            end
	destination       end
	paused            bool
	migration         bool
	reversed          bool
	slaProfile        string
	description       string
	metadata          map[string]string
	instances         []instance
	sequence          int // of the last instance
	created           int // order of creation
	lastUpdated       time.Time
	active            *task // unfinished one, or nil

	recovery      string
	recoveredVApp string
	recoveredVM   string
	recoveredKey  string
	poweredOn     bool
}

type instance struct {
	key       string
	sequence  int
	timestamp time.Time
	disks     int64 // bytes transferred
}

// addInstance is what a sync leaves behind.
func (r *replication) addInstance(key string, at time.Time) {
	r.sequence++
	r.instances = append(r.instances, instance{key: key, sequence: r.sequence, timestamp: at, disks: int64(r.sequence) * 256 << 10})
}

// latest returns the newest instance; the caller knows that there is one.
func (r *replication) latest() instance { return r.instances[len(r.instances)-1] }

func (r *replication) hasInstance(key string) bool {
	return slices.ContainsFunc(r.instances, func(i instance) bool { return i.key == key })
}

// at reports whether the replication is known at a site.
func (r *replication) at(s *site) bool { return r.source.site == s || r.destination.site == s }

// runs reports whether a task of one of these types is working on the replication, and not only queued.
func (r *replication) runs(now time.Time, types ...string) bool {
	return r.active != nil && slices.Contains(types, r.active.kind) && r.active.state(now) == stateRunning
}

// recoveryState is the state of the recovery as it shows at a moment.
func (r *replication) recoveryState(now time.Time) string {
	if r.runs(now, typeFailover, typeTest) {
		return RecoveryInProgress
	}
	return r.recovery
}

// snapshot shows the replication to tests.
func (r *replication) snapshot(now time.Time) Replication {
	shown := Replication{
		ID: r.id, VMName: r.vmName, VMID: r.vmID, VApp: r.source.vappName, Owner: r.owner,
		SourceSite: r.source.site.name, SourceOrg: r.source.org,
		DestinationSite: r.destination.site.name, DestinationOrg: r.destination.org,
		Paused: r.paused, Migration: r.migration, SLAProfile: r.slaProfile, Description: r.description,
		Metadata: r.metadata, Unsynced: len(r.instances) == 0, Recovery: r.recoveryState(now),
		Reversed: r.reversed, PoweredOn: r.poweredOn, RecoveredVM: r.recoveredVM, RecoveredKey: r.recoveredKey,
	}
	for _, i := range r.instances {
		shown.Instances = append(shown.Instances, i.key)
	}
	return shown
}
