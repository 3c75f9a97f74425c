package vcav

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// Extension makes a session good for another site: [WithVCDCredentials], [WithVCDToken], or
// [WithMultisite].
type Extension interface {
	check() error
	// site is where the session is extended to.
	at() string
	// bodies are the spellings of the request, the guide's first.
	bodies() []any
	secrets() []drkit.Secret
}

// WithVCDCredentials extends a session to a site as a user of the Cloud Director there, "user@org".
//
// Source: Cloud Director Availability API guide, "Extend the Session by Using VMware Cloud Director
// Credentials".
func WithVCDCredentials(site, user string, password drkit.Secret) Extension {
	return credentialsExtension{site, user, password}
}

// WithVCDToken extends a session to a site with a JSON web token of the Cloud Director there. The
// organization is needed only for a token of another Cloud Director of a multisite group; it is empty
// otherwise. The guide and the later references spell this request differently: where the service
// refuses the one, the other is sent.
//
// Source: Cloud Director Availability API guide, "Extend the Session by Using VMware Cloud Director JWT".
func WithVCDToken(site string, token drkit.Secret, organization string) Extension {
	return tokenExtension{site, token, organization}
}

// WithMultisite extends a session to an associated organization of a site whose Cloud Director is
// associated with the local one.
//
// Source: Cloud Director Availability API guide, "Extend the Session by Using Multisite Authentication".
func WithMultisite(site, organization string) Extension {
	return multisiteExtension{site, organization}
}

type credentialsExtension struct {
	site, user string
	password   drkit.Secret
}

func (e credentialsExtension) at() string              { return e.site }
func (e credentialsExtension) secrets() []drkit.Secret { return []drkit.Secret{e.password} }

func (e credentialsExtension) check() error {
	return passwordLogin{kind: "vcdCredentials", user: e.user, password: e.password}.check()
}

func (e credentialsExtension) bodies() []any {
	return []any{struct {
		Type     string `json:"type"`
		Site     string `json:"site"`
		User     string `json:"vcdUsername"`
		Password string `json:"vcdPassword"`
	}{"credentials", e.site, e.user, e.password.Reveal()}}
}

type tokenExtension struct {
	site         string
	token        drkit.Secret
	organization string
}

func (e tokenExtension) at() string              { return e.site }
func (e tokenExtension) secrets() []drkit.Secret { return []drkit.Secret{e.token} }
func (e tokenExtension) check() error            { return vcdToken{token: e.token}.check() }

func (e tokenExtension) bodies() []any {
	token := e.token.Reveal()
	return []any{
		struct {
			Type         string `json:"type"`
			Site         string `json:"site"`
			Token        string `json:"accessToken"`
			Organization string `json:"context,omitempty"`
		}{"accessToken", e.site, token, e.organization},
		struct {
			Type         string `json:"type"`
			Site         string `json:"site"`
			Token        string `json:"vcdAccessToken"`
			Organization string `json:"context,omitempty"`
		}{"vcdAccessToken", e.site, token, e.organization},
	}
}

type multisiteExtension struct{ site, organization string }

func (e multisiteExtension) at() string            { return e.site }
func (multisiteExtension) secrets() []drkit.Secret { return nil }

func (e multisiteExtension) check() error {
	if strings.TrimSpace(e.organization) == "" {
		return errors.New("organization is empty")
	}
	return nil
}

func (e multisiteExtension) bodies() []any {
	return []any{struct {
		Type         string `json:"type"`
		Site         string `json:"site"`
		Organization string `json:"org"`
	}{"multisite", e.site, e.organization}}
}

// extensions are what a client has extended its session by, so that it comes back with a new session.
type extensions struct {
	mu    sync.Mutex
	all   []kept
	count int
}

// kept is an extension, and what the site said when it refused it: credentials that were refused are not
// tried again, because accounts get locked.
type kept struct {
	Extension
	number  int // tells it from a later one of the same site
	refused error
}

