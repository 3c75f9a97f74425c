package vcav

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
)

// Credentials are one of the ways to sign in: [LocalUser], [SSO], [SSOToken], [VCDCredentials],
// [VCDToken], or the [Token] of a session that exists already.
type Credentials interface {
	// check refuses what cannot be right.
	check() error
	// signIn returns the body of POST /sessions, made anew for each sign-in.
	signIn(now time.Time) (any, error)
	// secrets lists what must not show.
	secrets() []drkit.Secret
}

// LocalUser signs in as a user of the appliance itself, which is root. By default appliances refuse
// administrators from public networks, with the same answer as a wrong password.
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using the Appliance Credentials".
func LocalUser(user string, password drkit.Secret) Credentials {
	return passwordLogin{kind: "localUser", user: user, password: password}
}

// SSO signs in as an administrator who is a member of the ADMINISTRATORS or VRADMINISTRATORS group of
// vSphere Single Sign-On.
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using SSO credentials".
func SSO(user string, password drkit.Secret) Credentials {
	return passwordLogin{kind: "ssoCredentials", user: user, password: password}
}

// VCDCredentials signs in as a user of Cloud Director: a tenant as "user@org", the provider as
// "administrator@System".
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using VMware Cloud Director
// Provider Credentials" and "… Tenant Credentials".
func VCDCredentials(user string, password drkit.Secret) Credentials {
	return passwordLogin{kind: "vcdCredentials", user: user, password: password}
}

// SSOToken signs in with a SAML assertion of vSphere Single Sign-On. A holder-of-key assertion needs
// the signer with the RSA key that it names; a bearer assertion takes a nil signer. Each sign-in signs a
// fresh nonce and the time.
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using SSO SAML token".
func SSOToken(assertion drkit.Secret, signer crypto.Signer) Credentials {
	return ssoToken{assertion: assertion, signer: signer}
}

// VCDToken signs in with a JSON web token of Cloud Director. The organization is needed only for a token
// that another Cloud Director of a multisite group has issued; it is empty otherwise.
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using VMware Cloud Director JWT".
func VCDToken(token drkit.Secret, organization string) Credentials {
	return vcdToken{token: token, organization: organization}
}

// Token uses a session that somebody else has begun: the value of its X-VCAV-Auth header. The client
// neither renews nor ends that session.
func Token(token drkit.Secret) Credentials { return sessionToken{token} }

type passwordLogin struct {
	kind     string
	user     string
	password drkit.Secret
}

func (l passwordLogin) check() error {
	switch {
	case strings.TrimSpace(l.user) == "":
		return errors.New("user is empty")
	case l.password.IsZero():
		return errors.New("password is empty")
	}
	name, organization, _ := strings.Cut(l.user, "@")
	switch {
	case l.kind == "vcdCredentials" && organization == "":
		return fmt.Errorf("user %q names no organization: Cloud Director users are user@org", l.user)
	case l.kind == "vcdCredentials" && name == "":
		return fmt.Errorf("user %q names only an organization: Cloud Director users are user@org", l.user)
	}
	return nil
}

func (l passwordLogin) signIn(time.Time) (any, error) {
	password := l.password.Reveal()
	switch l.kind {
	case "localUser":
		return struct {
			Type     string `json:"type"`
			User     string `json:"localUser"`
			Password string `json:"localPassword"`
		}{l.kind, l.user, password}, nil
	case "ssoCredentials":
		return struct {
			Type     string `json:"type"`
			User     string `json:"username"`
			Password string `json:"password"`
		}{l.kind, l.user, password}, nil
	default:
		return struct {
			Type     string `json:"type"`
			User     string `json:"vcdUser"`
			Password string `json:"vcdPassword"`
		}{l.kind, l.user, password}, nil
	}
}

func (l passwordLogin) secrets() []drkit.Secret { return []drkit.Secret{l.password} }

type ssoToken struct {
	assertion drkit.Secret
	signer    crypto.Signer
}

func (t ssoToken) check() error {
	if t.assertion.IsZero() {
		return errors.New("SAML assertion is empty")
	}
	if t.signer != nil {
		if isNil(t.signer) {
			return errors.New("signer is nil, and yet has a type")
		}
		if _, ok := t.signer.Public().(*rsa.PublicKey); !ok {
			return fmt.Errorf("the service takes signatures of RSA keys, not of %T", t.signer.Public())
		}
	}
	return nil
}

func (t ssoToken) signIn(now time.Time) (any, error) {
	body := struct {
		Type      string `json:"type"`
		Assertion string `json:"samlToken"`
		Timestamp int64  `json:"timestamp"`
		Nonce     string `json:"nonce"`
		Signature string `json:"signature,omitempty"`
	}{Type: "ssoToken", Assertion: t.assertion.Reveal(), Timestamp: now.UnixMilli(), Nonce: rand.Text()}
	if t.signer == nil {
		return body, nil
	}
	digest := sha256.Sum256([]byte(body.Assertion + strconv.FormatInt(body.Timestamp, 10) + body.Nonce))
	signature, err := t.signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("signing the SAML assertion: %w", err)
	}
	body.Signature = base64.StdEncoding.EncodeToString(signature)
	return body, nil
}

func (t ssoToken) secrets() []drkit.Secret { return []drkit.Secret{t.assertion} }

type vcdToken struct {
	token        drkit.Secret
	organization string
}

func (t vcdToken) check() error {
	if t.token.IsZero() {
		return errors.New("Cloud Director token is empty") //nolint:staticcheck // a product's name
	}
	return nil
}

func (t vcdToken) signIn(time.Time) (any, error) {
	return struct {
		Type         string `json:"type"`
		Token        string `json:"vcdAccessToken"`
		Organization string `json:"context,omitempty"`
	}{"vcdAccessToken", t.token.Reveal(), t.organization}, nil
}

func (t vcdToken) secrets() []drkit.Secret { return []drkit.Secret{t.token} }

type sessionToken struct{ token drkit.Secret }

func (t sessionToken) check() error {
	if t.token.IsZero() {
		return errors.New("session token is empty")
	}
	return nil
}

func (t sessionToken) signIn(time.Time) (any, error) {
	return nil, errors.New("the session token was given to this client, which cannot begin another session")
}

func (t sessionToken) secrets() []drkit.Secret { return []drkit.Secret{t.token} }
