package vcav

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

const tokenHeader = "X-VCAV-Auth"

// Sessions is the session of a client. There is one at a time; calls begin it when they need it.
type Sessions struct{ at place }

// SignIn makes sure that there is a session and returns it: who is signed in, with which roles, and at
// which sites. Calls sign in by themselves, so it serves to try credentials early, or to try them again
// after the service has refused them; a client does not repeat refused credentials by itself, because
// accounts get locked. With a given [Token] it asks for that session.
//
// Errors: [drkit.ErrUnauthorized] if the service refuses the credentials.
//
// Source: Cloud Director Availability API guide, "Authentication Methods".
func (s *Sessions) SignIn(ctx context.Context) (Session, error) {
	if _, given := s.at.client.credentials.(sessionToken); given {
		return s.Get(ctx)
	}
	if err := s.at.client.transport.SignIn(ctx); err != nil {
		return Session{}, err
	}
	return s.at.client.signedIn(), nil
}

// Get asks the service for the session. It is safe to repeat.
//
// Source: Cloud Director Availability API guide, "Get the Current Session".
func (s *Sessions) Get(ctx context.Context) (Session, error) {
	var session Session
	err := s.at.do(ctx, transport.Call{Operation: &contract.SessionsGet}, &session)
	return session, err
}

// Extend makes the session good for another site, and returns it. The sites come back by themselves with
// a new session, and when the service says that the session has ended at one of them; an extension that
// came with a given [Token] is not this client's to bring back. Extending to the same site again replaces
// the first. The request is sent at most once.
//
// Errors: [drkit.ErrUnauthorized] if the site refuses the credentials; [drkit.ErrNotFound] if there is no
// such site; [drkit.ErrOutcomeUnknown] if the answer was lost, after which it is safe to extend again.
//
// Source: Cloud Director Availability API guide, "Session Lifecycle Management".
func (s *Sessions) Extend(ctx context.Context, extension Extension) (Session, error) {
	switch {
	case extension == nil:
		return Session{}, errors.New("vcav.Sessions.Extend: extension is nil")
	case strings.TrimSpace(extension.at()) == "":
		return Session{}, errors.New("vcav.Sessions.Extend: the name of the site is empty")
	}
	if err := extension.check(); err != nil {
		return Session{}, fmt.Errorf("vcav.Sessions.Extend: %w", err)
	}
	session, err := s.at.client.extend(ctx, extension, drkit.Secret{})
	if err == nil {
		s.at.client.extensions.keep(extension)
		s.at.client.signedInAs(session)
	}
	return session, err
}

// Shrink takes a site out of the session, and returns it. It does nothing to a site that the session was
// never extended to. It is safe to repeat.
//
// Roles: EVERYONE.
// Source: Cloud Director Availability API guide, "Shrink the Session".
func (s *Sessions) Shrink(ctx context.Context, site string) (Session, error) {
	var session Session
	call := transport.Call{Operation: &contract.SessionsShrink, Path: []string{site}, Session: true}
	err := s.at.do(ctx, call, &session)
	if err != nil {
		return Session{}, err
	}
	s.at.client.extensions.drop(site)
	if session.User == "" { // an attempt before had done it, and its answer was lost
		if session = s.at.client.signedIn(); session.User == "" {
			return s.Get(ctx)
		}
		session.AuthenticatedSites = slices.DeleteFunc(slices.Clone(session.AuthenticatedSites),
			func(a AuthenticatedSite) bool { return a.Site == site })
	}
	s.at.client.signedInAs(session)
	return session, nil
}

// End signs out. The next call begins a new session. It does nothing where there is no session, and a
// session whose token was given with [Token] cannot be ended.
//
// Source: Cloud Director Availability API guide, "Terminate the Session".
func (s *Sessions) End(ctx context.Context) error { return s.at.client.transport.SignOut(ctx) }

func (c *Client) sessionConfig() transport.Session {
	session := transport.Session{
		Header:  tokenHeader,
		SignIn:  c.signIn,
		SignOut: c.signOut,
		Expired: func(answer *drkit.Error) bool { return answer.Code == CodeNotAuthenticated },
		Lost:    func(answer *drkit.Error) bool { return answer.Code == CodeRemoteAuthenticationFailure },
		Regain:  c.regain,
	}
	if given, ok := c.credentials.(sessionToken); ok {
		session.Token = given.token
	}
	return session
}

func (c *Client) signIn(ctx context.Context) (transport.Grant, error) {
	body, err := c.credentials.signIn(time.Now())
	if err != nil {
		return transport.Grant{}, err
	}
	var session Session
	answer, err := c.transport.Do(ctx, transport.Call{Operation: &contract.SessionsSignIn, Body: body}, &session)
	if errors.Is(err, drkit.ErrUnauthorized) {
		// The service does not tell this from a wrong password.
		return transport.Grant{}, fmt.Errorf("%w; by default appliances refuse administrators from public networks with this answer, too", err)
	}
	if err != nil {
		return transport.Grant{}, err
	}
	token := answer.Header(tokenHeader)
	if token == "" {
		return transport.Grant{}, errors.New("the answer to the sign-in has no " + tokenHeader + " header")
	}
	c.signedInAs(session)
	c.restore(ctx, drkit.NewSecret(token))
	return transport.Grant{Token: drkit.NewSecret(token)}, nil
}

func (c *Client) signedInAs(session Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = session
}

func (c *Client) signOut(ctx context.Context) error {
	_, err := c.transport.Do(ctx, transport.Call{Operation: &contract.SessionsEnd, Last: true}, nil)
	return err
}

func (c *Client) signedIn() Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}
