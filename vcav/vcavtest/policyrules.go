package vcavtest

import (
	"net/http"

	"github.com/drkit-go/drkit/internal/simkit"
)

// policy returns the policy of the organization at an end, or nil on premises, where there are none.
func (e end) policy() *policySettings {
	if e.site.onPremises {
		return nil
	}
	return &e.site.policies.of(e.org).settings
}

// governing is the policy that says whether a replication needs an SLA profile: that of the destination or,
// for one to on premises, of the source.
func governing(source, destination end) *policySettings {
	if p := destination.policy(); p != nil {
		return p
	}
	return source.policy()
}

// allowDirection refuses replications of a kind that the policies of source or destination forbid, and those
// beyond the quota of the destination.
func (a *appliance) allowDirection(r *replication, source, destination end) error {
	if p := source.policy(); p != nil && !p.allows(r.migration, false) {
		return refuse(http.StatusConflict, CodeOutgoingForbidden,
			"The policy '%s' of organization '%s' forbids outgoing %s.", p.DisplayName, source.org, kindOfReplication(r))
	}
	p := destination.policy()
	switch {
	case p == nil:
		return nil
	case !p.allows(r.migration, true):
		return refuse(http.StatusConflict, CodeIncomingForbidden,
			"The policy '%s' of organization '%s' forbids incoming %s.", p.DisplayName, destination.org, kindOfReplication(r))
	case p.limitsIncoming() && a.incoming(destination, r) >= p.MaxIncoming:
		return refuse(http.StatusConflict, CodeQuotaExceeded,
			"The policy '%s' of organization '%s' allows only %d incoming replications.", p.DisplayName, destination.org, p.MaxIncoming)
	}
	return nil
}

func kindOfReplication(r *replication) string {
	if r.migration {
		return "migrations"
	}
	return "protections"
}

func (p *policySettings) allows(migration, incoming bool) bool {
	switch {
	case migration && incoming:
		return p.AllowIncomingMigrations
	case migration:
		return p.AllowOutgoingMigrations
	case incoming:
		return p.AllowIncomingProtections
	default:
		return p.AllowOutgoingProtections
	}
}

// limitsIncoming reports whether the quota counts: it is ignored where nothing may come in.
func (p *policySettings) limitsIncoming() bool {
	return p.MaxIncoming >= 0 && (p.AllowIncomingProtections || p.AllowIncomingMigrations)
}

// incoming counts the replications to an organization but for one, those included that are being started.
func (a *appliance) incoming(destination end, but *replication) int {
	n := 0
	for _, r := range a.replications {
		if r != but && r.destination.site == destination.site && r.destination.org == destination.org {
			n++
		}
	}
	for r := range a.starting {
		if r != but && r.destination.site == destination.site && r.destination.org == destination.org {
			n++
		}
	}
	return n
}

// allowSettings refuses settings that the policy of the destination forbids. Those that a replication has
// already are not held against it.
func allowSettings(destination end, after settings, before *settings) error {
	p := destination.policy()
	switch {
	case p == nil:
		return nil
	case after.rpo < p.MinRPO && (before == nil || after.rpo != before.rpo):
		return refuse(http.StatusConflict, CodeRPOTooShort,
			"An RPO of %d minutes is shorter than the %d of the policy '%s'.", after.rpo, p.MinRPO, p.DisplayName)
	case after.instances() > p.MaxInstances && (before == nil || after.instances() != before.instances()):
		return refuse(http.StatusConflict, CodeTooManyInstances,
			"%d instances are more than the %d of the policy '%s'.", after.instances(), p.MaxInstances, p.DisplayName)
	}
	return nil
}

// allowCustom refuses to do without an SLA profile where the policy demands one.
func allowCustom(source, destination end, custom bool) error {
	if p := governing(source, destination); custom && p != nil && !p.AllowCustomSLASettings {
		return refuse(http.StatusConflict, CodeSLAProfileNeeded, "The policy '%s' demands an SLA profile.", p.DisplayName)
	}
	return nil
}

type policyStatusBody struct {
	Org                    string   `json:"org"`
	ConfiguredReplications int      `json:"configuredReplications"`
	QuotaViolation         int      `json:"quotaViolation"`
	ProtectionViolation    int      `json:"protectionViolation"`
	MigrationViolation     int      `json:"migrationViolation"`
	NonRPOCompliant        []string `json:"nonRpoCompliant"`
	NonInstancesCompliant  []string `json:"nonInstancesCompliant"`
}

// policyStatus holds the replications to every organization of a policy against it.
func (a *appliance) policyStatus(call *simkit.Call, _ *visit) (any, error) {
	s := a.local()
	p, err := findPolicy(call, s)
	if err != nil {
		return nil, err
	}
	bodies := []policyStatusBody{}
	for _, org := range s.orgs {
		if s.policies.of(org) == p {
			bodies = append(bodies, a.complianceOf(end{site: s, org: org}, &p.settings))
		}
	}
	return bodies, nil
}

func (a *appliance) complianceOf(destination end, p *policySettings) policyStatusBody {
	body := policyStatusBody{Org: destination.org, NonRPOCompliant: []string{}, NonInstancesCompliant: []string{}}
	for _, r := range a.replications {
		if r.destination.site != destination.site || r.destination.org != destination.org {
			continue
		}
		body.ConfiguredReplications++
		switch {
		case p.allows(r.migration, true):
		case r.migration:
			body.MigrationViolation++
		default:
			body.ProtectionViolation++
		}
		if r.settings.rpo < p.MinRPO {
			body.NonRPOCompliant = append(body.NonRPOCompliant, r.id)
		}
		if r.settings.instances() > p.MaxInstances {
			body.NonInstancesCompliant = append(body.NonInstancesCompliant, r.id)
		}
	}
	if p.limitsIncoming() {
		body.QuotaViolation = max(0, body.ConfiguredReplications-p.MaxIncoming)
	}
	return body
}
