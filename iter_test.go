package drkit_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

var errPage = errors.New("page 2 cannot be read")

// rows yields 1 to n and then, where err is not nil, err. It counts what was asked of it.
func rows(n int, err error, asked *int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if *asked++; !yield(i+1, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

func even(n int) bool { return n%2 == 0 }

func TestCollect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		n    int
		err  error
		want []int
	}{
		"rows":                 {3, nil, []int{1, 2, 3}},
		"none":                 {0, nil, nil},
		"an error after rows":  {2, errPage, []int{1, 2}},
		"an error before rows": {0, errPage, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked int
			got, err := drkit.Collect(rows(tc.n, tc.err, &asked))
			require.ErrorIs(t, err, tc.err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestCollectStopsAtTheFirstError(t *testing.T) {
	t.Parallel()
	got, err := drkit.Collect(func(yield func(int, error) bool) {
		if yield(1, nil) && yield(0, errPage) {
			assert.Fail(t, "asked for more after an error")
		}
	})
	require.ErrorIs(t, err, errPage)
	assert.Equal(t, []int{1}, got)
}

func TestFirst(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		n     int
		err   error
		match func(int) bool
		want  int
		fails error
		asked int
	}{
		"any":                      {5, nil, nil, 1, nil, 1},
		"a match":                  {5, nil, even, 2, nil, 2},
		"an error after the match": {2, errPage, even, 2, nil, 2},
		"an error before a match":  {1, errPage, even, 0, errPage, 1},
		"no match":                 {5, nil, func(n int) bool { return n > 9 }, 0, drkit.ErrNotFound, 5},
		"no rows":                  {0, nil, nil, 0, drkit.ErrNotFound, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked int
			got, err := drkit.First(rows(tc.n, tc.err, &asked), tc.match)
			require.ErrorIs(t, err, tc.fails)
			assert.Equal(t, tc.want, got)
			assert.Equal(t, tc.asked, asked, "no row more than needed")
		})
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		n    int
		err  error
		want []int
	}{
		"rows":                {5, nil, []int{2, 4}},
		"none pass":           {1, nil, nil},
		"an error after rows": {4, errPage, []int{2, 4}},
		"only an error":       {0, errPage, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked int
			filtered := drkit.Filter(rows(tc.n, tc.err, &asked), even)
			assert.Zero(t, asked, "nothing is read before the range begins")
			for range 2 { // a list can be read again
				got, err := drkit.Collect(filtered)
				require.ErrorIs(t, err, tc.err)
				assert.Equal(t, tc.want, got)
			}
		})
	}
}

func TestFilterBreaks(t *testing.T) {
	t.Parallel()
	var asked int
	for n, err := range drkit.Filter(rows(100, errPage, &asked), even) {
		require.NoError(t, err)
		if n == 4 {
			break
		}
	}
	assert.Equal(t, 4, asked, "the list is left where the range is left")

	for _, err := range drkit.Filter(rows(0, errPage, &asked), even) {
		require.ErrorIs(t, err, errPage)
		break
	}
	got, err := drkit.First(drkit.Filter(rows(9, nil, &asked), even), func(n int) bool { return n > 2 })
	require.NoError(t, err)
	assert.Equal(t, 4, got)
}

// An error that is yielded in the middle is passed on, also where the row beside it would be dropped.
func TestFilterAsksNothingOfRowsBesideAnError(t *testing.T) {
	t.Parallel()
	var errs int
	for _, err := range drkit.Filter(func(yield func(int, error) bool) {
		_ = yield(1, errPage) && yield(3, errPage)
	}, func(int) bool {
		assert.Fail(t, "asked about a row that is none")
		return false
	}) {
		require.ErrorIs(t, err, errPage)
		errs++
	}
	assert.Equal(t, 2, errs)
}
