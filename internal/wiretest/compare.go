package wiretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/api"
)

// losses decodes data into the Go type of a schema, encodes that, and returns what has changed.
func (s Samples) losses(t *testing.T, schema string, data []byte) []string {
	t.Helper()
	require.Contains(t, s.Types, schema)
	typed := s.Types[schema]()
	require.NoError(t, json.Unmarshal(data, typed))
	encoded, err := json.Marshal(typed)
	require.NoError(t, err)
	var before, after any
	Decode(t, data, &before)
	Decode(t, encoded, &after)
	return s.Comparison(schema).Differences("", before, after, api.Member{Schema: schema})
}

// Decode reads JSON and keeps numbers as they are written.
func Decode(t *testing.T, data []byte, value any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber() // a float64 would lose digits of its own
	require.NoError(t, decoder.Decode(value))
}

// nothing is the value of a member that is not there.
type nothing struct{}

func (nothing) String() string { return "nothing" }

// Comparison finds what is not the same in two values. Beside equal values it lets pass what design.md §2
// says of answers, "optional members are plain values", as far as the contract has it: where a member may
// be null, null is the same as the zero value of its type, and where it may be left out, nothing is.
type Comparison struct {
	Table api.Table
	Exact bool // no two of null, nothing and zero are the same: of what clients send
}

// Comparison returns how values of a schema are compared.
func (s Samples) Comparison(schema string) Comparison {
	exact := s.Exact != nil && s.Exact(schema)
	for _, operation := range s.Table.Operations {
		exact = exact || operation.Body == schema
		for _, one := range s.Table.Schemas[operation.Body].Cases {
			exact = exact || one == schema
		}
	}
	return Comparison{Table: s.Table, Exact: exact}
}

// Differences lists the members that are not the same in both values.
func (c Comparison) Differences(place string, before, after any, member api.Member) []string {
	missing := isMissing(before) || isMissing(after)
	if place != "" && missing && c.isNothing(before, member) && c.isNothing(after, member) {
		return nil
	}
	schema := caseOf(c.Table, c.Table.Schemas[member.Schema], before)
	was, isObject := before.(map[string]any)
	is, stillObject := after.(map[string]any)
	rows, isArray := before.([]any)
	newRows, stillArray := after.([]any)
	switch {
	case isObject && stillObject && member.Schema != "":
		return c.DifferentMembers(place, was, is, schema)
	case isArray && stillArray && len(rows) == len(newRows) && schema.Items != nil:
		var all []string
		for i := range rows {
			all = append(all, c.Differences(fmt.Sprintf("%s[%d]", place, i), rows[i], newRows[i], required(*schema.Items))...)
		}
		return all
	case reflect.DeepEqual(before, after), sameNumber(before, after):
		return nil
	default:
		return []string{fmt.Sprintf("%s: %s became %s", place, show(before), show(after))}
	}
}

// caseOf returns the case of a union that a value is, and any other schema as it is.
func caseOf(table api.Table, schema api.Schema, value any) api.Schema {
	object, _ := value.(map[string]any)
	if kind, ok := object[schema.Discriminator].(string); ok && schema.Discriminator != "" {
		return table.Schemas[schema.Cases[kind]]
	}
	return schema
}

// sameNumber reports whether two numbers are the same however they are written, as 27950.0 and 27950.
func sameNumber(before, after any) bool {
	was, wasNumber := before.(json.Number)
	is, isNumber := after.(json.Number)
	if !wasNumber || !isNumber {
		return false
	}
	a, _ := new(big.Rat).SetString(was.String())
	b, _ := new(big.Rat).SetString(is.String())
	return a.Cmp(b) == 0
}

// DifferentMembers lists the members of two objects that are not the same in both.
func (c Comparison) DifferentMembers(place string, before, after map[string]any, schema api.Schema) []string {
	var all []string
	names := slices.Collect(maps.Keys(before))
	names = append(names, slices.Collect(maps.Keys(after))...)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		member := required(api.Member{}) // of a member that the contract does not know
		if schema.Values != nil {
			member = required(*schema.Values)
		}
		for _, known := range schema.Members {
			if known.Name == name {
				member = known
			}
		}
		all = append(all, c.Differences(place+"."+name, valueOf(before, name), valueOf(after, name), member)...)
	}
	return all
}

func required(member api.Member) api.Member {
	member.Required = true
	return member
}

func valueOf(object map[string]any, name string) any {
	if value, there := object[name]; there {
		return value
	}
	return nothing{}
}

func isMissing(value any) bool { return value == nil || value == nothing{} }

// isNothing reports whether a value counts as the zero value of a member.
func (c Comparison) isNothing(value any, member api.Member) bool {
	switch value {
	case nil:
		return member.Nullable && !c.Exact
	case nothing{}:
		return !member.Required && !c.Exact
	case "", false, json.Number("0"):
		return !c.Exact
	default:
		return false
	}
}

func show(value any) string {
	switch value {
	case nil:
		return "null"
	case "":
		return `""`
	default:
		return fmt.Sprint(value)
	}
}

// eachObject visits the objects of a value that the contract describes, and none inside of raw members.
func eachObject(table api.Table, place string, value any, member api.Member, visit func(place, schema string, object map[string]any)) {
	schema, known := table.Schemas[member.Schema]
	if !known {
		return
	}
	schema = caseOf(table, schema, value)
	switch value := value.(type) {
	case map[string]any:
		if schema.Values == nil {
			visit(place, schema.Name, value)
		}
		for name, inner := range value {
			if schema.Values != nil {
				eachObject(table, place+"."+name, inner, *schema.Values, visit)
			}
			for _, m := range schema.Members {
				if m.Name == name {
					eachObject(table, place+"."+name, inner, m, visit)
				}
			}
		}
	case []any:
		for i, inner := range value {
			eachObject(table, fmt.Sprintf("%s[%d]", place, i), inner, *schema.Items, visit)
		}
	}
}
