package checkpoints

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
)

// Credentials are one of the ways to prove who calls: [Password], [PasswordAndPasscode], [ExchangeToken] and
// [Agency] sign in at the identity service of the cloud; [AccessKey] and [TemporaryKey] sign each request;
// [Token] is a session that exists already.
type Credentials interface {
	// check refuses what cannot be right.
	check() error
	// secrets lists what must not show.
	secrets() []drkit.Secret
}

// signer are credentials that sign in at the identity service.
type signer interface {
	Credentials
	at() Identity
	// target is what the session is to be for; zero if the credentials do not say.
	target() Project
	// obtain signs in for a project; catalog asks for the addresses of services.
	obtain(ctx context.Context, k *keystone, project Project, catalog bool) (issued, error)
	// prolongs reports whether signing in again brings a token that lives longer.
	prolongs() bool
}

// Identity is where to sign in, and what for.
type Identity struct {
	// URL is the address of the identity service, with or without /v3, such as
	// "https://iam.eu-de.otc.t-systems.com/v3".
	URL string
	// Project is what the session is for. Empty leaves it to the project that the client is made with; for the
	// credentials that an [Agency] starts from, empty is a session that is for no project.
	Project Project
	// Region picks the address of the service where the catalogue of the cloud has it in several regions.
	Region string
	// Interface picks one of the addresses of a region: "public", which is the default, "internal" or "admin".
	Interface string
}

// Domain is an account of the cloud, by id or by name. Of both, the id counts.
type Domain struct {
	// ID is the id of the account.
	ID string `json:"id,omitempty"`
	// Name is the name of the account.
	Name string `json:"name,omitempty"`
}

// Project is a project by id, or by name and account. Of both, the id counts.
type Project struct {
	// ID is the id of the project.
	ID string
	// Name is the name of the project, which is unique within its account.
	Name string
	// Domain is the account that a project belongs to which is known by name; empty is that of the user.
	Domain Domain
}

// User is somebody who may sign in, by id, or by name and account. Of both, the id counts.
type User struct {
	// ID is the id of the user.
	ID string
	// Name is the name of the user, which is unique within its account.
	Name string
	// Domain is the account that the user belongs to.
	Domain Domain
}

// Passcode returns the one-time code of the moment. It is called for each sign-in, on a context that ends with
// the sign-in; in the life of a client there may be one every few hours.
type Passcode func(ctx context.Context) (drkit.Secret, error)

// Password signs in with user name and password.
//
// Source: Open Telekom Cloud, Identity and Access Management API reference, "Obtaining a User Token".
func Password(identity Identity, user User, password drkit.Secret) Credentials {
	return passwordLogin{identity: identity, user: user, password: password}
}

// PasswordAndPasscode signs in with user name, password and the code of a virtual MFA device. A client that has no
// person at hand needs a passcode function that computes the code: when the session has expired, it is asked for
// again. Codes are good once: a refused one is not sent again, and the client waits for [Sessions.SignIn].
//
// Source: Open Telekom Cloud, Identity and Access Management API reference, "Obtaining a User Token Using Password
// and MFA".
func PasswordAndPasscode(identity Identity, user User, password drkit.Secret, passcode Passcode) Credentials {
	return passwordLogin{identity: identity, user: user, password: password, passcode: passcode, second: true}
}

// ExchangeToken signs in with a token of the identity service, for a token of the project. The new token ends when
// the given one does; after that every call is refused. Neither is ever revoked by Close.
//
// Source: gophertelekomcloud, openstack/identity/v3/tokens; OpenStack Identity API v3, "Token authentication with
// scoped authorization".
func ExchangeToken(identity Identity, token drkit.Secret) Credentials {
	return tokenLogin{identity: identity, token: token}
}

// Token uses a token of the project that somebody else has fetched: the value of its X-Auth-Token header. The
// client neither renews nor revokes it, and needs an endpoint and a project id, which it cannot ask for.
func Token(token drkit.Secret) Credentials { return givenToken{token} }

type passwordLogin struct {
	identity Identity
	user     User
	password drkit.Secret
	passcode Passcode
	second   bool // wants the passcode
}

