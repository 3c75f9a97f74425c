package simkit

import (
	"context"
	"sync"
	"time"
)

// Clock tells a simulator the time. Sessions, tasks and delays all go by it.
type Clock interface {
	// Now returns the time.
	Now() time.Time
	// Sleep returns once d has passed, or with the context's error once ctx ends.
	Sleep(ctx context.Context, d time.Duration) error
}

// SystemClock returns the clock of package time, which inside a testing/synctest bubble is the bubble's.
func SystemClock() Clock { return systemClock{} }

type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ManualClock is a clock that stands still until [ManualClock.Advance] moves it. It is for tests outside
// testing/synctest and is safe for concurrent use.
type ManualClock struct {
	mu       sync.Mutex
	now      time.Time
	sleepers map[*sleeper]struct{}
	changed  chan struct{} // closed and replaced whenever the number of sleepers changes
}

type sleeper struct {
	until time.Time
	woken chan struct{}
}

// NewManualClock returns a clock that stands at start.
func NewManualClock(start time.Time) *ManualClock {
	return &ManualClock{now: start, sleepers: map[*sleeper]struct{}{}, changed: make(chan struct{})}
}

// Now returns the time at which the clock stands.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward by d and wakes whoever slept until then. It does not wait for them to
// go on.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	for s := range c.sleepers {
		if !s.until.After(c.now) {
			close(s.woken)
			c.remove(s)
		}
	}
}

// Sleep returns once the clock has been advanced by d, or with the context's error once ctx ends.
func (c *ManualClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	s := c.add(d)
	select {
	case <-s.woken:
		return nil
	case <-ctx.Done():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.remove(s)
		return context.Cause(ctx)
	}
}

// AwaitSleepers returns once at least n calls of Sleep are waiting, or with the context's error once ctx
// ends. Tests call it before Advance, so that nobody falls asleep too late to be woken.
func (c *ManualClock) AwaitSleepers(ctx context.Context, n int) error {
	for {
		c.mu.Lock()
		enough, changed := len(c.sleepers) >= n, c.changed
		c.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *ManualClock) add(d time.Duration) *sleeper {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &sleeper{until: c.now.Add(d), woken: make(chan struct{})}
	c.sleepers[s] = struct{}{}
	c.announce()
	return s
}

// remove forgets s if it is still known; the caller holds the lock.
func (c *ManualClock) remove(s *sleeper) {
	if _, known := c.sleepers[s]; known {
		delete(c.sleepers, s)
		c.announce()
	}
}

func (c *ManualClock) announce() {
	close(c.changed)
	c.changed = make(chan struct{})
}
