package vsphere

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/drkit-go/drkit/internal/transport"
)

// page is a list as it stands in its envelope.
type page[T any] struct {
	Rows *[]T      `json:"list"`
	Meta *pageMeta `json:"_meta"`
}

// pageMeta says where a page stands in its list.
type pageMeta struct {
	Errors []MetaError `json:"errors"`
	Total  int         `json:"total"`
	Links  *struct {
		Next *struct {
			Href string `json:"href"`
		} `json:"next"`
	} `json:"links"`
}

// check refuses an answer of another kind.
func (p *page[T]) check() error {
	if p.Rows == nil && p.Meta == nil {
		return errors.New("an answer without a list")
	}
	return nil
}

// partial reports whether the page says that it lacks something.
func (p *page[T]) partial() bool { return p.Meta != nil && len(p.Meta.Errors) > 0 }

// fetched is a page, and how many rows the service says that there are in all.
type fetched[T any] struct {
	transport.Page[T]
	all int
}

// fetch gets one page. Rows that lack something say so; where there are none to do so, the page is an error.
func fetch[T any](ctx context.Context, at place, call transport.Call) (fetched[T], error) {
	var answer page[T]
	call.Check = answer.check
	if err := at.do(ctx, call, &answer); err != nil {
		return fetched[T]{}, err
	}
	var found fetched[T]
	if answer.Rows != nil {
		found.Items = *answer.Rows
	}
	at.client.warn(ctx, call.Operation.Name, ofRows(found.Items))
	if answer.Meta == nil {
		found.Last = true
		return found, nil
	}
	found.all, found.Total = answer.Meta.Total, answer.Meta.Total
	found.Last = found.Total == 0 // unless the links know better
	if links := answer.Meta.Links; links != nil {
		found.Total = 0
		found.Last = links.Next == nil || links.Next.Href == ""
		if !found.Last {
			found.Next = nextOffset(links.Next.Href)
		}
	}
	if missing := answer.Meta.Errors; len(missing) > 0 {
		at.client.warn(ctx, call.Operation.Name, missing)
		distribute(found.Items, missing)
		if len(found.Items) == 0 {
			return found, &PartialError{Operation: service + "." + call.Operation.Name, Errors: missing}
		}
	}
	return found, nil
}

// whole gets a list that comes without pages.
func whole[T any](ctx context.Context, at place, call transport.Call) ([]T, error) {
	all, err := fetch[T](ctx, at, call)
	return all.Items, err
}

// list is one that comes in pages.
type list[T any] struct {
	at     place
	call   transport.Call
	query  ListQuery                    // what all lists take
	params func(narrowed ListQuery) any // the query as the operation takes it; nil where that is a ListQuery
	id     func(row *T) string
}

// walk reads a list from page to page. Nothing is sent before the first row is asked for.
func walk[T any](ctx context.Context, l list[T]) iter.Seq2[T, error] {
	name := service + "." + l.call.Operation.Name
	if err := checkFilter(l.query); err != nil {
		return func(yield func(T, error) bool) {
			var none T
			yield(none, fmt.Errorf("%s: %w", name, err))
		}
	}
	return transport.Rows(ctx, transport.List[T]{
		Name: name, Offset: l.query.Offset, Limit: l.query.Limit, ID: l.id,
		Ahead: l.at.client.transport.Prefetch(),
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[T], error) {
			call, query := l.call, l.query
			query.Offset, query.Limit = offset, limit
			call.Query = query
			if l.params != nil {
				call.Query = l.params(query)
			}
			page, err := fetch[T](ctx, l.at, call)
			return page.Page, err
		},
	})
}

func checkFilter(query ListQuery) error {
	switch {
	case query.FilterProperty == "" && len(query.Filter) > 0:
		return fmt.Errorf("query has Filter %s without FilterProperty", strings.Join(query.Filter, ", "))
	case query.FilterProperty != "" && len(query.Filter) == 0:
		return fmt.Errorf("query has FilterProperty %s without Filter", query.FilterProperty)
	case query.OrderBy != "" && query.SortBy == "":
		return fmt.Errorf("query has OrderBy %s without SortBy", query.OrderBy)
	default:
		return nil
	}
}

// The queries of lists, without what only one list takes.

func (q ReplicationQuery) list() ListQuery {
	return ListQuery{q.FilterProperty, q.Filter, q.SortBy, q.OrderBy, q.Offset, q.Limit}
}

func (q IssueQuery) list() ListQuery {
	return ListQuery{q.FilterProperty, q.Filter, q.SortBy, q.OrderBy, q.Offset, q.Limit}
}

func (q VMQuery) list() ListQuery {
	return ListQuery{q.FilterProperty, q.Filter, q.SortBy, q.OrderBy, q.Offset, q.Limit}
}

func (q InventoryQuery) list() ListQuery {
	return ListQuery{q.FilterProperty, q.Filter, q.SortBy, q.OrderBy, q.Offset, q.Limit}
}
