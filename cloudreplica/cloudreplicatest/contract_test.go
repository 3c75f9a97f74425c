package cloudreplicatest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// notInContract is what answers have and the contract leaves out: lists that queries could have, and what of a QueryResult is
// never set.
var notInContract = regexp.MustCompile(`^\$\.Resources`)

// requireContract holds an answer against the schema that the contract has for it.
func requireContract(t testing.TB, method, path string, got reply) {
	t.Helper()
	address, err := url.Parse(path)
	require.NoError(t, err)
	operation, known := operationOf(method, address)
	if !known {
		return
	}
	schema := operation.Answer
	switch {
	case got.status >= http.StatusBadRequest:
		schema = "Error"
	default:
		assert.Contains(t, operation.Statuses, got.status)
		if operation.Reference != "" && address.Query().Get("format") == "" {
			schema = operation.Reference
		}
	}
	if _, declared := contract.Table.Schemas[schema]; !declared || got.body == "" {
		return
	}
	var problems []string
	if strings.HasPrefix(got.header.Get("Content-Type"), asXML) {
		problems = cloudreplicatest.CheckXML(contract.Table, schema, []byte(got.body))
	} else {
		problems = checkAnswer(t, schema, []byte(got.body))
	}
	for _, problem := range problems {
		if !notInContract.MatchString(problem) {
			assert.Fail(t, operation.Name, problem)
		}
	}
}

// checkAnswer holds JSON against the contract, but for nulls, empty lists and answers in camel case.
func checkAnswer(t testing.TB, schema string, body []byte) []string {
	t.Helper()
	var value any
	decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF"))))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&value), string(body))
	if object, is := value.(map[string]any); is {
		for name := range object {
			if name[0] >= 'a' && name[0] <= 'z' {
				return nil
			}
		}
	}
	plain, err := json.Marshal(withoutNulls(value))
	require.NoError(t, err)
	return simkit.CheckJSON(contract.Table, schema, plain)
}

func withoutNulls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, inside := range value {
			if array, is := inside.([]any); inside == nil || (is && len(array) == 0 && len(value) > 1) {
				delete(value, name)
				continue
			}
			value[name] = withoutNulls(inside)
		}
	case []any:
		for i, inside := range value {
			value[i] = withoutNulls(inside)
		}
	}
	return value
}

func operationOf(method string, address *url.URL) (api.Operation, bool) {
	path := address.Path
	if !address.IsAbs() {
		path = "/api" + path
	}
	for _, operation := range contract.Table.Operations {
		if operation.Method == method && operation.Action == address.Query().Get("action") && fits(operation.Path, path) {
			return operation, true
		}
	}
	return api.Operation{}, false
}

func fits(template, path string) bool {
	want, got := strings.Split(template, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return false
	}
	for i := range want {
		if !strings.EqualFold(want[i], got[i]) && !strings.HasPrefix(want[i], "{") {
			return false
		}
	}
	return true
}
