package wire

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/drkit-go/drkit/internal/api"
)

// Encode writes a body of a schema. Members are written in the order of the table, whatever that of the Go type:
// the service reads XML by it. What is absent or null is left out.
func Encode(format Format, table api.Table, schema string, body any) ([]byte, error) {
	known, ok := table.Schemas[schema]
	if !ok {
		return nil, fmt.Errorf("the contract has no schema %q", schema)
	}
	e := &encoder{table: table}
	if format == JSON {
		e.writer = &jsonWriter{}
	} else {
		e.writer = &xmlWriter{}
	}
	root := known.Root
	if root == "" {
		root = known.Name
	}
	if err := e.schema(root, known, reflect.ValueOf(body), true); err != nil {
		return nil, err
	}
	return e.writer.bytes(), nil
}

// Format is one of the encodings.
type Format uint8

// The encodings. XML is what every version of the service speaks.
const (
	XML Format = iota
	JSON
)

// MediaType returns the one media type that goes into Accept and Content-Type.
func (f Format) MediaType() string {
	if f == JSON {
		return "application/json"
	}
	return "application/xml"
}

// writer writes one encoding. Names are those of members, or of the items of a list.
type writer interface {
	// begin opens an object. All attributes come before other members.
	begin(name string, root bool)
	end(name string)
	// beginList opens a list; wrapper is empty where JSON has a bare array.
	beginList(name, wrapper string)
	endList(name, wrapper string)
	attribute(name, text string, plain bool) error
	// value writes a value; plain is for numbers and truth values.
	value(name, text string, plain bool) error
	bytes() []byte
}

type encoder struct {
	table  api.Table
	writer writer
}

// schema writes a value of a schema under a name.
func (e *encoder) schema(name string, s api.Schema, v reflect.Value, root bool) error {
	switch {
	case s.Type == "array" && v.Kind() == reflect.Slice && s.Items != nil:
		e.writer.beginList(name, s.Wrapper)
		for i := range v.Len() {
			if err := e.member(*s.Items, v.Index(i)); err != nil {
				return within(strconv.Itoa(i), err)
			}
		}
		e.writer.endList(name, s.Wrapper)
		return nil
	case s.Type == "object" && v.Kind() == reflect.Struct:
		return e.object(name, s, v, root)
	default:
		return fmt.Errorf("%s is no %s", v.Type(), s.Name)
	}
}

func (e *encoder) object(name string, s api.Schema, v reflect.Value, root bool) error {
	members := map[string]reflect.Value{}
	collect(members, v)
	e.writer.begin(name, root)
	for _, attributes := range []bool{true, false} {
		for _, m := range s.Members {
			value, there := members[m.Name]
			if !there || m.Attribute != attributes {
				continue
			}
			if err := e.member(m, value); err != nil {
				return within(m.Name, err)
			}
			delete(members, m.Name)
		}
	}
	for name := range members {
		return fmt.Errorf("%s is no member of %s", name, s.Name)
	}
	e.writer.end(name)
	return nil
}

// collect adds the fields of a struct that are to be written.
func collect(members map[string]reflect.Value, v reflect.Value) {
	t := v.Type()
	for i := range t.NumField() {
		name := nameOf(t.Field(i))
		switch value, there := present(v.Field(i)); {
		case t.Field(i).Anonymous && name == "":
			collect(members, v.Field(i))
		case name != "" && there:
			members[name] = value
		}
	}
}

// optional is a drkit.Opt.
type optional interface {
	IsZero() bool
	IsNull() bool
}

// present returns what there is of a field: the value of an Opt, and what a pointer points to.
func present(v reflect.Value) (reflect.Value, bool) {
	if opt, ok := v.Interface().(optional); ok {
		if opt.IsZero() || opt.IsNull() {
			return v, false
		}
		return v.MethodByName("Get").Call(nil)[0], true
	}
	switch value := v.Interface().(type) {
	case interface{ IsZero() bool }:
		return v, !value.IsZero()
	}
	switch v.Kind() {
	case reflect.Pointer:
		return v.Elem(), !v.IsNil()
	case reflect.Slice:
		return v, !v.IsNil()
	default:
		return v, true
	}
}

// member writes a member of an object, or an item of a list.
func (e *encoder) member(m api.Member, v reflect.Value) error {
	if m.Schema != "" {
		return e.schema(m.Name, e.table.Schemas[m.Schema], v, false)
	}
	text, plain, err := textOf(v)
	switch {
	case err != nil:
		return err
	case m.Attribute:
		return e.writer.attribute(m.Name, text, plain)
	default:
		return e.writer.value(m.Name, text, plain)
	}
}

// textOf returns a value as text; plain is for what JSON writes without quotes. A secret is revealed here, and
// nowhere before.
func textOf(v reflect.Value) (text string, plain bool, err error) {
	switch value := v.Interface().(type) {
	case interface{ Reveal() string }:
		return value.Reveal(), false, nil
	case encoding.TextMarshaler:
		written, err := value.MarshalText()
		return string(written), false, err
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), false, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10), true, nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), true, nil
	default:
		return "", false, errors.New(v.Type().String() + " cannot be written")
	}
}
