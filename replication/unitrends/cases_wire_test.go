package unitrends_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// resources are what a client and a view of a system have in common; a view leaves some nil.
type resources struct {
	Targets           *unitrends.SystemTargets
	Config            *unitrends.Config
	Queue             *unitrends.SystemQueue
	Systems           *unitrends.Systems
	JobOrders         *unitrends.JobOrders
	Jobs              *unitrends.Jobs
	Assets            *unitrends.Assets
	Storage           *unitrends.Storage
	Catalog           *unitrends.Catalog
	InstantRecoveries *unitrends.InstantRecoveries

	Client *unitrends.Client // for what only the appliance as a whole is asked for
}

func all(c *unitrends.Client) resources {
	return resources{
		Targets: &c.Targets.SystemTargets, Config: c.Config, Queue: &c.Queue.SystemQueue, Systems: c.Systems,
		JobOrders: c.JobOrders, Jobs: c.Jobs, Assets: c.Assets, Storage: c.Storage, Catalog: c.Catalog,
		InstantRecoveries: c.InstantRecoveries, Client: c,
	}
}

func one(s *unitrends.SystemView) resources {
	return resources{
		Targets: s.Targets, Config: s.Config, Queue: s.Queue, Systems: s.Systems, JobOrders: s.JobOrders, Jobs: s.Jobs,
		Assets: s.Assets, Storage: s.Storage, Catalog: s.Catalog, InstantRecoveries: s.InstantRecoveries,
	}
}

// wireCase is one way to call an operation: what must leave, and what must come of the answer.
type wireCase struct {
	operation string // as the contract names it
	kind      string // tells the cases of one operation apart
	method    string // of the client, where the operation has several
	call      func(ctx context.Context, r resources) (any, error)
	request   string // method and path, without the slash before a query
	query     []string
	body      string // sample; empty sends none
	status    int
	answer    string // sample; empty is no body
	want      any
	refusal   refusal
}

func (c wireCase) name() string { return strings.TrimSuffix(c.operation+"/"+c.kind, "/") }

// line returns the request line, of a system if one is named. Parameters are sent in the order of their names.
func (c wireCase) line(system string) string {
	query := slices.Clone(c.query)
	if system != "" {
		query = append(query, "sid="+system)
		slices.Sort(query)
	}
	if len(query) == 0 {
		return c.request
	}
	return c.request + "/?" + strings.Join(query, "&")
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

// takesSystem reports whether a view of a system has an operation. That of a source is asked of the target.
func takesSystem(name string) bool {
	return slices.Contains(operationOf(name).Query, "sid") && name != "Sources.Update"
}

// watched is what the cases of operations without a result compare: what their poller watches.
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
	code    string
	message string
	args    []string
	kind    error
}

var (
	refused = refusal{
		status: 500, sample: "error", code: "7103",
		message: "There is no request 41. https://kb.example.com/a/3310", args: []string{"request=41"},
	}
	notFound = refusal{
		status: 404, sample: "error_not_found", message: "There is nothing of that id.", kind: drkit.ErrNotFound,
	}
	forbidden = refusal{
		status: 403, sample: "error_forbidden", code: "12", message: "This takes an administrator.", kind: drkit.ErrForbidden,
	}
	conflict = refusal{
		status: 409, sample: "error_conflict", code: "31", message: "It is busy. https://kb.example.com/a/77; Try later.",
		kind: drkit.ErrConflict,
	}
)

// errorOf is the whole error that a refused call must return.
func (r refusal) errorOf(c wireCase) *drkit.Error {
	method, path, _ := strings.Cut(c.request, " ")
	return &drkit.Error{
		Operation: "unitrends." + c.operation, Method: method, Path: path, Status: r.status, Code: r.code,
		Message: r.message, Args: r.args, OperationID: "op-1", Kind: r.kind,
	}
}

// proves reports whether an error answer alone says that an operation that must not repeat has not run.
func (r refusal) proves() bool { return r.status < http.StatusInternalServerError }

func raw(text string) json.RawMessage { return json.RawMessage(text) }

func extra(pairs ...string) map[string]json.RawMessage {
	members := map[string]json.RawMessage{}
	for i := 0; i < len(pairs); i += 2 {
		members[pairs[i]] = raw(pairs[i+1])
	}
	return members
}

// wireCases has each operation at least once, but for the sign-in, which TestSignIn has.
func wireCases(t testing.TB) []wireCase {
	t.Helper()
	return slices.Concat(sourceCases(), targetCases(), settingsCases(), orderCases(), jobCases(), inventoryCases(), recoveryCases())
}
