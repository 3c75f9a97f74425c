package cloudreplica_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
	"github.com/drkit-go/drkit/internal/step"
)

// What has begun and does not show is not taken for what has not begun: not where its task is gone with its session,
// not where nobody knows whose session it was, and not where the task is there and its session is yet to come.
func TestNothingShowsOfAStart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		given   bool // the client has a token that somebody else may have, too
		expire  bool
		options []cloudreplicatest.Option
	}{
		"its session has ended":   {false, true, []cloudreplicatest.Option{cloudreplicatest.TaskDuration(time.Second, 24*time.Hour)}},
		"its session was given":   {true, false, []cloudreplicatest.Option{cloudreplicatest.TaskDuration(time.Second, 24*time.Hour)}},
		"its task shows too soon": {false, false, []cloudreplicatest.Option{cloudreplicatest.ShowsAfter(24 * time.Hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				if tc.given {
					client = s.clientOf(cloudreplica.Token(drkit.NewSecret(s.Token())))
				}
				fault := cloudreplicatest.Fault{Operation: "FailoverPlans.Start", After: true, Status: 500, Message: "Something went wrong", Times: 1}
				if tc.expire {
					fault.Do = s.ExpireSessions
				}
				s.Inject(fault)
				_, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				assert.False(t, unknown.Untouched)
				s.Collect()
				found, err := drkit.Recover[cloudreplica.CloudFailoverSession](ctx, err)
				require.NoError(t, err, "once it shows")
				_, err = found.Wait(ctx)
				require.NoError(t, err)
				assert.Equal(t, 1, s.Audit().Plan(acmePlan).Started)
				require.NoError(t, client.Close(ctx))
			}, append(tc.options, cloudreplicatest.CollectEvery(0))...)
		})
	}
}

// That a logon session has no task of a start proves that there is none only as long as the session lasts. Where it
// ends between two looks, its task may have come and gone: the list that the new one shows is not taken for its own.
func TestSessionThatEndsBetweenLooks(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]bool{"ends": true, "lasts": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client(drkit.WithPolling(drkit.PollPolicy{MinInterval: 10 * time.Second, MaxInterval: 10 * time.Second, Grace: 25 * time.Second}))
				s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Start", Drop: true, Times: 1})
				if ends {
					time.AfterFunc(24*time.Second, s.expire) // the looks are after 0, 10, 20 and 30 seconds
				}
				_, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
				assert.Equal(t, !ends, unknownOf(t, err).Untouched)
				require.NoError(t, client.Close(ctx))
			})
		})
	}
}

// What this client has begun itself is under way before there is a session, or a machine, that would show it.
func TestOwnWorkUnderWay(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.SlowTask("FailoverPlans.Test", acmePlan, time.Minute)
		test, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		_, err = client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
		require.ErrorIs(t, err, drkit.ErrConflict)
		_, err = test.Wait(ctx)
		require.NoError(t, err)
		s.failedOver(client)
		s.Collect()
		s.SlowTask("FailoverPlans.Undo", acmePlan, time.Minute)
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		_, err = client.FailoverPlans.Undo(ctx, acmePlan)
		require.ErrorIs(t, err, drkit.ErrConflict)
		_, err = undo.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, 1, s.Count("FailoverPlans.Undo"))
		require.NoError(t, client.Close(ctx))
	})
}

// Two undos are lost at once, of which one has run: its task is not taken for that of the other.
func TestTwoLostUndos(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		globexPlan := cloudreplicatest.PlanID("globex all")
		client := s.client()
		for _, plan := range []string{acmePlan, globexPlan} {
			start, err := client.FailoverPlans.Start(ctx, plan, cloudreplica.FailoverStart{})
			require.NoError(t, err)
			_, err = start.Wait(ctx)
			require.NoError(t, err)
		}
		s.Collect()
		var other sync.WaitGroup
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", Resource: globexPlan, After: true, Delay: 10 * time.Second, Drop: true, Times: 1})
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", Resource: acmePlan, Drop: true, Times: 1, Do: func() {
			other.Go(func() { _, _ = client.FailoverPlans.Undo(ctx, globexPlan) })
			<-time.After(time.Second) // its task is there, and its answer is lost later
		}})
		_, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		other.Wait()
		assert.Equal(t, 0, s.Audit().Plan(acmePlan).Undone)
		assert.Equal(t, 1, s.Audit().Plan(globexPlan).Undone)
		_ = client.Close(ctx)
	})
}

