package checkpoints_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// The service, the gateway before it and the identity service answer errors in shapes of their own.
func TestErrorShapes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status  int
		body    string
		code    string
		message string
		is      []error
		not     []error
	}{
		"the service's own": {
			400, `{"error_code":"BackupService.6125","error_msg":"busy"}`, "BackupService.6125", "busy",
			[]error{checkpoints.ErrBusy, drkit.ErrConflict, checkpoints.CodeVaultBackingUp},
			[]error{checkpoints.ErrQuota},
		},
		"a refusal that passes, with status 500": {
			500, `{"error_code":"BackupService.0002","error_msg":"busy"}`, "BackupService.0002", "busy",
			[]error{checkpoints.ErrBusy},
			[]error{drkit.ErrUnavailable},
		},
		"something missing, with status 400": {
			400, `{"error_code":"BackupService.6120","error_msg":"no such vault"}`, "BackupService.6120", "no such vault",
			[]error{drkit.ErrNotFound, checkpoints.CodeDestinationVaultNotFound},
			nil,
		},
		"something there, with status 404": {
			404, `{"error_code":"BackupService.6402","error_msg":"not empty"}`, "BackupService.6402", "not empty",
			[]error{drkit.ErrConflict},
			[]error{drkit.ErrNotFound},
		},
		"a code of a newer service": {
			404, `{"error_code":"BackupService.7777","error_msg":"new"}`, "BackupService.7777", "new",
			[]error{drkit.ErrNotFound},
			nil,
		},
		"a code of a newer service that says nothing": {
			400, `{"error_code":"BackupService.7778","error_msg":"new"}`, "BackupService.7778", "new", nil,
			[]error{drkit.ErrNotFound, drkit.ErrConflict, checkpoints.ErrInvalid},
		},
		"the gateway": {
			401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information","request_id":"gw-1"}`,
			"APIGW.0301", "Incorrect IAM authentication information",
			[]error{drkit.ErrUnauthorized, checkpoints.CodeGatewayToken},
			nil,
		},
		"the gateway by its older name": {
			429, `{"error_code":"APIG.0308","error_msg":"The throttling threshold has been reached"}`,
			"APIG.0308", "The throttling threshold has been reached",
			[]error{drkit.ErrThrottled, checkpoints.CodeGatewayThrottled},
			nil,
		},
		"a path that the gateway does not know": { // which says nothing of what the service has
			404, `{"error_code":"APIGW.0101","error_msg":"The API does not exist"}`, "APIGW.0101", "The API does not exist",
			[]error{drkit.ErrUnavailable},
			[]error{drkit.ErrNotFound},
		},
		"Keystone": {
			401, `{"error":{"code":401,"message":"The token has expired.","title":"Unauthorized"}}`, "401", "The token has expired.",
			[]error{drkit.ErrUnauthorized},
			[]error{drkit.ErrNotFound},
		},
		"Keystone with only a title": {
			403, `{"error":{"code":"IAM.0003","title":"Forbidden"}}`, "IAM.0003", "Forbidden", []error{drkit.ErrForbidden}, nil,
		},
		"the services before this one": {
			400, `{"error":{"code":"BackupService.9900","message":"wrong"}}`, "BackupService.9900", "wrong", []error{checkpoints.ErrInvalid}, nil,
		},
		"an identifier that is not one": {
			401, `{"unauthorized": {"code": "401", "message": "Malformed request url"}}`, "401", "Malformed request url",
			[]error{drkit.ErrNotFound},
			[]error{drkit.ErrUnauthorized},
		},
		"the same words, and not about an identifier": {
			403, `{"forbidden": {"code": "403", "message": "Malformed request url"}}`, "403", "Malformed request url",
			[]error{drkit.ErrForbidden},
			[]error{drkit.ErrNotFound},
		},
		"bare text": {
			400, `"invalid feature key"`, "", "invalid feature key", nil, []error{drkit.ErrNotFound},
		},
		"a number for a code": {
			400, `{"error_code":17,"error_msg":"odd"}`, "17", "odd", nil, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.On("GET", prefix+"/vaults/"+vaultID, says(tc.status, tc.body))
			_, err := s.client(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})).Vaults.Get(t.Context(), vaultID)
			answer := answerOf(t, err)
			assert.Equal(t, tc.code, answer.Code)
			assert.Equal(t, tc.message, answer.Message)
			assert.False(t, answer.Foreign)
			for _, kind := range tc.is {
				assert.ErrorIs(t, err, kind)
			}
			for _, kind := range tc.not {
				assert.NotErrorIs(t, err, kind)
			}
		})
	}
}

