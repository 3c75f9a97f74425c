package simkit

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
)

// schemaChecker holds a JSON value against the table's schemas and collects everything that does not fit.
type schemaChecker struct {
	schemas  map[string]api.Schema
	problems []string
}

// CheckJSON returns what is wrong with a JSON body of the given schema, one problem each, none if it fits.
// It is as strict as a reader can be: unknown and repeated members, missing and null ones that must be
// there, wrong types, unknown enum values and trailing bytes are all problems.
func CheckJSON(table api.Table, schema string, body []byte) []string {
	value, err := readJSON(body)
	if err != nil {
		return []string{err.Error()}
	}
	c := &schemaChecker{schemas: table.Schemas}
	c.named("$", schema, value)
	return c.problems
}

func (c *schemaChecker) problem(at, format string, arguments ...any) {
	c.problems = append(c.problems, at+" "+fmt.Sprintf(format, arguments...))
}

// named checks a value of a named schema.
func (c *schemaChecker) named(at, name string, value any) {
	schema, ok := c.schemas[name]
	switch {
	case !ok:
		c.problem(at, "cannot be checked: the table has no schema %q", name)
	case value == nil:
		c.problem(at, "is null")
	case schema.Discriminator != "":
		c.union(at, schema, value)
	case schema.Type == "object":
		c.object(at, schema, "", value)
	case schema.Type == "array" && schema.Wrapper != "":
		c.wrapped(at, schema, value)
	case schema.Type == "array":
		c.array(at, schema.Items, value)
	default:
		c.simple(at, schema.Type, value)
	}
}

// member checks a value by the member, element or map value that declares it.
func (c *schemaChecker) member(at string, member api.Member, value any) {
	switch {
	case value == nil && member.Nullable:
	case value == nil:
		c.problem(at, "is null")
	case member.Schema != "":
		c.named(at, member.Schema, value)
	default:
		c.simple(at, member.Type, value)
	}
	if text, ok := value.(string); ok && len(member.Enum) > 0 && !slices.Contains(member.Enum, text) {
		c.problem(at, "is %q, which is none of %s", text, strings.Join(member.Enum, ", "))
	}
}

func (c *schemaChecker) union(at string, schema api.Schema, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		c.problem(at, "is %s instead of an object", kindOf(value))
		return
	}
	inside := at + "." + schema.Discriminator
	kind, given := object[schema.Discriminator]
	if !given {
		c.problem(inside, "is missing")
		return
	}
	text, ok := kind.(string)
	if !ok {
		c.problem(inside, "is %s instead of a string", kindOf(kind))
		return
	}
	name, ok := schema.Cases[text]
	if !ok {
		known := slices.Sorted(maps.Keys(schema.Cases))
		c.problem(inside, "is %q, which is none of %s", text, strings.Join(known, ", "))
		return
	}
	chosen, ok := c.schemas[name]
	if !ok {
		c.problem(at, "cannot be checked: the table has no schema %q", name)
		return
	}
	c.object(at, chosen, schema.Discriminator, object)
}

// object checks the members of an object. The discriminator of a union has been checked before.
func (c *schemaChecker) object(at string, schema api.Schema, discriminator string, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		c.problem(at, "is %s instead of an object", kindOf(value))
		return
	}
	declared := map[string]api.Member{}
	for _, member := range schema.Members {
		declared[member.Name] = member
		if _, given := object[member.Name]; !given && member.Required {
			c.problem(at+"."+member.Name, "is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		inside := at + "." + name
		member, known := declared[name]
		switch {
		case known:
			c.member(inside, member, object[name])
		case name == discriminator:
		case schema.Values != nil:
			c.member(inside, *schema.Values, object[name])
		case !schema.Open:
			c.problem(inside, "is not in the contract")
		}
	}
}

// wrapped checks an array that is the one member of an object. An object without it is an empty list.
func (c *schemaChecker) wrapped(at string, schema api.Schema, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		c.problem(at, "is %s instead of an object", kindOf(value))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if name != schema.Wrapper {
			c.problem(at+"."+name, "is not in the contract")
			continue
		}
		c.array(at+"."+name, schema.Items, object[name])
	}
}

func (c *schemaChecker) array(at string, items *api.Member, value any) {
	array, ok := value.([]any)
	if !ok {
		c.problem(at, "is %s instead of an array", kindOf(value))
		return
	}
	if items == nil {
		return
	}
	for i, element := range array {
		c.member(at+"["+strconv.Itoa(i)+"]", *items, element)
	}
}

// simple checks a value whose schema is only a type. Arrays and objects without a schema of their own may
// hold anything.
func (c *schemaChecker) simple(at, want string, value any) {
	got := kindOf(value)
	switch want {
	case "", got:
		return
	case "number":
		if got == "integer" {
			return
		}
	}
	c.problem(at, "is %s instead of %s", got, want)
}

// kindOf names the type of a JSON value as contracts do.
func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return "integer"
		}
		return "number"
	default:
		return fmt.Sprintf("%T", value)
	}
}
