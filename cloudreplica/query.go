package cloudreplica

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Query narrows, orders and pages what Query and QueryRefs find. Its zero value finds everything.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Query Service".
type Query[T any] struct {
	// Which entities; all by default.
	Filter Filter[T]
	// In which order; the service's own by default.
	Sort Order[T]
	// Rows a page at most; 0 means 100. What a service has for a limit is not documented; a lower one is kept.
	PageSize int
}

// Finder asks the query service for entities of one type.
type Finder[T any] struct {
	client *Client
	entity string // the service's name of the type
	pick   func(*queryEntities) []T
}

func finderOf[T any](c *Client, entity string, pick func(*queryEntities) []T) Finder[T] {
	return Finder[T]{c, entity, pick}
}

// Query walks the entities that match query, page by page. It is safe to repeat.
//
// Each page overlaps the last, which tells whether rows have come or gone meanwhile; the walk then begins again, and
// passes on what it has not passed on before. Enterprise Manager learns what happens every 15 minutes, so that lists
// move all at once. An order that leaves rows of equal rank to chance looks like a list that moves: a field whose
// values differ, such as a creation time, does not.
//
// Errors: [drkit.ErrListMoved] if rows keep coming and going; [ErrNoCloudConnect], for what is part of Cloud Connect.
func (f *Finder[T]) Query(ctx context.Context, query Query[T]) iter.Seq2[T, error] {
	return rowsOf(ctx, f, query, "Entities", entityID[T], func(page *queryPage) []T {
		if page.Entities == nil {
			return nil
		}
		return f.pick(page.Entities)
	})
}

// QueryRefs walks references to the entities that match query, as Query walks the entities. It is safe to repeat.
//
// Errors: as those of Query.
func (f *Finder[T]) QueryRefs(ctx context.Context, query Query[T]) iter.Seq2[EntityRef, error] {
	return rowsOf(ctx, f, query, "", referenceID, func(page *queryPage) []EntityRef { return page.Refs })
}

// queryPage is one page of what was found.
type queryPage struct {
	Refs       []EntityRef    `json:"Refs"`
	Entities   *queryEntities `json:"Entities"`
	PagingInfo *pagingInfo    `json:"PagingInfo"`
}

type queryEntities struct {
	CloudVMReplicaPoints  []CloudVMReplicaPoint  `json:"CloudVmReplicaPoints"`
	CloudReplicas         []CloudReplica         `json:"CloudReplicas"`
	CloudFailoverPlans    []CloudFailoverPlan    `json:"CloudFailoverPlans"`
	CloudFailoverSessions []CloudFailoverSession `json:"CloudFailoverSessions"`
	CloudTenants          []CloudTenant          `json:"CloudTenants"`
	CloudHardwarePlans    []CloudHardwarePlan    `json:"CloudHardwarePlans"`
	CloudGateways         []CloudGateway         `json:"CloudGateways"`
	CloudGatewayPools     []CloudGatewayPool     `json:"CloudGatewayPools"`
	BackupServers         []BackupServer         `json:"BackupServers"`
}

type pagingInfo struct {
	PageNum    int `json:"PageNum"`
	PageSize   int `json:"PageSize"`
	PagesCount int `json:"PagesCount"`
}

// pageQuery is a page of a query as it is sent.
type pageQuery struct {
	Type     string `url:"type"`
	Format   string `url:"format,omitempty"`
	Filter   string `url:"filter,omitempty"`
	SortAsc  string `url:"sortAsc,omitempty"`
	SortDesc string `url:"sortDesc,omitempty"`
	PageSize int    `url:"pageSize"`
	Page     int    `url:"page"`
}

const defaultPageSize = 100

