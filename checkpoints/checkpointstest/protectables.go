package checkpointstest

import (
	"slices"
	"strings"
)

// mostProtectables is the highest limit of the list of protectable resources.
const mostProtectables = 50

// protectableTypes are the types of the path. Those without a value have no resources here.
var protectableTypes = map[string]string{
	"server": TypeServer, "disk": TypeDisk, "turbo": TypeFileSystem, "workspace": "", "workspace_v2": "",
}

func (r *region) protectableBody(of *resource) map[string]any {
	children := []map[string]any{}
	for _, disk := range of.disks {
		children = append(children, map[string]any{
			"id": disk.id, "name": disk.name, "type": disk.kind, "size": disk.sizeGB, "status": disk.status,
		})
	}
	protectable := map[string]any{"result": true, "code": "", "reason": "", "message": ""}
	if in := r.vaultOf(of); in != nil {
		protectable["result"], protectable["code"], protectable["reason"] = false, CodeResourceInVault, "The resource is in a vault already."
		protectable["vault"] = r.vaultBody(in)
	}
	return map[string]any{
		"id": of.id, "name": of.name, "type": of.kind, "size": of.size(), "status": of.status, "children": children,
		"detail": map[string]any{"OS-EXT-AZ:availability_zone": of.az}, "protectable": protectable,
	}
}

// listProtectables has no count. For servers the offset counts pages from 1, and 0 is the first as well; for all
// else it counts items.
func (r *region) listProtectables(v *visit) (any, error) {
	kind, known := protectableTypes[v.argument(0)]
	if !known {
		return nil, refuse(CodeInvalidParameter, "The protectable type %q is invalid.", v.argument(0))
	}
	query := v.call.Query
	limit, err := number(query.Get("limit"), mostProtectables, 1, mostProtectables)
	if err != nil {
		return nil, refuse(CodeInvalidParameter, "The limit is not within 1 and %d.", mostProtectables)
	}
	offset, err := number(query.Get("offset"), 0, 0, 1<<31)
	if err != nil {
		return nil, refuse(CodeInvalidParameter, "The offset is invalid: %s", err)
	}
	if kind == TypeServer {
		offset = max(0, offset-1) * limit
	}
	differs := func(name, value string) bool { return query.Get(name) != "" && query.Get(name) != value }
	found := r.resources.matching(func(one *resource) bool {
		return one.kind == kind && one.project == v.project && !differs("id", one.id) && !differs("status", one.status) &&
			strings.Contains(one.name, query.Get("name")) && (one.server == nil || !differs("server_id", one.server.id))
	})
	slices.SortFunc(found, func(a, b *resource) int { return strings.Compare(a.id, b.id) })
	bodies := []map[string]any{}
	for _, one := range cut(after(found, query.Get("marker"), func(one *resource) string { return one.id }), page{limit, offset}) {
		bodies = append(bodies, r.protectableBody(one))
	}
	return map[string]any{"instances": bodies}, nil
}

func (r *region) getProtectable(v *visit) (any, error) {
	kind, id := protectableTypes[v.argument(0)], v.argument(1)
	if kind != TypeServer && kind != TypeDisk {
		return nil, refuse(CodeInvalidParameter, "The protectable type %q is invalid.", v.argument(0))
	}
	found := r.resources.byID[id]
	if found == nil || found.kind != kind || found.project != v.project {
		return nil, v.missing(id, codeOfMissing(kind), "The resource %s does not exist.")
	}
	return map[string]any{"instance": r.protectableBody(found)}, nil
}

func codeOfMissing(kind string) string { return notFound(kind, "").code }

// features are what the region can do.
func (r *region) features() map[string]any {
	sources := []string{}
	for _, other := range r.cloud.regions {
		if other != r {
			sources = append(sources, other.name)
		}
	}
	return map[string]any{
		"replication.enable": len(r.destinations()) > 0, "replication.source_region": sources,
		"replication.destination_regions": r.destinations(), "replication.destination_dgw_regions": []string{},
		"features.backup_double_az": false,
	}
}

func (r *region) listFeatures(*visit) (any, error) { return r.features(), nil }

// getFeature answers an unknown key with bare text, as the guide shows.
func (r *region) getFeature(v *visit) (any, error) {
	key := v.argument(0)
	value, known := r.features()[key]
	if !known {
		wrong := refuse(CodeInvalidParameter, "The feature %s does not exist.", key)
		wrong.form = stringForm
		return nil, wrong
	}
	return map[string]any{key: value}, nil
}

func (r *region) storageUsage(v *visit) (any, error) {
	p, err := r.pageOf(v.call.Query)
	if err != nil {
		return nil, err
	}
	query := v.call.Query
	rows, at := []map[string]any{}, map[string]map[string]any{}
	for _, b := range r.backups.all {
		if b.project != v.project || b.parent != nil ||
			(query.Get("resource_id") != "" && query.Get("resource_id") != b.resourceID) ||
			(query.Get("resource_type") != "" && query.Get("resource_type") != b.resourceType) {
			continue
		}
		row := at[b.resourceID]
		if row == nil {
			row = map[string]any{
				"resource_id": b.resourceID, "resource_name": b.resourceName, "resource_type": b.resourceType,
				"backup_count": 0, "backup_size": 0, "backup_size_multiaz": 0,
			}
			at[b.resourceID] = row
			rows = append(rows, row)
		}
		count, _ := row["backup_count"].(int)
		size, _ := row["backup_size"].(int)
		row["backup_count"], row["backup_size"] = count+1, size+b.takesMB
	}
	return map[string]any{"resource_count": len(rows), "storage_usage": cut(rows, p)}, nil
}
