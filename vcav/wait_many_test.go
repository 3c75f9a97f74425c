package vcav_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/vcav"
)

const (
	chunk = 100
	tick  = time.Second
)

// fixed is a schedule that does not slow down.
var fixed = drkit.PollPolicy{MinInterval: tick, MaxInterval: tick, BatchSize: chunk}

// evenly shows tasks that end one after the other, evenly over a time. Their ids are their numbers.
func evenly(tasks int, over time.Duration) (ends func(i int) time.Time, show func(site, id string) (string, bool)) {
	start := time.Now()
	ends = func(i int) time.Time { return start.Add(over * time.Duration(i+1) / time.Duration(tasks)) }
	return ends, func(_, id string) (string, bool) {
		if i, err := strconv.Atoi(id); err != nil || time.Now().Before(ends(i)) {
			return "RUNNING", true
		}
		return "SUCCEEDED", true
	}
}

// resumedAt returns the poller of a task at a place, without a request.
func resumedAt(t testing.TB, client *vcav.Client, site, id string) *drkit.Poller[vcav.NoResult] {
	t.Helper()
	poller, err := vcav.Resume[vcav.NoResult](client, resumable(func(t *step.Token) { t.Task, t.Site = id, site }))
	require.NoError(t, err)
	return poller
}

// lonely looks at a task by itself, as a program does that polls in each of its goroutines.
type lonely struct {
	id    string
	looks *atomic.Int64
	show  func(site, id string) (string, bool)
}

func (l lonely) ID() string { return l.id }

func (l lonely) Look(context.Context) (drkit.Look[vcav.NoResult], error) {
	l.looks.Add(1)
	state, _ := l.show("", l.id)
	return drkit.Look[vcav.NoResult]{Progress: drkit.Progress{State: drkit.State(state)}, Done: state == "SUCCEEDED"}, nil
}

// A thousand waits cost as many requests a tick as there are chunks among those that are still waiting, which
// is at least eighty times fewer than if each polled by itself, and none is told late.
func TestThousandWaits(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const tasks = 1000
		ends, show := evenly(tasks, time.Minute)
		b := newBoard(show)
		client := b.client(t, drkit.WithPolling(fixed))
		var looks atomic.Int64
		lags := make([]time.Duration, tasks) // from the end of a task to its result
		var all sync.WaitGroup
		for i := range tasks {
			poller := resumedAt(t, client, "", strconv.Itoa(i))
			naive := drkit.NewPoller[vcav.NoResult](lonely{poller.ID(), &looks, show}, drkit.WithPolling(fixed))
			all.Go(func() {
				_, err := poller.Wait(t.Context())
				assert.NoError(t, err)
				lags[i] = time.Since(ends(i))
			})
			all.Go(func() { _, err := naive.Wait(t.Context()); assert.NoError(t, err) })
		}
		all.Wait()
		ticks := b.ticks()
		requests := 0
		for i, tick := range ticks {
			still := 0
			for n := range tasks {
				// A task is asked for until it was seen to have ended, at the tick before at the latest.
				if i == 0 || ends(n).After(ticks[i-1].at) {
					still++
				}
			}
			require.Equal(t, still, tick.tasks, "one tick for all")
			require.Equal(t, (still+chunk-1)/chunk, tick.requests)
			requests += tick.requests
		}
		ratio := float64(looks.Load()) / float64(requests)
		t.Logf("%d ticks, %d requests, %d if each polled by itself (%.1f times as many), the latest result after %s",
			len(ticks), requests, looks.Load(), ratio, slices.Max(lags))
		assert.GreaterOrEqual(t, ratio, 80.0)
		assert.LessOrEqual(t, slices.Max(lags), tick)
		require.NoError(t, client.Close(t.Context()))
	})
}

// A site that is dead does not delay the waits at another, however it is dead.
func TestDeadSiteDoesNotDelayAnother(t *testing.T) {
	t.Parallel()
	alive := lags(t, nil)
	for name, dead := range map[string]func(r *http.Request) (status int){
		"never answers": func(r *http.Request) int { <-r.Context().Done(); return 0 },
		"is busy":       func(*http.Request) int { return 503 },
		"fails":         func(*http.Request) int { return 500 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			beside := lags(t, dead)
			t.Logf("from the end of a task to its result: median %s and most %s beside a dead site, %s and %s beside a live one",
				beside[len(beside)/2], beside[len(beside)-1], alive[len(alive)/2], alive[len(alive)-1])
			assert.LessOrEqual(t, beside[len(beside)-1], tick)
		})
	}
}

// lags returns how long after their ends tasks at one site are told of, in order, while there are as many waits
// at another site.
func lags(t *testing.T, dead func(r *http.Request) (status int)) []time.Duration {
	t.Helper()
	var told []time.Duration
	synctest.Test(t, func(t *testing.T) {
		const tasks = 150
		ends, show := evenly(tasks, time.Minute)
		b := newBoard(func(site, id string) (string, bool) {
			if site == "north" {
				return "RUNNING", true
			}
			return show(site, id)
		})
		b.before = func(r *http.Request, _ []string) int {
			if r.URL.Query().Get("site") == "north" && dead != nil {
				return dead(r)
			}
			return 0
		}
		client := b.client(t, drkit.WithPolling(fixed))
		var mu sync.Mutex
		var south, north sync.WaitGroup
		ctx, leave := context.WithCancel(t.Context())
		for i := range tasks {
			there, here := resumedAt(t, client, "north", strconv.Itoa(i)), resumedAt(t, client, "south", strconv.Itoa(i))
			north.Go(func() { _, err := there.Wait(ctx); assert.ErrorIs(t, err, context.Canceled) })
			south.Go(func() {
				_, err := here.Wait(t.Context())
				assert.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				told = append(told, time.Since(ends(i)))
			})
		}
		south.Wait()
		leave()
		north.Wait()
		require.NoError(t, client.Close(t.Context()))
	})
	slices.Sort(told)
	return told
}

// Waits at an appliance that is dead end in the end, without a context that says so, and work again when it is
// back.
func TestDeadApplianceAndItsReturn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		b := newBoard(endingAfter(time.Hour))
		start := time.Now()
		b.before = func(r *http.Request, _ []string) int {
			if time.Since(start) > time.Minute && time.Since(start) < 50*time.Minute {
				<-r.Context().Done()
			}
			return 0
		}
		client := b.client(t, drkit.WithPolling(polling))
		pollers := make([]*drkit.Poller[vcav.NoResult], 150)
		for i := range pollers {
			pollers[i] = resumedAt(t, client, "", strconv.Itoa(i))
		}
		outcomes, err := drkit.WaitAll(context.Background(), pollers)
		require.ErrorIs(t, err, drkit.ErrUnavailable)
		for _, outcome := range outcomes {
			require.ErrorIs(t, outcome.Err, drkit.ErrUnavailable)
			require.ErrorContains(t, outcome.Err, outcome.ID)
		}
		t.Logf("given up %s after the appliance had died", time.Since(start)-time.Minute)
		assert.Less(t, time.Since(start), time.Minute+polling.MaxUnreachable+10*time.Minute)
		<-time.After(30 * time.Minute)
		_, err = drkit.WaitAll(context.Background(), pollers)
		require.NoError(t, err)
		require.NoError(t, client.Close(t.Context()))
	})
}
