package cloudreplica_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// site is a simulated Enterprise Manager inside a bubble, where time passes at once.
type site struct {
	*cloudreplicatest.Server
	t *testing.T
}

// inBubble runs a test against a simulator of its own.
func inBubble(t *testing.T, test func(s *site), options ...cloudreplicatest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := cloudreplicatest.Start(append([]cloudreplicatest.Option{cloudreplicatest.InMemory()}, options...)...)
		require.NoError(t, err)
		defer server.Close()
		test(&site{server, t})
		assert.Empty(t, server.Violations())
	})
}

func (s *site) client(options ...drkit.Option) *cloudreplica.Client {
	s.t.Helper()
	return s.clientOf(cloudreplica.Login(s.User, drkit.NewSecret(s.Password)), options...)
}

func (s *site) clientOf(who cloudreplica.Credentials, options ...drkit.Option) *cloudreplica.Client {
	s.t.Helper()
	client, err := cloudreplica.NewClient(s.URL, who, append(s.Options(), options...)...)
	require.NoError(s.t, err)
	return client
}

var (
	acmePlan = cloudreplicatest.PlanID("acme all")
	vbr01    = cloudreplicatest.BackupServerID("vbr01")
)

// progress keeps the states that a wait has shown.
type progress struct {
	mu     sync.Mutex
	states []drkit.State
}

func (p *progress) note(one drkit.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.states = append(p.states, one.State)
}

func TestFailoverUndoneAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		state, err := client.FailoverPlans.State(ctx, acmePlan)
		require.NoError(t, err)
		assert.True(t, state.Ready())
		require.Len(t, state.VMs, 2)
		assert.Equal(t, 1, state.VMs[0].Replicas)
		s.FailVM(acmePlan, "web-1", "no host")
		start, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
		require.NoError(t, err)
		session, err := start.Wait(ctx)
		require.NoError(t, err)
		assert.True(t, session.Partial())
		require.ErrorContains(t, session.Err(), "1 of 2 machines: web-1 (Failed: no host)")
		assert.Equal(t, "web-1", session.NotSucceeded()[0].VMName)

		collect, err := client.BackupServers.Collect(ctx, vbr01)
		require.NoError(t, err)
		collected, err := collect.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, cloudreplica.SystemSessionStateSuccess, collected.State)
		state, err = client.FailoverPlans.State(ctx, acmePlan)
		require.NoError(t, err)
		require.Len(t, state.NotReady(), 1)
		assert.Equal(t, "db-1", state.NotReady()[0].Name)

		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		shown := &progress{}
		back, err := undo.Wait(ctx, drkit.OnProgress(shown.note))
		require.NoError(t, err)
		assert.True(t, back.Ready())
		assert.Contains(t, shown.states, cloudreplica.StateVerifying, "it shows with the next collection")
		require.NoError(t, client.Close(ctx))
		assert.Equal(t, 1, s.SignIns(), "waits keep the session awake")
	})
}

// A new sign-in loses the task. The wait turns to the session that the task has begun.
func TestNewSignInWhileAFailoverGoesOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after time.Duration // of the start
		lose  func(s *site)
		test  bool
	}{
		"while the task runs":             {10 * time.Millisecond, (*site).expire, false},
		"while the session goes on":       {5 * time.Second, (*site).expire, false},
		"after a restart":                 {10 * time.Millisecond, func(s *site) { s.Restart(3 * time.Second) }, false},
		"a task that is gone":             {10 * time.Millisecond, func(s *site) { s.ForgetTasks() }, false},
		"of a test, while its task runs":  {10 * time.Millisecond, (*site).expire, true},
		"of a test, while it goes on":     {5 * time.Second, (*site).expire, true},
		"of a test whose task is no more": {10 * time.Millisecond, func(s *site) { s.ForgetTasks() }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				var log bytes.Buffer
				client := s.client(drkit.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
				begin := func() (*drkit.Poller[cloudreplica.CloudFailoverSession], error) {
					if test.test {
						return client.FailoverPlans.Test(ctx, acmePlan)
					}
					return client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
				}
				before, err := client.FailoverPlans.Test(ctx, acmePlan) // an earlier session of the plan
				require.NoError(t, err)
				_, err = before.Wait(ctx)
				require.NoError(t, err)

				s.FailVM(acmePlan, "web-1", "no host")
				failover, err := begin()
				require.NoError(t, err)
				time.AfterFunc(test.after, func() { test.lose(s) })
				shown := &progress{}
				session, err := failover.Wait(ctx, drkit.OnProgress(shown.note))
				require.NoError(t, err, s.Audit())
				assert.True(t, session.Partial())
				assert.ErrorContains(t, session.Err(), "web-1 (Failed: no host)")
				if test.after < time.Second {
					if name != "after a restart" { // which takes longer than the task
						assert.Contains(t, shown.states, cloudreplica.StateTaskGone)
					}
					assert.Contains(t, log.String(), "the task is gone; the wait turns to what it has made")
				}
				_ = client.Close(ctx)
				plan := s.Audit().Plan(acmePlan)
				assert.Equal(t, 2, plan.Started+plan.Tested)
			}, cloudreplicatest.TaskDuration(time.Second, time.Second), cloudreplicatest.FailoverDuration(time.Second, 5*time.Second))
		})
	}
}

