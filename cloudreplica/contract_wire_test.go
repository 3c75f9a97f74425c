package cloudreplica_test

import (
	"context"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
)

// found are the resources that queries find.
var found = []string{
	"VMReplicaPoints", "Replicas", "FailoverPlans", "FailoverSessions", "Tenants", "HardwarePlans", "Gateways", "GatewayPools",
	"BackupServers",
}

// methodsOf returns the methods of an operation: those with a reference form have one for it.
func methodsOf(operation api.Operation) []string {
	resource, method, _ := strings.Cut(operation.Name, ".")
	switch {
	case operation.Name == "Query.Find":
		var names []string
		for _, one := range found {
			names = append(names, one+".Query", one+".QueryRefs")
		}
		return names
	case operation.Reference != "" && method == "List":
		return []string{operation.Name, resource + ".Refs"}
	case operation.Reference != "":
		return []string{operation.Name, resource + ".Ref"}
	default:
		return []string{operation.Name}
	}
}

// Each operation of the contract has its methods, each of them a wire case, and each case keeps to the contract.
func TestContractIsCovered(t *testing.T) {
	t.Parallel()
	cases := map[string][]wireCase{}
	for _, tc := range wireCases(t) {
		cases[tc.called()] = append(cases[tc.called()], tc)
	}
	for _, operation := range contract.Table.Operations {
		for _, name := range methodsOf(operation) {
			covered := cases[name]
			delete(cases, name)
			checkMethod(t, operation, name)
			if name == "Sessions.SignIn" || name == "Sessions.End" {
				continue // TestSignIn, TestSignOut
			}
			assert.NotEmptyf(t, covered, "%s has no wire case: add one to wireCases", name)
			for _, tc := range covered {
				assert.Equal(t, operation.Name, tc.operation)
				checkCase(t, operation, tc)
			}
		}
	}
	for name := range cases {
		t.Errorf("the wire case %s is of no operation of the contract", name)
	}
}

// checkMethod finds the method of a name. What must not repeat returns a poller.
func checkMethod(t *testing.T, operation api.Operation, name string) {
	t.Helper()
	resource, method, _ := strings.Cut(name, ".")
	field, there := reflect.TypeFor[cloudreplica.Client]().FieldByName(resource)
	if !assert.Truef(t, there, "cloudreplica.Client has no client.%s", name) {
		return
	}
	calls, has := field.Type.MethodByName(method)
	if !assert.Truef(t, has, "cloudreplica.Client has no client.%s", name) {
		return
	}
	assert.Equal(t, reflect.TypeFor[context.Context](), calls.Type.In(1), name)
	for i := range strings.Count(operation.Path, "{") {
		if operation.Name != "Sessions.End" { // which ends that of the client
			assert.Equal(t, reflect.TypeFor[string](), calls.Type.In(2+i), name)
		}
	}
	once := operation.Class == api.Once && !operation.Anonymous
	isPoller := strings.HasPrefix(calls.Type.Out(0).String(), "*drkit.Poller[")
	assert.Equal(t, once, isPoller, name)
}

// A client has no method without an operation.
func TestEveryMethodIsAnOperation(t *testing.T) {
	t.Parallel()
	var names []string
	want := []string{"FailoverPlans.State"} // which asks for several
	for _, operation := range contract.Table.Operations {
		want = append(want, methodsOf(operation)...)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[cloudreplica.Client]()) {
		for i := 0; field.IsExported() && i < field.Type.NumMethod(); i++ {
			names = append(names, field.Name+"."+field.Type.Method(i).Name)
		}
	}
	assert.ElementsMatch(t, want, names)
}

var argument = regexp.MustCompile(`\\\{[^/]*\\\}`)

func checkCase(t *testing.T, operation api.Operation, tc wireCase) {
	t.Helper()
	method, path := tc.target()
	template := argument.ReplaceAllString(regexp.QuoteMeta(operation.Path), "[^/]+")
	assert.Equal(t, operation.Method, method, tc.name())
	assert.Regexp(t, "^"+template+"$", path, tc.name())
	assert.Equal(t, operation.Action != "", strings.HasSuffix(tc.request, "?action="+operation.Action), tc.name())
	assert.True(t, slices.Contains(operation.Statuses, tc.status), tc.name())
	assert.Equal(t, operation.Body != "", tc.body != "", tc.name())
	assert.Equal(t, operation.Answer != "", tc.answer != "", tc.name())
}

// What must not repeat takes the service's word for a session that has ended as proof that nothing ran.
func TestRefusalsAreListed(t *testing.T) {
	t.Parallel()
	for _, operation := range contract.Table.Operations {
		if operation.Class == api.Once && !operation.Anonymous {
			assert.Equal(t, []string{"401"}, operation.Refusals, operation.Name)
		}
	}
}

// Operations that share a path and a method are told apart by their action, and the page of all operations shows both.
func TestActionsAreOnThePage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("OPERATIONS.md")
	require.NoError(t, err)
	actions := 0
	for _, operation := range contract.Table.Operations {
		if operation.Action != "" {
			actions++
			assert.Contains(t, string(page), "`"+operation.Method+" "+operation.Path+"?action="+operation.Action+"`")
		}
	}
	assert.Equal(t, 4, actions)
}

// Every sample is what some case sends or understands.
func TestEverySampleIsUsed(t *testing.T) {
	t.Parallel()
	used := []string{ // TestSignIn, TestNoCloudConnect, TestExpiry
		"sessions_sign_in.answer", "sessions_sign_in.tenant.answer", "sessions_sign_in.tenant.request",
		"sessions_sign_in.organization.request", "sessions_sign_in.no_cloud.answer", "error_unauthorized",
	}
	for _, tc := range wireCases(t) {
		used = append(used, tc.body, tc.answer, tc.refusal.sample)
	}
	for _, name := range sampleNames(t) {
		assert.Contains(t, used, name)
	}
}
