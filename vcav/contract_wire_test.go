package vcav_test

import (
	"context"
	"encoding/json"
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

const diagnostics = "diagnostics and support bundles are the matter of issue 4"

// later are the operations that need neither method nor route nor wire case yet, with the reason. Whoever
// builds one takes it off this list: TestNothingIsLateThatIsThere sees to that.
var later = map[string]string{
	"Diagnostics.Health":                diagnostics,
	"Diagnostics.IsConfigured":          diagnostics,
	"SupportBundles.List":               diagnostics,
	"SupportBundles.Generate":           diagnostics,
	"SupportBundles.GenerateWithID":     diagnostics,
	"SupportBundles.CreateCookie":       diagnostics,
	"SupportBundles.Download":           diagnostics,
	"SupportBundles.DownloadWithCookie": diagnostics,
	"SupportBundles.Delete":             diagnostics,
}

// Each operation of the contract has a method and a wire case under its name, and each case keeps to the
// contract.
func TestContractIsCovered(t *testing.T) {
	t.Parallel()
	cases := casesByOperation(t)
	for _, operation := range contract.Table.Operations {
		covered, tested := cases[operation.Name]
		delete(cases, operation.Name)
		if later[operation.Name] != "" {
			continue
		}
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
	assert.ElementsMatch(t, methodsOf(reflect.TypeFor[vcav.Client]()), operationNames(func(operation api.Operation) bool {
		return later[operation.Name] == ""
	}))
}

// The exceptions are operations, and each is one that has neither method, nor wire case, nor route.
func TestNothingIsLateThatIsThere(t *testing.T) {
	t.Parallel()
	cases := casesByOperation(t)
	server := vcavtest.NewServer(t)
	for name := range later {
		operation := operationOf(name)
		require.NotEmptyf(t, operation.Name, "%s is not an operation: take it off the list called later", name)
		_, has := methodOf(name)
		assert.Falsef(t, has, "there is a client.%s: take %[1]s off the list called later", name)
		assert.NotContainsf(t, cases, name, "there is a wire case of %s: take it off the list called later", name)
		assert.Falsef(t, hasRoute(t, server, operation), "vcavtest has a route for %s: take it off the list called later", name)
	}
}

// hasRoute asks a server for an operation that the client does not have, as root. Such operations take no
// body.
func hasRoute(t *testing.T, server *vcavtest.Server, operation api.Operation) bool {
	t.Helper()
	send := func(method, path, body, token string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		request.Header = http.Header{"Accept": {mediaType}, "X-Vcav-Auth": {token}, "Content-Type": {"application/json"}}
		response, err := (&http.Client{Transport: server.Transport()}).Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response
	}
	credentials, err := json.Marshal(map[string]string{
		"type": "localUser", "localUser": server.User, "localPassword": server.Password,
	})
	require.NoError(t, err)
	session := send("POST", "/sessions", string(credentials), "")
	path := regexp.MustCompile(`\{[^/]*\}`).ReplaceAllString(operation.Path, "1")
	if slices.Contains(operation.Query, "cookie") {
		path += "?cookie=1"
	}
	return send(operation.Method, path, "", session.Header.Get("X-VCAV-Auth")).StatusCode != http.StatusNotImplemented
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
	"VMReplication": reflect.TypeFor[*drkit.Poller[vcav.VMReplication]](),
}

// answersTask reports whether an operation starts a task, rather than showing one.
func answersTask(operation api.Operation) bool {
	return operation.Answer == "Task" && operation.Class != api.Read
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
	for _, operation := range contract.Table.Operations {
		for _, name := range sampleNames(t) {
			if later[operation.Name] != "" && strings.HasPrefix(name, snake(operation.Name)+".") {
				answers = append(answers, name)
			}
		}
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
		if later[operation.Name] == "" && !slices.Contains(simulated, operation.Name) {
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
