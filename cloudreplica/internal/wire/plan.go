package wire

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"sync"
)

// kind is what a Go type is bound as.
type kind uint8

const (
	asObject kind = iota
	asPointer
	asList
	asString
	asInt
	asBool
	asText // reads itself from text
)

// plan says how values of a Go type are read.
type plan struct {
	kind   kind
	typ    reflect.Type
	elem   *plan             // of a pointer or a list
	fields map[string]*field // of an object, by name as it is and in lower case
}

// field is a member of an object.
type field struct {
	name  string
	index []int
	plan  *plan
}

// plans are kept, since there are as many as there are types.
var plans sync.Map // reflect.Type to *plan

var textual = reflect.TypeFor[encoding.TextUnmarshaler]()

// planOf returns the plan of a type.
func planOf(t reflect.Type) (*plan, error) {
	if known, ok := plans.Load(t); ok {
		if p, isPlan := known.(*plan); isPlan {
			return p, nil
		}
	}
	p := &plan{typ: t}
	if err := p.make(); err != nil {
		return nil, err
	}
	plans.Store(t, p)
	return p, nil
}

func (p *plan) make() (err error) {
	if reflect.PointerTo(p.typ).Implements(textual) {
		p.kind = asText
		return nil
	}
	switch p.typ.Kind() {
	case reflect.Struct:
		p.kind, p.fields = asObject, map[string]*field{}
		return p.addFields(p.typ, nil)
	case reflect.Pointer:
		p.kind = asPointer
		if p.elem, err = planOf(p.typ.Elem()); err == nil && p.elem.kind != asObject {
			err = fmt.Errorf("%s cannot be read", p.typ)
		}
	case reflect.Slice:
		p.kind = asList
		p.elem, err = planOf(p.typ.Elem())
	case reflect.String:
		p.kind = asString
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		p.kind = asInt
	case reflect.Bool:
		p.kind = asBool
	default:
		return fmt.Errorf("%s cannot be read", p.typ)
	}
	return err
}

// addFields adds the fields of a struct, and those of structs that are embedded in it.
func (p *plan) addFields(t reflect.Type, outer []int) error {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int(nil), outer...), i)
		name := nameOf(f)
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			if err := p.addFields(f.Type, index); err != nil {
				return err
			}
			continue
		case !f.IsExported():
			continue
		case name == "":
			return fmt.Errorf("%s.%s has no name", t, f.Name)
		}
		of, err := planOf(f.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t, f.Name, err)
		}
		for _, one := range append([]string{name}, alsoOf(f)...) {
			p.fields[one] = &field{name: name, index: index, plan: of}
			p.fields[strings.ToLower(one)] = p.fields[one]
		}
	}
	return nil
}

// nameOf returns the name in the json tag of a field.
func nameOf(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// alsoOf returns other names of a field.
func alsoOf(f reflect.StructField) []string {
	if also := f.Tag.Get("also"); also != "" {
		return strings.Split(also, ",")
	}
	return nil
}

// longestName is the length of names beyond which none is known.
const longestName = 64

// named returns the field of a name in any letter case, or nil.
func (p *plan) named(name []byte) *field {
	if f := p.fields[string(name)]; f != nil || len(name) > longestName {
		return f
	}
	var lower [longestName]byte
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		lower[i] = b
	}
	return p.fields[string(lower[:len(name)])]
}

// called returns the field of a name, or nil.
func (p *plan) called(name string) *field {
	if f := p.fields[name]; f != nil || len(name) > longestName {
		return f
	}
	return p.fields[strings.ToLower(name)]
}
