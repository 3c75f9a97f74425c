package cloudreplica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

const (
	tokenHeader = "X-RestSvcSessionId"
	// idleLife is how long a session lives that sends no request.
	idleLife = 15 * time.Minute
)

// Sessions is the logon session of a client. There is one at a time; calls begin it when they need it.
type Sessions struct{ client *Client }

// Versions lists the versions of the API that the service speaks. It needs no session, and is safe to repeat.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Authentication with HTTP".
func (s *Sessions) Versions(ctx context.Context) ([]SupportedVersion, error) {
	var manager struct {
		SupportedVersions []SupportedVersion `json:"SupportedVersions"`
	}
	call := transport.Call{Operation: &contract.SessionsVersions, Check: func() error {
		if len(manager.SupportedVersions) == 0 {
			return errors.New("no versions in it")
		}
		return nil
	}}
	err := s.client.do(ctx, call, &manager)
	return manager.SupportedVersions, err
}

// SignIn makes sure that there is a session and returns it. Calls sign in by themselves, so it serves to try
// credentials early, or to try them again after the service has refused them; a client does not repeat refused
// credentials by itself, because accounts get locked. With a given [Token] it tries that on the list of sessions, and
// returns none.
//
// A session ends after 15 minutes without a request. The client then begins another, by its own clock or when the
// service says so; tasks of the first are gone.
//
// Errors: [drkit.ErrUnauthorized] if the service refuses the credentials.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "POST /sessionMngr".
func (s *Sessions) SignIn(ctx context.Context) (LogonSession, error) {
	if _, given := s.client.credentials.(sessionToken); given {
		_, err := s.List(ctx)
		return LogonSession{}, err
	}
	if err := s.client.transport.SignIn(ctx); err != nil {
		return LogonSession{}, err
	}
	return s.client.signedIn(), nil
}

// List returns the logon sessions that the user may see. It is safe to repeat.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /logonSessions".
func (s *Sessions) List(ctx context.Context) ([]LogonSession, error) {
	return listOf(ctx, s.client, transport.Call{Operation: &contract.SessionsList}, func(one *LogonSession) string { return one.SessionID })
}

// Get returns a logon session. It is safe to repeat.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /logonSessions/{ID}".
func (s *Sessions) Get(ctx context.Context, id string) (LogonSession, error) {
	call := transport.Call{Operation: &contract.SessionsGet, Path: []string{id}}
	return getOf(ctx, s.client, call, id, func(one *LogonSession) string { return one.SessionID })
}

// End signs out, which also ends the tasks of the session. The next call begins a new session. It does nothing where
// there is no session, and a session whose token was given with [Token] cannot be ended.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "DELETE /logonSessions/{ID}".
func (s *Sessions) End(ctx context.Context) error { return s.client.transport.SignOut(ctx) }

func (c *Client) sessionConfig() transport.Session {
	session := transport.Session{
		Header:  tokenHeader,
		SignIn:  c.signIn,
		SignOut: c.signOut,
		Expired: func(answer *drkit.Error) bool { return errors.Is(answer, drkit.ErrUnauthorized) },
		Idle:    idleLife,
	}
	if given, ok := c.credentials.(sessionToken); ok {
		session.Token = given.token
	}
	return session
}

func (c *Client) signIn(ctx context.Context) (transport.Grant, error) {
	account, whom, err := c.credentials.signIn()
	if err != nil {
		return transport.Grant{}, err
	}
	var session LogonSession
	call := transport.Call{
		Operation: &contract.SessionsSignIn, Query: signInQuery{c.version}, Header: map[string]string{"Authorization": account.header().Reveal()},
		Check: func() error {
			if session.SessionID == "" {
				return errors.New("a session without SessionId")
			}
			return nil
		},
	}
	if whom != nil {
		call.Body = *whom
	}
	answer, err := c.transport.Do(ctx, call, &session)
	if err != nil {
		return transport.Grant{}, atAnotherPort(err)
	}
	token := answer.Header(tokenHeader)
	if token == "" {
		return transport.Grant{}, errors.New("the answer to the sign-in has no " + tokenHeader + " header: " + atPort)
	}
	c.transport.Hide(drkit.NewSecret(session.SessionID)) // newer versions make the token of it
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = session
	return transport.Grant{Token: drkit.NewSecret(token)}, nil
}

const atPort = "the REST API of Enterprise Manager is at port 9398"

// atAnotherPort says what a 404 in the words of something else mostly means: other ports of the product speak other
// APIs.
func atAnotherPort(err error) error {
	var answer *drkit.Error
	if errors.As(err, &answer) && answer.Foreign && answer.Status == statusNotFound {
		return fmt.Errorf("%w; %s", err, atPort)
	}
	return err
}

type signInQuery struct {
	Version string `url:"v"`
}

func (c *Client) signOut(ctx context.Context) error {
	call := transport.Call{Operation: &contract.SessionsEnd, Path: []string{c.signedIn().SessionID}, Last: true}
	_, err := c.transport.Do(ctx, call, nil)
	return err
}

func (c *Client) signedIn() LogonSession {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// cloudConnect refuses what is asked of Cloud Connect where there is none. The session says so: by its links, which a
// session that was given does not show.
func (c *Client) cloudConnect() error {
	links := c.signedIn().Links
	for _, link := range links {
		if link.Rel == RelDown && strings.EqualFold(link.Type, cloudConnectService) {
			return nil
		}
	}
	if len(links) == 0 {
		return nil
	}
	return ErrNoCloudConnect
}
