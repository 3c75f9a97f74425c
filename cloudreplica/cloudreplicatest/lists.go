package cloudreplicatest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// sessionsShown is how long failover sessions are shown after they began.
const sessionsShown = 30 * 24 * time.Hour

// mine keeps of rows those that belong to the tenant whose session it is.
func mine[T any](v *visit, all []T, tenantID func(T) string) []T {
	if v.session.tenant == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return tenantID(one) != v.session.tenant.id })
}

// rows are all entities of a kind that the session may see.
func (v *visit) rows(k kind) rows {
	switch k {
	case pointKind:
		return rowsOf(v.points())
	case replicaKind:
		return rowsOf(v.visibleReplicas())
	case planKind:
		return rowsOf(mine(v, v.known.plans.all, func(f *plan) string { return f.tenantID }))
	case failoverKind:
		return rowsOf(v.visibleFailovers())
	case tenantKind:
		return rowsOf(v.known.tenants.all)
	case hardwarePlanKind:
		return rowsOf(v.known.hardwarePlans.all)
	case gatewayKind:
		return rowsOf(v.known.gateways.all)
	case gatewayPoolKind:
		return rowsOf(v.known.pools.all)
	case backupServerKind:
		return rowsOf(v.servers)
	default:
		return rowsOf(slices.Clone(v.system))
	}
}

func (v *visit) visibleReplicas() []*replica {
	return mine(v, v.known.replicas.all, func(r *replica) string { return r.tenantID })
}

func (v *visit) points() []point {
	var all []point
	for _, r := range v.visibleReplicas() {
		all = pointsOf(all, r)
	}
	return all
}

// visibleFailovers are the sessions of the last days that the database knows of, as they are now.
func (v *visit) visibleFailovers() []*failover {
	var shown []*failover
	for _, f := range mine(v, v.failovers, func(f *failover) string { return f.of.tenantID }) {
		if f.published && v.now.Sub(f.created) < sessionsShown {
			shown = append(shown, f.snapshot())
		}
	}
	return shown
}

// wantsEntity reports whether a request asks for more than references.
func (v *visit) wantsEntity() bool { return strings.EqualFold(v.call.Query.Get("format"), "Entity") }

// list shows all entities of a kind, or references to them.
func (v *visit) list(k kind) (*reply, error) {
	all := v.rows(k)
	if v.wantsEntity() {
		return found200(collection(k.list, v.printer.entities(k, all)))
	}
	return v.refs(k, all)
}

func (v *visit) refs(k kind, all rows) (*reply, error) {
	return found200(collection("EntityReferences", v.printer.references(k, all)))
}

// get shows one entity of a kind, or a reference to it.
func (v *visit) get(k kind, id string) (*reply, error) {
	r, err := v.row(k, id)
	if err != nil {
		return nil, err
	}
	if v.wantsEntity() {
		return found200(v.printer.entity(k, k.name, r))
	}
	return found200(v.printer.reference(k, "EntityRef", r))
}

// row finds one entity that the session may see.
func (v *visit) row(k kind, id string) (row, error) {
	if k == pointKind {
		found, exists := v.known.pointNamed(id)
		if !exists || !v.sees(found.of.tenantID) {
			return nil, missing(k, id)
		}
		return found, nil
	}
	all := v.rows(k)
	for i := range all.count {
		if r := all.at(i); strings.EqualFold(r.ident(), id) {
			return r, nil
		}
	}
	return nil, missing(k, id)
}

func (v *visit) sees(tenantID string) bool {
	return v.session.tenant == nil || v.session.tenant.id == tenantID
}

// listPointsOf shows the points of a replica, as references only.
func (v *visit) listPointsOf() (*reply, error) {
	id := v.call.Arguments["replicaId"]
	found, exists := v.known.replicas.get(id)
	if !exists || !v.sees(found.tenantID) {
		return nil, missing(replicaKind, id)
	}
	return v.refs(pointKind, rowsOf(pointsOf(nil, found)))
}

// listSubscribers shows the tenants that have a hardware plan, whole without being asked.
func (v *visit) listSubscribers() (*reply, error) {
	id := v.call.Arguments["hardwarePlanId"]
	found, exists := v.known.hardwarePlans.get(id)
	if !exists {
		return nil, missing(hardwarePlanKind, id)
	}
	subscribers := slices.DeleteFunc(slices.Clone(v.known.tenants.all), func(t *tenant) bool { return !t.subscribes(found.id) })
	return found200(collection(tenantKind.list, v.printer.entities(tenantKind, rowsOf(subscribers))))
}

// collectServer begins a collection. Its task ends when the collection begins.
func (v *visit) collectServer() (*reply, error) {
	id := v.call.Arguments["serverId"]
	found := v.server(strings.ToLower(id))
	if found == nil {
		return nil, missing(backupServerKind, id)
	}
	return v.begin(func(at time.Time) (done, error) {
		v.collect(at, []*backupServer{found})
		return done{}, nil
	})
}

// plan finds the plan of the path.
func (v *visit) plan() (*plan, error) {
	id := v.call.Arguments["planId"]
	found, exists := v.known.plans.get(id)
	if !exists || !v.sees(found.tenantID) {
		return nil, missing(planKind, id)
	}
	return found, nil
}

func (v *visit) listPlanVMs() (*reply, error) {
	found, err := v.plan()
	if err != nil {
		return nil, err
	}
	return found200(collection("CloudFailoveredVms", found.listVMs(v.printer, "CloudFailoveredVm")))
}

func (v *visit) getPlanVM() (*reply, error) {
	found, err := v.plan()
	if err != nil {
		return nil, err
	}
	id := v.call.Arguments["vmId"]
	for _, vm := range found.vms {
		if strings.EqualFold(vm.id, id) {
			return found200(found.showVM(v.printer, "CloudFailoveredVm", vm))
		}
	}
	return nil, refuse(http.StatusNotFound, "CloudFailoveredVm with id [%s] was not found", id)
}
