package vsphere

import (
	"context"
	"errors"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

const tokenHeader = "x-dr-session"

// Sessions is the session of a client. There is one at a time; calls begin it when they need it.
type Sessions struct{ at place }

// SignIn makes sure that there is a session. Calls sign in by themselves, so it serves to try credentials early, or
// to try them again after the service has refused them; a client does not repeat refused credentials by itself,
// because accounts get locked. With a given [Token] it does nothing.
//
// How long a session lives is not documented. A 401 counts as its end: reads then sign in anew, at the other sites
// as well, and are sent once more; what must not repeat is looked for instead.
//
// Errors: [drkit.ErrUnauthorized] if the service refuses the credentials.
//
// Source: vSphere Replication REST API reference, "Log in".
func (s *Sessions) SignIn(ctx context.Context) error { return s.at.client.transport.SignIn(ctx) }

// Get tells who is signed in. It is safe to repeat.
//
// Source: vSphere Replication REST API reference, "Current session".
func (s *Sessions) Get(ctx context.Context) (SessionInfo, error) {
	var session SessionInfo
	err := s.at.do(ctx, transport.Call{Operation: &contract.SessionsGet}, &session)
	return session, err
}

// End signs out, of the other sites as well. The next call begins a new session. It does nothing where there is no
// session, and is content where the service has ended it before. A session whose token was given with [Token] cannot
// be ended. It is safe to repeat.
//
// Source: vSphere Replication REST API reference, "Log out".
func (s *Sessions) End(ctx context.Context) error { return s.at.client.transport.SignOut(ctx) }

func (c *Client) sessionConfig() transport.Session {
	session := transport.Session{
		Header:  tokenHeader,
		SignIn:  c.signIn,
		SignOut: c.signOut,
		Expired: func(answer *drkit.Error) bool { return errors.Is(answer, drkit.ErrUnauthorized) },
	}
	if given, ok := c.credentials.(sessionToken); ok {
		session.Token = given.token
	}
	return session
}

func (c *Client) signIn(ctx context.Context) (transport.Grant, error) {
	authorization, err := c.credentials.authorization()
	if err != nil {
		return transport.Grant{}, err
	}
	var session struct {
		ID string `json:"session_id"`
	}
	_, err = c.transport.Do(ctx, transport.Call{
		Operation: &contract.SessionsSignIn, Authorization: authorization,
		Check: func() error { return needs("session", "session_id", session.ID) },
	}, &session)
	if err != nil {
		return transport.Grant{}, refused(err)
	}
	token := drkit.NewSecret(session.ID)
	c.signInEverywhere(ctx, token)
	return transport.Grant{Token: token}, nil
}

// refused makes credentials that the service has turned away ErrUnauthorized, so that nobody tries them again by
// himself. Which status it does that with is not documented: of those that it may answer here, 400 alone is one of
// the caller, and there is nothing else in the request that could be wrong.
func refused(err error) error {
	var answer *drkit.Error
	if !errors.As(err, &answer) || answer.Foreign || answer.Status != 400 {
		return err
	}
	turnedAway := *answer
	turnedAway.Kind = drkit.ErrUnauthorized
	return &turnedAway
}

func (c *Client) signOut(ctx context.Context) error {
	_, err := c.transport.Do(ctx, transport.Call{Operation: &contract.SessionsEnd, Last: true}, nil)
	var answer *drkit.Error
	if errors.As(err, &answer) && !answer.Foreign && answer.Status == 401 {
		return nil // there is no such session any more
	}
	return err
}
