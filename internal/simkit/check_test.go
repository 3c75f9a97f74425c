package simkit_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

func TestWhatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, tc := range map[string]struct {
		method, path, body string
		headers            []string
		want               string
	}{
		"unknown path":             {method: "GET", path: "/pans", want: "the path is not in the contract"},
		"double slash":             {method: "GET", path: "//pots", want: "the path is not in the contract"},
		"trailing slash":           {method: "GET", path: "/pots/", want: "the path is not in the contract"},
		"empty path argument":      {method: "POST", path: "/pots//boil", want: "the path is not in the contract"},
		"wrong method":             {method: "PATCH", path: "/pots/tall", want: "the method PATCH is not one of this path's: GET, DELETE"},
		"unknown query parameter":  {method: "GET", path: "/pots?colour=red", want: `query parameter "colour" is not in the contract`},
		"empty repeated parameter": {method: "GET", path: "/pots?size=3&size=", want: `query parameter "size" is empty`},
		"repeated query parameter": {method: "GET", path: "/pots?color=red&color=blue", want: `query parameter "color" comes 2 times`},
		"empty query parameter":    {method: "GET", path: "/pots?color=", want: `query parameter "color" is empty`},
		"missing query parameter":  {method: "GET", path: "/pots/tall/soup", want: `query parameter "spoon" is missing`},
		"query that is no query":   {method: "GET", path: "/pots?color=%zz", want: "the query does not parse"},
		"wrong Accept":             {method: "GET", path: "/pots", headers: []string{"Accept", "text/plain"}, want: `Accept is "text/plain"`},
		"body where none is":       {method: "GET", path: "/pots", body: "{}", want: "a body of 2 bytes, where none is allowed"},
		"missing body":             {method: "POST", path: "/pots", want: "the body is missing"},
		"wrong Content-Type":       {method: "POST", path: "/pots", body: `{"name":"a","liters":1}`, headers: []string{"Content-Type", "text/json"}, want: `Content-Type is "text/json"`},
		"wrong charset":            {method: "POST", path: "/pots", body: `{"name":"a","liters":1}`, headers: []string{"Content-Type", "application/json; charset=latin1"}, want: "Content-Type is"},
		"body too long":            {method: "POST", path: "/pots", body: `{"name":"` + strings.Repeat("a", 1<<20) + `","liters":1}`, want: "longer than 1048576 bytes"},
		"body that does not fit":   {method: "POST", path: "/pots", body: `{"name":"a"}`, want: "$.liters is missing"},
		"two problems":             {method: "POST", path: "/pots?x=1", body: `{"name":"a"}`, want: `query parameter "x" is not in the contract; $.liters is missing`},
		"form where none is":       {method: "POST", path: "/pots", body: "site=a", headers: []string{"Content-Type", form}, want: "Content-Type is"},
		"unknown form field":       {method: "POST", path: "/pots/tall/boil", body: "lid=a", headers: []string{"Content-Type", form}, want: `form field "lid" is not in the contract`},
		"form against query":       {method: "POST", path: "/pots/tall/boil?site=a", body: "site=b", headers: []string{"Content-Type", form}, want: `form field "site" is "b", but the query says "a"`},
		"repeated form field":      {method: "POST", path: "/pots/tall/boil", body: "site=b&site=b", headers: []string{"Content-Type", form}, want: `form field "site" comes 2 times`},
		"form that is no form":     {method: "POST", path: "/pots/tall/boil", body: "site=%zz", headers: []string{"Content-Type", form}, want: "the form body does not parse"},
		"JSON where a form may be": {method: "POST", path: "/pots/tall/boil", body: "{}", want: "a body of 2 bytes, where none is allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newKitchen(t)
			got := mustAsk(t, server, tc.method, tc.path, tc.body, tc.headers...)
			assert.Equal(t, http.StatusBadRequest, got.Status)
			assert.Equal(t, simkit.ViolationCode, got.problem(t).Code)
			assert.Contains(t, got.problem(t).Message, tc.want)
			require.Len(t, server.Violations(), 1)
			assert.Contains(t, strings.Join(server.Violations()[0].Problems, "; "), tc.want)
			assert.Equal(t, tc.method, server.Violations()[0].Method)
			for _, request := range server.Requests() {
				assert.False(t, request.Ran)
			}
			assert.Len(t, server.AcknowledgeViolations(), 1)
			assert.Empty(t, server.Violations())
		})
	}
}

