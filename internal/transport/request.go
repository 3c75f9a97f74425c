package transport

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/go-querystring/query"
)

// newRequest builds the request of x, without token and context.
func (c *Client) newRequest(x *exchange) error {
	target := *c.base
	escaped, err := expand(x.operation.Path, x.call.Path)
	if err != nil {
		return err
	}
	x.path = escaped
	if target.Path, err = url.PathUnescape(escaped); err != nil {
		return err
	}
	target.Path = c.base.Path + target.Path
	target.RawPath = c.base.EscapedPath() + escaped
	if target.RawQuery, err = encodeQuery(x.call, c.config.SiteParameter); err != nil {
		return err
	}
	x.query = target.RawQuery
	if c.config.SlashBeforeQuery && x.query != "" {
		target.Path += "/"
		target.RawPath += "/"
	}

	accept := x.call.Accept
	switch {
	case accept != "":
	case x.call.Part != nil:
		accept = c.file
	default:
		accept = c.accept
	}
	header := newHeaderSet()
	header.set("Accept", accept)
	header.set("User-Agent", c.settings.UserAgent)
	if c.traceHeader != "" {
		header.set(c.traceHeader, x.id)
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
		if x.body, err = json.Marshal(x.call.Body); err != nil {
			return fmt.Errorf("request body: %w", err)
		}
		header.set("Content-Type", "application/json")
	}
	x.request = http.Request{
		Method: x.operation.Method, URL: &target, Host: target.Host, Header: header.Header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return nil
}

// headerSet builds a header whose values share one allocation. Its keys are canonical already.
type headerSet struct {
	http.Header
	values []string
}

func newHeaderSet() headerSet {
	return headerSet{Header: make(http.Header, 5), values: make([]string, 0, 4)}
}

func (h *headerSet) set(key, value string) {
	h.values = append(h.values, value)
	last := len(h.values)
	h.Header[key] = h.values[last-1 : last : last]
}

// expand fills the template of a path. Arguments are escaped so far that none can change the path, and
// an empty one, which would name the collection instead of a member of it, is an error.
func expand(template string, arguments []string) (string, error) {
	var path strings.Builder
	rest := template
	for _, argument := range arguments {
		before, after, found := strings.Cut(rest, "{")
		name, tail, closed := strings.Cut(after, "}")
		if !found || !closed {
			return "", fmt.Errorf("%d arguments for the path %s", len(arguments), template)
		}
		switch argument {
		case "":
			return "", fmt.Errorf("%s is empty", name)
		case ".", "..":
			return "", fmt.Errorf("%s %q is not an id", name, argument)
		}
		path.WriteString(before)
		path.WriteString(escapeArgument(argument))
		rest = tail
	}
	if strings.Contains(rest, "{") {
		return "", fmt.Errorf("%d arguments for the path %s", len(arguments), template)
	}
	path.WriteString(rest)
	return path.String(), nil
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
