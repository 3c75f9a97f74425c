package unitrends

import (
	"errors"
	"strings"

	"github.com/drkit-go/drkit"
)

// Credentials are one of the ways to sign in: [Login], or the [Token] of a session that exists already.
type Credentials interface {
	// check refuses what cannot be right.
	check() error
	// user is who signs in, as far as that is known.
	user() string
	// signIn returns the body of the sign-in.
	signIn() (any, error)
	// secrets lists what must not show.
	secrets() []drkit.Secret
}

// Login signs in as a user of the appliance; users of a domain are domain\user.
//
// Source: Unitrends API wiki, "Authentication", which tells that there is a sign-in; clients show how it goes.
func Login(user string, password drkit.Secret) Credentials {
	return login{name: user, password: password}
}

// Token uses a session that somebody else has begun: the value of its AuthToken header. The client does not begin
// another when that one has expired.
func Token(token drkit.Secret) Credentials { return sessionToken{token} }

type login struct {
	name     string
	password drkit.Secret
}

func (l login) check() error {
	switch {
	case strings.TrimSpace(l.name) == "":
		return errors.New("user is empty")
	case l.password.IsZero():
		return errors.New("password is empty")
	default:
		return nil
	}
}

func (l login) user() string { return l.name }

func (l login) signIn() (any, error) {
	return struct {
		User     string `json:"username"`
		Password string `json:"password"`
	}{l.name, l.password.Reveal()}, nil
}

func (l login) secrets() []drkit.Secret { return []drkit.Secret{l.password} }

type sessionToken struct{ token drkit.Secret }

func (t sessionToken) check() error {
	if t.token.IsZero() {
		return errors.New("session token is empty")
	}
	return nil
}

func (t sessionToken) user() string { return "" }

func (t sessionToken) signIn() (any, error) {
	return nil, errors.New("the session token was given to this client, which cannot begin another session")
}

func (t sessionToken) secrets() []drkit.Secret { return []drkit.Secret{t.token} }
