package unitrends_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// goTypes makes a value of the Go type of a schema. Envelopes have none: what is in them has.
var goTypes = map[string]func() any{
	"Asset":               func() any { return new(unitrends.Asset) },
	"CatalogInstance":     func() any { return new(unitrends.CatalogInstance) },
	"ConfigUpdate":        func() any { return new(unitrends.ConfigUpdate) },
	"HistoryJob":          func() any { return new(unitrends.HistoryJob) },
	"InstantRecovery":     func() any { return new(unitrends.InstantRecovery) },
	"Job":                 func() any { return new(unitrends.Job) },
	"JobOrder":            func() any { return new(unitrends.JobOrder) },
	"PendingRequest":      func() any { return new(unitrends.PendingRequest) },
	"QueueEdit":           func() any { return new(unitrends.QueueEdit) },
	"ReplicationConfig":   func() any { return new(unitrends.ReplicationConfig) },
	"ReplicationJobOrder": func() any { return new(unitrends.ReplicationJobOrder) },
	"ReplicationQueue":    func() any { return new(unitrends.ReplicationQueue) },
	"ResultDetail":        func() any { return new(unitrends.ResultDetail) },
	"SourceUpdate":        func() any { return new(unitrends.SourceUpdate) },
	"StorageArea":         func() any { return new(unitrends.StorageArea) },
	"System":              func() any { return new(unitrends.System) },
	"Target":              func() any { return new(unitrends.Target) },
	"TargetRequest":       func() any { return new(unitrends.TargetRequest) },
	"VirtualClient":       func() any { return new(unitrends.VirtualClient) },
}

func isUntyped(schema string) bool { return goTypes[schema] == nil }

// keeps reports whether the Go type of a schema keeps the members that it does not know, which all types of answers
// do.
func keeps(schema string) bool { return contract.Table.Schemas[schema].Open }

func sampleNames(t *testing.T) []string {
	t.Helper()
	return wiretest.Names(t, samplesDir)
}

// samples returns all samples, and what is in envelopes as samples of their own.
func samples(t *testing.T) wiretest.Samples {
	t.Helper()
	all := wiretest.Samples{
		Table: contract.Table, All: map[string]wiretest.Sample{}, Types: goTypes, Untyped: isUntyped, Carries: keeps,
		Exact: func(schema string) bool { return schema == "JobOrder" }, // it comes and goes whole
	}
	all.ReadAll(t, samplesDir, "ResultAnswer")
	return all
}

// What a sample says survives being decoded and encoded again, member by member.
func TestSamplesLoseNothing(t *testing.T) {
	t.Parallel()
	samples(t).LoseNothing(t)
}

// A member that the types of answers do not have is kept, and one that those of requests do not have is noticed.
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

// What a member of Extra is called that the contract lists is not sent twice.
func TestExtraDoesNotRepeatMembers(t *testing.T) {
	t.Parallel()
	order := unitrends.JobOrder{ID: "17", Name: "one", Extra: extra("NAME", `"other"`, "id", "18", "mine", "true")}
	text, err := json.Marshal(order)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":17,"name":"one","mine":true}`, string(text))
}
