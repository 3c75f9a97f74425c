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

// operations lists the requests that a server has seen, by their names.
func (s *site) operations() []string {
	var names []string
	for _, request := range s.Requests() {
		name := request.Operation
		if kind := request.Query.Get("type"); kind != "" {
			name += " " + kind + " " + request.Query.Get("filter")
		}
		names = append(names, name)
	}
	return names
}

// What is noted before a request, and that it leaves only then.
func TestNotes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		send func(ctx context.Context, client *cloudreplica.Client) error
		want []string
	}{
		"start": {
			func(ctx context.Context, client *cloudreplica.Client) error {
				_, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
				return err
			},
			[]string{"Tasks.List", "FailoverPlans.Get", `Query.Find CloudFailoverSession Name=="acme all"`, "FailoverPlans.Start"},
		},
		"test": {
			func(ctx context.Context, client *cloudreplica.Client) error {
				_, err := client.FailoverPlans.Test(ctx, acmePlan)
				return err
			},
			[]string{"Tasks.List", "FailoverPlans.Get", `Query.Find CloudFailoverSession Name=="acme all"`, "FailoverPlans.Test"},
		},
		"undo": {
			func(ctx context.Context, client *cloudreplica.Client) error {
				_, err := client.FailoverPlans.Undo(ctx, acmePlan)
				return err
			},
			[]string{
				"Tasks.List", "FailoverPlans.Get", `Query.Find CloudVmReplicaPoint (VmDisplayName=="db-1",VmDisplayName=="web-1")`,
				"FailoverPlans.Get", `Query.Find CloudVmReplicaPoint (VmDisplayName=="db-1",VmDisplayName=="web-1")`, "FailoverPlans.Undo",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				client := s.client()
				require.NoError(t, tc.send(context.Background(), client))
				assert.Equal(t, append([]string{"Sessions.SignIn"}, tc.want...), s.operations())
				require.NoError(t, client.Close(context.Background()))
			})
		})
	}
}

// A plan that is being failed over is not failed over again, by whomever that is; another plan of its name is no
// reason.
func TestPlansUnderWay(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		_, err := s.Operator("ann").Do("FailoverPlans.Start", acmePlan, `{"StartNow":true}`)
		require.NoError(t, err)
		<-time.After(time.Second)
		_, err = client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
		require.ErrorIs(t, err, drkit.ErrConflict)
		_, err = client.FailoverPlans.Test(ctx, acmePlan)
		require.ErrorIs(t, err, drkit.ErrConflict)
		assert.Equal(t, 0, s.Count("FailoverPlans.Test"))
		assert.Equal(t, 1, s.Audit().Plan(acmePlan).Started)

		other := cloudreplicatest.PlanID("other")
		s.AddPlan(cloudreplicatest.Plan{Name: "acme all", ID: other, Tenant: "globex", VMs: []string{"app-1"}})
		s.Collect()
		test, err := client.FailoverPlans.Test(ctx, other)
		require.NoError(t, err)
		session, err := test.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, "app-1", session.CloudFailoverTasks[0].VMName)
		require.NoError(t, client.Close(ctx))
	}, cloudreplicatest.FailoverDuration(time.Second, time.Hour/4))
}

// What somebody else begins while a request is lost is not taken for it: the tasks of the session tell.
func TestSomebodyElseMeanwhile(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Test", Drop: true, Times: 1, Do: func() {
			_, err := s.Operator("ann").Do("FailoverPlans.Test", acmePlan, "")
			assert.NoError(t, err)
		}})
		_, err := client.FailoverPlans.Test(ctx, acmePlan)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		require.Len(t, unknown.Candidates, 1)
		assert.Contains(t, unknown.Candidates[0], "somebody else has begun it")
		assert.Equal(t, 1, s.Audit().Plan(acmePlan).Tested)
		require.NoError(t, client.Close(ctx))
	})
}

// Several undos at once, of which one is lost: none is taken for another.
func TestUndosAtOnce(t *testing.T) {
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
		var other *drkit.Poller[cloudreplica.PlanState]
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", Resource: acmePlan, Drop: true, Times: 1, Do: func() {
			var err error
			other, err = client.FailoverPlans.Undo(ctx, globexPlan)
			assert.NoError(t, err)
		}})
		_, err := client.FailoverPlans.Undo(ctx, acmePlan)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched, err)
		state, err := other.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, "globex all", state.Plan.Name)
		assert.Equal(t, 0, s.Audit().Plan(acmePlan).Undone)
		require.NoError(t, client.Close(ctx))
	})
}

// A step of a runbook that was cut off goes on in another process, which has another logon session and no task.
func TestOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   cloudreplicatest.Fault
		started int
		unknown bool // what became of it
	}{
		"after the answer":                    {cloudreplicatest.Fault{}, 1, false},
		"before the answer, after the work":   {cloudreplicatest.Fault{Operation: "FailoverPlans.Start", After: true, Drop: true, Times: 1}, 1, false},
		"before the answer, without the work": {cloudreplicatest.Fault{Operation: "FailoverPlans.Start", Drop: true, Times: 1}, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				journal := new(drkit.MemoryJournal)
				runs := 0
				run := func(ctx context.Context) (cloudreplica.CloudFailoverSession, error) {
					running, crash := context.WithCancel(ctx)
					defer crash()
					if runs++; runs == 1 && tc.fault.Operation != "" {
						tc.fault.Do = crash
						s.Inject(tc.fault)
					}
					client := s.client()
					defer func() { _ = client.Close(ctx) }()
					poller, err := drkit.Once(running, journal, "fail over", func(ctx context.Context) (*drkit.Poller[cloudreplica.CloudFailoverSession], error) {
						return client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
					})
					if err != nil || runs == 1 { // which does not live to see the end
						return cloudreplica.CloudFailoverSession{}, err
					}
					return poller.Wait(running)
				}
				_, err := run(ctx)
				assert.Equal(t, tc.fault.Operation != "", err != nil)
				for range 2 {
					session, err := run(ctx)
					if tc.unknown {
						require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
						continue
					}
					require.NoError(t, err)
					assert.Equal(t, cloudreplica.SessionResultSuccess, session.Result)
				}
				assert.Equal(t, tc.started, s.Audit().Plan(acmePlan).Started)
			})
		})
	}
}

// Whoever acts for a tenant has no query service, and others may not be allowed to use it: lists serve.
func TestFailoverWithoutTheQueryService(t *testing.T) {
	t.Parallel()
	for name, tenant := range map[string]bool{"a tenant's session": true, "a role without it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				credentials := cloudreplica.Login(s.User, drkit.NewSecret(s.Password))
				if tenant {
					credentials = cloudreplica.TenantLogin(credentials, "acme", drkit.NewSecret("tenant-password"))
				}
				s.Inject(cloudreplicatest.Fault{Operation: "Query.Find", Status: 403, Message: "Access is denied"})
				client := s.clientOf(credentials)
				start, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
				require.NoError(t, err)
				session, err := start.Wait(ctx)
				require.NoError(t, err)
				require.NoError(t, session.Err())
				s.Collect()
				undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
				require.NoError(t, err)
				s.Collect()
				state, err := undo.Wait(ctx)
				require.NoError(t, err)
				assert.True(t, state.Ready())
				assert.Equal(t, tenant, s.Count("Query.Find") == 0, "a tenant's is not even asked")
				require.NoError(t, client.Close(ctx))
			})
		})
	}
}
