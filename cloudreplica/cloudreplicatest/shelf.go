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
	all   []T
	byID  map[string]T
	edits int                   // how often it was changed
	taken map[*backupServer]int // how often what was taken from had been changed by then
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
	s.edits++
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
	s.edits++
	delete(s.byID, id)
	s.all = slices.DeleteFunc(slices.Clone(s.all), func(value T) bool { return value.ident() == id })
}

// take replaces what a shelf knows of a server by what there really is, and reports whether there was anything new.
func (s *shelf[T]) take(really *shelf[T], of *backupServer) bool {
	if before, known := s.taken[of]; known && before == really.edits {
		return false // what tasks have put here since is there as well
	}
	next := shelf[T]{byID: map[string]T{}, edits: s.edits + 1, taken: s.taken}
	for _, value := range s.all {
		if value.owner() != of {
			next.put(value)
		}
	}
	for _, value := range really.all {
		if value.owner() == of {
			next.put(value)
		}
	}
	if next.taken == nil {
		next.taken = map[*backupServer]int{}
	}
	next.taken[of] = really.edits
	*s = next
	return true
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

// collect makes the database know what a server has, and reports whether there was anything new.
func (c *catalogue) collect(really *catalogue, of *backupServer) bool {
	news := c.tenants.take(&really.tenants, of)
	news = c.plans.take(&really.plans, of) || news
	news = c.replicas.take(&really.replicas, of) || news
	news = c.hardwarePlans.take(&really.hardwarePlans, of) || news
	news = c.gateways.take(&really.gateways, of) || news
	return c.pools.take(&really.pools, of) || news
}
