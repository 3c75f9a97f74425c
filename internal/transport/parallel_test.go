package transport_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// busy counts how many pages are on their way.
type busy struct {
	mu        sync.Mutex
	now, most int
}

func (b *busy) add(pages int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now += pages
	b.most = max(b.most, b.now)
}

// wide makes a list take its time for each page, and fetches several at a time.
func wide(list transport.List[string], pages int) (transport.List[string], *busy) {
	load, turn, fetch := &busy{}, make(chan struct{}, 1), list.Fetch
	list.Ahead, list.Parallel = true, pages
	list.Fetch = func(ctx context.Context, offset, limit int) (transport.Page[string], error) {
		load.add(1)
		defer load.add(-1)
		select {
		case <-time.After(latency):
		case <-ctx.Done():
			return transport.Page[string]{}, ctx.Err()
		}
		turn <- struct{}{} // the table is not made for several
		defer func() { <-turn }()
		return fetch(ctx, offset, limit)
	}
	return list, load
}

func TestParallelPagesSaveTimeAndKeepTheOrder(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pages int
		total bool
		took  int // latencies
		most  int
	}{
		"one":                     {1, true, 10, 1},
		"three":                   {3, true, 4, 3},
		"more than there are":     {20, true, 2, 9},
		"a length nobody tells":   {3, false, 11, 1}, // the last page is one that adds nothing
		"none is one":             {0, true, 10, 1},
		"as many as there are":    {9, true, 2, 9},
		"one less than there are": {8, true, 3, 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &table{cap: 11, rows: rowsOf(101), noTotal: !tc.total} // ten pages, each with a row of overlap
				list, load := wide(source.list(0, 0), tc.pages)
				began := time.Now()
				rows, err := drkit.Collect(transport.Rows(t.Context(), list))
				require.NoError(t, err)
				assert.Equal(t, rowsOf(101), rows)
				assert.Equal(t, time.Duration(tc.took)*latency, time.Since(began))
				assert.Equal(t, tc.most, load.most)
			})
		})
	}
}

func TestParallelPagesEndWithTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // it fails where a goroutine is left
		source := &table{cap: 11, rows: rowsOf(101)}
		list, load := wide(source.list(0, 0), 4)
		for row, err := range transport.Rows(t.Context(), list) {
			require.NoError(t, err)
			if row == "r014" {
				break
			}
		}
		assert.Zero(t, load.now)
		assert.Equal(t, 4, load.most)
	})
}

func TestParallelPagesHandOnErrorsInTheirPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &table{cap: 11, rows: rowsOf(101)}
		list, load := wide(source.list(0, 0), 4)
		fetch, broken := list.Fetch, errors.New("broken")
		list.Fetch = func(ctx context.Context, offset, limit int) (transport.Page[string], error) {
			if offset == 30 {
				return transport.Page[string]{}, broken // before the pages ahead of it
			}
			return fetch(ctx, offset, limit)
		}
		rows, err := drkit.Collect(transport.Rows(t.Context(), list))
		require.ErrorIs(t, err, broken)
		assert.Equal(t, rowsOf(31), rows)
		assert.Zero(t, load.now)
	})
}

// A list that moves under parallel pages is read again page by page, and loses no row that stays.
func TestParallelPagesNoticeMoves(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*table){
		"a row comes": func(s *table) { s.rows = append([]string{"new"}, s.rows...) },
		"a row goes":  func(s *table) { s.rows = s.rows[1:] },
		"half of it goes": func(s *table) {
			s.rows = s.rows[50:]
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &table{cap: 11, rows: rowsOf(101)}
				source.before = func(page int, s *table) {
					if page == 4 {
						change(s)
					}
				}
				list, load := wide(source.list(0, 0), 3)
				rows, err := drkit.Collect(transport.Rows(t.Context(), list))
				require.NoError(t, err)
				assert.Subset(t, rows, source.rows)
				assert.Len(t, toSet(rows), len(rows), "no row comes twice")
				assert.Equal(t, 3, load.most)
			})
		})
	}
}

func toSet(rows []string) map[string]bool {
	set := map[string]bool{}
	for _, row := range rows {
		set[row] = true
	}
	return set
}

// Whatever the size of list, pages and crowd, the rows are those of a walk page by page.
func TestParallelPagesReadWhatOneAtATimeReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		size, most := rapid.IntRange(0, 60).Draw(t, "rows"), rapid.IntRange(1, 12).Draw(t, "cap")
		offset, limit := rapid.IntRange(0, 70).Draw(t, "offset"), rapid.IntRange(0, 15).Draw(t, "limit")
		source := &table{cap: max(2, most), rows: rowsOf(size)}
		list, turn, fetch := source.list(offset, limit), make(chan struct{}, 1), source.list(0, 0).Fetch
		list.Ahead, list.Parallel = true, rapid.IntRange(0, 5).Draw(t, "parallel")
		list.Fetch = func(ctx context.Context, offset, limit int) (transport.Page[string], error) {
			turn <- struct{}{}
			defer func() { <-turn }()
			return fetch(ctx, offset, limit)
		}
		rows, err := drkit.Collect(transport.Rows(t.Context(), list))
		require.NoError(t, err)
		assert.Equal(t, rowsOf(size)[min(offset, size):], append([]string{}, rows...))
	})
}

// marked serves a list by markers.
func (t *table) marked(marker string, limit int) transport.List[string] {
	list := t.list(0, limit)
	list.Marker = marker
	list.Fetch = nil
	list.After = func(_ context.Context, marker string, limit int) (transport.Page[string], error) {
		t.pages = append(t.pages, fmt.Sprintf("%s+%d", marker, limit))
		from := 0
		for i, row := range t.rows {
			if row == marker {
				from = i + 1
			}
		}
		if t.before != nil {
			t.before(len(t.pages), t)
		}
		if limit == 0 || limit > t.cap {
			limit = t.cap
		}
		return transport.Page[string]{Items: t.rows[from:min(from+limit, len(t.rows))], Total: len(t.rows)}, nil
	}
	return list
}

func TestRowsByMarker(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		marker string
		limit  int
		want   []string
		pages  []string
	}{
		"from the beginning": {"", 4, rowsOf(9), []string{"+4", "r003+4", "r007+4"}},
		"from a row":         {"r002", 4, rowsOf(9)[3:], []string{"r002+4", "r006+4", "r008+4"}},
		"from the last":      {"r008", 4, nil, []string{"r008+4"}},
		"one row a page":     {"r005", 1, rowsOf(9)[6:], []string{"r005+1", "r006+1", "r007+1", "r008+1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := &table{cap: 4, rows: rowsOf(9)}
			rows, err := drkit.Collect(transport.Rows(t.Context(), source.marked(tc.marker, tc.limit)))
			require.NoError(t, err)
			assert.Equal(t, tc.want, rows)
			assert.Equal(t, tc.pages, source.pages)
		})
	}
}

// A service that takes no notice of markers repeats its first page for ever.
func TestRowsByMarkerThatDoNotEnd(t *testing.T) {
	t.Parallel()
	source := &table{cap: 4, rows: rowsOf(9)}
	list := source.marked("", 4)
	after := list.After
	list.After = func(ctx context.Context, _ string, limit int) (transport.Page[string], error) {
		return after(ctx, "", limit)
	}
	rows, err := drkit.Collect(transport.Rows(t.Context(), list))
	require.ErrorIs(t, err, drkit.ErrListMoved)
	assert.Equal(t, rowsOf(4), rows)
}