// What a proxy says is not what the service says.
func TestForeignErrors(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]httpmock.Responder{
		"page":         wiretest.Page(404),
		"text":         httpmock.NewStringResponder(404, "no such host here"),
		"nothing":      httpmock.NewStringResponder(404, ""),
		"other object": says(404, `{"status":"down","since":"noon"}`),
		"empty object": says(404, `{}`),
		"empty error":  says(404, `{"error":{}}`),
		"plain error":  says(404, `{"error":"no"}`),
		"list":         says(404, `["error"]`),
		"two members":  says(404, `{"error":{"code":"BackupService.6105","message":"no vault"},"proxy":{"code":"7","message":"m"}}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.On("GET", prefix+"/vaults/"+vaultID, reply)
			_, err := s.client(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1})).Vaults.Get(t.Context(), vaultID)
			assert.True(t, answerOf(t, err).Foreign)
			require.ErrorIs(t, err, drkit.ErrUnavailable)
			assert.NotErrorIs(t, err, drkit.ErrNotFound)
		})
	}
}

// The name of a request comes from the gateway's header, from that of the identity service, or from the body.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	body := `{"error_code":"APIGW.0303","error_msg":"signature","request_id":"from the body"}`
	for want, reply := range map[string]httpmock.Responder{
		"from the gateway": wiretest.WithHeader(wiretest.WithHeader(says(401, body), "X-IAM-Trace-Id", "trace"), "X-Request-Id", "from the gateway"),
		"from a trace":     wiretest.WithHeader(says(401, body), "X-IAM-Trace-Id", "from a trace"),
		"from the body":    says(401, body),
		"of a page":        wiretest.WithHeader(wiretest.Page(400), "X-Request-Id", "of a page"),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.On("GET", prefix+"/vaults/"+vaultID, reply)
			_, err := s.client().Vaults.Get(t.Context(), vaultID)
			assert.Equal(t, want, answerOf(t, err).RequestID)
			assert.ErrorContains(t, err, "request ID "+want)
		})
	}
}

// Every code stands for something that a caller can ask for.
func TestEveryCodeHasAGroup(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	require.NoError(t, err)
	groups := []error{
		drkit.ErrNotFound, checkpoints.ErrBusy, drkit.ErrConflict, checkpoints.ErrQuota, checkpoints.ErrInvalid, drkit.ErrForbidden,
		drkit.ErrUnauthorized, drkit.ErrThrottled, drkit.ErrUnavailable,
	}
	seen := map[string]bool{}
	ast.Inspect(file, func(node ast.Node) bool {
		literal, isLiteral := node.(*ast.BasicLit)
		if !isLiteral {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		assert.NoError(t, err)
		assert.False(t, seen[text], text)
		seen[text] = true
		assert.Contains(t, groups, checkpoints.ErrorCode(text).Unwrap(), text)
		return true
	})
	assert.Len(t, seen, 160+4+12, "those that Open Telekom Cloud lists, and those of gateway and identity service")
	assert.NoError(t, checkpoints.ErrorCode("BackupService.7777").Unwrap())
}

// The codes by which a failed task says why are those of calls.
func TestTaskErrors(t *testing.T) {
	t.Parallel()
	task := given[checkpoints.Task](t, "tasks_get.answer", "operation_log")
	for status, ended := range map[checkpoints.TaskStatus]bool{
		checkpoints.TaskStatusWaiting: false, checkpoints.TaskStatusRunning: false, "paused": false,
		checkpoints.TaskStatusSuccess: true, checkpoints.TaskStatusFailed: true, checkpoints.TaskStatusSkipped: true,
		checkpoints.TaskStatusTimeout: true,
	} {
		task.Status = status
		assert.Equal(t, ended, task.Ended(), status)
		if !ended || status == checkpoints.TaskStatusSuccess {
			require.NoError(t, task.Err(), status)
			continue
		}
		var failed *drkit.TaskError
		require.ErrorAs(t, task.Err(), &failed, status)
		assert.Equal(t, status == checkpoints.TaskStatusSkipped, errors.Is(failed, checkpoints.ErrSkipped))
		assert.Equal(t, status == checkpoints.TaskStatusTimeout, errors.Is(failed, checkpoints.ErrTimedOut))
		require.ErrorIs(t, failed, checkpoints.CodeVaultFull)
		failed.Kind = checkpoints.CodeVaultFull
		assert.Equal(t, &drkit.TaskError{
			TaskID: taskID, Type: "backup", ResourceID: serverID, ResourceName: "orchard-web-1", Code: "BackupService.6114",
			Message: "the vault is full", Kind: checkpoints.CodeVaultFull,
		}, failed)
		require.ErrorIs(t, failed, checkpoints.ErrQuota)
	}
	skipped := checkpoints.Task{ID: taskID, VaultID: vaultID, VaultName: "orchard-vault", Status: checkpoints.TaskStatusSkipped}
	assert.EqualError(t, skipped.Err(), "task on orchard-vault failed: the task has ended as skipped (task "+taskID+")")
}
