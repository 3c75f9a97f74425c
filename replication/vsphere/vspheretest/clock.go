package vspheretest

import (
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Clock tells the servers the time: its Now is what they go by, and its Sleep is how the delays of a [Fault] wait.
// Sessions, tasks, synchronizations, rate limits and delays all go by it.
type Clock = simkit.Clock

// ManualClock is a [Clock] that stands still until its Advance moves it, for tests that cannot run inside
// testing/synctest. AwaitSleepers waits until somebody waits for it. It is safe for concurrent use; make one with
// [NewManualClock].
type ManualClock = simkit.ManualClock

// NewManualClock returns a clock that stands at start.
func NewManualClock(start time.Time) *ManualClock { return simkit.NewManualClock(start) }
