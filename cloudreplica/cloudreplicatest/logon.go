package cloudreplicatest

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// tokenHeader is the header, and the cookie, that carry the token of a logon session.
const tokenHeader = "X-RestSvcSessionId"

// account is somebody who can sign in.
type account struct {
	user, password string
	reader         bool // may not change anything
}

// logon is a logon session. It has tasks of its own, which end with it.
type logon struct {
	id, token, user string
	account         string
	tenant          *tenant // whose session it is; nil: the provider's
	reader          bool
	version         string
	last            time.Time // of its requests
	tasks           []*task
	made            int // tasks so far
}

// visit is one admitted request.
type visit struct {
	*enterprise
	call    *simkit.Call
	session *logon // nil for operations that need none
}

// admit refuses what comes from nobody, or asks for what is not theirs.
func (e *enterprise) admit(call *simkit.Call) *simkit.Answer {
	if !call.Unattended && e.config.latency > 0 && e.clock.Sleep(call.Context, e.config.latency) != nil {
		return &simkit.Answer{}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settle(call.Now())
	v := &visit{enterprise: e, call: call}
	if err := v.receive(); err != nil {
		answer := e.refused(call, err)
		return &answer
	}
	call.Session = v
	return nil
}

func (v *visit) receive() error {
	if by, brought := v.call.Session.(*operatorSession); brought {
		v.session = by.logon
		v.call.User = by.name
		return nil
	}
	if v.call.Operation.Anonymous {
		return nil
	}
	if v.session = v.sessionOf(tokenOf(v.call.Header)); v.session == nil {
		return refuse(http.StatusUnauthorized, "Authorization required: the logon session is unknown or has expired")
	}
	v.session.last = v.now
	v.call.User = v.session.user
	return v.permit()
}

// tokenOf finds the token of a request. The cookie wins.
func tokenOf(header http.Header) string {
	cookies := (&http.Request{Header: header}).Cookies()
	if at := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == tokenHeader }); at >= 0 {
		return cookies[at].Value
	}
	return header.Get(tokenHeader)
}

// sessionOf finds a session that has not expired.
func (e *enterprise) sessionOf(token string) *logon {
	e.sessions = slices.DeleteFunc(e.sessions, func(s *logon) bool { return e.now.Sub(s.last) >= e.config.idle })
	at := slices.IndexFunc(e.sessions, func(s *logon) bool { return s.token == token && token != "" })
	if at < 0 {
		return nil
	}
	return e.sessions[at]
}

// permit refuses what a session may not do.
func (v *visit) permit() error {
	operation := v.call.Operation
	denied := refuse(http.StatusForbidden, "Access is denied")
	resource, _, _ := strings.Cut(operation.Name, ".")
	switch {
	case resource == "Sessions" || resource == "Tasks":
		return nil
	case v.config.noCloudConnect && strings.HasPrefix(operation.Path, "/api/cloud"):
		return noCloudConnect()
	case v.session.reader && operation.Class != api.Read:
		return denied
	case v.session.tenant != nil && !tenantMay(operation):
		return denied
	}
	return nil
}

func noCloudConnect() error {
	return refuse(http.StatusNotFound, "The Cloud Connect service is not available")
}

// tenantMay reports whether a tenant may ask for an operation: they see what is theirs, start and undo.
func tenantMay(operation api.Operation) bool {
	resource, verb, _ := strings.Cut(operation.Name, ".")
	switch resource {
	case "Cloud", "Replicas", "VMReplicaPoints", "FailoverSessions":
		return true
	case "FailoverPlans":
		return operation.Class == api.Read || verb == "Start" || verb == "Undo"
	}
	return false
}

// signIn makes a logon session.
func (v *visit) signIn() (*reply, error) {
	version, err := v.chooseVersion()
	if err != nil {
		return nil, err
	}
	by, err := v.authenticate()
	if err != nil {
		return nil, err
	}
	of, err := v.tenantSignIn()
	if err != nil {
		return nil, err
	}
	s := v.newSession(by)
	s.tenant, s.version = of, version
	v.sessions = append(v.sessions, s)
	v.issued++
	v.call.Resource, v.call.User = s.id, s.user
	header := http.Header{"Set-Cookie": {tokenHeader + "=" + s.token + "; Path=/api;"}}
	header.Set(tokenHeader, s.token)
	return &reply{status: http.StatusCreated, header: header, document: v.showLogon("LogonSession", s)}, nil
}

