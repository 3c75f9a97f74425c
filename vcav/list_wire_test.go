package vcav_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// shelf is a list at the service: rows by id, served by offset and limit as the guide describes it.
type shelf struct {
	capacity int  // rows a page at most; 0 is 100
	silent   bool // does not tell the total
	before   func(page int, s *shelf)

	mu    sync.Mutex
	ids   []string
	pages int
}

func shelfOf(rows int) *shelf {
	s := &shelf{}
	for i := range rows {
		s.ids = append(s.ids, "row-"+strconv.Itoa(i))
	}
	return s
}

func (s *shelf) answer(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages++
	if s.before != nil {
		s.before(s.pages, s)
	}
	query := r.URL.Query()
	limit, capacity := number(query, "limit"), s.capacity
	if capacity == 0 {
		capacity = 100
	}
	if limit <= 0 || limit > capacity {
		limit = capacity
	}
	begin := min(number(query, "offset"), len(s.ids))
	end := min(begin+limit, len(s.ids))
	items := []map[string]string{}
	for _, id := range s.ids[begin:end] {
		items = append(items, map[string]string{"id": id})
	}
	envelope := map[string]any{"items": items, "offset": begin, "limit": limit}
	if !s.silent {
		envelope["total"] = len(s.ids)
	}
	body, err := json.Marshal(envelope)
	return httpmock.NewBytesResponse(200, body), err
}

func number(query url.Values, name string) int {
	n, _ := strconv.Atoi(query.Get(name))
	return n
}

// lister is one of the operations that list, reduced to the ids of its rows.
type lister struct {
	path string
	list func(ctx context.Context, r resources, offset, limit int) iter.Seq2[string, error]
}

var listers = map[string]lister{
	"Tasks": {"/tasks", func(ctx context.Context, r resources, offset, limit int) iter.Seq2[string, error] {
		return idsOf(r.Tasks.List(ctx, vcav.TaskQuery{Offset: offset, Limit: limit}),
			func(task vcav.Task) string { return task.ID })
	}},
	"VMReplications": {"/vm-replications", func(ctx context.Context, r resources, offset, limit int) iter.Seq2[string, error] {
		return idsOf(r.VMReplications.List(ctx, vcav.VMReplicationQuery{Offset: offset, Limit: limit}),
			func(replication vcav.VMReplication) string { return replication.ID })
	}},
}

func idsOf[T any](rows iter.Seq2[T, error], id func(T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for row, err := range rows {
			if !yield(id(row), err) {
				return
			}
		}
	}
}

// forEachLister runs a test on each operation that lists.
func forEachLister(t *testing.T, test func(t *testing.T, s *service, l lister)) {
	t.Helper()
	for name, l := range listers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newService(t), l)
		})
	}
}

// Each page overlaps the last by one row, and the first page that reaches the total is the last.
func TestPages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		shelf         *shelf
		offset, limit int
		want          []string
	}{
		"empty":                     {shelfOf(0), 0, 0, []string{""}},
		"one page":                  {shelfOf(3), 0, 0, []string{""}},
		"exactly one page":          {shelfOf(3), 0, 3, []string{"?limit=3"}},
		"pages of the service":      {shelfOf(250), 0, 0, []string{"", "?offset=99", "?offset=198"}},
		"pages of two":              {shelfOf(5), 0, 2, []string{"?limit=2", "?limit=2&offset=1", "?limit=2&offset=2", "?limit=2&offset=3"}},
		"pages of three":            {shelfOf(6), 0, 3, []string{"?limit=3", "?limit=3&offset=2", "?limit=3&offset=4"}},
		"one row a page":            {shelfOf(3), 0, 1, []string{"?limit=1", "?limit=2", "?limit=2&offset=1"}},
		"from an offset":            {shelfOf(6), 2, 2, []string{"?limit=2&offset=2", "?limit=2&offset=3", "?limit=2&offset=4"}},
		"an offset behind the end":  {shelfOf(6), 9, 0, []string{"?offset=9"}},
		"a limit that is too large": {&shelf{ids: shelfOf(5).ids, capacity: 3}, 0, 500, []string{"?limit=500", "?limit=500&offset=2"}},
		"a total that is not told":  {&shelf{ids: shelfOf(3).ids, silent: true}, 0, 2, []string{"?limit=2", "?limit=2&offset=1", "?limit=2&offset=2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, l := range listers {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					s, list := newService(t), &shelf{ids: tc.shelf.ids, capacity: tc.shelf.capacity, silent: tc.shelf.silent}
					s.on("GET", l.path, list.answer)
					rows, err := drkit.Collect(l.list(wire(t), here(s.client()), tc.offset, tc.limit))
					require.NoError(t, err)
					assert.Equal(t, append([]string(nil), list.ids[min(tc.offset, len(list.ids)):]...), rows)
					var want []string
					for _, query := range tc.want {
						want = append(want, "GET "+l.path+query)
					}
					assert.Equal(t, want, s.lines())
				})
			}
		})
	}
}

// Every page goes to the site, and each names itself with the operation ID of the walk.
func TestPagesAtASite(t *testing.T) {
	t.Parallel()
	forEachLister(t, func(t *testing.T, s *service, l lister) {
		s.on("GET", l.path, shelfOf(4).answer)
		ctx := drkit.WithOperationID(wire(t), "walk-1")
		rows, err := drkit.Collect(l.list(ctx, there(s.client().Site("south")), 0, 3))
		require.NoError(t, err)
		assert.Len(t, rows, 4)
		assert.Equal(t, []string{"GET " + l.path + "?limit=3&site=south", "GET " + l.path + "?limit=3&offset=2&site=south"}, s.lines())
		for _, request := range s.all() {
			assert.Equal(t, headers(givenToken, "walk-1", false), request.header)
		}
	})
}

