package checkpoints_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

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

// samples returns all samples, and what is in envelopes as samples of their own.
func samples(t *testing.T) wiretest.Samples {
	t.Helper()
	all := wiretest.Samples{
		Table: contract.Table, All: map[string]wiretest.Sample{}, Types: goTypes, Untyped: isUntyped, Carries: keeps,
		Exact: func(schema string) bool { return schema == "OperationDefinition" }, // it comes and goes whole
	}
	all.ReadAll(t, samplesDir, "ErrorAnswer")
	return all
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
