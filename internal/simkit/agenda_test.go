package simkit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/internal/simkit"
)

func TestAgenda(t *testing.T) {
	t.Parallel()
	start := time.Unix(0, 0)
	var agenda simkit.Agenda
	var happened []string
	plan := func(name string, after time.Duration) {
		agenda.Add(start.Add(after), func(at time.Time) {
			assert.Equal(t, start.Add(after), at)
			happened = append(happened, name)
		})
	}
	plan("later", time.Hour)
	plan("first", time.Second)
	plan("second", time.Second)
	agenda.Add(start.Add(2*time.Second), func(at time.Time) { plan("consequence", at.Add(time.Minute).Sub(start)) })
	agenda.Settle(start)
	assert.Empty(t, happened)
	agenda.Settle(start.Add(30 * time.Minute))
	assert.Equal(t, []string{"first", "second", "consequence"}, happened)
	agenda.Settle(start.Add(time.Hour))
	assert.Equal(t, []string{"first", "second", "consequence", "later"}, happened)
}
