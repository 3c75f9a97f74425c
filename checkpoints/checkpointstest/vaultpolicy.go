package checkpointstest

import (
	"fmt"
	"slices"

	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/simkit"
)

type applyRequest struct {
	PolicyID    string   `json:"policy_id"`
	Destination string   `json:"destination_vault_id"`
	AddIDs      []string `json:"add_policy_ids"`
}

type appliedBody struct {
	VaultID     string `json:"vault_id"`
	PolicyID    string `json:"policy_id"`
	Destination string `json:"destination_vault_id,omitempty"`
}

// associatePolicy applies a policy to a vault, in place of another of its type.
func (r *region) associatePolicy(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[applyRequest](v)
	if err != nil {
		return nil, err
	}
	ids := said.AddIDs
	if said.PolicyID != "" {
		ids = append(ids, said.PolicyID)
	}
	if len(ids) == 0 || len(said.AddIDs) > 10 {
		return nil, refuse(CodeInvalidParameter, "A policy is missing, or there are more than 10.")
	}
	var applied []*application
	for _, id := range ids {
		p, err := v.policyNamed(id)
		if err != nil {
			return nil, err
		}
		if err := r.fits(p, found, said.Destination); err != nil {
			return nil, err
		}
		next := &application{policy: p}
		if p.kind == policyReplication {
			next.destination = said.Destination
		}
		applied = append(applied, next)
	}
	for _, next := range applied {
		found.policies = slices.DeleteFunc(found.policies, func(a *application) bool { return a.policy.kind == next.policy.kind })
		found.policies = append(found.policies, next)
	}
	last := applied[len(applied)-1]
	return map[string]any{"associate_policy": appliedBody{found.id, last.policy.id, last.destination}}, nil
}

// fits reports why a policy cannot be applied to a vault.
func (r *region) fits(p *policy, to *vault, destination string) error {
	switch {
	case to.protectType != ProtectBackup:
		return refuse(CodePolicyDoesNotFit, "The vault takes no policies.")
	case p.kind == policyBackup:
		return nil
	case to.objectType != ObjectServer:
		return refuse(CodePolicyDoesNotFit, "Only vaults with backups of servers are replicated.")
	case destination == "":
		return refuse(CodeInvalidParameter, "The destination_vault_id is missing.")
	}
	other := r.cloud.region(p.definition.DestinationRegion)
	if other == nil {
		return refuse(CodeRegionCannotReplicate, "The region %s cannot be replicated to.", p.definition.DestinationRegion)
	}
	known := other.vaults.byID[destination]
	switch {
	case known == nil || known.project.id != p.definition.DestinationProject:
		return refuse(CodeDestinationMissing, "The destination vault %s does not exist.", destination)
	case known.protectType != ProtectReplication || known.objectType != to.objectType:
		return refuse(CodeDestinationCannot, "The destination vault cannot take these replicas.")
	}
	return nil
}

func (r *region) dissociatePolicy(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[applyRequest](v)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(found.policies, func(a *application) bool { return a.policy.id == said.PolicyID })
	if at < 0 {
		return nil, refuse(CodePolicyNotApplied, "The policy %s is not applied to the vault.", said.PolicyID)
	}
	gone := found.policies[at]
	found.policies = slices.Delete(found.policies, at, at+1)
	return map[string]any{"dissociate_policy": appliedBody{found.id, gone.policy.id, gone.destination}}, nil
}

// RunPolicy does what the schedule of a policy would do now: it backs up the vaults to which the policy is applied,
// or replicates them. Nothing here runs by schedule. A vault that refuses is left out, and its refusal is part of
// the error. Resources whose automatic backup is suspended are left out as well.
func (s *Server) RunPolicy(id string) error {
	defer s.lock().Unlock()
	r := s.region
	p := r.policies.byID[id]
	if p == nil || !p.enabled {
		return fmt.Errorf("checkpointstest: RunPolicy: there is no policy %s that is enabled", id)
	}
	var trouble []error
	for _, v := range r.vaults.all {
		for _, a := range v.policies {
			if a.policy != p {
				continue
			}
			if err := r.runPolicy(v, a); err != nil {
				trouble = append(trouble, fmt.Errorf("vault %s: %w", v.name, err))
			}
		}
	}
	if len(trouble) > 0 {
		return fmt.Errorf("checkpointstest: RunPolicy: %v", trouble)
	}
	return nil
}

func (r *region) runPolicy(v *vault, a *application) error {
	p := a.policy
	by := &visit{region: r, project: v.project, domain: v.project.domain, user: "policy"}
	if p.kind == policyReplication {
		by.call = &simkit.Call{Operation: contract.CheckpointsReplicate, Resource: v.id}
		where := whereTo{Project: p.definition.DestinationProject, Region: p.definition.DestinationRegion, Vault: a.destination, AutoTrigger: true}
		_, _, err := r.replicate(by, v, where, p.id)
		return err
	}
	by.call = &simkit.Call{Operation: contract.CheckpointsCreate, Resource: v.id}
	var said checkpointRequest
	said.Checkpoint.Parameters.AutoTrigger, said.Checkpoint.Parameters.PolicyID = true, p.id
	for _, m := range v.members {
		if m.autoProtect && !m.pending {
			said.Checkpoint.Parameters.Resources = append(said.Checkpoint.Parameters.Resources, m.resource.id)
		}
	}
	if len(said.Checkpoint.Parameters.Resources) == 0 {
		return refuse(CodeNothingToBackUp, "There is nothing to back up.")
	}
	made, err := r.backUp(by, v, said)
	if err != nil {
		return err
	}
	if days := valueOr(p.definition.RetentionDays, -1); days > 0 {
		for _, e := range made.entries {
			e.backup.expired = r.now().AddDate(0, 0, days)
		}
	}
	return nil
}
