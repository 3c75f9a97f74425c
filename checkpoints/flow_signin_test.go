package checkpoints_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// Every way to prove who calls opens the same region, and the audit names who it was.
func TestWaysToSignIn(t *testing.T) {
	t.Parallel()
	secret := drkit.NewSecret
	passcode := func(context.Context) (drkit.Secret, error) { return secret("123456"), nil }
	for name, tc := range map[string]struct {
		credentials func(t *testing.T, s *checkpointstest.Server) checkpoints.Credentials
		given       bool // the endpoint and the project are
		by          string
		signIns     int
	}{
		"password": {
			func(_ *testing.T, s *checkpointstest.Server) checkpoints.Credentials { return password(s) }, false, "operator", 1,
		},
		"password, endpoint given": {
			func(_ *testing.T, s *checkpointstest.Server) checkpoints.Credentials {
				return checkpoints.Password(checkpoints.Identity{URL: s.AuthURL}, userOf(s.Domain, s.User), secret(s.Password))
			}, true, "operator", 1,
		},
		"passcode": {
			func(_ *testing.T, s *checkpointstest.Server) checkpoints.Credentials {
				return checkpoints.PasswordAndPasscode(identityOf(s), userOf(s.Domain, "mia"), secret("hush"), passcode)
			}, false, "mia", 1,
		},
		"token for token": {
			func(_ *testing.T, s *checkpointstest.Server) checkpoints.Credentials {
				return checkpoints.ExchangeToken(identityOf(s), secret(s.Token()))
			}, false, "operator", 2,
		},
		"agency": {
			func(_ *testing.T, s *checkpointstest.Server) checkpoints.Credentials {
				identity := identityOf(s)
				identity.Project = checkpoints.Project{}
				by := checkpoints.Password(identity, userOf(s.Domain, s.User), secret(s.Password))
				return checkpoints.Agency(by, checkpoints.Delegation{
					Domain: checkpoints.Domain{Name: "Orchard"}, Name: "backups", Project: checkpoints.Project{Name: s.Project},
				})
			}, false, "Orchard/backups", 2,
		},
		"given token": {
			func(_ *testing.T, s *checkpointstest.Server) checkpoints.Credentials {
				return checkpoints.Token(secret(s.Token()))
			}, true, "operator", 1,
		},
		"access key": {
			func(_ *testing.T, s *checkpointstest.Server) checkpoints.Credentials {
				return checkpoints.AccessKey(s.AccessKey, secret(s.SecretKey))
			}, true, "operator", 0,
		},
		"temporary key": {
			temporaryKey, true, "operator", 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := checkpointstest.NewServer(t, checkpointstest.InMemory(), checkpointstest.MFAUser("mia", "hush", "123456"),
					checkpointstest.Agency("Orchard", "backups"))
				credentials := tc.credentials(t, server)
				endpoint, project := "", ""
				if tc.given {
					endpoint, project = server.URL, server.ProjectID
				}
				client := clientAt(t, server, endpoint, project, credentials)
				creation, err := client.Policies.Create(t.Context(), nightly(t, "nightly"))
				require.NoError(t, err)
				policy, err := creation.Wait(t.Context())
				require.NoError(t, err)
				many := checkpoints.PolicyQuery{OperationType: checkpoints.PolicyOperationBackup}
				policies, err := client.Policies.List(t.Context(), many)
				require.NoError(t, err)
				require.Len(t, policies, 1)
				assert.Equal(t, policy.ID, policies[0].ID)
				require.ErrorIs(t, client.Tags.Delete(t.Context(), checkpointstest.VaultID("production"), "käse & more/less"), drkit.ErrNotFound, "also where the path is hard to sign")
				ran := server.Audit().Operation("Policies.Create", "nightly")
				assert.Equal(t, map[string]int{tc.by: 1}, ran.RanBy)
				assert.Equal(t, tc.signIns, server.SignIns())
			})
		})
	}
}

