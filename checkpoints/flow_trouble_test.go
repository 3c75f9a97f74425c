package checkpoints_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// manyVaults is a region with so many vaults, v-000 and on.
func manyVaults(n int) checkpointstest.Option {
	var all []checkpointstest.Vault
	for i := range n {
		all = append(all, checkpointstest.Vault{Name: fmt.Sprintf("v-%03d", i)})
	}
	return checkpointstest.Vaults(all...)
}

// Tokens end whenever they like, also between two pages: the list goes on where it was, under a new one.
func TestTokenThatEndsBetweenPages(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*checkpointstest.Server){
		"expired": (*checkpointstest.Server).ExpireTokens, "revoked": (*checkpointstest.Server).RevokeTokens,
	} {
		for _, form := range []checkpointstest.UnauthorizedForm{checkpointstest.GatewayErrors, checkpointstest.IAMErrors, checkpointstest.KeystoneErrors} {
			t.Run(name+" "+string(form), func(t *testing.T) {
				flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
					seen := map[string]bool{}
					for vault, err := range client.Vaults.List(t.Context(), checkpoints.VaultQuery{Limit: 7}) {
						require.NoError(t, err)
						assert.False(t, seen[vault.ID])
						if seen[vault.ID] = true; len(seen) == 10 {
							end(server)
						}
						pass(2 * time.Minute) // whoever reads takes their time
					}
					assert.Len(t, seen, 40)
					assert.Equal(t, 2, server.SignIns())
				}, manyVaults(40), checkpointstest.UnauthorizedAs(form))
			})
		}
	}
}

// What must not repeat is sent again with a new token only where the refusal proves that nothing ran: where the gateway
// says so, or Keystone. That the codes of the identity service come before any work is nowhere documented.
func TestOnceWithATokenThatHasEnded(t *testing.T) {
	t.Parallel()
	for form, proven := range map[checkpointstest.UnauthorizedForm]bool{
		checkpointstest.GatewayErrors: true, checkpointstest.KeystoneErrors: true, checkpointstest.IAMErrors: false,
	} {
		t.Run(string(form), func(t *testing.T) {
			flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
				_, err := client.Sessions.SignIn(t.Context())
				require.NoError(t, err)
				pass(2 * time.Minute)
				server.RevokeTokens()
				_, err = client.OrganizationPolicies.Create(drkit.WithoutNote(t.Context()), checkpoints.OrganizationPolicyCreate{
					Name: "all", OperationType: checkpoints.PolicyOperationBackup, PolicyName: "daily",
					PolicyOperationDefinition: nightly(t, "daily").OperationDefinition, PolicyTrigger: nightly(t, "daily").Trigger,
				})
				if !proven {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.Equal(t, 1, server.Count("OrganizationPolicies.Create"))
					return
				}
				require.NoError(t, err)
				assert.Equal(t, 2, server.Count("OrganizationPolicies.Create"))
				assert.Equal(t, 1, server.Ran("OrganizationPolicies.Create", ""))
				assert.Equal(t, 2, server.SignIns())
			}, checkpointstest.UnauthorizedAs(form), checkpointstest.Play(checkpointstest.HuaweiCloud))
		})
	}
}

// A token of minutes is renewed on the way, and no request goes out with one that has ended.
func TestTokensOfMinutes(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		for range 4 {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					names := 0
					for _, err := range client.Vaults.List(t.Context(), checkpoints.VaultQuery{Limit: 9}) {
						assert.NoError(t, err)
						names++
						pass(10 * time.Second)
					}
					assert.Equal(t, 40, names)
				})
			}
			all.Wait()
		}
		lived := 4 * 40 * 10 * time.Second
		assert.InDelta(t, float64(lived/(10*time.Minute))+1, server.SignIns(), 2, "one for all")
		for _, request := range server.Requests() {
			assert.Equal(t, 200, request.Status, request)
		}
	}, manyVaults(40), checkpointstest.TokenLife(10*time.Minute))
}

// A gateway that wants fewer requests says when it takes more. Both services are obeyed, and nothing runs twice.
func TestThrottledGateway(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		began := time.Now()
		for i := range 12 {
			creation, err := client.Policies.Create(t.Context(), nightly(t, fmt.Sprintf("p-%d", i)))
			require.NoError(t, err)
			_, err = creation.Wait(t.Context())
			require.NoError(t, err)
		}
		assert.GreaterOrEqual(t, time.Since(began), 30*time.Second, "twelve at five every fifteen seconds")
		assert.LessOrEqual(t, time.Since(began), 5*time.Minute)
		for i := range 12 {
			assert.Equal(t, 1, server.Audit().PoliciesNamed(fmt.Sprintf("p-%d", i)))
		}
	}, checkpointstest.RateLimit(5, 15*time.Second))
}

func TestThrottledSignIns(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		_, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		pass(2 * time.Minute)
		server.ExpireTokens()
		_, err = clientOf(t, server, password(server)).Sessions.SignIn(t.Context())
		require.NoError(t, err)
		began := time.Now()
		_, err = client.Policies.List(t.Context(), checkpoints.PolicyQuery{})
		require.NoError(t, err)
		assert.Equal(t, 20*time.Second, time.Since(began))
		assert.Equal(t, 3, server.SignIns())
	}, checkpointstest.SignInLimit(1, 20*time.Second))
}

