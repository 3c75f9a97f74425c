package transport

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-querystring/query"
)

// compose puts together what is sent, but for the token.
func (c *Client) compose(x *exchange) error {
	var err error
	if x.template, err = expand(x.operation.Path, x.call.Path, c.place.parameter); err != nil {
		return err
	}
	if x.query, err = encodeQuery(x.call, c.config.SiteParameter); err != nil {
		return err
	}

	accept := x.call.Accept
	switch {
	case accept != "":
	case x.call.Part != nil:
		accept = c.file
	default:
		accept = c.accept
	}
	header := &x.fields
	header.begin()
	header.set("Accept", accept)
	header.set("User-Agent", c.settings.UserAgent)
	if c.traceHeader != "" {
		header.set(c.traceHeader, x.id)
	}
	for name, value := range c.config.Header {
		header.set(name, value)
	}
	for name, value := range x.call.Header {
		header.Header[http.CanonicalHeaderKey(name)] = []string{value}
	}
	if !x.call.Authorization.IsZero() {
		header.Header["Authorization"] = []string{x.call.Authorization.Reveal()}
	}
	if part := x.call.Part; part != nil {
		header.Header["Accept-Encoding"] = []string{"identity"}
		if part.Offset > 0 {
			header.Header["Range"] = []string{"bytes=" + strconv.FormatInt(part.Offset, 10) + "-"}
		}
		if part.Offset > 0 && part.Validator != "" {
			header.Header["If-Range"] = []string{part.Validator}
		}
	}
	if x.call.Body != nil {
		if x.body, err = c.codec.Encode(x.operation, x.call.Body); err != nil {
			return fmt.Errorf("request body: %w", err)
		}
		header.set("Content-Type", c.codec.MediaType)
	}
	_, err = x.locate()
	return err
}

// request returns the request of an attempt, without its context.
func (x *exchange) request() http.Request {
	request := http.Request{
		Method: x.operation.Method, URL: x.target, Host: x.target.Host, Header: x.fields.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	if x.body != nil {
		request.ContentLength = int64(len(x.body))
		request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(x.body)), nil }
		request.Body, _ = request.GetBody()
	}
	return request
}

// headerSet is a header whose values stand in it, as far as there is room. Its keys are canonical already.
type headerSet struct {
	http.Header
	values []string
	room   [5]string
	sent   bool // a request has it, which net/http may still be writing after that request was given up
}

func (h *headerSet) begin() { h.Header, h.values = make(http.Header, len(h.room)), h.room[:0] }

// set leaves what was sent as it is: it may still be on its way out.
func (h *headerSet) set(key, value string) {
	if h.sent {
		h.Header, h.sent = maps.Clone(h.Header), false
	}
	h.values = append(h.values, value)
	last := len(h.values)
	h.Header[key] = h.values[last-1 : last : last]
}

// expand fills the template of a path, except for the parameter that is left for later. Arguments are escaped so
// far that none can change the path, and an empty one, which would name the collection instead of a member of it,
// is an error.
func expand(template string, arguments []string, later string) (string, error) {
	var path strings.Builder
	if len(arguments) > 0 || later != "" {
		const identifier = 36 // bytes of a UUID, as most of them are
		path.Grow(len(template) + identifier*len(arguments))
	}
	rest := template
	used := 0
	for {
		before, after, found := strings.Cut(rest, "{")
		if !found {
			break
		}
		name, tail, closed := strings.Cut(after, "}")
		path.WriteString(before)
		rest = tail
		switch {
		case !closed:
			return "", fmt.Errorf("the path %s has no end", template)
		case name == later:
			path.WriteString("{" + name + "}")
			continue
		case used == len(arguments):
			return "", fmt.Errorf("%d arguments for the path %s", len(arguments), template)
		}
		if err := checkArgument(name, arguments[used]); err != nil {
			return "", err
		}
		path.WriteString(escapeArgument(arguments[used]))
		used++
	}
	if used < len(arguments) {
		return "", fmt.Errorf("%d arguments for the path %s", len(arguments), template)
	}
	if path.Len() == 0 {
		return template, nil
	}
	path.WriteString(rest)
	return path.String(), nil
}

// checkArgument refuses what would change a path.
func checkArgument(name, argument string) error {
	switch argument {
	case "":
		return fmt.Errorf("%s is empty", name)
	case ".", "..":
		return fmt.Errorf("%s %q is not an id", name, argument)
	default:
		return nil
	}
}

// escapeArgument also escapes what RFC 3986 allows in a segment but routers read: user@org, a;b, a:b.
func escapeArgument(argument string) string {
	plain := true
	for i := range len(argument) {
		if !unreserved(argument[i]) {
			plain = false
			break
		}
	}
	if plain {
		return argument
	}
	return strings.ReplaceAll(url.QueryEscape(argument), "+", "%20")
}

func unreserved(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
		b == '-' || b == '_' || b == '.' || b == '~'
}

func encodeQuery(call Call, siteParameter string) (string, error) {
	var values url.Values
	if call.Query != nil {
		var err error
		if values, err = query.Values(call.Query); err != nil {
			return "", fmt.Errorf("query: %w", err)
		}
	}
	if call.Operation.Action != "" {
		if values == nil {
			values = make(url.Values, 1)
		}
		values.Set("action", call.Operation.Action)
	}
	if call.Site != "" {
		if values.Has(siteParameter) {
			return "", fmt.Errorf("query names a %s beside the %[1]s of the view", siteParameter)
		}
		if values == nil {
			values = make(url.Values, 1)
		}
		values.Set(siteParameter, call.Site)
	}
	return values.Encode(), nil
}
