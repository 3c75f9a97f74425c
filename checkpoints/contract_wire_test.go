package checkpoints_test

import (
	"context"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
)

// methods are those of an operation that has more than one.
var methods = map[string][]string{
	"Vaults.Create":   {"Vaults.Create", "Vaults.CreatePrepaid"},
	"Tags.FindVaults": {"Tags.FindVaults", "Tags.CountVaults"},
	"Tags.SetMany":    {"Tags.SetMany", "Tags.DeleteMany"},
}

func methodsOf(operation api.Operation) []string {
	if names := methods[operation.Name]; names != nil {
		return names
	}
	return []string{operation.Name}
}

// Each operation of the contract has a method and a wire case under its name, and each case keeps to the contract.
func TestContractIsCovered(t *testing.T) {
	t.Parallel()
	cases := map[string][]wireCase{}
	for _, tc := range wireCases() {
		cases[tc.operation] = append(cases[tc.operation], tc)
	}
	for _, operation := range contract.Table.Operations {
		covered := cases[operation.Name]
		delete(cases, operation.Name)
		for _, name := range methodsOf(operation) {
			checkMethod(t, operation, name)
		}
		assert.NotEmptyf(t, covered, "%s has no wire case: add one to wireCases", operation.Name)
		for _, tc := range covered {
			checkCase(t, operation, tc)
		}
	}
	for name := range cases {
		t.Errorf("the wire case %s is not an operation of the contract", name)
	}
}

// checkMethod finds the method of a name. It takes the identifiers that the path needs, beside the project.
func checkMethod(t *testing.T, operation api.Operation, name string) {
	t.Helper()
	resource, method, _ := strings.Cut(name, ".")
	field, there := reflect.TypeFor[checkpoints.Client]().FieldByName(resource)
	if !assert.Truef(t, there, "checkpoints.Client has no client.%s", name) {
		return
	}
	found, has := field.Type.MethodByName(method)
	if !assert.Truef(t, has, "checkpoints.Client has no client.%s", name) {
		return
	}
	assert.Equal(t, reflect.TypeFor[context.Context](), found.Type.In(1), name)
	path := strings.ReplaceAll(operation.Path, "{project_id}", "")
	for i := range strings.Count(path, "{") {
		assert.Equal(t, reflect.String, found.Type.In(2+i).Kind(), name)
	}
}

// A client has no method without an operation.
func TestEveryMethodIsAnOperation(t *testing.T) {
	t.Parallel()
	var want, names []string
	for _, operation := range contract.Table.Operations {
		want = append(want, methodsOf(operation)...)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[checkpoints.Client]()) {
		if field.Name == "Sessions" {
			continue // of the identity service, which the contract is not about
		}
		for i := 0; field.IsExported() && i < field.Type.NumMethod(); i++ {
			names = append(names, field.Name+"."+field.Type.Method(i).Name)
		}
	}
	assert.ElementsMatch(t, want, names)
}

var argument = regexp.MustCompile(`\\\{[^/]*\\\}`)

func checkCase(t *testing.T, operation api.Operation, tc wireCase) {
	t.Helper()
	method, path, _ := strings.Cut(tc.request(), " ")
	template := argument.ReplaceAllString(regexp.QuoteMeta(operation.Path), "[^/]+")
	assert.Equal(t, operation.Method, method, tc.name())
	assert.Regexp(t, "^"+template+"$", path, tc.name())
	assert.Equal(t, operation.Body != "", tc.body != "", tc.name())
	if operation.Name != "Backups.Restore" { // whose answer may have no body
		assert.Equal(t, operation.Answer != "", tc.answer != "", tc.name())
	}
	if methods[operation.Name] != nil {
		assert.Contains(t, methods[operation.Name], strings.Split(operation.Name, ".")[0]+"."+tc.method, tc.name())
	}
}

// An operation with several methods has a case of each.
func TestEveryMethodHasACase(t *testing.T) {
	t.Parallel()
	covered := map[string]bool{}
	for _, tc := range wireCases() {
		resource, _, _ := strings.Cut(tc.operation, ".")
		covered[resource+"."+tc.method] = true
	}
	for _, names := range methods {
		for _, name := range names {
			assert.True(t, covered[name], name)
		}
	}
}

// The cases called "every parameter", and those of markers, hold what they say: a field or a parameter that is added
// must be added to them.
func TestEveryParameterIsTested(t *testing.T) {
	t.Parallel()
	queries := map[string]any{
		"Backups.List": everyBackupParameter(), "Tasks.List": everyTaskParameter(), "Members.List": everyMemberParameter(),
		"Vaults.List": everyVaultParameter(), "Vaults.External": everyExternalParameter(), "Policies.List": everyPolicyParameter(),
		"Protectables.List": everyProtectableParameter(), "StorageUsage.List": everyUsageParameter(),
		"Agents.List": everyAgentParameter(), "OrganizationPolicies.List": everyOrganizationParameter(),
	}
	small := []string{"Features.List", "Migrations.Get", "OrganizationPolicies.Deployments"} // whose cases show all there is
	parameters := map[string]map[string]bool{}
	for _, tc := range wireCases() {
		if tc.kind == "every parameter" || tc.kind == "by marker" {
			for _, parameter := range tc.query {
				values, err := url.ParseQuery(parameter)
				assert.NoError(t, err)
				for name := range values {
					if parameters[tc.operation] == nil {
						parameters[tc.operation] = map[string]bool{}
					}
					parameters[tc.operation][name] = true
				}
			}
		}
	}
	for _, operation := range contract.Table.Operations {
		for _, name := range operation.Query {
			assert.Truef(t, parameters[operation.Name][name], "%s: %s is in no case", operation.Name, name)
		}
		assert.Len(t, parameters[operation.Name], len(operation.Query), operation.Name)
		query := reflect.ValueOf(queries[operation.Name])
		if slices.Contains(small, operation.Name) {
			continue
		}
		assert.Equal(t, len(operation.Query) > 0, query.IsValid(), operation.Name)
		for i := 0; query.IsValid() && i < query.NumField(); i++ {
			name := query.Type().Field(i).Name
			if name == "Marker" && operation.Name != "Protectables.List" {
				continue // not together with an offset
			}
			assert.Falsef(t, query.Field(i).IsZero(), "%s: field %s is not set", operation.Name, name)
		}
	}
}

// Every sample is what some case sends or understands.
func TestEverySampleIsUsed(t *testing.T) {
	t.Parallel()
	var used []string
	for _, tc := range wireCases() {
		used = append(used, tc.body, tc.answer, tc.refusal.sample)
	}
	for _, name := range sampleNames(t) {
		assert.Contains(t, used, name)
	}
}
