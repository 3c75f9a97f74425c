package vsphere

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
)

// Credentials are one of the ways to sign in: [Login], or the [Token] of a session that exists already.
type Credentials interface {
	// check refuses what cannot be right.
	check() error
	// authorization is what a sign-in says who signs in with.
	authorization() (drkit.Secret, error)
	// secrets lists what must not show.
	secrets() []drkit.Secret
}

// Login signs in as a user of vCenter Single Sign-On, as in "administrator@vsphere.local".
//
// Source: vSphere Replication REST API reference, "Log in".
func Login(user string, password drkit.Secret) Credentials { return login{user, password} }

// Token uses a session that somebody else has begun: the value of its x-dr-session header. The client neither
// renews nor ends that session.
func Token(token drkit.Secret) Credentials { return sessionToken{token} }

type login struct {
	user     string
	password drkit.Secret
}

func (l login) check() error {
	switch {
	case strings.TrimSpace(l.user) == "":
		return errors.New("user is empty")
	case strings.Contains(l.user, ":"):
		return fmt.Errorf("user %q has a colon, which ends a user name in this kind of sign-in", l.user)
	case l.password.IsZero():
		return errors.New("password is empty")
	default:
		return nil
	}
}

func (l login) authorization() (drkit.Secret, error) {
	pair := base64.StdEncoding.EncodeToString([]byte(l.user + ":" + l.password.Reveal()))
	return drkit.NewSecret("Basic " + pair), nil
}

func (l login) secrets() []drkit.Secret {
	header, _ := l.authorization()
	return []drkit.Secret{l.password, drkit.NewSecret(strings.TrimPrefix(header.Reveal(), "Basic "))}
}

type sessionToken struct{ token drkit.Secret }

func (t sessionToken) check() error {
	if t.token.IsZero() {
		return errors.New("session token is empty")
	}
	return nil
}

func (t sessionToken) authorization() (drkit.Secret, error) {
	return drkit.Secret{}, errors.New("the session token was given to this client, which cannot begin another session")
}

func (t sessionToken) secrets() []drkit.Secret { return []drkit.Secret{t.token} }
