package vcavtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// RemoteUser adds a Cloud Director user at a remote site, with whose credentials sessions can be extended to
// it: a tenant as in "ann@org1", or an administrator there as in "root@System". There is none by default,
// also not the built-in administrator of the local site.
//
// Source: Cloud Director Availability API guide, "Extend the Session by Using VMware Cloud Director
// Credentials".
func RemoteUser(site, user, password string) Option {
	return func(c *config) error {
		if site == "" || !strings.Contains(user, "@") || password == "" {
			return fmt.Errorf("RemoteUser: %q is not like user@org, or the site or the password is empty", user)
		}
		c.remoteAccounts = append(c.remoteAccounts, remoteAccount{site, account{user: user, password: password}})
		return nil
	}
}

// RemoteAccessToken lets this Cloud Director token extend sessions to a remote site as a user of that site.
// There is none by default.
//
// Source: Cloud Director Availability API guide, "Extend the Session by Using VMware Cloud Director JWT".
func RemoteAccessToken(site, token, user string) Option {
	return func(c *config) error {
		if site == "" || token == "" || !strings.Contains(user, "@") {
			return fmt.Errorf("RemoteAccessToken: the site or the token is empty, or %q is not like user@org", user)
		}
		c.remoteTokens = append(c.remoteTokens, remoteToken{site, token, user})
		return nil
	}
}

// ExtensionLife sets after how long a session is no longer authenticated at the remote sites that it was
// extended to. By default that lasts as long as the session, which the guide does not tell.
func ExtensionLife(life time.Duration) Option {
	return func(c *config) error {
		c.extension = life
		return simkit.Positive("ExtensionLife", life)
	}
}

type remoteAccount struct {
	site string
	account
}

type remoteToken struct{ site, token, user string }

// reach is one site that a session is authenticated at.
type reach struct {
	site  *site
	org   string
	owner string    // what replications of the organization say
	until time.Time // zero: as long as the session
}

func newReach(s *site, org string) reach { return reach{site: s, org: org, owner: org + "@" + s.name} }

// orgAt returns the organization as which the session is authenticated at a site, or the empty one.
func (s *session) orgAt(wanted *site) string {
	for _, known := range s.reaches {
		if known.site == wanted {
			return known.org
		}
	}
	return ""
}

// forget ends the authentication at a site.
func (s *session) forget(left *site) {
	s.reaches = slices.DeleteFunc(s.reaches, func(known reach) bool { return known.site == left })
}

// expire forgets the sites whose time is over.
func (s *session) expire(now time.Time) {
	s.reaches = slices.DeleteFunc(s.reaches, func(known reach) bool {
		return !known.until.IsZero() && !now.Before(known.until)
	})
}

// extendTo authenticates the session at a remote site, anew if it was already.
func (a *appliance) extendTo(s *session, remote *site, org string) {
	s.forget(remote)
	added := newReach(remote, org)
	if a.config.extension > 0 {
		added.until = a.now.Add(a.config.extension)
	}
	s.reaches = append(s.reaches, added)
}

// extension are the members of all kinds of extension; the contract has been checked before.
type extension struct {
	Type           string `json:"type"`
	Site           string `json:"site"`
	VCDUsername    string `json:"vcdUsername"`
	VCDPassword    string `json:"vcdPassword"`
	AccessToken    string `json:"accessToken"`
	VCDAccessToken string `json:"vcdAccessToken"`
	Context        string `json:"context"`
	Org            string `json:"org"`
}

func (a *appliance) extend(call *simkit.Call, v *visit) (any, error) {
	var given extension
	if err := json.Unmarshal(call.Body, &given); err != nil {
		return nil, fmt.Errorf("the extension does not decode: %w", err)
	}
	remote := a.site(given.Site)
	switch {
	case remote == nil:
		return nil, siteNotFound(given.Site)
	case remote == a.local() || remote.onPremises:
		return nil, refuse(http.StatusBadRequest, CodeBadUserInput, "Site '%s' is not a remote cloud site.", given.Site)
	}
	org := a.vouch(v.session, remote, given)
	if org == "" {
		return nil, refuse(http.StatusUnauthorized, CodeRemoteAuthenticationFailure,
			"Authentication at site '%s' failed.", remote.name)
	}
	a.extendTo(v.session, remote, org)
	return v.session.body(), nil
}

