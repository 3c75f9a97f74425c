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
	// Next is where the service says that the next page begins; 0 if it does not say.
	Next int
	Last bool // the service says that there is no other page
}

// goesOn reports whether the service says that there are rows behind those that were read.
func (p Page[T]) goesOn(read position) bool {
	return !p.Last && max(p.Next, p.Total-1) >= read.offset+read.read
}

// List is a list that is read by offset.
type List[T any] struct {
	Name   string // for errors, as in "vcav.VMReplications.List"
	Offset int    // rows to skip
	Limit  int    // rows a page; 0 leaves it to the service
	ID     func(row *T) string
	Fetch  func(ctx context.Context, offset, limit int) (Page[T], error)
	// Ahead fetches the next page while the caller works on this one: begun when the caller asks for its
	// second row, and ended when the caller breaks out.
	Ahead bool
	// Parallel is how many pages are fetched at a time, where Ahead is set and the first page tells how many rows
	// there are; 0 is one.
	Parallel int
	// After reads the list by markers in the place of offsets: a page begins after the row that marker names, and
	// the first one after Marker. Such pages cannot slip, so they do not overlap.
	After  func(ctx context.Context, marker string, limit int) (Page[T], error)
	Marker string
}

// maxWalks is how often a list that moves is read from its beginning before that is given up.
const maxWalks = 4

// Rows walks the list from page to page. Each page overlaps the last by one row: where the two do not
// join, rows have come or gone, and the walk begins again, passing on only rows that it has not passed
// on before. A page that the service says begins elsewhere than behind the last row is read as it says, and
// overlaps nothing. Pages that are fetched in parallel overlap and are passed on in their order. Nothing is sent
// before the first row is asked for.
func Rows[T any](ctx context.Context, list List[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		if list.Offset < 0 || list.Limit < 0 {
			yield(none, fmt.Errorf("%s: negative Offset %d or Limit %d", list.Name, list.Offset, list.Limit))
			return
		}
		w := walk[T]{list: list, yield: yield}
		for w.number = range maxWalks {
			if ended := w.run(ctx); ended {
				return
			}
		}
		yield(none, fmt.Errorf("%s: %w (read %d times)", list.Name, drkit.ErrListMoved, maxWalks))
	}
}

// walk is the state of one iteration, over all walks.
type walk[T any] struct {
	list  List[T]
	yield func(T, error) bool
	// seen has the ids that were passed on, with the walk in which they were seen last.
	seen   map[string]int
	number int
}

// run walks once from the beginning. It returns false if the list moved under it.
func (w *walk[T]) run(ctx context.Context) (ended bool) {
	fetches := fetches[T]{walk: w, ctx: ctx}
	defer fetches.end()
	place := position{offset: w.list.Offset, limit: w.list.Limit, last: w.list.Marker}
	for {
		page, err := fetches.next(place)
		if err != nil {
			var none T
			w.yield(none, err)
			return true
		}
		rows := page.Items
		switch {
		case place.single && page.Total != place.total:
			return false
		case w.list.After == nil && place.overlaps():
			if len(rows) == 0 || w.list.ID(&rows[0]) != place.last {
				return false
			}
			if rows = rows[1:]; len(rows) == 0 && place.first == 1 && page.goesOn(place) {
				place.single, place.total = true, page.Total
				continue
			}
		}
		if len(rows) == 0 {
			return true
		}
		place.advance(len(rows), w.list.ID(&rows[len(rows)-1]))
		place.goTo(page.Next)
		end := page.Last || page.Total > 0 && place.offset+place.read >= page.Total
		begin := func() {
			if !end {
				fetches.begin(place, page.Total)
			}
		}
		more, moved := w.pass(rows, begin)
		if moved {
			return false
		}
		if !more || end {
			return true
		}
	}
}

// position is how far a walk has come.
type position struct {
	offset, limit int
	read          int
	first         int    // rows of the first page; the others have as many, but for the last
	last          string // id of the last row, or where the list begins
	apart         bool   // the next page does not begin behind the last row
	// single: the service gives one row a page, whatever is asked for. Such pages cannot overlap, so it is the total
	// that tells whether the list has moved.
	single bool
	total  int
}

