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

// failedOver fails the plan of acme over, and waits for that.
func (s *site) failedOver(client *cloudreplica.Client) cloudreplica.CloudFailoverSession {
	s.t.Helper()
	start, err := client.FailoverPlans.Start(context.Background(), acmePlan, cloudreplica.FailoverStart{})
	require.NoError(s.t, err)
	session, err := start.Wait(context.Background())
	require.NoError(s.t, err)
	return session
}

// What shows all machines to be ready may be older than their failover. It proves nothing of an undo before data are
// collected that were there after it.
func TestUndoOfWhatWasNotCollected(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		meanwhile func(s *site)
		after     time.Duration // of the undo, at least
	}{
		"nothing":                              {func(*site) {}, 14 * time.Minute},
		"a collection that was under way":      {(*site).beginCollection, 14 * time.Minute},
		"a collection that ends badly":         {func(s *site) { s.FailCollect("the server is away") }, 29 * time.Minute},
		"another process, before the task end": {nil, 14 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				s.failedOver(client)
				if tc.meanwhile != nil {
					tc.meanwhile(s)
				}
				undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
				require.NoError(t, err)
				if tc.meanwhile == nil {
					token, err := undo.ResumeToken(ctx)
					require.NoError(t, err)
					undo, err = cloudreplica.Resume[cloudreplica.PlanState](client, token)
					require.NoError(t, err)
				}
				shown := &progress{}
				began := time.Now()
				state, err := undo.Wait(ctx, drkit.OnProgress(shown.note))
				require.NoError(t, err)
				assert.True(t, state.Ready())
				assert.Contains(t, shown.states, cloudreplica.StateVerifying)
				assert.Greater(t, time.Since(began), tc.after)
				assert.Less(t, time.Since(began), tc.after+10*time.Minute)
				require.NoError(t, client.Close(ctx))
			}, cloudreplicatest.CollectDuration(time.Minute))
		})
	}
}

// beginCollection lets somebody else collect data.
func (s *site) beginCollection() {
	_, err := s.Operator("ann").Do("BackupServers.Collect", vbr01, "")
	assert.NoError(s.t, err)
	<-time.After(time.Second)
}

// An undo that never shows does not keep a wait for ever: it may be waited for again.
func TestUndoThatDoesNotShow(t *testing.T) {
	t.Parallel()
	for want, collected := range map[string]bool{
		"2 of 2 machines are still shown as failed over": true, "no data have been collected since": false,
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				s.failedOver(client)
				if collected {
					s.Collect()
				}
				undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
				require.NoError(t, err)
				began := time.Now()
				_, err = undo.Wait(ctx)
				require.ErrorIs(t, err, drkit.ErrTaskGone)
				require.ErrorContains(t, err, want)
				assert.InDelta(t, time.Hour, time.Since(began), float64(10*time.Minute))
				assert.False(t, undo.Done())
				s.Collect()
				state, err := undo.Wait(ctx)
				require.NoError(t, err)
				assert.True(t, state.Ready())
				require.NoError(t, client.Close(ctx))
			}, cloudreplicatest.CollectEvery(0))
		})
	}
}

// One that takes long is waited for as long as machines come back.
func TestUndoThatTakesLong(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.failedOver(client)
		s.Collect()
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		<-time.After(time.Second)
		for i, vm := range []string{"db-1", "web-1"} {
			s.SetState(vm, cloudreplicatest.StateFailover)
			time.AfterFunc(time.Duration(i+1)*50*time.Minute, func() { s.SetState(vm, cloudreplicatest.StateReady) })
		}
		state, err := undo.Wait(ctx)
		require.NoError(t, err)
		assert.True(t, state.Ready())
		require.NoError(t, client.Close(ctx))
	})
}

// Tenants see no collections: the task of their undo has the last word where nothing was seen to be failed over.
func TestUndoOfATenantThatWasNotCollected(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		provider := cloudreplica.Login(s.User, drkit.NewSecret(s.Password))
		client := s.clientOf(cloudreplica.TenantLogin(provider, "acme", drkit.NewSecret("tenant-password")))
		s.failedOver(client)
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		began := time.Now()
		_, err = undo.Wait(ctx)
		require.NoError(t, err)
		assert.Less(t, time.Since(began), time.Minute)
		assert.Equal(t, 1, s.Audit().Plan(acmePlan).Undone)
		assert.Zero(t, s.Count("SystemSessions.List"))

		provider = cloudreplica.Login(s.User, drkit.NewSecret(s.Password))
		restricted := s.clientOf(provider)
		s.failedOver(restricted)
		s.Inject(cloudreplicatest.Fault{Operation: "SystemSessions.List", Status: 403, Message: "Access is denied"})
		undo, err = restricted.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		began = time.Now()
		_, err = undo.Wait(ctx)
		require.NoError(t, err, "nor does everybody else")
		assert.Less(t, time.Since(began), time.Minute)
		require.NoError(t, client.Close(ctx))
		require.NoError(t, restricted.Close(ctx))
	})
}

