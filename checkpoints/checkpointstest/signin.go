package checkpointstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

type namedBody struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// which is the id or else the name.
func (n namedBody) which() string { return or(n.ID, n.Name) }

type signInUser struct {
	namedBody
	Password string    `json:"password"`
	Passcode string    `json:"passcode"`
	Domain   namedBody `json:"domain"`
}

// authBody is what a sign-in says.
type authBody struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User signInUser `json:"user"`
			} `json:"password"`
			TOTP struct {
				User signInUser `json:"user"`
			} `json:"totp"`
			Token struct {
				ID      string `json:"id"`
				Seconds int    `json:"duration_seconds"`
			} `json:"token"`
			AssumeRole struct {
				DomainID   string `json:"domain_id"`
				DomainName string `json:"domain_name"`
				Agency     string `json:"xrole_name"`
				Seconds    int    `json:"duration_seconds"`
			} `json:"assume_role"`
		} `json:"identity"`
		Scope struct {
			Project *struct {
				namedBody
				Domain namedBody `json:"domain"`
			} `json:"project"`
			Domain *namedBody `json:"domain"`
		} `json:"scope"`
	} `json:"auth"`
}

func (i *identity) createToken(call *simkit.Call) (simkit.Answer, error) {
	var body authBody
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return simkit.Answer{}, fmt.Errorf("the sign-in does not decode: %w", err)
	}
	made, err := i.authenticate(call, body)
	if err != nil {
		return simkit.Answer{}, err
	}
	if err := i.scope(made, body); err != nil {
		return simkit.Answer{}, err
	}
	call.User, call.Resource = made.user.name, made.user.name
	i.issue(made, i.config.tokenLife)
	answer := simkit.JSON(http.StatusCreated, contentType, map[string]any{"token": i.tokenBody(made, !call.Query.Has("nocatalog"))})
	answer.Header.Set(subjectHeader, made.value)
	return answer, nil
}

// authenticate finds out who signs in.
func (i *identity) authenticate(call *simkit.Call, body authBody) (*token, error) {
	said := body.Auth.Identity
	made := &token{methods: said.Methods}
	switch {
	case slices.Equal(said.Methods, []string{"password"}) || slices.Equal(said.Methods, []string{"password", "totp"}):
		var err error
		made.user, err = i.passwordUser(body)
		return made, err
	case slices.Equal(said.Methods, []string{"token"}):
		from, err := i.check(or(said.Token.ID, call.Header.Get(tokenHeader)))
		if err != nil {
			return nil, err
		}
		made.user, made.expires, made.assumedBy = from.user, from.expires, from.assumedBy
		return made, nil
	case slices.Equal(said.Methods, []string{"assume_role"}):
		return i.assume(call, made, body)
	}
	return nil, badSignIn("The methods %v do not go together.", said.Methods)
}

func badSignIn(format string, arguments ...any) *refusal {
	r := refuse("400", format, arguments...)
	r.form = keystoneForm
	return r
}

func (i *identity) passwordUser(body authBody) (*user, error) {
	said := body.Auth.Identity.Password.User
	wrong := refuse(CodeWrongPassword, "The username or password is wrong.")
	found := i.findUser(said)
	switch {
	case said.which() == "" || (said.ID == "" && said.Domain.which() == ""):
		return nil, badSignIn("A user is named by id, or by name and domain.")
	case found == nil || found.password != said.Password:
		return nil, wrong
	case found.locked:
		return nil, refuse(CodeUserLocked, "The user is locked.")
	case found.disabled:
		return nil, refuse(CodeUserDisabled, "The user is disabled.")
	case found.passcode == "":
		return found, nil
	}
	factor := body.Auth.Identity.TOTP.User
	if !slices.Contains(body.Auth.Identity.Methods, "totp") {
		return nil, refuse(CodeNoCredentials, "A second factor is needed.")
	}
	if factor.Passcode != found.passcode || (factor.which() != found.name && factor.which() != found.id) {
		return nil, wrong
	}
	return found, nil
}

func (i *identity) findUser(said signInUser) *user {
	for _, d := range i.domains {
		if u := d.user(said.which()); u != nil && (said.ID != "" || said.Domain.which() == d.name || said.Domain.which() == d.id) {
			return u
		}
	}
	return nil
}

