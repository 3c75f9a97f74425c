package transport_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// table is a list on a server that changes between pages.
type table struct {
	rows    []string
	cap     int // rows a page at most
	noTotal bool
	next    func(end int) int        // where the service says that the next page begins
	last    bool                     // the service says which page is the last
	before  func(page int, t *table) // changes the rows before a page is read
	pages   []string                 // offset and limit as asked for
}

func (t *table) list(offset, limit int) transport.List[string] {
	return transport.List[string]{
		Name: "fake.Rows.List", Offset: offset, Limit: limit, ID: func(row *string) string { return *row },
		Fetch: func(_ context.Context, offset, limit int) (transport.Page[string], error) {
			if t.before != nil {
				t.before(len(t.pages), t)
			}
			t.pages = append(t.pages, fmt.Sprintf("%d+%d", offset, limit))
			size := t.cap
			if limit > 0 {
				size = min(limit, t.cap)
			}
			from := min(offset, len(t.rows))
			page := transport.Page[string]{Items: t.rows[from:min(from+size, len(t.rows))], Total: len(t.rows)}
			if t.noTotal {
				page.Total = 0
			}
			end := from + len(page.Items)
			if t.next != nil {
				page.Next = t.next(end)
			}
			page.Last = t.last && end == len(t.rows)
			return page, nil
		},
	}
}

func rowsOf(n int) []string {
	rows := make([]string, n)
	for i := range rows {
		rows[i] = fmt.Sprintf("r%03d", i)
	}
	return rows
}

func TestRows(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		table         *table
		offset, limit int
		want          []string
		pages         []string
	}{
		"empty":                  {&table{cap: 4}, 0, 0, nil, []string{"0+0"}},
		"one page":               {&table{cap: 4, rows: rowsOf(3)}, 0, 0, rowsOf(3), []string{"0+0"}},
		"full pages":             {&table{cap: 4, rows: rowsOf(8)}, 0, 0, rowsOf(8), []string{"0+0", "3+0", "6+0"}},
		"the limit is lowered":   {&table{cap: 4, rows: rowsOf(6)}, 0, 1000, rowsOf(6), []string{"0+1000", "3+1000"}},
		"one row a page":         {&table{cap: 4, rows: rowsOf(3)}, 0, 1, rowsOf(3), []string{"0+1", "0+2", "1+2"}},
		"never more than a row":  {&table{cap: 1, rows: rowsOf(3)}, 0, 0, rowsOf(3), []string{"0+0", "0+0", "1+0", "2+0"}},
		"one, and the next":      {&table{cap: 1, rows: rowsOf(2), noTotal: true, next: func(end int) int { return end % 2 }}, 0, 7, rowsOf(2), []string{"0+7", "0+7", "1+7", "2+7"}},
		"from an offset":         {&table{cap: 4, rows: rowsOf(9)}, 5, 0, rowsOf(9)[5:], []string{"5+0"}},
		"from beyond the end":    {&table{cap: 4, rows: rowsOf(3)}, 7, 0, nil, []string{"7+0"}},
		"no total":               {&table{cap: 4, rows: rowsOf(5), noTotal: true}, 0, 0, rowsOf(5), []string{"0+0", "3+0", "4+0"}},
		"no total, nothing more": {&table{cap: 4, rows: rowsOf(4), noTotal: true}, 0, 0, rowsOf(4), []string{"0+0", "3+0"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := drkit.Collect(transport.Rows(t.Context(), tc.table.list(tc.offset, tc.limit)))
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
			assert.Equal(t, tc.pages, tc.table.pages)
		})
	}
}

func TestRowsSendNothingBeforeTheFirstAndStopWithTheCaller(t *testing.T) {
	t.Parallel()
	rows := &table{cap: 2, rows: rowsOf(9)}
	walk := transport.Rows(t.Context(), rows.list(0, 0))
	assert.Empty(t, rows.pages)
	for row, err := range walk {
		require.NoError(t, err)
		if row == "r001" {
			break
		}
	}
	assert.Len(t, rows.pages, 1)
}

func TestRowsEndWithAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	calls := 0
	list := (&table{cap: 2, rows: rowsOf(9)}).list(0, 0)
	fetch := list.Fetch
	list.Fetch = func(ctx context.Context, offset, limit int) (transport.Page[string], error) {
		if calls++; calls == 3 {
			return transport.Page[string]{}, broken
		}
		return fetch(ctx, offset, limit)
	}
	got, err := drkit.Collect(transport.Rows(t.Context(), list))
	require.ErrorIs(t, err, broken)
	assert.Equal(t, rowsOf(3), got)
}