// An undo of a plan of which no machine was seen to be failed over is not found by its machines: that all are where they
// belong was noted, also where the request got no connection at first, and left with a second note.
func TestUndoThatWasSentAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		var sent atomic.Int32
		client := s.client(drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method == http.MethodPost && sent.Add(1) == 2 { // the first signs in
					s.CloseConnections()
					s.RefuseConnections(1)
					pass(time.Second)
				}
				return next.RoundTrip(r)
			})
		}))
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", Drop: true, Times: 1, Do: s.ExpireSessions})
		_, err := client.FailoverPlans.Undo(ctx, acmePlan)
		assert.False(t, unknownOf(t, err).Untouched)
		assert.Equal(t, int32(3), sent.Load()-1, "twice, and a sign-in since")
		assert.Equal(t, 0, s.Audit().Plan(acmePlan).Undone)
		require.NoError(t, client.Close(ctx))
	})
}

// A plan of that name with machines of the same names at another backup server is another plan, and has other points.
func TestNamesakesAtAnotherBackupServer(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.SlowVM(namesake, "db-1", time.Hour)
		_, err := s.Operator("ann").Do("FailoverPlans.Test", namesake, "")
		require.NoError(t, err)
		<-time.After(time.Second)
		state, err := client.FailoverPlans.State(ctx, acmePlan)
		require.NoError(t, err)
		assert.Equal(t, 1, state.VMs[0].Replicas)
		assert.WithinDuration(t, time.Now().Add(-2*time.Hour), state.VMs[0].Newest.CreationTimeUTC.Time, time.Minute, "the newest")
		test, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		_, err = test.Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, client.Close(ctx))
	},
		cloudreplicatest.WithBackupServers(cloudreplicatest.BackupServer{Name: "vbr01"}, cloudreplicatest.BackupServer{Name: "vbr02"}),
		cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"}, cloudreplicatest.Tenant{Name: "globex", Server: "vbr02"}),
		cloudreplicatest.WithReplicas(
			cloudreplicatest.Replica{Name: "db-1", Tenant: "acme", VMs: []cloudreplicatest.VM{{Name: "db-1", Age: 2 * time.Hour}}},
			cloudreplicatest.Replica{Name: "db-1", ID: cloudreplicatest.ReplicaID("the other"), Tenant: "globex"}),
		cloudreplicatest.WithPlans(cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"db-1"}},
			cloudreplicatest.Plan{Name: "acme all", ID: namesake, Tenant: "globex", VMs: []string{"db-1"}}))
}

// Another process goes on with an undo: by the machines that were failed over, or by a collection after its task.
func TestUndoInAnotherProcess(t *testing.T) {
	t.Parallel()
	for name, collected := range map[string]bool{"seen to be failed over": true, "its task seen to end": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				first := s.client()
				s.failedOver(first)
				if collected {
					s.Collect()
				}
				undo, err := first.FailoverPlans.Undo(ctx, acmePlan)
				require.NoError(t, err)
				for !collected && undo.Progress().State != cloudreplica.StateVerifying {
					<-time.After(time.Second)
					_, err = undo.Poll(ctx)
					require.NoError(t, err)
				}
				token, err := undo.ResumeToken(ctx)
				require.NoError(t, err)
				require.NoError(t, first.Close(ctx))
				client := s.client()
				resumed, err := cloudreplica.Resume[cloudreplica.PlanState](client, token)
				require.NoError(t, err)
				state, err := resumed.Wait(ctx)
				require.NoError(t, err)
				assert.True(t, state.Ready())
				require.NoError(t, client.Close(ctx))
			})
		})
	}
}

// A token holds what tells the sessions of its plan, which may have another name by now, or be gone.
func TestTokenOfAPlanThatIsGone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		first := s.client()
		test, err := first.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		token, err := test.ResumeToken(ctx)
		require.NoError(t, err)
		require.NoError(t, first.Close(ctx))
		<-time.After(time.Minute)
		client := s.client()
		removed, err := client.FailoverPlans.Delete(ctx, acmePlan)
		done(s.t, removed, err)
		resumed, err := cloudreplica.Resume[cloudreplica.CloudFailoverSession](client, token)
		require.NoError(t, err)
		session, err := resumed.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, "acme all", session.Name)
		require.NoError(t, client.Close(ctx))
	})
}

// A collection of which nothing was noted is that which has begun since.
func TestCollectWithoutANote(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.FailCollect("the server is away")
		s.beginCollection()
		<-time.After(2 * time.Minute)
		began := time.Now()
		collect, err := client.BackupServers.Collect(drkit.WithoutNote(ctx), vbr01)
		require.NoError(t, err)
		session, err := collect.Wait(ctx)
		require.NoError(t, err)
		assert.False(t, session.CreationTimeUTC.Before(began.Truncate(time.Second)))
		assert.Greater(t, time.Since(began), 50*time.Second)
		require.NoError(t, client.Close(ctx))
	}, cloudreplicatest.CollectDuration(time.Minute))
}

