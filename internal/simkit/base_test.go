package simkit_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
)

func TestBasePaths(t *testing.T) {
	t.Parallel()
	bases := make(chan string, 1)
	server := newKitchen(t, func(c *simkit.Config) {
		c.BasePaths = []string{"/api/v1", "/api/v2"}
		c.Handlers["Pots.Get"] = func(call *simkit.Call) simkit.Answer {
			bases <- call.Base
			return simkit.Answer{Status: http.StatusOK}
		}
	})
	for _, base := range []string{"/api/v1", "/api/v2"} {
		require.Equal(t, http.StatusOK, mustAsk(t, server, "GET", base+"/pots/tall", "").Status)
		assert.Equal(t, base, <-bases)
	}
	_, err := server.Operate(simkit.Order{Operation: "Pots.Get", Arguments: []string{"tall"}})
	require.NoError(t, err)
	assert.Equal(t, "/api/v2", <-bases, "operators use the newest")
	assert.Equal(t, "/api/v2/pots/tall", server.Requests()[2].Path)
	for _, path := range []string{"/pots/tall", "/api/v3/pots/tall", "/api/v1pots/tall", "/api/v1"} {
		assert.Equal(t, http.StatusBadRequest, mustAsk(t, server, "GET", path, "").Status, path)
	}
	assert.Len(t, server.AcknowledgeViolations(), 4)
}

func TestTalliesAddUp(t *testing.T) {
	t.Parallel()
	var sum simkit.Tally
	one := simkit.Tally{
		Requests: 1, Operators: 2, Ran: 3, RanBy: map[string]int{"ann": 1, "bob": 2}, Late: 4, Refused: 5, Pending: 6, Lost: 7,
	}
	sum.Add(one)
	assert.Equal(t, one, sum)
	sum.Add(one)
	assert.Equal(t, simkit.Tally{
		Requests: 2, Operators: 4, Ran: 6, RanBy: map[string]int{"ann": 2, "bob": 4}, Late: 8, Refused: 10, Pending: 12, Lost: 14,
	}, sum)
	assert.Equal(t, 1, one.RanBy["ann"])
}
