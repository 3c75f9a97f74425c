package transport

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/drkit-go/drkit/internal/settings"
)

// pace lets requests pass no faster than all limits allow: that of the client, and those that it shares with others.
type pace struct {
	own    *rate.Limiter // nil for a client without a limit of its own
	shared []*rate.Limiter
	head   chan struct{} // holds a value while somebody is the next to pass several limits
}

func newPace(s settings.Settings) *pace {
	p := &pace{shared: s.SharedLimits, head: make(chan struct{}, 1)}
	if s.RatePerSecond > 0 {
		p.own = rate.NewLimiter(rate.Limit(s.RatePerSecond), s.RateBurst)
	}
	return p
}

// turn waits until one request may pass. One of the session does not wait, since others may wait for it: it takes
// what comes next.
func (c *Client) turn(ctx context.Context, ofSession bool) error {
	switch {
	case c.pace.own == nil && len(c.pace.shared) == 0:
		return nil
	case ofSession:
		c.pace.borrow()
		return nil
	}
	ctx, leave := c.alive(ctx)
	defer leave()
	if err := c.pace.wait(ctx); err != nil {
		return turnError(ctx, err)
	}
	return nil
}

// borrow lets a request pass at once, at the expense of those to come.
func (p *pace) borrow() {
	for _, limit := range p.limits() {
		limit.Reserve()
	}
}

func (p *pace) limits() []*rate.Limiter {
	if p.own == nil {
		return p.shared
	}
	return append(p.shared[:len(p.shared):len(p.shared)], p.own)
}

func (p *pace) wait(ctx context.Context) error {
	if len(p.shared) == 0 {
		return p.own.Wait(ctx)
	}
	select {
	case p.head <- struct{}{}:
		defer func() { <-p.head }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		pause := p.pass()
		if pause == 0 {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// pass lets one request pass all limits in the same moment, or none: one that has passed the first limit, and waits
// for the second, would be counted in another minute than that in which it is sent. It returns how long to wait
// before the next try, 0 if the request may go.
func (p *pace) pass() time.Duration {
	now := time.Now()
	var pause time.Duration
	for _, limit := range p.limits() {
		if missing := 1 - limit.TokensAt(now); missing > 0 {
			pause = max(pause, time.Duration(missing/float64(limit.Limit())*float64(time.Second))+time.Nanosecond)
		}
	}
	if pause > 0 {
		return pause
	}
	for _, limit := range p.shared {
		if !limit.AllowN(now, 1) {
			return time.Nanosecond // another client was quicker
		}
	}
	if p.own != nil {
		p.own.AllowN(now, 1) // nobody but the head takes from it
	}
	return 0
}

// turnError makes the limiter's refusal to outwait a deadline a matter of the deadline.
func turnError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return endOf(ctx)
	}
	return fmt.Errorf("%w: the rate limit leaves no turn before it (%w)", context.DeadlineExceeded, err)
}
