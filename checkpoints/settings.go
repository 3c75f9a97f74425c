package checkpoints

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit"
)

// Settings describe a cloud and who uses it by the conventions of OpenStack: what [FromEnv] finds in the environment,
// and package clouds in clouds.yaml. Fields that are empty are not set.
type Settings struct {
	// AuthType is how to sign in: "password", "token", "totp", "aksk" or "none", also with "v3" before it. Empty goes
	// by what else is set.
	AuthType string
	// AuthURL is the address of the identity service.
	AuthURL string
	// UserID is who signs in, by id.
	UserID string
	// Username is who signs in, by name within UserDomain.
	Username string
	// UserDomain is the account that the user belongs to.
	UserDomain Domain
	// Password is that of the user.
	Password drkit.Secret
	// Passcode is the one-time code of an MFA device. It is good for one sign-in: when the session ends, so does
	// what the client can do.
	Passcode drkit.Secret
	// Token is one of the identity service that is exchanged for one of the project or, without an AuthURL, one of
	// the project.
	Token drkit.Secret
	// AccessKey names the key that signs requests.
	AccessKey string
	// SecretKey is the secret of AccessKey.
	SecretKey drkit.Secret
	// SecurityToken makes AccessKey a temporary one.
	SecurityToken drkit.Secret
	// ProjectID is what the session is for, by id.
	ProjectID string
	// ProjectName is what the session is for, by name within ProjectDomain.
	ProjectName string
	// ProjectDomain is the account that the project belongs to; empty is that of the user.
	ProjectDomain Domain
	// Domain stands in for UserDomain and ProjectDomain.
	Domain Domain
	// DefaultDomain is the id of the account where no other is named.
	DefaultDomain string
	// AgencyName makes the user act for another account, by the agency of that name.
	AgencyName string
	// AgencyDomain is the account that has created the agency.
	AgencyDomain Domain
	// DelegatedProject is the project of that account, by name.
	DelegatedProject string
	// Region picks the address of the service in the catalogue.
	Region string
	// Interface picks the kind of address: "public", "internal" or "admin".
	Interface string
	// Endpoint is the address of the service, instead of that of the catalogue.
	Endpoint string
	// CACert is a file of certificates in PEM format to verify servers by.
	CACert string
	// Insecure accepts any certificate.
	Insecure bool
}

// Set sets one value by the name that clouds.yaml has for it, which in the environment is in capitals and begins with
// OS_: "auth_url", "username", "cbr_endpoint_override" and so on. Names that it does not know it ignores; an empty
// value leaves what was set.
//
// Errors: a value that is neither true nor false where one of them is wanted; settings that clients do not support.
func (s *Settings) Set(name, value string) error {
	if value == "" {
		return nil
	}
	name = strings.ToLower(strings.ReplaceAll(name, "-", "_"))
	if field := s.text(name); field != nil {
		*field = value
		return nil
	}
	if field := s.secret(name); field != nil {
		*field = drkit.NewSecret(value)
		return nil
	}
	switch name {
	case "insecure", "verify":
		yes, err := truth(value)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.Insecure = yes == (name == "insecure")
	case "application_credential_id", "application_credential_name", "trust_id", "system_scope", "cert":
		return fmt.Errorf("%s is not supported", name)
	}
	return nil
}

// text returns the field of a name, or nil.
func (s *Settings) text(name string) *string {
	return map[string]*string{
		"auth_type": &s.AuthType, "auth_url": &s.AuthURL, "region_name": &s.Region,
		"interface": &s.Interface, "endpoint_type": &s.Interface,
		"cbr_endpoint_override": &s.Endpoint, "cacert": &s.CACert,
		"username": &s.Username, "user_name": &s.Username, "user_id": &s.UserID,
		"user_domain_id": &s.UserDomain.ID, "user_domain_name": &s.UserDomain.Name,
		"project_id": &s.ProjectID, "tenant_id": &s.ProjectID,
		"project_name": &s.ProjectName, "tenant_name": &s.ProjectName,
		"project_domain_id": &s.ProjectDomain.ID, "project_domain_name": &s.ProjectDomain.Name,
		"domain_id": &s.Domain.ID, "domain_name": &s.Domain.Name, "default_domain": &s.DefaultDomain,
		"access_key": &s.AccessKey, "ak": &s.AccessKey,
		"agency_name": &s.AgencyName, "agency_domain_name": &s.AgencyDomain.Name, "agency_domain_id": &s.AgencyDomain.ID,
		"delegated_project": &s.DelegatedProject,
	}[name]
}

