package vspheretest

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// window is how long the rate limiter counts before it begins anew.
const window = time.Minute

// limits are how many requests are let through in a window; 0: all.
type limits struct {
	client, service, session int
	retryAfter               bool
}

// RateLimits sets how many requests a server lets through in a minute: of one client address, of the service and of
// one session, checked in this order; 0 is no limit. The defaults are the vendor's, 100, 1000 and 50. What the first
// two have let through they have counted, also if a later one refuses it. All clients have one address here,
// because all come from this machine.
//
// Source: vSphere Replication 8.8 administration guide, on the rate limiter.
func RateLimits(client, service, session int) Option {
	return func(c *config) error {
		if client < 0 || service < 0 || session < 0 {
			return errors.New("RateLimits: fewer than no requests make no sense")
		}
		c.limits.client, c.limits.service, c.limits.session = client, service, session
		return nil
	}
}

// TellRetryAfter lets a 429 say in a Retry-After header when the window ends. Nobody documents whether real ones do;
// by default they do not.
func TellRetryAfter() Option {
	return func(c *config) error {
		c.limits.retryAfter = true
		return nil
	}
}

// limiter counts the requests of one server in fixed windows, which begin at the full minutes of the clock.
type limiter struct {
	limits  limits
	begin   time.Time      // of the window that is counted
	total   int            // requests from the one address, and for the one service
	session map[string]int // by token
	refused int            // since the start of the server
}

func newLimiter(c *config) limiter {
	if c.version.before(limiting) {
		return limiter{session: map[string]int{}}
	}
	return limiter{limits: c.limits, session: map[string]int{}}
}

// admit counts a request with the token of a session, which is empty where there is none, and refuses one too many.
func (l *limiter) admit(token string, now time.Time) *simkit.Answer {
	if begin := now.Truncate(window); begin.After(l.begin) {
		l.begin, l.total = begin, 0
		clear(l.session)
	}
	l.total++
	if exceeds(l.total, l.limits.client) {
		return l.refuse(now, "client")
	}
	if exceeds(l.total, l.limits.service) {
		return l.refuse(now, "service")
	}
	if token == "" {
		return nil
	}
	l.session[token]++
	if exceeds(l.session[token], l.limits.session) {
		return l.refuse(now, "session")
	}
	return nil
}

func exceeds(count, limit int) bool { return limit > 0 && count > limit }

func (l *limiter) refuse(now time.Time, whose string) *simkit.Answer {
	l.refused++
	answer := errorAnswer(http.StatusTooManyRequests, CodeTooManyRequests, "Too many requests in a minute of one "+whose+".")
	if l.limits.retryAfter {
		left := l.begin.Add(window).Sub(now)
		answer.Header.Set("Retry-After", strconv.Itoa(int((left+time.Second-1)/time.Second)))
	}
	return &answer
}
