package wiretest

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// Samples are the wire samples of a service, and what its contract says of them.
type Samples struct {
	Table api.Table
	All   map[string]Sample // by name
	// Types makes a value of the Go type of each schema that has one.
	Types map[string]func() any
	// Untyped reports whether a schema has no Go type, because it holds a secret or is opened where it arrives.
	Untyped func(schema string) bool
	// Carries reports whether the Go type of a schema keeps the members that it does not know.
	Carries func(schema string) bool
	// Exact reports whether null, zero and nothing differ in a schema although clients do not send it; nil for none.
	Exact func(schema string) bool
}

// Sample is a JSON value with its schema.
type Sample struct{ Schema, Text string }

// Read returns a sample of a folder.
func Read(t testing.TB, folder, name string) string {
	t.Helper()
	data, err := os.ReadFile(folder + "/" + name + ".json") //nolint:gosec // a sample that a test names
	require.NoError(t, err)
	return string(data)
}

// Open keeps a sample in found and, where its schema is an envelope, what is in it as samples of their own.
func (s Samples) Open(t testing.TB, found map[string]Sample, name string, one Sample) {
	t.Helper()
	found[name] = one
	if !s.Untyped(one.Schema) {
		return
	}
	schema := s.Table.Schemas[one.Schema]
	if schema.Type == "array" {
		var elements []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(one.Text), &elements), name)
		for i, element := range elements {
			if schema.Items.Schema != "" {
				s.Open(t, found, name+"["+strconv.Itoa(i)+"]", Sample{Schema: schema.Items.Schema, Text: string(element)})
			}
		}
		return
	}
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(one.Text), &members), name)
	for _, member := range schema.Members {
		if text, there := members[member.Name]; there && member.Schema != "" && string(text) != "null" {
			s.Open(t, found, name+"."+member.Name, Sample{Schema: member.Schema, Text: string(text)})
		}
	}
}

// ReadAll adds the samples of a folder, and what is in envelopes as samples of their own. Their names begin with the
// operation, but for errors, which are all of one schema.
func (s Samples) ReadAll(t testing.TB, folder, errorSchema string) {
	t.Helper()
	for _, name := range Names(t, folder) {
		schema := errorSchema
		if !strings.HasPrefix(name, "error") {
			schema = s.schemaOf(t, name)
		}
		s.Open(t, s.All, name, Sample{Schema: schema, Text: Read(t, folder, name)})
	}
}

// schemaOf finds the schema of a sample by its name.
func (s Samples) schemaOf(t testing.TB, name string) string {
	t.Helper()
	prefix, rest, _ := strings.Cut(name, ".")
	for _, operation := range s.Table.Operations {
		switch {
		case Snake(operation.Name) != prefix:
		case strings.HasSuffix(rest, "request"):
			return operation.Body
		default:
			return operation.Answer
		}
	}
	t.Errorf("%s.json is a sample of no operation", name)
	return ""
}

// Names returns the names of the samples in a folder.
func Names(t testing.TB, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		name, isSample := strings.CutSuffix(entry.Name(), ".json")
		require.True(t, isSample, entry.Name())
		names = append(names, name)
	}
	return names
}

// Snake turns VMReplications.CleanUpTestFailover into vm_replications_clean_up_test_failover.
func Snake(name string) string {
	name = strings.NewReplacer("VM", "Vm", "ID", "Id", ".", "").Replace(name)
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// typed returns the samples whose schema has a Go type.
func (s Samples) typed() map[string]Sample {
	all := maps.Clone(s.All)
	maps.DeleteFunc(all, func(_ string, one Sample) bool { return s.Untyped(one.Schema) })
	return all
}

// LoseNothing checks that what a sample says survives being decoded and encoded again, member by member.
func (s Samples) LoseNothing(t *testing.T) {
	t.Helper()
	for name, one := range s.typed() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Empty(t, s.losses(t, one.Schema, []byte(one.Text)))
		})
	}
}

// NoticeLosses checks that a member which the types do not have is noticed, in whatever object it appears, unless
// the type keeps it.
func (s Samples) NoticeLosses(t *testing.T) {
	t.Helper()
	for name, one := range s.typed() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var value any
			Decode(t, []byte(one.Text), &value)
			eachObject(s.Table, "", value, api.Member{Schema: one.Schema}, func(place, schema string, object map[string]any) {
				object["madeUp"] = json.Number("1")
				changed, err := json.Marshal(value)
				require.NoError(t, err)
				var want []string
				if !s.Carries(schema) {
					want = []string{place + ".madeUp: 1 became nothing"}
				}
				assert.Equal(t, want, s.losses(t, one.Schema, changed))
				delete(object, "madeUp")
			})
		})
	}
}

// ShowEveryMember checks that each member of the contract has a value in some sample, so that the other walks see
// all of them.
func (s Samples) ShowEveryMember(t *testing.T) {
	t.Helper()
	seen := map[string]bool{}
	for _, one := range s.All {
		var value any
		Decode(t, []byte(one.Text), &value)
		eachObject(s.Table, "", value, api.Member{Schema: one.Schema}, func(_, schema string, object map[string]any) {
			for name, value := range object {
				if value != nil {
					seen[schema+"."+name] = true
				}
			}
		})
	}
	for _, schema := range s.Table.Schemas {
		for _, member := range schema.Members {
			assert.True(t, seen[schema.Name+"."+member.Name], "%s.%s is null or absent in all samples", schema.Name, member.Name)
		}
	}
}

// FitTheContract checks that a request sample is one that the contract allows, and an answer sample one that it
// describes.
func (s Samples) FitTheContract(t *testing.T) {
	t.Helper()
	for name, one := range s.All {
		assert.Empty(t, simkit.CheckJSON(s.Table, one.Schema, []byte(one.Text)), name)
	}
}

// AreComplete checks that each operation has a sample of its answer, and each kind of body one of its own.
func (s Samples) AreComplete(t *testing.T) {
	t.Helper()
	names := slices.Collect(maps.Keys(s.All))
	for _, operation := range s.Table.Operations {
		prefix := Snake(operation.Name)
		if operation.Answer != "" {
			assert.Contains(t, names, prefix+".answer")
		}
		kinds := map[string]bool{}
		for _, name := range names {
			if strings.HasPrefix(name, prefix+".") && strings.HasSuffix(name, ".request") {
				kinds[s.All[name].Schema] = true
			}
		}
		want := map[string]bool{}
		for _, schema := range s.Table.Schemas[operation.Body].Cases {
			want[schema] = true
		}
		if operation.Body != "" && len(want) == 0 {
			want[operation.Body] = true
		}
		assert.Equal(t, want, kinds, operation.Name)
	}
}
