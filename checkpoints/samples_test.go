package checkpoints_test

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/wiretest"
)

func isUntyped(schema string) bool { return goTypes[schema] == nil }

// keeps reports whether the Go type of a schema keeps the members that it does not know.
func keeps(schema string) bool {
	if isUntyped(schema) {
		return false
	}
	_, extra := reflect.TypeOf(goTypes[schema]()).Elem().FieldByName("Extra")
	return extra
}

func sampleNames(t *testing.T) []string {
	t.Helper()
	return wiretest.Names(t, samplesDir)
}

// schemaOf finds the schema of a sample by its name, which begins with the operation.
func schemaOf(t *testing.T, name string) string {
	t.Helper()
	before, rest, _ := strings.Cut(name, ".")
	if strings.HasPrefix(name, "error") {
		return "ErrorAnswer"
	}
	for _, operation := range contract.Table.Operations {
		if wiretest.Snake(operation.Name) != before {
			continue
		}
		if strings.HasSuffix(rest, "request") {
			return operation.Body
		}
		return operation.Answer
	}
	t.Errorf("%s.json is a sample of no operation", name)
	return ""
}

// samples returns all samples, and what is in envelopes as samples of their own.
func samples(t *testing.T) wiretest.Samples {
	t.Helper()
	found := map[string]wiretest.Sample{}
	for _, name := range sampleNames(t) {
		open(t, found, name, wiretest.Sample{Schema: schemaOf(t, name), Text: testdata(t, name)})
	}
	return wiretest.Samples{
		Table: contract.Table, All: found, Types: goTypes, Untyped: isUntyped, Carries: keeps,
		Exact: func(schema string) bool { return schema == "OperationDefinition" }, // it comes and goes whole
	}
}

// open keeps a sample and, where its schema is an envelope, the samples in it.
func open(t *testing.T, found map[string]wiretest.Sample, name string, one wiretest.Sample) {
	t.Helper()
	found[name] = one
	if !isUntyped(one.Schema) {
		return
	}
	schema := contract.Table.Schemas[one.Schema]
	if schema.Type == "array" {
		var elements []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(one.Text), &elements), name)
		for i, element := range elements {
			if schema.Items.Schema != "" {
				open(t, found, name+"["+strconv.Itoa(i)+"]", wiretest.Sample{Schema: schema.Items.Schema, Text: string(element)})
			}
		}
		return
	}
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(one.Text), &members), name)
	for _, member := range schema.Members {
		if text, there := members[member.Name]; there && member.Schema != "" {
			open(t, found, name+"."+member.Name, wiretest.Sample{Schema: member.Schema, Text: string(text)})
		}
	}
}

// What a sample says survives being decoded and encoded again, member by member.
func TestSamplesLoseNothing(t *testing.T) {
	t.Parallel()
	samples(t).LoseNothing(t)
}

// A member that the types do not have is noticed, and one of a definition that is written back is kept.
func TestLossesAreNoticed(t *testing.T) {
	t.Parallel()
	samples(t).NoticeLosses(t)
}

// Each member of the contract has a value in some sample, so that the tests above see all of them.
func TestEveryMemberIsInASample(t *testing.T) {
	t.Parallel()
	samples(t).ShowEveryMember(t)
}

// A request sample is one that the contract allows, and an answer sample one that it describes.
func TestSamplesFitTheContract(t *testing.T) {
	t.Parallel()
	samples(t).FitTheContract(t)
}

// Each operation has a sample of its answer, and each kind of body one of its own.
func TestEveryOperationHasSamples(t *testing.T) {
	t.Parallel()
	samples(t).AreComplete(t)
}

// The filter of a search is written by hand: it has what the contract has.
func TestTagFilterHasEveryMember(t *testing.T) {
	t.Parallel()
	names := []string{"action", "limit", "offset"} // which the client fills in
	filter := reflect.TypeFor[checkpoints.TagFilter]()
	for i := range filter.NumField() {
		if name, _, _ := strings.Cut(filter.Field(i).Tag.Get("json"), ","); name != "-" {
			names = append(names, name)
		}
	}
	var want []string
	for _, member := range contract.Table.Schemas["TagFilter"].Members {
		want = append(want, member.Name)
	}
	assert.ElementsMatch(t, want, names)
}