// Machines that were seen to be failed over, and are no more, tell by themselves, whenever that was collected.
func TestUndoThatWasCollectedBeforeItsTaskEnds(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.failedOver(client)
		s.Collect()
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		time.AfterFunc(5*time.Second, s.Collect)
		began := time.Now()
		_, err = undo.Wait(ctx)
		require.NoError(t, err)
		assert.Less(t, time.Since(began), time.Minute)
		require.NoError(t, client.Close(ctx))
	}, cloudreplicatest.TaskDuration(time.Second, 10*time.Second))
}

// Enterprise Manager may take long to collect what a task has done, or never do: the session that it has begun shows
// with the next collection, and that is waited for, however often the logon session ends meanwhile.
func TestTasksThatAreNotCollected(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(s *site){
		"and stay": func(*site) {}, "and are lost": (*site).expire, "and are forgotten": func(s *site) { s.ForgetTasks() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				s.FailVM(acmePlan, "web-1", "no host")
				start, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
				require.NoError(t, err)
				time.AfterFunc(2*time.Second, func() { lose(s) })
				shown := &progress{}
				began := time.Now()
				session, err := start.Wait(ctx, drkit.OnProgress(shown.note))
				require.NoError(t, err)
				require.ErrorContains(t, session.Err(), "web-1 (Failed: no host)")
				assert.Contains(t, shown.states, drkit.State(cloudreplica.TaskStateOperationFinished))
				assert.Greater(t, time.Since(began), 14*time.Minute)
				assert.Less(t, time.Since(began), 17*time.Minute)
				require.NoError(t, client.Close(ctx))
			}, cloudreplicatest.TaskDuration(time.Second, 24*time.Hour))
		})
	}
}

// Nobody has seen the end of the task of a test: if it has no link to its session, that is found all the same.
func TestTaskWithoutALink(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.failedOver(client)
		s.Collect()
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		time.AfterFunc(time.Second, s.Collect)
		_, err = undo.Wait(ctx)
		require.NoError(t, err)
		test, err := client.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		<-time.After(time.Second)
		s.Inject(cloudreplicatest.Fault{
			Operation: "Tasks.Get", Status: 200,
			Body: `<Task xmlns="http://www.veeam.com/ent/v1.0" Href="x" Type="Task"><TaskId>` + test.ID() +
				`</TaskId><State>Finished</State><Operation>StartCloudFailoverPlan</Operation>` + ok + `</Task>`,
		})
		session, err := test.Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, session.Err())
		assert.Equal(t, 1, s.Audit().Plan(acmePlan).Tested)
		require.NoError(t, client.Close(ctx))
	})
}

// Whoever goes on much later finds more than one session. A plan runs once at a time: the first is what was begun.
func TestSessionsThatCameLater(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		first := s.client()
		s.FailVM(acmePlan, "db-1", "no host") // in one that was there before
		earlier, err := first.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		_, err = earlier.Wait(ctx)
		require.NoError(t, err)
		test, err := first.FailoverPlans.Test(ctx, acmePlan)
		require.NoError(t, err)
		token, err := test.ResumeToken(ctx)
		require.NoError(t, err)
		want, err := test.Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, first.Close(ctx))
		for range 2 {
			<-time.After(time.Hour)
			s.FailVM(acmePlan, "db-1", "no host")
			_, err = s.Operator("ann").Do("FailoverPlans.Test", acmePlan, "")
			require.NoError(t, err)
		}
		client := s.client()
		resumed, err := cloudreplica.Resume[cloudreplica.CloudFailoverSession](client, token)
		require.NoError(t, err)
		session, err := resumed.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, want.ID(), session.ID())
		require.NoError(t, session.Err())
		require.NoError(t, client.Close(ctx))
	})
}

// Machines that somebody fails back, or leaves where they are for good, are no proof of an undo.
func TestNoUndo(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"Failback", "PermanentFailover"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				s.failedOver(client)
				s.Collect()
				s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", Drop: true, Times: 1, Do: func() {
					s.SetState("db-1", state)
					s.SetState("web-1", state)
					s.Collect()
					s.ExpireSessions()
				}})
				_, err := client.FailoverPlans.Undo(ctx, acmePlan)
				var unknown *drkit.OutcomeUnknownError
				require.ErrorAs(t, err, &unknown)
				assert.False(t, unknown.Untouched)
				require.Len(t, unknown.Candidates, 1)
				assert.Contains(t, unknown.Candidates[0], "which is no undo")
				s.SetState("db-1", cloudreplicatest.StateReady)
				s.SetState("web-1", cloudreplicatest.StateReady)
				s.Collect()
				found, err := drkit.Recover[cloudreplica.PlanState](ctx, err)
				require.NoError(t, err, "where all are ready again")
				_, err = found.Wait(ctx)
				require.NoError(t, err)
				_ = client.Close(ctx)
			})
		})
	}
}

