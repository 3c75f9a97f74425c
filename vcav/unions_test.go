package vcav_test

import (
	"encoding/json"

	"github.com/drkit-go/drkit/vcav"
)

// startSample and reconfigureSample read the sample of a request that holds a union. Clients only write
// those, so the types themselves cannot read them.
type (
	startSample       struct{ vcav.ReplicationStart }
	reconfigureSample struct{ vcav.Reconfigure }
)

func (s *startSample) UnmarshalJSON(data []byte) error {
	var kinds struct{ Source, Destination struct{ Type string } }
	if err := json.Unmarshal(data, &kinds); err != nil {
		return err
	}
	// encoding/json reads into what an interface points to.
	s.Source = map[string]vcav.ReplicationSource{
		"vm": new(vcav.VMSource), "vcVm": new(vcav.VCVMSource),
	}[kinds.Source.Type]
	s.Destination = map[string]vcav.ReplicationDestination{
		"vcloud": new(vcav.CloudDestination), "vm": new(vcav.VMDestination),
		"vc": new(vcav.VCDestination), "vcVm": new(vcav.VCVMDestination),
	}[kinds.Destination.Type]
	type members startSample // without this method
	return json.Unmarshal(data, (*members)(s))
}

func (s *reconfigureSample) UnmarshalJSON(data []byte) error {
	var kinds struct{ SourceReconfigure struct{ Type string } }
	if err := json.Unmarshal(data, &kinds); err != nil {
		return err
	}
	s.SourceReconfigure = map[string]vcav.SourceReconfigure{
		"vcVmReconfigure": new(vcav.VCVMReconfigure), "vcVappReconfigure": new(vcav.VCVAppReconfigure),
	}[kinds.SourceReconfigure.Type]
	type members reconfigureSample
	return json.Unmarshal(data, (*members)(s))
}