func TestWhatTheContractAllows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, path, body string
		headers            []string
		want               simkit.Request
	}{
		"plain":              {method: "GET", path: "/pots", want: simkit.Request{Operation: "Pots.List", Status: 200}},
		"query":              {method: "GET", path: "/pots?site=a&color=red", want: simkit.Request{Operation: "Pots.List", Site: "a", Status: 200}},
		"literal wins":       {method: "POST", path: "/pots/poll", body: `["a"]`, want: simkit.Request{Operation: "Pots.Poll", Status: 200}},
		"argument":           {method: "GET", path: "/pots/poll", want: simkit.Request{Operation: "Pots.Get", Resource: "poll", Status: 200}},
		"repeated query":     {method: "GET", path: "/pots?size=3&size=5", want: simkit.Request{Operation: "Pots.List", Status: 200}},
		"escaped argument":   {method: "GET", path: "/pots/a%2Fb%20c", want: simkit.Request{Operation: "Pots.Get", Resource: "a/b c", Status: 200}},
		"two arguments":      {method: "GET", path: "/pots/tall/lids/flat", want: simkit.Request{Operation: "Lids.Get", Resource: "tall", Status: 200}},
		"charset":            {method: "POST", path: "/pots", body: `{"name":"a","liters":1}`, headers: []string{"Content-Type", "application/json;charset=UTF-8"}, want: simkit.Request{Operation: "Pots.Create", Status: 201}},
		"no body":            {method: "POST", path: "/pots/tall/boil?site=b", want: simkit.Request{Operation: "Pots.Boil", Resource: "tall", Site: "b", Status: 202}},
		"form and query":     {method: "POST", path: "/pots/tall/boil?site=b", body: "site=b", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, want: simkit.Request{Operation: "Pots.Boil", Resource: "tall", Site: "b", Status: 202}},
		"form alone":         {method: "POST", path: "/pots/tall/boil", body: "site=b", headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, want: simkit.Request{Operation: "Pots.Boil", Resource: "tall", Site: "b", Status: 202}},
		"no content":         {method: "DELETE", path: "/pots/tall", want: simkit.Request{Operation: "Pots.Smash", Resource: "tall", Status: 204}},
		"refused by service": {method: "GET", path: "/pots/missing", want: simkit.Request{Operation: "Pots.Get", Resource: "missing", Status: 404}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newKitchen(t)
			got := mustAsk(t, server, tc.method, tc.path, tc.body, tc.headers...)
			assert.Equal(t, tc.want.Status, got.Status, got.Body)
			requests := server.Requests()
			require.Len(t, requests, 1)
			last := requests[0]
			assert.Equal(t, tc.want.Operation, last.Operation)
			assert.Equal(t, tc.want.Resource, last.Resource)
			assert.Equal(t, tc.want.Site, last.Site)
			assert.Equal(t, tc.want.Status, last.Status)
			assert.Equal(t, tc.want.Status < 400, last.Ran)
			assert.Empty(t, server.Violations())
		})
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		schema, body string
		want         []string
	}{
		"fits":                       {"Pot", `{"name":"a","liters":2}`, nil},
		"fits with everything":       {"Pot", `{"name":"a","liters":2,"price":2.5,"clean":true,"note":null,"material":"CLAY","lids":[{"width":3,"new":1}],"heat":{"type":"gas","flame":1},"labels":{"x":"y"},"anything":[1,{"a":null}]}`, nil},
		"whole number as number":     {"Pot", `{"name":"a","liters":2,"price":2}`, nil},
		"spaces around":              {"Names", " [ \"a\" ]\n", nil},
		"unknown member":             {"Pot", `{"name":"a","liters":2,"liter":3}`, []string{"$.liter is not in the contract"}},
		"other case":                 {"Pot", `{"Name":"a","liters":2}`, []string{"$.name is missing", "$.Name is not in the contract"}},
		"repeated member":            {"Pot", `{"name":"a","liters":2,"liters":2}`, []string{"$.liters comes twice"}},
		"repeated member inside":     {"Pot", `{"name":"a","liters":2,"anything":{"x":1,"x":2}}`, []string{"$.anything.x comes twice"}},
		"missing member":             {"Pot", `{"name":"a"}`, []string{"$.liters is missing"}},
		"null":                       {"Pot", `{"name":null,"liters":2}`, []string{"$.name is null"}},
		"null body":                  {"Pot", `null`, []string{"$ is null"}},
		"null optional":              {"Pot", `{"name":"a","liters":2,"heat":null}`, []string{"$.heat is null"}},
		"text for number":            {"Pot", `{"name":"a","liters":"2"}`, []string{"$.liters is string instead of integer"}},
		"fraction for whole":         {"Pot", `{"name":"a","liters":2.5}`, []string{"$.liters is number instead of integer"}},
		"exponent for whole":         {"Pot", `{"name":"a","liters":2e3}`, []string{"$.liters is number instead of integer"}},
		"more than 64 bits":          {"Pot", `{"name":"a","liters":99999999999999999999}`, []string{"$.liters is number instead of integer"}},
		"number for text":            {"Pot", `{"name":1,"liters":2}`, []string{"$.name is integer instead of string"}},
		"text for flag":              {"Pot", `{"name":"a","liters":2,"clean":"true"}`, []string{"$.clean is string instead of boolean"}},
		"array for object":           {"Pot", `[]`, []string{"$ is array instead of an object"}},
		"object for array":           {"Names", `{}`, []string{"$ is object instead of an array"}},
		"wrong element":              {"Names", `["a",1,null]`, []string{"$[1] is integer instead of string", "$[2] is null"}},
		"wrong element inside":       {"Pot", `{"name":"a","liters":2,"lids":[{"width":1},{}]}`, []string{"$.lids[1].width is missing"}},
		"wrong map value":            {"Pot", `{"name":"a","liters":2,"labels":{"x":1}}`, []string{"$.labels.x is integer instead of string"}},
		"unknown enum value":         {"Pot", `{"name":"a","liters":2,"material":"WOOD"}`, []string{`$.material is "WOOD", which is none of STEEL, CLAY`}},
		"no discriminator":           {"Heat", `{"flame":1}`, []string{"$.type is missing"}},
		"wrong discriminator":        {"Heat", `{"type":"solar"}`, []string{`$.type is "solar", which is none of electric, gas`}},
		"discriminator of no text":   {"Heat", `{"type":1}`, []string{"$.type is integer instead of a string"}},
		"union of no object":         {"Heat", `"gas"`, []string{"$ is string instead of an object"}},
		"member of another case":     {"Heat", `{"type":"electric","flame":1}`, []string{"$.flame is not in the contract"}},
		"discriminator not declared": {"Heat", `{"type":"gas","flame":1}`, nil},
		"unknown schema":             {"Spoon", `{}`, []string{`$ cannot be checked: the table has no schema "Spoon"`}},
		"trailing bytes":             {"Names", `["a"] x`, []string{"1 bytes follow the JSON value"}},
		"two values":                 {"Names", `["a"]["b"]`, []string{"5 bytes follow the JSON value"}},
		"cut off":                    {"Pot", `{"name":"a","liters":2`, []string{"the JSON value ends too early"}},
		"cut off in array":           {"Names", `["a"`, []string{"the JSON value ends too early"}},
		"nothing":                    {"Names", ` `, []string{"the JSON value ends too early"}},
		"not UTF-8":                  {"Names", "[\"\xff\"]", []string{"the body is not UTF-8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.want, simkit.CheckJSON(kitchen(), tc.schema, []byte(tc.body)))
		})
	}
	deep := simkit.CheckJSON(kitchen(), "Names", []byte(strings.Repeat("[", 70)+strings.Repeat("]", 70)))
	require.Len(t, deep, 1)
	assert.Contains(t, deep[0], "more than 64 levels")
	for _, broken := range []string{`[1,]`, `{"a" 1}`, `{a:1}`, `[1 2]`, `{"a":1,}`, `}`, `[}`, `'a'`, `[01]`, `tru`} {
		assert.NotEmpty(t, simkit.CheckJSON(kitchen(), "Names", []byte(broken)), broken)
	}
}

