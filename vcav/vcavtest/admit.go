package vcavtest

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// visit is one admitted request: who asks, where, and in which version of the API.
type visit struct {
	session *session // nil for operations that need none
	site    *site    // where the operation is executed
	admin   bool     // whether the session is one of administrators there
	version apiVersion
}

// touches reports whether the session may work on what an organization has at a site. What is on premises
// belongs to a customer whom nobody tells apart here.
func (v *visit) touches(s *site, org string) bool {
	if s.onPremises {
		return true
	}
	own := v.session.orgAt(s)
	return own == systemOrg || own == org
}

// owns reports whether the session's organizations are the owner or an end of a replication. What
// administrators own is theirs alone until they give it away.
func (v *visit) owns(r *replication) bool {
	if v.admin {
		return true
	}
	if r.ownedByAdmin() {
		return false
	}
	for _, known := range v.session.reaches {
		if r.owner == known.owner ||
			(r.source.site == known.site && r.source.org == known.org) ||
			(r.destination.site == known.site && r.destination.org == known.org) {
			return true
		}
	}
	return false
}

// admit refuses what has no session, no role or no business at a site.
func (a *appliance) admit(call *simkit.Call) *simkit.Answer {
	if a.config.latency > 0 && !call.Unattended {
		if err := a.clock.Sleep(call.Context, a.config.latency); err != nil {
			return &simkit.Answer{}
		}
	}
	v := &visit{site: a.local()}
	err := a.receive(call, v)
	switch {
	case errors.Is(err, errSilent):
		<-call.Context.Done()
		return &simkit.Answer{}
	case err != nil:
		answer := errorAnswer(err, v.version)
		return &answer
	}
	call.Session = v
	return nil
}

// errSilent is that a call waits for a site which never answers.
var errSilent = errors.New("the site never answers")

// receive fills in the visit of a call.
func (a *appliance) receive(call *simkit.Call, v *visit) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle(call.Now())
	var err error
	if v.version, err = negotiate(call.Operation, call.Header, a.config.newest); err != nil || call.Operation.Anonymous {
		return err
	}
	if v.session, err = a.sessionOf(call); err != nil {
		return err
	}
	call.User = v.session.user
	if err := v.session.mayCall(call.Operation); err != nil {
		return err
	}
	if v.site, err = a.enter(v.session, call.Site); err != nil {
		return err
	}
	v.admin = v.session.orgAt(v.site) == systemOrg
	for _, name := range sitesNamedBy(call) {
		switch named := a.site(name); {
		case named == nil || !named.dead:
		case named.silent && !call.Unattended:
			return errSilent
		default:
			return unreachable(named)
		}
	}
	return nil
}

// sessionOf returns the session of a call: that of its token, or the one that an operator has brought along.
func (a *appliance) sessionOf(call *simkit.Call) (*session, error) {
	if own, brought := call.Session.(*session); brought {
		return own, nil
	}
	return a.authenticate(call.Header.Get(authHeader))
}

// enter finds the site at which a session wants something executed.
func (a *appliance) enter(s *session, name string) (*site, error) {
	if name == "" {
		return a.local(), nil
	}
	wanted := a.site(name)
	if wanted == nil {
		return nil, siteNotFound(name)
	}
	if s.orgAt(wanted) == "" {
		return nil, notAuthenticatedAt(wanted)
	}
	return wanted, nil
}

// sitesNamedBy are the sites in the query and in the bodies that name some.
func sitesNamedBy(call *simkit.Call) []string {
	names := []string{call.Site}
	if call.Operation.Name != contract.SessionsExtend.Name && call.Operation.Name != contract.VMReplicationsStart.Name {
		return names
	}
	var body struct {
		Site        string                `json:"site"`
		Source      struct{ Site string } `json:"source"`
		Destination struct{ Site string } `json:"destination"`
	}
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return names // the operation itself says what is wrong
	}
	return append(names, body.Site, body.Source.Site, body.Destination.Site)
}

func siteNotFound(name string) error {
	return refuse(http.StatusNotFound, CodeSiteNotFound, "Site '%s' was not found.", name)
}

func notAuthenticatedAt(remote *site) error {
	return refuse(http.StatusUnauthorized, CodeRemoteAuthenticationFailure,
		"The session is not authenticated at site '%s'.", remote.name)
}

// unreachable is the refusal, or the failure of a task, for want of a site that is dead.
func unreachable(dead *site) *refusal {
	return refuse(http.StatusServiceUnavailable, CodeConnectionRefused, "Site '%s' cannot be reached.", dead.name)
}

// Latency lets every answer come this much later, by the server's clock, besides what a [Fault] delays.
func Latency(latency time.Duration) Option {
	return func(c *config) error {
		c.latency = latency
		return simkit.NotNegative("Latency", latency)
	}
}
