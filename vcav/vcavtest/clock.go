package vcavtest

import (
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Clock tells a server the time: its Now is what sessions, tasks and delays go by, and its Sleep returns once so much
// time has passed, or with the error of its context.
type Clock = simkit.Clock

// ManualClock is a [Clock] that stands still until its Advance moves it, for tests that cannot run inside
// testing/synctest. Its AwaitSleepers returns once so many requests wait for it, as by a [Fault] with a Delay: call it
// before Advance. It is safe for concurrent use; make one with [NewManualClock].
type ManualClock = simkit.ManualClock

// NewManualClock returns a clock that stands at start.
func NewManualClock(start time.Time) *ManualClock { return simkit.NewManualClock(start) }
