package unitrends_test

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

func isUnknown(err error) bool { return errors.Is(err, drkit.ErrOutcomeUnknown) }

// methods are those of an operation that has more than one, or another name.
var methods = map[string][]string{"Sources.Decide": {"Sources.Accept", "Sources.Reject"}}

// watches are methods that only look, by way of other operations.
var watches = []string{"Queue.Drained", "Sources.Settled"}

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
	for _, tc := range wireCases(t) {
		cases[tc.operation] = append(cases[tc.operation], tc)
	}
	for _, operation := range contract.Table.Operations {
		covered := cases[operation.Name]
		delete(cases, operation.Name)
		for _, name := range methodsOf(operation) {
			checkMethod(t, operation, name)
		}
		if operation.Name == "Sessions.SignIn" {
			continue // TestSignIn
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

// checkMethod finds the method of a name. What must not repeat returns a poller.
func checkMethod(t *testing.T, operation api.Operation, name string) {
	t.Helper()
	resource, method, _ := strings.Cut(name, ".")
	field, there := reflect.TypeFor[unitrends.Client]().FieldByName(resource)
	if !assert.Truef(t, there, "unitrends.Client has no client.%s", name) {
		return
	}
	found, has := field.Type.MethodByName(method)
	if !assert.Truef(t, has, "unitrends.Client has no client.%s", name) {
		return
	}
	assert.Equal(t, reflect.TypeFor[context.Context](), found.Type.In(1), name)
	if ids := strings.Count(operation.Path, "{"); ids > 0 && operation.Name != "JobOrders.Update" { // the order has its id
		assert.Equal(t, reflect.TypeFor[unitrends.ID](), found.Type.In(2), name)
	}
	once := operation.Class == api.Once && !operation.Anonymous
	isPoller := strings.HasPrefix(found.Type.Out(0).String(), "*drkit.Poller[")
	assert.Equal(t, once, isPoller, name)
}

// A client has no method without an operation.
func TestEveryMethodIsAnOperation(t *testing.T) {
	t.Parallel()
	want := slices.Clone(watches)
	for _, operation := range contract.Table.Operations {
		want = append(want, methodsOf(operation)...)
	}
	assert.ElementsMatch(t, want, resourceMethods(reflect.TypeFor[unitrends.Client]()))
}

// A view of a system has what the contract lets name a system, and nothing that would quietly ask for all.
func TestViewHasWhatTakesASystem(t *testing.T) {
	t.Parallel()
	var want []string
	for _, operation := range contract.Table.Operations {
		if takesSystem(operation.Name) {
			want = append(want, methodsOf(operation)...)
		}
	}
	assert.ElementsMatch(t, want, resourceMethods(reflect.TypeFor[unitrends.SystemView]()))
}

// resourceMethods names the methods of all resources of a client or a view, as operations are named.
func resourceMethods(of reflect.Type) []string {
	var names []string
	for _, field := range reflect.VisibleFields(of) {
		for i := 0; field.IsExported() && i < field.Type.NumMethod(); i++ {
			names = append(names, field.Name+"."+field.Type.Method(i).Name)
		}
	}
	return names
}

var argument = regexp.MustCompile(`\\\{[^/]*\\\}`)

func checkCase(t *testing.T, operation api.Operation, tc wireCase) {
	t.Helper()
	method, path, _ := strings.Cut(tc.request, " ")
	template := argument.ReplaceAllString(regexp.QuoteMeta(operation.Path), "[^/]+")
	assert.Equal(t, operation.Method, method, tc.name())
	assert.Regexp(t, "^"+template+"$", path, tc.name())
	assert.True(t, slices.Contains(operation.Statuses, tc.status), tc.name())
	assert.Equal(t, operation.Body != "", tc.body != "", tc.name())
	if operation.Answer != "ResultAnswer" { // which may be missing
		assert.NotEmpty(t, tc.answer, tc.name())
	}
	if names := methods[operation.Name]; names != nil {
		assert.Contains(t, names, "Sources."+tc.method, tc.name())
	}
}

// The cases called "every parameter" hold what they say: a field or a parameter that is added must be added to them.
func TestEveryParameterIsTested(t *testing.T) {
	t.Parallel()
	queries := map[string]any{
		"Jobs.History": everyHistoryParameter(), "Catalog.List": everyCatalogParameter(),
		"Systems.List": unitrends.SystemQuery{IncludePending: drkit.Some(true), IncludeRejected: drkit.Some(true)},
	}
	parameters := map[string][]string{}
	for _, tc := range wireCases(t) {
		if tc.kind == "every parameter" {
			parameters[tc.operation] = tc.query
		}
	}
	for _, operation := range contract.Table.Operations {
		own := slices.DeleteFunc(slices.Clone(operation.Query), func(name string) bool { return name == "sid" })
		assert.Equal(t, len(own) > 0, queries[operation.Name] != nil, operation.Name)
		var names []string
		for _, parameter := range parameters[operation.Name] {
			values, err := url.ParseQuery(parameter)
			assert.NoError(t, err)
			for name := range values {
				names = append(names, name)
			}
		}
		assert.ElementsMatch(t, own, names, operation.Name)
		if query := reflect.ValueOf(queries[operation.Name]); query.IsValid() {
			for i := range query.NumField() {
				assert.Falsef(t, query.Field(i).IsZero(), "%s: field %s is not set", operation.Name, query.Type().Field(i).Name)
			}
		}
	}
}

// Every sample is what some case sends or understands.
func TestEverySampleIsUsed(t *testing.T) {
	t.Parallel()
	used := []string{"sessions_sign_in.request", "sessions_sign_in.answer", "error_unauthorized"} // TestSignIn, TestExpiry
	for _, tc := range wireCases(t) {
		used = append(used, tc.body, cmp.Or(tc.answer, tc.refusal.sample), tc.refusal.sample)
	}
	for _, name := range sampleNames(t) {
		assert.Contains(t, used, name)
	}
}
