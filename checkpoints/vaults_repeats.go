package checkpoints

import (
	"context"
	"slices"
)

// nowhereElse reports whether no other vault has one of the resources.
func (v *Vaults) nowhereElse(ctx context.Context, id string, resources []string) bool {
	for other, err := range v.List(ctx, VaultQuery{ResourceIDs: resources}) {
		if err != nil || other.ID != id {
			return false
		}
	}
	return true
}

// leaving reports whether a vault lists resources no more, or only on their way out.
func (v *Vaults) leaving(ctx context.Context, id string, resources []string) bool {
	vault, err := v.Get(ctx, id)
	return err == nil && !slices.ContainsFunc(vault.Resources, func(r VaultResource) bool {
		return slices.Contains(resources, r.ID) && r.ProtectStatus != ProtectStatusRemoving
	})
}