func FuzzCheckJSON(f *testing.F) {
	f.Add(`{"name":"a","liters":2,"lids":[{"width":3}],"heat":{"type":"gas","flame":1}}`)
	f.Add(`{"name":"a","name":"b"}`)
	f.Add(`[1,`)
	table := kitchen()
	f.Fuzz(func(t *testing.T, body string) {
		for _, schema := range []string{"Pot", "Names", "Heat", "Labels"} {
			simkit.CheckJSON(table, schema, []byte(body)) // must not panic
		}
	})
}

func TestPathsWithASlashMore(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, func(c *simkit.Config) { c.TrailingSlash = true })
	for path, want := range map[string]int{
		"/pots": 200, "/pots/": 200, "/pots/?color=red": 200, "/pots/tall/": 200, "/pots//": 400, "/": 400, "//pots": 400,
	} {
		assert.Equal(t, want, mustAsk(t, server, "GET", path, "").Status, path)
	}
}

func TestValuesOfTheQuery(t *testing.T) {
	t.Parallel()
	server := newKitchen(t, func(c *simkit.Config) {
		c.CheckQuery = func(operation api.Operation, query url.Values) []string {
			if query.Get("color") == "plaid" {
				return []string{operation.Name + " comes in no plaid"}
			}
			return nil
		}
	})
	assert.Equal(t, 200, mustAsk(t, server, "GET", "/pots?color=red", "").Status)
	assert.Empty(t, server.Violations())
	got := mustAsk(t, server, "GET", "/pots?color=plaid", "")
	assert.Equal(t, 400, got.Status)
	require.Len(t, server.Violations(), 1)
	assert.Equal(t, []string{"Pots.List comes in no plaid"}, server.Violations()[0].Problems)
}