// temporaryKey asks the identity service for a key that ends by itself, as a program of the user's would.
func temporaryKey(t *testing.T, s *checkpointstest.Server) checkpoints.Credentials {
	t.Helper()
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["token"],"token":{"id":%q,"duration_seconds":900}}}}`, s.Token())
	url := strings.TrimSuffix(s.AuthURL, "/v3") + "/v3.0/OS-CREDENTIAL/securitytokens"
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	response, err := s.Transport().RoundTrip(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, response.StatusCode, string(text))
	var made struct {
		Credential struct{ Access, Secret, SecurityToken string }
	}
	require.NoError(t, json.Unmarshal(text, &made))
	key := made.Credential
	return checkpoints.TemporaryKey(key.Access, drkit.NewSecret(key.Secret), drkit.NewSecret(key.SecurityToken))
}

// A key that the service does not take is not tried again: five failures lock it.
func TestKeyThatIsRefused(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, _ *checkpoints.Client) {
		client := clientAt(t, server, server.URL, server.ProjectID, checkpoints.AccessKey(server.AccessKey, drkit.NewSecret("guess")))
		for range 6 {
			_, err := client.Policies.List(t.Context(), checkpoints.PolicyQuery{})
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
		}
		assert.Equal(t, 1, server.Count("Policies.List"))
		right := clientAt(t, server, server.URL, server.ProjectID, checkpoints.AccessKey(server.AccessKey, drkit.NewSecret(server.SecretKey)))
		_, err := right.Policies.List(t.Context(), checkpoints.PolicyQuery{})
		require.NoError(t, err, "it is not locked")
	})
}

// A user who may only look is refused by the service what changes something. That is no matter of the session.
func TestRestrictedUser(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, _ *checkpoints.Client) {
		client := clientOf(t, server, passwordOf(server, server.Domain, "viewer", "looks only"))
		assert.Equal(t, []string{"production"}, vaultNames(t, client, checkpoints.VaultQuery{}))
		_, err := client.Policies.Create(t.Context(), nightly(t, "nightly"))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		require.ErrorIs(t, err, checkpoints.CodeIAMForbidden)
		assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.NotEmpty(t, answerOf(t, err).RequestID)
		require.ErrorIs(t, client.Tags.Set(t.Context(), checkpointstest.VaultID("production"), checkpoints.Tag{Key: "k"}), drkit.ErrForbidden)
		_, err = client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, server.SignIns())
	}, checkpointstest.RestrictedUser("viewer", "looks only", "cbr:vaults:list"))
}

// Two projects of a region are two clients, and neither sees what the other has.
func TestTwoProjects(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		identity := identityOf(server)
		identity.Project = checkpoints.Project{ID: checkpointstest.ProjectID(server.Domain, server.Region, "drill")}
		drill := clientOf(t, server, checkpoints.Password(identity, userOf(server.Domain, server.User), drkit.NewSecret(server.Password)))
		assert.Equal(t, []string{"production"}, vaultNames(t, client, checkpoints.VaultQuery{}))
		assert.Empty(t, vaultNames(t, drill, checkpoints.VaultQuery{}))
		creation, err := drill.Policies.Create(t.Context(), nightly(t, "drills"))
		require.NoError(t, err)
		_, err = creation.Wait(t.Context())
		require.NoError(t, err)
		made, err := drill.Policies.List(t.Context(), checkpoints.PolicyQuery{})
		require.NoError(t, err)
		require.Len(t, made, 1)
		_, err = client.Policies.Get(t.Context(), made[0].ID)
		require.ErrorIs(t, err, drkit.ErrNotFound)
		_, err = drill.Vaults.Get(t.Context(), checkpointstest.VaultID("production"))
		require.ErrorIs(t, err, drkit.ErrNotFound)
		assert.Equal(t, 2, server.SignIns())

		// A token is for one project. With that of another the service says that the path is wrong.
		mixed := clientAt(t, server, server.URL, identity.Project.ID, checkpoints.Token(drkit.NewSecret(server.Token())))
		_, err = mixed.Policies.List(t.Context(), checkpoints.PolicyQuery{})
		require.ErrorIs(t, err, drkit.ErrNotFound)
	}, checkpointstest.SubProject("drill"))
}

// One account, two regions: the catalogue has both, and Identity.Region picks one.
func TestTwoRegions(t *testing.T) {
	flow(t, func(t *testing.T, here *checkpointstest.Server, client *checkpoints.Client) {
		there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here))
		away := clientOf(t, there, password(there))
		assert.Equal(t, []string{"production"}, vaultNames(t, client, checkpoints.VaultQuery{}))
		assert.Equal(t, []string{"replicas"}, vaultNames(t, away, checkpoints.VaultQuery{}))
		session, err := away.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		assert.Equal(t, there.URL, session.Endpoint)

		nowhere := identityOf(here)
		nowhere.Region = "region3"
		_, err = clientOf(t, here, checkpoints.Password(nowhere, userOf(here.Domain, here.User), drkit.NewSecret(here.Password))).Sessions.SignIn(t.Context())
		require.ErrorContains(t, err, `not in "region3"`)
	})
}

// A user who is locked out stays so until somebody lets them in, and the client asks once only. Meanwhile the token
// that it has serves on.
func TestLockedUser(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		_, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		server.LockUser(server.User, true)
		_, err = client.Policies.List(t.Context(), checkpoints.PolicyQuery{})
		require.NoError(t, err)
		pass(25 * time.Hour)
		for range 3 {
			_, err = client.Policies.List(t.Context(), checkpoints.PolicyQuery{})
			require.ErrorIs(t, err, checkpoints.CodeIAMLocked)
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
		}
		assert.Len(t, server.IdentityRequests(), 2)
		server.LockUser(server.User, false)
		_, err = client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		_, err = client.Policies.List(t.Context(), checkpoints.PolicyQuery{})
		require.NoError(t, err)
	})
}
