package cloudreplica

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
)

// Credentials are one of the ways to sign in: [Login], [TenantLogin], [OrganizationLogin], or the [Token] of a
// session that exists already.
type Credentials interface {
	// check refuses what cannot be right.
	check() error
	// signIn returns the account that signs in, and whom the session is for, if that is somebody else.
	signIn() (account login, whom *loginSpec, err error)
	// secrets lists what must not show.
	secrets() []drkit.Secret
}

// Login signs in with an account of Enterprise Manager: DOMAIN\user, host\user or user@domain.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Authentication and Security".
func Login(user string, password drkit.Secret) Credentials { return login{user, password} }

// TenantLogin begins a session that shows only what belongs to one standalone tenant: its failover plans, its replicas
// and their points. The provider's account signs in for it. Plans can be started and undone in such a session, and
// not be changed. Its links do not lead to the query service.
//
// That the provider's account is needed beside that of the tenant is inferred from a sample.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Tenant Logon Session".
func TenantLogin(provider Credentials, tenant string, password drkit.Secret) Credentials {
	return onBehalf{provider, loginSpec{TenantCredentials: &tenantLogin{tenant, password}}}
}

// OrganizationLogin is [TenantLogin] for a tenant that is an organization of VMware Cloud Director, by one of its
// users.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Tenant Logon Session".
func OrganizationLogin(provider Credentials, organization, user string, password drkit.Secret) Credentials {
	return onBehalf{provider, loginSpec{VCloudOrganizationCredentials: &organizationLogin{organization, user, password}}}
}

// Token uses a session that somebody else has begun: the value of its X-RestSvcSessionId header. The client does not
// begin another when that one has ended, and does not sign out of it.
func Token(token drkit.Secret) Credentials { return sessionToken{token} }

// loginSpec is whom a session is for.
type loginSpec struct {
	TenantCredentials             *tenantLogin       `json:"TenantCredentials"`
	VCloudOrganizationCredentials *organizationLogin `json:"VCloudOrganizationCredentials"`
}

type tenantLogin struct {
	Username string       `json:"Username"`
	Password drkit.Secret `json:"Password"`
}

type organizationLogin struct {
	OrganizationName string       `json:"OrganizationName"`
	Login            string       `json:"Login"`
	Password         drkit.Secret `json:"Password"`
}

type login struct {
	user     string
	password drkit.Secret
}

func (l login) check() error {
	switch {
	case strings.TrimSpace(l.user) == "":
		return errors.New("user is empty")
	case strings.Contains(l.user, ":"):
		return errors.New("the user holds a colon, which would end it in the header that carries it")
	case l.password.IsZero():
		return errors.New("password is empty")
	default:
		return nil
	}
}

func (l login) signIn() (login, *loginSpec, error) { return l, nil, nil }

// header returns the value of the Authorization header.
func (l login) header() drkit.Secret {
	return drkit.NewSecret("Basic " + base64.StdEncoding.EncodeToString([]byte(l.user+":"+l.password.Reveal())))
}

func (l login) secrets() []drkit.Secret {
	_, encoded, _ := strings.Cut(l.header().Reveal(), " ")
	return []drkit.Secret{l.password, drkit.NewSecret(encoded)}
}

// onBehalf is a provider that signs in for a tenant.
type onBehalf struct {
	provider Credentials
	spec     loginSpec
}

func (o onBehalf) check() error {
	account, isLogin := o.provider.(login)
	if !isLogin {
		return errors.New("a tenant's session takes the Login of the provider")
	}
	if err := account.check(); err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	if tenant := o.spec.TenantCredentials; tenant != nil {
		return cmp.Or(set("tenant", tenant.Username), set("password of the tenant", tenant.Password.Reveal()))
	}
	organization := o.spec.VCloudOrganizationCredentials
	return cmp.Or(set("organization", organization.OrganizationName), set("user of the organization", organization.Login),
		set("password of the organization's user", organization.Password.Reveal()))
}

// set refuses an empty value.
func set(what, value string) error {
	if strings.TrimSpace(value) == "" {
		return errors.New(what + " is empty")
	}
	return nil
}

func (o onBehalf) signIn() (login, *loginSpec, error) {
	account, _, err := o.provider.signIn()
	return account, &o.spec, err
}

func (o onBehalf) secrets() []drkit.Secret {
	secrets := o.provider.secrets()
	if o.spec.TenantCredentials != nil {
		return append(secrets, o.spec.TenantCredentials.Password)
	}
	return append(secrets, o.spec.VCloudOrganizationCredentials.Password)
}

type sessionToken struct{ token drkit.Secret }

func (t sessionToken) check() error {
	if t.token.IsZero() {
		return errors.New("session token is empty")
	}
	return nil
}

func (t sessionToken) signIn() (login, *loginSpec, error) {
	return login{}, nil, errors.New("the session token was given to this client, which cannot begin another session")
}

// secrets lists none beside the token, which is hidden as that of any session.
func (t sessionToken) secrets() []drkit.Secret { return nil }