func (s *site) expire() { s.ExpireSessions() }

// Undo whose task is lost is told by the replicas.
func TestNewSignInWhileAnUndoGoesOn(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		start, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
		require.NoError(t, err)
		_, err = start.Wait(ctx)
		require.NoError(t, err)
		s.Collect()
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		s.ExpireSessions()
		state, err := undo.Wait(ctx)
		require.NoError(t, err)
		assert.True(t, state.Ready())
		_ = client.Close(ctx)
	})
}

// What nothing tells of is gone, and not taken for done.
func TestUndoThatNothingTellsOf(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		start, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
		require.NoError(t, err)
		_, err = start.Wait(ctx)
		require.NoError(t, err)
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan) // nobody has collected that it is failed over
		require.NoError(t, err)
		s.ExpireSessions()
		_, err = undo.Wait(ctx)
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		_ = client.Close(ctx)
	})
}

// Another process goes on where one has ended: without the task, which was that one's.
func TestResume(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		first := s.client()
		start, err := first.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
		require.NoError(t, err)
		token, err := start.ResumeToken(ctx)
		require.NoError(t, err)
		require.NoError(t, first.Close(ctx))

		client := s.client()
		_, err = cloudreplica.Resume[cloudreplica.PlanState](client, token)
		require.ErrorIs(t, err, drkit.ErrToken)
		_, err = cloudreplica.Resume[cloudreplica.CloudFailoverSession](client, token[:len(token)-3])
		require.ErrorIs(t, err, drkit.ErrToken)
		resumed, err := cloudreplica.Resume[cloudreplica.CloudFailoverSession](client, token)
		require.NoError(t, err)
		session, err := resumed.Wait(ctx)
		require.NoError(t, err)
		require.NoError(t, session.Err())
		raw, err := cloudreplica.Resume[json.RawMessage](client, token)
		require.NoError(t, err)
		text, err := raw.Wait(ctx)
		require.NoError(t, err)
		assert.Contains(t, string(text), `"Stopped"`)
		again, err := raw.ResumeToken(ctx)
		require.NoError(t, err)
		assert.Equal(t, token, again)

		s.Collect()
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		token, err = undo.ResumeToken(ctx)
		require.NoError(t, err)
		undone, err := cloudreplica.Resume[cloudreplica.PlanState](client, token)
		require.NoError(t, err)
		state, err := undone.Wait(ctx)
		require.NoError(t, err)
		assert.True(t, state.Ready())

		collect, err := client.BackupServers.Collect(ctx, vbr01)
		require.NoError(t, err)
		token, err = collect.ResumeToken(ctx)
		require.NoError(t, err)
		require.NoError(t, client.Close(ctx))
		other := s.client()
		collecting, err := cloudreplica.Resume[cloudreplica.SystemSession](other, token)
		require.NoError(t, err)
		collected, err := collecting.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, cloudreplica.SystemSessionStateSuccess, collected.State)
		require.NoError(t, other.Close(ctx))
	})
}

// However rarely a caller wants to look, the logon session and its task outlive the wait.
func TestWaitsKeepTheSessionAwake(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]drkit.Option{"XML": nil, "JSON": {cloudreplica.WithJSON()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				rarely := drkit.WithPolling(drkit.PollPolicy{MinInterval: 20 * time.Minute, MaxInterval: time.Hour})
				client := s.client(append(options, rarely)...)
				s.SlowTask("FailoverPlans.Start", acmePlan, time.Hour)
				start, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
				require.NoError(t, err)
				session, err := start.Wait(ctx)
				require.NoError(t, err)
				require.NoError(t, session.Err())
				assert.Equal(t, 1, s.SignIns())
				require.NoError(t, client.Close(ctx))
			}, cloudreplicatest.FailoverDuration(time.Second, time.Hour))
		})
	}
}

// A task that fails says why, inside a 200.
func TestTasksThatFail(t *testing.T) {
	t.Parallel()
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		undo, err := client.FailoverPlans.Undo(ctx, acmePlan)
		require.NoError(t, err)
		_, err = undo.Wait(ctx)
		var failed *drkit.TaskError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "cloudreplica.FailoverPlans.Undo", failed.Operation)
		assert.Contains(t, failed.Message, "has not been failed over")
		s.FailVM(acmePlan, "", "no host")
		s.FailVM(acmePlan, "", "no datastore")
		start, err := client.FailoverPlans.Start(ctx, acmePlan, cloudreplica.FailoverStart{})
		require.NoError(t, err)
		_, err = start.Wait(ctx)
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, []string{"db-1", "web-1"}, failed.Args)
		assert.Contains(t, failed.Message, "2 of 2 machines: db-1 (Failed: no host), web-1 (Failed: no datastore)")
		s.FailTask("BackupServers.Collect", vbr01, "the password "+s.Password+" does not fit")
		collect, err := client.BackupServers.Collect(ctx, vbr01)
		require.NoError(t, err)
		_, err = collect.Wait(ctx)
		require.ErrorContains(t, err, "the password [redacted] does not fit")
		require.NoError(t, client.Close(ctx))
	})
}
