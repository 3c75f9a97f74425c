package cloudreplica_test

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/cloudreplica/internal/wire"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// goTypes makes a value of the Go type of a schema. Lists have none: what is in them has.
var goTypes = map[string]func() any{
	"BackupServer":                     func() any { return new(cloudreplica.BackupServer) },
	"CloudFailoverPlan":                func() any { return new(cloudreplica.CloudFailoverPlan) },
	"CloudFailoverSession":             func() any { return new(cloudreplica.CloudFailoverSession) },
	"CloudFailoveredVm":                func() any { return new(cloudreplica.CloudFailoveredVM) },
	"CloudGateway":                     func() any { return new(cloudreplica.CloudGateway) },
	"CloudGatewayPool":                 func() any { return new(cloudreplica.CloudGatewayPool) },
	"CloudHardwarePlan":                func() any { return new(cloudreplica.CloudHardwarePlan) },
	"CloudReplica":                     func() any { return new(cloudreplica.CloudReplica) },
	"CloudSubtenant":                   func() any { return new(cloudreplica.CloudSubtenant) },
	"CloudTenant":                      func() any { return new(cloudreplica.CloudTenant) },
	"CloudTenantComputeResource":       func() any { return new(cloudreplica.CloudTenantComputeResource) },
	"CloudTenantFreeLicenseCounters":   func() any { return new(cloudreplica.CloudTenantFreeLicenseCounters) },
	"CloudTenantResource":              func() any { return new(cloudreplica.CloudTenantResource) },
	"CloudTenantVCloudComputeResource": func() any { return new(cloudreplica.CloudTenantVCloudComputeResource) },
	"CloudVmReplicaPoint":              func() any { return new(cloudreplica.CloudVMReplicaPoint) },
	"EntityRef":                        func() any { return new(cloudreplica.EntityRef) },
	"LogonSession":                     func() any { return new(cloudreplica.LogonSession) },
	"SupportedVersion":                 func() any { return new(cloudreplica.SupportedVersion) },
	"SystemSession":                    func() any { return new(cloudreplica.SystemSession) },
	"Task":                             func() any { return new(cloudreplica.Task) },
}

// requestTypes are those that clients send: they cannot be read, since they hold secrets and options.
var requestTypes = []string{
	"BackupResourceSpec", "CloudFailoverPlanEdit", "CloudFailoverPlanManagementSpec", "CloudSubtenantCreateSpec",
	"CloudSubtenantEdit", "CloudTenantEdit", "ComputeResourceSpec", "CreateCloudTenantSpec", "LoginSpec",
	"VCloudComputeResourceSpec",
}

// sampleNames returns the names of all samples. Each is there in both encodings.
func sampleNames(t testing.TB) []string {
	t.Helper()
	entries, err := os.ReadDir(samplesDir)
	require.NoError(t, err)
	found := map[string][]string{}
	for _, entry := range entries {
		dot := strings.LastIndexByte(entry.Name(), '.')
		name, extension := entry.Name()[:dot], entry.Name()[dot:]
		found[name] = append(found[name], extension)
	}
	var names []string
	for name, extensions := range found {
		assert.Equal(t, []string{".json", ".xml"}, extensions, name)
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// schemaOf finds the schema of a sample by its name, which begins with the operation.
func schemaOf(t testing.TB, name string) string {
	t.Helper()
	prefix, rest, _ := strings.Cut(name, ".")
	if strings.HasPrefix(name, "error") {
		return "Error"
	}
	for _, operation := range contract.Table.Operations {
		switch {
		case wiretest.Snake(operation.Name) != prefix:
		case strings.HasSuffix(rest, "request"):
			return operation.Body
		case operation.Reference != "" && strings.HasPrefix(rest, "ref"):
			return operation.Reference
		default:
			return operation.Answer
		}
	}
	t.Errorf("%s is a sample of no operation", name)
	return ""
}

// plain returns a value of a schema without what JSON puts around lists, and without what stands for nothing.
func plain(t testing.TB, member api.Member, value any) any {
	t.Helper()
	schema := contract.Table.Schemas[member.Schema]
	if object, isObject := value.(map[string]any); isObject && schema.Wrapper != "" {
		require.Len(t, object, 1, schema.Name)
		require.Contains(t, object, schema.Wrapper, schema.Name)
		value = object[schema.Wrapper]
	}
	switch value := value.(type) {
	case []any:
		for i := range value {
			value[i] = plain(t, *schema.Items, value[i])
		}
		if len(value) == 0 {
			return nil
		}
	case map[string]any:
		for _, known := range schema.Members {
			value[known.Name] = plain(t, known, value[known.Name])
		}
		for name, one := range value {
			if one == nil || one == "1753-01-01T00:00:00Z" {
				delete(value, name)
			}
		}
	}
	return value
}

// plainSample returns a sample as it would be without the quirks of the service.
func plainSample(t testing.TB, name string) wiretest.Sample {
	t.Helper()
	schema := schemaOf(t, name)
	var value any
	require.NoError(t, json.Unmarshal([]byte(read(t, name+".json")), &value), name)
	data, err := json.Marshal(plain(t, api.Member{Schema: schema}, value))
	require.NoError(t, err)
	return wiretest.Sample{Schema: schema, Text: string(data)}
}

// valueOf returns what a sample says, by way of encoding/json alone.
func valueOf[T any](t testing.TB, name string) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal([]byte(plainSample(t, name).Text), &value), name)
	return value
}

