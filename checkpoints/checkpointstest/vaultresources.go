package checkpointstest

import (
	"slices"
	"time"
)

type resourcesRequest struct {
	Resources   []resourceBody `json:"resources"`
	ResourceIDs []string       `json:"resource_ids"`
	Destination string         `json:"destination_vault_id"`
	Action      string         `json:"action"`
}

// associate puts resources into a vault: at once where it is new, else they show later.
func (r *region) associate(v *vault, wanted []resourceBody, pending bool) error {
	var added []*membership
	seen := map[string]bool{}
	for _, one := range wanted {
		known := r.resources.byID[one.ID]
		switch {
		case seen[one.ID]:
			return refuse(CodeDuplicateResources, "The resource %s is named twice.", one.ID)
		case objectType(one.Type) != v.objectType:
			return refuse(CodeResourceTypeOfVault, "The vault does not hold %s.", one.Type)
		case known == nil || known.project != v.project || known.kind != one.Type:
			return notFound(one.Type, one.ID)
		case v.member(one.ID) != nil && one.Type == TypeServer:
			return refuse(CodeServerInVault, "The server %s is in the vault already.", one.ID)
		case v.member(one.ID) != nil && one.Type == TypeDisk:
			return refuse(CodeDiskInVault, "The disk %s is in the vault already.", one.ID)
		case r.vaultOf(known) != nil:
			return refuse(CodeResourceInVault, "The resource %s belongs to a vault already.", one.ID)
		case known.status == "error":
			return refuse(CodeServerForbidsBackup, "The status of the resource %s forbids it.", one.ID)
		}
		seen[one.ID] = true
		m := &membership{resource: known, autoProtect: true, pending: pending}
		if one.ExtraInfo != nil {
			m.excluded = one.ExtraInfo.ExcludeVolumes
		}
		if len(m.excluded) > 0 && len(m.excluded) >= len(known.disks) {
			return refuse(CodeInvalidParameter, "The server %s has no disks that are not left out.", one.ID)
		}
		added = append(added, m)
	}
	if len(v.members)+len(added) > mostInside {
		return refuse(CodeTooManyResources, "A vault has at most %d resources.", mostInside)
	}
	v.members = append(v.members, added...)
	return nil
}

// addResources answers the ids at once; the resources show in the vault later.
func (r *region) addResources(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[resourcesRequest](v)
	if err != nil {
		return nil, err
	}
	if len(said.Resources) == 0 || len(said.Resources) > mostInside {
		return nil, refuse(CodeInvalidParameter, "There are not within 1 and %d resources.", mostInside)
	}
	if !found.usable() || found.protectType != ProtectBackup {
		return nil, refuse(CodeCannotAssociate, "The vault cannot take resources now.")
	}
	if err := r.associate(found, said.Resources, true); err != nil {
		return nil, err
	}
	ids := []string{}
	for _, one := range said.Resources {
		ids = append(ids, one.ID)
	}
	r.later(r.config.settling, func(time.Time) {
		for _, m := range found.members {
			if slices.Contains(ids, m.resource.id) {
				m.pending = false
			}
		}
	})
	return map[string]any{"add_resource_ids": ids}, nil
}

// chosen are the members of a vault that a request names.
func (v *vault) chosen(ids []string) ([]*membership, error) {
	if len(ids) == 0 || len(ids) > mostInside {
		return nil, refuse(CodeInvalidParameter, "There are not within 1 and %d resources.", mostInside)
	}
	var found []*membership
	for i, id := range ids {
		m := v.member(id)
		switch {
		case slices.Contains(ids[:i], id):
			return nil, refuse(CodeDuplicateResources, "The resource %s is named twice.", id)
		case m == nil || m.pending:
			return nil, refuse(CodeNotInVault, "The resource %s is not in the vault.", id)
		case m.removing:
			return nil, refuse(CodeBeingRemoved, "The resource %s is being removed.", id)
		case m.protecting > 0:
			return nil, refuse(CodeBackupRunning, "The resource %s is being backed up.", id)
		}
		found = append(found, m)
	}
	return found, nil
}

// removeResources answers the ids at once. The task that removes them deletes their backups as well.
func (r *region) removeResources(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[resourcesRequest](v)
	if err != nil {
		return nil, err
	}
	if found.locked {
		return nil, refuse(CodeLockedVault, "A locked vault releases no resources.")
	}
	members, err := found.chosen(said.ResourceIDs)
	if err != nil {
		return nil, err
	}
	t := &task{kind: kindRemoveResource, vault: found, subject: found.id, total: len(members)}
	for _, m := range members {
		m.removing = true
		t.removed = append(t.removed, taskResource{m.resource.id, m.resource.kind, m.resource.name})
	}
	t.effect = func(time.Time) *refusal {
		for _, b := range r.contents(found) {
			if slices.Contains(said.ResourceIDs, b.resourceID) && b.imageType == imageBackup {
				r.removeBackup(b)
			}
		}
		found.members = slices.DeleteFunc(found.members, func(m *membership) bool { return slices.Contains(members, m) })
		return nil
	}
	t.failed = func() {
		for _, m := range members {
			m.removing = false
		}
	}
	r.begin(v, t)
	return map[string]any{"remove_resource_ids": said.ResourceIDs}, nil
}

// migrateResources moves resources and their backups to another vault, at once.
func (r *region) migrateResources(v *visit) (any, error) {
	from, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[resourcesRequest](v)
	if err != nil {
		return nil, err
	}
	to, err := v.vaultNamed(said.Destination)
	if err != nil {
		return nil, err
	}
	members, err := from.chosen(said.ResourceIDs)
	if err != nil {
		return nil, err
	}
	moved, size := []*backup{}, 0
	for _, b := range r.contents(from) {
		if slices.Contains(said.ResourceIDs, b.resourceID) {
			moved, size = append(moved, b), size+b.takesMB
		}
	}
	switch {
	case to == from || !from.usable() || !to.usable():
		return nil, refuse(CodeVaultNotAvailable, "Resources move between two vaults that are available or locked.")
	case from.objectType != to.objectType || from.protectType != to.protectType:
		return nil, refuse(CodeResourceTypeOfVault, "The vaults are of different types.")
	case from.busy() || to.busy():
		return nil, refuse(CodeCannotAssociate, "A vault has unfinished tasks.")
	case r.usedMB(to)+size > to.sizeGB*1024:
		return nil, refuse(CodeVaultFull, "The destination vault is full.")
	case len(to.members)+len(members) > mostInside:
		return nil, refuse(CodeTooManyResources, "A vault has at most %d resources.", mostInside)
	}
	from.members = slices.DeleteFunc(from.members, func(m *membership) bool { return slices.Contains(members, m) })
	to.members = append(to.members, members...)
	for _, b := range moved {
		b.moveTo(to)
	}
	return map[string]any{"migrated_resources": said.ResourceIDs}, nil
}

// setResources says whether policies back resources up.
func (r *region) setResources(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[resourcesRequest](v)
	if err != nil {
		return nil, err
	}
	if said.Action != "suspend" && said.Action != "unsuspend" {
		return nil, refuse(CodeInvalidParameter, "The action %q is invalid.", said.Action)
	}
	for _, id := range said.ResourceIDs {
		if found.member(id) == nil {
			return nil, refuse(CodeNotInVault, "The resource %s is not in the vault.", id)
		}
	}
	for _, id := range said.ResourceIDs {
		found.member(id).autoProtect = said.Action == "unsuspend"
	}
	return map[string]any{"set_resource_ids": said.ResourceIDs}, nil
}