// A token belongs to whom the session was for: not to another tenant, nor to the provider who has signed in for both.
func TestTokensOfTenants(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		provider, secret := cloudreplica.Login(s.User, drkit.NewSecret(s.Password)), drkit.NewSecret("tenant-password")
		clients := map[string]*cloudreplica.Client{}
		tokens := map[string]string{}
		for plan, one := range map[string]struct {
			name        string
			credentials cloudreplica.Credentials
		}{
			"acme all":    {`EM01\administrator for acme`, cloudreplica.TenantLogin(provider, "acme", secret)},
			"globex all":  {`EM01\administrator for gil of globex`, cloudreplica.OrganizationLogin(provider, "globex", "gil", secret)},
			"initech all": {`EM01\administrator for gil of initech`, cloudreplica.OrganizationLogin(provider, "initech", "gil", secret)},
			"hooli all":   {`EM01\administrator`, provider},
		} {
			client := s.clientOf(one.credentials)
			test, err := client.FailoverPlans.Start(ctx, cloudreplicatest.PlanID(plan), cloudreplica.FailoverStart{})
			require.NoError(t, err)
			tokens[one.name], err = test.ResumeToken(ctx)
			require.NoError(t, err)
			clients[one.name] = client
		}
		for who, client := range clients {
			for whose, token := range tokens {
				resumed, err := cloudreplica.Resume[cloudreplica.CloudFailoverSession](client, token)
				require.NoError(t, err)
				_, err = resumed.Poll(ctx)
				if who == whose {
					require.NoError(t, err)
					continue
				}
				require.ErrorIs(t, err, drkit.ErrToken)
				require.ErrorContains(t, err, "the token belongs to the user "+strconv.Quote(whose)+", and this is "+strconv.Quote(who))
			}
		}
		for _, client := range clients {
			require.NoError(t, client.Close(ctx))
		}
	}, cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"}, cloudreplicatest.Tenant{Name: "globex", Type: cloudreplicatest.TenantVCD},
		cloudreplicatest.Tenant{Name: "initech", Type: cloudreplicatest.TenantVCD}, cloudreplicatest.Tenant{Name: "hooli"}),
		cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "a-1", Tenant: "acme"}, cloudreplicatest.Replica{Name: "g-1", Tenant: "globex", Platform: cloudreplicatest.PlatformVCloud},
			cloudreplicatest.Replica{Name: "i-1", Tenant: "initech", Platform: cloudreplicatest.PlatformVCloud}, cloudreplicatest.Replica{Name: "h-1", Tenant: "hooli"}),
		cloudreplicatest.WithPlans(cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"a-1"}}, cloudreplicatest.Plan{Name: "globex all", Tenant: "globex", VMs: []string{"g-1"}},
			cloudreplicatest.Plan{Name: "initech all", Tenant: "initech", VMs: []string{"i-1"}}, cloudreplicatest.Plan{Name: "hooli all", Tenant: "hooli", VMs: []string{"h-1"}}))
}

func TestTokensOfOthers(t *testing.T) {
	t.Parallel()
	for want, token := range map[string]step.Token{
		"it belongs to package vcav":          {Service: "vcav", Appliance: "a", User: "u", Operation: "FailoverPlans.Start", Task: "{}"},
		"does not say what to look for":       {Service: "cloudreplica", Appliance: "a", User: "u", Operation: "FailoverPlans.Start", Task: "C4-1"},
		"Tenants.Create has no poller that c": {Service: "cloudreplica", Appliance: "a", User: "u", Operation: "Tenants.Create", Task: "{}"},
	} {
		s := newService(t, inXML)
		_, err := cloudreplica.Resume[cloudreplica.CloudFailoverSession](s.client(), token.String())
		require.ErrorIs(t, err, drkit.ErrToken)
		require.ErrorContains(t, err, want)
	}
	inBubble(t, func(s *site) {
		client := s.client()
		for want, token := range map[string]step.Token{
			"the token belongs to the appliance": {Service: "cloudreplica", Appliance: "another", User: "u", Operation: "FailoverPlans.Start", Task: `{"plan":"x"}`},
			"the token belongs to the user":      {Service: "cloudreplica", Appliance: "em01.drkit.test", User: "u", Operation: "FailoverPlans.Undo", Task: `{"plan":"x"}`},
		} {
			resumed, err := cloudreplica.Resume[json.RawMessage](client, token.String())
			require.NoError(t, err)
			_, err = resumed.Wait(context.Background())
			require.ErrorIs(t, err, drkit.ErrToken)
			require.ErrorContains(t, err, want)
		}
		require.NoError(t, client.Close(context.Background()))
	})
}
