package vcavtest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

const (
	roleEveryone       = "EVERYONE"
	roleAdministrators = "ADMINISTRATORS"
)

// session is one signed-in user.
type session struct {
	user          string
	admin         bool    // at the local site
	cloudDirector bool    // whether the sign-in went through Cloud Director, and left its token here
	reaches       []reach // the sites that it is authenticated at, the local one first
	created       time.Time
	used          time.Time
}

func (s *session) roles() []string {
	if s.admin {
		return []string{roleAdministrators, roleEveryone}
	}
	return []string{roleEveryone}
}

// mayCall holds the session's roles against those that the contract asks for.
func (s *session) mayCall(operation api.Operation) error {
	if len(operation.Roles) == 0 {
		return nil
	}
	for _, role := range s.roles() {
		if slices.Contains(operation.Roles, role) {
			return nil
		}
	}
	return forbidden()
}

func (s *session) body() sessionBody {
	body := sessionBody{User: s.user, Roles: s.roles(), AuthenticatedSites: []authenticatedOrg{}}
	for _, known := range s.reaches {
		body.AuthenticatedSites = append(body.AuthenticatedSites, authenticatedOrg{Site: known.site.name, Org: known.org})
	}
	return body
}

func forbidden() error { return refuse(http.StatusForbidden, CodeForbidden, "Permission denied.") }

func notAuthenticated() error {
	return refuse(http.StatusUnauthorized, CodeNotAuthenticated, "Authentication is required.")
}

// authenticate returns the session of a token that is still good, and keeps it from idling out.
func (a *appliance) authenticate(token string) (*session, error) {
	now := a.now
	s, ok := a.sessions[token]
	if !ok {
		return nil, notAuthenticated()
	}
	if now.Sub(s.used) >= a.config.idle || now.Sub(s.created) >= a.config.absolute {
		delete(a.sessions, token)
		return nil, notAuthenticated()
	}
	s.used = now
	s.expire(now)
	return s, nil
}

// credentials are the members of all five kinds of sign-in; the contract has been checked before.
type credentials struct {
	Type           string  `json:"type"`
	LocalUser      string  `json:"localUser"`
	LocalPassword  string  `json:"localPassword"`
	Username       string  `json:"username"`
	Password       string  `json:"password"`
	SAMLToken      string  `json:"samlToken"`
	Timestamp      int64   `json:"timestamp"`
	Nonce          string  `json:"nonce"`
	Signature      *string `json:"signature"`
	VCDUser        string  `json:"vcdUser"`
	VCDPassword    string  `json:"vcdPassword"`
	VCDAccessToken string  `json:"vcdAccessToken"`
	Context        string  `json:"context"`
}

func (a *appliance) signIn(call *simkit.Call, v *visit) (any, error) {
	var given credentials
	if err := json.Unmarshal(call.Body, &given); err != nil {
		return nil, fmt.Errorf("the sign-in does not decode: %w", err)
	}
	user, org, err := a.verify(given)
	if err != nil {
		return nil, err
	}
	s, token := a.newSession(user, org), freshToken()
	s.cloudDirector = given.Type == "vcdCredentials" || given.Type == "vcdAccessToken"
	a.sessions[token], call.User = s, user
	answer := simkit.JSON(http.StatusOK, v.version.contentType(), s.body())
	answer.Header[authHeader] = []string{token} // in the spelling of the guide
	return answer, nil
}

// newSession makes the session of somebody of an organization, who is authenticated where [AuthenticatedAt] says.
func (a *appliance) newSession(user, org string) *session {
	s := &session{user: user, admin: org == systemOrg, created: a.now, used: a.now}
	s.reaches = []reach{newReach(a.local(), org)}
	for _, name := range a.config.authenticated {
		a.extendTo(s, a.site(name), remoteOrg(a.site(name), org))
	}
	return s
}

// remoteOrg is the organization as which somebody of a local one is authenticated at a remote site.
func remoteOrg(remote *site, org string) string {
	if org == systemOrg || slices.Contains(remote.orgs, org) {
		return org
	}
	return remote.orgs[0]
}

// verify returns who signs in, and the organization: System for administrators.
func (a *appliance) verify(given credentials) (user, org string, err error) {
	switch given.Type {
	case "localUser":
		if given.LocalUser == "root" && given.LocalPassword == a.config.rootPassword {
			return "root", systemOrg, nil
		}
	case "ssoCredentials":
		if who, ok := a.local().accounts[given.Username]; ok && who.sso && who.password == given.Password {
			return who.user, systemOrg, nil
		}
	case "ssoToken":
		return a.verifySAML(given)
	case "vcdCredentials":
		if given.VCDUser == "root@"+systemOrg && given.VCDPassword == a.config.rootPassword {
			return given.VCDUser, systemOrg, nil
		}
		if who, ok := a.local().accounts[given.VCDUser]; ok && !who.sso && who.password == given.VCDPassword {
			return who.user, orgOf(who.user), nil
		}
	case "vcdAccessToken":
		return a.verifyAccessToken(given)
	}
	return "", "", notAuthenticated()
}

func (a *appliance) verifySAML(given credentials) (user, org string, err error) {
	if given.SAMLToken == "" || given.Nonce == "" || given.Timestamp <= 0 {
		return "", "", refuse(http.StatusBadRequest, CodeBadUserInput, "The samlToken, its timestamp and its nonce must not be empty.")
	}
	if a.config.samlKey != nil {
		if given.Signature == nil {
			return "", "", notAuthenticated()
		}
		signature, err := base64.StdEncoding.DecodeString(*given.Signature)
		if err != nil {
			return "", "", notAuthenticated()
		}
		signed := sha256.Sum256([]byte(given.SAMLToken + strconv.FormatInt(given.Timestamp, 10) + given.Nonce))
		if rsa.VerifyPKCS1v15(a.config.samlKey, crypto.SHA256, signed[:], signature) != nil {
			return "", "", notAuthenticated()
		}
	}
	return "saml@vsphere.local", systemOrg, nil
}

// verifyAccessToken takes a context, where one is given, as the organization: the token was issued by
// another Cloud Director.
func (a *appliance) verifyAccessToken(given credentials) (user, org string, err error) {
	org = a.orgOfToken(a.local(), given.VCDAccessToken, given.Context)
	if org == "" {
		return "", "", notAuthenticated()
	}
	for _, issuer := range a.sites { // the local one first
		if user, ok := issuer.tokens[given.VCDAccessToken]; ok {
			return user, org, nil
		}
	}
	return "", "", notAuthenticated()
}

func (a *appliance) getSession(_ *simkit.Call, v *visit) (any, error) { return v.session.body(), nil }

func (a *appliance) signOut(call *simkit.Call, _ *visit) (any, error) {
	delete(a.sessions, call.Header.Get(authHeader))
	return nil, nil
}
