package checkpoints_test

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/wiretest"
)

const throttled = `{"error_code":"APIGW.0308","error_msg":"The throttling threshold has been reached: limit:10,time:1 minute"}`

// lostAnswers say nothing certain of what became of a request.
func lostAnswers(status int) map[string]httpmock.Responder {
	return map[string]httpmock.Responder{
		"page":        wiretest.Page(status),
		"cut short":   says(status, `{"checkpoint":`),
		"broken off":  wiretest.BrokenOff(status, `{"checkpoint":`),
		"array":       says(status, `[]`),
		"no answer":   httpmock.NewErrorResponder(errors.New("connection reset by peer")),
		"gateway":     wiretest.Page(502),
		"unavailable": says(503, `{"error_code":"APIGW.0201","error_msg":"Backend unavailable"}`),
		"proxy's 401": wiretest.Page(401),
		"proxy's 429": wiretest.Page(429),
		"failure":     says(500, `{"error_code":"BackupService.9910","error_msg":"Unknown"}`),
	}
}

// An operation that must not repeat is sent once when its answer says nothing certain, a POST after a 502 included.
func TestOnceWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases() {
		operation := operationOf(tc.operation)
		if operation.Class != api.Once {
			continue
		}
		for name, reply := range lostAnswers(operation.Statuses[0]) {
			t.Run(tc.name()+"/"+name, func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, reply)
				_, err := tc.call(drkit.WithOperationID(t.Context(), "op-1"), t, client)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.Equal(t, []string{tc.line()}, s.Lines())
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.Equal(t, "checkpoints."+tc.operation, unknown.Operation)
				assert.Equal(t, "op-1", unknown.OperationID)
			})
		}
	}
}

// What the gateway turns away has not run: it is sent again when that passes, and is an error like any other when it
// does not.
func TestOnceThatTheGatewayRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases() {
		operation := operationOf(tc.operation)
		if operation.Class != api.Once {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, client := tc.layOut(t, httpmock.NewStringResponder(200, ""))
				method, path, _ := strings.Cut(tc.request(), " ")
				s.On(method, path, wiretest.WithHeader(says(429, throttled), "Retry-After", "7"), answer(t, operation.Statuses[0], tc.answer))
				began := time.Now()
				_, err := tc.call(t.Context(), t, client)
				require.NoError(t, err)
				assert.Equal(t, []string{tc.line(), tc.line()}, s.Lines())
				assert.Equal(t, 7*time.Second, time.Since(began))

				for _, refusal := range []string{
					`{"error_code":"APIGW.0303","error_msg":"Incorrect signature"}`, `{"unauthorized":{"code":"401","message":"Malformed request url"}}`,
				} {
					s.On(method, path, says(401, refusal))
					_, err = tc.call(t.Context(), t, client)
					require.Error(t, err)
					assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "a refusal settles it")
				}
				assert.Len(t, s.Lines(), 4, "neither passes by itself")
			})
		})
	}
}

// Refusals that come with status 500 settle an operation, too.
func TestRefusalsWithStatus500(t *testing.T) {
	t.Parallel()
	for operation, codes := range map[string][]checkpoints.ErrorCode{
		"Checkpoints.Create":    {checkpoints.CodeBackupsRunning, checkpoints.CodeDiskInSeveralVaults, checkpoints.CodeDiskLazyLoading},
		"Checkpoints.Replicate": {checkpoints.CodeRegionCannotReplicate},
		"Backups.Replicate":     {checkpoints.CodeRegionCannotReplicate},
		"Backups.Restore":       {checkpoints.CodeDiskLazyLoading},
		"Vaults.Create":         {checkpoints.CodeDiskInSeveralVaults, checkpoints.CodeLanguageLookup},
	} {
		for _, tc := range wireCases() {
			for _, code := range codes {
				if tc.operation != operation {
					continue
				}
				_, client := tc.layOut(t, says(500, `{"error_code":"`+string(code)+`","error_msg":"no"}`))
				_, err := tc.call(t.Context(), t, client)
				require.ErrorIs(t, err, code)
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			}
		}
	}
}

