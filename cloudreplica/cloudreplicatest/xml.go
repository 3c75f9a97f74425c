package cloudreplicatest

import (
	"bytes"
	"strconv"
	"strings"
)

const namespace = "http://www.veeam.com/ent/v1.0"

// escaper writes what XML needs escaped, and also what the service escapes.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;")

// xmlWriter writes documents as XML. What is long is left open for its items to be written later.
type xmlWriter struct {
	bytes.Buffer
	lazy *lazyList
}

// lazyList is the one list of a document that is not written with it.
type lazyList struct {
	of     *list
	offset int // where its items belong
}

func (w *xmlWriter) document(d *document) {
	w.WriteString(`<?xml version="1.0" encoding="utf-8"?>`)
	w.element(d.name, d, ` xmlns="`+namespace+`" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`)
}

// element writes a document: attributes, links, elements. Of the base, all but the links are attributes, and their
// order is that of the samples.
func (w *xmlWriter) element(name string, d *document, opening string) {
	w.WriteByte('<')
	w.WriteString(name)
	w.WriteString(opening)
	for _, wanted := range [...]string{"Type", "Href", "Name", "UID"} {
		for _, p := range d.base {
			if p.name == wanted {
				w.attribute(p)
			}
		}
	}
	for _, p := range d.attributes {
		w.attribute(p)
	}
	w.WriteByte('>')
	for _, p := range d.base {
		if p.name == "Links" {
			w.property(p)
		}
	}
	for _, p := range d.elements {
		w.property(p)
	}
	w.end(name)
}

func (w *xmlWriter) end(name string) {
	w.WriteString("</")
	w.WriteString(name)
	w.WriteByte('>')
}

func (w *xmlWriter) attribute(p property) {
	text, isSet := scalar(p.value)
	if !isSet {
		return
	}
	w.WriteByte(' ')
	w.WriteString(p.name)
	w.WriteString(`="`)
	_, _ = escaper.WriteString(w, text) // a buffer takes all
	w.WriteByte('"')
}

func (w *xmlWriter) property(p property) {
	switch value := p.value.(type) {
	case nil:
	case *document:
		if value != nil {
			w.element(p.name, value, "")
		}
	case links:
		w.links(p.name, value)
	case link:
		w.link(p.name, value)
	case *list:
		w.list(p.name, value)
	default:
		text, isSet := scalar(value)
		if !isSet {
			return
		}
		w.leaf(p.name, text)
	}
}

func (w *xmlWriter) leaf(name, text string) {
	w.WriteByte('<')
	w.WriteString(name)
	w.WriteByte('>')
	_, _ = escaper.WriteString(w, text)
	w.end(name)
}

// list writes a list in its wrapper; the one without a name is a whole document.
func (w *xmlWriter) list(wrapper string, of *list) {
	if of == nil {
		return
	}
	if wrapper != "" {
		w.WriteString("<" + wrapper + ">")
	}
	if w.lazy != nil && w.lazy.of == of {
		w.lazy.offset = w.Len()
	} else {
		for i := range of.count {
			w.item(of, i)
		}
	}
	if wrapper != "" {
		w.end(wrapper)
	}
}

func (w *xmlWriter) item(of *list, i int) {
	switch value := of.at(i).(type) {
	case *document:
		w.element(of.item, value, "")
	case string:
		w.leaf(of.item, value)
	}
}

func (w *xmlWriter) links(name string, of links) {
	if len(of) == 0 {
		return
	}
	w.WriteString("<" + name + ">")
	for _, l := range of {
		w.link("Link", l)
	}
	w.end(name)
}

func (w *xmlWriter) link(name string, l link) {
	w.WriteByte('<')
	w.WriteString(name)
	for _, p := range [...]property{{"Rel", l.rel}, {"Type", l.kind}, {"Href", l.href}, {"Name", l.name}} {
		if p.value != "" {
			w.attribute(p)
		}
	}
	w.WriteString(" />")
}

// scalar is a value as text, and whether there is one.
func scalar(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case bool:
		return strconv.FormatBool(value), true
	case int:
		return strconv.Itoa(value), true
	default:
		return "", false
	}
}
