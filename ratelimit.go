package drkit

import (
	"golang.org/x/time/rate"

	"github.com/drkit-go/drkit/internal/settings"
)

// RateLimit is a limit that several clients share, because a service counts what comes from one address, however
// many sessions it belongs to. Make one with [NewRateLimit] and give it to each of the clients as an option. A client
// keeps to it and to its own limit, that of [WithRateLimit] or the service's default.
type RateLimit struct {
	limiter *rate.Limiter
	bad     error
}

// NewRateLimit returns a limit of perSecond requests a second on average, and burst at once, of all clients together
// that get it. Values that let nothing through, or everything, fail in the constructor of the client.
func NewRateLimit(perSecond float64, burst int) *RateLimit {
	return &RateLimit{
		limiter: rate.NewLimiter(rate.Limit(perSecond), burst),
		bad:     checkRate("NewRateLimit", perSecond, burst),
	}
}

// Apply makes a client keep to the limit.
func (l *RateLimit) Apply(s *settings.Settings) error {
	if l.bad != nil {
		return l.bad
	}
	s.SharedLimits = append(s.SharedLimits, l.limiter)
	return nil
}
