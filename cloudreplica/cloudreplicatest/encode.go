package cloudreplicatest

import (
	"io"
	"net/http"
	"strings"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Media types of the service.
const (
	xmlType  = "application/xml"
	jsonType = "application/json"
)

// byteOrderMark is what some builds put in front of JSON.
const byteOrderMark = "\xEF\xBB\xBF"

// wantsJSON reports in which encoding a request is to be read and answered: any mention of JSON in Accept decides.
func wantsJSON(header http.Header) bool {
	return strings.Contains(strings.ToLower(strings.Join(header.Values("Accept"), ",")), jsonType)
}

// dialect is how a build spells JSON.
type dialect struct{ camel, omit, mark bool }

// longList is how many items a list has at least to be written while it is sent.
const longList = 2000

// encoder writes documents in one encoding.
type encoder interface {
	document(of *document)
	item(of *list, i int)
	Bytes() []byte
	Len() int
	Reset()
}

// answer makes an answer of a document, in the encoding that is asked for. A long list is not held in memory.
func (d dialect) answer(status int, header http.Header, of *document) simkit.Answer {
	var w encoder
	kind, separator, long := xmlType, "", lazyOf(of)
	if wantsJSON(header) {
		kind, separator = jsonType, ","
		written := &jsonWriter{camel: d.camel, omit: d.omit, lazy: long}
		if d.mark {
			written.WriteString(byteOrderMark)
		}
		w = written
	} else {
		w = &xmlWriter{lazy: long}
	}
	w.document(of)
	answer := simkit.Answer{Status: status, Header: http.Header{"Content-Type": {kind + "; charset=utf-8"}}}
	if long == nil {
		answer.Body = w.Bytes()
		return answer
	}
	whole := string(w.Bytes())
	body := &longBody{encoder: w, of: long.of, head: whole[:long.offset], tail: whole[long.offset:], separator: separator}
	answer.Stream, answer.Length = body, body.length()
	return answer
}

// lazyOf finds the list of a document that is too long to hold.
func lazyOf(d *document) *lazyList {
	for _, p := range d.elements {
		switch value := p.value.(type) {
		case *list:
			if value != nil && value.count >= longList {
				return &lazyList{of: value}
			}
		case *document:
			if value == nil {
				continue
			}
			if found := lazyOf(value); found != nil {
				return found
			}
		}
	}
	return nil
}

// longBody is a body whose list is written while it is read. What the list shows does not change meanwhile: the
// database is never changed, only replaced.
type longBody struct {
	encoder    encoder
	of         *list
	head, tail string
	separator  string // between items
	next       int    // the item that comes next; 0: the head has not been read yet
	pending    []byte
	ended      bool
}

// length finds out how long the body is going to be.
func (b *longBody) length() int64 {
	total := int64(len(b.head)+len(b.tail)) + int64(len(b.separator)*max(0, b.of.count-1))
	for i := range b.of.count {
		b.encoder.Reset()
		b.encoder.item(b.of, i)
		total += int64(b.encoder.Len())
	}
	b.pending = []byte(b.head)
	return total
}

// Read writes as many items as are needed for something to read.
func (b *longBody) Read(p []byte) (int, error) {
	for len(b.pending) == 0 {
		switch {
		case b.next < b.of.count:
			b.encoder.Reset()
			b.encoder.item(b.of, b.next)
			b.pending = b.encoder.Bytes()
			b.next++
			if b.next < b.of.count && b.separator != "" {
				b.pending = append(b.pending, b.separator...)
			}
		case !b.ended:
			b.pending, b.ended = []byte(b.tail), true
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, b.pending)
	b.pending = b.pending[n:]
	return n, nil
}
