package checkpoints_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
)

// wireCase is one way to call an operation: what must leave, and what must come of the answer.
type wireCase struct {
	operation string // as the contract names it
	kind      string // tells the cases of one operation apart
	method    string // of the client, where the operation has several
	call      func(ctx context.Context, t *testing.T, c *checkpoints.Client) (any, error)
	path      string // below the project, or the whole one where it begins with /v3/
	query     []string
	body      string // sample; empty sends none
	answer    string // sample; empty is no body
	member    string // of the answer, which the call returns; empty is the answer as a whole
	refusal   refusal
}

func (c wireCase) name() string { return strings.TrimSuffix(c.operation+"/"+c.kind, "/") }

// request returns method and path, without the query.
func (c wireCase) request() string {
	path := c.path
	if !strings.HasPrefix(path, "/v3/") {
		path = prefix + path
	}
	return operationOf(c.operation).Method + " " + path
}

// line returns the request line. Parameters are sent in the order of their names.
func (c wireCase) line() string {
	if len(c.query) == 0 {
		return c.request()
	}
	return c.request() + "?" + strings.Join(c.query, "&")
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

// collect reads a list to its end, as a value and an error.
func collect[T any](rows iter.Seq2[T, error]) (any, error) {
	all, err := drkit.Collect(rows)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// done is the outcome of a call without a result.
func done(err error) (any, error) { return nil, err }

// begun is the outcome of a call that begins work: what the answer holds of it, which the poller keeps to itself. What it
// makes of that is seen in the flows.
func begun[T any](t *testing.T, sample, member string) func(poller interface{ ID() string }, err error) (any, error) {
	return func(poller interface{ ID() string }, err error) (any, error) {
		if err != nil {
			assert.Empty(t, poller)
			return nil, err
		}
		assert.NotEmpty(t, poller.ID())
		if sample == "" {
			return nil, nil
		}
		return given[T](t, sample, member), nil
	}
}

// ended is the outcome of a call whose poller has all that comes of it.
func ended[T any](ctx context.Context, poller *drkit.Poller[T], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return poller.Wait(ctx)
}

// refusal is an error answer and what must be made of it.
type refusal struct {
	status  int
	sample  string
	code    checkpoints.ErrorCode
	message string
	args    []string
	kinds   []error
}

// Refusals go by their code: all but one have the same status.
var (
	gone = refusal{
		status: 404, sample: "error", code: checkpoints.CodeVaultNotFound, message: "There is no vault of that id.",
		kinds: []error{drkit.ErrNotFound},
	}
	busy = refusal{
		status: 400, sample: "error_busy", code: checkpoints.CodeVaultBackingUp, message: "The vault is being backed up.",
		kinds: []error{checkpoints.ErrBusy, drkit.ErrConflict},
	}
	full = refusal{
		status: 400, sample: "error_quota", code: checkpoints.CodeVaultFull, message: "The vault is full.",
		kinds: []error{checkpoints.ErrQuota},
	}
	invalid = refusal{
		status: 400, sample: "error_invalid", code: checkpoints.CodeInvalidParameter, message: "A parameter is wrong.",
		kinds: []error{checkpoints.ErrInvalid},
	}
	forbidden = refusal{
		status: 403, sample: "error_forbidden", code: checkpoints.CodeIAMForbidden, message: "The policy forbids it.",
		args:  []string{"IAM.0002 cbr:vaults:get is denied."},
		kinds: []error{drkit.ErrForbidden},
	}
)

// wireCases has each operation at least once.
func wireCases() []wireCase {
	return slices.Concat(checkpointCases(), backupCases(), memberCases(), vaultCases(), vaultResourceCases(), policyCases(),
		capabilityCases(), tagCases(), orderCases(), agentCases(), organizationCases())
}
