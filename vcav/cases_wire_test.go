package vcav_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// resources are what a client and a view of a site have in common; a view leaves some nil.
type resources struct {
	Sessions       *vcav.Sessions
	Diagnostics    *vcav.Diagnostics
	Tasks          *vcav.Tasks
	VMReplications *vcav.SiteVMReplications
}

func here(c *vcav.Client) resources {
	return resources{c.Sessions, c.Diagnostics, c.Tasks, &c.VMReplications.SiteVMReplications}
}

func there(s *vcav.Site) resources {
	return resources{Tasks: s.Tasks, VMReplications: s.VMReplications}
}

// wireCase is one way to call an operation: what must leave, and what must come of the answer.
type wireCase struct {
	operation string // as the contract names it
	kind      string // tells the cases of one operation apart
	call      func(ctx context.Context, r resources) (any, error)
	begin     func(ctx context.Context, r resources) (*poller, error) // instead of call, where the answer is a task
	request   string                                                  // method and path
	query     []string
	body      string // sample; empty sends none
	status    int
	answer    string // sample; empty is no body
	want      any
	refusal   refusal
	signsIn   bool // the session is the client's own, and not given
}

func (c wireCase) name() string { return strings.TrimSuffix(c.operation+"/"+c.kind, "/") }

// line returns the request line, at a site if one is named. Parameters are sent in the order of their
// names.
func (c wireCase) line(site string) string {
	query := slices.Clone(c.query)
	if site != "" {
		query = append(query, "site="+site)
		slices.Sort(query)
	}
	return strings.TrimSuffix(c.request+"?"+strings.Join(query, "&"), "?")
}

// run calls the operation.
func (c wireCase) run(ctx context.Context, r resources) (any, error) {
	if c.begin != nil {
		return started(c.begin(ctx, r))
	}
	return c.call(ctx, r)
}

type poller = drkit.Poller[vcav.VMReplication]

// taskOf is what the cases of starting operations compare: which task the answer was taken for. What
// comes of the task is the matter of tasks_poller_test.go.
type taskOf string

func started(poller *poller, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return taskOf(poller.ID()), nil
}

// wireCases has each operation at least once, but for the sign-in, which signInCases have.
func wireCases(t testing.TB) []wireCase {
	return slices.Concat(sessionCases(), taskCases(t), replicationCases(), startCases(), failoverCases())
}

func sessionCases() []wireCase {
	return []wireCase{
		{
			operation: "Diagnostics.About", request: "GET /diagnostics/about",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Diagnostics.About(ctx) },
			status: 200, answer: "diagnostics_about.answer", want: about(), refusal: forbidden,
		},
		{
			operation: "Sessions.Get", request: "GET /sessions",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Sessions.Get(ctx) },
			status: 200, answer: "sessions_get.answer", want: extendedSession(), refusal: notAuthenticated,
		},
		{
			operation: "Sessions.End", request: "DELETE /sessions", signsIn: true,
			call:   func(ctx context.Context, r resources) (any, error) { return nil, r.Sessions.End(ctx) },
			status: 204, refusal: serverFailure,
		},
	}
}

func taskCases(t testing.TB) []wireCase {
	return []wireCase{
		{
			operation: "Tasks.Get", request: "GET /tasks/" + taskID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.Tasks.Get(ctx, taskID) },
			status: 200, answer: "tasks_get.answer", want: succeededTask(t), refusal: notFound,
		},
		{
			operation: "Tasks.Get", kind: "failed", request: "GET /tasks/e29c4a70-8b6d-4135-9fe2-70d1b38a5c94",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Tasks.Get(ctx, failedTask().ID) },
			status: 200, answer: "tasks_get.failed", want: failedTask(), refusal: notFound,
		},
		{
			operation: "Tasks.List", request: "GET /tasks",
			call: func(ctx context.Context, r resources) (any, error) {
				return drkit.Collect(r.Tasks.List(ctx, vcav.TaskQuery{}))
			},
			status: 200, answer: "tasks_list.answer", want: allTasks(t), refusal: serverFailure,
		},
		{
			operation: "Tasks.List", kind: "every parameter", request: "GET /tasks", query: taskParameters,
			call: func(ctx context.Context, r resources) (any, error) {
				return drkit.Collect(r.Tasks.List(ctx, everyTaskParameter()))
			},
			status: 200, answer: "tasks_list.answer", want: allTasks(t), refusal: forbidden,
		},
	}
}

func replicationCases() []wireCase {
	rows := []vcav.VMReplication{orders(), ordersWeb()}
	return []wireCase{
		{
			operation: "VMReplications.Get", request: "GET /vm-replications/" + ordersID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.VMReplications.Get(ctx, ordersID) },
			status: 200, answer: "vm_replications_get.answer", want: orders(), refusal: notFound,
		},
		{
			operation: "VMReplications.Get", kind: "on premises", request: "GET /vm-replications/" + billingID,
			call:   func(ctx context.Context, r resources) (any, error) { return r.VMReplications.Get(ctx, billingID) },
			status: 200, answer: "vm_replications_get.on_premises.answer", want: billing(), refusal: forbidden,
		},
		{
			operation: "VMReplications.Instances", request: "GET /vm-replications/" + ordersID + "/instances",
			call: func(ctx context.Context, r resources) (any, error) {
				return r.VMReplications.Instances(ctx, ordersID)
			},
			status: 200, answer: "vm_replications_instances.answer", want: instances(), refusal: notFound,
		},
		{
			operation: "VMReplications.List", request: "GET /vm-replications",
			call: func(ctx context.Context, r resources) (any, error) {
				return drkit.Collect(r.VMReplications.List(ctx, vcav.VMReplicationQuery{}))
			},
			status: 200, answer: "vm_replications_list.answer", want: rows, refusal: serverFailure,
		},
		{
			operation: "VMReplications.List", kind: "every parameter",
			request: "GET /vm-replications", query: replicationParameters,
			call: func(ctx context.Context, r resources) (any, error) {
				return drkit.Collect(r.VMReplications.List(ctx, everyReplicationParameter()))
			},
			status: 200, answer: "vm_replications_list.answer", want: rows, refusal: forbidden,
		},
	}
}

