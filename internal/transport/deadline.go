package transport

import (
	"sync"
	"time"
)

// deadlines ends attempts that take too long, and all of them when the client closes. All have the same
// limit, so they expire in the order in which they began, and one timer serves them all: a timer of its own
// for each request would wake a sleeping thread each time, which costs more than the rest of the transport
// together.
type deadlines struct {
	limit time.Duration

	mu    sync.Mutex
	head  *deadline // the next to expire
	tail  *deadline
	timer *time.Timer
	armed bool
	over  error // why nothing may begin any more
}

// deadline is the limit of one attempt. It is part of its exchange, so that it costs no allocation.
type deadline struct {
	at         time.Time
	end        func(error)
	prev, next *deadline
	queued     bool
}

// start lets end be called after the limit, or when all end, unless stop comes before. A deadline that runs
// already begins anew.
func (d *deadlines) start(one *deadline, end func(error)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(one)
	if d.over != nil {
		end(d.over)
		return
	}
	one.at, one.end, one.queued = time.Now().Add(d.limit), end, true
	one.prev, d.tail = d.tail, one
	if one.prev == nil {
		d.head = one
	} else {
		one.prev.next = one
	}
	switch {
	case d.armed: // for one that began earlier
	case d.timer == nil:
		d.timer, d.armed = time.AfterFunc(d.limit, d.run), true
	default:
		d.timer.Reset(d.limit)
		d.armed = true
	}
}

func (d *deadlines) stop(one *deadline) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(one)
}

// run ends what has expired and sets the timer for the next.
func (d *deadlines) run() {
	d.mu.Lock()
	now := time.Now()
	expired := d.take(func(one *deadline) bool { return !one.at.After(now) })
	d.armed = d.head != nil
	if d.armed {
		d.timer.Reset(d.head.at.Sub(now))
	}
	d.mu.Unlock()
	for _, end := range expired {
		end(&timeoutError{d.limit})
	}
}

// endAll ends what is under way, and whatever begins from now on.
func (d *deadlines) endAll(why error) {
	d.mu.Lock()
	d.over = why
	all := d.take(func(*deadline) bool { return true })
	if d.timer != nil {
		d.timer.Stop()
	}
	d.mu.Unlock()
	for _, end := range all {
		end(why)
	}
}

// take removes deadlines from the head of the queue as long as they match. The caller holds the lock.
func (d *deadlines) take(match func(*deadline) bool) []func(error) {
	var taken []func(error)
	for d.head != nil && match(d.head) {
		taken = append(taken, d.head.end)
		d.remove(d.head)
	}
	return taken
}

// remove takes one out of the queue. The caller holds the lock.
func (d *deadlines) remove(one *deadline) {
	if !one.queued {
		return
	}
	if one.prev == nil {
		d.head = one.next
	} else {
		one.prev.next = one.next
	}
	if one.next == nil {
		d.tail = one.prev
	} else {
		one.next.prev = one.prev
	}
	one.prev, one.next, one.queued = nil, nil, false
}
