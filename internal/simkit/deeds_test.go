package simkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Deeds keep their order, and what was told stays as it was.
func TestDeeds(t *testing.T) {
	t.Parallel()
	var deeds simkit.Deeds[string, int]
	assert.False(t, deeds.Has("tall"))
	assert.Nil(t, deeds.All())
	*deeds.At("tall", 5)++
	*deeds.At("flat", 0)++
	told := deeds.All()
	*deeds.At("tall", 100)++
	assert.True(t, deeds.Has("tall"))
	assert.Equal(t, []int{6, 1}, told)
	assert.Equal(t, []int{7, 1}, deeds.All())
}

func TestTallyInWords(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "Pots.Boil: 0 requests, ran 0", simkit.Tally{Operation: "Pots.Boil"}.String())
	tally := simkit.Tally{
		Operation: "Pots.Boil", Resource: "tall", Requests: 7, Operators: 1, Ran: 3, RanBy: map[string]int{"b": 1, "a": 2}, Late: 1,
		Refused: 2, Pending: 1, Lost: 1,
	}
	line := "tall Pots.Boil: 7 requests (1 by operators), ran 3 (a 2, b 1), late 1, refused 2, pending 1, lost 1"
	assert.Equal(t, line, simkit.WithTasks(tally, "", ""))
	assert.Equal(t, line+"; tasks: 2 succeeded, 1 failed", simkit.WithTasks(tally, simkit.Counted(2, "%d succeeded"), "", simkit.Counted(1, "%d failed")))
}
