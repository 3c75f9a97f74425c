package vsphere_test

import (
	"context"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// elsewhere are operations of the session, which have tests of their own.
var elsewhere = []string{"Sessions.SignIn", "Sessions.End", "RemoteSession.SignIn"}

// methodsOf names the methods of an operation.
func methodsOf(operation api.Operation) []string {
	if operation.Name == contract.ReplicationsConfigure.Name {
		return []string{"Replications.Configure", "Replications.ConfigureAll"}
	}
	return []string{operation.Name}
}

// Each operation of the contract has a method and a wire case under its name, and each case keeps to the contract.
func TestContractIsCovered(t *testing.T) {
	t.Parallel()
	require.Len(t, contract.Table.Operations, 46+16, "the published ones, and those of newer servers")
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
		if !slices.Contains(elsewhere, operation.Name) {
			assert.NotEmptyf(t, covered, "%s has no wire case: add one to wireCases", operation.Name)
		}
		for _, tc := range covered {
			checkCase(t, operation, tc)
		}
	}
	for name := range cases {
		t.Errorf("the wire case %s is not an operation of the contract", name)
	}
}

// checkMethod finds the method of a name, at the client or, for what is about a pairing, at its view. What must not
// repeat returns a poller, or several.
func checkMethod(t *testing.T, operation api.Operation, name string) {
	t.Helper()
	resource, method, _ := strings.Cut(name, ".")
	holder, ids := reflect.TypeFor[vsphere.Client](), strings.Count(operation.Path, "{")
	if inView := strings.HasPrefix(operation.Path, "/pairings/{") && resource != "Pairings"; inView {
		holder, ids = reflect.TypeFor[vsphere.PairingView](), ids-1
	}
	field, there := holder.FieldByName(resource)
	if !assert.Truef(t, there, "%s has no %s", holder, name) {
		return
	}
	found, has := field.Type.MethodByName(method)
	if !assert.Truef(t, has, "%s has no %s", holder, name) {
		return
	}
	assert.Equal(t, reflect.TypeFor[context.Context](), found.Type.In(1), name)
	for i := range ids {
		assert.Equal(t, reflect.TypeFor[string](), found.Type.In(2+i), name)
	}
	poller := reflect.TypeFor[*drkit.Poller[vsphere.Task]]()
	returns := found.Type.Out(0)
	startsTask := operation.Class == api.Once && !slices.Contains(elsewhere, operation.Name)
	assert.Equal(t, startsTask, returns == poller || returns == reflect.SliceOf(poller), name)
}

// A client has no method without an operation.
func TestEveryMethodIsAnOperation(t *testing.T) {
	t.Parallel()
	var want []string
	for _, operation := range contract.Table.Operations {
		want = append(want, methodsOf(operation)...)
	}
	got := append(resourceMethods(reflect.TypeFor[vsphere.Client]()), resourceMethods(reflect.TypeFor[vsphere.PairingView]())...)
	assert.ElementsMatch(t, want, got)
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
	assert.NotContains(t, path, ":", tc.name())
	assert.True(t, slices.Contains(operation.Statuses, tc.status), tc.name())
	if operation.BodyRequired || operation.Body == "" {
		assert.Equal(t, operation.Body != "", tc.body != "", tc.name())
	}
	assert.NotEmpty(t, tc.answer, tc.name())
	values, err := url.ParseQuery(tc.query)
	require.NoError(t, err)
	for name := range values {
		assert.Contains(t, operation.Query, name, tc.name())
	}
}

// The cases called "every parameter" hold what they say: a field or a parameter that is added must be added to them.
// All lists with no parameter of their own take the same query.
func TestEveryParameterIsTested(t *testing.T) {
	t.Parallel()
	queries := map[string]any{
		"ReplicationServers.List": everyParameter, "Replications.List": everyReplicationParameter(),
		"Replications.Issues": everyIssueParameter(), "VMs.List": everyVMParameter(),
		"Compute.List": everyInventoryParameter(), "Folders.List": everyInventoryParameter(),
		"Pairings.Break":            vsphere.BreakQuery{Force: drkit.Some(true)},
		"Replications.Delete":       vsphere.RemoveQuery{RetainReplicaDisks: drkit.Some(true)},
		"Replications.Unconfigure":  vsphere.RemoveQuery{RetainReplicaDisks: drkit.Some(true)},
		"Replications.Capabilities": vsphere.CapabilityQuery{VMID: ledgerVM},
	}
	parameters := map[string]string{}
	for _, tc := range wireCases(t) {
		if tc.kind == "every parameter" {
			parameters[tc.operation] = tc.query
		}
	}
	for _, operation := range contract.Table.Operations {
		query, own := queries[operation.Name]
		if plain := slices.Equal(operation.Query, contract.ReplicationServersList.Query); plain && !own {
			continue
		}
		assert.Equal(t, len(operation.Query) > 0, own, operation.Name)
		values, err := url.ParseQuery(parameters[operation.Name])
		require.NoError(t, err)
		var names []string
		for name := range values {
			names = append(names, name)
		}
		assert.ElementsMatch(t, operation.Query, names, operation.Name)
		if fields := reflect.ValueOf(query); fields.IsValid() {
			for i := range fields.NumField() {
				assert.Falsef(t, fields.Field(i).IsZero(), "%s: field %s is not set", operation.Name, fields.Type().Field(i).Name)
			}
		}
	}
}

// Every sample is what some case sends or understands.
func TestEverySampleIsUsed(t *testing.T) {
	t.Parallel()
	used := []string{"sessions_sign_in.answer", "replications_count.partial.answer"} // TestSignIn, TestPartialCount
	for _, tc := range wireCases(t) {
		used = append(used, tc.body, tc.answer, tc.refusal.sample)
	}
	for _, name := range sampleNames(t) {
		assert.Contains(t, used, name)
	}
}

// What is not documented says so: in the contract, and in the doc comment of what is only inferred.
func TestWhatIsNotDocumentedSaysSo(t *testing.T) {
	t.Parallel()
	var inferred []string
	for _, operation := range contract.Table.Operations {
		assert.Contains(t, []string{"documented", "client", "inferred"}, operation.Confidence, operation.Name)
		if operation.Confidence == "inferred" {
			inferred = append(inferred, operation.Name)
		}
	}
	assert.ElementsMatch(t, []string{"Replications.Instance", "Compute.Get", "Folders.Get", "Mappings.List"}, inferred,
		"each of these has Experimental in its doc comment")
}
