package vcavtest

import (
	"errors"
	"time"
)

// InstanceID sets the identity of the appliance, which GET /diagnostics/about and the health tell clients. By
// default every server has one of its own; two servers with the same are one appliance at two addresses.
func InstanceID(id string) Option {
	return func(c *config) error {
		if id == "" {
			return errors.New("InstanceID: it is empty")
		}
		c.instanceID = id
		return nil
	}
}

// InstanceID returns the identity of the appliance, which GET /diagnostics/about and the health tell clients.
func (s *Server) InstanceID() string {
	a := s.lock()
	defer a.mu.Unlock()
	return a.instanceID
}

// SetInstanceID lets another appliance answer at this address from now on, as when the name has moved to one
// that was put in its place; its manager is another as well. Nothing else changes: call [Server.Restart] for
// what such a change does to sessions and connections.
func (s *Server) SetInstanceID(id string) {
	if id == "" {
		s.kit.Complain("SetInstanceID: the id is empty")
		return
	}
	a := s.lock()
	defer a.mu.Unlock()
	a.instanceID, a.health.managerID = id, freshID()
}

// Restart restarts the appliance. Connections are cut, also under requests on their way, and for as long as it
// is down by the server's clock new ones are closed before their TLS handshake; 0 lets it be back at once. The
// next Restart replaces what is left of that time, so that Restart(0) ends it.
//
// Sessions and the cookies of downloads are gone, and the health shows another runtimeId. Nobody documents what
// becomes of tasks: here they go on meanwhile, as does everything else that the appliance keeps in its database.
// Late work of a [Fault] that comes due while the appliance is down is lost, and operators cannot reach it.
func (s *Server) Restart(down time.Duration) {
	if down < 0 {
		s.kit.Complain("Restart: time does not run backwards")
		return
	}
	s.kit.Restart(down)
	a := s.lock()
	defer a.mu.Unlock()
	clear(a.sessions)
	clear(a.bundles.cookies)
	a.health.runtimeID, a.health.managerRuntimeID = freshID(), freshID()
}
