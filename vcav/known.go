package vcav

import (
	"errors"
	"fmt"
)

// An answer of another kind, such as the {"status":"ok"} of a gateway, decodes into any struct and leaves
// it empty. What an answer cannot be without is checked here, for all calls that ask for it.

// identified is an answer that can tell whether it is what was asked for.
type identified interface{ identified() error }

func (t Task) identified() error            { return needs("task", "id", t.ID) }
func (r VMReplication) identified() error   { return needs("replication", "id", r.ID) }
func (p Policy) identified() error          { return needs("policy", "id", p.ID) }
func (s Session) identified() error         { return needs("session", "user", s.User) }
func (a About) identified() error           { return needs("product", "instanceId", a.InstanceID) }
func (b SupportBundle) identified() error   { return needs("support bundle", "id", b.ID) }
func (h CloudHealth) identified() error     { return needs("health", "instanceId", h.InstanceID) }
func (i InstanceDetails) identified() error { return needs("instance", "key", i.Key) }
func (s Series) identified() error          { return needs("series", "interval", string(s.Interval)) }

func (h VirtualHardware) identified() error {
	if h.CPUs == 0 && h.MemoryMB == 0 {
		return errors.New("hardware without processors and memory")
	}
	return nil
}

func (p TaskPage) identified() error {
	if p.Items == nil {
		return errors.New("a page of tasks without items")
	}
	return nil
}

func (p VMReplicationPage) identified() error {
	if p.Items == nil {
		return errors.New("a page of replications without items")
	}
	return nil
}

func needs(what, member, value string) error {
	if value == "" {
		return fmt.Errorf("a %s without %s", what, member)
	}
	return nil
}
