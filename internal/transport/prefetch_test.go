package transport_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

const latency = 20 * time.Millisecond

// slow makes a list take its time for each page, ahead of the caller or not.
func slow(list transport.List[string], ahead bool) transport.List[string] {
	fetch := list.Fetch
	list.Ahead = ahead
	list.Fetch = func(ctx context.Context, offset, limit int) (transport.Page[string], error) {
		select {
		case <-time.After(latency):
			return fetch(ctx, offset, limit)
		case <-ctx.Done():
			return transport.Page[string]{}, ctx.Err()
		}
	}
	return list
}

func TestPrefetchSavesTheCallersTime(t *testing.T) {
	t.Parallel()
	for _, ahead := range []bool{false, true} {
		t.Run(fmt.Sprintf("ahead=%t", ahead), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				source := &table{cap: 11, rows: rowsOf(101)} // ten pages, each with a row of overlap
				began, rows := time.Now(), []string(nil)
				for row, err := range transport.Rows(t.Context(), slow(source.list(0, 0), ahead)) {
					require.NoError(t, err)
					if rows = append(rows, row); len(rows)%10 == 0 {
						<-time.After(latency)
					}
				}
				assert.Equal(t, rowsOf(101), rows, "the order is kept")
				want := 20 * latency
				if ahead {
					want = 11 * latency
				}
				assert.Equal(t, want, time.Since(began))
			})
		})
	}
}

func TestPrefetchEndsWithTheCaller(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rows  int // read before the break
		pages int // asked for
	}{
		"after the first row, nothing was begun": {1, 1},
		"after the second, what was begun ends":  {2, 1},
		"in the second page":                     {12, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { // it fails where a goroutine is left
				source := &table{cap: 10, rows: rowsOf(100)}
				began, read := time.Now(), 0
				for _, err := range transport.Rows(t.Context(), slow(source.list(0, 0), true)) {
					require.NoError(t, err)
					if read++; read == tc.rows {
						break
					}
				}
				assert.Len(t, source.pages, tc.pages)
				assert.Equal(t, time.Duration(tc.pages)*latency, time.Since(began), "breaking out waits for nothing")
			})
		})
	}
}

func TestPrefetchHandsOnErrorsInTheirPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		list := slow((&table{cap: 10, rows: rowsOf(30)}).list(0, 0), true)
		fetch := list.Fetch
		list.Fetch = func(ctx context.Context, offset, limit int) (transport.Page[string], error) {
			if offset > 0 {
				return transport.Page[string]{}, broken
			}
			return fetch(ctx, offset, limit)
		}
		rows, err := drkit.Collect(transport.Rows(t.Context(), list))
		require.ErrorIs(t, err, broken)
		assert.Equal(t, rowsOf(10), rows, "the rows of the page before come first")
	})
}

func TestPrefetchOfAListThatMoves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source := &table{cap: 4, rows: rowsOf(20)}
		source.before = func(page int, t *table) {
			if page == 2 {
				t.rows = append([]string{"new"}, t.rows...)
			}
		}
		rows, err := drkit.Collect(transport.Rows(t.Context(), slow(source.list(0, 0), true)))
		require.NoError(t, err)
		assert.ElementsMatch(t, append(rowsOf(20), "new"), rows)
	})
}

func TestRowsThatRepeatOrHaveNoID(t *testing.T) {
	t.Parallel()
	fixed := func(rows ...string) transport.List[string] {
		return transport.List[string]{
			Name: "fake.Rows.List", ID: func(row *string) string { return *row },
			Fetch: func(context.Context, int, int) (transport.Page[string], error) {
				return transport.Page[string]{Items: rows, Total: 1000}, nil
			},
		}
	}
	rows, err := drkit.Collect(transport.Rows(t.Context(), fixed("a", "b", "a")))
	require.ErrorIs(t, err, drkit.ErrListMoved)
	assert.Equal(t, []string{"a", "b"}, rows)
	rows, err = drkit.Collect(transport.Rows(t.Context(), fixed("a", "", "b")))
	require.ErrorContains(t, err, "without an id")
	assert.Equal(t, []string{"a"}, rows)
	for _, list := range []transport.List[string]{{Name: "x", Offset: -1}, {Name: "x", Limit: -1}} {
		_, err = drkit.Collect(transport.Rows(t.Context(), list))
		require.ErrorContains(t, err, "negative")
	}
}