// assume lets a user act in the account that trusts its own.
func (i *identity) assume(call *simkit.Call, made *token, body authBody) (*token, error) {
	by, refused := i.check(call.Header.Get(tokenHeader))
	if refused != nil {
		return nil, refused
	}
	said := body.Auth.Identity.AssumeRole
	in := i.domain(or(said.DomainID, said.DomainName))
	if in == nil {
		return nil, refuse(CodeNotFound, "There is no such account.")
	}
	trusting := in.agency(said.Agency)
	if trusting == nil || trusting.trusted != by.user.domain {
		return nil, refuse(CodeForbidden, "The agency does not let you act.")
	}
	made.assumedBy = by.user
	made.user = &user{
		id: plainID("agency", in.name, said.Agency), name: in.name + "/" + said.Agency, domain: in,
	}
	return made, nil
}

// scope says what a token is for: a project wins over a domain, and none makes it global.
func (i *identity) scope(made *token, body authBody) error {
	wanted := body.Auth.Scope
	switch {
	case wanted.Project != nil:
		for _, p := range i.projectsOf(made.user.domain) {
			if p.id == wanted.Project.ID || (wanted.Project.ID == "" && p.name == wanted.Project.Name) {
				made.project = p
				return nil
			}
		}
		return refuse(CodeNotPermitted, "You have no such project.")
	case wanted.Domain != nil:
		if made.domain = made.user.domain; wanted.Domain.which() != made.domain.id && wanted.Domain.which() != made.domain.name {
			return refuse(CodeNotPermitted, "The account is not yours.")
		}
	}
	return nil
}

// iamTime is how the identity service writes times.
func iamTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func (i *identity) tokenBody(t *token, withCatalog bool) map[string]any {
	body := map[string]any{
		"expires_at": iamTime(t.expires), "issued_at": iamTime(t.issued), "methods": t.methods,
		"user": map[string]any{
			"id": t.user.id, "name": t.user.name, "password_expires_at": "",
			"domain": map[string]any{"id": t.user.domain.id, "name": t.user.domain.name},
		},
		"roles": []any{map[string]any{"id": "0", "name": "te_admin"}},
	}
	switch {
	case t.project != nil:
		body["project"] = map[string]any{
			"id": t.project.id, "name": t.project.name,
			"domain": map[string]any{"id": t.project.domain.id, "name": t.project.domain.name},
		}
	case t.domain != nil:
		body["domain"] = map[string]any{"id": t.domain.id, "name": t.domain.name}
	}
	if t.assumedBy != nil {
		by := t.assumedBy
		body["assumed_by"] = map[string]any{"user": map[string]any{
			"id": by.id, "name": by.name, "password_expires_at": "",
			"domain": map[string]any{"id": by.domain.id, "name": by.domain.name},
		}}
	}
	if withCatalog {
		body["catalog"] = i.catalog(t)
	}
	return body
}

// catalog lists services. Besides the backup service there are others, those of other regions and interfaces that
// are not public, as in a real one.
func (i *identity) catalog(t *token) []map[string]any {
	entry := func(kind, region, face, address string) map[string]any {
		id := plainID("endpoint", kind, region, face)
		return map[string]any{"id": id, "interface": face, "region": region, "region_id": region, "url": address}
	}
	service := func(kind string, endpoints ...map[string]any) map[string]any {
		return map[string]any{"id": plainID("service", kind), "name": kind, "type": kind, "endpoints": endpoints}
	}
	backups := []map[string]any{}
	servers := []map[string]any{}
	for _, r := range i.cloud.regions {
		for _, p := range i.projectsOf(t.user.domain) {
			if p.region != r || (t.project != nil && t.project.region == r && t.project != p) {
				continue
			}
			address := r.url + "/v3/" + p.id
			backups = append(backups, entry("cbr", r.name, "admin", "https://admin."+r.name+".drkit.test/v3/"+p.id), entry("cbr", r.name, "public", address))
			servers = append(servers, entry("ecs", r.name, "public", "https://ecs."+r.name+".drkit.test/v1/"+p.id))
			break
		}
	}
	return []map[string]any{
		service("ecs", servers...), service("cbr", backups...), service("identity", entry("identity", "*", "public", i.url)),
	}
}

// subject is the token that a request is about.
func (i *identity) subject(call *simkit.Call) (*token, error) {
	if _, err := i.check(call.Header.Get(tokenHeader)); err != nil {
		return nil, err
	}
	t, err := i.check(call.Header.Get(subjectHeader))
	if err != nil {
		return nil, refuse(CodeNotFound, "Could not find the token.")
	}
	return t, nil
}

func (i *identity) checkToken(call *simkit.Call) (simkit.Answer, error) {
	t, err := i.subject(call)
	if err != nil {
		return simkit.Answer{}, err
	}
	return simkit.Answer{Status: http.StatusOK, Header: http.Header{subjectHeader: {t.value}}}, nil
}

