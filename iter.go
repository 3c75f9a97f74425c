package drkit

import "iter"

// Collect reads a list to its end and returns its rows. On an error it returns the rows that came
// before it, with the error.
func Collect[T any](rows iter.Seq2[T, error]) ([]T, error) {
	var read collected[T]
	rows(read.take)
	return read.rows, read.err
}

// collected is what has come of a list. A loop would put each of its variables on the heap by itself.
type collected[T any] struct {
	rows []T
	err  error
}

func (c *collected[T]) take(row T, err error) (more bool) {
	if err != nil {
		c.err = err
		return false
	}
	c.rows = append(c.rows, row)
	return true
}

// First returns the first row for which match is true, and reads no further than that. It returns
// [ErrNotFound] if there is none. A nil match takes any row.
func First[T any](rows iter.Seq2[T, error], match func(T) bool) (T, error) {
	var none T
	for row, err := range rows {
		if err != nil {
			return none, err
		}
		if match == nil || match(row) {
			return row, nil
		}
	}
	return none, ErrNotFound
}

// Filter passes on the rows for which keep is true, and errors as they come. A nil keep passes on all.
func Filter[T any](rows iter.Seq2[T, error], keep func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for row, err := range rows {
			if (err != nil || keep == nil || keep(row)) && !yield(row, err) {
				return
			}
		}
	}
}
