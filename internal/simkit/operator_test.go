package simkit_test

import (
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
)

func TestOperate(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory, func(c *simkit.Config) {
		c.Admit = func(call *simkit.Call) *simkit.Answer {
			if call.Operation.Name == "Pots.Boil" && call.Session != "cook" && call.Header.Get("X-Kitchen-Key") == "" {
				return &simkit.Answer{Status: http.StatusForbidden}
			}
			return nil
		}
	})
	require.NoError(t, server.Inject(simkit.Rule{Drop: true}))
	answer, err := server.Operate(simkit.Order{
		Operation: "Lids.Get", Arguments: []string{"a/b", "ü"}, User: "ann",
		Header: http.Header{"Trace-Me": {"t-1"}, "X-Kitchen-Key": {"secret"}},
	})
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, answer.Status)
	for _, session := range []any{"cook", nil} {
		_, err = server.Operate(simkit.Order{
			Operation: "Pots.Boil", Arguments: []string{"tall"}, Query: url.Values{"site": {"attic"}}, User: "bob", Session: session,
		})
		require.NoError(t, err)
	}
	seen := server.Requests()
	require.Len(t, seen, 3)
	assert.Equal(t, "/pots/a%2Fb/lids/%C3%BC", seen[0].Path)
	assert.Equal(t, "t-1", seen[0].OperationID)
	assert.Equal(t, simkit.Redacted, seen[0].Header.Get("X-Kitchen-Key"))
	assert.Empty(t, seen[0].Faults, "rules are for clients")
	assert.True(t, seen[0].Operator)
	assert.Equal(t, "attic", seen[1].Site)
	assert.Equal(t, http.StatusAccepted, seen[1].Status)
	assert.Equal(t, 1, server.Ran("Pots.Boil", "tall"))
	server.ClearFaults()
	mustAsk(t, server, "POST", "/pots/tall/boil", "", "X-Kitchen-Key", "secret")
	assert.Equal(t, []simkit.Tally{{
		Operation: "Pots.Boil", Resource: "tall", Requests: 3, Operators: 2, Ran: 2, RanBy: map[string]int{"bob": 1, "": 1}, Refused: 1,
	}}, server.Tallies(), "reads are left out")
}

// An order names what its path names, and its body is JSON.
func TestNewOrder(t *testing.T) {
	t.Parallel()
	assert.Equal(t, simkit.Order{
		Operation: "Lids.Get", Arguments: []string{"tall", "7"}, Query: url.Values{}, Header: http.Header{}, Body: []byte{}, User: "ann",
	}, simkit.NewOrder("ann", "Lids.Get", "tall/7", ""))
	order := simkit.NewOrder("ann", "Pots.Create", "", "{}")
	assert.Empty(t, order.Arguments)
	assert.Equal(t, "{}", string(order.Body))
	assert.Equal(t, "application/json", order.Header.Get("Content-Type"))
}

func TestOrdersThatMakeNoSense(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, inMemory)
	for want, order := range map[string]simkit.Order{
		`no operation "Pots.Fly"`: {Operation: "Pots.Fly"},
		"takes 1 arguments":       {Operation: "Pots.Get"},
		"takes 0 arguments":       {Operation: "Pots.List", Arguments: []string{"a"}},
		"is not Pots.Get":         {Operation: "Pots.Get", Arguments: []string{""}},
	} {
		_, err := server.Operate(order)
		require.ErrorContains(t, err, want)
	}
	assert.Empty(t, server.Requests())
	answer, err := server.Operate(simkit.Order{Operation: "Pots.Heat", Arguments: []string{"tall"}, Body: []byte(`{"type":"sun"}`)})
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, answer.Status)
	assert.Len(t, server.Violations(), 1)
	assert.Equal(t, http.StatusBadRequest, server.Requests()[0].Outcome)
	server.Close()
	_, err = server.Operate(simkit.Order{Operation: "Pots.List"})
	require.ErrorContains(t, err, "closed")
}

func TestRestart(t *testing.T) {
	t.Parallel()
	everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
		clock, standing := standing()
		server := newKitchen(t, listener, standing)
		mustAsk(t, server, "GET", "/pots", "")
		server.Restart(time.Minute)
		_, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "")
		require.Error(t, err)
		_, err = server.Operate(simkit.Order{Operation: "Pots.Boil", Arguments: []string{"tall"}})
		require.ErrorContains(t, err, "down")
		assert.Equal(t, 1, server.Tallies()[0].Lost)
		clock.Advance(time.Minute - 1)
		_, err = ask(t.Context(), server, "POST", "/pots/tall/boil", "")
		require.Error(t, err)
		clock.Advance(1)
		mustAsk(t, server, "POST", "/pots/tall/boil", "")
		assert.Equal(t, 2, server.Count("Pots.Boil"), "nothing came through")

		server.Restart(time.Hour)
		server.Restart(0)
		server.Transport().CloseIdleConnections() // a client may not have noticed yet that they were cut
		mustAsk(t, server, "POST", "/pots/tall/boil", "")
	})
}

func TestRestartUnderRequests(t *testing.T) {
	t.Parallel()
	everyListener(t, func(t *testing.T, listener func(*simkit.Config)) {
		clock, standing := standing()
		server := newKitchen(t, listener, standing)
		require.NoError(t, server.Inject(simkit.Rule{Delay: time.Hour, Resource: "tall"}))
		require.NoError(t, server.Inject(simkit.Rule{Resource: "flat", After: true, Times: 1, Do: func() { server.Restart(0) }}))
		slow := make(chan error, 1)
		go func() {
			_, err := ask(t.Context(), server, "POST", "/pots/tall/boil", "")
			slow <- err
		}()
		require.NoError(t, clock.AwaitSleepers(t.Context(), 1))
		_, err := ask(t.Context(), server, "POST", "/pots/flat/boil", "")
		require.Error(t, err)
		require.Error(t, <-slow)
		assert.Equal(t, 1, server.Ran("Pots.Boil", "flat"), "its answer was lost")
		mustAsk(t, server, "GET", "/pots", "")
		server.Close() // the request that was cut has ended by then
		clock.Advance(time.Hour)
		assert.Zero(t, server.Ran("Pots.Boil", "tall"))
	})
}

func TestLateWorkWhileTheServerIsDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := newKitchen(t, inMemory)
		for _, late := range []time.Duration{time.Minute, 2 * time.Minute, 11 * time.Minute} {
			require.NoError(t, server.Inject(simkit.Rule{Status: 503, Late: late, Times: 1}))
			mustAsk(t, server, "POST", "/pots/tall/boil", "")
		}
		<-time.After(time.Minute)
		server.Restart(10 * time.Minute)
		<-time.After(time.Hour)
		server.Restart(time.Minute) // somebody settles only now
		assert.Equal(t, []simkit.Tally{{
			Operation: "Pots.Boil", Resource: "tall", Requests: 3, Ran: 2, RanBy: map[string]int{"": 2}, Late: 2, Lost: 1,
		}}, server.Tallies())
		assert.Equal(t, []string{"before: status 503, work late by 2m0s", "late: the server was down"}, server.Requests()[1].Faults)
		server.Close()
	})
}