func (i *identity) showToken(call *simkit.Call) (simkit.Answer, error) {
	t, err := i.subject(call)
	if err != nil {
		return simkit.Answer{}, err
	}
	answer := simkit.JSON(http.StatusOK, contentType, map[string]any{"token": i.tokenBody(t, !call.Query.Has("nocatalog"))})
	answer.Header.Set(subjectHeader, t.value)
	return answer, nil
}

func (i *identity) revokeToken(call *simkit.Call) (simkit.Answer, error) {
	t, err := i.subject(call)
	if err != nil {
		return simkit.Answer{}, err
	}
	t.revoked = true
	return simkit.Answer{Status: http.StatusNoContent}, nil
}

func (i *identity) showCatalog(call *simkit.Call) (simkit.Answer, error) {
	t, err := i.check(call.Header.Get(tokenHeader))
	if err != nil {
		return simkit.Answer{}, err
	}
	if t.project == nil {
		return simkit.Answer{}, refuse(CodeNotPermitted, "Only a token for a project has a catalogue.")
	}
	return simkit.JSON(http.StatusOK, contentType, map[string]any{"catalog": i.catalog(t), "links": map[string]any{"self": i.url + "/auth/catalog"}}), nil
}

func (i *identity) listProjects(call *simkit.Call) (simkit.Answer, error) {
	t, err := i.check(call.Header.Get(tokenHeader))
	if err != nil {
		return simkit.Answer{}, err
	}
	found := []map[string]any{}
	for _, p := range i.projectsOf(t.user.domain) {
		if name := call.Query.Get("name"); name != "" && name != p.name {
			continue
		}
		found = append(found, map[string]any{
			"id": p.id, "name": p.name, "domain_id": p.domain.id, "parent_id": p.domain.id, "enabled": true, "is_domain": false,
			"description": "", "links": map[string]any{"self": i.url + "/projects/" + p.id},
		})
	}
	self := i.url + "/projects"
	if query := call.Query.Encode(); query != "" {
		self += "?" + query
	}
	return simkit.JSON(http.StatusOK, contentType, map[string]any{"projects": found, "links": map[string]any{"self": self, "next": nil, "previous": nil}}), nil
}

func (i *identity) versionBody() map[string]any {
	return map[string]any{
		"id": "v3.6", "status": "stable", "updated": "2016-04-04T00:00:00Z",
		"media-types": []any{map[string]any{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
		"links":       []any{map[string]any{"rel": "self", "href": i.url + "/"}},
	}
}

func (i *identity) version(*simkit.Call) (simkit.Answer, error) {
	return simkit.JSON(http.StatusOK, contentType, map[string]any{"version": i.versionBody()}), nil
}

func (i *identity) versions(*simkit.Call) (simkit.Answer, error) {
	values := map[string]any{"values": []any{i.versionBody()}}
	return simkit.JSON(http.StatusMultipleChoices, contentType, map[string]any{"versions": values}), nil
}

// createTemporaryKeys makes keys that end by themselves, for the holder of a token.
func (i *identity) createTemporaryKeys(call *simkit.Call) (simkit.Answer, error) {
	var body authBody
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return simkit.Answer{}, fmt.Errorf("the request does not decode: %w", err)
	}
	said := body.Auth.Identity
	if !slices.Equal(said.Methods, []string{"token"}) && !slices.Equal(said.Methods, []string{"assume_role"}) {
		return simkit.Answer{}, badSignIn("The methods %v do not go together.", said.Methods)
	}
	holder, err := i.authenticate(call, body)
	if err != nil {
		return simkit.Answer{}, err
	}
	seconds := max(said.Token.Seconds, said.AssumeRole.Seconds)
	if seconds == 0 {
		seconds = 900
	}
	if seconds < 900 || seconds > 86400 {
		return simkit.Answer{}, badSignIn("duration_seconds is not within 900 and 86400.")
	}
	made := &accessKey{
		access: "DRKITTEMPORARY" + plainID(simkit.FreshID())[:6], secret: freshToken()[3:43], security: freshToken(),
		user: holder.user, domain: holder.user.domain, expires: i.cloud.now.Add(time.Duration(seconds) * time.Second),
	}
	i.keys[made.access] = made
	call.User = holder.user.name
	return simkit.JSON(http.StatusCreated, contentType, map[string]any{"credential": map[string]any{
		"access": made.access, "secret": made.secret, "securitytoken": made.security, "expires_at": iamTime(made.expires),
	}}), nil
}
