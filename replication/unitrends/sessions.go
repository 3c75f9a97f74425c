package unitrends

import (
	"context"
	"errors"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

const tokenHeader = "AuthToken"

// Sessions is the session of a client. There is one at a time; calls begin it when they need it.
type Sessions struct{ at place }

// SignIn makes sure that there is a session. Calls sign in by themselves, so it serves to try credentials early,
// or to try them again after the service has refused them; a client does not repeat refused credentials by
// itself, because accounts get locked. With a given [Token] it does nothing.
//
// A 401 counts as a session that has expired, which nobody documents: reads and changes that may be repeated then
// sign in anew and are sent once more; what must not repeat is looked for instead.
//
// Errors: [drkit.ErrUnauthorized] if the service refuses the credentials.
//
// Source: the code of clients; Unitrends API wiki, "Authentication".
func (s *Sessions) SignIn(ctx context.Context) error { return s.at.client.transport.SignIn(ctx) }

func (c *Client) sessionConfig() transport.Session {
	session := transport.Session{
		Header:  tokenHeader,
		SignIn:  c.signIn,
		Expired: func(answer *drkit.Error) bool { return errors.Is(answer, drkit.ErrUnauthorized) },
	}
	if given, ok := c.credentials.(sessionToken); ok {
		session.Token = given.token
	}
	return session
}

func (c *Client) signIn(ctx context.Context) (transport.Grant, error) {
	body, err := c.credentials.signIn()
	if err != nil {
		return transport.Grant{}, err
	}
	var answer struct {
		Token string `json:"auth_token"`
	}
	_, err = c.transport.Do(ctx, transport.Call{
		Operation: &contract.SessionsSignIn, Body: body, Check: needs("a session", "auth_token", &answer.Token),
	}, &answer)
	return transport.Grant{Token: drkit.NewSecret(answer.Token)}, err
}

// needs returns a check that a member of an answer is there: an answer of another kind, such as the
// {"status":"ok"} of a gateway, decodes into any struct and leaves it empty.
func needs[T ~string](what, member string, value *T) func() error {
	return func() error {
		if *value == "" {
			return errors.New(what + " without " + member)
		}
		return nil
	}
}
