package cloudreplicatest

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// defaultPageSize is how much a page has where nothing else is asked for, whatever the text says.
const defaultPageSize = 100

// found is what a query found before, in order: the pages of a query are cut out of it.
type found struct {
	key     string
	version int
	indexes []int32 // of the rows
}

// everyPoint are all points of one version of the database, for all queries of them.
type everyPoint struct {
	version int
	points  []point
}

// foundKept is how many queries are remembered.
const foundKept = 4

// queryKind finds the kind that a query asks for; case does not matter.
func queryKind(name string) (kind, bool) {
	at := slices.IndexFunc(queried, func(k kind) bool { return strings.EqualFold(k.name, name) })
	if at < 0 {
		return kind{}, false
	}
	return queried[at], true
}

// find answers a query.
func (v *visit) find() (*reply, error) {
	q := v.call.Query
	k, known := queryKind(q.Get("type"))
	if !known {
		return nil, refuse(http.StatusBadRequest, "The query type [%s] is unknown", q.Get("type"))
	}
	if v.config.noCloudConnect && k != backupServerKind {
		return nil, noCloudConnect()
	}
	page, err := positive(q, "page", 1)
	if err != nil {
		return nil, err
	}
	size, err := positive(q, "pageSize", defaultPageSize)
	if err != nil {
		return nil, err
	}
	all, err := v.sift(k)
	if err != nil {
		return nil, err
	}
	pages := (all.count + size - 1) / size
	first := min((page-1)*size, all.count)
	last := min(first+size, all.count)
	cut := rows{count: last - first, at: func(i int) row { return all.at(first + i) }}
	shown := &document{name: "QueryResult"}
	if strings.EqualFold(q.Get("format"), "Entities") {
		shown.with(set("Refs", nil), set("Entities", v.chooseList(k, cut)))
	} else {
		shown.with(set("Refs", v.printer.references(k, cut)), set("Entities", nil))
	}
	info := (&document{elements: []property{{"Links", v.pageLinks(page, pages, size)}}}).
		marked(set("PageNum", page), set("PageSize", size), set("PagesCount", pages))
	return found200(shown.with(set("Resources", nil), set("Links", nil), set("PagingInfo", info)))
}

// chooseList is one list of entities among all those that there could be.
func (v *visit) chooseList(k kind, of rows) *document {
	alternatives := part()
	for _, other := range queried {
		if other == k {
			alternatives.with(set(k.list, v.printer.entities(k, of)))
		} else {
			alternatives.with(set(other.list, nil))
		}
	}
	return alternatives
}

func positive(q url.Values, name string, otherwise int) (int, error) {
	if !q.Has(name) {
		return otherwise, nil
	}
	value, err := strconv.Atoi(q.Get(name))
	if err != nil || value < 1 || value > 1_000_000 {
		return 0, refuse(http.StatusBadRequest, "%s [%s] is not valid", name, q.Get(name))
	}
	return value, nil
}

// pageLinks are links to the pages around.
func (v *visit) pageLinks(page, pages, size int) links {
	to := func(rel string, number int) link {
		return link{rel, "", v.printer.href("query") + "?" + v.requoted(number, size), ""}
	}
	shown := links{to("First", 1)}
	if page > 1 && pages > 1 {
		shown = append(shown, to("Previous", min(page-1, pages)))
	}
	if page < pages {
		shown = append(shown, to("Next", page+1))
	}
	return append(shown, to("Last", max(1, pages)))
}

// requoted writes the query anew for another page, encoded as .NET does: with small hexadecimal digits.
func (v *visit) requoted(page, size int) string {
	var parts []string
	for _, name := range []string{"type", "format", "filter", "sortAsc", "sortDesc"} {
		if value := v.call.Query.Get(name); value != "" {
			parts = append(parts, name+"="+dotNetEscape(value))
		}
	}
	return strings.Join(append(parts, "pageSize="+strconv.Itoa(size), "page="+strconv.Itoa(page)), "&")
}

// dotNetEscape writes what is not a letter, a digit or one of a few signs in hexadecimal, and a space as a plus.
func dotNetEscape(text string) string {
	var escaped strings.Builder
	for _, b := range []byte(text) {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', strings.IndexByte("-_.!*()", b) >= 0:
			escaped.WriteByte(b)
		case b == ' ':
			escaped.WriteByte('+')
		default:
			escaped.WriteString("%" + strconv.FormatInt(0x100|int64(b), 16)[1:])
		}
	}
	return escaped.String()
}

// sift filters and sorts, or remembers that it has.
func (v *visit) sift(k kind) (rows, error) {
	q := v.call.Query
	wanted, err := parseFilter(k, q.Get("filter"))
	if err != nil {
		return rows{}, err
	}
	by, descending, err := sorting(k, q)
	if err != nil {
		return rows{}, err
	}
	if k != pointKind {
		return pick(v.rows(k), wanted, by, descending), nil
	}
	if v.every == nil || v.every.version != v.version {
		v.every = &everyPoint{v.version, v.points()} // only the provider may ask
	}
	points := v.every.points
	key := strings.Join([]string{q.Get("filter"), q.Get("sortAsc"), q.Get("sortDesc")}, "\x00")
	at := slices.IndexFunc(v.found, func(f found) bool { return f.key == key && f.version == v.version })
	if at < 0 {
		picked := found{key: key, version: v.version, indexes: order(rowsOf(points), wanted, by, descending)}
		v.found = append(v.found[max(0, len(v.found)-foundKept+1):], picked)
		at = len(v.found) - 1
	}
	indexes := v.found[at].indexes
	return rows{count: len(indexes), at: func(i int) row { return points[indexes[i]] }}, nil
}

// sorting finds the one field by which a query is sorted, nil for none.
func sorting(k kind, q url.Values) (by *field, descending bool, err error) {
	name := q.Get("sortAsc")
	switch {
	case q.Has("sortAsc") && q.Has("sortDesc"):
		return nil, false, refuse(http.StatusBadRequest, "sortAsc and sortDesc exclude each other")
	case q.Has("sortDesc"):
		name, descending = q.Get("sortDesc"), true
	case name == "":
		return nil, false, nil
	}
	by = fieldOf(k, name)
	if by == nil {
		return nil, false, refuse(http.StatusBadRequest, "[%s] is not a field of %s", name, k.name)
	}
	return by, descending, nil
}

func pick(all rows, wanted condition, by *field, descending bool) rows {
	indexes := order(all, wanted, by, descending)
	return rows{count: len(indexes), at: func(i int) row { return all.at(int(indexes[i])) }}
}

// order are the indexes of the rows that fit, sorted. What sorts alike stays as it is.
func order(all rows, wanted condition, by *field, descending bool) []int32 {
	indexes := make([]int32, 0, all.count)
	for i := range all.count {
		if wanted == nil || wanted(all.at(i)) {
			indexes = append(indexes, int32(i))
		}
	}
	if by == nil {
		return indexes
	}
	keys := make([]any, all.count)
	for _, i := range indexes {
		keys[i] = by.of(all.at(int(i)))
	}
	slices.SortStableFunc(indexes, func(a, b int32) int {
		if descending {
			a, b = b, a
		}
		return compare(keys[a], keys[b])
	})
	return indexes
}

// compare orders two values of one field.
func compare(a, b any) int {
	switch a := a.(type) {
	case int64:
		b, _ := b.(int64)
		return cmp.Compare(a, b)
	case string:
		b, _ := b.(string)
		return cmp.Compare(strings.ToLower(a), strings.ToLower(b))
	default:
		return 0
	}
}
