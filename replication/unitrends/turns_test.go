package unitrends_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// turns polls once on each turn, every minute, with a poller of that turn, until one sees the end.
func turns[T any](t *testing.T, begin func(ctx context.Context) (*drkit.Poller[T], error)) T {
	t.Helper()
	for range 100 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		poller, err := begin(ctx)
		require.NoError(t, err)
		_, err = poller.Poll(ctx)
		cancel()
		require.NoError(t, err)
		if poller.Done() {
			result, err := poller.Result()
			require.NoError(t, err)
			return result
		}
		<-time.After(time.Minute) // of the bubble
	}
	require.Fail(t, "no turn has seen the end")
	panic("unreachable")
}

// A controller has a new poller on each turn and polls once: what takes two looks it sees all the same.
func TestControllerSeesAnAcceptanceSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(row) { accepts(y.lists) }, nil)
		y.later(time.Hour, configured)
		client, journal := y.client("ops"), new(drkit.MemoryJournal)
		began := time.Now()
		source := turns(t, func(ctx context.Context) (*drkit.Poller[unitrends.System], error) {
			return drkit.Once(ctx, journal, "accept 41", func(ctx context.Context) (*drkit.Poller[unitrends.System], error) {
				return accept(ctx, client)
			})
		})
		assert.Equal(t, unitrends.ID("9"), source.ID)
		assert.GreaterOrEqual(t, time.Since(began), time.Hour)
		assert.Equal(t, []string{decide}, y.requests())
	})
}

func TestControllerSeesTheQueueDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		y.change(func(lists map[string][]row) { lists["inactive"] = []row{{"backup_id": 1, "status": "Needed"}} })
		y.later(time.Hour, func(lists map[string][]row) { lists["inactive"] = nil })
		client := y.client("ops")
		watch := token(t, client.Queue.Drained())
		began := time.Now()
		turns(t, func(context.Context) (*drkit.Poller[unitrends.Drain], error) {
			return unitrends.Resume[unitrends.Drain](client, watch)
		})
		assert.GreaterOrEqual(t, time.Since(began), time.Hour)
	})
}

// What the first of the two looks finds may be over by the second, as a backup that is between two lists.
func TestTheFirstTwoLooksDiffer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		y := newYard(t)
		asks(y.lists)
		y.on(decide, func(row) { accepts(y.lists); configured(y.lists) }, nil)
		client := y.client("ops")
		accepted, err := accept(t.Context(), client)
		require.NoError(t, err)
		y.later(200*time.Millisecond, func(lists map[string][]row) {
			set(lists, "systems", "id", row{"id": 9, "status": "available"})
			lists["active"] = []row{{"id": 5, "backup_id": 1, "status": "Active"}}
		})
		drained := client.Queue.Drained()
		both := make(chan error)
		go func() {
			_, err := drained.Poll(t.Context())
			both <- err
		}()
		progress, err := accepted.Poll(t.Context())
		require.NoError(t, err)
		require.NoError(t, <-both)
		assert.Equal(t, drkit.State("available"), progress.State)
		assert.Equal(t, drkit.Progress{ID: drained.ID(), State: drkit.StateRunning}, drained.Progress())
		y.change(func(lists map[string][]row) { lists["active"] = nil })
		_, err = drained.Poll(t.Context())
		require.NoError(t, err)
		assert.False(t, drained.Done(), "one look of a poller that has looked before")
		assert.Equal(t, 3, y.looksAt("replication/queue"))
		_, err = drained.Poll(t.Context())
		require.NoError(t, err)
		assert.True(t, drained.Done())
	})
}

// Between the two looks nothing outlives its caller, who learns why.
func TestTheSecondLookIsCutShort(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(client *unitrends.Client, cancel func()){
		"context": func(_ *unitrends.Client, cancel func()) { cancel() },
		"client":  func(client *unitrends.Client, _ func()) { _ = client.Close(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				y := newYard(t)
				asks(y.lists)
				y.on(decide, func(row) { accepts(y.lists); configured(y.lists) }, nil)
				client := y.client("ops")
				accepted, err := accept(t.Context(), client)
				require.NoError(t, err)
				drained := client.Queue.Drained()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(200*time.Millisecond, func() { end(client, cancel) })
				began := time.Now()
				failed := make(chan error)
				go func() {
					_, err := drained.Poll(ctx)
					failed <- err
				}()
				_, err = accepted.Poll(ctx)
				for _, err := range []error{err, <-failed} {
					if name == "context" {
						require.ErrorIs(t, err, context.Canceled)
					} else {
						require.ErrorIs(t, err, drkit.ErrClosed)
					}
				}
				assert.Equal(t, 200*time.Millisecond, time.Since(began))
				assert.False(t, accepted.Done())
				assert.False(t, drained.Done())
			})
		})
	}
}
