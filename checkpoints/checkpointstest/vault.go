package checkpointstest

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// States of a vault, as billing.status has them.
const (
	VaultAvailable = "available"
	VaultLock      = "lock"
	VaultFrozen    = "frozen"
	VaultDeleting  = "deleting"
	VaultError     = "error"
)

// States of a resource in a vault, as protect_status has them.
const (
	protectAvailable  = "available"
	protectError      = "error"
	protectProtecting = "protecting"
	protectRestoring  = "restoring"
	protectRemoving   = "removing"
)

// Vault is a vault that is there from the beginning, and what [Server.Vault] finds.
type Vault struct {
	ID          string            // empty: made from the name, as by [VaultID]
	Name        string            // as it is shown
	Project     string            // id of the project; empty: that of the server
	ObjectType  string            // [ObjectServer] by default
	ProtectType string            // [ProtectBackup] by default
	SizeGB      int               // 1000 by default
	Status      string            // [VaultAvailable] by default
	Locked      bool              // whether automatic backups must not be deleted
	Resources   []string          // ids of what it protects
	Tags        map[string]string // value by key

	UsedMB   int      // what backups take; only found
	Backups  int      // how many there are, without those of single disks of a server; only found
	Policies []string // ids of those that are applied; only found
}

// vault is the state of one vault.
type vault struct {
	id, name, description string
	project               *project
	objectType            string
	protectType           string
	cloudType             string
	consistentLevel       string
	chargingMode          string
	status                string
	sizeGB                int
	members               []*membership
	tags                  []tagBody
	autoBind              bool
	bindRules             []tagBody
	userID                string
	created               time.Time
	autoExpand, locked    bool
	smnNotify             bool
	threshold             int
	enterpriseProject     string
	zone, prefix, orderID string
	demandBilling         bool
	policies              []*application
	replicating           int // replications from here that have not ended
	restoring             int // restores that have not ended
	synchronizing         bool
	deleted               bool
}

// membership is a resource in a vault.
type membership struct {
	resource    *resource
	excluded    []string // disks of a server that are left out
	pending     bool     // it does not show yet
	removing    bool
	protecting  int // backups under way
	failed      bool
	autoProtect bool
}

// status as protect_status has it.
func (m *membership) status() string {
	switch {
	case m.removing:
		return protectRemoving
	case m.resource.restoring:
		return protectRestoring
	case m.protecting > 0:
		return protectProtecting
	case m.failed:
		return protectError
	default:
		return protectAvailable
	}
}

// member returns the membership of a resource, or nil.
func (v *vault) member(id string) *membership {
	for _, m := range v.members {
		if m.resource.id == id {
			return m
		}
	}
	return nil
}

func (v *vault) provider() string { return providers[v.objectType] }

// usable reports whether backups can be put back from a vault, and resources moved.
func (v *vault) usable() bool { return v.status == VaultAvailable || v.status == VaultLock }

// backingUp reports whether a backup is under way.
func (v *vault) backingUp() bool {
	return slices.ContainsFunc(v.members, func(m *membership) bool { return m.protecting > 0 })
}

// busy reports whether anything is under way.
func (v *vault) busy() bool {
	changing := func(m *membership) bool { return m.pending || m.removing }
	return v.backingUp() || v.replicating > 0 || v.restoring > 0 || slices.ContainsFunc(v.members, changing)
}

// contents are the backups in a vault, without those of single disks of a server.
func (r *region) contents(v *vault) []*backup {
	return r.backups.matching(func(b *backup) bool { return b.vault == v && b.parent == nil })
}

// usedMB is what the backups in a vault take.
func (r *region) usedMB(v *vault) int {
	total := 0
	for _, b := range r.contents(v) {
		total += b.takesMB
	}
	return total
}

// allocatedGB is the size of what a vault protects.
func (v *vault) allocatedGB() int {
	total := 0
	for _, m := range v.members {
		if !m.pending {
			total += m.resource.size()
		}
	}
	return total
}

// addVault adds a vault that is there from the beginning.
func (r *region) addVault(given Vault) (*vault, error) {
	if given.Name == "" {
		return nil, errors.New("a vault has no Name")
	}
	id, err := r.cloud.claim(or(given.ID, VaultID(given.Name)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", given.Name, err)
	}
	in := r.projects[0]
	if given.Project != "" {
		if in = r.project(given.Project); in == nil {
			return nil, fmt.Errorf("%s: there is no project %s", given.Name, given.Project)
		}
	}
	made := &vault{
		id: id, name: given.Name, project: in, objectType: or(given.ObjectType, ObjectServer),
		protectType: or(given.ProtectType, ProtectBackup), cloudType: "public", consistentLevel: "crash_consistent",
		chargingMode: "post_paid", status: or(given.Status, VaultAvailable), sizeGB: given.SizeGB, locked: given.Locked,
		userID: plainID("user", in.domain.name), created: r.cloud.now, smnNotify: true, threshold: 80, enterpriseProject: "0",
	}
	if made.sizeGB == 0 {
		made.sizeGB = 1000
	}
	if made.protectType == ProtectHybrid {
		made.cloudType = "hybrid"
	}
	known := made.protectType == ProtectBackup || made.protectType == ProtectReplication || made.protectType == ProtectHybrid && r.hwc()
	if providers[made.objectType] == "" || !known {
		return nil, fmt.Errorf("%s: a vault of %s for %s is not simulated", given.Name, made.objectType, made.protectType)
	}
	for _, key := range sortedKeys(given.Tags) {
		made.tags = append(made.tags, tagBody{Key: key, Value: given.Tags[key]})
	}
	for _, resourceID := range given.Resources {
		known := r.resources.byID[resourceID]
		if known == nil || objectType(known.kind) != made.objectType || r.vaultOf(known) != nil {
			return nil, fmt.Errorf("%s: the resource %s is not there, of another type or in another vault", given.Name, resourceID)
		}
		made.members = append(made.members, &membership{resource: known, autoProtect: true})
	}
	r.vaults.put(id, made)
	return made, nil
}

// vaultOf returns the vault that protects a resource, or nil.
func (r *region) vaultOf(of *resource) *vault {
	for _, v := range r.vaults.all {
		if v.member(of.id) != nil {
			return v
		}
	}
	return nil
}

func (r *region) snapshotVault(v *vault) Vault {
	shown := Vault{
		ID: v.id, Name: v.name, Project: v.project.id, ObjectType: v.objectType, ProtectType: v.protectType, SizeGB: v.sizeGB,
		Status: v.status, Locked: v.locked, UsedMB: r.usedMB(v), Backups: len(r.contents(v)), Tags: map[string]string{},
	}
	for _, m := range v.members {
		if !m.pending {
			shown.Resources = append(shown.Resources, m.resource.id)
		}
	}
	for _, tag := range v.tags {
		shown.Tags[tag.Key] = tag.Value
	}
	for _, applied := range v.policies {
		shown.Policies = append(shown.Policies, applied.policy.id)
	}
	return shown
}
