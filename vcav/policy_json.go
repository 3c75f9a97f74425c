package vcav

import (
	"encoding/json"
	"maps"
	"strings"

	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// A policy is overwritten whole. So that one which was read, changed and written back loses nothing that
// a later version of the service has added, Extra holds the members without a field.

// MarshalJSON writes the settings, and with them what Extra holds.
func (s PolicySettings) MarshalJSON() ([]byte, error) {
	type members PolicySettings
	return withExtra(members(s), s.Extra)
}

// UnmarshalJSON reads the settings, and into Extra what it has no field for. Members of a policy that are
// no settings, which are its id and its organizations, are left out.
func (s *PolicySettings) UnmarshalJSON(data []byte) error {
	type members PolicySettings
	var known members
	if err := json.Unmarshal(data, &known); err != nil {
		return err
	}
	extra, err := unknownMembers(data)
	if err != nil {
		return err
	}
	*s = PolicySettings(known)
	s.Extra = extra
	return nil
}

// MarshalJSON writes the policy, and with it what Extra holds.
func (p Policy) MarshalJSON() ([]byte, error) {
	type members PolicySettings
	return withExtra(struct {
		ID   string `json:"id"`
		Orgs int    `json:"orgs"`
		members
	}{p.ID, p.Orgs, members(p.PolicySettings)}, p.Extra)
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

// withExtra writes a policy and, after its own members, those of extra that are not among them.
func withExtra(policy any, extra map[string]json.RawMessage) ([]byte, error) {
	data, err := json.Marshal(policy)
	if err != nil || len(extra) == 0 {
		return data, err
	}
	extra = maps.Clone(extra)
	maps.DeleteFunc(extra, isPolicyMember)
	if len(extra) == 0 {
		return data, nil
	}
	more, err := json.Marshal(extra)
	if err != nil {
		return nil, err
	}
	return append(append(data[:len(data)-1], ','), more[1:]...), nil
}

// unknownMembers returns the members of a policy that the contract does not have, nil if there are none.
func unknownMembers(data []byte) (map[string]json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return nil, err
	}
	maps.DeleteFunc(all, isPolicyMember)
	if len(all) == 0 {
		return nil, nil
	}
	return all, nil
}

// isPolicyMember reports whether a policy has a field for a member. Case does not matter, as it does not
// to encoding/json.
func isPolicyMember(name string, _ json.RawMessage) bool {
	for _, member := range contract.Table.Schemas["Policy"].Members {
		if strings.EqualFold(member.Name, name) {
			return true
		}
	}
	return false
}
