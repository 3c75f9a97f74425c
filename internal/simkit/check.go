package simkit

import (
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const formType = "application/x-www-form-urlencoded"

// check returns everything about a request that the contract does not allow. It fills in the call's query
// and site on the way.
func (s *Server) check(call *Call, rawQuery string) []string {
	problems := s.checkQuery(call, rawQuery)
	if len(problems) == 0 {
		problems = s.config.CheckQuery(call.Operation, call.Query)
	}
	if problem := s.config.CheckHeader(call.Operation, call.Header); problem != "" {
		problems = append(problems, problem)
	}
	problems = append(problems, s.checkBody(call)...)
	if s.config.SiteParameter != "" {
		call.Site = call.Query.Get(s.config.SiteParameter)
	}
	if s.config.Resource != nil && len(problems) == 0 {
		call.Resource = s.config.Resource(call)
	}
	return problems
}

func (s *Server) checkQuery(call *Call, rawQuery string) []string {
	query, err := url.ParseQuery(rawQuery)
	call.Query = query
	var problems []string
	if err != nil {
		problems = append(problems, fmt.Sprintf("the query does not parse: %v", err))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		values := query[name]
		switch {
		case !slices.Contains(call.Operation.Query, name) && (name != actionParameter || call.Operation.Action == ""):
			problems = append(problems, fmt.Sprintf("query parameter %q is not in the contract", name))
		case len(values) > 1 && !slices.Contains(s.config.RepeatedQuery[call.Operation.Name], name):
			problems = append(problems, fmt.Sprintf("query parameter %q comes %d times", name, len(values)))
		case slices.Contains(values, ""):
			problems = append(problems, fmt.Sprintf("query parameter %q is empty: leave it out", name))
		}
	}
	for _, name := range s.config.RequiredQuery[call.Operation.Name] {
		if !query.Has(name) {
			problems = append(problems, fmt.Sprintf("query parameter %q is missing", name))
		}
	}
	return problems
}

func (s *Server) checkBody(call *Call) []string {
	mediaType, parameters, err := mime.ParseMediaType(call.Header.Get("Content-Type"))
	fields, form := s.config.Forms[call.Operation.Name]
	switch {
	case len(call.Body) == 0 && call.Operation.BodyRequired:
		return []string{"the body is missing"}
	case len(call.Body) == 0:
		return nil
	case form && mediaType == formType:
		return checkForm(call, fields)
	case call.Operation.Body == "":
		return []string{fmt.Sprintf("a body of %d bytes, where none is allowed", len(call.Body))}
	case int64(len(call.Body)) > s.config.MaxBodyBytes:
		return []string{fmt.Sprintf("the body is longer than %d bytes", s.config.MaxBodyBytes)}
	}
	var problems []string
	charset, named := parameters["charset"]
	check, taken := s.config.BodyChecks[mediaType]
	if err != nil || !taken || (named && !strings.EqualFold(charset, "utf-8")) {
		types := slices.Sorted(maps.Keys(s.config.BodyChecks))
		problems = append(problems, fmt.Sprintf("Content-Type is %q instead of %q", call.Header.Get("Content-Type"), strings.Join(types, " or ")))
	}
	if !taken && len(s.config.BodyChecks) == 1 {
		check, taken = slices.Collect(maps.Values(s.config.BodyChecks))[0], true
	}
	if !taken {
		return problems
	}
	return append(problems, check(s.config.Table, call.Operation.Body, call.Body)...)
}

// checkForm reads a form body into the query. What both name must be the same in both.
func checkForm(call *Call, fields []string) []string {
	form, err := url.ParseQuery(string(call.Body))
	if err != nil {
		return []string{fmt.Sprintf("the form body does not parse: %v", err)}
	}
	var problems []string
	for _, name := range slices.Sorted(maps.Keys(form)) {
		values, asked := form[name], call.Query.Get(name)
		switch {
		case !slices.Contains(fields, name):
			problems = append(problems, fmt.Sprintf("form field %q is not in the contract", name))
		case len(values) > 1:
			problems = append(problems, fmt.Sprintf("form field %q comes %d times", name, len(values)))
		case asked != "" && asked != values[0]:
			problems = append(problems, fmt.Sprintf("form field %q is %q, but the query says %q", name, values[0], asked))
		default:
			call.Query.Set(name, values[0])
		}
	}
	return problems
}

// redactQuery copies a query for the audit, without its secrets.
func (s *Server) redactQuery(query url.Values) url.Values {
	shown := maps.Clone(query)
	for _, name := range s.config.SecretParameters {
		if shown.Has(name) {
			shown.Set(name, Redacted)
		}
	}
	return shown
}

// redact copies a header for the audit, without its secrets.
func (s *Server) redact(header http.Header) http.Header {
	shown := header.Clone()
	for _, name := range append([]string{"Authorization", "Proxy-Authorization", "Cookie"}, s.config.SecretHeaders...) {
		if _, given := shown[http.CanonicalHeaderKey(name)]; given {
			shown.Set(name, Redacted)
		}
	}
	return shown
}
