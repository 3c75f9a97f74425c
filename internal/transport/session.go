package transport

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
)

// Session is what a service tells of its sessions.
type Session struct {
	Header string       // carries the token
	Token  drkit.Secret // given by the user: used as it is, never renewed and never signed out
	// SignIn begins a session and returns its token. The transport calls it once, however many calls
	// need a session, on a context that no caller can end for the others.
	SignIn func(ctx context.Context) (drkit.Secret, error)
	// SignOut ends the session. It sends its call with Last set.
	SignOut func(ctx context.Context) error
	// Expired reports whether an answer is the service's own word that the session has ended.
	Expired func(answer *drkit.Error) bool
}

// session holds the current token. Generations tell a call that met an expiry whether somebody has
// already signed in anew.
type session struct {
	config  Session
	life    context.Context
	timeout time.Duration

	mu         sync.Mutex
	token      string
	generation uint64
	running    *signIn
	refused    error // what the service said to the credentials: they are not tried again
}

// signIn is one sign-in under way and those who wait for it.
type signIn struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // set before done is closed
}

func newSession(life context.Context, config Session, timeout time.Duration) *session {
	s := &session{config: config, life: life, timeout: timeout}
	if !config.Token.IsZero() {
		s.token, s.generation = config.Token.Reveal(), 1
	}
	return s
}

func (s *session) given() bool { return !s.config.Token.IsZero() }

// get returns a token newer than generation stale, signing in if there is none.
func (s *session) get(ctx context.Context, stale uint64) (token string, generation uint64, err error) {
	for {
		s.mu.Lock()
		switch {
		case s.token != "" && s.generation > stale:
			defer s.mu.Unlock()
			return s.token, s.generation, nil
		case s.refused != nil:
			defer s.mu.Unlock()
			return "", 0, s.refused
		case s.life.Err() != nil:
			defer s.mu.Unlock()
			return "", 0, drkit.ErrClosed
		}
		run := s.join() //nolint:contextcheck // the sign-in must not end with the caller who happens to begin it
		s.mu.Unlock()

		select {
		case <-run.done:
			if run.err != nil {
				return "", 0, run.err
			}
		case <-ctx.Done():
			s.leave(run)
			return "", 0, endOf(ctx)
		}
	}
}

// join returns the sign-in under way, beginning one if there is none. The caller holds the lock.
func (s *session) join() *signIn {
	run := s.running
	if run == nil {
		ctx, cancel := context.WithTimeout(s.life, s.timeout)
		run = &signIn{cancel: cancel, done: make(chan struct{})}
		s.running = run
		go s.signIn(ctx, run)
	}
	run.waiting++
	return run
}

// leave gives up waiting. A sign-in that nobody waits for is ended, so that no goroutine is left behind.
func (s *session) leave(run *signIn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run.waiting--
	if run.waiting == 0 {
		run.cancel()
		if s.running == run {
			s.running = nil
		}
	}
}

func (s *session) signIn(ctx context.Context, run *signIn) {
	defer run.cancel()
	token, err := s.config.SignIn(ctx)
	var unknown *drkit.OutcomeUnknownError
	if errors.As(err, &unknown) {
		err = unknown.Err // nothing of the call that needs the session was sent, so nothing is unknown
	}
	if err == nil && token.IsZero() {
		err = errors.New("sign-in was accepted, but the answer holds no session token")
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	run.err = err
	if s.running == run {
		s.running = nil
		if err == nil {
			s.token = token.Reveal()
			s.generation++
		}
		if refusesCredentials(err) {
			s.refused = err
		}
	}
	close(run.done)
}

// refusesCredentials reports whether the service itself, not a proxy before it, turned a user away.
func refusesCredentials(err error) bool {
	var answer *drkit.Error
	return errors.As(err, &answer) && answer.Code != "" &&
		(errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrForbidden))
}

// forgive lets refused credentials be tried once more.
func (s *session) forgive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused = nil
}

// current returns the token without beginning a session.
func (s *session) current() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.token
}

// end signs out, if this client began a session.
func (s *session) end(ctx context.Context) error {
	if s.given() || s.current() == "" || s.config.SignOut == nil {
		return nil
	}
	err := s.config.SignOut(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = ""
	return err
}
