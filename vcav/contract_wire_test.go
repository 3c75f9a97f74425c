package vcav_test

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/internal/contract"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// Each operation of the contract has a method and a wire case under its name, and each case keeps to the
// contract.
func TestContractIsCovered(t *testing.T) {
	t.Parallel()
	cases := casesByOperation(t)
	for _, operation := range contract.Table.Operations {
		covered, tested := cases[operation.Name]
		delete(cases, operation.Name)
		method, has := methodOf(operation.Name)
		if assert.Truef(t, has, "vcav.Client has no client.%s", operation.Name) {
			checkMethod(t, operation, method)
		}
		assert.Truef(t, tested, "%s has no wire case: add one to wireCases", operation.Name)
		for _, tc := range covered {
			checkCase(t, operation, tc)
		}
	}
	for name := range cases {
		t.Errorf("the wire case %s is not an operation of the contract", name)
	}
}

// A client has no method without an operation.
func TestEveryMethodIsAnOperation(t *testing.T) {
	t.Parallel()
	everything := func(api.Operation) bool { return true }
	assert.ElementsMatch(t, methodsOf(reflect.TypeFor[vcav.Client]()), operationNames(everything))
}

func casesByOperation(t *testing.T) map[string][]wireCase {
	t.Helper()
	cases := map[string][]wireCase{"Sessions.SignIn": nil} // signInCases
	for _, tc := range wireCases(t) {
		cases[tc.operation] = append(cases[tc.operation], tc)
	}
	return cases
}

// methodOf finds the method of the client that an operation is called by.
func methodOf(operation string) (reflect.Method, bool) {
	resource, name, _ := strings.Cut(operation, ".")
	field, there := reflect.TypeFor[vcav.Client]().FieldByName(resource)
	if !there {
		return reflect.Method{}, false
	}
	return field.Type.MethodByName(name)
}

// methodsOf names the methods of all resources of a client or a view, as operations are named.
func methodsOf(of reflect.Type) []string {
	var names []string
	for _, field := range reflect.VisibleFields(of) {
		for i := 0; field.IsExported() && i < field.Type.NumMethod(); i++ {
			names = append(names, field.Name+"."+field.Type.Method(i).Name)
		}
	}
	return names
}

func operationNames(which func(api.Operation) bool) []string {
	var names []string
	for _, operation := range contract.Table.Operations {
		if which(operation) {
			names = append(names, operation.Name)
		}
	}
	return names
}

// pollers are what operations return that answer a task, by the schema of its result.
var pollers = map[string]reflect.Type{
	"":              reflect.TypeFor[*drkit.Poller[vcav.NoResult]](),
	"CloudHealth":   reflect.TypeFor[*drkit.Poller[vcav.CloudHealth]](),
	"SupportBundle": reflect.TypeFor[*drkit.Poller[vcav.SupportBundle]](),
	"VMReplication": reflect.TypeFor[*drkit.Poller[vcav.VMReplication]](),
}

// answersTask reports whether an operation starts a task, rather than showing one.
func answersTask(operation api.Operation) bool {
	return operation.Answer == "Task" && (operation.Class != api.Read || operation.TaskResult != "")
}

func checkMethod(t *testing.T, operation api.Operation, method reflect.Method) {
	t.Helper()
	signature := method.Type
	assert.Equal(t, reflect.TypeFor[context.Context](), signature.In(1), operation.Name)
	ids := strings.Count(operation.Path, "{")
	for i := range ids {
		assert.Equal(t, reflect.String, signature.In(2+i).Kind(), operation.Name)
	}
	if answersTask(operation) {
		assert.Equal(t, pollers[operation.TaskResult], signature.Out(0), operation.Name)
	}
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
	assert.Equal(t, operation.Answer != "", tc.answer != "", tc.name())
	assert.Equal(t, tc.status == http.StatusOK && operation.Answer == "", tc.file != "", tc.name())
	assert.Equal(t, answersTask(operation), tc.begin != nil, tc.name())
}

// Every sample of a body is what some case sends.
func TestEveryBodyIsSent(t *testing.T) {
	t.Parallel()
	var bodies []string
	for _, tc := range wireCases(t) {
		bodies = append(bodies, tc.body)
	}
	for _, tc := range signInCases() {
		bodies = append(bodies, tc.sample)
	}
	for _, tc := range extensionCases() {
		bodies = append(bodies, tc.samples...)
	}
	for _, name := range sampleNames(t) {
		if strings.HasSuffix(name, ".request") {
			assert.Contains(t, bodies, name)
		}
	}
}

// Every sample of an answer is what some case understands.
func TestEveryAnswerIsUnderstood(t *testing.T) {
	t.Parallel()
	answers := []string{"sessions_sign_in.answer"} // TestSignIn
	for _, tc := range wireCases(t) {
		answers = append(answers, tc.answer, tc.refusal.sample)
	}
	for _, name := range sampleNames(t) {
		if !strings.HasSuffix(name, ".request") {
			assert.Contains(t, answers, name)
		}
	}
}

// The simulator has a route for each operation, and finds nothing wrong with what the client sends: a
// violation of the contract fails the test when the server ends.
func TestSimulatorKnowsEveryOperation(t *testing.T) {
	t.Parallel()
	simulated := simulatedOperations(t)
	var missing []string
	for _, operation := range contract.Table.Operations {
		if !slices.Contains(simulated, operation.Name) {
			missing = append(missing, operation.Name)
		}
	}
	assert.Empty(t, missing, "vcavtest has no route for these operations")
}

// simulatedOperations are those that a server of vcavtest does not answer with a 501. Each is asked for
// with all its wire cases, whose ids the server does not know.
func simulatedOperations(t *testing.T) []string {
	t.Helper()
	names := []string{"Sessions.SignIn"} // or nothing would work
	server := vcavtest.NewServer(t)
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), server.Options()...)
	require.NoError(t, err)
	for _, tc := range wireCases(t) {
		_, err := tc.run(t.Context(), here(client))
		if err == nil || answerOf(t, err).Code != simkit.NotSimulatedCode {
			names = append(names, tc.operation)
		}
	}
	require.NoError(t, client.Close(t.Context()))
	return names
}
