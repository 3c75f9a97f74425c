package transport

import (
	"context"
	"fmt"
	"iter"

	"github.com/drkit-go/drkit"
)

// Page is one page of a list that is read by offset.
type Page[T any] struct {
	Items []T
	Total int // of the whole list; 0 if the service does not say
}

// List is a list that is read by offset.
type List[T any] struct {
	Name   string // for errors, as in "vcav.VMReplications.List"
	Offset int    // rows to skip
	Limit  int    // rows a page; 0 leaves it to the service
	ID     func(row *T) string
	Fetch  func(ctx context.Context, offset, limit int) (Page[T], error)
}

// maxWalks is how often a list that moves is read from its beginning before that is given up.
const maxWalks = 4

// Rows walks the list from page to page. Each page overlaps the last by one row: where the two do not
// join, rows have come or gone, and the walk begins again, passing on only rows that it has not passed
// on before. Nothing is sent before the first row is asked for.
func Rows[T any](ctx context.Context, list List[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		w := walk[T]{list: list, yield: yield}
		for range maxWalks {
			if ended := w.run(ctx); ended {
				return
			}
		}
		var none T
		yield(none, fmt.Errorf("%s: %w (read %d times)", list.Name, drkit.ErrListMoved, maxWalks))
	}
}

// walk is the state of one iteration: ids that were passed on, over all walks.
type walk[T any] struct {
	list  List[T]
	yield func(T, error) bool
	seen  map[string]struct{}
}

// run walks once from the beginning. It returns false if the list moved under it.
func (w *walk[T]) run(ctx context.Context) (ended bool) {
	last, read, limit := "", 0, w.list.Limit
	for {
		offset := w.list.Offset + read
		if read > 0 {
			offset--
			if limit == 1 {
				limit = 2 // the overlap takes one
			}
		}
		page, err := w.list.Fetch(ctx, offset, limit)
		if err != nil {
			var none T
			w.yield(none, err)
			return true
		}
		rows := page.Items
		if read > 0 {
			if len(rows) == 0 || w.list.ID(&rows[0]) != last {
				return false
			}
			rows = rows[1:]
		}
		if len(rows) == 0 {
			return true
		}
		if !w.pass(rows) {
			return true
		}
		last = w.list.ID(&rows[len(rows)-1])
		read += len(rows)
		if page.Total > 0 && w.list.Offset+read >= page.Total {
			return true
		}
	}
}

// pass hands on the rows that are new. It returns false if the caller has had enough.
func (w *walk[T]) pass(rows []T) bool {
	if w.seen == nil {
		w.seen = make(map[string]struct{}, len(rows))
	}
	for i := range rows {
		id := w.list.ID(&rows[i])
		if _, again := w.seen[id]; again {
			continue
		}
		w.seen[id] = struct{}{}
		if !w.yield(rows[i], nil) {
			return false
		}
	}
	return true
}
