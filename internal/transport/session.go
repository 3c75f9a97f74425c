package transport

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drkit-go/drkit"
)

// Session is what a service tells of its sessions.
type Session struct {
	Header string       // carries the token
	Token  drkit.Secret // given by the user: used as it is, never renewed and never signed out
	// SignIn begins a session. The transport calls it once, however many calls need a session, on a context
	// that no caller can end for the others.
	SignIn func(ctx context.Context) (Grant, error)
	// SignOut ends the session. It sends its call with Last set.
	SignOut func(ctx context.Context) error
	// Outlives keeps Close from signing out: the session is left to expire.
	Outlives bool
	// Idle is how long a session lives that nobody uses; 0 if that is not known. One that has slept for so long
	// is not tried any more.
	Idle time.Duration
	// Lost reports whether an answer says that the session lives, but not at the site that the call has
	// named. Nil for services without such a thing.
	Lost func(answer *drkit.Error) bool
	// Regain makes the session good for a site again. It runs once for all who need it, like SignIn.
	Regain func(ctx context.Context, site string) error
	// Expired reports whether an answer is the service's own word that the session has ended or, where calls
	// are signed, that it does not accept the signature.
	Expired func(answer *drkit.Error) bool
	// Rest is how long a token that no call has succeeded with serves on although the service refuses it, so
	// that a lasting refusal does not become a sign-in for every call. 0 signs in anew at once.
	Rest time.Duration
}

// Grant is a session that has begun.
type Grant struct {
	Token drkit.Secret
	// Life is how long the token is good for, at least; 0 if that is not known, or if another sign-in would
	// not prolong it. Shortly before its end the transport signs in anew.
	Life time.Duration
	// Endpoint and Scope are those of the Config where it leaves them to the session.
	Endpoint, Scope string
}

// session holds the current token. Generations tell a call that met an expiry whether somebody has
// already signed in anew.
type session struct {
	config  Session
	limit   time.Duration // of a sign-out, repeats included
	flights flights
	place   *place
	failed  func(ctx context.Context, err error) // of a renewal that nobody needed yet; may be nil

	accepted atomic.Uint64 // the newest generation that a call has succeeded with

	mu         sync.Mutex
	token      string
	generation uint64
	granted    time.Time         // when the sign-in began
	renew      time.Time         // when to sign in anew while the token is still good; zero: never
	expires    time.Time         // zero: not known
	doubted    uint64            // the newest generation that calls must not go out under any more
	used       time.Time         // when the session began, or a call under it ended
	refused    error             // what the service said to the credentials: they are not tried again
	pending    string            // token of a sign-in that is not complete yet
	regained   map[string]uint64 // how often the session was made good again, by site
}

func newSession(life context.Context, config Session, limit time.Duration) *session {
	s := &session{config: config, limit: limit, flights: flights{life: life, timeout: 2 * limit}, place: &place{}}
	if !config.Token.IsZero() {
		s.token, s.generation = config.Token.Reveal(), 1
	}
	return s
}

func (s *session) given() bool { return !s.config.Token.IsZero() }

// get returns a token newer than generation stale, signing in if there is none. A sign-in that it begins
// runs on what named makes of its context.
func (s *session) get(ctx context.Context, stale uint64, named func(context.Context) context.Context) (token string, generation uint64, err error) {
	for {
		token, generation, err = s.newer(stale)
		if token != "" && s.due() {
			s.renewAhead(ctx, generation, named)
			token, generation, err = s.newer(stale)
		}
		if token != "" || err != nil {
			return token, generation, err
		}
		err = s.flights.do(ctx, "", func(ctx context.Context) error { return s.signIn(named(ctx), stale) })
		if err != nil {
			return "", 0, err
		}
	}
}