// vouch returns the organization as which an extension authenticates at a remote site, or the empty one.
func (a *appliance) vouch(s *session, remote *site, given extension) string {
	switch given.Type {
	case "credentials":
		if who, ok := remote.accounts[given.VCDUsername]; ok && who.password == given.VCDPassword {
			return orgOf(who.user)
		}
	case "accessToken":
		return a.orgOfToken(remote, given.AccessToken, given.Context)
	case "vcdAccessToken":
		return a.orgOfToken(remote, given.VCDAccessToken, given.Context)
	case "multisite":
		// The token that is used for it came with the sign-in; there is none after one that did without
		// Cloud Director. All sites and organizations are associated here.
		if s.cloudDirector && remote.knows(given.Org) && (given.Org != systemOrg || s.admin) {
			return given.Org
		}
	}
	return ""
}

// orgOfToken returns the organization as which a token is taken at a site, or the empty one. A token that
// another Cloud Director has issued needs a context, which is the organization here.
func (a *appliance) orgOfToken(at *site, token, context string) string {
	user, own := at.tokens[token]
	issued := own || slices.ContainsFunc(a.sites, func(s *site) bool { return s.tokens[token] != "" })
	switch {
	case !issued:
		return ""
	case own && (context == "" || orgOf(user) == systemOrg):
		return orgOf(user)
	case slices.Contains(at.orgs, context):
		return context
	default:
		return ""
	}
}

// shrink forgets a remote site; the local one stays, and one that was never added makes no difference.
func (a *appliance) shrink(call *simkit.Call, v *visit) (any, error) {
	if left := a.site(call.Arguments["site"]); left != nil && left != a.local() {
		v.session.forget(left)
	}
	return v.session.body(), nil
}

// ExpireSite ends the authentication of all sessions at a remote site, as when the remote Cloud Director's
// token has died: calls that name it answer 401 with [CodeRemoteAuthenticationFailure] until the session is
// extended again, while the session itself lives.
func (s *Server) ExpireSite(site string) {
	a := s.lock()
	defer a.mu.Unlock()
	remote := a.site(site)
	if remote == nil || remote == a.local() {
		s.kit.Complain("ExpireSite: %q is not a remote site", site)
		return
	}
	for _, open := range a.sessions {
		open.forget(remote)
	}
}

// KillSite takes a remote site down. Calls that name it, as the site or in the body of an extension or a
// start, answer 503 with [CodeConnectionRefused] at once. Tasks that need it, as a synchronization needs the
// source, fail with the same code at their end. Others are not slowed down: the local site still shows the
// replications from and to the dead one, and can fail them over.
func (s *Server) KillSite(site string) { s.setDead("KillSite", site, true, false) }

// SilenceSite takes a remote site down as [Server.KillSite] does, but calls that name it get no answer, as when
// packets to it are lost: it is the client that gives up, also after the site has been revived.
func (s *Server) SilenceSite(site string) { s.setDead("SilenceSite", site, true, true) }

// ReviveSite brings a site up again that [Server.KillSite] or [Server.SilenceSite] took down.
func (s *Server) ReviveSite(site string) { s.setDead("ReviveSite", site, false, false) }

func (s *Server) setDead(method, name string, dead, silent bool) {
	a := s.lock()
	defer a.mu.Unlock()
	remote := a.site(name)
	if remote == nil || remote == a.local() {
		s.kit.Complain("%s: %q is not a remote site", method, name)
		return
	}
	remote.dead, remote.silent = dead, silent
}