// rowsOf walks what a query finds.
func rowsOf[T, Row any](ctx context.Context, f *Finder[T], query Query[T], format string, id func(*Row) string, pick func(*queryPage) []Row) iter.Seq2[Row, error] {
	sent := pageQuery{Type: f.entity, Format: format, Filter: query.Filter.text}
	if query.Sort.descending {
		sent.SortDesc = query.Sort.field
	} else {
		sent.SortAsc = query.Sort.field
	}
	limit := query.PageSize
	if limit == 0 {
		limit = defaultPageSize
	}
	name := service + "." + contract.QueryFind.Name + " of " + f.entity
	err := query.Filter.err
	if field := query.Sort.field; err == nil && field != "" {
		err = checkField(field)
	}
	switch {
	case err != nil:
		return func(yield func(Row, error) bool) { yield(*new(Row), fmt.Errorf("%s: %w", name, err)) }
	case query.Filter.never:
		return func(func(Row, error) bool) {}
	}
	pages := &pages{client: f.client, query: sent}
	return transport.Rows(ctx, transport.List[Row]{
		Name: name, Limit: limit, Ahead: f.client.transport.Prefetch(), ID: id,
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[Row], error) {
			var page queryPage
			begin, total, err := pages.fetch(ctx, offset, limit, &page, func() int { return len(pick(&page)) })
			if err != nil {
				return transport.Page[Row]{}, err
			}
			rows := pick(&page)
			return transport.Page[Row]{Items: rows[min(offset-begin, len(rows)):], Total: total}, nil
		},
	})
}

// pages fetches rows by their place from a service that only knows pages.
type pages struct {
	client *Client
	query  pageQuery
	most   int // rows a page that the service allows; 0 as long as it has allowed what was asked for
}

// fetch gets a page that holds the row at offset, and rows after it, and returns where the page begins. The total is
// known on the last page; elsewhere it is 0.
func (p *pages) fetch(ctx context.Context, offset, limit int, page *queryPage, rows func() int) (begin, total int, err error) {
	query := p.query
	for {
		if query.Page, query.PageSize, err = pageWith(offset, limit, p.most); err != nil {
			return 0, 0, err
		}
		call := transport.Call{Operation: &contract.QueryFind, Query: query, Check: func() error { return page.fits(query) }}
		if strings.HasPrefix(query.Type, "Cloud") {
			call.Admit = p.client.cloudConnect
		}
		if err := p.client.do(ctx, call, page); err != nil {
			return 0, 0, err
		}
		if page.isBehind(query) {
			page.Refs, page.Entities = nil, nil
			break
		}
		if page.PagingInfo.PageSize == query.PageSize {
			break
		}
		p.most = page.PagingInfo.PageSize
	}
	begin = (query.Page - 1) * query.PageSize
	if query.Page >= page.PagingInfo.PagesCount {
		total = begin + rows()
	}
	return begin, total, nil
}

// isBehind reports whether there is no such page, or none any more. What the service then shows is not documented: it
// may be another page.
func (p *queryPage) isBehind(query pageQuery) bool { return query.Page > p.PagingInfo.PagesCount }

// fits refuses a page that is not the one that was asked for.
func (p *queryPage) fits(query pageQuery) error {
	switch paging := p.PagingInfo; {
	case paging == nil:
		return errors.New("no PagingInfo in it")
	case p.isBehind(query):
		return nil
	case paging.PageSize <= 0 || paging.PageSize > query.PageSize:
		return fmt.Errorf("pages of %d rows instead of %d", paging.PageSize, query.PageSize)
	case paging.PageNum != query.Page:
		return fmt.Errorf("page %d instead of %d", paging.PageNum, query.Page)
	default:
		return nil
	}
}

// smallest is the size below which a page that is not the first is not made.
const smallest = 25

// pageWith returns a page that holds the row at offset and, unless a single one is wanted, at least one after it: as
// many as it can. A page of a service that counts them begins at a multiple of its size. Of the sizes up to the limit,
// one has a page that begins at the offset or a few rows before it. Where the service has shown that it allows no more
// than most, none is larger.
func pageWith(offset, limit, most int) (page, size int, err error) {
	least := min(limit, 2)
	if offset > 0 {
		limit = max(limit, smallest)
	}
	if most > 0 {
		limit = min(limit, most)
	}
	gain := 0
	for s := limit; s > gain; s-- {
		if rows := s - offset%s; rows > gain {
			page, size, gain = offset/s+1, s, rows
		}
	}
	if gain < least {
		return 0, 0, fmt.Errorf("the service allows %d rows a page, and none of its pages holds row %d and the next", most, offset+1)
	}
	return page, size, nil
}
