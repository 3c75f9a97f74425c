package checkpointstest

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

func sortedKeys[T any](of map[string]T) []string { return slices.Sorted(maps.Keys(of)) }

// page is what of a list is asked for.
type page struct{ limit, offset int }

// maxLimit is the highest limit of lists.
const maxLimit = 1000

// pageOf reads limit and offset. The guide calls the offset positive; clients send 0 without trouble.
func (r *region) pageOf(query url.Values) (page, error) {
	limit, err := number(query.Get("limit"), r.config.pageLimit, 1, maxLimit)
	if err != nil {
		return page{}, refuse(CodeInvalidParameter, "The limit is invalid: %s", err)
	}
	offset, err := number(query.Get("offset"), 0, 0, 1<<31)
	if err != nil {
		return page{}, refuse(CodeInvalidParameter, "The offset is invalid: %s", err)
	}
	return page{limit: min(limit, r.config.pageLimit), offset: offset}, nil
}

// number reads a number, or takes the usual one where there is none.
func number(text string, usual, least, most int) (int, error) {
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, err //nolint:wrapcheck // its caller says what it is about
	}
	if n < least || n > most {
		return 0, strconv.ErrRange
	}
	return n, nil
}

// cut returns one page of a list.
func cut[T any](all []T, p page) []T {
	begin := min(p.offset, len(all))
	return all[begin:min(begin+p.limit, len(all))]
}

// after returns what follows the item of an id, which is nothing where it is not there.
func after[T any](all []T, marker string, id func(T) string) []T {
	if marker == "" {
		return all
	}
	at := slices.IndexFunc(all, func(item T) bool { return id(item) == marker })
	if at < 0 {
		return nil
	}
	return all[at+1:]
}

// pageBody is the answer of a list: its items under their name, and where they stand.
func (r *region) pageBody(name string, items any, count int, p page) map[string]any {
	body := map[string]any{name: items, "count": count}
	if !r.config.quirks.barePages {
		body["limit"], body["offset"] = p.limit, p.offset
	}
	return body
}

// period is the time between two parameters, either of which may be missing.
type period struct{ from, to time.Time }

func periodOf(query url.Values) (period, error) {
	var p period
	for name, to := range map[string]*time.Time{"start_time": &p.from, "end_time": &p.to} {
		text := query.Get(name)
		if text == "" {
			continue
		}
		at, err := time.Parse("2006-01-02T15:04:05Z", text)
		if err != nil {
			return p, refuse(CodeInvalidParameter, "The %s %q is not like 2020-02-23T01:00:32Z.", name, text)
		}
		*to = at
	}
	return p, nil
}

// covers compares whole seconds: a parameter has no more.
func (p period) covers(at time.Time) bool {
	at = at.Truncate(time.Second)
	return (p.from.IsZero() || !at.Before(p.from)) && (p.to.IsZero() || !at.After(p.to))
}

// sortable is what lists can be sorted by.
type sortable struct {
	id, name, status              string
	created, updated, protectedAt time.Time
}

// sortBy sorts a list as the parameter sort says: keys with a direction, joined by commas, descending where it is
// left out.
func sortBy[T any](items []T, order string, of func(T) sortable) error {
	if order == "" {
		order = "created_at:desc"
	}
	if len(order) > 255 {
		return refuse(CodeInvalidParameter, "The sort is longer than 255 characters.")
	}
	var comparisons []func(a, b sortable) int
	for part := range strings.SplitSeq(order, ",") {
		key, direction, _ := strings.Cut(part, ":")
		compare, known := sortKeys[key]
		if !known || (direction != "" && direction != "asc" && direction != "desc") {
			return refuse(CodeInvalidParameter, "The sort %q is invalid.", part)
		}
		if direction != "asc" {
			ascending := compare
			compare = func(a, b sortable) int { return ascending(b, a) }
		}
		comparisons = append(comparisons, compare)
	}
	slices.SortStableFunc(items, func(a, b T) int {
		first, second := of(a), of(b)
		for _, compare := range comparisons {
			if c := compare(first, second); c != 0 {
				return c
			}
		}
		return 0 // what is alike stays in the order of its making
	})
	return nil
}

var sortKeys = map[string]func(a, b sortable) int{
	"created_at":   func(a, b sortable) int { return a.created.Compare(b.created) },
	"updated_at":   func(a, b sortable) int { return a.updated.Compare(b.updated) },
	"protected_at": func(a, b sortable) int { return a.protectedAt.Compare(b.protectedAt) },
	"name":         func(a, b sortable) int { return cmp.Compare(a.name, b.name) },
	"status":       func(a, b sortable) int { return cmp.Compare(a.status, b.status) },
	"id":           func(a, b sortable) int { return cmp.Compare(a.id, b.id) },
}
