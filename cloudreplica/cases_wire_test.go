package cloudreplica_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// wireCase is one way to call an operation: what must leave, and what must come of the answer.
type wireCase struct {
	operation string // as the contract names it
	method    string // of the client, as in "Replicas.Refs"; empty if it is called as the operation
	kind      string // tells the cases of one method apart
	call      func(ctx context.Context, c *cloudreplica.Client) (any, error)
	request   string // method, path and query
	body      string // sample; empty sends none
	status    int
	answer    string // sample; empty is no body
	want      any
	refusal   refusal
}

func (c wireCase) name() string { return strings.TrimSuffix(c.called()+"/"+c.kind, "/") }

func (c wireCase) called() string {
	if c.method != "" {
		return c.method
	}
	return c.operation
}

// target returns method and path without the query.
func (c wireCase) target() (method, path string) {
	method, path, _ = strings.Cut(c.request, " ")
	path, _, _ = strings.Cut(path, "?")
	return method, path
}

// operationOf returns the row of the contract; there is one, or TestContractIsCovered says so.
func operationOf(name string) api.Operation {
	for _, operation := range contract.Table.Operations {
		if operation.Name == name {
			return operation
		}
	}
	return api.Operation{}
}

// watched is what the cases of operations that begin a task compare: what their poller watches.
type watched string

func begun[T any](poller *drkit.Poller[T], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return watched(poller.ID()), nil
}

// refusal is an error answer and what must be made of it.
type refusal struct {
	status  int
	sample  string
	message string
	stack   string
	kind    error
}

var (
	failed = refusal{
		status: 500, sample: "error", message: "Object reference not set to an instance of an object. (TenantType is missing)",
		stack: "at Harbor.Handle()\n at Harbor.Run()",
	}
	badRequest = refusal{status: 400, sample: "error_bad_request", message: "The body cannot be read."}
	forbidden  = refusal{status: 403, sample: "error_forbidden", message: "Access is denied.", kind: drkit.ErrForbidden}
	notFound   = refusal{status: 404, sample: "error_not_found", message: "There is no such resource.", kind: drkit.ErrNotFound}
	taskGone   = refusal{
		status: 500, sample: "error_task_gone", message: "There is no backup task with id [task-7] in current rest session",
		kind: drkit.ErrNotFound,
	}
)

// errorOf is the whole error that a refused call must return.
func (r refusal) errorOf(c wireCase) *drkit.Error {
	method, path := c.target()
	return &drkit.Error{
		Operation: "cloudreplica." + c.operation, Method: method, Path: path, Status: r.status,
		Message: r.message, OperationID: "op-1", Kind: r.kind, Stack: r.stack,
	}
}

// proves reports whether an error answer says that an operation that must not repeat has not run.
func (r refusal) proves() bool { return r.status < http.StatusInternalServerError }

// wireCases has each method at least once, but for the sign-in and the end of a session, which have tests of their own.
func wireCases(t testing.TB) []wireCase {
	t.Helper()
	return slices.Concat(collectionCases(t), planCases(t), tenantCases(t), tenantPartCases(t), sessionCases(t))
}

// family are the methods that all collections of entities have.
type family[T any] struct {
	resource string // field of the client
	path     string
	entity   string // type of the query service; empty where it knows none
	list     string // name of its list in samples of queries
	at       func(c *cloudreplica.Client) *cloudreplica.Collection[T]
	find     func(c *cloudreplica.Client) *cloudreplica.Finder[T]
}

