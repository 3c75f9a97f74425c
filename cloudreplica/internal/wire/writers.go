package wire

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"unicode/utf8"
)

var errNotText = errors.New("it holds characters that cannot be sent")

// xmlWriter writes XML.
type xmlWriter struct {
	buffer bytes.Buffer
	inTag  bool // the start tag that was written last is still open
}

func (w *xmlWriter) closeTag() {
	if w.inTag {
		w.buffer.WriteByte('>')
		w.inTag = false
	}
}

func (w *xmlWriter) begin(name string, root bool) {
	w.closeTag()
	if root {
		w.buffer.WriteString(`<?xml version="1.0" encoding="utf-8"?>`)
	}
	w.buffer.WriteString("<" + name)
	if root {
		w.buffer.WriteString(` xmlns="` + Namespace + `"`)
	}
	w.inTag = true
}

func (w *xmlWriter) end(name string) {
	w.closeTag()
	w.buffer.WriteString("</" + name + ">")
}

func (w *xmlWriter) beginList(name, _ string) { w.begin(name, false) }
func (w *xmlWriter) endList(name, _ string)   { w.end(name) }

func (w *xmlWriter) attribute(name, text string, _ bool) error {
	w.buffer.WriteString(" " + name + `="`)
	err := w.text(text)
	w.buffer.WriteByte('"')
	return err
}

func (w *xmlWriter) value(name, text string, _ bool) error {
	w.begin(name, false)
	w.closeTag()
	err := w.text(text)
	w.end(name)
	return err
}

// text refuses what XML has no way to write: encoding/xml would put another character in its place.
func (w *xmlWriter) text(text string) error {
	for _, char := range text {
		control := char < ' ' && char != '\t' && char != '\n' && char != '\r'
		if control || char == 0xFFFE || char == 0xFFFF {
			return errNotText
		}
	}
	if !utf8.ValidString(text) {
		return errNotText
	}
	return xml.EscapeText(&w.buffer, []byte(text))
}

func (w *xmlWriter) bytes() []byte { return w.buffer.Bytes() }

// jsonWriter writes JSON. Inside a list names are left out, since its items have none.
type jsonWriter struct {
	buffer bytes.Buffer
	lists  []bool // of what is open: whether it is a list
	comma  bool
}

// name writes what precedes a value.
func (w *jsonWriter) name(name string) {
	if w.comma {
		w.buffer.WriteByte(',')
	}
	w.comma = true
	if depth := len(w.lists); depth > 0 && !w.lists[depth-1] {
		quoted, _ := json.Marshal(name) // a name of the contract
		w.buffer.Write(quoted)
		w.buffer.WriteByte(':')
	}
}

func (w *jsonWriter) open(bracket byte, isList bool) {
	w.buffer.WriteByte(bracket)
	w.lists = append(w.lists, isList)
	w.comma = false
}

func (w *jsonWriter) close(bracket byte) {
	w.buffer.WriteByte(bracket)
	w.lists = w.lists[:len(w.lists)-1]
	w.comma = true
}

func (w *jsonWriter) begin(name string, _ bool) {
	w.name(name)
	w.open('{', false)
}

func (w *jsonWriter) end(string) { w.close('}') }

func (w *jsonWriter) beginList(name, wrapper string) {
	w.name(name)
	if wrapper != "" {
		w.open('{', false)
		w.name(wrapper)
	}
	w.open('[', true)
}

func (w *jsonWriter) endList(_, wrapper string) {
	w.close(']')
	if wrapper != "" {
		w.close('}')
	}
}

func (w *jsonWriter) attribute(name, text string, plain bool) error {
	return w.value(name, text, plain)
}

func (w *jsonWriter) value(name, text string, plain bool) error {
	if !utf8.ValidString(text) {
		return errNotText
	}
	w.name(name)
	if plain {
		w.buffer.WriteString(text)
		return nil
	}
	quoted, err := json.Marshal(text)
	w.buffer.Write(quoted)
	return err
}

func (w *jsonWriter) bytes() []byte { return w.buffer.Bytes() }
