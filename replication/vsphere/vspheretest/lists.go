package vspheretest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// item is one row of a list, and what of it could not be had from the remote site.
type item struct {
	row  object
	gaps []gap
}

// gap is one member that is missing or wrong.
type gap struct {
	field string // as in ".vm_id", from the row on; the whole list where it is empty
	why   *refusal
}

// entity is an answer of one row: the row's members with _meta.
type entity item

// list is an answer of rows that are not paged.
type list []item

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// moment is how the API version of a visit writes a time: text in v1, milliseconds in v2, null for the zero time.
func (v *visit) moment(t time.Time) any {
	switch {
	case t.IsZero():
		return nil
	case !v.v1:
		return t.UnixMilli()
	case v.site.world.config.digits:
		return strconv.FormatInt(t.UnixMilli(), 10)
	default:
		return t.UTC().Format("2006-01-02T15:04:05.000Z")
	}
}

func (e entity) body() object {
	body := object{"_meta": object{"errors": metaErrors("$", e.gaps)}}
	for name, value := range e.row {
		body[name] = value
	}
	return body
}

func metaErrors(at string, gaps []gap) []object {
	errors := []object{}
	for _, g := range gaps {
		errors = append(errors, object{"code": g.why.code, "message": g.why.message, "field": at + g.field})
	}
	return errors
}

// page is the answer with the rows from an offset on.
func (l list) page(offset, limit, total int, links object, gaps []gap) object {
	rows, errors := []object{}, metaErrors("$.list", gaps)
	for i, row := range l {
		rows = append(rows, row.row)
		errors = append(errors, metaErrors(fmt.Sprintf("$.list[%d]", i), row.gaps)...)
	}
	return object{"list": rows, "_meta": object{
		"errors": errors, "total": total, "offset": offset, "limit": limit, "links": links,
	}}
}

// whole is the answer of a list that has no pages.
func (l list) whole() object {
	return l.page(0, len(l), len(l), object{"next": nil, "self": nil, "previous": nil}, nil)
}

// list narrows, sorts and cuts the items as the six list parameters say. The gaps are those of the list itself.
func (v *visit) list(call *simkit.Call, items []item, gaps ...gap) (any, error) {
	offset, err := natural(call, "offset", 0, 0)
	if err != nil {
		return nil, err
	}
	limit, err := natural(call, "limit", 1, v.site.world.config.pageSize)
	if err != nil {
		return nil, err
	}
	if items, err = narrow(call.Query, items); err != nil {
		return nil, err
	}
	if items, err = order(call.Query, items); err != nil {
		return nil, err
	}
	total := len(items)
	begin := min(offset, total)
	end := min(begin+limit, total)
	links := object{"self": v.link(call, offset, limit), "next": nil, "previous": nil}
	if end < total {
		links["next"] = v.link(call, offset+limit, limit)
	}
	if offset > 0 {
		links["previous"] = v.link(call, max(0, offset-limit), limit)
	}
	return list(items[begin:end]).page(offset, limit, total, links, gaps), nil
}

// link is the address of a page: the same question at another place.
func (v *visit) link(call *simkit.Call, offset, limit int) object {
	query := url.Values{}
	for name, values := range call.Query {
		query[name] = values
	}
	query.Set("offset", strconv.Itoa(offset))
	query.Set("limit", strconv.Itoa(limit))
	base := v.site.url
	if other := v.site.world.config.linkBase; other != nil {
		base = *other
	}
	return object{"href": base + call.Path + "?" + query.Encode()}
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

func badParameter(name, value string) error {
	return badRequest("The value of parameter '%s' makes no sense: '%s'.", name, value)
}

// narrow keeps the items whose property is one of the filters' values. Names are searched for fragments, whatever
// their case; everything else has to be equal.
func narrow(query url.Values, items []item) ([]item, error) {
	property, values := query.Get("filter_property"), query["filter"]
	switch {
	case property == "" && len(values) == 0:
		return items, nil
	case property == "" || len(values) == 0:
		return nil, badRequest("The parameters filter_property and filter need each other.")
	}
	if !known(items, property) {
		return nil, badParameter("filter_property", property)
	}
	byName := property == "name" || strings.HasSuffix(property, "_name") || strings.HasSuffix(property, ".name")
	var kept []item
	for _, candidate := range items {
		text := textOf(lookUp(candidate.row, property))
		if slices.ContainsFunc(values, func(value string) bool {
			if byName {
				return strings.Contains(strings.ToLower(text), strings.ToLower(value))
			}
			return strings.EqualFold(text, value)
		}) {
			kept = append(kept, candidate)
		}
	}
	return kept, nil
}

// order sorts items by a property; equals stay in the order in which they were.
func order(query url.Values, items []item) ([]item, error) {
	property, direction := query.Get("sort_by"), query.Get("order_by")
	switch {
	case property == "" && direction == "":
		return items, nil
	case property == "":
		return nil, badRequest("The parameter order_by needs sort_by.")
	case !known(items, property):
		return nil, badParameter("sort_by", property)
	case !slices.Contains([]string{"", "asc", "ascending", "desc", "descending"}, direction):
		return nil, badParameter("order_by", direction)
	}
	sorted := slices.Clone(items)
	slices.SortStableFunc(sorted, func(x, y item) int {
		c := compare(lookUp(x.row, property), lookUp(y.row, property))
		if strings.HasPrefix(direction, "desc") {
			return -c
		}
		return c
	})
	return sorted, nil
}

// known reports whether rows have a property. An empty list has them all.
func known(items []item, property string) bool {
	if len(items) == 0 {
		return true
	}
	return slices.ContainsFunc(items, func(i item) bool {
		at := i.row
		names := strings.Split(property, ".")
		for _, name := range names[:len(names)-1] {
			at, _ = at[name].(object)
		}
		_, has := at[names[len(names)-1]]
		return has
	})
}

// lookUp returns a property of a row, whose name has dots where it is nested.
func lookUp(row object, property string) any {
	var value any = row
	for name := range strings.SplitSeq(property, ".") {
		inside, _ := value.(object)
		value = inside[name]
	}
	return value
}

func textOf(value any) string {
	if text, is := value.(string); is {
		return text
	}
	if value == nil {
		return ""
	}
	text, _ := json.Marshal(value)
	return string(text)
}

// compare puts numbers in their order, and all else in that of its text.
func compare(x, y any) int {
	left, leftErr := strconv.ParseFloat(textOf(x), 64)
	right, rightErr := strconv.ParseFloat(textOf(y), 64)
	if leftErr == nil && rightErr == nil {
		return cmp.Compare(left, right)
	}
	return cmp.Compare(textOf(x), textOf(y))
}

// encode makes the answer of what an operation returns: nothing, one of the shapes above, or a body as it is.
func (w *world) encode(call *simkit.Call, value any) simkit.Answer {
	status := http.StatusOK
	if len(call.Operation.Statuses) > 0 {
		status = call.Operation.Statuses[0]
	}
	switch shaped := value.(type) {
	case nil:
		return simkit.Answer{Status: status}
	case entity:
		value = shaped.body()
	case list:
		value = shaped.whole()
	}
	if w.config.sparse {
		value = sparse(value)
	}
	return simkit.JSON(status, contentType, value)
}

// sparse leaves out what is null.
func sparse(value any) any {
	switch v := value.(type) {
	case object:
		left := object{}
		for name, member := range v {
			if member != nil {
				left[name] = sparse(member)
			}
		}
		return left
	case []object:
		left := []any{}
		for _, element := range v {
			left = append(left, sparse(element))
		}
		return left
	default:
		return value
	}
}
