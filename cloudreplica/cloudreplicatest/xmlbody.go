package cloudreplicatest

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
)

// xmlReader reads a request body in XML as its schema has it, and collects everything that does not fit: another
// namespace, elements that are unknown, out of order or there twice, attributes that are unknown, text where none
// belongs. What it reads looks like the JSON of the same request.
type xmlReader struct {
	schemas  map[string]api.Schema
	decoder  *xml.Decoder
	problems []string
}

// readXML reads a body and returns what is in it, and what is wrong with it.
func readXML(table api.Table, schema string, body []byte) (any, []string) {
	r := &xmlReader{schemas: table.Schemas, decoder: xml.NewDecoder(bytes.NewReader(body))}
	read, err := r.root(schema)
	if err != nil {
		r.problem("$", "%v", err)
	}
	return read, r.problems
}

func (r *xmlReader) problem(at, format string, arguments ...any) {
	r.problems = append(r.problems, at+" "+fmt.Sprintf(format, arguments...))
}

// root reads the one element of a document.
func (r *xmlReader) root(name string) (any, error) {
	schema, known := r.schemas[name]
	if !known {
		return nil, fmt.Errorf("cannot be checked: the table has no schema %q", name)
	}
	start, err := r.start()
	if err != nil {
		return nil, err
	}
	want := or(schema.Root, schema.Name)
	if start.Name.Local != want {
		r.problem("$", "is the element %s instead of %s", start.Name.Local, want)
	}
	var read any
	if schema.Type == "array" {
		read, err = r.list("$", schema, start)
	} else {
		read, err = r.object("$", schema, start)
	}
	if err != nil {
		return nil, err
	}
	_, err = r.start()
	if err == nil {
		r.problem("$", "is followed by another element")
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return read, nil
}

// start reads up to the next element, outside of all others.
func (r *xmlReader) start() (xml.StartElement, error) {
	for {
		token, err := r.decoder.Token()
		if err != nil {
			return xml.StartElement{}, err //nolint:wrapcheck // it says where
		}
		switch token := token.(type) {
		case xml.StartElement:
			return token, nil
		case xml.Directive:
			r.problem("$", "has a document type")
		case xml.CharData:
			r.blank("$", token)
		}
	}
}

func (r *xmlReader) blank(at string, text xml.CharData) {
	if len(bytes.TrimSpace(text)) > 0 {
		r.problem(at, "has the text %q between its elements", strings.TrimSpace(string(text)))
	}
}

// object reads the attributes and elements of an element.
func (r *xmlReader) object(at string, schema api.Schema, start xml.StartElement) (map[string]any, error) {
	read := map[string]any{}
	if start.Name.Space != namespace {
		r.problem(at, "is in the namespace %q instead of %q", start.Name.Space, namespace)
	}
	r.attributes(at, schema, start, read)
	last := -1
	err := r.children(at, func(child xml.StartElement) error {
		inside := at + "." + child.Name.Local
		index := slices.IndexFunc(schema.Members, func(m api.Member) bool { return !m.Attribute && m.Name == child.Name.Local })
		if index < 0 {
			r.problem(inside, "is not in the contract")
			return r.decoder.Skip() //nolint:wrapcheck // it says where
		}
		switch _, twice := read[child.Name.Local]; {
		case twice:
			r.problem(inside, "comes twice")
		case index < last:
			r.problem(inside, "comes after %s", schema.Members[last].Name)
		}
		last = max(last, index)
		value, err := r.member(inside, schema.Members[index], child)
		read[child.Name.Local] = value
		return err
	})
	for _, member := range schema.Members {
		if _, given := read[member.Name]; !given && member.Required {
			r.problem(at+"."+member.Name, "is missing")
		}
	}
	return read, err
}

// attributes reads the attributes of an element, without those that only declare namespaces.
func (r *xmlReader) attributes(at string, schema api.Schema, start xml.StartElement, read map[string]any) {
	for _, given := range start.Attr {
		if given.Name.Space == "xmlns" || given.Name.Local == "xmlns" {
			continue
		}
		inside := at + "." + given.Name.Local
		index := slices.IndexFunc(schema.Members, func(m api.Member) bool { return m.Attribute && m.Name == given.Name.Local })
		if index < 0 || given.Name.Space != "" {
			r.problem(inside, "is an attribute that is not in the contract")
			continue
		}
		read[given.Name.Local] = r.scalar(inside, schema.Members[index], given.Value)
	}
}

// children reads what is in an element, up to its end.
func (r *xmlReader) children(at string, each func(xml.StartElement) error) error {
	for {
		token, err := r.decoder.Token()
		if err != nil {
			return err //nolint:wrapcheck // it says where
		}
		switch token := token.(type) {
		case xml.StartElement:
			if err := each(token); err != nil {
				return err
			}
		case xml.CharData:
			r.blank(at, token)
		case xml.EndElement:
			return nil
		}
	}
}

// member reads the value of a member: an object, a list or text.
func (r *xmlReader) member(at string, member api.Member, start xml.StartElement) (any, error) {
	schema := r.schemas[member.Schema]
	switch {
	case member.Schema == "":
		if start.Name.Space != namespace {
			r.problem(at, "is in the namespace %q instead of %q", start.Name.Space, namespace)
		}
		if len(start.Attr) > 0 {
			r.problem(at, "has an attribute")
		}
		text, err := r.text(at)
		return r.scalar(at, member, text), err
	case schema.Type == "array":
		return r.list(at, schema, start)
	default:
		return r.object(at, schema, start)
	}
}

// list reads the items of a list in its wrapper.
func (r *xmlReader) list(at string, schema api.Schema, start xml.StartElement) (any, error) {
	if start.Name.Space != namespace {
		r.problem(at, "is in the namespace %q instead of %q", start.Name.Space, namespace)
	}
	r.attributes(at, api.Schema{}, start, nil)
	items := []any{}
	err := r.children(at, func(child xml.StartElement) error {
		inside := at + "[" + strconv.Itoa(len(items)) + "]"
		if child.Name.Local != schema.Items.Name {
			r.problem(inside, "is the element %s instead of %s", child.Name.Local, schema.Items.Name)
		}
		value, err := r.member(inside, *schema.Items, child)
		items = append(items, value)
		return err
	})
	return map[string]any{schema.Wrapper: items}, err
}

// text reads the text of an element that has nothing else.
func (r *xmlReader) text(at string) (string, error) {
	var text strings.Builder
	for {
		token, err := r.decoder.Token()
		if err != nil {
			return "", err //nolint:wrapcheck // it says where
		}
		switch token := token.(type) {
		case xml.CharData:
			text.Write(token)
		case xml.StartElement:
			r.problem(at, "has elements")
			if err := r.decoder.Skip(); err != nil {
				return "", err //nolint:wrapcheck // likewise
			}
		case xml.EndElement:
			return text.String(), nil
		}
	}
}

// scalar makes of text what the contract says that it is.
func (r *xmlReader) scalar(at string, member api.Member, text string) any {
	switch member.Type {
	case "integer":
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			r.problem(at, "is %q, which is no whole number", text)
		}
		return number
	case "boolean":
		if text != "true" && text != "false" {
			r.problem(at, "is %q, which is neither true nor false", text)
		}
		return text == "true"
	default:
		if len(member.Enum) > 0 && !slices.Contains(member.Enum, text) {
			r.problem(at, "is %q, which is none of %s", text, strings.Join(member.Enum, ", "))
		}
		return text
	}
}