func (p *position) advance(rows int, last string) {
	if p.read == 0 {
		p.first = rows
	}
	p.read += rows
	p.last = last
	if p.limit == 1 {
		p.limit = 2 // the overlap takes one
	}
}

// goTo moves to where the service says that the next page begins, unless it says nothing, or to go back.
func (p *position) goTo(next int) {
	p.apart = next > p.offset+p.read
	if p.apart {
		p.read = next - p.offset
	}
}

// overlaps reports whether the next page begins with the last row of this one.
func (p position) overlaps() bool { return p.read > 0 && !p.apart && !p.single }

// next returns where the next page begins: one row back, if the two overlap.
func (p position) next() (offset, limit int) {
	if !p.overlaps() {
		return p.offset + p.read, p.limit
	}
	return p.offset + p.read - 1, p.limit
}

// pending is a page that is on its way.
type pending[T any] struct {
	result chan struct{} // closed when page and err are set
	page   Page[T]
	err    error
}

// fetches are the pages that are on their way, in their order.
type fetches[T any] struct {
	walk   *walk[T]
	ctx    context.Context
	cancel context.CancelFunc // nil where nothing was begun ahead of the caller
	coming []*pending[T]
}

// next waits for the next page, which it fetches if nobody has begun to. Fetches end with the context of the walk.
func (f *fetches[T]) next(place position) (Page[T], error) {
	if len(f.coming) == 0 {
		return f.walk.fetch(f.ctx, place)
	}
	p := f.coming[0]
	<-p.result
	f.coming = f.coming[1:]
	return p.page, p.err
}

// begin begins to fetch what comes next: one page, or several where it is known where they begin. A list that has
// moved is read again page by page.
func (f *fetches[T]) begin(place position, total int) {
	list := f.walk.list
	width, step := 1, place.first-1
	if list.After == nil && f.walk.number == 0 && step > 0 {
		width = max(1, list.Parallel)
		place.read += len(f.coming) * step
	}
	for len(f.coming) == 0 || len(f.coming) < width && place.offset+place.read < total {
		f.ahead(place)
		place.read += step
	}
}

// ahead fetches a page on a goroutine, which end waits for.
func (f *fetches[T]) ahead(place position) {
	if f.cancel == nil {
		f.ctx, f.cancel = context.WithCancel(f.ctx) //nolint:gosec // end calls it
	}
	p := &pending[T]{result: make(chan struct{})}
	f.coming = append(f.coming, p)
	go func() {
		defer close(p.result)
		p.page, p.err = f.walk.fetch(f.ctx, place)
	}()
}

// end ends the fetches that nobody wants any more, and waits until they have ended.
func (f *fetches[T]) end() {
	if f.cancel == nil {
		return
	}
	f.cancel()
	for _, p := range f.coming {
		<-p.result
	}
}

// fetch reads one page.
func (w *walk[T]) fetch(ctx context.Context, place position) (Page[T], error) {
	if w.list.After != nil {
		return w.list.After(ctx, place.last, w.list.Limit)
	}
	offset, limit := place.next()
	return w.list.Fetch(ctx, offset, limit)
}

// pass hands on the rows that are new, and calls begin once the caller wants more than the first. More is
// false if the caller has had enough. Moved tells of a row that this walk has had before: it has changed
// its place, or the service repeats itself.
func (w *walk[T]) pass(rows []T, begin func()) (more, moved bool) {
	if w.seen == nil {
		w.seen = make(map[string]int, len(rows))
	}
	for i := range rows {
		id := w.list.ID(&rows[i])
		if id == "" {
			var none T
			w.yield(none, fmt.Errorf("%s: a row without an id", w.list.Name))
			return false, false
		}
		walk, known := w.seen[id]
		w.seen[id] = w.number
		switch {
		case known && walk == w.number:
			return false, true
		case known:
			continue
		case !w.yield(rows[i], nil):
			return false, false
		}
		if w.list.Ahead {
			begin()
		}
	}
	return true, false
}
