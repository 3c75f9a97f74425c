package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Namespace is that of all elements, in all versions.
const Namespace = "http://www.veeam.com/ent/v1.0"

const instance = "http://www.w3.org/2001/XMLSchema-instance"

// deepest is how deep elements may be nested. The deepest that the contract knows are at 8.
const deepest = 64

// xmlReader walks over the tokens of encoding/xml as they come.
type xmlReader struct {
	decoder *xml.Decoder
	open    []xml.Name // elements that were entered, or that it stands at
	started xml.StartElement
	pending []xml.Attr // of the element that was entered, not visited yet
	value   *xml.Attr  // where it stands at an attribute
	scratch []byte
	null    string // prefix of the namespace that says nil
}

// newXMLReader returns a reader that stands at the root of a document.
func newXMLReader(data []byte) (*xmlReader, error) {
	r := &xmlReader{decoder: xml.NewDecoder(bytes.NewReader(data))}
	r.decoder.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("the encoding %.40q is not read, only UTF-8", charset)
	}
	for {
		token, err := r.token()
		switch token := token.(type) {
		case nil:
			if errors.Is(err, io.EOF) {
				err = errNothing
			}
			return nil, err
		case xml.StartElement:
			return r, nil
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return nil, errors.New("text before the first element")
			}
		}
	}
}

// token returns the next element, end or text. It looks after what RawToken does not: that elements end as they
// began, and that a document has no type.
func (r *xmlReader) token() (xml.Token, error) {
	for {
		token, err := r.decoder.RawToken()
		if err != nil {
			if errors.Is(err, io.EOF) && len(r.open) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return nil, brief(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if len(r.open) == deepest {
				return nil, fmt.Errorf("elements are nested more than %d deep", deepest)
			}
			r.open = append(r.open, token.Name)
			r.started, r.value = token, nil
			return token, nil
		case xml.EndElement:
			last := len(r.open) - 1
			if last < 0 || r.open[last] != token.Name {
				return nil, fmt.Errorf("an element is closed as %.40q that was not opened so", token.Name.Local)
			}
			r.open = r.open[:last]
			return token, nil
		case xml.CharData:
			return token, nil
		case xml.Directive:
			return nil, errors.New("a document with a type or other declarations is not read")
		}
	}
}

// brief keeps an error of encoding/xml short and on one line: it repeats names of any length, and with anything in them.
func brief(err error) error {
	said := err.Error()
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, said)
	if len(text) > mostSaid {
		text = strings.ToValidUTF8(text[:mostSaid], "") + "…"
	}
	if text == said {
		return err
	}
	return errors.New(text)
}

// root returns the name and the namespace of the root, where the reader stands.
func (r *xmlReader) root() (name, namespace string) {
	for _, a := range r.started.Attr {
		isDefault := a.Name.Space == "" && a.Name.Local == "xmlns" && r.started.Name.Space == ""
		isPrefix := a.Name.Space == "xmlns" && a.Name.Local == r.started.Name.Space && r.started.Name.Space != ""
		if isDefault || isPrefix {
			namespace = a.Value
		}
		if a.Name.Space == "xmlns" && a.Value == instance {
			r.null = a.Name.Local
		}
	}
	return r.started.Name.Local, namespace
}

// end makes sure that the root was all.
func (r *xmlReader) end() error {
	for {
		token, err := r.token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if text, isText := token.(xml.CharData); !isText || len(bytes.TrimSpace(text)) > 0 {
			return errors.New("something follows the document")
		}
	}
}

// isNil reports whether the element at which the reader stands says that it is nothing.
func (r *xmlReader) isNil() bool {
	if r.null == "" {
		return false
	}
	for _, a := range r.started.Attr {
		if a.Name.Space == r.null && a.Name.Local == "nil" && strings.TrimSpace(a.Value) == "true" {
			return true
		}
	}
	return false
}

func (r *xmlReader) enter() (bool, error) {
	switch {
	case r.value != nil && r.value.Value != "":
		return false, unlike("an attribute", "an element")
	case r.value != nil:
		r.value = nil
		return false, nil
	case r.isNil():
		return false, r.skip()
	default:
		r.pending = r.started.Attr
		return true, nil
	}
}

func (r *xmlReader) member(p *plan) (*field, bool, error) {
	for len(r.pending) > 0 {
		attribute := &r.pending[0]
		r.pending = r.pending[1:]
		if attribute.Name.Space == "" {
			r.value = attribute
			return p.called(attribute.Name.Local), true, nil
		}
	}
	more, err := r.element()
	if !more || err != nil {
		return nil, false, err
	}
	return p.called(r.started.Name.Local), true, nil
}

// element steps to the next element, or out of the one around it.
func (r *xmlReader) element() (bool, error) {
	for {
		token, err := r.token()
		if err != nil {
			return false, err
		}
		switch token.(type) {
		case xml.StartElement:
			return true, nil
		case xml.EndElement:
			return false, nil
		}
	}
}

func (r *xmlReader) enterList() (list, bool, error) {
	entered, err := r.enter()
	r.pending = nil // a list may have an address of its own
	return list{}, entered, err
}

func (r *xmlReader) item(list) (bool, error) { return r.element() }

func (r *xmlReader) text() (text, error) {
	if r.value != nil {
		t := text{string: r.value.Value}
		r.value = nil
		return t, nil
	}
	isNil := r.isNil()
	r.scratch = r.scratch[:0]
	for {
		token, err := r.token()
		if err != nil {
			return text{}, err
		}
		switch token := token.(type) {
		case xml.CharData:
			r.scratch = append(r.scratch, token...)
		case xml.EndElement:
			if isNil {
				return text{}, nil
			}
			return text{bytes: r.scratch}, nil
		case xml.StartElement:
			return text{}, unlike("an element", "text")
		}
	}
}

func (r *xmlReader) skip() error {
	if r.value != nil {
		r.value = nil
		return nil
	}
	r.pending = nil
	for depth := len(r.open); len(r.open) >= depth; {
		if _, err := r.token(); err != nil {
			return err
		}
	}
	return nil
}
