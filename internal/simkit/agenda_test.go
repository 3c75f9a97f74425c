package simkit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/internal/simkit"
)

func TestAgenda(t *testing.T) {
	t.Parallel()
	start := time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC)
	var agenda simkit.Agenda
	var done []string
	note := func(what string) func(time.Time) {
		return func(at time.Time) { done = append(done, what+at.Sub(start).String()) }
	}
	agenda.Add(start.Add(2*time.Second), note("late "))
	agenda.Add(start.Add(time.Second), note("first "))
	agenda.Add(start.Add(time.Second), func(at time.Time) {
		note("second ")(at)
		agenda.Add(at, note("third "))
	})
	agenda.Settle(start)
	assert.Empty(t, done)
	agenda.Settle(start.Add(time.Second))
	assert.Equal(t, []string{"first 1s", "second 1s", "third 1s"}, done)
	agenda.Settle(start.Add(time.Hour))
	assert.Equal(t, "late 2s", done[3])
}

// The present moves forward alone, and what is due by it happens also where an earlier moment is asked for.
func TestAgendaCatchesUp(t *testing.T) {
	t.Parallel()
	var agenda simkit.Agenda
	start := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	present := start
	agenda.CatchUp(&present, start.Add(time.Minute))
	assert.Equal(t, start.Add(time.Minute), present)
	done := false
	agenda.Add(start.Add(30*time.Second), func(time.Time) { done = true })
	agenda.CatchUp(&present, start)
	assert.True(t, done)
	assert.Equal(t, start.Add(time.Minute), present)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	const form = `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`
	assert.Regexp(t, form, simkit.FreshID())
	assert.Regexp(t, form, simkit.StableID("vm", "db-1"))
	first, second := simkit.FreshID(), simkit.FreshID()
	assert.NotEqual(t, first, second)
	first, second = simkit.StableID("vm", "db-1"), simkit.StableID("vm", "db-1")
	assert.Equal(t, first, second)
	assert.NotEqual(t, simkit.StableID("vm", "db-1"), simkit.StableID("vmdb", "-1"))
}
