package vcavtest

import "time"

// settle lets happen what is due by a moment, and takes that for the present.
func (a *appliance) settle(moment time.Time) { a.agenda.CatchUp(&a.now, moment) }

// lock locks the state as it is now: all that is due has happened. The caller unlocks it.
func (s *Server) lock() *appliance {
	s.kit.Settle()
	a := s.appliance
	a.mu.Lock()
	a.settle(a.clock.Now())
	return a
}