func (l passwordLogin) check() error {
	switch {
	case l.password.IsZero():
		return errors.New("password is empty")
	case l.second && l.passcode == nil:
		return errors.New("passcode function is nil")
	}
	return errors.Join(l.identity.check(), l.user.check())
}

func (l passwordLogin) secrets() []drkit.Secret { return []drkit.Secret{l.password} }
func (l passwordLogin) at() Identity            { return l.identity }
func (l passwordLogin) target() Project         { return l.identity.Project }
func (l passwordLogin) prolongs() bool          { return true }

func (l passwordLogin) obtain(ctx context.Context, k *keystone, project Project, catalog bool) (issued, error) {
	who := l.user.message()
	var proof proof
	proof.Methods = []string{"password"}
	who.Password = l.password.Reveal()
	proof.Password = &userProof{who}
	if l.second {
		code, err := l.passcode(ctx)
		switch {
		case err != nil:
			return issued{}, fmt.Errorf("passcode: %w", err)
		case code.IsZero():
			return issued{}, errors.New("passcode is empty")
		}
		who.Password, who.Passcode = "", code.Reveal()
		proof.Methods = append(proof.Methods, "totp")
		proof.TOTP = &userProof{who}
	}
	return k.createToken(ctx, proof, project.within(l.user.Domain), drkit.Secret{}, catalog)
}

type tokenLogin struct {
	identity Identity
	token    drkit.Secret
}

func (l tokenLogin) check() error {
	if l.token.IsZero() {
		return errors.New("token is empty")
	}
	return l.identity.check()
}

func (l tokenLogin) secrets() []drkit.Secret { return []drkit.Secret{l.token} }
func (l tokenLogin) at() Identity            { return l.identity }
func (l tokenLogin) target() Project         { return l.identity.Project }
func (l tokenLogin) prolongs() bool          { return false }

func (l tokenLogin) obtain(ctx context.Context, k *keystone, project Project, catalog bool) (issued, error) {
	proof := proof{Methods: []string{"token"}, Token: &tokenProof{l.token.Reveal()}}
	got, err := k.createToken(ctx, proof, project, drkit.Secret{}, catalog)
	return got, refusedToken(err)
}

// refusedToken makes "no such token", which is how Keystone says that a token has expired, what it is: refused
// credentials, which are not tried again.
func refusedToken(err error) error {
	var answer *drkit.Error
	if !errors.As(err, &answer) || !errors.Is(answer, drkit.ErrNotFound) {
		return err
	}
	refused := *answer
	refused.Kind = drkit.ErrUnauthorized
	return &refused
}

type givenToken struct{ token drkit.Secret }

func (t givenToken) check() error {
	if t.token.IsZero() {
		return errors.New("token is empty")
	}
	return nil
}

func (t givenToken) secrets() []drkit.Secret { return []drkit.Secret{t.token} }

func (i Identity) check() error {
	if strings.TrimSpace(i.URL) == "" {
		return errors.New("URL of the identity service is empty")
	}
	return i.Project.check()
}

func (p Project) check() error {
	if p.ID == "" && p.Name == "" && p.Domain != (Domain{}) {
		return errors.New("project has an account, and neither id nor name")
	}
	return nil
}

// named reports whether it says which project it is.
func (p Project) named() bool { return p.ID != "" || p.Name != "" }

// within fills in the account of a project that is known by its name alone.
func (p Project) within(domain Domain) Project {
	if p.ID == "" && p.Name != "" && p.Domain == (Domain{}) {
		p.Domain = domain
	}
	return p
}

func (u User) check() error {
	switch {
	case u.ID != "":
		return nil
	case strings.TrimSpace(u.Name) == "":
		return errors.New("user is empty")
	case u.Domain == (Domain{}):
		return fmt.Errorf("user %q has no account: a name is unique only within its domain", u.Name)
	default:
		return nil
	}
}

func (u User) message() userMessage {
	if u.ID != "" {
		return userMessage{ID: u.ID}
	}
	return userMessage{Name: u.Name, Domain: u.Domain.message()}
}

// message is how a sign-in names an account: by its id, if that is known.
func (d Domain) message() *Domain {
	switch {
	case d == Domain{}:
		return nil
	case d.ID != "":
		return &Domain{ID: d.ID}
	default:
		return &d
	}
}
