package cloudreplicatest

import (
	"slices"
	"strings"
)

// owned is what belongs to a backup server. Values of it never change: what changes is replaced by another value, so
// that whoever has begun to show one may go on without a lock.
type owned interface {
	ident() string
	owner() *backupServer
}

// shelf is what there is of one kind, in the order of its making.
type shelf[T owned] struct {
	all  []T
	byID map[string]T
}

func (s *shelf[T]) get(id string) (T, bool) {
	found, known := s.byID[strings.ToLower(id)]
	return found, known
}

// put adds a value, or replaces the one of its id.
func (s *shelf[T]) put(value T) {
	if s.byID == nil {
		s.byID = map[string]T{}
	}
	id := value.ident()
	if _, known := s.byID[id]; known {
		s.all = slices.Clone(s.all)
		s.all[slices.IndexFunc(s.all, func(other T) bool { return other.ident() == id })] = value
	} else {
		s.all = append(s.all, value)
	}
	s.byID[id] = value
}

func (s *shelf[T]) drop(id string) {
	id = strings.ToLower(id)
	if _, known := s.byID[id]; !known {
		return
	}
	delete(s.byID, id)
	s.all = slices.DeleteFunc(slices.Clone(s.all), func(value T) bool { return value.ident() == id })
}

// take replaces what a shelf knows of a server by what there really is.
func (s *shelf[T]) take(really *shelf[T], of *backupServer) {
	taken := shelf[T]{byID: map[string]T{}}
	for _, value := range s.all {
		if value.owner() != of {
			taken.put(value)
		}
	}
	for _, value := range really.all {
		if value.owner() == of {
			taken.put(value)
		}
	}
	*s = taken
}

// catalogue is what backup servers have: really, or as far as the database knows.
type catalogue struct {
	tenants       shelf[*tenant]
	plans         shelf[*plan]
	replicas      shelf[*replica]
	hardwarePlans shelf[*hardwarePlan]
	gateways      shelf[*gateway]
	pools         shelf[*gatewayPool]
}

// collect makes the database know what a server has.
func (c *catalogue) collect(really *catalogue, of *backupServer) {
	c.tenants.take(&really.tenants, of)
	c.plans.take(&really.plans, of)
	c.replicas.take(&really.replicas, of)
	c.hardwarePlans.take(&really.hardwarePlans, of)
	c.gateways.take(&really.gateways, of)
	c.pools.take(&really.pools, of)
}