// samples returns all samples, and what is in lists as samples of their own.
func samples(t *testing.T) wiretest.Samples {
	t.Helper()
	found := map[string]wiretest.Sample{}
	for _, name := range sampleNames(t) {
		one := plainSample(t, name)
		found[name] = one
		if schema := contract.Table.Schemas[one.Schema]; schema.Type == "array" {
			var items []json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(one.Text), &items))
			for i, item := range items {
				found[name+"["+string(rune('0'+i))+"]"] = wiretest.Sample{Schema: schema.Items.Schema, Text: string(item)}
			}
		}
	}
	return wiretest.Samples{
		Table: contract.Table, All: found, Types: goTypes,
		Untyped: func(schema string) bool { return goTypes[schema] == nil },
		Carries: func(string) bool { return false },
	}
}

// What a sample says survives being decoded and encoded again, member by member.
func TestSamplesLoseNothing(t *testing.T) {
	t.Parallel()
	samples(t).LoseNothing(t)
}

// A member that the types do not have is noticed.
func TestLossesAreNoticed(t *testing.T) {
	t.Parallel()
	samples(t).NoticeLosses(t)
}

// Each member of the contract has a value in some sample, but for those that no answer shows.
func TestEveryMemberIsInASample(t *testing.T) {
	t.Parallel()
	all := samples(t)
	all.Table.Schemas = map[string]api.Schema{}
	for name, schema := range contract.Table.Schemas {
		if strings.HasSuffix(name, "Fields") || name == "Entity" || name == "Resource" {
			continue // no document has fields of queries, and what all have in common is checked in each
		}
		schema.Members = slices.DeleteFunc(slices.Clone(schema.Members), func(m api.Member) bool {
			return m.Name == "Password" && schema.Open // empty in answers
		})
		all.Table.Schemas[name] = schema
	}
	all.ShowEveryMember(t)
}

// A request sample is one that the contract allows, and an answer sample one that it describes.
func TestSamplesFitTheContract(t *testing.T) {
	t.Parallel()
	all := samples(t) // without what is put around lists
	all.Table.Schemas = maps.Clone(all.Table.Schemas)
	for name, schema := range all.Table.Schemas {
		schema.Wrapper = ""
		all.Table.Schemas[name] = schema
	}
	all.FitTheContract(t)
}

// Each operation has a sample of its answer, and each body one of its own.
func TestEveryOperationHasSamples(t *testing.T) {
	t.Parallel()
	names := sampleNames(t)
	for _, operation := range contract.Table.Operations {
		prefix := wiretest.Snake(operation.Name)
		has := func(begin, end string) bool {
			return slices.ContainsFunc(names, func(name string) bool {
				return strings.HasPrefix(name, prefix+begin) && strings.HasSuffix(name, end)
			})
		}
		assert.Equal(t, operation.Answer != "", has(".", ".answer"), operation.Name)
		assert.Equal(t, operation.Body != "", has(".", ".request"), operation.Name)
		assert.Equal(t, operation.Reference != "" || operation.Name == "Query.Find", has("", ".ref.answer") || has("", ".refs.answer"), operation.Name)
	}
}

// Both encodings of a sample are read into the same value, which is what encoding/json makes of it without the quirks.
func TestEncodingsSayTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range sampleNames(t) {
		schema := schemaOf(t, name)
		item := contract.Table.Schemas[schema].Items
		target := func() any { return nil }
		switch {
		case goTypes[schema] != nil:
			target = goTypes[schema]
		case item != nil && goTypes[item.Schema] != nil:
			target = func() any {
				return reflect.New(reflect.SliceOf(reflect.TypeOf(goTypes[item.Schema]()).Elem())).Interface()
			}
		default:
			continue // requests, and what is opened where it arrives
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := target()
			require.NoError(t, json.Unmarshal([]byte(plainSample(t, name).Text), want))
			for _, speaks := range dialects() {
				got := target()
				require.NoError(t, wire.Decode([]byte(speaks.answer(t, read(t, name+speaks.extension))), got), speaks.name)
				assert.Equal(t, want, got, speaks.name)
			}
		})
	}
}

// Every schema is read or sent.
func TestTypesOfSamplesAreKnown(t *testing.T) {
	t.Parallel()
	for _, operation := range contract.Table.Operations {
		if operation.Body != "" {
			assert.Contains(t, requestTypes, operation.Body, operation.Name)
		}
	}
}