// secret returns the field of a name, or nil.
func (s *Settings) secret(name string) *drkit.Secret {
	return map[string]*drkit.Secret{
		"password": &s.Password, "passcode": &s.Passcode, "token": &s.Token, "auth_token": &s.Token,
		"secret_key": &s.SecretKey, "sk": &s.SecretKey, "security_token": &s.SecurityToken,
	}[name]
}

func truth(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "yes", "on":
		return true, nil
	case "no", "off":
		return false, nil
	}
	yes, err := strconv.ParseBool(strings.ToLower(strings.TrimSpace(text)))
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", text)
	}
	return yes, nil
}

// NewClient returns a client as the settings describe it, with options after that.
//
// Errors: settings that are missing or contradict each other, a file of certificates that cannot be read, and those
// of [NewClient].
func (s Settings) NewClient(options ...drkit.Option) (*Client, error) {
	credentials, project, err := s.credentials()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	trust, err := s.trust()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	return NewClient(s.Endpoint, project, credentials, append(trust, options...)...)
}

// credentials returns them, and the id of the project where they do not know it themselves.
func (s Settings) credentials() (credentials Credentials, project string, err error) {
	switch how := s.how(); how {
	case "aksk":
		if !s.SecurityToken.IsZero() {
			return TemporaryKey(s.AccessKey, s.SecretKey, s.SecurityToken), s.ProjectID, nil
		}
		return AccessKey(s.AccessKey, s.SecretKey), s.ProjectID, nil
	case "none":
		return Token(s.Token), s.ProjectID, nil
	case "token":
		credentials = ExchangeToken(s.identity(), s.Token)
	case "password":
		credentials = Password(s.identity(), s.user(), s.Password)
	case "totp":
		credentials = PasswordAndPasscode(s.identity(), s.user(), s.Password, s.passcode)
	default:
		return nil, "", fmt.Errorf("authentication type %q is not supported", how)
	}
	if s.AuthURL == "" {
		return nil, "", errors.New("the address of the identity service (auth_url) is not set")
	}
	if s.AgencyName == "" {
		return credentials, "", nil
	}
	target := Project{Name: s.DelegatedProject}
	return Agency(credentials, Delegation{Domain: s.AgencyDomain, Name: s.AgencyName, Project: target}), "", nil
}

// how returns the way to sign in.
func (s Settings) how() string {
	switch how := strings.TrimPrefix(strings.ToLower(s.AuthType), "v3"); {
	case how == "password" && !s.Passcode.IsZero(), how == "multifactor":
		return "totp"
	case how == "admin_token":
		return "none"
	case how != "":
		return how
	case !s.Token.IsZero() && s.AuthURL == "":
		return "none"
	case !s.Token.IsZero():
		return "token"
	case s.AccessKey != "":
		return "aksk"
	case !s.Passcode.IsZero():
		return "totp"
	default:
		return "password"
	}
}

func (s Settings) user() User {
	return User{ID: s.UserID, Name: s.Username, Domain: first(s.UserDomain, s.Domain, Domain{ID: s.DefaultDomain})}
}

func (s Settings) passcode(context.Context) (drkit.Secret, error) { return s.Passcode, nil }

func (s Settings) identity() Identity {
	project := Project{ID: s.ProjectID, Name: s.ProjectName}
	if project.ID == "" && project.Name != "" {
		project.Domain = first(s.ProjectDomain, s.Domain, Domain{ID: s.DefaultDomain})
	}
	kind := strings.TrimSuffix(s.Interface, "URL") // as in the older publicURL
	return Identity{URL: s.AuthURL, Project: project, Region: s.Region, Interface: kind}
}

func first(domains ...Domain) Domain {
	for _, d := range domains {
		if d != (Domain{}) {
			return d
		}
	}
	return Domain{}
}

// trust returns how servers are verified.
func (s Settings) trust() ([]drkit.Option, error) {
	switch {
	case s.Insecure:
		return []drkit.Option{drkit.WithInsecureSkipVerify()}, nil
	case s.CACert == "":
		return nil, nil
	}
	data, err := os.ReadFile(s.CACert)
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("certificates: %s holds none", s.CACert)
	}
	return []drkit.Option{drkit.WithRootCAs(pool)}, nil
}
