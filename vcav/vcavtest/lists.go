package vcavtest

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// filter is one query parameter that narrows a list.
type filter[T any] struct {
	name      string
	adminOnly bool
	// parse makes a test of the parameter's value; its error is that of the value.
	parse func(value string) (func(T) bool, error)
}

// equal keeps what is the same as the value.
func equal[T any](name string, of func(T) string) filter[T] {
	return filter[T]{name: name, parse: func(value string) (func(T) bool, error) {
		return func(item T) bool { return of(item) == value }, nil
	}}
}

// forAdmins makes a filter one that tenants may not use.
func forAdmins[T any](f filter[T]) filter[T] {
	f.adminOnly = true
	return f
}

// anyOf keeps what is in the comma-separated value.
func anyOf[T any](name string, of func(T) string) filter[T] {
	return filter[T]{name: name, parse: func(value string) (func(T) bool, error) {
		wanted := strings.Split(value, ",")
		return func(item T) bool { return slices.Contains(wanted, of(item)) }, nil
	}}
}

// before and after keep what is earlier or later than the value, which is in milliseconds. What has no time
// yet is neither.
func before[T any](name string, of func(T) time.Time) filter[T] {
	return byTime(name, of, func(t, limit int64) bool { return t < limit })
}

func after[T any](name string, of func(T) time.Time) filter[T] {
	return byTime(name, of, func(t, limit int64) bool { return t > limit })
}

func byTime[T any](name string, of func(T) time.Time, keeps func(t, limit int64) bool) filter[T] {
	return filter[T]{name: name, parse: func(value string) (func(T) bool, error) {
		limit, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, badParameter(name, value)
		}
		return func(item T) bool { return !of(item).IsZero() && keeps(millis(of(item)), limit) }, nil
	}}
}

// oneOf is an equal filter whose values are known.
func oneOf[T any](name string, values []string, of func(T) string) filter[T] {
	return filter[T]{name: name, parse: func(value string) (func(T) bool, error) {
		if !slices.Contains(values, value) {
			return nil, badParameter(name, value)
		}
		return func(item T) bool { return of(item) == value }, nil
	}}
}

func badParameter(name, value string) error {
	return refuse(http.StatusBadRequest, CodeBadRequest, "The value of parameter '%s' makes no sense: '%s'.", name, value)
}

// listing is how a list is narrowed, sorted and cut into pages.
type listing[T any] struct {
	filters []filter[T]
	orders  map[string]func(x, y T) int // by the names that sort knows
	limit   int                         // cap of the parameter limit, and its default
}

// page cuts a page of what is visible and fits the filters, from all items in their order.
func (l listing[T]) page(call *simkit.Call, v *visit, all []T, visible func(T) bool) (items []T, page pageBody, err error) {
	if page.Offset, err = natural(call, "offset", 0, 0); err != nil {
		return nil, page, err
	}
	if page.Limit, err = natural(call, "limit", 1, l.limit); err != nil {
		return nil, page, err
	}
	page.Limit = min(page.Limit, l.limit)
	tests, err := l.tests(call, v)
	if err != nil {
		return nil, page, err
	}
	for _, item := range all {
		if !visible(item) || !passes(item, tests) {
			continue
		}
		if page.Total >= page.Offset && len(items) < page.Limit {
			items = append(items, item)
		}
		page.Total++
	}
	return items, page, nil
}

// tests are what an item has to pass.
func (l listing[T]) tests(call *simkit.Call, v *visit) ([]func(T) bool, error) {
	var tests []func(T) bool
	for _, f := range l.filters {
		if !call.Query.Has(f.name) {
			continue
		}
		if f.adminOnly && !v.admin {
			return nil, forbidden()
		}
		keeps, err := f.parse(call.Query.Get(f.name))
		if err != nil {
			return nil, err
		}
		tests = append(tests, keeps)
	}
	return tests, nil
}

func passes[T any](item T, tests []func(T) bool) bool {
	for _, keeps := range tests {
		if !keeps(item) {
			return false
		}
	}
	return true
}

// sort orders items by names such as "col,col2-", where the hyphen means descending. Equals stay in the
// order in which they were, and so does everything without names.
func (l listing[T]) sort(items []T, spec string) error {
	if spec == "" {
		return nil
	}
	var orders []func(x, y T) int
	for name := range strings.SplitSeq(spec, ",") {
		plain, descending := strings.CutSuffix(name, "-")
		order, known := l.orders[plain]
		if !known {
			return badParameter("sort", spec)
		}
		if descending {
			order = reversed(order)
		}
		orders = append(orders, order)
	}
	slices.SortStableFunc(items, func(x, y T) int {
		for _, order := range orders {
			if c := order(x, y); c != 0 {
				return c
			}
		}
		return 0
	})
	return nil
}

func reversed[T any](order func(x, y T) int) func(x, y T) int {
	return func(x, y T) int { return order(y, x) }
}

func ascending[T any, K cmp.Ordered](of func(T) K) func(x, y T) int {
	return func(x, y T) int { return cmp.Compare(of(x), of(y)) }
}

// natural reads a whole number that is at least least.
func natural(call *simkit.Call, name string, least, otherwise int) (int, error) {
	text := call.Query.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return 0, badParameter(name, text)
	}
	return n, nil
}
