package wire

import (
	"bytes"
	"errors"
	"reflect"
)

var (
	mark       = []byte("\xef\xbb\xbf")
	otherMarks = [][]byte{[]byte("\xff\xfe"), []byte("\xfe\xff"), {0}}
)

// Decode reads a document of the service into out, which has to be a pointer to a struct or to a slice. Whether the
// document is XML or JSON shows by itself.
func Decode(data []byte, out any) error { return decode(data, out, false) }

// DecodeError reads an error answer. It may lack the namespace, but not the name, of the service's own.
func DecodeError(data []byte, out any) error { return decode(data, out, true) }

func decode(data []byte, out any, isError bool) (err error) {
	document := bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(data), mark))
	for _, other := range otherMarks {
		if bytes.HasPrefix(document, other) {
			return errors.New("the encoding is not UTF-8")
		}
	}
	target := reflect.ValueOf(out).Elem()
	target.SetZero()
	defer func() {
		if err != nil {
			target.SetZero() // half of an answer is none
		}
	}()
	p, err := planOf(target.Type())
	switch {
	case err != nil:
		return err
	case len(document) == 0:
		return errNothing
	case document[0] == '<':
		return decodeXML(document, target, p, isError)
	default:
		return decodeJSON(document, target, p)
	}
}

func decodeXML(document []byte, target reflect.Value, p *plan, isError bool) error {
	r, err := newXMLReader(document)
	if err != nil {
		return err
	}
	name, namespace := r.root()
	switch {
	case isError && name != "Error":
		return unlike("a document called "+shown(text{string: name}), "an error")
	case !isError && namespace != Namespace:
		return errors.New("not a document of the service: it has another namespace, or none")
	}
	if _, err := newBinder(r, len(document)).bind(target, p); err != nil {
		return err
	}
	return r.end()
}

func decodeJSON(document []byte, target reflect.Value, p *plan) error {
	r, err := newJSONReader(document)
	if err != nil {
		return err
	}
	if kind := r.peek(); kind != '{' && (kind != '[' || p.kind != asList) {
		return unlike(r.kind(), "a document")
	}
	_, err = newBinder(r, len(document)).bind(target, p)
	return err
}
