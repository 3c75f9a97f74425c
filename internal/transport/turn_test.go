package transport_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// slowly answers after a while.
func slowly(d time.Duration) fault {
	return func(req *request, do doer) (*response, error) {
		select {
		case <-time.After(d):
			return do()
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
}

// Operations on one resource are sent one at a time, note and all; those on others are not held up.
func TestOneAtATimeForEachResource(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("shake", again(30, slowly(time.Second))...)
		y.takes = 0
		client := y.client(t)
		began := time.Now()
		var all sync.WaitGroup
		for range 10 {
			for _, id := range []string{"7", "8", "9"} {
				all.Go(func() {
					_, err := y.start(t.Context(), client, &shakeThing, id, nil)
					assert.NoError(t, err)
				})
			}
		}
		all.Wait()
		assert.Equal(t, 10*time.Second, time.Since(began))
		assert.Zero(t, client.Remembered())
		assert.Equal(t, 30, y.count("POST"))
	})
}

// Of many who want the same at once, one sends it and the others are told that it is under way.
func TestTheSameManyTimesAtOnce(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]fault{"answered": nil, "answer lost": answerLost} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.takes = time.Hour
				y.breaks("move", broken)
				client := y.client(t)
				var started, busy atomic.Int64
				var all sync.WaitGroup
				for range 20 {
					all.Go(func() {
						switch _, err := y.move(t.Context(), client); {
						case err == nil:
							started.Add(1)
						case errors.Is(err, drkit.ErrConflict):
							busy.Add(1)
						default:
							assert.NoError(t, err)
						}
					})
				}
				all.Wait()
				assert.EqualValues(t, 1, started.Load())
				assert.EqualValues(t, 19, busy.Load())
				assert.Equal(t, 1, y.count("POST"))
			})
		})
	}
}

// Whoever waits for the turn waits within a context, and no longer than the client lives.
func TestWaitForTheTurn(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLost)
		logger, written := newLogger(0)
		client := y.client(t, drkit.WithLogger(logger))
		began := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := y.move(t.Context(), client)
			assert.ErrorIs(t, err, drkit.ErrClosed)
			assert.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		})
		synctest.Wait()

		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errDrill)
		defer cancel()
		_, err := y.start(ctx, client, &shakeThing, "7", nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, errDrill)
		assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.True(t, strings.HasPrefix(err.Error(), "fake.Things.Shake: "), err)
		assert.Equal(t, 5*time.Second, time.Since(began))
		assert.Equal(t, []any{"not sent"}, outcomes(t, written))
		assert.Equal(t, 1, client.Remembered())

		for range 5 {
			all.Go(func() {
				_, err := y.start(t.Context(), client, &shakeThing, "7", nil)
				assert.ErrorIs(t, err, drkit.ErrClosed)
				assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			})
		}
		synctest.Wait()
		require.NoError(t, client.Close(t.Context()))
		all.Wait()
		assert.Equal(t, 5*time.Second, time.Since(began), "at once")
		assert.Zero(t, y.count("POST shake"))
		assert.Equal(t, 1, client.Remembered(), "until the client is dropped")
	})
}

// Who calls again for what is unknown, and does not get the turn, still does not know.
func TestWaitForTheTurnOfWhatIsUnknown(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLost)
		client := y.client(t)
		lost := y.giveUp(t, client)
		var all sync.WaitGroup
		all.Go(func() {
			_, err := drkit.Recover[string](t.Context(), lost)
			assert.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := y.move(ctx, client)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		_, err = y.start(ctx, client, &shakeThing, "7", nil)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "of this nothing was sent")
		require.True(t, drkit.Discard(lost))
		_, err = y.move(ctx, client)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		all.Wait()
		assert.Equal(t, 1, y.count("POST"))
	})
}

// Who gives up waiting for the turn takes nothing out of the memory.
func TestMemoryOutlivesThoseWhoGiveUp(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("move", requestLost)
		client := y.client(t)
		var all sync.WaitGroup
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		all.Go(func() {
			_, err := y.move(ctx, client)
			assert.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		})
		synctest.Wait()
		for i := range 20 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*time.Second)
				defer cancel()
				_, err := y.move(ctx, client)
				assert.Error(t, err)
			})
		}
		all.Wait()
		assert.Equal(t, 1, client.Remembered())
		_, err := y.move(t.Context(), client)
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Equal(t, 1, y.count("POST"))
	})
}

// Whatever happens, no thing is moved while it is on its way, what was answered or found is a job of its own, and
// nothing is remembered but what is unknown.
func TestManyCallersAndFaults(t *testing.T) {
	t.Parallel()
	rounds := 300
	if testing.Short() {
		rounds = 50
	}
	for seed := range rounds {
		synctest.Test(t, func(t *testing.T) { oneStorm(t, newYard(), uint64(seed)) })
	}
}

func oneStorm(t *testing.T, y *yard, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	kinds := []fault{nil, answerLost, requestLost, notConnected, stuck, requestLate(time.Duration(random.IntN(60)) * time.Second), says(503, `{"code":"Busy"}`), says(409, `{"code":"InUse"}`)}
	for range 20 {
		y.breaks("move", kinds[random.IntN(len(kinds))])
	}
	for range 30 {
		reads := []fault{nil, nil, requestLost, slowly(time.Second), says(403, `{"code":"Forbidden"}`)}
		y.breaks("jobs", reads[random.IntN(len(reads))])
	}
	y.takes = time.Duration(random.IntN(100)) * time.Second
	client := y.client(t)
	var mu sync.Mutex
	found := map[string]int{}
	var all sync.WaitGroup
	for range 8 {
		wait, patience := time.Duration(random.IntN(20))*time.Second, time.Duration(1+random.IntN(60))*time.Second
		all.Go(func() {
			<-time.After(wait)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			poller, err := y.move(ctx, client)
			if errors.Is(err, drkit.ErrOutcomeUnknown) {
				poller, err = drkit.Recover[string](t.Context(), err)
			}
			if err == nil {
				mu.Lock()
				found[poller.ID()]++
				mu.Unlock()
			}
		})
	}
	all.Wait()
	<-time.After(time.Hour) // what is late has come
	y.checkStorm(t, client, found)
}

// checkStorm looks at what the callers were told against what has happened.
func (y *yard) checkStorm(t *testing.T, client *transport.Client, found map[string]int) {
	t.Helper()
	y.mu.Lock()
	jobs := len(y.jobs)
	for i := 1; i < len(y.jobs); i++ {
		assert.False(t, y.jobs[i].Started.Before(y.jobs[i-1].Ended), "%v overlaps %v", y.jobs[i], y.jobs[i-1])
	}
	y.mu.Unlock()
	named := 0
	for id := range found {
		if id != "settled" {
			named++
		}
	}
	assert.LessOrEqual(t, named, jobs)
	if client.Remembered() == 0 {
		return
	}
	_, err := y.move(t.Context(), client)
	if errors.Is(err, drkit.ErrOutcomeUnknown) {
		assert.True(t, drkit.Discard(err))
	}
	assert.Zero(t, client.Remembered())
}
