package vcavtest

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"github.com/drkit-go/drkit/internal/simkit"
)

// ReplicationID returns the id that a replication has unless its [Replication] names another: "C4-" and a
// UUID made from the name of its machine, so that it is the same in every run.
func ReplicationID(vmName string) string { return "C4-" + stableID("vm-replication", vmName) }

// MachineID returns the id that a machine of a cloud site has unless its [Machine] or [Replication] names
// another.
func MachineID(name string) string { return stableID("vm", name) }

// VDCID returns the id of an organization's virtual data center, which replications to that organization
// name as their destination. Every organization has one.
func VDCID(site, org string) string { return stableID("vdc", site, org) }

// VCenterID returns the instance UUID of the vCenter Server behind a site, which replications from or to
// on premises name.
func VCenterID(site string) string { return stableID("vim-instance", site) }

// SLAProfileID returns the id of the SLA profile of a name.
func SLAProfileID(displayName string) string { return stableID("sla-profile", displayName) }

// PolicyID returns the id that a policy has unless its [Policy] names another.
func PolicyID(displayName string) string { return stableID("policy", displayName) }

// stableMoref makes the id that a machine of a vCenter Server has, as in "vm-4711", from its name.
func stableMoref(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "vm-" + strconv.Itoa(1000+int(binary.BigEndian.Uint32(sum[:])%1_000_000))
}

func stableID(names ...string) string { return simkit.StableID(names...) }

func freshID() string { return simkit.FreshID() }

// freshToken makes a session token. Like real ones it is base64; every one of ours has all the characters
// that clients get wrong: plus, slash and the equals sign.
func freshToken() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw)
	copy(raw, []byte{0xfb, 0xff, 0xbf}) // "+/+/"
	return base64.StdEncoding.EncodeToString(raw)
}
