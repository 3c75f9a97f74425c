package cloudreplica_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// The numbers of tasks start anew with each logon session: that of another plan is not taken for what is gone.
func TestTaskNumbersThatComeAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		acme, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		s.ExpireSessions()
		globex, err := client.FailoverPlans.Test(ctx, cloudreplicatest.PlanID("globex all"))
		require.NoError(t, err)
		require.Equal(t, acme.ID(), globex.ID())
		for poller, want := range map[*drkit.Poller[cloudreplica.CloudFailoverSession]]string{acme: "acme all", globex: "globex all"} {
			session, err := poller.Wait(ctx)
			require.NoError(t, err)
			assert.Equal(t, want, session.Name)
		}
		require.NoError(t, client.Close(ctx))
	})
}

// Nor is it where the session has ended, and another begun, while the answer that names the task was on its way.
func TestTaskNumbersOfAnswersThatAreLate(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		var globex *drkit.Poller[cloudreplica.CloudFailoverSession]
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Test", Resource: acmePlan, After: true, Times: 1, Do: func() {
			s.ExpireSessions()
			var err error
			globex, err = client.FailoverPlans.Test(ctx, cloudreplicatest.PlanID("globex all"))
			assert.NoError(t, err)
		}})
		acme, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		_, err = acme.Poll(ctx)
		require.NoError(t, err)
		assert.Zero(t, s.Count("Tasks.Get"), "there is nothing to ask for")
		for poller, want := range map[*drkit.Poller[cloudreplica.CloudFailoverSession]]string{acme: "acme all", globex: "globex all"} {
			session, err := poller.Wait(ctx)
			require.NoError(t, err)
			assert.Equal(t, want, session.Name)
		}
		require.NoError(t, client.Close(ctx))
	})
}

// A request whose note has met a new session has its task there.
func TestTaskOfASessionThatBeganWithItsNote(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		_, err := client.Sessions.SignIn(ctx)
		require.NoError(t, err)
		s.ExpireSessions()
		test, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		shown := &progress{}
		_, err = test.Wait(ctx, drkit.OnProgress(shown.note))
		require.NoError(t, err)
		assert.NotContains(t, shown.states, cloudreplica.StateTaskGone)
		assert.Equal(t, 2, s.SignIns())
		require.NoError(t, client.Close(ctx))
	})
}

// Nor is it where that has happened before a look is repeated, which then asks the other session.
func TestTaskNumbersOfLooksThatAreRepeated(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		acme, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		s.Inject(cloudreplicatest.Fault{Operation: "Tasks.Get", Times: 1, Status: 503, Do: func() {
			s.ExpireSessions()
			_, err := client.FailoverPlans.Test(ctx, cloudreplicatest.PlanID("globex all"))
			assert.NoError(t, err)
		}})
		session, err := acme.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, "acme all", session.Name)
		require.NoError(t, client.Close(ctx))
	})
}

// Nor is it where both sessions were given, and have no name that could tell them apart.
func TestTaskNumbersOfGivenSessions(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		first := s.clientOf(cloudreplica.Token(drkit.NewSecret(s.Token())))
		acme, err := first.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		token, err := acme.ResumeToken(ctx)
		require.NoError(t, err)
		second := s.clientOf(cloudreplica.Token(drkit.NewSecret(s.Token())))
		globex, err := second.FailoverPlans.Test(ctx, cloudreplicatest.PlanID("globex all"))
		require.NoError(t, err)
		require.Equal(t, acme.ID(), globex.ID())
		resumed, err := cloudreplica.Resume[cloudreplica.CloudFailoverSession](second, token)
		require.NoError(t, err)
		session, err := resumed.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, "acme all", session.Name)
		require.NoError(t, first.Close(ctx))
		require.NoError(t, second.Close(ctx))
	})
}

// namesake is a plan of another tenant that has the name of acme's, and this machine.
var namesake = cloudreplicatest.PlanID("the other")

func withNamesake(vm string) []cloudreplicatest.Option {
	return []cloudreplicatest.Option{
		cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"}, cloudreplicatest.Tenant{Name: "globex"}),
		cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "db-1", Tenant: "acme"},
			cloudreplicatest.Replica{Name: vm, ID: cloudreplicatest.ReplicaID("the other"), Tenant: "globex"}),
		cloudreplicatest.WithPlans(cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"db-1"}},
			cloudreplicatest.Plan{Name: "acme all", ID: namesake, Tenant: "globex", VMs: []string{vm}}),
	}
}

// A plan of another tenant may have the same name. Where both run at once, and the task is gone, machines tell whose
// session is whose; where their names are the same as well, nobody can.
func TestSessionsOfNamesakes(t *testing.T) {
	t.Parallel()
	for vm, told := range map[string]bool{"app-1": true, "db-1": false} {
		t.Run(vm, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				test, err := client.FailoverPlans.Test(ctx, acmePlan)
				require.NoError(t, err)
				_, err = s.Operator("ann").Do("FailoverPlans.Test", namesake, "")
				require.NoError(t, err)
				s.ExpireSessions()
				<-time.After(5 * time.Second)
				session, err := test.Wait(ctx)
				if told {
					require.NoError(t, err)
					assert.Equal(t, "db-1", session.CloudFailoverTasks[0].VMName)
				} else {
					var failed *drkit.TaskError
					require.ErrorAs(t, err, &failed)
					require.ErrorIs(t, err, drkit.ErrConflict)
					assert.Contains(t, failed.Message, "may be its own")
				}
				require.NoError(t, client.Close(ctx))
			}, withNamesake(vm)...)
		})
	}
}