// An undo whose answer was lost is found by its task, and is itself also where that task is gone before it shows.
func TestUndoFoundAndItsTaskGone(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.failedOver(client)
		s.Collect()
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", After: true, Drop: true, Times: 1})
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		require.True(t, undo.Adopted())
		s.ExpireSessions()
		state, err := undo.Wait(ctx)
		require.NoError(t, err)
		assert.True(t, state.Ready())
		require.NoError(t, client.Close(ctx))
	})
}

// Its task and its machines, which are back already, are one and the same.
func TestUndoFoundByItsTaskAndItsMachines(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.failedOver(client)
		s.Collect()
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", After: true, Drop: true, Times: 1, Do: func() {
			<-time.After(10 * time.Second)
			s.Collect()
		}})
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		assert.True(t, undo.Adopted())
		assert.Contains(t, undo.ID(), "task-")
		_, err = undo.Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, client.Close(ctx))
	})
}

// Nor does it doubt itself because of what the same client has begun and undone since.
func TestUndoFoundAndAnotherAfterIt(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		s.failedOver(client)
		s.Collect()
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", After: true, Drop: true, Times: 1})
		first, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		require.True(t, first.Adopted())
		<-time.After(time.Minute)
		s.failedOver(client)
		s.Collect()
		second, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		for _, undo := range []*drkit.Poller[cloudreplica.PlanState]{second, first} {
			_, err = undo.Wait(ctx)
			require.NoError(t, err)
		}
		require.NoError(t, client.Close(ctx))
	})
}

// What was lost and found is no reason to doubt what is lost afterwards.
func TestUndosOneAfterTheOther(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		plans := []string{acmePlan, cloudreplicatest.PlanID("globex all")}
		client := s.client()
		for _, plan := range plans {
			start, err := client.FailoverPlans.Start(ctx, plan, cloudreplica.FailoverStart{})
			require.NoError(t, err)
			_, err = start.Wait(ctx)
			require.NoError(t, err)
		}
		s.Collect()
		cut, cancel := context.WithCancel(ctx)
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", After: true, Drop: true, Times: 1, Do: cancel})
		_, err := client.FailoverPlans.Undo(cut, plans[0])
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		_, err = drkit.Recover[cloudreplica.PlanState](ctx, err)
		require.NoError(t, err)
		s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", After: true, Drop: true, Times: 1})
		undo, err := client.FailoverPlans.Undo(ctx, plans[1])
		require.NoError(t, err)
		assert.True(t, undo.Adopted())
		_, err = undo.Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, client.Close(ctx))
	})
}

// Nor is what was lost, asked for again and again, and found at last; nor what was discarded, and then done.
func TestUndosAskedForAgain(t *testing.T) {
	t.Parallel()
	for name, discard := range map[string]bool{"found at last": false, "discarded": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				plans := []string{acmePlan, cloudreplicatest.PlanID("globex all")}
				for _, plan := range plans {
					start, err := client.FailoverPlans.Start(ctx, plan, cloudreplica.FailoverStart{})
					require.NoError(t, err)
					_, err = start.Wait(ctx)
					require.NoError(t, err)
				}
				s.Collect()
				fault := cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", Drop: true, Times: 1, Late: 5 * time.Minute}
				if discard {
					fault.Late = 0
				}
				s.Inject(fault)
				for range 3 {
					_, err := client.FailoverPlans.Undo(ctx, plans[0])
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					if discard {
						require.True(t, drkit.Discard(err))
						break
					}
				}
				pass(5 * time.Minute)
				undo, err := client.FailoverPlans.Undo(ctx, plans[0])
				require.NoError(t, err)
				assert.Equal(t, !discard, undo.Adopted())
				_, err = undo.Wait(ctx)
				require.NoError(t, err)

				s.Inject(cloudreplicatest.Fault{Operation: "FailoverPlans.Undo", After: true, Drop: true, Times: 1})
				undo, err = client.FailoverPlans.Undo(ctx, plans[1])
				require.NoError(t, err)
				assert.True(t, undo.Adopted())
				_, err = undo.Wait(ctx)
				require.NoError(t, err)
				require.NoError(t, client.Close(ctx))
			})
		})
	}
}
