package checkpointstest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// work is one operation: it returns the answer's value, nil for none, or a *refusal.
type work func(*visit) (any, error)

// route is one operation of the guide.
type route struct {
	scope string // name of the path's argument that names the project; empty: none
	rest  string // path after the project, as the contract has it
	hwc   bool   // whether only Huawei Cloud has it
	work  func(*region) work
}

// routeOf finds the route of an operation by its method and path, as the guide has them.
func routeOf(operation api.Operation) route {
	path, scope := operation.Path, ""
	segments := strings.SplitN(strings.TrimPrefix(path, "/"), "/", 3)
	if len(segments) == 3 && segments[0] == "v3" && strings.HasPrefix(segments[1], "{") {
		scope, path = strings.Trim(segments[1], "{}"), "/"+segments[2]
	}
	found := routes()[operation.Method+" "+shapeOf(path)]
	found.scope, found.rest = scope, path
	return found
}

// shapeOf is a path without the names of its arguments.
func shapeOf(path string) string {
	shape := strings.Split(path, "/")
	for i, segment := range shape {
		if strings.HasPrefix(segment, "{") {
			shape[i] = "{}"
		}
	}
	return strings.Join(shape, "/")
}

// both are operations of both clouds, and hwc those that only Huawei Cloud has.
func both(work func(*region) work) route { return route{work: work} }
func hwc(work func(*region) work) route  { return route{work: work, hwc: true} }

// routes are the operations of the guide, by method and path after the project.
func routes() map[string]route {
	return map[string]route{
		"POST /checkpoints":           both(func(r *region) work { return r.createCheckpoint }),
		"GET /checkpoints/{}":         both(func(r *region) work { return r.getCheckpoint }),
		"POST /checkpoints/replicate": both(func(r *region) work { return r.replicateVault }),
		"POST /checkpoints/sync":      hwc(func(r *region) work { return r.syncVault }),

		"GET /backups":               both(func(r *region) work { return r.listBackups }),
		"GET /backups/{}":            both(func(r *region) work { return r.getBackup }),
		"PUT /backups/{}":            hwc(func(r *region) work { return r.updateBackup }),
		"DELETE /backups/{}":         both(func(r *region) work { return r.deleteBackup }),
		"POST /backups/{}/replicate": both(func(r *region) work { return r.replicateBackup }),
		"POST /backups/{}/restore":   both(func(r *region) work { return r.restore }),
		"POST /backups/sync":         hwc(func(r *region) work { return r.syncBackups }),
		"GET /backups/{}/metadata":   hwc(func(r *region) work { return r.backupMetadata }),

		"POST /backups/{}/members":      both(func(r *region) work { return r.addMembers }),
		"GET /backups/{}/members":       both(func(r *region) work { return r.listMembers }),
		"GET /backups/{}/members/{}":    both(func(r *region) work { return r.getMember }),
		"PUT /backups/{}/members/{}":    both(func(r *region) work { return r.updateMember }),
		"DELETE /backups/{}/members/{}": both(func(r *region) work { return r.deleteMember }),

		"POST /vaults":                     both(func(r *region) work { return r.createVault }),
		"GET /vaults":                      both(func(r *region) work { return r.listVaults }),
		"GET /vaults/{}":                   both(func(r *region) work { return r.getVault }),
		"PUT /vaults/{}":                   both(func(r *region) work { return r.updateVault }),
		"DELETE /vaults/{}":                both(func(r *region) work { return r.deleteVault }),
		"POST /vaults/{}/addresources":     both(func(r *region) work { return r.addResources }),
		"POST /vaults/{}/removeresources":  both(func(r *region) work { return r.removeResources }),
		"POST /vaults/{}/migrateresources": both(func(r *region) work { return r.migrateResources }),
		"POST /vaults/{}/associatepolicy":  both(func(r *region) work { return r.associatePolicy }),
		"POST /vaults/{}/dissociatepolicy": both(func(r *region) work { return r.dissociatePolicy }),
		"PUT /vaults/{}/set-resources":     hwc(func(r *region) work { return r.setResources }),
		"PUT /vaults/batch-update":         hwc(func(r *region) work { return r.updateVaults }),
		"GET /vaults/external":             hwc(func(r *region) work { return r.listExternalVaults }),
		"GET /vaults/summary":              hwc(func(r *region) work { return r.summary }),
		"POST /vaults/order":               hwc(func(r *region) work { return r.orderVault }),
		"POST /vaults/change-charge-mode":  hwc(func(r *region) work { return r.changeChargeMode }),
		"POST /orders/change":              hwc(func(r *region) work { return r.changeOrder }),
		"PUT /orders/{}":                   hwc(func(r *region) work { return r.updateOrder }),

		"POST /policies":      both(func(r *region) work { return r.createPolicy }),
		"GET /policies":       both(func(r *region) work { return r.listPolicies }),
		"GET /policies/{}":    both(func(r *region) work { return r.getPolicy }),
		"PUT /policies/{}":    both(func(r *region) work { return r.updatePolicy }),
		"DELETE /policies/{}": both(func(r *region) work { return r.deletePolicy }),

		"GET /operation-logs":               both(func(r *region) work { return r.listTasks }),
		"GET /operation-logs/{}":            both(func(r *region) work { return r.getTask }),
		"GET /replication-capabilities":     both(func(r *region) work { return r.capabilities }),
		"GET /protectables/{}/instances":    hwc(func(r *region) work { return r.listProtectables }),
		"GET /protectables/{}/instances/{}": hwc(func(r *region) work { return r.getProtectable }),
		"POST /agent/check":                 hwc(func(r *region) work { return r.checkAgents }),
		"GET /cbr-features":                 hwc(func(r *region) work { return r.listFeatures }),
		"GET /cbr-features/{}":              hwc(func(r *region) work { return r.getFeature }),
		"GET /storage_usage":                hwc(func(r *region) work { return r.storageUsage }),

		"POST /vault/resource_instances/action": both(func(r *region) work { return r.filterByTags }),
		"GET /vault/tags":                       both(func(r *region) work { return r.projectTags }),
		"GET /vault/{}/tags":                    both(func(r *region) work { return r.vaultTags }),
		"POST /vault/{}/tags":                   both(func(r *region) work { return r.setTag }),
		"POST /vault/{}/tags/action":            both(func(r *region) work { return r.setTags }),
		"DELETE /vault/{}/tags/{}":              both(func(r *region) work { return r.deleteTag }),

		"GET /agents":                 hwc(func(r *region) work { return r.listAgents }),
		"GET /agents/{}":              hwc(func(r *region) work { return r.getAgent }),
		"POST /agents":                hwc(func(r *region) work { return r.registerAgent }),
		"PUT /agents/{}":              hwc(func(r *region) work { return r.updateAgent }),
		"DELETE /agents/{}":           hwc(func(r *region) work { return r.removeAgent }),
		"POST /agents/{}/add-path":    hwc(func(r *region) work { return r.addPaths }),
		"POST /agents/{}/remove-path": hwc(func(r *region) work { return r.removePaths }),

		"POST /organization-policies":                 hwc(func(r *region) work { return r.createOrgPolicy }),
		"GET /organization-policies":                  hwc(func(r *region) work { return r.listOrgPolicies }),
		"GET /organization-policies/{}":               hwc(func(r *region) work { return r.getOrgPolicy }),
		"PUT /organization-policies/{}":               hwc(func(r *region) work { return r.updateOrgPolicy }),
		"DELETE /organization-policies/{}":            hwc(func(r *region) work { return r.deleteOrgPolicy }),
		"GET /organization-policies/{}/policy-detail": hwc(func(r *region) work { return r.orgPolicyDetail }),

		"GET /v3/region-projects":    hwc(func(r *region) work { return r.regionProjects }),
		"GET /v3/domain/{}/projects": hwc(func(r *region) work { return r.domainProjects }),
		"GET /v3/domain/{}":          hwc(func(r *region) work { return r.projectDomain }),
		"POST /v3/migrates":          hwc(func(r *region) work { return r.migrate }),
		"GET /v3/migrates":           hwc(func(r *region) work { return r.migration }),
	}
}

