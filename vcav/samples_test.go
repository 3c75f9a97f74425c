package vcav_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// goTypes makes a value of the Go type of a schema. What holds a secret has none that is exported: the
// tests of sign-ins and session extensions compare what is sent with their samples.
var goTypes = map[string]func() any{
	"About":               func() any { return new(vcav.About) },
	"APIError":            func() any { return new(vcav.APIError) },
	"CloudFailover":       func() any { return new(vcav.CloudFailover) },
	"CloudFailoverTest":   func() any { return new(vcav.CloudFailoverTest) },
	"CloudHealth":         func() any { return new(vcav.CloudHealth) },
	"CloudMigrate":        func() any { return new(vcav.CloudMigrate) },
	"ConfigurationState":  func() any { return new(vcav.ConfigurationState) },
	"ExcludedDisks":       func() any { return new([]int) },
	"InstanceDetails":     func() any { return new(vcav.InstanceDetails) },
	"Instances":           func() any { return new([]vcav.Instance) },
	"Policies":            func() any { return new([]vcav.Policy) },
	"Policy":              func() any { return new(vcav.Policy) },
	"PolicySettings":      func() any { return new(vcav.PolicySettings) },
	"PolicyStatuses":      func() any { return new([]vcav.PolicyStatus) },
	"Reconfigure":         func() any { return new(reconfigureSample) },
	"ReplicationStart":    func() any { return new(startSample) },
	"Series":              func() any { return new(vcav.Series) },
	"Session":             func() any { return new(vcav.Session) },
	"SupportBundle":       func() any { return new(vcav.SupportBundle) },
	"SupportBundles":      func() any { return new([]vcav.SupportBundle) },
	"Task":                func() any { return new(vcav.Task) },
	"TaskIDs":             func() any { return new([]string) },
	"TaskPage":            func() any { return new(vcav.TaskPage) },
	"TaskTable":           func() any { return new(vcav.TaskTable) },
	"VCenterFailover":     func() any { return new(vcav.VCenterFailover) },
	"VCenterFailoverTest": func() any { return new(vcav.VCenterFailoverTest) },
	"VCenterMigrate":      func() any { return new(vcav.VCenterMigrate) },
	"VirtualHardware":     func() any { return new(vcav.VirtualHardware) },
	"VMReplication":       func() any { return new(vcav.VMReplication) },
	"VMReplicationPage":   func() any { return new(vcav.VMReplicationPage) },
}

// isSecret reports whether a schema has no Go type because it holds a secret.
func isSecret(schema string) bool {
	return strings.HasSuffix(schema, "SignIn") || strings.HasSuffix(schema, "Extension") || schema == "BundleCookie"
}

// carries reports whether the Go type of a schema keeps the members that it does not know.
func carries(schema string) bool { return schema == "Policy" || schema == "PolicySettings" }

// unusual are the schemas of samples that are not what the contract says of their operation.
var unusual = map[string]string{
	"diagnostics_health.before_4_1":    "CloudHealth", // no task was needed
	"diagnostics_health.nested.result": "Task",        // of 4.5 and 4.6, whose result is the health
}

// sample is a JSON value with its schema.
type sample struct {
	schema string
	text   string
}

// samples returns all samples by name, and the results of the tasks among them.
func samples(t *testing.T) map[string]sample {
	t.Helper()
	all := map[string]sample{}
	for _, name := range sampleNames(t) {
		one := sample{schemaOf(t, name), testdata(t, name)}
		for all[name] = one; one.schema == "Task" && resultOf(name) != ""; all[name] = one {
			var task struct{ Result json.RawMessage }
			require.NoError(t, json.Unmarshal([]byte(one.text), &task))
			if string(task.Result) == "null" {
				break
			}
			name += ".result"
			one = sample{resultOf(name), string(task.Result)}
		}
	}
	return all
}

func sampleNames(t *testing.T) []string {
	t.Helper()
	return wiretest.Names(t, "../testdata/vcav")
}

// schemaOf finds the schema of a sample by its name, which begins with the operation.
func schemaOf(t *testing.T, name string) string {
	t.Helper()
	if strings.HasPrefix(name, "error") {
		return "APIError"
	}
	if schema := unusual[name]; schema != "" {
		return schema
	}
	prefix, rest, _ := strings.Cut(name, ".")
	for _, operation := range contract.Table.Operations {
		if snake(operation.Name) != prefix {
			continue
		}
		if !strings.HasSuffix(rest, "request") {
			return operation.Answer
		}
		union := contract.Table.Schemas[operation.Body]
		if union.Discriminator == "" {
			return operation.Body
		}
		var body map[string]any
		require.NoError(t, json.Unmarshal([]byte(testdata(t, name)), &body))
		kind, _ := body[union.Discriminator].(string)
		return union.Cases[kind]
	}
	t.Errorf("%s.json is a sample of no operation", name)
	return ""
}

// resultOf returns the schema of the result of a task that is a sample; empty is unknown or none.
func resultOf(name string) string {
	if schema := unusual[name]; schema != "" {
		return schema
	}
	prefix, _, _ := strings.Cut(name, ".")
	if prefix == "tasks_get" {
		return "VMReplication" // those that have one
	}
	for _, operation := range contract.Table.Operations {
		if snake(operation.Name) == prefix {
			return operation.TaskResult
		}
	}
	return ""
}

