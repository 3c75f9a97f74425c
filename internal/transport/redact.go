package transport

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
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
	current, pending := c.session.secrets()
	return scrubOne(scrubOne(text, current), pending)
}

// scrubOne removes a secret as it is, and as JSON and queries write it.
func scrubOne(text, secret string) string {
	if len(secret) < shortestSecret {
		return text
	}
	text = strings.ReplaceAll(text, secret, hidden)
	for _, escaped := range []string{inJSON(secret, true), inJSON(secret, false), url.QueryEscape(secret), url.PathEscape(secret)} {
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
	e.Code, e.Message, e.Stack = c.scrub(e.Code), c.scrub(e.Message), c.scrub(e.Stack)
	for i, arg := range e.Args {
		e.Args[i] = c.scrub(arg)
	}
}

// secretMember matches members of JSON documents that hold secrets by their name.
var secretMember = regexp.MustCompile(
	`(?i)("[^"]*(?:password|passwd|secret|token|cookie|signature|credential|authorization)[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"`)

// response shows the attempt to an observer.
func (x *exchange) response() drkit.Response {
	header := x.header.Clone()
	for name, values := range header {
		for i, value := range values {
			values[i] = x.client.scrub(value)
		}
		if strings.EqualFold(name, x.client.config.Session.Header) || http.CanonicalHeaderKey(name) == "Set-Cookie" {
			header[name] = []string{hidden}
		}
	}
	shown := drkit.Response{Operation: x.name, OperationID: x.id, Attempt: x.attempt, Status: x.status, Header: header}
	if !x.streams || x.stream == nil {
		body := secretMember.ReplaceAllString(string(x.received()), `${1}"`+hidden+`"`)
		shown.Body = []byte(x.client.scrub(body))
	}
	return shown
}