// What changes nothing, or leaves what its first run left, is sent again as it was.
func TestWhatMayRepeatIsSentAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases() {
		operation := operationOf(tc.operation)
		if operation.Class == api.Once {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, client := tc.layOut(t, httpmock.NewStringResponder(200, ""))
				method, path, _ := strings.Cut(tc.request(), " ")
				s.On(method, path, wiretest.Page(502), says(429, throttled), wiretest.BrokenOff(operation.Statuses[0], `{"a":`),
					answer(t, operation.Statuses[0], tc.answer))
				got, err := tc.call(drkit.WithOperationID(t.Context(), "op-1"), t, client)
				require.NoError(t, err)
				tc.understood(t, operation, got)
				require.Len(t, s.Lines(), 4)
				for _, request := range s.All() {
					assert.Equal(t, s.All()[0], request)
				}
			})
		})
	}
}

// A DELETE that finds nothing where an earlier attempt may have been there has done its work; the first one has not.
func TestRepeatedDeleteThatFindsNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases() {
		if operationOf(tc.operation).Method != http.MethodDelete {
			continue
		}
		t.Run(tc.name(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, client := tc.layOut(t, httpmock.NewStringResponder(200, ""))
				method, path, _ := strings.Cut(tc.request(), " ")
				s.On(method, path, wiretest.Page(504), answer(t, 404, "error"))
				_, err := tc.call(t.Context(), t, client)
				require.NoError(t, err)
				s.On(method, path, answer(t, 404, "error"))
				_, err = tc.call(t.Context(), t, client)
				require.ErrorIs(t, err, drkit.ErrNotFound)
				// A gateway without the path does not know whether the service has done it.
				s.On(method, path, wiretest.Page(504), says(404, `{"error_code":"APIGW.0101","error_msg":"The API does not exist"}`))
				_, err = tc.call(t.Context(), t, client)
				require.ErrorIs(t, err, drkit.ErrUnavailable)
			})
		})
	}
}

// Likewise a policy that is taken from a vault.
func TestRepeatedDissociationThatFindsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		client, path := s.client(), prefix+"/vaults/"+vaultID+"/dissociatepolicy"
		gone := says(404, `{"error_code":"BackupService.6002","error_msg":"not applied"}`)
		s.On("POST", path, wiretest.Page(504), gone)
		got, err := client.Vaults.DissociatePolicy(t.Context(), vaultID, "p1")
		require.NoError(t, err)
		assert.Equal(t, checkpoints.VaultPolicy{VaultID: vaultID, PolicyID: "p1"}, got)
		for code, replies := range map[checkpoints.ErrorCode][]httpmock.Responder{
			checkpoints.CodePolicyNotApplied: {gone},
			checkpoints.CodeVaultNotFound:    {wiretest.Page(504), says(404, `{"error_code":"BackupService.6105","error_msg":"no vault"}`)},
		} {
			s.On("POST", path, replies...)
			got, err = client.Vaults.DissociatePolicy(t.Context(), vaultID, "p1")
			require.ErrorIs(t, err, code)
			assert.Empty(t, got)
		}
	})
}

// Patience with a throttled service belongs to each call, and not to the life of a client.
func TestThrottlingIsCountedForEachCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		client := s.client()
		for range 30 {
			s.On("GET", prefix+"/vaults/"+vaultID, wiretest.WithHeader(says(429, throttled), "Retry-After", "1"), answer(t, 200, "vaults_get.answer"))
			_, err := client.Vaults.Get(t.Context(), vaultID)
			require.NoError(t, err)
		}
	})
}

// Connections are kept between calls.
func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	body := testdata(t, "vaults_get.answer")
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := newClient(t, server.URL, drkit.WithPlainHTTP())
	for range 20 {
		_, err := client.Vaults.Get(t.Context(), vaultID)
		require.NoError(t, err)
	}
	assert.Equal(t, int32(1), connections.Load())
}
