package simkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/drkit-go/drkit/internal/api"
)

// Config is what a service's simulator is made of.
type Config struct {
	// Table is the contract by which requests are matched and checked.
	Table api.Table
	// Handlers do the work, by operation name. An operation without one answers 501.
	Handlers map[string]Handler
	// Admit refuses a call before its work, as for want of a session or a role; nil lets it pass. It may
	// change the call for the handler that follows. A refusal without a status is not sent: Admit has waited
	// for the client to give up.
	Admit func(*Call) *Answer
	// Error makes an answer in the service's own error format. An empty code or message stands for the
	// service's usual one for that status.
	Error func(status int, code, message string) Answer
	// ErrorFor does the same for a service whose errors look different for different calls, and replaces Error.
	ErrorFor func(call *Call, status int, code, message string) Answer
	// CheckHeader returns what is wrong with the headers of a request, such as its Accept; empty if
	// nothing is. Without it no header but Content-Type is checked.
	CheckHeader func(api.Operation, http.Header) string
	// CheckQuery returns what is wrong with the values of the query parameters, whose names have been checked;
	// by default nothing is.
	CheckQuery func(api.Operation, url.Values) []string
	// CheckBody returns what is wrong with a request body of the given schema; by default CheckJSON.
	CheckBody func(table api.Table, schema string, body []byte) []string
	// RequestType is the media type of request bodies; by default "application/json".
	RequestType string
	// BodyChecks are the checks of request bodies by their media types, for a service that takes several. It
	// replaces CheckBody and RequestType.
	BodyChecks map[string]func(table api.Table, schema string, body []byte) []string
	// Forms names, by operation, the query parameters that may also come as a form body.
	Forms map[string][]string
	// RepeatedQuery names, by operation, the query parameters that may come more than once.
	RepeatedQuery map[string][]string
	// RequiredQuery names, by operation, the query parameters that must come.
	RequiredQuery map[string][]string
	// Resource says what a checked request is about, for rules and the audit; nil: the first argument of its
	// path.
	Resource func(*Call) string
	// TrailingSlash lets paths end with one more slash, as in /pots/?color=red.
	TrailingSlash bool
	// FoldPaths lets the fixed parts of paths be written in upper and lower case.
	FoldPaths bool
	// BasePaths are what stands in front of the table's paths, one for each version of the API, the newest last;
	// empty: nothing. A request without one of them matches nothing.
	BasePaths []string
	// SiteParameter is the query parameter that names a site; empty if the service has none.
	SiteParameter string
	// TraceHeader is the header that carries an operation ID; empty if the service has none.
	TraceHeader string
	// SecretHeaders are redacted in the audit, as Authorization and cookies always are.
	SecretHeaders []string
	// SecretParameters are the query parameters that are redacted in the audit.
	SecretParameters []string
	// Clock is the time by which the server goes; by default SystemClock.
	Clock Clock
	// Host is the made-up host name of the certificate, and of the URL in memory; by default
	// "appliance.drkit.test".
	Host string
	// InMemory listens in memory instead of on 127.0.0.1. It speaks HTTP/1.1 only, where the order of
	// events is the same in every run.
	InMemory bool
	// HTTP1 leaves out HTTP/2 on loopback, too.
	HTTP1 bool
	// MaxBodyBytes limits request bodies; 1 MiB by default.
	MaxBodyBytes int64
}

func (c *Config) complete() error {
	if c.Error == nil && c.ErrorFor == nil {
		return errors.New("simulator: Config.Error is missing")
	}
	if c.ErrorFor == nil {
		c.ErrorFor = func(_ *Call, status int, code, message string) Answer { return c.Error(status, code, message) }
	}
	if c.Admit == nil {
		c.Admit = func(*Call) *Answer { return nil }
	}
	if c.CheckHeader == nil {
		c.CheckHeader = func(api.Operation, http.Header) string { return "" }
	}
	if c.CheckQuery == nil {
		c.CheckQuery = func(api.Operation, url.Values) []string { return nil }
	}
	if c.CheckBody == nil {
		c.CheckBody = CheckJSON
	}
	if c.RequestType == "" {
		c.RequestType = "application/json"
	}
	if c.BodyChecks == nil {
		c.BodyChecks = map[string]func(api.Table, string, []byte) []string{c.RequestType: c.CheckBody}
	}
	if c.Clock == nil {
		c.Clock = SystemClock()
	}
	if c.Host == "" {
		c.Host = "appliance.drkit.test"
	}
	if c.MaxBodyBytes == 0 {
		c.MaxBodyBytes = 1 << 20
	}
	return nil
}

// Handler does the work of one operation. Its request has been checked against the contract.
type Handler func(*Call) Answer

// Call is one checked request on its way through a simulator.
type Call struct {
	Context   context.Context // ends with the request's connection
	Operation api.Operation
	Host      string            // the host that the request names; empty for an operator's
	Path      string            // as sent, escaped
	Base      string            // of the base paths the one that it came by; the newest for an operator's
	Arguments map[string]string // of the path, by name
	Query     url.Values        // with the fields of a form body, where one is allowed
	Header    http.Header
	Body      []byte
	Site      string    // what the query names; empty: the local site
	Time      time.Time // when the request came, by the server's clock
	// Unattended is set where nobody waits for an answer, and so nothing may wait for the clock or the client.
	Unattended bool
	// Resource is what the audit counts by: what Config.Resource says, else the first argument of the path,
	// unless the handler, which knows what a create made, sets another.
	Resource string
	// User is who asks, for the audit; Admit or the handler sets it.
	User string
	// Session is the service's own; Admit sets it for the handler. An operator brings one along.
	Session any

	clock Clock
	due   time.Time // when late work was to be done; zero: it is not late
}

// Now returns the time at which the work is done: for late work the one that was planned, however much later
// somebody has looked.
func (c *Call) Now() time.Time {
	if !c.due.IsZero() {
		return c.due
	}
	return c.clock.Now()
}

// Answer is what a simulator answers. The work counts as done if Status is below 400.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// Stream is a body that is too long to hold: Length bytes of it are read while they are sent, which is
	// after the handler has returned. It replaces Body.
	Stream io.Reader
	Length int64
}

// body returns what to send and how long it is.
func (a Answer) body() (io.Reader, int64) {
	if a.Stream != nil {
		return a.Stream, a.Length
	}
	return bytes.NewReader(a.Body), int64(len(a.Body))
}

// JSON returns an answer whose body is v as JSON.
func JSON(status int, contentType string, v any) Answer {
	body, err := json.Marshal(v)
	if err != nil {
		text := fmt.Sprintf("simulator: the answer does not encode: %v", err)
		return Answer{Status: http.StatusInternalServerError, Body: []byte(text)}
	}
	return Answer{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: body}
}
