package vcavtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// defaultPolicyID is the id of the policy of all organizations that have no other.
const defaultPolicyID = "default"

// Policy is one replication policy of a site: as [Policies] makes it, and as [Server.Policies] finds it. Its
// zero members forbid: change an [OpenPolicy] or a [ClosedPolicy].
//
// Source: Cloud Director Availability API guide, "Replication Policies".
type Policy struct {
	Site                           string         // default: the local site
	ID                             string         // "default" is the one of organizations without another; default: [PolicyID] of DisplayName
	DisplayName                    string         // must be set, and is unique at its site
	MinRPO                         int            // shortest RPO of replications to an organization, in minutes
	MaxInstances                   int            // most instances that their retention rules may add up to
	MaxPinnedInstances             int            // not enforced, for nothing can be pinned
	MaxIncoming                    int            // most replications to an organization; negative: no limit
	AllowIncomingProtections       bool           // whether machines may be protected to an organization
	AllowOutgoingProtections       bool           // whether machines of an organization may be protected elsewhere
	AllowIncomingMigrations        bool           // whether machines may migrate to an organization
	AllowOutgoingMigrations        bool           // whether machines of an organization may migrate elsewhere
	OnPremDataCap                  int            // in Mbit/s; not enforced
	AllowCustomSLASettings         bool           // whether replications may do without an SLA profile
	AllowNotificationConfiguration bool           // not enforced
	Extra                          map[string]any // members that [PolicyMembers] adds; default: their defaults
	Orgs                           []string       // organizations that it is assigned to; with the default policy not looked at
}

// OpenPolicy returns the default policy of this simulator, which allows everything from an RPO of five
// minutes and up to 24 instances on. That of a real appliance is [ClosedPolicy].
func OpenPolicy() Policy {
	return Policy{
		ID: defaultPolicyID, DisplayName: "Default Policy",
		MinRPO: 5, MaxInstances: 24, MaxPinnedInstances: 24, MaxIncoming: -1,
		AllowIncomingProtections: true, AllowOutgoingProtections: true,
		AllowIncomingMigrations: true, AllowOutgoingMigrations: true,
		AllowCustomSLASettings: true, AllowNotificationConfiguration: true,
	}
}

// ClosedPolicy returns the default policy as the guide shows it, under which no organization can be the
// source or destination of a protection, nor the destination of a migration. Policies(ClosedPolicy()) puts
// it in place of [OpenPolicy].
//
// Source: Cloud Director Availability API guide, "Get the Details of All the Policies".
func ClosedPolicy() Policy {
	return Policy{
		ID: defaultPolicyID, DisplayName: "Default Policy", MinRPO: 15, MaxInstances: 24,
		AllowIncomingMigrations: true, AllowOutgoingMigrations: true,
		AllowCustomSLASettings: true, AllowNotificationConfiguration: true,
	}
}

// Policies adds replication policies. One with the id "default" replaces the site's default policy.
func Policies(policies ...Policy) Option {
	return func(c *config) error {
		c.policies = append(c.policies, policies...)
		return nil
	}
}

// PolicyMembers gives policies members that the guide does not have, with their values in new policies, as
// a newer appliance does: {"allowAdvancedRetentionRules": true}. Updates that leave them out set them back
// to these values, because an update overwrites everything. Members that nobody knows are ignored.
func PolicyMembers(members map[string]any) Option {
	return func(c *config) error {
		known, err := json.Marshal(policyBody{})
		if err != nil {
			return fmt.Errorf("PolicyMembers: %w", err)
		}
		guide := map[string]json.RawMessage{}
		if err := json.Unmarshal(known, &guide); err != nil {
			return fmt.Errorf("PolicyMembers: %w", err)
		}
		for name, value := range members {
			if _, taken := guide[name]; taken || name == "" {
				return fmt.Errorf("PolicyMembers: policies have a member %q already, or the name is empty", name)
			}
			encoded, err := json.Marshal(value)
			if err != nil {
				return fmt.Errorf("PolicyMembers: %s: %w", name, err)
			}
			c.policyMembers[name] = encoded
		}
		return nil
	}
}

// policies are those of one site.
type policies struct {
	all      []*policy          // the default one first
	assigned map[string]*policy // by organization; the others have the default one
}

// policy is the state of one policy.
type policy struct {
	id       string
	settings policySettings
	extra    map[string]json.RawMessage
}

func (p *policies) byID(id string) *policy {
	for _, known := range p.all {
		if known.id == id {
			return known
		}
	}
	return nil
}

// of returns the policy of an organization.
func (p *policies) of(org string) *policy {
	if assigned, ok := p.assigned[org]; ok {
		return assigned
	}
	return p.all[0]
}

// nameTaken reports whether another policy has this name.
func (p *policies) nameTaken(name string, except *policy) bool {
	return slices.ContainsFunc(p.all, func(known *policy) bool { return known != except && known.settings.DisplayName == name })
}

// orgs are the organizations that a policy is assigned to.
func (p *policies) orgs(assigned *policy) []string {
	var orgs []string
	for org, its := range p.assigned {
		if its == assigned {
			orgs = append(orgs, org)
		}
	}
	slices.Sort(orgs)
	return orgs
}

