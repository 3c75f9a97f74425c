package vcav

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/drkit-go/drkit"
)

// SourceReconfigure is a change at an on-premises source: [VCVMReconfigure] of a single machine, or
// [VCVAppReconfigure] of a vApp.
type SourceReconfigure interface {
	checker
	sourceReconfigure()
}

func (VCVMReconfigure) sourceReconfigure()   {}
func (VCVAppReconfigure) sourceReconfigure() {}

func (r Reconfigure) check() error {
	if reflect.ValueOf(r).IsZero() {
		return errors.New("the request changes nothing")
	}
	if r.SourceReconfigure != nil {
		if isNil(r.SourceReconfigure) {
			return errors.New("SourceReconfigure is a nil pointer")
		}
		if err := r.SourceReconfigure.check(); err != nil {
			return fmt.Errorf("SourceReconfigure: %w", err)
		}
	}
	return checkProfile(r.SLAProfileID)
}

func (r VCVMReconfigure) check() error   { return checkSource(r.VAppName, r.VMStartupInfo) }
func (r VCVAppReconfigure) check() error { return checkSource(r.VAppName, r.VMStartupInfo) }

func checkSource(vApp drkit.Opt[string], startup drkit.Opt[SourceVMStartupInfo]) error {
	if vApp.IsZero() && startup.IsZero() {
		return errors.New("the request changes nothing")
	}
	if name, set := vApp.Get(); set {
		return checkSet("VAppName", name)
	}
	return nil
}

// MarshalJSON writes the change with its type.
func (r VCVMReconfigure) MarshalJSON() ([]byte, error) {
	type members VCVMReconfigure
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcVmReconfigure", members(r)})
}

// MarshalJSON writes the change with its type.
func (r VCVAppReconfigure) MarshalJSON() ([]byte, error) {
	type members VCVAppReconfigure
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcVappReconfigure", members(r)})
}
