package vcav

import (
	"encoding/json"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// A policy is overwritten whole. So that one which was read, changed and written back loses nothing that
// a later version of the service has added, Extra holds the members without a field.

// MarshalJSON writes the policy, and with it what Extra holds.
func (p Policy) MarshalJSON() ([]byte, error) {
	type members PolicySettings
	return transport.WithExtra(struct {
		ID   string `json:"id"`
		Orgs int    `json:"orgs"`
		members
	}{p.ID, p.Orgs, members(p.PolicySettings)}, p.Extra, contract.Table.Schemas["Policy"])
}

// UnmarshalJSON reads the policy, and into Extra what it has no field for.
func (p *Policy) UnmarshalJSON(data []byte) error {
	var own struct {
		ID   string `json:"id"`
		Orgs int    `json:"orgs"`
	}
	if err := json.Unmarshal(data, &own); err != nil {
		return err
	}
	if err := p.PolicySettings.UnmarshalJSON(data); err != nil {
		return err
	}
	p.ID, p.Orgs = own.ID, own.Orgs
	return nil
}
