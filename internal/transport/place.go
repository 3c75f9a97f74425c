package transport

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/drkit-go/drkit/internal/settings"
)

// place is where calls go to: the address of the service and, for services that keep one apart from the other by
// the path, the scope. What the user has not named comes with the first session, and stays: work that is under way
// must not be looked for at another place.
type place struct {
	settings  settings.Settings
	parameter string // of paths, for which the scope stands
	below     string // stands between the address and the paths

	mu    sync.RWMutex
	base  *url.URL // nil until it is known
	scope string   // empty until it is known
}

func newPlace(config Config, s settings.Settings) (*place, error) {
	p := &place{settings: s, parameter: config.ScopeParameter, scope: config.Scope}
	if config.Base != nil {
		p.below = config.Base(s.APIVersion)
	}
	if config.Scope != "" {
		if err := checkArgument(config.ScopeParameter, config.Scope); err != nil {
			return nil, err
		}
	}
	if config.Endpoint == "" && config.Elsewhere {
		return p, nil
	}
	err := p.at(config.Endpoint, config.Elsewhere)
	return p, err
}

// at makes an endpoint the address.
func (p *place) at(endpoint string, elsewhere bool) error {
	base, err := parseEndpoint(endpoint, p.settings, elsewhere)
	if err != nil {
		return err
	}
	base.Path += p.below
	if base.RawPath != "" {
		base.RawPath += p.below
	}
	p.base = base
	return nil
}

// settle takes from the first session what the user has not named.
func (p *place) settle(grant Grant) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if grant.Scope != "" {
		switch err := checkArgument(p.parameter, grant.Scope); {
		case err != nil:
			return fmt.Errorf("the session is for nothing that can be: %w", err)
		case p.scope != "" && p.scope != grant.Scope:
			return fmt.Errorf("the session is for the %s %s, and this client for %s", p.parameter, Plain(grant.Scope), Plain(p.scope))
		}
	}
	if p.base == nil && grant.Endpoint != "" {
		if err := p.at(grant.Endpoint, true); err != nil {
			return fmt.Errorf("the service names as its own address: %w", err)
		}
	}
	if grant.Scope != "" {
		p.scope = grant.Scope
	}
	return nil
}

// now returns what is known.
func (p *place) now() (base *url.URL, scope string) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.base, p.scope
}

// fill puts the scope into a path that was expanded without it. Arguments cannot be mistaken for it: no brace of
// theirs stays as it is.
func (p *place) fill(path, scope string) string {
	if p.parameter == "" || scope == "" {
		return path
	}
	return strings.Replace(path, "{"+p.parameter+"}", escapeArgument(scope), 1)
}

// locate addresses the request of a call, as far as the place is known; whole reports whether that was all.
func (x *exchange) locate() (whole bool, err error) {
	base, scope := x.client.place.now()
	x.path = x.client.place.fill(x.template, scope)
	if base == nil || x.client.place.parameter != "" && strings.Contains(x.path, "{") {
		return false, nil
	}
	target := *base
	plain, err := url.PathUnescape(x.path)
	if err != nil {
		return false, err
	}
	target.Path = base.Path + plain
	target.RawPath = base.EscapedPath() + x.path
	target.RawQuery = x.query
	if x.client.config.SlashBeforeQuery && x.query != "" {
		target.Path += "/"
		target.RawPath += "/"
	}
	x.target = &target
	return true, nil
}

// addressed makes sure that a request has its address before it is sent: where the place came with the session, it
// is known by now.
func (x *exchange) addressed() error {
	if x.target != nil {
		return nil
	}
	whole, err := x.locate()
	if err == nil && !whole {
		err = errors.New("the session does not say where the service is, or what it is for")
	}
	return err
}

// Place returns the address of the service and the scope, as far as they are known: what the user has not named
// comes with the first session.
func (c *Client) Place() (endpoint, scope string) {
	base, scope := c.place.now()
	if base == nil {
		return "", scope
	}
	return base.String(), scope
}
