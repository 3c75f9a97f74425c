package vcav_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// Each operation of the contract has a method and a wire case under its name, and each case keeps to the
// contract.
func TestContractIsCovered(t *testing.T) {
	t.Parallel()
	cases := map[string][]wireCase{"Sessions.SignIn": nil}
	for _, tc := range wireCases(t) {
		cases[tc.operation] = append(cases[tc.operation], tc)
	}
	for _, operation := range contract.Table.Operations {
		resource, method, _ := strings.Cut(operation.Name, ".")
		field := reflect.ValueOf(&vcav.Client{}).Elem().FieldByName(resource)
		if assert.Truef(t, field.IsValid(), "vcav.Client has no field %s for %s", resource, operation.Name) {
			_, has := field.Type().MethodByName(method)
			assert.Truef(t, has, "client.%s has no method %s", resource, method)
		}
		covered, tested := cases[operation.Name]
		assert.Truef(t, tested, "%s has no wire case: add one to cases_wire_test.go", operation.Name)
		for _, tc := range covered {
			checkCase(t, operation, tc)
		}
		delete(cases, operation.Name)
	}
	for name := range cases {
		t.Errorf("the wire case %s is not an operation of the contract", name)
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
	_, task := tc.want.(taskOf)
	assert.Equal(t, operation.TaskResult != "", task, tc.name())
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
	for _, name := range sampleNames(t) {
		if strings.HasSuffix(name, ".request") {
			assert.Contains(t, bodies, name)
		}
	}
}
