package simkit_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
)

// standing lets a server go by a clock that stands still.
func standing() (*simkit.ManualClock, func(*simkit.Config)) {
	clock := simkit.NewManualClock(time.Unix(1_900_000_000, 0))
	return clock, func(c *simkit.Config) { c.Clock = clock }
}

func TestLateWork(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule   simkit.Rule
		status int // 0: no answer
		audit  string
	}{
		"dropped":  {simkit.Rule{Drop: true}, 0, "before: drop, work late by 20s"},
		"reset":    {simkit.Rule{Reset: true}, 0, "before: reset, work late by 20s"},
		"answered": {simkit.Rule{Status: 503}, 503, "before: status 503, work late by 20s"},
		"by HTML":  {simkit.Rule{Status: 504, Body: page}, 504, "before: status 504, work late by 20s"},
		"moved":    {simkit.Rule{Redirect: "/elsewhere"}, 307, "before: redirect, work late by 20s"},
		"half":     {simkit.Rule{Status: 502, Body: page, Truncate: true}, 502, "before: status 502, truncate, work late by 20s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
				clock, standing := standing()
				server := newKitchen(t, listener, standing)
				rule := tc.rule
				rule.Times, rule.Late = 1, 20*time.Second
				require.NoError(t, server.Inject(rule))
				got, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "")
				assert.Equal(t, tc.status == 0 || tc.rule.Truncate, err != nil, err)
				assert.Equal(t, tc.status, got.Status)
				clock.Advance(20*time.Second - 1)
				assert.Zero(t, server.Ran("Pots.Boil", "tall"))
				seen := server.Requests()[0]
				assert.False(t, seen.Ran)
				assert.Zero(t, seen.Executed)
				assert.Equal(t, 20*time.Second, seen.Late)
				assert.Equal(t, []string{tc.audit}, seen.Faults)
				assert.Equal(t, 1, server.Tallies()[0].Pending)

				clock.Advance(time.Hour) // nobody looks in time
				assert.Equal(t, 1, server.Ran("Pots.Boil", "tall"))
				seen = server.Requests()[0]
				assert.True(t, seen.Ran)
				assert.Equal(t, seen.Time.Add(20*time.Second), seen.Executed)
				assert.Equal(t, http.StatusAccepted, seen.Outcome)
				assert.Equal(t, tc.status, seen.Status, "what its client saw stays")
				assert.Equal(t, 1, server.Count("Pots.Boil"))
			})
		})
	}
}

func TestLateWorkIsRefused(t *testing.T) {
	t.Parallel()
	clock, standing := standing()
	open := true
	server := newKitchen(t, inMemory, standing, func(c *simkit.Config) {
		c.Admit = func(*simkit.Call) *simkit.Answer {
			if open {
				return nil
			}
			return &simkit.Answer{Status: http.StatusUnauthorized}
		}
	})
	require.NoError(t, server.Inject(simkit.Rule{Drop: true, Late: time.Minute, Times: 2}))
	for _, name := range []string{"missing", "tall"} {
		_, err := ask(t.Context(), server, "POST", "/pots/"+name+"/boil", "")
		require.Error(t, err)
		clock.Advance(time.Second)
	}
	clock.Advance(58 * time.Second)
	assert.Equal(t, []simkit.Tally{
		{Operation: "Pots.Boil", Resource: "missing", Requests: 1, RanBy: map[string]int{}, Refused: 1},
		{Operation: "Pots.Boil", Resource: "tall", Requests: 1, RanBy: map[string]int{}, Pending: 1},
	}, server.Tallies())
	open = false
	clock.Advance(time.Second)
	seen := server.Requests()
	assert.Equal(t, []int{http.StatusNotFound, http.StatusUnauthorized}, []int{seen[0].Outcome, seen[1].Outcome})
	assert.Zero(t, server.Ran("Pots.Boil", ""))
}

// What is due first is done first, whoever came first, and before the request that comes after it.
func TestLateWorkInOrder(t *testing.T) {
	t.Parallel()
	clock, standing := standing()
	type done struct {
		pot string
		at  time.Duration
	}
	began, order := clock.Now(), []done(nil)
	server := newKitchen(t, inMemory, standing, func(c *simkit.Config) {
		c.Handlers["Pots.Boil"] = func(call *simkit.Call) simkit.Answer {
			order = append(order, done{call.Resource, call.Now().Sub(began)})
			return simkit.Answer{Status: http.StatusAccepted}
		}
	})
	for _, rule := range []simkit.Rule{
		{Resource: "slow", Drop: true, Late: time.Minute},
		{Resource: "quick", Drop: true, Late: time.Second},
		{Resource: "also", Status: 503, Late: time.Minute},
	} {
		require.NoError(t, server.Inject(rule))
		_, _ = ask(t.Context(), server, "POST", "/pots/"+rule.Resource+"/boil", "")
	}
	clock.Advance(time.Hour)
	mustAsk(t, server, "POST", "/pots/last/boil", "")
	assert.Equal(t, []done{{"quick", time.Second}, {"slow", time.Minute}, {"also", time.Minute}, {"last", time.Hour}}, order)
}

