package unitrends_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// What happens to an appliance while a client waits does not end the wait: sessions end, it restarts, and it is away
// for a while.
func TestFlowOfAWaitInTrouble(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(f flow){
		"sessions end":                func(f flow) { f.pair.Target.ExpireSessions() },
		"the target restarts at once": func(f flow) { f.pair.Target.Restart(0) },
		"the target is away":          func(f flow) { f.pair.Target.Restart(10 * time.Minute) },
		"the source is away":          func(f flow) { f.pair.Source.Restart(10 * time.Minute) },
		"connections break":           func(f flow) { f.pair.Target.CloseConnections() },
		"an overload": func(f flow) {
			f.pair.Target.Inject(unitrendstest.Fault{Operation: "Systems.List", Status: 503, Times: 20})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inFlow(t, func(t *testing.T, f flow) {
				asked, request := f.ask()
				accepted := f.accept(request)
				time.AfterFunc(20*time.Second, func() { trouble(f) })
				assert.Equal(t, "branch", ended(t, accepted, nil).Name)
				assert.Equal(t, "vault", ended(t, asked, nil).Name)

				created, err := f.source.JobOrders.Create(t.Context(), f.order(idOf(f.pair.Source.TargetID("vault"))))
				ended(t, created, err)
				drained := f.target.Queue.Drained("db-1")
				_, err = drained.Poll(t.Context())
				require.NoError(t, err)
				time.AfterFunc(time.Minute, func() { trouble(f) })
				drain := ended(t, drained, nil)
				assert.Equal(t, 3, drain.Left)
				once(t, f.pair.Target, "done")
				assert.Equal(t, 1, f.pair.Source.Ran("JobOrders.Create", ""))
			})
		})
	}
}

// A session that has idled out between two calls is begun anew, also by what must not repeat: its note comes first.
func TestFlowOfIdleSessions(t *testing.T) {
	t.Parallel()
	inFlow(t, func(t *testing.T, f flow) {
		_, request := f.ask()
		<-time.After(time.Hour) // of the bubble
		accepted := f.accept(request)
		assert.Equal(t, "branch", ended(t, accepted, nil).Name)
		assert.False(t, accepted.Adopted())
		assert.Equal(t, 2, f.pair.Target.Count("Sessions.SignIn"))
	})
}

// Each wait of the way goes on in another client, which has nothing but the token, after a restart of the appliance.
func TestFlowIsResumed(t *testing.T) {
	t.Parallel()
	inFlow(t, func(t *testing.T, f flow) {
		asked, request := f.ask()
		accepted := f.accept(request)
		tokens := []string{token(t, asked), token(t, accepted)}
		require.NoError(t, f.source.Close(t.Context()))
		require.NoError(t, f.target.Close(t.Context()))
		f.pair.Source.Restart(time.Minute)
		f.pair.Target.Restart(time.Minute)
		<-time.After(2 * time.Minute) // of the bubble

		f.source = signIn(t, f.pair.Source, f.pair.Source.User, f.pair.Source.Password)
		f.target = signIn(t, f.pair.Target, f.pair.Target.User, f.pair.Target.Password)
		target, err := unitrends.Resume[unitrends.Target](f.source, tokens[0])
		assert.Equal(t, "vault", ended(t, target, err).Name)
		source, err := unitrends.Resume[unitrends.System](f.target, tokens[1])
		assert.Equal(t, "branch", ended(t, source, err).Name)

		_, err = unitrends.Resume[unitrends.Drain](f.source, tokens[0])
		require.ErrorIs(t, err, drkit.ErrToken)
		astray, err := unitrends.Resume[unitrends.System](f.source, tokens[1])
		require.NoError(t, err)
		_, err = astray.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrToken, "the other appliance")
		require.ErrorContains(t, err, "vault")

		f.pair.Source.HoldCopies(true)
		created, err := f.source.JobOrders.Create(t.Context(), f.order(idOf(f.pair.Source.TargetID("vault"))))
		ended(t, created, err)
		watch := token(t, f.source.Queue.Drained("db-1"))
		other := signIn(t, f.pair.Source, f.pair.Source.User, f.pair.Source.Password)
		drained, err := unitrends.Resume[unitrends.Drain](other, watch)
		require.NoError(t, err)
		progress, err := drained.Poll(t.Context())
		require.NoError(t, err)
		assert.Equal(t, drkit.Progress{ID: "the replication queue of db-1", State: drkit.StateRunning}, progress)
		f.pair.Source.HoldCopies(false)
		assert.Equal(t, unitrends.Drain{Left: 3, States: map[string]int{"Success": 3}}, ended(t, drained, nil))
	})
}

func token[T any](t *testing.T, poller *drkit.Poller[T]) string {
	t.Helper()
	token, err := poller.ResumeToken(t.Context())
	require.NoError(t, err)
	return token
}

// An acceptance whose source does not finish is waited for as long as the caller likes, and then goes on by its token.
func TestFlowOfAStalledAcceptance(t *testing.T) {
	t.Parallel()
	inFlow(t, func(t *testing.T, f flow) {
		_, request := f.ask()
		f.pair.Target.StallAcceptances(true)
		accepted := f.accept(request)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := accepted.Wait(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, drkit.Progress{ID: "replication request 1", State: "accepted"}, accepted.Progress())
		resumed, err := unitrends.Resume[unitrends.System](f.target, token(t, accepted))
		f.pair.Target.StallAcceptances(false)
		assert.True(t, ended(t, resumed, err).Replicates())
		once(t, f.pair.Target, "done")
	})
}

// A copy that fails leaves the queue, and the drain says so. A run of the order brings it back.
func TestFlowOfAFailedCopy(t *testing.T) {
	t.Parallel()
	inFlow(t, func(t *testing.T, f flow) {
		f.pair.Source.FailCopy("web-1", "The tunnel is down.")
		order := f.connect()
		assert.Equal(t, unitrends.Drain{Left: 4, States: map[string]int{"Success": 3, "Failed": 1}}, ended(t, f.source.Queue.Drained(), nil))
		history, err := f.source.Jobs.History(t.Context(), unitrends.HistoryQuery{ShowFlat: drkit.Some(true)})
		require.NoError(t, err)
		var messages []string
		for _, job := range history {
			if job.Status != unitrends.HistoryStatusSuccess {
				messages = append(messages, job.AssetName+": "+job.Message)
			}
		}
		assert.Equal(t, []string{"web-1: The tunnel is down."}, messages)

		run, err := f.source.JobOrders.Run(t.Context(), order.ID)
		assert.Equal(t, unitrends.HistoryStatusSuccess, ended(t, run, err).Status)
		assert.Len(t, f.pair.Target.BackupIDs("web-1"), 1)
	})
}
