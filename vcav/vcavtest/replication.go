package vcavtest

import (
	"slices"
	"strings"
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
	RPO             int               // in minutes; default: that of the profile, or 240
	Retention       []RetentionRule   // default: that of the profile, or 4 at 360 minutes; empty but not nil: none
	DataConnection  string            // type; default: that of the profile, or ENCRYPTED_COMPRESSED
	Unquiesced      bool              // whether the guest is left as it is
	StorageProfile  string            // default: "*", which means any
	ExcludedDisks   []int             // device keys
	Metadata        map[string]string // nil: none, sent as null
	Unsynced        bool              // no instance exists: it has never synced, or not since a reverse
	Instances       []string          // keys, oldest first; default: one, unless Unsynced

	Recovery     string // found: NOT_STARTED, IN_PROGRESS, TEST or COMPLETE
	Reversed     bool   // found
	PoweredOn    bool   // found: whether the last recovery asked to power on the machine
	RecoveredVM  string // found: id of the machine that the last recovery made; empty: none
	RecoveredKey string // found: key of the instance that it was made from
}

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
	profile           *slaProfile // or nil
	settings          settings
	description       string
	initialSync       int64 // in milliseconds, as the client gave it
	storageProfile    string
	excluded          []int
	startup           startupBody
	metadata          map[string]string
	machine           *machine // at the source
	instances         []instance
	sequence          int // of the last instance
	lastUpdated       time.Time
	active            *task     // unfinished one, or nil
	syncsItself       bool      // whether the appliance begins an initial synchronization
	firstSync         *span     // the initial synchronization that the appliance began by itself, or nil
	since             time.Time // when it was started; zero if it was there from the beginning

	recovery      string
	recoveredVApp string
	recoveredVM   string
	recoveredKey  string
	poweredOn     bool
}

// span is a time of work.
type span struct{ begin, end time.Time }

type instance struct {
	key       string
	sequence  int
	timestamp time.Time
	bytes     int64 // transferred
	disks     []int // keys
}

// ownedByAdmin reports whether Cloud Director's administrators own the replication.
func (r *replication) ownedByAdmin() bool { return strings.HasPrefix(r.owner, systemOrg+"@") }

// addInstance is what a sync leaves behind.
func (r *replication) addInstance(key string, at time.Time) {
	r.sequence++
	r.instances = append(r.instances, instance{
		key: key, sequence: r.sequence, timestamp: at, bytes: int64(r.sequence) * 256 << 10,
		disks: remaining(r.machine, r.excluded),
	})
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

// syncing returns how far a synchronization is, in percent, if one is under way.
func (r *replication) syncing(now time.Time) (percent int, under bool) {
	switch {
	case r.runs(now, typeSync):
		return r.active.progress(now), true
	case r.firstSync != nil && !now.Before(r.firstSync.begin):
		return percentOf(r.firstSync.begin, r.firstSync.end, now), true
	default:
		return 0, false
	}
}

// recoveryState is the state of the recovery as it shows at a moment.
func (r *replication) recoveryState(now time.Time) string {
	if r.runs(now, typeFailover, typeTest, typeMigrate) {
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
		Paused: r.paused, Migration: r.migration, Description: r.description, RPO: r.settings.rpo,
		Retention: slices.Clone(r.settings.retention), DataConnection: r.settings.connection,
		Unquiesced: !r.settings.quiesced, StorageProfile: r.storageProfile, ExcludedDisks: slices.Clone(r.excluded),
		Metadata: r.metadata, Unsynced: len(r.instances) == 0, Recovery: r.recoveryState(now),
		Reversed: r.reversed, PoweredOn: r.poweredOn, RecoveredVM: r.recoveredVM, RecoveredKey: r.recoveredKey,
	}
	if r.profile != nil {
		shown.SLAProfile = r.profile.name
	}
	for _, i := range r.instances {
		shown.Instances = append(shown.Instances, i.key)
	}
	return shown
}
