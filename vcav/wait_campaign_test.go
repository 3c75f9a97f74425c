package vcav_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// The fates of a task are in its id: fate, number, and when it ends in nanoseconds.
const (
	endsWell   = "well"
	endsBadly  = "badly"
	vanishes   = "vanishes" // when the others end
	neverKnown = "unknown"  // from the beginning
)

// fateOf returns what is to become of a task, and when.
func fateOf(id string) (fate string, end time.Time) {
	fate, rest, _ := strings.Cut(id, "-")
	_, nanoseconds, _ := strings.Cut(rest, "-")
	n, _ := strconv.ParseInt(nanoseconds, 10, 64)
	return fate, time.Unix(0, n)
}

func showFate(_, id string) (state string, visible bool) {
	fate, end := fateOf(id)
	over := !time.Now().Before(end)
	switch {
	case fate == neverKnown, fate == vanishes && over:
		return "", false
	case !over:
		return "RUNNING", true
	case fate == endsBadly:
		return "FAILED", true
	default:
		return "SUCCEEDED", true
	}
}

// disorder is an appliance in trouble: every few seconds something else.
type disorder struct {
	*board
	now atomic.Value // what is wrong, as a string
}

func newDisorder() *disorder {
	d := &disorder{board: newBoard(showFate)}
	d.now.Store("")
	d.before = func(r *http.Request, ids []string) (status int) {
		switch d.now.Load() {
		case "busy":
			return 503
		case "hangs":
			<-r.Context().Done()
		case "refuses several":
			if len(ids) > 1 {
				return 500
			}
		}
		return 0
	}
	return d
}

// run makes trouble until over. Each lasts less than an attempt may, and after each there is peace.
func (d *disorder) run(random *rand.Rand, over <-chan struct{}) {
	pause := func(most time.Duration) (more bool) {
		select {
		case <-time.After(time.Duration(random.Int64N(int64(most)))):
			return true
		case <-over:
			return false
		}
	}
	for pause(40 * time.Second) {
		switch what := random.IntN(30); {
		case what < 15:
			d.expire()
		case what < 21:
			d.now.Store("busy")
		case what < 27:
			d.now.Store("hangs")
		case what < 28:
			d.now.Store("refuses several")
		default:
			d.limit.Store(50)
		}
		pause(15 * time.Second)
		d.now.Store("")
		d.limit.Store(0)
	}
}

// crowd is many waits at such an appliance.
type crowd struct {
	client   *vcav.Client
	outcomes map[string]*atomic.Int64
	reports  atomic.Int64
}

// wait waits for a task for as long as patience lasts, and checks that the wait ends as it must.
func (c *crowd) wait(t *testing.T, id string, patience time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	var over atomic.Bool
	_, err := resumedAt(t, c.client, "", id).Wait(ctx, drkit.OnProgress(func(p drkit.Progress) {
		c.reports.Add(1)
		assert.False(t, over.Load() && ctx.Err() == nil, "a report after the end")
		assert.Equal(t, id, p.ID)
	}))
	over.Store(true)
	fate, end := fateOf(id)
	late := time.Since(end)
	outcome := fate
	switch {
	case errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil:
		outcome = "cancelled"
		assert.Equal(t, patience, time.Since(began), id)
	case fate == endsWell:
		assert.NoError(t, err, id)
	case fate == endsBadly:
		assert.ErrorAs(t, err, new(*drkit.TaskError), id)
	default:
		assert.ErrorIs(t, err, drkit.ErrTaskGone, id)
		late -= 3 * time.Minute // several misses after the grace
	}
	if outcome != "cancelled" {
		assert.Less(t, late, 3*time.Minute, id)
		assert.True(t, fate == neverKnown || late > -3*time.Minute && !time.Now().Before(end), "%s was told before its end", id)
	}
	c.outcomes[outcome].Add(1)
}

// underRace reports whether the race detector is at work.
func underRace() bool {
	build, _ := debug.ReadBuildInfo()
	return build != nil && slices.Contains(build.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

// A hundred thousand waits, of which some are cancelled and some are for tasks that vanish, at an appliance that
// ends sessions, leaves tasks out, fails and hangs: each has the one outcome that it must have.
func TestHundredThousandWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	bubble(t, func(t *testing.T) {
		waits := 100_000
		if underRace() {
			waits = 20_000 // takes ten times as long
		}
		d := newDisorder()
		c := &crowd{outcomes: map[string]*atomic.Int64{
			endsWell: {}, endsBadly: {}, vanishes: {}, neverKnown: {}, "cancelled": {},
		}}
		c.client = d.client(t, drkit.WithTimeout(20*time.Second), drkit.WithPolling(drkit.PollPolicy{
			MinInterval: 3 * time.Second, MaxInterval: 30 * time.Second,
		}))
		over := make(chan struct{})
		var troubles, all sync.WaitGroup
		troubles.Go(func() { d.run(rand.New(rand.NewPCG(seed, 0)), over) })
		random := rand.New(rand.NewPCG(seed, 1))
		fates := []string{endsWell, endsWell, endsWell, endsWell, endsWell, endsWell, endsBadly, endsBadly, vanishes, neverKnown}
		last := ""
		for i := range waits {
			id := last
			if i == 0 || random.IntN(20) > 0 { // else two wait for the same task
				end := time.Now().Add(time.Duration(random.Int64N(int64(time.Minute))))
				id = fmt.Sprintf("%s-%d-%d", fates[random.IntN(len(fates))], i, end.UnixNano())
			}
			last = id
			patience := 24 * time.Hour
			if random.IntN(4) == 0 {
				patience = time.Duration(1 + random.Int64N(int64(time.Minute)))
			}
			all.Go(func() { c.wait(t, id, patience) })
			if i%100 == 99 {
				<-time.After(time.Duration(random.Int64N(int64(time.Second))))
			}
		}
		all.Wait()
		close(over)
		troubles.Wait()
		total := int64(0)
		for outcome, count := range c.outcomes {
			assert.Greater(t, count.Load(), int64(waits/100), outcome)
			total += count.Load()
		}
		assert.EqualValues(t, waits, total)
		t.Logf("%d ended well, %d badly, %d vanished, %d were unknown, %d cancelled; %d reports; %d looks with %d requests for several and %d for one, %d sign-ins",
			c.outcomes[endsWell].Load(), c.outcomes[endsBadly].Load(), c.outcomes[vanishes].Load(), c.outcomes[neverKnown].Load(),
			c.outcomes["cancelled"].Load(), c.reports.Load(), len(d.ticks()), d.count("POST "+pollPath), len(d.polls)-d.count("POST "+pollPath), d.signIns)
		require.NoError(t, c.client.Close(t.Context()))
	})
}