// startCases are the operations without a body that answer a task.
func startCases() []wireCase {
	return []wireCase{
		{
			operation: "VMReplications.Sync", request: "POST /vm-replications/" + ordersID + "/sync",
			begin: func(ctx context.Context, r resources) (*poller, error) {
				return r.VMReplications.Sync(ctx, ordersID)
			},
			status: 202, answer: "vm_replications_sync.answer",
			want: taskOf("c5a81e3f-72b9-4d06-8e14-f09d6b37c2a5"), refusal: notFound,
		},
		{
			operation: "VMReplications.CleanUpTestFailover",
			request:   "DELETE /vm-replications/" + ordersID + "/failover-test",
			begin: func(ctx context.Context, r resources) (*poller, error) {
				return r.VMReplications.CleanUpTestFailover(ctx, ordersID)
			},
			status: 202, answer: "vm_replications_clean_up_test_failover.answer",
			want: taskOf("f10b65c8-39ad-4e72-8c56-a2e7d0943b1f"), refusal: conflict,
		},
		{
			operation: "VMReplications.Reverse", request: "POST /vm-replications/" + ordersID + "/reverse",
			begin: func(ctx context.Context, r resources) (*poller, error) {
				return r.VMReplications.Reverse(ctx, ordersID)
			},
			status: 202, answer: "vm_replications_reverse.answer",
			want: taskOf("a4e7d219-c05f-4b36-97d8-6f3b18e5c0d4"), refusal: forbidden,
		},
	}
}

func failoverCases() []wireCase {
	return []wireCase{
		failoverCase("cloud", cloudFailover()),
		failoverCase("vcenter", vCenterFailover()),
		testFailoverCase("cloud", cloudFailoverTest()),
		testFailoverCase("cloud_instance", vcav.CloudFailoverTest{InstanceID: drkit.Some(instanceID)}),
		testFailoverCase("vcenter", vCenterFailoverTest()),
	}
}

func failoverCase(kind string, request vcav.FailoverRequest) wireCase {
	return wireCase{
		operation: "VMReplications.Failover", kind: kind,
		begin: func(ctx context.Context, r resources) (*poller, error) {
			return r.VMReplications.Failover(ctx, ordersID, request)
		},
		request: "POST /vm-replications/" + ordersID + "/failover", body: "vm_replications_failover." + kind + ".request",
		status: 202, answer: "vm_replications_failover.answer", want: taskOf(taskID), refusal: conflict,
	}
}

func testFailoverCase(kind string, request vcav.FailoverTestRequest) wireCase {
	return wireCase{
		operation: "VMReplications.TestFailover", kind: kind,
		begin: func(ctx context.Context, r resources) (*poller, error) {
			return r.VMReplications.TestFailover(ctx, ordersID, request)
		},
		request: "POST /vm-replications/" + ordersID + "/failover-test",
		body:    "vm_replications_test_failover." + kind + ".request",
		status:  202, answer: "vm_replications_test_failover.answer",
		want: taskOf("3c92d7f0-e6b5-4a81-b0cf-58d14e97a62b"), refusal: notFound,
	}
}

// refusal is an error answer and what must be made of it.
type refusal struct {
	status  int
	sample  string
	code    string
	message string
	args    []string
	stack   string
	kind    error
}

var (
	notFound = refusal{
		status: 404, sample: "error_not_found", code: vcav.CodeReplicationNotFound,
		message: "There is no replication " + ordersWebID + ".", args: []string{ordersWebID}, kind: drkit.ErrNotFound,
	}
	conflict = refusal{
		status: 409, sample: "error_conflict", code: "OperationInProgress",
		message: "A failover of " + ordersID + " is running.", args: []string{ordersID, "failover"}, kind: drkit.ErrConflict,
	}
	forbidden = refusal{
		status: 403, sample: "error_forbidden", code: vcav.CodeForbidden,
		message: "This takes another role.", args: []string{}, kind: drkit.ErrForbidden,
	}
	notAuthenticated = refusal{
		status: 401, sample: "error_not_authenticated", code: vcav.CodeNotAuthenticated,
		message: "Sign in first.", args: []string{}, kind: drkit.ErrUnauthorized,
	}
	serverFailure = refusal{
		status: 500, sample: "error", code: vcav.CodeGeneralServerFailure,
		message: "The service failed.", args: []string{},
		stack: "com.example.Failure: The service failed.\n\tat com.example.Service.run(Service.java:7)\n",
	}
)

// errorOf is the whole error that a refused call must return.
func (r refusal) errorOf(operation, request, operationID string) *drkit.Error {
	method, path, _ := strings.Cut(request, " ")
	return &drkit.Error{
		Operation: "vcav." + operation, Method: method, Path: path, Status: r.status, Code: r.code,
		Message: r.message, Args: r.args, OperationID: operationID, Stack: r.stack, Kind: r.kind,
	}
}
