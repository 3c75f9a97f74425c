package cloudreplicatest

import (
	"net/http"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// work is one operation: it returns what to answer, or a *refusal.
type work func(*visit) (*reply, error)

func listing(k kind) work { return func(v *visit) (*reply, error) { return v.list(k) } }

func getting(k kind, argument string) work {
	return func(v *visit) (*reply, error) { return v.get(k, v.call.Arguments[argument]) }
}

// routes are the operations of the guide, by method, path after /api and action.
func routes() map[string]work {
	return map[string]work{
		"GET /":                    (*visit).versionsOf,
		"POST /sessionMngr/":       (*visit).signIn,
		"GET /logonSessions":       (*visit).listSessions,
		"GET /logonSessions/{}":    (*visit).getSession,
		"DELETE /logonSessions/{}": (*visit).endSession,
		"GET /tasks":               (*visit).listTasks,
		"GET /tasks/{}":            (*visit).getTask,
		"DELETE /tasks/{}":         (*visit).deleteTask,
		"GET /query":               (*visit).find,

		"GET /backupServers":                     listing(backupServerKind),
		"GET /backupServers/{}":                  getting(backupServerKind, "serverId"),
		"POST /backupServers/{}?action=collect":  (*visit).collectServer,
		"GET /systemSessions":                    listing(systemSessionKind),
		"GET /systemSessions/{}":                 getting(systemSessionKind, "sessionId"),
		"GET /cloud":                             (*visit).cloudLinks,
		"GET /cloud/vmReplicaPoints":             listing(pointKind),
		"GET /cloud/vmReplicaPoints/{}":          getting(pointKind, "pointId"),
		"GET /cloud/replicas":                    listing(replicaKind),
		"GET /cloud/replicas/{}":                 getting(replicaKind, "replicaId"),
		"GET /cloud/replicas/{}/vmReplicaPoints": (*visit).listPointsOf,
		"GET /cloud/failoverSessions":            listing(failoverKind),
		"GET /cloud/failoverSessions/{}":         getting(failoverKind, "sessionId"),
		"GET /cloud/hardwarePlans":               listing(hardwarePlanKind),
		"GET /cloud/hardwarePlans/{}":            getting(hardwarePlanKind, "hardwarePlanId"),
		"GET /cloud/hardwarePlans/{}/tenants":    (*visit).listSubscribers,
		"GET /cloud/gateways":                    listing(gatewayKind),
		"GET /cloud/gateways/{}":                 getting(gatewayKind, "gatewayId"),
		"GET /cloud/gatewayPools":                listing(gatewayPoolKind),
		"GET /cloud/gatewayPools/{}":             getting(gatewayPoolKind, "poolId"),

		"GET /cloud/cloudFailoverPlans":                  listing(planKind),
		"GET /cloud/cloudFailoverPlans/{}":               getting(planKind, "planId"),
		"GET /cloud/cloudFailoverPlans/{}/includes":      (*visit).listPlanVMs,
		"GET /cloud/cloudFailoverPlans/{}/includes/{}":   (*visit).getPlanVM,
		"PUT /cloud/cloudFailoverPlans/{}":               (*visit).updatePlan,
		"DELETE /cloud/cloudFailoverPlans/{}":            (*visit).deletePlan,
		"POST /cloud/cloudFailoverPlans/{}?action=start": (*visit).startPlan,
		"POST /cloud/cloudFailoverPlans/{}?action=test":  (*visit).testPlan,
		"POST /cloud/cloudFailoverPlans/{}?action=undo":  (*visit).undoPlan,

		"GET /cloud/tenants":                                 listing(tenantKind),
		"POST /cloud/tenants":                                (*visit).createTenant,
		"GET /cloud/tenants/{}":                              getting(tenantKind, "tenantId"),
		"PUT /cloud/tenants/{}":                              (*visit).updateTenant,
		"DELETE /cloud/tenants/{}":                           (*visit).deleteTenant,
		"GET /cloud/tenants/{}/freelicenseCounters":          (*visit).licenseCounters,
		"GET /cloud/tenants/{}/gatewayPools":                 (*visit).tenantPools,
		"GET /cloud/tenants/{}/resources":                    (*visit).listQuotas,
		"POST /cloud/tenants/{}/resources":                   (*visit).createQuota,
		"GET /cloud/tenants/{}/resources/{}":                 (*visit).getQuota,
		"DELETE /cloud/tenants/{}/resources/{}":              (*visit).deleteQuota,
		"GET /cloud/tenants/{}/computeResources":             (*visit).listCompute,
		"POST /cloud/tenants/{}/computeResources":            (*visit).createCompute,
		"GET /cloud/tenants/{}/computeResources/{}":          (*visit).getCompute,
		"DELETE /cloud/tenants/{}/computeResources/{}":       (*visit).deleteCompute,
		"GET /cloud/tenants/{}/vCloudComputeResources":       (*visit).listDatacenters,
		"POST /cloud/tenants/{}/vCloudComputeResources":      (*visit).createDatacenter,
		"GET /cloud/tenants/{}/vCloudComputeResources/{}":    (*visit).getDatacenter,
		"DELETE /cloud/tenants/{}/vCloudComputeResources/{}": (*visit).deleteDatacenter,
		"GET /cloud/tenants/{}/subtenants":                   (*visit).listSubtenants,
		"POST /cloud/tenants/{}/subtenants":                  (*visit).createSubtenant,
		"GET /cloud/tenants/{}/subtenants/{}":                (*visit).getSubtenant,
		"PUT /cloud/tenants/{}/subtenants/{}":                (*visit).updateSubtenant,
		"DELETE /cloud/tenants/{}/subtenants/{}":             (*visit).deleteSubtenant,
	}
}

// shapeOf is what routes have of an operation.
func shapeOf(operation api.Operation) string {
	segments := strings.Split(strings.TrimPrefix(operation.Path, "/api"), "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") {
			segments[i] = "{}"
		}
	}
	shape := operation.Method + " " + strings.Join(segments, "/")
	if operation.Action != "" {
		shape += "?action=" + operation.Action
	}
	return shape
}

// handlers are the operations by their names in the contract.
func (e *enterprise) handlers(table api.Table) map[string]simkit.Handler {
	all, known := map[string]simkit.Handler{}, routes()
	for _, operation := range table.Operations {
		if do := known[shapeOf(operation)]; do != nil {
			all[operation.Name] = e.handler(do)
		}
	}
	return all
}

func (e *enterprise) handler(do work) simkit.Handler {
	return func(call *simkit.Call) simkit.Answer {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.settle(call.Now())
		v, admitted := call.Session.(*visit)
		if !admitted {
			return e.refused(call, refuse(http.StatusInternalServerError, "nobody has let the request in"))
		}
		said, err := do(v)
		if err != nil {
			return e.refused(call, err)
		}
		if said.document == nil {
			return simkit.Answer{Status: said.status, Header: said.header}
		}
		answer := e.config.dialect.answer(said.status, call.Header, said.document)
		for name, values := range said.header {
			answer.Header[name] = values
		}
		return answer
	}
}
