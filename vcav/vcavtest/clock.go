package vcavtest

import (
	"context"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Clock tells a server the time. Sessions, tasks and delays all go by it.
type Clock interface {
	// Now returns the time.
	Now() time.Time
	// Sleep returns once d has passed, or with the context's error once ctx ends.
	Sleep(ctx context.Context, d time.Duration) error
}

// ManualClock is a [Clock] that stands still until Advance moves it, for tests that cannot run inside
// testing/synctest. It is safe for concurrent use; make one with [NewManualClock].
type ManualClock struct{ clock *simkit.ManualClock }

// NewManualClock returns a clock that stands at start.
func NewManualClock(start time.Time) *ManualClock {
	return &ManualClock{clock: simkit.NewManualClock(start)}
}

// Now returns the time at which the clock stands.
func (c *ManualClock) Now() time.Time { return c.clock.Now() }

// Advance moves the clock forward by d and wakes whoever slept until then.
func (c *ManualClock) Advance(d time.Duration) { c.clock.Advance(d) }

// Sleep returns once the clock has been advanced by d, or with the context's error once ctx ends.
func (c *ManualClock) Sleep(ctx context.Context, d time.Duration) error { return c.clock.Sleep(ctx, d) }

// AwaitSleepers returns once at least n requests wait for the clock, as by a [Fault] with a Delay, or with
// the context's error once ctx ends. Call it before Advance.
func (c *ManualClock) AwaitSleepers(ctx context.Context, n int) error {
	return c.clock.AwaitSleepers(ctx, n)
}
