package simkit

import (
	"container/heap"
	"time"
)

// Agenda is what is going to happen in a service, the earliest first. Nothing happens by itself: each request
// first lets happen what is due, so that no goroutine is needed and the order is the same in every run. Whoever
// uses it locks it. The zero Agenda is empty.
type Agenda struct {
	entries appointments
	made    int
}

type appointment struct {
	at    time.Time
	order int // of making
	do    func(at time.Time)
}

// Add plans something. It may be planned for the past, and then happens as soon as somebody looks.
func (g *Agenda) Add(at time.Time, do func(at time.Time)) {
	g.made++
	heap.Push(&g.entries, appointment{at: at, order: g.made, do: do})
}

// Settle lets happen what is due by now, also what thereby becomes due.
func (g *Agenda) Settle(now time.Time) {
	for len(g.entries) > 0 && !g.entries[0].at.After(now) {
		if due, ok := heap.Pop(&g.entries).(appointment); ok {
			due.do(due.at)
		}
	}
}

// CatchUp takes a moment for the present and lets happen what is due by then. Late work may find that somebody has been
// quicker; time does not run backwards for it.
func (g *Agenda) CatchUp(present *time.Time, moment time.Time) {
	if moment.After(*present) {
		*present = moment
	}
	g.Settle(*present)
}

// appointments are a heap.
type appointments []appointment

// Len is for package heap, as are the others.
func (l appointments) Len() int { return len(l) }

// Less puts what is earlier, or was planned earlier, first.
func (l appointments) Less(i, j int) bool {
	if c := l[i].at.Compare(l[j].at); c != 0 {
		return c < 0
	}
	return l[i].order < l[j].order
}

// Swap exchanges two.
func (l appointments) Swap(i, j int) { l[i], l[j] = l[j], l[i] }

// Push appends one.
func (l *appointments) Push(entry any) {
	if planned, ok := entry.(appointment); ok {
		*l = append(*l, planned)
	}
}

// Pop removes the last.
func (l *appointments) Pop() any {
	last := (*l)[len(*l)-1]
	(*l)[len(*l)-1] = appointment{} // lets go of what it held
	*l = (*l)[:len(*l)-1]
	return last
}