func TestLateWorkOfAClientThatIsGone(t *testing.T) {
	t.Parallel()
	for name, rule := range map[string]simkit.Rule{
		"hangs":   {Hang: true, Late: time.Hour},
		"delayed": {Status: 503, Delay: 24 * time.Hour, Late: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := newKitchen(t, inMemory, func(c *simkit.Config) {
					c.Admit = func(call *simkit.Call) *simkit.Answer {
						assert.True(t, call.Unattended)
						assert.NoError(t, call.Context.Err())
						return nil
					}
				})
				require.NoError(t, server.Inject(rule))
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := ask(ctx, server, "POST", "/pots/tall/boil", "")
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Zero(t, server.Ran("Pots.Boil", "tall"))
				<-time.After(time.Hour)
				assert.Equal(t, 1, server.Ran("Pots.Boil", "tall"))
				assert.Equal(t, time.Hour, server.Requests()[0].Executed.Sub(server.Requests()[0].Time))
				server.Close()
				synctest.Wait()
			})
		})
	}
}

func TestLateWorkThatFails(t *testing.T) {
	t.Parallel()
	clock, standing := standing()
	server := newKitchen(t, inMemory, standing, func(c *simkit.Config) {
		c.Handlers["Pots.Boil"] = func(*simkit.Call) simkit.Answer { panic("no gas") }
	})
	require.NoError(t, server.Inject(simkit.Rule{Status: 503, Late: time.Second}))
	mustAsk(t, server, "POST", "/pots/tall/boil", "")
	clock.Advance(time.Second)
	server.Settle()
	require.Len(t, server.Violations(), 1)
	assert.Equal(t, []string{"the simulator failed: no gas"}, server.Violations()[0].Problems)
	assert.Equal(t, http.StatusInternalServerError, server.Requests()[0].Outcome)
}

func TestDo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule  simkit.Rule
		ran   int // before Do
		audit string
		fails bool
	}{
		"before the work":         {simkit.Rule{}, 0, "before: do", false},
		"after the work":          {simkit.Rule{After: true}, 1, "after: do", false},
		"before a loss":           {simkit.Rule{Drop: true}, 0, "before: do, drop", true},
		"after, before a loss":    {simkit.Rule{Drop: true, After: true}, 1, "after: do, drop", true},
		"in the middle of a body": {simkit.Rule{After: true, AfterBytes: 3}, 1, "after: do, after 3 bytes", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
				server := newKitchen(t, listener)
				did, rule := 0, tc.rule
				rule.Operation, rule.Skip, rule.Times = "Pots.Boil", 1, 1
				rule.Do = func() {
					did++
					assert.Equal(t, 1+tc.ran, server.Ran("Pots.Boil", ""))
				}
				require.NoError(t, server.Inject(rule))
				mustAsk(t, server, "POST", "/pots/tall/boil", "")
				assert.Zero(t, did)
				got, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "")
				assert.Equal(t, tc.fails, err != nil, err)
				if !tc.fails {
					assert.JSONEq(t, `{"pots":["tall","flat"]}`, got.Body)
				}
				mustAsk(t, server, "POST", "/pots/tall/boil", "")
				assert.Equal(t, 1, did)
				assert.Equal(t, []string{tc.audit}, server.Requests()[1].Faults)
			})
		})
	}
}

func TestDoAfterItsDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newKitchen(t, inMemory)
		began := time.Now()
		require.NoError(t, server.Inject(simkit.Rule{Delay: time.Hour, Do: func() {
			assert.Equal(t, time.Hour, time.Since(began))
			server.CloseConnections()
		}}))
		_, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "")
		require.Error(t, err)
		assert.Equal(t, 1, server.Ran("Pots.Boil", "tall"), "a cut connection does not keep the work from being done")
	})
}

func TestDoThatFails(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	require.NoError(t, server.Inject(simkit.Rule{Do: func() { panic("burnt") }}))
	mustAsk(t, server, "GET", "/pots", "")
	require.Len(t, server.Violations(), 1)
	assert.Equal(t, []string{"the Do of a rule failed: burnt"}, server.Violations()[0].Problems)
}
