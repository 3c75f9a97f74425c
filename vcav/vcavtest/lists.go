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
	usual   func(x, y T) int            // the order without sort, and among equals; no two are equal in it
	limit   int                         // cap of the parameter limit, and its default
}

// page narrows, sorts and cuts the items that a session may see, which come in the usual order. It may
// change the order of the slice that it is given.
func (l listing[T]) page(call *simkit.Call, v *visit, visible []T) (items []T, page pageBody, err error) {
	items, err = l.narrow(call, v, visible)
	if err != nil {
		return nil, page, err
	}
	order, err := l.order(call.Query.Get("sort"))
	if err != nil {
		return nil, page, err
	}
	page.Total = len(items)
	if page.Offset, err = natural(call, "offset", 0, 0); err != nil {
		return nil, page, err
	}
	if page.Limit, err = natural(call, "limit", 1, l.limit); err != nil {
		return nil, page, err
	}
	page.Limit = min(page.Limit, l.limit)
	start := min(page.Offset, len(items))
	end := min(start+page.Limit, len(items))
	if order != nil {
		sortPart(items, start, end, order)
	}
	return items[start:end], page, nil
}

func (l listing[T]) narrow(call *simkit.Call, v *visit, items []T) ([]T, error) {
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
		items = slices.DeleteFunc(slices.Clone(items), func(item T) bool { return !keeps(item) })
	}
	return items, nil
}

// order reads names such as "col,col2-", where the hyphen means descending; nil stands for the usual order.
func (l listing[T]) order(spec string) (func(x, y T) int, error) {
	if spec == "" {
		return nil, nil
	}
	var orders []func(x, y T) int
	for name := range strings.SplitSeq(spec, ",") {
		plain, descending := strings.CutSuffix(name, "-")
		order, known := l.orders[plain]
		if !known {
			return nil, badParameter("sort", spec)
		}
		if descending {
			order = reversed(order)
		}
		orders = append(orders, order)
	}
	orders = append(orders, l.usual)
	return func(x, y T) int {
		for _, order := range orders {
			if c := order(x, y); c != 0 {
				return c
			}
		}
		return 0
	}, nil
}

// sortPart moves what belongs between two positions of the sorted items there, in order, and does not care
// about the rest: a page of a long list should cost no more than a look at the list. No two items may be
// equal.
func sortPart[T any](items []T, from, to int, order func(x, y T) int) {
	for from < to && len(items) > 24 {
		middle := split(items, order)
		if from < middle && to > middle { // on both sides
			sortPart(items[:middle], from, middle, order)
		}
		if to <= middle {
			items = items[:middle]
			continue
		}
		items, from, to = items[middle+1:], max(from-middle-1, 0), to-middle-1
	}
	if from < to {
		slices.SortFunc(items, order)
	}
}

// split chooses an item, moves it to where it belongs, which it returns, and the smaller ones before it.
func split[T any](items []T, order func(x, y T) int) int {
	last := len(items) - 1
	chosen := []int{0, last / 2, last}
	slices.SortFunc(chosen, func(i, j int) int { return order(items[i], items[j]) })
	items[chosen[1]], items[last] = items[last], items[chosen[1]]
	place := 0
	for i := range last {
		if order(items[i], items[last]) < 0 {
			items[i], items[place] = items[place], items[i]
			place++
		}
	}
	items[place], items[last] = items[last], items[place]
	return place
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
