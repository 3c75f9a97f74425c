package vcavtest

import "time"

// settle lets happen what is due by a moment, and takes that for the present. Late work may find that somebody
// has been quicker; time does not run backwards for it.
func (a *appliance) settle(moment time.Time) {
	if moment.After(a.now) {
		a.now = moment
	}
	a.agenda.Settle(a.now)
}

// lock locks the state as it is now: all that is due has happened. The caller unlocks it.
func (s *Server) lock() *appliance {
	s.kit.Settle()
	a := s.appliance
	a.mu.Lock()
	a.settle(a.clock.Now())
	return a
}