func (f family[T]) cases(t testing.TB) []wireCase {
	t.Helper()
	prefix := wiretest.Snake(f.resource)
	ref := valueOf[cloudreplica.EntityRef](t, prefix+"_get.ref.answer")
	id := ref.ID()
	all := []wireCase{
		{
			operation: f.resource + ".List", request: "GET " + f.path + "?format=Entity", status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return f.at(c).List(ctx) },
			answer: prefix + "_list.answer", want: valueOf[[]T](t, prefix+"_list.answer"), refusal: forbidden,
		},
		{
			operation: f.resource + ".List", method: f.resource + ".Refs", request: "GET " + f.path, status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return f.at(c).Refs(ctx) },
			answer: prefix + "_list.refs.answer", want: valueOf[[]cloudreplica.EntityRef](t, prefix+"_list.refs.answer"), refusal: failed,
		},
		{
			operation: f.resource + ".Get", request: "GET " + f.path + "/" + id + "?format=Entity", status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return f.at(c).Get(ctx, id) },
			answer: prefix + "_get.answer", want: valueOf[T](t, prefix+"_get.answer"), refusal: notFound,
		},
		{
			operation: f.resource + ".Get", method: f.resource + ".Ref", request: "GET " + f.path + "/" + id, status: 200,
			call:   func(ctx context.Context, c *cloudreplica.Client) (any, error) { return f.at(c).Ref(ctx, id) },
			answer: prefix + "_get.ref.answer", want: ref, refusal: notFound,
		},
	}
	if f.entity == "" {
		return all
	}
	query := "page=1&pageSize=100&type=" + f.entity
	return append(all,
		wireCase{
			operation: "Query.Find", method: f.resource + ".Query", request: "GET /api/query?format=Entities&" + query, status: 200,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return drkit.Collect(f.find(c).Query(ctx, cloudreplica.Query[T]{}))
			},
			answer: "query_find." + f.list + ".answer", want: valueOf[[]T](t, prefix+"_list.answer"), refusal: badRequest,
		},
		wireCase{
			operation: "Query.Find", method: f.resource + ".QueryRefs", request: "GET /api/query?" + query, status: 200,
			call: func(ctx context.Context, c *cloudreplica.Client) (any, error) {
				return drkit.Collect(f.find(c).QueryRefs(ctx, cloudreplica.Query[T]{}))
			},
			answer: "query_find." + f.list + ".refs.answer", want: valueOf[[]cloudreplica.EntityRef](t, prefix+"_list.refs.answer"), refusal: failed,
		},
	)
}

func collectionCases(t testing.TB) []wireCase {
	t.Helper()
	return slices.Concat(
		family[cloudreplica.CloudVMReplicaPoint]{
			"VMReplicaPoints", "/api/cloud/vmReplicaPoints", "CloudVmReplicaPoint", "vm_replica_points",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.CloudVMReplicaPoint] {
				return &c.VMReplicaPoints.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.CloudVMReplicaPoint] {
				return &c.VMReplicaPoints.Finder
			},
		}.cases(t),
		family[cloudreplica.CloudReplica]{
			"Replicas", "/api/cloud/replicas", "CloudReplica", "replicas",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.CloudReplica] {
				return &c.Replicas.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.CloudReplica] {
				return &c.Replicas.Finder
			},
		}.cases(t),
		family[cloudreplica.CloudFailoverPlan]{
			"FailoverPlans", "/api/cloud/cloudFailoverPlans", "CloudFailoverPlan", "failover_plans",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.CloudFailoverPlan] {
				return &c.FailoverPlans.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.CloudFailoverPlan] {
				return &c.FailoverPlans.Finder
			},
		}.cases(t),
		family[cloudreplica.CloudFailoverSession]{
			"FailoverSessions", "/api/cloud/failoverSessions", "CloudFailoverSession", "failover_sessions",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.CloudFailoverSession] {
				return &c.FailoverSessions.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.CloudFailoverSession] {
				return &c.FailoverSessions.Finder
			},
		}.cases(t),
		family[cloudreplica.CloudTenant]{
			"Tenants", "/api/cloud/tenants", "CloudTenant", "tenants",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.CloudTenant] {
				return &c.Tenants.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.CloudTenant] { return &c.Tenants.Finder },
		}.cases(t),
		family[cloudreplica.CloudHardwarePlan]{
			"HardwarePlans", "/api/cloud/hardwarePlans", "CloudHardwarePlan", "hardware_plans",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.CloudHardwarePlan] {
				return &c.HardwarePlans.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.CloudHardwarePlan] {
				return &c.HardwarePlans.Finder
			},
		}.cases(t),
		family[cloudreplica.CloudGateway]{
			"Gateways", "/api/cloud/gateways", "CloudGateway", "gateways",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.CloudGateway] {
				return &c.Gateways.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.CloudGateway] {
				return &c.Gateways.Finder
			},
		}.cases(t),
		family[cloudreplica.CloudGatewayPool]{
			"GatewayPools", "/api/cloud/gatewayPools", "CloudGatewayPool", "gateway_pools",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.CloudGatewayPool] {
				return &c.GatewayPools.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.CloudGatewayPool] {
				return &c.GatewayPools.Finder
			},
		}.cases(t),
		family[cloudreplica.BackupServer]{
			"BackupServers", "/api/backupServers", "BackupServer", "backup_servers",
			func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.BackupServer] {
				return &c.BackupServers.Collection
			},
			func(c *cloudreplica.Client) *cloudreplica.Finder[cloudreplica.BackupServer] {
				return &c.BackupServers.Finder
			},
		}.cases(t),
		family[cloudreplica.SystemSession]{
			resource: "SystemSessions", path: "/api/systemSessions",
			at: func(c *cloudreplica.Client) *cloudreplica.Collection[cloudreplica.SystemSession] {
				return &c.SystemSessions.Collection
			},
		}.cases(t),
	)
}