func TestListThatMoves(t *testing.T) {
	t.Parallel()
	drop := func(t *table, i int) { t.rows = append(append([]string{}, t.rows[:i]...), t.rows[i+1:]...) }
	add := func(t *table, row string) { t.rows = append([]string{row}, t.rows...) }
	for name, tc := range map[string]struct {
		before func(page int, t *table)
		want   []string
		err    error
	}{
		"a row read before goes": {func(p int, t *table) {
			if p == 1 {
				drop(t, 0)
			}
		}, rowsOf(8), nil},
		"a row comes at the head": {func(p int, t *table) {
			if p == 2 {
				add(t, "new")
			}
		}, append(rowsOf(7), "new", "r007"), nil},
		"the last row read goes": {func(p int, t *table) {
			if p == 1 {
				drop(t, 3)
			}
		}, rowsOf(8), nil},
		"all rows go": {func(p int, t *table) {
			if p == 1 {
				t.rows = nil
			}
		}, rowsOf(4), nil},
		"it never stands still": {func(p int, t *table) { add(t, fmt.Sprintf("new%d", p)) }, nil, drkit.ErrListMoved},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := drkit.Collect(transport.Rows(t.Context(), (&table{cap: 4, rows: rowsOf(8), before: tc.before}).list(0, 0)))
			require.ErrorIs(t, err, tc.err)
			if tc.err == nil {
				assert.ElementsMatch(t, tc.want, got)
			}
			seen := map[string]bool{}
			for _, row := range got {
				assert.False(t, seen[row], "%s came twice", row)
				seen[row] = true
			}
		})
	}
}

// Whatever moves: a row that was there all the time is never missed, unless the walk says so, and none
// comes twice.
func TestListThatMovesAtRandom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		rows := rowsOf(rapid.IntRange(0, 40).Draw(r, "rows"))
		stable := map[string]bool{}
		for _, row := range rows {
			stable[row] = true
		}
		moves := rapid.IntRange(0, 6).Draw(r, "moves")
		source := &table{cap: rapid.IntRange(1, 9).Draw(r, "cap"), rows: rows, noTotal: rapid.Bool().Draw(r, "noTotal")}
		if source.cap == 1 {
			source.noTotal = false // pages of one row do not overlap: only the total tells of what comes and goes
		}
		source.before = func(page int, t *table) {
			if page == 0 || moves == 0 {
				return
			}
			moves--
			if rapid.Bool().Draw(r, "add") {
				t.rows = append([]string{fmt.Sprintf("new%d", page)}, t.rows...)
			} else if len(t.rows) > 0 {
				i := rapid.IntRange(0, len(t.rows)-1).Draw(r, "i")
				delete(stable, t.rows[i])
				t.rows = append(append([]string{}, t.rows[:i]...), t.rows[i+1:]...)
			}
		}
		got, err := drkit.Collect(transport.Rows(context.Background(), source.list(0, 0)))
		seen := map[string]bool{}
		for _, row := range got {
			if seen[row] {
				r.Fatalf("%s came twice", row)
			}
			seen[row] = true
		}
		if err != nil {
			if !errors.Is(err, drkit.ErrListMoved) {
				r.Fatal(err)
			}
			return
		}
		for row := range stable {
			if !seen[row] {
				r.Fatalf("%s was missed without a word", row)
			}
		}
	})
}

// A service that says where its pages begin is followed.
func TestRowsFollowTheService(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		table *table
		want  []string
		pages []string
	}{
		"behind the last row": {
			&table{cap: 4, rows: rowsOf(8), noTotal: true, last: true, next: func(end int) int { return end }},
			rowsOf(8),
			[]string{"0+0", "3+0", "6+0"},
		},
		"further on, for there are rows that it does not show": {
			&table{cap: 4, rows: rowsOf(10), noTotal: true, last: true, next: func(end int) int { return end + 1 }},
			append(rowsOf(4)[:4:4], rowsOf(9)[5:]...),
			[]string{"0+0", "5+0", "10+0"},
		},
		"back, which is not believed": {
			&table{cap: 4, rows: rowsOf(6), noTotal: true, last: true, next: func(int) int { return 1 }},
			rowsOf(6),
			[]string{"0+0", "3+0"},
		},
		"the last page, although there are more in all": {
			&table{cap: 4, rows: rowsOf(4), last: true}, rowsOf(4), []string{"0+0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := drkit.Collect(transport.Rows(t.Context(), tc.table.list(0, 0)))
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
			assert.Equal(t, tc.pages, tc.table.pages)
		})
	}
}
