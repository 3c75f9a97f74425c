package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
)

// shortestSecret keeps a password such as "a" from blotting out every message.
const shortestSecret = 4

// scrub removes the client's own secrets from a text: a server or a proxy may echo them.
func (c *Client) scrub(text string) string {
	c.hiddenMu.RLock()
	for _, secret := range c.hidden {
		text = scrubOne(text, secret.Reveal())
	}
	c.hiddenMu.RUnlock()
	for ; c != nil; c = c.config.Beside {
		current, pending := c.session.secrets()
		text = scrubOne(scrubOne(text, current), pending)
	}
	return text
}

// scrubOne removes a secret as it is, and as JSON, XML and queries write it.
func scrubOne(text, secret string) string {
	if len(secret) < shortestSecret {
		return text
	}
	text = strings.ReplaceAll(text, secret, hidden)
	for _, escaped := range []string{inJSON(secret, true), inJSON(secret, false), inXML(secret), url.QueryEscape(secret), url.PathEscape(secret)} {
		if escaped != secret {
			text = strings.ReplaceAll(text, escaped, hidden)
		}
	}
	return text
}

// inJSON returns a text as it stands between the quotes of a JSON string.
func inJSON(text string, html bool) string {
	var written strings.Builder
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(html)
	if encoder.Encode(text) != nil {
		return text
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(written.String(), "\n"), `"`), `"`)
}

// inXML returns a text as it stands between the quotes of an attribute.
func inXML(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(text)
}

// clean returns err, or only its text where that holds a secret: nobody can then get back at the secret
// by unwrapping, and who compares causes loses one that a proxy has tampered with.
func (c *Client) clean(err error) error {
	text := err.Error()
	if shown := c.scrub(text); shown != text {
		return errors.New(shown)
	}
	return err
}

// ScrubTask removes the client's own secrets from a failed task, which may repeat them as well as an
// error answer may.
func (c *Client) ScrubTask(e *drkit.TaskError) {
	e.Code, e.Message, e.Stack = c.scrub(e.Code), c.scrub(e.Message), c.scrub(e.Stack)
	e.Args, e.Warnings = slices.Clone(e.Args), slices.Clone(e.Warnings)
	for i, arg := range e.Args {
		e.Args[i] = c.scrub(arg)
	}
	for i, warning := range e.Warnings {
		e.Warnings[i] = json.RawMessage(c.scrub(string(warning)))
	}
}

func (c *Client) scrubError(e *drkit.Error) {
	e.Code, e.Message, e.Stack, e.RequestID = c.scrub(e.Code), c.scrub(e.Message), c.scrub(e.Stack), c.scrub(e.RequestID)
	for i, arg := range e.Args {
		e.Args[i] = c.scrub(arg)
	}
}

// secretWords are parts of the names of members that hold secrets.
var secretWords = []string{"password", "passwd", "secret", "token", "cookie", "signature", "credential", "authorization", "sessionid"}

// RedactJSON redacts the texts of members of a JSON document whose names say that they are secret, in
// one pass, and whether the document is whole or not.
func RedactJSON(data []byte) []byte {
	shown := make([]byte, 0, len(data))
	for i := 0; i < len(data); {
		if data[i] != '"' {
			shown = append(shown, data[i])
			i++
			continue
		}
		end := endOfString(data, i)
		name := data[i:end]
		shown = append(shown, name...)
		i = end
		value := afterColon(data, i)
		if value < 0 || !HoldsSecret(name) {
			continue
		}
		shown = append(append(shown, data[i:value]...), `"`+hidden+`"`...)
		i = endOfString(data, value)
	}
	return shown
}

// afterColon returns the place of the text that is the value of the member whose name ends at i, or -1.
func afterColon(data []byte, i int) int {
	colon := false
	for ; i < len(data); i++ {
		switch data[i] {
		case ' ', '\t', '\r', '\n':
		case ':':
			if colon {
				return -1
			}
			colon = true
		case '"':
			if colon {
				return i
			}
			return -1
		default:
			return -1
		}
	}
	return -1
}

// HoldsSecret reports whether the name of a member says that its value is secret.
func HoldsSecret(name []byte) bool {
	lower := bytes.ToLower(name)
	return slices.ContainsFunc(secretWords, func(word string) bool { return bytes.Contains(lower, []byte(word)) })
}

// response shows the attempt to an observer.
func (x *exchange) response() drkit.Response {
	header := x.header.Clone()
	for name, values := range header {
		for i, value := range values {
			values[i] = x.client.scrub(value)
		}
		if strings.EqualFold(name, x.client.config.Session.Header) || HoldsSecret([]byte(name)) {
			header[name] = []string{hidden}
		}
	}
	shown := drkit.Response{Operation: x.name(), OperationID: x.id, Attempt: x.attempt, Status: x.status, Header: header}
	if !x.streams || x.stream == nil {
		shown.Body = []byte(x.client.scrub(string(x.client.codec.Redact(x.received()))))
	}
	return shown
}
