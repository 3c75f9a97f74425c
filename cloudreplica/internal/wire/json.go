package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonReader walks over a document that encoding/json has found valid, so that it need not look for mistakes.
type jsonReader struct {
	data    []byte
	at      int
	root    int // where the document begins
	scratch []byte
}

func newJSONReader(data []byte) (*jsonReader, error) {
	if json.Valid(data) {
		r := &jsonReader{data: data}
		r.peek()
		r.root = r.at
		return r, nil
	}
	var anything json.RawMessage
	if err := json.Unmarshal(data, &anything); err != nil { // says what is wrong
		return nil, err
	}
	return nil, errors.New("invalid JSON")
}

// peek returns the first byte of what comes next.
func (r *jsonReader) peek() byte {
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return r.data[r.at]
		}
	}
	return 0
}

// nothing takes null or an empty string.
func (r *jsonReader) nothing() bool {
	switch rest := r.data[r.at:]; {
	case bytes.HasPrefix(rest, []byte("null")):
		r.at += len("null")
	case bytes.HasPrefix(rest, []byte(`""`)):
		r.at += len(`""`)
	default:
		return false
	}
	return true
}

func (r *jsonReader) enter() (bool, error) {
	switch {
	case r.peek() == '{':
		r.at++
		return true, nil
	case r.nothing():
		return false, nil
	default:
		return false, unlike(r.kind(), "an object")
	}
}

func (r *jsonReader) member(p *plan) (*field, bool, error) {
	name, more := r.name()
	if !more {
		return nil, false, nil
	}
	return p.named(name), true, nil
}

// name takes the name of the next member, or the end of the object.
func (r *jsonReader) name() (name []byte, more bool) {
	for {
		switch r.peek() {
		case '}':
			r.at++
			return nil, false
		case ',':
			r.at++
		default:
			name = r.quoted()
			r.peek()
			r.at++ // the colon
			return name, true
		}
	}
}

func (r *jsonReader) enterList() (list, bool, error) {
	switch {
	case r.peek() == '[':
		r.at++
		return list{}, true, nil
	case r.data[r.at] == '{':
		return r.unwrap(1)
	case r.nothing():
		return list{}, false, nil
	default:
		return list{}, false, unlike(r.kind(), "a list")
	}
}

// unwrap looks for the list in an object. Whatever the list is called, it is not the links of the object, unless there
// is nothing else.
func (r *jsonReader) unwrap(depth int) (list, bool, error) {
	root := r.at == r.root
	r.at++ // the brace
	other, members, links := false, 0, 0
	for {
		name, more := r.name()
		if !more {
			break
		}
		members++
		switch kind := r.peek(); {
		case bytes.EqualFold(name, []byte("links")):
			links = r.at
			_ = r.skip()
		case kind == '[':
			r.at++
			return list{wrappers: depth}, true, nil
		case kind == '{' && depth < mostWrappers:
			if l, found, err := r.unwrap(depth + 1); found || err != nil {
				return l, found, err
			}
		default:
			other = other || !r.nothing()
			if other {
				_ = r.skip()
			}
		}
	}
	switch {
	case other, root && members == 0:
		return list{}, false, errNoList
	case members == 1 && links > 0 && r.data[links] == '[':
		r.at = links + 1
		return list{wrappers: depth}, true, nil
	}
	return list{}, false, nil
}

func (r *jsonReader) item(l list) (bool, error) {
	for {
		switch r.peek() {
		case ',':
			r.at++
		case ']':
			r.at++
			return false, r.leave(l.wrappers)
		default:
			return true, nil
		}
	}
}

// leave takes what is left of the objects around a list.
func (r *jsonReader) leave(wrappers int) error {
	for range wrappers {
		for {
			name, more := r.name()
			if !more {
				break
			}
			if r.peek() == '[' && !bytes.EqualFold(name, []byte("links")) {
				return errors.New("more than one list in it")
			}
			_ = r.skip()
		}
	}
	return nil
}

func (r *jsonReader) text() (text, error) {
	switch r.peek() {
	case '"':
		return text{bytes: r.quoted()}, nil
	case '{', '[':
		return text{}, unlike(r.kind(), "a value")
	default:
		word := r.word()
		if word[0] == 'n' {
			return text{}, nil
		}
		return text{bytes: word}, nil
	}
}

// word takes a number, true, false or null.
func (r *jsonReader) word() []byte {
	begin := r.at
	for r.at < len(r.data) {
		switch r.data[r.at] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return r.data[begin:r.at]
		}
		r.at++
	}
	return r.data[begin:]
}

// skip takes a value. It goes by brackets alone, so depth costs nothing.
func (r *jsonReader) skip() error {
	depth := 0
	for {
		switch r.peek() {
		case '"':
			r.at = r.endOfString()
		case '{', '[':
			depth++
			r.at++
			continue
		case '}', ']':
			depth--
			r.at++
		case ',', ':':
			r.at++
			continue
		case 0: // a document without an end, which is not valid
			return errNothing
		default:
			r.word()
		}
		if depth == 0 {
			return nil
		}
	}
}

// endOfString returns the place after the string that begins here.
func (r *jsonReader) endOfString() int {
	i := r.at + 1
	for {
		quote := bytes.IndexByte(r.data[i:], '"')
		if quote < 0 {
			return len(r.data)
		}
		i += quote + 1
		escapes := 0
		for i-2-escapes > r.at && r.data[i-2-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
	}
}

// quoted takes a string and returns what it says, valid until the next one.
func (r *jsonReader) quoted() []byte {
	end := r.endOfString()
	inside := r.data[r.at+1 : end-1]
	r.at = end
	if bytes.IndexByte(inside, '\\') < 0 && utf8.Valid(inside) {
		return inside
	}
	r.scratch = unescape(r.scratch[:0], inside)
	return r.scratch
}

// unescape appends what stands between the quotes of a valid string. As encoding/json does, it puts U+FFFD in the
// place of what is no character.
func unescape(to, inside []byte) []byte {
	for i := 0; i < len(inside); {
		if inside[i] != '\\' {
			char, size := utf8.DecodeRune(inside[i:])
			to = utf8.AppendRune(to, char)
			i += size
			continue
		}
		i++
		switch c := inside[i]; c {
		case 'b':
			to = append(to, '\b')
		case 'f':
			to = append(to, '\f')
		case 'n':
			to = append(to, '\n')
		case 'r':
			to = append(to, '\r')
		case 't':
			to = append(to, '\t')
		case 'u':
			char := hex(inside[i+1:])
			i += 4
			if utf16.IsSurrogate(char) {
				second := rune(utf8.RuneError)
				if len(inside) > i+6 && inside[i+1] == '\\' && inside[i+2] == 'u' {
					second = hex(inside[i+3:])
				}
				if char = utf16.DecodeRune(char, second); char != utf8.RuneError {
					i += 6
				}
			}
			to = utf8.AppendRune(to, char)
		default:
			to = append(to, c)
		}
		i++
	}
	return to
}

// hex reads four hexadecimal digits.
func hex(digits []byte) rune {
	var value rune
	for _, d := range digits[:4] {
		value <<= 4
		switch {
		case d <= '9':
			value |= rune(d - '0')
		default:
			value |= rune(d|0x20-'a') + 10
		}
	}
	return value
}

// kind names the value that comes next.
func (r *jsonReader) kind() string {
	switch r.peek() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "text"
	case 't', 'f':
		return "a truth value"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