// Nor is the session of another plan taken for it that holds the same machines, also where all sessions come in one list.
// Plans name machines in whatever letter case.
func TestSessionsOfPlansThatShareMachines(t *testing.T) {
	t.Parallel()
	for name, tenant := range map[string]bool{"of the provider": false, "of the tenant": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				credentials := cloudreplica.Login(s.User, drkit.NewSecret(s.Password))
				if tenant {
					credentials = cloudreplica.TenantLogin(credentials, "acme", drkit.NewSecret("tenant-password"))
				}
				client := s.clientOf(credentials)
				start, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
				require.NoError(t, err)
				s.ExpireSessions()
				_, err = s.Operator("ann").Do("FailoverPlans.Test", cloudreplicatest.PlanID("acme some"), "")
				require.NoError(t, err)
				<-time.After(time.Minute)
				session, err := start.Wait(ctx)
				require.NoError(t, err)
				assert.Equal(t, "acme all", session.Name)
				require.NoError(t, client.Close(ctx))
			}, cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"}),
				cloudreplicatest.WithReplicas(cloudreplicatest.Replica{Name: "db-1", Tenant: "acme"}, cloudreplicatest.Replica{Name: "web-1", Tenant: "acme"}),
				cloudreplicatest.WithPlans(cloudreplicatest.Plan{Name: "acme all", Tenant: "acme", VMs: []string{"DB-1", "web-1"}},
					cloudreplicatest.Plan{Name: "acme some", Tenant: "acme", VMs: []string{"web-1"}}))
		})
	}
}

// Where the service shows no machines of a plan, the name and the backup server have to do.
func TestSessionsOfAPlanWithoutMachines(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		of := func(inside string) string { return inside + ` xmlns="http://www.veeam.com/ent/v1.0"` }
		s.Inject(cloudreplicatest.Fault{
			Operation: "FailoverPlans.Get", Status: 200,
			Body: of(`<CloudFailoverPlan Type="CloudFailoverPlan" Name="acme all" UID="urn:veeam:CloudFailoverPlan:`+acmePlan+`"`) + `/>`,
		})
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.VMs", Status: 200, Body: of(`<CloudFailoveredVms`) + `/>`})
		test, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		s.ExpireSessions()
		session, err := test.Wait(ctx)
		require.NoError(t, err)
		assert.Len(t, session.CloudFailoverTasks, 2)
		require.NoError(t, client.Close(ctx))
	})
}

// A token that was made once the session was known leads to that one.
func TestTokenThatKnowsTheSession(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		first := s.client()
		test, err := first.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		_, err = s.Operator("ann").Do("FailoverPlans.Test", namesake, "")
		require.NoError(t, err)
		want, err := test.Wait(ctx)
		require.NoError(t, err)
		token, err := test.ResumeToken(ctx)
		require.NoError(t, err)
		require.NoError(t, first.Close(ctx))
		client := s.client()
		resumed, err := cloudreplica.Resume[cloudreplica.CloudFailoverSession](client, token)
		require.NoError(t, err)
		session, err := resumed.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, want.ID(), session.ID())
		require.NoError(t, client.Close(ctx))
	}, withNamesake("db-1")...)
}

// What was adopted without a task to lead to it is looked at again at its end: if another session has come to light
// that may be its own as well, nobody knows.
func TestAdoptedSessionThatIsNotAlone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Test", After: true, Drop: true, Times: 1, Do: s.ExpireSessions})
		test, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		require.True(t, test.Adopted())
		_, err = s.Operator("ann").Do("FailoverPlans.Test", namesake, "")
		require.NoError(t, err)
		_, err = test.Wait(ctx)
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.NoError(t, client.Close(ctx))
	}, append(withNamesake("db-1"), cloudreplicatest.FailoverDuration(time.Second, time.Minute))...)
}

// Nobody can tell what has become of a task that is gone where nothing was noted before.
func TestTaskThatIsGoneWithoutANote(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		test, err := client.FailoverPlans.Test(drkit.WithoutNote(ctx), acmePlan)
		require.NoError(t, err)
		s.ExpireSessions()
		_, err = test.Wait(ctx)
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		require.ErrorContains(t, err, "were not noted")
		require.NoError(t, client.Close(ctx))
	})
}

// A task that has not been collected yet is given time to say what it has begun: it knows best.
func TestTaskThatIsAboutToSay(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Test", Resource: acmePlan, Times: 1, Do: func() {
			_, err := s.Operator("ann").Do("FailoverPlans.Test", namesake, "")
			assert.NoError(t, err)
			<-time.After(12 * time.Second) // so that its session shows first
		}})
		test, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		s.FailVM(acmePlan, "db-1", "no host")
		_, err = test.Wait(ctx)
		require.ErrorContains(t, err, "db-1 (Failed: no host)")
		require.NoError(t, client.Close(ctx))
	}, append(withNamesake("db-1"), cloudreplicatest.TaskDuration(time.Second, 10*time.Second))...)
}
