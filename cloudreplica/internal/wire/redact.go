package wire

import (
	"bytes"
	"regexp"

	"github.com/drkit-go/drkit/internal/transport"
)

const hidden = "[redacted]"

// session finds the identifier of a logon session in an address. On newer versions it is all of the token.
var session = regexp.MustCompile(`(?i)(logonSessions\\?/)[^"'?&<>\s\\]+`)

// Redact hides what a document says of secrets. It need not be whole.
func Redact(data []byte) []byte {
	document := bytes.TrimSpace(bytes.TrimPrefix(data, mark))
	if bytes.HasPrefix(document, []byte("<")) {
		data = redactXML(data)
	} else {
		data = transport.RedactJSON(data)
	}
	return session.ReplaceAll(data, []byte("${1}"+hidden))
}

// redactXML hides the text of elements, and the values of attributes, whose names say that they are secret.
func redactXML(data []byte) []byte {
	shown := make([]byte, 0, len(data))
	for len(data) > 0 {
		begin := bytes.IndexByte(data, '<')
		if begin < 0 {
			break
		}
		end := endOfTag(data[begin:])
		tag := data[begin : begin+end]
		shown = append(append(shown, data[:begin]...), redactAttributes(tag)...)
		data = data[begin+end:]
		name := nameIn(tag[1:])
		opens := len(name) > 0 && !bytes.HasSuffix(tag, []byte("/>"))
		if !opens || !transport.HoldsSecret(name) {
			continue
		}
		inside := endOfText(data)
		if len(bytes.TrimSpace(data[:inside])) > 0 {
			shown = append(shown, hidden...)
		}
		data = data[inside:]
	}
	return append(shown, data...)
}

// endOfText returns where the text of an element ends.
func endOfText(data []byte) int {
	at := 0
	for {
		next := bytes.IndexByte(data[at:], '<')
		if next < 0 {
			return len(data)
		}
		at += next
		if !bytes.HasPrefix(data[at:], []byte(begunText)) {
			return at
		}
		end := bytes.Index(data[at:], []byte("]]>"))
		if end < 0 {
			return len(data)
		}
		at += end
	}
}

const (
	begunText    = "<![CDATA["
	begunComment = "<!--"
)

// endOfTag returns the length of a tag, whose values may hold its bracket, or of a comment.
func endOfTag(data []byte) int {
	if bytes.HasPrefix(data, []byte(begunComment)) {
		end := bytes.Index(data, []byte("-->"))
		if end < 0 {
			return len(data)
		}
		return end + len("-->")
	}
	quote := byte(0)
	for i, b := range data {
		switch {
		case quote != 0 && b == quote:
			quote = 0
		case quote != 0:
		case b == '"' || b == '\'':
			quote = b
		case b == '>':
			return i + 1
		}
	}
	return len(data)
}

// nameIn returns the name at the beginning of a tag or an attribute; a closing tag has none.
func nameIn(data []byte) []byte {
	end := bytes.IndexAny(data, " \t\r\n=/>\"'")
	if end < 0 {
		return data
	}
	return data[:end]
}

var attribute = regexp.MustCompile(`([^\s"'=<>/]+)(\s*=\s*)("[^"]*"?|'[^']*'?)`)

func redactAttributes(tag []byte) []byte {
	return attribute.ReplaceAllFunc(tag, func(pair []byte) []byte {
		name := nameIn(pair)
		if !transport.HoldsSecret(name) {
			return pair
		}
		return append(append([]byte(nil), name...), `="`+hidden+`"`...)
	})
}