// Waiting for a service ends when the caller says so, and does not begin where the time would not do.
func TestWaitsEndWithTheirContext(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		_, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		server.Inject(checkpointstest.Fault{Operation: "Policies.List", Status: 429, RetryAfter: 20 * time.Second})
		server.Inject(checkpointstest.Fault{Operation: "Vaults.List", Hang: true})
		throttled := func(ctx context.Context) error {
			_, err := client.Policies.List(ctx, checkpoints.PolicyQuery{})
			return err
		}
		hangs := func(ctx context.Context) error {
			_, err := drkit.Collect(client.Vaults.List(ctx, checkpoints.VaultQuery{}))
			return err
		}
		for name, call := range map[string]func(context.Context) error{"throttled": throttled, "no answer": hangs} {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(3*time.Second, cancel)
			began := time.Now()
			require.ErrorIs(t, call(ctx), context.Canceled, name)
			assert.Equal(t, 3*time.Second, time.Since(began), name)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, throttled(ctx), drkit.ErrThrottled)
		assert.Zero(t, time.Since(began), "in three seconds it would not have passed")
	})
}

// What only reads is sent again whatever stands in the way: gateways, a proxy's page, a cut connection, half an
// answer. The operation that must not repeat goes out once.
func TestTroubleOnTheWay(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]checkpointstest.Fault{
		"502":           {Status: 502, Body: "<html>Bad Gateway</html>"},
		"503":           {Status: 503},
		"503, later":    {Status: 503, RetryAfter: 5 * time.Second},
		"504":           {Status: 504, Body: "upstream timed out"},
		"dropped":       {Drop: true},
		"answer lost":   {After: true, Drop: true},
		"half a body":   {After: true, Truncate: true},
		"proxy's login": {Status: 401, Body: "<html>Sign in to the proxy</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			flow(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
				for _, operation := range []string{"Vaults.Get", "Vaults.List", "Tags.FindVaults", "Tags.Set", "Policies.Create"} {
					fault.Operation, fault.Times = operation, 1
					server.Inject(fault)
				}
				production := checkpointstest.VaultID("production")
				_, err := client.Vaults.Get(t.Context(), production)
				require.NoError(t, err)
				assert.Equal(t, []string{"production"}, vaultNames(t, client, checkpoints.VaultQuery{}))
				found, err := drkit.Collect(client.Tags.FindVaults(t.Context(), checkpoints.TagFilter{}))
				require.NoError(t, err)
				assert.Len(t, found, 1)
				require.NoError(t, client.Tags.Set(t.Context(), production, checkpoints.Tag{Key: "tier", Value: "1"}))
				for _, operation := range []string{"Vaults.Get", "Vaults.List", "Tags.FindVaults", "Tags.Set"} {
					assert.Equal(t, 2, server.Count(operation), operation)
				}

				_, _ = client.Policies.Create(t.Context(), nightly(t, "nightly")) // its fate is another test's
				assert.Equal(t, 1, server.Count("Policies.Create"))
				assert.LessOrEqual(t, server.Ran("Policies.Create", "nightly"), 1)
			})
		})
	}
}

// A service that restarts is waited for by what only reads, and connections that it has cut are opened again.
func TestRestart(t *testing.T) {
	flow(t, func(t *testing.T, server *checkpointstest.Server, _ *checkpoints.Client) {
		patient := drkit.WithRetry(drkit.RetryPolicy{Attempts: 6, MinWait: time.Second})
		client := clientOf(t, server, password(server), patient)
		assert.Len(t, vaultNames(t, client, checkpoints.VaultQuery{}), 1)
		server.Restart(time.Second)
		assert.Len(t, vaultNames(t, client, checkpoints.VaultQuery{}), 1)
		server.RestartIdentity(time.Hour)
		assert.Len(t, vaultNames(t, client, checkpoints.VaultQuery{}), 1, "tokens are checked elsewhere")
		assert.Equal(t, 1, server.SignIns())
	})
}

// Lists that change while they are read give every row that was there all the time once, or say that they moved.
func TestVaultsThatComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := checkpointstest.NewServer(t, checkpointstest.InMemory(), manyVaults(30))
		client := clientOf(t, server, password(server), drkit.WithParallelPages(3))
		operator := server.Operator("olga")
		seen := map[string]bool{}
		for vault, err := range client.Vaults.List(t.Context(), checkpoints.VaultQuery{Limit: 6}) {
			require.NoError(t, err)
			require.False(t, seen[vault.Name], vault.Name)
			seen[vault.Name] = true
			switch len(seen) {
			case 4:
				_, err = operator.Do("Vaults.Create", "", `{"vault":{"name":"new","resources":[],"billing":{"size":10,"consistent_level":"crash_consistent","object_type":"server","protect_type":"backup"}}}`)
			case 15:
				_, err = operator.Do("Vaults.Delete", checkpointstest.VaultID("v-000"), "")
				pass(time.Minute)
			}
			require.NoError(t, err)
		}
		for i := 1; i < 30; i++ {
			assert.True(t, seen[fmt.Sprintf("v-%03d", i)], i)
		}
	})
}