// newer returns a token newer than generation stale, nothing if there is none yet, or why there will be
// none.
func (s *session) newer(stale uint64) (token string, generation uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.token != "" && s.generation > max(stale, s.doubted) && !past(s.expires) && !s.asleep():
		return s.token, s.generation, nil
	case s.refused != nil:
		return "", 0, s.refused
	case s.flights.life.Err() != nil:
		return "", 0, drkit.ErrClosed
	default:
		return "", 0, nil
	}
}

// signIn begins a session, unless somebody has done so since the caller looked.
func (s *session) signIn(ctx context.Context, stale uint64) error {
	if token, _, err := s.newer(stale); token != "" || err != nil {
		return err
	}
	began := time.Now()
	grant, err := s.config.SignIn(ctx)
	if err == nil && grant.Token.IsZero() {
		err = errors.New("sign-in was accepted, but the answer holds no session token")
	}
	if err == nil {
		err = s.place.settle(grant)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if refusesCredentials(err) {
		s.refused = err
	}
	if err != nil {
		return err
	}
	if ctx.Err() == nil || s.generation <= stale { // else everybody has given up, and another run was quicker
		s.keep(grant, began) // also where nobody waits any more: a session that is dropped here is never ended
	}
	if ctx.Err() != nil {
		return endOf(ctx)
	}
	return nil
}

// asleep reports whether nobody has used the session for as long as it lives then. The caller holds the lock.
func (s *session) asleep() bool {
	return s.config.Idle > 0 && !s.given() && !s.used.IsZero() && time.Since(s.used) > s.config.Idle
}

// use takes note that a call under a token has ended.
func (s *session) use(generation uint64) {
	if s.config.Idle == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.generation == generation {
		s.used = time.Now()
	}
}

func (s *session) expired(answer *drkit.Error) bool {
	return s.config.Expired != nil && s.config.Expired(answer)
}

func (s *session) lost(answer *drkit.Error) bool {
	return s.config.Lost != nil && s.config.Lost(answer)
}

// timesRegained tells a call that finds the session lost at a site whether somebody has regained it since.
func (s *session) timesRegained(site string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.regained[site]
}

// regain makes the session good for a site, unless that was done since the caller saw it lost.
func (s *session) regain(ctx context.Context, site string, seen uint64) error {
	return s.flights.do(ctx, "site "+site, func(ctx context.Context) error {
		if s.timesRegained(site) != seen {
			return nil
		}
		if err := s.config.Regain(ctx, site); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.regained == nil {
			s.regained = map[string]uint64{}
		}
		s.regained[site]++
		return nil
	})
}

// refusesCredentials reports whether the service itself, not a proxy before it, turned a user away.
func refusesCredentials(err error) bool {
	var answer *drkit.Error
	return errors.As(err, &answer) && !answer.Foreign &&
		(errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrForbidden))
}

// refuse keeps refused credentials from being tried again.
func (s *session) refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = err
}

// denial returns what the service said to the credentials, if it has refused them.
func (s *session) denial() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// forgive lets refused credentials be tried once more.
func (s *session) forgive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = nil
}

// secrets returns the tokens that must not show.
func (s *session) secrets() (current, pending string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.pending
}

// complete takes note of a token that a sign-in under way works with.
func (s *session) complete(token drkit.Secret) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending = token.Reveal()
}

// current returns the token without beginning a session.
func (s *session) current() string {
	token, _ := s.now()
	return token
}

// now is current, with the generation of the token.
func (s *session) now() (token string, generation uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token, s.generation
}

// end signs out, if this client began a session. One that could not be ended is kept, so that somebody
// can try again. It has a limit of its own: a client must close also where the appliance has stalled and
// the context never ends.
func (s *session) end(ctx context.Context) error {
	token := s.current()
	if s.given() || token == "" || s.config.SignOut == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.limit, &timeoutError{s.limit})
	defer cancel()
	err := s.config.SignOut(ctx)
	if err == nil || errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrNotFound) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.token == token {
			s.token = ""
		}
	}
	return err
}
