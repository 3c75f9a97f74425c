package vcav

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
)

// ReplicationSource is the machine that is replicated: [VMSource] of a Cloud Director site, or
// [VCVMSource] of an on-premises site.
type ReplicationSource interface {
	checker
	replicationSource()
}

// ReplicationDestination is the place that a machine is replicated to: [CloudDestination] or, with a
// seed, [VMDestination] of a Cloud Director site; [VCDestination] or, with a seed, [VCVMDestination] of an
// on-premises site.
type ReplicationDestination interface {
	checker
	replicationDestination()
}

func (VMSource) replicationSource()   {}
func (VCVMSource) replicationSource() {}

func (CloudDestination) replicationDestination() {}
func (VMDestination) replicationDestination()    {}
func (VCDestination) replicationDestination()    {}
func (VCVMDestination) replicationDestination()  {}

func (r ReplicationStart) check() error {
	switch {
	case isNil(r.Source):
		return errors.New("source is nil")
	case isNil(r.Destination):
		return errors.New("destination is nil")
	}
	if err := r.Source.check(); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if err := r.Destination.check(); err != nil {
		return fmt.Errorf("destination: %w", err)
	}
	if onPremises(r.Source) && onPremises(r.Destination) {
		return errors.New("source and destination are both on premises: one of them is a Cloud Director site")
	}
	return checkProfile(r.SLAProfileID)
}

// onPremises reports whether one end of a replication is at an on-premises site.
func onPremises(end any) bool {
	switch end.(type) {
	case VCVMSource, *VCVMSource, VCDestination, *VCDestination, VCVMDestination, *VCVMDestination:
		return true
	default:
		return false
	}
}

func (s VMSource) check() error {
	return cmp.Or(checkSet("Site", s.Site), checkID("VMID", s.VMID, "vm"))
}

func (s VCVMSource) check() error {
	return cmp.Or(checkSet("Site", s.Site), checkSet("VCUUID", s.VCUUID), checkMoref("VMID", s.VMID))
}

func (d CloudDestination) check() error {
	return cmp.Or(checkSet("Site", d.Site), checkID("VDC", d.VDC, "vdc"), checkStorage(d.StorageProfile))
}

func (d VMDestination) check() error {
	return cmp.Or(checkSet("Site", d.Site), checkID("VDC", d.VDC, "vdc"), checkStorage(d.StorageProfile),
		checkID("SeedVMID", d.SeedVMID, "vm"))
}

func (d VCDestination) check() error { return checkSet("Site", d.Site) }

func (d VCVMDestination) check() error {
	return cmp.Or(checkSet("Site", d.Site), checkSet("SeedVM.VCID", d.SeedVM.VCID),
		checkMoref("SeedVM.MoID", d.SeedVM.MoID))
}

func checkSet(field, value string) error {
	if strings.TrimSpace(value) == "" {
		return errors.New(field + " is empty")
	}
	return nil
}

// checkID refuses what cannot be the id of something of Cloud Director, with or without its urn.
func checkID(field, id, kind string) error {
	urn, isURN := cutFold(id, "urn:")
	if !isURN {
		return checkSet(field, id)
	}
	rest, isID := cutFold(urn, "vcloud:")
	got, bare, _ := strings.Cut(rest, ":")
	switch {
	case !isID || strings.TrimSpace(bare) == "":
		return fmt.Errorf("%s is %q, which is no id of Cloud Director", field, id)
	case !strings.EqualFold(got, kind):
		return fmt.Errorf("%s is %q, which is the id of no %s", field, id, kind)
	}
	return nil
}

// checkMoref refuses what cannot be the id of a machine in vCenter Server.
func checkMoref(field, id string) error {
	if _, isURN := cutFold(id, "urn:"); isURN {
		return fmt.Errorf("%s is %q, an id of Cloud Director: vCenter Server has ids such as vm-42", field, id)
	}
	return checkSet(field, id)
}

func checkStorage(profile drkit.Opt[string]) error {
	id, set := profile.Get()
	if !set {
		return nil
	}
	return checkID("StorageProfile", id, "vdcstorageProfile")
}

func checkProfile(profile drkit.Opt[string]) error {
	if id, set := profile.Get(); set {
		return checkSet("SLAProfileID", id)
	}
	return nil
}

// bareID cuts the urn that Cloud Director puts before its ids, as in "urn:vcloud:vm:": this service
// takes them without.
func bareID(id string) string {
	if _, isURN := cutFold(id, "urn:vcloud:"); isURN {
		return id[strings.LastIndexByte(id, ':')+1:]
	}
	return id
}

func bareProfile(profile drkit.Opt[string]) drkit.Opt[string] {
	if id, set := profile.Get(); set {
		return drkit.Some(bareID(id))
	}
	return profile
}

// cutFold cuts a prefix whatever its case.
func cutFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// MarshalJSON writes the source with its type, and the machine's id without its urn.
func (s VMSource) MarshalJSON() ([]byte, error) {
	type members VMSource
	s.VMID = bareID(s.VMID)
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vm", members(s)})
}

// MarshalJSON writes the source with its type.
func (s VCVMSource) MarshalJSON() ([]byte, error) {
	type members VCVMSource
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcVm", members(s)})
}

// MarshalJSON writes the destination with its type, and ids without their urn.
func (d CloudDestination) MarshalJSON() ([]byte, error) {
	type members CloudDestination
	d.VDC, d.StorageProfile = bareID(d.VDC), bareProfile(d.StorageProfile)
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcloud", members(d)})
}

// MarshalJSON writes the destination with its type, and ids without their urn.
func (d VMDestination) MarshalJSON() ([]byte, error) {
	type members VMDestination
	d.VDC, d.StorageProfile, d.SeedVMID = bareID(d.VDC), bareProfile(d.StorageProfile), bareID(d.SeedVMID)
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vm", members(d)})
}

// MarshalJSON writes the destination with its type.
func (d VCDestination) MarshalJSON() ([]byte, error) {
	type members VCDestination
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vc", members(d)})
}

// MarshalJSON writes the destination with its type.
func (d VCVMDestination) MarshalJSON() ([]byte, error) {
	type members VCVMDestination
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcVm", members(d)})
}

// MarshalJSON writes no rules as an empty list, because the service takes no null for one.
func (p RetentionPolicy) MarshalJSON() ([]byte, error) {
	type members RetentionPolicy
	if p.Rules == nil {
		p.Rules = []RetentionRule{}
	}
	return json.Marshal(members(p))
}