func snake(name string) string { return wiretest.Snake(name) }

// walk is what all services are held to by their samples.
func walk(t *testing.T) wiretest.Samples {
	t.Helper()
	all := map[string]wiretest.Sample{}
	for name, one := range samples(t) {
		all[name] = wiretest.Sample{Schema: one.schema, Text: one.text}
	}
	return wiretest.Samples{
		Table: contract.Table, All: all, Types: goTypes, Untyped: isSecret, Carries: carries,
		Exact: func(schema string) bool { return carries(schema) || schema == "Policies" },
	}
}

// What a sample says survives being decoded and encoded again, member by member.
func TestSamplesLoseNothing(t *testing.T) {
	t.Parallel()
	walk(t).LoseNothing(t)
}

// A member that the types do not have is noticed, in whatever object it appears; but a policy keeps it.
func TestLossesAreNoticed(t *testing.T) {
	t.Parallel()
	walk(t).NoticeLosses(t)
}

// So is a member whose value the types cannot hold, and one that is made up on the way.
func TestChangesAreNoticed(t *testing.T) {
	t.Parallel()
	different := func(before, after, schema string) []string {
		var a, b any
		wiretest.Decode(t, []byte(before), &a)
		wiretest.Decode(t, []byte(after), &b)
		return walk(t).Comparison(schema).Differences("", a, b, api.Member{Schema: schema})
	}
	const instance = `{"key":"a","sequenceNumber":1,"timestamp":2,"transferBytes":3,"transferSeconds":4,"quiescedType":null,"isPinned":false}`
	for after, want := range map[string][]string{
		instance: nil,
		strings.Replace(instance, "null", `""`, 1):                  nil,                                 // it may be null
		strings.Replace(instance, `"a"`, `""`, 1):                   {`.key: a became ""`},               // it may not
		strings.Replace(instance, `:2,`, `:-1,`, 1):                 {`.timestamp: 2 became -1`},         // another value
		strings.Replace(instance, `,"isPinned":false`, ``, 1):       {`.isPinned: false became nothing`}, // it is required
		strings.Replace(instance, `"key"`, `"pets":null,"key"`, 1):  {`.pets: nothing became null`},      // it is not known
		strings.Replace(instance, `"isPinned":false`, `"a":"b"`, 1): {".a: nothing became b", ".isPinned: false became nothing"},
	} {
		assert.Equal(t, want, different(instance, after, "Instance"), after)
	}
}

// Null, zero and nothing are the same in answers, and there only where the contract lets a member be null
// or left out. In what is sent, and in policies, which come and go whole, they differ.
func TestNothingsAreTheSameWhereDocumented(t *testing.T) {
	t.Parallel()
	null, zero, absent := `{"m":null}`, `{"m":""}`, `{}`
	for name, tc := range map[string]struct {
		member  api.Member
		request bool
		same    [][2]string
	}{
		"required":              {api.Member{Required: true}, false, nil},
		"required and nullable": {api.Member{Required: true, Nullable: true}, false, [][2]string{{null, zero}}},
		"optional":              {api.Member{}, false, [][2]string{{absent, zero}}},
		"optional and nullable": {api.Member{Nullable: true}, false, [][2]string{{null, zero}, {absent, zero}, {null, absent}}},
		"sent":                  {api.Member{Nullable: true}, true, nil},
	} {
		tc.member.Name, tc.member.Type = "m", "string"
		schema := api.Schema{Members: []api.Member{tc.member}}
		for _, pair := range [][2]string{{null, zero}, {absent, zero}, {null, absent}} {
			var before, after map[string]any
			wiretest.Decode(t, []byte(pair[0]), &before)
			wiretest.Decode(t, []byte(pair[1]), &after)
			there, back := wiretest.Comparison{Exact: tc.request}, wiretest.Comparison{Exact: tc.request}
			same := len(there.DifferentMembers("", before, after, schema)) == 0
			assert.Equal(t, slices.Contains(tc.same, pair), same, "%s: %s and %s", name, pair[0], pair[1])
			assert.Equal(t, same, len(back.DifferentMembers("", after, before, schema)) == 0, "%s, the other way round", name)
		}
	}
	exact := map[string]bool{}
	for name := range goTypes {
		exact[name] = walk(t).Comparison(name).Exact
	}
	for _, name := range []string{"CloudFailover", "VCenterMigrate", "ReplicationStart", "Reconfigure", "ExcludedDisks", "Policy", "PolicySettings", "TaskIDs"} {
		assert.True(t, exact[name], name)
	}
	for _, name := range []string{"Task", "VMReplication", "Session", "VirtualHardware", "TaskPage"} {
		assert.False(t, exact[name], name)
	}
}

// Each member of the contract has a value in some sample, so that the tests above see all of them.
func TestEveryMemberIsInASample(t *testing.T) {
	t.Parallel()
	walk(t).ShowEveryMember(t)
}

// A request sample is one that the contract allows, and an answer sample one that it describes.
func TestSamplesFitTheContract(t *testing.T) {
	t.Parallel()
	walk(t).FitTheContract(t)
}

// Each operation has a sample of its answer, and each kind of body one of its own.
func TestEveryOperationHasSamples(t *testing.T) {
	t.Parallel()
	walk(t).AreComplete(t)
}