// handlers joins the routes to the contract.
func (r *region) handlers(table api.Table) map[string]simkit.Handler {
	handlers := map[string]simkit.Handler{}
	r.routes = map[string]route{}
	for _, operation := range table.Operations {
		if found := routeOf(operation); found.work != nil {
			r.routes[operation.Name] = found
			handlers[operation.Name] = r.handler(found.work(r))
		}
	}
	return handlers
}

// handler does the work under the lock, and encodes what it returns: values may share memory with the state.
func (r *region) handler(work work) simkit.Handler {
	return func(call *simkit.Call) simkit.Answer {
		v, _ := call.Session.(*visit) // admit has put it there
		r.cloud.mu.Lock()
		defer r.cloud.mu.Unlock()
		r.cloud.settle(call.Now())
		value, err := work(v)
		if err != nil {
			return r.refused(err)
		}
		answer := simkit.Answer{Status: call.Operation.Statuses[0], Header: http.Header{}}
		if value != nil {
			answer = simkit.JSON(call.Operation.Statuses[0], contentType, value)
		}
		answer.Header.Set(requestIDHeader, plainID(simkit.FreshID()))
		return answer
	}
}

// resourceOf says what a request is about, for faults and the audit: what the path names after the project, else
// what the body names.
func (r *region) resourceOf(call *simkit.Call) string {
	found := r.routes[call.Operation.Name]
	if names := argumentNames(found.rest); len(names) > 0 {
		return call.Arguments[names[0]]
	}
	var body struct {
		Checkpoint, Replicate, Sync struct {
			VaultID string `json:"vault_id"`
		}
		Vault, Policy struct{ Name string }
	}
	_ = json.Unmarshal(call.Body, &body) // an array in place of an object leaves it empty
	for _, named := range []string{
		body.Checkpoint.VaultID, body.Replicate.VaultID, body.Sync.VaultID, body.Vault.Name, body.Policy.Name,
	} {
		if named != "" {
			return named
		}
	}
	return ""
}

// read decodes a body that has been checked.
func read[T any](v *visit) (T, error) {
	var body T
	if err := json.Unmarshal(v.call.Body, &body); err != nil {
		return body, refuse(CodeInvalidParameter, "The request body is invalid: %s", err)
	}
	return body, nil
}
