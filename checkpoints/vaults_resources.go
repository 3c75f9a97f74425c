package checkpoints

import (
	"context"
	"errors"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// AddResources associates resources with a vault, at most 256 in all. It returns once the service has taken the
// request; the poller waits until the vault lists all of them, and its result is the vault as it is then. The
// service does not tell whether an association has failed: the deadline is the caller's. It is sent again after a
// transient failure: where that is refused because the resources are in a vault by then, and no other vault lists one of
// them, it counts as done.
//
// Errors: [drkit.ErrNotFound]; [ErrBusy] if the vault cannot take resources now; [ErrQuota] if it has as many as it
// may have; [drkit.ErrConflict] if a resource belongs to a vault already, also to this one; [ErrInvalid] if it is not for
// this vault.
// Roles: cbr:vaults:addResources.
//
// Source: CBR API reference, "Associating Resources".
func (v *Vaults) AddResources(ctx context.Context, id string, resources []Resource) (*drkit.Poller[Vault], error) {
	if len(resources) == 0 {
		return nil, wrong(&contract.VaultsAddResources, errors.New("there are no resources"))
	}
	if err := checkResources(resources); err != nil {
		return nil, wrong(&contract.VaultsAddResources, err)
	}
	ids := make([]string, len(resources))
	for i, resource := range resources {
		ids[i] = resource.ID
	}
	var answer struct {
		IDs []string `json:"add_resource_ids"`
	}
	return begin(ctx, v.client, v.change(transport.Call{
		Operation: &contract.VaultsAddResources, Path: []string{id},
		Done: func(ctx context.Context, refusal *drkit.Error) bool {
			return errors.Is(refusal, drkit.ErrConflict) && v.nowhereElse(ctx, id, ids)
		},
		Body: struct {
			Resources []Resource `json:"resources"`
		}{resources},
	}, &answer, id, ids))
}

// RemoveResources takes resources from a vault, and deletes their backups in it. It returns once the service has
// taken the request; the poller waits until the vault lists none of them any more, and its result is the vault as it
// is then. It is sent again after a transient failure: where that is refused and the vault lists none of them by then, or
// only such as are on their way out, it counts as done.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrConflict] if a resource is not in the vault, or the vault is locked;
// [ErrBusy] if resources are being removed.
// Roles: cbr:vaults:removeResources.
//
// Source: CBR API reference, "Dissociating Resources".
func (v *Vaults) RemoveResources(ctx context.Context, id string, resourceIDs []string) (*drkit.Poller[Vault], error) {
	if err := someIDs("resource", resourceIDs); err != nil {
		return nil, wrong(&contract.VaultsRemoveResources, err)
	}
	var answer struct {
		IDs []string `json:"remove_resource_ids"`
	}
	return begin(ctx, v.client, v.change(transport.Call{
		Operation: &contract.VaultsRemoveResources, Path: []string{id},
		Done: func(ctx context.Context, refusal *drkit.Error) bool {
			return errors.Is(refusal, drkit.ErrConflict) && v.leaving(ctx, id, resourceIDs)
		},
		Body: struct {
			IDs []string `json:"resource_ids"`
		}{resourceIDs},
	}, &answer, id, resourceIDs))
}

// MigrateResources moves resources with their backups to another vault of the same kind, region and account. Both
// vaults must be available or locked, with no work under way and room enough. It returns once the service has taken
// the request; the poller waits until the destination lists all of them and the source none, and its result is the
// destination as it is then.
//
// The request is sent at most once. A lost answer is told by where the resources are.
//
// Errors: [drkit.ErrNotFound]; [ErrBusy]; [drkit.ErrConflict] if a resource is not in the vault; [ErrQuota] if the
// destination is full; [drkit.ErrOutcomeUnknown] if the answer was lost and the resources have not all moved.
// Roles: cbr:vaults:migrateResources.
//
// Source: CBR API reference, "Migrating Resources".
func (v *Vaults) MigrateResources(
	ctx context.Context, id, destinationID string, resourceIDs []string,
) (*drkit.Poller[Vault], error) {
	err := errors.Join(filled("destination vault id", destinationID), someIDs("resource", resourceIDs))
	if err == nil && destinationID == id {
		err = errors.New("the destination is the vault itself")
	}
	if err != nil {
		return nil, wrong(&contract.VaultsMigrateResources, err)
	}
	var answer struct {
		IDs []string `json:"migrated_resources"`
	}
	moved := &changingVault{
		client: v.client, id: destinationID, method: methodMigrate, resources: distinct(resourceIDs), source: id,
	}
	return begin(ctx, v.client, order[Vault]{
		call: transport.Call{Operation: &contract.VaultsMigrateResources, Path: []string{id}, Body: struct {
			Destination string   `json:"destination_vault_id"`
			IDs         []string `json:"resource_ids"`
		}{destinationID, resourceIDs}},
		answer: &answer,
		follow: func(*transport.Note) pursuit[Vault] { return moved },
		work:   v.migration(id, destinationID, moved.resources),
		found:  func(transport.Found) pursuit[Vault] { return moved },
	})
}

// SetResources takes resources of a vault out of the backups that its policy makes, or back in, and returns the ids
// of those that were changed. It is safe to repeat. Huawei Cloud only.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrConflict] if a resource is not in the vault.
//
// Source: Huawei Cloud CBR API reference.
func (v *Vaults) SetResources(ctx context.Context, id string, action ResourceAction, resourceIDs []string) ([]string, error) {
	if err := errors.Join(filled("action", string(action)), someIDs("resource", resourceIDs)); err != nil {
		return nil, wrong(&contract.VaultsSetResources, err)
	}
	var answer struct {
		IDs []string `json:"set_resource_ids"`
	}
	err := v.do(ctx, transport.Call{Operation: &contract.VaultsSetResources, Path: []string{id}, Body: struct {
		IDs    []string       `json:"resource_ids"`
		Action ResourceAction `json:"action"`
	}{resourceIDs, action}}, &answer)
	return answer.IDs, err
}

// AssociatePolicy applies a policy to a vault, which has at most one for backups and one for replication. One that
// replicates needs a destination vault. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [ErrInvalid] if the policy does not fit the vault.
// Roles: cbr:vaults:associatePolicy.
//
// Source: CBR API reference, "Applying a Policy to a Vault".
func (v *Vaults) AssociatePolicy(ctx context.Context, id string, association PolicyAssociation) (VaultPolicy, error) {
	if err := association.check(); err != nil {
		return VaultPolicy{}, wrong(&contract.VaultsAssociatePolicy, err)
	}
	var answer struct {
		Policy VaultPolicy `json:"associate_policy"`
	}
	err := v.do(ctx, transport.Call{Operation: &contract.VaultsAssociatePolicy, Path: []string{id}, Body: association}, &answer)
	return answer.Policy, err
}

// DissociatePolicy takes a policy from a vault. It is safe to repeat: a repeat that finds it taken away counts as done.
//
// Errors: [drkit.ErrNotFound], also if the policy is not applied to the vault.
// Roles: cbr:vaults:dissociatePolicy.
//
// Source: CBR API reference, "Removing a Policy from a Vault".
func (v *Vaults) DissociatePolicy(ctx context.Context, id, policyID string) (VaultPolicy, error) {
	if err := filled("policy id", policyID); err != nil {
		return VaultPolicy{}, wrong(&contract.VaultsDissociatePolicy, err)
	}
	var answer struct {
		Policy VaultPolicy `json:"dissociate_policy"`
	}
	err := v.do(ctx, transport.Call{
		Operation: &contract.VaultsDissociatePolicy, Path: []string{id},
		Done: func(_ context.Context, refusal *drkit.Error) bool {
			answer.Policy = VaultPolicy{VaultID: id, PolicyID: policyID}
			return errors.Is(refusal, CodePolicyNotApplied)
		},
		Body: struct {
			PolicyID string `json:"policy_id"`
		}{policyID},
	}, &answer)
	if err != nil {
		return VaultPolicy{}, err
	}
	return answer.Policy, nil
}
