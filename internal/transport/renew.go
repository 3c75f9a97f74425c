package transport

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	longestMargin = 5 * time.Minute  // before the end of a token, in which it is renewed
	longestPause  = 30 * time.Second // between two renewals that nobody needs yet
	// patience is how long a call waits for a renewal while the token that there is still serves.
	patience = 10 * time.Second
)

// keep takes over a new token. Its life is counted on the monotonic clock, from before the sign-in was sent: a
// clock that is wrong, or put right meanwhile, changes nothing. The caller holds the lock.
func (s *session) keep(grant Grant, began time.Time) {
	s.token = grant.Token.Reveal()
	s.generation++
	s.used = time.Now()
	s.granted, s.expires, s.renew = began, time.Time{}, time.Time{}
	if grant.Life <= 0 {
		return
	}
	s.expires = began.Add(grant.Life)
	margin := marginOf(grant.Life)
	spread := time.Duration(rand.Int64N(int64(margin/5) + 1)) //nolint:gosec // spreads load, guards nothing
	s.renew = s.expires.Add(-margin - spread)
}

// marginOf returns how long before its end a token is renewed.
func marginOf(life time.Duration) time.Duration { return min(longestMargin, life/4) }

// due reports whether the token is still good, and yet to be renewed. Credentials that were refused are not
// tried again.
func (s *session) due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused == nil && past(s.renew)
}

// renewAhead replaces a token that is still good. That it cannot be done, or takes long, is no reason for the
// call to fail: it goes out with what there is.
func (s *session) renewAhead(ctx context.Context, generation uint64, named func(context.Context) context.Context) {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := s.flights.do(waiting, "", func(ctx context.Context) error { return s.signIn(named(ctx), generation) })
	if err != nil && ctx.Err() == nil && s.postpone(generation) && s.failed != nil {
		s.failed(ctx, err)
	}
}

// postpone spaces out renewals that fail. It reports whether nobody else has done so.
func (s *session) postpone(generation uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation != generation || !past(s.renew) {
		return false
	}
	margin := marginOf(s.expires.Sub(s.granted))
	s.renew = time.Now().Add(min(longestPause, margin/4))
	return true
}

// mayRenew reports whether another sign-in may help after the service has called the token of a call expired. It
// does not where the service refuses what it has granted a moment ago.
func (s *session) mayRenew(generation uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return generation != s.generation || // somebody has signed in since
		s.accepted.Load() == generation || time.Since(s.granted) >= s.config.Rest
}

// doubt makes the next call sign in anew, although this one does not.
func (s *session) doubt(generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubted = max(s.doubted, generation)
}

// accept takes note that the service has done something under a token.
func (s *session) accept(generation uint64) {
	if s.accepted.Load() != generation {
		s.accepted.Store(generation)
	}
}

// past reports whether a moment has come; the zero time never does.
func past(moment time.Time) bool { return !moment.IsZero() && !time.Now().Before(moment) }
