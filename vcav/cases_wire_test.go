package vcav_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// resources are what a client and a view of a site have in common; a view leaves some nil.
type resources struct {
	Sessions       *vcav.Sessions
	Diagnostics    *vcav.Diagnostics
	Tasks          *vcav.Tasks
	Policies       *vcav.SitePolicies
	VMReplications *vcav.SiteVMReplications

	// What only the local site has of the same resources.
	LocalPolicies  *vcav.Policies
	Statistics     *vcav.VMReplications
	SupportBundles *vcav.SupportBundles
}

func here(c *vcav.Client) resources {
	return resources{
		Sessions: c.Sessions, Diagnostics: c.Diagnostics, Tasks: c.Tasks,
		Policies: &c.Policies.SitePolicies, VMReplications: &c.VMReplications.SiteVMReplications,
		LocalPolicies: c.Policies, Statistics: c.VMReplications, SupportBundles: c.SupportBundles,
	}
}

func there(s *vcav.Site) resources {
	return resources{Tasks: s.Tasks, Policies: s.Policies, VMReplications: s.VMReplications}
}

// wireCase is one way to call an operation: what must leave, and what must come of the answer.
type wireCase struct {
	operation string // as the contract names it
	kind      string // tells the cases of one operation apart
	call      func(ctx context.Context, r resources) (any, error)
	begin     func(ctx context.Context, r resources) (follower, error) // instead of call, where the answer is a task
	request   string                                                   // method and path
	query     []string
	body      string // sample; empty sends none
	status    int
	answer    string // sample; empty is no body
	file      string // body of an answer that is a file
	want      any
	done      any // result of a task that had ended when it was accepted
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
	if c.begin == nil {
		return c.call(ctx, r)
	}
	poller, err := c.begin(ctx, r)
	if err != nil {
		return nil, err
	}
	return taskOf(poller.ID()), nil
}

// class returns what the contract says of repeating the operation.
func (c wireCase) class() api.Class { return operationOf(c.operation).Class }

// at returns the resources of a site where the operation may name one, and else those of the client,
// with the name that the request then has.
func (c wireCase) at(client *vcav.Client, site string) (r resources, named string) {
	if takesSite(c.operation) {
		return there(client.Site(site)), site
	}
	return here(client), ""
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

// takesSite reports whether the contract lets an operation name a site.
func takesSite(name string) bool { return slices.Contains(operationOf(name).Query, "site") }

type poller = drkit.Poller[vcav.VMReplication]

// follower is a poller, whatever its result.
type follower interface {
	ID() string
	Done() bool
	Adopted() bool
	result() (any, error)
	wait(ctx context.Context, options ...drkit.WaitOption) (any, error)
}

type following[T any] struct{ *drkit.Poller[T] }

func (f following[T]) result() (any, error) { return f.Result() }

func (f following[T]) wait(ctx context.Context, options ...drkit.WaitOption) (any, error) {
	return f.Wait(ctx, options...)
}

func begun[T any](poller *drkit.Poller[T], err error) (follower, error) {
	if err != nil {
		return nil, err
	}
	return following[T]{poller}, nil
}

// taskOf is what the cases of starting operations compare: which task the answer was taken for. What
// comes of the task is the matter of tasks_poller_test.go.
type taskOf string

func started[T any](poller *drkit.Poller[T], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return taskOf(poller.ID()), nil
}

// wireCases has each operation at least once, but for the sign-in, which signInCases have.
func wireCases(t testing.TB) []wireCase {
	return slices.Concat(sessionCases(), diagnosticsCases(), bundleCases(), taskCases(t), policyCases(), replicationCases(), detailCases(),
		startCases(), changeCases(), failoverCases())
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
	policyNotFound = refusal{
		status: 404, sample: "error_policy_not_found", code: "PolicyNotFound",
		message: "There is no policy " + silverID + ".", args: []string{silverID}, kind: drkit.ErrNotFound,
	}
	remoteAuthentication = refusal{
		status: 401, sample: "error_remote_authentication_failure", code: vcav.CodeRemoteAuthenticationFailure,
		message: "The session does not reach north.", args: []string{"north"}, kind: drkit.ErrUnauthorized,
	}
	badRequest = refusal{
		status: 400, sample: "error_bad_request", code: "BadRequest",
		message: "The request does not make sense.", args: []string{},
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
