package checkpointstest

import "github.com/drkit-go/drkit/internal/api"

// Operations of the identity service. They have names of our own, by which a [Fault] finds them; the contract
// of the backup service does not have them.
const (
	opVersions      = "Identity.Versions"            // GET /
	opVersion       = "Identity.Version"             // GET /v3
	opVersionSlash  = "Identity.VersionSlash"        // GET /v3/
	opCreateToken   = "Identity.CreateToken"         // POST /v3/auth/tokens
	opCheckToken    = "Identity.CheckToken"          // HEAD /v3/auth/tokens
	opShowToken     = "Identity.ShowToken"           // GET /v3/auth/tokens
	opRevokeToken   = "Identity.RevokeToken"         // DELETE /v3/auth/tokens
	opCatalog       = "Identity.Catalog"             // GET /v3/auth/catalog
	opAuthProjects  = "Identity.AuthProjects"        // GET /v3/auth/projects
	opProjects      = "Identity.Projects"            // GET /v3/projects
	opTemporaryKeys = "Identity.CreateTemporaryKeys" // POST /v3.0/OS-CREDENTIAL/securitytokens
)

// identityPrefix begins the names of operations of the identity service.
const identityPrefix = "Identity."

func identityTable() api.Table {
	return api.Table{
		Operations: []api.Operation{
			{Name: opVersions, Method: "GET", Path: "/", Class: api.Read, Statuses: []int{300}, Anonymous: true},
			{Name: opVersionSlash, Method: "GET", Path: "/v3/", Class: api.Read, Statuses: []int{200}, Anonymous: true},
			{Name: opVersion, Method: "GET", Path: "/v3", Class: api.Read, Statuses: []int{200}, Anonymous: true},
			{
				Name: opCreateToken, Method: "POST", Path: "/v3/auth/tokens", Query: []string{"nocatalog"},
				Body: "Auth", BodyRequired: true, Statuses: []int{201}, Anonymous: true,
			},
			{Name: opCheckToken, Method: "HEAD", Path: "/v3/auth/tokens", Class: api.Read, Query: []string{"nocatalog"}, Statuses: []int{200}},
			{Name: opShowToken, Method: "GET", Path: "/v3/auth/tokens", Class: api.Read, Query: []string{"nocatalog"}, Statuses: []int{200}},
			{Name: opRevokeToken, Method: "DELETE", Path: "/v3/auth/tokens", Class: api.Replaceable, Statuses: []int{204}},
			{Name: opCatalog, Method: "GET", Path: "/v3/auth/catalog", Class: api.Read, Statuses: []int{200}},
			{Name: opAuthProjects, Method: "GET", Path: "/v3/auth/projects", Class: api.Read, Statuses: []int{200}},
			{
				Name: opProjects, Method: "GET", Path: "/v3/projects", Class: api.Read,
				Query: []string{"name", "domain_id", "enabled", "parent_id", "page", "per_page"}, Statuses: []int{200},
			},
			{
				Name: opTemporaryKeys, Method: "POST", Path: "/v3.0/OS-CREDENTIAL/securitytokens",
				Body: "Auth", BodyRequired: true, Statuses: []int{201},
			},
		},
		Schemas: identitySchemas(),
	}
}

// identitySchemas are what sign-ins say. The table of an agency names agency_name, which every example spells
// xrole_name: here only the latter passes.
func identitySchemas() map[string]api.Schema {
	text := func(name string) api.Member { return api.Member{Name: name, Type: "string"} }
	within := func(name, schema string) api.Member { return api.Member{Name: name, Schema: schema} }
	object := func(name string, members ...api.Member) api.Schema {
		return api.Schema{Name: name, Type: "object", Members: members}
	}
	required := func(m api.Member) api.Member {
		m.Required = true
		return m
	}
	seconds := api.Member{Name: "duration_seconds", Type: "integer"}
	return map[string]api.Schema{
		"Auth":       object("Auth", required(within("auth", "AuthBody"))),
		"AuthBody":   object("AuthBody", required(within("identity", "Identity")), within("scope", "Scope")),
		"Identity":   object("Identity", required(within("methods", "Methods")), within("password", "Password"), within("totp", "TOTP"), within("token", "Token"), within("assume_role", "AssumeRole")),
		"Methods":    {Name: "Methods", Type: "array", Items: &api.Member{Type: "string", Enum: []string{"password", "totp", "token", "assume_role"}}},
		"Password":   object("Password", required(within("user", "PasswordUser"))),
		"TOTP":       object("TOTP", required(within("user", "TOTPUser"))),
		"Token":      object("Token", text("id"), seconds),
		"AssumeRole": object("AssumeRole", text("domain_id"), text("domain_name"), required(text("xrole_name")), seconds),
		"PasswordUser": object("PasswordUser", text("id"), text("name"), required(text("password")),
			within("domain", "Named")),
		"TOTPUser":     object("TOTPUser", text("id"), text("name"), required(text("passcode")), within("domain", "Named")),
		"Named":        object("Named", text("id"), text("name")),
		"Scope":        object("Scope", within("project", "ScopeProject"), within("domain", "Named")),
		"ScopeProject": object("ScopeProject", text("id"), text("name"), within("domain", "Named")),
	}
}
