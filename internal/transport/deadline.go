package transport

import (
	"sync"
	"time"
)

// deadlines ends attempts that take too long. All have the same limit, so they expire in the order in
// which they began, and one timer serves them all: a timer of its own for each request would wake a
// sleeping thread each time, which costs more than the rest of the transport together.
type deadlines struct {
	limit time.Duration

	mu    sync.Mutex
	head  *deadline // the next to expire
	tail  *deadline
	timer *time.Timer
	armed bool
}

// deadline is the limit of one attempt. It is part of its exchange, so that it costs no allocation.
type deadline struct {
	at         time.Time
	expire     func()
	prev, next *deadline
	queued     bool
}

// start lets expire be called after the limit, unless stop comes before. A deadline that runs already
// begins anew.
func (d *deadlines) start(one *deadline, expire func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.remove(one)
	one.at, one.expire, one.queued = time.Now().Add(d.limit), expire, true
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
	var expired []func()
	d.mu.Lock()
	now := time.Now()
	for d.head != nil && !d.head.at.After(now) {
		expired = append(expired, d.head.expire)
		d.remove(d.head)
	}
	d.armed = d.head != nil
	if d.armed {
		d.timer.Reset(d.head.at.Sub(now))
	}
	d.mu.Unlock()
	for _, expire := range expired {
		expire()
	}
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