// token makes a token of the id of a session: text in newer builds, 16 bytes in older ones.
func (e *enterprise) token(id string) string {
	if !e.config.binaryTokens {
		return base64.StdEncoding.EncodeToString([]byte(id))
	}
	raw, _ := hex.DecodeString(strings.ReplaceAll(id, "-", "")) // it is an id
	return base64.StdEncoding.EncodeToString(raw)
}

func (v *visit) chooseVersion() (string, error) {
	wanted, versions := v.call.Query.Get("v"), v.config.versions
	if wanted == "" || strings.EqualFold(wanted, "latest") {
		return versions[len(versions)-1], nil
	}
	if !slices.Contains(versions, wanted) {
		return "", refuse(http.StatusBadRequest, "The API version %s is not supported", wanted)
	}
	return wanted, nil
}

// authenticate checks the account of the provider, which signs tenants in as well.
func (v *visit) authenticate() (account, error) {
	user, password, given := (&http.Request{Header: v.call.Header}).BasicAuth()
	plain := plainName(user)
	for _, known := range v.config.accounts {
		if given && strings.EqualFold(known.user, plain) && known.password == password {
			return known, nil
		}
	}
	return account{}, unauthorizedLogon()
}

func unauthorizedLogon() error {
	reason := refuse(http.StatusUnauthorized, "Logon failed: the user name or the password is wrong")
	reason.header = http.Header{"Www-Authenticate": {"Basic Realm=RestSvc"}}
	return reason
}

// plainName is an account without its domain or host, before or after it.
func plainName(user string) string {
	if _, name, qualified := strings.Cut(user, `\`); qualified {
		return name
	}
	name, _, _ := strings.Cut(user, "@")
	return name
}

// resolved is an account as the service names it.
func (e *enterprise) resolved(user string) string { return hostName + `\` + user }

// hostName is that of the machine which Enterprise Manager is on.
const hostName = "EM01"

// loginSpec is the body of a sign-in of a tenant.
type loginSpec struct {
	TenantCredentials             *struct{ Username, Password string }
	VCloudOrganizationCredentials *struct{ OrganizationName, Login, Password string }
}

// tenantSignIn finds the tenant whom the body names, if there is one.
func (v *visit) tenantSignIn() (*tenant, error) {
	if len(v.call.Body) == 0 {
		return nil, nil
	}
	var spec loginSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	if (spec.TenantCredentials == nil) == (spec.VCloudOrganizationCredentials == nil) {
		return nil, refuse(http.StatusBadRequest, "Exactly one kind of credentials is needed")
	}
	if v.config.noCloudConnect {
		return nil, noCloudConnect()
	}
	for _, t := range v.really.tenants.all {
		var fits bool
		if given := spec.TenantCredentials; given != nil {
			fits = t.kind != TenantVCD && strings.EqualFold(t.name, given.Username) && t.password == given.Password
		} else {
			given := spec.VCloudOrganizationCredentials
			fits = t.kind == TenantVCD && strings.EqualFold(t.organization, given.OrganizationName) &&
				t.password == given.Password && given.Login != ""
		}
		if fits && t.enabled {
			return t, nil
		}
	}
	return nil, unauthorizedLogon()
}

// listSessions shows the sessions of the same account.
func (v *visit) listSessions() (*reply, error) {
	own := slices.DeleteFunc(slices.Clone(v.sessions), func(s *logon) bool { return !s.sameAs(v.session) })
	return found200(collection("LogonSessions", listOf("LogonSession", own, func(s *logon) *document { return v.showLogon("", s) })))
}

func (v *visit) getSession() (*reply, error) {
	s, err := v.ownSession()
	if err != nil {
		return nil, err
	}
	return found200(v.showLogon("LogonSession", s))
}

// endSession signs out: the session of the path, with all its tasks.
func (v *visit) endSession() (*reply, error) {
	s, err := v.ownSession()
	if err != nil {
		return nil, err
	}
	v.sessions = slices.DeleteFunc(v.sessions, func(other *logon) bool { return other == s })
	return &reply{status: http.StatusNoContent}, nil
}

// sameAs reports whether two sessions are of the same account and tenant.
func (s *logon) sameAs(other *logon) bool {
	if s.account != other.account || (s.tenant == nil) != (other.tenant == nil) {
		return false
	}
	return s.tenant == nil || s.tenant.id == other.tenant.id
}

func (v *visit) ownSession() (*logon, error) {
	id := v.call.Arguments["sessionId"]
	at := slices.IndexFunc(v.sessions, func(s *logon) bool { return strings.EqualFold(s.id, id) })
	if at < 0 || !v.sessions[at].sameAs(v.session) {
		return nil, refuse(http.StatusNotFound, "Logon session with id [%s] was not found", id)
	}
	return v.sessions[at], nil
}