// assign gives an organization a policy.
func (p *policies) assign(org string, chosen *policy) {
	if chosen == p.all[0] {
		delete(p.assigned, org)
		return
	}
	p.assigned[org] = chosen
}

func (a *appliance) openPolicies() {
	for _, s := range a.sites {
		open := OpenPolicy()
		s.policies = policies{
			all:      []*policy{{id: defaultPolicyID, settings: open.settings(), extra: maps.Clone(a.config.policyMembers)}},
			assigned: map[string]*policy{},
		}
	}
}

func (p Policy) settings() policySettings {
	return policySettings{
		DisplayName: p.DisplayName, MinRPO: p.MinRPO, MaxInstances: p.MaxInstances,
		MaxPinnedInstances: p.MaxPinnedInstances, MaxIncoming: p.MaxIncoming,
		AllowIncomingProtections: p.AllowIncomingProtections, AllowOutgoingProtections: p.AllowOutgoingProtections,
		AllowIncomingMigrations: p.AllowIncomingMigrations, AllowOutgoingMigrations: p.AllowOutgoingMigrations,
		OnPremDataCap: p.OnPremDataCap, AllowCustomSLASettings: p.AllowCustomSLASettings,
		AllowNotificationConfiguration: p.AllowNotificationConfiguration,
	}
}

// setPolicy makes a policy, or changes the one of the same id.
func (a *appliance) setPolicy(given Policy) error {
	if given.DisplayName == "" {
		return errors.New("a policy has no DisplayName")
	}
	s := a.site(or(given.Site, a.local().name))
	if s == nil || s.onPremises {
		return fmt.Errorf("%s: %q is not a cloud site", given.DisplayName, given.Site)
	}
	id := or(given.ID, PolicyID(given.DisplayName))
	chosen := s.policies.byID(id)
	if s.policies.nameTaken(given.DisplayName, chosen) {
		return fmt.Errorf("the site %s has two policies of the name %q", s.name, given.DisplayName)
	}
	extra := maps.Clone(a.config.policyMembers)
	for name, value := range given.Extra {
		if _, known := extra[name]; !known {
			return fmt.Errorf("%s: Extra: PolicyMembers does not have %q", given.DisplayName, name)
		}
		encoded, err := json.Marshal(value)
		if err != nil {
			return fmt.Errorf("%s: Extra: %s: %w", given.DisplayName, name, err)
		}
		extra[name] = encoded
	}
	for _, org := range given.Orgs {
		if !slices.Contains(s.orgs, org) {
			return fmt.Errorf("%s: the site %s has no organization %q", given.DisplayName, s.name, org)
		}
	}
	if chosen == nil {
		chosen = &policy{id: id}
		s.policies.all = append(s.policies.all, chosen)
	}
	chosen.settings, chosen.extra = given.settings(), extra
	for _, org := range given.Orgs {
		s.policies.assign(org, chosen)
	}
	return nil
}

func (s *site) snapshotOfPolicy(p *policy) Policy {
	set := p.settings
	shown := Policy{
		Site: s.name, ID: p.id, DisplayName: set.DisplayName, MinRPO: set.MinRPO, MaxInstances: set.MaxInstances,
		MaxPinnedInstances: set.MaxPinnedInstances, MaxIncoming: set.MaxIncoming,
		AllowIncomingProtections: set.AllowIncomingProtections, AllowOutgoingProtections: set.AllowOutgoingProtections,
		AllowIncomingMigrations: set.AllowIncomingMigrations, AllowOutgoingMigrations: set.AllowOutgoingMigrations,
		OnPremDataCap: set.OnPremDataCap, AllowCustomSLASettings: set.AllowCustomSLASettings,
		AllowNotificationConfiguration: set.AllowNotificationConfiguration, Orgs: s.policies.orgs(p),
	}
	for name, encoded := range p.extra {
		var value any
		if json.Unmarshal(encoded, &value) == nil {
			if shown.Extra == nil {
				shown.Extra = map[string]any{}
			}
			shown.Extra[name] = value
		}
	}
	return shown
}

// Policies returns the replication policies of all sites as they are now, at each site the default one
// first.
func (s *Server) Policies() []Policy {
	a := s.lock()
	defer a.mu.Unlock()
	var found []Policy
	for _, place := range a.sites {
		if place.onPremises {
			continue
		}
		for _, p := range place.policies.all {
			found = append(found, place.snapshotOfPolicy(p))
		}
	}
	return found
}

// PolicyOf returns the policy of an organization, or the zero Policy if the site has none of that name.
func (s *Server) PolicyOf(site, org string) Policy {
	a := s.lock()
	defer a.mu.Unlock()
	place := a.site(site)
	if place == nil || !slices.Contains(place.orgs, org) {
		return Policy{}
	}
	return place.snapshotOfPolicy(place.policies.of(org))
}

// SetPolicy makes a policy, or overwrites the one of the same id, while the server runs and at any site: as
// [Policies] does, and as an administrator of a remote site could.
func (s *Server) SetPolicy(p Policy) error {
	a := s.lock()
	defer a.mu.Unlock()
	if err := a.setPolicy(p); err != nil {
		return fmt.Errorf("vcavtest: SetPolicy: %w", err)
	}
	return nil
}
