package simkit_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Each plan is for one piece of work, the first that fits.
func TestPlans(t *testing.T) {
	t.Parallel()
	var plans simkit.Plans[int]
	take := func(operation string, resources ...string) int {
		wanted, planned := plans.Take(operation, resources...)
		assert.Equal(t, wanted != 0, planned)
		return wanted
	}
	plans.Add("Pots.Boil", "tall", 1)
	plans.Add("Pots.Boil", "", 2)
	plans.Add("Pots.Boil", "", 3)
	assert.Zero(t, take("Pots.Smash", "tall"))
	assert.Equal(t, 2, take("Pots.Boil", "flat"))
	assert.Equal(t, 1, take("Pots.Boil", "flat", "tall"))
	assert.Equal(t, 3, take("Pots.Boil"))
	assert.Zero(t, take("Pots.Boil", "tall"))
	plans.Add("Pots.Boil", "", 4)
	plans.Clear()
	assert.Zero(t, take("Pots.Boil"))
}
