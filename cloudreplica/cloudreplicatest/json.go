package cloudreplicatest

import (
	"bytes"
	"encoding/json"
	"unicode"
)

// jsonWriter writes documents as JSON: attributes and elements are properties alike, lists keep their wrapper, and
// links are a bare array.
type jsonWriter struct {
	bytes.Buffer
	lazy  *lazyList
	camel bool // whether names begin with a small letter, as in 13.0
	omit  bool // whether what is not set is left out, as in 9.5 U4
	names map[string]string
}

func (w *jsonWriter) document(d *document) { w.object(d) }

// object writes the properties: one's own first, the base's last.
func (w *jsonWriter) object(d *document) {
	w.WriteByte('{')
	first := true
	for _, group := range [...][]property{d.elements, d.attributes, d.base} {
		for _, p := range group {
			if of, whole := p.value.(*list); whole && p.name == "" {
				w.array(of, &first)
				continue
			}
			w.property(p, &first)
		}
	}
	w.WriteByte('}')
}

func (w *jsonWriter) property(p property, first *bool) {
	if empty(p.value) {
		if !w.omit {
			w.name(p.name, first)
			w.WriteString("null")
		} else if bare := bareEmpty(p.value); bare != "" {
			w.name(p.name, first)
			w.WriteString(bare)
		}
		return
	}
	w.name(p.name, first)
	w.value(p.value)
}

// empty reports whether there is nothing to show.
func empty(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case *document:
		return value == nil
	case *list:
		return value == nil || (value.count == 0 && !value.found)
	case links:
		return len(value) == 0
	case blank:
		return true
	default:
		return false
	}
}

// bareEmpty is how 9.5 U4 wrote what it did not leave out.
func bareEmpty(value any) string {
	switch value := value.(type) {
	case *list:
		if value != nil {
			return "[]"
		}
	case blank:
		return `""`
	}
	return ""
}

func (w *jsonWriter) value(value any) {
	switch value := value.(type) {
	case *document:
		w.object(value)
	case *list:
		first := true
		w.WriteByte('{')
		w.array(value, &first)
		w.WriteByte('}')
	case links:
		w.WriteByte('[')
		for i, l := range value {
			if i > 0 {
				w.WriteByte(',')
			}
			w.link(l)
		}
		w.WriteByte(']')
	case link:
		w.link(value)
	case string:
		w.text(value)
	default:
		text, _ := scalar(value)
		w.WriteString(text)
	}
}

// array writes a list as the property of its wrapper.
func (w *jsonWriter) array(of *list, first *bool) {
	w.name(plural(of.item), first)
	w.WriteByte('[')
	if w.lazy != nil && w.lazy.of == of {
		w.lazy.offset = w.Len()
	} else {
		for i := range of.count {
			if i > 0 {
				w.WriteByte(',')
			}
			w.item(of, i)
		}
	}
	w.WriteByte(']')
}

func (w *jsonWriter) item(of *list, i int) { w.value(of.at(i)) }

func (w *jsonWriter) link(l link) {
	w.WriteByte('{')
	first := true
	for _, p := range [...]property{given("Rel", l.rel), given("Href", l.href), given("Name", l.name), given("Type", l.kind)} {
		w.property(p, &first)
	}
	w.WriteByte('}')
}

func (w *jsonWriter) name(name string, first *bool) {
	if !*first {
		w.WriteByte(',')
	}
	*first = false
	w.WriteByte('"')
	w.WriteString(w.spelled(name))
	w.WriteString(`":`)
}

// spelled is a name as the build writes it.
func (w *jsonWriter) spelled(name string) string {
	if !w.camel {
		return name
	}
	if known, seen := w.names[name]; seen {
		return known
	}
	if w.names == nil {
		w.names = map[string]string{}
	}
	w.names[name] = camelCase(name)
	return w.names[name]
}

// camelCase does what .NET does: all capitals at the beginning become small, but not one that begins a word.
func camelCase(name string) string {
	letters := []rune(name)
	for i, letter := range letters {
		if !unicode.IsUpper(letter) || (i > 0 && i+1 < len(letters) && !unicode.IsUpper(letters[i+1])) {
			break
		}
		letters[i] = unicode.ToLower(letter)
	}
	return string(letters)
}

// text writes a string. The service escapes what could be mistaken for HTML, and so does encoding/json.
func (w *jsonWriter) text(value string) {
	quoted, _ := json.Marshal(value) // text encodes always
	w.Write(quoted)
}