// keep puts an extension in place of an earlier one of the same site.
func (e *extensions) keep(extension Extension) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.count++
	e.all = append(e.without(extension.at()), kept{Extension: extension, number: e.count})
}

// refuse marks an extension as refused, unless another has taken its place.
func (e *extensions) refuse(extension kept, refused error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.all {
		if e.all[i].number == extension.number {
			e.all[i].refused = refused
		}
	}
}

func (e *extensions) drop(site string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all = e.without(site)
}

// without returns the extensions of the other sites. The caller holds the lock.
func (e *extensions) without(site string) []kept {
	return slices.DeleteFunc(slices.Clone(e.all), func(x kept) bool { return x.at() == site })
}

// user returns who the session is at a site, as far as the extension names them.
func (e *extensions) user(site string) string {
	for _, extension := range e.list() {
		if named, ok := extension.Extension.(credentialsExtension); ok && extension.at() == site {
			return named.user
		}
	}
	return ""
}

func (e *extensions) list() []kept {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.all)
}

// extend sends an extension, in its other spelling where the service itself refuses the first. A zero
// token is that of the session.
func (c *Client) extend(ctx context.Context, extension Extension, token drkit.Secret) (Session, error) {
	c.transport.Hide(extension.secrets()...)
	var last error
	for _, body := range extension.bodies() {
		var session Session
		call := transport.Call{Operation: &contract.SessionsExtend, Body: body, Token: token, Session: true}
		call.Check = func() error { return session.identified() }
		_, err := c.transport.Do(ctx, call, &session)
		if err == nil {
			return session, nil
		}
		last = err
		var answer *drkit.Error
		ofExtension := errors.As(err, &answer) && answer.Operation == "vcav."+contract.SessionsExtend.Name
		if !ofExtension || answer.Status != 400 || answer.Code == "" {
			break
		}
	}
	return Session{}, last
}

// extendAgain sends an extension that was good before, unless the site has refused it since.
func (c *Client) extendAgain(ctx context.Context, extension kept, token drkit.Secret) (Session, error) {
	if extension.refused != nil {
		return Session{}, extension.refused
	}
	session, err := c.extend(ctx, extension.Extension, token)
	if refusedBySite(err) {
		c.extensions.refuse(extension, err)
	}
	return session, err
}

// refusedBySite reports whether the service itself turned the credentials of an extension away.
func refusedBySite(err error) bool {
	var answer *drkit.Error
	return errors.As(err, &answer) && answer.Code != "" && answer.Code != CodeNotAuthenticated &&
		(errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrForbidden))
}

// restore extends a new session to the sites of the one before, all at once. A site that is not to be had
// now does not keep the session from working elsewhere: the first call at that site tries again.
func (c *Client) restore(ctx context.Context, token drkit.Secret) {
	var all sync.WaitGroup
	extensions := c.extensions.list()
	sessions := make([]Session, len(extensions))
	for i, extension := range extensions {
		all.Go(func() {
			var err error
			if sessions[i], err = c.extendAgain(ctx, extension, token); err != nil {
				c.transport.Logger().LogAttrs(ctx, slog.LevelWarn, "session not extended again",
					slog.String("site", extension.at()), slog.String("error", err.Error()))
			}
		})
	}
	all.Wait()
	for _, session := range sessions { // the answer that came last knows most
		if len(session.AuthenticatedSites) > len(c.signedIn().AuthenticatedSites) {
			c.signedInAs(session)
		}
	}
}

// regain extends the session to one site again.
func (c *Client) regain(ctx context.Context, site string) error {
	for _, extension := range c.extensions.list() {
		if extension.at() == site {
			session, err := c.extendAgain(ctx, extension, drkit.Secret{})
			if err == nil {
				c.signedInAs(session)
			}
			return err
		}
	}
	return fmt.Errorf("the session was never extended to %s", site)
}