// Nothing is sent before the first row is asked for, nothing after the last, and a walk may be repeated.
func TestWalksAreLazy(t *testing.T) {
	t.Parallel()
	forEachLister(t, func(t *testing.T, s *service, l lister) {
		s.on("GET", l.path, shelfOf(5).answer)
		walk := l.list(wire(t), here(s.client()), 0, 2)
		assert.Empty(t, s.lines())
		for row, err := range walk {
			require.NoError(t, err)
			assert.Equal(t, "row-0", row)
			break
		}
		assert.Len(t, s.lines(), 1)
		for range 2 {
			rows, err := drkit.Collect(walk)
			require.NoError(t, err)
			assert.Len(t, rows, 5)
		}
		assert.Len(t, s.lines(), 1+4+4)
		row, err := drkit.First(walk, func(id string) bool { return id == "row-2" })
		require.NoError(t, err)
		assert.Equal(t, "row-2", row)
		assert.Len(t, s.lines(), 1+4+4+2)
	})
}

// An error ends a walk, after the rows that came before it.
func TestErrorInTheMiddleOfAWalk(t *testing.T) {
	t.Parallel()
	forEachLister(t, func(t *testing.T, s *service, l lister) {
		list := shelfOf(5)
		s.on("GET", l.path, list.answer, list.answer, answer(t, 403, "error_forbidden"))
		rows, err := drkit.Collect(l.list(drkit.WithOperationID(wire(t), "walk-1"), here(s.client()), 0, 2))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		assert.Equal(t, []string{"row-0", "row-1", "row-2"}, rows)
		operation := map[string]string{"/tasks": "Tasks.List", "/vm-replications": "VMReplications.List"}[l.path]
		assert.Equal(t, forbidden.errorOf(operation, "GET "+l.path, "walk-1"), answerOf(t, err))
		assert.Len(t, s.lines(), 3)

		ends := 0
		for _, err := range l.list(wire(t), here(s.client()), 0, 0) {
			require.ErrorIs(t, err, drkit.ErrForbidden)
			ends++
		}
		assert.Equal(t, 1, ends, "who does not stop at the error gets nothing more")
	})
}

func TestWalkWhoseContextEnds(t *testing.T) {
	t.Parallel()
	forEachLister(t, func(t *testing.T, s *service, l lister) {
		s.on("GET", l.path, shelfOf(5).answer)
		ctx, cancel := context.WithCancel(wire(t))
		defer cancel()
		var rows []string
		var failed error
		for row, err := range l.list(ctx, here(s.client()), 0, 2) {
			if failed = err; err == nil {
				rows = append(rows, row)
			}
			cancel()
		}
		require.ErrorIs(t, failed, context.Canceled)
		assert.Equal(t, []string{"row-0", "row-1"}, rows)
		assert.Len(t, s.lines(), 1)
	})
}

// Rows that come or go between two pages are noticed: the walk begins again and passes on what is new.
func TestListThatMovesOnce(t *testing.T) {
	t.Parallel()
	forEachLister(t, func(t *testing.T, s *service, l lister) {
		list := shelfOf(5)
		list.before = func(page int, s *shelf) {
			if page == 2 {
				s.ids = append([]string{"new"}, s.ids...)
			}
		}
		s.on("GET", l.path, list.answer)
		rows, err := drkit.Collect(l.list(wire(t), here(s.client()), 0, 3))
		require.NoError(t, err)
		assert.Equal(t, []string{"row-0", "row-1", "row-2", "new", "row-3", "row-4"}, rows)
		get := "GET " + l.path + "?limit=3"
		assert.Equal(t, []string{get, get + "&offset=2", get, get + "&offset=2", get + "&offset=4"}, s.lines())
	})
}

func TestListThatNeverRests(t *testing.T) {
	t.Parallel()
	forEachLister(t, func(t *testing.T, s *service, l lister) {
		list := shelfOf(5)
		list.before = func(page int, s *shelf) { s.ids = append([]string{fmt.Sprint("new-", page)}, s.ids...) }
		s.on("GET", l.path, list.answer)
		rows, err := drkit.Collect(l.list(wire(t), here(s.client()), 0, 3))
		require.ErrorIs(t, err, drkit.ErrListMoved)
		require.ErrorContains(t, err, "vcav."+map[string]string{"/tasks": "Tasks", "/vm-replications": "VMReplications"}[l.path]+".List")
		assert.Contains(t, rows, "row-0")
		assert.Len(t, s.lines(), 8)
	})
}

// What is not a list of the service is an error, and not an empty list.
func TestListThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]httpmock.Responder{
		"page":    page(200),
		"null":    httpmock.NewStringResponder(200, `null`),
		"array":   httpmock.NewStringResponder(200, `[]`),
		"nothing": httpmock.NewStringResponder(200, ``),
		"string":  httpmock.NewStringResponder(200, `{"items":"none"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for name, l := range listers {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					s := newService(t)
					s.on("GET", l.path, reply)
					rows, err := drkit.Collect(l.list(wire(t), here(s.client()), 0, 0))
					require.ErrorContains(t, err, "the answer cannot be used")
					assert.Equal(t, 200, answerOf(t, err).Status)
					assert.Empty(t, rows)
					assert.Len(t, s.lines(), 1)
				})
			}
		})
	}
}
