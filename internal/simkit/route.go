package simkit

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
)

// router finds the operation of a request by method and path.
type router struct {
	routes        []route
	trailingSlash bool // whether a path may end with one more slash
	fold          bool // whether case does not matter
}

// actionParameter is the query parameter that tells operations apart which share their path and method.
const actionParameter = "action"

type route struct {
	operation api.Operation
	segments  []string
}

func newRouter(table api.Table, trailingSlash, fold bool) (router, error) {
	r := router{trailingSlash: trailingSlash, fold: fold}
	seen := map[string]string{}
	for _, operation := range table.Operations {
		if !strings.HasPrefix(operation.Path, "/") {
			return router{}, fmt.Errorf("operation %s: the path %q does not start with a slash", operation.Name, operation.Path)
		}
		key := strings.TrimSuffix(operation.Method+" "+operation.Path+"?action="+operation.Action, "?action=")
		if other, taken := seen[key]; taken {
			return router{}, fmt.Errorf("operations %s and %s are both %s", other, operation.Name, key)
		}
		seen[key] = operation.Name
		r.routes = append(r.routes, route{operation: operation, segments: strings.Split(operation.Path, "/")[1:]})
	}
	return r, nil
}

func (r router) knows(name string) bool {
	_, known := r.named(name)
	return known
}

func (r router) named(name string) (operation api.Operation, known bool) {
	for _, candidate := range r.routes {
		if candidate.operation.Name == name {
			return candidate.operation, true
		}
	}
	return api.Operation{}, false
}

// fill puts arguments into the template of a path, escaped.
func fill(template string, arguments []string) (string, error) {
	segments := strings.Split(template, "/")
	filled := 0
	for i, segment := range segments {
		if !strings.HasPrefix(segment, "{") {
			continue
		}
		if filled < len(arguments) {
			segments[i] = url.PathEscape(arguments[filled])
		}
		filled++
	}
	if filled != len(arguments) {
		return "", fmt.Errorf("%s takes %d arguments instead of %d", template, filled, len(arguments))
	}
	return strings.Join(segments, "/"), nil
}

// match is what a path and method were found to be.
type match struct {
	operation api.Operation
	arguments map[string]string
	first     string // the first argument of the path: the resource, unless the handler knows better
}

// find returns the operation, or says what is wrong with the request line. Where several templates match,
// the one with fewer arguments wins, and of those the one whose action the query names.
func (r router) find(method, escapedPath, action string) (match, string) {
	if r.trailingSlash {
		escapedPath = strings.TrimSuffix(escapedPath, "/")
	}
	segments := strings.Split(strings.TrimPrefix(escapedPath, "/"), "/")
	best, fewest, methods, actions := match{}, -1, []string{}, []string{}
	for _, candidate := range r.routes {
		arguments, first, ok := candidate.fit(segments, r.fold)
		switch {
		case !ok:
		case candidate.operation.Method == method && candidate.operation.Action != action && candidate.operation.Action != "":
			actions = append(actions, candidate.operation.Action)
		case candidate.operation.Method != method:
			methods = append(methods, candidate.operation.Method)
		case fewest < 0 || len(arguments) < fewest:
			best, fewest = match{operation: candidate.operation, arguments: arguments, first: first}, len(arguments)
		}
	}
	switch {
	case fewest >= 0:
		return best, ""
	case len(actions) > 0:
		return match{}, fmt.Sprintf("the action %q is not one of this path's: %s", action, strings.Join(actions, ", "))
	case len(methods) > 0:
		return match{}, fmt.Sprintf("the method %s is not one of this path's: %s", method, strings.Join(methods, ", "))
	default:
		return match{}, "the path is not in the contract"
	}
}

// split takes the base path off a path.
func (c *Config) split(escapedPath string) (base, path, problem string) {
	if len(c.BasePaths) == 0 {
		return "", escapedPath, ""
	}
	for _, base := range c.BasePaths {
		if rest, ok := strings.CutPrefix(escapedPath, base); ok && strings.HasPrefix(rest, "/") {
			return base, rest, ""
		}
	}
	return "", "", "the path does not begin with " + strings.Join(c.BasePaths, " or ")
}

// newestBase returns the base path of the newest version of the API.
func (c *Config) newestBase() string {
	if len(c.BasePaths) == 0 {
		return ""
	}
	return c.BasePaths[len(c.BasePaths)-1]
}

func (r route) fit(segments []string, fold bool) (arguments map[string]string, first string, ok bool) {
	if len(segments) != len(r.segments) {
		return nil, "", false
	}
	arguments = map[string]string{}
	for i, want := range r.segments {
		got, err := url.PathUnescape(segments[i])
		if err != nil {
			return nil, "", false
		}
		if !strings.HasPrefix(want, "{") {
			if got != want && (!fold || !strings.EqualFold(got, want)) {
				return nil, "", false
			}
			continue
		}
		if got == "" {
			return nil, "", false
		}
		if len(arguments) == 0 {
			first = got
		}
		arguments[strings.Trim(want, "{}")] = got
	}
	return arguments, first, true
}
