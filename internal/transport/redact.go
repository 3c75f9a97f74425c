package transport

import (
	"errors"
	"net/http"
	"regexp"
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

func scrubOne(text, secret string) string {
	if len(secret) < shortestSecret {
		return text
	}
	return strings.ReplaceAll(text, secret, hidden)
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
