package cloudreplica

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Field is a field of entities of type T that queries compare and sort by; its values are of type V. The constants of
// this package, such as [PointFieldCreationTime], are all that the vendor documents.
//
// Times are compared in UTC, and enumerations in the order of their constants: a [SessionResult] above
// [SessionResultSuccess] is a warning or a failure.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "filter".
type Field[T, V any] string

// Filter says which entities of type T a query finds. The zero Filter finds all.
type Filter[T any] struct {
	text  string // empty: everything, or nothing
	never bool   // nothing
	err   error
}

// Is finds entities whose field has a value.
func (f Field[T, V]) Is(value V) Filter[T] { return f.compare("==", value) }

// IsNot finds entities whose field has another value.
func (f Field[T, V]) IsNot(value V) Filter[T] { return f.compare("!=", value) }

// Below finds entities whose field is less than value.
func (f Field[T, V]) Below(value V) Filter[T] { return f.compare("<", value) }

// AtMost finds entities whose field is value or less.
func (f Field[T, V]) AtMost(value V) Filter[T] { return f.compare("<=", value) }

// Above finds entities whose field is more than value.
func (f Field[T, V]) Above(value V) Filter[T] { return f.compare(">", value) }

// AtLeast finds entities whose field is value or more.
func (f Field[T, V]) AtLeast(value V) Filter[T] { return f.compare(">=", value) }

// In finds entities whose field has one of the values, and nothing where there are none.
func (f Field[T, V]) In(values ...V) Filter[T] {
	filters := make([]Filter[T], len(values))
	for i, value := range values {
		filters[i] = f.Is(value)
	}
	return Or(filters...)
}

// Ascending sorts by the field, from the lowest.
func (f Field[T, V]) Ascending() Order[T] { return Order[T]{field: string(f)} }

// Descending sorts by the field, from the highest.
func (f Field[T, V]) Descending() Order[T] { return Order[T]{field: string(f), descending: true} }

// Order is the order in which a query finds entities of type T. The zero Order is the service's own.
type Order[T any] struct {
	field      string
	descending bool
}

// And finds what all filters find; without any, everything.
func And[T any](filters ...Filter[T]) Filter[T] {
	var parts []string
	for _, f := range filters {
		switch {
		case f.err != nil:
			return f
		case f.never:
			return Filter[T]{never: true}
		case f.text != "":
			parts = append(parts, f.text)
		}
	}
	return grouped[T](parts, ";")
}

// Or finds what any of the filters finds; without any, nothing.
func Or[T any](filters ...Filter[T]) Filter[T] {
	var parts []string
	all := false
	for _, f := range filters {
		switch {
		case f.err != nil:
			return f
		case f.text != "":
			parts = append(parts, f.text)
		case !f.never:
			all = true
		}
	}
	switch {
	case all:
		return Filter[T]{}
	case len(parts) == 0:
		return Filter[T]{never: true}
	default:
		return grouped[T](parts, ",")
	}
}

// grouped joins comparisons in parentheses of their own: which of the two joints binds closer is not documented.
func grouped[T any](parts []string, joint string) Filter[T] {
	if len(parts) < 2 {
		return Filter[T]{text: strings.Join(parts, "")}
	}
	return Filter[T]{text: "(" + strings.Join(parts, joint) + ")"}
}

// String returns the filter as it is sent.
func (f Filter[T]) String() string { return f.text }

var word = regexp.MustCompile(`^[A-Za-z0-9_]+$`)

func (f Field[T, V]) compare(operator string, value V) Filter[T] {
	if err := checkField(string(f)); err != nil {
		return Filter[T]{err: err}
	}
	return Filter[T]{text: string(f) + operator + quoted(literal(value))}
}

// checkField refuses what is no name: it would change the meaning of a query.
func checkField(name string) error {
	if !word.MatchString(name) {
		return fmt.Errorf("%q is not the name of a field", name)
	}
	return nil
}

// utc is how the service takes times.
const utc = "2006-01-02T15:04:05.9999999Z"

func literal(value any) string {
	if moment, ok := value.(time.Time); ok {
		return moment.UTC().Format(utc)
	}
	switch v := reflect.ValueOf(value); v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	default:
		return fmt.Sprint(value)
	}
}

// quoted puts a value in quotes unless it is made of letters, digits and _ alone.
func quoted(value string) string {
	if word.MatchString(value) {
		return value
	}
	return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`
}
