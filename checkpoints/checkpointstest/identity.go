package checkpointstest

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

const (
	tokenHeader   = "X-Auth-Token"
	subjectHeader = "X-Subject-Token"
)

// identity is the identity service of a cloud: accounts, who may sign in, and the tokens that are out. The lock
// of the cloud guards it.
type identity struct {
	cloud   *cloud
	kit     *simkit.Server
	url     string  // with /v3
	config  *config // of the server that owns it
	domains []*domain
	tokens  map[string]*token
	issued  int // tokens so far
	keys    map[string]*accessKey
	calls   window
}

// domain is an account, which everybody calls a domain in requests.
type domain struct {
	id, name string
	users    []*user
	agencies []*agency
}

type user struct {
	id, name, password string
	passcode           string   // empty: no second factor
	actions            []string // what the user may do; nil: everything
	domain             *domain
	disabled, locked   bool
}

// agency lets users of another account act in this one.
type agency struct {
	name    string
	trusted *domain
}

// token is what a sign-in has brought.
type token struct {
	value           string
	methods         []string
	user            *user
	project         *project // nil: not for a project
	domain          *domain  // of the scope, or nil
	issued, expires time.Time
	revoked         bool
	assumedBy       *user // who acts by an agency, or nil
}

// accessKey signs requests.
type accessKey struct {
	access, secret, security string
	user                     *user
	domain                   *domain // whose projects it opens
	expires                  time.Time
}

func newIdentity(c *cloud) *identity {
	return &identity{cloud: c, tokens: map[string]*token{}, keys: map[string]*accessKey{}}
}

// domain returns the account of a name or id, or nil.
func (i *identity) domain(nameOrID string) *domain {
	for _, d := range i.domains {
		if d.name == nameOrID || d.id == nameOrID {
			return d
		}
	}
	return nil
}

// addDomain returns the account of a name, which is made unless it is there.
func (i *identity) addDomain(name string) *domain {
	if known := i.domain(name); known != nil {
		return known
	}
	d := &domain{id: plainID("domain", name), name: name}
	i.domains = append(i.domains, d)
	return d
}

// addUser lets somebody in, or changes who is there.
func (i *identity) addUser(given account) *user {
	d := i.addDomain(given.domain)
	u := d.user(given.user)
	if u == nil {
		u = &user{id: plainID("user", given.domain, given.user), name: given.user, domain: d}
		d.users = append(d.users, u)
	}
	u.password, u.passcode, u.actions = given.password, given.passcode, given.actions
	return u
}

// may reports whether a user may do what needs one of these actions.
func (u *user) may(actions []string) bool {
	return u.actions == nil || len(actions) == 0 || slices.ContainsFunc(actions, func(needed string) bool { return slices.Contains(u.actions, needed) })
}

func (d *domain) user(nameOrID string) *user {
	at := slices.IndexFunc(d.users, func(u *user) bool { return u.name == nameOrID || u.id == nameOrID })
	if at < 0 {
		return nil
	}
	return d.users[at]
}

func (d *domain) agency(name string) *agency {
	at := slices.IndexFunc(d.agencies, func(a *agency) bool { return a.name == name })
	if at < 0 {
		return nil
	}
	return d.agencies[at]
}

// projectsOf are the projects of an account in all regions.
func (i *identity) projectsOf(d *domain) []*project {
	var found []*project
	for _, r := range i.cloud.regions {
		for _, p := range r.projects {
			if p.domain == d {
				found = append(found, p)
			}
		}
	}
	return found
}

// issue makes a token that ends after its life, or with the token that it was made from.
func (i *identity) issue(t *token, life time.Duration) {
	t.value, t.issued = freshToken(), i.cloud.now
	if end := i.cloud.now.Add(life); t.expires.IsZero() || end.Before(t.expires) {
		t.expires = end
	}
	i.issued++
	i.tokens[t.value] = t
}

// check returns the token of a value, or why it is none any more.
func (i *identity) check(value string) (*token, *refusal) {
	t, known := i.tokens[value]
	switch {
	case !known || t.revoked:
		return nil, refuse(CodeInvalidToken, "The token is invalid.")
	case !i.cloud.now.Before(t.expires):
		return nil, refuse(CodeTokenExpired, "The token has expired.")
	case t.user.disabled:
		return nil, refuse(CodeUserDisabled, "The user is disabled.")
	}
	return t, nil
}

// freshToken makes the value of a token. Like real ones it is long and base64, and has the characters that
// clients get wrong.
func freshToken() string {
	raw := make([]byte, 600)
	_, _ = rand.Read(raw) // never fails, says its documentation
	copy(raw, []byte{0x30, 0xfb, 0xff, 0xbf})
	return "MII" + base64.StdEncoding.EncodeToString(raw)
}

// handlers joins the operations of the identity service to its table.
func (i *identity) handlers() map[string]simkit.Handler {
	handlers := map[string]simkit.Handler{}
	for name, work := range map[string]func(*simkit.Call) (simkit.Answer, error){
		opVersions: i.versions, opVersionSlash: i.version, opVersion: i.version, opCreateToken: i.createToken, opCheckToken: i.checkToken, opShowToken: i.showToken,
		opRevokeToken: i.revokeToken, opCatalog: i.showCatalog, opAuthProjects: i.listProjects,
		opProjects: i.listProjects, opTemporaryKeys: i.createTemporaryKeys,
	} {
		handlers[name] = func(call *simkit.Call) simkit.Answer {
			i.cloud.mu.Lock()
			defer i.cloud.mu.Unlock()
			i.cloud.settle(call.Now())
			answer, err := work(call)
			if err != nil {
				answer = i.refused(err)
			}
			if answer.Header == nil {
				answer.Header = http.Header{}
			}
			answer.Header.Set("X-IAM-Trace-Id", "token_"+plainID(simkit.FreshID()))
			return answer
		}
	}
	return handlers
}

// admit holds a request against the limit.
func (i *identity) admit(call *simkit.Call) *simkit.Answer {
	i.cloud.mu.Lock()
	defer i.cloud.mu.Unlock()
	i.cloud.settle(call.Now())
	if wait := i.calls.over(i.cloud.now, i.config.iamCalls, i.config.iamPer); wait > 0 {
		answer := i.refused(refuse(CodeIAMThrottled, "The throttling threshold has been reached: threshold %d.", i.config.iamCalls))
		retryAfter(&answer, wait)
		return &answer
	}
	return nil
}

// refused is an error in the format that the options name.
func (i *identity) refused(err error) simkit.Answer {
	return errorAnswer(i.reform(err), "")
}

func (i *identity) reform(err error) error {
	var r *refusal
	if !errors.As(err, &r) || !i.config.quirks.keystoneErrors {
		return err
	}
	return r.in(keystoneForm)
}

func (i *identity) errorFor(status int, code, message string) simkit.Answer {
	return i.refused(&refusal{status: status, code: or(code, usualIAMCode(status)), message: or(message, http.StatusText(status))})
}

func usualIAMCode(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return CodeNoCredentials
	case http.StatusForbidden:
		return CodeNotPermitted
	case http.StatusNotFound:
		return CodeNotFound
	case http.StatusTooManyRequests:
		return CodeIAMThrottled
	default:
		return CodeIAMFailed
	}
}
