package simkit_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// watcher is a test that notes how it fails.
type watcher struct {
	testing.TB
	failures []string
	cleanups []func()
}

func (w *watcher) Helper() {}

func (w *watcher) Errorf(format string, arguments ...any) {
	w.failures = append(w.failures, fmt.Sprintf(format, arguments...))
}

func (w *watcher) Cleanup(do func()) { w.cleanups = append(w.cleanups, do) }

// A test that watches fails at once for a complaint, and at its end for what the contract does not allow.
func TestWatch(t *testing.T) {
	t.Parallel()
	server := newKitchen(t)
	mustAsk(t, server, "GET", "/spoons", "")
	w := &watcher{TB: t}
	server.Watch(w, "kitchentest")
	server.Complain("there is no pot %q", "tall")
	assert.Equal(t, []string{`kitchentest: there is no pot "tall"`}, w.failures)
	assert.Len(t, server.Violations(), 1, "the complaint is the test's already")

	mustAsk(t, server, "GET", "/lids", "")
	server.AcknowledgeViolations()
	mustAsk(t, server, "GET", "/spoons", "")
	for _, cleanup := range slices.Backward(w.cleanups) {
		cleanup()
	}
	assert.Len(t, w.failures, 2)
	assert.Contains(t, w.failures[1], "kitchentest: GET /spoons: ")
}
