package checkpoints

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// settling is how long a new token that the service refuses serves on: not all of a cloud need know it at once, so that
// a call which it is refused to goes out under it once more. One that is refused for good must not become a sign-in for
// every call.
const settling = time.Minute

// Sessions is the session of a client. There is one at a time; calls begin it when they need it.
type Sessions struct{ resource }

// Session is what the identity service said when this client signed in.
type Session struct {
	// User is who has signed in; with an [Agency], who acts.
	User User
	// Project is what the session is for.
	Project Project
	// Endpoint is the address of the backup service, without version and project.
	Endpoint string
	// Roles are the names of what the user may do in the project.
	Roles []string
	// Methods are the ways in which the user has proved who they are.
	Methods []string
	// IssuedAt is when the token was made, by the clock of the identity service; zero if it does not say.
	IssuedAt time.Time
	// ExpiresAt is when the token ends, by the same clock; zero if it does not say, or never ends.
	ExpiresAt time.Time
}

// SignIn makes sure that there is a session and returns it. Calls sign in by themselves, so it serves to try
// credentials early, or to try them again after they were refused; a client does not repeat refused credentials by
// itself, because accounts get locked. With a given [Token], an [AccessKey] or a [TemporaryKey] nothing is sent, and
// the session is empty.
//
// Errors: [drkit.ErrUnauthorized] if the identity service refuses the credentials; [drkit.ErrThrottled] if it wants
// fewer sign-ins; what is missing in the catalogue.
//
// Source: Open Telekom Cloud, Identity and Access Management API reference, "Obtaining a User Token".
func (s *Sessions) SignIn(ctx context.Context) (Session, error) {
	c := s.client
	if err := c.transport.SignIn(ctx); err != nil {
		return Session{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session, nil
}

// End revokes the token of the session; the next call begins a new one. It does nothing where there is no session.
// Services may still be working with the token, on a backup that was begun under it, for example: see
// [Client.Close]. A token that was given with [Token] cannot be revoked, and keys have none.
//
// Source: Open Telekom Cloud, Identity and Access Management API reference, "Deleting a Token".
func (s *Sessions) End(ctx context.Context) error {
	if _, signs := s.client.credentials.(accessKey); signs {
		return errors.New("checkpoints.Sessions.End: access keys have no session")
	}
	return s.client.transport.SignOut(ctx)
}

// begins tells the transport how the sessions of this client begin and end; located asks for the address of the
// service.
func (c *Client) begins(session *transport.Session, login signer, located bool) {
	session.Rest, session.Outlives = settling, true
	session.SignIn = func(ctx context.Context) (transport.Grant, error) { return c.signIn(ctx, login, located) }
	session.SignOut = func(ctx context.Context) error {
		c.mu.Lock()
		token := c.token
		c.mu.Unlock()
		return c.keystone.revoke(ctx, token)
	}
}

// refusesToken reports whether an answer says that the token is good no more. That an id cannot be one comes with
// the same status, and is another thing.
func refusesToken(answer *drkit.Error) bool {
	return answer.Status == 401 && errors.Is(answer, drkit.ErrUnauthorized)
}

func (c *Client) signIn(ctx context.Context, login signer, located bool) (transport.Grant, error) {
	base, scope := c.transport.Place()
	target := login.target()
	if scope != "" {
		target = Project{ID: scope}
	}
	got, err := login.obtain(ctx, c.keystone, target, located && base == "")
	if err != nil {
		return transport.Grant{}, err
	}
	grant := transport.Grant{Token: got.token, Scope: got.says.Project.ID}
	if grant.Scope == "" {
		return transport.Grant{}, errors.New("the identity service has made a token, and it is for no project")
	}
	if login.prolongs() {
		grant.Life = got.says.life()
	}
	if located && base == "" {
		if base, err = endpointOf(got.says.Catalog, login.at(), grant.Scope); err != nil {
			return transport.Grant{}, fmt.Errorf("looking for the endpoint: %w", err)
		}
		grant.Endpoint = base
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.token = got.says.session(base), got.token
	return grant, nil
}

// session returns what the identity service has said, for users.
func (t tokenMessage) session(endpoint string) Session {
	s := Session{
		User:     User{ID: t.User.ID, Name: t.User.Name, Domain: t.User.Domain},
		Project:  Project{ID: t.Project.ID, Name: t.Project.Name, Domain: t.Project.Domain},
		Endpoint: endpoint, Methods: t.Methods, IssuedAt: readTime(t.IssuedAt), ExpiresAt: readTime(t.ExpiresAt),
	}
	for _, role := range t.Roles {
		s.Roles = append(s.Roles, role.Name)
	}
	return s
}
