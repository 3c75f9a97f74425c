package vcavtest

import (
	"container/heap"
	"time"
)

// agenda is what is going to happen, the earliest first. Nothing happens by itself: each request first lets
// happen what is due, so that no goroutine is needed and the order is the same in every run.
type agenda struct {
	entries appointments
	made    int
}

type appointment struct {
	at    time.Time
	order int // of making
	do    func(at time.Time)
}

// add plans something. It may be planned for the past, and then happens as soon as somebody looks.
func (g *agenda) add(at time.Time, do func(at time.Time)) {
	g.made++
	heap.Push(&g.entries, appointment{at: at, order: g.made, do: do})
}

// settle lets happen what is due by now, also what thereby becomes due.
func (g *agenda) settle(now time.Time) {
	for len(g.entries) > 0 && !g.entries[0].at.After(now) {
		if due, ok := heap.Pop(&g.entries).(appointment); ok {
			due.do(due.at)
		}
	}
}

// settle lets happen what is due by a moment, and takes that for the present. Late work may find that somebody
// has been quicker; time does not run backwards for it.
func (a *appliance) settle(moment time.Time) {
	if moment.After(a.now) {
		a.now = moment
	}
	a.agenda.settle(a.now)
}

// lock locks the state as it is now: all that is due has happened. The caller unlocks it.
func (s *Server) lock() *appliance {
	s.kit.Settle()
	a := s.appliance
	a.mu.Lock()
	a.settle(a.clock.Now())
	return a
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
